"""gem measure FILE ..."""

import argparse
from typing import Any

from gem.cli.common import each_file, file_arguments, read_file, say, say_json

_PER_LEAD = ("p_amplitude", "q_amplitude", "r_amplitude", "s_amplitude", "r_prime_amplitude", "st_j", "st_j60", "t_amplitude")


def arguments(sub: argparse.ArgumentParser) -> None:
    file_arguments(sub)
    sub.add_argument("--beats", action="store_true", help="with --json: beat sequences and fiducials too")


def run(args: argparse.Namespace) -> int:
    def one(path: str) -> None:
        from gem.measure.measure import measure_recording

        measurements = measure_recording(read_file(path, args))
        if args.json:
            say_json(measurements.to_json(beats=args.beats))
        else:
            say(_table(measurements.to_json()))

    return each_file(args, one)


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
            shown = f"{value['value']:g} {value['unit']}{'  (' + value['doubt'] + ')' if 'doubt' in value else ''}"
        lines.append(f"  {name:<18} {shown}")
    lines.append("  lead   QRS    " + " ".join(f"{name.replace('_amplitude', ''):>8}" for name in _PER_LEAD) + "   (mV)")
    for lead, named in m["per_lead"].items():
        pattern = named.get("qrs_pattern", {}).get("value") or "-"
        cells = [named[name]["value"] for name in _PER_LEAD]
        lines.append(f"  {lead:<6} {pattern:<6} " + " ".join(f"{'-' if v is None else format(v, '.3f'):>8}" for v in cells))
    return "\n".join(lines) + "\n"
