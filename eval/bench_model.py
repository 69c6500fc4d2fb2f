"""Speed and memory of the model, in one run: batches, one ECG read once, encoders beside the LLM, training, loading.

    python -m eval.bench_model [--shape small|7b] [--device cpu|cuda] [--json]

Random weights of the shape that is named; ECGs are simulated. `small` is for one core, `7b` (LLaMA-2-7B, CLIP ViT-L/14-336 and the
ECG-CoCa encoder, bf16) for a GPU. Compared things take turns within a run and medians are shown: compare the ratios, not two runs.
"""

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForImageTextToText

from gem.errors import ModelError
from gem.infer.about import About
from gem.infer.engine import Decoding, Engine
from gem.model.build import ModelRecipe, build, save
from gem.model.lora import Lora, add_lora
from gem.model.quiet import quiet
from gem.model.tokens import user
from gem.simulate import random_spec, simulate_recording


def _vit(width: int, layers: int, heads: int, **more: Any) -> dict[str, Any]:
    return {"hidden_size": width, "intermediate_size": 4 * width, "num_hidden_layers": layers, "num_attention_heads": heads} | more


def _llm(width: int, inner: int, layers: int, heads: int, **more: Any) -> dict[str, Any]:
    sizes = {"hidden_size": width, "intermediate_size": inner, "num_hidden_layers": layers, "num_attention_heads": heads}
    return {"model_type": "llama"} | sizes | more


SHAPES: dict[str, dict[str, Any]] = {
    "small": {
        "llm": _llm(512, 1408, 8, 8, num_key_value_heads=2),
        "vision": _vit(192, 6, 3, image_size=224, patch_size=16),
        "ecg": _vit(192, 6, 3, layout="joint"),
    },
    "7b": {
        "llm": _llm(4096, 11008, 32, 32, vocab_size=32000),
        "vision": _vit(1024, 24, 16, image_size=336, patch_size=14),
        "ecg": {"setting": "coca"},
        "dtype": "bfloat16",
    },
}
PEAK_FLOPS = {"NVIDIA H100": 989e12, "NVIDIA H200": 989e12, "NVIDIA A100": 312e12}
"""Dense bf16, from the makers' data sheets."""
REPORT_TOKENS = 160
"""A report of some hundred words."""
QUESTIONS = [f"{what} in lead {lead}?" for what in ("ST elevation", "T wave inversion") for lead in ("II", "V1", "V3", "V5", "aVL")]


def clock(call: Callable[[], Any], device: str) -> float:
    """Seconds of one call, the GPU's work included."""
    start = time.perf_counter()
    call()
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def turns(calls: dict[str, Callable[[], Any]], device: str, times: int = 3) -> dict[str, float]:
    """Median seconds of each, after one turn that does not count; they take turns."""
    spent: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(times + 1):
        for name, call in calls.items():
            seconds = clock(call, device)
            if turn:
                spent[name].append(seconds)
    return {name: median(values) for name, values in spent.items()}


def generation(engine: Engine, ecgs: list[Any], device: str) -> dict[str, float]:
    """Eight reports together and one by one; ten short answers about one ECG with and without reading it once."""
    long, short = Decoding(longest=REPORT_TOKENS), Decoding(longest=8)
    prompts = [[user("What is the rhythm?", [ecg])] for ecg in ecgs[:8]]
    asked = [[user(question, ecgs[:1])] for question in QUESTIONS]
    spent = turns(
        {
            "batch of 8": lambda: engine.answer(prompts, long, batch=8),
            "8 singles": lambda: [engine.answer([prompt], long) for prompt in prompts],
            "10 questions, prefix kept": lambda: About(engine, ecgs[:1]).ask(QUESTIONS, short),
            "10 questions, one by one": lambda: [engine.answer([prompt], short) for prompt in asked],
            "10 questions, a batch": lambda: engine.answer(asked, short, batch=10),
        },
        device,
        times=2,
    )
    return {
        "tokens/s, batch of 8": 8 * REPORT_TOKENS / spent["batch of 8"],
        "tokens/s, 8 singles": 8 * REPORT_TOKENS / spent["8 singles"],
        "batch of 8 over singles": spent["8 singles"] / spent["batch of 8"],
        "s, 10 questions on one ECG one by one": spent["10 questions, one by one"],
        "s, as a batch": spent["10 questions, a batch"],
        "s, the ECG read once": spent["10 questions, prefix kept"],
        "read once over one by one": spent["10 questions, one by one"] / spent["10 questions, prefix kept"],
    }


def parts(engine: Engine, ecg: Any, device: str) -> dict[str, float]:
    """What one answer of 64 tokens about an ECG and its page spends where."""
    model = engine.model
    page = torch.rand(1, 3, engine.processor.picture["size"], engine.processor.picture["size"], device=device)
    batch = engine.processor.batch([engine.processor.row([user("What is the rhythm?", [ecg])], True)])
    inputs = {name: tensor.to(device) for name, tensor in batch.items()}
    with torch.no_grad():
        embeds = model.embed(**{name: tensor for name, tensor in inputs.items() if name != "attention_mask"})
        spent = turns(
            {
                "s, ECG encoder": lambda: model.encode_ecgs(inputs["ecg_values"], inputs["ecg_mask"]),
                "s, image encoder": lambda: model.encode_images(page),
                "s, prompt through the LLM": lambda: model.language_model(inputs_embeds=embeds, logits_to_keep=1),
                "s, 64 tokens": lambda: engine.generate(batch, Decoding(longest=64)),
            },
            device,
        )
    return spent | {"ECG encoder, share of an answer": spent["s, ECG encoder"] / spent["s, 64 tokens"]}


def training(engine: Engine, ecgs: list[Any], device: str) -> dict[str, float]:
    """A LoRA step with and without the frozen encoders, and the LLM's own step on the same embeddings."""
    processor, answer = engine.processor, {"role": "assistant", "content": "Sinus rhythm. " * 24}
    rows = [processor.row([user("Interpret this ECG.", [ecg]), answer]) for ecg in ecgs[:4]]
    plain = {name: tensor.to(device) for name, tensor in processor.batch(rows, side="right").items()}
    with torch.no_grad():
        states = engine.model.encode_ecgs(plain["ecg_values"], plain["ecg_mask"])
    cached = {name: tensor for name, tensor in plain.items() if not name.startswith("ecg_")} | {"ecg_states": states}
    model = add_lora(engine.model, Lora(rank=16)).train()
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.0)
    base = model.get_base_model()
    alone = {"attention_mask": plain["attention_mask"], "labels": plain["labels"]}

    def step(forward: Callable[[], Any]) -> None:
        optimiser.zero_grad()
        forward().loss.backward()
        optimiser.step()

    def llm_alone() -> Any:
        embeds = base.embed(cached["input_ids"], ecg_states=states)
        return base.language_model(inputs_embeds=embeds, **alone)

    calls = {
        "s, step with the encoders": lambda: step(lambda: model(**plain)),
        "s, step on cached features": lambda: step(lambda: model(**cached)),
        "s, step of the LLM alone": lambda: step(llm_alone),
    }
    spent = turns(calls, device, times=5)
    tokens = plain["input_ids"].numel() / spent["s, step on cached features"]
    out = spent | {"tokens/s in training": tokens}
    out["overhead of the wrapper"] = spent["s, step on cached features"] / spent["s, step of the LLM alone"] - 1
    peak = next((flops for name, flops in PEAK_FLOPS.items() if device != "cpu" and torch.cuda.get_device_name().startswith(name)), None)
    if peak:
        weights = sum(p.numel() for name, p in base.language_model.named_parameters() if "lora_" not in name)
        out["MFU (4 flops a frozen weight and token)"] = 4 * weights * tokens / peak
        out["GB, largest"] = torch.cuda.max_memory_allocated() / 1e9
    return out


def resident_mb() -> dict[str, float]:
    """MB of this process: its own pages, and all that are resident (files that are mapped count)."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {name: int(lines[name].split()[0]) / 1024 for name in ("RssAnon", "VmRSS")}


def load_and_watch(folder: Path) -> dict[str, float]:
    """Largest growth while a checkpoint loads and every weight is read once, over its size."""
    quiet()
    before, top = resident_mb(), {"RssAnon": 0.0, "VmRSS": 0.0}
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.002):
            for name, value in resident_mb().items():
                top[name] = max(top[name], value - before[name])

    watcher = threading.Thread(target=watch)
    watcher.start()
    model = AutoModelForImageTextToText.from_pretrained(folder, device_map="cpu", use_safetensors=True)
    with torch.no_grad():
        finite = all(bool(parameter.sum().isfinite()) for parameter in model.parameters())
    done.set()
    watcher.join()
    if not finite:
        raise ModelError(f"{folder}: weights that are no numbers")
    size = sum(file.stat().st_size for file in folder.glob("*.safetensors")) / 2**20
    return {"MB, checkpoint": size, "own memory over checkpoint": top["RssAnon"] / size, "resident over checkpoint": top["VmRSS"] / size}


def loading(recipe: ModelRecipe) -> dict[str, float]:
    """In a process of its own, so that nothing else counts."""
    with TemporaryDirectory() as folder:
        save(*build(recipe), Path(folder) / "model")
        command = [sys.executable, "-m", "eval.bench_model", "--load", f"{folder}/model"]
        ran = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  this module itself
    out: dict[str, float] = json.loads(ran.stdout)
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="small")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--load", metavar="DIR", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.load:
        sys.stdout.write(json.dumps(load_and_watch(args.load)))
        return 0
    quiet()
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    ecgs = [simulate_recording(random_spec(rng)).recording for _ in range(8)]
    recipe = ModelRecipe(name=args.shape, **SHAPES[args.shape])
    model, processor = build(recipe)
    model.generation_config.eos_token_id = None
    engine = Engine(model.to(args.device), processor, args.shape)
    rows = generation(engine, ecgs, args.device) | parts(engine, ecgs[0], args.device) | training(engine, ecgs, args.device)
    rows |= loading(recipe) if args.device == "cpu" else {}
    if args.json:
        sys.stdout.write(json.dumps({"shape": args.shape, "device": args.device, "rows": rows}) + "\n")
        return 0
    count = sum(p.numel() for p in model.language_model.parameters())
    sys.stdout.write(f"the model, shape {args.shape} (LLM {count / 1e6:.0f} M), {args.device}; medians of one run\n")
    sys.stdout.write("".join(f"  {name:<44}{value:>12.4g}\n" for name, value in rows.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
