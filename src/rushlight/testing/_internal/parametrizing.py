"""One test written once for many arguments: how its copies are made and called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import wraps
from types import FunctionType
from typing import Any

from rushlight import dtypes

Test = Callable[..., Any]


@dataclass
class Case:
    """A copy of a test: what is added to its name, its arguments, and what decorates it."""

    name: str
    arguments: dict[str, Any]
    decorators: list[Callable[[Test], Test]] = field(default_factory=list)


class subtest:
    """Arguments of one copy, with a name of their own or decorators."""

    def __init__(self, arg_values: Any, name: str | None = None, decorators: Any = None) -> None:
        self.arg_values, self.name, self.decorators = arg_values, name, decorators or []


def dtype_name(dtype: dtypes.dtype) -> str:
    """`float32` for torch.float32."""
    return str(dtype).split(".")[1]


def _shown(name: str, index: int, value: Any) -> str:
    if isinstance(value, dtypes.dtype):
        return dtype_name(value)
    text = str(value).replace(".", "_") if isinstance(value, int | float | str) else str(index)
    return f"{name}{'_' if isinstance(value, int | float | str) else ''}{text}"


class parametrize:
    """Copies of a test for the values of its arguments: `@parametrize("x, y", [(1, 2), (3, 4)])`.

    A class of such tests is made whole by `instantiate_parametrized_tests`. The values, or what `name_fn`
    makes of them, stand in the names. Several of them on a test give every combination.
    """

    def __init__(
        self,
        arg_str: str,
        arg_values: Iterable[Any],
        name_fn: Callable[..., str] | None = None,
    ) -> None:
        self.names = [name.strip() for name in arg_str.split(",") if name.strip()]
        self.values, self.name_fn = arg_values, name_fn

    def __call__(self, test: Any) -> Any:
        add_cases(test, self._cases)
        return test

    def _cases(self, test: Test, device: str | None) -> Iterator[Case]:
        if not self.names:
            yield Case("", {})
            return
        for index, given in enumerate(self.values):
            special = given if isinstance(given, subtest) else subtest(given)
            values = list(special.arg_values) if len(self.names) > 1 else [special.arg_values]
            if len(values) != len(self.names):
                raise RuntimeError(
                    f"Expected # values == # arg names, but got: {len(values)} values and "
                    f"{len(self.names)} names for test {test.__name__}"
                )
            if special.name is not None:
                name = special.name
            elif self.name_fn is not None:
                name = self.name_fn(*values)
            else:
                name = "_".join(
                    _shown(n, index, v) for n, v in zip(self.names, values, strict=True)
                )
            arguments = dict(zip(self.names, values, strict=True))
            yield Case(name, arguments, list(special.decorators))


def add_cases(test: Any, cases: Callable[[Test, str | None], Iterator[Case]]) -> None:
    """Let a test be copied for these as well: what is nearer to it stands last in the name."""
    inner = getattr(test, "_cases", None)

    def combined(test: Test, device: str | None) -> Iterator[Case]:
        for outer_case in cases(test, device):
            for inner_case in inner(test, device) if inner else ():
                twice = outer_case.arguments.keys() & inner_case.arguments.keys()
                if twice:
                    raise RuntimeError(
                        f"Attempted to parametrize a test with the same arguments twice: {sorted(twice)}"
                    )
                yield Case(
                    "_".join(n for n in _ordered(outer_case, inner_case) if n),
                    {**outer_case.arguments, **inner_case.arguments},
                    inner_case.decorators + outer_case.decorators,
                )

    test._cases = combined if inner else cases


def _ordered(outer: Case, inner: Case) -> tuple[str, str]:
    # Device and type stand at the end of a name.
    last = "device" in inner.arguments or "dtype" in inner.arguments or "dtypes" in inner.arguments
    first = "dtype" in outer.arguments or "dtypes" in outer.arguments
    return (inner.name, outer.name) if first and not last else (outer.name, inner.name)


def copied(test: Test, name: str, arguments: dict[str, Any], decorators: Sequence[Any]) -> Test:
    """A test with some of its arguments given."""

    @wraps(test)
    def bound(self: Any, *args: Any, **kwargs: Any) -> Any:
        return test(self, *args, **arguments, **kwargs)

    # The runner is to ask for no argument that is given here.
    parameters = inspect.signature(test).parameters.values()
    bound.__signature__ = inspect.Signature([p for p in parameters if p.name not in arguments])  # type: ignore[attr-defined]
    del bound.__wrapped__
    bound.__name__ = name
    for decorate in decorators:
        bound = decorate(bound)
    bound.__name__ = name
    return bound


def instantiate_parametrized_tests(generic_cls: Any) -> Any:
    """Put the copies of the parametrized tests of a class into it; it is the class decorator, too."""
    for name, test in list(vars(generic_cls).items()):
        cases = getattr(test, "_cases", None)
        if not isinstance(test, FunctionType) or cases is None:
            continue
        delattr(generic_cls, name)
        for case in cases(test, None):
            full = f"{name}_{case.name}" if case.name else name
            if hasattr(generic_cls, full):
                raise RuntimeError(f"Redefinition of test {full}")
            setattr(generic_cls, full, copied(test, full, case.arguments, case.decorators))
    return generic_cls
