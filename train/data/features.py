"""States of frozen encoders, computed once and kept: a step then costs the projectors and the LLM alone.

A state is what `encode_ecgs` and `encode_images` give, before the projector, kept as float16. The folder's name follows from the encoder's
weights, how recordings were prepared and which pages are shown, so states of another encoder are never taken for those of this one.
"""

import hashlib
import json
import mmap
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gem.errors import ConfigError, GemError
from gem.files import write_folder

SCHEMA = "gem.states/1"
_TYPE = np.dtype([("key", "u8"), ("at", "i8"), ("features", "i4"), ("failed", "i4")])
_BATCH = 16


def weights_hash(part: nn.Module) -> str:
    """SHA-256 of all weights of a part."""
    digest = hashlib.sha256()
    for name, tensor in sorted(part.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _number(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "little")


class States:
    """States by key, memory-mapped: [F, H] each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.width = int(json.loads((folder / "about.json").read_text(encoding="utf-8"))["width"])
        self._index = np.load(folder / "index.npy", mmap_mode="r")
        with (folder / "states.f16").open("rb") as stream:
            self._data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        self._why = json.loads((folder / "failed.json").read_text(encoding="utf-8"))

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["folder"])  # type: ignore[misc]

    def get(self, key: str) -> Tensor:
        """[F, H] float32. Raises `ConfigError`, with the reason, when it could not be computed."""
        k = int(np.searchsorted(self._index["key"], np.uint64(_number(key))))
        if k == len(self._index) or int(self._index[k]["key"]) != _number(key):
            raise ConfigError(f"{key}: its states are not kept; was the data set changed while it was read?")
        line = self._index[k]
        if line["failed"] >= 0:
            raise ConfigError(self._why[int(line["failed"])])
        count = int(line["features"]) * self.width
        states = np.frombuffer(self._data, np.float16, count, int(line["at"])).reshape(-1, self.width)
        return torch.from_numpy(states.astype(np.float32))


def keep_states(
    folder: Path, keys: Iterable[str], prepared: Callable[[str], Any], encode: Callable[[Sequence[Any]], list[Tensor]], said: str
) -> States:
    """Compute the states that are not there yet, all of them or none: the folder appears when it is whole.

    prepared  key -> what the encoder takes; may raise `GemError`, which is kept as the reason
    encode    a few of them -> [F, H] each
    """
    if not folder.exists():
        with write_folder(folder) as part:
            _compute(part, sorted(set(keys)), prepared, encode, said)
    return States(folder)


def _compute(
    folder: Path, keys: list[str], prepared: Callable[[str], Any], encode: Callable[[Sequence[Any]], list[Tensor]], said: str
) -> None:
    rows, why, at, width, done = np.zeros(len(keys), _TYPE), [], 0, 0, 0
    rows["failed"] = -1
    with (folder / "states.f16").open("wb") as out:
        for group in _groups(enumerate(keys), _BATCH):
            good: list[tuple[int, Any]] = []
            for k, key in group:
                rows[k]["key"] = _number(key)
                try:
                    good.append((k, prepared(key)))
                except GemError as fault:
                    rows[k]["failed"] = len(why)
                    why.append(str(fault))
            with torch.no_grad():
                states = encode([one for _, one in good]) if good else []
            for (k, _), tensor in zip(good, states, strict=True):
                values = tensor.float().clamp(-65504, 65504).to(torch.float16).cpu().numpy()
                rows[k]["at"], rows[k]["features"], width = at, len(values), values.shape[1]
                out.write(values.tobytes())
                at += values.nbytes
            done += len(group)
            _say(said, done, len(keys))
        if at == 0:
            raise ConfigError(f"no {said} could be encoded; the first because: {why[0]}")
    np.save(folder / "index.npy", np.sort(rows, order="key"), allow_pickle=False)
    (folder / "failed.json").write_text(json.dumps(why), encoding="utf-8")
    (folder / "about.json").write_text(json.dumps({"schema": SCHEMA, "width": width, "count": len(keys)}), encoding="utf-8")


def _groups(items: Iterable[tuple[int, str]], size: int) -> Iterator[list[tuple[int, str]]]:
    source = iter(items)
    while group := list(islice(source, size)):
        yield group


def _say(said: str, done: int, total: int) -> None:
    import sys

    if done == total or done % (64 * _BATCH) == 0:
        sys.stderr.write(f"train: states of {done}/{total} {said}\n")


class Features:
    """What rows take in the place of recordings and pages."""

    def __init__(self, ecgs: States | None, pages: States | None) -> None:
        self._ecgs, self._pages = ecgs, pages

    def ecg(self, key: str) -> Tensor:
        """Raises `ConfigError` as `States.get`."""
        return _there(self._ecgs).get(key)

    def page(self, key: str) -> Tensor:
        """Raises `ConfigError` as `States.get`."""
        return _there(self._pages).get(key)


def _there(states: States | None) -> States:
    if states is None:
        raise ConfigError("states were not computed for this kind; data.show and data.features do not agree")
    return states
