"""python -m eval.official.trial: how often each scorer of ECG-QA is right about answers whose truth is known by construction.

Every question of ECG-QA in the data folder is answered with its reference and with a wrong set of options, in several phrasings that
mean exactly that; a scorer errs when it calls the first wrong or the second right. No model is asked. The phrasings are ours, so
this shows what the scorers cannot read, not how often models write so.
"""

import argparse
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from eval.bootstrap import figure
from eval.metric import mean
from eval.sample import Answer, Sample, Score, scored
from eval.task import task_of
from gem.errors import GemError
from gem.files import data_folder

_SENTENCES = {"yes": "Yes, that noise is there.", "no": "No, that noise is not there."}
"""The shared questions of yes and no are all about noise."""
PHRASES: dict[str, Callable[[str, str], str]] = {
    "to the letter": lambda said, other: said,
    "capital and full stop": lambda said, other: f"{said[:1].upper()}{said[1:]}.",
    "after Answer:": lambda said, other: f"I looked at all leads and compared them. Answer: {said}",
    "in a sentence": lambda said, other: _SENTENCES.get(said, f"The ECG shows {said}, nothing else of the list."),
    "another denied": lambda said, other: f"{said}; not {other}" if other else said,
}
SCORERS = ("strict.accuracy", "compat.ecgqa", "compat.pulse", "compat.gem")


def answers_of(sample: Sample, rng: random.Random) -> dict[str, tuple[str, str]]:
    """Phrase -> (an answer that means the reference, one that means something else)."""
    options = sample.turns[0].options
    true = tuple(sample.turns[0].reference) or ("none",)
    pool = [one for one in options if one not in true]
    wrong = (rng.choice(pool),) if pool else ()
    verify = "yes" in options
    out = {}
    for phrase, make in PHRASES.items():
        if phrase == "another denied" and verify:
            continue  # "no; not yes" is nobody's answer
        denied = next((one for one in options if one not in true and one not in wrong and one != "none"), "")
        out[phrase] = (make(" and ".join(true), denied), make(" and ".join(wrong), denied))
    return out


def main(argv: Sequence[str]) -> int:
    """A table: phrase, n, and for each scorer the share of true answers called right and of wrong ones called right."""
    parser = argparse.ArgumentParser(prog="python -m eval.official.trial", description="what each scorer of ECG-QA makes of known answers")
    parser.add_argument("--splits", nargs="+", default=["train", "valid"])
    args = parser.parse_args(argv)
    try:
        found = counts(data_folder(), args.splits)
    except GemError as fault:
        sys.stderr.write(f"trial: {fault}\n")
        return 2
    sys.stdout.write(f"{'':<24}{'n':>6}  " + "".join(f"{name:<44}" for name in SCORERS) + "\n")
    for phrase, (patients, by_scorer) in found.items():
        line = f"{phrase:<24}{len(patients):>6}  "
        for name in SCORERS:
            shares = [figure(values, patients, mean(name), 1000, 0) for values in by_scorer[name]]
            line += "".join(
                f"{100 * (one.value or 0):5.1f} ({100 * (one.low or 0):.1f}-{100 * (one.high or 0):.1f})".ljust(22) for one in shares
            )
        sys.stdout.write(line.rstrip() + "\n")
    sys.stdout.write("each scorer: true answers called right, wrong answers called right (per cent, 95 % by patient)\n")
    return 0


def counts(data: Path, splits: Sequence[str]) -> dict[str, tuple[list[str], dict[str, tuple[list[Score], list[Score]]]]]:
    """Phrase -> (patients, scorer -> (scores of true answers, scores of wrong ones))."""
    rng = random.Random(0)
    out: dict[str, tuple[list[str], dict[str, tuple[list[Score], list[Score]]]]] = {}
    task = task_of("ecgqa")
    for split in splits:
        for sample in task_of("ecgqa", {"split": split}).samples(data):
            for phrase, pair in answers_of(sample, rng).items():
                patients, by_scorer = out.setdefault(phrase, ([], {name: ([], []) for name in SCORERS}))
                patients.append(sample.patient)
                for k, text in enumerate(pair):
                    scores = task.score(sample, [Answer(text=text)])
                    for name in SCORERS:
                        by_scorer[name][k].append(scored(scores[name].value or 0.0))
    return out


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
