"""What an image set is."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator

from gem.config import Config
from gem.image.scene import Variety, check_weights


class ImageSet(Config):
    """One set of pictures.

    set         pairs (page + signals), boxes (YOLO), crops (one lead + mask), overlaps (the same, neighbours running in), text (page +
                signal + text)
    records     a CSV, folder or list below the data folder; `where` picks rows of a CSV
    limit       recordings, spread evenly over the list; None for all
    per_record  pictures of each recording
    store       "pixels", or "parameters" from which `gem.image.scene.Scene` draws the same pixels again
    quality     of JPEG; None for PNG
    headers     weights of printed headers: none, measured, wrong (another rate and axis)
    text        for the set of that name: the column that holds the text, or "gem" for our own verified report
    """

    name: str
    set: Literal["pairs", "boxes", "crops", "overlaps", "text"]
    output: str
    records: str
    where: Mapping[str, tuple[Any, ...]] = {}
    limit: int | None = Field(default=None, gt=0)
    per_record: int = Field(default=1, gt=0)
    per_shard: int = Field(default=64, gt=0)
    seed: int = Field(default=0, ge=0)
    store: Literal["pixels", "parameters"] = "pixels"
    quality: int | None = Field(default=90, ge=30, le=100)
    headers: Mapping[Literal["none", "measured", "wrong"], float] = {"none": 1.0}
    text: str | None = None
    variety: Variety = Variety()

    @field_validator("headers")
    @classmethod
    def _can_be_drawn(cls, weights: Mapping[Any, float]) -> Mapping[Any, float]:
        check_weights(weights)
        return weights
