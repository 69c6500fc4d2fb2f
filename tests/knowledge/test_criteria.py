"""Every criterion at its limit, against the numbers of the source it cites."""

import re

import pytest

from gem.errors import ConfigError
from gem.knowledge.find import ABSENT, NOT_ASSESSABLE, PRESENT, criteria, find
from gem.knowledge.normal import limit_for
from gem.knowledge.statement import statements
from tests.made import made

ALL = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


def status(key: str, **changes: object) -> str:
    return find(made(**changes)).by_id[key].status  # type: ignore[arg-type]


def test_a_normal_ecg_has_sinus_rhythm_and_nothing_else() -> None:
    assert [f.id for f in find(made()).present] == ["sinus_rhythm"]


def test_every_criterion_is_cited_with_a_year_and_has_a_statement() -> None:
    for key, (_, source) in criteria().items():
        assert re.search(r"\b(19|20)\d\d\b", source), key
        assert key in statements()


LIMITS = [
    ("av_block_1", "pr_interval", 200.0, 200.1),
    ("short_pr", "pr_interval", 120.0, 119.9),
    ("left_axis", "qrs_axis", -30.0, -30.1),
    ("right_axis", "qrs_axis", 90.0, 90.1),
    ("extreme_axis", "qrs_axis", -90.0, -90.1),
    ("ivcd", "qrs_lead_median", 110.0, 110.1),
    ("lvh_voltage", "sokolow_lyon", 3.49, 3.5),
    ("lvh_voltage", "cornell", 2.8, 2.81),
    ("low_voltage", "limb_voltage", 0.5, 0.499),
]


@pytest.mark.parametrize(("key", "name", "outside", "inside"), LIMITS)
def test_a_limit_holds_on_one_side_only(key: str, name: str, outside: float, inside: float) -> None:
    assert status(key, **{name: outside}) == ABSENT
    assert status(key, **{name: inside}) == PRESENT


@pytest.mark.parametrize("rhythm", ["sinus bradycardia", "sinus tachycardia", "atrial flutter", "junctional rhythm"])
def test_a_rhythm_by_its_name_is_a_finding(rhythm: str) -> None:
    assert status(rhythm.replace(" ", "_"), rhythm=rhythm) == PRESENT


def test_limits_depend_on_age_and_sex() -> None:
    assert status("lvh_voltage", cornell=2.3, sex="female") == PRESENT
    assert status("lvh_voltage", cornell=2.3, sex="male") == ABSENT
    assert status("lvh_voltage", cornell=2.3, sex=None) == ABSENT
    elevated = {"V2": {"st_j": 0.22}, "V3": {"st_j": 0.22}}
    assert status("stemi_anterior", leads=elevated, sex="male", age=60.0) == PRESENT
    assert status("stemi_anterior", leads=elevated, sex="male", age=30.0) == ABSENT
    assert status("stemi_anterior", leads=elevated, sex=None, age=None) == ABSENT
    long = {"qtc_bazett": 455.0, "qtc_fridericia": 452.0}
    assert status("long_qt", **long, sex="male") == PRESENT
    assert status("long_qt", **long, sex="female") == ABSENT


def test_a_limit_that_is_not_in_the_table_is_an_error() -> None:
    with pytest.raises(ConfigError, match="no limit 'x'"):
        limit_for("x", None, None)
    assert limit_for("qtc_long", None, None).note


def test_adult_limits_are_not_put_on_a_child_but_its_rhythm_is_named() -> None:
    found = find(made(age=9.0, pr_interval=230.0)).by_id
    assert found["av_block_1"].status == NOT_ASSESSABLE
    assert "age 9" in found["av_block_1"].why
    assert found["sinus_rhythm"].status == PRESENT


def test_st_elevation_needs_two_contiguous_leads() -> None:
    assert status("stemi_inferior", leads={"II": {"st_j": 0.1}}) == ABSENT
    assert status("stemi_inferior", leads={"II": {"st_j": 0.1}, "aVF": {"st_j": 0.1}}) == PRESENT
    assert status("stemi_inferior", leads={"II": {"st_j": 0.099}, "aVF": {"st_j": 0.1}}) == ABSENT
    found = find(made(leads={"III": {"st_j": 0.15}, "aVF": {"st_j": 0.12}})).by_id["stemi_inferior"]
    assert found.leads == ("III", "aVF")
    assert [(e.lead, e.value) for e in found.evidence] == [("III", 0.15), ("aVF", 0.12)]


def test_q_waves_need_depth_and_duration() -> None:
    deep, long = {"q_amplitude": -0.2, "q_duration": 20.0}, {"q_amplitude": -0.05, "q_duration": 40.0}
    both = {"q_amplitude": -0.1, "q_duration": 30.0}
    assert status("q_inferior", leads={"III": deep, "aVF": deep}) == ABSENT
    assert status("q_inferior", leads={"III": long, "aVF": long}) == ABSENT
    assert status("q_inferior", leads={"III": both, "aVF": both}) == PRESENT


RBBB = {
    "V1": {"r_prime_amplitude": 0.6, "r_prime_over_r": 3.0, "qrs_net": 0.2},
    "I": {"s_duration": 60.0},
    "V6": {"s_duration": 60.0},
}
LBBB = {
    "V1": {"qrs_net": -1.5, "r_amplitude": 0.1},
    "I": {"r_peak_time": 80.0},
    "V5": {"r_peak_time": 85.0},
    "V6": {"r_peak_time": 85.0},
}


def test_bundle_branch_blocks_need_width_and_shape() -> None:
    assert status("rbbb", leads=RBBB, qrs_lead_median=130.0) == PRESENT
    assert status("rbbb", leads=RBBB, qrs_lead_median=119.9) == ABSENT
    assert status("rbbb", qrs_lead_median=130.0) == ABSENT
    assert status("rbbb_incomplete", leads=RBBB, qrs_lead_median=112.0) == PRESENT
    assert status("lbbb", leads=LBBB, qrs_lead_median=150.0) == PRESENT
    assert status("lbbb", leads=LBBB | {"V5": {"q_amplitude": -0.2}, "V6": {"q_amplitude": -0.2}}, qrs_lead_median=150.0) == ABSENT
    assert status("ivcd", leads=RBBB, qrs_lead_median=130.0) == ABSENT


def test_secondary_changes_are_not_assessed_with_what_causes_them() -> None:
    found = find(made(leads=LBBB | {"II": {"st_j": 0.2}, "aVF": {"st_j": 0.2}}, qrs_lead_median=150.0)).by_id
    assert found["stemi_inferior"].status == NOT_ASSESSABLE
    assert found["stemi_inferior"].why == "not assessed with complete left bundle branch block"


def test_fascicular_blocks() -> None:
    lafb = {"aVL": {"qrs_net": 0.6}, "III": {"r_amplitude": 0.1, "s_amplitude": -0.9}}
    assert status("lafb", leads=lafb, qrs_axis=-50.0) == PRESENT
    assert status("lafb", leads=lafb, qrs_axis=-44.9) == ABSENT
    assert status("lafb", leads=lafb, qrs_axis=-50.0, qrs_lead_median=125.0) == ABSENT


def test_lvh_by_points_shows_every_point_it_counts() -> None:
    strain = {lead: {"st_j60": -0.1, "t_amplitude": -0.2} for lead in ("V5", "V6")}
    found = find(made(leads=strain, sokolow_lyon=4.0)).by_id["lvh"]
    assert found.status == PRESENT
    names = {e.name for e in found.evidence}
    assert {"points", "sokolow_lyon", "t_amplitude"} <= names
    assert status("lvh", sokolow_lyon=4.0) == ABSENT


def test_what_was_not_measured_is_not_assessable_and_says_why() -> None:
    found = find(made("atrial fibrillation", regular=False, absent={"pr_interval": "no P waves to measure in atrial fibrillation"})).by_id
    assert found["atrial_fibrillation"].status == PRESENT
    assert found["av_block_1"].status == NOT_ASSESSABLE
    assert found["av_block_1"].why == "no P waves to measure in atrial fibrillation"
    lost = made()
    del lost.per_lead["V6"], lost.per_lead["V5"]
    assert find(lost).by_id["stemi_inferior"].status == ABSENT
    assert find(lost).by_id["q_lateral"].status == NOT_ASSESSABLE


def test_events_and_swaps_become_findings() -> None:
    found = find(made(kinds=("normal", "pvc", "normal", "pac"), events={"longest_rr": 2.3, "ventricular_bigeminy": 1.0})).by_id
    for key in ("premature_ventricular", "premature_atrial", "pause", "bigeminy"):
        assert found[key].status == PRESENT, key


def test_json_carries_codes_and_evidence() -> None:
    out = find(made(pr_interval=230.0)).by_id["av_block_1"].to_json()
    assert out["codes"] == {"scp": ["1AVB", "LPR"], "aha": "82", "snomed": "270492004"}
    assert out["evidence"] == [{"name": "pr_interval", "lead": None, "value": 230.0, "unit": "ms", "limit": "> 200 ms"}]
