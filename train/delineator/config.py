"""The delineator's recipe."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from gem.config import Config


class Augment(Config):
    """How often an example is changed, and how far."""

    stretch: float = Field(0.5, ge=0, le=1, description="chance of another heart rate, by stretching time to 0.75-1.3")
    noise: float = Field(0.6, ge=0, le=1, description="chance of each of up to two kinds of noise")
    snr_db: tuple[float, float] = Field((0.0, 30.0), description="signal-to-noise ratio of a kind")
    low_rate: float = Field(0.15, ge=0, le=1, description="chance of a passage through 100 Hz")
    flip: float = Field(0.1, ge=0, le=1, description="chance that a lead is upside down")
    fewer_leads: float = Field(0.35, ge=0, le=1, description="chance that a batch has fewer than 12 leads")


class DelineatorRecipe(Config):
    """Training of the delineator.

    The validation records are never trained on; `validation: []` trains on all.
    """

    stage: Literal["delineator"]
    name: str
    output: Path = Field(description="run folder: checkpoints, log, weights")
    seed: int = 1
    widths: tuple[int, ...] = (16, 24, 32, 48, 64)
    kernels: tuple[int, ...] = (9, 9, 7, 7, 5)
    simulated: int = Field(2000, ge=0, description="simulated records in the pool")
    simulated_share: float = Field(0.3, ge=0, le=1, description="share of simulated examples in a batch")
    validation: list[int] = Field(default=[], description="LUDB records held out")
    augment: Augment = Augment()
    crop: int = Field(2048, gt=0, multiple_of=32, description="samples at 250 Hz")
    batch: int = Field(4, gt=0, description="records per step, all leads of each")
    steps: int = Field(4000, gt=0)
    lr: float = Field(3e-3, gt=0, description="peak learning rate of AdamW, one cosine cycle")
    warmup: float = Field(0.05, ge=0, lt=1, description="fraction of all steps")
    weight_decay: float = Field(1e-2, ge=0)
    ema: float = Field(0.998, ge=0, lt=1, description="moving average of the weights that are kept")
    p_weight: float = Field(1.5, gt=0, description="weight of the P score in the loss")
    save_every: int = Field(250, gt=0)
    workers: int = Field(1, ge=0, description="processes that make examples")
