"""Answers read exactly as the published scripts read them, faults included, so that figures can be set beside theirs.

Sources: PULSE evaluation/evaluate_ecgbench.py (arXiv 2410.19008), its forks in GEM (arXiv 2503.06073) and ECG-R1 (arXiv 2602.04279),
ECG-QA llm_modeling (arXiv 2306.15681). What is wrong with each is said where it is done; `eval.official.strict` does it right.
"""

import random
import re
from collections.abc import Iterable, Sequence

PTB_SUPER = ("NORM", "MI", "STTC", "CD", "HYP")
CPSC = ("NORM", "AF", "I-AVB", "LBBB", "RBBB", "PAC", "PVC", "STD", "STE")
CODE15 = ("1dAVb", "RBBB", "LBBB", "SB", "ST", "AF")
CODE15_ALL = (*CODE15, "NORM", "ABNORMAL")
LETTERS = ("A", "B", "C", "D", "E", "F", "G", "H")
FIXED_SUFFIX = "Only answer based on the given Options without any explanation."
"""The sentence by which the published scorers find the end of the options of ECG-QA."""
SEED = 42
"""Of the dice that the published scripts throw for an answer they cannot read."""


def labels(text: str, space: Sequence[str]) -> list[str]:
    """Labels that occur anywhere, case counted. So NORM is found in ABNORMAL, AF in LAFB, STE in STEMI, and in "no evidence of MI" MI."""
    return [label for label in space if label in text]


def code15_predicted(text: str) -> list[str]:
    """CODE-15: what stands after the last "Answer:", with NORM or ABNORMAL in front. ST is found in "ST depression"."""
    text = text.split("Answer:")[-1]
    state = ["ABNORMAL"] if "ABNORMAL" in text else ["NORM"] if "NORM" in text else []
    return state + labels(text, CODE15)


def code15_reference(text: str) -> list[str]:
    """CODE-15's reference: exactly NORM, exactly ABNORMAL, or the labels in it."""
    return [text] if text in ("NORM", "ABNORMAL") else labels(text, CODE15)


def letter(text: str) -> str | None:
    """The option of a multiple-choice answer, or None, for which the scripts throw dice.

    Alphabetical order comes before the order in the text: "The answer is B. I rule out A." is A.
    """
    if text in LETTERS:
        return text
    for one in LETTERS:
        if f"{one}." in text:
            return one
    if "The correct option is " in text:
        after = text.split("The correct option is ")[-1][:1]
        return after if after in LETTERS else None
    if "Answer:" in text:
        rest = text.split("Answer:")[-1].strip()
        return next((one for one in LETTERS if one in rest), None)
    return None


def with_dice(read: Iterable[str | None], letters: Sequence[str]) -> list[str]:
    """Letters of a file in its order, those that could not be read thrown with the published seed; one file a run of the script."""
    dice = random.Random(SEED)
    return [one if one is not None else dice.choice(letters) for one in read]


def candidates(prompt: str) -> list[str]:
    """The options of an ECG-QA prompt: split at commas, also those inside an option."""
    return [one.strip() for one in prompt.split("Options:")[-1].replace(FIXED_SUFFIX, "").split(",")]


def ecgqa_pulse(prompt: str, answer: str, reference: str | Sequence[str]) -> bool:
    """PULSE: options that occur in the lower-cased answer, as a set. An option with a capital ("lead I") can never be found.

    A reference that is one string is taken as the set of its letters, so it is never equal (PULSE issue 4).
    """
    said = [one for one in candidates(prompt) if one in answer.lower()]
    return set(said) == set(reference)


def ecgqa_gem(prompt: str, answer: str, reference: str | Sequence[str], baseline: bool = False) -> bool:
    """GEM and ECG-R1: options found are joined, and the two *sets of characters* compared: lead I equals lead III.

    baseline  the branch for files with `response`: an option with a capital can then never be found
    """
    said = [one for one in candidates(prompt) if (one in answer.lower() if baseline else one.lower() in answer.lower())]
    return set("".join(said)) == set(reference)


def ecgqa_llm(classes: Sequence[str], answer: str, reference: Sequence[str]) -> bool:
    """ECG-QA's own script for language models: the classes of the question's template, first alternative first, in the lower-cased answer.

    "no" is tried before "none" and found in it; a class with a capital is never found; an empty reference is "none".
    """
    names = [one.replace("(", r"\(", 1).replace(")", r"\)", 1) for one in classes]
    pattern = "|".join([*(f"({one})" for one in names), "(none)"])
    said = {found.group() for found in re.finditer(pattern, answer.lower())}
    return said == ({one.lower() for one in reference} or {"none"})


def report_key(sample_id: str) -> str:
    """Under which the report scorer keeps an item: what follows the last "-". In the shipped file that is "0" for all 500."""
    return sample_id.split("-")[-1]


def report_survivors(ids: Sequence[str]) -> list[int]:
    """Positions of the items that the published report scorer scores: one output file a key, the last one written stays."""
    return sorted({report_key(one): k for k, one in enumerate(ids)}.values())
