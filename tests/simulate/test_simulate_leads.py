"""Projection and electrode reversals against the algebra written out by hand."""

import numpy as np
import pytest

from gem.ecg.lead import STANDARD
from gem.simulate.beat import frontal_axis
from gem.simulate.leads import INDEPENDENT, REVERSALS, TWELVE, project, reversed_leads, trace_matrix, turn_frontal


@pytest.fixture
def true() -> dict[str, np.ndarray]:
    """Twelve leads of random electrode potentials; the right leg is at the left leg's."""
    rng = np.random.default_rng(0)
    ra, la, ll = rng.normal(size=(3, 40))
    chest = rng.normal(size=(6, 40))
    return leads_of(ra, la, ll, chest)


def leads_of(ra: np.ndarray, la: np.ndarray, ll: np.ndarray, chest: np.ndarray) -> dict[str, np.ndarray]:
    one, two = la - ra, ll - ra
    out = {"I": one, "II": two, "III": ll - la, "aVR": ra - (la + ll) / 2, "aVL": la - (ra + ll) / 2, "aVF": ll - (ra + la) / 2}
    return out | {f"V{k + 1}": chest[k] - (ra + la + ll) / 3 for k in range(6)}


def recorded(true: dict[str, np.ndarray], reversal: str) -> dict[str, np.ndarray]:
    rows = trace_matrix(reversal) @ np.stack([true[name] for name in INDEPENDENT])
    return dict(zip(STANDARD, rows, strict=True))


def test_the_twelve_leads_obey_einthoven_and_goldberger() -> None:
    lead = dict(zip(STANDARD, TWELVE @ np.random.default_rng(1).normal(size=(8, 50)), strict=True))
    np.testing.assert_allclose(lead["III"], lead["II"] - lead["I"], atol=1e-12)
    np.testing.assert_allclose(lead["aVR"], -(lead["I"] + lead["II"]) / 2, atol=1e-12)
    np.testing.assert_allclose(lead["aVL"], lead["I"] - lead["II"] / 2, atol=1e-12)
    np.testing.assert_allclose(lead["aVF"], lead["II"] - lead["I"] / 2, atol=1e-12)


BY_HAND = {
    "LA/RA": {"I": ("I", -1), "II": ("III", 1), "III": ("II", 1), "aVR": ("aVL", 1), "aVL": ("aVR", 1), "aVF": ("aVF", 1), "V1": ("V1", 1)},
    "RA/LL": {
        "I": ("III", -1),
        "II": ("II", -1),
        "III": ("I", -1),
        "aVR": ("aVF", 1),
        "aVF": ("aVR", 1),
        "aVL": ("aVL", 1),
        "V6": ("V6", 1),
    },
    "LA/LL": {"I": ("II", 1), "II": ("I", 1), "III": ("III", -1), "aVL": ("aVF", 1), "aVF": ("aVL", 1), "aVR": ("aVR", 1), "V3": ("V3", 1)},
    "V1/V3": {"V1": ("V3", 1), "V3": ("V1", 1), "V2": ("V2", 1), "II": ("II", 1)},
}


@pytest.mark.parametrize("reversal", BY_HAND)
def test_a_swap_shows_the_leads_that_hand_algebra_gives(reversal: str, true: dict[str, np.ndarray]) -> None:
    shown = recorded(true, reversal)
    for name, (source, sign) in BY_HAND[reversal].items():
        np.testing.assert_allclose(shown[name], sign * true[source], atol=1e-12)


@pytest.mark.parametrize(("reversal", "flat", "same"), [("RA/RL", "II", "III"), ("LA/RL", "III", "II")])
def test_an_arm_on_the_right_leg_flattens_the_lead_between_the_legs(
    reversal: str, flat: str, same: str, true: dict[str, np.ndarray]
) -> None:
    shown = recorded(true, reversal)
    np.testing.assert_allclose(shown[flat], 0, atol=1e-12)
    np.testing.assert_allclose(shown[same], true[same], atol=1e-12)


def test_an_arm_on_the_right_leg_moves_wilsons_terminal(true: dict[str, np.ndarray]) -> None:
    # the right arm's wire now reads the leg: the terminal rises by (LL - RA) / 3 = II / 3
    np.testing.assert_allclose(recorded(true, "RA/RL")["V4"], true["V4"] - true["II"] / 3, atol=1e-12)


@pytest.mark.parametrize("reversal", [r for r in REVERSALS if "RL" not in r])
def test_swapping_twice_changes_nothing(reversal: str) -> None:
    np.testing.assert_allclose(reversed_leads(reversal) @ reversed_leads(reversal), np.eye(8), atol=1e-12)


def test_a_flat_lead_shows_nothing() -> None:
    assert not trace_matrix("none", ("V3",))[STANDARD.index("V3")].any()


@pytest.mark.parametrize("turn", [-120, -30, 15, 90, 170])
def test_a_turned_vector_turns_its_axis_by_that_angle(turn: float) -> None:
    i_ii = np.array([[0.4], [0.7]])
    before = frontal_axis(i_ii[0], i_ii[1] - i_ii[0] / 2)
    after_leads = turn_frontal(i_ii, turn)
    after = frontal_axis(after_leads[0], after_leads[1] - after_leads[0] / 2)
    assert (after - before - turn + 180) % 360 - 180 == pytest.approx(0, abs=1e-9)


def test_dipoles_show_what_dower_says() -> None:
    x, y, z = np.eye(3)
    weights = dict(zip(INDEPENDENT, project(np.stack([x, y, z])), strict=True))
    assert weights["I"] == pytest.approx([0.632, -0.235, 0.059])
    assert weights["V2"] == pytest.approx([0.044, 0.164, -1.387])
    assert weights["II"] == pytest.approx([0.235, 1.066, -0.132])
