"""An array of another library: NumPy's protocols and methods, but never a NumPy array unasked.

It stands for CuPy's: elements live elsewhere, so nothing may look at them through NumPy. It holds an
ndarray where nobody sees it; functions and ufuncs reach it by `__array_function__` and
`__array_ufunc__`, which refuse to mix it with NumPy's own arrays; every result is such an array again,
numbers included, as arrays without dimensions.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

# What turns NumPy's data into such an array, when asked with `like=`.
_MAKERS = {np.array, np.asarray, np.ascontiguousarray, np.asanyarray}


class Refused(TypeError):
    """Somebody asked for a NumPy array, or mixed one in."""


class Strict(NDArrayOperatorsMixin):
    """An ndarray out of reach; `get()` copies it back, which is the only way."""

    __slots__ = ("_held", "base")

    def __init__(self, held: np.ndarray, base: Any = None) -> None:
        self._held = held
        self.base = base

    def get(self) -> np.ndarray:
        """A copy as a NumPy array, with the same strides where it is dense."""
        return self._held.copy("K")

    # ---- the protocols ---------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        with np.errstate(all="ignore"):
            result = getattr(ufunc, method)(*_bare(inputs), **_bare(options))
        return _given(result, options.get("out"))

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        bare = (lambda value: value) if function in _MAKERS and not _has(arguments) else _bare
        bound = bare(arguments), bare(options)
        # NumPy's own arrays are inside: its functions are called as they are.
        with np.errstate(all="ignore"):
            result = function(*bound[0], **bound[1])
        if function is np.diagonal:
            # NumPy's are read-only, CuPy's are not.
            result.flags.writeable = True
        out = options.get("out")
        return _given(result, out if isinstance(out, tuple) or out is None else (out,), arguments)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise Refused("implicit conversion to a NumPy array: use .get()")

    # ---- what it says of itself ------------------------------------------------------------------

    shape = property(lambda self: self._held.shape)
    strides = property(lambda self: self._held.strides)
    dtype = property(lambda self: self._held.dtype)
    # Where elements live that nobody can look at; CuPy's arrays have it.
    device = SimpleNamespace(id=0)
    ndim = property(lambda self: self._held.ndim)
    size = property(lambda self: self._held.size)
    itemsize = property(lambda self: self._held.itemsize)
    nbytes = property(lambda self: self._held.nbytes)
    flags = property(lambda self: Flags(self))
    T = property(lambda self: self._part(self._held.T))

    @property
    def real(self) -> Strict:
        return self._part(self._held.real)

    @real.setter
    def real(self, values: Any) -> None:
        self._held.real = _bare(values)

    @property
    def imag(self) -> Strict:
        return self._part(self._held.imag)

    @imag.setter
    def imag(self, values: Any) -> None:
        self._held.imag = _bare(values)

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"Strict({self._held!r})"

    # One number can be looked at, as CuPy allows it; that waits for the device.

    def __bool__(self) -> bool:
        return bool(self._one())

    def __int__(self) -> int:
        return int(self._one())

    def __float__(self) -> float:
        return float(self._one())

    def __complex__(self) -> complex:
        return complex(self._one())

    def __index__(self) -> int:
        return self._one().__index__()

    def _one(self) -> Any:
        if self._held.ndim:
            raise Refused(f"an array of shape {self.shape} is not one number")
        return self._held[()]

    def item(self, *place: int) -> Any:
        return self._held.item(*place)

    def tolist(self) -> Any:
        return self._held.tolist()

    # ---- elements --------------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Strict:
        return self._part(self._held[_bare(index)])

    def __setitem__(self, index: Any, values: Any) -> None:
        self._held[_bare(index)] = _bare(values)

    def _part(self, result: Any) -> Any:
        """The result of a method, which knows in whose memory it lies."""
        return _wrapped(result, self)


class Flags:
    """The flags that CuPy's arrays have; `num` is NumPy's alone."""

    __slots__ = ("_array",)

    def __init__(self, array: Strict) -> None:
        self._array = array

    c_contiguous = property(lambda self: self._array._held.flags.c_contiguous)
    f_contiguous = property(lambda self: self._array._held.flags.f_contiguous)
    forc = property(lambda self: self._array._held.flags.forc)
    owndata = property(lambda self: self._array.base is None)


def _method(name: str) -> Any:
    def method(self: Strict, *arguments: Any, **options: Any) -> Any:
        result = getattr(self._held, name)(*_bare(arguments), **_bare(options))
        return self._part(result)

    method.__name__ = name
    return method


_METHODS = (
    "all any argmax argmin argsort astype choose clip compress conj conjugate copy cumprod cumsum",
    "diagonal dot fill flatten max mean min nonzero partition prod put ravel repeat reshape round",
    "searchsorted sort squeeze std sum swapaxes take trace transpose var view",
)
for _name in " ".join(_METHODS).split():
    setattr(Strict, _name, _method(_name))


def _has(arguments: Any) -> bool:
    if isinstance(arguments, (tuple, list)):
        return any(map(_has, arguments))
    return isinstance(arguments, Strict)


def _bare(value: Any) -> Any:
    """The value with what the arrays in it hold; NumPy's own arrays are refused."""
    if isinstance(value, Strict):
        return value._held
    if isinstance(value, np.ndarray):
        raise Refused(f"a NumPy array of shape {value.shape} among arrays of another library")
    if value.__class__ in (tuple, list):
        return value.__class__([_bare(part) for part in value])
    if value.__class__ is dict:
        return {name: _bare(part) for name, part in value.items()}
    return value


def _given(result: Any, out: Any, sources: Any = ()) -> Any:
    """The result, which is `out` where that was given."""
    if out is not None:
        return out[0] if len(out) == 1 else out
    return _wrapped(result, *(a for a in sources if isinstance(a, Strict)))


def _wrapped(result: Any, *sources: Strict) -> Any:
    if isinstance(result, (np.ndarray, np.generic)):
        held = np.asarray(result)
        owner = next((s for s in sources if np.may_share_memory(s._held, held)), None)
        if owner is not None and owner._held is held:
            return owner
        if not held.size:
            owner = sources[0] if sources and held.base is not None else None
        return Strict(held, None if owner is None else owner if owner.base is None else owner.base)
    if isinstance(result, tuple) and any(isinstance(r, (np.ndarray, np.generic)) for r in result):
        parts = [_wrapped(part, *sources) for part in result]
        return type(result)(*parts) if hasattr(result, "_fields") else tuple(parts)
    if isinstance(result, list):
        return [_wrapped(part, *sources) for part in result]
    return result


def strict(value: Any) -> Any:
    """NumPy's arrays among values as strict ones, each with memory of its own and the same strides."""
    if isinstance(value, np.ndarray):
        return Strict(value.copy("K"))
    if isinstance(value, (tuple, list)):
        return type(value)(map(strict, value))
    return value


def plain(value: Any) -> Any:
    """Strict arrays among values as NumPy's."""
    if isinstance(value, Strict):
        return value.get()
    if isinstance(value, (tuple, list)):
        return type(value)(map(plain, value))
    return value
