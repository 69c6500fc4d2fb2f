"""What a step keeps alive, found by running it on tensors that have a shape and no data.

Every storage that an operation makes is counted from its birth to its death, so recomputation, casts to float32 in norms and losses,
dropout masks and the order in which backward frees things are those of the model's own code, not of a formula. Attention is taken to be
a fused kernel, which keeps queries, keys, values, the output and one number a row and head.
"""

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Alive(TorchDispatchMode):
    """Counts the bytes alive that operations made inside; what existed before is not counted.

    now, peak  bytes
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._seen: weakref.WeakSet[Any] = weakref.WeakSet()

    def ignore(self, tensors: Any) -> None:
        """Storages that are counted elsewhere."""
        for tensor in tensors:
            self._seen.add(tensor.untyped_storage())

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, Tensor):
                self._count(leaf.untyped_storage())
        return out

    def _count(self, storage: Any) -> None:
        if storage in self._seen:
            return
        self._seen.add(storage)
        size = storage.nbytes()
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._gone, size)

    def _gone(self, size: int) -> None:
        self.now -= size


class _Fused(torch.autograd.Function):
    """Attention with the memory of a fused kernel; its values mean nothing."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        out = q.new_empty((*q.shape[:-1], v.shape[-1]))
        ctx.save_for_backward(q, k, v, out, q.new_empty(q.shape[:-1], dtype=torch.float32))
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v, _, _ = ctx.saved_tensors
        return torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)


class WithoutData(TorchFunctionMode):
    """Lets a model run on the meta device: where it asks whether all values are finite, seen or in one sequence, the answer is yes."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is Tensor.__bool__ and args[0].is_meta:
            return True
        if func is Tensor.__getitem__ and isinstance(args[1], Tensor) and args[1].dtype == torch.bool and args[0].is_meta:
            return args[0].flatten(0, args[1].ndim - 1)
        return func(*args, **(kwargs or {}))


@contextmanager
def fused_attention() -> Iterator[None]:
    """In place of `scaled_dot_product_attention`, which on tensors without data would fall back to the form that keeps all scores.

    The name itself is replaced: a mode of torch would not reach what backward computes again.
    """
    usual = functional.scaled_dot_product_attention
    functional.scaled_dot_product_attention = lambda query, key, value, *_, **__: _Fused.apply(query, key, value)
    try:
        yield
    finally:
        functional.scaled_dot_product_attention = usual


def trace(model: nn.Module, step: Callable[[], Tensor], keep_gradients: bool) -> int:
    """Peak bytes that forward and backward hold beside the weights.

    model           on the meta device; its parameters are not counted
    step            runs it forward and returns the loss
    keep_gradients  False: a gradient goes when it is whole (it is sharded, or has its place already), and is not counted
    """
    alive = Alive()
    hooks = []
    if not keep_gradients:
        learned = [p for p in model.parameters() if p.requires_grad]
        hooks = [p.register_post_accumulate_grad_hook(_dropped) for p in learned]
    with fused_attention(), WithoutData(), alive:
        alive.ignore([*model.parameters(), *model.buffers()])
        loss = step()
        if loss.requires_grad:
            loss.backward()
        peak = alive.peak
    for hook in hooks:
        hook.remove()
    model.zero_grad(set_to_none=True)
    return peak


def _dropped(parameter: Tensor) -> None:
    parameter.grad = None
