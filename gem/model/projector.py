"""From an encoder's width to the LLM's."""

from torch import nn


def projector(kind: str, width_in: int, width_out: int) -> nn.Sequential:
    """ "linear", or "mlp": two layers with GELU between, of the width of the output."""
    layers: list[nn.Module] = [nn.Linear(width_in, width_out)]
    if kind == "mlp":
        layers += [nn.GELU(), nn.Linear(width_out, width_out)]
    return nn.Sequential(*layers)
