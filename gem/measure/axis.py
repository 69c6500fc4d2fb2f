"""Mean frontal axes of P, QRS and T.

Source: Surawicz et al. 2009, AHA/ACCF/HRS recommendations, part III: the normal adult QRS axis lies
between -30 and +90 degrees.
"""

from math import atan2, degrees, hypot, sqrt

from gem.measure.measurement import Measurement

FLOOR_MV = {"P": 0.03, "QRS": 0.05, "T": 0.05}
"""Below this length (half a small square for QRS and T) the direction is noise."""


def frontal_axis(wave: str, in_i: float, in_avf: float) -> Measurement:
    """Direction of a mean vector in the frontal plane.

    wave            "P", "QRS" or "T"
    in_i, in_avf    net deflection in I and aVF, mV (QRS: R minus the deeper of Q and S)

    Degrees in (-180, 180], 0 toward the left arm, +90 toward the feet. Absent
    when the vector is shorter than `FLOOR_MV` or one of the leads was not measured.

    aVF is half the sum of II and III, so it shows only sqrt(3)/2 of the vertical
    component and is scaled back first. Without that, 60 degrees would read 56.
    """
    name = f"{wave.lower()}_axis"
    if not (abs(in_i) < float("inf") and abs(in_avf) < float("inf")):
        return Measurement(name, "deg", absent=f"no {wave} deflection measured in I and aVF")
    vertical = 2 / sqrt(3) * in_avf
    length = hypot(in_i, vertical)
    if length < FLOOR_MV[wave]:
        return Measurement(name, "deg", absent=f"net {wave} is {length:.2f} mV in I and aVF, below {FLOOR_MV[wave]} mV")
    return Measurement(name, "deg", value=degrees(atan2(vertical, in_i)), method="I/aVF")
