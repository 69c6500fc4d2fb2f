"""Pictures of whole pages: with their signals, with boxes, with a text."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import gem
from data_gen.images.config import ImageSet
from gem.ecg.io import read
from gem.ecg.recording import Recording
from gem.image.annotate import annotate
from gem.image.header import made_wrong, with_identity
from gem.image.layout import visible
from gem.image.scene import Scene
from gem.infer.header import measured_header


@dataclass(frozen=True)
class Drawn:
    """One item of a list with what was drawn for it: the recording, and the scene that makes its picture."""

    item: dict[str, Any]
    recording: Recording
    scene: Scene
    text: str | None
    author: str | None

    @property
    def id(self) -> str:
        return str(self.item["id"])


def drawn_from(item: dict[str, Any], base: Path, recipe: ImageSet, rng: np.random.Generator) -> Drawn:
    """Read the recording and draw its scene. Raises `GemError` where it cannot be read or does not fit the page."""
    known = {key: item[key] for key in ("age", "sex") if key in item}
    recording = read(base / item["path"], **known)
    scene = new_scene(recording, recipe, rng)
    scene.page().check(recording)
    text, author = _text(item, recording, recipe)
    return Drawn(item, recording, scene, text, author)


def new_scene(recording: Recording, recipe: ImageSet, rng: np.random.Generator) -> Scene:
    """One scene of the recipe's variety, its header measured, wrong or absent as the recipe weighs them."""
    weights = np.array(list(recipe.headers.values()), dtype=np.float64)
    kind = list(recipe.headers)[int(rng.choice(len(weights), p=weights / weights.sum()))]
    header = None
    if kind != "none":
        header = with_identity(measured_header(recording), rng)
        header = made_wrong(header, rng) if kind == "wrong" else header
    return recipe.variety.scene(rng, header)


def _text(item: dict[str, Any], recording: Recording, recipe: ImageSet) -> tuple[str | None, str | None]:
    """The text that goes with the picture, and who wrote it."""
    if recipe.set != "text":
        return None, None
    if recipe.text != "gem":
        return item["text"], f"corpus, column {recipe.text}"
    return gem.interpret(recording).text, f"gem {gem.__version__}, template"


def row_of(drawn: Drawn) -> dict[str, Any]:
    """Everything that draws the picture again: `Scene.model_validate(row["scene"]).picture(read(folder / row["source"]))`."""
    row: dict[str, Any] = {"id": drawn.id, "source": drawn.item["path"], "age": drawn.item.get("age"), "sex": drawn.item.get("sex")}
    row |= {"fs": drawn.recording.fs, "leads": list(drawn.recording.leads)}
    if drawn.text is not None:
        row |= {"text": drawn.text, "author": drawn.author}
    return row | {"scene": drawn.scene.model_dump(mode="json")}


def pair_members(drawn: Drawn, recipe: ImageSet, rng: np.random.Generator) -> dict[str, bytes]:
    """ID.jpg the page; ID.npy what it shows, [L, T] float32 mV, NaN elsewhere; ID.json rate, leads, scene."""
    page = drawn.scene.page()
    shown = visible(drawn.recording, page).signal[:, : round(page.needed_s * drawn.recording.fs)]
    return _picture(drawn, recipe) | {f"{drawn.id}.npy": as_npy(shown), f"{drawn.id}.json": as_json(row_of(drawn))}


def text_members(drawn: Drawn, recipe: ImageSet, rng: np.random.Generator) -> dict[str, bytes]:
    """ID.jpg the page; ID.npy the whole signal, [L, T] float32 mV; ID.json rate, leads, text, its author, scene."""
    return _picture(drawn, recipe) | {
        f"{drawn.id}.npy": as_npy(drawn.recording.signal),
        f"{drawn.id}.json": as_json(row_of(drawn)),
    }


def box_members(drawn: Drawn, recipe: ImageSet, rng: np.random.Generator) -> dict[str, bytes]:
    """images/ID.jpg and labels/ID.txt, as YOLO reads them: class 0 a lead, 1 to 12 the names I to V6."""
    picture = drawn.scene.picture(drawn.recording)
    labels = annotate(picture)
    return {
        f"images/{drawn.id}{suffix(recipe)}": as_image(picture.image, recipe.quality),
        f"labels/{drawn.id}.txt": labels.yolo().encode(),
        f"scenes/{drawn.id}.json": as_json(row_of(drawn)),
    }


def _picture(drawn: Drawn, recipe: ImageSet) -> dict[str, bytes]:
    return {f"{drawn.id}{suffix(recipe)}": as_image(drawn.scene.picture(drawn.recording).image, recipe.quality)}


def suffix(recipe: ImageSet) -> str:
    return ".png" if recipe.quality is None else ".jpg"


def as_image(image: np.ndarray, quality: int | None) -> bytes:
    """[H, W, 3] RGB or [H, W] as PNG, or JPEG of a quality."""
    stored = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    if quality is None:
        return cv2.imencode(".png", stored, [cv2.IMWRITE_PNG_COMPRESSION, 3])[1].tobytes()
    return cv2.imencode(".jpg", stored, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def as_npy(values: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, values, allow_pickle=False)
    return out.getvalue()


def as_json(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n").encode()
