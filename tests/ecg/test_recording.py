"""Leads by name and the Recording that checks itself."""

import numpy as np
import pytest

from gem.ecg.lead import LIMB, STANDARD, canonical, derive_limb
from gem.ecg.recording import Recording
from gem.errors import RecordingError


def recorded(leads: tuple[str, ...], samples: int = 500, fs: float = 500.0) -> Recording:
    signal = np.random.default_rng(0).normal(size=(len(leads), samples))
    return Recording(signal, fs, leads, "made")


@pytest.mark.parametrize("name", ["avr", "AVR", "aVR", "Lead aVR", "ECG avr", "MDC_ECG_LEAD_AVR", "aVR [mV]", " aVR ", "ECG aVR-Ref"])
def test_every_spelling_of_a_lead_is_one_name(name: str) -> None:
    assert canonical(name) == "aVR"


def test_other_spellings_and_unknown_names() -> None:
    assert [canonical(n) for n in ("DI", "ii", "L3", "c4", "v6", "v4r", "Resp")] == ["I", "II", "III", "V4", "V6", "V4R", "Resp"]


@pytest.mark.parametrize("pair", [("I", "II"), ("I", "III"), ("II", "III"), ("aVR", "aVF"), ("I", "aVF")])
def test_any_two_limb_leads_give_the_other_four(pair: tuple[str, str]) -> None:
    one, two = np.random.default_rng(1).normal(size=(2, 50))
    truth = {"I": one, "II": two, "III": two - one, "aVR": -(one + two) / 2, "aVL": one - two / 2, "aVF": two - one / 2}
    derived, source = derive_limb({name: truth[name] for name in pair})
    assert source == pair
    assert set(derived) == set(LIMB) - set(pair)
    for name, signal in derived.items():
        np.testing.assert_allclose(signal, truth[name], atol=1e-5)


def test_one_limb_lead_gives_no_other() -> None:
    assert derive_limb({"II": np.zeros(5), "V5": np.zeros(5)}) == ({}, None)


def test_mimics_order_is_read_by_name() -> None:
    mimic = ("I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6")
    before = recorded(mimic)
    after = before.standardised()
    assert after.leads == STANDARD
    np.testing.assert_array_equal(after.lead("aVF"), before.lead("aVF"))


def test_eight_leads_become_twelve_and_say_so() -> None:
    after = recorded(("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")).standardised()
    assert after.leads == STANDARD
    assert after.history == ("III, aVR, aVL, aVF derived from I and II",)
    np.testing.assert_allclose(after.lead("III"), after.lead("II") - after.lead("I"), atol=1e-6)


def test_extra_leads_come_after_the_standard_ones() -> None:
    assert recorded(("VX", "V1", "II", "I", "III", "aVR", "aVL", "aVF")).standardised().leads == (*LIMB, "V1", "VX")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"leads": ("I",)}, "1 lead names for a signal of shape (2, 500)"),
        ({"leads": ("I", "I")}, "lead I is there twice"),
        ({"fs": 0.0}, "must be positive, but is 0.0 Hz"),
        ({"fs": float("nan")}, "must be positive"),
        ({"sex": "F"}, "sex is one of female, male"),
        ({"age": -3.0}, "out of 0 to 130"),
    ],
)
def test_what_cannot_be_a_recording_is_refused(change: dict, says: str) -> None:
    good = {"signal": np.zeros((2, 500)), "fs": 500.0, "leads": ("I", "II"), "source": "made"}
    with pytest.raises(RecordingError) as fault:
        Recording(**(good | change))
    assert says in str(fault.value)


def test_a_doubled_lead_under_two_spellings_is_refused() -> None:
    with pytest.raises(RecordingError, match="lead aVR is there twice"):
        recorded(("AVR", "avr")).standardised()


def test_a_missing_lead_names_what_is_there() -> None:
    with pytest.raises(RecordingError) as fault:
        recorded(("I", "II")).lead("V1")
    assert str(fault.value) == "made: lead V1 is needed but the recording has I, II; read a 12-lead file, or ask for one of these"


def test_the_signal_cannot_be_changed_and_a_step_leaves_a_line() -> None:
    before = recorded(("I", "II"))
    with pytest.raises(ValueError, match="read-only"):
        before.signal[0, 0] = 1
    after = before.after(before.signal * 2, "doubled")
    assert after.history == ("doubled",)
    assert before.history == ()
