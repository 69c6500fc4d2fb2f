"""python -m eval.bench_scoring [--n 100000]: time to score so many answers of each published kind, both scorings, one process.

Answers are made here: letters, labels, prose with denials, reports of 15 and of 150 words. No model and no file is read.
"""

import argparse
import random
import re
import sys
import time
from collections.abc import Callable, Sequence

from eval.official.compat import FIXED_SUFFIX
from eval.sample import Answer, Sample, Turn
from eval.task import task_of

WORDS = tuple(
    re.findall(r"\S+", "sinus rhythm at 72 per minute normal axis no ST elevation in leads II III aVF left ventricular hypertrophy old")
)
LETTERED = "Which?\n" + "\n".join(f"{letter}. diagnosis {k}" for k, letter in enumerate("ABCDEFGH"))
LEADS = tuple(f"lead {name}" for name in ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"))


def _prose(rng: random.Random, n: int) -> str:
    return " ".join(rng.choices(WORDS, k=n))


def _leads(rng: random.Random) -> str:
    return f"The leads are {' and '.join(rng.sample(LEADS, 2))}, not lead V6."


def _labels(rng: random.Random) -> str:
    return f"No LBBB, but {rng.choice(('AF', 'RBBB'))}; {_prose(rng, 12)}"


def _choice(rng: random.Random) -> str:
    return f"I rule out {rng.choice('ACD')}. The answer is {rng.choice('BE')}"


ECGQA = Turn(question=f"Options: {', '.join(LEADS)} {FIXED_SUFFIX}", options=LEADS, reference=("lead I", "lead V6"))
KINDS: dict[str, tuple[str, Turn, Callable[[random.Random], str]]] = {
    "labels": ("ecgbench_cpsc", Turn(question="Which?", reference="AF; RBBB"), _labels),
    "choice": ("ecgbench_csn", Turn(question=LETTERED, reference="B. diagnosis 1"), _choice),
    "ecgqa": ("ecgbench_ecgqa", ECGQA, _leads),
    "report, 15 words": ("ecgbench_ptbxl_report", Turn(question="Report.", reference=" ".join(WORDS[:15])), lambda r: _prose(r, 15)),
    "report, 150 words": ("ecgbench_ptbxl_report", Turn(question="Report.", reference=" ".join(WORDS * 8)), lambda r: _prose(r, 150)),
}


def seconds(kind: str, n: int) -> float:
    """Seconds of computing for n answers; other work on the machine does not count."""
    name, turn, make = KINDS[kind]
    task, rng = task_of(name), random.Random(0)
    sample = Sample(id="s", turns=(turn,))
    answers = [(Answer(text=make(rng)),) for _ in range(n)]
    begun = time.process_time()
    for one in answers:
        task.score(sample, one)
    return time.process_time() - begun


def main(argv: Sequence[str]) -> int:
    """A line a kind: seconds of n, microseconds of one."""
    parser = argparse.ArgumentParser(prog="python -m eval.bench_scoring", description=__doc__)
    parser.add_argument("--n", type=int, default=100_000)
    args = parser.parse_args(argv)
    for kind in KINDS:
        took = seconds(kind, args.n)
        sys.stdout.write(f"{kind:<20}{took:8.1f} s for {args.n:,}{1e6 * took / args.n:8.0f} us each\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
