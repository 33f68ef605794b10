"""Switches of the whole process that torch has, and what they mean here."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rushlight.errors import warn

# How `torch.export` is tracing, if it is: "export" or "strict".
exporting = [""]

# How modules convert their parameters: see `torch.__future__`.
conversion = {"overwrite": False, "swap": False}

_settings: dict[str, Any] = {
    "precision": "highest",
    "deterministic": False,
    "interop": 1,
    "fill": True,
}


def get_num_interop_threads() -> int:
    """The number last set; it changes nothing."""
    return int(_settings["interop"])


def set_num_interop_threads(number: int) -> None:
    """Accepted: operations run one after the other."""
    _settings["interop"] = number


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Every operation here is deterministic; new memory is filled, and what torch refuses is refused."""
    if not isinstance(mode, bool):
        raise TypeError(
            "_set_deterministic_algorithms(): argument 'mode' (position 1) must be bool, not "
            f"{type(mode).__name__}"
        )
    _settings["deterministic"] = mode
    _settings["warn only"] = warn_only


def fill_uninitialized_memory(on: bool | None = None) -> bool:
    """Whether memory that nobody has written is filled under `use_deterministic_algorithms`, from now on if given."""
    if on is not None:
        _settings["fill"] = bool(on)
    return bool(_settings["fill"])


def filling(dtype: np.dtype[Any]) -> Any:
    """What memory of this type is filled with that nobody has written; None: with nothing.

    >>> filling(np.dtype(np.int8)) is None
    True
    """
    if not (_settings["deterministic"] and _settings["fill"]):
        return None
    if dtype.kind == "c":
        return complex(math.nan, math.nan)
    if dtype.kind in "fV":
        return math.nan
    return dtype.kind == "b" or np.iinfo(dtype).max


def alert_not_deterministic(caller: str) -> None:
    """Raise, or warn, where torch has no implementation that it calls deterministic."""
    if not _settings["deterministic"]:
        return
    told = f"{caller} does not have a deterministic implementation, but you set "
    called = "'torch.use_deterministic_algorithms(True{})'. "
    if is_deterministic_algorithms_warn_only_enabled():
        warn(told + called.format(", warn_only=True"))
        return
    raise RuntimeError(
        told
        + called.format("")
        + "You can turn off determinism just for this operation, or you can use the "
        "'warn_only=True' option, if that's acceptable for your application."
    )


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether `use_deterministic_algorithms` was to warn alone."""
    return bool(_settings.get("warn only"))


_DEBUG_MODES = ("default", "warn", "error")


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """`use_deterministic_algorithms`, by 0 or "default", 1 or "warn", 2 or "error"."""
    if not isinstance(debug_mode, int | str):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if isinstance(debug_mode, str):
        if debug_mode not in _DEBUG_MODES:
            raise RuntimeError(
                "invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got "
                f"{debug_mode}"
            )
        debug_mode = _DEBUG_MODES.index(debug_mode)
    if debug_mode not in (0, 1, 2):
        raise RuntimeError(
            f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}"
        )
    use_deterministic_algorithms(debug_mode > 0, warn_only=debug_mode == 1)


def get_deterministic_debug_mode() -> int:
    """0, 1 to warn, 2 for an error."""
    if not are_deterministic_algorithms_enabled():
        return 0
    return 1 if is_deterministic_algorithms_warn_only_enabled() else 2


def set_warn_always(b: bool) -> None:
    """Accepted: Python's filters say which warnings are shown again."""
    _settings["warn always"] = b


def is_warn_always_enabled() -> bool:
    """What `set_warn_always` was last given."""
    return bool(_settings.get("warn always"))


def set_flush_denormal(mode: bool) -> bool:
    """False: denormal numbers are kept."""
    return False


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
