"""gem draw FILE -o page.png"""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from gem.cli.common import file_arguments, read_file, say_json, talk
from gem.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np

    from gem.ecg.recording import Recording
    from gem.image.header import Header
    from gem.image.scene import Scene

_HEADERS = ("none", "measured", "wrong")


def arguments(sub: argparse.ArgumentParser) -> None:
    file_arguments(sub, many=False)
    sub.add_argument("-o", "--output", required=True, metavar="PATH", help="page.png, .jpg, .pdf or .svg")
    page = sub.add_argument_group("the page")
    layouts = "3x4, 3x4+1, 3x4+3, 6x2, 6x2+1, 12x1, 4x3, or a lead (default: 3x4+1)"
    page.add_argument("--layout", default="3x4+1", metavar="NAME", help=layouts)
    page.add_argument("--order", default="standard", metavar="NAME", help="of the leads: standard or cabrera")
    page.add_argument("--time", default="consecutive", metavar="NAME", help="of the columns: consecutive or simultaneous")
    page.add_argument("--strips", metavar="LEADS", help="leads of the rhythm strips, e.g. V1,II,V5")
    page.add_argument("--seconds", type=float, metavar="S", help="what a row shows (default: 10, or what fits)")
    page.add_argument("--speed", type=float, default=25.0, metavar="MM/S", help="25 or 50 (default: 25)")
    page.add_argument("--gain", default="10", metavar="MM/MV", help="5, 10 or 20; 10/5 for limb and chest leads (default: 10)")
    page.add_argument("--sheet", default="letter", metavar="NAME", help="letter, a4, a5, a3, with -portrait, or WIDTHxHEIGHT in mm")
    page.add_argument("--dpi", type=float, metavar="N", help="pixels per inch (default: 200)")
    page.add_argument("--width", type=float, metavar="PX", help="width of the picture instead of --dpi")
    page.add_argument("--grid", default="red", metavar="NAME", help="red, pink, salmon, brown, green, blue, grey, dots or none")
    page.add_argument("--pen", type=float, default=0.2, metavar="MM", help="width of the trace (default: 0.2)")
    page.add_argument("--header", choices=_HEADERS, default="none", help="printed values: none, as measured, or a wrong rate and axis")
    shot = sub.add_argument_group("the picture of it")
    shot.add_argument("--damage", default="none", metavar="KIND", help="scan, copy, fax, photo, worn, screen or none")
    shot.add_argument("--seed", type=int, default=0, metavar="N", help="of damage and header; the same seed gives the same bytes")
    shot.add_argument("--annotations", metavar="PATH", help="boxes, masks, grid crossings and the place of every sample, as JSON")


def run(args: argparse.Namespace) -> int:
    from gem.files import write_whole
    from gem.image.annotate import annotate, page_json
    from gem.image.write import check_suffix, encoded

    target = Path(args.output)
    check_suffix(target, args.damage != "none")
    recording = read_file(args.file, args)
    picture = _scene(args, recording).picture(recording)
    content = encoded(picture, target.suffix.lower())
    write_whole(target, content)
    if args.annotations:
        write_whole(Path(args.annotations), json.dumps(page_json(picture, annotate(picture)), allow_nan=False) + "\n")
    height, width = picture.image.shape[:2]
    empty = sorted(set(picture.drawn.empty), key=picture.drawn.empty.index)
    if empty:
        talk(f"gem draw: {', '.join(empty)} not recorded; their cells are empty")
    talk(f"gem draw: {target} written, {width} x {height} px{f', labels in {args.annotations}' if args.annotations else ''}")
    if args.json:
        damage = picture.damage.model_dump(mode="json") if picture.damage else None
        say_json({"source": args.file, "output": str(target), "width": width, "height": height, "empty": empty, "damage": damage})
    return 0


def _scene(args: argparse.Namespace, recording: "Recording") -> "Scene":
    """What the options ask for; every choice that is random comes from one generator."""
    import numpy as np

    from gem.image.draw import Style
    from gem.image.grid import GRIDS
    from gem.image.paper import Paper, dpi_for_width, parse_gain, parse_sheet
    from gem.image.photo.preset import random_damage
    from gem.image.scene import Scene

    if args.grid not in GRIDS:
        raise ConfigError(f"a grid {args.grid!r}: choose {', '.join(GRIDS)}")
    if args.dpi is not None and args.width is not None:
        raise ConfigError("--dpi and --width say the same thing; give one of them")
    if args.seed < 0:
        raise ConfigError(f"--seed {args.seed}: a number of 0 or more is needed")
    width_mm, height_mm = parse_sheet(args.sheet)
    dpi = 200.0 if args.dpi is None else args.dpi
    if args.width is not None:
        dpi = dpi_for_width(args.width, width_mm)
    limb, chest = parse_gain(args.gain)
    paper = Paper(width_mm, height_mm, dpi, args.speed, limb, chest)
    rng = np.random.default_rng(args.seed)
    damage = None if args.damage == "none" else random_damage(rng, args.damage, paper)
    return Scene(
        paper=paper,
        layout=args.layout,
        order=args.order,
        time=args.time,
        strips=tuple(args.strips.split(",")) if args.strips else None,
        seconds=args.seconds,
        style=Style(trace_mm=args.pen, grid=GRIDS[args.grid]),
        header=_header(args.header, recording, rng),
        damage=damage,
    )


def _header(kind: str, recording: "Recording", rng: "np.random.Generator") -> "Header | None":
    from gem.image.header import made_wrong
    from gem.infer.header import measured_header

    if kind == "none":
        return None
    header = measured_header(recording)
    return made_wrong(header, rng) if kind == "wrong" else header
