"""TRL's GRPOTrainer with ECGs and pictures.

TRL 1.16 hands to the model only the picture inputs that it knows by name, sliced in ways of its own; ECGs would be dropped between the
sampling and the log-probabilities without a word. So its tokenizer path is taken (it sees ids only), and three of its methods are
extended: the prompt's ids come from our processor, generation gets the features of the prompts, and every log-probability is computed
with the features of its own row. A row is known by its number in the batch of answers, a tensor that TRL shuffles and cuts like the rest.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from trl import GRPOConfig, GRPOTrainer

from gem.errors import ModelError
from gem.model.processor import GemProcessor, Row
from train.grpo.ask import Asked
from train.run_folder import mark_whole

_NOT_MEDIA = ("input_ids", "attention_mask", "labels")
Judge = Callable[[Asked, str, bool], float]


class GemGrpoTrainer(GRPOTrainer):
    """GRPO where what is asked has ECGs and pictures.

    questions  question by draw
    judge      (question, answer, whether it ended by itself) -> reward
    facts      what a checkpoint says of itself
    """

    def __init__(
        self, *, model: Any, args: GRPOConfig, processor: GemProcessor, questions: Any, judge: Judge, facts: dict[str, Any], **how: Any
    ) -> None:
        self._processor, self._questions, self._facts = processor, questions, facts
        self._batch: list[Asked] = []
        self._rows: list[Row] = []
        draws = Dataset.from_dict({"prompt": [""] * len(questions), "draw": list(range(len(questions)))})

        def reward(completions: list[str], completion_ids: list[list[int]], asked: list[Asked], **_: Any) -> list[float]:
            ended = [bool(ids) and ids[-1] in self.eos_token_ids for ids in completion_ids]
            return [judge(*one) for one in zip(asked, completions, ended, strict=True)]

        super().__init__(model=model, args=args, reward_funcs=reward, train_dataset=draws, processing_class=processor.tokenizer, **how)

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        self._batch = [self._questions[item["draw"]] for item in inputs]
        self._rows = [asked.row for asked in self._batch]
        shown = [{"prompt": asked.text, "asked": asked} for asked in self._batch]
        output: dict[str, Any] = super()._generate_and_score_completions(shown)
        output["row"] = torch.arange(len(self._batch), device=self.accelerator.device)
        return output

    def _tokenize_prompts(self, prompts: list[Any]) -> tuple[list[list[int]], None, dict[str, Tensor]]:
        return [list(row.ids) for row in self._rows], None, self._media(self._rows)

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> Tensor:
        self._rows = [self._batch[k].row for k in inputs["row"].tolist()]
        loss: Tensor = super()._compute_loss(model, inputs)
        if not bool(loss.detach().isfinite()):
            raise ModelError(f"the loss is not a number at step {self.state.global_step + 1}; lower optim.lr or clip_high")
        return loss

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,
        input_ids: Tensor,
        attention_mask: Tensor,
        logits_to_keep: int,
        batch_size: int | None = None,
        compute_entropy: bool = False,
        **_: Any,
    ) -> tuple[Tensor, Tensor | None, None]:
        """[B, logits_to_keep] log-probabilities of the answers' tokens at the sampling temperature, and entropies."""
        if len(self._rows) != len(input_ids):
            raise RuntimeError(f"{len(input_ids)} answers with the features of {len(self._rows)} questions")
        size = batch_size or len(input_ids)
        scored, spread = [], []
        for at in range(0, len(input_ids), size):
            ids, mask = input_ids[at : at + size], attention_mask[at : at + size]
            media = {name: tensor.to(ids.device) for name, tensor in self._media(self._rows[at : at + size]).items()}
            with self.accelerator.autocast():
                out = model(input_ids=ids, attention_mask=mask, logits_to_keep=logits_to_keep + 1, use_cache=False, **media)
            logits = out.logits[:, :-1].float() / self.temperature
            every = logits.log_softmax(-1)
            scored.append(every.gather(-1, ids[:, -logits_to_keep:, None])[..., 0])
            if compute_entropy:
                spread.append(-(every.exp() * every).sum(-1).detach())
        return torch.cat(scored), torch.cat(spread) if spread else None, None

    def _media(self, rows: list[Row]) -> dict[str, Tensor]:
        return {name: tensor for name, tensor in self._processor.batch(rows).items() if name not in _NOT_MEDIA}

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()
        if self.is_world_process_zero():
            mark_whole(Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}", self._facts | {"step": self.state.global_step})
