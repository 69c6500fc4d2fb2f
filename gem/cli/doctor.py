"""gem doctor"""

import argparse
import importlib.metadata
import os
import platform
from pathlib import Path

from gem import __version__
from gem.cli.common import say, say_json

_PACKAGES = (
    "numpy", "scipy", "pydantic", "wfdb", "pydicom", "pyEDFlib", "sierraecg", "pyarrow", "neurokit2", "opencv-python-headless", "pillow",
    "torch", "transformers", "tokenizers", "peft",
)  # fmt: skip


def arguments(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--json", action="store_true", help="as one JSON object")


def run(args: argparse.Namespace) -> int:
    from gem.ecg.io import readers

    data = Path(os.environ.get("GEM_DATA", "../shared/data"))
    facts = {
        "gem": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "packages": {name: _version(name) for name in _PACKAGES},
        "readers": {reader.name: reader.describes + (" (experimental)" if reader.experimental else "") for reader in readers()},
        "data": f"{data} ({'there' if data.is_dir() else 'not there; set GEM_DATA'})",
    }
    if args.json:
        say_json(facts)
        return 0
    for key, value in facts.items():
        if isinstance(value, dict):
            say(key)
            for name, text in value.items():
                say(f"  {name:<22} {text or 'not installed'}")
        else:
            say(f"{key:<16} {value}")
    return 0


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
