"""Examples -> tensors of one step: padded, or one sequence in which each row sees itself alone."""

from collections.abc import Sequence
from typing import Any

import torch

from gem.model.processor import GemProcessor
from gem.model.tokens import IGNORED
from train.data.examples import Example


class Collate:
    """A batch of a few examples.

    packed  without padding: all rows in one sequence, positions from 0 in each, so that attention stays inside a row
    """

    def __init__(self, processor: GemProcessor, packed: bool = False) -> None:
        self.processor, self.packed = processor, packed

    def __call__(self, examples: Sequence[Example]) -> dict[str, Any]:
        """Raises `ModelError` when some features are cached and others are not."""
        rows = [example.row for example in examples]
        batch = dict(self.processor.batch(rows, side="right"))
        if "labels" not in batch:
            batch["labels"] = torch.full_like(batch["input_ids"], IGNORED)
        if self.packed:
            batch["input_ids"] = torch.tensor([[i for row in rows for i in row.ids]])
            # the first token of a row has no token before it that could have said it
            batch["labels"] = torch.tensor([[i for row in rows for i in (IGNORED, *row.labels[1:])]])
            batch["position_ids"] = torch.tensor([[k for row in rows for k in range(len(row.ids))]])
            del batch["attention_mask"]
        return batch | {"use_cache": False}  # with a cache, transformers does not look for packed rows
