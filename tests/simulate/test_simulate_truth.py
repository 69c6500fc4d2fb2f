"""The truth against what was asked for, and against the trace itself."""

import json

import numpy as np
import pytest

from gem.ecg.lead import STANDARD
from gem.simulate import PRESETS, SimulationSpec, Truth, random_spec, simulate_recording
from gem.simulate.fiducial import P_RULE, QRS_RULE, Rule
from gem.simulate.observe import FIDUCIALS

CONDUCTIONS = ("normal", "rbbb", "lbbb", "lafb", "lpfb", "ivcd", "rbbb_lafb")


def value(made: Truth, name: str) -> float:
    number = made.values[name]["value"]
    assert number is not None
    return float(number)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("pr", "p", "qrs", "qt"), [(120, 84, 78, 360), (165, 100, 92, 400), (240, 112, 104, 440)])
def test_intervals_are_those_asked_for(seed: int, pr: float, p: float, qrs: float, qt: float) -> None:
    made = simulate_recording(SimulationSpec(pr_ms=pr, p_ms=p, qrs_ms=qrs, qt_ms=qt, rate=62, seed=seed)).truth
    assert value(made, "pr_interval") == pytest.approx(pr, abs=4)
    assert value(made, "p_duration") == pytest.approx(p, abs=4)
    assert value(made, "qrs_duration") == pytest.approx(qrs, abs=4)
    assert value(made, "qt_interval") == pytest.approx(qt, abs=4)


@pytest.mark.parametrize("conduction", CONDUCTIONS)
def test_qrs_and_qtc_are_those_asked_for_with_every_conduction(conduction: str) -> None:
    wide = {"normal": 90, "lafb": 104, "lpfb": 104}.get(conduction, 150)
    made = simulate_recording(SimulationSpec.model_validate({"conduction": conduction, "qrs_ms": wide, "qtc_ms": 432, "rate": 66})).truth
    assert value(made, "qrs_duration") == pytest.approx(wide, abs=4)
    assert value(made, "qtc_fridericia") == pytest.approx(432, abs=5)


def test_corrected_qt_follows_the_published_formulas() -> None:
    made = simulate_recording("normal rate=88").truth
    qt, rr = value(made, "qt_interval") / 1e3, 60 / value(made, "heart_rate")
    assert value(made, "qtc_bazett") == pytest.approx(1e3 * qt / rr**0.5, abs=0.2)
    assert value(made, "qtc_fridericia") == pytest.approx(1e3 * qt / rr ** (1 / 3), abs=0.2)
    assert value(made, "qtc_framingham") == pytest.approx(1e3 * (qt + 0.154 * (1 - rr)), abs=0.2)
    assert value(made, "qtc_hodges") == pytest.approx(1e3 * qt + 1.75 * (60 / rr - 60), abs=0.2)


@pytest.mark.parametrize("axis", [-170, -130, -75, -38, 0, 45, 80, 105, 150, 180])
def test_the_axis_is_the_one_asked_for(axis: float) -> None:
    made = simulate_recording(SimulationSpec(axis_deg=axis, seed=4)).truth
    assert (value(made, "qrs_axis") - axis + 180) % 360 - 180 == pytest.approx(0, abs=4)


@pytest.mark.parametrize("axis", [-100, -20, 60, 140])
def test_the_t_axis_is_the_one_asked_for(axis: float) -> None:
    made = simulate_recording(SimulationSpec(t_axis_deg=axis)).truth
    assert (value(made, "t_axis") - axis + 180) % 360 - 180 == pytest.approx(0, abs=4)


def edges(x: np.ndarray, fs: float, rule: Rule) -> tuple[float, float]:
    """First and last sample of a lone wave above its limit, with the readers' margins, s."""
    above = np.flatnonzero(np.abs(x) > max(rule.floor_mv, rule.share * np.abs(x).max()))
    return above[0] / fs - rule.early_s, above[-1] / fs + rule.late_s


@pytest.mark.parametrize("seed", range(3))
def test_fiducials_are_those_a_ruler_finds_on_the_trace(seed: int) -> None:
    """T and ST are left out, so P and QRS stand alone on a flat line; 4 kHz is the ruler."""
    spec = SimulationSpec(t_amplitude=0, fs=4000, duration_s=4, rate=64, seed=seed)
    made = simulate_recording(spec)
    for k, lead in enumerate(STANDARD):
        for row in made.truth.delineation[lead]:
            fid = dict(zip(FIDUCIALS, row, strict=True))
            for wave, rule, margin in (("p", P_RULE, 0.01), ("qrs", QRS_RULE, 0.01)):
                on, off = fid[f"{wave}_on"], fid[f"{wave}_off"]
                if np.isnan(on):
                    continue
                first = max(0, int((on - margin) * 4000))
                seen_on, seen_off = edges(made.clean[k, first : int((off + margin) * 4000)], 4000, rule)
                assert first / 4000 + seen_on == pytest.approx(on, abs=0.0006)
                assert first / 4000 + seen_off == pytest.approx(off, abs=0.0006)
            r = fid["r_peak"]
            if not np.isnan(r):
                window = made.clean[k, int((fid["qrs_on"] - 0.005) * 4000) : int((fid["qrs_off"] + 0.005) * 4000)]
                at = np.argmax(window) if window.max() >= 0.03 else np.argmin(window)
                assert int((fid["qrs_on"] - 0.005) * 4000) / 4000 + at / 4000 == pytest.approx(r, abs=0.0006)


def test_amplitudes_are_those_of_the_trace() -> None:
    made = simulate_recording(SimulationSpec(variety=0, fs=2000, rate=60))
    for lead in ("I", "II", "V2", "V5"):
        row = made.truth.delineation[lead][3]
        trace = made.clean[STANDARD.index(lead)]
        for fiducial, name in (("p_peak", "p_amplitude"), ("r_peak", "r_amplitude"), ("s_peak", "s_amplitude"), ("t_peak", "t_amplitude")):
            at, mv = row[FIDUCIALS.index(fiducial)], made.truth.per_lead[lead][name]
            if np.isnan(at):
                assert mv is None
            else:
                assert mv == pytest.approx(np.interp(at, np.arange(trace.size) / 2000, trace), abs=0.004)
        j = made.truth.beats[3]["qrs_off"]
        for after, name in ((0.0, "st_j"), (0.06, "st_j60")):
            assert made.truth.per_lead[lead][name] == pytest.approx(np.interp(j + after, np.arange(trace.size) / 2000, trace), abs=0.004)


@pytest.mark.parametrize("seed", range(40))
def test_fiducials_are_in_order_and_inside_the_record(seed: int) -> None:
    spec = random_spec(np.random.default_rng([11, seed]))
    made = simulate_recording(spec).truth
    # the S of rSR' lies before r, so q, r and s are only bound to the QRS
    for rows in made.delineation.values():
        for row in rows:
            fid = dict(zip(FIDUCIALS, row, strict=True))
            main = [fid[n] for n in ("p_on", "p_peak", "p_off", "qrs_on", "r_peak", "qrs_off", "t_on", "t_peak", "t_off")]
            there = [x for x in main if not np.isnan(x)]
            assert there == sorted(there)
            assert all(0 <= x <= spec.duration_s for x in there)
            for name in ("q_peak", "s_peak"):
                assert np.isnan(fid[name]) or fid["qrs_on"] <= fid[name] <= fid["qrs_off"]
            assert np.isnan(fid["q_peak"]) or fid["q_peak"] < fid["r_peak"]
    times = [beat["time"] for beat in made.beats]
    assert times == sorted(times)
    for p in made.p_waves:
        assert p["on"] < p["time"] < p["off"]


def test_a_beat_cut_by_the_edge_is_not_listed_and_a_cut_wave_is_null() -> None:
    for seed in range(12):
        made = simulate_recording(SimulationSpec(duration_s=2.5, rate=75, seed=seed)).truth
        for beat in made.beats:
            assert beat["qrs_on"] >= 0
            assert beat["qrs_off"] <= 2.5
            if beat["qrs_on"] < 0.1:
                assert beat["p_on"] is None
            if beat["qrs_on"] > 2.3:
                assert beat["t_off"] is None


def test_reversal_is_in_amplitudes_and_axes() -> None:
    right, swapped = (simulate_recording(SimulationSpec(seed=3, reversal=reversal)).truth for reversal in ("none", "LA/RA"))
    assert value(swapped, "qrs_axis") == pytest.approx(180 - value(right, "qrs_axis"), abs=1.5)
    assert swapped.per_lead["aVR"]["r_amplitude"] == pytest.approx(right.per_lead["aVL"]["r_amplitude"], abs=1e-3)
    assert swapped.per_lead["I"]["t_amplitude"] == pytest.approx(-right.per_lead["I"]["t_amplitude"], abs=1e-3)
    assert swapped.to_json()["reversal"] == "LA/RA"


def test_a_flat_lead_has_no_fiducials() -> None:
    made = simulate_recording("lead_off").truth
    assert np.isnan(made.delineation["V3"]).all()
    assert made.per_lead["V3"]["r_amplitude"] is None


@pytest.mark.parametrize("name", ["normal", "atrial_fibrillation", "bigeminy", "paced_dual", "av_block_3_wide", "lead_off", "swap_arms"])
def test_the_truth_survives_json(name: str) -> None:
    made = simulate_recording(name).truth
    text = json.dumps(made.to_json(), allow_nan=False)
    back = Truth.from_json(json.loads(text))
    assert json.dumps(back.to_json(), allow_nan=False) == text
    assert back.spec == PRESETS[name]
    np.testing.assert_allclose(back.delineation["II"], made.delineation["II"], atol=6e-5)


def test_the_json_form_has_the_agreed_keys() -> None:
    data = simulate_recording("normal noise.muscle=20").truth.to_json()
    assert data["schema"] == "gem.truth/1"
    assert set(data) == {
        "schema", "spec", "fs", "duration_s", "leads", "rhythm", "findings", "global", "beats", "p_waves", "delineation", "per_lead",
        "spikes", "noise", "reversal",
    }  # fmt: skip
    assert set(data["beats"][0]) == {"time", "kind", "conducted", "p_on", "p_off", "qrs_on", "qrs_off", "t_on", "t_off"}
    assert list(data["delineation"]["V1"][0]) == list(FIDUCIALS)
    assert data["noise"] == {"muscle": 20}
    assert data["rhythm"] == "sinus rhythm"
