"""A simulated recording as WFDB files, and its truth beside them.

Format 16, 2000 steps per mV: every value the simulator makes is a whole number of steps, so the files
lose nothing. Source: header(5) and signal(5) of the WFDB Applications Guide.
"""

import json
from pathlib import Path

from gem.ecg.io.write import wfdb_files
from gem.errors import ConfigError
from gem.files import write_whole
from gem.simulate.recording import Simulated


def write_simulated(simulated: Simulated, out: Path, *, overwrite: bool = False) -> tuple[Path, Path, Path]:
    """Write `out`.hea, `out`.dat and `out`.truth.json; returns their paths.

    out  the record's name with its folder; a suffix .hea or .dat is taken off

    Each file is written under another name and renamed, the header last, so an interrupted run leaves no
    half record. Raises `ConfigError` when one of the files is there already (unless `overwrite`), when the
    folder is not there or cannot be written, or when the name is none that WFDB allows.
    """
    out = out.with_suffix("") if out.suffix in (".hea", ".dat") else out
    if not out.parent.is_dir():
        raise ConfigError(f"{out.parent}: no such folder; make it first")
    paths = tuple(out.with_name(out.name + suffix) for suffix in (".hea", ".dat", ".truth.json"))
    there = [str(path) for path in paths if path.exists()]
    if there and not overwrite:
        raise ConfigError(f"{', '.join(there)} exists already; choose another name or allow overwriting")
    truth = json.dumps(simulated.truth.to_json(), indent=1, allow_nan=False)
    header, data, json_file = paths
    files = wfdb_files(simulated.recording, header)
    write_whole(data, files[data])
    write_whole(json_file, truth + "\n")
    write_whole(header, files[header])
    return header, data, json_file
