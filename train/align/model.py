"""What the stage trains: encoder, reader and, where asked for, a text tower, with their losses."""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from gem.model.config import EcgConfig, ReaderConfig
from gem.model.ecg_encoder import EcgEncoder
from gem.model.reader import StatementReader

_SCALE = 10.0
"""The loss of a batch is this times the weighted mean over statements, so that the clip of the gradient sits where it should."""


class Aligner(nn.Module):
    """Encoder and reader, trained together; their logits are mixed afterwards (`calibrate`)."""

    def __init__(self, ecg: EcgConfig, reader: ReaderConfig, statement_weights: Tensor, text: nn.Module | None = None) -> None:
        super().__init__()
        self.ecg_encoder = EcgEncoder(ecg)
        self.reader = StatementReader(reader)
        self.text = text
        self.average = copy.deepcopy(nn.ModuleDict({"ecg_encoder": self.ecg_encoder, "reader": self.reader})).requires_grad_(False)
        self.steps = nn.Parameter(torch.zeros(()), requires_grad=False)
        self.register_buffer("statement_weights", statement_weights)

    def forward(
        self,
        ecg_values: Tensor,
        ecg_mask: Tensor,
        measured: Tensor,
        labels: Tensor,
        weights: Tensor,
        share: Tensor,
        other: Tensor,
        text: Tensor | None = None,
        **_: Any,
    ) -> dict[str, Tensor]:
        """Losses. share [E], other [E]: how ECGs (not numbers) are mixed within the batch."""
        mixed_values = share[:, None, None] * ecg_values + (1 - share)[:, None, None] * ecg_values[other]
        out = self.ecg_encoder(mixed_values, ecg_mask | (ecg_mask[other] & (share < 1)[:, None, None]))
        read = self.reader(out.last_hidden_state, out.keep, measured)
        mixed_labels = share[:, None] * labels + (1 - share)[:, None] * labels[other]
        mixed_weights = torch.where((share < 1)[:, None], weights * weights[other], weights)
        losses = {
            "ecg": self._loss(read.ecg_ES, mixed_labels, mixed_weights),
            "measured": self._loss(read.measured_EMS, labels[:, None].expand_as(read.measured_EMS), weights[:, None]),
        }
        if self.text is not None:
            losses |= self.text(out.last_hidden_state, out.keep, text)
        return {"loss": torch.stack(list(losses.values())).sum(), **{f"loss_{name}": loss.detach() for name, loss in losses.items()}}

    def _loss(self, logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
        each = functional.binary_cross_entropy_with_logits(logits, labels, reduction="none") * weights * self.statement_weights
        loss: Tensor = _SCALE * each.sum(-1).mean() / self.statement_weights.sum()
        return loss

    @torch.no_grad()
    def follow(self, decay: float) -> None:
        """Move the averaged weights, which are what is kept, towards the present ones; faster in the first steps."""
        self.steps += 1
        share = max(1 - decay, 10 / (10 + float(self.steps)))
        for name, module in self.average.items():
            for kept, now in zip(module.state_dict().values(), getattr(self, name).state_dict().values(), strict=True):
                kept.lerp_(now, share) if kept.is_floating_point() else kept.copy_(now)

    @torch.no_grad()
    def logits(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """[E, S] of the states, of the numbers (mean over members), and of both mixed, by the averaged weights."""
        out = self.average["ecg_encoder"](batch["ecg_values"], batch["ecg_mask"])
        read = self.average["reader"](out.last_hidden_state, out.keep, batch["measured"])
        return read.ecg_ES, read.measured_EMS.mean(1), read.logits_ES
