"""Shards of pictures: tar files that unpack into what a trainer expects, or one row of parameters a picture.

The same recipe gives the same bytes, whoever makes which shard: every picture has a generator of its own, from the seed
and the place of its recording in the list.
"""

import io
import json
import os
import tarfile
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from data_gen.images.config import ImageSet
from data_gen.images.crop import crop_members
from data_gen.images.page import Drawn, box_members, drawn_from, pair_members, row_of, text_members
from gem.errors import GemError
from gem.files import data_folder, write_whole
from gem.runner import Shard

SCHEMA = "gem.images/1"
ERRORS = "errors.jsonl"
Members = dict[str, bytes]

_MAKERS: dict[str, Callable[[Drawn, ImageSet, np.random.Generator], Members]] = {
    "pairs": pair_members,
    "boxes": box_members,
    "crops": crop_members,
    "overlaps": crop_members,
    "text": text_members,
}


def suffix_of(recipe: ImageSet) -> str:
    return ".tar" if recipe.store == "pixels" else ".jsonl"


def write_images(shard: Shard, recipe: ImageSet) -> None:
    """Make the pictures of a shard and write its file, whole or not at all. What cannot be drawn is a row with its reason."""
    cv2.setNumThreads(1)  # the runner gives every process one core
    base = data_folder()
    members: Members = {}
    rows: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for text in shard.items:
        item = json.loads(text)
        rng = np.random.default_rng([recipe.seed, item["number"]])
        try:
            drawn = drawn_from(item, base, recipe, rng)
            if recipe.store == "parameters":
                rows.append(row_of(drawn))
            else:
                members |= _MAKERS[recipe.set](drawn, recipe, rng)
        except GemError as fault:
            message = str(fault).replace(f"{base}{os.sep}", "")
            failed.append({"id": item["id"], "source": item["path"], "error": {"code": fault.code, "message": message}})
    if recipe.store == "parameters":
        write_whole(shard.path, _lines([*rows, *failed]))
    else:
        write_whole(shard.path, tar_of(members | ({ERRORS: _lines(failed).encode()} if failed else {})))


def count(shards: list[Shard]) -> tuple[int, int]:
    """Items in the shards that are there, and how many of them could not be drawn."""
    errors = 0
    for shard in shards:
        if shard.path.suffix == ".jsonl":
            errors += sum("error" in json.loads(line) for line in shard.path.read_text(encoding="utf-8").splitlines())
            continue
        with tarfile.open(shard.path) as tar:
            if ERRORS in tar.getnames():
                stream = tar.extractfile(ERRORS)
                errors += 0 if stream is None else len(stream.read().splitlines())
    return sum(len(shard.items) for shard in shards), errors


def _lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def tar_of(members: Members) -> bytes:
    """A tar whose bytes depend on its members only."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members.items():
            facts = tarfile.TarInfo(name)
            facts.size = len(data)
            tar.addfile(facts, io.BytesIO(data))
    return out.getvalue()
