"""What a launcher may ask for, checked before transformers and DeepSpeed believe it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from transformers import TrainingArguments
from transformers.integrations import is_deepspeed_zero3_enabled

from gem.errors import ConfigError
from gem.model.build import ModelRecipe


def check_launch(deepspeed: bool, cpu: bool) -> None:
    """Refuse what would not do what it says; make DeepSpeed start where there is no GPU.

    deepspeed  the recipe names a DeepSpeed configuration
    cpu        the run is on CPU

    Raises `ConfigError` for FSDP on CPU, DeepSpeed that is not installed, and DeepSpeed without a launcher.
    """
    if cpu:  # else DeepSpeed, where it is installed, says on stdout that there is no GPU
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
    if cpu and _asked("ACCELERATE_USE_FSDP"):
        raise ConfigError(
            "FSDP on CPU: accelerate would copy the whole model to every process (DDP) without a word; "
            "take configs/accelerate/ddp.yaml or deepspeed=configs/deepspeed/zero3.json there"
        )
    if not deepspeed and not _asked("ACCELERATE_USE_DEEPSPEED"):
        return
    if find_spec("deepspeed") is None:
        raise ConfigError("deepspeed needs the extra [deepspeed]: pip install -c constraints.txt -e '.[deepspeed]'")
    if "RANK" not in os.environ:
        raise ConfigError("deepspeed needs a launcher, for one process too: torchrun --nproc-per-node 1 -m train CONFIG")
    if cpu:
        _gloo_alone()


@contextmanager
def loading(recipe: Any, how: TrainingArguments) -> Iterator[None]:
    """Where a model is loaded: by the first process before the others, as it may have to make it; under ZeRO-3 by all together, as each
    takes its part of what is read.

    Raises `ConfigError` for what one process alone would do under ZeRO-3, and wait for the others for ever.
    """
    if not is_deepspeed_zero3_enabled():
        with how.main_process_first(local=False):
            yield
        return
    if isinstance(getattr(recipe, "model", None), ModelRecipe):
        raise ConfigError("under ZeRO-3 model must be a folder; make it first with gem convert RECIPE FOLDER")
    if recipe.data.features == "cached":
        raise ConfigError("under ZeRO-3 data.features: cached is not possible; its encoders lie in parts. Take live, or ZeRO-2")
    if how.device.type == "cpu":
        import deepspeed

        deepspeed.init_distributed("gloo", auto_mpi_discovery=False)  # transformers leaves it out on CPU; the model would see one process
    yield


def _asked(variable: str) -> bool:
    return os.environ.get(variable, "").lower() in ("1", "true", "yes")


def _gloo_alone() -> None:
    """Without this DeepSpeed compiles kernels for sums over shared memory first: 40 s and a C++ compiler, where gloo will do."""
    import deepspeed

    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
