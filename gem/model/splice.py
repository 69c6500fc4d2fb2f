"""Features in the place of their placeholders."""

from torch import Tensor

from gem.errors import ModelError


# Shape suffixes: B batch, T text positions, F features of all rows in reading order, D model width.
def splice(text_BTD: Tensor, ids_BT: Tensor, features_FD: Tensor, placeholder: int, what: str) -> Tensor:
    """Replace the embedding of every placeholder by the next feature.

    text_BTD     embeddings of `ids_BT`
    features_FD  projected features, row after row, in reading order
    what         "ECG" or "image", for the message

    Returns a new [B, T, D] tensor; gradients reach both. Raises `ModelError` when the counts differ: features and text were then
    prepared by different settings, and a silent cut would show the model half an ECG.
    """
    there = ids_BT == placeholder
    count = int(there.sum())
    if count != len(features_FD):
        raise ModelError(
            f"the prompt has {count} {what} placeholders (id {placeholder}) for {len(features_FD)} {what} features; "
            "prepare both with the processor that was saved with this model"
        )
    return text_BTD.masked_scatter(there[..., None], features_FD.to(text_BTD.dtype))
