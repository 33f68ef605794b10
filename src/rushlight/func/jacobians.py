"""Jacobians and Hessians: a pull or a push of every direction at once, by vmap."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rushlight._tensor import Tensor
from rushlight.core.doors import literal
from rushlight.func.gradients import chosen, outside_inference, pulled, pushed, replaced
from rushlight.func.mapping import vmap
from rushlight.utils.trees import TreeSpec, tree_flatten, tree_map, tree_unflatten

Function = Callable[..., Any]


def directions(tensors: Sequence[Any]) -> list[Any]:
    """The standard basis of the space of all tensors' elements: in front, the number of the element.

    >>> import rushlight as torch
    >>> [part.tolist() for part in directions([torch.zeros(2), torch.zeros(())])]
    [[[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], [0.0, 0.0, 1.0]]
    """
    sizes = [t._data_.size for t in tensors]
    total, start, found = sum(sizes), 0, []
    for t, size in zip(tensors, sizes, strict=True):
        part = np.zeros((total, size), t._data_.dtype)
        part[np.arange(start, start + size), np.arange(size)] = 1
        found.append(literal(part.reshape((total, *t._data_.shape))))
        start += size
    return found


def _first(t: Any) -> Any:
    """What is the same in all directions, of the first."""
    return t[0] if isinstance(t, Tensor) else t


def _need_real(name: str, what: str, leaves: list[Any]) -> None:
    """Raise torch's error for a complex number among the inputs or outputs."""
    for i, t in enumerate(leaves):
        if isinstance(t, Tensor) and t._data_.dtype.kind == "c":
            raise RuntimeError(
                f"{name}: Expected all {what}s to be real but received complex tensor at flattened input "
                f"idx: {i}"
            )


def _arranged(argnums: int | tuple[int, ...], spec: TreeSpec, leaves: list[Any]) -> Any:
    """Blocks by input, as a function of one argument or several gets them."""
    tree = tree_unflatten(leaves, spec)
    return tree[0] if isinstance(argnums, int) else tuple(tree)


def jacrev(
    func: Function,
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Function:
    """The Jacobian of func by reverse mode: shape (*output.shape, *input.shape).

    It is nested as the output is, and in its leaves as the inputs that argnums names are. chunk_size:
    pull back so many elements of the output at a time.

    >>> import rushlight as torch
    >>> torch.func.jacrev(lambda x: x**2)(torch.tensor([1.0, 3.0]))
    tensor([[2., 0.],
            [0., 6.]])
    """
    if chunk_size is not None and not chunk_size > 0:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @functools.wraps(func, updated=())
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        positions = chosen(argnums, len(args))
        inputs, spec = tree_flatten([args[i] for i in positions])
        _need_real("jacrev", "input", inputs)
        output, pull, *aux = pulled(functools.partial(func, **kwargs), args, positions, has_aux)
        outputs, shape = tree_flatten(output)
        _need_real("jacrev", "output", outputs)

        def all_of(*seeds: Any) -> list[Any]:
            return tree_flatten(pull(tree_unflatten(seeds, shape)))[0]

        rows = vmap(all_of, chunk_size=chunk_size)(*directions(outputs))
        sizes = [out._data_.size for out in outputs]
        blocks = []
        for out, *parts in zip(outputs, *(row.split(sizes) for row in rows), strict=True):
            part = [
                block.reshape((*out._data_.shape, *t._data_.shape))
                for block, t in zip(parts, inputs, strict=True)
            ]
            blocks.append(_arranged(argnums, spec, part))
        result = tree_unflatten(blocks, shape)
        return (result, aux[0]) if has_aux else result

    return jacobian


def jacfwd(
    func: Function,
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
    *,
    randomness: str = "error",
) -> Function:
    """The Jacobian of func by forward mode, as `jacrev` gives it.

    >>> import rushlight as torch
    >>> torch.func.jacfwd(lambda x: x**2)(torch.tensor([1.0, 3.0]))
    tensor([[2., 0.],
            [0., 6.]])
    """

    @functools.wraps(func, updated=())
    @outside_inference
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        positions = chosen(argnums, len(args))
        inputs, spec = tree_flatten([args[i] for i in positions])
        _need_real("jacfwd", "input", inputs)

        def at(*given: Any) -> Any:
            return func(*replaced(args, positions, given), **kwargs)

        def push(*along: Any) -> tuple[Any, ...]:
            return pushed(at, inputs, along, spec, has_aux=has_aux)

        output, tangents, *aux = vmap(push, randomness=randomness)(*directions(inputs))
        outputs, shape = tree_flatten(output)
        _need_real("jacfwd", "output", outputs)
        columns = tree_flatten(tangents)[0]
        blocks = []
        for out, column in zip(outputs, columns, strict=True):
            own = tuple(out._data_.shape[1:])
            sizes = [t._data_.size for t in inputs]
            part = [
                block.reshape((*own, *t._data_.shape))
                for block, t in zip(column.movedim(0, -1).split(sizes, -1), inputs, strict=True)
            ]
            blocks.append(_arranged(argnums, spec, part))
        result = tree_unflatten(blocks, shape)
        if not has_aux:
            return result
        first = tree_map(_first, aux[0])
        return result, first

    return jacobian


def hessian(func: Function, argnums: int | tuple[int, ...] = 0) -> Function:
    """The second derivatives of func: forward over reverse.

    >>> import rushlight as torch
    >>> torch.func.hessian(lambda x: (x**3).sum())(torch.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)
