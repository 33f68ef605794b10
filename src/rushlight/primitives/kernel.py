"""Gradients that torch computes in one kernel, from g and from what its backward function takes.

Large ones that are asked for often are one kernel here, too. Four things follow, which a rule written in
several operations does not show by itself: in half precision such a gradient is rounded once; it lies in
memory as what the kernel takes, in the order in which the kernel asks; under `create_graph` it depends on
everything that went into the kernel, even where the derivative is 0 throughout; and where torch has no
derivative of the kernel, a second derivative is refused.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.core.doors import literal
from rushlight.core.node import PrimitiveNode
from rushlight.core.row import Primitive, Rule, Sample, Spec
from rushlight.core.state import state
from rushlight.core.tensor import Array, TensorBase
from rushlight.dtypes import NARROW
from rushlight.memory import copy_in_rows, is_dense, laid, placed, plain, strided_view
from rushlight.primitives.families import draw
from rushlight.primitives.placement import (
    as_first,
    empty_like,
    order_like,
    packed,
    result_strides,
    suggested,
)
from rushlight.primitives.warm import warm_gradient

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

_SINGLE = np.dtype(np.float32)


def one_kernel(
    rule: Rule | None = None, *, flat: bool = False, refused: str = "",
    error: type[Exception] = RuntimeError, lies: tuple[int, ...] = (), in_rows: bool = False,
    image: int | None = None,
) -> Any:  # fmt: skip
    """A rule whose gradient is one kernel of torch's.

    flat: what the kernel takes besides g has no influence but where it jumps (the derivative is 0);
    refused: torch's name of a kernel that has no derivative, and the error that says so; lies: which of
    the rule's arguments say how the gradient lies, in this order; in_rows: it lies row after row; image:
    which of them is the image in whose memory format it lies.
    """
    if rule is None:
        return functools.partial(
            one_kernel, flat=flat, refused=refused, error=error, lies=lies, in_rows=in_rows,
            image=image,
        )  # fmt: skip
    rule = warm_gradient(1 << 14)(rule)

    @functools.wraps(rule)
    def single(g: Any, *saved: Any) -> Any:
        first = g if g.__class__ is not list else next(part for part in g if part is not None)
        if (dtype := first._data_.dtype) is not _SINGLE and dtype in NARROW:
            whole = rule(wide(g), *map(wide, saved))
            gradient = whole if whole is None else whole.to(dtypes.of(dtype))
        else:
            gradient = rule(g, *saved)
        if gradient is not None:
            if lies:
                gradient = lying(gradient, *[saved[i - 1] if i else first for i in lies])
            elif in_rows and (data := gradient._data_).base is not None and placed(data):
                gradient = laid_out(gradient, strides=None)
            elif image is not None:
                gradient = _placed_at(gradient, image_strides(saved[image - 1]._data_))
        if state.grad and (flat or refused) and gradient is not None:
            return hang(gradient, (g, *saved) if refused else saved, refused, error)
        return gradient

    single.refused = refused  # type: ignore[attr-defined]
    return single


# ---- where a gradient lies -----------------------------------------------------------------------


def _laid_out(x: Array, *, strides: tuple[int, ...] | None) -> Array:
    if strides is None:
        return copy_in_rows(x)
    steps = tuple([s * x.itemsize for s in strides])
    room = 1 + sum(s * (n - 1) for s, n in zip(strides, x.shape, strict=True)) if x.size else 0
    out = strided_view(np.empty(room, x.dtype, like=x), x.shape, steps)
    np.copyto(out, x)
    return out


# A copy that lies in memory in a way of its own: with these strides, or in row order.
laid_out = Primitive(
    "laid_out", "unary", _laid_out, (lambda g: g,), lambda x, *, strides: (x.shape, x.dtype), "{x}",
    lambda: [
        Sample((draw(1, (2, 3)),), {"strides": (1, 2)}), Sample((draw(2, (2, 3)).T,), {"strides": None}),
    ],
    label=lambda node: (
        "CloneBackward0" if node.static["strides"] is None else "torch::autograd::CopyBackwards"
    ),
    as_is=True,
)  # fmt: skip


def lying(x: Tensor, *operands: Any) -> Tensor:
    """The result of an elementwise kernel of torch's that takes these operands in this order, as it would lie."""
    arrays = [t._data_ for t in operands if isinstance(t, TensorBase)]
    # What is shown of a batch lies as the batch does.
    if x._data_.__class__ is not np.ndarray or not any(
        array.base is not None and placed(array) for array in arrays
    ):
        return x
    given = [(a.shape, laid(a).strides, a.itemsize) for a in map(plain, arrays)]
    return _placed_at(x, result_strides(x._data_.shape, *given))


def lying_like(x: Tensor, other: Tensor) -> Tensor:
    """x as a new tensor like the other would lie, of the same shape."""
    if not _lies_apart(other._data_):
        return x
    return _placed_at(x, _like_strides(other._data_))


def image_strides(x: Array) -> tuple[int, ...]:
    """The strides of a new tensor in the memory format of an image: channels last if suggested, else rows."""
    return packed(x.shape, suggested(x) if _lies_apart(x) else None)


def _like_strides(x: Array) -> tuple[int, ...]:
    order = order_like(x) if _lies_apart(x) else None
    return packed(x.shape) if order is None else order[1]


def _lies_apart(x: Array) -> bool:
    """Whether an array of NumPy's lies otherwise than in row order."""
    return x.__class__ is np.ndarray and x.base is not None and placed(x)


# By the names that `entering` takes.
_STRIDES: dict[str, Callable[[Array], tuple[int, ...]]] = {
    "images": image_strides,
    "like": _like_strides,
    "rows": lambda x: packed(x.shape),
    "heads": lambda x: packed(x.shape, (0, 2, 1, 3)),
    # None said: as the gradient comes, if it shows no element twice; else in rows.
    "dense": lambda x: (),
}


def _placed_at(x: Tensor, strides: tuple[int, ...]) -> Tensor:
    if x._data_.__class__ is not np.ndarray:
        return x
    item = x._data_.itemsize
    if tuple(s * item for s in strides) == laid(x._data_).strides:
        return x
    return laid_out(x, strides=strides)


def wide(value: Any) -> Any:
    """A narrow float, or each of several, in single precision; others as they are."""
    if value.__class__ is list:
        return [wide(part) for part in value]
    if isinstance(value, TensorBase) and value._data_.dtype in NARROW:
        return value.float()  # type: ignore[attr-defined]
    return value


def hang(
    gradient: Tensor, sources: Iterable[Any], refused: str = "",
    error: type[Exception] = RuntimeError, *, zeros: bool = True,
) -> Tensor:  # fmt: skip
    """The gradient, made to depend on those of the sources that want one.

    What they get is zeros, or nothing at all where torch leaves the derivative undefined.
    """
    wanting = [
        source
        for entry in sources
        for source in (entry if entry.__class__ is list else (entry,))
        if isinstance(source, TensorBase) and source._requires_grad_
    ]
    if not wanting:
        return gradient
    if refused:
        gradient = gradient.detach()
    return dependent(gradient, *wanting, refused=refused, error=error, zeros=zeros)


def _dependent(
    x: Array, *sources: Array, refused: str, error: type[Exception], zeros: bool
) -> Array:
    return x.copy()


def _dependent_vjp(
    g: Any, sources_shapes: tuple[tuple[int, ...], ...], needs: tuple[bool, ...], refused: str,
    error: type[Exception], zeros: bool,
) -> Any:  # fmt: skip
    if refused:
        raise error(
            f"derivative for aten::{refused} is not implemented: torch has none, and no gradient of "
            "gradients where it has one"
        )
    like = plain(g._data_)
    nothing = (
        literal(_zeros(like, shape)) if needed and zeros else None
        for shape, needed in zip(sources_shapes, needs[1:], strict=True)
    )
    return [g if needs[0] else None, *nothing]


def _zeros(like: Array, shape: tuple[int, ...]) -> Array:
    if shape == like.shape:
        return empty_like(like, make=functools.partial(np.zeros, like=like))
    return np.zeros(shape, like.dtype, like=like)


def _dependent_rule(x: Array, *sources: Array, **_: Any) -> Spec:
    return x.shape, x.dtype


_PLAIN: dict[str, Any] = {"refused": "", "error": RuntimeError, "zeros": True}

dependent = Primitive(
    "dependent", "structural", _dependent, _dependent_vjp, _dependent_rule, "{x}",
    lambda: [Sample((draw(1, (2, 3)), draw(2, (3,))), _PLAIN)], inputs=("x", "*sources"),
    layout=as_first, as_is=True, once=True,
)  # fmt: skip

# ---- for composites ------------------------------------------------------------------------------


def _entry(
    x: Array, *, others: tuple[Any, ...], itself: bool, refused: str, error: type[Exception],
    zeros: bool, strides: tuple[int, ...] | None = None,
) -> Array:  # fmt: skip
    return x.view()


def _entry_vjp(
    g: Any, x: Any, others: tuple[Any, ...], itself: bool, refused: str, error: type[Exception],
    zeros: bool, strides: tuple[int, ...] | None = None,
) -> Any:  # fmt: skip
    if strides is not None and (strides or not is_dense(plain(g._data_))):
        g = _placed_at(g, strides or packed(g._data_.shape))
    if not state.grad:
        return g
    sources = (x, *others) if itself else others
    return hang(g, (g, *sources) if refused else sources, refused, error, zeros=zeros)


def _entry_rule(x: Array, **_: Any) -> Spec:
    return x.shape, x.dtype


# x, where a composite begins that torch differentiates in one kernel, which takes the others too.
# They are no inputs: their values are never asked for, only where they stand in the graph.
entry = Primitive(
    "entry", "structural", _entry, (_entry_vjp,), _entry_rule, "copy",
    lambda: [Sample((draw(1, (2, 3)),), {"others": (), "itself": True, **_PLAIN})], inputs=("x",),
    view=True,
)  # fmt: skip


def no_derivative(g: Any, reason: str, error: type[Exception]) -> Any:
    """The rule of `closed`, by the name that such rules have in families.missing."""
    raise error(reason)


# x, where torch computes a result but has no gradient for it.
closed = Primitive(
    "closed", "structural", lambda x, *, reason, error: x.copy(), (no_derivative,),
    lambda x, *, reason, error: (x.shape, x.dtype), "{x}",
    lambda: [Sample((draw(1, (2, 3)),), {"reason": "no gradient", "error": RuntimeError})],
    inputs=("x",), as_is=True,
)  # fmt: skip


def entering(
    x: Tensor, *others: Tensor | None, itself: bool = True, refused: str = "",
    error: type[Exception] = RuntimeError, zeros: bool = True, lies: str = "",
) -> Tensor:  # fmt: skip
    """x as a composite must use it whose gradient is one kernel of torch's: see `one_kernel`.

    The gradient depends on the others and, unless `itself` is False, on x; zeros as in `hang`. lies: where
    it lies, in "rows", as "images" do in the format of x, "like" x, with the "heads" of [batch, heads, length,
    width] beside each other, or "dense" somehow; else as it comes.
    """
    if not (state.grad and x._requires_grad_):
        return x
    wanting = tuple(t for t in others if t is not None and t._requires_grad_)
    strides = None
    if lies:
        strides = _STRIDES[lies](x._data_)
    result: Tensor = entry(
        x, others=wanting, itself=itself, refused=refused, error=error, zeros=zeros, strides=strides
    )  # fmt: skip
    node = result._node_
    if not itself and node.__class__ is PrimitiveNode:
        # Where x stands is asked for, and not its values: these may change.
        node.versions = ()
    if wanting and node.__class__ is PrimitiveNode:
        # What the rule is given is forgotten as the node has run; its parameters are not.
        node.static = node.static | {"others": ()}
    return result
