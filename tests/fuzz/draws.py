"""What the holes of an operation are filled with.

Choices depend on the tensors at hand under torch, so that most lines are valid. A few are spoiled on
purpose: a wrong dimension, shape, dtype or kind of argument must be refused as torch refuses it.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import torch

from tests.fuzz.subjects import OPTIMIZERS

FLOATS = (torch.float32,) * 7 + (torch.float64,) * 2 + (torch.float16, torch.bfloat16)
DTYPES = (
    *FLOATS,
    torch.int64,
    torch.int64,
    torch.int32,
    torch.uint8,
    torch.int8,
    torch.int16,
    torch.bool,
    torch.bool,
    torch.complex64,
    torch.complex64,
    torch.complex128,
)
SPOILED = 0.02
SIZES = (3, 3, 3, 2, 2, 1, 4)


class Impossible(Exception):
    """No tensor at hand fits."""


class Draws:
    """Fills holes, from the tensors, modules and optimizers that a program has so far."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.tensors: list[tuple[str, torch.Tensor]] = []
        self.modules: dict[str, tuple[int, ...]] = {}
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        self.primary: torch.Tensor | None = None
        # Whether the first tensor is written while the others are read.
        self.writes = False
        self.size = 1

    # Tensors.

    def pick(self, fits: Callable[[torch.Tensor], bool], fresh: str = "") -> str:
        """A tensor at hand that fits, the recent ones more often."""
        if self.random.random() < SPOILED and self.tensors:
            found = self.tensors
        else:
            found = [(path, t) for path, t in self.tensors if fits(t)]
        if not found:
            if fresh:
                return fresh
            raise Impossible
        path, tensor = found[-1 - int(len(found) * self.random.random() ** 1.7)]
        if self.primary is None:
            self.primary = tensor
        return path

    def first(self) -> torch.Tensor:
        if self.primary is None:
            raise Impossible
        return self.primary

    def pick_name(self) -> str:
        """A tensor that has a name of its own, for augmented assignment."""
        found = [(path, t) for path, t in self.tensors if path.isidentifier()]
        if not found:
            raise Impossible
        path, tensor = self.random.choice(found)
        self.primary = self.primary if self.primary is not None else tensor
        return path

    def values(self, shape: Sequence[int], dtype: torch.dtype) -> str:
        """A nested list of small numbers."""
        if not shape:
            return self.literal(dtype)
        return "[" + ", ".join(self.values(shape[1:], dtype) for _ in range(shape[0])) + "]"

    def literal(self, dtype: torch.dtype) -> str:
        choose = self.random
        if dtype is torch.bool:
            return choose.choice(("True", "False"))
        if dtype is torch.uint8:
            return str(choose.randint(0, 5))
        if dtype.is_complex:
            return f"{choose.randint(-4, 4) / 2:g}{choose.randint(-4, 4) / 2:+g}j"
        if dtype.is_floating_point:
            if choose.random() < 0.004:
                return choose.choice(("float('nan')", "float('inf')", "-0.0", "0.0", "1e-4"))
            return f"{choose.randint(-10, 10) / 4!r}"
        return str(choose.randint(-3, 5))

    def new_shape(self) -> tuple[int, ...]:
        """A shape: often that of a tensor at hand, sometimes 0-d, empty, or of size 1."""
        choose = self.random
        if self.tensors and choose.random() < 0.35:
            shape = tuple(choose.choice(self.tensors)[1].shape)
            if math.prod(shape) <= 36:
                return shape
        if choose.random() < 0.08:
            return choose.choice(((), (), (0,), (1,), (1, 1), (2, 0), (0, 3), (3, 0, 2)))
        rank = choose.choice((0, 1, 1, 2, 2, 2, 2, 3, 3, 4))
        sizes = SIZES if rank < 3 else (1, 2, 2, 3)
        return tuple(choose.choice(sizes) for _ in range(rank))

    def new_tensor(
        self, shape: Sequence[int] | None = None, dtype: Any = None, extra: str = ""
    ) -> str:
        """`torch.tensor(...)` with its values, or a random one where these would be too many."""
        shape = self.new_shape() if shape is None else tuple(shape)
        dtype = self.random.choice(DTYPES) if dtype is None else dtype
        if 0 in shape or (math.prod(shape) > 24 and dtype.is_floating_point):
            make = "zeros" if 0 in shape else "randn"
            return f"torch.{make}({shape}, dtype={dtype}{extra})"
        if math.prod(shape) > 24:
            return f"torch.ones({shape}, dtype={dtype}{extra})"
        return f"torch.tensor({self.values(shape, dtype)}, dtype={dtype}{extra})"

    # Arguments that refer to the first tensor.

    def dim(self) -> str:
        """A dimension of the first tensor; `size` remembers its size."""
        first = self.first()
        rank = first.dim()
        if self.random.random() < SPOILED:
            return str(self.random.choice((rank, -rank - 1, 7)))
        dim = self.random.randrange(-rank, rank) if rank else self.random.choice((0, -1))
        self.size = first.shape[dim] if rank else 1
        return str(dim)

    def dims(self) -> str:
        """Several dimensions."""
        rank = self.first().dim()
        count = self.random.randint(1, rank) if rank else 0
        dims = self.random.sample(range(rank), count)
        if self.random.random() < SPOILED:
            dims = [*dims, *dims, 0]
        return str(tuple(d - rank if self.random.random() < 0.3 else d for d in dims))

    def permutation(self) -> str:
        """All dimensions in some order."""
        rank = self.first().dim()
        dims = self.random.sample(range(rank), rank)
        if self.random.random() < SPOILED:
            dims = dims[1:]
        return str(tuple(dims))

    def dtype(self) -> str:
        """A dtype; no integers for numbers that these do not hold, whose casts C leaves undefined."""
        dtype = self.random.choice(DTYPES)
        held = dtype.is_floating_point or dtype.is_complex
        if self.primary is not None and not held and not small(self.primary):
            return "torch.float32"
        return str(dtype)

    def padding(self) -> str:
        """Two numbers for each of the last dimensions."""
        count = 2 * self.random.randint(1, max(1, min(2, self.first().dim())))
        return str(tuple(self.random.choice((0, 1, 1, 2, -1)) for _ in range(count)))

    def classes(self) -> str:
        """A class for each row of the first tensor."""
        rows, columns = self.first().shape[:2] if self.first().dim() > 1 else (1, 1)
        if not columns:
            raise Impossible
        chosen = [self.whole(0, columns - 1) for _ in range(rows)]
        if self.random.random() < 0.03:
            chosen = [*chosen[1:], "-100"]
        return f"torch.tensor([{', '.join(chosen)}], dtype=torch.int64)"

    def kernel(self) -> str:
        """The weight of a convolution of the first tensor."""
        first = self.first()
        if first.dim() < 3:
            raise Impossible
        sides = [self.random.randint(1, min(2, max(1, n))) for n in first.shape[2:]]
        return self.new_tensor(
            (2, first.shape[1], *sides), first.dtype, self.maybe_leaf(first.dtype)
        )

    def maybe_leaf(self, dtype: torch.dtype) -> str:
        wants = dtype.is_floating_point or dtype.is_complex
        return ", requires_grad=True" if wants and self.random.random() < 0.3 else ""

    def leaf_tensor(self) -> str:
        """A new leaf that wants a gradient."""
        dtype = self.random.choice(
            (*FLOATS, torch.complex64) if self.random.random() < 0.3 else FLOATS[:9]
        )
        return self.new_tensor(None, dtype, ", requires_grad=True")

    def whole(self, low: int, high: int) -> str:
        return str(self.random.randint(low, max(low, high)))

    def number(self) -> str:
        choose = self.random
        kind = choose.random()
        if kind < 0.5:
            return choose.choice(("2", "-1", "0", "1", "3", "-2"))
        if kind < 0.93:
            return choose.choice(("0.5", "-1.5", "2.0", "0.25", "-0.5", "1.0"))
        return choose.choice(
            ("True", "1j", "float('nan')", "float('inf')", "300", "-0.0", "1e30", "None")
        )

    def other(self) -> str:
        """Something that broadcasts with the first tensor."""
        choose = self.random
        kind = choose.random()
        if kind < 0.25:
            return self.number()
        first = self.first()
        shape = tuple(first.shape)
        if kind < 0.8:
            near = [
                (p, t)
                for p, t in self.tensors
                if broadcasts(t.shape, shape) and not (self.writes and entangled(first, t))
            ]
            if near:
                return choose.choice(near)[0]
        cut = [1 if choose.random() < 0.2 else n for n in shape[choose.randint(0, len(shape)) :]]
        return self.new_tensor(cut, first.dtype if choose.random() < 0.6 else None)

    def same(self) -> str:
        """A tensor of the first one's shape and dtype."""
        first = self.first()
        near = [p for p, t in self.tensors if t.shape == first.shape and t.dtype == first.dtype]
        if near and self.random.random() < 0.8:
            return self.random.choice(near)
        if self.random.random() < SPOILED:
            return self.new_tensor()
        return self.new_tensor(first.shape, first.dtype)

    def apart(self) -> str:
        """A tensor to write to that shares its memory with none: else torch's answer is undefined."""
        # A zero without memory, which torch keeps for some gradients, cannot be written to.
        held = [(path, t) for path, t in self.tensors if not t._is_zerotensor()]
        shared = Counter(t.untyped_storage().data_ptr() for _, t in held)
        near = [
            path
            for path, t in held
            if shared[t.untyped_storage().data_ptr()] == 1
            and t is not self.first()
            and t.dtype == self.first().dtype
            # torch grows memory that NumPy holds past its end, and the process may end with it.
            and t.untyped_storage().resizable()
        ]
        return self.random.choice(near) if near else self.new_tensor()

    def maskof(self) -> str:
        """A mask for the first tensor."""
        first = self.first()
        near = [
            p for p, t in self.tensors if t.dtype is torch.bool and broadcasts(t.shape, first.shape)
        ]
        if near and self.random.random() < 0.4:
            return self.random.choice(near)
        if self.random.random() < 0.3 and not first.is_complex():
            path = next((p for p, t in reversed(self.tensors) if t is first), None)
            if path:
                return f"{path} > 0"
        shape = first.shape if self.random.random() < 0.8 else first.shape[:1]
        return self.new_tensor(shape, torch.bool)

    def index(self) -> str:
        """A basic index, at times with an advanced part."""
        first, choose = self.first(), self.random
        if choose.random() < SPOILED:
            return choose.choice(("9", "0, 0, 0, 0, 0", "'a'", "1.5", "-8", "::0", "None, 0"))
        parts: list[str] = []
        for size in first.shape[: choose.randint(0, first.dim()) if first.dim() else 0]:
            parts.append(self.index_part(size))
            if choose.random() < 0.08:
                parts.append("None")
        if choose.random() < 0.2 or not parts:
            parts.insert(choose.randint(0, len(parts)), "...")
        return ", ".join(parts)

    def index_part(self, size: int) -> str:
        choose = self.random
        if choose.random() < 0.4 and size:
            return self.whole(-size, size - 1)
        return choose.choice(
            (":", "1:", ":1", "::2", ":-1", "1:2", ":", "0:0" if size > 3 else ":2")
        )

    def slice(self) -> str:
        """Slices only: as many dimensions as before."""
        first = self.first()
        if not first.dim():
            return "..."
        count = self.random.randint(1, first.dim())
        return ", ".join(
            self.random.choice((":", "1:", ":1", "::2", ":-1", ":2")) for _ in range(count)
        )

    def advanced(self) -> str:
        """An index with lists, masks, or tensors among its parts."""
        first, choose = self.first(), self.random
        if not first.dim() or 0 in first.shape:
            raise Impossible
        parts = [self.index_part(size) for size in first.shape]
        for _ in range(choose.choice((1, 1, 2))):
            at = choose.randrange(len(parts))
            size = first.shape[at]
            parts[at] = choose.choice(
                (
                    "[0, -1]",
                    "[0]",
                    f"torch.tensor([{self.whole(-size, size - 1)}, 0])",
                    f"torch.tensor([[0], [{size - 1}]])",
                    f"torch.arange({size}) > 0",
                    "torch.tensor(0)",
                )
            )
        if choose.random() < 0.1:
            parts = [choose.choice(("True", "False", "torch.tensor(True)")), *parts]
        return ", ".join(parts[: choose.randint(at + 1, len(parts))])

    def regrouped(self) -> str:
        """A shape with as many elements."""
        first, choose = self.first(), self.random
        shape = list(first.shape)
        if choose.random() < 0.03:
            return "(5, -1)"
        if len(shape) > 1 and choose.random() < 0.6:
            at = choose.randrange(len(shape) - 1)
            shape[at : at + 2] = [shape[at] * shape[at + 1]]
        elif shape and choose.random() < 0.5:
            at = choose.randrange(len(shape))
            if shape[at] and shape[at] % 2 == 0:
                shape[at : at + 1] = [2, shape[at] // 2]
        else:
            choose.shuffle(shape)
        if shape and 0 not in shape and choose.random() < 0.3:
            shape[choose.randrange(len(shape))] = -1
        elif choose.random() < 0.15:
            shape.insert(choose.randint(0, len(shape)), 1)
        return str(tuple(shape))

    def expanded(self) -> str:
        first, choose = self.first(), self.random
        shape = [
            choose.choice((2, 3)) if n == 1 else (-1 if choose.random() < 0.2 else n)
            for n in first.shape
        ]
        if choose.random() < 0.5:
            shape.insert(0, choose.choice((1, 2, 3)))
        return str(tuple(shape))

    def strided(self) -> str:
        """Shape, strides and offset within the memory of the first tensor."""
        first, choose = self.first(), self.random
        room = first.untyped_storage().nbytes() // first.element_size()
        if not first.dim() and not first._is_view():
            # A loss that is a sum lies, in torch, in memory for all that it is the sum of.
            room = 1
        offset = choose.randint(0, 1)
        shape: list[int] = []
        strides: list[int] = []
        left = room - offset if choose.random() > SPOILED else room + 4
        for _ in range(choose.randint(0, 2)):
            stride = choose.choice((0, 1, 1, 2, 3))
            size = (
                choose.randint(1, min(3, 1 + (left - 1) // stride) if stride else 2)
                if left > 0
                else 0
            )
            left -= (size - 1) * stride
            shape.append(size)
            strides.append(stride)
        if not shape and left <= 0:
            raise Impossible
        return f"{tuple(shape)}, {tuple(strides)}, {offset}"

    def positions(self) -> str:
        """Indices along the first dimension."""
        first = self.first()
        size = first.shape[0] if first.dim() else 1
        if not size or self.random.random() < 0.06:
            return "torch.zeros(0, dtype=torch.int64)"
        shape = self.random.choice(((2,), (2,), (1,), (3,)))
        if self.random.random() < SPOILED:
            return "torch.tensor([0, 9])"
        count = [self.whole(0, size - 1) for _ in range(shape[0])]
        return f"torch.tensor([{', '.join(count)}])"

    def gathering(self) -> str:
        """Indices of the first tensor's rank, within its smallest size."""
        first = self.first()
        size = min(first.shape, default=1)
        if not size:
            shape = tuple(first.shape)
            return f"torch.zeros({shape}, dtype=torch.int64)"
        shape = tuple(max(1, n - (self.random.random() < 0.2)) for n in first.shape)
        if math.prod(shape) > 24:
            return f"torch.zeros({shape}, dtype=torch.int64)"

        def nested(sizes: tuple[int, ...]) -> str:
            if not sizes:
                return self.whole(0, size - 1)
            return "[" + ", ".join(nested(sizes[1:]) for _ in range(sizes[0])) + "]"

        return f"torch.tensor({nested(shape)}, dtype=torch.int64)"

    def selected(self) -> str:
        """A source for index_add and index_copy: of the first tensor's shape, of 2 in one place."""
        first = self.first()
        shape = [2, *first.shape[1:]]
        if not first.dim():
            shape = []
        return self.new_tensor(shape, first.dtype)

    def product(self) -> str:
        """A right operand for a matrix product with the first tensor."""
        first = self.first()
        if not first.dim():
            raise Impossible
        inner = first.shape[-1]
        lead = first.shape[:-2] if first.dim() == 3 else ()
        near = [
            p
            for p, t in self.tensors
            if t.dtype == first.dtype
            and t.dim() == first.dim() >= 2
            and t.shape[-2] == inner
            and t.shape[:-2] == lead
        ]
        if near and self.random.random() < 0.7:
            return self.random.choice(near)
        return self.new_tensor((*lead, inner, self.random.choice((1, 2, 3))), first.dtype)

    def call(self) -> str:
        """A module called with something that fits."""
        name = self.named(self.modules)
        shape = self.modules[name]
        near = [p for p, t in self.tensors if t.dtype is torch.float32 and t.shape == shape]
        if near and self.random.random() < 0.7:
            return f"{name}({self.random.choice(near)})"
        return f"{name}({self.new_tensor(shape, torch.float32)})"

    def optimizer(self) -> str:
        """An optimizer of leaves, or of a module."""
        kind = self.random.choice(OPTIMIZERS)
        name, _, rest = kind.partition("(")
        if self.modules and self.random.random() < 0.6:
            what = f"{self.random.choice([*self.modules])}.parameters()"
        else:
            leaves = [p for p, t in self.tensors if t.requires_grad and is_leaf(t)]
            if not leaves:
                raise Impossible
            what = f"[{', '.join(dict.fromkeys(self.random.choice(leaves) for _ in range(2)))}]"
        return f"torch.optim.{name}({what}, {rest}"

    def named(self, of: dict[str, Any]) -> str:
        if not of:
            raise Impossible
        return self.random.choice([*of])

    def step(self) -> str:
        name = self.named(self.optimizers)
        if isinstance(self.optimizers[name], torch.optim.LBFGS):
            return f"{name}.step(lambda: sum((p ** 2).sum() for p in {name}.param_groups[0]['params']))"
        return f"{name}.step()"


def broadcasts(small: Sequence[int], large: Sequence[int]) -> bool:
    """Whether one shape expands to the other."""
    pairs = zip(reversed(small), reversed(large), strict=False)
    return len(small) <= len(large) and all(a in (1, b) for a, b in pairs)


def is_leaf(t: torch.Tensor) -> bool:
    """Whether it is one; of some views that were changed in place torch does not say."""
    try:
        return t.is_leaf
    except RuntimeError:
        return False


def small(tensor: torch.Tensor) -> bool:
    """Whether every dtype but bool holds its numbers."""
    if not tensor.dtype.is_floating_point and not tensor.dtype.is_complex:
        return True
    return bool((tensor.detach().abs() < 100).all())


def entangled(target: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether torch, which does not find it out, would read in other what it has just written.

    Two geometries on the same memory, one of which has gaps.
    """
    place, theirs = ((t.shape, t.stride(), t.storage_offset()) for t in (target, other))
    try:
        same = target.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()
    except RuntimeError:  # a gradient that is zero without memory
        return False
    return same and place != theirs and not (solid(target) and solid(other))


def solid(t: torch.Tensor) -> bool:
    """Whether it fills its memory without gaps."""
    return torch.empty_like(t).stride() == t.stride()
