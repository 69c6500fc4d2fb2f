"""Stage `align`: the ECG encoder, against statements, measurements and text; stage `pages`: the image encoder, against the ECG encoder.

open_clip needs torchvision, and transformers imports torchvision wherever it finds it. Published wheels of torchvision are built for torch
with CUDA: beside a CPU build of torch they cannot load their operators, and every import fails for want of `torchvision::nms`. Nothing
here calls an operator, so where torch has no CUDA their names are declared, before anything else is imported.
"""

from importlib.util import find_spec

_DECLARED = []
"""Keeps the declarations alive: torch drops them with their library object."""

if find_spec("torchvision") is not None:
    import torch

    if torch.version.cuda is None:
        _LIBRARY = torch.library.Library("torchvision", "DEF")
        for _name in ("nms", "qnms"):
            _LIBRARY.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _DECLARED.append(_LIBRARY)
