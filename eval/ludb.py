"""LUDB as samples: the cardiologists' marks and words, and the intervals that the marks give. Nothing here is measured by our engine."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from eval.delineation import Waves, global_intervals, lead_intervals, reference
from eval.load import recording_of
from eval.sample import Ecg, needed, sex_of
from gem.ecg.lead import STANDARD
from gem.errors import GemError
from gem.files import data_folder
from gem.measure.interval import median_of

SET = "LUDB 1.0.1 (https://physionet.org/content/ludb/1.0.1/)"
AUTHOR = "LUDB, cardiologists' marks"


@dataclass(frozen=True)
class LudbRecord:
    """number; words: what the cardiologists wrote, one statement each, lower case."""

    number: int
    ecg: Ecg
    words: tuple[str, ...]
    meta: dict[str, Any]

    def says(self, *parts: str) -> bool:
        """Whether a statement holds any of these."""
        return any(part in word for word in self.words for part in parts)


def ludb(data: Path) -> Iterator[LudbRecord]:
    """All records in the order of ludb.csv. Raises `ConfigError` that says what to download where the set is missing."""
    with needed(data / "ludb" / "ludb.csv", SET, "$GEM_DATA/ludb/").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            number = int(row["ID"])
            age = row["Age"].strip().lstrip(">")
            sex = {"F": "female", "M": "male"}.get(row["Sex"].strip())
            columns = [text for key, text in row.items() if key not in ("ID", "Sex", "Age")]
            words = tuple(line.strip().rstrip(".").lower() for text in columns for line in (text or "").split("\n") if line.strip())
            known = float(age) if age.replace(".", "", 1).isdigit() else None
            meta = {
                "patient": f"ludb {number}",
                "age": known,
                "sex": sex,
                "statements": [w for w in words if "axis" not in w],
                "source": "ludb",
            }
            yield LudbRecord(number, Ecg(path=f"ludb/data/{number}.hea", age=known, sex=sex_of(sex)), words, meta)


@lru_cache(maxsize=256)
def marks(number: int) -> dict[str, Waves]:
    """Lead -> the cardiologists' waves, s."""
    header = data_folder() / "ludb" / "data" / f"{number}.hea"
    fs = recording_of(Ecg(path=f"ludb/data/{number}.hea")).fs
    return {lead: reference(header, lead, fs) for lead in STANDARD}


@lru_cache(maxsize=256)
def truth(number: int) -> dict[str, float]:
    """heart_rate (bpm); p_duration, pr_interval, qrs_duration (over all leads), qrs_lead_median, qt_interval, qtc_bazett (ms), from the
    marks; what they do not give is left out.

    Over all leads is second-earliest onset to second-latest offset, as in eval.delineation; the rate is 60 s over the median RR of the
    lead with most marked QRS complexes.
    """
    by_lead = marks(number)
    whole = global_intervals(list(by_lead.values()))
    out = {"p_duration": whole["P"], "pr_interval": whole["PR"], "qrs_duration": whole["QRS"], "qt_interval": whole["QT"]}
    out["qrs_lead_median"] = median_of(np.array([lead_intervals(waves)["QRS"] for waves in by_lead.values()]))
    peaks = max((waves["QRS"][:, 1] for waves in by_lead.values()), key=len)
    rr = float(np.median(np.diff(peaks))) if len(peaks) > 2 else np.nan
    out["heart_rate"] = 60 / rr
    out["qtc_bazett"] = out["qt_interval"] / rr**0.5
    return {name: float(value) for name, value in out.items() if np.isfinite(value)}


@lru_cache(maxsize=256)
def t_amplitudes(number: int) -> dict[str, float]:
    """Lead -> height of the marked T peaks above the QRS onset of the same beat, mV, median over beats; a lead without is left out."""
    recording = recording_of(Ecg(path=f"ludb/data/{number}.hea"))
    out: dict[str, float] = {}
    for lead, waves in marks(number).items():
        try:
            signal = recording.lead(lead)
        except GemError:
            continue
        heights = []
        for on in waves["QRS"][:, 0]:
            after = waves["T"][(waves["T"][:, 1] > on) & (waves["T"][:, 1] < on + 0.7), 1]
            if np.isfinite(on) and len(after):
                base = float(np.median(signal[max(0, round(on * recording.fs) - 5) : round(on * recording.fs) + 1]))
                heights.append(float(signal[min(len(signal) - 1, round(after[0] * recording.fs))]) - base)
        if len(heights) >= 2:
            out[lead] = float(np.median(heights))
    return out
