"""What training costs: rows a second of the loader, where a step's time goes, MFU, memory over many rows.

    python -m train.bench [--rows N]        also in make bench

Times are CPU seconds of one thread, so that other work on the machine does not count; MFU is against the matmul peak of the same thread.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from gem.conversation import Conversation, Ecg, Origin, Turn
from gem.ecg.io.write import write_recording
from gem.infer.facts import fact_block
from gem.measure.measure import measure_recording
from gem.model.build import ModelRecipe, build, save
from gem.model.quiet import quiet
from gem.simulate import simulate_recording
from train.config import InstructRecipe
from train.data.collate import Collate
from train.data.examples import Example, Examples, Maker
from train.data.order import Order
from train.progress import Work
from train.sources import opened
from train.tuning import Learner, open_sources

PRESETS = ("normal", "rbbb", "stemi_inferior", "lbbb", "atrial_fibrillation", "tachycardia")
NANO = {
    "name": "nano", "longest": 1024, "vocabulary": 2048,
    "llm": {
        "model_type": "qwen3", "hidden_size": 256, "intermediate_size": 768, "num_hidden_layers": 6, "num_attention_heads": 4,
        "num_key_value_heads": 4, "head_dim": 64, "tie_word_embeddings": True, "bos_token_id": None, "eos_token_id": 1, "pad_token_id": 0,
    },
    "ecg": {
        "hidden_size": 192, "intermediate_size": 768, "num_hidden_layers": 6, "num_attention_heads": 6, "fs": 100.0, "patch": 10,
        "layout": "joint",
    },
    "vision": {
        "model_type": "siglip_vision_model", "hidden_size": 192, "intermediate_size": 768, "num_hidden_layers": 6, "num_attention_heads": 6,
        "image_size": 224, "patch_size": 16, "vision_use_head": False,
    },
}  # fmt: skip
"""A small model of the shape that two cores train: 5 M weights of the LLM."""
_ROWS, _STEPS, _BATCH = 40, 6, 8


def _set(folder: Path) -> Path:
    """Conversations of usual length about simulated recordings."""
    (folder / "ecg").mkdir()
    (folder / "conversations").mkdir()
    lines = []
    for k, name in enumerate(PRESETS):
        recording = simulate_recording(name).recording
        write_recording(recording, folder / "ecg" / f"{name}.hea")
        answer = " ".join([fact_block(measure_recording(recording))] * 2)
        row = Conversation(
            id=name, task="report", ecgs=(Ecg(record=name, path=f"ecg/{name}"),),
            turns=(Turn(role="user", text="Interpret this ECG."), Turn(role="assistant", text=answer)),
            origin=Origin(kind="template", name="bench"), patient=str(k), split="train", licence="none", data_class="open",
        )  # fmt: skip
        lines.append(json.dumps(row.to_row()) + "\n")
    path = folder / "conversations" / "train.jsonl"
    path.write_text("".join(lines), encoding="utf-8")
    return path


def _examples(folder: Path, rows: Path, model: Any, processor: Any, **data: Any) -> Examples:
    fields = {"train": {str(rows): 1.0}, "cache": str(folder / "cache"), "records": str(folder)} | data
    recipe = InstructRecipe.model_validate(
        {"stage": "instruct", "name": "bench", "output": str(folder / "run"), "model": str(folder / "model"), "data": fields}
        | {"optim": {"lr": 1e-4}, "batch": _BATCH, "steps": 1}
    )
    indexed = opened(recipe.data, recipe.data.train)
    sources, _ = open_sources(recipe, indexed, [], Learner(model, processor, "", ""))
    maker = Maker(sources, processor, recipe.data.show, recipe.data.augment, 0, folder / "failed")
    return Examples(maker, Order([len(indexed[0])], [1.0], 0), 10**9)


def _cpu_s(work: Callable[[], Any]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def loader(folder: Path, rows: Path, model: Any, processor: Any) -> Iterator[tuple[str, float]]:
    """(what is shown, rows a CPU second)."""
    drawn = {"pictures": "drawn", "headers": {"measured": 1, "wrong": 1}}
    for name, data in (
        ("signal and facts", {"show": {"facts": True}}),
        ("signal, facts, page drawn at 1100 px", {"show": {"facts": True} | drawn}),
        ("signal, facts, page photographed", {"show": {"facts": True} | drawn | {"variety": {"damage": {"photo": 1}}}}),
        ("kept states and facts", {"show": {"facts": True}, "features": "cached"}),
    ):
        examples = _examples(folder, rows, model, processor, **data)
        examples[0]
        yield name, _ROWS / _cpu_s(lambda examples=examples: [examples[k] for k in range(_ROWS)])  # type: ignore[misc]


def step(model: Any, processor: Any, examples: Examples) -> tuple[dict[str, float], float]:
    """(CPU seconds of each part of a step, MFU), the mean of some steps; every weight learns."""
    collate, optimizer = Collate(processor), torch.optim.AdamW(model.parameters(), lr=1e-4, foreach=True)
    work = Work(model)
    spent, operations = dict.fromkeys(("data", "encoders", "LLM", "back", "optimizer"), 0.0), 0.0
    held: dict[str, Any] = {}

    def data() -> None:
        rows: list[Example] = [examples[k] for k in range(at * _BATCH, (at + 1) * _BATCH)]
        held["batch"] = collate(rows)

    def encoders() -> None:
        media = {name: held["batch"][name] for name in ("ecg_values", "ecg_mask", "pixel_values") if name in held["batch"]}
        held["embedded"] = model.embed(held["batch"]["input_ids"], **media)

    def llm() -> None:
        batch = held["batch"]
        held["loss"] = model(
            inputs_embeds=held["embedded"], attention_mask=batch["attention_mask"], labels=batch["labels"], use_cache=False
        ).loss

    def update() -> None:
        optimizer.step()
        optimizer.zero_grad()

    for at in range(_STEPS + 1):
        parts = {"data": data, "encoders": encoders, "LLM": llm, "back": lambda: held["loss"].backward(), "optimizer": update}
        for name, part in parts.items():
            seconds = _cpu_s(part)
            spent[name] += seconds * (at > 0)  # the first step makes buffers
        operations += float(work.of(held["batch"])) * (at > 0)
    busy = sum(spent.values()) - spent["data"]
    return {name: seconds / _STEPS for name, seconds in spent.items()}, operations / busy / matmul_peak_cpu()


def matmul_peak_cpu() -> float:
    """As `matmul_peak`, in CPU seconds."""
    side = 1024
    a = torch.randn(side, side)
    return max(2 * side**3 / _cpu_s(lambda: a @ a) for _ in range(20))


def memory(folder: Path, rows: Path, model: Any, processor: Any, count: int) -> list[tuple[int, float]]:
    """(rows drawn, MB of memory of this process's own) on the way through a file of `count` rows."""
    many = rows.with_name("many.jsonl")
    line = rows.read_bytes().split(b"\n")[:-1]
    with many.open("wb") as out:
        for k in range(count):
            out.write(line[k % len(line)] + b"\n")
    examples = _examples(folder, many, model, processor, show={"facts": True}, grouping="length")
    examples.order = Order([count], [1.0], 0, _BATCH, lambda k, numbers: examples.maker.sources.rows[0].sizes(numbers))
    marks = sorted({min(1000, count), count // 10, count // 2, count} - {0})
    found = []
    for k in range(count):
        examples[k]
        if k + 1 in marks:
            found.append((k + 1, _own_mb()))
    return found


def _own_mb() -> float:
    """Memory that is no file's: pages of mapped files belong to the operating system."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m train.bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=2000, help="rows of the walk that watches memory")
    asked = parser.parse_args(argv)
    quiet()
    torch.set_num_threads(1)
    say = sys.stdout.write
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = _set(folder)
        save(*build(ModelRecipe.model_validate(NANO)), folder / "model")
        model, processor = AutoModelForImageTextToText.from_pretrained(folder / "model"), AutoProcessor.from_pretrained(folder / "model")
        llm = sum(p.numel() for p in model.language_model.parameters())
        say(f"model: LLM {llm / 1e6:.1f} M weights, all {sum(p.numel() for p in model.parameters()) / 1e6:.1f} M\n")
        for shown, rate in loader(folder, rows, model, processor):
            say(f"loader: {rate:8.1f} rows per CPU second   {shown}\n")
        for title, data in (("signal", {}), ("signal and page", {"pictures": "drawn"}), ("kept states", {"features": "cached"})):
            show = {"facts": True} | ({"pictures": "drawn"} if "pictures" in data else {})
            examples = _examples(folder, rows, model, processor, show=show, **({"features": "cached"} if "features" in data else {}))
            model.train()
            parts, mfu = step(model, processor, examples)
            length = np.mean([len(examples[k].row.ids) for k in range(_BATCH)])
            shares = ", ".join(f"{part} {seconds / sum(parts.values()):.1%}" for part, seconds in parts.items())
            say(f"step of {_BATCH} rows of {length:.0f} tokens, {title}: {sum(parts.values()):.2f} CPU s ({shares}); MFU {mfu:.0%}\n")
        for at, megabytes in memory(folder, rows, model, processor, asked.rows):
            say(f"memory after {at} rows: {megabytes:.0f} MB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
