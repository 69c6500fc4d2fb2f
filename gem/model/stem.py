"""Residual convolutions that make the patches of the ECG encoder: what a small corpus needs where one linear layer would be learned from
millions of records."""

from torch import Tensor, nn
from torch.nn import functional

from gem.model.config import EcgConfig

_FIRST, _KERNEL, _BLOCKS = 15, 7, 2
"""Samples of the first and of the other kernels, and blocks a stage."""


class _Norm(nn.BatchNorm1d):
    """Batch norm that keeps its statistics where its weights are frozen: a frozen encoder gives the same states in training and in use."""

    def forward(self, x_ECT: Tensor) -> Tensor:
        learns = self.training and self.weight.requires_grad
        return functional.batch_norm(
            x_ECT, self.running_mean, self.running_var, self.weight, self.bias, learns, self.momentum or 0.0, self.eps
        )


class _Block(nn.Module):
    """Two convolutions beside a shortcut, averaged and widened where the block is."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv_1 = nn.Conv1d(inputs, outputs, _KERNEL, stride, _KERNEL // 2, bias=False)
        self.norm_1 = _Norm(outputs)
        self.conv_2 = nn.Conv1d(outputs, outputs, _KERNEL, 1, _KERNEL // 2, bias=False)
        self.norm_2 = _Norm(outputs)
        widens = stride > 1 or inputs != outputs
        self.shortcut = nn.Sequential(nn.AvgPool1d(stride), nn.Conv1d(inputs, outputs, 1, bias=False)) if widens else nn.Identity()

    def forward(self, x_ECT: Tensor) -> Tensor:
        inner = self.norm_2(self.conv_2(functional.gelu(self.norm_1(self.conv_1(x_ECT)))))
        return functional.gelu(inner + self.shortcut(x_ECT))


class ConvStem(nn.Module):
    """[E, L, T] mV -> [E, H, T / patch]; T a multiple of the patch."""

    def __init__(self, config: EcgConfig) -> None:
        super().__init__()
        width = config.stem[0]
        self.conv = nn.Conv1d(len(config.leads), width, _FIRST, 1, _FIRST // 2, bias=False)
        self.norm = _Norm(width)
        blocks: list[nn.Module] = []
        for wider, stride in zip(config.stem, config.stem_strides, strict=True):
            blocks += [_Block(width, wider, stride), *(_Block(wider, wider, 1) for _ in range(_BLOCKS - 1))]
            width = wider
        self.blocks = nn.Sequential(*blocks)
        self.out = nn.Conv1d(width, config.hidden_size, 1)

    def forward(self, x_ELT: Tensor) -> Tensor:
        out: Tensor = self.out(self.blocks(functional.gelu(self.norm(self.conv(x_ELT)))))
        return out
