"""What measuring returns: a number with unit and method, or absent with the reason.

The JSON form is that of `gem measure --json` (schema gem.measure/1).
"""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from gem.ecg.quality import Quality
from gem.measure.delineation import FIDUCIALS, Delineation

SCHEMA = "gem.measure/1"

SEQUENCES = {
    "heart_rate": "bpm",
    "rr_preceding": "ms",
    "rr_following": "ms",
    "p_amplitude": "mV",
    "p_duration": "ms",
    "pr_interval": "ms",
    "qrs_amplitude": "mV",
    "qrs_duration": "ms",
    "t_amplitude": "mV",
    "t_duration": "ms",
    "st_duration": "ms",
    "st_form": "",
    "qt_interval": "ms",
    "qtc_interval": "ms",
}
"""The 14 sequences of the grounding data, one value a beat and lead, and their units."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One quantity: `value` in `unit`, or a `word` for a form ("qRs", "upsloping"), or `absent` with the reason.

    gone    the lead was measured and shows no such wave: a criterion reads its size as 0
    method  how, where there is more than one way
    sd      how far readers would differ on it (standard deviation, in its unit), where the engine says
    doubt   what speaks against the value: uncertain edges, another engine's reading

    Raises `ValueError` unless exactly one of value, word and absent is given, and when value is not finite.
    """

    name: str
    unit: str
    value: float | None = None
    absent: str | None = None
    method: str | None = None
    doubt: str | None = None
    word: str | None = None
    gone: bool = False
    sd: float | None = None

    def __post_init__(self) -> None:
        if sum(given is not None for given in (self.value, self.word, self.absent)) != 1:
            raise ValueError(f"{self.name}: a value, a word or the reason for its absence, one of the three")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"{self.name}: {self.value} is not a finite number")

    def to_json(self) -> dict[str, object]:
        out: dict[str, object] = {"value": self.word if self.value is None else rounded(self.value, self.unit), "unit": self.unit}
        out |= {"sd": rounded(self.sd, self.unit)} if self.sd is not None else {}
        out |= {key: text for key in ("absent", "method", "doubt") if (text := getattr(self, key))}
        return out


def rounded(value: float, unit: str) -> float:
    """As many digits as the quantity carries: 0.1 ms, bpm and deg, 1 uV."""
    return round(value, {"mV": 3, "mV ms": 2, "ms": 1, "bpm": 1, "deg": 1}.get(unit, 4))


def form(name: str, word: str) -> Measurement:
    """A form in words as a Measurement."""
    return Measurement(name, "", word=word)


def doubting(m: Measurement, doubt: str) -> Measurement:
    """The same measurement with one more doubt."""
    return replace(m, doubt="; ".join(text for text in (m.doubt, doubt) if text))


def measured(name: str, unit: str, value: float, why_not: str, method: str | None = None, gone: bool = False) -> Measurement:
    """`value` as a Measurement, or absent for the reason `why_not` when it is NaN."""
    if math.isfinite(value):
        return Measurement(name, unit, value=float(value), method=method)
    return Measurement(name, unit, absent=why_not, gone=gone)


@dataclass(frozen=True)
class Rhythm:
    """What the beats and atrial waves do.

    name      "sinus rhythm", "atrial fibrillation", ...
    regular   whether successive RR intervals of the dominant rhythm are alike
    p_per_qrs P waves per QRS complex, or None when none was found
    evidence  what the name rests on, in words with numbers
    events    features that findings refer to: "premature_ventricular" -> number of such beats, ...
    """

    name: str
    regular: bool
    p_per_qrs: float | None
    evidence: tuple[str, ...]
    events: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        p = None if self.p_per_qrs is None else round(self.p_per_qrs, 2)
        events = {name: round(value, 3) for name, value in self.events.items()}
        return {"name": self.name, "regular": self.regular, "p_per_qrs": p, "evidence": list(self.evidence), "events": events}


@dataclass(frozen=True, eq=False)
class Measurements:
    """Everything measured on one recording.

    of_all     name -> Measurement over all leads ("global" in the JSON form)
    per_lead   lead -> name -> Measurement
    rhythm     rhythm and its evidence
    kinds      [B] "normal", "pvc", "pac", "paced", "other": normal beats carry the medians
    sequences  name -> [L, B] values, NaN or "" where absent, rows as in delineation.leads
    """

    source: str
    fs: float
    duration_s: float
    leads: tuple[str, ...]
    quality: Quality
    of_all: dict[str, Measurement]
    per_lead: dict[str, dict[str, Measurement]]
    rhythm: Rhythm
    kinds: tuple[str, ...]
    sequences: dict[str, np.ndarray]
    delineation: Delineation
    age: float | None = None
    sex: str | None = None

    def get(self, name: str, lead: str | None = None) -> Measurement:
        """One measurement by name; absent with the reason when the lead or name was not measured."""
        found = (self.of_all if lead is None else self.per_lead.get(lead, {})).get(name)
        if found is not None:
            return found
        where = "" if lead is None else f" in lead {lead}"
        quality = self.quality.per_lead.get(lead) if lead else None
        if lead and lead not in self.leads:
            reason = f"lead {lead} is not recorded"
        elif quality is not None and not quality.ok:
            reason = f"lead {lead} not usable: {quality.reasons[0]}"
        else:
            reason = f"{name} is not measured{where}"
        return Measurement(name, "", absent=reason)

    def to_json(self, beats: bool = False) -> dict[str, object]:
        """The object of `gem measure --json`; with `beats` also the sequences and the fiducials."""
        out: dict[str, object] = {
            "schema": SCHEMA,
            "source": self.source,
            "fs": self.fs,
            "duration_s": round(self.duration_s, 3),
            "leads": list(self.leads),
            "quality": self.quality.to_json(),
            "global": {name: m.to_json() for name, m in self.of_all.items()},
            "rhythm": self.rhythm.to_json(),
            "per_lead": {lead: {name: m.to_json() for name, m in named.items()} for lead, named in self.per_lead.items()},
        }
        if beats:
            out["beat_kinds"] = list(self.kinds)
            out["beats"] = {
                lead: {name: _listed(rows[k], SEQUENCES[name]) for name, rows in self.sequences.items()}
                for k, lead in enumerate(self.delineation.leads)
            }
            out["delineation"] = fiducials_json(self.delineation)
        return out


def _listed(row: np.ndarray, unit: str) -> list[object]:
    if row.dtype.kind == "U":
        return [text or None for text in row.tolist()]
    return [rounded(value, unit) if math.isfinite(value) else None for value in row.tolist()]


def fiducials_json(delineation: Delineation) -> dict[str, list[dict[str, float | None]]]:
    """The key "delineation" of `gem measure --json --beats`: lead -> one object a beat, times in s, null where absent."""
    return {
        lead: [
            {name: round(t, 4) if math.isfinite(t) else None for name, t in zip(FIDUCIALS, beat, strict=True)}
            for beat in delineation.times[k].tolist()
        ]
        for k, lead in enumerate(delineation.leads)
    }
