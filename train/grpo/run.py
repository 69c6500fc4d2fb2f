"""Stage `grpo`."""

from functools import partial

from transformers import set_seed
from transformers.utils import logging
from trl import GRPOConfig

from gem.errors import ConfigError
from gem.infer.quote import spelled
from gem.model.processor import GemProcessor
from gem.model.quiet import quiet
from train.data.examples import Examples, Sources, gather_failures
from train.data.order import Order
from train.data.signals import write_failed
from train.grpo.ask import Asked, Asker, Chosen, Traces
from train.grpo.config import GrpoRecipe
from train.grpo.reward import Weights, reward
from train.grpo.trainer import GemGrpoTrainer
from train.instruct import learner_of
from train.launch import loading
from train.progress import Progress
from train.run_folder import begin, last_checkpoint
from train.settings import World, train_on
from train.sources import hashes, opened, prepared, readings_of
from train.stop import StopWhenAsked
from train.tuning import arguments

_USUAL_FS = 500.0


def run(recipe: GrpoRecipe) -> int:
    """Train; the run folder then holds `adapters/` (llm: lora) or `model/`. Returns how many rows could not be used."""
    quiet()
    world = World.here()
    if world.main:
        begin(recipe, recipe.output, hashes(recipe.data))
    rows = [Chosen(one, recipe.tasks) for one in opened(recipe.data, recipe.data.train)]
    how = _settings(recipe, world)
    with loading(recipe, how):
        set_seed(recipe.seed)
        learner = learner_of(recipe, rows, how)
    with how.main_process_first(local=False):
        questions, traces = _questions(recipe, rows, learner.processor)
    facts = {"architecture": f"grpo {learner.architecture}", "processes": world.size, "batch": recipe.batch}
    at = last_checkpoint(recipe.output, facts, clean=world.main)
    trainer = GemGrpoTrainer(
        model=learner.model,
        args=how,
        processor=learner.processor,
        questions=questions,
        judge=partial(judged, traces=traces, weights=Weights(**recipe.reward.model_dump())),
        facts=facts,
        callbacks=[Progress(recipe.batch), StopWhenAsked()],
    )
    if not train_on(trainer, recipe.output, at, world.main):
        return 0
    target = recipe.output / learner.result
    trainer.save_model(str(target))
    trainer.accelerator.wait_for_everyone()
    if not world.main:
        return 0
    learner.processor.save_pretrained(target)
    (target / "training_args.bin").unlink(missing_ok=True)
    return write_failed(recipe.output / "failed.jsonl", gather_failures(recipe.output / "failed"))


def judged(asked: Asked, answer: str, ended: bool, traces: Traces, weights: Weights) -> float:
    """The reward of one answer."""
    return reward(spelled(answer, asked.told), asked.reference, traces.of(asked.key), ended, weights).total


def _questions(recipe: GrpoRecipe, rows: list[Chosen], processor: GemProcessor) -> tuple[Examples, Traces]:
    """Every question of the run by its draw, and the traces that answers are judged by."""
    data = recipe.data
    signals = prepared(data, rows, _USUAL_FS if processor.ecg_config is None else processor.ecg_config.fs)
    order = Order([len(one) for one in rows], list(data.train.values()), recipe.seed, recipe.batch)
    sources = Sources(rows, [one.source.parent.parent for one in rows], signals, readings=readings_of(data))
    asker = Asker(sources, processor, data.show, data.augment, recipe.seed, recipe.output / "failed")
    return Examples(asker, order, (recipe.steps or 0) * (recipe.batch // recipe.samples)), Traces(signals)


def _settings(recipe: GrpoRecipe, world: World) -> GRPOConfig:
    """TRL's settings from those of the other stages. Raises `ConfigError` as `tuning.arguments`."""
    usual = arguments(recipe, world, recipe.steps or 0)
    here = usual.per_device_train_batch_size
    if (here * world.size) % recipe.samples and usual.gradient_accumulation_steps == 1:
        raise ConfigError(
            f"{here} answers on each of {world.size} processes do not hold whole groups of {recipe.samples}; change per_device"
        )
    names = (
        "output_dir", "run_name", "seed", "max_steps", "per_device_train_batch_size", "gradient_accumulation_steps", "learning_rate",
        "lr_scheduler_type", "warmup_steps", "weight_decay", "adam_beta1", "adam_beta2", "max_grad_norm", "optim", "bf16",
        "deepspeed", "use_cpu", "ddp_backend", "ddp_find_unused_parameters", "dataloader_pin_memory", "logging_steps", "save_steps",
        "save_total_limit", "report_to", "disable_tqdm", "log_level",
    )  # fmt: skip
    logging.set_verbosity_error()
    return GRPOConfig(
        **{name: getattr(usual, name) for name in names},
        gradient_checkpointing=recipe.checkpointing,
        remove_unused_columns=False,
        shuffle_dataset=False,  # the draws are shuffled already
        num_generations=recipe.samples,
        max_completion_length=recipe.longest,
        temperature=recipe.temperature,
        beta=recipe.beta,
        epsilon=recipe.clip_low,
        epsilon_high=recipe.clip_high,
        disable_dropout=True,
        log_completions=False,
    )
