"""Rows on arrays of another library, of which no more is asked than NumPy's protocols and methods.

What NumPy holds beside such arrays is brought to their library, as the `arange` of a program is: there
is no other place where a program says that it wants one. `docs/design.md` says what an array must have.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight.arrays import brought, is_array, is_foreign

_ndarray = np.ndarray


def computed(row: Any, arrays: Sequence[Any], static: dict[str, Any]) -> Any:
    """The forward of a row on promoted arrays of another library; its results are of that, too."""
    like = next(filter(is_foreign, arrays))
    arrays = gathered(arrays, like)
    forward, layout = row.settled([a for a in arrays if is_array(a)])
    result = layout(forward, arrays, static) if layout else forward(*arrays, **static)
    if result.__class__ is tuple:
        return tuple([_there(part, like) for part in result])
    return _there(result, like)


def gathered(arrays: Sequence[Any], like: Any) -> list[Any]:
    """Arrays of NumPy as those of the library of `like`; those without dimensions as numbers."""
    return [
        (brought(a, like) if a.ndim else a[()]) if a.__class__ is _ndarray else a for a in arrays
    ]


def _there(x: Any, like: Any) -> Any:
    return x if is_foreign(x) else np.asarray(x, like=like)
