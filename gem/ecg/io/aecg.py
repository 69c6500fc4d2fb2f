"""HL7 annotated ECG (aECG): leads as lists of digits with origin and scale, a time sequence with an increment.

The rhythm series is read, not the representative beat that may follow it. Time comes as GLIST_TS or GLIST_PQ
(increment in s, ms or us), leads as SLIST_PQ or SLIST_INT, in any order; what vendors add is passed over.
Source: HL7 v3 Annotated ECG R1 (PORT_MT020001), 2003-12; lead and annotation codes of ISO/IEEE 11073-10101 (MDC).
"""

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from xml.etree.ElementTree import Element

import numpy as np

from gem.ecg.device import UNITS, DeviceSaid, device_said
from gem.ecg.io.codes import lead_of
from gem.ecg.io.reader import Asked, Reader, age_between, checked_rate, mv_per, patient_age, patient_sex, stacked
from gem.ecg.io.xml import attribute, numbers, parse, root_of, text_of
from gem.ecg.recording import Recording
from gem.errors import ECGReadError

_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "": 1.0}
_MEASURED = {
    "heart_rate": "heart_rate", "time_pd_rr": "rr_interval", "time_pd_p": "p_duration", "time_pd_pr": "pr_interval",
    "time_pd_pq": "pr_interval", "time_pd_qrs": "qrs_duration", "time_pd_qt": "qt_interval", "time_pd_qtc": "qtc",
    "time_pd_qtcb": "qtc_bazett", "time_pd_qtcf": "qtc_fridericia", "time_pd_qtch": "qtc_hodges", "angle_p_front": "p_axis",
    "angle_qrs_front": "qrs_axis", "angle_t_front": "t_axis", "p_axis": "p_axis", "qrs_axis": "qrs_axis", "t_axis": "t_axis",
}  # fmt: skip
"""The end of an annotation's code after "..._ECG_", whoever's the code is (MDC_ECG_TIME_PD_QT, MINDRAY_ECG_P_AXIS)."""
_STATED = ("MDC_ECG_INTERPRETATION", "MDC_ECG_RHY")


def _sniff(path: Path, head: bytes) -> str | None:
    return "XML root AnnotatedECG" if root_of(head) == "AnnotatedECG" else None


def _read(path: Path, asked: Asked) -> Recording:
    root = parse(path)
    series = [s for s in root.iter("series") if attribute(s, "code", "code").upper() != "REPRESENTATIVE_BEAT"]
    series.sort(key=lambda s: attribute(s, "code", "code").upper() != "RHYTHM")
    sets = list(series[0].iterfind("component/sequenceSet")) if series else []
    if not sets:
        raise ECGReadError(path, "a series of rhythm waveforms is needed, but the file holds none", "no_signal")
    chosen = max(sets, key=lambda found: len(_sequences(found)[1]))
    time, leads = _sequences(chosen)
    if not leads:
        raise ECGReadError(path, "the rhythm series has no leads", "no_signal")
    fs = checked_rate(_rate(path, time, asked), path)
    rows = {name: _samples(path, name, value, asked) for name, value in leads}
    if len(rows) < len(leads):
        raise ECGReadError(path, "names a lead twice in one set of sequences", "bad_leads")
    total = max(len(row) for row in rows.values())
    if total == 0:
        raise ECGReadError(path, "its leads hold no samples", "no_signal")
    first, last = asked.window(path, total, fs, len(rows))
    notes = [f"{len(series)} series, the first rhythm series taken"] if len(series) > 1 else []
    notes += [f"{len(sets)} sets of sequences, the one with {len(leads)} leads taken"] if len(sets) > 1 else []
    person = root.find(".//subjectDemographicPerson")
    return Recording(
        signal=stacked(list(rows.values()), first, last),
        fs=fs,
        leads=tuple(rows),
        source=str(path),
        history=tuple(notes),
        age=patient_age(text_of(person, "Age")) or age_between(attribute(person, "birthTime"), _recorded(root)),
        sex=patient_sex(attribute(person, "administrativeGenderCode", "code")),
        start_s=first / fs,
        total_s=total / fs,
        device_said=_device(root, series[0]),
    )


def _sequences(found: Element) -> tuple[Element | None, list[tuple[str, Element]]]:
    """The time sequence's value and (lead, value) of every lead of one sequence set."""
    time, leads = None, []
    for sequence in found.iterfind("component/sequence"):
        code, value = attribute(sequence, "code", "code"), sequence.find("value")
        if value is None:
            continue
        if code.upper().startswith("TIME"):
            time = value
        elif value.find("digits") is not None:
            leads.append((lead_of(code) or code, value))
    return time, leads


def _rate(path: Path, time: Element | None, asked: Asked) -> float:
    increment = attribute(time, "increment")
    if not increment:
        if asked.fs is None:
            raise ECGReadError(path, "states no sampling interval (no time sequence with an increment); give it with --fs", "needs_rate")
        return asked.fs
    unit = attribute(time, "increment", "unit")
    step = _number(path, increment, "the sampling interval") * _SECONDS.get(unit, float("nan"))
    if not step > 0:
        raise ECGReadError(path, f"states a sampling interval of {increment[:20]} {unit[:10]}; a positive one in s is needed", "bad_rate")
    return round(1 / step, 6)


def _samples(path: Path, name: str, value: Element, asked: Asked) -> np.ndarray:
    """One lead in mV: origin + scale x digits."""
    unit = attribute(value, "scale", "unit") or attribute(value, "origin", "unit") or asked.unit
    if not unit:
        raise ECGReadError(path, f"lead {name[:20]} states no unit; give it with --unit mV or --unit uV", "needs_unit")
    scale = _number(path, attribute(value, "scale") or "1", f"the scale of lead {name[:20]}") * mv_per(unit, path)
    origin_unit = attribute(value, "origin", "unit") or unit
    origin = _number(path, attribute(value, "origin") or "0", f"the origin of lead {name[:20]}") * mv_per(origin_unit, path)
    return origin + scale * numbers(text_of(value, "digits"), path)


def _number(path: Path, text: str, what: str) -> float:
    try:
        return float(text)
    except ValueError as fault:
        raise ECGReadError(path, f"{what} is {text[:20]!r}; a number is needed", "malformed") from fault


def _recorded(root: Element) -> str:
    return next((v for name in ("low", "center", "high") if (v := attribute(root, f"effectiveTime/{name}"))), "")


def _annotations(parent: Element, depth: int = 0) -> Iterator[tuple[int, Element]]:
    """Every annotation below `parent` with how deep it is nested."""
    for child in parent:
        if child.tag == "annotation":
            yield depth, child
        if child.tag != "series" and child.tag != "sequenceSet":
            yield from _annotations(child, depth + (child.tag == "annotation"))


def _device(root: Element, series: Element) -> DeviceSaid:
    """Of each measurement those nested least: for the whole ECG where there are such, else the median over beats."""
    found: dict[str, list[tuple[int, float]]] = {}
    statements = []
    for depth, annotation in _annotations(series):
        code, value = attribute(annotation, "code", "code"), annotation.find("value")
        if value is None:
            continue
        name = _MEASURED.get(code.partition("_ECG_")[2].lower())
        if name:
            seconds = UNITS[name] == "ms" and value.get("unit") == "s"
            try:
                number = float(value.get("value", "nan")) * (1000 if seconds else 1)
            except ValueError:
                continue
            found.setdefault(name, []).append((depth, number))
        elif code.startswith(_STATED):
            statements.append((value.text or "").strip() or value.get("displayName") or value.get("code"))
    measured = {}
    for name, values in found.items():
        least = min(depth for depth, _ in values)
        measured[name] = median(number for depth, number in values if depth == least)
    author = series.find("author/seriesAuthor")
    maker = text_of(author, "manufacturerOrganization/name"), text_of(author, "manufacturedSeriesDevice/manufacturerModelName")
    return device_said(" ".join(maker), measured, dict.fromkeys(statements))


READER = Reader("aecg", "HL7 aECG (AnnotatedECG XML)", _sniff, _read)
