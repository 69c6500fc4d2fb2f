"""A run as far as its memory is concerned."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from gem.config import Config
from gem.model.build import ModelRecipe


class Plan(Config):
    """What decides the memory of a GPU. `python -m train --plan FILE` reads it; stage recipes are translated into it."""

    name: str
    model: ModelRecipe | str = Field(description="a recipe of configs/model, or the folder of a checkpoint; no weight is loaded")
    learns: Literal["all", "lora", "projectors"] = "lora"
    rank: int = Field(64, gt=0, description="of LoRA")
    ecg_layers: int = Field(0, ge=0, description="last layers of the ECG encoder that learn too")
    image_layers: int = Field(0, ge=0, description="last layers of the image encoder that learn too")
    quantised: bool = Field(False, description="QLoRA: the LLM's frozen linear layers in 4 bits (nf4), its head and embeddings not")
    dtype: Literal["bfloat16", "float32"] = "bfloat16"
    optimizer: Literal["adamw", "adamw_8bit"] = "adamw"
    sharding: Literal["none", "zero2", "zero3", "fsdp2"] = Field("none", description="none: every GPU holds all (DDP where several)")
    offload: Literal["none", "optimizer", "all"] = Field("none", description="to the host's memory, by DeepSpeed")
    checkpointing: bool = Field(True, description="layers are computed again in backward")
    gpus: int = Field(1, gt=0, description="all nodes together")
    gpus_a_node: int = Field(8, gt=0)
    gpu_gib: float = Field(80.0, gt=0, description="memory of one GPU")
    rows: int = Field(1, gt=0, description="conversations a GPU and pass")
    accumulation: int = Field(1, gt=0, description="passes a step")
    tokens: int = Field(2048, gt=0, description="length of a row, features included")
    ecgs: int = Field(1, ge=0, description="a row")
    seconds: float = Field(10.0, gt=0, description="of an ECG")
    pictures: int = Field(0, ge=0, description="a row; tiles count singly")
    dataset: int | None = Field(None, gt=0, description="conversations of one epoch")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.quantised and self.learns == "all":
            raise ValueError("quantised weights cannot learn; learns: lora or projectors")
        if self.quantised and self.sharding in ("zero3", "fsdp2"):
            raise ValueError("quantised weights are not sharded; sharding: none or zero2")
        if self.offload != "none" and self.sharding not in ("zero2", "zero3"):
            raise ValueError("offload is DeepSpeed's; sharding: zero2 or zero3")
        if self.offload == "all" and self.sharding != "zero3":
            raise ValueError("offload of the weights needs sharding: zero3")
        return self

    def with_(self, **changes: Any) -> "Plan":
        """Another plan. Raises `ValueError` when the changes do not go together."""
        return Plan.model_validate(self.model_dump() | changes)
