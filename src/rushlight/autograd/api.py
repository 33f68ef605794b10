"""`backward` and `grad`: gradients of tensors with respect to tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.arrays import brought
from rushlight.autograd import engine
from rushlight.autograd.nodes import GradientEdge, standing
from rushlight.core.doors import literal
from rushlight.core.node import retain
from rushlight.core.tape import refresh
from rushlight.core.tensor import TensorBase, inference, wants_grad
from rushlight.errors import warn, warn_once
from rushlight.overriding.below import asker
from rushlight.primitives.placement import empty_like

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

Place = TensorBase | GradientEdge
Tensors = Place | Sequence[Place]


def _listed(tensors: Any) -> list[Any]:
    one = isinstance(tensors, TensorBase | GradientEdge)
    return [tensors] if one else list(tensors)


def _places(tensors: Any) -> list[Any]:
    """Tensors, and those that stand at gradient edges."""
    return [standing(t) for t in _listed(tensors)]


def _roots(tensors: list[Any]) -> list[Any]:
    for tensor in tensors:
        if not isinstance(tensor, TensorBase):
            raise AssertionError(
                "Expected output to be a torch.Tensor: gradients start from tensors, not from a value "
                f"of type {type(tensor).__name__}"
            )
        if tensor._view_ is not None:
            refresh(tensor)
    return tensors


def _targets(tensors: list[Any], refusal: str) -> list[Any]:
    for tensor in tensors:
        if not isinstance(tensor, TensorBase):
            raise RuntimeError(
                f"all inputs have to be Tensors or GradientEdges, but got {type(tensor).__name__}"
            )
        if tensor._view_ is not None:
            refresh(tensor)
        if not wants_grad(tensor):
            raise RuntimeError(refusal)
    return tensors


def _seeds(roots: list[Any], listed: list[Any], batched: bool = False) -> list[Tensor]:
    """The gradients to start from: 1 for scalars, else those given, checked."""
    seeds = []
    for number, (root, seed) in enumerate(zip(roots, listed, strict=False)):
        if isinstance(seed, TensorBase):
            _check_seed(number, root, seed, batched)
        elif seed is None:
            seed = _one(root) if wants_grad(root) else None
        else:
            raise TypeError(
                f"gradients can be either Tensors or None, but got {type(seed).__name__}"
            )
        seeds.append(seed)
    if len(seeds) != len(roots):
        raise RuntimeError(
            f"got {len(roots)} tensors and {len(seeds)} gradients: give one gradient for each tensor"
        )
    for number, root in enumerate(roots):
        # A view that wants a gradient only because its base does has no place to start from.
        if not root._requires_grad_:
            raise RuntimeError(
                f"element {number} of tensors does not require grad and does not have a grad_fn: nothing "
                "that it was computed from has requires_grad=True (or it was computed under no_grad, or "
                "detached)"
            )
    return seeds


def _one(root: Any) -> Any:
    """The gradient of a scalar with respect to itself."""
    if root._data_.size != 1:
        raise RuntimeError(
            f"grad can be implicitly created only for scalar outputs, not for shape "
            f"{list(root._data_.shape)}: reduce it (.sum(), .mean()) or pass gradient="
        )
    if root._data_.dtype.kind not in "fV":
        raise RuntimeError(
            f"grad can be implicitly created only for real scalar outputs but got {root.dtype}"
        )
    if (asked := asker((root,), {})) is not None:
        return asked.one_like(root)
    data = root._data_
    one = np.array(1, data.dtype)
    return literal(brought(one.reshape(data.shape) if data.ndim else one, data))


def _check_seed(number: int, root: Any, seed: Any, batched: bool) -> None:
    shape = seed._data_.shape[1:] if batched else seed._data_.shape
    if shape != root._data_.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{number}] has a shape of {seed.shape} and "
            f"output[{number}] has a shape of {root.shape}."
        )
    if (seed._data_.dtype.kind == "c") is not (root._data_.dtype.kind == "c"):
        raise RuntimeError(
            "For complex Tensors, both grad_output and output are required to have the same dtype. "
            f"Mismatch in dtype: grad_output[{number}] has a dtype of {seed.dtype} and "
            f"output[{number}] has a dtype of {root.dtype}."
        )


def _given(gradients: Any, count: int) -> list[Any]:
    """The gradients passed by the user, one for each of count tensors."""
    if gradients is None:
        return [None] * count
    return _listed(gradients)


def backward(
    tensors: Tensors,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Tensors | None = None,
) -> None:
    """Add the gradient of (the sum of) tensors to `.grad` of every leaf they came from.

    grad_tensors: for tensors that are not scalars, the gradients to start from, of their shapes.
    retain_graph keeps what was saved for another backward; create_graph records this one too.
    inputs limits it to these tensors, leaves or not; what is no leaf keeps its gradients from then on.

    >>> import rushlight as torch
    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> torch.autograd.backward(x * x)
    >>> x.grad
    tensor(6.)
    """
    if grad_variables is not None:
        warn("`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning)
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to "
                "`backward()`. Please only use `grad_tensors`."
            )
        grad_tensors = grad_variables
    targets = None if inputs is None else _places(inputs)
    if targets is not None and not targets:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    if grad_tensors is None and isinstance(tensors, TensorBase) and tensors._node_ is not None:
        # Nearly always.
        roots = [tensors]
        if tensors._view_ is not None:
            refresh(tensors)
        seeds = [_one(tensors)]
    else:
        roots = _roots(_places(tensors))
        seeds = _seeds(roots, _given(grad_tensors, len(roots)))
    keep = create_graph if retain_graph is None else retain_graph
    if targets is not None:
        targets = _targets(targets, "can't retain_grad on Tensor that has requires_grad=False")
        for target in targets:
            retain(target)
    if create_graph:
        warn_once(
            "Using backward() with create_graph=True will create a reference cycle between the "
            "parameter and its gradient which can cause a memory leak. We recommend using "
            "autograd.grad when creating the graph to avoid this. If you have to use this function, "
            "make sure to reset the .grad fields of your parameters to None after use to break the "
            "cycle and avoid the leak."
        )
    engine.run(roots, seeds, retain_graph=keep, create_graph=create_graph, targets=targets)


def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of (the sum of) outputs with respect to inputs; no `.grad` is touched.

    With create_graph they can be differentiated again. An input that outputs do not depend on is an
    error, unless allow_unused (None) or materialize_grads (zeros).

    >>> import rushlight as torch
    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> (dx,) = torch.autograd.grad(x**3, x, create_graph=True)
    >>> torch.autograd.grad(dx, x)
    (tensor(18.),)
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: "
            "allow_unused=False."
        )
    wanted = _places(inputs)
    if not wanted:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    if not only_inputs:
        warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True)",
            FutureWarning,
        )
    roots = _roots(_places(outputs))
    seeds = _seeds(roots, _given(grad_outputs, len(roots)), is_grads_batched)
    if is_grads_batched:
        return _batched(
            roots, wanted, seeds, retain_graph, create_graph, allow_unused, materialize_grads
        )
    wanted = _targets(wanted, "One of the differentiated Tensors does not require grad")
    keep = create_graph if retain_graph is None else retain_graph
    create_graph = create_graph and not inference.on
    results = engine.run(
        roots, seeds, retain_graph=keep, create_graph=create_graph, targets=wanted, capture=True
    )
    if materialize_grads:
        results = [
            literal(empty_like(t._data_, make=np.zeros), create_graph) if g is None else g
            for g, t in zip(results, wanted, strict=True)
        ]
    elif not allow_unused and any(g is None for g in results):
        raise RuntimeError(
            "One of the differentiated Tensors appears to not have been used in the graph. Set "
            "allow_unused=True if this is the desired behavior."
        )
    return tuple(results)


def _batched(
    roots: list[Any],
    wanted: list[Any],
    seeds: list[Any],
    retain_graph: bool | None,
    create_graph: bool,
    allow_unused: bool | None,
    materialize: bool,
) -> tuple[Tensor | None, ...]:
    """One backward for all entries of the seeds' first dimension, by vmap."""
    from rushlight.func.mapping import vmap

    used: list[bool] = []

    def vjp(*given: Any) -> list[Any]:
        found = grad(
            roots,
            wanted,
            given,
            retain_graph,
            create_graph,
            allow_unused=allow_unused or materialize,
        )
        used[:] = [g is not None for g in found]
        return [g for g in found if g is not None]

    found = iter(vmap(vjp)(*seeds))
    nothing = [
        literal(np.zeros(t._data_.shape, t._data_.dtype)) if materialize else None for t in wanted
    ]
    return tuple(next(found) if there else zero for there, zero in zip(used, nothing, strict=True))
