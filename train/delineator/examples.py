"""Examples: signals with the edges of every wave, from LUDB's cardiologists and from the simulator.

LUDB marks neither the first nor the last beats of many records: what lies outside the marked stretch counts in no loss.
The simulator knows which waves there are, also those that no cardiologist of LUDB marked (P waves that no QRS follows), but where a
wave ends is a reader's habit: its edges teach nothing, or the network learns two habits (configs/LOG.md, 2026-11-21).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gem.ecg.io import read
from gem.ecg.io.wfdb import read_marks
from gem.ecg.lead import STANDARD
from gem.ecg.quality import inspect
from gem.errors import GemError
from gem.measure.prepare import prepare
from gem.measure.scores import WAVES
from gem.simulate import random_spec, simulate_recording

_LETTERS = {"p": "p", "N": "qrs", "t": "t"}
_TOGETHER_S = 0.15
"""Marks of one wave in different leads lie this near each other."""
_LEAST_LEADS = 4
_VAGUE_S = 0.04
_CUT_S = (0.6, 0.9)
"""At the ends of a simulated record waves that the edge cuts are not in the truth."""

Edges = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Example:
    """One record.

    signal   [12, T] float32 mV at `fs`, cleaned as for measuring
    lead     wave -> list of 12 arrays [n, 2], first and last edge in that lead, s
    joint    wave -> [n, 2] edges over all leads, s
    valid    stretch in which the edges are complete, s
    unknown  wave -> [n, 2] stretches in which the edges of the single leads are not known, s
    vague_s  so near to an edge nothing is taught
    """

    signal: np.ndarray
    fs: float
    lead: dict[str, list[np.ndarray]]
    joint: Edges
    valid: tuple[float, float]
    unknown: Edges
    vague_s: float = 0.0


def _pairs(rows: list[tuple[float, float]]) -> np.ndarray:
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


def ludb_example(header: Path) -> Example:
    """One record of LUDB with the marks of its twelve leads. Raises `GemError` when it cannot be read."""
    recording = read(header)
    clean = prepare(recording, inspect(recording))
    lead: dict[str, list[np.ndarray]] = {wave: [] for wave in WAVES}
    firsts, lasts = [], []
    for name in STANDARD:
        marks = read_marks(header, name.lower())
        found: dict[str, list[tuple[float, float]]] = {wave: [] for wave in WAVES}
        for k, (symbol, _) in enumerate(marks):
            whole = 0 < k < len(marks) - 1 and marks[k - 1][0] == "(" and marks[k + 1][0] == ")"
            if symbol in _LETTERS and whole:
                found[_LETTERS[symbol]].append((marks[k - 1][1] / recording.fs, marks[k + 1][1] / recording.fs))
        for wave in WAVES:
            lead[wave].append(_pairs(found[wave]))
        firsts.append(marks[0][1] / recording.fs)
        lasts.append(marks[-1][1] / recording.fs)
    valid = (float(np.median(firsts)), float(np.median(lasts)))
    rows = [clean.leads.index(name) if name in clean.leads else -1 for name in STANDARD]
    signal = np.stack([clean.signal[k] if k >= 0 else np.zeros(clean.samples, np.float32) for k in rows])
    joint = {wave: joint_edges(lead[wave]) for wave in WAVES}
    return Example(signal, recording.fs, lead, joint, valid, {wave: _pairs([]) for wave in WAVES})


def joint_edges(per_lead: list[np.ndarray]) -> np.ndarray:
    """[n, 2] second-earliest onset and second-latest offset of the waves that four leads or more show near each other."""
    marks = sorted((float(row.mean()), float(row[0]), float(row[1])) for rows in per_lead for row in rows)
    groups: list[list[tuple[float, float, float]]] = []
    for mark in marks:
        if groups and mark[0] - groups[-1][-1][0] <= _TOGETHER_S / 2:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    enough = [group for group in groups if len(group) >= _LEAST_LEADS]
    return _pairs([(sorted(g[1] for g in group)[1], sorted(g[2] for g in group)[-2]) for group in enough])


def simulated_example(seed: int) -> Example:
    """One record of the simulator's population, noise left out (it is added anew each time)."""
    rng = np.random.default_rng(seed)
    while True:
        spec = random_spec(rng)
        made = simulate_recording(spec.model_copy(update={"noise": type(spec.noise)()}))
        try:
            clean = prepare(made.recording, inspect(made.recording))
        except GemError:
            continue
        if clean.leads == STANDARD:
            break
    truth = made.truth
    lead: dict[str, list[np.ndarray]] = {wave: [] for wave in WAVES}
    for name in STANDARD:
        rows = truth.delineation[name]
        for wave, columns in zip(WAVES, ((0, 2), (3, 7), (8, 10)), strict=True):
            pairs = rows[:, columns]
            lead[wave].append(pairs[np.isfinite(pairs).all(axis=1)])
    joint = {wave: joint_edges(lead[wave]) for wave in WAVES}
    free = [p for p in truth.p_waves if p["conducted_to"] is None and p["on"] is not None and p["off"] is not None]
    seen = _pairs([(p["on"], p["off"]) for p in free if p["hidden_in"] != "qrs"])
    hidden = _pairs([(p["on"], p["off"]) for p in free if p["hidden_in"] is not None])
    joint["p"] = np.concatenate([joint["p"], seen])
    unknown = {"p": np.concatenate([seen, hidden]), "qrs": _pairs([]), "t": _pairs([])}
    valid = (_CUT_S[0], clean.duration_s - _CUT_S[1])
    return Example(clean.signal, clean.fs, lead, joint, valid, unknown, _VAGUE_S)


def ludb_examples(folder: Path) -> dict[int, Example]:
    """LUDB records by number. Raises `GemError` when the folder has none."""
    headers = sorted((folder / "ludb" / "data").glob("*.hea"), key=lambda path: int(path.stem))
    if not headers:
        raise GemError(f"{folder}/ludb/data: no LUDB records there; set GEM_DATA to the folder that holds ludb/")
    return {int(path.stem): ludb_example(path) for path in headers}
