"""Measurements against the simulator's truth: mean and SD of the difference per interval, and findings by count.

    python -m eval.simulated [--n 500] [--snr 20] [--seed 1] [--jobs N] [--findings]

n specs drawn by `gem.simulate.random_spec` are made twice: without noise, and with one kind of noise (muscle,
wander, mains, motion or white, in turn) at the SNR asked for. An interval counts where truth and measurement both have it;
"lost" is where only the truth has it, "invented" where only the measurement has it.
"""

import argparse
import json
import sys
from collections import Counter
from dataclasses import dataclass

import numpy as np

from eval.corpus import pooled
from eval.findings import wilson
from gem.errors import GemError
from gem.knowledge.find import find
from gem.measure.measure import measure_recording
from gem.simulate import SimulationSpec, random_spec, simulate_recording

INTERVALS = ("heart_rate", "p_duration", "pr_interval", "qrs_duration", "qt_interval", "p_axis", "qrs_axis", "t_axis")
KINDS = ("muscle", "wander", "mains_50", "motion", "white")


@dataclass(frozen=True)
class Compared:
    """truth and measured: interval -> value or None; said and found: finding ids; failed: why it was not measured."""

    truth: dict[str, float | None]
    measured: dict[str, float | None]
    said: tuple[str, ...]
    found: tuple[str, ...]
    failed: str = ""


def compare(spec: SimulationSpec, engine: str = "gem") -> Compared:
    """One record made, measured and set beside its truth."""
    made = simulate_recording(spec)
    truth = {name: made.truth.values[name]["value"] for name in INTERVALS}
    try:
        m = measure_recording(made.recording, engine=engine)
    except GemError as fault:
        return Compared(truth, {}, made.truth.findings, (), str(fault))
    return Compared(truth, {name: m.of_all[name].value for name in INTERVALS}, made.truth.findings, tuple(f.id for f in find(m).present))


def specs(n: int, seed: int, snr: float | None) -> list[SimulationSpec]:
    """n random specs, without noise or with one kind of it at `snr` dB."""
    rng = np.random.default_rng(seed)
    drawn = [random_spec(rng) for _ in range(n)]
    noises = [{} if snr is None else {KINDS[k % len(KINDS)]: snr} for k in range(n)]
    return [SimulationSpec.model_validate(spec.model_dump() | {"noise": noise}) for spec, noise in zip(drawn, noises, strict=True)]


def differences(name: str, compared: list[Compared]) -> dict[str, float]:
    """Mean and SD of measured less truth, with the robust pair beside them (median, 1.48 MAD)."""
    pairs = [(c.truth[name], c.measured.get(name)) for c in compared if not c.failed]
    both = np.array([(t, m) for t, m in pairs if t is not None and m is not None], dtype=float).reshape(-1, 2)
    d = both[:, 1] - both[:, 0]
    if name.endswith("axis"):
        d = (d + 180) % 360 - 180
    middle = float(np.median(d)) if len(d) else float("nan")
    return {
        "n": len(d),
        "mean": float(d.mean()) if len(d) else float("nan"),
        "sd": float(d.std(ddof=1)) if len(d) > 1 else float("nan"),
        "median": middle,
        "robust_sd": 1.4826 * float(np.median(np.abs(d - middle))) if len(d) else float("nan"),
        "lost": sum(t is not None and m is None for t, m in pairs),
        "invented": sum(t is None and m is not None for t, m in pairs),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=500)
    parser.add_argument("--snr", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--findings", action="store_true", help="also findings against truth, without noise")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    out: dict[str, object] = {"n": args.n, "seed": args.seed}
    for label, snr in (("without noise", None), (f"at {args.snr:g} dB", args.snr)):
        compared = pooled(compare, specs(args.n, args.seed, snr), args.jobs)
        rows = {name: differences(name, compared) for name in INTERVALS}
        out[label] = rows | {"not_measured": sum(bool(c.failed) for c in compared)}
        if not args.json:
            sys.stdout.write(f"\n{args.n} simulated records {label}, {sum(bool(c.failed) for c in compared)} not measured\n")
            sys.stdout.write(f"{'':<14}{'n':>5}{'mean':>8}{'SD':>8}{'median':>8}{'rob. SD':>9}{'lost':>6}{'invented':>9}\n")
            for name, row in rows.items():
                cells = "{n:>5}{mean:>8.1f}{sd:>8.1f}{median:>8.1f}{robust_sd:>9.1f}{lost:>6}{invented:>9}".format(**row)
                sys.stdout.write(f"{name:<14}{cells}\n")
        if snr is None and args.findings:
            sys.stdout.write(_findings(compared))
    if args.json:
        sys.stdout.write(json.dumps(out) + "\n")
    return 0


def _findings(compared: list[Compared]) -> str:
    said: Counter[str] = Counter(key for c in compared for key in c.said)
    found: Counter[str] = Counter(key for c in compared for key in c.found)
    both: Counter[str] = Counter(key for c in compared for key in set(c.said) & set(c.found))
    lines = [f"\n{'finding':<28}{'truth':>6}{'found':>6}{'both':>6}  precision  recall\n"]
    for key in sorted(said | found):
        precision, recall = wilson(both[key], found[key])[0], wilson(both[key], said[key])[0]
        lines.append(f"{key:<28}{said[key]:>6}{found[key]:>6}{both[key]:>6}  {precision:>9.2f}  {recall:>6.2f}\n")
    return "".join(lines)


if __name__ == "__main__":
    sys.exit(main())
