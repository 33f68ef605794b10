"""Switches of how `nn.Module` converts its parameters."""

from __future__ import annotations

from rushlight.settings import conversion


def set_overwrite_module_params_on_conversion(value: bool) -> None:
    """Whether `module.to` and its like make new parameters instead of giving other data to the old."""
    conversion["overwrite"] = value


def get_overwrite_module_params_on_conversion() -> bool:
    """Whether conversions make new parameters."""
    return conversion["overwrite"]


def set_swap_module_params_on_conversion(value: bool) -> None:
    """Accepted: parameters stay the objects they are in either way."""
    conversion["swap"] = value


def get_swap_module_params_on_conversion() -> bool:
    """What `set_swap_module_params_on_conversion` was told."""
    return conversion["swap"]
