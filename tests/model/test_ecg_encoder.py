"""The ECG encoder and what it is fed: leads by name, any length and rate, what is missing stays missing."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gem.ecg.filter import resample
from gem.ecg.recording import Recording
from gem.errors import ModelError
from gem.model.config import EcgConfig
from gem.model.ecg_encoder import EcgEncoder
from gem.model.ecg_input import prepare_ecg, stack_ecgs
from gem.simulate import simulate_recording

NORMAL = simulate_recording("normal").recording
SMALL = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
OURS = {
    "joint": {"layout": "joint"},
    "joint with a class token": {"layout": "joint", "class_token": True},
    "per lead, averaged": {},
    "per lead, all tokens": {"pool": "none"},
}


def encoder_of(**settings) -> EcgEncoder:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    return EcgEncoder(EcgConfig(**SMALL, **settings)).eval()


def states(encoder: EcgEncoder, *recordings: Recording) -> list[torch.Tensor]:
    """Tokens of each, from one batch."""
    arrays = [prepare_ecg(recording, encoder.config) for recording in recordings]
    out = encoder(*(torch.from_numpy(part) for part in stack_ecgs(arrays)))
    kept = [row[keep] for row, keep in zip(out.last_hidden_state, out.keep, strict=True)]
    assert [len(row) for row in kept] == [array.tokens for array in arrays]
    return kept


def window(recording: Recording, seconds: float) -> Recording:
    return replace(recording, signal=recording.signal[:, : round(seconds * recording.fs)], total_s=0.0)


@pytest.mark.parametrize("name", OURS)
def test_an_ecg_reads_the_same_alone_and_beside_a_longer_one(name: str) -> None:
    encoder = encoder_of(**OURS[name])
    short = window(NORMAL, 3.3)
    alone, together = states(encoder, short)[0], states(encoder, NORMAL, short)[1]
    assert torch.allclose(alone, together, atol=1e-5)


@pytest.mark.parametrize("name", OURS)
def test_a_missing_lead_is_missing_and_not_zero(name: str) -> None:
    encoder = encoder_of(**OURS[name])
    without = NORMAL.only([lead for lead in NORMAL.leads if lead != "V3"])
    signal = NORMAL.signal.copy()
    signal[NORMAL.leads.index("V3")] = np.nan
    gone = states(encoder, without)[0]
    signal_zero = np.nan_to_num(signal)
    assert torch.allclose(gone, states(encoder, NORMAL.after(signal, "V3 lost"))[0], atol=1e-6)
    zero = states(encoder, NORMAL.after(signal_zero, "V3 flat"))[0]
    assert gone.shape != zero.shape or (gone - zero).abs().max() > 1e-3


@pytest.mark.parametrize("name", OURS)
def test_what_lies_under_the_mask_changes_nothing(name: str) -> None:
    encoder = encoder_of(**OURS[name])
    array = prepare_ecg(NORMAL, encoder.config)
    values, mask = torch.from_numpy(array.values)[None], torch.from_numpy(array.mask.copy())[None]
    mask[:, 4, 20:50] = False
    mask[:, :, 80:] = False
    hidden = (~mask).repeat_interleave(encoder.config.patch, dim=2)
    one, two = encoder(values, mask), encoder(values.masked_fill(hidden, float("nan")), mask)
    assert torch.allclose(one.last_hidden_state[one.keep], two.last_hidden_state[two.keep], atol=1e-6)


def test_leads_are_matched_by_name_whatever_their_order() -> None:
    encoder = encoder_of()
    turned = NORMAL.only(["aVF", "aVL", *(lead for lead in NORMAL.leads if lead not in ("aVF", "aVL"))])
    assert torch.equal(states(encoder, turned)[0], states(encoder, NORMAL)[0])


def test_the_sampling_rate_is_handled() -> None:
    config = EcgConfig(**SMALL)
    half = prepare_ecg(resample(NORMAL, 250), config)
    whole = prepare_ecg(NORMAL, config)
    assert half.values.shape == whole.values.shape
    assert np.corrcoef(half.values.ravel(), whole.values.ravel())[0, 1] > 0.99
    as_it_is = prepare_ecg(resample(NORMAL, 250), EcgConfig(**SMALL, resample=False))
    assert as_it_is.values.shape[1] == whole.values.shape[1] // 2


def test_short_gaps_are_bridged_and_long_ones_masked() -> None:
    signal = NORMAL.signal.copy()
    signal[0, 100:110] = np.nan
    signal[1, 1000:1500] = np.nan
    array = prepare_ecg(NORMAL.after(signal, "gaps"), EcgConfig(**SMALL))
    assert np.isfinite(array.values).all()
    assert array.mask[0].all()
    assert (~array.mask[1]).nonzero()[0].tolist() == list(range(20, 30))
    assert array.tokens == 100


def test_the_published_setting_takes_twelve_leads_of_at_most_ten_seconds() -> None:
    config = EcgConfig.coca(**SMALL)
    short = prepare_ecg(window(NORMAL, 4), config)
    assert short.values.shape == (12, 5000)
    assert not short.values[:, 2000:].any()
    assert short.tokens == 101
    with pytest.raises(ModelError, match=r"this model needs leads I, II, III, .* but V6 is not recorded; read a 12-lead file"):
        prepare_ecg(NORMAL.only([lead for lead in NORMAL.leads if lead != "V6"]), config)
    long = NORMAL.after(np.tile(NORMAL.signal, (1, 2)), "twice")
    with pytest.raises(ModelError, match="reads at most 10 s, but the recording has 20 s; read a window"):
        prepare_ecg(long, config)


def test_a_recording_with_nothing_in_it_is_refused() -> None:
    with pytest.raises(ModelError, match="nothing was recorded"):
        prepare_ecg(NORMAL.after(np.full_like(NORMAL.signal, np.nan), "lost"), EcgConfig(**SMALL))
    with pytest.raises(ModelError, match="less than one patch"):
        prepare_ecg(window(NORMAL, 0.05), EcgConfig(**SMALL))


def test_a_batch_of_another_shape_is_refused_with_both() -> None:
    with pytest.raises(ModelError, match="NaN or infinite samples that are not masked"):
        encoder_of()(torch.full((1, 12, 500), float("nan")))
    with pytest.raises(ModelError, match="needs 12 leads and a multiple of 50 samples, but the batch has 8 leads of 5010"):
        encoder_of()(torch.zeros(1, 8, 5010))
