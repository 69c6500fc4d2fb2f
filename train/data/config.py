"""What a run reads, and how a row is shown."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from gem.config import Config
from gem.image.scene import Variety, check_weights


class Show(Config):
    """What a row shows the model of each of its recordings.

    Pictures are drawn on the fly from `variety`, a new one each time, or (`pages` above 0) one of so many a recording; or read from where
    the data set stored them. `headers` weighs pages without a header, with a measured one, and with a wrong rate and axis.
    """

    signal: bool = Field(True, description="the signal, where the model reads signals")
    pictures: Literal["none", "drawn", "stored"] = "none"
    pages: int = Field(0, ge=0, description="different pages of one recording; 0: a new one each time")
    variety: Variety = Variety()
    headers: Mapping[Literal["none", "measured", "wrong"], float] = {"none": 1.0}
    facts: bool = Field(False, description="what was measured stands before the first question (gem.infer.facts)")
    system: str = Field("", description="a first turn that every conversation begins with")

    @field_validator("headers")
    @classmethod
    def _can_be_drawn(cls, weights: Mapping[str, float]) -> Mapping[str, float]:
        check_weights(weights)
        return weights


class Augment(Config):
    """How often a row is changed, and how far. What it says stays true: a lead that its texts name is not dropped, nor is a row shortened
    that counts beats or has several recordings."""

    drop_modality: float = Field(0.0, ge=0, le=1, description="chance that the signal or the picture is left out where both are there")
    drop_leads: float = Field(0.0, ge=0, le=1, description="chance of fewer leads")
    fewest_leads: int = Field(1, ge=1)
    crop: float = Field(0.0, ge=0, le=1, description="chance of a shorter stretch")
    shortest_s: float = Field(5.0, gt=0)
    drop_facts: float = Field(0.0, ge=0, le=1, description="chance that the measured facts are left out")

    @property
    def touches_signal(self) -> bool:
        return self.drop_leads > 0 or self.crop > 0


class Data(Config):
    """Datasets with their weights: 1 is every row once an epoch, 0.5 half of them (other ones next time), 2 twice.

    cache    folder for row indices, prepared recordings and features: made once, shared by runs
    records  the folder that recordings lie below; $GEM_DATA by default
    """

    train: Mapping[str, float]
    valid: Mapping[str, float] = {}
    cache: Path = Path("build/train-cache")
    records: Path | None = None
    fs: float | None = Field(None, gt=0, description="Hz of the prepared recordings; by default the encoder's, or 500")
    longest_s: float = Field(10.0, gt=0, description="how much of a recording is prepared, from its beginning")
    prepare_jobs: int = Field(1, ge=1, description="processes that prepare recordings, before the first step")
    tolerate: float = Field(0.02, ge=0, le=1, description="share of recordings that may be unreadable before the run is refused")
    show: Show = Show()
    augment: Augment = Augment()
    grouping: Literal["none", "length", "packed"] = Field(
        "length", description="rows of like length share a batch; packed: one sequence without padding, each row sees itself alone"
    )
    features: Literal["live", "cached"] = Field("live", description="cached: states of frozen encoders are computed once and kept")
    workers: int = Field(0, ge=0, description="processes that make rows")

    @model_validator(mode="after")
    def _fits_together(self) -> "Data":
        if not self.train or not any(weight > 0 for weight in self.train.values()):
            raise ValueError("at least one dataset with a weight above 0 is needed")
        if any(weight < 0 for weight in (*self.train.values(), *self.valid.values())):
            raise ValueError("weights are 0 or more")
        if self.features == "cached" and self.augment.touches_signal:
            raise ValueError("features: cached needs augment.drop_leads and augment.crop 0: a changed signal has other features")
        if self.features == "cached" and self.show.pictures == "drawn" and self.show.pages == 0:
            raise ValueError("features: cached with drawn pictures needs show.pages above 0: a new page each time has new features")
        return self
