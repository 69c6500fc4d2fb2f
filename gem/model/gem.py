"""GEM: an LLM that reads ECG and picture features in the place of their placeholders."""

from typing import Any, Self

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, GenerationMixin, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

from gem.errors import ModelError
from gem.model.config import GemConfig
from gem.model.ecg_encoder import EcgEncoder
from gem.model.image_encoder import build_image_encoder, image_features
from gem.model.projector import projector
from gem.model.splice import splice


# Shape suffixes: B batch, T text positions, D the LLM's width; E ECGs, L leads, N patches; P pictures, C colours, S pixels;
# F features of the whole batch in reading order, H an encoder's width.
class GemForConditionalGeneration(PreTrainedModel, GenerationMixin):
    """The LLM is a whole causal model of transformers, so that its head, tied weights and logit scale stay its own."""

    config: GemConfig
    config_class = GemConfig
    base_model_prefix = "gem"
    input_modalities = ("image", "time", "text")
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_attention_backend = True
    _can_compile_fullgraph = False
    _skip_keys_device_placement = ("past_key_values",)

    def __init__(self, config: GemConfig) -> None:
        super().__init__(config)
        text, ecg, vision = config.get_text_config(), config.ecg_config, config.vision_config
        self.language_model = AutoModelForCausalLM.from_config(text, dtype=torch.get_default_dtype())
        if ecg is not None:
            width = vision.hidden_size if config.shared_projector else text.hidden_size
            self.ecg_encoder = EcgEncoder(ecg)
            self.ecg_projector = projector(config.ecg_projector, ecg.hidden_size, width)
        if vision is not None:
            self.image_encoder = build_image_encoder(vision)
            self.image_projector = projector(config.image_projector, vision.hidden_size, text.hidden_size)
        self.always: dict[str, str] = {}
        """"ECG" or "image" -> "values" or "states": what every training step runs, on a blank where a batch has none. Processes that share
        weights (ZeRO-3, DDP) must run the same parts, or wait for each other for ever."""
        self.post_init()

    def train(self, mode: bool = True) -> Self:
        """Encoders of which nothing learns stay as they are in use: without dropout."""
        super().train(mode)
        for part in (getattr(self, "ecg_encoder", None), getattr(self, "image_encoder", None)):
            if part is not None and not any(parameter.requires_grad for parameter in part.parameters()):
                part.eval()
        return self

    def get_input_embeddings(self) -> nn.Module:
        embeddings: nn.Module = self.language_model.get_input_embeddings()
        return embeddings

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.language_model.set_input_embeddings(value)

    def get_output_embeddings(self) -> nn.Module:
        head: nn.Module = self.language_model.get_output_embeddings()
        return head

    def encode_ecgs(self, ecg_values: Tensor, ecg_mask: Tensor | None = None) -> Tensor:
        """[F, H] states of ECGs in reading order, before the projector: what may be computed once and kept.

        ecg_values [E, L, T] mV, ecg_mask [E, L, N] bool. Raises `ModelError` when this model has no ECG encoder.
        """
        if self.config.ecg_config is None:
            raise ModelError("an ECG was given, but this model has no ECG encoder; draw the ECG and give the picture")
        out = self.ecg_encoder(ecg_values, ecg_mask)
        states_FH: Tensor = out.last_hidden_state[out.keep]
        return states_FH

    def encode_images(self, pixel_values: Tensor) -> Tensor:
        """[F, H] states of pictures [P, C, S, S] in reading order, before the projector."""
        if self.config.vision_config is None:
            raise ModelError("a picture was given, but this model has no image encoder; give the signal instead")
        states_PKH = image_features(self.image_encoder, pixel_values, self.config.vision_layer, self.config.vision_drop_class)
        return states_PKH.flatten(0, 1)

    def embed(
        self,
        input_ids: Tensor,
        ecg_values: Tensor | None = None,
        ecg_mask: Tensor | None = None,
        ecg_states: Tensor | None = None,
        pixel_values: Tensor | None = None,
        image_states: Tensor | None = None,
    ) -> Tensor:
        """[B, T, D] embeddings of `input_ids` with the features in their places.

        ecg_states, image_states  results of `encode_ecgs` and `encode_images`, in place of the ECGs and pictures themselves

        Raises `ModelError` when placeholders and features do not count the same.
        """
        text_BTD = self.get_input_embeddings()(self._without_placeholders(input_ids))
        if ecg_values is not None:
            ecg_states = self.encode_ecgs(ecg_values, ecg_mask)
        if pixel_values is not None:
            image_states = self.encode_images(pixel_values)
        for states_FH, token, what in (
            (ecg_states, self.config.ecg_token_id, "ECG"),
            (image_states, self.config.image_token_id, "image"),
        ):
            features_FD = text_BTD.new_zeros(0, text_BTD.shape[-1]) if states_FH is None else self._project(states_FH, what)
            text_BTD = splice(text_BTD, input_ids, features_FD, token, what)
            if states_FH is None and self.training and what in self.always:
                text_BTD = text_BTD + 0 * self._project(self._blank(what), what).sum().to(text_BTD.dtype)
        return text_BTD

    def _blank(self, what: str) -> Tensor:
        """[F, H] states of nothing."""
        ecg, vision = self.config.ecg_config, self.config.vision_config
        like = next(self.ecg_projector.parameters() if what == "ECG" else self.image_projector.parameters())
        if self.always[what] == "states":
            return like.new_zeros(1, (ecg if what == "ECG" else vision).hidden_size)
        if what == "ECG":
            return self.encode_ecgs(like.new_zeros(1, len(ecg.leads), ecg.samples or ecg.patch))
        return self.encode_images(like.new_zeros(1, vision.num_channels, vision.image_size, vision.image_size))

    def _project(self, states_FH: Tensor, what: str) -> Tensor:
        if what == "image":
            features: Tensor = self.image_projector(states_FH.to(self.dtype))
            return features
        features = self.ecg_projector(states_FH.to(self.dtype))
        return self.image_projector(features) if self.config.shared_projector else features

    def _without_placeholders(self, input_ids: Tensor) -> Tensor:
        """Placeholders become id 0: they are never embedded and may lie beyond the vocabulary."""
        placeholder = (input_ids == self.config.ecg_token_id) | (input_ids == self.config.image_token_id)
        return input_ids.masked_fill(placeholder, 0)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Any = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        ecg_values: Tensor | None = None,
        ecg_mask: Tensor | None = None,
        ecg_states: Tensor | None = None,
        pixel_values: Tensor | None = None,
        image_states: Tensor | None = None,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """Logits, and the loss where `labels` are given (-100 counts for nothing). See `embed` for what may be given."""
        if inputs_embeds is None:
            if input_ids is None:
                raise ModelError("input_ids or inputs_embeds are needed")
            inputs_embeds = self.embed(input_ids, ecg_values, ecg_mask, ecg_states, pixel_values, image_states)
        out: CausalLMOutputWithPast = self.language_model(
            inputs_embeds=inputs_embeds,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            labels=labels,
            **kwargs,
        )
        return out

    @torch.no_grad()
    def generate(self, input_ids: Tensor, attention_mask: Tensor | None = None, **kwargs: Any) -> Any:
        """As in transformers; the encoders run once, before the first token, whatever the decoding (beams, several samples).

        In what comes back the placeholders of the prompt are id 0. A prompt whose beginning lies in `past_key_values` needs no ECGs or
        pictures again.
        """
        media = ("ecg_values", "ecg_mask", "ecg_states", "pixel_values", "image_states")
        given = {name: kwargs.pop(name) for name in media if kwargs.get(name) is not None}
        if attention_mask is None:
            pad = self.generation_config.pad_token_id
            attention_mask = torch.ones_like(input_ids) if pad is None else (input_ids != pad).long()
        if kwargs.get("past_key_values") is None:
            kwargs["inputs_embeds"] = self.embed(input_ids, **given)
        return super().generate(self._without_placeholders(input_ids), attention_mask=attention_mask, **kwargs)

    def prepare_inputs_for_generation(self, input_ids: Tensor, inputs_embeds: Tensor | None = None, **kwargs: Any) -> dict[str, Any]:
        """That of transformers; `inputs_embeds` is named because transformers looks for the name."""
        inputs: dict[str, Any] = super().prepare_inputs_for_generation(input_ids, inputs_embeds=inputs_embeds, **kwargs)
        return inputs
