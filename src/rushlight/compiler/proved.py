"""Whether C does what was recorded, tried once before it is used."""

from __future__ import annotations

import functools

import numpy as np

from rushlight import dtypes
from rushlight.compiler.machine import Machine, Stopped
from rushlight.compiler.recording.errors import CannotRecord, Changed
from rushlight.compiler.recording.memories import same_bits
from rushlight.compiler.recording.record import Compared, Proof
from rushlight.core.tensor import Array

# What rounding may do to an array, relative to its norm, by the bytes of a number: a result may be a small
# difference of large numbers, and nearly equal numbers may be sorted otherwise.
ROOM = {8: 1e-5, 4: 0.05, 2: 0.2, 1: 0.2}


def proved(machine: Machine, proof: Proof) -> None:
    """Raise CannotRecord unless the machine does what was recorded, but for rounding.

    Rounding may be seen: the gradient of a ReLU is another where a zero is missed by a last bit, and Adam
    makes steps of full length of gradients that are rounding alone. So arrays are compared as a whole, what
    was there before by how it changed, and a few small ones may differ; so may a few of the results.
    """
    off, total = [0, 0], [0, 0]
    try:
        for pair in proof(functools.partial(machine.run, again=True)):
            if pair.known.dtype.kind not in "fcV":
                if int((pair.made != pair.known).sum()) > pair.known.size // 50:
                    raise CannotRecord("the C gives other whole numbers than the recording")
            elif pair.before is None or not same_bits(pair.known, pair.before):
                total[pair.returned] += pair.known.size
                if not _alike(pair):
                    off[pair.returned] += pair.known.size
    except Stopped:
        raise CannotRecord("the C stops where the function did not") from None
    except Changed as reason:
        raise CannotRecord(f"the C rounds otherwise, which Python sees: {reason}") from None
    for wrong, count in zip(off, total, strict=True):
        if wrong > count // 20:
            raise CannotRecord(
                f"the C gives other values than the recording, in {wrong} of {count} elements"
            )


def _alike(pair: Compared) -> bool:
    """Whether two arrays differ by no more than rounding may explain."""
    soon = _alike_soon(pair)
    if soon is not None:
        return soon
    finite = np.isfinite(pair.known)
    if not np.array_equal(finite, np.isfinite(pair.made)):
        return False
    wide = np.complex128 if pair.known.dtype.kind == "c" else np.float64
    made, known = pair.made[finite].astype(wide), pair.known[finite].astype(wide)
    change, room = known, 1e-30
    if pair.before is not None:
        change = known - pair.before[finite].astype(wide)
        room += 8 * dtypes.finfo(dtypes.of(pair.known.dtype)).eps * float(np.linalg.norm(known))
    room += ROOM[pair.known.dtype.itemsize // (1 + (wide is np.complex128))] * float(
        np.linalg.norm(change)
    )
    return bool(np.linalg.norm(made - known) <= room)


# Squares beyond these are not to be trusted in single precision.
_SMALL, _LARGE = 1e-20, 1e30


def _alike_soon(pair: Compared) -> bool | None:
    """The same in single precision, where that can tell."""
    if pair.known.dtype != np.float32 or pair.known.size < 1 << 12:
        return None
    with np.errstate(all="ignore"):
        off = _square(pair.made - pair.known)
        change = _square(pair.known if pair.before is None else pair.known - pair.before)
    if not (off < _LARGE and _SMALL < change < _LARGE):
        return None
    return True if off <= 0.9 * ROOM[4] ** 2 * change else None


def _square(array: Array) -> float:
    """The sum of the squares; nothing finite if not all of it is."""
    flat = array.reshape(-1)
    return float(np.dot(flat, flat))
