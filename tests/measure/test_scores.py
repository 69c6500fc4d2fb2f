"""The shipped network: any leads in any order, any gain, no torch."""

import json
import subprocess
import sys
from importlib.resources import files

import numpy as np
import pytest

from gem.ecg.filter import resample
from gem.ecg.quality import inspect
from gem.ecg.recording import Recording
from gem.measure.prepare import prepare
from gem.measure.scores import score
from gem.simulate import simulate_recording


@pytest.fixture(scope="module")
def clean() -> Recording:
    recording = simulate_recording("normal").recording
    return prepare(recording, inspect(recording))


def test_scores_are_probabilities_one_a_sample_at_250_hz(clean: Recording) -> None:
    found = score(clean)
    assert found.lead.shape == (12, 3, 2500)
    assert found.joint.shape == (3, 2500)
    assert 0 <= found.lead.min() <= found.lead.max() <= 1


def test_the_order_of_the_leads_does_not_matter(clean: Recording) -> None:
    order = np.random.default_rng(3).permutation(12)
    turned = Recording(clean.signal[order], clean.fs, tuple(clean.leads[k] for k in order), "turned")
    assert score(turned).lead == pytest.approx(score(clean).lead[order], abs=1e-4)
    assert score(turned).joint == pytest.approx(score(clean).joint, abs=1e-4)


def test_gain_and_offset_do_not_matter(clean: Recording) -> None:
    louder = clean.after(2.5 * clean.signal + 0.7, "louder")
    assert score(louder).joint == pytest.approx(score(clean).joint, abs=1e-3)


@pytest.mark.parametrize("samples", [626, 1000, 2499, 4096])
def test_any_length_will_do(clean: Recording, samples: int) -> None:
    short = Recording(clean.signal[:, :samples], clean.fs, clean.leads, "short")
    assert score(short).joint.shape[1] == resample(short, 250.0).samples


def test_a_single_lead_is_read_alone(clean: Recording) -> None:
    alone, among = score(clean.only(("II",))).joint[1] > 0.5, score(clean).joint[1] > 0.5
    assert np.mean(alone == among) > 0.97


def test_measuring_never_loads_torch() -> None:
    code = (
        "import sys, json; from gem.simulate import simulate_recording; from gem.measure.measure import measure_recording\n"
        "measure_recording(simulate_recording('normal').recording); print(json.dumps(['torch' in sys.modules, 'neurokit2' in sys.modules]))"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert json.loads(out) == [False, False]


def test_the_weights_are_a_few_megabytes_at_most() -> None:
    for name in ("delineator.onnx", "delineator.safetensors"):
        assert len((files("gem.measure") / name).read_bytes()) < 4e6
