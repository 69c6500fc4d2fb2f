"""The question after PTB-XL's five superclasses, which several tasks ask: its turns, and what an answer is worth."""

import math
from collections.abc import Sequence

from eval.metric import Metric, hamming, hard_auc, macro_auroc, macro_f1, mean
from eval.parse import terms_in
from eval.ptbxl import FINDINGS, SUPER
from eval.sample import Answer, Score, Turn, scored, unparsed, unscored

TERMS = {
    "NORM": ("NORM", "normal ECG", "normal electrocardiogram", "within normal limits"),
    "MI": ("MI", "myocardial infarction", "infarction"),
    "STTC": ("STTC", "ST/T change", "ST/T changes", "ST-T change", "ST-T changes"),
    "CD": ("CD", "conduction disturbance", "conduction disturbances"),
    "HYP": ("HYP", "hypertrophy"),
}
_YES = ("Yes", "No")


def which(labels: Sequence[str]) -> Turn:
    """All labels at once, as text."""
    said = "; ".join(f"{code} ({name})" for code, name in SUPER.items())
    question = f"Which of these describe this ECG: {said}? Answer with every code that applies, separated by semicolons, and nothing else."
    asks = {"form": "labels", "of": FINDINGS, "else": "NORM"}
    return Turn(question=question, reference=tuple(labels), alone=True, meta={"label": "all", "asks": asks})


def each(labels: Sequence[str]) -> list[Turn]:
    """Yes or no for each label by likelihood."""
    out = []
    for code, name in SUPER.items():
        every = [key for keys in FINDINGS.values() for key in keys]
        asks = {"form": "label", "none_of": every} if code == "NORM" else {"form": "label", "findings": FINDINGS[code]}
        question = f"Does this ECG show: {name}? Answer Yes or No."
        right = "Yes" if code in labels else "No"
        out.append(Turn(question=question, options=_YES, reference=right, ask="likelihood", alone=True, meta={"label": code, "asks": asks}))
    return out


def strict_labels(text: str, labels: Sequence[str]) -> Score:
    """Whole codes or names, negation understood; 1 for exactly the right set."""
    found = terms_in(text, TERMS)
    said = [label for label in SUPER if found.get(label)]
    parsed = {"predicted": said, "reference": list(labels)}
    if not found:
        return unparsed("none of the five codes or their names", parsed=parsed)
    return scored(float(set(said) == set(labels)), parsed)


def compat_labels(text: str, labels: Sequence[str]) -> Score:
    """As evaluate_ecgbench.py reads them: every label that is a substring of the answer, so that ABNORMAL says NORM."""
    said = [label for label in SUPER if label in text]
    return scored(float(set(said) == set(labels)), {"predicted": said, "reference": list(labels)})


def soft_labels(answers: Sequence[Answer], labels: Sequence[str]) -> Score:
    """P(Yes) of each label; the value is the mean of what was given to the right side."""
    if any(answer.likelihoods is None for answer in answers):
        return unscored("the model gives no likelihoods")
    soft = {}
    for code, answer in zip(SUPER, answers, strict=True):
        yes, no = answer.likelihoods or (0.0, 0.0)
        soft[code] = 1 / (1 + math.exp(min(700.0, max(-700.0, no - yes))))
    right = sum(p if code in labels else 1 - p for code, p in soft.items()) / len(soft)
    return scored(right, {"soft": soft, "reference": list(labels)})


def label_metrics(prefix: str, key: str, auc: bool = False) -> dict[str, Metric]:
    """Exact set, macro F1 and, for the published scoring, what it calls AUC and HL."""
    labels = tuple(SUPER)
    out = {f"{prefix}.exact": mean(key), f"{prefix}.macro_f1": macro_f1(key, labels)}
    return out | ({f"{prefix}.auc_hard": hard_auc(key, labels), f"{prefix}.hamming_loss": hamming(key, labels)} if auc else {})


def soft_metrics(key: str) -> dict[str, Metric]:
    """Area under the ROC curve from likelihoods, per label and over all."""
    each_label = {f"strict.auroc_{code}": macro_auroc(key, (code,)) for code in SUPER}
    return {"strict.macro_auroc": macro_auroc(key, tuple(SUPER))} | each_label
