"""What is to be exported: the arguments by name, which of their sizes are open, and the model at other sizes."""

from __future__ import annotations

import hashlib
import inspect
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rushlight.compiler.recording.errors import CannotRecord
from rushlight.core.tensor import TensorBase, wrap
from rushlight.export.dynamic_shapes import Dim
from rushlight.onnx.errors import TorchExportError
from rushlight.onnx.exporting.composites import COMPOSITES
from rushlight.onnx.exporting.observing import Observed, observe
from rushlight.onnx.exporting.sizes import Symbol
from rushlight.onnx.exporting.story import Diverged, Story, told


@dataclass(frozen=True)
class Open:
    """A size that is to be open, and how that was said."""

    argument: int
    dim: int
    size: int
    name: str
    order: str
    # Sizes of one key are one.
    key: Any
    low: int = 0
    high: int | None = None
    # Without a name of the user's, or by a Dim: it becomes fixed where the model needs that.
    yields: bool = False


class Asked:
    """A model, and the example with which it is called."""

    def __init__(self, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.model = model
        forward = getattr(model, "forward", model)
        try:
            self.bound = inspect.signature(forward).bind(*args, **kwargs)
        except TypeError as error:
            raise TorchExportError(
                f"the example does not fit the model: {type(error).__name__}: {error}"
            ) from error
        self.names: list[str] = []
        self.tensors: list[Any] = []
        self.parameters = inspect.signature(forward).parameters
        self.tree: dict[str, Any] = {}
        for name, value in self.bound.arguments.items():
            self.tree[name] = self._taken(value, name)

    def _taken(self, value: Any, name: str) -> Any:
        """value with the numbers of tensors in their place."""
        if isinstance(value, TensorBase):
            self.names.append(name)
            self.tensors.append(_copy(value))
            return _Hole(len(self.tensors) - 1)
        if isinstance(value, tuple | list) and not hasattr(value, "_fields"):
            return type(value)([self._taken(v, f"{name}_{i}") for i, v in enumerate(value)])
        if type(value) is dict:
            variable = (
                self.parameters[name].kind is inspect.Parameter.VAR_KEYWORD
                if name in self.parameters
                else False
            )
            return {k: self._taken(v, k if variable else f"{name}_{k}") for k, v in value.items()}
        return value

    def call(self, *tensors: Any) -> Any:
        """The model, called with these in the place of the tensors of the example."""
        arguments = inspect.BoundArguments(self.bound.signature, OrderedDict())
        for name, value in self.tree.items():
            arguments.arguments[name] = _filled(value, tensors)
        return self.model(*arguments.args, **arguments.kwargs)

    # ---- which sizes are open --------------------------------------------------------------------

    def opened(self, shapes: Any) -> list[Open]:
        """The open sizes of dynamic_shapes: by name or by position, nested as the arguments are."""
        if shapes is None:
            return []
        if isinstance(shapes, tuple | list):
            shapes = self._by_name(list(shapes))
        found: list[Open] = []
        for name, value in self.tree.items():
            found += self._open(value, shapes.get(name), f"L['{name}']", name)
        return found

    def _by_name(self, shapes: list[Any]) -> dict[str, Any]:
        """What is said by position; of `*args` in a list of their own, or one by one."""
        found: dict[str, Any] = {}
        for name in self.tree:
            several = self.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL
            if several and shapes and not isinstance(shapes[0], tuple | list):
                found[name], shapes = shapes, []
            elif shapes:
                found[name] = shapes.pop(0)
        return found

    def _open(self, value: Any, said: Any, source: str, name: str) -> Iterator[Open]:
        if said is None:
            return
        if isinstance(value, _Hole):
            pairs = said.items() if isinstance(said, dict) else enumerate(said)
            for dim, how in pairs:
                shape = self.tensors[value.number].shape
                dim = dim % len(shape)
                opened = _said(how, value.number, dim, shape[dim], f"{source}.size()[{dim}]")
                if opened is not None:
                    yield opened
        elif isinstance(value, dict):
            for key, part in value.items():
                yield from self._open(part, said.get(key), f"{source}['{key}']", name)
        elif isinstance(value, tuple | list):
            for i, (part, how) in enumerate(zip(value, said, strict=False)):
                yield from self._open(part, how, f"{source}[{i}]", name)

    def named(self, axes: Any, names: Sequence[str]) -> list[Open]:
        """The open sizes of dynamic_axes: {input name: {dimension: name}}, or a list of dimensions."""
        found = []
        for name, said in (axes or {}).items():
            if name not in names:
                continue
            number = list(names).index(name)
            shape = self.tensors[number].shape
            pairs = said.items() if isinstance(said, dict) else (
                (dim, f"{name}_dynamic_axes_{i + 1}") for i, dim in enumerate(said)
            )  # fmt: skip
            for dim, how in pairs:
                if not isinstance(dim, int):
                    raise ValueError(
                        "The axis in dynamic_axes must be in the form of: dict[int, str] or list[int]."
                    )
                dim = dim % len(shape)
                where = f"L['{name}'].size()[{dim}]"
                opened = _said(how, number, dim, shape[dim], where)
                if opened is not None:
                    found.append(opened)
        return found


@dataclass(frozen=True)
class _Hole:
    number: int


def _filled(value: Any, tensors: Sequence[Any]) -> Any:
    if isinstance(value, _Hole):
        return tensors[value.number]
    if isinstance(value, tuple | list) and not hasattr(value, "_fields"):
        return type(value)([_filled(v, tensors) for v in value])
    if type(value) is dict:
        return {k: _filled(v, tensors) for k, v in value.items()}
    return value


def _copy(tensor: Any) -> Any:
    return tensor.detach().clone()


def _said(how: Any, argument: int, dim: int, size: int, where: str) -> Open | None:
    """What was said of one size; None if it is fixed."""
    # torch calls a size that has no name after a hash of where it is found.
    order = f"s{int(hashlib.sha256(where.encode()).hexdigest(), 16) % 100}"
    if how is None or how is Dim.STATIC or (isinstance(how, int) and not isinstance(how, bool)):
        return None
    if isinstance(how, str):
        return Open(argument, dim, size, how, order, (argument, dim))
    if how is Dim.AUTO or how is Dim.DYNAMIC:
        return Open(argument, dim, size, order, order, (argument, dim), yields=how is Dim.AUTO)
    name = getattr(how, "__name__", None)
    if name is None:
        raise ValueError(f"a dynamic size is a Dim, a name, None or an int, not {how!r}")
    low, high = getattr(how, "min", None) or 0, getattr(how, "max", None)
    return Open(argument, dim, size, name, order, id(how), low, high, yields=True)


# ---- at other sizes ------------------------------------------------------------------------------


def _others(first: int, number: int, low: int, high: int | None) -> list[list[int]]:
    """Sizes to try beside that of the example, three at a time; number tells several apart."""
    k = number
    tries = [
        [first + 3 + 2 * k, first + 8 + 3 * k, first + 15 + 7 * k],
        [first * (2 + k), first * (3 + 2 * k), first * (5 + 3 * k)],
        [first - 1 - k, first - 2 - 2 * k, first - 4 - 3 * k],
        [first // 2, first // 4, first + 1],
        [first - 1, first - 2, first],
    ]
    top = 1 << 40 if high is None else high
    return [t for t in tries if all(max(1, low) <= n <= top for n in t) and len({first, *t}) >= 3]


def _sized(tensor: Any, sizes: dict[int, int]) -> Any:
    """The example at other sizes: its values again and again."""
    array = tensor._data_
    for dim, size in sizes.items():
        array = np.take(array, np.arange(size) % max(1, array.shape[dim]), axis=dim)
    return wrap(np.ascontiguousarray(array))


class Seen:
    """The model seen at the sizes of the example and, if some are open, at others."""

    def __init__(
        self, asked: Asked, opened: list[Open], warn: Callable[[str], None], traced: bool
    ) -> None:
        self.asked, self.warn, self.traced = asked, warn, traced
        self.base = self._observe(asked.tensors)
        self.symbols: list[Symbol] = []
        if not opened:
            self.story, self.recordings = told([self.base]), 1
            return
        self.story, self.symbols, self.recordings = self._opened(opened)

    def _observe(self, tensors: Sequence[Any]) -> Observed:
        try:
            try:
                return observe(self.asked.call, tuple(tensors), COMPOSITES)
            except CannotRecord:
                # What a first call loads and makes is there at the second.
                return observe(self.asked.call, tuple(tensors), COMPOSITES)
        except CannotRecord as error:
            raise TorchExportError(f"the model cannot be written as one graph: {error}") from error

    def _opened(self, opened: list[Open]) -> tuple[Story, list[Symbol], int]:
        # Sizes that were said to be open apart may have to be one: first all apart, then by name, by size.
        why: BaseException | None = None
        for key in (lambda o: o.key, lambda o: (o.name, o.size), lambda o: ("size", o.size)):
            joined = [replace(o, key=key(o)) for o in opened]
            try:
                return self._all(joined)
            except (_Fails, Diverged) as error:
                why = error.__cause__ or error
        kept = []
        for one in opened:
            try:
                self._all([one])
                kept.append(one)
            except (_Fails, Diverged) as error:
                if not one.yields:
                    raise self._closed(one, error) from error
                self.warn(
                    f"the size {one.name} is fixed to {one.size}, as the model works with no other: "
                    f"{error.__cause__ or error}"
                )
        if not kept:
            return told([self.base]), [], 1
        if len(kept) == len(opened):
            raise self._closed(opened[0], why) from why
        return self._opened(kept)

    def _closed(self, one: Open, why: Any) -> TorchExportError:
        line = getattr(why, "line", None)
        where = f", at {line[0]}:{line[1]}" if line else ""
        return TorchExportError(
            f"the size {one.name!r} (dimension {one.dim} of {self.asked.names[one.argument]}) cannot be open: at other "
            f"sizes the model {getattr(why, '__cause__', None) or why}{where}. Leave it out of the dynamic sizes, or "
            "let the model do the same at every size"
        )

    def _all(self, opened: list[Open]) -> tuple[Story, list[Symbol], int]:
        keys = list(dict.fromkeys(o.key for o in opened))
        firsts = {key: next(o for o in opened if o.key == key) for key in keys}
        ways = [
            _others(firsts[k].size, i, firsts[k].low, firsts[k].high) for i, k in enumerate(keys)
        ]
        last: BaseException | None = None
        apart: Diverged | None = None
        for number in range(max(map(len, ways), default=0)):
            if any(not way for way in ways):
                break
            chosen = [way[min(number, len(way) - 1)] for way in ways]
            try:
                found = self._at(opened, dict(zip(keys, chosen, strict=True)))
            except Diverged as error:
                if not self.traced:
                    raise
                apart = apart or error
            except Exception as error:
                # Some sizes do not fit a model: others are tried.
                last = last or error
            else:
                if apart is not None:
                    self._told_apart(
                        apart, dict(zip([firsts[k].name for k in keys], chosen, strict=True))
                    )
                return found
        if apart is not None:
            raise apart
        raise _Fails from last

    def _told_apart(self, why: Diverged, sizes: dict[str, list[int]]) -> None:
        where = f" at {why.line[0]}:{why.line[1]}" if why.line else ""
        self.warn(
            f"the model {why}{where}: the graph holds what it does at the sizes of the example and, besides, "
            f"{sizes}, and might not be right at others"
        )

    def _at(
        self, opened: list[Open], sizes: dict[Any, list[int]]
    ) -> tuple[Story, list[Symbol], int]:
        seen = [self.base]
        for i in range(3):
            wanted: dict[int, dict[int, int]] = {}
            for one in opened:
                wanted.setdefault(one.argument, {})[one.dim] = sizes[one.key][i]
            tensors = [_sized(t, wanted.get(n, {})) for n, t in enumerate(self.asked.tensors)]
            seen.append(self._observe(tensors))
        values = [(o, (o.size, *sizes[o.key])) for o in opened]
        try:
            story = told(seen)
        except Diverged:
            if 1 not in [o.size for o in opened]:
                raise
            # A size of 1 is often another case than all others.
            story, seen = told(seen[1:]), seen[1:]
            values = [(o, v[1:]) for o, v in values]
        symbols: dict[Any, Symbol] = {}
        for one, known in values:
            symbols.setdefault(one.key, Symbol(one.name, known, one.argument, one.dim, one.order))
        return story, list(symbols.values()), len(seen)


class _Fails(Exception):
    """The model raises at other sizes."""
