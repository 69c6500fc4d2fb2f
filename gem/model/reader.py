"""Statements with probabilities, read from the states of the ECG encoder and from what was measured.

Two readers and their mixture. One is linear on the mean and maximum of the encoder's states. The other sees the measured numbers alone,
each in a piecewise-linear code (Gorishniy et al. 2022, arXiv 2203.05556), through a small network whose members share their weights but for
scales (TabM, Gorishniy et al. 2024, arXiv 2410.24210). The mixture of their logits is fitted on recordings that neither was trained on, so
that its probabilities are calibrated.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel
from transformers import initialization as init

from gem.model.config import ReaderConfig


# Shape suffixes: E ECGs, N tokens, H the encoder's width, F measured numbers, P pieces of a code, M members, W hidden units, S statements.
@dataclass
class Readings:
    """Logits [E, S]: of the states, of the numbers by member [E, M, S], and of both together, calibrated."""

    ecg_ES: Tensor
    measured_EMS: Tensor
    logits_ES: Tensor


class _Shared(nn.Module):
    """A linear layer of M members: one matrix, scales of the inputs and outputs of each."""

    def __init__(self, inputs: int, outputs: int, members: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))
        self.scale_in = nn.Parameter(torch.empty(members, inputs))
        self.scale_out = nn.Parameter(torch.empty(members, outputs))
        self.bias = nn.Parameter(torch.empty(members, outputs))

    def forward(self, x_EMI: Tensor) -> Tensor:
        return functional.linear(x_EMI * self.scale_in, self.weight) * self.scale_out + self.bias


class StatementReader(PreTrainedModel):
    """States and numbers -> logits of statements."""

    config: ReaderConfig
    config_class = ReaderConfig
    base_model_prefix = "reader"
    main_input_name = "states"

    def __init__(self, config: ReaderConfig) -> None:
        super().__init__(config)
        f, s, pieces = len(config.features), len(config.statements), len(config.features) * (config.bins + 1)
        self.edges = nn.Parameter(torch.empty(f, config.bins + 1), requires_grad=False)
        self.centre = nn.Parameter(torch.empty(pieces), requires_grad=False)
        self.hidden = nn.ModuleList([_Shared(pieces, config.width, config.members), _Shared(config.width, config.width, config.members)])
        self.out = nn.Parameter(torch.empty(config.members, config.width, s))
        self.out_bias = nn.Parameter(torch.empty(config.members, s))
        self.ecg = nn.Linear(2 * config.ecg_width, s)
        self.mix = nn.Parameter(torch.empty(3, s), requires_grad=False)
        self.alone = nn.Parameter(torch.empty(2, s), requires_grad=False)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, _Shared):
            init.normal_(module.weight, std=module.weight.shape[1] ** -0.5)
            init.copy_(module.scale_in, torch.randn_like(module.scale_in).sign())
            init.ones_(module.scale_out)
            init.zeros_(module.bias)
        if isinstance(module, StatementReader):
            init.normal_(module.out, std=self.config.width**-0.5)
            for zero in (module.out_bias, module.edges, module.centre):
                init.zeros_(zero)
            init.copy_(module.mix, torch.tensor([[0.5], [0.5], [0.0]]).expand_as(module.mix))
            init.copy_(module.alone, torch.tensor([[1.0], [0.0]]).expand_as(module.alone))

    def forward(self, states: Tensor, keep: Tensor, measured: Tensor | None = None) -> Readings:
        """states [E, N, H] and keep [E, N] of the encoder; measured [E, F], NaN where absent, or None: from the states alone."""
        dropped = functional.dropout(pooled(states, keep), self.config.dropout, self.training)
        ecg_ES = self.ecg(dropped.to(self.ecg.weight.dtype))
        if measured is None:
            return Readings(ecg_ES, ecg_ES[:, None], ecg_ES * self.alone[0] + self.alone[1])
        measured_EMS = self.of_numbers(measured)
        return Readings(ecg_ES, measured_EMS, ecg_ES * self.mix[0] + measured_EMS.mean(1) * self.mix[1] + self.mix[2])

    def of_numbers(self, measured_EF: Tensor) -> Tensor:
        """[E, M, S] logits of the measured numbers."""
        config = self.config
        x_EP = functional.dropout(self.code(measured_EF) - self.centre, config.feature_dropout, self.training)
        x_EMW = x_EP[:, None].expand(-1, config.members, -1)
        for layer in self.hidden:
            x_EMW = functional.dropout(functional.relu(layer(x_EMW)), config.dropout, self.training)
        return torch.einsum("emw,mws->ems", x_EMW, self.out) + self.out_bias

    def code(self, measured_EF: Tensor) -> Tensor:
        """[E, F (bins + 1)]: how much of each piece between two quantiles lies below the number, and whether there is one."""
        absent_EF = measured_EF.isnan()
        left, right = self.edges[:, :-1], self.edges[:, 1:]
        x_EF1 = measured_EF.to(self.edges.dtype).nan_to_num(0.0, 0.0, 0.0)[..., None]
        pieces_EFB = ((x_EF1 - left) / (right - left).clamp(min=1e-6)).clamp(0, 1) * (right > left)
        pieces_EFB = pieces_EFB.masked_fill(absent_EF[..., None], 0.0)
        return torch.cat([pieces_EFB, absent_EF[..., None].to(pieces_EFB.dtype)], dim=2).flatten(1)

    @torch.no_grad()
    def fit_code(self, measured_NF: Tensor) -> None:
        """Quantiles and centres of the code from the numbers of the training records; a number hardly ever measured has no pieces."""
        steps = torch.linspace(0, 1, self.config.bins + 1, dtype=torch.float64)
        for k, column in enumerate(measured_NF.double().T):
            there = column[column.isfinite()]
            self.edges[k] = torch.quantile(there, steps).to(self.edges.dtype) if len(there) >= 50 else torch.zeros_like(steps)
        self.centre.copy_(self.code(measured_NF).mean(0))


def pooled(states_ENH: Tensor, keep_EN: Tensor) -> Tensor:
    """[E, 2 H]: mean and maximum over what was recorded."""
    weight_EN1 = keep_EN[..., None].to(states_ENH.dtype)
    mean_EH = (states_ENH * weight_EN1).sum(1) / weight_EN1.sum(1).clamp(min=1)
    return torch.cat([mean_EH, states_ENH.masked_fill(~keep_EN[..., None], float("-inf")).amax(1)], dim=1)
