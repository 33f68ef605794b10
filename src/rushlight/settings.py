"""Switches of the whole process that torch has, and what they mean here."""

from __future__ import annotations

from typing import Any

_settings: dict[str, Any] = {"precision": "highest", "deterministic": False, "interop": 1}


def get_num_interop_threads() -> int:
    """The number last set; it changes nothing."""
    return int(_settings["interop"])


def set_num_interop_threads(number: int) -> None:
    """Accepted: operations run one after the other."""
    _settings["interop"] = number


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Accepted: every operation here is deterministic."""
    _settings["deterministic"] = mode


def are_deterministic_algorithms_enabled() -> bool:
    """Whether `use_deterministic_algorithms` was asked for."""
    return bool(_settings["deterministic"])


def set_float32_matmul_precision(precision: str) -> None:
    """Accepted: products of float32 are computed in float32, whatever is asked for."""
    if precision not in ("highest", "high", "medium"):
        raise RuntimeError(
            f"Unknown float32 precision {precision!r}: write 'highest', 'high' or 'medium'"
        )
    _settings["precision"] = precision


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` was last given."""
    return str(_settings["precision"])


def compile(model: Any = None, **options: Any) -> Any:
    """`rushlight.compiler.compile`, which is loaded when it is first asked for.

    >>> double = compile(lambda x: 2 * x)
    >>> double(4)
    8
    """
    from rushlight.compiler.compile import compile

    return compile(model, **options)
