"""Pages a second on one core: plain, photographed, and with labels; medians of one run.

    python -m eval.pages [--n 40]

CPU time of one process with one thread, pictures as arrays in memory. Plain pages are 3x4+1 on letter paper. The floor of a
plain page is a copy of its empty paper; that of a photograph one resampling and one JPEG round trip at quality 85. Labels are
boxes, grid crossings and the place of every sample; masks of all traces are made when they are asked for. Beside them the
figures of ecg-image-kit (alphanumericslab) at 2200 x 1700 on one core, its PNG included, measured on another day.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np

from eval.corpus import timing_records
from gem.ecg.io import read
from gem.ecg.recording import Recording
from gem.image.annotate import annotate
from gem.image.draw import draw
from gem.image.layout import layout_page, parse_layout
from gem.image.paper import SHEETS, Paper, dpi_for_width
from gem.image.photo.picture import photograph
from gem.image.photo.preset import random_damage
from gem.image.photo.sensor import Sensor, taken

PLAIN_PX = (2200, 1100, 672, 336)
PHOTO = (("photo", 1100), ("worn", 1100), ("scan", 1100), ("photo", 672))
KIT = {"plain 2200 x 1700": 0.41, "everything but handwriting, 2200 x 1700": 0.12}

Row = dict[str, Any]


def cpu(spent: dict[str, list[float]], name: str, call: Callable[..., Any], *args: Any) -> Any:
    start = time.process_time()
    out = call(*args)
    spent.setdefault(name, []).append(time.process_time() - start)
    return out


def one_row(records: list[Recording], width: int, kind: str | None) -> Row:
    """Median seconds of drawing, damaging and labelling at one size, and of the floor."""
    paper = Paper(dpi=dpi_for_width(width, SHEETS["letter"][0]))
    page = layout_page(paper, parse_layout("3x4+1"))
    spent: dict[str, list[float]] = {}
    for k, recording in enumerate(records):
        damage = None if kind is None else random_damage(np.random.default_rng(k), kind, paper)
        drawn = cpu(spent, "draw", draw, recording, page)
        picture = cpu(spent, "photograph", photograph, drawn, damage)
        labels = cpu(spent, "annotate", annotate, picture)
        cpu(spent, "masks", lambda found: [lead.mask for lead in found.leads], labels)
        if picture.maps is None:
            cpu(spent, "floor", drawn.image.copy)
        else:
            cpu(spent, "floor", _once, drawn.image, picture.maps)
    medians = {name: float(np.median(values[1:])) for name, values in spent.items()}
    return {"width": width, "height": paper.height_px, "kind": kind or "plain"} | medians


def _once(image: np.ndarray, maps: tuple[np.ndarray, np.ndarray]) -> None:
    """What no picture with one warp and one JPEG can do without."""
    taken(cv2.remap(image, *maps, cv2.INTER_LINEAR), Sensor(jpeg=85), np.random.default_rng(0))


def rows(records: list[Path]) -> list[Row]:
    """All rows, on one thread."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        recordings = [read(path) for path in records]
        return [one_row(recordings, width, None) for width in PLAIN_PX] + [one_row(recordings, width, kind) for kind, width in PHOTO]
    finally:
        cv2.setNumThreads(threads)


def table(found: list[Row]) -> str:
    """The rows as text."""
    lines = ["\npages, one core, medians of one run\n", f"  {'':<22}{'pages/s':>8}{'ms':>8}{'floor ms':>10}{'labels':>9}{'+ masks':>9}\n"]
    for row in found:
        seconds = row["draw"] + row["photograph"]
        name = f"{row['kind']} {row['width']} x {row['height']}"
        labels, masks = row["annotate"] / seconds, (row["annotate"] + row["masks"]) / seconds
        lines.append(f"  {name:<22}{1 / seconds:>8.1f}{1e3 * seconds:>8.2f}{1e3 * row['floor']:>10.2f}{labels:>+9.0%}{masks:>+9.0%}\n")
    return "".join([*lines, *(f"  ecg-image-kit, {name}: {rate} pages/s (not of this run)\n" for name, rate in KIT.items())])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=40)
    args = parser.parse_args()
    with TemporaryDirectory() as folder:
        records, what = timing_records(args.n, Path(folder))
        sys.stdout.write(f"{len(records)} records, {what}{table(rows(records))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
