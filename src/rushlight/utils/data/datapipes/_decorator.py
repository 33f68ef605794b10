"""Marks on pipes: their names as functions, and whether they are in the same order each time."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar, get_type_hints

from rushlight.utils.data.datapipes.datapipe import IterDataPipe, MapDataPipe

__all__ = [
    "argument_validation", "functional_datapipe", "guaranteed_datapipes_determinism", "non_deterministic",
    "runtime_validation", "runtime_validation_disabled",
]  # fmt: skip


class functional_datapipe:
    """The decorated class of pipes is called by that name on other pipes."""

    def __init__(self, name: str, enable_df_api_tracing: bool = False) -> None:
        self.name = name
        self.enable_df_api_tracing = enable_df_api_tracing

    def __call__(self, cls: Any) -> Any:
        if not isinstance(cls, type):
            if not isinstance(cls, non_deterministic) and not hasattr(cls, "__self__"):
                raise TypeError("`functional_datapipe` can only decorate IterDataPipe")
            IterDataPipe.register_datapipe_as_function(self.name, cls)
            return cls
        for kind in (IterDataPipe, MapDataPipe):
            if issubclass(cls, kind):
                kind.register_datapipe_as_function(self.name, cls)
        return cls


class _Switch:
    on: ClassVar[bool]

    def __init__(self, on: bool) -> None:
        self.before = type(self).on
        type(self).on = on

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        type(self).on = self.before


class guaranteed_datapipes_determinism(_Switch):
    """Within the block pipes that are marked `non_deterministic` are refused."""

    on = False

    def __init__(self) -> None:
        super().__init__(True)


class runtime_validation_disabled(_Switch):
    """Within the block the types of items are not looked at."""

    on = False

    def __init__(self) -> None:
        super().__init__(True)


class non_deterministic:
    """Marks a class whose order differs from run to run, or differs where a function of its arguments says so."""

    def __init__(self, arg: Any) -> None:
        if isinstance(arg, type):
            if not issubclass(arg, IterDataPipe):
                raise TypeError(
                    "Only `IterDataPipe` can be decorated with `non_deterministic`"
                    f", but {arg.__name__} is found"
                )
            self.cls: Any = arg
            self.deterministic_fn: Callable[..., bool] | None = None
        elif callable(arg):
            self.cls, self.deterministic_fn = None, arg
        else:
            raise TypeError(f"{arg} can not be decorated by non_deterministic")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.cls is not None:
            self._refuse(True)
            return self.cls(*args, **kwargs)
        (self.cls,) = args
        return self._made

    def _made(self, *args: Any, **kwargs: Any) -> Any:
        uncertain = self.deterministic_fn(*args, **kwargs) if self.deterministic_fn else True
        if not isinstance(uncertain, bool):
            raise TypeError(
                "deterministic_fn of `non_deterministic` decorator is required to return a boolean value, "
                f"but {type(uncertain)} is found"
            )
        self._refuse(uncertain)
        return self.cls(*args, **kwargs)

    def _refuse(self, uncertain: bool) -> None:
        if uncertain and guaranteed_datapipes_determinism.on:
            raise TypeError(
                f"{self.cls.__name__} is non-deterministic, but you set 'guaranteed_datapipes_determinism'. You "
                "can turn off determinism for this DataPipe if that is acceptable for your application"
            )


def argument_validation(f: Callable[..., Any]) -> Callable[..., Any]:
    """The decorated constructor refuses what is no pipe where its annotation asks for one."""
    signature = inspect.signature(f)

    @wraps(f)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        hints = get_type_hints(f)
        for name, value in signature.bind(*args, **kwargs).arguments.items():
            wanted = getattr(hints.get(name), "__origin__", hints.get(name))
            if wanted is IterDataPipe and not isinstance(value, IterDataPipe):
                raise TypeError(
                    f"Expected argument '{name}' as a IterDataPipe, but found {type(value)}"
                )
        return f(*args, **kwargs)

    return wrapper


def runtime_validation(f: Callable[..., Any]) -> Callable[..., Any]:
    """The decorated `__iter__` as it is: items are not looked at."""
    if f.__name__ != "__iter__":
        raise TypeError(f"Can not decorate function {f.__name__} with 'runtime_validation'")
    return f
