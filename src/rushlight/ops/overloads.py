"""Calls that torch has no overload for, though the function could answer them."""

from __future__ import annotations

# With keepdim these want a dimension, which may be None, of some of them.
_DIM_BEFORE = {
    "max": "", "mean": "", "min": "", "prod": "", "sum": "",
    "median": 'missing 1 required positional arguments: "dim"',
    "nanmedian": 'missing 1 required positional arguments: "dim"',
}  # fmt: skip


def need_dim(function: str) -> None:
    """Raise torch's error for keepdim where no dimension is named."""
    missing = _DIM_BEFORE.get(function)
    if missing is not None:
        raise TypeError(
            f"{function}() {missing}"
            if missing
            else f"{function}() received an invalid combination of arguments - got (keepdim=bool, ): name the "
            "dimension, too: dim=None for all of them"
        )
