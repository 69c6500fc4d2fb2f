"""GE MUSE XML (RestingECG): base64 samples, eight leads, a median beat before the rhythm.

Only waveforms of type Rhythm are read: the first in the file is the median beat. The four limb leads that
the file leaves out follow from I and II (`Recording.standardised`).
"""

import binascii
import zlib
from base64 import b64decode
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from gem.ecg.device import DeviceSaid, device_said
from gem.ecg.io.reader import Asked, Reader, checked_rate, mv_per, patient_age, patient_sex, stacked
from gem.ecg.io.xml import parse, root_of, text_of
from gem.ecg.recording import Recording
from gem.errors import ECGReadError

_MEASURED = {
    "heart_rate": "VentricularRate", "atrial_rate": "AtrialRate", "pr_interval": "PRInterval", "qrs_duration": "QRSDuration",
    "qt_interval": "QTInterval", "qtc_bazett": "QTCorrected", "qtc_fridericia": "QTcFrederica",
    "p_axis": "PAxis", "qrs_axis": "RAxis", "t_axis": "TAxis",
}  # fmt: skip
_YEARS_PER = {"YEARS": 1.0, "MONTHS": 1 / 12, "WEEKS": 1 / 52.18, "DAYS": 1 / 365.25, "HOURS": 0.0}


def _sniff(path: Path, head: bytes) -> str | None:
    return "XML root RestingECG" if root_of(head) == "RestingECG" else None


def _read(path: Path, asked: Asked) -> Recording:
    root = parse(path)
    rhythm = [w for w in root.iter("Waveform") if text_of(w, "WaveformType").lower() == "rhythm"]
    if not rhythm:
        kinds = ", ".join(sorted({text_of(w, "WaveformType")[:20] for w in root.iter("Waveform")})) or "none"
        raise ECGReadError(path, f"a waveform of type Rhythm is needed, but the file holds: {kinds}", "no_signal")
    waveform = rhythm[0]
    exponent = int(_number(path, waveform, "SampleExponent", "0"))
    fs = checked_rate(_number(path, waveform, "SampleBase") * float(f"1e{exponent}"), path)
    leads = waveform.findall("LeadData")
    if not leads:
        raise ECGReadError(path, "the rhythm waveform has no leads", "no_signal")
    rows, notes = [], []
    for lead in leads:
        row, said = _samples(path, lead)
        rows.append(row)
        notes += said
    total = max(len(row) for row in rows)
    first, last = asked.window(path, total, fs, len(rows))
    return Recording(
        signal=stacked(rows, first, last),
        fs=fs,
        leads=tuple(text_of(lead, "LeadID") for lead in leads),
        source=str(path),
        history=tuple(notes),
        age=_age(root),
        sex=patient_sex(text_of(root, "PatientDemographics/Gender")),
        start_s=first / fs,
        total_s=total / fs,
        device_said=_device(root),
    )


def _samples(path: Path, lead: Element) -> tuple[np.ndarray, list[str]]:
    """One lead in mV, and what there is to say about it."""
    name = text_of(lead, "LeadID")[:8]
    try:
        content = b64decode("".join(text_of(lead, "WaveFormData").split()), validate=True)
    except (binascii.Error, ValueError) as fault:
        raise ECGReadError(path, f"the samples of lead {name} are not base64 ({fault})", "malformed") from fault
    size = text_of(lead, "LeadSampleSize") or "2"
    if size != "2":
        raise ECGReadError(path, f"lead {name} has samples of {size[:8]} bytes; 2 are known", "unsupported")
    values = np.frombuffer(content[: len(content) // 2 * 2], dtype="<i2")
    declared = _number(path, lead, "LeadSampleCountTotal", str(len(values)))
    if declared > len(values):
        raise ECGReadError(path, f"lead {name} declares {declared:g} samples but holds {len(values)}", "truncated")
    notes = []
    crc = text_of(lead, "LeadDataCRC32")
    if crc.isascii() and crc.isdigit() and len(crc) <= 20 and int(crc) != zlib.crc32(content):
        notes.append(f"checksum of lead {name} disagrees: the file may be damaged")
    if text_of(lead, "LeadOff").upper() == "TRUE":
        notes.append(f"lead {name} was off, as the device states")
    unit = text_of(lead, "LeadAmplitudeUnits") or "MICROVOLTS"
    millivolts = values * (_number(path, lead, "LeadAmplitudeUnitsPerBit") * mv_per(unit, path))
    skipped = _number(path, lead, "LeadOffsetFirstSample", "0")
    if not 0 <= skipped <= len(values):
        raise ECGReadError(path, f"lead {name} begins {skipped:g} samples after the others", "malformed")
    return np.concatenate([np.full(int(skipped), np.nan), millivolts]), notes


def _number(path: Path, parent: Element, name: str, default: str = "") -> float:
    text = text_of(parent, name) or default
    try:
        value = float(text)
    except ValueError as fault:
        raise ECGReadError(path, f"{name} is {text[:20]!r}; a number is needed", "malformed") from fault
    if not abs(value) < 1e9:
        raise ECGReadError(path, f"{name} is {value}, which cannot be", "malformed")
    return value


def _age(root: Element) -> float | None:
    years = patient_age(text_of(root, "PatientDemographics/PatientAge"))
    factor = _YEARS_PER.get((text_of(root, "PatientDemographics/AgeUnits") or "YEARS").upper())
    return None if years is None or factor is None else years * factor


def _device(root: Element) -> DeviceSaid:
    """Measurements and statements after confirmation, where the file has both; lines of one statement joined."""
    measured = {name: text_of(root, f"RestingECGMeasurements/{tag}") for name, tag in _MEASURED.items()}
    lines, line = [], ""
    for statement in root.iterfind("Diagnosis/DiagnosisStatement"):
        line = f"{line} {text_of(statement, 'StmtText')}"
        if any((flag.text or "").strip() == "ENDSLINE" for flag in statement.iterfind("StmtFlag")):
            lines.append(line)
            line = ""
    return device_said(f"GE MUSE {text_of(root, 'MuseInfo/MuseVersion')}", measured, [*lines, line])


READER = Reader("muse", "GE MUSE XML (RestingECG)", _sniff, _read)
