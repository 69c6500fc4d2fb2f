"""WFDB records: a text header and signal files beside it (formats 16, 212, 80, FLAC 516, Challenge .mat, ...).

The header is checked here, before wfdb opens anything: file names must be plain and lie in the
header's own folder, and the samples it declares must be there. wfdb then decodes.
Source: header(5) and signal(5) of the WFDB Applications Guide.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from gem.ecg.io.reader import Asked, Reader, checked_rate, mv_per, patient_age, patient_sex, whole
from gem.ecg.recording import Recording
from gem.errors import ECGReadError

_BYTES_PER_SAMPLE = {
    "8": 1.0, "16": 2.0, "24": 3.0, "32": 4.0, "61": 2.0, "80": 1.0, "160": 2.0, "212": 1.5, "310": 4 / 3, "311": 4 / 3,
}  # fmt: skip
_FLAC = {"508", "516", "524"}
_MOST_SIGNALS = 256
_HEADER_CAP_BYTES = 4 << 20
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][\w.-]*\Z")
_RECORD_LINE = re.compile(
    r"(?P<name>[\w-]+)(?P<segments>/\d+)?\s+(?P<signals>\d{1,9})(\s+(?P<fs>[-+.\deE]+)\S*(\s+(?P<samples>\d{1,15}))?)?"
)
_SIGNAL_LINE = re.compile(r"(?P<file>\S+)\s+(?P<format>\d{1,5})(x(?P<spf>\d{1,9}))?(:\d{1,9})?(\+(?P<offset>\d{1,15}))?(\s|\Z)")


@dataclass(frozen=True)
class _Header:
    fs: float
    samples: int
    signals: int
    age: float | None
    sex: str | None


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def _sniff(path: Path, head: bytes) -> str | None:
    if path.suffix.lower() != ".hea" and path.with_suffix(".hea").is_file():
        with path.with_suffix(".hea").open("rb") as stream:
            header = stream.read(_HEADER_CAP_BYTES)
        if re.search(rb"(?m)^" + re.escape(path.name.encode()) + rb"\s", header):
            return f"{path.with_suffix('.hea').name} describes it"
    try:
        lines = _lines(head.decode("utf-8"))
    except UnicodeDecodeError:
        return None
    record = _RECORD_LINE.match(lines[0]) if lines else None
    if not record:
        return None
    if path.suffix.lower() == ".hea" or (len(lines) > 1 and _SIGNAL_LINE.match(lines[1]) and not lines[1][0].isdigit()):
        return f"a WFDB header of {record['signals']} signals"
    return None


def _checked_header(path: Path) -> _Header:
    """The header's rate and length, once every file it names is proved safe and complete."""
    text = whole(path, _HEADER_CAP_BYTES).decode("utf-8", errors="replace")
    lines = _lines(text)
    record = _RECORD_LINE.match(lines[0]) if lines else None
    if not record:
        raise ECGReadError(path, "the first line is not a WFDB record line (name, signals, rate, samples)", "malformed")
    if record["segments"]:
        raise ECGReadError(path, "a record of several segments is not read; name one of its segments", "unsupported")
    count = int(record["signals"])
    if not 1 <= count <= _MOST_SIGNALS or len(lines) - 1 < count:
        raise ECGReadError(path, f"declares {count} signals and describes {len(lines) - 1}", "malformed")
    try:
        fs = checked_rate(float(record["fs"] or 250.0), path)
    except ValueError as fault:
        raise ECGReadError(path, f"the sampling rate {record['fs']!r} is not a number", "malformed") from fault
    files: dict[str, list[tuple[str, int, int]]] = {}
    for line in lines[1 : count + 1]:
        signal = _SIGNAL_LINE.match(line)
        if not signal:
            raise ECGReadError(path, f"not a WFDB signal line: {line[:60]!r}", "malformed")
        files.setdefault(signal["file"], []).append((signal["format"], int(signal["spf"] or 1), int(signal["offset"] or 0)))
    declared = int(record["samples"] or 0)
    held = min(_samples_in(path, name, signals) for name, signals in files.items())
    if declared > held:
        raise ECGReadError(path, f"declares {declared} samples a signal, but its signal files hold {held}", "truncated")
    comments = dict(re.findall(r"(?m)^#\s*<?([A-Za-z]+)>?\s*:\s*(.*)$", text))
    comments = {key.lower(): value for key, value in comments.items()}
    return _Header(fs, declared or held, count, patient_age(comments.get("age")), patient_sex(comments.get("sex")))


def _samples_in(header: Path, name: str, signals: list[tuple[str, int, int]]) -> int:
    """How many samples a signal the file `name` holds; refused when it lies outside the header's folder."""
    if not _PLAIN_NAME.match(name):
        raise ECGReadError(header, f"names the signal file {name!r}; only a plain name in the same folder is read", "unsafe")
    file = header.with_name(name)
    if file.is_symlink() and file.resolve().parent != header.parent.resolve():
        raise ECGReadError(header, f"its signal file {name} is a link out of the folder", "unsafe")
    if not file.is_file():
        raise ECGReadError(header, f"its signal file {name} is not there", "not_found")
    code, offset = signals[0][0], signals[0][2]
    per_frame = sum(spf for _, spf, _ in signals)
    if code in _FLAC:
        return _flac_frames(header, file)
    if code not in _BYTES_PER_SAMPLE:
        raise ECGReadError(header, f"signal format {code} is not known", "unsupported")
    return int((file.stat().st_size - offset) / (_BYTES_PER_SAMPLE[code] * per_frame))


def _flac_frames(header: Path, file: Path) -> int:
    import soundfile

    try:
        return int(soundfile.info(str(file)).frames)
    except soundfile.LibsndfileError as fault:
        raise ECGReadError(header, f"its signal file {file.name} is not readable FLAC", "malformed") from fault


def _read(path: Path, asked: Asked) -> Recording:
    import wfdb

    header_path = path.with_suffix(".hea")
    if not header_path.is_file():
        raise ECGReadError(path, "is a WFDB header, but its name does not end in .hea; rename it", "unsupported")
    header = _checked_header(header_path)
    first, last = asked.window(path, header.samples, header.fs, header.signals)
    try:
        record = wfdb.rdrecord(str(header_path.with_suffix("").absolute()), sampfrom=first, sampto=last)
    except Exception as fault:  # wfdb raises whatever its parsing runs into
        raise ECGReadError(path, f"wfdb cannot decode it ({type(fault).__name__}: {fault})", "malformed") from fault
    if record.p_signal is None or record.sig_name is None or record.units is None:
        raise ECGReadError(path, "holds no signal", "no_signal")
    factors = [mv_per(unit or asked.unit or "mV", path) for unit in record.units]
    names = tuple(name or f"signal {k + 1}" for k, name in enumerate(record.sig_name))
    return Recording(
        signal=(record.p_signal * factors).T,
        fs=header.fs,
        leads=names,
        source=str(path),
        age=header.age,
        sex=header.sex,
        start_s=first / header.fs,
        total_s=header.samples / header.fs,
    )


READER = Reader("wfdb", "WFDB (.hea with .dat or .mat: formats 16, 212, 80, FLAC 516, ...)", _sniff, _read)


def read_marks(header: Path, extension: str) -> list[tuple[str, int]]:
    """Annotations beside a record, as (symbol, sample), in order. Raises `ECGReadError`.

    header     the record's .hea
    extension  of the annotation file, for instance "ii" for LUDB's lead II
    """
    import wfdb

    path = header.with_suffix(f".{extension}")
    if not path.is_file():
        raise ECGReadError(path, "no such annotation file", "not_found")
    try:
        found = wfdb.rdann(str(header.with_suffix("").absolute()), extension)
    except Exception as fault:  # wfdb raises whatever its parsing runs into
        raise ECGReadError(path, f"wfdb cannot decode it ({type(fault).__name__}: {fault})", "malformed") from fault
    return list(zip(found.symbol, found.sample.tolist(), strict=True))
