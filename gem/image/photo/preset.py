"""Kinds of pictures that ECGs come as: each a recipe from which a seed draws every parameter.

scan    a flatbed's scan: almost straight, even light, JPEG
copy    a photocopy: grey, hard, dusty, faded in places
fax     black and white
photo   a telephone's picture of a sheet on a table
worn    the same of a sheet that was folded, crumpled, stained and written on
screen  a telephone's picture of a monitor
"""

from typing import Literal

import numpy as np

from gem.errors import ConfigError
from gem.image.grid import Colour
from gem.image.paper import Paper
from gem.image.photo.light import Light, Shadow, Stain
from gem.image.photo.mark import Mark
from gem.image.photo.picture import Damage, Table
from gem.image.photo.sensor import Moire, Sensor
from gem.image.photo.sheet import Bend, Crumple, Curl, Fold, Sheet, Wave
from gem.image.photo.warp import Camera

KINDS = ("scan", "copy", "fax", "photo", "worn", "screen")

_PENS: tuple[Colour, ...] = ((28, 44, 130), (20, 20, 30), (170, 30, 36), (24, 90, 60))
_STAMPS = ("SEEN", "COPY", "RECEIVED", "CARDIOLOGY", "FILED", "DUPLICATE", "ARCHIVE 4", "NOT FOR DIAGNOSIS")
_NOTES = (
    "Dr. Abel",
    "pls compare",
    "seen 14:20",
    "pt. resting",
    "repeat?",
    "old ECG",
    "rm 12",
    "s.o.",
    "K. 3/7",
    "ok",
    "??",
    "bed 4",
    "call me",
)
_PRINTS = ("Comparison not available", "Unconfirmed", "*** page 2 of 4 ***", "Filter 40 Hz  50 Hz", "Device 0042  SW 3.1", "COPY")
_TABLES = (
    Table(colour=(126, 92, 62), kind="wood", grain=0.2),
    Table(colour=(172, 138, 100), kind="wood", grain=0.14),
    Table(colour=(84, 60, 44), kind="wood", grain=0.24),
    Table(colour=(70, 74, 82), kind="cloth", grain=0.3),
    Table(colour=(150, 160, 168), kind="cloth", grain=0.12),
    Table(colour=(206, 206, 202), kind="cloth", grain=0.08),
    Table(colour=(44, 66, 98), kind="cloth", grain=0.35),
)


def random_damage(rng: np.random.Generator, kind: str, paper: Paper) -> Damage:
    """Parameters of one picture. Raises `ConfigError` for a kind that is not known."""
    if kind not in KINDS:
        raise ConfigError(f"a damage of the kind {kind!r}: choose {', '.join(KINDS)}")
    made = {"scan": _scan, "copy": _copy, "fax": _fax, "photo": _photo, "worn": _worn, "screen": _screen}[kind](rng, paper)
    return made.model_copy(update={"kind": kind, "seed": int(rng.integers(2**32))})


def _u(rng: np.random.Generator, low: float, high: float) -> float:
    return round(float(rng.uniform(low, high)), 4)


def _odds(rng: np.random.Generator, share: float) -> bool:
    return bool(rng.random() < share)


def _shift(rng: np.random.Generator, much: float) -> tuple[float, float]:
    return _u(rng, -much, much), _u(rng, -much, much)


def _scan(rng: np.random.Generator, paper: Paper) -> Damage:
    camera = Camera(
        roll=_u(rng, -1.5, 1.5), distance_mm=1e5, fill=_u(rng, 0.985, 1.02), shift=(_u(rng, -0.008, 0.008), _u(rng, -0.008, 0.008))
    )
    sensor = Sensor(
        blur_px=_u(rng, 0.3, 0.6), noise=_u(rng, 1, 3), gamma=_u(rng, 0.85, 1.15), contrast=_u(rng, 0.95, 1.15),
        streaks=_u(rng, 0, 1.0), jpeg=int(rng.integers(55, 95)), grey=_odds(rng, 0.2),
    )  # fmt: skip
    tint = _tint(rng, 0.02)
    return Damage(
        kind="scan", seed=0, fade=_u(rng, 0, 0.25), paper=_aged(rng, 0.5), marks=_marks(rng, paper, 0.8), camera=camera,
        table=Table(colour=(236, 236, 234)), light=Light(tint=tint, slope=(_u(rng, -0.05, 0.05), 0.0), rim=0.25, relief=(0.15, 0.1)),
        sheet=_folded(rng, paper, 0.02) if _odds(rng, 0.3) else Sheet(), sensor=sensor,
    )  # fmt: skip


def _copy(rng: np.random.Generator, paper: Paper) -> Damage:
    camera = Camera(roll=_u(rng, -2.5, 2.5), distance_mm=1e5, fill=_u(rng, 0.96, 1.03), shift=_shift(rng, 0.01))
    edge = Shadow(kind="edge", x=float(rng.integers(2)), y=0.5, angle_deg=0.0, soft=0.12, depth=_u(rng, 0, 0.3))
    sensor = Sensor(
        grey=True, blur_px=_u(rng, 0.5, 0.9), noise=_u(rng, 3, 8), gamma=_u(rng, 0.9, 1.4), contrast=_u(rng, 1.1, 1.6),
        dust=_u(rng, 0.1, 1.5), streaks=_u(rng, 0.5, 3), jpeg=int(rng.integers(50, 90)),
    )  # fmt: skip
    light = Light(tint=(0.97, 0.97, 0.97), slope=(_u(rng, -0.1, 0.1), _u(rng, -0.1, 0.1)), shadows=(_turned_edge(edge, rng),), rim=0.5)
    return Damage(
        kind="copy", seed=0, fade=_u(rng, 0.0, 0.35), marks=_marks(rng, paper, 1.2), camera=camera, table=Table(colour=(225, 225, 225)),
        light=light, sensor=sensor,
    )  # fmt: skip


def _fax(rng: np.random.Generator, paper: Paper) -> Damage:
    made = _copy(rng, paper)
    shrink, threshold = _u(rng, 0.8, 1.0), int(rng.integers(165, 205))
    sensor = Sensor(blur_px=_u(rng, 0.3, 0.5), shrink=shrink, noise=_u(rng, 2, 8), dust=_u(rng, 0.1, 1.0), threshold=threshold)
    light = Light(slope=made.light.slope, rim=0.3)
    return made.model_copy(update={"fade": _u(rng, 0, 0.2), "sensor": sensor, "light": light})


def _photo(rng: np.random.Generator, paper: Paper) -> Damage:
    return Damage(
        kind="photo", seed=0, fade=_u(rng, 0, 0.3), paper=_aged(rng, 0.4), marks=_marks(rng, paper, 0.7), sheet=_curved(rng, paper),
        camera=_hand(rng), table=_TABLES[rng.integers(len(_TABLES))], light=_lamps(rng, paper, stains=0.3), sensor=_telephone(rng),
    )  # fmt: skip


def _worn(rng: np.random.Generator, paper: Paper) -> Damage:
    made = _photo(rng, paper)
    folded = _folded(rng, paper, 0.09)
    crumple = _crumple(rng, paper) if _odds(rng, 0.6) else None
    sheet = Sheet(bends=(*made.sheet.bends[:1], *folded.bends), crumple=crumple)
    lines = tuple(_fold_line(rng, fold, paper) for fold in folded.bends if isinstance(fold, Fold) and _odds(rng, 0.7))
    marks = (*lines, *_marks(rng, paper, 2.0))
    light = _lamps(rng, paper, stains=2.5).model_copy(update={"relief": _towards(rng, 1.0, 2.4)})
    return made.model_copy(update={"sheet": sheet, "marks": marks, "light": light, "paper": _aged(rng, 1.0)})


def _screen(rng: np.random.Generator, paper: Paper) -> Damage:
    camera = _hand(rng).model_copy(update={"fill": _u(rng, 0.9, 1.02)})
    glare = Shadow(
        kind="blob", x=_u(rng, 0.1, 0.9), y=_u(rng, 0.05, 0.5), size=(_u(rng, 0.1, 0.3), _u(rng, 0.06, 0.2)), soft=0.15, depth=-0.15
    )
    moire = Moire(period_px=_u(rng, 4, 14), angle_deg=_u(rng, 0, 180), depth=_u(rng, 0.04, 0.14))
    light = Light(tint=(_u(rng, 0.84, 0.92), _u(rng, 0.9, 0.96), 1.0), vignette=_u(rng, 0.1, 0.4), shadows=(glare,))
    sensor = _telephone(rng).model_copy(update={"moire": moire, "gamma": _u(rng, 1.0, 1.3)})
    return Damage(kind="screen", seed=0, camera=camera, table=Table(colour=(22, 22, 25)), light=light, sensor=sensor)


def _hand(rng: np.random.Generator) -> Camera:
    """A telephone held over a table; now and then so near that an edge of the page is cut off."""
    near = _odds(rng, 0.12)
    return Camera(
        roll=_u(rng, -5, 5), tilt=_u(rng, -16, 16), pan=_u(rng, -12, 12), distance_mm=_u(rng, 320, 600), barrel=_u(rng, -0.025, 0.025),
        fill=_u(rng, 1.06, 1.25) if near else _u(rng, 0.9, 1.04), shift=_shift(rng, 0.08 if near else 0.015),
    )  # fmt: skip


def _telephone(rng: np.random.Generator) -> Sensor:
    shaken = _odds(rng, 0.2)
    return Sensor(
        blur_px=_u(rng, 0.35, 0.9), motion_px=_u(rng, 1.5, 3.5) if shaken else 0.0, motion_deg=_u(rng, 0, 180),
        shrink=_u(rng, 0.5, 0.8) if _odds(rng, 0.15) else 1.0, noise=_u(rng, 1.5, 7), colour=_u(rng, 0.1, 0.4), gamma=_u(rng, 0.85, 1.2),
        contrast=_u(rng, 0.9, 1.15), jpeg=int(rng.integers(40, 92)),
    )  # fmt: skip


def _tint(rng: np.random.Generator, much: float) -> tuple[float, float, float]:
    return _u(rng, 1 - much, 1 + much), 1.0, _u(rng, 1 - 2 * much, 1 + much)


def _aged(rng: np.random.Generator, share: float) -> tuple[float, float, float]:
    """White paper or, as often as `share` says, yellowed."""
    age = _u(rng, 0.02, 0.2) if _odds(rng, share) else 0.0
    return 1 - 0.1 * age, 1 - 0.35 * age, 1 - age


def _lamps(rng: np.random.Generator, paper: Paper, stains: float) -> Light:
    """Light of a room; `stains` are how many to expect on the page."""
    warm = _u(rng, -0.04, 0.12)
    bright = _u(rng, 0.72, 0.98)
    shadows = []
    for _ in range(int(rng.choice(3, p=(0.35, 0.45, 0.2)))):
        kind: Literal["edge", "blob"] = "edge" if _odds(rng, 0.5) else "blob"
        x, y, angle, soft, depth = (_u(rng, *span) for span in ((0, 1), (0, 1), (0, 360), (0.05, 0.3), (0.12, 0.4)))
        size = (_u(rng, 0.15, 0.6), _u(rng, 0.1, 0.35))
        shadows.append(Shadow(kind=kind, x=x, y=y, angle_deg=angle, size=size, soft=soft, depth=depth))
    return Light(
        tint=(bright * (1 + warm / 2), bright, bright * (1 - warm)), slope=(_u(rng, -0.35, 0.35), _u(rng, -0.3, 0.3)),
        vignette=_u(rng, 0, 0.3), relief=_towards(rng, 0.4, 1.4), rim=_u(rng, 0.2, 0.6), shadows=tuple(shadows),
        stains=tuple(_stain(rng, paper) for _ in range(rng.poisson(stains))),
    )  # fmt: skip


def _stain(rng: np.random.Generator, paper: Paper) -> Stain:
    coffee = _odds(rng, 0.6)
    strength = _u(rng, 0.1, 0.35)
    gains = (1 - 0.45 * strength, 1 - 0.8 * strength, 1 - 1.5 * strength) if coffee else (1 - 0.15 * strength,) * 2 + (1 - 0.1 * strength,)
    lobes = tuple((_u(rng, 0, 0.12) / (k + 1), _u(rng, 0, 6.28)) for k in range(5))
    return Stain(
        x_mm=_u(rng, 0, paper.width_mm),
        y_mm=_u(rng, 0, paper.height_mm),
        radius_mm=_u(rng, 4, 38),
        gains=gains,
        rim=_u(rng, 0.2, 1.0),
        lobes=lobes,
    )


def _towards(rng: np.random.Generator, low: float, high: float) -> tuple[float, float]:
    a, much = rng.uniform(0, 2 * np.pi), rng.uniform(low, high)
    return round(float(much * np.cos(a)), 4), round(float(much * np.sin(a)), 4)


def _turned_edge(edge: Shadow, rng: np.random.Generator) -> Shadow:
    """The dark side of a lid that did not close lies outside."""
    return edge.model_copy(update={"angle_deg": 180.0 if edge.x == 0 else 0.0, "y": _u(rng, 0, 1)})


def _curved(rng: np.random.Generator, paper: Paper) -> Sheet:
    """Waves and a curled edge."""
    bends: list[Bend] = [
        Wave(angle_deg=_u(rng, 0, 180), height_mm=_u(rng, 0.3, 2.2), length_mm=_u(rng, 110, 320), phase=_u(rng, 0, 6.28))
        for _ in range(int(rng.integers(1, 3)))
    ]
    if _odds(rng, 0.5):
        bends.append(Curl(angle_deg=_u(rng, 0, 360), from_mm=_u(rng, 40, 100), radius_mm=_u(rng, 130, 320), steepest=0.45))
    return Sheet(bends=tuple(bends))


def _folded(rng: np.random.Generator, paper: Paper, steep: float) -> Sheet:
    """Folds across and along the middle, as a letter has, or one askew."""
    folds: list[Bend] = []
    ways = [(0.0, 0.0), (90.0, 0.0), (0.0, paper.width_mm / 6), (0.0, -paper.width_mm / 6), (_u(rng, 0, 180), _u(rng, -60, 60))]
    for k in rng.choice(len(ways), size=int(rng.integers(1, 4)), replace=False):
        angle, at = ways[k]
        slope = _u(rng, 0.3 * steep, steep) * (1 if _odds(rng, 0.5) else -1)
        folds.append(Fold(angle_deg=angle + _u(rng, -1.5, 1.5), at_mm=at + _u(rng, -4, 4), slope=slope, soft_mm=_u(rng, 0.8, 2.0)))
    return Sheet(bends=tuple(folds))


def _crumple(rng: np.random.Generator, paper: Paper) -> Crumple:
    """Facets 15 to 40 mm wide: planes that touch a wide bowl at random points, one set of ridges, one of valleys."""
    bowl = _u(rng, 900, 2200)
    planes = []
    for _ in range(2 * int(rng.integers(30, 60))):
        x, y = rng.uniform(-0.55, 0.55, 2) * (paper.width_mm, paper.height_mm)
        planes.append((round(x / bowl, 5), round(y / bowl, 5), round(float(-(x * x + y * y) / (2 * bowl)), 4)))
    return Crumple(planes=tuple(planes))


def _fold_line(rng: np.random.Generator, fold: Fold, paper: Paper) -> Mark:
    """Where ink broke off along a fold."""
    a = np.radians(fold.angle_deg)
    way, across = np.array([np.cos(a), np.sin(a)]), np.array([-np.sin(a), np.cos(a)])
    along = np.linspace(-200, 200, 60)
    points = np.array([paper.width_mm, paper.height_mm]) / 2 + way * fold.at_mm + along[:, None] * across + rng.normal(0, 0.12, (60, 2))
    line = tuple((round(float(x), 2), round(float(y), 2)) for x, y in points)
    return Mark(kind="pen", points_mm=line, size_mm=_u(rng, 0.4, 0.8), lift=True, strength=_u(rng, 0.4, 0.8), uneven=1.0)


def _marks(rng: np.random.Generator, paper: Paper, expected: float) -> tuple[Mark, ...]:
    """Handwriting, rings, stamps and print over print, about as many as expected."""
    makers = (_note, _note, _ring, _arrow, _stamp, _overprint)
    return tuple(makers[rng.integers(len(makers))](rng, paper) for _ in range(rng.poisson(expected)))


def _place(rng: np.random.Generator, paper: Paper) -> tuple[float, float]:
    return round(_u(rng, 0.1, 0.9) * paper.width_mm, 2), round(_u(rng, 0.06, 0.94) * paper.height_mm, 2)


def _note(rng: np.random.Generator, paper: Paper) -> Mark:
    font, text, (x, y) = str(rng.choice(("hand", "scrawl"))), str(rng.choice(_NOTES)), _place(rng, paper)
    return Mark(
        kind="text", text=text, font=font, size_mm=_u(rng, 6, 13), angle_deg=_u(rng, -18, 18), colour=_PENS[rng.integers(4)],
        strength=_u(rng, 0.6, 0.9), uneven=0.2, x_mm=x, y_mm=y,
    )  # fmt: skip


def _stamp(rng: np.random.Generator, paper: Paper) -> Mark:
    colour: Colour = ((160, 30, 50), (40, 50, 140), (60, 30, 110))[rng.integers(3)]
    x, y = _place(rng, paper)
    return Mark(
        kind="stamp", text=str(rng.choice(_STAMPS)), font="bold", size_mm=_u(rng, 5, 10), angle_deg=_u(rng, -25, 25), colour=colour,
        strength=_u(rng, 0.35, 0.75), uneven=_u(rng, 0.4, 0.9), x_mm=x, y_mm=y,
    )  # fmt: skip


def _overprint(rng: np.random.Generator, paper: Paper) -> Mark:
    text, font, (x, y) = str(rng.choice(_PRINTS)), str(rng.choice(("sans", "mono"))), _place(rng, paper)
    return Mark(kind="text", text=text, font=font, size_mm=_u(rng, 3, 5), colour=(30, 30, 34), strength=0.9, x_mm=x, y_mm=y)


def _ring(rng: np.random.Generator, paper: Paper) -> Mark:
    middle = _place(rng, paper)
    turn = np.linspace(0, 2 * np.pi * _u(rng, 1.0, 1.2), 40) + rng.uniform(0, 6)
    wobble = 1 + 0.06 * np.sin(2 * turn + rng.uniform(0, 6)) + 0.015 * turn
    x = middle[0] + _u(rng, 6, 16) * wobble * np.cos(turn)
    y = middle[1] + _u(rng, 5, 12) * wobble * np.sin(turn)
    return _pen(rng, x, y)


def _arrow(rng: np.random.Generator, paper: Paper) -> Mark:
    tip, a, reach = np.array(_place(rng, paper)), rng.uniform(0, 2 * np.pi), rng.uniform(8, 25)
    points = [tip - reach * np.array([np.cos(a), np.sin(a)]), tip]
    for side in (0.5, -0.5):
        points += [tip - 3.5 * np.array([np.cos(a + side), np.sin(a + side)]), tip]
    drawn = np.array(points) + rng.normal(0, 0.25, (len(points), 2))
    return _pen(rng, drawn[:, 0], drawn[:, 1])


def _pen(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> Mark:
    line = tuple((round(float(a), 2), round(float(b), 2)) for a, b in zip(x, y, strict=True))
    return Mark(
        kind="pen", points_mm=line, size_mm=_u(rng, 0.35, 0.8), colour=_PENS[rng.integers(4)], strength=_u(rng, 0.6, 0.9), uneven=0.2
    )
