"""`functionalize`: a function whose in-place operations nobody outside sees."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

Function = Callable[..., Any]

_KINDS = ("mutations", "mutations_and_views")


def functionalize(func: Function, *, remove: str = "mutations") -> Function:
    """func itself: there is no program from which in-place operations would have to be removed.

    What it computes, and what it changes of its arguments, is the same with and without.

    >>> import rushlight as torch
    >>> torch.func.functionalize(lambda x: x.clone().add_(1))(torch.zeros(2))
    tensor([1., 1.])
    """
    if remove not in _KINDS:
        raise RuntimeError(
            f"functionalize(f, remove='mutations'): received invalid argument for remove={remove}. Valid "
            f"options are: {' and '.join(map(repr, _KINDS))}"
        )

    @functools.wraps(func, updated=())
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **kwargs)

    # For who writes down what it does.
    wrapped._functionalized = remove  # type: ignore[attr-defined]
    return wrapped
