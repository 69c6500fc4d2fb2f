"""Pictures of one lead with the mask of its trace: alone, or with the traces of its neighbours running in."""

from dataclasses import replace

import numpy as np

from data_gen.images.config import ImageSet
from data_gen.images.page import Drawn, as_image, as_json, new_scene, row_of, suffix
from gem.errors import RecordingError
from gem.image.annotate import LeadLabels, annotate
from gem.image.photo.picture import Picture

_TRIES = 6
"""Pages drawn before a recording is given up."""
_MARGIN_MM = (1.0, 5.0)
"""Above and below a lead; at its sides the crop ends inside its own trace, so that the next lead of the row does not begin."""
_TRIM_MM = 0.8
_LEAST_FOREIGN = 0.02
"""A crop with neighbours has ink of other rows in at least this share of its columns."""
_LEAST_OWN = 0.9
"""A lead cut off by the frame of the picture by more than the rest is not used."""

Window = tuple[slice, slice]


def crop_members(drawn: Drawn, recipe: ImageSet, rng: np.random.Generator) -> dict[str, bytes]:
    """images/ID the crop, masks/ID.png 255 on the trace, signals/ID.json its samples in mV and where they lie in the crop, px.

    Raises `RecordingError` when no lead of several pages is as alone, or as crowded, as the set wants it.
    """
    scene = drawn.scene
    for _ in range(_TRIES):
        picture = scene.picture(drawn.recording)
        labels = annotate(picture)
        masks = [lead.mask.full(labels.size) for lead in labels.leads]
        for k in rng.permutation(len(masks)):
            window = _window(labels.leads[k], labels.size, picture.drawn.page.paper.px_per_mm, rng)
            if window is not None and _wanted(recipe.set, labels.leads, masks, int(k), window):
                return _members(replace(drawn, scene=scene), recipe, picture, labels.leads[k], masks[k], window)
        scene = new_scene(drawn.recording, recipe, rng)
    which = "free of its neighbours" if recipe.set == "crops" else "crossed by its neighbours"
    raise RecordingError(
        f"{drawn.recording.source}: no lead of {_TRIES} pages is {which}; choose another variety of layouts, sheets or gains"
    )


def _window(lead: LeadLabels, size: tuple[int, int], px_per_mm: float, rng: np.random.Generator) -> Window | None:
    """Rows and columns of the crop: the box of the lead and some margin; None where too much of it lies outside the picture."""
    height, width = size
    x, y = lead.points[np.isfinite(lead.points[:, 1])].T
    seen = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    if lead.box is None or seen.size == 0 or seen.mean() < _LEAST_OWN:
        return None
    above, below = rng.uniform(*_MARGIN_MM, 2) * px_per_mm
    trim = _TRIM_MM * px_per_mm
    top, bottom = max(0, int(lead.box[1] - above)), min(height, int(lead.box[3] + below) + 1)
    left, right = max(0, int(x.min() + trim)), min(width, int(x.max() - trim))
    return slice(top, bottom), slice(left, right)


def _wanted(kind: str, leads: tuple[LeadLabels, ...], masks: list[np.ndarray], k: int, window: Window) -> bool:
    """Whether the ink of other leads in the crop is what the set is about: none at all, or that of other rows running in."""
    same_row, other_rows = (np.zeros(masks[k][window].shape, dtype=bool) for _ in range(2))
    for lead, mask in zip(leads, masks, strict=True):
        if lead is not leads[k]:
            beside = lead.trace.cell.row == leads[k].trace.cell.row
            (same_row if beside else other_rows)[mask[window]] = True
    crossed = float(other_rows.any(axis=0).mean())
    return crossed >= _LEAST_FOREIGN if kind == "overlaps" else crossed == 0 and not same_row.any()


def _members(drawn: Drawn, recipe: ImageSet, picture: Picture, lead: LeadLabels, mask: np.ndarray, window: Window) -> dict[str, bytes]:
    rows, columns = window
    cell, page = lead.trace.cell, picture.drawn.page
    first = lead.trace.first
    mv = drawn.recording.lead(cell.lead)[first : first + len(lead.points)]
    at = lead.points - (columns.start, rows.start)
    facts = row_of(drawn) | {
        "lead": cell.lead, "label": cell.label, "mm_per_s": page.paper.mm_per_s, "mm_per_mv": cell.sign * cell.mm_per_mv,
        "px_per_mm": page.paper.px_per_mm, "level_mv": picture.drawn.levels[cell.lead], "first_sample": first,
        "window": [columns.start, rows.start, columns.stop, rows.stop],
        "mv": _plain(mv, 4), "x": _plain(at[:, 0], 2), "y": _plain(at[:, 1], 2),
    }  # fmt: skip
    return {
        f"images/{drawn.id}{suffix(recipe)}": as_image(np.ascontiguousarray(picture.image[window]), recipe.quality),
        f"masks/{drawn.id}.png": as_image(mask[window].astype(np.uint8) * 255, None),
        f"signals/{drawn.id}.json": as_json(facts),
    }


def _plain(values: np.ndarray, digits: int) -> list[float | None]:
    return [round(value, digits) if value == value else None for value in values.tolist()]
