"""gem look FILE ..."""

import argparse
from typing import TYPE_CHECKING

from gem.cli.common import each_file, file_arguments, read_file, say, say_json

if TYPE_CHECKING:
    from gem.ecg.quality import Quality
    from gem.ecg.recording import Recording


def arguments(sub: argparse.ArgumentParser) -> None:
    file_arguments(sub)


def run(args: argparse.Namespace) -> int:
    def one(path: str) -> None:
        from gem.ecg.quality import inspect

        recording = read_file(path, args)
        quality = inspect(recording)
        if args.json:
            say_json(_facts(path, recording, quality))
        else:
            say("\n".join([path, *_lines(recording, quality)]) + "\n")

    return each_file(args, one)


def _facts(path: str, recording: "Recording", quality: "Quality") -> dict[str, object]:
    """The object of `gem look --json` (schema gem.look/1)."""
    return {
        "schema": "gem.look/1",
        "source": path,
        "read_by": recording.history[0].removeprefix("read by "),
        "fs": recording.fs,
        "start_s": recording.start_s,
        "duration_s": round(recording.duration_s, 4),
        "total_s": round(recording.total_s, 4),
        "leads": list(recording.leads),
        "age": recording.age,
        "sex": recording.sex,
        "history": list(recording.history),
        "quality": quality.to_json(),
        "pacing_spikes": len(quality.spikes_s),
        "device_said": recording.device_said.to_json() if recording.device_said else None,
    }


def _lines(recording: "Recording", quality: "Quality") -> list[str]:
    from gem.ecg.device import UNITS

    who = ", ".join(text for text in (f"{recording.age:g} years" if recording.age is not None else "", recording.sex or "") if text)
    said = recording.device_said
    lines = [
        f"  leads     {len(recording.leads)}: {' '.join(recording.leads)}",
        f"  signal    {recording.duration_s:.4g} s of {recording.total_s:.6g} s at {recording.fs:g} Hz",
        f"  patient   {who or 'age and sex not stated'}",
        *[f"  history   {line}" for line in recording.history],
        f"  quality   {quality.overall}",
        *[f"            {reason}" for reason in quality.reasons],
        *[
            f"            {name}: {'; '.join(lead.reasons)}"
            for name, lead in quality.per_lead.items()
            if lead.reasons and quality.overall != "unusable"
        ],
    ]
    if quality.spikes_s:
        lines.append(f"            {len(quality.spikes_s)} pacing spikes")
    if said:
        values = ", ".join(f"{name.replace('_', ' ')} {value:g} {UNITS[name]}" for name, value in said.measurements.items())
        lines += [
            f"  device    {text}"
            for text in (f"{said.device or 'not named'} (what it said; not measured here)", values, *said.statements)
            if text
        ]
    return lines
