"""The tensors of a published checkpoint, wherever they lie: names and shapes first, then one file at a time.

Safetensors, and .pt files as far as they can be read without running code.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from gem.errors import ModelError

INDEX = "model.safetensors.index.json"
_PICKLES = (".bin", ".pkl", ".pickle", ".ckpt", ".pth")


@dataclass(frozen=True)
class Source:
    """A checkpoint.

    config  its config.json, or {}
    files   file -> names in it
    shapes  name -> shape; empty where only an index is there
    """

    path: Path
    config: dict[str, Any]
    files: dict[Path, list[str]]
    shapes: dict[str, tuple[int, ...]]

    @property
    def names(self) -> list[str]:
        return [name for names in self.files.values() for name in names]

    def tensors(self, file: Path) -> Iterator[tuple[str, Tensor]]:
        """Name and tensor, one after the other, of one file."""
        if file.suffix == ".pt":
            yield from _unpickled(file).items()
            return
        with safe_open(str(file), framework="pt") as opened:
            for name in self.files[file]:
                yield name, opened.get_tensor(name)


def open_source(path: Path) -> Source:
    """Look at a folder, an index, a .safetensors or a .pt. Raises `ModelError` when it is none of them, broken or incomplete."""
    if not path.exists():
        raise ModelError(f"{path}: no such file or folder; download the checkpoint first and name its folder")
    if path.is_dir():
        return _folder(path)
    if path.name.endswith(".index.json"):
        return Source(path, _config(path.parent), _by_file(path), {})
    if path.suffix == ".safetensors":
        return _opened(path, {}, [path])
    if path.suffix == ".pt":
        found = _unpickled(path)
        return Source(path, {}, {path: list(found)}, {name: tuple(tensor.shape) for name, tensor in found.items()})
    if path.suffix in _PICKLES:
        raise _refused(path)
    raise ModelError(f"{path}: a folder, a .safetensors, a .pt, an index (*.index.json) or a recipe (.yaml) is needed")


def _folder(path: Path) -> Source:
    index = path / INDEX
    files = list(_by_file(index)) if index.is_file() else sorted(path.glob("*.safetensors"))
    absent = [file.name for file in files if not file.is_file()]
    if absent:
        raise ModelError(f"{path}: {INDEX} names {', '.join(absent)}, not there; finish the download, or name the index with --dry-run")
    if not files:
        pickles = sorted(file for file in path.iterdir() if file.suffix in (*_PICKLES, ".pt"))
        raise _refused(pickles[0]) if pickles else ModelError(f"{path}: no .safetensors in it")
    return _opened(path, _config(path), files)


def _opened(path: Path, config: dict[str, Any], files: list[Path]) -> Source:
    names: dict[Path, list[str]] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    for file in files:
        try:
            with safe_open(str(file), framework="pt") as opened:
                names[file] = list(opened.keys())
                shapes |= {name: tuple(opened.get_slice(name).get_shape()) for name in names[file]}
        except SafetensorError as fault:
            raise ModelError(f"{file}: not a whole safetensors file ({fault}); download it again") from fault
    return Source(path, config, names, shapes)


def _config(folder: Path) -> dict[str, Any]:
    file = folder / "config.json"
    fields: dict[str, Any] = _json(file) if file.is_file() else {}
    return fields


def _by_file(index: Path) -> dict[Path, list[str]]:
    weights = _json(index).get("weight_map")
    if not isinstance(weights, dict) or not weights:
        raise ModelError(f"{index}: no weight_map in it; the index of a safetensors checkpoint is needed")
    files: dict[Path, list[str]] = {}
    for name, file in weights.items():
        files.setdefault(index.parent / str(file), []).append(name)
    return files


def _json(file: Path) -> dict[str, Any]:
    try:
        fields = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise ModelError(f"{file}: not readable JSON ({fault})") from fault
    if not isinstance(fields, dict):
        raise ModelError(f"{file}: a JSON object is needed")
    return fields


def _unpickled(file: Path) -> dict[str, Tensor]:
    """The tensors of a training checkpoint, read without running code and without reading it all. Raises `ModelError` where that fails."""
    try:
        loaded = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except Exception as fault:  # a broken or hostile pickle raises anything
        raise ModelError(
            f"{file}: a pickle that holds more than tensors, or no whole file; it could run code and is not opened "
            f"({str(fault).splitlines()[0][:100]}); on a machine you trust, save its state_dict as .safetensors"
        ) from fault
    state = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else {}
    tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    if not tensors:
        raise ModelError(f"{file}: no tensors in it; a checkpoint with a state_dict is needed")
    return tensors


def _refused(file: Path) -> ModelError:
    return ModelError(f"{file}: a pickle can run code and is not opened; get the .safetensors of this checkpoint, or save them from it")
