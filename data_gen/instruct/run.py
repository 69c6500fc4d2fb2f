"""The whole way: corpora -> records with their split -> shards -> exports and datasheet."""

import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from data_gen.corpora import READERS, open_record
from data_gen.corpora.record import Record
from data_gen.facts import Facts, facts_of
from data_gen.instruct.config import Instructions
from data_gen.instruct.datasheet import write_datasheet
from data_gen.instruct.export import export
from data_gen.instruct.shard import SCHEMA, write_instruct
from data_gen.provenance import write_provenance
from data_gen.split import EcgQa, assigned, report
from data_gen.teacher.batch import requests
from gem.errors import ConfigError, GemError
from gem.files import data_folder, write_whole, writing_whole
from gem.runner import parse_part, plan, run

RECORDS, SPLIT = "records.jsonl", "split.json"


def split_records(recipe: Instructions) -> tuple[list[Record], EcgQa]:
    """All records of the recipe's corpora with their split, same patients together. Raises `ConfigError` and `LeakError`."""
    base = data_folder()
    ecgqa = EcgQa.read(base / recipe.ecgqa) if recipe.ecgqa else EcgQa()
    found: list[Record] = []
    for at in recipe.corpora:
        folder = base / at.folder
        if not folder.is_dir():
            raise ConfigError(f"{folder}: no such folder; {at.corpus} is looked for there ($GEM_DATA is {base})")
        mine = list(READERS[at.corpus](folder, base))
        if at.limit is not None and at.limit < len(mine):
            mine = [mine[k * len(mine) // at.limit] for k in range(at.limit)]
        found += [record if at.data_class is None else record.model_copy(update={"data_class": at.data_class}) for record in mine]
    doubled = len(found) - len({record.id for record in found})
    if doubled:
        raise ConfigError(f"{doubled} records are there twice; is a corpus listed twice?")
    return sorted(assigned(found, ecgqa, recipe.seed), key=lambda r: (r.split or "", r.patient, r.id)), ecgqa


def instruct(recipe: Instructions, jobs: int, part: str | None, ray: str | None) -> int:
    """Make an instruction set; 0, or 3 when some recordings could not be read (their rows say why)."""
    records, ecgqa = split_records(recipe)
    folder = Path(recipe.output)
    wanted = [record for record in records if record.split in recipe.splits]
    if not wanted:
        raise ConfigError(f"no record in the splits {', '.join(recipe.splits)}; choose others with splits=[...]")
    items = [record.model_dump_json() for record in wanted]
    shards = plan(items, folder / "shards", recipe.per_shard, ".jsonl", {"schema": SCHEMA, "recipe": recipe.decides()})
    write_provenance(folder)
    write_whole(folder / RECORDS, "".join(f"{record.model_dump_json()}\n" for record in records))
    counted = report(records, ecgqa)
    write_whole(folder / SPLIT, json.dumps(counted, indent=1) + "\n")
    run(partial(write_instruct, recipe=recipe), shards, jobs, ray, parse_part(part))
    missing = sum(not shard.path.exists() for shard in shards)
    if missing:
        sys.stderr.write(f"data_gen: {missing} of {len(shards)} shards are still to be made; the last part to end joins them\n")
        return 0
    paths = [shard.path for shard in shards]
    export(paths, folder, recipe)
    count = write_datasheet(paths, folder, recipe, counted)
    unread = sum(n for why, n in count.failed.items() if not why.startswith("not readable"))
    sys.stderr.write(f"data_gen: {folder} holds {sum(count.samples.values())} samples; {unread} records could not be read (failed.jsonl)\n")
    return 3 if unread else 0


def write_requests(recipe: Instructions, target: Path) -> int:
    """The teacher's requests as a batch file."""
    if recipe.teacher is None:
        raise ConfigError("--export-requests needs a `teacher` in the recipe")
    records, _ = split_records(recipe)
    with writing_whole(target) as stream:
        number = 0
        for line in requests(_known([r for r in records if r.split in recipe.splits]), recipe.teacher):
            stream.write(line.encode())
            number += 1
    sys.stderr.write(f"data_gen: {number} requests in {target}\n")
    return 0


def _known(records: list[Record]) -> Iterator[Facts]:
    """Facts of every record that can be read."""
    base = data_folder()
    for record in records:
        try:
            yield facts_of(record, open_record(record, base))
        except GemError:
            continue
