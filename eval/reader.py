"""The statements that a model reads off PTB-XL's fold 9: AUROC, F1, calibration, by group, beside controls.

    python -m eval.reader [--model DIR] [--folds 9] [--plot calibration.png] [--json]

Parts: the reader (signal and measured numbers, calibrated), the encoder's linear head alone, the measured numbers alone, a linear probe on
an encoder of the same make with random weights (fitted on the training split, folds 1 to 8 less ECG-QA's valid and test patients).
Controls: another patient's recording, and a flat line. Intervals: 95 %, bootstrap over patients.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from eval.bootstrap import Figure, figure
from eval.load import measured, recording_of
from eval.metric import Metric, macro_auroc, macro_f1
from eval.ptbxl import SUPER, Record, held_for_ecgqa, records
from eval.sample import Score, scored
from gem.ecg.recording import Recording
from gem.errors import GemError
from gem.files import data_folder, write_whole
from gem.infer.engine import SHIPPED, Engine
from gem.model.ecg_encoder import EcgEncoder
from gem.model.ecg_input import prepare_ecg, stack_ecgs
from gem.model.measured import NAMES, measured_values
from gem.model.reader import pooled

RHYTHMS = ("SR", "SBRAD", "STACH", "SARRH", "AFIB", "PACE")
_ITERS, _SEED, _BATCH = 2000, 0, 64
_BINS = 10


@dataclass(frozen=True)
class Parts:
    """Probabilities [N, S] of each part of the reader, and the pooled states [N, 2 H] of its encoder."""

    mixed: np.ndarray
    ecg: np.ndarray
    numbers: np.ndarray
    states: np.ndarray


@torch.no_grad()
def read_all(engine: Engine, recordings: Sequence[Recording], numbers: np.ndarray, encoder: EcgEncoder | None = None) -> Parts:
    """Read recordings [N] with measured numbers [N, F]; `encoder` in the place of the model's own."""
    model, config = engine.model, engine.processor.ecg_config
    used = model.ecg_encoder if encoder is None else encoder
    rows: list[list[np.ndarray]] = []
    for at in range(0, len(recordings), _BATCH):
        arrays = [prepare_ecg(recording, config) for recording in recordings[at : at + _BATCH]]
        values, mask = (torch.from_numpy(array) for array in stack_ecgs(arrays))
        out = used(values, mask)
        read = model.reader(out.last_hidden_state, out.keep, torch.from_numpy(numbers[at : at + _BATCH]))
        found = (
            read.logits_ES.sigmoid(),
            read.ecg_ES.sigmoid(),
            read.measured_EMS.mean(1).sigmoid(),
            pooled(out.last_hidden_state, out.keep),
        )
        rows.append([part.float().numpy() for part in found])
    return Parts(*(np.concatenate([row[k] for row in rows]) for k in range(4)))


def scores(
    names: Sequence[str], statements: Sequence[str], found: np.ndarray, over: Sequence[float], truth: Sequence[Sequence[str]]
) -> list[Score]:
    """One score a record: soft and said labels of `names`, as the metrics of the harness take them."""
    at = [list(statements).index(name) for name in names]
    out = []
    for row, labels in zip(found, truth, strict=True):
        said = [name for name, k in zip(names, at, strict=True) if row[k] >= over[k]]
        soft = {name: float(row[k]) for name, k in zip(names, at, strict=True)}
        right = [name for name in names if name in labels]
        out.append(scored(float(set(said) == set(right)), {"soft": soft, "predicted": said, "reference": right}))
    return out


def calibration(found: np.ndarray, truth: np.ndarray) -> list[tuple[float, float, int]]:
    """(mean probability, share that is so, n) of ten bins of the probabilities of all labels."""
    p, y = found.ravel(), truth.ravel()
    which = np.minimum((p * _BINS).astype(int), _BINS - 1)
    return [(float(p[which == b].mean()), float(y[which == b].mean()), int((which == b).sum())) for b in range(_BINS) if (which == b).any()]


def _groups(rows: Sequence[Record]) -> dict[str, np.ndarray]:
    """Name -> [N] bool."""
    meta = [row.meta for row in rows]
    old = np.array([m["age"] if m.get("age") is not None else np.nan for m in meta], float)
    out = {"women": np.array([m.get("sex") == "female" for m in meta]), "men": np.array([m.get("sex") == "male" for m in meta])}
    out |= {"below 50": old < 50, "50 to 69": (old >= 50) & (old < 70), "70 and above": old >= 70}
    out |= {"noise noted": np.array([m["noise"] != ["none noted"] for m in meta])}
    devices = [str(m["device"]) for m in meta]
    for name in sorted(set(devices) - {""}, key=lambda d: -devices.count(d))[:3]:
        out[f"device {' '.join(name.split())}"] = np.array([device == name for device in devices])
    return out


def table(engine: Engine, data: Path, folds: Sequence[int]) -> dict[str, Any]:
    """Every figure, as JSON."""
    rows, recordings, numbers = _opened(records(data, folds, labelled=True))
    statements = engine.model.config.reader_config.statements
    over = engine.model.config.reader_config.thresholds
    truth = [[*row.labels, *row.scp] for row in rows]
    people = [str(row.meta["patient"]) for row in rows]
    parts = read_all(engine, recordings, numbers)
    half = [0.5] * len(statements)
    order = np.roll(np.arange(len(rows)), len(rows) // 2)
    flat = [r.after(np.zeros_like(r.signal), "flat") for r in recordings]
    nothing = read_all(engine, flat, np.full_like(numbers, np.nan))
    labels = tuple(SUPER)
    auroc, f1 = macro_auroc("k", labels), macro_f1("k", labels)

    def one(
        metric: Metric, found: np.ndarray, limit: Sequence[float], keep: np.ndarray | None = None, names: Sequence[str] = labels
    ) -> Figure:
        chosen = np.arange(len(rows)) if keep is None else np.flatnonzero(keep)
        some = scores(names, statements, found[chosen], limit, [truth[k] for k in chosen])
        return figure(some, [people[k] for k in chosen], metric, _ITERS, _SEED)

    probed = _probe(engine, data, recordings, numbers, statements)
    out: dict[str, Any] = {"n": len(rows), "patients": len(set(people)), "model": engine.name}
    lines = {
        "reader": (parts.mixed, over), "encoder's linear head": (parts.ecg, half), "measured numbers alone": (parts.numbers, half),
        "random encoder, linear probe": (probed, half), "another patient's recording": (parts.mixed[order], over),
        "flat line": (nothing.mixed, over),
    }  # fmt: skip
    out["superclasses"] = {name: {"auroc": _json(one(auroc, p, t)), "macro_f1": _json(one(f1, p, t))} for name, (p, t) in lines.items()}
    out["each"] = {
        name: {
            "auroc": _json(one(macro_auroc("k", (name,)), parts.mixed, over)),
            "f1": _json(one(macro_f1("k", (name,)), parts.mixed, over)),
        }
        for name in labels
    }
    coded = np.array([bool(row.scp) for row in rows])
    rhythms = tuple(name for name in RHYTHMS if name in statements)
    out["rhythm"] = {
        name: _json(one(macro_f1("k", some), parts.mixed, over, coded, some))
        for name, some in (("macro_f1", rhythms), *((r, (r,)) for r in rhythms))
    }
    out["groups"] = {name: _json(one(auroc, parts.mixed, over, keep)) for name, keep in _groups(rows).items() if keep.sum() > 1}
    classes = [statements.index(name) for name in labels]
    marks = np.array([[name in labels_ for name in labels] for labels_ in truth])
    out["calibration"] = calibration(parts.mixed[:, classes], marks)
    out["calibration_error"] = sum(n * abs(p - y) for p, y, n in out["calibration"]) / marks.size
    return out


def _opened(found: Any) -> tuple[list[Record], list[Recording], np.ndarray]:
    """Records that can be measured, their recordings, their numbers [N, F]."""
    rows, recordings, numbers = [], [], []
    for row in found:
        try:
            numbers.append(measured_values(measured(row.ecg)[0]))
        except GemError:
            numbers.append(np.full(len(NAMES), np.nan, np.float32))
        rows.append(row)
        recordings.append(recording_of(row.ecg))
    return rows, recordings, np.stack(numbers)


def _probe(engine: Engine, data: Path, recordings: Sequence[Recording], numbers: np.ndarray, statements: Sequence[str]) -> np.ndarray:
    """[N, S] probabilities of the superclasses from a logistic regression on an encoder that learned nothing."""
    torch.manual_seed(_SEED)
    encoder = EcgEncoder(engine.model.config.ecg_config).eval()
    held = held_for_ecgqa(data)
    train = [row for row in records(data, range(1, 9), labelled=True) if row.meta["patient"] not in held]
    shown = [recording_of(row.ecg) for row in train]
    blank = np.full((len(shown), numbers.shape[1]), np.nan, np.float32)
    known, asked = read_all(engine, shown, blank, encoder).states, read_all(engine, recordings, numbers, encoder).states
    centre, spread = known.mean(0), known.std(0) + 1e-6
    out = np.zeros((len(recordings), len(statements)))
    for name in SUPER:
        fitted = LogisticRegression(max_iter=500, C=0.1).fit((known - centre) / spread, [name in row.labels for row in train])
        out[:, list(statements).index(name)] = fitted.predict_proba((asked - centre) / spread)[:, 1]
    return out


def _json(found: Figure) -> dict[str, Any]:
    """In percent."""
    return {"n": found.n} | {
        k: None if v is None else 100 * v for k, v in (("value", found.value), ("low", found.low), ("high", found.high))
    }


def _shown(cell: dict[str, Any]) -> str:
    return "-" if cell["value"] is None else f"{cell['value']:.1f} ({cell['low']:.1f}-{cell['high']:.1f})"


def _plot(path: Path, points: Sequence[tuple[float, float, int]]) -> None:
    from io import BytesIO

    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=(4, 4), layout="constrained")
    axes = canvas.subplots()
    axes.plot([0, 1], [0, 1], color="0.7")
    axes.plot([p for p, _, _ in points], [y for _, y, _ in points], "o-")
    axes.set(xlabel="probability said", ylabel="share that is so", title="Superclasses, PTB-XL fold 9")
    buffer = BytesIO()
    canvas.savefig(buffer, format="png", dpi=120)
    write_whole(path, buffer.getvalue())


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m eval.reader", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=SHIPPED)
    parser.add_argument("--folds", type=int, nargs="+", default=[9])
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    try:
        found = table(Engine.load(args.model), data_folder(), args.folds)
        if args.plot:
            _plot(args.plot, found["calibration"])
    except GemError as fault:
        sys.stderr.write(f"eval.reader: {fault}\n")
        return 2
    if args.json:
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
        return 0
    lines = [f"{found['model']}, PTB-XL, n {found['n']}, {found['patients']} patients; percent, 95 % by patient", ""]
    lines += [f"{name:32} AUROC {_shown(row['auroc']):20} F1 {_shown(row['macro_f1'])}" for name, row in found["superclasses"].items()]
    lines += ["", *(f"{name:32} AUROC {_shown(row['auroc']):20} F1 {_shown(row['f1'])}" for name, row in found["each"].items())]
    lines += ["", *(f"rhythm {name:25} F1 {_shown(cell)}, n {cell['n']}" for name, cell in found["rhythm"].items())]
    lines += ["", *(f"{name:32} AUROC {_shown(cell)}, n {cell['n']}" for name, cell in found["groups"].items())]
    lines += ["", f"calibration error {100 * found['calibration_error']:.1f}"]
    lines += [f"  said {p:.2f}  is so {y:.2f}  n {n}" for p, y, n in found["calibration"]]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
