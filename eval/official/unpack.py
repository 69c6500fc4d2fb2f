"""python -m eval.official.unpack FILE.parquet ... -o FOLDER --config CONFIG: ECGBench -> CONFIG.json and images/, as its README has it.

Questions are read from parquet as they are; pictures in it are bytes, which models and pages want as files. A picture that is there is not
written again, so a run that was stopped goes on.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from eval.official.rows import picture_of, read_file
from gem.errors import ConfigError, GemError
from gem.files import write_whole

ABOUT = "a config of PULSE-ECG/ECGBench (Hugging Face)"


def unpack(paths: Sequence[Path], folder: Path, config: str) -> tuple[int, int]:
    """(rows, pictures written) of the parquet files of one config. Raises `ConfigError` for a row whose picture would leave the folder."""
    kept: list[dict[str, Any]] = []
    written = 0
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for path in paths:
        for row in read_file(path, ABOUT):
            data = row.get("image")
            name = row.get("image_path") or picture_of(row)
            if isinstance(data, dict) and isinstance(data.get("bytes"), bytes):
                written += _picture(folder / "images", str(name or ""), data["bytes"])
            said = row.get("conversations")
            said = json.loads(said) if isinstance(said, str) else said
            more = {key: value for key, value in row.items() if key not in ("image", "image_path", "conversations")}
            kept.append(more | {"image": name, "conversations": said})
    write_whole(folder / f"{config}.json", json.dumps(kept, ensure_ascii=False, indent=1) + "\n")
    return len(kept), written


def _picture(folder: Path, name: str, data: bytes) -> bool:
    """Whether it was written now. The name is somebody else's: it must stay below `folder`."""
    inside = PurePosixPath(name)
    if inside.is_absolute() or ".." in inside.parts or not inside.name:
        raise ConfigError(f"{name!r}: a picture's name that leads out of the folder; is this the file of {ABOUT}?")
    path = folder / inside
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data)
    return True


def main(argv: list[str]) -> int:
    """0 done, 2 something you can put right."""
    parser = argparse.ArgumentParser(
        prog="python -m eval.official.unpack", description="the parquet of ECGBench -> CONFIG.json and images/"
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.parquet", help="all files of one config")
    parser.add_argument("-o", "--output", type=Path, required=True, help="e.g. $GEM_DATA/ECGBench")
    parser.add_argument("--config", required=True, help="its name, e.g. ptb-test")
    args = parser.parse_args(argv)
    try:
        rows, written = unpack(args.files, args.output, args.config)
    except GemError as fault:
        sys.stderr.write(f"unpack: {fault}\n")
        return 2
    sys.stdout.write(f"{args.output / args.config}.json: {rows} rows, {written} pictures written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
