"""The command line as a user meets it: real processes, exit codes, stdout as data, stderr as talk."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gem.cli.common import FORMATS
from gem.ecg.io import readers
from gem.simulate import simulate_recording, write_simulated
from tests.ecg.written import muse

Ran = subprocess.CompletedProcess[str]


def gem(*args: object, text: str | None = None) -> Ran:
    command = [sys.executable, "-m", "gem", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, input=text, check=False, timeout=120)


@pytest.fixture(scope="module")
def ecg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ecg")
    write_simulated(simulate_recording("lbbb"), folder / "one")
    write_simulated(simulate_recording("normal"), folder / "two")
    return folder


def test_look_tells_reader_leads_rate_length_and_quality(ecg: Path) -> None:
    out = gem("look", ecg / "one.hea").stdout
    for text in ("12: I II III", "10 s of 10 s at 500 Hz", "read by wfdb", "quality   ok"):
        assert text in out


def test_measure_prints_the_contract_and_keeps_stderr_silent(ecg: Path) -> None:
    ran = gem("measure", ecg / "one.hea", "--json", "--beats")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["schema"] == "gem.measure/1"
    assert "delineation" in json.loads(ran.stdout)


def test_report_in_every_form(ecg: Path, tmp_path: Path) -> None:
    plain = gem("report", "--writer", "template", ecg / "one.hea")
    assert plain.returncode == 0
    assert "Research use only" in plain.stdout
    assert "Verified:" in plain.stdout
    assert json.loads(gem("report", "--writer", "template", ecg / "one.hea", "--json").stdout)["schema"] == "gem.report/1"
    assert "## Conduction" in gem("report", "--writer", "template", ecg / "one.hea", "--markdown").stdout
    assert gem("report", "--writer", "template", ecg / "one.hea", "--html", tmp_path / "p.html").returncode == 0
    assert (tmp_path / "p.html").read_text().startswith("<!doctype html>")


def test_verify_reads_a_file_standard_input_or_the_text_itself(ecg: Path, tmp_path: Path) -> None:
    text = "Sinus rhythm. PR interval 400 ms."
    (tmp_path / "t.txt").write_text(text)
    for given, stdin in ((tmp_path / "t.txt", None), ("-", text), (text, None)):
        out = json.loads(gem("verify", given, ecg / "two.hea", "--json", text=stdin).stdout)
        assert [s["verdict"] for s in out["sentences"]] == ["supported", "contradicted"]
    ran = gem("verify", "nofile.txt", ecg / "two.hea")
    assert ran.returncode == 2
    assert "no such text file" in ran.stderr


def test_simulate_writes_a_recording_and_its_truth_and_never_over_another(tmp_path: Path) -> None:
    ran = gem("simulate", "rbbb", "rate=90", "-o", tmp_path / "x")
    assert ran.returncode == 0
    assert json.loads((tmp_path / "x.truth.json").read_text())["schema"] == "gem.truth/1"
    again = gem("simulate", "normal", "-o", tmp_path / "x")
    assert again.returncode == 2
    assert "rbbb" in (tmp_path / "x.truth.json").read_text()
    assert "stemi_inferior" in gem("simulate", "--list").stdout.splitlines()
    wrong = gem("simulate", "rbbb", "rat=90", "noise.hum=3", "-o", tmp_path / "y")
    assert wrong.returncode == 2
    assert "rat" in wrong.stderr
    assert "hum" in wrong.stderr


def test_doctor_knows_the_readers() -> None:
    out = json.loads(gem("doctor", "--json").stdout)
    assert {"wfdb", "csv", "npy", "parquet", "dicom", "scp", "aecg", "muse", "philips", "edf", "ishne", "fhir", "apple"} <= set(
        out["readers"]
    )
    assert out["readers"]["ishne"].endswith("(experimental)")


def test_help_lists_every_reader_and_marks_the_experimental_ones() -> None:
    assert len(FORMATS) == len(readers())
    for said, reader in zip(FORMATS, readers(), strict=True):
        assert reader.describes.lower().startswith(said.lower().split()[0].rstrip(","))
        assert ("experimental" in said) == reader.experimental
    assert "ISHNE (experimental" in " ".join(gem("look", "--help").stdout.split())


def test_export_writes_another_format_and_never_over_a_file(ecg: Path, tmp_path: Path) -> None:
    for suffix in ("hea", "csv", "edf", "dcm"):
        ran = gem("export", ecg / "one.hea", "-o", tmp_path / f"x.{suffix}")
        assert (ran.returncode, ran.stdout) == (0, "")
        assert "12: I II III" in gem("look", tmp_path / f"x.{suffix}").stdout
    again = gem("export", ecg / "two.hea", "-o", tmp_path / "x.dcm")
    assert again.returncode == 2
    assert "exists already" in again.stderr


def test_what_the_device_said_stands_beside_ours_and_not_in_the_report(tmp_path: Path) -> None:
    path = muse(tmp_path, simulate_recording("lbbb").recording.signal.astype(float), statement="NORMAL ECG \x9b2J")
    look = json.loads(gem("look", path, "--json").stdout)
    assert look["device_said"]["statements"] == ["NORMAL ECG 2J"]
    assert look["read_by"] == "muse: XML root RestingECG"
    text = gem("report", "--writer", "template", path).stdout
    assert "NORMAL ECG" in text.split("Device said")[1]
    assert "NORMAL ECG" not in text.split("Device said")[0]
    said = json.loads(gem("report", "--writer", "template", path, "--json").stdout)
    assert said["device_said"]["measurements"]["qrs_duration"] == {"value": 88.0, "unit": "ms"}
    assert "NORMAL ECG" not in said["text"]


def bad_files(folder: Path) -> dict[str, tuple[list[str], str]]:
    """name -> (options, part of the message) of inputs that must end with one message."""
    rng = np.random.default_rng(0)
    flat = np.zeros((12, 5000), np.float32)
    good = simulate_recording("normal").recording.signal
    np.save(folder / "flat.npy", flat)
    np.save(folder / "nan.npy", flat + np.nan)
    np.save(folder / "short.npy", good[:, :500])
    np.save(folder / "three.npy", good[:3])
    np.save(folder / "units.npy", good * 1000)
    np.save(folder / "noise.npy", rng.normal(size=(12, 5000)))
    (folder / "empty.csv").touch()
    (folder / "random.bin").write_bytes(rng.bytes(4000))
    (folder / "huge.hea").write_text("huge 1 500 1000000000\nhuge.dat 16 200 16 0 0 0 0 I\n")
    (folder / "huge.dat").write_bytes(bytes(200))
    (folder / "out.hea").write_text("out 1 500 100\n../x.dat 16 200 16 0 0 0 0 I\n")
    (folder / "abs.hea").write_text("abs 1 500 100\n/etc/passwd 16 200 16 0 0 0 0 I\n")
    asked = ["--fs", "500", "--unit", "mV"]
    return {
        "gone.hea": ([], "no such file"),
        "random.bin": ([], "not a format known here"),
        "huge.hea": ([], "declares 1000000000 samples"),
        "out.hea": ([], "only a plain name in the same folder"),
        "abs.hea": ([], "only a plain name in the same folder"),
        "nan.npy": (asked, "every sample is missing"),
        "flat.npy": (asked, "all leads are flat"),
        "short.npy": (asked, "at least 2.5 s are needed"),
        "units.npy": (asked, "is the unit uV"),
        "noise.npy": (asked, "no usable lead: muscle noise"),
        "three.npy": ([*asked, "--leads", "I,II,III"], "needs the 12 standard leads"),
        "empty.csv": ([], "the file is empty"),
    }


def test_bad_input_gets_one_message_exit_2_and_writes_nothing(tmp_path: Path) -> None:
    cases = bad_files(tmp_path)
    before = sorted(os.listdir(tmp_path))
    for name, (options, says) in cases.items():
        ran = gem(
            "report", "--writer", "template", tmp_path / name, *options, "--html", tmp_path / "page.html", "--fhir", tmp_path / "out.json"
        )
        assert ran.returncode == 2, name
        assert says in ran.stderr, (name, ran.stderr)
        assert name in ran.stderr
        assert ran.stdout == ""
        assert len(ran.stderr.strip().splitlines()) == 1, ran.stderr
    slow = gem("report", "--writer", "template", tmp_path / "flat.npy", "--fs", "16", "--unit", "mV")
    assert (slow.returncode, "16 Hz is too slow" in slow.stderr) == (2, True)
    assert sorted(os.listdir(tmp_path)) == before


def test_of_several_files_the_good_are_done_and_the_bad_are_rows(ecg: Path, tmp_path: Path) -> None:
    ran = gem("measure", ecg / "one.hea", tmp_path / "gone.hea", ecg / "two.hea", "--json")
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    assert ran.returncode == 3
    assert [("error" in row) for row in rows] == [False, True, False]
    assert rows[1]["error"]["code"] == "not_found"
    assert "1 of 3 files failed" in ran.stderr


def test_fewer_leads_are_reported_when_asked_for(ecg: Path, tmp_path: Path) -> None:
    signal = simulate_recording("normal").recording.signal[:2]
    np.save(tmp_path / "two.npy", signal)
    ran = gem("report", "--writer", "template", tmp_path / "two.npy", "--fs", 500, "--unit", "mV", "--leads", "I,II", "--partial")
    assert ran.returncode == 0
    assert "Not assessed" in ran.stdout
    assert "V1" in ran.stdout


def test_help_starts_within_half_a_second_and_look_within_one(ecg: Path) -> None:
    """Best of three: the promise is what the program costs, not what else the machine does."""

    def best(*args: object) -> float:
        times = []
        for _ in range(3):
            start = time.perf_counter()
            gem(*args)
            times.append(time.perf_counter() - start)
        return min(times)

    bare = min(best("--version"), 0.5)
    assert best("--help") < 0.5 + bare
    assert best("look", ecg / "one.hea") < 1.0 + bare


@pytest.mark.slow
def test_a_day_of_holter_is_looked_at_and_reported_within_two_gigabytes(tmp_path: Path) -> None:
    """24 h x 12 leads x 500 Hz: 1 GB of samples, of which a window is read."""
    hours = 24
    made = simulate_recording("normal")
    write_simulated(made, tmp_path / "part")
    block = (tmp_path / "part.dat").read_bytes()
    with (tmp_path / "day.dat").open("wb") as stream:
        for _ in range(hours * 360):
            stream.write(block)
    head = (tmp_path / "part.hea").read_text().replace("part.dat", "day.dat").replace("part 12", "day 12")
    (tmp_path / "day.hea").write_text(head.replace(" 5000", f" {5000 * hours * 360}", 1))
    code = (
        "import resource, sys; from gem.cli import main; "
        "resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30)); "
        f"code = main(['report', {str(tmp_path / 'day.hea')!r}, '--start', '40000', '--duration', '30']); "
        "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; "
        "sys.stderr.write(f'peak {peak}'); sys.exit(code)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stderr.split("peak ")[1]) < 2 << 20
