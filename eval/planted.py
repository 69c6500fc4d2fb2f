"""The planted-fault test: how many altered sentences of true reports `verify` catches, and how many true ones it accuses.

    python -m eval.planted [--n 300] [--seed 1] [--jobs N] [--show K]

From each of n reports on real PTB-XL records (folds 1-9, drawn by seed), every sentence with claims is altered once
in each way that fits it, the rest of the report left as it is:

    number     one number times 0.5-0.75 or 1.35-2 (axes: moved by 35-120 degrees; a beat number: another beat)
    lead       one lead name replaced by another lead that the sentence does not name
    direction  elevation/depression, left/right, regular/irregular, prolonged/short, inferior/anterior exchanged in
               sentences that assert something
    denial     "No ..." made to assert

A caught fault is an altered sentence with at least one contradicted claim.
"""

import argparse
import random
import re
import sys
from collections import Counter
from dataclasses import dataclass

from eval.corpus import PtbxlRow, pooled, ptbxl
from eval.findings import wilson
from gem.ecg.io import read
from gem.ecg.lead import STANDARD
from gem.errors import GemError
from gem.files import data_folder
from gem.infer.pipeline import interpret
from gem.report.verify import CONTRADICTED, verify

_NUMBER = re.compile(r"(?<![\w.])(-?\d+(?:\.\d+)?)(?= (?:ms|mV|bpm|degrees|s\b)|(?: to \d+ ms))")
_BEAT = re.compile(r"(?<=beat )\d+")
_LEAD = re.compile(r"(?<![\w'])(?:aV[RLF]|V[1-6]|III|II|I)(?![\w'])")
_SWAPS = (("elevation", "depression"), ("left", "right"), ("irregular", "regular"), ("prolonged", "short"), ("inferior", "anterior"))
_WAYS = ("number", "lead", "direction", "denial")


@dataclass(frozen=True)
class Trial:
    """One sentence, altered or not, and whether a claim in it was contradicted."""

    way: str
    before: str
    after: str
    accused: bool


def altered(sentence: str, way: str, rng: random.Random) -> str | None:
    """The sentence with one fault of a kind, or None where that kind does not fit."""
    if way == "number":
        return _number(sentence, rng)
    if way == "lead":
        places = list(_LEAD.finditer(sentence))
        free = [lead for lead in STANDARD if lead not in {m.group() for m in places}]
        if not places or not free or " to V" in sentence:
            return None
        m = rng.choice(places)
        return sentence[: m.start()] + rng.choice(free) + sentence[m.end() :]
    if (
        way == "direction" and "fascicular" not in sentence and not sentence.startswith("No ")
    ):  # "No right ..." would be as true as "No left ..."
        for a, b in _SWAPS:
            for x, y in ((a, b), (b, a)):
                if re.search(rf"\b{x}\b", sentence, re.IGNORECASE) and not re.search(rf"\b{y}\b", sentence, re.IGNORECASE):
                    return re.sub(rf"\b{x}\b", y, sentence, count=1, flags=re.IGNORECASE)
    return sentence[3:] if way == "denial" and sentence.startswith("No ") else None


def _number(sentence: str, rng: random.Random) -> str | None:
    places = [*_NUMBER.finditer(sentence), *_BEAT.finditer(sentence)]
    if not places:
        return None
    m = rng.choice(places)
    digits = len(m.group().partition(".")[2])
    old = float(m.group())
    if sentence[: m.start()].endswith("beat "):
        new = old + rng.choice([-1, 1]) if old > 1 else old + 1
    elif sentence[m.end() :].startswith(" degrees"):
        new = (old + rng.choice([-1, 1]) * rng.uniform(35, 120) + 180) % 360 - 180
    else:
        new = old * (rng.uniform(0.5, 0.75) if rng.random() < 0.5 else rng.uniform(1.35, 2.0))
    text = f"{new:.{digits}f}"
    return None if text == m.group() else sentence[: m.start()] + text + sentence[m.end() :]


def trials_of(task: tuple[PtbxlRow, int]) -> list[Trial]:
    """All trials of one record."""
    row, seed = task
    rng = random.Random(f"{seed} {row.path.name}")
    try:
        report = interpret(read(row.path, age=row.age, sex=row.sex))
    except GemError:
        return []
    out = []
    claimed = {v.claim.sentence for v in report.checked.verdicts}
    for number, (start, end) in enumerate(report.checked.sentences):
        if number not in claimed:
            continue
        sentence = report.text[start:end]
        out.append(Trial("untouched", sentence, sentence, report.checked.of_sentence(number) == CONTRADICTED))
        for way in _WAYS:
            changed = altered(sentence, way, rng)
            if changed is not None:
                checked = verify(changed, report.measurements, report.findings)
                out.append(Trial(way, sentence, changed, checked.count(CONTRADICTED) > 0))
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--show", type=int, default=0, metavar="K", help="K wrongly judged sentences of each kind")
    args = parser.parse_args()
    rows = random.Random(args.seed).sample(ptbxl(data_folder()), args.n)
    trials = [trial for found in pooled(trials_of, [(row, args.seed) for row in rows], args.jobs) for trial in found]
    counts: Counter[str] = Counter(trial.way for trial in trials)
    accused: Counter[str] = Counter(trial.way for trial in trials if trial.accused)
    sys.stdout.write(f"{args.n} reports on real records, seed {args.seed}\n{'sentences':<12}{'n':>7}{'contradicted':>14}   share (95 %)\n")
    faults = [way for way in counts if way != "untouched"]
    for name, ways in (("untouched", ["untouched"]), *((way, [way]) for way in _WAYS), ("altered", faults)):
        n, hit = sum(counts[way] for way in ways), sum(accused[way] for way in ways)
        share = "{:.3f} ({:.3f}-{:.3f})".format(*wilson(hit, n))
        sys.stdout.write(f"{name:<12}{n:>7}{hit:>14}   {share}\n")
    for way in ("untouched", *_WAYS):
        wrong = [trial for trial in trials if trial.way == way and trial.accused == (way == "untouched")]
        for trial in wrong[: args.show]:
            sys.stdout.write(f"\n{way}\n  {trial.before}\n  {trial.after}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
