"""Frozen encoders over a whole data set: the states of its recordings and pages, kept in the cache folder."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gem.model.ecg_input import EcgArray, prepare_ecg, stack_ecgs
from gem.model.gem import GemForConditionalGeneration
from gem.model.processor import GemProcessor
from train.config import Tuning
from train.data.examples import Sources, page_chance, page_of, stored
from train.data.features import Features, States, keep_states, weights_hash


def features_of(recipe: Tuning, sources: Sources, model: Any, processor: GemProcessor) -> Features:
    """The states of everything that the rows may show, computed where they are not there yet."""
    plain = model.get_base_model() if hasattr(model, "get_base_model") else model
    was = plain.training
    plain.eval()
    show = recipe.data.show
    ecgs = _ecgs(recipe, sources, plain) if show.signal and processor.ecg is not None else None
    pages = _pages(recipe, sources, plain, processor) if show.pictures != "none" and processor.picture is not None else None
    plain.train(was)
    return Features(ecgs, pages)


def _folder(cache: Path, kind: str, *decides: Any) -> Path:
    digest = hashlib.sha256(json.dumps(decides, sort_keys=True, default=str).encode()).hexdigest()[:16]
    return cache / f"{kind}-states-{digest}"


def _ecgs(recipe: Tuning, sources: Sources, model: GemForConditionalGeneration) -> States:
    signals, config = sources.signals, model.config.ecg_config
    folder = _folder(recipe.data.cache, "ecg", signals.folder.name, weights_hash(model.ecg_encoder), config.to_dict())

    def encode(arrays: Sequence[EcgArray]) -> list[Tensor]:
        values, mask = stack_ecgs(list(arrays))
        device = model.device
        states = model.encode_ecgs(torch.from_numpy(values).to(device), torch.from_numpy(mask).to(device))
        return list(states.split([array.tokens for array in arrays]))

    return keep_states(folder, signals.keys(), lambda key: prepare_ecg(signals.get(key).recording, config), encode, "recordings")


def _pages(recipe: Tuning, sources: Sources, model: GemForConditionalGeneration, processor: GemProcessor) -> States:
    show, signals, squares = recipe.data.show, sources.signals, processor.image_input
    assert squares is not None  # noqa: S101  # the caller asked
    decides: list[Any] = [weights_hash(model.image_encoder), asdict(squares), model.config.vision_layer, model.config.vision_drop_class]
    if show.pictures == "stored":
        names = sorted(set(_stored_names(sources)))
        folder = _folder(recipe.data.cache, "page", *decides, names)

        def picture(key: str) -> Any:
            return stored(Path(key))
    else:
        known = signals.keys()
        names = [f"{key} page {k}" for key in known for k in range(show.pages)]
        folder = _folder(recipe.data.cache, "page", *decides, show.model_dump(mode="json"), recipe.seed, signals.folder.name)

        def picture(key: str) -> Any:
            name, _, number = key.rpartition(" page ")
            kept = signals.get(name)
            return page_of(kept, kept.recording, show, page_chance(recipe.seed, name, int(number)))

    def encode(tiles: Sequence[np.ndarray]) -> list[Tensor]:
        pixels = torch.from_numpy(np.concatenate(tiles)).to(model.device)
        return list(model.encode_images(pixels).split([len(tile) * squares.tokens for tile in tiles]))

    return keep_states(folder, names, lambda key: squares.squares(picture(key)), encode, "pages")


def _stored_names(sources: Sources) -> Iterator[str]:
    for folder, rows in zip(sources.folders, sources.rows, strict=True):
        for k in range(len(rows)):
            yield from (str(folder / ecg["picture"]) for ecg in rows[k]["ecgs"] if ecg.get("picture"))
