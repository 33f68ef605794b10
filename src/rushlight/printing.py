"""How tensors are written: torch's notation, widths, line breaks and summaries.

One pass decides a notation from the elements that will be seen (of a summarised tensor only its
corners, so printing ten million elements costs what printing a hundred does), a second lays the
texts out in brackets.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from numbers import Integral, Real
from typing import Any

import numpy as np

from rushlight.dtypes import bool_, complex_of, dtype, get_default_dtype, int64
from rushlight.elsewhere import has_memory

PREFIX = "tensor("


@dataclass(frozen=True, slots=True)
class PrintOptions:
    """What `set_printoptions` sets; the values are torch's defaults."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: float = 80
    sci_mode: bool | None = None


_PROFILES: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}

_options = PrintOptions()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: float | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Change how tensors print; what is None stays, except sci_mode, which returns to automatic.

    - precision: digits after the point (4); an int >= 0.
    - threshold: more elements than this are summarised (1000).
    - edgeitems: elements kept at each end of a summarised dimension (3); an int >= 0.
    - linewidth: characters on a line (80).
    - profile: "default", "short" or "full" sets those four; the arguments beside it win.
    - sci_mode: True or False forces scientific notation on or off.

    Raises TypeError or ValueError for what cannot be printed with, and then changes nothing.

    >>> import rushlight as torch
    >>> torch.set_printoptions(precision=2)
    >>> torch.tensor([1.12345])
    tensor([1.12])
    >>> torch.set_printoptions(profile="default")
    """
    global _options
    given = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }
    given = {name: value for name, value in given.items() if value is not None}
    for name, value in given.items():
        _check(name, value)
    # torch ignores a profile that it does not know; programs that run there must run here.
    changes: dict[str, Any] = {**_PROFILES.get(profile or "", {}), **given, "sci_mode": sci_mode}
    _options = replace(_options, **changes)


def get_printoptions() -> dict[str, Any]:
    """The options in force, by name.

    >>> get_printoptions()["edgeitems"]
    3
    """
    return asdict(_options)


@contextmanager
def printoptions(**changes: Any) -> Iterator[None]:
    """Within `with`, print with these options (those of `set_printoptions`).

    >>> with printoptions(precision=2):
    ...     get_printoptions()["precision"]
    2
    """
    global _options
    before = _options
    set_printoptions(**changes)
    try:
        yield
    finally:
        _options = before


def _check(name: str, value: object) -> None:
    counts = name in ("precision", "edgeitems")
    if not isinstance(value, Integral if counts else Real):
        wanted = "an int" if counts else "a number"
        raise TypeError(f"set_printoptions: {name} must be {wanted}, got {value!r}")
    if counts and value < 0:
        raise ValueError(f"set_printoptions: {name} must be 0 or more, got {value}")


def format_tensor(
    array: np.ndarray, dtype: dtype, *, suffixes: list[str], prefix: str = PREFIX, where: str = ""
) -> str:
    """The text that repr gives for a tensor of this dtype holding array.

    suffixes such as "requires_grad=True" or "grad_fn=<AddBackward0>" follow the values; each
    that would not fit on the line starts a new one.

    >>> from rushlight import dtypes
    >>> format_tensor(np.array([1.0, 2.5]), dtypes.float64, suffixes=["requires_grad=True"])
    'tensor([1.0000, 2.5000], dtype=torch.float64, requires_grad=True)'
    """
    notes = []
    if not has_memory(array):
        notes += ["device='meta'", f"size={array.shape}"]
        if dtype is not get_default_dtype():
            notes.append(f"dtype={dtype!r}")
        return _with_notes(prefix + "...", notes + suffixes, len(prefix))
    if where:
        notes.append(f"device='{where}'")
    if array.ndim != 1 if array.size == 0 else _options.edgeitems == 0:
        # The values alone would not tell the shape.
        notes.append(f"size={array.shape}")
    if array.size == 0:
        body = "[]"
        # There is no element to tell integers and booleans apart from the default dtype by.
        implied = dtype is get_default_dtype()
    else:
        body = _body(array, len(prefix))
        default = get_default_dtype()
        implied = dtype in (bool_, int64, default, complex_of(default))
    if not implied:
        notes.append(f"dtype={dtype!r}")
    return _with_notes(prefix + body, notes + suffixes, len(prefix))


def format_sparse(
    arrays: dict[str, np.ndarray],
    size: tuple[int, ...],
    dtype: dtype,
    layout: str,
    *,
    suffixes: list[str],
) -> str:
    """The text that repr gives for a sparse tensor: its parts, then its size and what else is known."""
    parts = []
    for name, array in arrays.items():
        head = f"{name}={PREFIX}"
        shown = _body(array, len(PREFIX) + len(head)) if array.size else f"[], size={array.shape}"
        parts.append(f"{head}{shown})")
    notes = [f"size={size}", f"nnz={len(arrays['values'])}"]
    default = get_default_dtype()
    if dtype not in (bool_, int64, default, complex_of(default)):
        notes.append(f"dtype={dtype!r}")
    gap = ",\n" + " " * len(PREFIX)
    notes += [f"layout={layout}", *suffixes]
    if layout == "torch.sparse_coo":
        # Only there does the size have a line of its own.
        parts.append(notes.pop(0))
    return _with_notes(PREFIX + gap.join(parts), notes)


def format_scalar(array: np.ndarray, spec: str) -> str:
    """The one element of a 0-d array under a format spec, for f"{loss:.3f}".

    Raises TypeError for an array with dimensions, as torch does.

    >>> format_scalar(np.array(0.12345), ".3f")
    '0.123'
    """
    if array.ndim:
        raise TypeError(
            f"unsupported format string passed to Tensor.__format__: {spec!r} needs a 0-d tensor, "
            f"but this one has shape {array.shape}; format one element, such as t[0], or t.tolist()"
        )
    return format(array.item(), spec)


def _with_notes(text: str, notes: list[str], indent: int = len(PREFIX)) -> str:
    parts = [text]
    # torch counts the comma and the space that follow the values, but not those after a break.
    column = len(text) - (text.rfind("\n") + 1) + 2
    for note in notes:
        if column + len(note) + 2 > _options.linewidth:
            parts.append(",\n" + " " * indent + note)
            column = indent + len(note)
        else:
            parts.append(", " + note)
            column += len(note) + 2
    return "".join(parts) + ")"


def _body(array: np.ndarray, indent: int = len(PREFIX)) -> str:
    edge = _options.edgeitems
    summarise = array.size > _options.threshold
    cut = [summarise and size > 2 * edge for size in array.shape]
    if any(cut):
        if edge == 0:
            return "[...]"
        array = _corners(array, cut, edge)
    write, width = _notation(array)
    if array.ndim == 0:
        return write(array.item())
    return _brackets(array.tolist(), cut, write, width, indent)


def _corners(array: np.ndarray, cut: list[bool], edge: int) -> np.ndarray:
    """The part of array that a summary shows, in one small copy."""
    # Without axes of size 1 there are always few enough index arrays for NumPy.
    kept = [
        np.r_[:edge, size - edge : size] if shortened else np.arange(size)
        for size, shortened in zip(array.shape, cut, strict=True)
        if size > 1
    ]
    shape = [2 * edge if shortened else n for n, shortened in zip(array.shape, cut, strict=True)]
    corners: np.ndarray = array.squeeze()[np.ix_(*kept)]
    return corners.reshape(shape)


def _brackets(
    values: list[Any], cut: list[bool], write: Callable[[Any], str], width: int, indent: int
) -> str:
    """values, nested to the depth of cut, as text; indent is the column where it starts."""
    edge = _options.edgeitems
    if len(cut) == 1:
        texts = [write(value) for value in values]
        if cut[0]:
            texts.insert(edge, " ...")
        room = (_options.linewidth - indent) / (width + 2)
        per_line = int(max(1, min(room, len(texts))))
        lines = [
            ", ".join(texts[start : start + per_line]) for start in range(0, len(texts), per_line)
        ]
        gap = "\n"
    else:
        lines = [_brackets(value, cut[1:], write, width, indent + 1) for value in values]
        if cut[0]:
            lines.insert(edge, "...")
        gap = "\n" * (len(cut) - 1)
    return "[" + ("," + gap + " " * (indent + 1)).join(lines) + "]"


def _notation(sample: np.ndarray) -> tuple[Callable[[Any], str], int]:
    """How every element of sample is written, and the number of characters each takes."""
    if sample.dtype.kind == "c":
        return _complex_notation(sample)
    if sample.dtype.kind in "fV":
        return _float_notation(sample)
    width = max(len(str(value)) for value in sample.ravel().tolist())
    return lambda value: str(value).rjust(width), width


def _complex_notation(sample: np.ndarray) -> tuple[Callable[[complex], str], int]:
    real, real_width = _float_notation(sample.real)
    imag, imag_width = _float_notation(sample.imag)

    def write(value: complex) -> str:
        second = imag(value.imag).lstrip() + "j"
        return real(value.real) + ("" if second[0] == "-" else "+") + second

    return write, real_width + imag_width + 1


def _float_notation(sample: np.ndarray) -> tuple[Callable[[float], str], int]:
    # Zeros, infinities and NaN neither choose the notation nor widen the column.
    seen = sample[np.isfinite(sample) & (sample != 0)]
    whole = bool((seen == np.ceil(seen)).all())
    spec, point = (".0f", ".") if whole else (f".{_options.precision}f", "")
    if seen.size and (_wide_range(seen, whole) if _options.sci_mode is None else _options.sci_mode):
        spec, point = f".{_options.precision}e", ""

    def plain(value: float) -> str:
        return format(value, spec) + (point if math.isfinite(value) else "")

    width = max((len(plain(value)) for value in seen.tolist()), default=1)
    return lambda value: plain(value).rjust(width), width


def _wide_range(seen: np.ndarray, whole: bool) -> bool:
    magnitudes = np.abs(seen)
    largest, smallest = float(magnitudes.max()), float(magnitudes.min())
    return largest / smallest > 1000 or largest > 1e8 or (not whole and smallest < 1e-4)
