"""The names of torch's `_inductor`: settings that are kept."""

from __future__ import annotations

from typing import Any

from rushlight._inductor import config, exc
from rushlight.absent import nothing as cudagraph_mark_step_begin
from rushlight.absent import refused

__all__ = ["config", "cudagraph_mark_step_begin", "exc", "list_mode_options", "list_options"]

_OTHERWISE = "use torch.compile"
compile = refused("compile", _OTHERWISE, __name__)
aot_compile = refused("aot_compile", _OTHERWISE, __name__)
aoti_compile_and_package = refused("aoti_compile_and_package", _OTHERWISE, __name__)
aoti_load_package = refused("aoti_load_package", _OTHERWISE, __name__)


def list_mode_options(mode: str | None = None, dynamic: bool | None = None) -> dict[str, Any]:
    """The settings of the modes of `torch.compile`."""
    options: dict[str, dict[str, Any]] = {
        "default": {},
        "reduce-overhead": {"triton.cudagraphs": True},
        "max-autotune-no-cudagraphs": {"max_autotune": True, "coordinate_descent_tuning": True},
        "max-autotune": {
            "max_autotune": True, "triton.cudagraphs": True, "coordinate_descent_tuning": True,
        },
    }  # fmt: skip
    if mode is not None and mode not in options:
        raise RuntimeError(f"Unrecognized mode={mode}, should be one of: {', '.join(options)}")
    return options[mode] if mode else options


def list_options() -> list[str]:
    """The names of the settings."""
    return [name for name in vars(config) if name[0] != "_"]
