"""QRS deflections, P, ST and T of one lead, on beats drawn from straight lines."""

import numpy as np
import pytest

from gem.measure.wave import LeadBeat, lead_waves

FS = 1000.0
ON = 300


def beat(qrs: list[tuple[int, float]], st: float = 0.0, t: float = 0.0, p: float = 0.0, lead: str = "V1", level: float = 0.0) -> LeadBeat:
    """A beat of straight lines: P 120-220, QRS through the given (sample after onset, mV) corners, ST shift, T 500-700 (samples)."""
    x = np.full(1000, level)
    corners = [(0, 0.0), *qrs]
    ends = [ON + k for k, _ in corners]
    j = ends[-1]
    x[ON:j] += np.interp(np.arange(ON, j), ends, [v for _, v in corners])
    x[j:500] += st
    x[500:700] += st * np.linspace(1, 0, 200) + t * (1 - np.abs(np.linspace(-1, 1, 200)))
    x[120:220] += p * (1 - np.abs(np.linspace(-1, 1, 100)))
    edges = {"p_on": 120.0, "p_off": 220.0, "qrs_on": float(ON), "qrs_off": float(j), "t_on": 500.0, "t_off": 700.0}
    return LeadBeat(lead, x, FS, edges, edges)


@pytest.mark.parametrize(
    ("qrs", "pattern", "expected"),
    [
        ([(10, -0.1), (40, 1.0), (60, -0.3), (80, 0.0)], "qRs", {"q": -0.1, "r": 1.0, "s": -0.3}),
        ([(20, 0.2), (60, -1.2), (90, 0.0)], "rS", {"r": 0.2, "s": -1.2}),
        ([(20, 0.2), (45, -0.6), (90, 0.7), (130, 0.0)], "rSR'", {"r": 0.2, "s": -0.6, "r_prime": 0.7}),
        ([(50, -0.9), (100, 0.0)], "QS", {"q": -0.9}),
        ([(40, 0.4), (80, 0.0)], "r", {"r": 0.4}),
    ],
)
def test_deflections_are_named_by_order_and_sign(qrs: list, pattern: str, expected: dict[str, float]) -> None:
    found = lead_waves(beat(qrs), None)
    assert found["qrs_pattern"].word == pattern
    for name in ("q", "r", "s", "r_prime"):
        m = found[f"{name}_amplitude"]
        if name in expected:
            assert m.value == pytest.approx(expected[name], abs=0.02)
        else:
            assert m.gone
            assert m.absent


def test_durations_run_between_zero_crossings() -> None:
    found = lead_waves(beat([(10, -0.2), (20, 0.0), (45, 1.0), (70, 0.0), (80, -0.4), (90, 0.0)]), None)
    assert found["q_duration"].value == pytest.approx(20, abs=2)
    assert found["r_duration"].value == pytest.approx(50, abs=2)
    assert found["r_peak_time"].value == pytest.approx(45, abs=1)
    assert found["qrs_net"].value == pytest.approx(0.6, abs=0.02)


@pytest.mark.parametrize("level", [-0.5, 0.0, 1.3])
def test_amplitudes_are_against_the_pr_segment_whatever_the_level(level: float) -> None:
    found = lead_waves(beat([(40, 1.0), (80, 0.0)], st=0.2, t=0.5, p=0.15, level=level), None)
    assert found["r_amplitude"].value == pytest.approx(1.0, abs=0.02)
    assert found["st_j60"].value == pytest.approx(0.2, abs=0.01)
    assert found["p_amplitude"].value == pytest.approx(0.15, abs=0.01)
    assert found["t_amplitude"].value == pytest.approx(0.6, abs=0.02)


@pytest.mark.parametrize(("t", "form"), [(0.4, "positive"), (-0.3, "negative"), (0.03, "flat")])
def test_t_is_signed_and_named(t: float, form: str) -> None:
    found = lead_waves(beat([(40, 1.0), (80, 0.0)], t=t), None)
    assert found["t_form"].word == form
    assert found["t_amplitude"].value == pytest.approx(t, abs=0.01)


def test_st_form_follows_the_slope() -> None:
    b = beat([(40, 1.0), (80, 0.0)], st=-0.1)
    assert lead_waves(b, None)["st_form"].word == "horizontal"
    for slope, word in ((0.1, "upsloping"), (-0.1, "downsloping")):
        x = b.x.copy()
        x[380:460] += np.linspace(0, slope, 80)
        assert lead_waves(LeadBeat("V5", x, FS, b.own, b.all), None)["st_form"].word == word


def test_the_terminal_force_is_depth_times_duration_and_read_in_v1_only() -> None:
    b = beat([(40, 1.0), (80, 0.0)])
    x = b.x.copy()
    x[120:160] += 0.08 * np.sin(np.linspace(0, np.pi, 40))
    x[160:200] -= 0.1 * np.sin(np.linspace(0, np.pi, 40))
    assert lead_waves(LeadBeat("V1", x, FS, b.own, b.all), None)["p_terminal_force"].value == pytest.approx(-4.0, abs=0.4)
    assert lead_waves(LeadBeat("V2", x, FS, b.own, b.all), None)["p_terminal_force"].absent == "read in V1 only"


def test_without_p_waves_p_is_gone_and_says_why() -> None:
    found = lead_waves(beat([(40, 1.0), (80, 0.0)], p=0.2), "no P wave before any QRS")
    assert found["p_amplitude"].absent == "no P wave before any QRS"
    assert found["p_amplitude"].gone


def test_polarity_mirrors_every_signed_amplitude() -> None:
    b = beat([(10, -0.1), (40, 1.0), (60, -0.3), (80, 0.0)], st=0.1, t=0.4, p=0.1)
    up, down = lead_waves(b, None), lead_waves(LeadBeat("V1", -b.x, FS, b.own, b.all), None)
    for name in ("p_amplitude", "t_amplitude", "st_j", "st_j60", "qrs_net"):
        assert down[name].value == pytest.approx(-up[name].value)
    assert down["qrs_amplitude"].value == pytest.approx(up["qrs_amplitude"].value)
