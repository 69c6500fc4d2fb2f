"""Twelve-lead ECGs whose every fiducial and finding is known, because they were made that way."""

from gem.simulate.population import random_spec
from gem.simulate.presets import PRESETS
from gem.simulate.read import read_spec
from gem.simulate.recording import Simulated, simulate_recording
from gem.simulate.spec import NoiseSpec, SimulationSpec
from gem.simulate.truth import Truth
from gem.simulate.write import write_simulated

__all__ = [
    "simulate_recording",
    "read_spec",
    "random_spec",
    "PRESETS",
    "SimulationSpec",
    "NoiseSpec",
    "Simulated",
    "Truth",
    "write_simulated",
]
