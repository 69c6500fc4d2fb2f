"""A verified report as a FHIR R4 Bundle: DiagnosticReport (preliminary), Observations, the waveform, software, patient without a name.

Plain JSON, no FHIR library. What the recording device said is not in it: it is not ours to publish.
Sources: FHIR R4 (4.0.1); US Core clinical test value set for the LOINC codes; UCUM; MDC lead codes of ISO/IEEE 11073-10101.
"""

import uuid
from typing import Any

import numpy as np

from gem import __version__
from gem.ecg.device import OURS
from gem.ecg.io.codes import LEAD_CODE, MDC_POTENTIAL
from gem.ecg.recording import Recording
from gem.knowledge.find import PRESENT
from gem.knowledge.statement import statements
from gem.measure.measurement import Measurement
from gem.report.report import VerifiedReport

Json = dict[str, Any]

_LOINC, _UCUM, _SNOMED = "http://loinc.org", "http://unitsofmeasure.org", "http://snomed.info/sct"
_MDC = "urn:oid:2.16.840.1.113883.6.24"
_HL7 = "http://terminology.hl7.org/CodeSystem"
_PANEL, _IMPRESSION = ("34534-8", "12 lead EKG panel"), ("8601-7", "EKG impression")
_CODES = {
    "heart_rate": ("8867-4", "Heart rate"), "pr_interval": ("8625-6", "P-R interval"), "qrs_duration": ("8633-0", "QRS duration"),
    "qt_interval": ("8634-8", "Q-T interval"), "qtc_bazett": ("8636-3", "Q-T interval corrected"),
    "qtc_fridericia": ("8636-3", "Q-T interval corrected"), "p_axis": ("8626-4", "P wave axis"), "qrs_axis": ("8632-2", "QRS axis"),
    "t_axis": ("8638-9", "T wave axis"),
}  # fmt: skip
_UNITS = {"bpm": "/min", "ms": "ms", "deg": "deg", "mV": "mV"}
_STEP_UV = 0.5


def bundle(report: VerifiedReport, recording: Recording) -> Json:
    """The Bundle (type collection) as a JSON object.

    report     from the pipeline
    recording  what it was written from; its samples go in as SampledData in steps of 0.5 uV

    The same report gives the same Bundle: identifiers follow from the source, and no clock is read.
    """
    address = {name: _urn(report, name) for name in ("patient", "software", "waveform", "impression", *_CODES)}
    shared = {"subject": {"reference": address["patient"]}, "device": {"reference": address["software"]}, "status": "preliminary"}
    observations = {name: _observation(name, report.measurements.get(OURS.get(name, name))) | shared for name in _CODES}
    observations["impression"] = {"code": _coded(_LOINC, *_IMPRESSION), "valueString": _conclusion(report)} | shared
    observations["waveform"] = _waveform(recording) | shared
    resources: dict[str, Json] = {
        "report": _diagnostic(report) | {"subject": shared["subject"], "result": [{"reference": address[name]} for name in observations]},
        "patient": {"resourceType": "Patient", "gender": recording.sex or "unknown"},
        "software": {
            "resourceType": "Device",
            "deviceName": [{"name": "gem-ecg", "type": "model-name"}],
            "version": [{"value": __version__}],
            "note": [{"text": "Research use only: not a medical device."}],
        },
    }
    resources |= {name: {"resourceType": "Observation", **found} for name, found in observations.items()}
    entries = [{"fullUrl": _urn(report, name), "resource": resource} for name, resource in resources.items()]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def _urn(report: VerifiedReport, name: str) -> str:
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'gem-ecg:{report.source}:{report.text}:{name}')}"


def _coded(system: str, code: str, display: str) -> Json:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def _diagnostic(report: VerifiedReport) -> Json:
    """The report; every finding that is present has its SNOMED CT code, where the table has one, and its words."""
    conclusions = []
    for finding in report.findings.by_id.values():
        if finding.status == PRESENT:
            code = statements()[finding.id].snomed
            conclusions.append(({"coding": [{"system": _SNOMED, "code": code}]} if code else {}) | {"text": finding.text})
    return {
        "resourceType": "DiagnosticReport",
        "status": "preliminary",
        "category": [_coded("http://terminology.hl7.org/CodeSystem/v2-0074", "EC", "Electrocardiac (e.g., EKG, EEC, Holter)")],
        "code": _coded(_LOINC, *_PANEL),
        "conclusion": f"{report.shown}\nVerified: {report.summary}.",
        **({"conclusionCode": conclusions} if conclusions else {}),
    }


def _conclusion(report: VerifiedReport) -> str:
    said = [s.text for s in report.report.sentences if s.section == "Conclusion"]
    return " ".join(said) or report.shown


def _observation(name: str, m: Measurement) -> Json:
    """One quantity with its unit and method, or why there is none."""
    out: Json = {"category": [_coded(f"{_HL7}/observation-category", "procedure", "Procedure")], "code": _coded(_LOINC, *_CODES[name])}
    if m.value is None:
        absent = _coded(f"{_HL7}/data-absent-reason", "unknown", "Unknown")
        out["dataAbsentReason"] = absent | {"text": m.absent or "not measured"}
    else:
        out["valueQuantity"] = {"value": round(m.value, 1), "unit": m.unit, "system": _UCUM, "code": _UNITS[m.unit]}
        notes = [
            text
            for text in (m.doubt and f"doubt: {m.doubt}", f"standard deviation {m.sd:.1f} {m.unit}" if m.sd is not None else "")
            if text
        ]
        out |= {"note": [{"text": text} for text in notes]} if notes else {}
    return out | ({"method": {"text": m.method}} if m.method else {})


def _waveform(recording: Recording) -> Json:
    """Every lead as SampledData; a missing sample is E."""
    parts = []
    for name, row in zip(recording.leads, recording.signal, strict=True):
        code = (
            _coded(_MDC, str(MDC_POTENTIAL + LEAD_CODE[name]), f"MDC_ECG_ELEC_POTL_{name.upper()}") if name in LEAD_CODE else {"text": name}
        )
        steps = np.rint(np.nan_to_num(row.astype(np.float64)) * (1000 / _STEP_UV)).astype(np.int64)
        data = " ".join("E" if missing else str(step) for step, missing in zip(steps.tolist(), np.isnan(row).tolist(), strict=True))
        origin = {"value": 0, "unit": "uV", "system": _UCUM, "code": "uV"}
        sampled = {"origin": origin, "period": 1000 / recording.fs, "factor": _STEP_UV, "dimensions": 1, "data": data}
        parts.append({"code": code, "valueSampledData": sampled})
    return {"code": _coded(_MDC, str(MDC_POTENTIAL), "MDC_ECG_ELEC_POTL"), "component": parts}
