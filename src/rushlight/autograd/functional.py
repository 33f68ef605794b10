"""Jacobians, Hessians and their products with vectors, of functions of tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd import api
from rushlight.autograd.directions import check_strategy, pulled, pushed
from rushlight.autograd.forward import freed, ones, zeros
from rushlight.autograd.state import enable_grad
from rushlight.core.doors import literal
from rushlight.core.tensor import TensorBase, wrap

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

Function = Callable[..., Any]


def _prepared(inputs: Any, create_graph: bool, name: str) -> tuple[bool, tuple[Any, ...]]:
    several, listed = _as_tuple(inputs, "inputs", name)
    single = not several
    if create_graph:
        return single, tuple(
            t.view_as(t) if t._requires_grad_ else t.detach().requires_grad_() for t in listed
        )
    return single, tuple(t.detach().requires_grad_() for t in listed)


def _called(
    func: Function, inputs: tuple[Any, ...], name: str, scalar: bool = False
) -> tuple[bool, tuple[Any, ...]]:
    several, listed = _as_tuple(func(*inputs), "outputs of the user-provided function", name)
    if scalar and (len(listed) != 1 or listed[0]._data_.size != 1):
        raise RuntimeError(
            "The Tensor returned by the function given to hessian should contain a single element"
        )
    if scalar:
        _need_real(listed)
    return not several, listed


def _need_real(outputs: Sequence[Any]) -> None:
    """Raise torch's error for a complex output that is differentiated without a vector."""
    for o in outputs:
        if o._requires_grad_ and o._data_.dtype.kind == "c":
            raise RuntimeError(
                f"grad can be implicitly created only for real scalar outputs but got {o.dtype}"
            )


def _vectors(v: Any, like: tuple[Any, ...], what: str, name: str) -> Sequence[Any]:
    if v is None:
        if len(like) != 1 or like[0]._data_.size != 1:
            raise RuntimeError(
                f"The vector v can only be None if {what} is a single Tensor with a single element"
            )
        return [ones(like[0])]
    _, listed = _as_tuple(v, "v", name)
    if len(listed) != len(like) or any(
        a._data_.shape != b._data_.shape for a, b in zip(listed, like, strict=True)
    ):
        raise RuntimeError(
            f"v must have the shapes of {what}: {[list(t._data_.shape) for t in like]}, got "
            f"{[list(t._data_.shape) for t in listed]}"
        )
    return listed


def _gradients(
    outputs: Any, inputs: Any, seeds: Any, create_graph: bool, strict: bool = False
) -> list[Any]:
    live = [(o, s) for o, s in zip(outputs, seeds, strict=True) if o._requires_grad_]
    if strict and len(live) < len(outputs):
        raise RuntimeError(
            "Output of the user-provided function does not require gradient: it is independent of the "
            "inputs, which is not allowed in strict mode"
        )
    if not live:
        return [zeros(t) for t in inputs]
    found = api.grad(
        [o for o, _ in live], inputs, [s for _, s in live],
        retain_graph=True, create_graph=create_graph, allow_unused=True,
    )  # fmt: skip
    if strict and any(g is None for g in found):
        raise RuntimeError(
            "Output of the user-provided function is independent of an input, in strict mode"
        )
    if strict and create_graph and any(g is None or not g._requires_grad_ for g in found):
        raise RuntimeError(
            "The jacobian of the user-provided function is independent of an input, in strict mode"
        )
    return [zeros(t) if g is None else g for g, t in zip(found, inputs, strict=True)]


def _as_tuple(
    inp: Any, arg_name: str | None = None, fn_name: str | None = None
) -> tuple[bool, tuple[Any, ...]]:
    """Whether it is a tuple, and the tensors: libraries that make Jacobians of their own ask by torch's name."""
    several = isinstance(inp, tuple)
    listed = inp if several else (inp,)
    for i, t in enumerate(listed):
        if not isinstance(t, TensorBase):
            which = f"value at index {i}" if several else f"given {arg_name}"
            raise TypeError(
                f"The {arg_name} given to {fn_name} must be either a Tensor or a tuple of Tensors but the "
                f"{which} has type {type(t)}."
            )
    return several, listed


def _tuple_postprocess(res: Any, to_unpack: bool | tuple[bool, bool]) -> Any:
    """Results without the tuples that `_as_tuple` put around: the outer, and where two are said the inner."""
    outer, inner = to_unpack if isinstance(to_unpack, tuple) else (to_unpack, True)
    found = res if inner else tuple(each[0] for each in res)
    return found if outer else found[0]


def _grad_postprocess(inputs: Any, create_graph: bool) -> Any:
    """Results, nested in tuples or not, without their graph unless one is wanted."""
    if isinstance(inputs[0], TensorBase):
        return _finished(inputs, create_graph)
    return tuple(_grad_postprocess(each, create_graph) for each in inputs)


def _construct_standard_basis_for(
    tensors: tuple[Tensor, ...], tensor_numels: tuple[int, ...]
) -> tuple[Tensor, ...]:
    """The unit vectors of all tensors' elements in a row, each tensor's part: (all elements, its elements)."""
    from rushlight.ops.ranges import eye

    total, start, parts = sum(tensor_numels), 0, []
    for tensor, size in zip(tensors, tensor_numels, strict=True):
        parts.append(eye(total, dtype=tensor.dtype)[:, start : start + size])
        start += size
    return tuple(part.contiguous() for part in parts)


def _finished(results: Any, create_graph: bool) -> Any:
    return results if create_graph else tuple(r.detach() for r in results)


@enable_grad()
def jacobian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """d func(inputs) / d inputs: shape (*output.shape, *input.shape), or tuples of those.

    >>> import rushlight as torch
    >>> torch.autograd.functional.jacobian(lambda x: x**2, torch.tensor([1.0, 3.0]))
    tensor([[2., 0.],
            [0., 6.]])
    """
    from rushlight.ops.joining import stack

    check_strategy(strategy, vectorize, strict, create_graph)
    if strategy == "forward-mode":
        _as_tuple(inputs, "inputs", "jacobian")
        return pushed(func, inputs)
    single_in, xs = _prepared(inputs, create_graph, "jacobian")
    single_out, outputs = _called(func, xs, "jacobian")
    if vectorize:
        return pulled(outputs, xs, single_in, single_out, create_graph)
    _need_real(outputs)
    rows = []
    for output in outputs:
        parts: list[list[Tensor]] = [[] for _ in xs]
        for i in range(output._data_.size):
            seed = np.zeros(output._data_.shape, output._data_.dtype)
            seed.reshape(-1)[i] = 1
            for part, g in zip(
                parts, _gradients([output], xs, [wrap(seed)], create_graph, strict), strict=True
            ):
                part.append(g)
        blocks = tuple(
            stack(part).reshape(tuple(output._data_.shape) + tuple(x._data_.shape))
            for part, x in zip(parts, xs, strict=True)
        )
        blocks = _finished(blocks, create_graph)
        rows.append(blocks[0] if single_in else blocks)
    return rows[0] if single_out else tuple(rows)


@enable_grad()
def hessian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of a scalar function: shape (*input.shape, *input.shape), or tuples.

    >>> import rushlight as torch
    >>> torch.autograd.functional.hessian(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    several, _ = _as_tuple(inputs, "inputs", "hessian")
    forward = outer_jacobian_strategy == "forward-mode"
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')

    def first(*xs: Any) -> Any:
        live = tuple(x if x._requires_grad_ else freed(x) for x in xs)
        _, outputs = _called(func, live, "hessian", scalar=True)
        gradients = _gradients(outputs, live, [ones(outputs[0])], True, strict)
        return tuple(gradients) if several else gradients[0]

    return jacobian(
        first,
        inputs,
        create_graph,
        strict,
        vectorize,
        "forward-mode" if forward else "reverse-mode",
    )


@enable_grad()
def vjp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """func(inputs), and v times its Jacobian."""
    single, xs = _prepared(inputs, create_graph, "vjp")
    single_out, outputs = _called(func, xs, "vjp")
    if v is None:
        _need_real(outputs)
    vs = _vectors(v, outputs, "the output", "vjp")
    found = _gradients(outputs, xs, vs, create_graph, strict)
    outputs, found = _finished(outputs, create_graph), _finished(found, create_graph)
    return (outputs[0] if single_out else outputs), (found[0] if single else tuple(found))


@enable_grad()
def jvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """func(inputs), and its Jacobian times v: the derivative, by u, of the product u J, twice reverse."""
    _, xs = _prepared(inputs, create_graph, "jvp")
    vs = _vectors(v, xs, "the input", "jvp")
    single_out, outputs = _called(func, xs, "jvp")
    dummies = [literal(np.zeros(o._data_.shape, o._data_.dtype), True) for o in outputs]
    products = _gradients(outputs, xs, dummies, True, strict)
    found = _gradients(products, dummies, vs, create_graph, strict)
    outputs, found = _finished(outputs, create_graph), _finished(found, create_graph)
    return (outputs[0] if single_out else outputs), (found[0] if single_out else tuple(found))


@enable_grad()
def vhp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """func(inputs), and v times its Hessian."""
    single, xs = _prepared(inputs, create_graph, "vhp")
    vs = _vectors(v, xs, "the input", "vhp")
    _, outputs = _called(func, xs, "vhp", scalar=True)
    first = _gradients(outputs, xs, [ones(outputs[0])], True, strict)
    found = _gradients(first, xs, vs, create_graph, strict)
    outputs, found = _finished(outputs, create_graph), _finished(found, create_graph)
    return outputs[0], (found[0] if single else tuple(found))


@enable_grad()
def hvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """func(inputs), and its Hessian times v; the Hessian is symmetric, so this is `vhp`."""
    return vhp(func, inputs, v, create_graph, strict)
