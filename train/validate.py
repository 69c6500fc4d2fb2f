"""What is looked at during training: the loss by task, and whether what the model writes is borne out by the trace.

A loss falls also where a model learns to sound right. So a few answers are written, and `gem.report.verify` reads them against the
measurements of the recording, the same ruler as for training text. `reference_supported` is what the reference answers of those rows reach:
the ruler's own ceiling.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gem.conversation import Conversation
from gem.ecg.io import read
from gem.errors import GemError
from gem.infer.engine import plain
from gem.knowledge.find import Findings, find
from gem.measure.measure import measure_recording
from gem.measure.measurement import Measurements
from gem.model.tokens import IGNORED
from gem.report.verify import CONTRADICTED, NOT_MEASURED, SUPPORTED, verify
from train.config import Validation
from train.data.collate import Collate
from train.data.examples import Example, Maker
from train.data.order import Order

_POOL = 20
"""Rows looked through for each that is written."""


@dataclass(frozen=True)
class Judged:
    """A validation row whose answer is written and judged."""

    place: tuple[int, int]
    conversation: Conversation
    measurements: Measurements
    findings: Findings


class Validator:
    """Metrics of a model on the same rows each time.

    base  the folder that recordings lie below, to measure them as they were recorded
    log   written answers, one JSON object a line
    """

    def __init__(self, settings: Validation, maker: Maker, weights: Sequence[float], base: Path, log: Path) -> None:
        self.settings, self.maker, self.processor, self.base, self.log = settings, maker, maker.processor, base, log
        sizes = [len(rows) for rows in maker.sources.rows]
        order = Order(sizes, weights, maker.seed)
        draws = range(min(order.epoch_draws, max(settings.rows, _POOL * settings.written)))
        places = [order.place(k) for k in draws]
        self.all_places = [(at.dataset, at.row) for at in places]
        self.places = self.all_places[: settings.rows]
        self.tasks = sorted({maker.conversation(*place).task for place in self.places})
        self._judged: list[Judged] | None = None

    def __call__(self, trainer: Any) -> dict[str, float]:
        """loss, loss/TASK, and of written answers supported, contradicted (shares of the claims), claims (a row), reference_supported."""
        model, was = trainer.model_wrapped, trainer.model.training
        with torch.random.fork_rng(devices=[] if trainer.args.device.type == "cpu" else None):  # training goes on as if none had looked
            trainer.model.eval()
            metrics = self._losses(trainer, model)
            if self.settings.written:
                metrics |= self._written(trainer)
            trainer.model.train(was)
        return metrics

    def _losses(self, trainer: Any, model: Any) -> dict[str, float]:
        world, rank = trainer.args.world_size, trainer.args.process_index
        size = trainer.args.per_device_train_batch_size
        share = -(-len(self.places) // world)
        mine = [self.places[(rank + k * world) % len(self.places)] for k in range(share)]
        counted = [rank + k * world < len(self.places) for k in range(share)]  # as many batches in every process
        sums = torch.zeros(len(self.tasks), 2, dtype=torch.float64)
        collate = Collate(self.processor)
        for begin in range(0, share, size):
            examples = [self._example(place) for place in mine[begin : begin + size]]
            there = [example for example in examples if example is not None]
            if not there:
                continue
            batch = collate(there)
            labels = batch.pop("labels").to(trainer.args.device)
            with torch.no_grad():
                logits = model(**{k: v.to(trainer.args.device) if torch.is_tensor(v) else v for k, v in batch.items()}).logits
            for example, (total, number), yes in zip(
                there, row_losses(logits, labels), [c for c, e in zip(counted[begin:], examples, strict=False) if e], strict=False
            ):
                sums[self.tasks.index(example.task)] += torch.tensor([total, number]) * yes
        sums = trainer.accelerator.reduce(sums.float().to(trainer.args.device), "sum").double().cpu()
        total, number = sums.sum(0).tolist()
        metrics = {"loss": total / max(number, 1)}
        return metrics | {f"loss/{task}": float(a / b) for task, (a, b) in zip(self.tasks, sums.tolist(), strict=True) if b}

    def _example(self, place: tuple[int, int]) -> Example | None:
        try:
            return self.maker.example(*place, np.random.default_rng([self.maker.seed, 20, *place]))
        except GemError as fault:
            self.maker.failed(place, str(fault))
            return None

    def _written(self, trainer: Any) -> dict[str, float]:
        rows = self._to_judge()
        if not rows:
            return {}
        world, rank = trainer.args.world_size, trainer.args.process_index
        said = {k: self._answer(trainer, rows[k % len(rows)]) for k in range(rank, -(-len(rows) // world) * world, world)}
        counts, lines = defaultdict(float), []
        for k, text in said.items():
            if k < len(rows):
                checked = verify(text, rows[k].measurements, rows[k].findings)
                own = verify(rows[k].conversation.answers[0], rows[k].measurements, rows[k].findings)
                for name, judged in (("", checked), ("reference_", own)):
                    counts[f"{name}checked"] += sum(judged.count(v) for v in (SUPPORTED, CONTRADICTED, NOT_MEASURED))
                    counts[f"{name}supported"] += judged.count(SUPPORTED)
                    counts[f"{name}contradicted"] += judged.count(CONTRADICTED)
                lines.append(
                    {"step": trainer.state.global_step, "id": rows[k].conversation.id, "question": rows[k].conversation.turns[0].text}
                    | {"reference": rows[k].conversation.answers[0], "said": text, "supported": checked.count(SUPPORTED)}
                    | {"contradicted": checked.count(CONTRADICTED)}
                )
        names = ("checked", "supported", "contradicted", "reference_checked", "reference_supported")
        sums = trainer.accelerator.reduce(torch.tensor([counts[name] for name in names], device=trainer.args.device), "sum").tolist()
        found = dict(zip(names, sums, strict=True))
        if trainer.is_world_process_zero():
            with self.log.open("a", encoding="utf-8") as stream:
                stream.write("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
        metrics = {"claims": found["checked"] / len(rows), "supported": 0.0}  # who claims nothing says nothing that holds
        if found["checked"]:
            metrics |= {name: found[name] / found["checked"] for name in ("supported", "contradicted")}
        if found["reference_checked"]:
            metrics["reference_supported"] = found["reference_supported"] / found["reference_checked"]
        return metrics

    def _answer(self, trainer: Any, row: Judged) -> str:
        """The model's answer to the row's first question."""
        rng = np.random.default_rng([self.maker.seed, 20, *row.place])
        messages = self.maker.messages(row.conversation, row.place[0], rng)
        asked = messages[: 1 + next(k for k, message in enumerate(messages) if message["role"] == "user")]
        batch = self.processor.batch([self.processor.row(asked, generation_prompt=True)])
        inputs = {name: tensor.to(trainer.args.device) for name, tensor in batch.items() if name != "labels"}
        zero3 = any(hasattr(parameter, "ds_id") for parameter in trainer.model.parameters())
        how = {"synced_gpus": True} if zero3 else {}
        with torch.no_grad(), trainer.accelerator.autocast():
            out = trainer.accelerator.unwrap_model(trainer.model).generate(
                **inputs, max_new_tokens=self.settings.longest, do_sample=False, use_cache=True, **how
            )
        return plain(self.processor.decode(out[0, inputs["input_ids"].shape[1] :]))

    def _to_judge(self) -> list[Judged]:
        """The rows to write: about one recording that can be measured, with a reference that makes claims."""
        if self._judged is None:
            self._judged = []
            for place in self.all_places:
                if len(self._judged) == self.settings.written:
                    break
                conversation = self.maker.conversation(*place)
                if len(conversation.ecgs) > 1 or (self.settings.tasks and conversation.task not in self.settings.tasks):
                    continue
                try:
                    self.maker.messages(conversation, place[0], np.random.default_rng([self.maker.seed, 20, *place]))
                    measurements = measure_recording(read(self.base / conversation.ecgs[0].path))
                except GemError:
                    continue
                findings = find(measurements)
                if self.settings.tasks or verify(conversation.answers[0], measurements, findings).count(SUPPORTED):
                    self._judged.append(Judged(place, conversation, measurements, findings))
        return self._judged


# Shape suffixes: B rows, T positions, V vocabulary.
def row_losses(logits_BTV: Tensor, labels_BT: Tensor) -> list[tuple[float, int]]:
    """(sum of the losses, number of tokens) of each row."""
    each = functional.cross_entropy(logits_BTV[:, :-1].float().transpose(1, 2), labels_BT[:, 1:], ignore_index=IGNORED, reduction="none")
    return list(zip(each.sum(1).tolist(), (labels_BT[:, 1:] != IGNORED).sum(1).tolist(), strict=True))
