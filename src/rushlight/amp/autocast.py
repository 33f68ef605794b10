"""`autocast`: accepted, and everything stays in the dtype it has."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


class autocast:
    """A context manager and decorator that changes nothing: NumPy has no fast half precision.

    >>> import rushlight as torch
    >>> with torch.autocast("cpu"):
    ...     (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
    torch.float32
    """

    def __init__(
        self,
        device_type: str,
        dtype: Any = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(
                f"Expected `device_type` of type `str`, got: `{type(device_type)}`: write "
                'autocast("cpu")'
            )
        self.device, self.fast_dtype = device_type, dtype

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *exception: Any) -> None:
        pass

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which runs as it always did."""

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapped


def is_autocast_available(device_type: str) -> bool:
    """False: autocast is accepted, and changes nothing."""
    return False
