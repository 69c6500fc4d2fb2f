"""Fiducials per lead and beat: what every delineation engine returns."""

from dataclasses import dataclass, field, replace

import numpy as np

FIDUCIALS = ("p_on", "p_peak", "p_off", "qrs_on", "q_peak", "r_peak", "s_peak", "qrs_off", "t_on", "t_peak", "t_off")
_SURE = 0.8
"""Median score of a wave's samples below which it is called uncertain; 1 % of PTB-XL's records lie below .88 (T .91)."""
_AT = {name: k for k, name in enumerate(FIDUCIALS)}


@dataclass(frozen=True, eq=False)
class Delineation:
    """Where the waves begin, peak and end.

    leads   L lead names, the usable ones of the recording
    beat_s  [B] the middle of each QRS complex, s from the first sample, ascending
    times   [L, B, 11] fiducials in the order of `FIDUCIALS`, s; NaN = absent
    engine  who found them
    loose_p [N, 2] first and last edge of P waves that no QRS follows, s
    sure    [B, 3] how sure the engine is of P, QRS and T of each beat, 0-1; NaN where it does not say
    blur_s  [B, 6] how far readers would differ (standard deviation, s) on first and last edge of P, QRS, T; NaN where it does not say
    """

    leads: tuple[str, ...]
    beat_s: np.ndarray
    times: np.ndarray
    engine: str
    loose_p: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    sure: np.ndarray = field(default_factory=lambda: np.empty((0, 3)))
    blur_s: np.ndarray = field(default_factory=lambda: np.empty((0, 6)))

    def __post_init__(self) -> None:
        for name, columns in (("sure", 3), ("blur_s", 6)):
            if not len(getattr(self, name)):
                object.__setattr__(self, name, np.full((len(self.beat_s), columns), np.nan))
        expected = (len(self.leads), len(self.beat_s), len(FIDUCIALS))
        if self.times.shape != expected:
            raise ValueError(f"times have shape {self.times.shape}, but {expected} is needed")

    def at(self, name: str) -> np.ndarray:
        """[L, B] times of one fiducial, s."""
        out: np.ndarray = self.times[:, :, _AT[name]]
        return out

    def unsure(self) -> list[str]:
        """Waves that the engine itself doubts, in words: the median over beats of its score."""
        out = []
        for wave, scores in (("QRS complexes", self.sure[:, 1]), ("T waves", self.sure[:, 2])):
            known = scores[np.isfinite(scores)]
            if len(known) and (score := float(np.median(known))) < _SURE:
                out.append(f"{wave} are uncertain (score {score:.2f})")
        return out

    def without_p(self) -> "Delineation":
        """The same without any P wave."""
        times = self.times.copy()
        times[:, :, :3] = np.nan
        return replace(self, times=times, loose_p=np.empty((0, 2)))


def ordered(times: np.ndarray) -> np.ndarray:
    """Fiducials [..., 11] with every wave that breaks the order of a heart beat removed.

    p_on < p_peak < p_off <= qrs_on < qrs_off <= t_on < t_peak < t_off; a peak outside its
    wave's edges goes, a wave without both edges in order goes.
    """
    out: np.ndarray = np.array(times, dtype=np.float64)
    p_on, p_peak, p_off, qrs_on, _, _, _, qrs_off, t_on, t_peak, t_off = np.moveaxis(out, -1, 0)
    with np.errstate(invalid="ignore"):
        out[..., 3:8][~(qrs_on < qrs_off)] = np.nan
        late = p_off > qrs_on
        out[..., 2][late & (p_peak < qrs_on)] = qrs_on[late & (p_peak < qrs_on)]
        bad_p = ~((p_on < p_peak) & (p_peak < out[..., 2]) & ~(p_peak >= qrs_on))
        out[..., 0:3][bad_p] = np.nan
        early = t_on < qrs_off
        out[..., 8][early] = qrs_off[early]
        bad_t = ~((out[..., 8] <= t_peak) & (t_peak < t_off) & ~(t_peak <= qrs_off))
        out[..., 8:11][bad_t] = np.nan
        for k in (4, 5, 6):
            outside = (out[..., k] < out[..., 3]) | (out[..., k] > out[..., 7])
            out[..., k][outside] = np.nan
    return out
