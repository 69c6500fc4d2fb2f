"""Rhythms, read from the truth as a cardiologist would read the strip."""

import numpy as np
import pytest

from gem.simulate import SimulationSpec, Truth, simulate_recording

SEEDS = range(4)


def truth(**fields: object) -> Truth:
    return simulate_recording(SimulationSpec.model_validate(fields)).truth


def times(made: Truth, kind: str | None = None) -> np.ndarray:
    return np.array([beat["time"] for beat in made.beats if kind in (None, beat["kind"])])


def pr_ms(made: Truth) -> list[float]:
    return [1e3 * (beat["qrs_on"] - beat["p_on"]) for beat in made.beats if beat["p_on"] is not None]


@pytest.mark.parametrize("rate", [30, 45, 72, 110, 150, 180])
def test_the_sinus_rate_is_the_one_asked_for(rate: float) -> None:
    made = truth(rate=rate)
    assert made.values["heart_rate"]["value"] == pytest.approx(rate, rel=0.03)
    assert len(made.beats) == pytest.approx(rate / 6, abs=1.5)


@pytest.mark.parametrize("seed", SEEDS)
def test_sinus_arrhythmia_varies_by_more_than_120_ms(seed: int) -> None:
    assert np.ptp(np.diff(times(truth(rhythm="sinus_arrhythmia", seed=seed)))) > 0.12
    assert np.ptp(np.diff(times(truth(rate=70, seed=seed)))) < 0.12


@pytest.mark.parametrize("seed", SEEDS)
def test_fibrillation_is_irregular_and_has_no_p(seed: int) -> None:
    made = truth(rhythm="atrial_fibrillation", rate=90, seed=seed)
    cycles = np.diff(times(made))
    assert np.std(cycles) / np.mean(cycles) > 0.1
    # no cycle tells the next one
    assert abs(np.corrcoef(cycles[:-1], cycles[1:])[0, 1]) < 0.75
    assert not made.p_waves
    assert all(beat["p_on"] is None for beat in made.beats)
    assert made.values["pr_interval"] == {"value": None, "unit": "ms", "absent": "the atria fibrillate"}


@pytest.mark.parametrize("ratio", [2, 3, 4])
def test_flutter_conducts_every_nth_wave(ratio: int) -> None:
    made = simulate_recording(SimulationSpec(rhythm="atrial_flutter", block_ratio=ratio, rate=288 / ratio))
    assert 60 / np.diff(times(made.truth)) == pytest.approx(288 / ratio, rel=0.002)
    # the saw itself: the strongest line of aVF between 4 and 6 Hz is 288 a minute
    avf = made.clean[5] - made.clean[5].mean()
    hertz = np.fft.rfftfreq(avf.size, 1 / 500)
    power = np.abs(np.fft.rfft(avf)) ** 2
    near = (hertz > 4.2) & (hertz < 5.6)
    assert 60 * hertz[near][np.argmax(power[near])] == pytest.approx(288, abs=6)


def test_variable_flutter_has_cycles_that_are_whole_flutter_waves() -> None:
    made = truth(rhythm="atrial_flutter", rate=90, seed=2)
    waves = np.diff(times(made)) / (60 / 288)
    assert np.abs(waves - np.round(waves)).max() < 0.03
    assert len(set(np.round(waves))) > 1


@pytest.mark.parametrize("seed", SEEDS)
def test_wenckebach_pr_grows_by_less_and_less_until_a_beat_is_dropped(seed: int) -> None:
    made = truth(av_block="mobitz_1", block_ratio=4, rate=80, pr_ms=180, seed=seed)
    groups: list[list[float]] = [[]]
    for p in made.p_waves:
        if p["conducted_to"] is not None:
            groups[-1].append(1e3 * (made.beats[p["conducted_to"]]["qrs_on"] - p["on"]))
        elif p["blocked"]:
            groups.append([])
    whole = groups[1:-1]
    assert whole
    for group in whole:
        assert group == pytest.approx([180, 265, 310], abs=4)


@pytest.mark.parametrize("seed", SEEDS)
def test_mobitz_2_drops_beats_at_a_constant_pr(seed: int) -> None:
    made = truth(av_block="mobitz_2", block_ratio=3, rate=90, pr_ms=170, seed=seed)
    assert pr_ms(made) == pytest.approx([170] * len(pr_ms(made)), abs=4)
    cycles = np.diff(times(made))
    assert cycles.max() == pytest.approx(2 * cycles.min(), rel=0.05)
    assert sum(p["blocked"] for p in made.p_waves) >= 3


def test_two_to_one_block_conducts_every_second_p() -> None:
    made = truth(av_block="2_to_1", rate=88)
    assert made.values["heart_rate"]["value"] == pytest.approx(44, rel=0.03)
    assert [p["blocked"] for p in made.p_waves][::2] != [p["blocked"] for p in made.p_waves][1::2]


@pytest.mark.parametrize("escape", ["narrow", "wide"])
def test_complete_block_dissociates_p_and_qrs(escape: str) -> None:
    made = truth(av_block="complete", escape=escape, rate=92, escape_rate=38, duration_s=20)
    assert made.values["heart_rate"]["value"] == pytest.approx(38, rel=0.03)
    assert 60 / np.median(np.diff([p["on"] for p in made.p_waves])) == pytest.approx(92, rel=0.03)
    assert all(p["blocked"] for p in made.p_waves)
    last_p = [max((p["on"] for p in made.p_waves if p["on"] < beat["qrs_on"]), default=np.nan) for beat in made.beats]
    delays = [beat["qrs_on"] - p for beat, p in zip(made.beats, last_p, strict=True)]
    assert np.nanstd(delays) > 0.05
    assert (made.values["qrs_duration"]["value"] > 120) == (escape == "wide")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_pvc_is_early_wide_and_followed_by_a_full_pause(seed: int) -> None:
    made = truth(ectopy="pvc", ectopic_beats=1, rate=70, seed=seed)
    (k,) = [k for k, beat in enumerate(made.beats) if beat["kind"] == "pvc"]
    cycles = np.diff(times(made))
    sinus = np.median(cycles)
    onsets = np.array([beat["qrs_on"] for beat in made.beats])
    assert cycles[k - 1] < 0.9 * sinus
    assert onsets[k + 1] - onsets[k - 1] == pytest.approx(2 * sinus, rel=0.05)
    assert made.beats[k]["qrs_off"] - made.beats[k]["qrs_on"] > 0.13
    assert made.beats[k]["p_on"] is None
    assert any(p["blocked"] and p["hidden_in"] for p in made.p_waves)


@pytest.mark.parametrize(("ectopy", "step"), [("bigeminy", 2), ("trigeminy", 3)])
def test_bigeminy_and_trigeminy_repeat(ectopy: str, step: int) -> None:
    kinds = [beat["kind"] for beat in truth(ectopy=ectopy, rate=74).beats]
    places = np.flatnonzero(np.array(kinds) == "pvc")
    assert set(np.diff(places)) == {step}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_pac_is_early_narrow_and_resets_the_sinus_node(seed: int) -> None:
    made = truth(ectopy="pac", ectopic_beats=1, rate=70, seed=seed)
    (k,) = [k for k, beat in enumerate(made.beats) if beat["kind"] == "pac"]
    onsets = np.array([beat["qrs_on"] for beat in made.beats])
    sinus = float(np.median(np.diff(onsets)))
    assert onsets[k] - onsets[k - 1] < 0.8 * sinus
    assert onsets[k + 1] - onsets[k - 1] < 1.95 * sinus
    assert made.beats[k]["conducted"]
    assert made.beats[k]["p_on"] is not None


def test_a_pause_lasts_as_long_as_asked() -> None:
    assert np.diff(times(truth(pause_s=3.4, rate=60))).max() == pytest.approx(3.4, abs=0.01)


@pytest.mark.parametrize(("rhythm", "per_beat"), [("paced_ventricular", 1), ("paced_atrial", 1), ("paced_dual", 2)])
def test_every_paced_beat_has_its_spikes_just_before(rhythm: str, per_beat: int) -> None:
    made = truth(rhythm=rhythm, rate=70)
    assert len(made.spikes) == pytest.approx(per_beat * len(made.beats), abs=1 * per_beat)
    starts = [beat["p_on" if rhythm == "paced_atrial" else "qrs_on"] for beat in made.beats]
    for start in starts:
        assert start is None or min(abs(start - spike) for spike in made.spikes) < 0.012


def test_svt_is_fast_regular_and_shows_no_p() -> None:
    made = truth(rhythm="supraventricular_tachycardia", rate=185)
    cycles = np.diff(times(made))
    assert np.std(cycles) / np.mean(cycles) < 0.02
    assert made.values["qrs_duration"]["value"] < 120
    assert made.values["pr_interval"]["absent"] == "P waves are hidden in the QRS"
