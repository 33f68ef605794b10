"""From a program to the graph of loops: what each row, kernel and number is in terms of loops."""

from rushlight.compiler.lowering import (
    images,
    indexing,
    losses,
    moves,
    normalization,
    pointwise,
    products,
    recurrent,
    reductions,
    scans,
    scatters,
    strided,
    windows,
)
from rushlight.compiler.lowering.program import lower

__all__ = [
    "images", "indexing", "losses", "lower", "moves", "normalization", "pointwise", "products", "recurrent",
    "reductions", "scans", "scatters", "strided", "windows",
]  # fmt: skip
