"""Arrays without elements: what tensors on the meta device stand on.

To the doors an `Outline` is an array of another library. No row is computed on it: `elsewhere` asks the
row's `rule` what would come of it and the row's `layout` how that would lie. Views of it are NumPy's own
views of its `frame`, an array at addresses behind which there is nothing, whose shape, type, strides and
place are asked and nothing else. Writes into it do nothing, and whoever wants to see elements gets
torch's error.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from rushlight.memory import GEOMETRY, Shape, laid, nowhere

NO_DATA = "Cannot copy out of meta tensor; no data!"

# Functions of NumPy that look at geometry and types alone, and make at most a view.
_GEOMETRY = GEOMETRY | {
    np.broadcast_arrays, np.broadcast_to, np.can_cast, np.diagonal, np.expand_dims, np.flip, np.imag,
    np.iscomplexobj, np.isrealobj,
    np.may_share_memory, np.moveaxis, np.ndim, np.real,
    np.result_type, np.rollaxis, np.rot90, np.shape, np.size, np.split, np.squeeze, np.swapaxes,
    np.transpose,
}  # fmt: skip
_MAKERS = {np.empty, np.zeros, np.ones, np.full}
_MAKERS_LIKE = {np.empty_like, np.zeros_like, np.ones_like, np.full_like}
_BRINGERS = {np.array, np.asarray, np.asanyarray, np.ascontiguousarray}
# What indices of views are made of.
_PLACES = {int, slice, type(None), type(...)}
# What a turned tensor does to its memory.
_ELEMENTWISE = {np.conjugate, np.negative}


class Outline(NDArrayOperatorsMixin):
    """The geometry of an array that has no elements.

    >>> x = blank((1000_000, 1000_000), np.dtype(np.float32))
    >>> x.T[1:].shape, x.nbytes
    ((999999, 1000000), 4000000000000)
    """

    __slots__ = ("frame", "base")

    frame: np.ndarray[Any, Any]
    # The whole of which it is a part.
    base: Any

    def __init__(self, frame: np.ndarray[Any, Any], owner: Any = None) -> None:
        self.frame = frame
        self.base = owner if owner is None or owner.base is None else owner.base

    # ---- what it says of itself ------------------------------------------------------------------

    shape = property(lambda self: self.frame.shape)
    strides = property(lambda self: self.frame.strides)
    dtype = property(lambda self: self.frame.dtype)
    ndim = property(lambda self: self.frame.ndim)
    size = property(lambda self: self.frame.size)
    itemsize = property(lambda self: self.frame.itemsize)
    nbytes = property(lambda self: self.frame.nbytes)
    flags = property(lambda self: self.frame.flags)

    def __len__(self) -> int:
        return len(self.frame)

    def __iter__(self) -> Iterator[Outline]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"Outline({self.shape}, {self.dtype}, strides={self.strides})"

    # ---- views and copies ------------------------------------------------------------------------

    T = property(lambda self: self._part(self.frame.T))
    real = property(lambda self: self._part(self.frame.real))
    imag = property(lambda self: self._part(self.frame.imag))

    def _part(self, frame: np.ndarray[Any, Any]) -> Outline:
        return self if frame is self.frame else Outline(frame, self)

    def __getitem__(self, index: Any) -> Any:
        listed = index if isinstance(index, tuple) else (index,)
        if any(part.__class__ not in _PLACES for part in listed):
            raise self.refuse()
        if listed == (...,):
            return self
        # An array, too, where NumPy would read a single element.
        return self._part(self.frame[listed if ... in listed else (*listed, ...)])

    def view(self, *dtype: Any) -> Outline:
        """Another look at it, in another type if one is given."""
        return self._part(self.frame.view(*dtype))

    def transpose(self, *axes: Any) -> Outline:
        """Its dimensions in another order."""
        return self._part(self.frame.transpose(*axes))

    def swapaxes(self, *axes: int) -> Outline:
        """Two of its dimensions exchanged."""
        return self._part(self.frame.swapaxes(*axes))

    def squeeze(self, axis: Any = None) -> Outline:
        """Without dimensions of size 1."""
        return self._part(self.frame.squeeze(axis))

    def diagonal(self, *place: int) -> Outline:
        """The diagonal of two dimensions."""
        return self._part(self.frame.diagonal(*place))

    def reshape(self, *shape: Any, order: Any = "C", copy: bool | None = None) -> Outline:
        """Another shape: a view where there is one, else new."""
        wanted = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
        try:
            return self._part(np.reshape(self.frame, wanted, order=order, copy=False))
        except ValueError:
            if copy is False:
                raise
            return blank(np.broadcast_to(np.empty((), bool), self.shape).reshape(wanted).shape
                         if 0 in self.shape else _reshaped(self.size, wanted), self.dtype)  # fmt: skip

    def ravel(self, order: Any = "C") -> Outline:
        """In one dimension."""
        return self.reshape(-1, order=order)

    def astype(self, dtype: Any, order: str = "K", **_: Any) -> Outline:
        """In another type, laid out as before unless order is "C"."""
        return _like(self.frame, np.dtype(dtype), order)

    def copy(self, order: str = "C") -> Outline:
        """New, in row order unless order is "K"."""
        return _like(self.frame, self.dtype, order)

    def resized(self, shape: Shape) -> Outline:
        """What it is after it took another shape, in row order."""
        return blank(shape, self.dtype)

    # ---- writes, which do nothing ----------------------------------------------------------------

    def __setitem__(self, index: Any, value: Any) -> None:
        pass

    def fill(self, value: Any) -> None:
        """Nothing."""

    # ---- what would need elements ----------------------------------------------------------------

    def refuse(self) -> NotImplementedError:
        """The error for whoever wants to see the elements."""
        return NotImplementedError(NO_DATA)

    def item(self, *_: Any) -> Any:
        """Torch's error."""
        raise RuntimeError("Tensor.item() cannot be called on meta tensors")

    def _no_data(self, *_: Any, **__: Any) -> Any:
        raise self.refuse()

    tolist = __bool__ = __array__ = _no_data
    all = any = argmax = argmin = argsort = clip = cumprod = cumsum = dot = max = mean = min = (
        _no_data
    )
    nonzero = partition = prod = put = repeat = round = searchsorted = sort = sum = take = _no_data
    tobytes = trace = var = _no_data
    __int__ = __float__ = __complex__ = __index__ = item

    # ---- NumPy's protocols -----------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        out = options.get("out")
        if out is not None and all(isinstance(part, Outline) for part in out):
            return out if len(out) > 1 else out[0]
        if method == "__call__" and ufunc in _ELEMENTWISE and out is None:
            return self.copy("K")
        if method == "at" and inputs[0] is self:
            return None
        raise self.refuse()

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        if function in _GEOMETRY:
            found = function(*_frames(arguments), **_frames(options))
            return _as_parts(found, _first(arguments))
        if function in _MAKERS:
            return blank(*_shape_and_type(arguments, options, 2 if function is np.full else 1))
        if function in _MAKERS_LIKE:
            dtype = options.get("dtype") or _first(arguments).dtype
            return _like(_first(arguments).frame, np.dtype(dtype), "K")
        if function in _BRINGERS:
            return _brought(function, *arguments, **options)
        if function is np.copyto and isinstance(arguments[0], Outline):
            return None
        raise self.refuse()


def _reshaped(size: int, shape: Any) -> Shape:
    given = (shape,) if isinstance(shape, int) else tuple(shape)
    rest = 1
    for n in given:
        rest *= n if n >= 0 else 1
    if size % rest if rest and -1 in given else size - rest:
        # As NumPy says it of arrays: the row's rule then tells the user.
        raise ValueError(f"cannot reshape array of size {size} into shape {given}")
    return tuple(n if n >= 0 else size // rest for n in given)


def _frames(value: Any) -> Any:
    if isinstance(value, Outline):
        return value.frame
    if isinstance(value, tuple | list):
        return type(value)(map(_frames, value))
    return {k: _frames(v) for k, v in value.items()} if isinstance(value, dict) else value


def _first(arguments: Any) -> Outline:
    while not isinstance(arguments, Outline):
        arguments = arguments[0]
    return arguments


def _as_parts(found: Any, owner: Outline) -> Any:
    if isinstance(found, np.ndarray):
        return owner._part(found)
    if isinstance(found, tuple | list) and found and isinstance(found[0], np.ndarray):
        return type(found)(owner._part(part) for part in found)
    return found


def _shape_and_type(arguments: Any, options: Any, place: int) -> tuple[Shape, np.dtype[Any]]:
    shape = options.get("shape", arguments[0] if arguments else ())
    dtype = options.get("dtype", arguments[place] if len(arguments) > place else np.float64)
    return (shape,) if isinstance(shape, int) else tuple(shape), np.dtype(dtype)


def _brought(function: Any, x: Any, dtype: Any = None, **options: Any) -> Outline:
    frame = x.frame if isinstance(x, Outline) else np.asarray(x)
    kind = frame.dtype if dtype is None else np.dtype(dtype)
    if function is np.ascontiguousarray:
        frame = frame if frame.ndim else frame.reshape(1)
        if isinstance(x, Outline) and frame.flags.c_contiguous and kind == frame.dtype:
            return x._part(frame)
        return blank(frame.shape, kind)
    if (
        isinstance(x, Outline)
        and kind == frame.dtype
        and not options.get("copy", function is np.array)
    ):
        return x
    return outlined(frame) if kind == frame.dtype else _like(frame, kind, "K")


def _like(frame: np.ndarray[Any, Any], dtype: np.dtype[Any], order: str) -> Outline:
    """New, laid out as NumPy lays a copy out."""
    if order != "K" or frame.flags.c_contiguous or not frame.size:
        return blank(frame.shape, dtype)
    dims = sorted(range(frame.ndim), key=lambda d: -abs(frame.strides[d]))
    back = sorted(range(frame.ndim), key=lambda d: dims[d])
    return blank(tuple(frame.shape[d] for d in dims), dtype).transpose(back)


def blank(shape: Shape, dtype: np.dtype[Any]) -> Any:
    """An array of this shape and type, in row order, without memory."""
    return Outline(nowhere(tuple(shape), dtype))


def outlined(x: Any) -> Any:
    """The outline of an array, which lies as it does."""
    if isinstance(x, Outline):
        return x
    whole = nowhere(x.shape, x.dtype, laid(x).strides)
    return Outline(whole) if whole.flags.c_contiguous else Outline(whole, Outline(whole))
