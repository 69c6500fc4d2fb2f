"""Three steps of the tiny model under `fully_shard` on CPU processes: torchrun --nproc-per-node 2 -m tests.train.fsdp2_step FOLDER.

Prints, from the first process, the losses, the share of the weights that this process holds, and the sum of the trained weights.
"""

import json
import os
import sys

import torch
from torch import distributed
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor
from transformers import AutoModelForImageTextToText, AutoProcessor

import gem.model  # noqa: F401  registers the classes
from gem.model.tokens import user
from gem.simulate import simulate_recording

NAMES = ("normal", "rbbb", "stemi_inferior", "lbbb")


def main(folder: str) -> None:
    world, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    model = AutoModelForImageTextToText.from_pretrained(folder).train()
    whole = sum(p.numel() for p in model.parameters())
    if world > 1:
        distributed.init_process_group("gloo")
        mesh = init_device_mesh("cpu", (world,))
        for layer in model.language_model.model.layers:
            fully_shard(layer, mesh=mesh)
        fully_shard(model, mesh=mesh)
        assert all(isinstance(p, DTensor) for p in model.parameters())
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    processor = AutoProcessor.from_pretrained(folder)
    rows = [row(processor, name) for name in NAMES]
    losses = []
    for _ in range(3):
        mine = rows[rank::world]
        loss = sum(model(**processor.batch([one], side="right")).loss for one in mine) / len(mine)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        total = loss.detach().clone()
        if world > 1:
            distributed.all_reduce(total)
        losses.append(total.item() / world)
    local = [p.to_local() if isinstance(p, DTensor) else p for p in model.parameters()]
    total = torch.tensor([sum(p.double().abs().sum().item() for p in local)])
    if world > 1:
        distributed.all_reduce(total)
    if rank == 0:
        print(json.dumps({"losses": losses, "share": sum(p.numel() for p in local) / whole, "sum": total.item()}), flush=True)
    if world > 1:
        distributed.destroy_process_group()


def row(processor, name: str):  # type: ignore[no-untyped-def]
    answer = {"role": "assistant", "content": f"It is {name}."}
    return processor.row([user("What is it?", [simulate_recording(name).recording]), answer])


if __name__ == "__main__":
    main(sys.argv[1])
