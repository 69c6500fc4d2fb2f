"""One acquisition: the value every other part receives.

It checks itself once, so that nobody downstream has to; it is frozen, and a step that
changes the signal returns a new one with one more line of history.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gem.ecg.device import DeviceSaid
from gem.ecg.lead import STANDARD, canonical, derive_limb, in_order
from gem.errors import RecordingError

SEXES = ("female", "male")


@dataclass(frozen=True, eq=False)
class Recording:
    """signal [L, T] float32 mV (NaN = not recorded), one row a lead.

    fs           Hz
    leads        L names, none twice; `canonical` spelling
    source       the file (or simulation) it came from, as the user named it
    history      what was done to the signal, oldest first
    age          years, or None when not known
    sex          "female", "male", or None when not known
    start_s      where this stretch begins in the file, s
    total_s      length of the whole file, s
    device_said  what the recording device itself measured and stated; shown apart, never mixed with ours

    Raises `RecordingError` when shapes disagree, a lead is doubled, the rate is not
    positive, the signal is empty, or sex or age are out of their range.
    """

    signal: np.ndarray
    fs: float
    leads: tuple[str, ...]
    source: str
    history: tuple[str, ...] = ()
    age: float | None = None
    sex: str | None = None
    start_s: float = 0.0
    total_s: float = field(default=0.0)
    device_said: DeviceSaid = field(default_factory=DeviceSaid)

    def __post_init__(self) -> None:
        with np.errstate(over="ignore"):
            signal = np.array(self.signal, dtype=np.float32, order="C")
        leads = tuple(self.leads)
        if signal.ndim != 2 or signal.shape[0] != len(leads):
            raise RecordingError(f"{self.source}: {len(leads)} lead names for a signal of shape {signal.shape}; one row a lead is needed")
        if signal.size == 0:
            raise RecordingError(f"{self.source}: no samples")
        doubled = sorted({name for name in leads if leads.count(name) > 1})
        if doubled:
            raise RecordingError(f"{self.source}: lead {', '.join(doubled)} is there twice")
        if not (np.isfinite(self.fs) and self.fs > 0):
            raise RecordingError(f"{self.source}: the sampling rate must be positive, but is {self.fs} Hz")
        if self.sex not in (None, *SEXES):
            raise RecordingError(f"{self.source}: sex is one of {', '.join(SEXES)} or unknown, not {self.sex!r}")
        if self.age is not None and not 0 <= self.age <= 130:
            raise RecordingError(f"{self.source}: age {self.age} years is out of 0 to 130")
        signal.setflags(write=False)
        object.__setattr__(self, "signal", signal)
        object.__setattr__(self, "leads", leads)
        object.__setattr__(self, "fs", float(self.fs))
        object.__setattr__(self, "total_s", max(self.total_s, self.start_s + signal.shape[1] / self.fs))

    @property
    def samples(self) -> int:
        return int(self.signal.shape[1])

    @property
    def duration_s(self) -> float:
        return self.samples / self.fs

    @property
    def standard_leads(self) -> tuple[str, ...]:
        """The leads of this recording that belong to the standard twelve."""
        return tuple(name for name in STANDARD if name in self.leads)

    def lead(self, name: str) -> np.ndarray:
        """The [T] signal of one lead, mV. Raises `RecordingError` when it is not there."""
        if name not in self.leads:
            raise RecordingError(
                f"{self.source}: lead {name} is needed but the recording has {', '.join(self.leads)}; "
                "read a 12-lead file, or ask for one of these"
            )
        row: np.ndarray = self.signal[self.leads.index(name)]
        return row

    def after(self, signal: np.ndarray, note: str, **changes: Any) -> "Recording":
        """The same acquisition after one more step, which `note` names in the history."""
        return replace(self, signal=signal, history=(*self.history, note), **changes)

    def only(self, leads: Sequence[str]) -> "Recording":
        """The recording reduced to `leads`, in that order."""
        rows = np.stack([self.lead(name) for name in leads])
        return self.after(rows, f"leads {', '.join(leads)} selected", leads=tuple(leads))

    def standardised(self) -> "Recording":
        """Canonical lead names and order; missing limb leads derived from two that are there.

        A file that lists aVF before aVL (MIMIC-IV-ECG) comes out right because leads go by name.
        """
        names = tuple(canonical(name) for name in self.leads)
        renamed = replace(self, leads=names)
        rows = dict(zip(names, renamed.signal, strict=True))
        derived, pair = derive_limb(rows)
        rows |= derived
        order = [tuple(rows)[k] for k in in_order(tuple(rows))]
        history = self.history
        if pair is not None:
            history = (*history, f"{', '.join(derived)} derived from {pair[0]} and {pair[1]}")
        if order == list(names) and not derived:
            return renamed
        return replace(renamed, signal=np.stack([rows[n] for n in order]), leads=tuple(order), history=history)
