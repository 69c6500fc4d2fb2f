"""Trained weights -> the ONNX file that `gem.measure` runs."""

import io
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from gem.files import write_whole
from gem.measure.scores import BLOCK
from train.config import DelineatorRecipe
from train.delineator.net import Delineator


class Scored(nn.Module):
    """The network with its logits turned into probabilities."""

    def __init__(self, net: Delineator) -> None:
        super().__init__()
        self.net = net

    def forward(self, signal_BLT: Tensor) -> tuple[Tensor, Tensor]:
        lead, joint = self.net(signal_BLT)
        return lead.sigmoid(), joint.sigmoid()


def export(folder: Path, to: Path) -> None:
    """Write the run's averaged weights to `to` as ONNX, any number of leads and samples."""
    recipe = DelineatorRecipe.model_validate_json((folder / "recipe.json").read_text(encoding="utf-8"))
    net = Delineator(recipe.widths, recipe.kernels)
    net.load_state_dict(load_file(folder / "weights.safetensors"))
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
    write_whole(to, buffer.getvalue())
