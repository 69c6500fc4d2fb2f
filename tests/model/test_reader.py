"""The reader of statements, the stem of the encoder and the numbers it reads."""

import numpy as np
import pytest
import torch

from gem.errors import ModelError
from gem.measure.batch import features
from gem.measure.measure import measure_recording
from gem.model.config import EcgConfig, GemConfig, ReaderConfig
from gem.model.ecg_encoder import EcgEncoder
from gem.model.measured import NAMES, measured_values, of_row
from gem.model.reader import StatementReader, pooled
from gem.simulate import PRESETS, simulate_recording


def _reader(**changes: object) -> StatementReader:
    fields = {"statements": ["NORM", "CLBBB"], "features": ["age", "qrs_duration"], "ecg_width": 8, "width": 16, "members": 3} | changes
    torch.manual_seed(0)
    return StatementReader(ReaderConfig(**fields)).eval()


def test_numbers_of_a_recording_are_its_feature_row() -> None:
    measurements = measure_recording(simulate_recording(PRESETS["lbbb"]).recording)
    values = measured_values(measurements)
    assert values.shape == (len(NAMES),)
    assert values[NAMES.index("qrs_duration")] == pytest.approx(measurements.of_all["qrs_duration"].value)
    assert values[NAMES.index("age")] == 69
    assert np.array_equal(values, of_row(features(measurements)), equal_nan=True)


def test_the_code_of_a_number_counts_the_quantiles_below_it_and_marks_what_is_absent() -> None:
    reader = _reader()
    numbers = torch.stack([torch.linspace(0, 80, 200), torch.linspace(60, 140, 200)], dim=1)
    reader.fit_code(numbers)
    code = reader.code(torch.tensor([[40.0, float("nan")]]))[0].view(2, reader.config.bins + 1)
    assert code[0, :-1].tolist() == pytest.approx([1, 1, 1, 1, 0, 0, 0, 0], abs=1e-4)
    assert code[0, -1] == 0
    assert code[1].tolist() == [0] * reader.config.bins + [1]


def test_a_reader_learns_a_statement_from_its_number() -> None:
    reader = _reader().train()
    rng = np.random.default_rng(0)
    qrs = torch.tensor(rng.uniform(70, 170, 400), dtype=torch.float32)
    numbers, labels = torch.stack([torch.full((400,), float("nan")), qrs], 1), (qrs > 120).float()
    reader.fit_code(numbers)
    optimizer = torch.optim.AdamW([p for p in reader.parameters() if p.requires_grad], lr=1e-2)
    for _ in range(150):
        logits = reader.of_numbers(numbers)[..., 1]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels[:, None].expand_as(logits))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    reader.eval()
    found = reader.of_numbers(torch.tensor([[float("nan"), 80.0], [float("nan"), 160.0]])).mean(1)[:, 1].sigmoid()
    assert found[0] < 0.1
    assert found[1] > 0.9


def test_without_numbers_the_states_alone_are_read() -> None:
    reader = _reader()
    states, keep = torch.randn(2, 5, 8), torch.ones(2, 5, dtype=torch.bool)
    alone = reader(states, keep)
    assert torch.allclose(alone.logits_ES, alone.ecg_ES)
    both = reader(states, keep, torch.tensor([[50.0, 90.0], [60.0, 150.0]]))
    assert torch.allclose(both.logits_ES, 0.5 * both.ecg_ES + 0.5 * both.measured_EMS.mean(1), atol=1e-6)


def test_what_was_not_recorded_counts_for_nothing_in_the_pool() -> None:
    states = torch.randn(1, 4, 8)
    keep = torch.tensor([[True, True, False, False]])
    assert torch.allclose(pooled(states, keep), pooled(states[:, :2], keep[:, :2]))


_STEM = {
    "layout": "joint",
    "fs": 100,
    "patch": 20,
    "stem": [8, 16, 16],
    "stem_strides": [2, 2, 5],
    "hidden_size": 16,
    "num_hidden_layers": 1,
}
_STEM |= {"num_attention_heads": 2, "intermediate_size": 32}


def test_a_frozen_stem_gives_the_same_states_in_training_and_in_use() -> None:
    torch.manual_seed(0)
    encoder = EcgEncoder(EcgConfig(**_STEM)).requires_grad_(False)
    values = torch.randn(3, 12, 1000)
    assert encoder.eval()(values).last_hidden_state.shape == (3, 50, 16)
    assert torch.equal(encoder.train()(values).last_hidden_state, encoder.eval()(values).last_hidden_state)


def test_a_stem_that_does_not_fit_its_patch_is_refused() -> None:
    with pytest.raises(ModelError, match="multiply to another patch than 25"):
        EcgConfig(**_STEM | {"patch": 25})
    with pytest.raises(ModelError, match="a stem needs layout joint"):
        EcgConfig(**_STEM | {"layout": "per_lead"})


def test_a_reader_without_an_encoder_is_refused() -> None:
    with pytest.raises(ModelError, match="a reader needs an ECG encoder"):
        GemConfig(reader_config=ReaderConfig(statements=["NORM"]))
    with pytest.raises(ModelError, match="2 thresholds for 1 statements"):
        ReaderConfig(statements=["NORM"], thresholds=[0.5, 0.5])


def test_leads_that_were_not_recorded_have_no_numbers() -> None:
    whole = simulate_recording(PRESETS["normal"]).recording
    two = whole.only(["I", "V1"])
    values = measured_values(measure_recording(two))
    assert values.shape == (len(NAMES),)
    assert np.isnan(values[NAMES.index("t_amplitude_V6")])
    assert np.isfinite(values[NAMES.index("t_amplitude_V1")])
