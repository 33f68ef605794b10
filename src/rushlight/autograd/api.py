"""`backward` and `grad`: gradients of tensors with respect to tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd import engine
from rushlight.tensor_base import TensorBase, wrap

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

Tensors = TensorBase | Sequence[TensorBase]


def _listed(tensors: Any) -> list[Any]:
    return [tensors] if isinstance(tensors, TensorBase) or tensors is None else list(tensors)


def _seeds(roots: list[Any], given: Any) -> list[Tensor]:
    """The gradients to start from: 1 for scalars, else those given, checked."""
    listed = _listed(given) if given is not None else [None] * len(roots)
    if len(listed) != len(roots):
        raise RuntimeError(
            f"got {len(roots)} tensors and {len(listed)} gradients: give one gradient for each tensor"
        )
    seeds = []
    for root, seed in zip(roots, listed, strict=True):
        if not root._requires_grad:
            raise RuntimeError(
                "element 0 of tensors does not require grad and does not have a grad_fn: nothing that it "
                "was computed from has requires_grad=True (or it was computed under no_grad, or detached)"
            )
        if seed is None:
            if root._data.size != 1:
                raise RuntimeError(
                    f"grad can be implicitly created only for scalar outputs, not for shape "
                    f"{list(root._data.shape)}: reduce it (.sum(), .mean()) or pass gradient="
                )
            if root._data.dtype.kind not in "fc":
                raise RuntimeError("grad can be computed only for floating point outputs")
            one = np.array(1, root._data.dtype)
            seed = wrap(one.reshape(root._data.shape) if root._data.ndim else one)
        elif seed._data.shape != root._data.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[0] has a shape of {seed.shape} and output[0] has a "
                f"shape of {root.shape}."
            )
        seeds.append(seed)
    return seeds


def backward(
    tensors: Tensors,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensors | None = None,
) -> None:
    """Add the gradient of (the sum of) tensors to `.grad` of every leaf they came from.

    grad_tensors: for tensors that are not scalars, the gradients to start from, of their shapes.
    retain_graph keeps what was saved for another backward; create_graph records this one too.
    inputs limits it to these tensors.

    >>> import rushlight as torch
    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> torch.autograd.backward(x * x)
    >>> x.grad
    tensor(6.)
    """
    roots = _listed(tensors)
    seeds = _seeds(roots, grad_tensors)
    keep = create_graph if retain_graph is None else retain_graph
    only = None if inputs is None else _listed(inputs)
    if only is not None and not only:
        raise RuntimeError("'inputs' argument to backward() cannot be empty.")
    engine.run(roots, seeds, retain_graph=keep, create_graph=create_graph, only_leaves=only)


def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
    only_inputs: bool = True,
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
    roots, wanted = _listed(outputs), _listed(inputs)
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: "
            "allow_unused=False."
        )
    if is_grads_batched:
        rows: list[Any] = (
            [grad_outputs] if isinstance(grad_outputs, TensorBase) else list(grad_outputs)
        )
        several = [
            grad(roots, wanted, [row[i] for row in rows], True, create_graph, allow_unused)
            for i in range(rows[0].shape[0])
        ]
        from rushlight.ops.joining import stack

        return tuple(
            None if parts[0] is None else stack(parts) for parts in zip(*several, strict=True)
        )
    for tensor in wanted:
        if not tensor._requires_grad:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    seeds = _seeds(roots, grad_outputs)
    keep = create_graph if retain_graph is None else retain_graph
    results = engine.run(roots, seeds, retain_graph=keep, create_graph=create_graph, capture=wanted)
    if materialize_grads:
        results = [
            wrap(np.zeros_like(t._data)) if g is None else g
            for g, t in zip(results, wanted, strict=True)
        ]
    elif not allow_unused and any(g is None for g in results):
        raise RuntimeError(
            "One of the differentiated Tensors appears to not have been used in the graph. Set "
            "allow_unused=True if this is the desired behavior."
        )
    return tuple(results)
