"""Changes by chance that leave true what a row says."""

import re

import numpy as np

from gem.conversation import Conversation
from gem.ecg.recording import Recording
from train.data.config import Augment

_LEADS = re.compile(r"\b(aVR|aVL|aVF|III|II|I|V[1-6])\b")
_GROUPS = re.compile(
    r"\b(leads?|inferior\w*|anter\w*|lateral\w*|septal\w*|posterior\w*|precordial\w*|chest|limb|V[1-6]\s*(?:-|to|through|and)\s*V?[1-6])\b",
    re.IGNORECASE,
)
"""Words that speak of leads without naming each: where one stands, none is dropped."""
_COUNTS = re.compile(r"\bbeats?\b|\b\d+(?:\.\d+)?\s*s(?:econds?)?\b", re.IGNORECASE)
"""Words that speak of places in time: where one stands, nothing is cut off."""


def one_modality(signal: bool, picture: bool, chance: float, rng: np.random.Generator) -> tuple[bool, bool]:
    """Which of the two are shown: both, or with the chance one of them; never none of what is there."""
    if signal and picture and rng.random() < chance:
        kept = bool(rng.random() < 0.5)
        return kept, not kept
    return signal, picture


def changed_signal(recording: Recording, row: Conversation, augment: Augment, rng: np.random.Generator) -> Recording:
    """Fewer leads, a shorter stretch, or as it is."""
    text = " ".join(turn.text for turn in row.turns)
    chances = rng.random(2)
    if len(row.ecgs) > 1:
        return recording
    if chances[0] < augment.drop_leads and not _GROUPS.search(text):
        recording = _fewer_leads(recording, set(_LEADS.findall(text)), augment.fewest_leads, rng)
    if chances[1] < augment.crop and not _COUNTS.search(text) and recording.duration_s > augment.shortest_s:
        recording = _shorter(recording, augment.shortest_s, rng)
    return recording


def _fewer_leads(recording: Recording, named: set[str], fewest: int, rng: np.random.Generator) -> Recording:
    free = [lead for lead in recording.leads if lead not in named]
    least = max(fewest, len(recording.leads) - len(free))
    if not free or least >= len(recording.leads):
        return recording
    count = int(rng.integers(least, len(recording.leads)))
    dropped = set(rng.permutation(free)[: len(recording.leads) - count].tolist())
    kept = recording.only([lead for lead in recording.leads if lead not in dropped])
    return kept if np.isfinite(kept.signal).any() else recording


def _shorter(recording: Recording, shortest_s: float, rng: np.random.Generator) -> Recording:
    samples = int(rng.uniform(shortest_s, recording.duration_s) * recording.fs)
    begin = int(rng.integers(recording.samples - samples + 1))
    return recording.after(recording.signal[:, begin : begin + samples], f"samples {begin} to {begin + samples}")
