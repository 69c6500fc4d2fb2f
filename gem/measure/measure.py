"""Recording -> Measurements, one function."""

from dataclasses import replace

import numpy as np

from gem.ecg.quality import Quality, inspect
from gem.ecg.recording import Recording
from gem.measure.atrial import atrial
from gem.measure.axis import frontal_axis
from gem.measure.beats import Beats, classify, fibrillating
from gem.measure.conduction import av_relation
from gem.measure.delineation import Delineation
from gem.measure.engine import ENGINES, delineate, doubted
from gem.measure.interval import Edges, global_edges, global_intervals, nan_median
from gem.measure.measurement import Measurement, Measurements, Rhythm, measured
from gem.measure.prepare import prepare
from gem.measure.rhythm import is_fibrillation, name_rhythm
from gem.measure.sequence import sequences
from gem.measure.voltage import PerLead, voltages
from gem.measure.wave import LeadBeat, lead_waves

_DURATIONS = {"qrs_duration": ("qrs_on", "qrs_off"), "pr_interval": ("p_on", "qrs_on"), "qt_interval": ("qrs_on", "t_off")}
_EDGES = ("p_on", "p_off", "qrs_on", "qrs_off", "t_on", "t_off")


def measure_recording(recording: Recording, quality: Quality | None = None, engine: str = "gem", second: bool = False) -> Measurements:
    """Measure everything that can be measured on a recording.

    quality  from `inspect`, when it is already known
    engine   who delineates: "gem" or "neurokit" (`engine.ENGINES`)
    second   have the other engine read it too; intervals on which they differ carry that as a doubt

    Raises `NotReadable`, with the reasons, when the quality is unusable or fewer than three
    beats are found, and `ConfigError` for another engine.
    """
    quality = quality or inspect(recording)
    clean = prepare(recording, quality)
    measured = _measure(recording, clean, quality, engine)
    if not second:
        return measured
    other = next(name for name in ENGINES if name != engine)
    doubts = doubted(measured.of_all, _measure(recording, clean, quality, other).of_all, other)
    return replace(measured, of_all=measured.of_all | doubts)


def _measure(recording: Recording, clean: Recording, quality: Quality, engine: str) -> Measurements:
    """The whole measurement by one engine."""
    delineation = delineate(clean, quality.spikes_s, engine)
    edges = global_edges(delineation)
    width_ms = (edges["qrs_off"] - edges["qrs_on"]) * 1e3
    beats = classify(clean, delineation, width_ms, quality.spikes_s)
    atria = atrial(clean, delineation, edges, beats)
    if is_fibrillation(delineation.beat_s, beats, atria):
        beats = fibrillating(beats)
    no_p = None if atria.has_p else "no P wave before any QRS"
    relation = av_relation(edges, delineation.loose_p, delineation.beat_s)
    if no_p:
        delineation = delineation.without_p()
        edges = global_edges(delineation)
    per_lead = _per_lead(clean, delineation, edges, beats, no_p)
    of_all = global_intervals(edges, delineation.beat_s, beats.normal, no_p, delineation.blur_s)
    of_all |= _axes(per_lead) | voltages(per_lead)
    qrs_ms = of_all["qrs_lead_median"].value or float("nan")
    rhythm = name_rhythm(delineation.beat_s, beats, atria, relation, qrs_ms, of_all["p_axis"], quality.spikes_s)
    if rhythm.p_per_qrs is None:
        of_all |= _without_p(of_all, rhythm)
    return Measurements(
        source=recording.source,
        fs=recording.fs,
        duration_s=recording.duration_s,
        leads=recording.leads,
        quality=quality.with_reasons(delineation.unsure()),
        of_all=of_all,
        per_lead=per_lead,
        rhythm=rhythm,
        kinds=tuple(beats.kinds.tolist()),
        sequences=sequences(clean, delineation),
        delineation=delineation,
        age=recording.age,
        sex=recording.sex,
    )


def _without_p(of_all: dict[str, Measurement], rhythm: Rhythm) -> dict[str, Measurement]:
    """P and PR taken back where the rhythm has no P waves to measure."""
    why = f"no P waves to measure in {rhythm.name}"
    return {
        name: Measurement(name, of_all[name].unit, absent=why)
        for name in ("p_duration", "pr_interval", "p_axis")
        if of_all[name].absent is None
    }


def _per_lead(clean: Recording, delineation: Delineation, edges: Edges, beats: Beats, no_p: str | None) -> PerLead:
    """Measurements of every lead on its representative beat."""
    fs = clean.fs
    zero = delineation.beat_s + beats.shift_s

    def placed(times: np.ndarray) -> np.ndarray:
        """Median place in the representative beat of times [..., B], samples."""
        relative = np.moveaxis(times - zero, -1, 0)[beats.normal]
        return (nan_median(relative) - beats.start_s) * fs

    over_all = dict(zip(_EDGES, placed(np.stack([edges[name] for name in _EDGES])).tolist(), strict=True))
    own = placed(np.stack([delineation.at(name) for name in _EDGES]))
    spans = {name: delineation.at(last) - delineation.at(first) for name, (first, last) in _DURATIONS.items()}
    lengths = {name: nan_median(span[:, beats.normal].T) * 1e3 for name, span in spans.items()}
    out: PerLead = {}
    for k, lead in enumerate(clean.leads):
        in_lead = dict(zip(_EDGES, own[:, k].tolist(), strict=True))
        out[lead] = lead_waves(LeadBeat(lead, beats.shape[k], fs, in_lead, over_all), no_p)
        for name, (first, _) in _DURATIONS.items():
            reason = no_p if no_p and first == "p_on" else f"no {name.replace('_', ' ')} with both edges found in this lead"
            out[lead][name] = measured(name, "ms", float(lengths[name][k]), reason)
    return out


def _axes(per_lead: PerLead) -> dict[str, Measurement]:
    """P, QRS and T axes from I and aVF."""
    out = {}
    for wave, name in (("P", "p_net"), ("QRS", "qrs_net"), ("T", "t_amplitude")):
        values = []
        for lead in ("I", "aVF"):
            m = per_lead.get(lead, {}).get(name)
            values.append(m.value if m is not None and m.value is not None else float("inf"))
        axis = frontal_axis(wave, *values)
        out[axis.name] = axis
    return out
