"""What the recording device said, beside what was measured here. It is shown, never written into a report and never verified."""

from collections.abc import Iterator
from html import escape

from gem.ecg.device import OURS, UNITS, DeviceSaid
from gem.measure.measurement import Measurements

TITLE = "Device said (from the file; not part of the report, not verified)"


def beside(said: DeviceSaid, m: Measurements) -> Iterator[tuple[str, str, str]]:
    """(quantity, the device's value, ours) for everything that the device measured."""
    for name, value in said.measurements.items():
        ours = m.get(OURS.get(name, name))
        shown = f"{ours.value:.0f} {ours.unit}" if ours.value is not None else f"absent: {ours.absent}"
        yield name.replace("_", " "), f"{value:.0f} {UNITS[name]}", shown


def device_text(said: DeviceSaid, m: Measurements) -> str:
    """Plain text for the end of a report, "" when the file holds nothing of the kind."""
    if not said:
        return ""
    lines = [f"{TITLE}: {said.device or 'device not named'}"]
    lines += [f"  {name:<16} {theirs:<9} here {ours}" for name, theirs, ours in beside(said, m)]
    return "\n".join([*lines, *(f"  | {line}" for line in said.statements)])


def device_html(said: DeviceSaid, m: Measurements) -> str:
    """The same as a closed section of the page; every text is escaped."""
    if not said:
        return ""
    cells = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(theirs)}</td><td>{escape(ours)}</td></tr>" for name, theirs, ours in beside(said, m)
    )
    said_lines = "".join(f"<li>{escape(line)}</li>" for line in said.statements)
    table = f"<table><tr><th></th><th>{escape(said.device or 'device')}</th><th>measured here</th></tr>{cells}</table>" if cells else ""
    return f"<details><summary>{escape(TITLE)}</summary>{table}<ul>{said_lines}</ul></details>"
