"""A small instruction set with simulated recordings: what it asks can be read off the signal, and facts are as `data_gen` writes them."""

import json
from pathlib import Path

import numpy as np

from gem.conversation import Conversation, Ecg, Origin, Turn
from gem.ecg.io.write import write_recording
from gem.ecg.recording import Recording
from gem.simulate import simulate_recording

PRESETS = ("normal", "rbbb", "stemi_inferior")


def make_set(folder: Path, rows: int = 24, shuffled: bool = False, split: str = "train") -> Path:
    """`folder`/conversations/SPLIT.jsonl and `folder`/ecg: `rows` conversations on three recordings, each told apart by its answer.

    shuffled  answers go to rows by chance, so that nothing in the recording tells them
    """
    (folder / "ecg").mkdir(parents=True, exist_ok=True)
    (folder / "conversations").mkdir(exist_ok=True)
    for name in PRESETS:
        if not (folder / "ecg" / f"{name}.hea").exists():
            write_recording(short(simulate_recording(name).recording), folder / "ecg" / f"{name}.hea")
    chance = np.random.default_rng(3)
    lines = []
    for k in range(rows):
        name = PRESETS[k % len(PRESETS)]
        said = PRESETS[int(chance.integers(len(PRESETS)))] if shuffled else name
        lines.append(json.dumps(conversation(k, name, f"It is {said.replace('_', ' ')}.", split).to_row()) + "\n")
    path = folder / "conversations" / f"{split}.jsonl"
    path.write_text("".join(lines), encoding="utf-8")
    return path


def conversation(k: int, name: str, answer: str, split: str = "train") -> Conversation:
    return Conversation(
        id=f"{name}-{split}-{k}",
        task="open" if k % 2 else "report",
        ecgs=(Ecg(record=name, path=f"ecg/{name}"),),
        turns=(Turn(role="user", text="What does this tracing show?"), Turn(role="assistant", text=answer)),
        origin=Origin(kind="template", name="tests"),
        patient=name,
        split=split,  # type: ignore[arg-type]
        licence="none",
        data_class="open",
    )


def short(recording: Recording, seconds: float = 4.0) -> Recording:
    return recording.after(recording.signal[:, : int(seconds * recording.fs)], "cut")


def recipe(folder: Path, at: Path, stage: str = "instruct", **changes: object) -> Path:
    """A recipe file of a few steps on the set in `folder`."""
    fields = {
        "stage": stage, "name": "small", "output": str(folder / "run"), "model": str(at), "seed": 3,
        "data": {
            "train": {str(folder / "conversations" / "train.jsonl"): 1.0}, "cache": str(folder / "cache"), "records": str(folder),
        },
        "optim": {"lr": 5e-3}, "batch": 4, "steps": 6, "save_every": 2, "log_every": 1, "device": "cpu",
    } | changes  # fmt: skip
    path = folder / "recipe.yaml"
    path.write_text(json.dumps(fields), encoding="utf-8")
    return path
