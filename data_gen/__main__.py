"""python -m data_gen CONFIG [key.sub=value ...] [--jobs N] [--shard i/n] [--ray ADDRESS]"""

import argparse
import json
import sys
from functools import partial
from pathlib import Path

import yaml

from data_gen.images.config import ImageSet
from data_gen.images.shard import SCHEMA, count, suffix_of, write_images
from data_gen.instruct.config import Instructions
from data_gen.instruct.run import instruct, write_requests
from data_gen.provenance import write_provenance
from data_gen.records import listed
from data_gen.teacher.batch import take_answers
from gem.config import read_yaml
from gem.ecg.lead import STANDARD
from gem.errors import ConfigError, GemError
from gem.files import write_whole
from gem.runner import parse_part, plan, run


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m data_gen", description="Make the data set that a recipe describes; goes on where it stopped."
    )
    parser.add_argument("config", metavar="CONFIG", help="a recipe, e.g. configs/data/instruct_ptbxl.yaml")
    parser.add_argument("changes", nargs="*", metavar="key.sub=value", help="settings that override it")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes")
    parser.add_argument("--shard", metavar="i/n", help="this part of the shards only, for a Slurm array")
    parser.add_argument("--ray", metavar="ADDRESS", help="a Ray cluster instead of processes")
    parser.add_argument("--export-requests", metavar="FILE", help="write the teacher's requests as a batch file, and stop")
    parser.add_argument(
        "--import-answers", nargs=2, metavar=("ANSWERS", "REQUESTS"), help="take a batch's answers into the cache, and stop"
    )
    args = parser.parse_args(argv)
    try:
        if "mix" in read_yaml(Path(args.config)):
            return _instructions(Instructions.load(args.config, args.changes), args)
        return images(ImageSet.load(args.config, args.changes), args.jobs, args.shard, args.ray)
    except GemError as fault:
        sys.stderr.write(f"data_gen: {fault}\n")
        return 2


def _instructions(recipe: Instructions, args: argparse.Namespace) -> int:
    """An instruction set, or one end of a batch for its teacher."""
    if args.export_requests:
        return write_requests(recipe, Path(args.export_requests))
    if args.import_answers:
        if recipe.teacher is None:
            raise ConfigError("--import-answers needs a `teacher` in the recipe")
        taken, lost = take_answers(*map(Path, args.import_answers), recipe.teacher)
        sys.stderr.write(f"data_gen: {taken} answers taken, {lost} of no use; run again with teacher.backend=replay\n")
        return 3 if lost else 0
    return instruct(recipe, args.jobs, args.shard, args.ray)


def images(recipe: ImageSet, jobs: int, part: str | None, ray: str | None) -> int:
    """Make an image set; 0, or 3 when some recordings could not be drawn (their rows say why)."""
    if (recipe.set == "text") != (recipe.text is not None):
        raise ConfigError("`text` names the column of the texts, or gem; it belongs to the set of that name, and to no other")
    if recipe.store == "parameters" and recipe.set in ("crops", "overlaps"):
        raise ConfigError(f"store: parameters: a crop of the set {recipe.set} depends on pixels; choose store: pixels")
    folder = Path(recipe.output)
    settings = {"schema": SCHEMA, "recipe": recipe.model_dump(mode="json", exclude={"output"})}
    shards = plan(items(recipe), folder, recipe.per_shard, suffix_of(recipe), settings)
    write_provenance(folder)
    if recipe.set == "boxes":
        names = {0: "lead"} | {k + 1: lead for k, lead in enumerate(STANDARD)}
        write_whole(folder / "data.yaml", yaml.safe_dump({"train": "images", "val": "images", "names": names}, sort_keys=False))
    run(partial(write_images, recipe=recipe), shards, jobs, ray, parse_part(part))
    made, failed = count([shard for shard in shards if shard.path.exists()])
    sys.stderr.write(f"data_gen: {folder} holds {made - failed} pictures; {failed} could not be drawn (their rows in the shards say why)\n")
    return 3 if failed else 0


def items(recipe: ImageSet) -> list[str]:
    """One JSON object a picture, numbered over the whole list."""
    column = recipe.text if recipe.text not in (None, "gem") else None
    found = listed(recipe.records, recipe.where, column)
    if recipe.limit is not None and recipe.limit < len(found):
        found = [found[k * len(found) // recipe.limit] for k in range(recipe.limit)]
    rows = [item for item in found for _ in range(recipe.per_record)]
    return [json.dumps(row | {"number": k, "id": f"{k:06d}_{Path(row['path']).stem}"}, ensure_ascii=False) for k, row in enumerate(rows)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
