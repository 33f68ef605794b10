"""Many directions at once, and forward mode, for `functional` and `gradcheck`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rushlight.autograd import api, forward_ad
from rushlight.core.doors import read
from rushlight.core.tensor import TensorBase, wrap

Function = Callable[..., Any]

# ---- Jacobians -----------------------------------------------------------------------------------


def check_strategy(strategy: str, vectorize: bool, strict: bool, create_graph: bool) -> None:
    """Raise torch's errors for combinations that it does not offer."""
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode": forward mode pays where there '
            "are more outputs than inputs"
        )
    forward, name = strategy == "forward-mode", "torch.autograd.functional.jacobian"
    if forward and create_graph:
        raise NotImplementedError(
            f'{name}: `create_graph=True` and `strategy="forward-mode"` are not supported together (yet). '
            'Please either set `create_graph=False` or `strategy="reverse-mode"`.'
        )
    if strict and (forward or vectorize):
        other = '`strategy="forward-mode"`' if forward else "`vectorized=True`"
        raise RuntimeError(f"{name}: `strict=True` and {other} are not supported together.")
    if forward and not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian is only implemented for "
            "`vectorize=True`."
        )


def pulled(outputs: Any, xs: Any, single_in: bool, single_out: bool, create_graph: bool) -> Any:
    """The Jacobian by one backward for all elements of the outputs."""
    from rushlight.func.jacobians import directions

    seeds = directions(outputs)
    live = [(o, s) for o, s in zip(outputs, seeds, strict=True) if o._requires_grad_]
    total = sum(o._data_.size for o in outputs)
    rows: tuple[Any, ...] = (None,) * len(xs)
    if live:
        rows = api.grad(
            [o for o, _ in live], xs, [s for _, s in live], create_graph=create_graph,
            allow_unused=True, is_grads_batched=True,
        )  # fmt: skip
    rows = tuple(
        wrap(np.zeros((total, *x._data_.shape), x._data_.dtype)) if row is None else row
        for row, x in zip(rows, xs, strict=True)
    )
    start, result = 0, []
    for o in outputs:
        size = o._data_.size
        blocks = tuple(
            row.narrow(0, start, size).reshape((*o._data_.shape, *x._data_.shape))
            for row, x in zip(rows, xs, strict=True)
        )
        start += size
        result.append(blocks[0] if single_in else blocks)
    return result[0] if single_out else tuple(result)


def pushed(func: Function, inputs: Any) -> Any:
    """The Jacobian by one forward for all elements of the inputs; lists of lists, as in torch."""
    from rushlight.func.jacobians import jacfwd

    single_in = isinstance(inputs, TensorBase)
    xs = (inputs,) if single_in else tuple(inputs)
    result = jacfwd(func, tuple(range(len(xs))))(*xs)
    if isinstance(result, tuple) and all(isinstance(part, TensorBase) for part in result):
        return result[0] if single_in else list(result)
    return tuple(part[0] for part in result) if single_in else [list(part) for part in result]


# ---- for gradcheck -------------------------------------------------------------------------------


def as_tuple(value: Any) -> tuple[Any, ...]:
    """One value or several, as a tuple."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def outputs_of(function: Callable[..., Any], inputs: Sequence[Any]) -> list[Any]:
    """The differentiable outputs of function."""
    return [
        o
        for o in as_tuple(function(*inputs))
        if isinstance(o, TensorBase) and o._data_.dtype.kind in "fcV"
    ]


def _tangents(
    function: Callable[..., Any], inputs: Sequence[Any], along: dict[int, Any]
) -> list[Any]:
    """The tangents of the outputs along those of some inputs, by forward mode."""
    with forward_ad.dual_level():
        given = [
            forward_ad.make_dual(t, along[i]) if i in along else t for i, t in enumerate(inputs)
        ]
        outputs = outputs_of(function, given)
        found = [forward_ad.unpack_dual(o).tangent for o in outputs]
    return [
        wrap(np.zeros(o._data_.shape, o._data_.dtype)) if t is None else t.detach()
        for o, t in zip(outputs, found, strict=True)
    ]


def along_inputs(
    function: Callable[..., Any], inputs: Sequence[Any], position: int, number: int
) -> np.ndarray[Any, Any]:
    """d output / d input by forward mode, laid out as `_numerical` does."""
    data = inputs[position]._data_
    columns = []
    for i in range(data.size):
        axes = []
        for step in [1.0, 1j] if data.dtype.kind == "c" else [1.0]:
            tangent = np.zeros(data.shape, data.dtype)
            tangent.reshape(-1)[i] = step
            found = _tangents(function, inputs, {position: wrap(tangent)})
            axes.append(read(found[number], "slopes").reshape(-1))
        columns.append(np.stack(axes))
    return np.stack(columns)


# How many gradients are taken at once to see whether vmap gives what a loop gives.
_SEVERAL = 3


def _drawn(t: Any, generator: np.random.Generator) -> Any:
    values = generator.standard_normal((_SEVERAL, *t._data_.shape))
    return wrap(np.asarray(values, t._data_.dtype))


def same_in_batch(outputs: list[Any], inputs: list[Any]) -> bool:
    """Whether backward under vmap gives what backward gives one by one."""
    generator = np.random.default_rng(0)
    live = [o for o in outputs if o._requires_grad_]
    seeds = [_drawn(o, generator) for o in live]
    options: dict[str, Any] = {"retain_graph": True, "allow_unused": True}
    together = api.grad(live, inputs, seeds, is_grads_batched=True, **options)
    each = [api.grad(live, inputs, [s[i] for s in seeds], **options) for i in range(_SEVERAL)]
    return _alike(together, each)


def same_in_batch_forward(
    function: Callable[..., Any], inputs: Sequence[Any], positions: list[int]
) -> bool:
    """Whether forward mode under vmap gives what it gives one by one."""
    from rushlight.func.mapping import vmap

    generator = np.random.default_rng(0)
    along = [_drawn(inputs[i], generator) for i in positions]

    def push(*given: Any) -> list[Any]:
        return _tangents(function, inputs, dict(zip(positions, given, strict=True)))

    together = vmap(push)(*along)
    each = [push(*(t[i] for t in along)) for i in range(_SEVERAL)]
    return _alike(together, each)


def _alike(together: Any, each: Any) -> bool:
    why = "whether gradients agree"
    return all(
        found is None or np.allclose(read(found, why), np.stack([read(p, why) for p in parts]))
        for found, parts in zip(together, zip(*each, strict=True), strict=True)
    )
