"""Measuring whole recordings: truth by construction, identities, invariances, and honest absence."""

import numpy as np
import pytest

from gem.ecg.filter import resample
from gem.ecg.recording import Recording
from gem.errors import NotReadable
from gem.measure.measure import measure_recording
from gem.measure.measurement import SEQUENCES, Measurement, Measurements
from gem.simulate import read_spec, simulate_recording


def measured(words: str) -> Measurements:
    return measure_recording(simulate_recording(read_spec(words)).recording)


@pytest.mark.parametrize("rate", [45, 60, 75, 95, 120])
def test_the_rate_is_the_one_that_was_simulated(rate: int) -> None:
    assert measured(f"normal rate={rate}").of_all["heart_rate"].value == pytest.approx(rate, rel=0.02)


@pytest.mark.parametrize("axis", [-60, 0, 45, 80, 110])
def test_the_qrs_axis_is_the_one_that_was_simulated(axis: int) -> None:
    assert measured(f"normal axis_deg={axis}").of_all["qrs_axis"].value == pytest.approx(axis, abs=6)


def test_amplitudes_agree_with_the_truth() -> None:
    made = simulate_recording("normal")
    m = measure_recording(made.recording)
    for lead in made.recording.leads:
        for name in ("r_amplitude", "s_amplitude", "t_amplitude", "p_amplitude"):
            truth, found = made.truth.per_lead[lead][name], m.get(name, lead).value
            if truth is not None and found is not None and abs(truth) > 0.1:
                assert found == pytest.approx(truth, abs=max(0.04, 0.1 * abs(truth))), (lead, name)


@pytest.mark.parametrize(
    ("preset", "name"),
    [
        ("normal", "sinus rhythm"), ("bradycardia", "sinus bradycardia"), ("tachycardia rate=110", "sinus tachycardia"),
        ("sinus_arrhythmia", "sinus arrhythmia"), ("atrial_fibrillation", "atrial fibrillation"),
        ("atrial_fibrillation_fast", "atrial fibrillation"), ("paced_ventricular", "ventricular paced rhythm"),
        ("paced_atrial", "atrial paced rhythm"), ("atrial_flutter_3_to_1", "atrial flutter"), ("atrial_flutter_4_to_1", "atrial flutter"),
        ("av_block_3_wide", "third-degree AV block with a wide escape rhythm"),
        ("av_block_3_narrow", "third-degree AV block with a narrow escape rhythm"),
    ],
)  # fmt: skip
def test_rhythms_get_their_names_with_evidence(preset: str, name: str) -> None:
    rhythm = measured(preset).rhythm
    assert rhythm.name == name
    assert all(any(c.isdigit() for c in text) for text in rhythm.evidence)


@pytest.mark.parametrize("preset", ["normal", "av_block_1", "lbbb", "premature_ventricular", "sinus_pause"])
def test_every_conducted_beat_has_its_p_wave_also_the_first(preset: str) -> None:
    assert measured(preset).rhythm.p_per_qrs == 1.0


def test_the_second_reading_is_carried_where_the_engines_differ() -> None:
    recording = simulate_recording("lbbb").recording
    alone, both = (measure_recording(recording, second=second) for second in (False, True))
    assert both.of_all["heart_rate"] == alone.of_all["heart_rate"]
    other = measure_recording(recording, engine="neurokit").of_all["qrs_duration"].value
    assert f"neurokit reads {other:.0f} ms" in (both.of_all["qrs_duration"].doubt or "")
    assert both.of_all["qrs_duration"].value == alone.of_all["qrs_duration"].value


def test_in_atrial_fibrillation_no_p_wave_is_invented() -> None:
    m = measured("atrial_fibrillation")
    assert m.rhythm.p_per_qrs is None
    for name in ("pr_interval", "p_duration", "p_axis"):
        assert m.of_all[name].value is None
        assert m.of_all[name].absent
    assert np.isnan(m.delineation.at("p_on")).all()


def test_ectopic_beats_are_set_aside_and_counted() -> None:
    made = simulate_recording("premature_ventricular")
    m = measure_recording(made.recording)
    truth = [beat["time"] for beat in made.truth.to_json()["beats"] if beat["kind"] == "pvc"]
    found = [t for t, kind in zip(m.delineation.beat_s, m.kinds, strict=True) if kind == "pvc"]
    assert found == pytest.approx(truth, abs=0.06)
    assert m.rhythm.events["premature_ventricular"] == len(truth)
    narrow = measured("normal")
    assert m.of_all["qrs_duration"].value == pytest.approx(narrow.of_all["qrs_duration"].value, abs=25)


def numbers(m: Measurements) -> dict[str, float]:
    return {name: value.value for name, value in m.of_all.items() if value.value is not None}


@pytest.mark.parametrize("fs", [250.0, 1000.0])
def test_the_sampling_rate_does_not_change_what_is_measured(fs: float) -> None:
    recording = simulate_recording("normal").recording
    before, after = numbers(measure_recording(recording)), numbers(measure_recording(resample(recording, fs)))
    for name in ("heart_rate", "qrs_axis", "t_axis"):
        assert after[name] == pytest.approx(before[name], abs=2), name
    for name in ("pr_interval", "qrs_duration", "qt_interval"):
        assert after[name] == pytest.approx(before[name], abs=16), name


def test_gain_scales_amplitudes_and_leaves_times() -> None:
    recording = simulate_recording("normal").recording
    before, after = (measure_recording(r) for r in (recording, recording.after(recording.signal * 1.5, "louder")))
    assert after.of_all["sokolow_lyon"].value == pytest.approx(1.5 * before.of_all["sokolow_lyon"].value, rel=0.03)
    assert after.of_all["qt_interval"].value == pytest.approx(before.of_all["qt_interval"].value, abs=8)


def test_limb_amplitudes_obey_einthoven() -> None:
    m = measured("normal")
    net = {lead: m.get("t_amplitude", lead).value for lead in ("I", "II", "III")}
    assert net["III"] == pytest.approx(net["II"] - net["I"], abs=0.06)


def test_sequences_are_one_value_a_beat_and_lead_under_the_names_of_the_contract() -> None:
    m = measured("normal")
    out = m.to_json(beats=True)
    assert list(SEQUENCES) == list(out["beats"]["V1"])  # type: ignore[index]
    assert len(SEQUENCES) == 14
    for lead in m.leads:
        assert {len(row) for row in out["beats"][lead].values()} == {len(m.kinds)}  # type: ignore[index]
    rr = out["beats"]["II"]["rr_preceding"]  # type: ignore[index]
    assert rr[0] is None
    assert out["beats"]["II"]["rr_following"][:-1] == rr[1:]  # type: ignore[index]


def test_the_json_contract() -> None:
    out = measured("normal").to_json(beats=True)
    assert out["schema"] == "gem.measure/1"
    assert {"source", "fs", "duration_s", "leads", "quality", "global", "rhythm", "per_lead", "beats", "delineation"} <= set(out)
    wanted = {"heart_rate", "pr_interval", "p_duration", "qrs_duration", "qt_interval", "qtc_bazett", "qtc_fridericia"}
    assert wanted | {"qtc_framingham", "qtc_hodges", "p_axis", "qrs_axis", "t_axis"} <= set(out["global"])  # type: ignore[call-overload]
    assert {"r_amplitude", "s_amplitude", "st_j", "st_j60", "t_amplitude"} <= set(out["per_lead"]["V1"])  # type: ignore[index]
    beat = out["delineation"]["V1"][3]  # type: ignore[index]
    assert list(beat) == ["p_on", "p_peak", "p_off", "qrs_on", "q_peak", "r_peak", "s_peak", "qrs_off", "t_on", "t_peak", "t_off"]
    assert "beats" not in measured("normal").to_json()


def test_what_is_not_recorded_is_absent_and_says_so() -> None:
    recording = simulate_recording("normal").recording
    m = measure_recording(recording.only(("I", "II", "V1")))
    assert m.get("st_j", "V6").absent == "lead V6 is not recorded"
    assert m.of_all["qrs_axis"].absent == "no QRS deflection measured in I and aVF"
    assert "QRS of lead" in (m.of_all["sokolow_lyon"].absent or "")
    off = recording.signal.copy()
    off[11] = 0
    m = measure_recording(recording.after(off, "V6 off"))
    assert "lead V6 not usable: flat" in (m.get("st_j", "V6").absent or "")


def test_an_unusable_recording_is_refused_with_its_reasons() -> None:
    recording = simulate_recording("normal").recording
    with pytest.raises(NotReadable, match="not measured: all leads are flat"):
        measure_recording(Recording(recording.signal * 0, recording.fs, recording.leads, "flat"))


@pytest.mark.parametrize("lead", ["I", "V2"])
def test_a_single_lead_gives_a_rhythm(lead: str) -> None:
    m = measure_recording(simulate_recording("normal rate=80").recording.only((lead,)))
    assert m.of_all["heart_rate"].value == pytest.approx(80, rel=0.03)


def test_a_measurement_is_a_value_or_a_word_or_a_reason() -> None:
    for bad in ({}, {"value": 1.0, "absent": "x"}, {"value": float("nan")}):
        with pytest.raises(ValueError, match="x:"):
            Measurement("x", "ms", **bad)  # type: ignore[arg-type]
