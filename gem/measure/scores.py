"""Per-sample scores of P, QRS and T from the learned delineator, run through onnxruntime (no torch).

The network sees all leads of a recording at once, at 250 Hz: a wave seen in most leads is a wave, one invented in a single
lead is not. The idea is that of ECG-DelNet (arXiv 2005.05236; Sci Rep 2021), re-implemented from its description and widened to
many leads; training and figures are in `train/delineator` and configs/LOG.md.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from gem.ecg.filter import resample
from gem.ecg.recording import Recording

RATE_HZ = 250.0
WAVES = ("p", "qrs", "t")
BLOCK = 32
"""The network halves time five times: lengths are multiples of this."""
WEIGHTS = "delineator.onnx"


@dataclass(frozen=True, eq=False)
class Scores:
    """lead [L, 3, T] and joint [3, T]: probability that a sample belongs to P, QRS, T, in each lead and over all; at `RATE_HZ`."""

    lead: np.ndarray
    joint: np.ndarray


def network_input(clean: Recording) -> np.ndarray:
    """[L, T] float32 at `RATE_HZ`: each lead with its median off and its standard deviation 1.

    clean  no gaps, baseline removed
    """
    signal = resample(clean, RATE_HZ).signal
    centred = signal - np.median(signal, axis=1, keepdims=True)
    out: np.ndarray = (centred / np.maximum(centred.std(axis=1, keepdims=True), 1e-4)).astype(np.float32)
    return out


@cache
def _session(weights: Path | None) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    network = weights.read_bytes() if weights else (files("gem.measure") / WEIGHTS).read_bytes()
    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])


def score(clean: Recording, weights: Path | None = None) -> Scores:
    """Scores of a cleaned recording; leads as in `clean`.

    weights  another network than the one shipped, ONNX
    """
    x = network_input(clean)
    padded = np.pad(x, ((0, 0), (0, -x.shape[1] % BLOCK)))
    lead, joint = _session(weights).run(None, {"signal": padded[None]})
    samples = x.shape[1]
    return Scores(lead[0, :, :, :samples], joint[0, :, :samples])
