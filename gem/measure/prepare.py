"""The signal that is measured: usable standard leads, gaps bridged, pacing spikes, mains and baseline out."""

import numpy as np

from gem.ecg.filter import fill_gaps, remove_baseline, remove_mains
from gem.ecg.quality import Quality
from gem.ecg.recording import Recording
from gem.errors import NotReadable

_SPIKE_BEFORE_S, _SPIKE_AFTER_S = 0.006, 0.016


def prepare(recording: Recording, quality: Quality) -> Recording:
    """`recording` reduced to its usable leads (the standard ones where there are any) and cleaned.

    Raises `NotReadable` when the quality is unusable.
    """
    if quality.overall == "unusable":
        raise NotReadable(f"{recording.source}: not measured: {'; '.join(quality.reasons)}")
    usable = [name for name in recording.standard_leads or recording.leads if name in quality.usable_leads]
    if not usable:
        raise NotReadable(f"{recording.source}: not measured: none of the standard leads is usable")
    clean = fill_gaps(recording if tuple(usable) == recording.leads else recording.only(usable))
    if quality.spikes_s:
        clean = _without_spikes(clean, quality.spikes_s)
    if quality.mains_hz and any("mains" in reason for reason in quality.reasons):
        clean = remove_mains(clean, quality.mains_hz)
    return remove_baseline(clean)


def _without_spikes(recording: Recording, spikes_s: tuple[float, ...]) -> Recording:
    """Pacing spikes replaced by straight lines."""
    signal = recording.signal.copy()
    for spike in spikes_s:
        first = max(0, round((spike - _SPIKE_BEFORE_S) * recording.fs))
        last = min(recording.samples - 1, round((spike + _SPIKE_AFTER_S) * recording.fs))
        share = np.linspace(0, 1, last - first + 1)
        signal[:, first : last + 1] = signal[:, [first]] * (1 - share) + signal[:, [last]] * share
    return recording.after(signal, f"{len(spikes_s)} pacing spikes bridged by straight lines")
