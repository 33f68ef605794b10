"""`reduction`, and the two old arguments that it replaced."""

from __future__ import annotations

from rushlight.errors import warn

__all__ = ["get_enum", "legacy_get_string"]

_NUMBERS = {"none": 0, "mean": 1, "elementwise_mean": 1, "sum": 2}


def get_enum(reduction: str) -> int:
    """0, 1, 2 for "none", "mean", "sum"; a ValueError for anything else."""
    if reduction not in _NUMBERS:
        raise ValueError(f"{reduction} is not a valid value for reduction: none, mean or sum")
    if reduction == "elementwise_mean":
        warn("reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.")
    return _NUMBERS[reduction]


def legacy_get_string(
    size_average: bool | None, reduce: bool | None, emit_warning: bool = True
) -> str:
    """The reduction that the old arguments size_average and reduce mean.

    >>> legacy_get_string(False, None, emit_warning=False)
    'sum'
    """
    if reduce is None or reduce:
        reduction = "sum" if size_average is not None and not size_average else "mean"
    else:
        reduction = "none"
    if emit_warning:
        warn(
            "size_average and reduce args will be deprecated, please use "
            f"reduction='{reduction}' instead."
        )
    return reduction
