"""A recording as a DICOM waveform: 12-lead ECG where it is one and short enough, else general ECG.

Source: DICOM PS3.3, A.34.3 and A.34.4 (12-lead: 200 to 1000 Hz, at most 16384 samples; general: at most 24 channels, 4 groups).
"""

import io
import uuid
from typing import Any

import numpy as np

from gem.ecg.io.codes import LEAD_CODE
from gem.ecg.lead import STANDARD
from gem.ecg.recording import Recording
from gem.errors import ConfigError

_TWELVE_LEAD, _GENERAL = "1.2.840.10008.5.1.4.1.1.9.1.1", "1.2.840.10008.5.1.4.1.1.9.1.2"
_MOST_SAMPLES, _RATES = 16384, (200, 1000)
_MOST_CHANNELS = 24


def dicom_bytes(recording: Recording, steps: np.ndarray, gain: int, missing: int) -> bytes:
    """The file. Raises `ConfigError` for more channels than a multiplex group may hold.

    steps    [L, T] int16
    gain     steps per mV
    missing  the value that marks a missing sample; it is declared as padding only where it fills the end

    No name, number or date of a patient is written: they are not known here. Identifiers follow from the samples.
    """
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    if len(steps) > _MOST_CHANNELS:
        raise ConfigError(f"{recording.source}: {len(steps)} leads, but a DICOM ECG holds at most {_MOST_CHANNELS}; write WFDB")
    inside = steps == missing
    if (inside[:, :-1] & ~inside[:, 1:]).any():
        raise ConfigError(f"{recording.source}: DICOM has no mark for samples missing inside a lead; write CSV or WFDB")
    twelve = recording.leads == STANDARD and steps.shape[1] <= _MOST_SAMPLES and _RATES[0] <= recording.fs <= _RATES[1]
    top = Dataset()
    top.SOPClassUID = _TWELVE_LEAD if twelve else _GENERAL
    top.SOPInstanceUID, top.StudyInstanceUID, top.SeriesInstanceUID = (_uid(steps, part) for part in ("instance", "study", "series"))
    top.Modality, top.Manufacturer, top.SpecificCharacterSet = "ECG", "gem-ecg", "ISO_IR 192"
    top.PatientName = top.PatientID = top.PatientBirthDate = top.StudyDate = top.StudyTime = top.AccessionNumber = ""
    top.PatientSex = {"female": "F", "male": "M"}.get(recording.sex or "", "")
    if recording.age is not None:
        top.PatientAge = f"{int(recording.age):03d}Y"
    group = Dataset()
    group.MultiplexGroupLabel, group.WaveformOriginality = "RHYTHM", "DERIVED"
    group.NumberOfWaveformChannels, group.NumberOfWaveformSamples = steps.shape
    group.SamplingFrequency = f"{recording.fs:.10g}"
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 16, "SS"
    group.ChannelDefinitionSequence = [_channel(name, gain) for name in recording.leads]
    if inside.any():
        group.add_new("WaveformPaddingValue", "OW", np.array([missing], "<i2").tobytes())
    group.add_new("WaveformData", "OW", steps.T.tobytes())
    top.WaveformSequence = [group]
    top.file_meta = FileMetaDataset()
    top.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    stream = io.BytesIO()
    top.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _uid(steps: np.ndarray, part: str) -> str:
    """2.25. and the number of a UUID (PS3.5, B.2)."""
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, part + steps.tobytes().hex()).int}"


def _channel(name: str, gain: int) -> Any:
    from pydicom.dataset import Dataset

    def coded(value: str, scheme: str, meaning: str) -> Dataset:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
        return item

    channel = Dataset()
    known = name in LEAD_CODE
    channel.ChannelSourceSequence = [coded(f"5.6.3-9-{LEAD_CODE[name]}" if known else name, "SCPECG" if known else "99GEM", f"Lead {name}")]
    channel.ChannelSensitivity, channel.ChannelSensitivityCorrectionFactor, channel.ChannelBaseline = f"{1000 / gain:g}", "1", "0"
    channel.ChannelSensitivityUnitsSequence = [coded("uV", "UCUM", "microvolt")]
    channel.ChannelSampleSkew, channel.WaveformBitsStored = "0", 16
    return channel
