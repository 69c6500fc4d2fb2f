"""Seeded damage to files of every format: each must read, or be one typed error, soon and in little memory.

    python -m tests.ecg.mutate --count 20000 --seed 1      prints the table; exit code 1 when a promise is broken

One process a format, so that its peak memory is its own, limited in address space; what a native library prints, a crash and a
file left behind are broken promises too. What can be read is also judged (`inspect`), as `gem look` does.
"""

import argparse
import json
import os
import random
import re
import resource
import signal as signals
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gem.ecg.io import read
from gem.ecg.quality import inspect
from gem.errors import ECGReadError
from tests.ecg import written as w
from tests.ecg.peak import peak_mb

SLOWEST_S = 5.0
PEAK_MB = 1024
ADDRESS_BYTES = 6 << 30
HANG_S = 60

_EXTREMES = [b"\x00", b"\xff", b"\x7f", b"\x80", b"\xff\xff", b"\xff\x7f", b"\x00\x80", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", bytes(4)]
_WORDS = [b"0", b"-1", b"1e308", b"nan", b"99999999999", b"0.0000001", b"", b"x", b"1e", b"65536", b"-32769", b"\xc3\x28", b"../x", b"&a;"]
_DIGITS = re.compile(rb"-?\d+(?:\.\d+)?")


def damaged(content: bytes, rng: random.Random) -> bytes:
    """`content` with one to four wounds, half of them in its first 2,000 bytes, where headers are."""
    out = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 4))):
        if out:
            at = rng.randrange(min(len(out), 2000) if rng.random() < 0.5 else len(out))
            _WOUNDS[rng.randrange(len(_WOUNDS))](out, at, rng)
    return bytes(out)


def _flip(out: bytearray, at: int, rng: random.Random) -> None:
    out[at] ^= 1 << rng.randrange(8)


def _extreme(out: bytearray, at: int, rng: random.Random) -> None:
    value = rng.choice(_EXTREMES)
    out[at : at + len(value)] = value


def _insert(out: bytearray, at: int, rng: random.Random) -> None:
    out[at:at] = rng.choice((*_WORDS, rng.randbytes(rng.randrange(1, 64))))


def _delete(out: bytearray, at: int, rng: random.Random) -> None:
    del out[at : at + rng.choice((1, 2, 4, 16, 256, 5000))]


def _truncate(out: bytearray, at: int, rng: random.Random) -> None:
    del out[at:]


def _repeat(out: bytearray, at: int, rng: random.Random) -> None:
    part = bytes(out[at : at + rng.choice((1, 8, 64, 1024))])
    out[at:at] = part * rng.choice((1, 2, 50))


def _number(out: bytearray, at: int, rng: random.Random) -> None:
    """The next number in the text becomes another."""
    found = _DIGITS.search(out, at, min(len(out), at + 4000))
    if found:
        out[found.start() : found.end()] = rng.choice(_WORDS)


def _noise(out: bytearray, at: int, rng: random.Random) -> None:
    size = rng.choice((4, 32, 512))
    out[at : at + size] = rng.randbytes(len(out[at : at + size]))


_WOUNDS: tuple[Callable[[bytearray, int, random.Random], None], ...] = (
    _flip, _flip, _extreme, _extreme, _insert, _delete, _truncate, _repeat, _number, _number, _number, _noise,
)  # fmt: skip


def ecg(samples: int = 1500) -> np.ndarray:
    """[12, T] mV on a grid of 1 uV that `inspect` takes for an ECG: a spike a second on a slow wave."""
    t = np.arange(samples) / w.FS
    beat = np.exp(-(((t % 0.8) - 0.4) ** 2) / 2e-4) + 0.2 * np.sin(2 * np.pi * t)
    return np.round(np.outer(np.linspace(0.4, 1.2, 12), beat), 3)


def _zip(folder: Path, x: np.ndarray) -> Path:
    source = w.CLINICAL["scp_plain"](folder, x)
    with zipfile.ZipFile(folder / "r.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(source, "r.scp")
    return folder / "r.zip"


def seeds() -> dict[str, Callable[[Path, np.ndarray], Path]]:
    """Every format as a writer of one whole file. WFDB is damaged twice: the header, and the samples (`_dat`)."""
    from tests.ecg.test_readers import WRITERS

    samples = {f"{name}_dat": lambda folder, x, name=name: WRITERS[name](folder, x).with_suffix(".dat") for name in ("wfdb16", "wfdb212")}
    flac = {"wfdb_flac_dat": lambda folder, x: WRITERS["wfdb_flac"](folder, x).with_name("r_a.dat")}
    single = {"apple": lambda folder, x: w.apple(folder, x[0]), "apple_german": lambda folder, x: w.apple(folder, x[0], german=True)}
    return WRITERS | samples | flac | single | {"zip": _zip}


@dataclass
class Row:
    """What became of the files of one format; `broken` holds (number, what happened) of every promise that was not kept."""

    format: str
    files: int = 0
    read: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    peak_mb: float = 0.0
    broken: list[tuple[int, str]] = field(default_factory=list)


class _Hang(BaseException):
    """Not an Exception: a reader that hides what is raised below it must not hide this."""


def _worker(name: str, count: int, seed: int) -> Row:
    """Damage and read `count` files of one format in this process."""
    rng = random.Random(f"{seed} {name}")
    row = Row(name)
    x = np.clip(ecg(), -1.9, 1.9)

    def hang(*_: object) -> None:
        raise _Hang

    signals.signal(signals.SIGALRM, hang)
    with tempfile.TemporaryDirectory() as folder:
        target = seeds()[name](Path(folder), x)
        named = target.with_name("r.hea") if name.endswith("_dat") else target
        whole, before = target.read_bytes(), sorted(os.listdir(folder))
        for number in range(count):
            target.write_bytes(damaged(whole, rng))
            signals.alarm(HANG_S)
            begin = time.perf_counter()
            try:
                inspect(read(named, fs=w.FS, unit="mV"))
                row.read += 1
            except ECGReadError as fault:
                row.errors[fault.code] += 1
            except (Exception, _Hang) as fault:  # noqa: BLE001 - any of them is what is looked for
                row.broken.append((number, f"{type(fault).__name__}: {fault}"[:200]))
            row.slowest_s = max(row.slowest_s, time.perf_counter() - begin)
            signals.alarm(0)
            row.files += 1
        if sorted(os.listdir(folder)) != before:
            row.broken.append((count, f"files left behind: {os.listdir(folder)}"))
    row.peak_mb = peak_mb()
    return row


def run_format(name: str, count: int, seed: int) -> Row:
    """`_worker` in a process of its own; a crash, prints and broken limits are added to what is broken."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "row.json"
        command = [
            sys.executable,
            "-m",
            "tests.ecg.mutate",
            "--worker",
            name,
            "--count",
            str(count),
            "--seed",
            str(seed),
            "--out",
            str(out),
        ]
        ran = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
        if not out.is_file():
            return Row(name, broken=[(-1, f"the process ended with {ran.returncode}: {ran.stderr[-200:]}")])
        given = json.loads(out.read_text())
    row = Row(**given | {"errors": Counter(given["errors"])})
    if ran.stdout or ran.stderr:
        row.broken.append((-1, f"printed: {(ran.stdout + ran.stderr)[-300:]}"))
    if row.slowest_s > SLOWEST_S:
        row.broken.append((-1, f"slowest {row.slowest_s:.1f} s"))
    if row.peak_mb > PEAK_MB:
        row.broken.append((-1, f"peak {row.peak_mb:.0f} MB"))
    return row


def run_all(count: int, seed: int) -> list[Row]:
    """At least `count` files, the same number of every format."""
    names = list(seeds())
    return [run_format(name, -(-count // len(names)), seed) for name in names]


def table(rows: list[Row]) -> str:
    lines = ["| format | files | typed errors | read | slowest s | peak MB | broken | codes |", "|---|---|---|---|---|---|---|---|"]
    for row in rows:
        codes = ", ".join(f"{code} {n}" for code, n in row.errors.most_common())
        cells = (row.format, row.files, row.errors.total(), row.read, f"{row.slowest_s:.2f}", f"{row.peak_mb:.0f}", len(row.broken), codes)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    total = (sum(r.files for r in rows), sum(r.errors.total() for r in rows), sum(r.read for r in rows))
    worst = (f"{max(r.slowest_s for r in rows):.2f}", f"{max(r.peak_mb for r in rows):.0f}", sum(len(r.broken) for r in rows))
    return "\n".join([*lines, f"| all | {' | '.join(map(str, (*total, *worst)))} | |"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000, help="files in all, at least")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--worker", metavar="FORMAT", help="this format only, in this process")
    parser.add_argument("--out", type=Path, help="with --worker: where its row goes")
    args = parser.parse_args()
    if args.worker:
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_BYTES, ADDRESS_BYTES))
        row = _worker(args.worker, args.count, args.seed)
        (args.out.write_text if args.out else print)(json.dumps(vars(row)))
        return 0
    rows = run_all(args.count, args.seed)
    print(table(rows))
    for row in rows:
        for number, what in row.broken:
            print(f"{row.format} {number}: {what}")
    return int(any(row.broken for row in rows))


if __name__ == "__main__":
    sys.exit(main())
