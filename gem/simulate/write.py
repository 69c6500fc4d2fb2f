"""A simulated recording as WFDB files, and its truth beside them.

Format 16, 2000 steps per mV: every value the simulator makes is a whole number of steps, so the files
lose nothing. Source: header(5) and signal(5) of the WFDB Applications Guide.
"""

import json
import re
from pathlib import Path

import numpy as np

from gem.ecg.recording import Recording
from gem.errors import ConfigError
from gem.files import write_whole
from gem.simulate.recording import Simulated

GAIN_PER_MV = 2000
_NAME = re.compile(r"[A-Za-z0-9_][\w-]*\Z", re.ASCII)


def write_simulated(simulated: Simulated, out: Path, *, overwrite: bool = False) -> tuple[Path, Path, Path]:
    """Write `out`.hea, `out`.dat and `out`.truth.json; returns their paths.

    out  the record's name with its folder; a suffix .hea or .dat is taken off

    Each file is written under another name and renamed, the header last, so an interrupted run leaves no
    half record. Raises `ConfigError` when one of the files is there already (unless `overwrite`), when the
    folder is not there or cannot be written, or when the name is none that WFDB allows.
    """
    out = out.with_suffix("") if out.suffix in (".hea", ".dat") else out
    if not _NAME.match(out.name):
        raise ConfigError(f"{out.name!r} cannot name a WFDB record: letters, digits, _ and - are allowed")
    if not out.parent.is_dir():
        raise ConfigError(f"{out.parent}: no such folder; make it first")
    paths = tuple(out.with_name(out.name + suffix) for suffix in (".hea", ".dat", ".truth.json"))
    there = [str(path) for path in paths if path.exists()]
    if there and not overwrite:
        raise ConfigError(f"{', '.join(there)} exists already; choose another name or allow overwriting")
    steps = np.rint(simulated.recording.signal.astype(np.float64) * GAIN_PER_MV).astype("<i2")
    truth = json.dumps(simulated.truth.to_json(), indent=1, allow_nan=False)
    header, data, json_file = paths
    for path, content in (
        (data, steps.T.tobytes()),
        (json_file, truth.encode() + b"\n"),
        (header, _header(out.name, simulated.recording, steps)),
    ):
        write_whole(path, content)
    return header, data, json_file


def _header(name: str, recording: Recording, steps: np.ndarray) -> bytes:
    lines = [f"{name} {len(steps)} {recording.fs:g} {steps.shape[1]}"]
    for lead, row in zip(recording.leads, steps, strict=True):
        checksum = int(np.sum(row, dtype=np.int64) + 2**15) % 2**16 - 2**15
        lines.append(f"{name}.dat 16 {GAIN_PER_MV}(0)/mV 16 0 {int(row[0])} {checksum} 0 {lead}")
    if recording.age is not None:
        lines.append(f"#Age: {recording.age:g}")
    if recording.sex is not None:
        lines.append(f"#Sex: {recording.sex}")
    lines += [f"#Source: {recording.source}", *(f"#History: {line}" for line in recording.history)]
    return ("\n".join(lines) + "\n").encode()
