"""Recipes of training, one class a stage."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from gem.config import Config
from gem.model.build import ModelRecipe
from train.data.config import Data


class Optim(Config):
    """AdamW with decoupled weight decay."""

    lr: float = Field(gt=0, description="peak learning rate")
    warmup: float = Field(0.03, ge=0, lt=1, description="fraction of all steps")
    schedule: Literal["cosine", "linear", "constant_with_warmup"] = "cosine"
    clip: float = Field(1.0, gt=0, description="gradient norm, L2")
    weight_decay: float = Field(0.0, ge=0)
    betas: tuple[float, float] = (0.9, 0.999)
    projector_lr: float | None = Field(None, gt=0, description="of the projectors, where theirs is another")


class Validation(Config):
    """What is looked at during training: the loss, all together and by task, and how many claims of written answers the trace bears out."""

    every: int = Field(0, ge=0, description="steps; 0: never")
    rows: int = Field(256, gt=0, description="rows for the loss, the same each time")
    written: int = Field(0, ge=0, description="rows whose answer is written and verified")
    tasks: tuple[str, ...] = Field((), description="tasks that are written; all where empty")
    longest: int = Field(160, gt=0, description="tokens of a written answer at most")
    best: Literal["loss", "supported"] | None = Field(
        None, description="the result is the checkpoint where this was best, not the last; save_every is then a multiple of every"
    )


class Tuning(Config):
    """What all stages on transformers' Trainer have in common.

    `epochs` and `steps`: one of them. Everything random follows from `seed`.
    """

    name: str
    output: Path = Field(description="run folder: recipe, versions, log, checkpoints, and at the end the model")
    seed: int = 1
    data: Data
    optim: Optim
    batch: int = Field(gt=0, description="conversations per step, all processes together")
    per_device: int | None = Field(None, gt=0, description="of them at once on one device; by default all")
    epochs: float | None = Field(None, gt=0)
    steps: int | None = Field(None, gt=0)
    validation: Validation = Validation()
    save_every: int = Field(500, gt=0, description="steps")
    keep: int = Field(2, ge=2, description="checkpoints; two, so that one is whole when a run is killed while it writes the other")
    log_every: int = Field(10, gt=0, description="steps")
    report_to: tuple[Literal["tensorboard", "wandb"], ...] = ()
    device: Literal["auto", "cpu"] = "auto"
    bf16: bool = Field(False, description="autocast; on CPU it is slower than float32")
    checkpointing: bool = Field(False, description="activations are computed again on the way back: less memory, a third more time")
    compile: bool = Field(False, description="torch.compile")
    deepspeed: Path | None = Field(None, description="a DeepSpeed configuration (configs/deepspeed)")

    @model_validator(mode="after")
    def _one_length(self) -> "Tuning":
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("one of epochs and steps is needed")
        look = self.validation
        if look.best and (not look.every or self.save_every % look.every or (look.best == "supported" and not look.written)):
            raise ValueError("validation.best needs validation.every, save_every a multiple of it, and for supported validation.written")
        return self


class LoraRecipe(Config):
    """As `gem.model.lora.Lora`."""

    rank: int = Field(64, gt=0)
    alpha: int = Field(16, gt=0)
    dropout: float = Field(0.05, ge=0, lt=1)


class InstructRecipe(Tuning):
    """Instruction tuning: projectors always, and of the LLM its adapters or all of it.

    model     a folder of a model of ours, or the recipe of a new one
    llm       "lora": adapters learn; "full": all weights; "frozen": none
    adapters  go on from these (a folder that an earlier run saved)
    ecg_layers, image_layers  how many of an encoder's last layers learn too; -1: all of it
    bits      4: the frozen weights of the LLM in four bits (QLoRA; needs bitsandbytes)
    """

    stage: Literal["instruct"]
    model: ModelRecipe | Path
    llm: Literal["lora", "full", "frozen"] = "lora"
    lora: LoraRecipe = LoraRecipe()
    adapters: Path | None = None
    ecg_layers: int = Field(0, ge=-1)
    image_layers: int = Field(0, ge=-1)
    bits: Literal[4, 8] | None = None

    @model_validator(mode="after")
    def _features_fit(self) -> "InstructRecipe":
        if self.data.features == "cached" and (self.ecg_layers or self.image_layers):
            raise ValueError("data.features: cached needs frozen encoders (ecg_layers 0, image_layers 0)")
        if self.bits is not None and (self.llm == "full" or self.deepspeed is not None):
            raise ValueError("bits needs llm: lora, and no deepspeed")
        return self


class LanguageRecipe(Tuning):
    """A small decoder from scratch, on text alone.

    llm         fields of its configuration in transformers (`model_type`, `hidden_size`, ...); those of the tokenizer follow from it
    tokenizer   a folder, or None: one is trained on the texts
    answers     only the assistant's words count in the loss; else all
    """

    stage: Literal["language"]
    llm: dict[str, Any]
    tokenizer: Path | None = None
    vocabulary: int = Field(4096, ge=300, description="tokens of the tokenizer that is trained")
    tokenizer_rows: int = Field(20_000, gt=0, description="rows of each dataset that it is trained on")
    longest: int = Field(1024, gt=0, description="tokens of the longest row")
    answers: bool = True


class ProjectRecipe(Tuning):
    """Only the projectors learn: what is new in a model of pretrained parts."""

    stage: Literal["project"]
    model: ModelRecipe | Path


class MergeRecipe(Config):
    """Adapters -> a plain model folder.

    adapters  the folder that training saved
    model     the base; by default the one that the adapters name
    """

    stage: Literal["merge"]
    name: str
    adapters: Path
    model: Path | None = None
    output: Path
    dtype: Literal["float32", "bfloat16", "float16"] | None = None
