"""Findings against their definitions, read from truth values and the clean trace without the code that judged them."""

import numpy as np
import pytest

from gem.ecg.lead import LIMB, STANDARD
from gem.simulate import PRESETS, Simulated, Truth, simulate_recording
from gem.simulate.finding import FINDINGS

OWN = {
    "normal": {"sinus_rhythm"}, "normal_woman": {"sinus_rhythm"}, "bradycardia": {"sinus_bradycardia"},
    "tachycardia": {"sinus_tachycardia"},
    "sinus_pause": {"pause"}, "atrial_fibrillation_fast": {"atrial_fibrillation"}, "atrial_flutter_2_to_1": {"atrial_flutter"},
    "atrial_flutter_3_to_1": {"atrial_flutter"}, "atrial_flutter_4_to_1": {"atrial_flutter"}, "atrial_flutter_variable": {"atrial_flutter"},
    "paced_dual": {"paced_atrial", "paced_ventricular"}, "av_block_2_mobitz_2": {"av_block_2_mobitz_2", "rbbb"},
    "av_block_3_narrow": {"av_block_3"}, "av_block_3_wide": {"av_block_3"}, "rbbb_lafb": {"rbbb", "lafb"},
    "pre_excitation": {"pre_excitation", "short_pr"}, "lvh": {"lvh_voltage"}, "lvh_strain": {"lvh", "lvh_voltage"}, "rvh": {"rvh", "right_atrial", "right_axis"},
    "old_mi_inferior": {"q_inferior"}, "old_mi_anteroseptal": {"q_anteroseptal"}, "old_mi_anterior": {"q_anterior"},
    "old_mi_lateral": {"q_lateral"}, "lafb": {"lafb", "left_axis"}, "lpfb": {"lpfb", "right_axis"},
}  # fmt: skip
SAY_NOTHING_OF_THE_HEART = ("noisy", "lead_off", "clipped")


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("other_seed", [0, 1000])
def test_a_preset_has_its_own_finding_with_any_seed(name: str, other_seed: int) -> None:
    spec = PRESETS[name].model_copy(update={"seed": PRESETS[name].seed + other_seed})
    found = set(simulate_recording(spec).truth.findings)
    own = OWN.get(name, {name})
    if name.startswith("swap"):
        own = {"electrode_swap"}
    if name.startswith(SAY_NOTHING_OF_THE_HEART):
        own = {"sinus_rhythm"}
    assert own <= found
    assert found <= set(FINDINGS)


@pytest.mark.parametrize("seed", range(25))
def test_a_normal_heart_has_no_finding_but_its_rhythm(seed: int) -> None:
    assert simulate_recording(f"normal seed={seed}").truth.findings == ("sinus_rhythm",)


def median_beat(made: Simulated) -> tuple[dict[str, np.ndarray], float]:
    """Every lead of the clean trace around the QRS onsets, -50 to 250 ms, median over beats; rate in samples per ms."""
    fs = made.recording.fs
    onsets = [beat["qrs_on"] for beat in made.truth.beats[1:-1] if beat["kind"] == "normal"]
    t = np.arange(made.clean.shape[1]) / fs
    grid = np.arange(-50, 251) / 1e3
    return {
        lead: np.median([np.interp(on + grid, t, row) for on in onsets], axis=0) for lead, row in zip(STANDARD, made.clean, strict=True)
    }, 1.0


def qrs(made: Simulated, lead: str) -> np.ndarray:
    beat, _ = median_beat(made)
    length = round(made.truth.values["qrs_duration"]["value"])
    return beat[lead][50 : 50 + length]


def st_j(made: Truth, lead: str) -> float:
    level = made.per_lead[lead]["st_j"]
    assert level is not None
    return level


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_rbbb_is_wide_with_a_late_r_in_v1_and_a_late_s_in_i_and_v6(seed: int) -> None:
    made = simulate_recording(f"rbbb seed={seed}")
    assert made.truth.values["qrs_duration"]["value"] >= 120
    v1 = qrs(made, "V1")
    assert v1[: len(v1) // 4].max() > 0.03
    assert v1[len(v1) // 5 : len(v1) // 2].min() < -0.1
    assert np.argmax(v1) > 0.45 * len(v1)
    for lead in ("I", "V6"):
        late = qrs(made, lead)
        assert np.sum(late[len(late) // 3 :] < -0.03) > 40


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_lbbb_is_wide_with_no_q_on_the_left_and_a_negative_v1(seed: int) -> None:
    made = simulate_recording(f"lbbb seed={seed}")
    assert made.truth.values["qrs_duration"]["value"] >= 120
    for lead in ("I", "V5", "V6"):
        x = qrs(made, lead)
        assert x[: len(x) // 2].min() > -0.05
        assert np.argmax(x) > 50
    assert -qrs(made, "V1").min() > 3 * max(qrs(made, "V1").max(), 0.05)
    # T turns against the QRS
    assert made.truth.per_lead["V6"]["t_amplitude"] < 0.1
    assert made.truth.per_lead["V1"]["t_amplitude"] > 0.2


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_lafb_and_lpfb_turn_the_axis_and_begin_the_other_way(seed: int) -> None:
    left, right = simulate_recording(f"lafb seed={seed}"), simulate_recording(f"lpfb seed={seed}")
    assert -90 <= left.truth.values["qrs_axis"]["value"] <= -45
    assert 90 <= right.truth.values["qrs_axis"]["value"] <= 180
    for made, q_lead, r_lead in ((left, "aVL", "III"), (right, "III", "aVL")):
        assert made.truth.values["qrs_duration"]["value"] < 120
        assert qrs(made, q_lead)[:30].min() < -0.03
        assert qrs(made, r_lead)[:30].max() > 0.03


@pytest.mark.parametrize("name", ["lvh", "lvh_strain"])
def test_lvh_reaches_the_voltage_of_sokolow_and_lyon(name: str) -> None:
    made = simulate_recording(name)
    assert -qrs(made, "V1").min() + max(qrs(made, "V5").max(), qrs(made, "V6").max()) >= 3.5


def test_rvh_has_a_tall_r_in_v1_and_a_deep_s_on_the_left() -> None:
    made = simulate_recording("rvh")
    v1 = qrs(made, "V1")
    assert v1.max() > -v1.min()
    assert v1.max() - min(qrs(made, "V5").min(), qrs(made, "V6").min()) > 1.05


@pytest.mark.parametrize(
    ("name", "leads", "mirror"),
    [
        ("stemi_inferior", ("II", "III", "aVF"), "aVL"),
        ("stemi_lateral", ("I", "aVL", "V5", "V6"), "III"),
        ("stemi_anterior", ("V2", "V3"), "III"),
    ],
)
def test_an_infarct_lifts_its_leads_and_depresses_the_opposite_ones(name: str, leads: tuple[str, ...], mirror: str) -> None:
    made = simulate_recording(name).truth
    for lead in leads:
        assert st_j(made, lead) >= (0.2 if lead in ("V2", "V3") else 0.1)
    assert st_j(made, mirror) < -0.03


def test_a_posterior_infarct_is_depression_with_tall_r_and_upright_t_in_front() -> None:
    made = simulate_recording("stemi_posterior")
    assert all(st_j(made.truth, lead) <= -0.05 for lead in ("V1", "V2", "V3"))
    assert qrs(made, "V2").max() > 0.8
    assert made.truth.per_lead["V2"]["t_amplitude"] > 0.1


@pytest.mark.parametrize(
    ("name", "leads"),
    [
        ("old_mi_inferior", ("III", "aVF")),
        ("old_mi_anterior", ("V3", "V4")),
        ("old_mi_lateral", ("V5", "V6")),
        ("old_mi_anteroseptal", ("V2",)),
    ],
)
def test_an_old_infarct_begins_with_a_long_deep_q(name: str, leads: tuple[str, ...]) -> None:
    made = simulate_recording(name)
    for lead in leads:
        x = qrs(made, lead)
        rises = np.flatnonzero(x > 0.015)
        before_r = rises[0] if len(rises) else len(x)
        assert before_r >= 20 if lead == "V2" else before_r >= 28
        assert x[:before_r].min() <= -0.1


def test_low_voltage_is_low_in_every_limb_lead() -> None:
    made = simulate_recording("low_voltage")
    assert max(np.ptp(qrs(made, lead)) for lead in LIMB) < 0.5


def test_early_repolarisation_has_a_notch_at_j() -> None:
    made = simulate_recording("early_repolarisation")
    beat, _ = median_beat(made)
    j = 50 + round(made.truth.values["qrs_duration"]["value"])
    lifted = [lead for lead in ("II", "III", "aVF", "I", "aVL", "V5", "V6") if beat[lead][j - 5 : j + 25].max() >= 0.1]
    assert len(lifted) >= 2


def test_atria_are_large_by_definition() -> None:
    left, right = simulate_recording("left_atrial").truth, simulate_recording("right_atrial").truth
    assert left.values["p_duration"]["value"] >= 120
    assert left.per_lead["V1"]["p_amplitude"] < -0.04
    assert right.per_lead["II"]["p_amplitude"] > 0.25


@pytest.mark.parametrize(
    ("words", "finding"),
    [
        ("rate=58", "sinus_bradycardia"), ("rate=104", "sinus_tachycardia"), ("pr_ms=212", "av_block_1"), ("pr_ms=112", "short_pr"),
        ("axis_deg=-36", "left_axis"), ("axis_deg=98", "right_axis"), ("axis_deg=-110", "extreme_axis"),
        ("qtc_ms=456 sex=male", "long_qt"), ("qtc_ms=340 rate=60", "short_qt"), ("qrs_ms=124", "ivcd"),
    ],
)  # fmt: skip
def test_values_beyond_a_limit_are_found_and_within_it_not(words: str, finding: str) -> None:
    assert finding in simulate_recording(words).truth.findings
    within = {
        "rate": "rate=66", "pr_ms": "pr_ms=180", "axis_deg": "axis_deg=50", "qtc_ms": "qtc_ms=456 sex=female", "qrs_ms": "qrs_ms=100",
    }[words.split("=")[0]]  # fmt: skip
    assert finding not in simulate_recording(within).truth.findings


def test_a_block_that_is_not_wide_enough_is_not_called_one() -> None:
    assert "rbbb" not in simulate_recording("rbbb qrs_ms=100").truth.findings


def test_st_elevation_of_a_healthy_heart_is_no_infarct() -> None:
    assert not any(name.startswith("stemi") for name in simulate_recording("early_repolarisation st_mv=0.4").truth.findings)


def test_swapped_electrodes_are_named_and_bring_no_false_infarct() -> None:
    found = simulate_recording("swap_arms").truth.findings
    assert "electrode_swap" in found
    assert not any(name.startswith(("q_", "stemi")) for name in found)
