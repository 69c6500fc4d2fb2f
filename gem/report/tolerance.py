"""How far a number in a text may lie from the measured one and still be supported: one table.

Intervals: the mean differences that IEC 60601-2-25:2011, table 201.105, accepts between an instrument and the
reference (quoted second-hand; P 10, PQ 10, QRS 10, QT 25 ms); seven commercial carts differ among themselves by
4.7 (PR), 5.8 (QRS) and 12.4 ms (QT). Amplitudes: IEC 60601-2-51 accepts 25 uV, or 5 % above 0.5 mV; a reader with
a ruler does no better than a third of a small square. Rates and axes: our choice, below what changes a statement.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tolerance:
    """The larger of `absolute` (in the measurement's unit) and `share` of the measured value."""

    absolute: float
    share: float = 0.0

    def width(self, measured: float) -> float:
        return max(self.absolute, self.share * abs(measured))


TOLERANCES = {
    "heart_rate": Tolerance(3.0, 0.03),
    "rr_interval": Tolerance(20.0, 0.03),
    "longest_rr": Tolerance(50.0, 0.03),
    "pr_interval": Tolerance(10.0),
    "p_duration": Tolerance(10.0),
    "qrs_duration": Tolerance(10.0),
    "qrs_lead_median": Tolerance(10.0),
    "qt_interval": Tolerance(25.0),
    "qtc_bazett": Tolerance(25.0),
    "qtc_fridericia": Tolerance(25.0),
    "qtc_framingham": Tolerance(25.0),
    "qtc_hodges": Tolerance(25.0),
    "q_duration": Tolerance(8.0),
    "r_duration": Tolerance(10.0),
    "s_duration": Tolerance(10.0),
    "r_prime_duration": Tolerance(10.0),
    "t_duration": Tolerance(25.0),
    "r_peak_time": Tolerance(8.0),
    "qrs_axis": Tolerance(10.0),
    "p_axis": Tolerance(15.0),
    "t_axis": Tolerance(15.0),
    "st_j": Tolerance(0.025, 0.1),
    "st_j60": Tolerance(0.025, 0.1),
    "p_terminal_force": Tolerance(0.8, 0.15),
    "delta_time": Tolerance(8.0),
}
"""By name of the measurement."""

AMPLITUDE = Tolerance(0.03, 0.08)
"""For every amplitude and voltage in mV that has no line of its own."""


def tolerance_of(name: str) -> Tolerance:
    return TOLERANCES.get(name, AMPLITUDE)
