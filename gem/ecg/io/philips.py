"""Philips (Sierra) XML 1.03 to 1.04.02: base64, usually XLI: LZW, second differences, limb leads as residuals.

sierraecg decodes the LZW. Its own reader is not used: it takes whatever length a block unpacks to and does its sums
in int16, so a hostile file costs hours and gigabytes, or ends in an OverflowError; here a block ends at the length
that the header declares. Facts about XLI and the calibration tail: sierra-ecg-tools (MIT), checked against sierraecg
sample for sample in the tests.
"""

import binascii
from base64 import b64decode
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from gem.ecg.device import DeviceSaid, device_said
from gem.ecg.io.reader import Asked, Reader, age_between, checked_rate, patient_age, patient_sex
from gem.ecg.io.xml import parse, root_of, text_of
from gem.ecg.lead import STANDARD
from gem.ecg.recording import Recording
from gem.errors import ECGReadError

_LEADS_OF = {"STD-12": STANDARD, "10-WIRE": STANDARD}
"""Acquisition types of 1.03, whose waveforms carry no lead names."""
_LONGEST_S, _MOST_VALUES = 60.0, 1 << 20
"""A resting ECG of 12 leads, 11 s and 500 Hz holds 66,000 values."""
_LZW_BITS = 10
_ECG_S = 10.0
"""A rhythm ECG of these carts; 11 s are stored, and the calibration pulse lies in the last."""

_MEASURED = {
    "heart_rate": ("heartrate", "meanventrate"), "atrial_rate": ("atrialrate",), "rr_interval": ("rrint",), "p_duration": ("pdur",),
    "pr_interval": ("print", "meanprint"), "qrs_duration": ("qrsdur", "meanqrsdur"), "qt_interval": ("qtint", "meanqtint"),
    "qtc_bazett": ("qtcb",), "qtc_fridericia": ("qtcf",), "qtc": ("meanqtc",),
    "p_axis": ("pfrontaxis",), "qrs_axis": ("qrsfrontaxis",), "t_axis": ("tfrontaxis",),
}  # fmt: skip


def _sniff(path: Path, head: bytes) -> str | None:
    return "XML root restingecgdata" if root_of(head) == "restingecgdata" else None


def _read(path: Path, asked: Asked) -> Recording:
    root = parse(path)
    about, waves = root.find(".//signalcharacteristics"), root.find(".//parsedwaveforms")
    if waves is None or not (waves.text or "").strip():
        raise ECGReadError(path, "a parsedwaveforms element is needed, but the file holds none", "no_signal")
    fs = checked_rate(_number(path, waves.get("samplespersecond") or text_of(about, "samplingrate"), "the sampling rate"), path)
    names = _names(path, about, waves)
    samples = round(_number(path, waves.get("durationperchannel") or "", "the duration per channel") / 1000 * fs)
    if not 0 < samples <= _LONGEST_S * fs or samples * len(names) > _MOST_VALUES:
        raise ECGReadError(path, f"declares {len(names)} leads of {samples / fs:.4g} s at {fs:g} Hz, which no resting ECG has", "malformed")
    counts = _counts(path, waves, len(names), samples)
    if tuple(names[:6]) == STANDARD[:6]:
        counts = _limb_leads_restored(counts)
    counts, notes = _without_calibration(counts, fs)
    resolution = waves.get("resolution") or text_of(about, "resolution") or text_of(about, "signalresolution")
    microvolts = _number(path, resolution, "the resolution")
    first, last = asked.window(path, counts.shape[1], fs, len(counts))
    patient = root.find("patient/generalpatientdata")
    acquired = root.find("dataacquisition")
    return Recording(
        signal=counts[:, first:last] * (microvolts / 1000),
        fs=fs,
        leads=names,
        source=str(path),
        history=tuple(notes),
        age=patient_age(text_of(patient, "age/years"))
        or age_between(text_of(patient, "age/dateofbirth"), acquired.get("date", "") if acquired is not None else ""),
        sex=patient_sex(text_of(patient, "sex")),
        start_s=first / fs,
        total_s=counts.shape[1] / fs,
        device_said=_device(root),
    )


def _names(path: Path, about: Element | None, waves: Element) -> tuple[str, ...]:
    listed = tuple((waves.get("leadlabels") or "").split())
    count = round(_number(path, waves.get("numberofleads") or text_of(about, "numberchannelsallocated"), "the number of leads"))
    kind = text_of(about, "acquisitiontype")
    names = (listed or _LEADS_OF.get(kind, ()))[: max(count, 0)]
    if not names or len(names) < count:
        raise ECGReadError(path, f"has {count} leads of acquisition type {kind[:20]!r} and names {len(names)}", "bad_leads")
    return names


def _number(path: Path, text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError as fault:
        raise ECGReadError(path, f"{what} is {text[:20]!r}; a number is needed", "malformed") from fault
    if not 0 < value < 1e6:
        raise ECGReadError(path, f"{what} is {value:g}, which cannot be", "malformed")
    return value


def _counts(path: Path, waves: Element, leads: int, samples: int) -> np.ndarray:
    """[leads, samples] int64 as stored: limb leads III to aVF still residuals."""
    if waves.get("dataencoding", "Base64") != "Base64":
        raise ECGReadError(path, f"waveforms are encoded as {waves.get('dataencoding', '')[:20]!r}; Base64 is known", "unsupported")
    try:
        content = b64decode("".join((waves.text or "").split()), validate=True)
    except (binascii.Error, ValueError) as fault:
        raise ECGReadError(path, f"the waveforms are not base64 ({fault})", "malformed") from fault
    method = waves.get("compressmethod") or waves.get("compression") or "Uncompressed"
    if method == "XLI":
        return _xli(path, content, leads, samples)
    if method != "Uncompressed":
        raise ECGReadError(path, f"waveforms are compressed by {method[:20]!r}; XLI is known", "unsupported")
    if len(content) < 2 * leads * samples:
        raise ECGReadError(path, f"declares {leads} leads of {samples} samples but holds {len(content)} bytes", "truncated")
    return np.frombuffer(content, dtype="<i2", count=leads * samples).reshape(leads, samples).astype(np.int64)


def _xli(path: Path, content: bytes, leads: int, samples: int) -> np.ndarray:
    """XLI blocks, one a lead: length and start value in 8 bytes, then LZW codes of 10 bits."""
    out = np.zeros((leads, samples), dtype=np.int64)
    at = 0
    for k in range(leads):
        size = int.from_bytes(content[at : at + 4], "little", signed=True)
        start = int.from_bytes(content[at + 6 : at + 8], "little", signed=True)
        if size <= 0 or at + 8 + size > len(content):
            raise ECGReadError(path, f"block {k + 1} of {leads} is cut off (its length is {size} bytes)", "truncated")
        out[k] = _undeltaed(_unpacked(path, content[at + 8 : at + 8 + size], samples), start)
        at += 8 + size
    if np.abs(out).max() > 2**15:
        raise ECGReadError(path, "a block decodes to values beyond 16 bits; the file is damaged", "malformed")
    return out


def _unpacked(path: Path, block: bytes, samples: int) -> np.ndarray:
    """LZW of one block as [samples] int16: all high bytes, then all low bytes."""
    from sierraecg.lzw import LzwDecoder

    decoder = LzwDecoder(block, bits=_LZW_BITS)
    unpacked = bytearray()
    try:
        while len(unpacked) < 2 * samples and (byte := decoder.read()) >= 0:
            unpacked.append(byte)
    except (LookupError, ValueError) as fault:  # a code that nothing has defined yet
        raise ECGReadError(path, "a block holds an LZW code that is not defined", "malformed") from fault
    if len(unpacked) < 2 * samples - 1:
        raise ECGReadError(path, f"a block unpacks to {len(unpacked) // 2} samples, but {samples} are declared", "truncated")
    both = np.frombuffer(bytes(unpacked).ljust(2 * samples, b"\0"), dtype=np.uint8).reshape(2, samples).astype(np.uint16)
    joined: np.ndarray = (both[0] << 8) | both[1]
    return joined.astype(np.int16)


def _undeltaed(stored: np.ndarray, start: int) -> np.ndarray:
    """Values from two first samples and second differences: z[i] = 2 z[i-1] - z[i-2] - d[i-1], with d[1] = start and
    d[i] = stored[i] - 64 after it."""
    values = stored.astype(np.int64)
    if len(values) < 3:
        return values
    second = -np.concatenate([[start], values[2:-1] - 64])
    slope = (values[1] - values[0]) + np.cumsum(second)
    values[2:] = values[1] + np.cumsum(slope)
    return values


def _limb_leads_restored(counts: np.ndarray) -> np.ndarray:
    """III, aVR, aVL and aVF from what they differ by from Einthoven's and Goldberger's sums."""
    one, two = counts[0], counts[1]
    three = two - one - counts[2]
    limb = np.stack([three, -counts[3] - (one + two) // 2, (one - three) // 2 - counts[4], (two + three) // 2 - counts[5]])
    return np.concatenate([counts[:2], limb, counts[6:]])


def _without_calibration(counts: np.ndarray, fs: float) -> tuple[np.ndarray, list[str]]:
    """The ECG cut to 10 s where all leads end alike: that is the 1 mV calibration pulse."""
    differ = np.flatnonzero((counts != counts[0]).any(axis=0))
    alike_from = int(differ[-1]) + 1 if len(differ) else 0
    keep = round(_ECG_S * fs)
    if len(counts) < 2 or not keep <= alike_from < counts.shape[1] - round(0.1 * fs):
        return counts, []
    return counts[:, :keep], [f"calibration pulse from {alike_from / fs:.3f} s taken off: first {_ECG_S:g} s kept"]


def _device(root: Element) -> DeviceSaid:
    """Measurements after editing where there are such, else those of the analysis program; statements, left and right part."""
    places = [p for p in (root.find(".//interpretation/globalmeasurements"), root.find(".//interpretationmeasurements")) if p is not None]
    places += [p for p in (root.find(".//crossleadmeasurements"), root.find("measurements/globalmeasurements")) if p is not None]
    measured = {}
    for name, tags in _MEASURED.items():
        found = (text_of(place, tag) for place in places for tag in tags)
        measured[name] = next((text for text in found if text), "")
    interpretation = root.find(".//interpretation")
    statements = [
        " | ".join(part for part in (text_of(s, "leftstatement"), text_of(s, "rightstatement")) if part)
        for s in (interpretation.iterfind("statement") if interpretation is not None else ())
    ]
    return device_said(f"Philips {text_of(root, 'dataacquisition/machine')}", measured, [*statements, text_of(interpretation, "severity")])


READER = Reader("philips", "Philips XML (Sierra ECG 1.03 to 1.04)", _sniff, _read)
