"""Coverage-guided fuzzing of our own decoders: one importable function each, which may raise nothing but `ECGReadError`.

    pip install -c constraints.txt -e .[fuzz]
    python -m tests.ecg.fuzz scp -max_total_time=600         any option of libFuzzer, and a folder of seeds

Without atheris the targets are plain functions; `test_fuzz.py` runs them on damaged files.
"""

import struct
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from gem.ecg.io import aecg, apple, archive, csv, dicom, edf, fhir, ishne, muse, npy, parquet, philips, scp, wfdb
from gem.ecg.io.huffman import CodeFault, checked_table, decode, default_table, undifferenced
from gem.ecg.io.reader import Asked, Reader
from gem.errors import ECGReadError, RecordingError

_ASKED = Asked(fs=500.0, unit="mV")


def _of(reader: Reader) -> Callable[[bytes], None]:
    def target(content: bytes) -> None:
        with tempfile.NamedTemporaryFile(prefix="gem-fuzz-", suffix=".hea") as file:
            file.write(content)
            file.flush()
            try:
                reader.sniff(Path(file.name), content[:65_536])
                reader.read(Path(file.name), _ASKED)
            except (ECGReadError, RecordingError):  # `gem.ecg.io.read` turns the second into the first
                pass

    return target


def huffman(content: bytes) -> None:
    """Bytes as a table of codes and the bits to decode with it."""
    rows = list(struct.iter_unpack("<BBBhI", content[: len(content) // 2 // 9 * 9]))
    try:
        tables = [checked_table(rows, 1)] if rows else [default_table()]
        undifferenced(decode(content[len(content) // 2 :], tables, 5000), 2)
    except CodeFault:
        pass


_MODULES = (scp, aecg, muse, philips, ishne, fhir, apple, edf, dicom, archive, csv, npy, parquet, wfdb)
TARGETS: dict[str, Callable[[bytes], None]] = {module.READER.name: _of(module.READER) for module in _MODULES} | {"huffman": huffman}


def main() -> None:
    import atheris

    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in TARGETS:
        sys.exit(f"name one target of {', '.join(TARGETS)}")
    for module in _MODULES:
        for function in vars(module).copy():
            found = getattr(module, function)
            if callable(found) and getattr(found, "__module__", "") == module.__name__ and not isinstance(found, type):
                setattr(module, function, atheris.instrument_func(found))
    atheris.Setup([sys.argv[0], *sys.argv[2:]], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
