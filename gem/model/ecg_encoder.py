"""The ECG encoder: a transformer over patches of the leads, each a linear map of its samples or the end of a stack of convolutions.

Two layouts. "joint" mixes the leads in the first layer (one token a moment; with learned positions and a class token it is the
ECG-CoCa encoder exactly). "per_lead" makes one token a lead and moment, so that any subset of leads is read as it is; the leads of a
moment are then averaged, or all tokens kept. What was not recorded is masked, not zero.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel
from transformers import initialization as init
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.utils import ModelOutput

from gem.errors import ModelError
from gem.model.config import EcgConfig
from gem.model.stem import ConvStem

_SLOWEST_S = 100.0
"""Longest period of the time code; the shortest is two patches."""


# Shape suffixes: E ECGs, L leads, T samples, N patches in time, S tokens inside the encoder, K tokens that come out, H width.
@dataclass
class EcgOutput(ModelOutput):
    """last_hidden_state [E, K, H]; keep [E, K] bool, False where nothing was recorded (padding, missing leads)."""

    last_hidden_state: Tensor | None = None
    keep: Tensor | None = None


class EcgAttention(nn.Module):
    """Full self-attention; queries, keys and values are rows 0..H-1, H..2H-1 and 2H..3H-1 of one matrix."""

    def __init__(self, config: EcgConfig) -> None:
        super().__init__()
        self.heads = config.num_attention_heads
        self.in_proj = nn.Linear(config.hidden_size, 3 * config.hidden_size)
        self.out_proj = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, x_ESH: Tensor, seen_E11S: Tensor | None) -> Tensor:
        e, s, h = x_ESH.shape
        q, k, v = self.in_proj(x_ESH).view(e, s, 3, self.heads, h // self.heads).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=seen_E11S)
        out: Tensor = self.out_proj(mixed.transpose(1, 2).reshape(e, s, h))
        return out


class EcgLayer(GradientCheckpointingLayer):
    """One pre-norm block: attention, then two linear layers with exact GELU."""

    def __init__(self, config: EcgConfig) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.attention = EcgAttention(config)
        self.norm_2 = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.fc1 = nn.Linear(config.hidden_size, config.intermediate_size)
        self.fc2 = nn.Linear(config.intermediate_size, config.hidden_size)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x_ESH: Tensor, seen_E11S: Tensor | None) -> Tensor:
        x_ESH = x_ESH + self.dropout(self.attention(self.norm_1(x_ESH), seen_E11S))
        out: Tensor = x_ESH + self.dropout(self.fc2(self.dropout(functional.gelu(self.fc1(self.norm_2(x_ESH))))))
        return out


class EcgEncoder(PreTrainedModel):
    """ECGs -> tokens."""

    config: EcgConfig
    config_class = EcgConfig
    base_model_prefix = "ecg_encoder"
    main_input_name = "ecg_values"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _no_split_modules = ("EcgLayer",)

    def __init__(self, config: EcgConfig) -> None:
        super().__init__(config)
        width, joint = config.hidden_size, config.layout == "joint"
        inputs = len(config.leads) if joint else 1
        self.patches = ConvStem(config) if config.stem else nn.Conv1d(inputs, width, config.patch, config.patch, bias=False)
        if config.class_token:
            self.class_token = nn.Parameter(torch.zeros(width))
        if config.samples is not None and config.positions == "learned":
            self.positions = nn.Parameter(torch.zeros(config.samples // config.patch + config.class_token, width))
        if config.masked:
            self.leads = nn.Parameter(torch.zeros(len(config.leads), width))
        self.norm_in = nn.LayerNorm(width, config.layer_norm_eps)
        self.layers = nn.ModuleList([EcgLayer(config) for _ in range(config.num_hidden_layers)])
        self.norm_out = nn.LayerNorm(width, config.layer_norm_eps) if config.final_norm else nn.Identity()
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, EcgEncoder):
            for name in ("class_token", "positions", "leads"):
                if hasattr(module, name):
                    init.normal_(getattr(module, name), std=self.config.initializer_range)

    def forward(self, ecg_values: Tensor, ecg_mask: Tensor | None = None, **_: object) -> EcgOutput:
        """ecg_values [E, L, T] mV, T a multiple of the patch; ecg_mask [E, L, N] bool, which patch of which lead was recorded.

        Without a mask everything was. Raises `ModelError` when the shape is not the one of the settings.
        """
        values_ELT, mask_ELN = self._checked(ecg_values, ecg_mask)
        x_ESH, keep_ES = self._joint(values_ELT, mask_ELN) if self.config.layout == "joint" else self._per_lead(values_ELT, mask_ELN)
        x_ESH = self.norm_in(x_ESH)
        seen_E11S = keep_ES[:, None, None] if self.config.masked else None
        for layer in self.layers:
            x_ESH = layer(x_ESH, seen_E11S)
        x_ESH = self.norm_out(x_ESH)
        if self.config.layout == "per_lead" and self.config.pool == "leads":
            x_ESH, keep_ES = _mean_over_leads(x_ESH, mask_ELN)
        return EcgOutput(last_hidden_state=x_ESH, keep=keep_ES)

    def _checked(self, values_ELT: Tensor, mask_ELN: Tensor | None) -> tuple[Tensor, Tensor]:
        config = self.config
        e, leads, samples = values_ELT.shape
        if leads != len(config.leads) or samples % config.patch or config.samples not in (None, samples):
            need = f"{config.samples} samples" if config.samples else f"a multiple of {config.patch} samples"
            raise ModelError(f"the ECG encoder needs {len(config.leads)} leads and {need}, but the batch has {leads} leads of {samples}")
        if mask_ELN is None:
            mask_ELN = torch.ones(e, leads, samples // config.patch, dtype=torch.bool, device=values_ELT.device)
        values_ELT = values_ELT.to(self.dtype)
        if config.masked:
            values_ELT = values_ELT.where(mask_ELN.repeat_interleave(config.patch, dim=2), 0)
        if not values_ELT.isfinite().all():
            raise ModelError("an ECG holds NaN or infinite samples that are not masked; prepare it with gem.model.ecg_input.prepare_ecg")
        return values_ELT, mask_ELN

    def _joint(self, values_ELT: Tensor, mask_ELN: Tensor) -> tuple[Tensor, Tensor]:
        """One token a moment; a lead that is missing there adds its own learned vector."""
        x_ENH = self.patches(values_ELT).transpose(1, 2)
        if self.config.masked:
            x_ENH = x_ENH + (~mask_ELN).to(x_ENH.dtype).transpose(1, 2) @ self.leads
        keep_EN = mask_ELN.any(1) if self.config.masked else torch.ones_like(mask_ELN[:, 0])
        if self.config.class_token:
            x_ENH = torch.cat([self.class_token.expand(len(x_ENH), 1, -1), x_ENH], dim=1)
            keep_EN = torch.cat([torch.ones_like(keep_EN[:, :1]), keep_EN], dim=1)
        return x_ENH + self._times(x_ENH), keep_EN

    def _per_lead(self, values_ELT: Tensor, mask_ELN: Tensor) -> tuple[Tensor, Tensor]:
        """One token a lead and moment, lead after lead."""
        e, leads, samples = values_ELT.shape
        x_ELNH = self.patches(values_ELT.reshape(e * leads, 1, samples)).transpose(1, 2).unflatten(0, (e, leads))
        x_ELNH = x_ELNH + self.leads[:, None] + self._times(x_ELNH)
        return x_ELNH.flatten(1, 2), mask_ELN.flatten(1)

    def _times(self, x: Tensor) -> Tensor:
        """[N, H] where in time each token lies: learned, or waves of it from two patches to `_SLOWEST_S` long."""
        if self.config.positions == "learned":
            return self.positions
        n, width = x.shape[-2:]
        step_s = self.config.patch / self.config.fs
        rates = torch.logspace(math.log10(math.pi / step_s), math.log10(2 * math.pi / _SLOWEST_S), width // 2, device=x.device)
        angles = torch.arange(n, device=x.device)[:, None] * step_s * rates
        return torch.cat([angles.sin(), angles.cos()], dim=1).to(x.dtype)


def _mean_over_leads(x_ESH: Tensor, mask_ELN: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of the leads that were recorded at each moment, and where there was one."""
    weight_ELN1 = mask_ELN[..., None].to(x_ESH.dtype)
    x_ELNH = x_ESH.unflatten(1, mask_ELN.shape[1:])
    return (x_ELNH * weight_ELN1).sum(1) / weight_ELN1.sum(1).clamp(min=1), mask_ELN.any(1)
