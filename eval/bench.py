"""Seconds per record of each stage, in one run: medians, and the share of each.

    python -m eval.bench [--n 40] [--json]

Records: PTB-XL at 500 Hz where the shared data is there, else simulated ones of the same size. One process, one core;
the first record, which pays for imports, is left out. Machines are shared and noisy: compare the shares and the
ratios of one run, not the seconds of two.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from eval.corpus import data_folder, ptbxl
from gem.ecg.io import read
from gem.ecg.quality import inspect
from gem.errors import ConfigError, GemError
from gem.knowledge.find import find
from gem.measure.measure import measure_recording
from gem.report.page import page
from gem.report.report import VerifiedReport
from gem.report.verify import verify
from gem.report.write import write
from gem.simulate import random_spec, simulate_recording, write_simulated

STAGES = ("read", "inspect", "measure", "find", "write", "verify", "page")


def paths(n: int, folder: Path) -> tuple[list[Path], str]:
    """n records to time, and what they are."""
    try:
        rows = [row.path for row in ptbxl(data_folder()) if "records500" in str(row.path)]
        return rows[:: max(1, len(rows) // (n + 1))][: n + 1], "PTB-XL, 12 leads x 10 s x 500 Hz"
    except ConfigError:
        rng = np.random.default_rng(1)
        for k in range(n + 1):
            write_simulated(simulate_recording(random_spec(rng)), folder / f"{k:03d}")
        return [folder / f"{k:03d}.hea" for k in range(n + 1)], "simulated, 12 leads x 10 s x 500 Hz"


def timed(stage: str, spent: dict[str, float], call: Callable[..., Any], *args: Any) -> Any:
    start = time.perf_counter()
    out = call(*args)
    spent[stage] = time.perf_counter() - start
    return out


def one(path: Path) -> dict[str, float]:
    """Seconds of each stage on one record."""
    spent: dict[str, float] = {}
    recording = timed("read", spent, read, path)
    quality = timed("inspect", spent, inspect, recording)
    measurements = timed("measure", spent, measure_recording, recording, quality)
    findings = timed("find", spent, find, measurements)
    report = timed("write", spent, write, measurements, findings)
    checked = timed("verify", spent, verify, report.text, measurements, findings)
    verified = VerifiedReport(recording.source, report, checked, measurements, findings)
    timed("page", spent, page, verified, recording)
    return spent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with TemporaryDirectory() as folder:
        records, what = paths(args.n, Path(folder))
        rows = []
        for path in records:
            try:
                rows.append(one(path))
            except GemError as fault:
                sys.stderr.write(f"{fault}\n")
    rows = rows[1:]
    medians = {stage: float(np.median([row[stage] for row in rows])) for stage in STAGES}
    total = sum(medians.values())
    if args.json:
        sys.stdout.write(json.dumps({"records": len(rows), "what": what, "median_s": medians}) + "\n")
        return 0
    sys.stdout.write(f"{len(rows)} records, {what}; medians of one run, one core\n")
    for stage, seconds in medians.items():
        sys.stdout.write(f"  {stage:<10}{1e3 * seconds:>9.2f} ms  {seconds / total:>6.1%}\n")
    sys.stdout.write(f"  {'all':<10}{1e3 * total:>9.2f} ms\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
