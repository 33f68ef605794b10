"""Small float32 products with a vector, summed in the order of the BLAS that torch is built with.

Programs that magnify the last bit, such as a descent with too long a step, print torch's numbers
only so. The order is that of MKL on Intel's processors with AVX-512; others have their own. It was
read off the results: with 2**100 and -2**100 at two places and ones elsewhere, a sum counts the
ones that are added after both (P. Xie et al., "FPRev: revealing the order of floating-point
summation", 2025).
"""

from __future__ import annotations

import numpy as np

from rushlight.core.tensor import Array

# Beyond these sizes BLAS is many times as fast, and the last bit is left to it.
SMALL = 1 << 9
_LONGEST_CHAIN = 32

_WIDTH = np.dtype(np.float32).itemsize
_LANES = 16


def product(
    matrix: Array, vector: Array, by_rows: bool, start: Array | None = None
) -> Array | None:
    """The matrix times the vector, plus `start`; None if this is not for float32 of such sizes.

    Where rows lie in one piece they are summed in lanes, where columns do they are added up;
    `by_rows` decides for matrices where neither does.

    >>> product(np.eye(2, dtype="f4"), np.array([3, 4], "f4"), by_rows=True)
    array([3., 4.], dtype=float32)
    """
    if matrix.dtype != np.float32 or not 0 < matrix.size <= SMALL:
        return None
    rows, columns = matrix.shape
    down, across = matrix.strides
    if across == _WIDTH and down >= columns * _WIDTH:
        by_rows = True
    elif down == _WIDTH and across >= rows * _WIDTH:
        by_rows = False
    if not by_rows and columns > _LONGEST_CHAIN:
        return None
    # Products of float32 are exact in float64, so that adding one rounds once, as an fma does.
    terms = np.multiply(matrix.T, vector[:, None], dtype=np.float64, order="C")
    if by_rows:
        total = _row_sums(terms)
        return total if start is None else total + start
    total = np.zeros(rows, np.float32, like=matrix)
    if start is not None:
        total += start
    return _column_sums(terms, total)


def _add(terms: Array, total: Array) -> None:
    """Total += terms, rounded once."""
    np.add(terms, total, out=total)


def _column_sums(terms: Array, total: Array) -> Array:
    """Adds terms over the first dimension to the total: eight at a time for 16 rows at a time."""
    columns, rows = terms.shape
    wide, long = rows & -_LANES, columns & -8
    if wide < rows:
        for term in terms[:, wide:]:
            _add(term, total[wide:])
    if wide and long:
        eights = terms[:long, :wide].reshape(-1, 8, wide)
        pairs = eights[:, [2, 3, 7]].astype(np.float32)
        _add(eights[:, [0, 1, 5]], pairs)
        front = total[:wide]
        for eight, (first, second, last) in zip(eights, pairs, strict=True):
            _add(eight[6], front)
            _add(eight[4], front)
            front += last
            front += first + second
    if wide:
        for term in terms[long:, :wide]:
            _add(term, total[:wide])
    return total


def _row_sums(terms: Array) -> Array:
    """The sums over the first dimension.

    Four rows go together; the one to three that remain go alone, in their own ways.
    """
    rows = terms.shape[1]
    together = rows & ~3
    total = terms[0].astype(np.float32)
    if together:
        _add_fours(terms[1:, :together], total[:together])
    for row in range(together, rows):
        total[row] += _lone_row(terms[1:, row], by_turns=row != together + 1)
    return total


def _add_fours(terms: Array, total: Array) -> None:
    whole = len(terms) & -_LANES
    for part in (terms[:whole], terms[whole:]):
        if len(part):
            lanes = np.zeros((_LANES, total.size), np.float32, like=terms)
            lanes[0] = total
            for start in range(0, len(part), _LANES):
                piece = part[start : start + _LANES]
                _add(piece, lanes[: len(piece)])
            total[:] = _folded(lanes)


def _lone_row(terms: Array, by_turns: bool) -> Array:
    whole = terms.size // _LANES
    turns = whole & ~1 if by_turns else 0
    lanes = np.zeros((2, _LANES), np.float32, like=terms)
    for pair in terms[: turns * _LANES].reshape(-1, 2, _LANES):
        _add(pair, lanes)
    sums = lanes[0] + lanes[1]
    for start in range(turns * _LANES, terms.size, _LANES):
        piece = terms[start : start + _LANES]
        _add(piece, sums[: piece.size])
    return _folded(sums)


def _folded(lanes: Array) -> Array:
    """The sum of lanes, of each half with the other half."""
    while len(lanes) > 1:
        half = len(lanes) // 2
        lanes = lanes[:half] + lanes[half:]
    return lanes[0]
