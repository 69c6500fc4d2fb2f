"""The frontal axis: the oracle is Einthoven's triangle."""

from math import cos, radians, sin, sqrt

import pytest

from gem.measure.axis import frontal_axis


def leads_of(angle_deg: float, length_mv: float = 1.0) -> tuple[float, float]:
    """What Einthoven's triangle shows in I and aVF for a known vector."""
    x, y = cos(radians(angle_deg)), sin(radians(angle_deg))
    lead_i, lead_ii = x, x / 2 + sqrt(3) / 2 * y
    lead_iii = lead_ii - lead_i
    return length_mv * lead_i, length_mv * (lead_ii + lead_iii) / 2


@pytest.mark.parametrize("wave", ["P", "QRS", "T"])
@pytest.mark.parametrize("angle", range(-150, 181, 30))
def test_a_known_vector_reads_back_its_own_angle(wave: str, angle: int) -> None:
    assert frontal_axis(wave, *leads_of(angle)).value == pytest.approx(angle)


def test_gain_does_not_move_the_axis() -> None:
    assert frontal_axis("QRS", *leads_of(47, 0.3)).value == pytest.approx(frontal_axis("QRS", *leads_of(47, 3)).value)


def test_a_flat_qrs_has_no_axis_and_says_why() -> None:
    assert frontal_axis("QRS", 0.01, 0.01).absent == "net QRS is 0.02 mV in I and aVF, below 0.05 mV"


def test_a_lead_that_was_not_measured_gives_no_axis() -> None:
    assert frontal_axis("T", float("inf"), 0.3).absent == "no T deflection measured in I and aVF"
