"""Conversations -> prepared rows: what is shown of each recording, changed by chance but true, every chance from (seed, draw).

A row that cannot be made (its recording is gone, its page cannot be drawn, it is too long) is written down with the reason, and another row
of the same epoch, chosen by the draw's own chance, takes its place: batches keep their size, and every run fails on the same rows.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch.utils.data import Dataset, get_worker_info

from gem.conversation import Conversation
from gem.ecg.recording import Recording
from gem.errors import ConfigError, GemError
from gem.image.header import Header, made_wrong, with_identity
from gem.image.layout import USUAL_S
from gem.image.scene import Scene
from gem.model.processor import GemProcessor, Row
from gem.model.tokens import IGNORED, Message
from train.data.augment import changed_signal, one_modality
from train.data.config import Augment, Show
from train.data.features import Features
from train.data.index import Rows
from train.data.order import Order
from train.data.signals import Kept, Signals, key_of

_TRIES = 50
"""Rows that may fail in the place of one draw before the run is stopped."""


@dataclass(frozen=True)
class Example:
    """A row that a batch is made of; `id` and `task` are those of the conversation."""

    row: Row
    id: str
    task: str


@dataclass(frozen=True)
class Sources:
    """What rows are made from.

    folders   where the stored pictures of each dataset lie
    signals   None: rows are text alone
    features  states in the place of recordings and pages
    """

    rows: Sequence[Rows]
    folders: Sequence[Path]
    signals: Signals | None
    features: Features | None = None


class Maker:
    """Makes the example of a conversation.

    failures  folder for the reasons of rows that cannot be made, a file a process
    plain     as in validation: nothing is changed by chance, pages are the first of their recording
    everything  all words count in the loss, not the assistant's alone (features never do)
    """

    def __init__(
        self,
        sources: Sources,
        processor: GemProcessor,
        show: Show,
        augment: Augment,
        seed: int,
        failures: Path,
        plain: bool = False,
        everything: bool = False,
    ) -> None:
        self.sources, self.processor, self.show, self.seed = sources, processor, show, seed
        self.augment = Augment() if plain else augment
        self.plain, self.failures, self.everything = plain, failures, everything
        self._written: set[tuple[int, int]] = set()

    def conversation(self, dataset: int, row: int) -> Conversation:
        """Raises `ConfigError` when the row is no conversation."""
        rows = self.sources.rows[dataset]
        return Conversation.from_row(rows[row], f"{rows.source}: row {row + 1}")

    def messages(self, conversation: Conversation, dataset: int, rng: np.random.Generator) -> list[Message]:
        """The conversation as the processor takes it. Raises `GemError` when a recording or a picture cannot be had."""
        signals = self.sources.signals
        kept = [] if signals is None else [signals.get(key_of(ecg)) for ecg in conversation.ecgs]
        signal = self.show.signal and self.processor.ecg is not None
        picture = self.show.pictures != "none" and self.processor.picture is not None
        if signals is None and (signal or picture):
            raise ConfigError("rows show recordings, but none were prepared")
        signal, picture = one_modality(signal, picture, self.augment.drop_modality, rng)
        shown = [changed_signal(one.recording, conversation, self.augment, rng) for one in kept]
        parts: list[Message] = []
        if signal:
            parts += [{"type": "ecg", "ecg": self._signal(conversation, k, shown[k])} for k in range(len(kept))]
        if picture:
            parts += [{"type": "image", "image": self._picture(conversation, k, dataset, kept[k], shown[k], rng)} for k in range(len(kept))]
        told = self.show.facts and not rng.random() < self.augment.drop_facts
        question = f"{facts_of(kept)}{conversation.turns[0].text}" if told else conversation.turns[0].text
        first: Message = {"role": "user", "content": [*parts, {"type": "text", "text": question}]}
        rest = [{"role": turn.role, "content": turn.text} for turn in conversation.turns[1:]]
        return [*([{"role": "system", "content": self.show.system}] if self.show.system else []), first, *rest]

    def example(self, dataset: int, row: int, rng: np.random.Generator) -> Example:
        """Raises `GemError` when it cannot be made."""
        conversation = self.conversation(dataset, row)
        row = self.processor.row(self.messages(conversation, dataset, rng))
        if self.everything:
            features = set(self.processor.placeholders.values())
            row = Row(row.ids, [IGNORED if i in features else i for i in row.ids], row.ecgs, row.images)
        return Example(row, conversation.id, conversation.task)

    def failed(self, place: tuple[int, int], why: str) -> None:
        """Write down a row that cannot be made, once a process; `gather_failures` joins them."""
        if place in self._written:
            return
        self._written.add(place)
        worker = get_worker_info()
        name = f"{os.environ.get('RANK', '0')}-{worker.id if worker else 'main'}.jsonl"
        self.failures.mkdir(parents=True, exist_ok=True)
        line = {"source": str(self.sources.rows[place[0]].source), "row": place[1] + 1, "why": why}
        with (self.failures / name).open("ab") as stream:
            stream.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")

    def _signal(self, conversation: Conversation, k: int, recording: Recording) -> Any:
        if self.sources.features is not None:
            return self.sources.features.ecg(key_of(conversation.ecgs[k]))
        return recording

    def _picture(self, conversation: Conversation, k: int, dataset: int, kept: Kept, shown: Recording, rng: np.random.Generator) -> Any:
        ecg = conversation.ecgs[k]
        if self.show.pictures == "stored":
            if ecg.picture is None:
                raise ConfigError(f"{conversation.id}: names no picture; make the set with pictures, or take show.pictures: drawn")
            name = self.sources.folders[dataset] / ecg.picture
            return stored(name) if self.sources.features is None else self.sources.features.page(str(name))
        number = int(rng.integers(1 << 30))
        if self.show.pages or self.plain:
            number = number % max(1, self.show.pages) if not self.plain else 0
            if self.sources.features is not None:
                return self.sources.features.page(f"{key_of(ecg)} page {number}")
            return page_of(kept, kept.recording, self.show, page_chance(self.seed, key_of(ecg), number))
        return page_of(kept, shown, self.show, np.random.default_rng([self.seed, 11, number]))


def facts_of(kept: Sequence[Kept]) -> str:
    """What was measured, one block a recording, numbered where there are several; ends with a line break, or is empty."""
    blocks = [one.facts for one in kept]
    if len(blocks) > 1:
        blocks = [f"ECG {k}. {block}" for k, block in enumerate(blocks, start=1) if block]
    return "".join(f"{block}\n" for block in blocks if block)


def stored(path: Path) -> Image.Image:
    """A picture of the data set. Raises `ConfigError` when it cannot be read."""
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as fault:
        raise ConfigError(f"{path}: the picture cannot be read ({fault})") from fault


def page_chance(seed: int, key: str, number: int) -> np.random.Generator:
    """What decides page `number` of a recording: the same in every epoch."""
    return np.random.default_rng([seed, 12, number, *key.encode()])


def page_of(kept: Kept, shown: Recording, show: Show, rng: np.random.Generator) -> Image.Image:
    """A page by chance. Raises `GemError` where the recording does not fit it."""
    return Image.fromarray(scene_of(kept, shown, show, rng).picture(shown).image)


def scene_of(kept: Kept, shown: Recording, show: Show, rng: np.random.Generator) -> Scene:
    """What page is drawn: one of the recipe's variety, its header measured, wrong on purpose or absent as `show.headers` weighs them."""
    kinds = list(show.headers)
    weights = np.array([show.headers[kind] for kind in kinds], np.float64)
    kind = kinds[int(rng.choice(len(kinds), p=weights / weights.sum()))]
    header = None
    if kind != "none":
        header = with_identity(kept.header or Header(age=kept.recording.age, sex=kept.recording.sex), rng)
        header = made_wrong(header, rng) if kind == "wrong" else header
    scene = show.variety.scene(rng, header)
    if shown.duration_s < USUAL_S:
        scene = scene.model_copy(update={"seconds": np.floor(2 * shown.duration_s + 0.1) / 2})
    return scene


class Examples(Dataset[Example]):
    """All draws of a run, by number."""

    def __init__(self, maker: Maker, order: Order, draws: int) -> None:
        self.maker, self.order, self.draws = maker, order, draws

    def __len__(self) -> int:
        return self.draws

    def __getitem__(self, draw: int) -> Example:
        """Raises `ConfigError` when too many rows fail one after the other."""
        rng = np.random.default_rng([self.maker.seed, 10, draw])
        at, why = self.order.place(draw), ""
        for _ in range(_TRIES):
            try:
                return self.maker.example(at.dataset, at.row, rng)
            except GemError as fault:
                why = str(fault)
                self.maker.failed((at.dataset, at.row), why)
            begin = draw // self.order.epoch_draws * self.order.epoch_draws
            at = self.order.place(begin + int(rng.integers(self.order.epoch_draws)))
        raise ConfigError(f"{_TRIES} rows one after the other could not be made, the last because: {why}")


def gather_failures(folder: Path) -> list[dict[str, Any]]:
    """What all processes wrote down, each row once, in order."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for path in sorted(folder.glob("*.jsonl")) if folder.is_dir() else ():
        for line in path.read_bytes().split(b"\n")[:-1]:
            row = json.loads(line)
            found[row["source"], row["row"]] = row
    return [found[key] for key in sorted(found)]


__all__ = ["Example", "Examples", "Maker", "Sources", "gather_failures"]
