"""gem measure FILE ..."""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from gem.cli.common import each_file, file_arguments, known_of, read_file, say, say_json, talk

_PER_LEAD = ("p_amplitude", "q_amplitude", "r_amplitude", "s_amplitude", "r_prime_amplitude", "st_j", "st_j60", "t_amplitude")


def arguments(sub: argparse.ArgumentParser) -> None:
    file_arguments(sub)
    sub.add_argument("--beats", action="store_true", help="with --json: beat sequences and fiducials too")
    sub.add_argument("--engine", choices=("gem", "neurokit"), default="gem", help="who delineates (default: gem)")
    sub.add_argument("--second", action="store_true", help="the other engine reads too; intervals on which they differ say so")
    batch = sub.add_argument_group("a whole corpus (FILE: folders, lists of paths, or a CSV with a column `path`)")
    batch.add_argument("-o", "--output", metavar="DIR", help="a folder of Parquet shards, one row a record; goes on where it stopped")
    batch.add_argument("--jobs", type=int, default=1, metavar="N", help="processes")
    batch.add_argument("--shard", metavar="i/n", help="this part of the shards only, for a Slurm array")
    batch.add_argument("--ray", metavar="ADDRESS", help="a Ray cluster instead of processes")


def run(args: argparse.Namespace) -> int:
    if args.output:
        return _corpus(args)

    def one(path: str) -> None:
        from gem.measure.measure import measure_recording

        measurements = measure_recording(read_file(path, args), engine=args.engine, second=args.second)
        if args.json:
            say_json(measurements.to_json(beats=args.beats))
        else:
            say(_table(measurements.to_json()))

    return each_file(args, one)


def _corpus(args: argparse.Namespace) -> int:
    """All records of the lists into shards; 3 when some could not be measured."""
    from gem.measure.batch import FEATURES, PER_SHARD, count_rows, items_of, write_shard
    from gem.runner import parse_part, plan, run

    part = parse_part(args.shard)
    folder = Path(args.output)
    how = {"engine": args.engine, "second": args.second, "known": known_of(args)}
    shards = plan(items_of(args.files), folder, PER_SHARD, ".parquet", {"schema": FEATURES} | how)
    run(partial(write_shard, **how), shards, args.jobs, args.ray, part)
    rows, failed = count_rows([shard for shard in shards if shard.path.exists()])
    talk(f"gem measure: {folder} holds {rows} rows, {failed} of them records that could not be measured (column error)")
    return 3 if failed else 0


def _table(m: dict[str, Any]) -> str:
    """The measurements of one recording as aligned text."""
    rhythm = m["rhythm"]
    lines = [m["source"], f"  quality            {m['quality']['overall']}", *[f"    {reason}" for reason in m["quality"]["reasons"]]]
    lines += [f"  rhythm             {rhythm['name']}, {'regular' if rhythm['regular'] else 'irregular'}"]
    lines += [f"    {text}" for text in rhythm["evidence"]]
    for name, value in m["global"].items():
        if value["value"] is None:
            shown = f"absent: {value['absent']}"
        else:
            shown = f"{value['value']:g} {value['unit']}"
            shown += f" +- {value['sd']:.0f}" if "sd" in value else ""
            shown += f"  ({value['doubt']})" if "doubt" in value else ""
        lines.append(f"  {name:<18} {shown}")
    lines.append("  lead   QRS    " + " ".join(f"{name.replace('_amplitude', ''):>8}" for name in _PER_LEAD) + "   (mV)")
    for lead, named in m["per_lead"].items():
        pattern = named.get("qrs_pattern", {}).get("value") or "-"
        cells = [named[name]["value"] for name in _PER_LEAD]
        lines.append(f"  {lead:<6} {pattern:<6} " + " ".join(f"{'-' if v is None else format(v, '.3f'):>8}" for v in cells))
    return "\n".join(lines) + "\n"
