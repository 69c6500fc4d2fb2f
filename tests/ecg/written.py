"""Clinical formats written by hand, as their standards lay them out: what the readers' contract is tested on.

Every writer takes a folder and a [12, T] signal in mV on a grid of 1 uV and returns the file. Sources as in `gem/ecg/io`.
"""

import base64
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pyedflib
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from gem.ecg.io.codes import LEAD_CODE
from gem.ecg.lead import STANDARD

FS = 500.0
EIGHT = (0, 1, 6, 7, 8, 9, 10, 11)
"""Rows of the leads that SCP-ECG and MUSE files store."""


def microvolts(x: np.ndarray) -> np.ndarray:
    return np.rint(x * 1000).astype(np.int64)


# DICOM


def _coded(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def _group(label: str, counts: np.ndarray) -> Dataset:
    group = Dataset()
    group.MultiplexGroupLabel, group.WaveformOriginality = label, "ORIGINAL"
    group.NumberOfWaveformChannels, group.NumberOfWaveformSamples = counts.shape
    group.SamplingFrequency = FS
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 16, "SS"
    group.ChannelDefinitionSequence = []
    for name in STANDARD:
        channel = Dataset()
        channel.ChannelSourceSequence = [_coded(f"5.6.3-9-{LEAD_CODE[name]}", "SCPECG", name)]
        channel.ChannelSensitivity, channel.ChannelSensitivityCorrectionFactor, channel.ChannelBaseline = "0.5", "2", "0"
        channel.ChannelSensitivityUnitsSequence = [_coded("uV", "UCUM", "microvolt")]
        channel.WaveformBitsStored = 16
        group.ChannelDefinitionSequence.append(channel)
    group.WaveformData = counts.T.astype("<i2").tobytes()
    return group


def dicom_dataset(x: np.ndarray, padding: int | None = None) -> Dataset:
    """A median beat first, then the rhythm; age, sex, one measurement and one statement."""
    top = Dataset()
    top.SOPClassUID, top.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.9.1.1", "1.2.3"
    top.PatientName, top.PatientAge, top.PatientSex = "Secret^Name", "061Y", "F"
    top.WaveformSequence = [_group("MEDIAN BEAT", np.full((12, 300), -32768)), _group("RHYTHM", microvolts(x))]
    if padding is not None:
        top.WaveformSequence[1].add_new("WaveformPaddingValue", "OW", struct.pack("<h", padding))
    measured, stated = Dataset(), Dataset()
    measured.ConceptNameCodeSequence = [_coded("5.13.5-9", "SCPECG", "QRS Duration")]
    measured.NumericValue = "88"
    stated.UnformattedTextValue = "SINUS RHYTHM"
    top.WaveformAnnotationSequence = [measured, stated]
    return top


def save_dicom(path: Path, top: Dataset, syntax: pydicom.uid.UID = ExplicitVRLittleEndian) -> Path:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = top.SOPClassUID, top.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    top.file_meta = meta
    top.save_as(path, enforce_file_format=True)
    return path


# SCP-ECG


def _section(number: int, body: bytes) -> bytes:
    body += b"\0" * (len(body) % 2)
    mark = b"SCPECG" if number == 0 else bytes(6)
    return struct.pack("<HHIBB6s", 0xFFFF, number, 16 + len(body), 20, 20, mark) + body


def scp_file(sections: dict[int, bytes]) -> bytes:
    """A record of `sections` in order, pointers in front. A checksum of 0xFFFF is "not computed" here."""
    parts = {number: _section(number, body) for number, body in sorted(sections.items())}
    at = 6 + 16 + 10 * 12 + 1
    pointers = [struct.pack("<HII", 0, 16 + 10 * 12, 7)]
    for number in range(1, 12):
        size = len(parts.get(number, b""))
        pointers.append(struct.pack("<HII", number, size, at if size else 0))
        at += size
    whole = _section(0, b"".join(pointers)) + b"".join(parts.values())
    return struct.pack("<HI", 0xFFFF, 6 + len(whole)) + whole


def default_bits(value: int) -> str:
    if abs(value) <= 8:
        return "0" if value == 0 else "1" * abs(value) + ("00" if value > 0 else "01")
    if -128 <= value <= 127:
        return "1111111110" + f"{value & 0xFF:08b}"
    return "1111111111" + f"{value & 0xFFFF:016b}"


def custom_bits(value: int) -> str:
    """Two tables: the first knows 0 and a switch, the second -1, +1 and 16 plain bits, and switches back after nothing."""
    return "0" if value == 0 else "11" + {1: "0", -1: "10"}.get(value, "110" + f"{value & 0xFFFF:016b}") + "111"


CUSTOM_TABLES = struct.pack("<H", 2)
CUSTOM_TABLES += struct.pack("<H", 2) + struct.pack("<BBBhI", 1, 1, 1, 0, 0b0) + struct.pack("<BBBhI", 2, 2, 0, 2, 0b11)
CUSTOM_TABLES += struct.pack("<H", 4) + struct.pack("<BBBhI", 1, 1, 1, 1, 0b0) + struct.pack("<BBBhI", 2, 2, 1, -1, 0b01)
CUSTOM_TABLES += struct.pack("<BBBhI", 3, 19, 1, 0, 0b011) + struct.pack("<BBBhI", 3, 3, 0, 1, 0b111)
"""Codes stand with their first bit lowest: 110 is 0b011."""


def packed(values: np.ndarray, bits: Callable[[int], str] | None) -> bytes:
    """Samples as 16 plain bits, or through a code, padded with zero bits to whole 16-bit words."""
    if bits is None:
        return values.astype("<i2").tobytes()
    text = "".join(bits(int(v)) for v in values)
    text += "0" * (-len(text) % 16)
    return int(text, 2).to_bytes(len(text) // 8, "big")


def differences(values: np.ndarray, order: int) -> np.ndarray:
    """The first `order` samples as they are, then differences of that order, in 16 bits."""
    return np.concatenate([values[:order], np.diff(values, order)]).astype(np.int16)


def scp_leads(samples: int, flags: int = 0, start: int = 1) -> bytes:
    """Section 3: eight leads, counted from `start`."""
    codes = [LEAD_CODE[STANDARD[k]] for k in EIGHT]
    return struct.pack("<BB", 8, flags) + b"".join(struct.pack("<IIB", start, start + samples - 1, code) for code in codes)


def scp_patient() -> bytes:
    """Section 1: last name, age, sex."""
    tags = struct.pack("<BH", 0, 7) + b"Secret\0" + struct.pack("<BHHB", 4, 3, 61, 1) + struct.pack("<BHB", 8, 1, 2)
    return tags + struct.pack("<BH", 255, 0)


def scp_samples(rows: list[np.ndarray], bits: Callable[[int], str] | None, order: int = 0, bimodal: int = 0, interval: int = 2000) -> bytes:
    """Section 5 or 6 with an amplitude of 1 uV a step."""
    coded = [packed(differences(row, order), bits) for row in rows]
    return struct.pack("<HHBB", 1000, interval, order, bimodal) + struct.pack(f"<{len(rows)}H", *map(len, coded)) + b"".join(coded)


def scp(folder: Path, x: np.ndarray, bits: Callable[[int], str] | None, order: int, tables: bytes | None, start: int = 1) -> Path:
    rows = [microvolts(x)[k] for k in EIGHT]
    sections = {1: scp_patient(), 3: scp_leads(x.shape[1], start=start), 6: scp_samples(rows, bits, order)}
    if tables is not None:
        sections[2] = tables
    (folder / "r.scp").write_bytes(scp_file(sections))
    return folder / "r.scp"


DEFAULT_TABLE = struct.pack("<H", 19999)


def scp_beats(folder: Path, x: np.ndarray) -> Path:
    """A reference beat of 100 samples subtracted at four places, counted from 1; the last is cut off by the end."""
    rows = microvolts(x)[list(EIGHT)]
    beat = np.rint(np.random.default_rng(5).normal(size=(8, 100)) * 200).astype(np.int64)
    places = [(start, start + 39, min(start + 99, x.shape[1])) for start in (201, 801, 1301, x.shape[1] - 59) if start > 0]
    for first, _, last in places:
        rows[:, first - 1 : last] -= beat[:, : last - first + 1]
    section4 = struct.pack("<HHH", 200, 40, len(places)) + b"".join(struct.pack("<HIII", 0, *place) for place in places)
    sections = {1: scp_patient(), 2: DEFAULT_TABLE, 3: scp_leads(x.shape[1], flags=1), 4: section4}
    sections |= {5: scp_samples(list(beat), default_bits, 2), 6: scp_samples(list(rows), default_bits, 2)}
    (folder / "r.scp").write_bytes(scp_file(sections))
    return folder / "r.scp"


# XML


def aecg(folder: Path, x: np.ndarray, value: str = "SLIST_PQ", unit: str = "uV", step: tuple[str, str] = ("0.002", "s")) -> Path:
    """Leads in an odd order, a representative beat first, a measurement and a statement."""
    order = [6, 0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11]
    per_mv = {"uV": 1000, "nV": 1_000_000}[unit]

    def series(code: str, rows: np.ndarray) -> str:
        time = f'<value xsi:type="GLIST_TS"><head value="20200101"/><increment value="{step[0]}" unit="{step[1]}"/></value>'
        parts = [f'<component><sequence><code code="TIME_ABSOLUTE"/>{time}</sequence></component>']
        for k in order:
            digits = " ".join(str(v) for v in np.rint((rows[k] - 0.5) * per_mv).astype(int))
            body = f'<origin value="{per_mv // 2}" unit="{unit}"/><scale value="1" unit="{unit}"/><digits>{digits}</digits>'
            parts.append(
                f'<component><sequence><code code="MDC_ECG_LEAD_{STANDARD[k].upper()}"/>'
                f'<value xsi:type="{value}">{body}</value></sequence></component>'
            )
        said = '<annotation><code code="MDC_ECG_TIME_PD_QRS"/><value value="88" unit="ms"/></annotation>'
        said += '<annotation><code code="MDC_ECG_INTERPRETATION_STATEMENT"/><value>SINUS RHYTHM</value></annotation>'
        said = f"<subjectOf><annotationSet><component>{said}</component></annotationSet></subjectOf>" if code == "RHYTHM" else ""
        return f'<component><series><code code="{code}"/>{said}<component><sequenceSet>{"".join(parts)}</sequenceSet></component></series></component>'

    person = '<subjectDemographicPerson><name>Secret</name><administrativeGenderCode code="F"/><birthTime value="19590101"/></subjectDemographicPerson>'
    text = (
        '<?xml version="1.0" encoding="UTF-8"?><AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    )
    text += f'<effectiveTime><low value="20200101"/></effectiveTime>{person}'
    text += series("REPRESENTATIVE_BEAT", np.zeros((12, 400))) + series("RHYTHM", x) + "</AnnotatedECG>"
    (folder / "r.xml").write_text(text)
    return folder / "r.xml"


def muse(folder: Path, x: np.ndarray, statement: str = "SINUS RHYTHM", exponent: int = 0) -> Path:
    """A median beat first, eight leads, the line that names restecg.dtd."""

    def waveform(kind: str, rows: np.ndarray) -> str:
        leads = ""
        for k in EIGHT:
            raw = rows[k].astype("<i2").tobytes()
            leads += f"<LeadData><LeadSampleCountTotal>{len(rows[k])}</LeadSampleCountTotal><LeadAmplitudeUnitsPerBit>1</LeadAmplitudeUnitsPerBit>"
            leads += f"<LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits><LeadID>{STANDARD[k]}</LeadID><LeadSampleSize>2</LeadSampleSize>"
            leads += f"<LeadDataCRC32>{zlib.crc32(raw)}</LeadDataCRC32><WaveFormData>{base64.encodebytes(raw).decode()}</WaveFormData></LeadData>"
        base = f"{FS / 10**exponent:g}"
        return f"<Waveform><WaveformType>{kind}</WaveformType><SampleBase>{base}</SampleBase><SampleExponent>{exponent}</SampleExponent>{leads}</Waveform>"

    text = '<?xml version="1.0" encoding="ISO-8859-1"?>\n<!DOCTYPE RestingECG SYSTEM "restecg.dtd">\n<RestingECG>'
    text += "<PatientDemographics><PatientLastName>Secret</PatientLastName><PatientAge>61</PatientAge><AgeUnits>YEARS</AgeUnits><Gender>FEMALE</Gender></PatientDemographics>"
    text += "<RestingECGMeasurements><QRSDuration>88</QRSDuration></RestingECGMeasurements>"
    text += f"<Diagnosis><DiagnosisStatement><StmtFlag>ENDSLINE</StmtFlag><StmtText>{statement}</StmtText></DiagnosisStatement></Diagnosis>"
    text += waveform("Median", np.zeros((12, 600))) + waveform("Rhythm", microvolts(x)) + "</RestingECG>"
    (folder / "r.xml").write_bytes(text.encode("iso-8859-1", "xmlcharrefreplace"))
    return folder / "r.xml"


def lzw(content: bytes, bits: int = 10) -> bytes:
    codes, known, so_far = [], {bytes([k]): k for k in range(256)}, b""
    for k in range(len(content)):
        longer = so_far + content[k : k + 1]
        if longer in known:
            so_far = longer
            continue
        codes.append(known[so_far])
        if len(known) < (1 << bits) - 1:
            known[longer] = len(known)
        so_far = content[k : k + 1]
    codes.append(known[so_far])
    text = "".join(f"{code:0{bits}b}" for code in codes)
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


def xli(z: np.ndarray) -> bytes:
    """One lead: two first samples, then second differences + 64, high bytes before low bytes, LZW."""
    second = 2 * z[1:-1] - z[:-2] - z[2:]
    stored = np.concatenate([z[:2], second[1:] + 64, [64]]).astype(np.int16).view(np.uint16)
    block = lzw(bytes((stored >> 8).astype(np.uint8)) + bytes((stored & 255).astype(np.uint8)))
    return struct.pack("<ihh", len(block), 0, int(second[0])) + block


def philips(folder: Path, x: np.ndarray, compressed: bool = True, encoding: str = "utf-16") -> Path:
    """1.04 with a resolution of 1 uV; limb leads III to aVF as residuals."""
    z = microvolts(x)
    one, two, three = z[:3]
    stored = z.copy()
    stored[2] = two - one - three
    stored[3], stored[4], stored[5] = -z[3] - (one + two) // 2, (one - three) // 2 - z[4], (two + three) // 2 - z[5]
    content = b"".join(xli(row) for row in stored) if compressed else stored.astype("<i2").tobytes()
    text = f'<?xml version="1.0" encoding="{encoding}"?><restingecgdata xmlns="http://www3.medical.philips.com"><dataacquisition date="2020-01-01">'
    text += "<machine>Test</machine><signalcharacteristics><samplingrate>500</samplingrate></signalcharacteristics></dataacquisition>"
    text += "<patient><generalpatientdata><name><lastname>Secret</lastname></name><age><years>61</years></age><sex>Female</sex></generalpatientdata></patient>"
    text += "<interpretations><interpretation><globalmeasurements><qrsdur>88</qrsdur></globalmeasurements>"
    text += "<statement><leftstatement>SINUS RHYTHM</leftstatement></statement></interpretation></interpretations><waveforms>"
    text += f'<parsedwaveforms dataencoding="Base64" compression="{"XLI" if compressed else "Uncompressed"}" numberofleads="12" leadlabels="{" ".join(STANDARD)}" '
    text += f'durationperchannel="{x.shape[1] * 2}" samplespersecond="500" resolution="1">{base64.encodebytes(content).decode()}</parsedwaveforms>'
    (folder / "r.xml").write_bytes((text + "</waveforms></restingecgdata>").encode(encoding))
    return folder / "r.xml"


# EDF, ISHNE, FHIR, Apple


def edf(folder: Path, x: np.ndarray, kind: int = pyedflib.FILETYPE_EDFPLUS) -> Path:
    path = folder / ("r.bdf" if kind == pyedflib.FILETYPE_BDFPLUS else "r.edf")
    most = 8_000_000 if kind == pyedflib.FILETYPE_BDFPLUS else 32_000
    with pyedflib.EdfWriter(str(path), 13, file_type=kind) as file:
        for k, name in enumerate([*STANDARD, "SpO2"]):
            unit, high = ("%", 100) if name == "SpO2" else ("uV", most)
            known = {"label": f"ECG {name}" if unit == "uV" else name, "dimension": unit, "sample_frequency": FS}
            file.setSignalHeader(
                k,
                known
                | {
                    "physical_max": high,
                    "physical_min": -high,
                    "digital_max": most,
                    "digital_min": -most,
                    "transducer": "",
                    "prefilter": "",
                },
            )
        if kind == pyedflib.FILETYPE_EDFPLUS:
            file.setPatientName("Secret")
            file.setSex(0)
        file.writeSamples([*microvolts(x).astype(np.int32), np.full(x.shape[1], 97, np.int32)], digital=True)
    return path


def ishne(folder: Path, x: np.ndarray, declared: int | None = None) -> Path:
    header = bytearray(522)
    samples = x.shape[1]
    struct.pack_into("<8sH4ih", header, 0, b"ISHNE1.0", 0, 0, declared or samples, 522, 522, 1)
    header[28:34] = b"Secret"
    struct.pack_into("<h", header, 128, 2)
    struct.pack_into("<3h3h", header, 132, 1, 1, 1959, 1, 1, 2020)
    struct.pack_into("<h12h12h12h", header, 156, 12, *range(5, 17), *[1] * 12, *[1000] * 12)
    struct.pack_into("<h", header, 272, int(FS))
    (folder / "r.ecg").write_bytes(bytes(header) + microvolts(x).T.astype("<i2").tobytes())
    return folder / "r.ecg"


def fhir(folder: Path, x: np.ndarray, release: str = "R4", bundled: bool = False) -> Path:
    def sampled(row: np.ndarray) -> dict[str, object]:
        step = {"period": 2} if release == "R4" else {"interval": 2, "intervalUnit": "ms"}
        data = " ".join(str(v) for v in row - 500)
        return {"origin": {"value": 250, "unit": "uV", "code": "uV"}, "factor": 0.5, "dimensions": 1, "data": data, **step}

    parts = []
    for name, row in zip(STANDARD, microvolts(x), strict=True):
        code = {"system": "urn:oid:2.16.840.1.113883.6.24", "code": str(131328 + LEAD_CODE[name])}
        parts.append({"code": {"coding": [code]}, "valueSampledData": sampled(2 * row)})
    observation = {"resourceType": "Observation", "status": "final", "effectiveDateTime": "2020-01-01T10:00:00Z", "component": parts}
    patient = {"resourceType": "Patient", "gender": "female", "birthDate": "1959-01-01", "name": [{"family": "Secret"}]}
    entries = [{"resource": patient}, {"resource": observation}]
    root = {"resourceType": "Bundle", "type": "collection", "entry": entries} if bundled else observation
    (folder / "r.json").write_text(json.dumps(root))
    return folder / "r.json"


def apple(folder: Path, row: np.ndarray, german: bool = False) -> Path:
    if german:
        text = 'Name,Geheim Secret\nGeburtsdatum,"1. Januar 1959"\nAufnahmedatum,2020-01-01 10:00:00 +0100\nKlassifizierung,Sinusrhythmus\nSymptome,\n'
        text += 'Softwareversion,1.90\nGerät,"Watch5,1"\nAbtastrate,"513,625 Hertz"\n\n\nAbleitung,Ableitung I\nEinheit,µV\n\n'
        text += "\n".join(f'"{v * 1000:.3f}"'.replace(".", ",") for v in row)
    else:
        text = 'Name,Secret Name\nDate of Birth,"1 Jan 1959"\nRecorded Date,2020-01-01 10:00:00 +0100\nClassification,Sinus Rhythm\nSymptoms,\n'
        text += 'Software Version,1.90\nDevice,"Watch5,1"\nSample Rate,513.625 hertz\n\n\nLead,Lead I\nUnit,µV\n\n' + "\n".join(
            f"{v * 1000:.3f}" for v in row
        )
    (folder / "ecg.csv").write_text(text + "\n", encoding="utf-8")
    return folder / "ecg.csv"


CLINICAL: dict[str, Callable[[Path, np.ndarray], Path]] = {
    "dicom": lambda folder, x: save_dicom(folder / "r.dcm", dicom_dataset(x)),
    "dicom_implicit": lambda folder, x: save_dicom(folder / "r.dcm", dicom_dataset(x), ImplicitVRLittleEndian),
    "dicom_deflated": lambda folder, x: save_dicom(folder / "r.dcm", dicom_dataset(x), DeflatedExplicitVRLittleEndian),
    "scp_plain": lambda folder, x: scp(folder, x, None, 0, None),
    "scp_from_0": lambda folder, x: scp(folder, x, None, 1, None, start=0),
    "scp_huffman": lambda folder, x: scp(folder, x, default_bits, 2, DEFAULT_TABLE),
    "scp_tables": lambda folder, x: scp(folder, x, custom_bits, 1, CUSTOM_TABLES),
    "scp_beats": scp_beats,
    "aecg": aecg,
    "aecg_nv_ms": lambda folder, x: aecg(folder, x, "SLIST_INT", "nV", ("2", "ms")),
    "muse": muse,
    "muse_exponent": lambda folder, x: muse(folder, x, exponent=2),
    "philips_xli": philips,
    "philips_plain": lambda folder, x: philips(folder, x, compressed=False, encoding="utf-8"),
    "edf": edf,
    "bdf": lambda folder, x: edf(folder, x, pyedflib.FILETYPE_BDFPLUS),
    "ishne": ishne,
    "fhir_r4": fhir,
    "fhir_r5_bundle": lambda folder, x: fhir(folder, x, "R5", bundled=True),
}
"""Name -> writer of a 12-lead file. SCP-ECG and MUSE hold eight leads: the others follow exactly."""
