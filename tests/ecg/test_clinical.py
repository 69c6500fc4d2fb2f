"""What each clinical format says beside the signal, its special codings, and real files of it."""

import struct
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from gem.ecg.device import DeviceSaid, device_said
from gem.ecg.io import read
from gem.ecg.io.philips import READER as PHILIPS
from gem.ecg.lead import STANDARD
from gem.ecg.recording import Recording
from gem.errors import ECGReadError
from tests.ecg import written as w
from tests.ecg.test_readers import signal

X = signal()


def code_of(path: Path, **known: object) -> str:
    with pytest.raises(ECGReadError) as fault:
        read(path, **known)
    return fault.value.code


def same(recording: Recording, x: np.ndarray, lsb: float = 0.001) -> None:
    np.testing.assert_allclose(recording.signal, x, atol=0.6 * lsb)


@pytest.mark.parametrize("name", [name for name in w.CLINICAL if name not in ("bdf", "fhir_r4")])
def test_age_and_sex_are_read_and_the_name_is_not(tmp_path: Path, name: str) -> None:
    recording = read(w.CLINICAL[name](tmp_path, X))
    assert recording.sex == "female"
    if name != "edf":
        assert recording.age == pytest.approx(61, abs=0.1)
    assert "Secret" not in repr(recording)


@pytest.mark.parametrize("name", ["dicom", "aecg", "muse", "philips_xli"])
def test_what_the_device_said_is_kept_apart(tmp_path: Path, name: str) -> None:
    recording = read(w.CLINICAL[name](tmp_path, X))
    assert recording.device_said.measurements["qrs_duration"] == 88
    assert recording.device_said.statements == ("SINUS RHYTHM",)
    assert not any("SINUS" in line for line in recording.history)


def test_device_text_is_one_clean_short_line() -> None:
    said = device_said(
        "x", {"qt_interval": "nan", "pr_interval": 0, "qrs_axis": 0, "heart_rate": "60"}, ["a\x00\u202eb\nc", "", None, "y" * 999]
    )
    assert said.measurements == {"qrs_axis": 0.0, "heart_rate": 60.0}
    assert said.statements[0] == "a b c"
    assert len(said.statements[1]) == 300
    assert not DeviceSaid()


# DICOM


def test_a_padding_value_is_padding_only_at_the_end(tmp_path: Path) -> None:
    x = X.copy()
    x[:, 700:900] = 0
    for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
        same(read(w.save_dicom(tmp_path / "zero.dcm", w.dicom_dataset(x, padding=0), syntax)), x)
    x[:, 1500:] = -32.768
    recording = read(w.save_dicom(tmp_path / "tail.dcm", w.dicom_dataset(x, padding=-32768)))
    assert np.isnan(recording.signal[:, 1500:]).all()
    same(recording.after(recording.signal[:, :1500], "cut"), x[:, :1500])
    assert "padding of 500 samples at the end taken as missing" in recording.history


def test_a_dicom_file_without_rhythm_says_what_it_holds(tmp_path: Path) -> None:
    median = w.dicom_dataset(X)
    del median.WaveformSequence[1]
    assert code_of(w.save_dicom(tmp_path / "median.dcm", median)) == "no_signal"
    pdf = w.dicom_dataset(X)
    del pdf.WaveformSequence
    pdf.SOPClassUID = "1.2.840.10008.5.1.4.1.1.104.1"
    with pytest.raises(ECGReadError, match="holds a PDF"):
        read(w.save_dicom(tmp_path / "pdf.dcm", pdf))


def test_statements_are_read_in_the_character_set_of_the_file(tmp_path: Path) -> None:
    for charset in ("ISO_IR 192", "ISO_IR 100"):
        top = w.dicom_dataset(X)
        top.SpecificCharacterSet = charset
        top.WaveformAnnotationSequence[1].UnformattedTextValue = "Überleitungsstörung"
        assert read(w.save_dicom(tmp_path / "r.dcm", top)).device_said.statements == ("Überleitungsstörung",)


def test_a_channel_without_a_unit_is_asked_for(tmp_path: Path) -> None:
    top = w.dicom_dataset(X)
    for channel in top.WaveformSequence[1].ChannelDefinitionSequence:
        del channel.ChannelSensitivityUnitsSequence
    path = w.save_dicom(tmp_path / "r.dcm", top)
    assert code_of(path) == "needs_unit"
    same(read(path, unit="uV"), X)


# SCP-ECG


def test_bimodal_compression_is_exact_inside_the_zones_and_where_nothing_moves(tmp_path: Path) -> None:
    """Between protected zones one sample in four is stored: a constant stretch comes back as it was."""
    x = X.copy()
    zones = [(200, 300), (802, 901), (1300, 1404)]
    edges = [0, *(edge for zone in zones for edge in zone), x.shape[1]]
    for begin, end in list(pairwise(edges))[::2]:
        x[:, begin:end] = 0.1
    x[2], x[3], x[4], x[5] = x[1] - x[0], -(x[0] + x[1]) / 2, x[0] - x[1] / 2, x[1] - x[0] / 2
    kept = np.concatenate([*(np.r_[np.arange(a, a + (b - a) // 4 * 4, 4), np.arange(a + (b - a) // 4 * 4, b)] if k % 2 == 0 else np.arange(a, b) for k, (a, b) in enumerate(pairwise(edges)))])  # fmt: skip
    rows = [row[kept] for row in w.microvolts(x)[list(w.EIGHT)]]
    section4 = struct.pack("<HHH", 100, 20, 3) + b"".join(struct.pack("<HIII", 1, a + 1, a + 50, b) for a, b in zones)
    section4 += b"".join(struct.pack("<II", a + 1, b) for a, b in zones)
    sections = {
        2: w.DEFAULT_TABLE, 3: w.scp_leads(x.shape[1]), 4: section4,
        5: w.scp_samples([np.zeros(50, np.int64)] * 8, w.default_bits, 0, interval=2000),
        6: w.scp_samples(rows, w.default_bits, 1, bimodal=1, interval=8000),
    }  # fmt: skip
    (tmp_path / "r.scp").write_bytes(w.scp_file(sections))
    same(read(tmp_path / "r.scp"), x)


def test_byte_counts_that_overflow_16_bits_are_taken_from_the_leads(tmp_path: Path) -> None:
    x = np.tile(w.microvolts(X)[list(w.EIGHT)], 18)
    samples = w.scp_samples(list(x[:, :10]), None)
    sizes = struct.pack("<8H", *[2 * x.shape[1] % 65536] * 8)
    body = samples[:6] + sizes + b"".join(row.astype("<i2").tobytes() for row in x)
    (tmp_path / "r.scp").write_bytes(w.scp_file({3: w.scp_leads(x.shape[1]), 6: body}))
    recording = read(tmp_path / "r.scp", duration_s=999)
    assert recording.samples == 36_000
    np.testing.assert_allclose(recording.lead("V6"), x[7] / 1000, atol=1e-6)
    assert any("overflow 16 bits" in line for line in recording.history)


# XML


def test_lead_rows_that_begin_late_or_are_damaged_are_said(tmp_path: Path) -> None:
    text = w.muse(tmp_path, X).read_text("iso-8859-1")
    at = text.index("<WaveformType>Rhythm")
    late = text[:at] + text[at:].replace("<LeadID>V1", "<LeadOffsetFirstSample>50</LeadOffsetFirstSample><LeadID>V1", 1)
    (tmp_path / "late.xml").write_text(late, "iso-8859-1")
    v1 = read(tmp_path / "late.xml").lead("V1")
    assert np.isnan(v1[:50]).all()
    np.testing.assert_allclose(v1[50:2000], X[6, :1950], atol=1e-6)
    wrong = text[:at] + text[at:].replace("<LeadDataCRC32>", "<LeadDataCRC32>1", 1)
    (tmp_path / "wrong.xml").write_text(wrong, "iso-8859-1")
    assert any("checksum of lead I disagrees" in line for line in read(tmp_path / "wrong.xml").history)


def test_a_muse_file_with_a_median_beat_only_is_refused(tmp_path: Path) -> None:
    text = w.muse(tmp_path, X).read_text("iso-8859-1").replace("<WaveformType>Rhythm", "<WaveformType>Median")
    (tmp_path / "r.xml").write_text(text, "iso-8859-1")
    assert code_of(tmp_path / "r.xml") == "no_signal"


def test_a_series_without_a_unit_or_an_interval_is_asked_for(tmp_path: Path) -> None:
    text = w.aecg(tmp_path, X).read_text()
    (tmp_path / "unit.xml").write_text(text.replace(' unit="uV"', ""))
    assert code_of(tmp_path / "unit.xml") == "needs_unit"
    same(read(tmp_path / "unit.xml", unit="uV"), X)
    (tmp_path / "rate.xml").write_text(text.replace("<increment", "<other"))
    assert code_of(tmp_path / "rate.xml") == "needs_rate"
    same(read(tmp_path / "rate.xml", fs=500), X)


def test_the_calibration_pulse_is_taken_off(tmp_path: Path) -> None:
    x = np.concatenate([signal(5000), np.zeros((12, 500))], axis=1)
    x[:, 5300:] = np.where(np.arange(200) < 100, 1.0, 0.0)
    x[:, 5000:5300] = signal(300)
    for compressed in (True, False):
        recording = read(w.philips(tmp_path, x, compressed))
        same(recording, x[:, :5000])
        assert "calibration pulse from 10.600 s taken off: first 10 s kept" in recording.history


# EDF, FHIR, Apple Watch


def test_an_edf_file_that_is_not_as_long_as_it_says_is_refused_in_silence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = w.edf(tmp_path, X)
    content = path.read_bytes()
    for changed, code in (
        (content + b"xx", "malformed"),
        (content[:-2], "truncated"),
        (content[:192] + b"EDF+D" + content[197:], "unsupported"),
        (content[:236] + b"1e30    " + content[244:], "truncated"),
    ):
        path.write_bytes(changed)
        assert code_of(path) == code
    assert capfd.readouterr().out == ""


def test_signals_that_are_no_leads_are_left_out_and_coarse_steps_are_said(tmp_path: Path) -> None:
    path = w.edf(tmp_path, X)
    assert "signals left out: SpO2" in read(path).history
    content = path.read_bytes()
    wide = content.replace(b"-32000  ", b"-1e6    ", 12).replace(b"32000   ", b"1e6     ", 12)
    path.write_bytes(wide)
    assert any(line.startswith("one step is 31.2 uV") for line in read(path).history)


def test_fhir_words_for_no_value_are_missing_samples(tmp_path: Path) -> None:
    text = w.fhir(tmp_path, X).read_text().replace('"data": "', '"data": "E U L ', 1)
    (tmp_path / "r.json").write_text(text)
    lead = read(tmp_path / "r.json").lead("I")
    assert np.isnan(lead[:3]).all()
    np.testing.assert_allclose(lead[3:], X[0], atol=1e-6)


@pytest.mark.parametrize("german", [False, True])
def test_an_apple_watch_file_of_any_language_gives_one_lead_and_no_name(tmp_path: Path, german: bool) -> None:
    recording = read(w.apple(tmp_path, X[0], german))
    assert (recording.fs, recording.leads, recording.age) == (513.625, ("I",), None)
    same(recording, X[:1])
    assert recording.device_said.statements == ("Sinusrhythmus" if german else "Sinus Rhythm",)
    assert "Secret" not in repr(recording)
    assert "1959" not in repr(recording)


# real files


SAME_ECG = [
    ("dicom_ecg/pydicom_waveform_ecg.dcm", "edf/made12.edf", 0.00125),
    ("dicom_ecg/pydicom_waveform_ecg.dcm", "bdf/made12.bdf", 0.00125),
    ("dicom_ecg/pydicom_waveform_ecg.dcm", "ishne/made12.ecg", 0.00125),
    ("dicom_ecg/pydicom_waveform_ecg.dcm", "wfdb/made12.hea", 0.00125),
    ("dicom_ecg/pydicom_waveform_ecg.dcm", "wfdb/made12mat.hea", 0.00125),
    ("dicom_ecg/pydicom_waveform_ecg.dcm", "csv/made12_mV.csv", 0.00125),
    ("dicom_ecg/pydicom_waveform_ecg.dcm", "npy/made12_12xN_mV.npy", 0.00125),
    ("dicom_ecg/pydicom_waveform_ecg.dcm", "parquet/made12.parquet", 0.00125),
    ("dicom_ecg/pydicom_waveform_ecg.dcm", "fhir/made12_observation_r4.json", 0.00125),
    ("philips_xml/sierra_129DYPRG.XML", "philips_xml/sierra_repbeats_example.xml", 0.005),
]
"""(one file, another of the same ECG, the coarser step of the two in mV), of `formats/` in the data."""


@pytest.mark.data
@pytest.mark.parametrize(("one", "other", "lsb"), SAME_ECG)
def test_one_ecg_through_two_formats_agrees_to_one_step(data: Path, one: str, other: str, lsb: float) -> None:
    a = read(data / "formats" / one)
    b = read(data / "formats" / other, fs=a.fs)
    both = min(a.samples, b.samples)
    assert (a.leads, a.fs) == (b.leads, b.fs)
    assert np.abs(a.signal[:, :both] - b.signal[:, :both]).max() <= lsb + 1e-6


@pytest.mark.data
def test_a_muse_file_of_every_second_sample_agrees_to_one_step(data: Path) -> None:
    """made8.xml: the DICOM ECG at 500 Hz in steps of 4.88 uV, eight leads, so that III carries two roundings."""
    muse, dicom = (read(data / "formats" / name) for name in ("muse_xml/made8.xml", "dicom_ecg/pydicom_waveform_ecg.dcm"))
    assert np.abs(muse.signal - dicom.signal[:, ::2]).max() <= 0.00488


@pytest.mark.data
def test_philips_samples_are_those_of_sierraecg(data: Path) -> None:
    """sierraecg's own reader is the reference; it returns counts of 5 uV."""
    import sierraecg

    files = sorted(
        p for p in (data / "formats" / "philips_xml").glob("*") if p.suffix.lower() == ".xml" and PHILIPS.sniff(p, p.read_bytes()[:65536])
    )
    assert len(files) >= 3
    for path in files:
        theirs = {lead.label: lead.samples for lead in sierraecg.read_file(str(path)).leads}
        ours = read(path)
        for name in STANDARD:
            np.testing.assert_array_equal(np.rint(ours.lead(name) / 0.005), theirs[name][: ours.samples])


@pytest.mark.data
def test_an_scp_file_of_a_cart_obeys_einthoven_and_its_own_rate(data: Path) -> None:
    for path in (data / "formats" / "scp_ecg").glob("scptools*"):
        recording = read(path)
        assert recording.leads == STANDARD
        assert (recording.fs, recording.duration_s) == (600.0, 10.0)
        assert 0.2 < np.ptp(recording.signal) < 10
