"""Trained weights -> the files that ship in `gem/measure`: ONNX, which measuring runs, and safetensors."""

import io
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn

from gem.files import write_whole
from gem.measure.scores import BLOCK
from train.delineator.net import Delineator


class Scored(nn.Module):
    """The network with its logits turned into probabilities."""

    def __init__(self, net: Delineator) -> None:
        super().__init__()
        self.net = net

    def forward(self, signal_BLT: Tensor) -> tuple[Tensor, Tensor]:
        lead, joint = self.net(signal_BLT)
        return lead.sigmoid(), joint.sigmoid()


def export(net: Delineator, folder: Path) -> None:
    """Write `delineator.safetensors` and `delineator.onnx`, the latter for any number of leads and samples."""
    buffer = io.BytesIO()
    torch.onnx.export(
        Scored(net).eval(),
        (torch.zeros(1, 12, 8 * BLOCK),),
        buffer,
        dynamo=False,
        input_names=["signal"],
        output_names=["lead", "joint"],
        dynamic_axes={"signal": {1: "leads", 2: "samples"}, "lead": {1: "leads", 3: "samples"}, "joint": {2: "samples"}},
        opset_version=17,
    )
    write_whole(folder / "delineator.onnx", buffer.getvalue())
    write_whole(folder / "delineator.safetensors", save({key: value.contiguous() for key, value in net.state_dict().items()}))
