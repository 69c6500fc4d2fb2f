"""What the device that recorded an ECG printed: its own measurements and statements.

Kept apart from everything we measure and write. It is shown as what the device said, beside ours; nothing below
the page and the command line reads it, and no prompt holds it (`tests/house/test_layers.py`). The text comes from
the file and may say anything: it is cleaned here, once, and escaped where it is shown.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

MOST_STATEMENTS = 100
LONGEST_TEXT = 300

UNITS = {
    "heart_rate": "bpm", "atrial_rate": "bpm", "rr_interval": "ms", "p_duration": "ms", "pr_interval": "ms", "qrs_duration": "ms",
    "qt_interval": "ms", "qtc": "ms", "qtc_bazett": "ms", "qtc_fridericia": "ms", "qtc_framingham": "ms", "qtc_hodges": "ms",
    "p_axis": "deg", "qrs_axis": "deg", "t_axis": "deg",
}  # fmt: skip
"""What a device may have measured, named as our own measurements are; `qtc` is one whose formula the file does not name."""

_LARGEST = {"bpm": 1000.0, "ms": 10_000.0, "deg": 360.0}

OURS = {"qrs_duration": "qrs_lead_median", "qtc": "qtc_bazett"}
"""Which measurement of ours stands beside the device's where the names differ: carts print the QRS duration that our
reports call so (the median over leads), and Bazett's QTc unless they name another."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]+")


def cleaned(text: str, longest: int = LONGEST_TEXT) -> str:
    """`text` on one line: control, bidirectional and other invisible characters out, blanks joined, at most `longest` long."""
    line = " ".join(_CONTROL.sub(" ", text[: 4 * longest]).split())
    return line if len(line) <= longest else f"{line[: longest - 3]}..."


@dataclass(frozen=True)
class DeviceSaid:
    """device        maker and model, or ""
    measurements  name of `UNITS` -> value in its unit
    statements    what the device (or whoever confirmed its print) wrote, one line each
    """

    device: str = ""
    measurements: Mapping[str, float] = field(default_factory=dict)
    statements: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.measurements or self.statements)

    def to_json(self) -> dict[str, object]:
        """The object `device_said` of `gem look --json`."""
        values = {name: {"value": value, "unit": UNITS[name]} for name, value in self.measurements.items()}
        return {"device": self.device or None, "measurements": values, "statements": list(self.statements)}


def device_said(device: str = "", measurements: Mapping[str, object] | None = None, statements: Iterable[str | None] = ()) -> DeviceSaid:
    """What a file holds of a device's own reading, cleaned: numbers that can be none are left out, empty lines too.

    device        free text
    measurements  name of `UNITS` -> number, text of a number, or anything else (left out); 0 is "not measured" except for an axis
    statements    free text
    """
    values: dict[str, float] = {}
    for name, given in (measurements or {}).items():
        value = _number(given)
        if value is None or abs(value) > _LARGEST[UNITS[name]] or (UNITS[name] != "deg" and value <= 0):
            continue
        values[name] = value
    lines = [line for line in (cleaned(text or "") for text in statements) if line]
    return DeviceSaid(cleaned(device), values, tuple(lines[:MOST_STATEMENTS]))


def _number(given: object) -> float | None:
    try:
        value = float(str(given).strip())
    except ValueError:
        return None
    return value if math.isfinite(value) else None
