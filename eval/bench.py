"""Seconds per record of each stage, in one run: medians, and the share of each; then delineation beside stock neurokit2, and pages
drawn and photographed beside their floor (see `eval.pages`).

    python -m eval.bench [--n 40] [--json]

Stock neurokit2 is what its documentation shows, lead by lead: ecg_clean, ecg_peaks, ecg_delineate. It gives fiducials only;
beside it stand our delineation (prepare, network, decode) and everything measured (the stage "measure"). The floor of the
network is its multiply-adds; the rate reached is these over its time. `dwt` is timed on every fifth record.

Records: PTB-XL at 500 Hz where the shared data is there, else simulated ones of the same size. One process, one core;
the first record, which pays for imports, is left out. Machines are shared and noisy: compare the shares and the
ratios of one run, not the seconds of two.
"""

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from importlib.resources import files
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from eval import pages
from eval.corpus import timing_records
from gem.ecg.io import read
from gem.ecg.quality import inspect
from gem.ecg.recording import Recording
from gem.errors import GemError
from gem.knowledge.find import find
from gem.measure.decode import decode
from gem.measure.delineate import METHODS
from gem.measure.measure import measure_recording
from gem.measure.prepare import prepare
from gem.measure.scores import BLOCK, WEIGHTS, score
from gem.report.page import page
from gem.report.report import VerifiedReport
from gem.report.verify import verify
from gem.report.write import write

STAGES = ("read", "inspect", "measure", "find", "write", "verify", "page")


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


def stock_neurokit(recording: Recording, method: str) -> None:
    """Twelve leads the documented way; a lead on which neurokit2 fails counts with the time it took."""
    import neurokit2

    for row in recording.signal.astype(np.float64):
        with warnings.catch_warnings(), suppress(ValueError, IndexError, ZeroDivisionError, TypeError, KeyError):
            warnings.simplefilter("ignore")
            cleaned = neurokit2.ecg_clean(row, sampling_rate=round(recording.fs))
            _, info = neurokit2.ecg_peaks(cleaned, sampling_rate=round(recording.fs))
            neurokit2.ecg_delineate(cleaned, info["ECG_R_Peaks"], sampling_rate=round(recording.fs), method=method)


def delineations(records: list[Path]) -> dict[str, float]:
    """Median seconds a record of our delineation, its network, and stock neurokit2 on the same records, turn about."""
    rows: dict[str, list[float]] = {}
    for k, path in enumerate(records):
        recording = read(path)
        quality = inspect(recording)
        spent: dict[str, float] = {}
        clean = timed("prepare", spent, prepare, recording, quality)
        scores = timed("network", spent, score, clean)
        timed("decode", spent, decode, scores, clean)
        timed("measure", spent, measure_recording, recording, quality)
        for method in METHODS if k % 5 == 0 else METHODS[:1]:
            timed(f"neurokit2 {method}", spent, stock_neurokit, recording, method)
        spent["delineate"] = spent["prepare"] + spent["network"] + spent["decode"]
        for name, seconds in spent.items() if k else ():
            rows.setdefault(name, []).append(seconds)
    return {name: float(np.median(seconds)) for name, seconds in rows.items()}


def comparison(medians: dict[str, float], multiply_adds: float) -> str:
    """The delineation table."""
    lines = ["\ndelineation, medians of one run, one core\n"]
    for name in ("prepare", "network", "decode", "delineate", "measure", *(f"neurokit2 {method}" for method in METHODS)):
        times = "".join(
            f"{medians[name] / medians[ours]:>7.1f} x {ours}" for ours in ("delineate", "measure") if name.startswith("neurokit2")
        )
        lines.append(f"  {name:<22}{1e3 * medians[name]:>9.2f} ms{times}\n")
    rate = multiply_adds / medians["network"]
    lines.append(f"  network: {multiply_adds / 1e6:.0f} M multiply-adds a record, {rate / 1e9:.1f} G/s reached\n")
    return "".join(lines)


def network_multiply_adds(leads: int = 12, samples: int = 2500) -> float:
    """Multiply-adds of the shipped network on one record, counted over the convolutions of its ONNX graph."""
    import onnx
    from onnx import shape_inference

    graph = onnx.load(str(files("gem.measure") / WEIGHTS))
    padded = samples + -samples % BLOCK
    for axis, size in zip(graph.graph.input[0].type.tensor_type.shape.dim, (1, leads, padded), strict=True):
        axis.dim_value = size
    graph = shape_inference.infer_shapes(graph, data_prop=True).graph
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in (*graph.value_info, *graph.output)}
    weights = {w.name: list(w.dims) for w in graph.initializer}
    total = 0.0
    for node in graph.node:
        if node.op_type in ("Conv", "ConvTranspose"):
            out = shapes[node.output[0] if node.op_type == "Conv" else node.input[0]]
            total += prod(weights[node.input[1]]) * prod(out[2:]) * out[0]
    return total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with TemporaryDirectory() as folder:
        records, what = timing_records(args.n, Path(folder))
        rows = []
        for path in records:
            try:
                rows.append(one(path))
            except GemError as fault:
                sys.stderr.write(f"{fault}\n")
        compared = delineations(records[: len(records) // 2 + 1])
        drawn = pages.rows(records)
    rows = rows[1:]
    medians = {stage: float(np.median([row[stage] for row in rows])) for stage in STAGES}
    total = sum(medians.values())
    if args.json:
        sys.stdout.write(
            json.dumps({"records": len(rows), "what": what, "median_s": medians, "delineation_s": compared, "pages_s": drawn}) + "\n"
        )
        return 0
    sys.stdout.write(f"{len(rows)} records, {what}; medians of one run, one core\n")
    for stage, seconds in medians.items():
        sys.stdout.write(f"  {stage:<10}{1e3 * seconds:>9.2f} ms  {seconds / total:>6.1%}\n")
    sys.stdout.write(f"  {'all':<10}{1e3 * total:>9.2f} ms\n" + comparison(compared, network_multiply_adds()) + pages.table(drawn))
    return 0


if __name__ == "__main__":
    sys.exit(main())
