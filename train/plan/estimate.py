"""Memory of one GPU: weights, gradients and optimizer by count, everything between them by a traced step.

What is kept where, as DeepSpeed 0.19, torch 2.13 and Trainer do it:
- trained weights without ZeRO are kept in float32 with float32 gradients (PEFT keeps adapters so; a whole LLM must be loaded so);
- ZeRO keeps bf16 weights and gradients, and a float32 copy beside AdamW's two moments, divided by the GPUs; ZeRO-3 and FSDP2 divide
  weights and gradients too and gather what is in use;
- DDP keeps a second copy of the gradients in its buckets.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from train.plan.config import Plan
from train.plan.shapes import build_shape
from train.plan.trace import trace

GIB = 2**30
NF4_BYTES = 0.5 + 4 / 64
"""A weight in nf4: four bits, and a float32 scale for 64."""
RESERVED_GIB = 1.5
"""CUDA context, workspaces of cuBLAS and buffers of NCCL; assumed, not measured here."""
FRAGMENTED = 0.05
"""Share of what is allocated that the allocator cannot use; assumed."""
BUCKET = 200_000_000
"""Elements of DeepSpeed's reduce and all-gather buckets (configs/deepspeed)."""
GATHERED = 300_000_000
"""Parameters that ZeRO-3 may hold whole at a time (stage3_max_live_parameters there)."""


@dataclass(frozen=True)
class Counts:
    """Parameters: frozen in 16 bits or as they are, frozen in 4 bits, trained; `largest` of one tensor, `layer` of one decoder layer."""

    frozen: int
    quantised: int
    trained: int
    largest: int
    layer: int


@dataclass(frozen=True)
class Estimate:
    """Bytes of one GPU by kind, and of one node's host.

    logits    part of `activations`, by arithmetic: in the model's dtype, in float32, and their log-softmax
    """

    plan: Plan
    counts: Counts
    weights: float
    gradients: float
    optimizer: float
    buffers: float
    activations: float
    logits: float
    host: float = 0.0
    notes: tuple[str, ...] = field(default=())

    @property
    def allocated(self) -> float:
        return self.weights + self.gradients + self.optimizer + self.buffers + self.activations

    @property
    def peak(self) -> float:
        """With what the context and the allocator take."""
        return self.allocated * (1 + FRAGMENTED) + RESERVED_GIB * GIB

    @property
    def fits(self) -> bool:
        return self.peak <= self.plan.gpu_gib * GIB

    @property
    def tokens_a_step(self) -> int:
        p = self.plan
        return p.rows * p.tokens * p.accumulation * p.gpus

    @property
    def rows_a_step(self) -> int:
        p = self.plan
        return p.rows * p.accumulation * p.gpus


def estimate(plan: Plan) -> Estimate:
    """Raises `ModelError` for a model that cannot be had, or a row too short for its ECGs and pictures."""
    model = build_shape(plan)
    counts = count(model, plan)
    if plan.checkpointing:
        core(model).language_model.activation_checkpointing_enable()
    sharded = plan.sharding in ("zero2", "zero3", "fsdp2")
    as_they_come = plan.accumulation == 1 and not sharded and plan.gpus == 1
    loose = trace(model, lambda: step_of(model, plan), keep_gradients=as_they_come)
    wide = 2 if plan.dtype == "bfloat16" else 4
    vocabulary = core(model).config.text_config.vocab_size
    weights, gradients, optimizer, buffers, host = _states(plan, counts, wide)
    return Estimate(
        plan,
        counts,
        weights,
        0 if as_they_come else gradients,
        optimizer,
        buffers,
        loose,
        plan.rows * plan.tokens * vocabulary * (wide + 8),
        host,
    )


def count(model: nn.Module, plan: Plan) -> Counts:
    """Parameters of a model on the meta device by what happens to them."""
    inner = core(model)
    layers = inner.language_model.model.layers
    linear = {id(m.weight) for m in layers.modules() if isinstance(m, nn.Linear)} if plan.quantised else set()
    every = {id(p): p for name, p in model.named_parameters() if ".original_module." not in name}.values()
    quantised = sum(p.numel() for p in every if id(p) in linear and not p.requires_grad)
    trained = sum(p.numel() for p in every if p.requires_grad)
    frozen = sum(p.numel() for p in every) - quantised - trained
    return Counts(frozen, quantised, trained, max(p.numel() for p in every), sum(p.numel() for p in layers[0].parameters()))


def core(model: Any) -> Any:
    """The model below its adapters."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def step_of(model: Any, plan: Plan) -> Tensor:
    """The loss of one pass on tensors without data: encoders, projectors, LLM."""
    gem = core(model)
    config, dtype = gem.config, getattr(torch, plan.dtype)
    ids = torch.zeros(plan.rows, plan.tokens, dtype=torch.long, device="meta")
    embedded = gem.get_input_embeddings()(ids)
    features = []
    if config.ecg_config is not None and plan.ecgs:
        e = config.ecg_config
        samples = e.samples or int(plan.seconds * e.fs) // e.patch * e.patch
        values = torch.zeros(plan.rows * plan.ecgs, len(e.leads), samples, dtype=dtype, device="meta")
        features.append(gem._project(gem.encode_ecgs(values), "ECG"))
    if config.vision_config is not None and plan.pictures:
        side = config.vision_config.image_size
        pixels = torch.zeros(plan.rows * plan.pictures, 3, side, side, dtype=dtype, device="meta")
        features.append(gem._project(gem.encode_images(pixels), "image"))
    if features:
        there = torch.zeros(plan.rows, plan.tokens, 1, dtype=torch.bool, device="meta")
        embedded = embedded.masked_scatter(there, torch.cat(features).to(dtype))
    loss: Tensor = gem.language_model(inputs_embeds=embedded, labels=ids, use_cache=False).loss
    return loss


def _states(plan: Plan, counts: Counts, wide: int) -> tuple[float, float, float, float, float]:
    """(weights, gradients, optimizer, buffers, host) in bytes."""
    n, moments = plan.gpus, 8 if plan.optimizer == "adamw" else 2
    frozen = counts.frozen * wide + counts.quantised * NF4_BYTES
    trained = counts.trained
    unpacked = counts.layer / 7 * 3 * wide if plan.quantised else 0  # the largest linear layer of a decoder layer, in 16 bits while in use
    if plan.sharding == "none":
        return frozen + trained * 4, trained * 4, trained * moments, unpacked + (trained * 4 if n > 1 else 0), 0
    if plan.sharding == "fsdp2":
        gathered = 2 * max(counts.layer, counts.largest) * wide
        return (frozen + trained * 4) / n, trained * 4 / n, trained * moments / n, gathered, 0
    optimizer = trained * (4 + moments) / n
    whole = counts.frozen + counts.trained
    bucket = 2 * min(BUCKET, trained) * wide
    if plan.sharding == "zero2":
        weights, gradients, buffers = frozen + trained * wide, trained * wide / n, bucket + unpacked
    else:
        gathered = min(whole, max(GATHERED, counts.largest) + counts.layer) * wide
        weights, gradients, buffers = whole * wide / n, trained * wide / n, bucket + gathered
    host = 0.0
    here = min(n, plan.gpus_a_node)
    if plan.offload in ("optimizer", "all"):
        host += (optimizer + gradients) * here
        optimizer, gradients = 0, 0
    if plan.offload == "all":
        host += weights * here
        weights = 0
    return weights, gradients, optimizer, buffers, host
