"""Controls: the same questions, with the ECG taken away or exchanged. A model that fares as well with them does not read ECGs."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from eval.sample import Ecg, Picture, Sample

Control = Literal["none", "text_only", "shuffled", "noise", "flat"]
CONTROLS = ("none", "text_only", "shuffled", "noise", "flat")


def controlled(samples: Sequence[Sample], control: Control, seed: int) -> list[Sample]:
    """What the model is shown instead, one for each sample; what answers are scored against stays with the sample itself.

    text_only  no signal, no picture
    shuffled   those of another patient's sample (a fixed permutation)
    noise      noise, or a flat line, of the same length
    """
    if control == "none":
        return list(samples)
    if control == "text_only":
        return [sample.model_copy(update={"ecgs": (), "pictures": ()}) for sample in samples]
    if control == "shuffled":
        others = _others([sample.patient for sample in samples], seed)
        return [
            s.model_copy(update={"ecgs": samples[k].ecgs, "pictures": samples[k].pictures}) for s, k in zip(samples, others, strict=True)
        ]
    return [sample.model_copy(update=_stood_in(sample, control)) for sample in samples]


def _others(patients: Sequence[str], seed: int) -> list[int]:
    """For each sample the place of one of another patient: patients are put in a random order, and each takes after the next one."""
    rng = np.random.default_rng(seed)
    first: dict[str, int] = {}
    for k, patient in enumerate(patients):
        first.setdefault(patient, k)
    names = [list(first)[k] for k in rng.permutation(len(first))]
    follower = {name: names[(k + 1) % len(names)] for k, name in enumerate(names)}
    return [first[follower[patient]] for patient in patients]


def _stood_in(sample: Sample, control: Literal["noise", "flat"]) -> dict[str, object]:
    def ecg(one: Ecg) -> Ecg:
        return one.model_copy(update={"stand_in": control})

    def picture(one: Picture) -> Picture:
        return one.model_copy(update={"stand_in": control} if one.ecg is None else {"ecg": ecg(one.ecg)})

    return {"ecgs": tuple(map(ecg, sample.ecgs)), "pictures": tuple(map(picture, sample.pictures))}
