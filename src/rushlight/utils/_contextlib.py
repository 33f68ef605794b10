"""Blocks that are decorators as well."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any


def context_decorator(ctx: Any, func: Callable[..., Any]) -> Callable[..., Any]:
    """The function, run in a block; each step of a generator in its own."""
    make = ctx if callable(ctx) and not hasattr(ctx, "__enter__") else (lambda: ctx)
    if inspect.isgeneratorfunction(func):

        @functools.wraps(func)
        def generating(*args: Any, **kwargs: Any) -> Any:
            running = func(*args, **kwargs)
            sent = None
            while True:
                try:
                    with make():
                        value = running.send(sent)
                except StopIteration as end:
                    return end.value
                sent = yield value

        return generating

    @functools.wraps(func)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        with make():
            return func(*args, **kwargs)

    return decorated


class _DecoratorContextManager:
    """A block that can be put on a function."""

    def __call__(self, orig_func: Callable[..., Any]) -> Callable[..., Any]:
        """The function, run in such a block."""
        return context_decorator(self.clone, orig_func)

    def __enter__(self) -> Any:
        raise NotImplementedError

    def __exit__(self, *exception: Any) -> None:
        raise NotImplementedError

    def clone(self) -> Any:
        """Another such block."""
        return type(self)()


class _NoParamDecoratorContextManager(_DecoratorContextManager):
    """A block without parameters, which goes on a function with or without parentheses."""

    def __new__(cls, orig_func: Any = None) -> Any:
        """The block, or the function in it."""
        made = super().__new__(cls)
        return made if orig_func is None else made(orig_func)
