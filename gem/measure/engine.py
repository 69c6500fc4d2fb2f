"""The delineation engines, and a second reading of one by another."""

from collections.abc import Sequence

from gem.ecg.recording import Recording
from gem.errors import ConfigError, NotReadable
from gem.measure.delineation import Delineation
from gem.measure.measurement import Measurement, doubting

ENGINES = ("gem", "neurokit")
_FEWEST_BEATS = 3
_APART_MS = {"p_duration": 10.0, "pr_interval": 10.0, "qrs_duration": 10.0, "qt_interval": 25.0}
_APART_MS |= {f"qtc_{formula}": 25.0 for formula in ("bazett", "fridericia", "framingham", "hodges")}
"""IEC 60601-2-25:2011, table 201.105 (quoted second-hand): the mean difference accepted between instrument and reference."""


def delineate(clean: Recording, spikes_s: Sequence[float], engine: str) -> Delineation:
    """Fiducials of a cleaned recording.

    engine  "gem": the learned delineator, all leads at once; "neurokit": neurokit2's prominence method, lead by lead

    Raises `ConfigError` for another engine and `NotReadable` when fewer than three beats are found.
    """
    if engine == "gem":
        from gem.measure.decode import decode
        from gem.measure.scores import score

        found = decode(score(clean), clean)
    elif engine == "neurokit":
        from gem.measure.delineate import delineate_neurokit

        found = delineate_neurokit(clean, spikes_s)
    else:
        raise ConfigError(f"there is no engine {engine!r}; choose one of {', '.join(ENGINES)}")
    if len(found.beat_s) < _FEWEST_BEATS:
        raise NotReadable(f"{clean.source}: only {len(found.beat_s)} heart beats found; at least {_FEWEST_BEATS} are needed to measure")
    return found


def doubted(first: dict[str, Measurement], second: dict[str, Measurement], other: str) -> dict[str, Measurement]:
    """The intervals of `first` with a doubt where the engine `other` measured something else by more than the tolerance."""
    out = {}
    for name, apart_ms in _APART_MS.items():
        a, b = first[name], second[name]
        if a.value is None or b.value is None or abs(a.value - b.value) <= apart_ms:
            continue
        out[name] = doubting(a, f"{other} reads {b.value:.0f} ms")
    return out
