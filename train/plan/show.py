"""A plan in words: `python -m train --plan CONFIG [key.sub=value ...]`, or several CONFIGs for a table."""

import sys
from collections.abc import Sequence

from train.plan.config import Plan
from train.plan.estimate import GIB, Estimate, estimate
from train.plan.recipe import load_plan

USAGE = "usage: python -m train --plan CONFIG [CONFIG ...] [key.sub=value ...]\n"
HEADER = ("run", "GPUs", "learns", "sharding", "rows x passes", "tokens", "weights", "states", "activations", "peak", "of", "fits")


def main(argv: Sequence[str]) -> int:
    """0 when all fit, 3 when one does not. Raises `GemError`."""
    configs = [text for text in argv if "=" not in text]
    changes = [text for text in argv if "=" in text]
    if not configs or "--help" in argv or "-h" in argv:
        sys.stderr.write(USAGE)
        return 0 if configs else 2
    found = [estimate(load_plan(config, changes)) for config in configs]
    sys.stdout.write(told(found[0]) if len(found) == 1 else table(found))
    return 0 if all(one.fits for one in found) else 3


def told(one: Estimate) -> str:
    """One plan, part by part."""
    p, c = one.plan, one.counts
    lines = [f"{p.name}: {_learns(p)}, {_sharding(p)}, {_gpus(p)}"]
    lines += [f"  parameters   {(c.frozen + c.quantised + c.trained) / 1e6:8,.1f} million, {c.trained / 1e6:,.1f} of them learn"]
    kinds = {"weights": one.weights, "gradients": one.gradients, "optimizer": one.optimizer, "buffers": one.buffers}
    lines += [f"  {name:<12} {size / GIB:8.2f} GiB" for name, size in kinds.items()]
    lines += [f"  activations  {one.activations / GIB:8.2f} GiB, at most {min(one.logits, one.activations) / GIB:.2f} of them logits"]
    lines += [f"  peak         {one.peak / GIB:8.2f} GiB of {p.gpu_gib:g}: {'fits' if one.fits else 'does not fit'}"]
    if one.host:
        lines += [f"  host         {one.host / GIB:8.2f} GiB a node"]
    lines += [
        f"  a step       {one.rows_a_step:,} rows, {one.tokens_a_step:,} tokens ({p.rows} rows x {p.accumulation} passes x {p.gpus} GPUs)"
    ]
    if p.dataset:
        lines += [f"  an epoch     {-(-p.dataset // one.rows_a_step):,} steps of {p.dataset:,} rows"]
    if not one.fits:
        better = suggested(one)
        lines += [f"  would fit    {better}" if better else "  nothing tried makes it fit: take more or larger GPUs, or shorter rows"]
    return "\n".join(lines) + "\n"


def suggested(one: Estimate) -> str:
    """The first settings, in order of what they cost, with which it fits; "" where none."""
    p = one.plan
    tries: list[dict[str, object]] = [{"checkpointing": True}, {"rows": 1, "accumulation": p.accumulation * p.rows}]
    if p.gpus > 1:
        tries += [{"sharding": "zero2"}] * (p.sharding == "none") + [{"sharding": "zero3"}] * (not p.quantised)
    if p.learns == "lora" and p.gpus == 1:
        tries += [{"quantised": True}]
    if p.learns == "all":
        tries += [{"sharding": "zero3", "offload": "optimizer"}, {"sharding": "zero3", "offload": "all"}]
    changes: dict[str, object] = {}
    for more in tries:
        changes |= more
        if estimate(p.with_(**changes)).fits:
            return " ".join(f"{key}={value}" for key, value in changes.items() if getattr(p, key) != value)
    return ""


def table(found: Sequence[Estimate]) -> str:
    """Several plans as a Markdown table, GiB a GPU."""
    lines = [f"| {' | '.join(HEADER)} |", f"|{'---|' * len(HEADER)}"]
    for one in found:
        p = one.plan
        states = one.gradients + one.optimizer + one.buffers
        cells = (p.name, f"{p.gpus}", _learns(p), _sharding(p), f"{p.rows} x {p.accumulation}", f"{p.tokens}")
        sizes = (one.weights, states, one.activations, one.peak)
        last = (f"{p.gpu_gib:g}", "yes" if one.fits else f"no; {suggested(one) or 'nothing tried helps'}")
        lines.append(f"| {' | '.join((*cells, *(f'{size / GIB:.1f}' for size in sizes), *last))} |")
    return "\n".join(lines) + "\n"


def _learns(p: Plan) -> str:
    bits = " on 4 bits" if p.quantised else ""
    return {"all": "LLM and projectors", "lora": f"LoRA {p.rank}{bits}", "projectors": f"projectors{bits}"}[p.learns]


def _sharding(p: Plan) -> str:
    name = {"none": "none" if p.gpus == 1 else "DDP", "zero2": "ZeRO-2", "zero3": "ZeRO-3", "fsdp2": "FSDP2"}[p.sharding]
    return name if p.offload == "none" else f"{name}, {p.offload} on the host"


def _gpus(p: Plan) -> str:
    nodes = -(-p.gpus // p.gpus_a_node)
    return f"{p.gpus} x {p.gpu_gib:g} GiB" + (f" on {nodes} nodes" if nodes > 1 else "")
