"""In-place operations: compute, write into the same memory, and move the tensor in the graph.

A tensor changed in place stands where the result stands: it takes over the result's node. A view
hands the change on to its base: the base's new node is a scatter of the view into the old base, and
every view of that base finds its own place anew when it is next used (`core.tape.refresh`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np

from rushlight import dtypes
from rushlight.autograd.hooks import at
from rushlight.autograd.state import Uncounted, need_own, no_grad, pushing
from rushlight.caller import site, user_line
from rushlight.core import doors
from rushlight.core.doors import calculate, into, literal
from rushlight.core.node import PrimitiveNode, SavedOutput, next_sequence, retain
from rushlight.core.state import state
from rushlight.core.table import TABLE
from rushlight.core.tape import attach, attach_part, attached, geometry, refresh
from rushlight.core.tensor import TensorBase, Untracked, bump, inference, wants_grad, wrap
from rushlight.core.turned import alias, held
from rushlight.handles import RemovableHandle as Handle
from rushlight.memory import is_interlaced, need_distinct
from rushlight.narrow import write_rounded
from rushlight.ops.arguments import (
    NUMBERS,
    need_castable,
    need_number,
    need_tensor,
    relabel,
)
from rushlight.ops.interlaced import WHOLE, in_turn
from rushlight.ops.labels import SECOND, backward_name
from rushlight.ops.precision import uncast
from rushlight.ops.writable import admit, check_copy, check_memory, check_result
from rushlight.outline import Outline
from rushlight.overriding.functions import met
from rushlight.primitives import pointwise as rows
from rushlight.primitives import writing
from rushlight.primitives.families import broadcast_shapes, is_int64, missing, result_type
from rushlight.primitives.view import overwrite
from rushlight.primitives.writing import IN_PLACE

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

P = ParamSpec("P")

F = TypeVar("F", bound=Callable[..., Any])

# Operations that torch holds for functions of nothing: their in-place forms change values only.
CONSTANT = {"logical_and", "logical_not", "logical_or", "logical_xor"}
# These compute in the type of the target.
OWN_TYPE = {"cumprod", "cumsum"}

_SINGLE, _DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
# Asked for by identity, where a call would take longer.
_outline: Any = Outline


def assign(
    target: Tensor, result: Tensor, operation: str, *others: Any, cast: bool = False,
    label: str | None = None,
) -> Tensor:  # fmt: skip
    """Make target hold result's values and stand at its place in the graph; returns target.

    With cast, any dtype is accepted (copy_); otherwise only one that torch would write. others: what
    else the operation was given; what of it wants a gradient gets zeros, if result wants none. label: what
    the backward is called then.
    """
    recorded = admit(target, result, *others)
    if not cast:
        check_result(target, result._data_.shape, result._data_.dtype)
    if not recorded:
        changed = not cast and is_interlaced(target._data_)
        into(target, writing.copy_changed if changed else writing.copy, result)
        bump(target, operation)
        return target
    data = target._data_
    if result._data_.dtype != data.dtype or result._data_.shape != data.shape:
        result = result.astype(data.dtype).expand(data.shape)
    if not result._requires_grad_ or (cast and wants_grad(target)):
        # Whoever else took part gets a gradient of zero, and target stays in the graph.
        rest = [
            t for t in (stand_in(target), *others) if isinstance(t, TensorBase) and wants_grad(t)
        ]
        alike = operation not in ("copy_", "__setitem__")
        result = relabel(overwrite(result, *rest, alike=alike), label or backward_name(operation))
    elif cast:
        result = relabel(rows.clone(result), backward_name(operation))
    elif result._node_ is None:
        result = rows.clone(result)
    elif operation in SECOND:
        result._node_._label = f"{SECOND[operation]}Backward1"
    # Before anything has changed: a change that does not fit the dtype of the target is refused.
    into(target, writing.copy, result)
    rebase(target, result)
    bump(target, operation)
    if not cast:
        _watch(result, target)
    refresh(target)
    return target


def _watch(result: Tensor, target: Tensor) -> None:
    """What backward needs of result is, from now on, target: let a later change of that be noticed."""
    node = result._node_
    if isinstance(node, PrimitiveNode) and any(v is result._changes_ for v in node.versions[::2]):
        now = target._changes_
        saved = zip(node.versions[::2], node.versions[1::2], strict=True)
        pairs = [(now, now[0]) if v is result._changes_ else (v, count) for v, count in saved]
        node.versions = [part for pair in pairs for part in pair]
        for kept in node.kept or ():
            if isinstance(kept, SavedOutput) and kept.array is result._data_:
                kept.array = target._data_


def _need_fitting(target: TensorBase, others: tuple[Any, ...]) -> None:
    known: list[Any] = [
        getattr(x, "_data_", x) for x in others if isinstance(x, (TensorBase, complex))
    ]
    if any(isinstance(x, complex) or x.dtype.kind == "c" for x in known):
        need_castable(result_type(target._data_, *known), target)


def rebase(target: Tensor, result: Tensor) -> None:
    """Put target (and, if it is a view, its base) at result's place in the graph.

    The count of changes is to be moved afterwards: by it views know that they stand elsewhere.
    """
    view = target._view_
    if view is not None:
        base = view.base
        before = alias(base, base._node_)
        before._requires_grad_ = base._requires_grad_
        before._output_nr_ = base._output_nr_
        _scatter(base, before, target, result)
        base.__dict__.pop("_output_nr_", None)
        if base._retains_grad_:
            retain(base, before._node_)
        return
    before_node, target._node_ = target._node_, result._node_
    target._requires_grad_ = result._requires_grad_
    if result._output_nr_ or target._output_nr_:
        target._output_nr_ = result._output_nr_
    if target._retains_grad_:
        retain(target, before_node)


def _scatter(base: TensorBase, before: Tensor, part: Tensor, result: Tensor) -> None:
    """Record that base is what it was before, with result in the place of part."""
    scatter, pairs = TABLE["as_strided_scatter"], TABLE["view_as_real"]
    whole, place = held(base), held(part)
    if base._turned_ is not part._turned_:
        result = attached(TABLE["conj_physical" if place.dtype.kind == "c" else "neg"], result)
    if (whole.dtype.kind == "c") == (place.dtype.kind == "c"):
        attach(scatter, (before, result), geometry(whole, place), base)
    elif whole.dtype.kind == "c":
        # The real or imaginary part of complex numbers.
        real, filled = attached(pairs, before), wrap(pairs.forward(whole))
        attach(scatter, (real, result), geometry(real._data_, place), filled)
        attach(TABLE["view_as_complex"], (filled,), {}, base)
    else:
        spread = geometry(whole, pairs.forward(place))
        attach(scatter, (before, attached(pairs, result)), spread, base)


def keep_values(result: Tensor, before: Tensor, start: int) -> None:
    """Let the nodes made since start remember the values of before, soon to be overwritten."""
    stack: list[Any] = [result._node_]
    copies: dict[int, Tensor] = {}
    while stack:
        node = stack.pop()
        if not isinstance(node, PrimitiveNode) or node._sequence < start or node.kept is None:
            continue
        if any(version is before._changes_ for version in node.versions[::2]):
            node.kept = [_frozen(kept, before, copies) for kept in node.kept]
            saved = zip(node.versions[::2], node.versions[1::2], strict=True)
            node.versions = [part for v in saved if v[0] is not before._changes_ for part in v]
        stack.extend(node._edges)


def _frozen(kept: Any, before: Tensor, copies: dict[int, Tensor]) -> Any:
    if isinstance(kept, tuple):
        return tuple(_frozen(part, before, copies) for part in kept)
    if not isinstance(kept, TensorBase) or kept._changes_ is not before._changes_:
        return kept
    copy = copies.get(id(kept))
    if copy is None:
        with no_grad():
            copy = copies[id(kept)] = rows.clone(kept)
        copy._requires_grad_, copy._node_ = kept._requires_grad_, kept._node_
        if kept._output_nr_:
            copy._output_nr_ = kept._output_nr_
    return copy


def stand_in(target: Tensor) -> Tensor:
    """The target for the operation that overwrites it, with a version count of its own.

    What backward needs of it is copied; of another argument that happens to be the target it is
    not, as in torch: `y.mul_(y)` cannot be differentiated.
    """
    refresh(target)
    other = wrap(target._data_, wants_grad(target))
    if target._tangents_ is not None:
        other._tangents_ = target._tangents_
    view, node = target._view_, target._node_
    base = None if view is None else view.base
    if (
        base is not None
        and node is not None
        and (
            node._hooks_ is not None
            or node._edges[0] is not (base if base._node_ is None else base._node_)
        )
    ):
        # Straight into the base: what lies between may show less of the memory than the view, and the
        # hooks of the view wait for the gradient of what it was.
        twin = alias(target)
        attach_part(base, twin)
        other._node_ = twin._node_
    else:
        other._node_ = node
        if target._output_nr_:
            other._output_nr_ = target._output_nr_
    if state.packing is not None:
        with no_grad():
            other._data_ = rows.clone(other)._data_
    return other


def ask(
    function: Callable[..., Any], target: Tensor, args: Any, kwargs: Any, *early: type[Exception]
) -> None:
    """Raise what torch finds before it asks whether target may be changed in place.

    That is arguments that cannot be meant, and errors of the early types; and all that the operation refuses
    where target is an inference tensor, about which torch asks last. function is the operation out of place.
    """
    last = target._changes_.__class__ in (Untracked, Uncounted) and not inference.on
    try:
        with no_grad():
            function(target, *args, **kwargs)
    except Exception as error:
        if last or isinstance(error, (TypeError, *early)):
            raise error from None


def asked(function: Callable[..., Any]) -> Callable[[F], F]:
    """Let a form in place, where it refuses its target, `ask` the function out of place first."""

    def decorate(method: F) -> F:
        @functools.wraps(method)
        def checked(self: Tensor, *args: Any, **kwargs: Any) -> Any:
            try:
                return method(self, *args, **kwargs)
            except RuntimeError:
                ask(function, self, args, kwargs)
                raise

        return checked  # type: ignore[return-value]

    return decorate


def inplace(function: Callable[P, Tensor], general: bool = False) -> Callable[P, Tensor]:
    """The method with a trailing underscore of an operation.

    >>> import rushlight as torch
    >>> torch.tensor([1.0, -2.0]).abs_()
    tensor([1., 2.])
    """
    plain = function.__name__
    run: Callable[..., Tensor] = uncast(function)
    kernel = IN_PLACE.get(plain)
    if kernel is not None and not general:
        return direct(run, kernel)
    name = plain + "_"
    refused = plain in ("acosh", "asinh", "atanh")
    constant, own = plain in CONSTANT, plain in OWN_TYPE

    @functools.wraps(run)
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        others = (*args, *kwargs.values()) if kwargs else args
        if own:
            kwargs = {"dtype": self.dtype, **kwargs}
        if constant:
            with no_grad():
                admit(self)
                check_memory(plain, self._data_, *others)
                if is_interlaced(self._data_):
                    return in_turn(method, self, args, kwargs)
                return assign(self, run(self, *args, **kwargs), name)
        try:
            recorded = admit(self, *others)
        except RuntimeError:
            ask(run, self, args, kwargs)
            raise
        try:
            check_memory(plain, held(self), *others)
        except RuntimeError:
            # The kernel looks at its dimension and type before it looks at memory.
            ask(run, self, args, kwargs, IndexError, NotImplementedError)
            raise
        if not recorded:
            if is_interlaced(self._data_) and plain not in WHOLE:
                return in_turn(method, self, args, kwargs)
            # A tangent may be recorded where its tensor is not, which it needs as it was.
            before = rows.clone(self) if doors.watching and pushing() else self
            try:
                return assign(self, run(before, *args, **kwargs), name)
            except NotImplementedError:
                # That the result would not fit is found before a kernel is looked for.
                if not own:
                    _need_fitting(self, others)
                raise
            except TypeError:
                if not met(*others):
                    raise
            return getattr(self, name)(*args, **kwargs)
        start = next_sequence()
        before = rows.clone(self) if doors.watching and pushing() else stand_in(self)
        result = run(before, *args, **kwargs)
        if result is before:
            result = rows.clone(before)
        if result._requires_grad_:
            keep_values(result, before, start)
            if refused and result._node_ is not None:
                Handle(at(result._node_).before, missing(f"inplace version of {plain}"))
        return assign(self, result, name, *others)

    method.__name__ = name
    method.__doc__ = f"`{plain}`, writing the result into the tensor itself."
    return method  # type: ignore[return-value]


_NOTHING: Any = object()


def direct(function: Callable[..., Tensor], kernel: Callable[..., Any]) -> Callable[..., Tensor]:
    """`inplace(function)` with a kernel(array, *operands) for when nothing is recorded.

    The kernel writes into the array's memory. It runs when all operands are numbers or tensors of
    the array's own floating type; whatever it refuses with a ValueError goes the general way, which
    raises torch's error.
    """
    general = inplace(function, general=True)
    plain = function.__name__
    name = plain + "_"
    narrow = functools.partial(write_rounded, kernel, plain)

    def otherwise(self: Tensor, operand: Any, more: Any, options: dict[str, Any]) -> Tensor:
        given = () if operand is _NOTHING else (operand,)
        return general(self, *given, *more, **options)

    # The first operand has a place of its own, and no list is made where it is the only one: every step of
    # an optimizer comes by here.
    @functools.wraps(function)
    def method(self: Tensor, operand: Any = _NOTHING, *more: Any, **options: Any) -> Tensor:
        data, changes = self._data_, self._changes_
        dtype, recording = data.dtype, state.grad
        wide = dtype is _SINGLE or dtype is _DOUBLE
        if (
            not (wide or (dtype in dtypes.NARROW and dtype.itemsize == 2))
            or changes.__class__ is not list
            or data.__class__ is _outline
            or (recording and wants_grad(self))
        ):
            return otherwise(self, operand, more, options)
        # Arrays that own their memory lie apart, and show every element once.
        alone = data.base is None
        if isinstance(operand, TensorBase):
            value = operand._data_
            if value.dtype is not dtype or (recording and wants_grad(operand)):
                return otherwise(self, operand, more, options)
            if value.base is not None:
                alone = False
        elif operand.__class__ is float or is_int64(operand):
            value = operand
        else:
            return otherwise(self, operand, more, options)
        values = []
        for other in more:
            if isinstance(other, TensorBase):
                array = other._data_
                if array.dtype is not dtype or (recording and wants_grad(other)):
                    return general(self, operand, *more, **options)
                if array.base is not None:
                    alone = False
                values.append(array)
            elif other.__class__ is float or is_int64(other):
                values.append(other)
            else:
                return general(self, operand, *more, **options)
        for option in options.values():
            fits = option.__class__ is float or is_int64(option)
            if not (fits and -65504 <= option <= 65504):
                return general(self, operand, *more, **options)
        if not alone:
            check_memory(plain, data, operand, *more)
            if is_interlaced(data):
                return otherwise(self, operand, more, options)
        try:
            if doors.watching or not wide:
                need_own(self)
                into(self, kernel if wide else narrow, operand, *more, **options)
            elif more:
                kernel(data, value, *values, **options)
            else:
                kernel(data, value, **options)
        except (ValueError, TypeError):
            return general(self, operand, *more, **options)
        # `bump`, of a tensor that has a count, written out.
        changes[0] += 1
        changes[1] = (name, site.line or user_line())
        return self

    method.__name__ = name
    method.__doc__ = f"`{plain}`, writing the result into the tensor itself."
    return method


def zero_(self: Tensor) -> Tensor:
    """Fill with zeros, in place."""
    fill_(self, 0)
    if self._node_ is not None and self._node_._label == "FillBackward2":
        self._node_._label = "ZeroBackward0"
    return self


def fill_(self: Tensor, value: Any) -> Tensor:
    """Fill with a number or a 0-d tensor, in place."""
    if self._turned_ or isinstance(value, TensorBase):
        need_distinct(held(self))
    if isinstance(value, TensorBase):
        if value._data_.ndim:
            raise RuntimeError(
                f"fill_ only supports 0-dimension value tensor but got tensor with "
                f"{value._data_.ndim} dimensions."
            )
        filled: Any = value
    else:
        need_number("fill_", "value", 1, value)
        fit = dtypes.one_in if self._data_.size == 1 else dtypes.number_in
        dtype = self._data_.dtype
        number = calculate(fit, value, dtype) if doors.watching else fit(value, dtype)
        if not admit(self):
            into(self, writing.fill, number)
            bump(self, "fill_")
            return self
        filled = literal(np.asarray(number))
    if not admit(self, filled):
        into(self, writing.copy, filled)
        bump(self, "fill_")
        return self
    label = f"FillBackward{2 + isinstance(value, TensorBase)}"
    return assign(self, filled, "fill_", cast=True, label=label)


def copy_(self: Tensor, src: Tensor | float, non_blocking: bool = False) -> Tensor:
    """Copy src, which broadcasts, into self, converting its type; returns self."""
    if not isinstance(src, TensorBase):
        if not isinstance(src, NUMBERS):
            if met(src):
                return self.copy_(src, non_blocking)
            need_tensor("copy_", "other", 1, src)
        # A number has all its digits: float64, complex128.
        src = literal(np.asarray(dtypes.python_number(src)))
    admit(self, src)
    check_copy(self, held(self), src, held(src))
    shape, target = src._data_.shape, self._data_.shape
    if shape != target and (whole := broadcast_shapes([target, shape])) != target:
        raise RuntimeError(
            f"output with shape {list(target)} doesn't match the broadcast shape {list(whole)}"
        )
    return assign(self, src, "copy_", cast=True)
