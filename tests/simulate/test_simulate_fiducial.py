"""Bumps and the definition of fiducials, against closed forms."""

import numpy as np
import pytest

from gem.simulate.fiducial import P_RULE, QRS_RULE, T_RULE, crossings, qrs_points, second_earliest, second_latest, vertex
from gem.simulate.wave import Wave, vectors


def bump(begin: float, top: float, end: float, mv: float) -> Wave:
    return Wave(np.array([[begin, top, top, end]]), np.full((8, 1), mv))


def test_a_wave_is_zero_outside_its_support_and_has_its_height_at_the_top() -> None:
    wave = bump(0.1, 0.2, 0.25, 0.7)
    t = np.array([-1.0, 0.1, 0.2, 0.25, 3.0])
    np.testing.assert_allclose(wave.at(t)[0], [0, 0, 0.7, 0, 0], atol=1e-12)


def test_the_area_is_the_integral() -> None:
    wave = Wave(np.array([[0.0, 0.1, 0.3, 0.35], [0.2, 0.25, 0.25, 0.5]]), np.array([[1.0, -0.4]] * 8))
    t = np.linspace(-0.1, 0.6, 200_001)
    assert wave.area()[3] == pytest.approx(np.trapezoid(wave.at(t)[3], t), abs=1e-6)


@pytest.mark.parametrize("mv", [0.05, 0.3, -0.3, 1.5])
@pytest.mark.parametrize("rule", [P_RULE, QRS_RULE, T_RULE])
def test_edges_are_where_half_a_cosine_meets_the_limit(mv: float, rule) -> None:  # type: ignore[no-untyped-def]
    wave = bump(0.200, 0.300, 0.360, mv)
    share = max(rule.floor_mv, rule.share * abs(mv)) / abs(mv)
    # A (1 - cos(pi u)) / 2 = share A
    u = np.arccos(1 - 2 * share) / np.pi
    t = wave.grid(0.001)
    on, off = crossings(t, wave.at(t)[0], rule)
    assert on == pytest.approx(0.200 + 0.100 * u - rule.early_s, abs=5e-5)
    assert off == pytest.approx(0.360 - 0.060 * u + rule.late_s, abs=5e-5)


@pytest.mark.parametrize(("rule", "mv"), [(P_RULE, 0.019), (QRS_RULE, 0.049), (T_RULE, 0.029), (T_RULE, 0.0)])
def test_a_wave_below_the_least_is_absent(rule, mv: float) -> None:  # type: ignore[no-untyped-def]
    wave = bump(0, 0.05, 0.1, mv)
    t = wave.grid(0.001)
    assert np.isnan(crossings(t, wave.at(t)[0], rule)).all()


def test_a_vertex_lies_between_samples() -> None:
    t = np.arange(0, 1, 0.01)
    x = 1 - (t - 0.5034) ** 2
    assert vertex(t, x[None], np.array([int(np.argmax(x))]))[0] == pytest.approx(0.5034, abs=1e-9)


def test_one_outlying_lead_moves_no_global_edge() -> None:
    on = np.array([[0.30, 0.31, 0.32, 0.05], [np.nan, np.nan, 0.4, np.nan], [np.nan] * 4])
    np.testing.assert_allclose(second_earliest(on), [0.30, 0.4, np.nan])
    np.testing.assert_allclose(second_latest(-on), [-0.30, -0.4, np.nan])


def named(rows: list[tuple[float, float, float, float]]) -> tuple[int, int, int]:
    """q, r, s in ms for bumps (begin, top, end, mV) in ms."""
    t = np.arange(0, 121.0)
    x = sum(bump(b, m, e, mv).at(t)[0] for b, m, e, mv in rows)
    q, r, s = (int(a[0]) for a in qrs_points(np.asarray(x)[None]))
    return q, r, s


def test_q_r_and_s_of_a_plain_complex() -> None:
    assert named([(0, 10, 20, -0.1), (20, 40, 60, 1.0), (60, 70, 90, -0.3)]) == (10, 40, 70)


def test_a_qs_complex_has_only_its_lowest_point() -> None:
    assert named([(0, 30, 80, -0.9)]) == (-1, 30, -1)


def test_the_s_of_rsr_is_no_q() -> None:
    assert named([(0, 10, 20, 0.3), (20, 40, 60, -0.6), (60, 80, 110, 0.9)]) == (-1, 80, 40)


def test_a_deflection_under_30_uv_has_no_name() -> None:
    assert named([(0, 10, 20, -0.02), (20, 40, 60, 1.0), (60, 70, 90, -0.02)]) == (-1, 40, -1)


def test_variety_changes_a_shape_but_not_its_ends() -> None:
    plain = vectors(((0, 20, 40, 1, 0, 0), (30, 60, 100, 0, 1, 0)))
    other = plain.varied(np.random.default_rng(0), 1.0)
    assert not np.allclose(plain.xyz, other.xyz)
    np.testing.assert_allclose(plain.times[:, [0, 3]], other.times[:, [0, 3]])
    np.testing.assert_allclose(plain.varied(np.random.default_rng(0), 0.0).xyz, plain.xyz)
