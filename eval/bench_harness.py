"""What the harness itself costs: python -m eval.bench_harness [--samples N]

Per sample beside inference (a model that answers at once), scoring logged answers again, and the bootstrap. Aim: 10,000 draws of 2,000
samples under 2 s.
"""

import argparse
import io
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

from eval.bootstrap import figure
from eval.config import Recipe
from eval.log import rows_of
from eval.metric import macro_auroc, macro_f1, mean
from eval.ptbxl import SUPER
from eval.run import ask_all, scored_or_why
from eval.sample import Answer, Sample, scored
from eval.superclass import each, which
from eval.task import Task, task_of

LABELS = tuple(SUPER)


class _Instant:
    """Answers without an ECG, so that what is timed is the harness."""

    name, fingerprint = "instant", "instant"

    def answer(self, prompts: Any) -> list[Answer]:
        return [Answer(text="NORM", likelihoods=(-1.0, -2.0) if prompt.turn.options else None) for prompt in prompts]


def samples(n: int) -> Iterator[Sample]:
    """Questions after superclasses about no recording."""
    rng = np.random.default_rng(0)
    for k in range(n):
        labels = [label for label in LABELS if rng.random() < 0.3] or ["NORM"]
        yield Sample(id=str(k), turns=(which(labels), *each(labels)), meta={"patient": str(k), "labels": labels}, reference=labels)


def timed(label: str, begun: tuple[float, float], n: int, what: str) -> str:
    """One line: by the clock, and of this process alone, which is what counts on a busy machine."""
    wall, own = (now - then for now, then in zip(_now(), begun, strict=True))
    return f"{label:<50}{wall:8.2f} s  of it {own:7.2f} s computing   {1e3 * own / n:8.4f} ms {what}"


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--answers", type=int, default=100_000)
    args = parser.parse_args()
    task: Task = task_of("ptbxl_super")
    lines = []
    with tempfile.TemporaryDirectory() as folder, redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
        where = Path(folder)
        (where / "r.yaml").write_text(json.dumps({"name": "b", "tasks": ["ptbxl_super"], "model": {"kind": "random"}, "output": folder}))
        recipe = Recipe.load(where / "r.yaml")
        made = list(samples(args.samples))
        begun = _now()
        ask_all(recipe, task, _Instant(), made, where, (0, 1))
        lines.append(timed(f"asking and logging {args.samples} samples, 6 turns each", begun, args.samples, "a sample (each fsynced)"))
        rows = rows_of(where, task.name)
        begun = _now()
        many = [rows[k % len(rows)] for k in range(args.answers // len(rows[0].answers))]
        for row in many:
            scored_or_why(task, row.sample, row.answers)  # type: ignore[arg-type]
        lines.append(timed(f"scoring {args.answers} logged answers", begun, args.answers, "an answer"))
    rng = np.random.default_rng(0)
    scores = [
        scored(rng.random() > 0.4, {"predicted": ["NORM"], "reference": ["MI"] if rng.random() > 0.5 else ["NORM", "CD", "HYP", "STTC"],
                                    "soft": dict(zip(LABELS, rng.random(5).tolist(), strict=True))})
        for _ in range(2000)
    ]  # fmt: skip
    who = [str(k) for k in range(2000)]
    for name, metric in {
        "mean": mean("k"),
        "macro F1, 5 labels": macro_f1("k", LABELS),
        "macro AUROC, 5 labels": macro_auroc("k", LABELS),
    }.items():
        begun = _now()
        figure(scores, who, metric, 10_000, 0)
        lines.append(timed(f"bootstrap of 2,000 samples: {name}", begun, 10_000, "a draw"))
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
