"""A spec becomes a recording and its truth."""

from dataclasses import dataclass

import numpy as np

from gem.ecg.lead import STANDARD
from gem.ecg.recording import Recording
from gem.simulate.finding import astray
from gem.simulate.leads import reversed_leads, trace_matrix
from gem.simulate.noise import noise_leads
from gem.simulate.read import read_spec
from gem.simulate.render import Heart, clean_leads, heart
from gem.simulate.spec import SimulationSpec
from gem.simulate.truth import Truth, truth_of

LSB_MV = 0.001
"""Values are whole microvolts in I, II and V1 to V6, as from a recorder's converter, so that the limb
identities hold exactly and a file can hold the recording without loss."""
_VARIETY_SHARES = (1.0, 0.6, 0.3, 0.0)
LARGEST_MV = 16.0
"""The converter saturates here, unless the spec says earlier."""


@dataclass(frozen=True, eq=False)
class Simulated:
    """A recording, its truth, and the same trace without noise, clipping and rounding.

    clean  [12, T] float64 mV, standard leads; reversal and flat leads included
    """

    recording: Recording
    truth: Truth
    clean: np.ndarray


def simulate_recording(spec: SimulationSpec | str) -> Simulated:
    """Simulate one ECG.

    spec  a `SimulationSpec`, or words for `read_spec` ("lbbb rate=90")

    The recording has the 12 standard leads in mV, at `spec.fs` for `spec.duration_s`. The same spec
    gives the same bytes in every process. Raises `ConfigError` when words do not describe a spec.
    """
    if isinstance(spec, str):
        spec = read_spec(spec)
    samples = round(spec.duration_s * spec.fs)
    body, truth = _true_heart(spec, (samples - 1) / spec.fs)
    noise_rng = np.random.default_rng(spec.seed).spawn(2)[1]
    clean8 = reversed_leads(spec.reversal) @ clean_leads(body, spec.fs, samples)
    shown = trace_matrix("none", spec.flat)
    most = min(LARGEST_MV, spec.clip_mv or LARGEST_MV)
    noisy = clean8 + noise_leads(spec, clean8, noise_rng)
    steps = np.round(np.clip(noisy, -LARGEST_MV, LARGEST_MV) / LSB_MV)
    signal = np.clip((shown @ steps) * LSB_MV, -most, most)
    name = spec.name or spec.digest
    recording = Recording(
        signal=signal.astype(np.float32),
        fs=spec.fs,
        leads=STANDARD,
        source=f"simulated:{name}",
        history=(f"simulated: {_said(spec)}",),
        age=spec.age,
        sex=spec.sex,
    )
    return Simulated(recording, truth, shown @ clean8)


def _true_heart(spec: SimulationSpec, end_s: float) -> tuple[Heart, Truth]:
    """The heart of this seed; where chance took it out of the definition of what was asked, nearer to the textbook.

    Same draws, less variety, until the findings are those of the spec; the best of the tries otherwise.
    """
    best: tuple[int, Heart, Truth] | None = None
    for share in _VARIETY_SHARES if spec.variety else (0.0,):
        body = heart(spec, share * spec.variety, np.random.default_rng(spec.seed).spawn(2)[0])
        truth = truth_of(body, spec, trace_matrix(spec.reversal, spec.flat), end_s)
        fault = astray(spec, truth.findings)
        if best is None or fault < best[0]:
            best = (fault, body, truth)
        if not fault:
            break
    if best is None:
        raise ValueError("no share of variety to try")
    return best[1], best[2]


def _said(spec: SimulationSpec) -> str:
    """The fields that differ from their defaults, as key=value words, the seed always."""
    values = spec.model_dump(mode="json", exclude_defaults=True) | {"seed": spec.seed}
    words = []
    for key, value in values.items():
        if isinstance(value, dict):
            words += [f"{key}.{inner}={number:g}" for inner, number in value.items()]
        elif isinstance(value, list):
            words.append(f"{key}={','.join(value)}")
        else:
            words.append(f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}")
    return " ".join(words)
