"""What is true of a simulated ECG, by construction.

Fiducials follow `fiducial`; the amplitudes and axes are those of the trace, so an electrode reversal
is in them. A wave that the record's edge cuts is null as a whole; a beat whose QRS it cuts is not listed.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Any

import numpy as np

from gem.ecg.lead import STANDARD
from gem.simulate.fiducial import second_earliest, second_latest
from gem.simulate.finding import Facts, findings
from gem.simulate.observe import FIDUCIALS, Seen, complexes, p_waves
from gem.simulate.render import Heart
from gem.simulate.rhythm import Ventricular
from gem.simulate.spec import SimulationSpec
from gem.simulate.values import Value, amplitudes, global_values, measured_beats, plain

SCHEMA = "gem.truth/1"
_RHYTHMS = {
    "sinus": "sinus rhythm", "sinus_arrhythmia": "sinus arrhythmia", "atrial_fibrillation": "atrial fibrillation",
    "atrial_flutter": "atrial flutter", "supraventricular_tachycardia": "supraventricular tachycardia",
    "paced_ventricular": "ventricular paced rhythm", "paced_atrial": "atrial paced rhythm", "paced_dual": "dual-chamber paced rhythm",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Truth:
    """The truth of one record.

    spec         what was asked, defaults included
    rhythm       in words
    findings     ids that hold on the clean trace, sorted (`finding` says which are judged how)
    values       "global" of the JSON form: name -> {"value", "unit"} or {"value": None, "unit", "absent": reason}
    beats        one dict a beat: time, kind, conducted and the global fiducials, s
    p_waves      one dict a P wave, conducted or not
    delineation  lead -> [B, 11] s, columns `FIDUCIALS`, NaN where absent
    per_lead     lead -> amplitude name -> mV or None, median over the measured beats
    spikes       times of pacing spikes, s
    """

    spec: SimulationSpec
    rhythm: str
    findings: tuple[str, ...]
    values: dict[str, Value]
    beats: tuple[Value, ...]
    p_waves: tuple[Value, ...]
    delineation: dict[str, np.ndarray]
    per_lead: dict[str, dict[str, float | None]]
    spikes: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain lists and numbers, times to 0.1 ms and amplitudes to 0.1 uV. Schema `gem.truth/1`, see README.md."""
        return {
            "schema": SCHEMA,
            "spec": self.spec.model_dump(mode="json"),
            "fs": self.spec.fs,
            "duration_s": self.spec.duration_s,
            "leads": list(STANDARD),
            "rhythm": self.rhythm,
            "findings": list(self.findings),
            "global": self.values,
            "beats": list(self.beats),
            "p_waves": list(self.p_waves),
            "delineation": {
                lead: [{name: plain(time) for name, time in zip(FIDUCIALS, row, strict=True)} for row in rows.tolist()]
                for lead, rows in self.delineation.items()
            },
            "per_lead": self.per_lead,
            "spikes": list(self.spikes),
            "noise": self.spec.noise.asked(),
            "reversal": self.spec.reversal,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Truth":
        """The truth back from its JSON form. Raises `KeyError` or pydantic's `ValidationError` when it is none."""
        return cls(
            spec=SimulationSpec.model_validate(data["spec"]),
            rhythm=data["rhythm"],
            findings=tuple(data["findings"]),
            values=data["global"],
            beats=tuple(data["beats"]),
            p_waves=tuple(data["p_waves"]),
            delineation={
                lead: np.array([[np.nan if row[name] is None else row[name] for name in FIDUCIALS] for row in rows]).reshape(
                    -1, len(FIDUCIALS)
                )
                for lead, rows in data["delineation"].items()
            },
            per_lead=data["per_lead"],
            spikes=tuple(data["spikes"]),
        )


def truth_of(heart: Heart, spec: SimulationSpec, matrix: np.ndarray, end_s: float) -> Truth:
    """Read the truth off a heart.

    spec    what was asked
    matrix  [12, 8] from the independent leads to the trace, reversal and flat leads included
    end_s   time of the last sample, s
    """
    line = heart.line
    all_beats, atrial = complexes(heart, matrix), p_waves(heart, matrix)
    atrial = atrial.blanked(atrial.whole(end_s))
    kept = np.flatnonzero(all_beats.qrs.whole(end_s))
    events = [line.ventricles[k] for k in kept]
    t = all_beats.t.taken(kept)
    t = t.blanked(t.whole(end_s))
    source = np.array([-1 if beat.atrial is None else beat.atrial for beat in events], dtype=int)
    p = _of_beats(atrial, source)
    measured = measured_beats([beat.kind for beat in events])
    values = global_values(heart, all_beats, kept, p, t, atrial, measured)
    per_lead = amplitudes(all_beats, kept, p, t, measured)
    seen_p = np.flatnonzero(~np.isnan(atrial.on).all(axis=1))
    rows = np.stack(
        [p.on, p.peak, p.off, all_beats.qrs.on[kept], *all_beats.points[:, kept], all_beats.qrs.off[kept], t.on, t.peak, t.off], axis=-1
    )
    beats = _beat_list(events, all_beats.time[kept], {"p": p, "qrs": all_beats.qrs.taken(kept), "t": t})
    return Truth(
        spec=spec,
        rhythm=_rhythm(heart.spec),
        findings=findings(
            Facts(heart, matrix, tuple(e.kind for e in events), all_beats.time[kept], second_earliest(atrial.on[seen_p]), values, per_lead)
        ),
        values=values,
        beats=beats,
        p_waves=_p_list(heart, atrial, seen_p, events, beats),
        delineation={lead: rows[:, k] for k, lead in enumerate(STANDARD)},
        per_lead=per_lead,
        spikes=tuple(round(float(time), 4) for time, _ in sorted(line.spikes) if 0 <= time <= end_s),
    )


def _of_beats(atrial: Seen, source: np.ndarray) -> Seen:
    """The P wave of each beat, NaN for beats that have none."""
    if not len(atrial.on):
        return Seen(*(np.full((len(source), 12), np.nan) for _ in range(5)))
    return atrial.taken(source).blanked(source >= 0)


def _rhythm(spec: SimulationSpec) -> str:
    block = {
        "mobitz_1": "sinus rhythm with second-degree AV block, Mobitz I",
        "mobitz_2": "sinus rhythm with second-degree AV block, Mobitz II",
        "2_to_1": "sinus rhythm with 2:1 AV block",
        "complete": f"complete AV block with {spec.escape} escape rhythm",
    }
    return block.get(spec.av_block, _RHYTHMS[spec.rhythm])


def _beat_list(events: list[Ventricular], times: np.ndarray, waves: dict[str, Seen]) -> tuple[Value, ...]:
    """One dict a beat, with the global fiducials of its waves."""
    edges: dict[str, list[float]] = {}
    for name, seen in waves.items():
        edges[f"{name}_on"], edges[f"{name}_off"] = second_earliest(seen.on).tolist(), second_latest(seen.off).tolist()
    return tuple(
        {"time": round(time, 4), "kind": event.kind, "conducted": event.kind in ("normal", "pac")}
        | {name: plain(column[n]) for name, column in edges.items()}
        for n, (event, time) in enumerate(zip(events, times.tolist(), strict=True))
    )


def _p_list(heart: Heart, atrial: Seen, seen: np.ndarray, events: list[Ventricular], beats: tuple[Value, ...]) -> tuple[Value, ...]:
    conducting = {beat.atrial for beat in heart.line.ventricles if beat.atrial is not None}
    to_beat = {event.atrial: n for n, event in enumerate(events) if event.atrial is not None}
    out = []
    onsets, offsets = second_earliest(atrial.on[seen]).tolist(), second_latest(atrial.off[seen]).tolist()
    peaks = np.nanmedian(atrial.peak[seen], axis=1).tolist() if len(seen) else []
    for k, time, on, off in zip(seen.tolist(), peaks, onsets, offsets, strict=True):
        out.append(
            {
                "time": round(time, 4),
                "on": round(on, 4),
                "off": round(off, 4),
                "kind": heart.line.atria[k].shape,
                "conducted_to": to_beat.get(k),
                "blocked": k not in conducting,
                "hidden_in": _hidden_in(on, off, beats),
            }
        )
    return tuple(out)


def _time(beat: Value) -> float:
    return float(beat["time"])


def _hidden_in(on: float, off: float, beats: tuple[Value, ...]) -> str | None:
    """The part of a beat, "qrs", "st" or "t", with most of a P wave that lies in a beat by half or more; else None."""
    for beat in beats[bisect_left(beats, on - 1.0, key=_time) : bisect_right(beats, off + 1.0, key=_time)]:
        marks = [beat[name] for name in ("qrs_on", "qrs_off", "t_on", "t_off")]
        shared = {
            part: max(0.0, min(off, end) - max(on, begin))
            for part, begin, end in zip(("qrs", "st", "t"), marks, marks[1:], strict=False)
            if begin is not None and end is not None
        }
        if sum(shared.values()) > 0.5 * (off - on):
            return max(shared, key=lambda part: shared[part])
    return None
