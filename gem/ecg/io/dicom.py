"""DICOM waveforms: 12-lead, general and ambulatory ECG; the rhythm group, not the median beat that may follow it.

pydicom parses, within bounds: the file and what it inflates to are capped, every read is counted (a sequence of a million
empty elements is a fault, not a gigabyte), and a length field can ask for no more than the file holds.
Source: DICOM PS3.3, C.10.9 (Waveform) and C.10.10 (annotations); PS3.16, CID 3001 (leads).
"""

import io
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from gem.ecg.device import DeviceSaid, device_said
from gem.ecg.io.codes import lead_of
from gem.ecg.io.reader import WHOLE_CAP_BYTES, Asked, Reader, age_between, checked_rate, mv_per, patient_age, patient_sex, whole
from gem.ecg.lead import canonical
from gem.ecg.recording import Recording
from gem.errors import ECGReadError

_PREAMBLE, _MARK = 128, b"DICM"
_IMPLICIT, _DEFLATED, _BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
_MOST_READS = 500_000
"""A 12-lead ECG with 77 annotations takes 5,000."""
_LONGEST_VALUE = 4096
"""Bytes of any value that is not the waveform."""
_MOST_CHANNELS = 256
_DTYPES = {("SS", 16): "i2", ("US", 16): "u2", ("SB", 8): "i1", ("UB", 8): "u1", ("SL", 32): "i4", ("UL", 32): "u4"}
_WANTED = (
    "SOPClassUID", "AcquisitionDateTime", "StudyDate", "Manufacturer", "ManufacturerModelName", "PatientAge", "PatientBirthDate",
    "PatientSex", "WaveformSequence", "WaveformAnnotationSequence",
)  # fmt: skip
_MEASURED = {
    "rr interval": "rr_interval", "pr interval": "pr_interval", "pq interval": "pr_interval", "p duration": "p_duration",
    "qrs duration": "qrs_duration", "qt interval": "qt_interval", "qtc interval": "qtc", "p axis": "p_axis", "qrs axis": "qrs_axis",
    "t axis": "t_axis", "ventricular heart rate": "heart_rate", "heart rate": "heart_rate", "atrial heart rate": "atrial_rate",
}  # fmt: skip
"""Meaning of a concept (CID 3227, 3228, 3229) -> our name; the codes themselves differ between SCPECG, MDC and vendors."""
_YEARS_PER = {"Y": 1.0, "M": 1 / 12, "W": 1 / 52.18, "D": 1 / 365.25}


class _Bounded(io.BytesIO):
    """Bytes that may be read from so many times, all parts of one file together."""

    def __init__(self, content: bytes, reads: list[int]) -> None:
        super().__init__(content)
        self._reads = reads

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads[0] += 1
        if self._reads[0] > _MOST_READS:
            raise _TooMuch
        return super().read(size)


class _TooMuch(Exception):
    """More elements than any ECG has."""


class _File:
    """One parsed data set and what is left of its allowance; sequences are parsed when they are asked for."""

    def __init__(self, path: Path, content: bytes, reads: list[int]) -> None:
        from pydicom.datadict import tag_for_keyword
        from pydicom.filereader import read_dataset

        self.path, self._reads = path, reads
        stream = _Bounded(content, self._reads)
        stream.seek(_PREAMBLE + len(_MARK))
        meta = read_dataset(stream, False, True, stop_when=lambda tag, vr, length: tag >> 16 != 2)
        syntax = str(self.value(meta, "TransferSyntaxUID") or _IMPLICIT)
        if syntax == _DEFLATED:
            stream = _Bounded(_inflated(path, content[stream.tell() :]), self._reads)
        tags = [tag for word in _WANTED if (tag := tag_for_keyword(word)) is not None]
        self.top = read_dataset(stream, syntax == _IMPLICIT, syntax != _BIG, specific_tags=tags)

    def value(self, dataset: Any, keyword: str) -> Any:
        """A value, None where there is none. Raises `ECGReadError` when it is longer than `_LONGEST_VALUE`."""
        from pydicom.datadict import tag_for_keyword

        tag = tag_for_keyword(keyword)
        if tag not in dataset:
            return None
        raw = dataset.get_item(tag)
        if len(getattr(raw, "value", None) or "") > _LONGEST_VALUE:
            raise ECGReadError(self.path, f"{keyword} is longer than {_LONGEST_VALUE} bytes", "malformed")
        return dataset[tag].value

    def items(self, dataset: Any, keyword: str) -> list[Any]:
        """The items of a sequence, [] where there is none."""
        from pydicom.datadict import tag_for_keyword
        from pydicom.dataelem import RawDataElement
        from pydicom.filereader import read_sequence

        tag = tag_for_keyword(keyword)
        if tag not in dataset:
            return []
        raw = dataset.get_item(tag)
        if isinstance(raw, RawDataElement):
            content = raw.value or b""
            stream, encoding = _Bounded(content, self._reads), self.top.original_character_set
            return list(read_sequence(stream, raw.is_implicit_VR, raw.is_little_endian, len(content), encoding))
        return list(raw.value)

    def number(self, dataset: Any, keyword: str, default: float | None = None) -> float:
        value = self.value(dataset, keyword)
        if value is None and default is not None:
            return default
        try:
            return float(value)
        except (TypeError, ValueError) as fault:
            raise ECGReadError(self.path, f"{keyword} is {str(value)[:20]!r}; a number is needed", "malformed") from fault


def _inflated(path: Path, content: bytes) -> bytes:
    """A deflated data set, at most `WHOLE_CAP_BYTES` of it. Raises `ECGReadError`."""
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        out = engine.decompress(content, WHOLE_CAP_BYTES)
    except zlib.error as fault:
        raise ECGReadError(path, f"its deflated data set is damaged ({fault})", "malformed") from fault
    if engine.unconsumed_tail:
        raise ECGReadError(path, f"inflates to more than {WHOLE_CAP_BYTES / 1e6:.0f} MB, which no ECG needs", "too_large")
    return out


def _sniff(path: Path, head: bytes) -> str | None:
    return "DICM after the preamble" if head[_PREAMBLE : _PREAMBLE + 4] == _MARK else None


def _read(path: Path, asked: Asked) -> Recording:
    content, reads = whole(path), [0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _recording(_File(path, content, reads), asked)
        except ECGReadError:
            raise
        except Exception as fault:  # pydicom raises whatever its parsing runs into, and hides what is raised below it
            if reads[0] > _MOST_READS:
                raise ECGReadError(path, "holds more data elements than any ECG", "too_large") from fault
            if isinstance(fault, EOFError | OSError):
                raise ECGReadError(path, f"ends before what it declares ({str(fault)[:100]})", "truncated") from fault
            raise ECGReadError(path, f"pydicom cannot parse it ({type(fault).__name__}: {str(fault)[:100]})", "malformed") from fault


def _recording(file: _File, asked: Asked) -> Recording:
    group, notes = _rhythm(file)
    fs = checked_rate(file.number(group, "SamplingFrequency"), file.path)
    counts, padded = _counts(file, group)
    channels = file.items(group, "ChannelDefinitionSequence")
    if len(channels) < len(counts):
        raise ECGReadError(file.path, f"holds {len(counts)} channels and describes {len(channels)}", "malformed")
    names = tuple(_lead(file, channel, k) for k, channel in enumerate(channels[: len(counts)]))
    first, last = asked.window(file.path, counts.shape[1], fs, len(counts))
    signal = np.full((len(counts), last - first), np.nan)
    for row, line, channel, end in zip(signal, counts[:, first:last], channels, padded, strict=False):
        scale, baseline = _calibration(file, channel, asked)
        row[: max(end - first, 0)] = line[: max(end - first, 0)] * scale + baseline
    if padded.min() < counts.shape[1]:
        notes.append(f"padding of {counts.shape[1] - padded.min()} samples at the end taken as missing")
    top = file.top
    return Recording(
        signal=signal,
        fs=fs,
        leads=names,
        source=str(file.path),
        history=tuple(notes),
        age=_age(file),
        sex=patient_sex(str(file.value(top, "PatientSex") or "")),
        start_s=first / fs,
        total_s=counts.shape[1] / fs,
        device_said=_device(file),
    )


def _rhythm(file: _File) -> tuple[Any, list[str]]:
    """The multiplex group that holds the rhythm, and what there is to say of the choice."""
    groups = file.items(file.top, "WaveformSequence")
    if not groups:
        kind = file.value(file.top, "SOPClassUID")
        what = "a PDF" if kind == _PDF else f"no waveform (SOP class {str(getattr(kind, 'name', None) or kind)[:60]})"
        raise ECGReadError(file.path, f"a DICOM ECG waveform is needed, but the file holds {what}", "no_signal")
    rhythm = [g for g in groups if "MEDIAN" not in str(file.value(g, "MultiplexGroupLabel") or "").upper()]
    if not rhythm:
        raise ECGReadError(file.path, "a rhythm waveform is needed, but the file holds median beats only", "no_signal")
    notes = [f"{len(groups)} groups of channels, the first rhythm group taken"] if len(groups) > 1 else []
    return rhythm[0], notes


def _counts(file: _File, group: Any) -> tuple[np.ndarray, np.ndarray]:
    """[C, T] stored numbers, and [C] where the padding at each channel's end begins."""
    from pydicom.datadict import tag_for_keyword

    channels, samples = file.number(group, "NumberOfWaveformChannels"), file.number(group, "NumberOfWaveformSamples")
    bits, kind = int(file.number(group, "WaveformBitsAllocated", 16)), str(file.value(group, "WaveformSampleInterpretation") or "SS")
    if not 1 <= channels <= _MOST_CHANNELS or samples < 1:
        raise ECGReadError(file.path, f"declares {channels:g} channels of {samples:g} samples", "malformed")
    if (kind, bits) not in _DTYPES:
        raise ECGReadError(file.path, f"samples of type {kind[:8]} with {bits} bits are not known", "unsupported")
    raw = group.get_item(tag_for_keyword("WaveformData")) if "WaveformData" in group else None
    content = bytes(raw.value or b"") if raw is not None else b""
    dtype = np.dtype(_DTYPES[kind, bits]).newbyteorder("<" if getattr(raw, "is_little_endian", True) else ">")
    wanted = int(channels) * int(samples)
    if len(content) < wanted * dtype.itemsize:
        raise ECGReadError(
            file.path, f"declares {channels:g} channels of {samples:g} samples, but holds {len(content)} bytes of them", "truncated"
        )
    counts = np.frombuffer(content, dtype, wanted).reshape(int(samples), int(channels)).T
    return counts, _padding(file, group, counts, dtype)


def _padding(file: _File, group: Any, counts: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Where the padding at each channel's end begins; inside the signal a padding value is a sample like any other.

    A padding value of 0 is also a true sample, so it counts only where all channels end in it.
    """
    ends = np.full(len(counts), counts.shape[1])
    raw = file.value(group, "WaveformPaddingValue")
    if not isinstance(raw, bytes) or len(raw) < dtype.itemsize:
        return ends
    value = int(np.frombuffer(raw, dtype, 1)[0])
    for k, row in enumerate(counts):
        differ = np.flatnonzero(row != value)
        ends[k] = differ[-1] + 1 if len(differ) else 0
    if value == 0:
        ends[:] = ends.max() if ends.max() > 0 else counts.shape[1]
    return ends


def _lead(file: _File, channel: Any, number: int) -> str:
    """By code where there is a known one, else by what the code means."""
    for source in file.items(channel, "ChannelSourceSequence"):
        code = str(file.value(source, "CodeValue") or "")
        meaning = str(file.value(source, "CodeMeaning") or "")
        name = lead_of(code) or canonical(meaning)
        if name:
            return name
    return str(file.value(channel, "ChannelLabel") or f"channel {number + 1}")


def _calibration(file: _File, channel: Any, asked: Asked) -> tuple[float, float]:
    """mV a step, and mV of step 0."""
    units = [str(file.value(unit, "CodeValue") or "") for unit in file.items(channel, "ChannelSensitivityUnitsSequence")]
    unit = next((u for u in units if u), asked.unit)
    if not unit or "ChannelSensitivity" not in channel:
        raise ECGReadError(
            file.path, "a channel states no sensitivity with its unit; give the unit with --unit mV or --unit uV", "needs_unit"
        )
    factor = mv_per(unit, file.path)
    step = file.number(channel, "ChannelSensitivity") * file.number(channel, "ChannelSensitivityCorrectionFactor", 1.0)
    return step * factor, file.number(channel, "ChannelBaseline", 0.0) * factor


def _age(file: _File) -> float | None:
    text = str(file.value(file.top, "PatientAge") or "").strip()
    years = patient_age(text)
    if years is not None:
        return years * _YEARS_PER.get(text[-1:].upper(), 1.0)
    recorded = file.value(file.top, "AcquisitionDateTime") or file.value(file.top, "StudyDate")
    return age_between(str(file.value(file.top, "PatientBirthDate") or ""), str(recorded or ""))


def _device(file: _File) -> DeviceSaid:
    """Numeric annotations of the whole ECG by what their concept means, and free text."""
    measured: dict[str, object] = {}
    statements = []
    for item in file.items(file.top, "WaveformAnnotationSequence"):
        text, value = file.value(item, "UnformattedTextValue"), file.value(item, "NumericValue")
        if text:
            statements.append(str(text))
        for concept in file.items(item, "ConceptNameCodeSequence"):
            meaning = str(file.value(concept, "CodeMeaning") or "").strip().lower()
            if value is not None and meaning in _MEASURED:
                measured.setdefault(_MEASURED[meaning], value)
            elif text is None and value is None and "statement" in meaning:
                statements += [str(file.value(code, "CodeMeaning") or "") for code in file.items(item, "ConceptCodeSequence")]
    maker = (str(file.value(file.top, word) or "") for word in ("Manufacturer", "ManufacturerModelName"))
    return device_said(" ".join(maker), measured, statements)


READER = Reader("dicom", "DICOM waveforms (12-lead, general and ambulatory ECG)", _sniff, _read)
