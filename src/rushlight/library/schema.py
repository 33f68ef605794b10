"""Schemas of operators: `name.overload(Tensor x, int n=3, *, float eps=1e-05) -> Tensor`."""

from __future__ import annotations

import ast
import inspect
import numbers
import re
import types
import typing
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from rushlight._tensor import Tensor
from rushlight.core.tensor import TensorBase
from rushlight.device import device
from rushlight.dtypes import dtype

NOTHING = inspect.Parameter.empty


class Argument(NamedTuple):
    """A parameter or a result: its name, its type in words, what stands if it is not given."""

    name: str
    type: str
    default_value: Any = None
    kwarg_only: bool = False
    alias: str = ""
    optional: bool = False

    @property
    def written(self) -> bool:
        """Whether the operator changes it in place."""
        return "!" in self.alias

    def has_default_value(self) -> bool:
        """Whether it may be left out."""
        return self.optional

    def __str__(self) -> str:
        base, rest = re.fullmatch(r"(\w+)(.*)", self.type).groups()  # type: ignore[union-attr]
        text = f"{base}{self.alias and f'({self.alias})'}{rest}"
        text += f" {self.name}" if self.name else ""
        return f"{text}={shown(self.default_value)}" if self.optional else text


def shown(value: Any) -> str:
    """A default value as schemas print it."""
    if isinstance(value, float):
        return f"{value:.0f}." if value.is_integer() else f"{value:.17g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


class FunctionSchema:
    """What an operator takes and gives.

    >>> str(parse("lab::scale(Tensor x, float by=2.0) -> Tensor"))
    'lab::scale(Tensor x, float by=2.) -> Tensor'
    """

    def __init__(
        self, name: str, overload_name: str, arguments: list[Argument], returns: list[Argument]
    ) -> None:
        self.name = name
        self.overload_name = overload_name
        self.arguments = arguments
        self.returns = returns

    @property
    def is_mutable(self) -> bool:
        """Whether it changes one of its arguments."""
        return any(a.written for a in self.arguments)

    def __str__(self) -> str:
        parts: list[str] = []
        for argument in self.arguments:
            if argument.kwarg_only and "*" not in parts:
                parts.append("*")
            parts.append(str(argument))
        name = f"{self.name}.{self.overload_name}" if self.overload_name else self.name
        results = ", ".join(map(str, self.returns))
        given = results if len(self.returns) == 1 else f"({results})"
        return f"{name}({', '.join(parts)}) -> {given}"

    __repr__ = __str__

    # ---- calls ----------------------------------------------------------------------------------

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Raise torch's errors unless an operator of this schema takes these arguments."""
        name, told = self.name, f"Declaration: {self}"
        positional = [a for a in self.arguments if not a.kwarg_only]
        if len(args) > len(positional):
            raise RuntimeError(
                f"{name}() expected at most {len(positional)} argument(s) but received "
                f"{len(args)} argument(s). {told}"
            )
        given = {a.name: value for a, value in zip(positional, args, strict=False)}
        known = {a.name for a in self.arguments}
        for key in kwargs:
            if key not in known or key in given:
                raise RuntimeError(
                    f"Unknown keyword argument '{key}' for operator '{name}'. Schema: {self}"
                )
        given |= kwargs
        for position, argument in enumerate(self.arguments):
            if argument.name not in given:
                if not argument.optional:
                    raise RuntimeError(
                        f"{name}() is missing value for argument '{argument.name}'. {told}"
                    )
            elif not fits(value := given[argument.name], argument.type):
                raise RuntimeError(
                    f"{name}() Expected a value of type '{in_words(argument.type)}' for argument "
                    f"'{argument.name}' but instead found type '{type(value).__name__}'.\n"
                    f"Position: {position}\nValue: {value!r}\n{told}"
                )

    def filled(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments in order, with what stands by default, and those that go by name alone."""
        values: list[Any] = []
        named: dict[str, Any] = {}
        given = iter(args)
        for argument in self.arguments:
            if argument.kwarg_only:
                named[argument.name] = kwargs.get(argument.name, argument.default_value)
            else:
                value = kwargs.get(argument.name, argument.default_value)
                values.append(next(given, value))
        return tuple(values), named

    def stripped(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What a kernel is given of `filled` arguments: not what stands by default, at the end."""
        kept = list(args)
        positional = [a for a in self.arguments if not a.kwarg_only]
        while kept and _left_out(positional[len(kept) - 1], kept[-1]):
            kept.pop()
        by_name = {a.name: a for a in self.arguments}
        named = {n: value for n, value in kwargs.items() if not _left_out(by_name[n], value)}
        return tuple(kept), named


def _left_out(argument: Argument, value: Any) -> bool:
    """Whether a value, which is no tensor, is what stands by default."""
    default = argument.default_value
    plain = not isinstance(value, TensorBase) and type(value) is type(default)
    return argument.optional and plain and value == default


_WORDS = {"SymInt": "int", "Scalar": "number", "ScalarType": "int", "SymBool": "bool"}


def in_words(kind: str) -> str:
    """A type as messages name it: `Optional[List[int]]`."""
    if kind.endswith("?"):
        return f"Optional[{in_words(kind[:-1])}]"
    if kind.endswith("]"):
        return f"List[{in_words(kind[: kind.rindex('[')])}]"
    return _WORDS.get(kind, kind)


_KINDS: dict[str, tuple[type, ...]] = {
    "Tensor": (TensorBase,),
    "int": (int,),
    "SymInt": (int,),
    "float": (int, float),
    "bool": (bool, int),
    "str": (str,),
    "Scalar": (int, float, complex),
    "ScalarType": (dtype, int),
    "Device": (device, str),
}


def fits(value: Any, kind: str) -> bool:
    """Whether a value is of a type of schemas; types that are not known take anything."""
    if kind.endswith("?"):
        return value is None or fits(value, kind[:-1])
    if kind.endswith("]"):
        inner = kind[: kind.rindex("[")]
        if isinstance(value, int) and kind[-2].isdigit():
            return inner in ("int", "SymInt")
        return isinstance(value, list | tuple) and all(fits(part, inner) for part in value)
    kinds = _KINDS.get(kind)
    if kinds is None:
        return True
    if isinstance(value, TensorBase) and kind != "Tensor":
        return value._data_.ndim == 0
    if isinstance(value, bool) and kind in ("int", "SymInt", "float"):
        return False
    return isinstance(value, kinds)


# ---- from text -----------------------------------------------------------------------------------

_ARGUMENT = re.compile(
    r"([\w.]+)(?:\(([^)]*)\)|(!))?((?:\[\d*\]|\?)*)(!)?\s*(\w+)?\s*(?:=\s*(.+))?$"
)


def parse(text: str) -> FunctionSchema:
    """The schema that a text says; a RuntimeError if it says none."""
    match = re.fullmatch(r"\s*([\w:]+)(?:\.(\w+))?\s*\((.*)\)\s*->\s*(.+?)\s*", text, re.DOTALL)
    if match is None or not match[4].strip():
        raise RuntimeError(f"expected a schema like 'name(Tensor x) -> Tensor', but found: {text}")
    name, overload, inside, results = match.groups()
    arguments, named_only = [], False
    for part in _split(inside):
        if part == "*":
            named_only = True
        else:
            arguments.append(_argument(part, text, named_only))
    if results.startswith("("):
        results = results[1 : results.rindex(")")]
    returns = [_argument(part, text, False) for part in _split(results)]
    return FunctionSchema(name, overload or "", arguments, returns)


def _split(text: str) -> list[str]:
    """The parts between commas that stand in no brackets."""
    parts = re.split(r",(?![^\[(]*[\])])", text)
    return [part.strip() for part in parts if part.strip()]


def _argument(part: str, text: str, named_only: bool) -> Argument:
    match = _ARGUMENT.fullmatch(part)
    if match is None:
        raise RuntimeError(f"expected a type and a name, but found '{part}' in the schema: {text}")
    base, alias, written, suffix, behind, name, default = match.groups()
    if written or behind:
        # It is written to, and the memory has no name: torch gives it a number.
        alias = f"${text[: text.index(part)].count('!')}! -> "
    value = None
    if default is not None:
        try:
            value = ast.literal_eval(default)
        except (SyntaxError, ValueError):
            value = default
        if base == "float" and isinstance(value, int):
            value = float(value)
    return Argument(
        name or "", f"{base}{suffix}", value, named_only, alias or "", default is not None
    )


# ---- from a function -----------------------------------------------------------------------------

_NAMES: dict[Any, str] = {
    Tensor: "Tensor", int: "SymInt", float: "float", bool: "bool", str: "str", numbers.Number: "Scalar",
    dtype: "ScalarType", device: "Device",
}  # fmt: skip
_ITEMS = ("Tensor", "SymInt", "float", "bool", "str", "Scalar")


def _named(annotation: Any, result: bool = False) -> str | None:
    """The type of schemas for an annotation, if there is one."""
    if annotation in _NAMES:
        return _NAMES[annotation]
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        rest = [part for part in inner if part is not type(None)]
        kind = "Scalar" if set(rest) == {int, float, bool} else None
        if len(rest) == 1 and len(inner) == 2:
            kind = _named(rest[0])
        return f"{kind}?" if kind and len(rest) < len(inner) else kind
    if origin in (list, Sequence, typing.Sequence) or (origin is tuple and inner[-1:] == (...,)):
        kind = _named(inner[0])
        items = ("Tensor",) if result else (*_ITEMS, "Tensor?")
        return f"{kind}[]" if kind in items else None
    return None


def infer_schema(
    prototype_function: Callable[..., Any],
    /,
    *,
    mutates_args: str | Iterable[str],
    op_name: str | None = None,
    tags: Any = (),
) -> str:
    """The schema that the annotations of a function say; a ValueError where they say none.

    >>> def clip(x: Tensor, low: float = 0.0) -> Tensor: ...
    >>> infer_schema(clip, mutates_args=())
    '(Tensor x, float low=0.0) -> Tensor'
    """
    unknown = mutates_args == "unknown"
    if isinstance(mutates_args, str) and not unknown:
        raise ValueError('mutates_args must be an iterable of names or "unknown"')
    signature = inspect.signature(prototype_function)

    def refuse(what: str) -> ValueError:
        return ValueError(f"infer_schema(func): {what} Got func with signature {signature})")

    hints = _hints(prototype_function)
    changed = set() if unknown else set(mutates_args)
    parts, named_only = [], False
    for index, (name, parameter) in enumerate(signature.parameters.items()):
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise refuse("We do not support positional-only args, varargs, or varkwargs.")
        if parameter.kind is parameter.KEYWORD_ONLY and not named_only:
            named_only = True
            parts.append("*")
        if parameter.annotation is NOTHING:
            raise refuse(f"Parameter {name} must have a type annotation.")
        kind = _named(hints.get(name, parameter.annotation))
        if kind is None:
            raise refuse(f"Parameter {name} has unsupported type {parameter.annotation}.")
        if name in changed or (unknown and kind.startswith("Tensor")):
            if not kind.startswith("Tensor"):
                raise refuse(
                    f"Parameter {name} is in mutable_args but only Tensors or collections of Tensors "
                    "can be mutated"
                )
            kind = kind.replace("Tensor", f"Tensor(a{index}!)", 1)
        default = "" if parameter.default is NOTHING else f"={_default(parameter.default)}"
        parts.append(f"{kind} {name}{default}")
    if missing := changed - signature.parameters.keys():
        raise refuse(f"{missing} in mutates_args were not found in the function.")
    return f"{op_name or ''}({', '.join(parts)}) -> {_results(hints, signature, refuse)}"


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function)
    except Exception:
        return {}


def _default(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, dtype):
        return str(value).removeprefix("torch.")
    return f'"{value}"' if isinstance(value, device) else str(value)


def _results(
    hints: dict[str, Any], signature: inspect.Signature, refuse: Callable[[str], ValueError]
) -> str:
    annotation = hints.get("return", signature.return_annotation)
    if annotation is NOTHING:
        raise refuse("No return type annotation was provided. Please add one.")
    if annotation is None or annotation is type(None):
        return "()"
    if typing.get_origin(annotation) is tuple and ... not in typing.get_args(annotation):
        kinds = [_named(part, result=True) for part in typing.get_args(annotation)]
        if None not in kinds:
            return f"({', '.join(map(str, kinds))})" if len(kinds) > 1 else str(kinds[0])
    elif (kind := _named(annotation, result=True)) is not None and not kind.endswith("?"):
        return kind
    raise refuse(f"Return has unsupported type {annotation}.")
