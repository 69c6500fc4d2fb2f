"""What recording devices printed beside what is measured here, for every file of a folder that holds such numbers.

    python -m eval.devices [--folder DIR] [--json]

Default folder: formats/ of the shared data. The device's QRS duration stands beside our median over the leads, an unnamed QTc beside
Bazett's (`gem.ecg.device.OURS`). Devices differ among themselves; two files of one ECG count twice. At the end mean and SD
of ours less the device's, n files.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from gem.ecg.device import OURS, UNITS
from gem.ecg.io import read
from gem.errors import GemError
from gem.files import data_folder
from gem.measure.measure import measure_recording

Pairs = dict[str, tuple[float, float | None]]
"""quantity -> (the device's value, ours)."""


def pairs_of(path: Path) -> Pairs:
    """The quantities that the device measured; empty for a file that holds none or cannot be measured."""
    try:
        recording = read(path)
        if not recording.device_said:
            return {}
        m = measure_recording(recording)
    except GemError:
        return {}
    return {name: (value, m.get(OURS.get(name, name)).value) for name, value in recording.device_said.measurements.items()}


def summary(files: dict[str, Pairs]) -> dict[str, tuple[float, float, int]]:
    """quantity -> mean and SD of ours less the device's, n; axes around the circle."""
    out = {}
    for name in UNITS:
        rows = [pairs[name] for pairs in files.values() if name in pairs and pairs[name][1] is not None]
        d = np.array([ours - theirs for theirs, ours in rows if ours is not None])
        if len(d):
            d = (d + 180) % 360 - 180 if name.endswith("axis") else d
            out[name] = (float(d.mean()), float(d.std()), len(d))
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    try:
        folder = args.folder or data_folder() / "formats"
    except GemError as fault:
        sys.stderr.write(f"eval.devices: {fault}\n")
        return 2
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and "hostile" not in path.parts)
    files = {path.relative_to(folder).as_posix(): pairs for path in paths if (pairs := pairs_of(path))}
    if args.json:
        sys.stdout.write(json.dumps({"files": files, "summary": summary(files)}) + "\n")
        return 0
    for name, pairs in files.items():
        cells = (f"{key} {theirs:.0f}/{'-' if ours is None else format(ours, '.0f')}" for key, (theirs, ours) in pairs.items())
        sys.stdout.write(f"{name}\n    {', '.join(cells)}\n")
    sys.stdout.write("\nours less the device's: mean / SD, n files\n")
    for name, (mean, sd, n) in summary(files).items():
        sys.stdout.write(f"  {name:<16}{mean:>7.1f} /{sd:>5.1f} {UNITS[name]:<4} n {n}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
