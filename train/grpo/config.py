"""The recipe of stage `grpo`."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from gem.config import Config
from train.config import InstructRecipe


class RewardRecipe(Config):
    """What each part of the reward counts (`train/grpo/reward.py`)."""

    claims: float = Field(1.0, ge=0, description="share of claims that the trace supports")
    statements: float = Field(1.0, ge=0, description="F1 of the findings against the reference's")
    format: float = Field(0.25, ge=0, description="ended by itself, no sentence twice")
    contradicted: float = Field(0.5, ge=0, description="taken off for each contradicted claim")
    worst: float = Field(2.0, ge=0, description="no more than this is taken off")


class GrpoRecipe(InstructRecipe):
    """Reinforcement on an instruct checkpoint: several answers to each question, each moved by how far it beats the others.

    What learns is said as in `instruct`.

    model  a model folder that reads and writes (a merged one)
    batch  answers per step, all processes together: a multiple of `samples`
    tasks  conversations that are asked; the first question of each
    beta   weight of the distance to the model begun with
    """

    stage: Literal["grpo"]  # type: ignore[assignment]
    model: Path
    tasks: tuple[str, ...] = ("report", "open", "grounded", "protocol")
    samples: int = Field(6, ge=2, description="answers to one question")
    longest: int = Field(512, gt=0, description="tokens of an answer at most; a longer one is cut and loses its format")
    temperature: float = Field(1.0, gt=0)
    beta: float = Field(0.0, ge=0)
    clip_low: float = Field(0.2, gt=0, description="how far below 1 the ratio of new to old probability may count")
    clip_high: float = Field(0.3, gt=0, description="and how far above")
    reward: RewardRecipe = RewardRecipe()

    @model_validator(mode="after")
    def _groups(self) -> "GrpoRecipe":
        if self.batch % self.samples:
            raise ValueError(f"batch {self.batch} is no multiple of samples {self.samples}: all answers to a question are judged together")
        if self.data.features == "cached" or self.data.grouping == "packed":
            raise ValueError(
                "data.features: cached and data.grouping: packed are for stages that read answers, not for one that writes them"
            )
        if self.beta and self.llm != "lora":
            raise ValueError("beta needs llm: lora, where the model begun with is the one without its adapters")
        if self.epochs is not None:
            raise ValueError("steps says how long: an epoch of questions would be asked `samples` times")
        return self
