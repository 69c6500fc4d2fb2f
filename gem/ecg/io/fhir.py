"""FHIR: an Observation whose leads are SampledData, alone or in a Bundle; R4 (`period`) and R5 (`interval`, `intervalUnit`).

Source: hl7.org/fhir R4 and R5, SampledData; lead codes MDC_ECG_ELEC_POTL_* of ISO/IEEE 11073-10101.
"""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gem.ecg.device import DeviceSaid, device_said
from gem.ecg.io.codes import MDC_POTENTIAL, lead_of
from gem.ecg.io.reader import TEXT_CAP_BYTES, Asked, Reader, age_between, checked_rate, mv_per, patient_sex, stacked, whole
from gem.ecg.io.xml import numbers
from gem.ecg.lead import canonical, is_known
from gem.ecg.recording import Recording
from gem.errors import ECGReadError

_MARK = re.compile(rb'\s*(?:\xef\xbb\xbf)?\s*\{.{0,60000}?"resourceType"\s*:\s*"(\w{1,40})"', re.DOTALL)
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
_NO_VALUE = ("E", "U", "L")
"""Error, above and below the range of the device."""
_LONGEST_TEXT = 100
_MOST_LEADS = 256

Json = dict[str, Any]


def _sniff(path: Path, head: bytes) -> str | None:
    found = _MARK.match(head)
    return f"JSON with resourceType {found[1].decode()}" if found else None


def _read(path: Path, asked: Asked) -> Recording:
    try:
        root = json.loads(whole(path, TEXT_CAP_BYTES))
    except (ValueError, RecursionError) as fault:
        raise ECGReadError(path, f"not well-formed JSON ({str(fault)[:100]})", "malformed") from fault
    if not isinstance(root, dict):
        raise ECGReadError(path, "not a JSON object", "malformed")
    resources: list[Json] = [root, *(_object(entry, "resource") for entry in _objects(root, "entry"))]
    found = [(r, leads) for r in resources if r.get("resourceType") == "Observation" and (leads := list(_leads(r)))]
    if not found:
        kinds = ", ".join(sorted({_string(r, "resourceType") for r in resources})) or "no resource"
        raise ECGReadError(path, f"an Observation with valueSampledData is needed, but the file holds {kinds}", "no_signal")
    observation, leads = found[0]
    if len(leads) > _MOST_LEADS:
        raise ECGReadError(path, f"holds {len(leads)} series of samples, which no ECG has", "too_large")
    rates = {_rate(path, sampled) for _, sampled in leads}
    if len(rates) > 1:
        raise ECGReadError(path, f"its leads have {len(rates)} sampling rates; one is needed", "unsupported")
    fs = checked_rate(rates.pop(), path)
    rows = [_samples(path, name, sampled, asked) for name, sampled in leads]
    total = max(len(row) for row in rows)
    first, last = asked.window(path, total, fs, len(rows))
    patient = next((r for r in resources if r.get("resourceType") == "Patient"), {})
    return Recording(
        signal=stacked(rows, first, last),
        fs=fs,
        leads=tuple(name for name, _ in leads),
        source=str(path),
        history=(f"{len(found)} observations of samples, the first taken",) if len(found) > 1 else (),
        age=age_between(_string(patient, "birthDate"), _string(observation, "effectiveDateTime")),
        sex=patient_sex(_string(patient, "gender")),
        start_s=first / fs,
        total_s=total / fs,
        device_said=_device(observation),
    )


def _objects(parent: Json, key: str) -> list[Json]:
    """The objects of a list; what is none is passed over."""
    found = parent.get(key)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _object(parent: Json, key: str) -> Json:
    found = parent.get(key)
    return found if isinstance(found, dict) else {}


def _string(parent: Json, key: str) -> str:
    found = parent.get(key)
    return str(found)[:_LONGEST_TEXT] if isinstance(found, str | int | float) else ""


def _number(path: Path, parent: Json, key: str, default: float | None = None) -> float:
    given = parent.get(key, default)
    if isinstance(given, bool) or not isinstance(given, int | float) or not abs(given) < 1e12:
        raise ECGReadError(path, f"{key} is {str(given)[:20]!r}; a number is needed", "malformed")
    return float(given)


def _leads(observation: Json) -> Iterator[tuple[str, Json]]:
    """(lead, SampledData) of an observation and its components."""
    for part in [observation, *_objects(observation, "component")]:
        sampled = part.get("valueSampledData")
        if isinstance(sampled, dict):
            yield _lead(_object(part, "code")), sampled


def _lead(code: Json) -> str:
    codings = _objects(code, "coding")
    for coding in codings:
        name = lead_of(_string(coding, "code"))
        if name:
            return name
    words = [word for coding in codings for word in (_string(coding, "display"), _string(coding, "code"))] + [_string(code, "text")]
    names = [canonical(word.replace("MDC_ECG_ELEC_POTL_", "")) for word in words if word]
    known = [name for name in names if is_known(name)]
    return (known or [n for n in names if n != str(MDC_POTENTIAL)] or ["ECG"])[0]


def _rate(path: Path, sampled: Json) -> float:
    unit = _string(sampled, "intervalUnit") if "interval" in sampled else "ms"
    step = _number(path, sampled, "interval" if "interval" in sampled else "period") * _SECONDS.get(unit, math.nan)
    if not step > 0:
        raise ECGReadError(path, f"states an interval of {step:g} s (unit {unit[:10]!r}); a positive one in s or ms is needed", "bad_rate")
    return round(1 / step, 6)


def _samples(path: Path, name: str, sampled: Json, asked: Asked) -> np.ndarray:
    """One lead in mV: origin + factor x data."""
    if _number(path, sampled, "dimensions", 1) != 1:
        raise ECGReadError(path, f"lead {name} interleaves several dimensions; one a series is read", "unsupported")
    data = sampled.get("data")
    if not isinstance(data, str):
        raise ECGReadError(path, f"lead {name} holds no data", "no_signal")
    origin = _object(sampled, "origin")
    unit = _string(origin, "code") or _string(origin, "unit") or asked.unit
    if not unit:
        raise ECGReadError(path, f"lead {name} states no unit; give it with --unit mV or --unit uV", "needs_unit")
    values = numbers(data, path, _NO_VALUE)
    return (_number(path, origin, "value", 0.0) + _number(path, sampled, "factor", 1.0) * values) * mv_per(unit, path)


def _device(observation: Json) -> DeviceSaid:
    """The interpretation and notes that came with the samples."""
    said = [_string(item, "text") for item in _objects(observation, "interpretation")]
    said += [_string(item, "text") for item in _objects(observation, "note")]
    return device_said(_string(_object(observation, "device"), "display"), {}, said)


READER = Reader("fhir", "FHIR Observation with SampledData (R4, R5), alone or in a Bundle", _sniff, _read)
