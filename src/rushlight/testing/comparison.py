"""Whether results agree, in torch's words where they do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.core.doors import read
from rushlight.errors import warn
from rushlight.ops.creation import as_tensor

Message = str | Callable[[str], str] | None

# rtol and atol by the type of the elements; all others are compared exactly.
_TOLERANCES = {
    "float16": (1e-3, 1e-5), "bfloat16": (1.6e-2, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5), "complex128": (1e-7, 1e-7),
}  # fmt: skip


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: Message = None,
) -> None:
    """Raise AssertionError unless |actual - expected| <= atol + rtol * |expected| everywhere.

    Takes tensors, arrays, numbers, None, and sequences and mappings of those. Both tolerances or
    neither; those left out follow from the dtypes. Shapes are compared, and dtypes unless
    check_dtype=False. msg replaces the message, or makes one of it.

    >>> import rushlight as torch
    >>> torch.testing.assert_close(torch.tensor([1.0]), torch.tensor([1.0 + 1e-7]))
    """
    if (rtol is None) != (atol is None):
        raise ValueError(
            "Both 'rtol' and 'atol' must be either specified or omitted, but got no "
            f"{'rtol' if rtol is None else 'atol'}."
        )
    comparison = _Comparison(
        allow_subclasses, None if rtol is None or atol is None else (rtol, atol), equal_nan,
        check_dtype, check_stride, msg,
    )  # fmt: skip
    comparison.pair(actual, expected, ())


def assert_allclose(
    actual: Any,
    expected: Any,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = True,
    msg: str = "",
) -> None:
    """`assert_close` by its older name: types do not matter, and nan equals nan."""
    warn(
        "`torch.testing.assert_allclose()` is deprecated since 1.12: use "
        "`torch.testing.assert_close()` instead.",
        FutureWarning,
    )
    actual, expected = (x if isinstance(x, Tensor) else as_tensor(x) for x in (actual, expected))
    if rtol is None and atol is None:
        loosest = [_OLD_TOLERANCES.get(x.dtype.numpy.name, (0.0, 0.0)) for x in (actual, expected)]
        rtol, atol = max(t[0] for t in loosest), max(t[1] for t in loosest)
    assert_close(
        actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, check_device=True,
        check_dtype=False, check_stride=False, msg=msg or None,
    )  # fmt: skip


_OLD_TOLERANCES = {"float16": (1e-3, 1e-3), "float32": (1e-4, 1e-5), "float64": (1e-5, 1e-8)}


class _Comparison:
    """What to look at, and how to say that something differs."""

    def __init__(
        self,
        allow_subclasses: bool,
        tolerances: tuple[float, float] | None,
        equal_nan: bool,
        check_dtype: bool,
        check_stride: bool,
        message: Message,
    ) -> None:
        self.allow_subclasses = allow_subclasses
        self.tolerances = tolerances
        self.equal_nan = equal_nan
        self.check_dtype = check_dtype
        self.check_stride = check_stride
        self.message = message

    def fail(self, text: str, path: tuple[Any, ...]) -> NoReturn:
        if path:
            text += f"\n\nThe failure occurred for item {''.join(f'[{key!r}]' for key in path)}"
        if callable(self.message):
            text = self.message(text)
        elif self.message is not None:
            text = self.message
        raise AssertionError(text)

    def pair(self, actual: Any, expected: Any, path: tuple[Any, ...]) -> None:
        """Compare what stands at path."""
        if _both(actual, expected, Sequence) and not isinstance(actual, str):
            if len(actual) != len(expected):
                self.fail(
                    f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", path
                )
            for i, (a, b) in enumerate(zip(actual, expected, strict=True)):
                self.pair(a, b, (*path, i))
        elif _both(actual, expected, Mapping):
            missing, more = expected.keys() - actual.keys(), actual.keys() - expected.keys()
            if missing or more:
                self.fail(
                    "The keys of the mappings do not match:\n"
                    f"Missing keys in the actual mapping: {sorted(missing, key=str)}\n"
                    f"Additional keys in the actual mapping: {sorted(more, key=str)}",
                    path,
                )
            for key in actual:
                self.pair(actual[key], expected[key], (*path, key))
        elif actual is None or expected is None:
            if actual is not expected:
                self.fail(f"None mismatch: {actual} is not {expected}", path)
        elif _both(actual, expected, (bool, np.bool_)):
            if bool(actual) is not bool(expected):
                self.fail(f"Booleans mismatch: {actual} is not {expected}", path)
        elif _both(actual, expected, (int, float, complex, np.number)):
            self.numbers(actual, expected, path)
        elif _both(actual, expected, (Tensor, np.ndarray)) and self.same_class(actual, expected):
            self.tensors(as_tensor(actual).detach(), as_tensor(expected).detach(), path)
        else:
            raise TypeError(
                "No comparison pair was able to handle inputs of type "
                f"{type(actual)} and {type(expected)}."
            )

    def same_class(self, actual: Any, expected: Any) -> bool:
        """Whether two tensors or arrays may be compared with each other."""
        if self.allow_subclasses:
            return isinstance(actual, Tensor) == isinstance(expected, Tensor)
        return type(actual) is type(expected)

    def allowed(self, *types: np.dtype[Any]) -> tuple[float, float]:
        """The tolerances for elements of these types."""
        if self.tolerances is not None:
            return self.tolerances
        found = [_TOLERANCES.get(dtype.name, (0.0, 0.0)) for dtype in types]
        return max(t[0] for t in found), max(t[1] for t in found)

    def numbers(self, actual: Any, expected: Any, path: tuple[Any, ...]) -> None:
        if self.check_dtype and type(actual) is not type(expected):
            self.fail(f"The (d)types do not match: {type(actual)} != {type(expected)}.", path)
        pair = np.asarray(actual), np.asarray(expected)
        tolerances = self.allowed(pair[0].dtype, pair[1].dtype)
        if not _close(*pair, tolerances, self.equal_nan).all():
            self.fail(_scalar_report(actual, expected, tolerances), path)

    def tensors(self, actual: Tensor, expected: Tensor, path: tuple[Any, ...]) -> None:
        facts: list[tuple[str, Any, Any]] = [("shape", actual.shape, expected.shape)]
        if self.check_dtype:
            facts.append(("dtype", actual.dtype, expected.dtype))
        if self.check_stride:
            facts.append(("stride()", actual.stride(), expected.stride()))
        for name, a, b in facts:
            if a != b:
                self.fail(f"The values for attribute '{name}' do not match: {a} != {b}.", path)
        x, y = read(actual, "assert_close"), read(expected, "assert_close")
        tolerances = self.allowed(x.dtype, y.dtype)
        common = dtypes.promote_types(actual.dtype, expected.dtype).numpy
        x, y = x.astype(common, copy=False), y.astype(common, copy=False)
        close = _close(x, y, tolerances, self.equal_nan)
        if close.all():
            return
        if not x.ndim:
            self.fail(_scalar_report(x.item(), y.item(), tolerances), path)
        self.fail(_tensor_report(x, y, close, tolerances), path)


def _both(actual: Any, expected: Any, kinds: Any) -> bool:
    return isinstance(actual, kinds) and isinstance(expected, kinds)


def _close(x: Any, y: Any, tolerances: tuple[float, float], equal_nan: bool) -> Any:
    rtol, atol = tolerances
    with np.errstate(all="ignore"):
        if rtol == 0 == atol:
            same = np.equal(x, y)
            return same | (np.isnan(x) & np.isnan(y)) if equal_nan else same
        return np.isclose(x, y, rtol, atol, equal_nan)


def _words(tolerances: tuple[float, float]) -> tuple[str, list[str]]:
    if tolerances == (0, 0):
        return "equal", ["", ""]
    return "close", [f" (up to {allowed} allowed)" for allowed in reversed(tolerances)]


def _scalar_report(actual: Any, expected: Any, tolerances: tuple[float, float]) -> str:
    word, (absolute, relative) = _words(tolerances)
    difference = abs(actual - expected)
    share = difference / abs(expected) if expected else float("inf")
    return (
        f"Scalars are not {word}!\n\nExpected {expected} but got {actual}.\n"
        f"Absolute difference: {difference}{absolute}\nRelative difference: {share}{relative}"
    )


def _tensor_report(x: Any, y: Any, close: Any, tolerances: tuple[float, float]) -> str:
    word, (absolute, relative) = _words(tolerances)
    if x.dtype.kind in "biu":
        x, y = x.astype(np.int64), y.astype(np.int64)
    with np.errstate(all="ignore"):
        difference = np.abs(x - y)
        share = difference / np.abs(y)
    # Elements that agree do not count, not even as nan.
    lines = [
        f"Tensor-likes are not {word}!\n",
        f"Mismatched elements: {(~close).sum()} / {close.size} ({(~close).mean():.1%})",
    ]
    for name, values, allowed in (
        ("absolute", difference, absolute),
        ("relative", share, relative),
    ):
        values = np.where(close, 0, values)
        place = np.unravel_index(values.argmax(), values.shape)
        index = tuple(int(i) for i in place)
        lines.append(
            f"Greatest {name} difference: {values[index].item()} at index {index}{allowed}"
        )
    return "\n".join(lines)
