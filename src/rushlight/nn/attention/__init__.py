"""Which kernel computes attention: accepted and checked, as there is one way of doing it here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import Any

__all__ = [
    "WARN_FOR_UNFUSED_KERNELS", "SDPBackend", "activate_flash_attention_impl", "current_flash_attention_impl",
    "list_flash_attention_impls", "register_flash_attention_impl", "restore_flash_attention_impl", "sdpa_kernel",
]  # fmt: skip

# Whether torch says why a GPU's kernels cannot be used.
WARN_FOR_UNFUSED_KERNELS = False


class SDPBackend(Enum):
    """torch's kernels of `scaled_dot_product_attention`."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextmanager
def sdpa_kernel(
    backends: SDPBackend | Sequence[SDPBackend], set_priority: bool = False
) -> Iterator[None]:
    """Allow only these kernels in the block; all of them give the same numbers.

    >>> with sdpa_kernel([SDPBackend.MATH, SDPBackend.FLASH_ATTENTION]):
    ...     pass
    """
    listed = [backends] if isinstance(backends, SDPBackend) else backends
    if not isinstance(listed, list) or not all(isinstance(b, SDPBackend) for b in listed):
        raise AssertionError(
            "Backend must be an instance of SDPBackend or a list of SDPBackend instances"
        )
    yield


def _of_a_package(name: str) -> Callable[..., Any]:
    def register(module_path: str | None = None) -> Any:
        raise ModuleNotFoundError(
            f"{name} is a package of kernels for GPUs: attention has one way of being computed here"
        )

    return register


# Who brings kernels of flash attention, by name, and the one that was asked for last.
_REGISTERED: dict[str, Callable[..., Any]] = {name: _of_a_package(name) for name in ("FA3", "FA4")}
_active: list[tuple[str, Any]] = []


def register_flash_attention_impl(impl: str, *, register_fn: Callable[..., Any]) -> None:
    """Let `activate_flash_attention_impl(impl)` call register_fn, which returns what can be removed, or None."""
    _REGISTERED[impl] = register_fn


def activate_flash_attention_impl(impl: str) -> None:
    """Call what is registered by that name; the numbers stay those of the one kernel there is."""
    if impl not in _REGISTERED:
        raise ValueError(
            f"Unknown flash attention impl {impl!r}. Available implementations: "
            f"{list_flash_attention_impls()}"
        )
    made = _REGISTERED[impl]()
    if _active:
        restore_flash_attention_impl()
    _active.append((impl, made))


def list_flash_attention_impls() -> list[str]:
    """The names that are registered."""
    return sorted(_REGISTERED)


def current_flash_attention_impl() -> str | None:
    """The name that was activated, if any."""
    return _active[-1][0] if _active else None


def restore_flash_attention_impl(_raise_warn: bool = True) -> None:
    """Take back what was activated."""
    if _active:
        _, made = _active.pop()
        if made is not None:
            made.remove()
