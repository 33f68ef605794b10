"""One stretch of memory for all temporaries: those that do not live at the same time share places."""

from __future__ import annotations

from dataclasses import dataclass

# Temporaries begin on a line of the cache, and large ones not all at the same place of a page.
LINE = 64
_STAGGER = 5 * LINE


@dataclass(frozen=True)
class Need:
    """So many bytes, from one moment to another, both included."""

    number: int
    size: int
    first: int
    last: int


def arranged(needs: list[Need]) -> tuple[dict[int, int], int]:
    """Where each lies, by its number, and how many bytes there are in all.

    The largest first, each at the lowest place where it meets nobody of its time.

    >>> arranged([Need(0, 64, 0, 1), Need(1, 64, 1, 2), Need(2, 64, 2, 3)])
    ({0: 0, 1: 64, 2: 0}, 128)
    """
    placed: list[tuple[Need, int, int]] = []
    starts: dict[int, int] = {}
    end = 0
    for count, need in enumerate(sorted(needs, key=lambda need: (-need.size, need.first))):
        size = -(-max(need.size, 1) // LINE) * LINE
        if size >= 4096:
            size += count % 8 * _STAGGER
        start = 0
        meeting = [
            (at, at + other_size)
            for other, at, other_size in placed
            if other.first <= need.last and need.first <= other.last
        ]
        for low, high in sorted(meeting):
            if start + size <= low:
                break
            start = max(start, high)
        placed.append((need, start, size))
        starts[need.number] = start
        end = max(end, start + size)
    return starts, end
