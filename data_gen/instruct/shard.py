"""One shard of an instruction set: records in, rows out, written whole.

Rows: {"row": "conversation", ...}, {"row": "rejected", ...}, {"row": "record", ...} (what is known of it), {"row": "failed", ...}.
The same recipe gives the same bytes whoever makes which shard: every choice is drawn from the seed and the record's id.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from data_gen.corpora import open_record
from data_gen.corpora.record import Record
from data_gen.facts import Facts, facts_of
from data_gen.images.page import as_image, as_json, as_npy
from data_gen.images.shard import tar_of
from data_gen.instruct.accept import Judged, Rejected, Seen, accept
from data_gen.instruct.config import Instructions
from data_gen.instruct.draft import Draft
from data_gen.instruct.told import joined, only_told
from data_gen.instruct.write import comparisons, drafts, refused
from data_gen.teacher.write import Teacher
from gem.conversation import Conversation, Ecg, Turn
from gem.ecg.recording import Recording
from gem.errors import GemError, NotReadable
from gem.files import data_folder, write_whole
from gem.infer.facts import fact_block
from gem.runner import Shard

SCHEMA = "gem.instruct/1"
Row = dict[str, Any]


def write_instruct(shard: Shard, recipe: Instructions) -> None:
    """Make the samples of a shard. A record that cannot be read is a row with its reason; a teacher's fault stops the run."""
    cv2.setNumThreads(1)
    base = data_folder()
    rows: list[Row] = []
    known: list[Facts] = []
    recordings: dict[str, Recording] = {}
    for text in shard.items:
        record = Record.model_validate_json(text)
        try:
            recording = open_record(record, base)
            facts = facts_of(record, recording)
        except NotReadable as fault:
            why = str(fault).replace(f"{record.path}: ", "").removeprefix(f"{base}{os.sep}")
            rows += _of(refused(_reason(why), record.id, recipe.seed), [], record, recipe)[0]
            rows.append({"row": "record", "id": record.id, "split": record.split, "unreadable": why})
            continue
        except GemError as fault:
            message = str(fault).replace(f"{base}{os.sep}", "")
            rows.append({"row": "failed", "id": record.id, "error": {"code": fault.code, "message": message}})
            continue
        known.append(facts)
        if recipe.pictures is not None or "aligned" in recipe.exports:
            recordings[record.id] = recording
    taught = Teacher(recipe.teacher, Path(recipe.output)).drafts(known) if recipe.teacher else [([], []) for _ in known]
    for facts, (extra, missing) in zip(known, taught, strict=True):
        made, claims = _of([*drafts(facts, recipe.mix, recipe.seed), *extra], [facts], facts.record, recipe)
        rows += [*made, *(_rejected(fault, facts.record, "llm") for fault in missing), _summary(facts, claims)]
    for first, second in pairwise(known):
        if first.record.split == second.record.split:
            rows += _of(comparisons(first, second, recipe.mix, recipe.seed), [first, second], first.record, recipe)[0]
    _pictures(shard, recipe, known, recordings, rows)
    write_whole(shard.path, "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows))


def _reason(why: str) -> str:
    """The reasons of a refusal without the name of the file."""
    return why.rpartition(": ")[2].rstrip(".") if ": " in why else why.rstrip(".")


def _of(made: Sequence[Draft], facts: Sequence[Facts], record: Record, recipe: Instructions) -> tuple[list[Row], dict[str, int]]:
    """Rows of the drafts of one record (or pair), judged, and how many claims were read in what was accepted."""
    seen, rows, total = Seen(), [], {"claims": 0, "numeric": 0}
    told = "\n".join(fact_block(f.measured) for f in facts) if recipe.told else None
    for number, draft in enumerate(made):
        judged = accept(draft, facts)
        if judged.draft is not None and told is not None:
            kept = only_told(judged.draft, told)
            why = Rejected(draft.task, "sample", "not told", draft.pairs[0][1].text, "rests on numbers that the facts do not give")
            judged = replace(judged, draft=kept) if kept else Judged(None, (*judged.rejected, why))
        if judged.draft is not None and seen.repeats(judged.draft):
            judged = Judged(None, (Rejected(draft.task, "sample", "duplicate", draft.pairs[0][0], "as another of the same record"),))
        rows += [_rejected(fault, record, draft.origin.kind) for fault in judged.rejected]
        if judged.draft is not None:
            rows.append({"row": "conversation"} | _conversation(judged.draft, number, facts, record, recipe).to_row())
            total["claims"] += judged.claims
            total["numeric"] += judged.numeric
    if recipe.turns > 1:
        said = [row for row in rows if row["row"] == "conversation"]
        rows = [*joined(said, recipe.turns, recipe.seed), *(row for row in rows if row["row"] != "conversation")]
    return rows, total


def _rejected(fault: Rejected, record: Record, writer: str) -> Row:
    return {"row": "rejected", "id": record.id, "split": record.split, "writer": writer} | vars(fault)


def _conversation(draft: Draft, number: int, facts: Sequence[Facts], record: Record, recipe: Instructions) -> Conversation:
    about = [f.record for f in facts] or [record]
    name = "+".join(one.id for one in about)
    digest = hashlib.sha256(f"{recipe.seed} {name} {draft.task} {number} {draft.origin.kind}".encode()).hexdigest()[:10]
    return Conversation(
        id=f"{name}/{draft.task.replace(' ', '-')}-{digest}",
        task=draft.task,
        ecgs=tuple(
            Ecg(record=r.id, path=r.path, row=r.row, picture=_picture_name(r) if recipe.pictures and facts else None) for r in about
        ),
        turns=tuple(Turn(role=role, text=text) for q, a in draft.pairs for role, text in (("user", q), ("assistant", a.text))),
        origin=draft.origin,
        patient=record.patient,
        split=record.split or "held out",
        licence=record.licence,
        data_class=record.data_class,
        meta=dict(draft.meta),
    )


def _summary(facts: Facts, claims: dict[str, int]) -> Row:
    """What is known of a record, for the datasheet and for whoever reads the set."""
    return {
        "row": "record",
        "id": facts.record.id,
        "split": facts.record.split,
        "quality": facts.measured.quality.overall,
        "present": [f.id for f in facts.present],
        "disputed": sorted(facts.disputed),
        "conflicts": [conflict.to_json() for conflict in facts.conflicts],
    } | claims


def _picture_name(record: Record) -> str:
    return f"pages/{record.id}.jpg"


def _pictures(shard: Shard, recipe: Instructions, known: Sequence[Facts], recordings: dict[str, Recording], rows: Sequence[Row]) -> None:
    """Pages of the shard's records, and its part of the aligned set; each file is whole before the shard's own is there."""
    folder, members = Path(recipe.output), {}
    texts: dict[str, list[str]] = {}
    for row in rows:
        if row["row"] == "conversation" and row["task"] in ("grounded", "report") and len(row["ecgs"]) == 1:
            texts.setdefault(row["ecgs"][0]["record"], []).append(row["turns"][-1]["text"])
    for facts in known if recordings else ():
        name, recording = facts.record.id, recordings[facts.record.id]
        page = b""
        if recipe.pictures is not None:
            page = as_image(recipe.pictures.scene(_chance(recipe, name)).picture(recording).image, recipe.quality)
            target = folder / _picture_name(facts.record)
            target.parent.mkdir(parents=True, exist_ok=True)
            write_whole(target, page)
        if "aligned" in recipe.exports:
            key = name.replace("/", "_")
            members |= {f"{key}.npy": as_npy(recording.signal), f"{key}.beats.json": as_json(facts.measured.to_json(beats=True))}
            members[f"{key}.json"] = as_json({"id": name, "fs": recording.fs, "leads": list(recording.leads), "texts": texts.get(name, [])})
            members |= {f"{key}.jpg": page} if page else {}
    if members:
        (folder / "aligned").mkdir(exist_ok=True)
        write_whole(folder / "aligned" / shard.path.with_suffix(".tar").name, tar_of(members))


def _chance(recipe: Instructions, name: str) -> np.random.Generator:
    """Everything random about the page of a record."""
    return np.random.default_rng(list(hashlib.sha256(f"{recipe.seed} {name}".encode()).digest()))
