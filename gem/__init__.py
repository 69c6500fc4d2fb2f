"""GEM: ECG interpretation you can check.

    import gem
    print(gem.interpret("00001_hr.hea").text)

Names are resolved on first use, so that `import gem` costs nothing.
Research use only: not a medical device; a clinician must over-read every output.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "read": "gem.ecg.io",
    "Recording": "gem.ecg.recording",
    "inspect": "gem.ecg.quality",
    "simulate_recording": "gem.simulate.recording",
    "measure_recording": "gem.measure.measure",
    "find": "gem.knowledge.find",
    "write": "gem.report.write",
    "read_claims": "gem.report.claim",
    "verify": "gem.report.verify",
    "interpret": "gem.infer.pipeline",
    "GemError": "gem.errors",
    "ECGReadError": "gem.errors",
}

__all__ = [*_HOME, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'gem' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
