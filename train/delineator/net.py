"""The network: one U-Net for every lead, whose leads hear each other.

Shape suffixes: B batch, L leads, C channels, T samples at 250 Hz.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDE = 2
"""The first convolution halves the rate; the heads double it again."""


class Block(nn.Sequential):
    """Convolution along time, normalised, rectified."""

    def __init__(self, into: int, out: int, kernel: int) -> None:
        convolution = nn.Conv2d(into, out, (1, kernel), padding=(0, kernel // 2), bias=False)
        super().__init__(convolution, nn.BatchNorm2d(out), nn.ReLU())


class Delineator(nn.Module):
    """Scores of P, QRS and T per lead and over all leads.

    widths    channels of each level, from 125 Hz downwards, each level at half the rate of the one above
    kernels   samples a convolution sees at each level

    After each level of the encoder the mean over the leads is mixed back into every lead, so any number of leads
    will do and their order does not matter.
    """

    def __init__(self, widths: tuple[int, ...], kernels: tuple[int, ...]) -> None:
        super().__init__()
        levels = range(len(widths))
        self.stem = nn.Conv2d(1, widths[0], (1, 9), stride=(1, STRIDE), padding=(0, 4))
        self.encoder = nn.ModuleList([nn.Sequential(*[Block(widths[k], widths[k], kernels[k]) for _ in range(2)]) for k in levels])
        self.down = nn.ModuleList([nn.Conv2d(widths[k], widths[k + 1], (1, 4), stride=(1, 2), padding=(0, 1)) for k in levels[:-1]])
        self.mix = nn.ModuleList([nn.Conv1d(width, width, 1) for width in widths])
        self.decoder = nn.ModuleList([Block(widths[k] + widths[k + 1], widths[k], kernels[k]) for k in levels[:-1]])
        self.lead_head = nn.ConvTranspose2d(widths[0], 3, (1, 4), stride=(1, STRIDE), padding=(0, 1))
        self.joint = nn.Sequential(nn.Conv1d(2 * widths[0], 24, 9, padding=4), nn.ReLU(), nn.Conv1d(24, 16, 9, padding=4), nn.ReLU())
        self.joint_head = nn.ConvTranspose1d(16, 3, 4, stride=STRIDE, padding=1)

    def forward(self, signal_BLT: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [B, L, 3, T] of each lead and [B, 3, T] over all. T must be a multiple of 2 ** len(widths)."""
        batch, leads, samples = signal_BLT.shape
        h = self.stem(signal_BLT.reshape(batch * leads, 1, 1, samples))
        skips = []
        for k, level in enumerate(self.encoder):
            h = level(h)
            per_lead = h.reshape(batch, leads, h.shape[1], h.shape[3])
            heard = self.mix[k](per_lead.mean(dim=1))
            h = (per_lead + heard[:, None]).reshape(h.shape)
            skips.append(h)
            if k < len(self.down):
                h = self.down[k](h)
        for k in reversed(range(len(self.decoder))):
            h = functional.interpolate(h, scale_factor=(1.0, 2.0), mode="nearest")
            h = self.decoder[k](torch.cat([h, skips[k]], dim=1))
        per_lead = h.reshape(batch, leads, h.shape[1], h.shape[3])
        joint = self.joint(torch.cat([per_lead.mean(dim=1), per_lead.amax(dim=1)], dim=1))
        return self.lead_head(h).reshape(batch, leads, 3, samples), self.joint_head(joint)
