"""Shapes of the QRS complex: which way the heart's dipole points, when.

A table's row is one wall of the heart: begins, top, ends (per cent of the QRS), then x, y, z in mV
of Frank dipole; a last 0 marks what keeps its direction when the mean axis is turned. The sequences
follow the descriptions in Surawicz et al. 2009 (AHA/ACCF/HRS recommendations, part III) and, for
infarcts, Wagner et al. 2009 (part VI); sizes were fitted by eye. They are parameters of a model,
not reference values; that each shape meets its definition is checked on the trace by `finding`.
"""

from dataclasses import replace

import numpy as np

from gem.simulate.spec import SimulationSpec
from gem.simulate.wave import Vectors, vectors

_Rows = tuple[tuple[float, ...], ...]

NORMAL: _Rows = (
    (0, 17, 36, -0.07, -0.02, -0.22),  # septum: right and forward
    (14, 42, 66, 0.98, 0.74, -0.08),  # apex
    (36, 58, 88, 0.38, 0.26, 0.86),  # left wall: backward
    (60, 77, 100, -0.09, -0.04, 0.18),  # base
)
_RBBB: _Rows = (
    (0, 11, 24, -0.12, -0.02, -0.26),
    (9, 27, 44, 0.98, 0.74, -0.08),
    (23, 38, 56, 0.35, 0.26, 0.78),
    (40, 68, 100, -0.50, -0.06, -0.70, 0),  # right ventricle, late: right and forward
)
_RBBB_LAFB: _Rows = (
    (0, 11, 25, -0.14, 0.24, -0.26, 0),
    (10, 35, 52, 0.98, 0.74, -0.06),
    (30, 46, 62, 0.42, 0.36, 0.78),
    (46, 71, 100, -0.50, -0.04, -0.70, 0),
)
_RBBB_INCOMPLETE: _Rows = (
    (0, 14, 30, -0.12, -0.02, -0.26),
    (12, 34, 55, 0.98, 0.74, -0.08),
    (28, 47, 66, 0.35, 0.26, 0.78),
    (41, 73, 100, -0.44, -0.05, -0.56, 0),
)
_LBBB: _Rows = (
    (0, 16, 36, 0.26, 0.10, -0.16),  # right septum first: no q on the left, a small r in V1 or none
    (12, 41, 68, 0.98, 0.42, 1.00),
    (40, 67, 100, 1.06, 0.22, 1.32),
    (44, 52, 61, -0.22, -0.10, 0.00),  # the notch between the two walls
)
_LBBB_INCOMPLETE: _Rows = (
    (0, 20, 40, 0.16, 0.10, -0.18),
    (20, 60, 86, 1.30, 0.60, 0.30),
    (44, 68, 100, 0.50, 0.15, 0.95),
)
_LAFB: _Rows = (
    (0, 15, 34, -0.13, 0.22, -0.24, 0),  # first the lower wall: r in II, III, aVF, q in aVL
    (14, 46, 72, 1.00, 0.85, -0.04),
    (38, 60, 86, 0.45, 0.40, 0.80),
    (66, 83, 100, -0.20, -0.10, 0.14),
)
_LPFB: _Rows = (
    (0, 17, 38, 0.19, -0.24, -0.24, 0),  # first the upper wall: r in I and aVL, q in III and aVF
    (14, 46, 72, 1.00, 0.85, -0.06),
    (38, 60, 86, 0.40, 0.30, 0.80),
    (66, 83, 100, -0.15, -0.10, 0.22),
)
_IVCD: _Rows = (
    (0, 15, 32, -0.16, -0.05, -0.26),
    (14, 38, 62, 0.95, 0.70, 0.06),
    (40, 66, 100, 0.55, 0.40, 0.70),
    (46, 55, 64, -0.16, -0.18, 0.06),
)
_PRE_EXCITATION: _Rows = (
    (0, 34, 54, 0.30, 0.24, -0.30, 0),  # delta wave: slow, before the rest
    (24, 52, 74, 1.00, 0.80, -0.12),
    (46, 66, 86, 0.35, 0.25, 0.70),
    (70, 85, 100, -0.12, -0.10, 0.20),
)
_RVH: _Rows = (
    (0, 17, 36, -0.02, 0.05, -0.28),
    (12, 34, 54, 0.62, 0.34, 0.02),  # what is left of the left wall
    (22, 50, 76, -0.58, 0.62, -0.92),  # right ventricle: right and forward
    (48, 72, 100, -0.62, 0.16, 0.10),
)
PVC_RIGHT: _Rows = (  # from the right outflow tract: like LBBB, axis down
    (0, 24, 52, 0.22, 0.60, 0.12),
    (18, 48, 82, 0.45, 1.30, 1.05),
    (46, 72, 100, 0.22, 0.35, 0.95),
)
PVC_LEFT: _Rows = (  # from the left ventricle: like RBBB, axis up
    (0, 26, 54, 0.15, -0.35, -0.55),
    (18, 46, 80, -0.42, -0.85, -1.00),
    (46, 70, 100, -0.75, -0.55, -0.05),
)
PACED: _Rows = (  # from the apex of the right ventricle: like LBBB, axis up
    (0, 26, 54, 0.20, -0.36, 0.18),
    (18, 48, 80, 0.42, -0.78, 0.80),
    (44, 72, 100, 0.22, -0.52, 0.80),
)
_SHAPES: dict[str, _Rows] = {
    "normal": NORMAL, "rbbb": _RBBB, "rbbb_lafb": _RBBB_LAFB, "rbbb_incomplete": _RBBB_INCOMPLETE, "lbbb": _LBBB, "lafb": _LAFB,
    "lbbb_incomplete": _LBBB_INCOMPLETE, "lpfb": _LPFB, "ivcd": _IVCD, "pre_excitation": _PRE_EXCITATION,
}  # fmt: skip

# The first dipole of an infarct points away from the dead wall and lasts over 30 ms (Thygesen 2018,
# Circulation 138:e618); the second is what remains of the apex. Per cent of a normal QRS.
_OLD_MI: dict[str, tuple[tuple[float, ...], tuple[float, float, float]]] = {
    "old_mi_inferior": ((0, 28, 60, 0.14, -0.66, -0.22), (0.95, 0.50, -0.04)),
    "old_mi_anteroseptal": ((0, 22, 54, 0.26, 0.05, 0.58), (1.00, 0.80, 0.42)),
    "old_mi_anterior": ((0, 27, 62, -0.30, 0.02, 0.60), (0.62, 0.78, 0.26)),
    "old_mi_lateral": ((0, 27, 62, -0.64, 0.12, -0.14), (0.76, 0.80, 0.05)),
}
# Where the mean axis is odd the septum does not turn with it: no Q wave of an infarct, no fascicular block.
_FIRST_LEFT = (0, 17, 36, -0.06, 0.10, -0.23, 0)
_FIRST_ELSE = (0, 17, 38, 0.22, 0.10, -0.20, 0)
_POSTERIOR_R = (22, 48, 84, 0.08, 0.06, -0.52, 0)
"""What a dead back wall leaves: a tall, broad R in V1 to V3 (Wagner 2009, part VI)."""


def own_qrs(spec: SimulationSpec, axis_deg: float | None, rng: np.random.Generator) -> Vectors:
    """The QRS of a beat that came down the AV node (or the accessory pathway), as 0 to 100 per cent of its length.

    axis_deg  where the mean axis will be turned to afterwards
    """
    rows = _RVH if "rvh" in spec.structure else _SHAPES[spec.conduction]
    if rows is NORMAL and axis_deg is not None and not -30 <= axis_deg <= 90:
        rows = (_FIRST_LEFT if -90 <= axis_deg < 0 else _FIRST_ELSE, *NORMAL[1:])
    for kind in spec.ischaemia:
        if kind in _OLD_MI:
            rows = _with_infarct(rows, kind)
    if "stemi_posterior" in spec.ischaemia:
        rows = (*rows, _POSTERIOR_R)
    shape = _in_horizontal_plane(vectors(rows).varied(rng, spec.variety), 9.0 * spec.variety * float(rng.standard_normal()))
    if {"lvh", "lvh_strain"} & set(spec.structure):
        # a thick left ventricle draws the vector to the left and the back
        shape = replace(shape, xyz=shape.xyz * np.array([1.55, 1.05, 1.95]))
    return _notched(shape, rng, spec.variety)


def ectopic_qrs(rows: _Rows, rng: np.random.Generator, variety: float) -> Vectors:
    """A beat that did not use the conduction system: `PVC_RIGHT`, `PVC_LEFT`, `PACED`."""
    return vectors(rows).varied(rng, variety)


def escape_qrs(rng: np.random.Generator, variety: float) -> Vectors:
    return vectors(_LBBB if rng.random() < 0.5 else _RBBB).varied(rng, variety)


def _with_infarct(rows: _Rows, kind: str) -> _Rows:
    first, apex = _OLD_MI[kind]
    scale = rows[0][2] / NORMAL[0][2]
    begin, top, end = (scale * value for value in first[:3])
    old = rows[1]
    return ((begin, top, end, *first[3:], 0.0), (*old[:3], *apex, *old[6:]), *rows[2:])


def _in_horizontal_plane(shape: Vectors, degrees: float) -> Vectors:
    """Turned about the y axis: an earlier or later transition in the chest leads."""
    angle = np.radians(np.clip(degrees, -20, 20))
    x, y, z = shape.xyz.T
    turned = np.stack([np.cos(angle) * x - np.sin(angle) * z, y, np.sin(angle) * x + np.cos(angle) * z], axis=1)
    return replace(shape, xyz=turned)


def _notched(shape: Vectors, rng: np.random.Generator, variety: float) -> Vectors:
    """In some hearts a small notch on the way down, as many normal ECGs have."""
    draw = rng.random(3)
    direction = rng.standard_normal(3)
    if draw[0] > 0.3 * variety:
        return shape
    size = 0.05 + 0.07 * draw[1]
    at = 45 + 25 * draw[2]
    xyz = size * direction / np.linalg.norm(direction)
    return Vectors(
        np.concatenate([shape.times, [[at, at + 7, at + 7, at + 15]]]),
        np.concatenate([shape.xyz, [xyz]]),
        np.concatenate([shape.turns, [True]]),
    )
