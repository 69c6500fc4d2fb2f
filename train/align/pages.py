"""Stage `pages`: an image encoder learns from pages what an aligned ECG encoder makes of the signal, and the statements."""

import json
import sys
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset
from transformers import AutoConfig, set_seed

from gem.errors import ModelError
from gem.files import write_whole
from gem.model.ecg_encoder import EcgEncoder
from gem.model.image_encoder import build_image_encoder, image_features, tokens_of
from gem.model.image_input import ImageInput
from gem.model.quiet import quiet
from gem.model.reader import pooled
from train.align.config import PagesRecipe
from train.align.examples import Corpus, corpus_of, plain_batches
from train.align.loop import fit
from train.align.metrics import auroc
from train.data.index import file_hash
from train.data.signals import write_failed
from train.run_folder import begin
from train.settings import World


class PageLearner(nn.Module):
    """Image encoder with two heads on the mean and maximum of its features: the states of the ECG encoder, and the statements."""

    def __init__(self, vision: Any, width: int, statements: int) -> None:
        super().__init__()
        self.image_encoder = build_image_encoder(vision)
        self.states = nn.Linear(2 * vision.hidden_size, width)
        self.statements = nn.Linear(2 * vision.hidden_size, statements)

    def forward(self, pixel_values: Tensor, states: Tensor, labels: Tensor, weights: Tensor, **_: Any) -> dict[str, Tensor]:
        """Losses; states [P, 2 H] of the ECG encoder, standardised."""
        seen, said = self.read(pixel_values)
        each = functional.binary_cross_entropy_with_logits(said, labels, reduction="none") * weights
        losses = {"states": functional.mse_loss(seen, states), "statements": 5 * each.mean()}
        return {"loss": torch.stack(list(losses.values())).sum(), **{f"loss_{name}": loss.detach() for name, loss in losses.items()}}

    def read(self, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        """[P, 2 H] states and [P, S] logits."""
        features = image_features(self.image_encoder, pixel_values, None, False)
        both = pooled(features, torch.ones(features.shape[:2], dtype=torch.bool, device=features.device))
        return self.states(both), self.statements(both)


class _Pages(Dataset[dict[str, Any]]):
    """Draw n: a page of one record, drawn as the seed and n say."""

    def __init__(self, corpus: Corpus, rows: np.ndarray, states: Tensor, recipe: PagesRecipe, picture: ImageInput) -> None:
        self._corpus, self._rows, self._states, self._recipe, self._picture = corpus, rows, states, recipe, picture

    def __len__(self) -> int:
        return len(self._rows) * self._recipe.epochs

    def __getitem__(self, n: int) -> dict[str, Any]:
        epoch, k = divmod(n, len(self._rows))
        order = np.random.default_rng((self._recipe.seed, 1, epoch)).permutation(len(self._rows))
        at = int(order[k])
        row = int(self._rows[at])
        pixels = page(self._corpus, row, self._recipe, self._picture, np.random.default_rng((self._recipe.seed, 5, n)))
        return {
            "pixel_values": pixels, "states": self._states[at],
            "labels": self._corpus.labels[row], "weights": self._corpus.weights[row],
        }  # fmt: skip


def page(corpus: Corpus, row: int, recipe: PagesRecipe, picture: ImageInput, rng: np.random.Generator) -> np.ndarray:
    """[3, S, S] one page of a record."""
    recording = corpus.signals.get(corpus.keys[row]).recording
    squares: np.ndarray = picture.squares(Image.fromarray(recipe.variety.scene(rng).picture(recording).image))
    return squares[0]


def _collate(rows: list[dict[str, Any]]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.stack([np.asarray(row[name]) for row in rows])) for name in rows[0]}


def run(recipe: PagesRecipe) -> int:
    """Train to the end, or go on; returns how many records could not be used. Raises `GemError`."""
    quiet()
    world = World.here()
    if world.main:
        begin(recipe, recipe.output, {"records": file_hash(recipe.records, recipe.cache / "rows")} if recipe.records.is_file() else {})
    encoder = _encoder(recipe)
    corpus = corpus_of(recipe, encoder.config)
    train, valid = corpus.rows("train", recipe.folds), corpus.rows("valid")
    states = torch.cat([_states(encoder, batch) for batch in plain_batches(corpus, train, encoder.config)])
    centre, spread = states.mean(0), states.std(0).clamp(min=1e-3)
    set_seed(recipe.seed)
    fields = dict(recipe.vision)
    vision = AutoConfig.for_model(fields.pop("model_type", "siglip_vision_model"), **fields)
    picture = ImageInput.of({"size": vision.image_size, "tokens": tokens_of(vision, False)} | recipe.picture)
    learner = PageLearner(vision, states.shape[1], len(corpus.statements))
    draws = _Pages(corpus, train, (states - centre) / spread, recipe, picture)
    if world.main:
        sys.stderr.write(f"pages: {len(train)} records, {len(corpus.statements)} statements\n")

    def look(held: PageLearner) -> dict[str, float]:
        return _look(held, corpus, valid, recipe, picture)

    done = fit(recipe, learner, draws, _collate, f"{recipe.vision} {corpus.statements}", look)
    if world.main and done:
        metrics = look(learner)
        learner.image_encoder.save_pretrained(recipe.output / "image_encoder")
        write_whole(recipe.output / "metrics.json", json.dumps(metrics, indent=1) + "\n")
        sys.stderr.write(f"pages: validation split: {metrics}\n")
    return write_failed(recipe.output / "failed.jsonl", [{"source": key, "why": why} for key, why in corpus.failed]) if world.main else 0


def _encoder(recipe: PagesRecipe) -> EcgEncoder:
    try:
        found: EcgEncoder = EcgEncoder.from_pretrained(recipe.aligned / "ecg_encoder", dtype=torch.float32).eval()
    except (OSError, ValueError) as fault:
        raise ModelError(f"{recipe.aligned}: holds no ecg_encoder; run the stage align first ({str(fault).splitlines()[0]})") from fault
    return found


@torch.no_grad()
def _states(encoder: EcgEncoder, batch: dict[str, Tensor]) -> Tensor:
    out = encoder(batch["ecg_values"], batch["ecg_mask"])
    return pooled(out.last_hidden_state, out.keep)


@torch.no_grad()
def _look(
    learner: PageLearner, corpus: Corpus, rows: np.ndarray, recipe: PagesRecipe, picture: ImageInput, size: int = 32
) -> dict[str, float]:
    """Macro AUROC of the classes from one page of each validation record, the same page each time."""
    was = learner.training
    learner.eval()
    found = []
    for at in range(0, len(rows), size):
        pixels = np.stack(
            [page(corpus, int(k), recipe, picture, np.random.default_rng((recipe.seed, 6, int(k)))) for k in rows[at : at + size]]
        )
        found.append(learner.read(torch.from_numpy(pixels))[1])
    learner.train(was)
    chosen = [k for k, name in enumerate(corpus.statements) if name in corpus.classes] or list(range(len(corpus.statements)))
    logits = torch.cat(found).float().numpy()
    return {"auroc_page": auroc(logits[:, chosen], corpus.labels[rows][:, chosen], corpus.weights[rows][:, chosen])}
