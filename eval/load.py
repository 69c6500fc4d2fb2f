"""What a sample names, read: recordings, what was measured on them, pictures."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from eval.sample import Ecg, Picture
from gem.ecg.io import read
from gem.ecg.recording import Recording
from gem.errors import ConfigError
from gem.files import data_folder
from gem.image.scene import Scene
from gem.knowledge.find import Findings, find
from gem.measure.measure import measure_recording
from gem.measure.measurement import Measurements
from gem.simulate import Simulated, random_spec, simulate_recording

_NOISE_MV = 0.3
"""Standard deviation of the noise that stands in for an ECG: about that of a real one."""


@lru_cache(maxsize=256)
def simulated(seed: int) -> Simulated:
    """The simulated recording of a seed, with its truth."""
    return simulate_recording(random_spec(np.random.default_rng(seed)))


def recording_of(ecg: Ecg) -> Recording:
    """The recording. Raises `ECGReadError` where the file is absent or no ECG."""
    return _recording(ecg, data_folder())


@lru_cache(maxsize=64)
def _recording(ecg: Ecg, data: Path) -> Recording:
    if ecg.simulated is not None:
        whole = simulated(ecg.simulated).recording
    else:
        whole = read(data / ecg.path, fs=ecg.fs, leads=ecg.lead_order, age=ecg.age, sex=ecg.sex)
    if ecg.stand_in is None:
        return whole
    rng = np.random.default_rng(len(ecg.path))
    signal = rng.normal(0, _NOISE_MV, whole.signal.shape) if ecg.stand_in == "noise" else np.zeros_like(whole.signal)
    return whole.after(signal.astype(np.float32), f"replaced by {ecg.stand_in}: a control")


def measured(ecg: Ecg) -> tuple[Measurements, Findings]:
    """What is measured and found on it: the ruler of every task that verifies. Raises `GemError`."""
    return _measured(ecg, data_folder())


@lru_cache(maxsize=1024)
def _measured(ecg: Ecg, _: Path) -> tuple[Measurements, Findings]:
    measurements = measure_recording(recording_of(ecg))
    return measurements, find(measurements)


def picture_of(picture: Picture) -> Image.Image:
    """The picture, RGB. Raises `GemError` where it cannot be read or drawn."""
    if picture.ecg is not None:
        return Image.fromarray((picture.scene or Scene()).picture(recording_of(picture.ecg)).image)
    path = data_folder() / str(picture.path)
    try:
        with Image.open(path) as stream:
            whole = stream.convert("RGB")
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as fault:
        raise ConfigError(f"{path}: cannot be read as a picture ({fault}); download it again") from fault
    if picture.stand_in == "flat":
        return Image.new("RGB", whole.size, "white")
    if picture.stand_in == "noise":
        rng = np.random.default_rng(0)
        return Image.fromarray(rng.integers(0, 256, (whole.height, whole.width, 3), dtype=np.uint8))
    return whole


def path_of(name: str) -> Path:
    """A file that a sample names."""
    return data_folder() / name
