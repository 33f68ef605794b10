"""Gradients of functions: `grad`, `vjp`, `jvp`, `linearize`.

They are the ordinary tape: the arguments are handed on as variables at new places of the graph, and
the engine goes back to these. A graph of the gradients themselves is recorded where something outside
follows what came in, and only there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from rushlight.autograd import api
from rushlight.autograd.forward import Forward, freed, is_followed, need_dual, zeros
from rushlight.autograd.state import inference_mode, no_grad
from rushlight.core import doors
from rushlight.core.doors import apply
from rushlight.core.node import Node
from rushlight.core.state import state
from rushlight.core.tensor import TensorBase, inference, made_within, wants_grad
from rushlight.core.turned import alias, held
from rushlight.func.batching import Batched
from rushlight.ops.arguments import need_flag
from rushlight.primitives.view import variable
from rushlight.utils.trees import TreeSpec, tree_flatten, tree_map, tree_unflatten

Function = Callable[..., Any]
F = TypeVar("F", bound=Function)

# ---- arguments -----------------------------------------------------------------------------------


def chosen(argnums: int | tuple[int, ...], count: int) -> tuple[int, ...]:
    """The positions that argnums names, counted from the front."""
    if not isinstance(argnums, int | tuple) or isinstance(argnums, bool):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    listed = (argnums,) if isinstance(argnums, int) else argnums
    if not listed:
        raise RuntimeError("argnums must be non-empty")
    for argnum in listed:
        if not isinstance(argnum, int):
            raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnum)}")
        if not -count <= argnum < count:
            raise RuntimeError(f"Got argnum={argnum}, but only {count} positional inputs")
    positions = tuple(argnum % count for argnum in listed)
    if len(set(positions)) != len(positions):
        raise RuntimeError(f"argnums elements must be unique, got {positions}")
    return positions


def replaced(args: Sequence[Any], positions: Sequence[int], given: Sequence[Any]) -> list[Any]:
    """The arguments, with those at positions replaced."""
    result = list(args)
    for position, value in zip(positions, given, strict=True):
        result[position] = value
    return result


def variables(tree: Any) -> Any:
    """A tree of tensors that gradients can be taken in."""

    def one(t: Any) -> Any:
        if not isinstance(t, TensorBase):
            raise ValueError(f"Thing passed to transform API must be Tensor, got {type(t)}")
        if t._data_.dtype.kind not in "fcV":
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        out = freed(t)
        out._is_argument_ = True
        return out

    return tree_map(one, tree)


def need_tensors(aux: Any) -> None:
    """Raise an error for what goes along with an output and is no tensor."""
    tensors_of(aux, "Expected tensors, got ")


def tensors_of(tree: Any, told: str) -> tuple[list[Any], TreeSpec]:
    """The leaves of a tree, which all are tensors, and its shape."""
    leaves, spec = tree_flatten(tree)
    for leaf in leaves:
        if not isinstance(leaf, TensorBase):
            raise RuntimeError(f"{told}unsupported type {type(leaf)}")
    return leaves, spec


class Call:
    """A call of a function that is differentiated, inside of another; which tensors it may change in place."""

    __slots__ = ("own", "outer")

    def __init__(self, arguments: Sequence[TensorBase], outer: Call | None) -> None:
        self.own = [t._changes_ for t in arguments]
        self.outer = outer

    def may_change(self, tensor: TensorBase) -> bool:
        """Whether tensor lies in the memory of an argument, or was made in the call, or further inside."""
        changes = tensor._changes_
        made = changes[2] if len(changes) > 2 else None
        while made is not None and made is not self:
            made = made.outer
        return made is self or any(changes is argument for argument in self.own)


def within(func: Function, args: Sequence[Any], kwargs: dict[str, Any], own: Sequence[Any]) -> Any:
    """func(*args, **kwargs), which may change in place what it makes, and views of own: see `ops.writable`."""
    outer = inference.within
    made_within(Call(own, outer), 1)
    doors.watching += 1
    try:
        return func(*args, **kwargs)
    finally:
        doors.watching -= 1
        made_within(outer, -1)


def outside_inference(function: F) -> F:
    """A function that makes ordinary tensors in inference mode, too."""

    @functools.wraps(function)
    def ordinary(*args: Any, **kwargs: Any) -> Any:
        if not inference.on:
            return function(*args, **kwargs)
        with inference_mode(False), no_grad():
            return function(*args, **kwargs)

    return ordinary  # type: ignore[return-value]


# ---- what is followed outside --------------------------------------------------------------------


def followed(roots: Iterable[TensorBase], own: Sequence[TensorBase]) -> bool:
    """Whether roots depend on something that wants a gradient, and is not one of own."""
    known = {id(t) for t in own}
    stack: list[Any] = []
    for root in roots:
        data: Any = held(root)
        if isinstance(data, Batched) and is_followed(data.value):
            return True
        if root._node_ is not None:
            stack.append(root._node_)
        elif root._requires_grad_:
            stack.append(root)
    seen: set[int] = set()
    while stack:
        place = stack.pop()
        if isinstance(place, Node):
            if id(place) not in seen:
                seen.add(id(place))
                edges = [edge for edge in place._edges if edge is not None]
                if not edges:
                    # Of a view that was made while nothing was recorded, whose base wants a gradient.
                    return True
                stack.extend(edges)
        elif id(place) not in known:
            return True
    return False


def _off(t: TensorBase, deep: bool) -> Any:
    """The same tensor outside of the graph; with deep, of all graphs."""
    other = alias(t)
    other._tangents_ = t._tangents_
    data: Any = held(t)
    if deep and isinstance(data, Batched):
        box: Any = Batched(_off(data.value, True), data.level, data.batched)
        other._data_ = box
    return other


def released(tree: Any, own: Sequence[TensorBase], recording: bool) -> Any:
    """Results, out of the graph of own unless something outside follows them."""

    def one(t: Any) -> Any:
        if not isinstance(t, TensorBase):
            return t
        if recording and followed([t], own):
            return t
        return _off(t, not recording)

    return tree_map(one, tree)


def back(
    outputs: Sequence[Any],
    own: Sequence[Any],
    seeds: Sequence[Any] | None,
    recording: bool,
    retain: bool,
    past: Sequence[Any] = (),
) -> list[Any]:
    """The gradients of outputs in own; zeros where they do not depend on it. past: followed by nobody."""
    starts: Sequence[Any] = [None] * len(outputs) if seeds is None else seeds
    pairs = [(o, s) for o, s in zip(outputs, starts, strict=True) if wants_grad(o)]
    if not pairs:
        return [zeros(t) for t in own]
    roots = [o for o, _ in pairs]
    given = [s for _, s in pairs if isinstance(s, TensorBase)]
    record = recording and followed([*roots, *given], [*own, *past])
    found = api.grad(
        roots, own, [s for _, s in pairs], retain_graph=retain or record, create_graph=record,
        allow_unused=True,
    )  # fmt: skip
    gradients = [zeros(t) if g is None else g for g, t in zip(found, own, strict=True)]
    return released(gradients, [*own, *past], recording)


# ---- grad ----------------------------------------------------------------------------------------


def _parted(result: Any, told: str) -> tuple[Any, Any]:
    """What a function with has_aux returned: its output, and what goes along."""
    if not isinstance(result, tuple) or len(result) != 2:
        raise RuntimeError(
            f"{told}: output of function f should be a tuple: (output, aux) if has_aux is True"
        )
    return result


def grad_and_value(
    func: Function, argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Function:
    """The gradient of a scalar function, and its value: (gradient, value).

    argnums: the arguments, which may be nested containers of tensors, that it is taken in. With
    has_aux func returns (value, more), and the result is (gradient, (value, more)).

    >>> import rushlight as torch
    >>> torch.func.grad_and_value(lambda x: (x * x).sum())(torch.tensor([1.0, 2.0]))
    (tensor([2., 4.]), tensor(5.))
    """

    @functools.wraps(func, updated=())
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        recording = state.grad
        positions = chosen(argnums, len(args))
        with inference_mode(False):
            given = [variables(args[i]) for i in positions]
            own, spec = tree_flatten(given)
            output = within(func, replaced(args, positions, given), kwargs, own)
            aux = None
            if has_aux:
                output, aux = _parted(output, "grad_and_value(f)(*args)")
                need_tensors(aux)
            _need_scalar(output)
            found = back([output], own, None, recording, False)
        gradients = tree_unflatten(found, spec)
        gradient = gradients[0] if isinstance(argnums, int) else tuple(gradients)
        value = released(output, own, recording)
        if has_aux:
            return gradient, (value, released(aux, own, recording))
        return gradient, value

    return differentiated


def _need_scalar(output: Any) -> None:
    told = "grad_and_value(f)(*args): Expected f(*args) to return a "
    if not isinstance(output, TensorBase):
        raise RuntimeError(f"{told}Tensor, got {type(output)}")
    if output._data_.ndim:
        raise RuntimeError(
            f"{told}scalar Tensor, got tensor with {output._data_.ndim} dims. Maybe you wanted to use the "
            "vjp or jacrev APIs instead?"
        )


def grad(func: Function, argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Function:
    """The gradient of a scalar function, as a function of the same arguments.

    >>> import rushlight as torch
    >>> cubed = lambda x: x**3
    >>> torch.func.grad(torch.func.grad(cubed))(torch.tensor(2.0))
    tensor(12.)
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func, updated=())
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        gradient, value = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return differentiated


# ---- vjp -----------------------------------------------------------------------------------------


class _Pull:
    """Takes gradients of the outputs of a function back to its variables."""

    def __init__(self, outputs: list[Any], own: list[Any], shape: TreeSpec, spec: TreeSpec) -> None:
        self.outputs, self.own, self.shape, self.spec = outputs, own, shape, spec

    def __call__(
        self, cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None
    ) -> Any:
        """The gradients of the variables, from those of the outputs, which are nested as the outputs."""
        need_flag("vjp_fn", "retain_graph", 2, retain_graph)
        seeds, given = tree_flatten(cotangents)
        if given != self.shape:
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of outputs to "
                f"the function. cotangents: {given}, primal output: {self.shape}"
            )
        outside = state.grad if create_graph is None else create_graph
        with inference_mode(False):
            found = back(self.outputs, self.own, seeds, outside, retain_graph)
        return tuple(tree_unflatten(found, self.spec))


def vjp(func: Function, *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """func(*primals), and the function that pulls a gradient of it back to the primals.

    >>> import rushlight as torch
    >>> output, pull = torch.func.vjp(torch.sin, torch.zeros(2))
    >>> pull(torch.tensor([1.0, 3.0]))
    (tensor([1., 3.]),)
    """
    return pulled(func, primals, tuple(range(len(primals))), has_aux)


def pulled(
    func: Function, args: Sequence[Any], positions: Sequence[int], has_aux: bool
) -> tuple[Any, ...]:
    """`vjp` in some of the arguments."""
    recording = state.grad
    with inference_mode(False):
        given = [variables(args[i]) for i in positions]
        own, spec = tree_flatten(given)
        result = within(func, replaced(args, positions, given), {}, own)
        aux: Any = None
        if has_aux:
            result, aux = _parted(result, "vjp(f, *primals)")
            need_tensors(aux)
    outputs, shape = tensors_of(
        result, "vjp(f, *primals): expected f(*primals) to return only tensors, got "
    )
    if not outputs:
        raise RuntimeError(
            "vjp(f, *primals): Expected f to be a function that has non-empty output (got output = "
            f"{outputs})"
        )
    for out in outputs:
        if out._data_.dtype.kind not in "fcV":
            raise RuntimeError(
                "vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with "
                f"dtype {out.dtype}"
            )

    pull = _Pull(outputs, own, shape, spec)
    output = released(result, own, recording)
    return (output, pull, released(aux, own, recording)) if has_aux else (output, pull)


# ---- jvp -----------------------------------------------------------------------------------------


def jvp(
    func: Function, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False
) -> tuple[Any, ...]:
    """func(*primals), and its derivative along tangents, computed together with it.

    >>> import rushlight as torch
    >>> torch.func.jvp(torch.sin, (torch.zeros(2),), (torch.tensor([1.0, 3.0]),))
    (tensor([0., 0.]), tensor([1., 3.]))
    """
    if not isinstance(primals, tuple):
        raise RuntimeError(
            "jvp(f, primals, tangents): Expected primals to be a tuple. E.g. it should be valid to call "
            "f(*primals)."
        )
    told = "jvp(f, primals, tangents"
    leaves, spec = tree_flatten(primals)
    along, tangent_spec = tree_flatten(tangents)
    if spec != tangent_spec:
        raise RuntimeError(
            f"{told}): Expected primals and tangents to have the same python structure. For example, if "
            f"primals is a tuple of 3 tensors, tangents also must be. Got primals with structure {spec} "
            f"and tangents with structure {tangent_spec}"
        )
    for name, listed in (("primals", leaves), ("tangents", along)):
        if not listed:
            raise RuntimeError(f"{told}): Expected {name} to contain at least one Tensor.")
        for t in listed:
            if not isinstance(t, TensorBase):
                raise RuntimeError(
                    f"{told}): Expected {name} to only contain Tensors, got {type(t)}"
                )
    return pushed(func, leaves, along, spec, strict, has_aux)


@outside_inference
def pushed(
    func: Function,
    leaves: Sequence[Any],
    along: Sequence[Any],
    spec: TreeSpec,
    strict: bool = False,
    has_aux: bool = False,
) -> tuple[Any, ...]:
    """`jvp` of arguments that are taken apart and found fit."""
    told = "jvp(f, primals, tangents"
    duals = []
    for primal, tangent in zip(leaves, along, strict=True):
        need_dual(primal, tangent)
        duals.append(apply(variable, primal))
    level = Forward()
    try:
        with level:
            for dual, tangent in zip(duals, along, strict=True):
                level.dual(dual, tangent)
            result = within(func, tree_unflatten(duals, spec), {}, duals)
            aux = None
            if has_aux:
                result, aux = _parted(result, f"{told})")
                need_tensors(aux)
            outputs, shape = tensors_of(
                result, f"{told}): expected f(*primals) to return only tensors, got "
            )
            found = [level.tangent(t) for t in outputs]
    finally:
        level.forget()
    if strict and any(t is None for t in found):
        raise RuntimeError(
            f"{told}, strict=True): The output of f is independent of the inputs. This is not allowed "
            "with strict=True."
        )
    tangents = [zeros(o) if t is None else t for o, t in zip(outputs, found, strict=True)]
    # Views, as what a dual tensor is taken apart into.
    values = [apply(variable, o) for o in outputs]
    output = tree_unflatten(values, shape), tree_unflatten(tangents, shape)
    return (*output, aux) if has_aux else output


# ---- linearize -----------------------------------------------------------------------------------


def linearize(func: Function, *primals: Any) -> tuple[Any, Function]:
    """func(*primals), and the function that pushes tangents of the primals forward from there.

    func runs once: pulling back is linear in what is pulled, and its own transpose is the push.

    >>> import rushlight as torch
    >>> output, push = torch.func.linearize(torch.sin, torch.zeros(2))
    >>> push(torch.tensor([1.0, 3.0]))
    tensor([1., 3.])
    """
    leaves, spec = tree_flatten(primals)
    for t in leaves:
        if isinstance(t, TensorBase):
            need_dual(t, t)
    output, pull = pulled(func, primals, tuple(range(len(primals))), False)
    outputs, shape = tree_flatten(output)
    with inference_mode(False):
        upper = [freed(zeros(o)) for o in outputs]
        pulled_back, _ = tree_flatten(pull(tree_unflatten(upper, shape), create_graph=True))

    def push(*tangents: Any) -> Any:
        along, given_spec = tree_flatten(tangents)
        if given_spec != spec:
            raise RuntimeError(
                f"Expected the tangents {given_spec} to have the same argspec as the primals {spec}"
            )
        for i, (tangent, primal) in enumerate(zip(along, leaves, strict=True)):
            for what, own, theirs in (
                ("shape", tangent.shape, primal.shape),
                ("dtype", tangent.dtype, primal.dtype),
            ):
                if own != theirs:
                    raise RuntimeError(
                        f"tangent:{i} with {what} {own} in flattened pytree doesn't match the {what} "
                        f"{theirs} of the corresponding primal."
                    )
        found = back(pulled_back, upper, along, state.grad, True, pull.own)
        return tree_unflatten(found, shape)

    return output, push
