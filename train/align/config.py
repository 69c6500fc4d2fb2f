"""The recipe of the stage `align`."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from gem.config import Config
from gem.image.scene import Variety
from train.config import Optim


class Labels(Config):
    """Which statements are learned.

    A code counts in a record whose codes are complete. Of other records only what they say counts, and their classes.
    """

    least: int = Field(15, gt=0, description="training records that a code needs")
    classes: bool = Field(True, description="the classes of codes (PTB-XL's five) too, first in order")
    class_weight: float = Field(1.0, gt=0)
    code_weight: float = Field(0.3, gt=0, description="in the loss, beside a class")
    shuffled: bool = Field(False, description="labels of other records: a control that must not learn")


class Changes(Config):
    """How an ECG is changed each time it is drawn: chances, and how far."""

    stretch: float = Field(0.5, ge=0, le=1, description="chance of another rate, time stretched by 0.85-1.18")
    gain: float = Field(0.15, ge=0, lt=1, description="all leads louder or softer by up to this share")
    cover: float = Field(0.5, ge=0, le=1, description="chance that 0.5-3 s are zero")
    leads: float = Field(0.5, ge=0, le=1, description="chance that each lead is missing with 8 %")
    noise: float = Field(0.5, ge=0, le=1, description="chance of white noise up to 40 uV")
    wander: float = Field(0.5, ge=0, le=1, description="chance of a baseline that wanders up to 150 uV")
    mixed: float = Field(0.5, ge=0, le=1, description="chance that a batch is mixed with itself in another order")


class Text(Config):
    """The reports as a second target: open_clip's CLIP and CoCa losses and text towers."""

    contrast: float = Field(0.5, ge=0, description="weight of the contrastive loss")
    caption: float = Field(0.0, ge=0, description="weight of the captioning loss; 0: no decoder (CLIP), else CoCa")
    embed: int = Field(128, gt=0)
    width: int = Field(128, gt=0)
    layers: int = Field(2, gt=0)
    heads: int = Field(4, gt=0)
    longest: int = Field(48, gt=0, description="tokens")
    vocabulary: int = Field(2048, gt=0)


class OnRecords(Config):
    """What the stages that learn from records with codes have in common."""

    name: str
    output: Path = Field(description="run folder")
    seed: int = 1
    records: Path = Field(description="records.jsonl of an instruction set: codes, patients, folds, splits")
    measured: Path = Field(description="folder of `gem measure -o` on the same recordings")
    base: Path | None = Field(None, description="folder that the paths of the records lie below; by default the data folder")
    cache: Path = Field(Path("data/cache"), description="prepared recordings")
    jobs: int = Field(2, gt=0, description="processes that prepare recordings")
    labels: Labels = Labels()
    folds: tuple[int, ...] = Field((), description="folds left out of training")
    optim: Optim
    batch: int = Field(gt=0)
    epochs: int = Field(gt=0)
    every: int = Field(0, ge=0, description="epochs between looks at the validation split; 0: at the end only")
    workers: int = Field(0, ge=0, description="processes that make examples")
    save_every: int = Field(200, gt=0, description="steps")
    keep: int = Field(2, ge=2)
    log_every: int = Field(20, gt=0)
    device: Literal["auto", "cpu"] = "auto"


class AlignRecipe(OnRecords):
    """Training of an ECG encoder and of the reader of statements on it, which is calibrated on the folds left out.

    The run folder ends with `ecg_encoder/` and `reader/`, which a model recipe names, `held_out.npz` and `readings.jsonl`.
    """

    stage: Literal["align"]
    ecg: dict[str, Any] = Field(description="fields of the encoder (gem.model.config.EcgConfig)")
    reader: dict[str, Any] = Field(default={}, description="fields of the reader (gem.model.config.ReaderConfig)")
    changes: Changes = Changes()
    text: Text | None = None
    average: float = Field(0.998, ge=0, lt=1, description="decay of the moving average of the weights, which is what is kept")
    calibration: Path | None = Field(None, description="held_out.npz of a run that left folds out, where this one leaves none out")


class PagesRecipe(OnRecords):
    """Training of an image encoder: from a page it learns to give what an aligned ECG encoder gives of the signal, and the statements.

    The run folder ends with `image_encoder/`.
    """

    stage: Literal["pages"]
    aligned: Path = Field(description="run folder of stage align")
    vision: dict[str, Any] = Field(description="fields of the image encoder (`model_type` says which)")
    picture: dict[str, Any] = Field(default={}, description="fields of gem.model.image_input.ImageInput")
    variety: Variety = Variety()
