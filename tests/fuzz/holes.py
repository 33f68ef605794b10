"""The holes of the table of operations, and what each may be filled with."""

from __future__ import annotations

from collections.abc import Callable

import torch

from tests.fuzz.draws import SPOILED, Draws, Impossible, is_leaf, small
from tests.fuzz.subjects import MODULES


def is_float(t: torch.Tensor) -> bool:
    return t.dtype.is_floating_point


def of_rank(rank: int) -> Callable[[torch.Tensor], bool]:
    return lambda t: t.dim() == rank and t.dtype is torch.float32 and 0 not in t.shape


def chosen(*texts: str) -> Callable[[Draws], str]:
    return lambda d: d.random.choice(texts)


def tensor(fits: Callable[[torch.Tensor], bool]) -> Callable[[Draws], str]:
    return lambda d: d.pick(fits)


def matrix(shape: tuple[int, ...]) -> Callable[[Draws], str]:
    """A float32 tensor of this rank, or a new one of this shape."""

    def draw(d: Draws) -> str:
        try:
            return d.pick(of_rank(len(shape)))
        except Impossible:
            if d.primary is None:
                d.primary = torch.zeros(shape)
            return d.new_tensor(shape, torch.float32, d.maybe_leaf(torch.float32))

    return draw


HOLES: dict[str, Callable[[Draws], str]] = {
    "x": tensor(lambda t: True),
    "float": tensor(is_float),
    "complex": tensor(lambda t: t.dtype.is_complex),
    "integer": tensor(lambda t: t.dtype is torch.int64),
    "mask": tensor(lambda t: t.dtype is torch.bool),
    "grad": tensor(lambda t: t.requires_grad),
    "leaf": tensor(lambda t: t.requires_grad and is_leaf(t)),
    "graded": tensor(lambda t: t.requires_grad and is_leaf(t) and t.grad is not None),
    # Not a sum of losses, behind which torch keeps the memory of the losses.
    "sized": tensor(lambda t: t.dim() > 0 or t._is_view()),
    "plain": tensor(lambda t: not t.requires_grad),
    "detached": tensor(is_leaf),
    "scalar": tensor(lambda t: t.numel() == 1),
    "fitting": tensor(lambda t: is_float(t) and small(t)),
    "pairs": tensor(lambda t: is_float(t) and t.dim() > 0 and t.shape[-1] == 2),
    "square": tensor(lambda t: t.shape == (3, 3) and t.dtype is torch.float32),
    "vector": matrix((3,)),
    "matrix": matrix((2, 3)),
    "batch": matrix((2, 2, 3)),
    "image": matrix((1, 2, 2, 3)),
    "name": lambda d: d.pick_name(),
    "tensor": lambda d: d.new_tensor(),
    "leaftensor": Draws.leaf_tensor,
    "other": Draws.other,
    "same": Draws.same,
    "apart": Draws.apart,
    "maskof": Draws.maskof,
    "number": Draws.number,
    "count": lambda d: (
        d.whole(1, 3) if d.random.random() < 0.95 else d.random.choice(("0", "-1", "7"))
    ),
    "flag": chosen("True", "False"),
    "shape": lambda d: str(d.new_shape()),
    "dtype": Draws.dtype,
    "dim": Draws.dim,
    "dims": Draws.dims,
    "newdim": lambda d: d.whole(-d.first().dim() - 1, d.first().dim()),
    "permutation": Draws.permutation,
    "position": lambda d: d.whole(-d.size, d.size - 1) if d.random.random() > SPOILED else "9",
    "start": lambda d: d.whole(0, d.size),
    "length": lambda d: d.whole(1, d.size),
    "index": Draws.index,
    "slice": Draws.slice,
    "advanced": Draws.advanced,
    "regrouped": Draws.regrouped,
    "expanded": Draws.expanded,
    "strided": Draws.strided,
    "sizes": lambda d: f"({d.random.choice((1, d.size, 2))}, -1)",
    "repeats": lambda d: str(tuple(d.random.choice((1, 2)) for _ in range(d.first().dim() or 1))),
    "positions": Draws.positions,
    "gathering": Draws.gathering,
    "selected": Draws.selected,
    "padding": Draws.padding,
    "lastshape": lambda d: str(tuple(d.first().shape[-1:])),
    "product": Draws.product,
    "linearweight": lambda d: d.new_tensor(
        (2, d.first().shape[-1] if d.first().dim() else 1),
        d.first().dtype,
        d.maybe_leaf(d.first().dtype),
    ),
    "kernel": Draws.kernel,
    "classes": Draws.classes,
    "function": chosen(
        "torch.sin", "cube", "rows", "written", "paired_with_itself", "sorted_values"
    ),
    "rounding": chosen("'trunc'", "'floor'", "None"),
    "reduction": chosen("'none'", "'sum'", "'mean'"),
    "hook": chosen("double", "silent", "keep", "in_place", "squared", "double", "keep"),
    "forwardhook": chosen("halve", "keep_output"),
    "newmodule": chosen(*MODULES),
    "module": lambda d: d.named(d.modules),
    "call": Draws.call,
    "optimizer": Draws.optimizer,
    "steps": lambda d: d.named(d.optimizers),
    "step": Draws.step,
}
