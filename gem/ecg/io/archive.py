"""A zip archive that holds one ECG, for instance a WFDB header with its signal file.

Checked before anything is unpacked, and unpacked into a folder of its own that is then removed: flat names, no links,
no encryption, few members, bounded in total and in ratio. What a member says of its size is not believed.
"""

import re
import stat
import struct
import tempfile
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

from gem.ecg.io.reader import WHOLE_CAP_BYTES, Asked, Reader
from gem.ecg.recording import Recording
from gem.errors import ECGReadError

MOST_MEMBERS = 100
LARGEST_RATIO = 200
"""Bytes out of one byte in: ECG text packs 5 to 30 times, and a bomb a thousand times."""
_PLAIN_NAME = re.compile(r"[^\W_][\w .,()+-]{0,200}\Z")
_PIECE = 1 << 20
_FAULTS = (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, LookupError, ArithmeticError, RuntimeError)
"""What zipfile raises for damaged archives, unknown methods (a RuntimeError, as for encrypted members) and fields that lie."""


def _sniff(path: Path, head: bytes) -> str | None:
    return "zip signature" if head.startswith(b"PK\x03\x04") else None


def members(path: Path) -> list[zipfile.ZipInfo]:
    """What an archive holds, once it is proved harmless. Raises `ECGReadError` (unsafe, too_large, malformed)."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = [member for member in archive.infolist() if not member.is_dir()]
    except _FAULTS as fault:
        raise ECGReadError(path, f"not a readable zip archive ({str(fault)[:100]})", "malformed") from fault
    if len(found) > MOST_MEMBERS:
        raise ECGReadError(path, f"holds {len(found)} files; at most {MOST_MEMBERS} are unpacked", "too_large")
    for member in found:
        if not _PLAIN_NAME.match(member.filename):
            raise ECGReadError(
                path, f"holds a file named {member.filename[:60]!r}; only plain names without folders are unpacked", "unsafe"
            )
        if stat.S_ISLNK(member.external_attr >> 16):
            raise ECGReadError(path, f"holds a link ({member.filename[:60]}), which is never followed", "unsafe")
        if member.file_size > LARGEST_RATIO * max(member.compress_size, 1):
            ratio = member.file_size // max(member.compress_size, 1)
            raise ECGReadError(path, f"{member.filename[:60]} unpacks {ratio} times; at most {LARGEST_RATIO} times is read", "too_large")
    total = sum(member.file_size for member in found)
    if total > WHOLE_CAP_BYTES:
        raise ECGReadError(path, f"unpacks to {total / 1e6:.0f} MB; at most {WHOLE_CAP_BYTES / 1e6:.0f} MB are read", "too_large")
    return found


def _unpack(path: Path, found: list[zipfile.ZipInfo], folder: Path) -> None:
    left = WHOLE_CAP_BYTES
    try:
        with zipfile.ZipFile(path) as archive:
            for member in found:
                with archive.open(member) as source, (folder / member.filename).open("xb") as target:
                    while piece := source.read(_PIECE):
                        left -= len(piece)
                        if left < 0:
                            raise ECGReadError(path, f"unpacks to more than {WHOLE_CAP_BYTES / 1e6:.0f} MB", "too_large")
                        target.write(piece)
    except _FAULTS as fault:
        raise ECGReadError(path, f"cannot be unpacked ({str(fault)[:100]})", "malformed") from fault


def _read(path: Path, asked: Asked) -> Recording:
    from gem.ecg.io import find_reader, read

    found = members(path)
    with tempfile.TemporaryDirectory(prefix="gem-") as folder:
        _unpack(path, found, Path(folder))
        files = sorted(
            file for file in Path(folder).iterdir() if file.stat().st_size and not zipfile.is_zipfile(file) and find_reader(file)
        )
        headers = {file.stem for file in files if file.suffix == ".hea"}
        files = [file for file in files if file.suffix == ".hea" or file.stem not in headers]
        if len(files) != 1:
            listed = ", ".join(file.name for file in files[:6]) or "none"
            raise ECGReadError(path, f"one ECG is needed in an archive, but it holds {listed}; unpack it and name the file", "unsupported")
        try:
            recording = read(files[0], **vars(asked))
        except ECGReadError as fault:
            raise ECGReadError(path, f"{files[0].name}: {fault.message}", fault.code) from fault
    return replace(recording, source=str(path))


READER = Reader("zip", "zip archive of one ECG in any of these formats", _sniff, _read)
