"""What a model is made of: an LLM, an ECG encoder, an image encoder, and what joins them.

The ECG-CoCa setting is the architecture of the encoder that the released GEM uses (ECG-Chat's `coca_ViT-B-32`): one token is
100 ms of all twelve leads, a class token in front, learned positions for exactly 10 s, no mask.
"""

import math
from typing import Any, ClassVar, Self

from transformers import AutoConfig, PreTrainedConfig
from transformers.configuration_utils import SubConfigSpec

from gem.ecg.lead import STANDARD
from gem.errors import ModelError

LAYOUTS = ("joint", "per_lead")
POSITIONS = ("time", "learned")
POOLS = ("leads", "none")
PROJECTORS = ("linear", "mlp")


class EcgConfig(PreTrainedConfig):
    """One ECG encoder.

    leads       names of the channels, in order; recordings are matched by name
    fs          Hz; recordings are resampled to it
    patch       samples of one token
    samples     a fixed length (positions are then learned), or None for any length
    longest_s   longest recording taken where `samples` is None
    layout      "joint": a token is one patch of all leads; "per_lead": of one lead
    pool        "per_lead" only: "leads" averages the leads of each moment into one token, "none" keeps all
    masked      what was not recorded is masked (False: zeros, as ECG-CoCa was trained; then every lead is required)
    final_norm  a LayerNorm after the last block
    stem       "joint" only: widths of residual convolution stages that make the patches, () for one linear layer; `stem_strides` of each
    resample    False feeds the samples as they are, whatever their rate, as the released GEM did

    Raises `ModelError` when settings contradict each other.
    """

    model_type = "gem_ecg"
    base_config_key = "ecg_config"

    leads: list[str] | tuple[str, ...] = STANDARD
    fs: float = 500.0
    patch: int = 50
    samples: int | None = None
    longest_s: float = 60.0
    layout: str = "per_lead"
    pool: str = "leads"
    positions: str = "time"
    class_token: bool = False
    masked: bool = True
    final_norm: bool = True
    resample: bool = True
    stem: list[int] | tuple[int, ...] = ()
    stem_strides: list[int] | tuple[int, ...] = ()
    dropout: float = 0.0
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    layer_norm_eps: float = 1e-5
    initializer_range: float = 0.02

    def __post_init__(self, **kwargs: Any) -> None:
        self.leads = list(self.leads)
        self.stem, self.stem_strides = list(self.stem), list(self.stem_strides)
        super().__post_init__(**kwargs)
        checks = {
            f"layout {self.layout!r}: choose {' or '.join(LAYOUTS)}": self.layout in LAYOUTS,
            f"pool {self.pool!r}: choose {' or '.join(POOLS)}": self.pool in POOLS,
            f"positions {self.positions!r}: choose {' or '.join(POSITIONS)}": self.positions in POSITIONS,
            "learned positions need a fixed length (samples)": self.positions != "learned" or self.samples is not None,
            f"samples {self.samples} is no multiple of patch {self.patch}": self.samples is None or self.samples % self.patch == 0,
            "a class token needs layout joint": not self.class_token or self.layout == "joint",
            "a stem needs layout joint": not self.stem or self.layout == "joint",
            f"stem_strides {self.stem_strides}: one a stage of the stem {self.stem}": len(self.stem) == len(self.stem_strides),
            f"stem_strides {self.stem_strides} multiply to another patch than {self.patch}": not self.stem
            or math.prod(self.stem_strides) == self.patch,
            "layout per_lead needs masked: true": self.masked or self.layout == "joint",
            f"hidden_size {self.hidden_size} is no even multiple of {self.num_attention_heads} heads": self.hidden_size
            % (2 * self.num_attention_heads)
            == 0,
        }
        wrong = [text for text, holds in checks.items() if not holds]
        if wrong:
            raise ModelError("not an ECG encoder: " + "; ".join(wrong))

    @classmethod
    def coca(cls, **changes: Any) -> Self:
        """The ECG-CoCa encoder; `changes` for smaller ones of the same make."""
        exact: dict[str, Any] = {"samples": 5000, "layout": "joint", "positions": "learned", "class_token": True, "masked": False}
        return cls(**(exact | {"final_norm": False} | changes))


class ReaderConfig(PreTrainedConfig):
    """What reads statements, with probabilities, from ECG states and measured numbers (`gem.model.reader`).

    statements  codes, in the order of the logits (PTB-XL's SCP statements and superclasses)
    thresholds  probability from which each is said, chosen on records that were not trained on
    features    names of `gem.model.measured`, in order
    ecg_width   of the encoder's states
    bins        pieces of the piecewise-linear code of a number
    width, members  of the network over the numbers: hidden units, and how many members share them
    """

    model_type = "gem_reader"
    base_config_key = "reader_config"

    statements: list[str] | tuple[str, ...] = ()
    thresholds: list[float] | tuple[float, ...] = ()
    features: list[str] | tuple[str, ...] = ()
    ecg_width: int = 192
    bins: int = 8
    width: int = 192
    members: int = 8
    feature_dropout: float = 0.3
    dropout: float = 0.3

    def __post_init__(self, **kwargs: Any) -> None:
        self.statements, self.features = list(self.statements), list(self.features)
        self.thresholds = list(self.thresholds) or [0.5] * len(self.statements)
        super().__post_init__(**kwargs)
        if len(self.thresholds) != len(self.statements):
            raise ModelError(f"not a reader: {len(self.thresholds)} thresholds for {len(self.statements)} statements")


class GemConfig(PreTrainedConfig):
    """The whole model; an encoder that is None is not there.

    text_config, vision_config, ecg_config  configurations of the parts, or their fields (then `model_type` says which)
    ecg_token_id, image_token_id  ids that stand for one feature each; never embedded, so they may lie beyond the LLM's vocabulary
    ecg_projector, image_projector  "linear" or "mlp" (two layers, GELU between)
    shared_projector  ECG features go through `ecg_projector` to the image encoder's width, then through `image_projector`
    reader_config     what reads statements (`ReaderConfig`), or None
    vision_layer      index into the image encoder's hidden states, or None for its last, normalised output
    vision_drop_class the first token of the image encoder is left out
    """

    model_type = "gem"
    sub_configs_defaults: ClassVar = {
        "text_config": SubConfigSpec(config_class=AutoConfig, model_type="llama"),
        "vision_config": SubConfigSpec(config_class=AutoConfig, model_type="clip_vision_model", optional=True),
        "ecg_config": SubConfigSpec(config_class=EcgConfig, optional=True),
        "reader_config": SubConfigSpec(config_class=ReaderConfig, optional=True),
    }

    text_config: Any = None
    vision_config: Any = None
    ecg_config: Any = None
    reader_config: Any = None
    ecg_token_id: int = 0
    image_token_id: int = 1
    ecg_projector: str = "mlp"
    image_projector: str = "mlp"
    shared_projector: bool = False
    vision_layer: int | None = None
    vision_drop_class: bool = False
    tie_word_embeddings: bool = False

    def __post_init__(self, **kwargs: Any) -> None:
        super().__post_init__(**kwargs)
        for name in (self.ecg_projector, self.image_projector):
            if name not in PROJECTORS:
                raise ModelError(f"projector {name!r}: choose {' or '.join(PROJECTORS)}")
        if self.reader_config is not None and self.ecg_config is None:
            raise ModelError("a reader needs an ECG encoder")
        if self.shared_projector and (self.ecg_config is None or self.vision_config is None):
            raise ModelError("shared_projector needs an ECG encoder and an image encoder")

    def get_text_config(self, decoder: bool | None = None, encoder: bool | None = None) -> Any:
        return self.text_config
