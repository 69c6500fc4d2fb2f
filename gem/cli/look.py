"""gem look FILE ..."""

import argparse

from gem.cli.common import each_file, file_arguments, read_file, say, say_json


def arguments(sub: argparse.ArgumentParser) -> None:
    file_arguments(sub)


def run(args: argparse.Namespace) -> int:
    def one(path: str) -> None:
        from gem.ecg.quality import inspect

        recording = read_file(path, args)
        quality = inspect(recording)
        facts = {
            "schema": "gem.look/1",
            "source": path,
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
        }
        if args.json:
            say_json(facts)
            return
        who = ", ".join(text for text in (f"{recording.age:g} years" if recording.age is not None else "", recording.sex or "") if text)
        lines = [
            path,
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
        say("\n".join(lines) + "\n")

    return each_file(args, one)
