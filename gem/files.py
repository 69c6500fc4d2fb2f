"""Where data lie, and writing that cannot leave half a file: to a temporary name beside the target, then renamed."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from gem.errors import ConfigError


def write_whole(path: Path, content: str | bytes) -> None:
    """Write `content` to `path`, all of it or none. Raises `ConfigError` when the place cannot be written."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as fault:
        raise ConfigError(f"{path}: cannot be written ({fault.strerror}); choose another place with -o") from fault
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except OSError as fault:
        Path(temporary).unlink(missing_ok=True)
        raise ConfigError(f"{path}: cannot be written ({fault.strerror})") from fault
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def data_folder() -> Path:
    """$GEM_DATA, else ../shared/data. Raises `ConfigError` when it is not there."""
    folder = Path(os.environ.get("GEM_DATA", "../shared/data"))
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder; set GEM_DATA to the folder that holds the records (ptbxl/, ludb/, ...)")
    return folder


@contextmanager
def writing_whole(path: Path) -> Iterator[IO[bytes]]:
    """A stream whose file is there only when the block ends well; for what does not fit in memory. Raises `ConfigError`."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as stream:
            yield stream
        os.replace(temporary, path)
    except OSError as fault:
        raise ConfigError(f"{path}: cannot be written ({fault.strerror}); choose another place") from fault
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def write_folder(path: Path) -> Iterator[Path]:
    """A folder to fill, which appears under its name when all went well, or not at all.

    Raises `ConfigError` when something is there already, or the place cannot be written.
    """
    if path.exists():
        raise ConfigError(f"{path}: is there already; choose another folder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as fault:
        raise ConfigError(f"{path}: cannot be written ({fault.strerror}); choose another place") from fault
    try:
        yield part
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(part, 0o777 & ~umask)
        part.rename(path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
