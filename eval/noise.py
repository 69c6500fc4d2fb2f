"""Intervals under noise: both engines on simulated records at SNR 30 to 0 dB, as a table and a plot.

    python -m eval.noise [--n 100] [--seed 1] [--jobs N] [--plot FILE.png] [--json]

The same n specs (`gem.simulate.random_spec`) at every SNR, with one kind of noise each (muscle, wander, mains, motion, white, in
turn). Bias: the median difference from the truth; spread: 1.48 x the median absolute deviation from it, since one lost record must not
hide the others; beside them the share of the records whose truth has the interval on which it was given ("kept").
"""

import argparse
import json
import sys
from functools import partial
from pathlib import Path

import numpy as np

from eval.corpus import pooled
from eval.simulated import Compared, compare, specs
from gem.errors import ConfigError
from gem.measure.engine import ENGINES

SNR_DB = (30, 25, 20, 15, 10, 5, 0)
INTERVALS = {"p_duration": "P", "pr_interval": "PR", "qrs_duration": "QRS", "qt_interval": "QT"}

Curve = dict[str, list[dict[str, float]]]
"""interval -> one row a SNR: bias, spread (ms), kept (share)."""


def figures(name: str, compared: list[Compared]) -> dict[str, float]:
    """One interval at one SNR."""
    asked = [c for c in compared if c.truth[name] is not None]
    pairs = [(c.truth[name], c.measured[name]) for c in asked if c.measured.get(name) is not None]
    d = np.array([measured - truth for truth, measured in pairs if truth is not None and measured is not None])
    if not len(d):
        return {"bias": float("nan"), "spread": float("nan"), "kept": 0.0, "n": len(asked)}
    bias = float(np.median(d))
    return {"bias": bias, "spread": 1.4826 * float(np.median(np.abs(d - bias))), "kept": len(d) / len(asked), "n": len(asked)}


def curve(engine: str, n: int, seed: int, jobs: int) -> Curve:
    """All intervals of one engine over `SNR_DB`."""
    rows: Curve = {name: [] for name in INTERVALS}
    for snr in SNR_DB:
        compared = pooled(partial(compare, engine=engine), specs(n, seed, float(snr)), jobs)
        for name in INTERVALS:
            rows[name].append(figures(name, compared))
    return rows


def table(curves: dict[str, Curve]) -> str:
    """bias / spread (kept) of each engine at each SNR."""
    lines = [f"{'':<14}" + "".join(f"{f'{snr} dB':>19}" for snr in SNR_DB)]
    for name, label in INTERVALS.items():
        for engine, rows in curves.items():
            cells = (f"{row['bias']:.1f} / {row['spread']:.1f} ({row['kept']:.0%})" for row in rows[name])
            lines.append(f"{label:<4} {engine:<9}" + "".join(f"{cell:>19}" for cell in cells))
    return "\n".join(lines) + "\n(median difference / spread, ms; share of the records that have it)\n"


def plot(curves: dict[str, Curve], n: int, to: Path) -> None:
    """Bias and spread over SNR, one column an interval. Raises `ConfigError` without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError as fault:
        raise ConfigError("--plot needs matplotlib: pip install -c constraints.txt matplotlib") from fault
    figure = Figure(figsize=(11, 5.5), layout="constrained")
    panels = figure.subplots(2, len(INTERVALS), sharex=True)
    for row, key in enumerate(("bias", "spread")):
        for axes, (name, label) in zip(panels[row], INTERVALS.items(), strict=True):
            for engine, rows in curves.items():
                axes.plot(SNR_DB, [point[key] for point in rows[name]], marker="o", label=engine)
            axes.axhline(0, color="0.6", linewidth=0.8)
            axes.grid(True, alpha=0.3)
            axes.set(title=f"{label} {key}, ms", xlabel="SNR, dB" if row else "")
    panels[0][0].invert_xaxis()
    panels[0][0].legend()
    figure.suptitle(f"Measured less truth on {n} simulated records")
    figure.savefig(to, dpi=120, format=to.suffix.lstrip(".") or "png")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--plot", type=Path, metavar="FILE.png")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    curves = {engine: curve(engine, args.n, args.seed, args.jobs) for engine in ENGINES}
    if args.plot:
        try:
            plot(curves, args.n, args.plot)
        except (ConfigError, OSError) as fault:
            sys.stderr.write(f"eval.noise: {fault}\n")
            return 2
    sys.stdout.write(json.dumps({"snr_db": SNR_DB, **curves}) + "\n" if args.json else table(curves))
    return 0


if __name__ == "__main__":
    sys.exit(main())
