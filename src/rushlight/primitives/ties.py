"""The order of equal elements that torch leaves to the C++ library it is built with.

torch sorts (unless asked to be stable), selects and finds medians with `std::sort`,
`std::nth_element` and `std::partial_sort` of libstdc++ (bits/stl_algo.h, bits/stl_heap.h), and
`kthvalue` with a quickselect of its own (ATen/native/Sorting.cpp). Equal elements come out as these
algorithms happen to move them, so here are the same algorithms: introsort (D. Musser, 1997) with
the median of three as pivot and segments of 16 left to an insertion sort, introselect, and heap
selection. A level of partitions is one pass over all segments of all rows.

Keys are whole numbers that stand for the elements: smaller ones come first, equal ones are equal.
Callers send only those rows here in which equal elements matter.
"""

from __future__ import annotations

import numpy as np

from rushlight.core.tensor import Array

# Segments of this size are left to an insertion sort, which keeps equal elements in order.
SMALL = 16


def ranks(x: Array, order: Array) -> Array:
    """Keys for rows that `order` sorts: the number of different elements before each one."""
    steps = np.zeros(x.shape, np.int32, like=x)
    np.cumsum(differ(np.take_along_axis(x, order, -1)), axis=-1, out=steps[..., 1:])
    keys = np.empty(x.shape, np.int32, like=x)
    np.put_along_axis(keys, order, steps, -1)
    return keys


def differ(values: Array) -> Array:
    """Where neighbours in sorted rows differ; nan equals nan."""
    left, right = values[..., :-1], values[..., 1:]
    new: Array = left != right
    if values.dtype.kind in "fV":
        new &= (left == left) | (right == right)
    return new


def sorted_as_torch(keys: Array) -> Array:
    """std::sort of each row (rows, n): where its elements come from."""
    count, n = keys.shape
    key, place = keys.reshape(-1).copy(), np.tile(np.arange(n, like=keys), count)
    if n > SMALL:
        # Where segments lie their elements end up, so the sorted keys say where ties are left.
        ties = np.zeros(key.size + 1, np.int64, like=keys)
        ordered = np.sort(keys, axis=-1)
        same = np.zeros(keys.shape, bool, like=keys)
        same[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
        np.cumsum(same.reshape(-1), out=ties[1:])
        first = np.arange(count, like=keys) * n
        _introsort(key, place, first, first + n, 2 * (n.bit_length() - 1), ties)
    order = np.argsort(key.reshape(count, n), axis=-1, kind="stable")
    return np.take_along_axis(place.reshape(count, n), order, -1)


def sorted_by_less(keys: Array) -> Array:
    """std::sort of each row (rows, n) of numbers with nan, by < alone: where its elements come from."""
    count, n = keys.shape
    key, place = keys.reshape(-1).copy(), np.tile(np.arange(n, like=keys), count)
    if n > SMALL:
        first = np.arange(count, like=keys) * n
        every = np.arange(key.size + 1, like=keys)
        _introsort(key, place, first, first + n, 2 * (n.bit_length() - 1), every)
    for start in range(0, key.size, n):
        line, source = key[start : start + n].tolist(), place[start : start + n].tolist()
        for i in range(1, n):
            value, j = line[i], i
            while j and value < line[j - 1]:
                j -= 1
            if i < SMALL and value < line[0]:
                j = 0
            line.insert(j, line.pop(i))
            source.insert(j, source.pop(i))
        place[start : start + n] = source
    return place.reshape(count, n)


def _introsort(
    key: Array, place: Array, first: Array, last: Array, depth: int, ties: Array
) -> None:
    """Partition until segments are small, or without ties; the rest a stable sort can do."""
    while True:
        wanted = (last - first > SMALL) & (ties[last] > ties[np.minimum(first + 1, last)])
        first, last = first[wanted], last[wanted]
        if not first.size:
            return
        if not depth:
            for a, b in zip(first.tolist(), last.tolist(), strict=True):
                _heap_select(key, place, a, b, b)
                _sort_heap(key, place, a, b)
            return
        depth -= 1
        cut = _partition(key, place, first, last)
        # One beside the other, as they lie in memory.
        first = np.stack((first, cut), axis=1).reshape(-1)
        last = np.stack((cut, last), axis=1).reshape(-1)


def selected(keys: Array, nth: int) -> Array:
    """std::nth_element of each row (rows, n) at nth: where its elements come from."""
    count, n = keys.shape
    key, place = keys.reshape(-1).copy(), np.tile(np.arange(n, like=keys), count)
    if nth == n:
        return place.reshape(count, n)
    first = np.arange(count, like=keys) * n
    last, goal = first + n, first + nth
    active, depth = np.arange(count, like=keys), 2 * (n.bit_length() - 1)
    while True:
        active = active[last[active] - first[active] > 3]
        if not active.size:
            break
        if not depth:
            for row in active.tolist():
                a, g, b = int(first[row]), int(goal[row]), int(last[row])
                _heap_select(key, place, a, g + 1, b)
                for line in (key, place):
                    line[a], line[g] = line[g], line[a]
                last[row] = a
            break
        depth -= 1
        cut = _partition(key, place, first[active], last[active])
        left = cut <= goal[active]
        first[active[left]] = cut[left]
        last[active[~left]] = cut[~left]
    # At most three are left: an insertion sort of three is three exchanges of neighbours.
    for a, b in ((0, 1), (1, 2), (0, 1)):
        i, j = first + a, first + b
        there = j < last
        i, j = i[there], j[there]
        wrong = key[j] < key[i]
        _swap(key, place, i[wrong], j[wrong])
    return place.reshape(count, n)


def top_as_torch(keys: Array, k: int, in_order: bool) -> Array:
    """The first k of each row (rows, n) as torch's topk finds them: where they come from."""
    n = keys.shape[1]
    if k == 1 and n >= 64:
        return keys.argmin(axis=1)[:, None]
    if 64 * k <= n:
        return np.stack([_partially_sorted(row, k) for row in keys])
    place = selected(keys, k - 1)[:, :k]
    if in_order and k > 2:
        # The last one is where it belongs.
        head = place[:, :-1]
        order = sorted_as_torch(np.take_along_axis(keys, head, -1))
        place = np.concatenate((np.take_along_axis(head, order, -1), place[:, -1:]), axis=1)
    return place


def _partially_sorted(keys: Array, k: int) -> Array:
    """std::partial_sort of a row: a heap of k that others enter if they are smaller than its top."""
    key, place = keys[:k].tolist(), list(range(k))
    _make_heap(key, place, 0, k)
    block = 4096
    for start in range(k, keys.size, block):
        part = keys[start : start + block]
        for i in np.flatnonzero(part < key[0]).tolist():
            value = int(part[i])
            if value < key[0]:
                _sift(key, place, 0, 0, k, value, start + i)
    _sort_heap(key, place, 0, k)
    return np.array(place, like=keys)


# ---- partitions ---------------------------------------------------------------------------------


def _swap(key: Array, place: Array, i: Array, j: Array) -> None:
    for line in (key, place):
        kept = line[i]
        line[i] = line[j]
        line[j] = kept


def _partition(key: Array, place: Array, first: Array, last: Array) -> Array:
    """Hoare's partition of the segments [first, last) by the median of three; where each is cut."""
    a, b, c = first + 1, first + (last - first) // 2, last - 1
    x, y, z = key[a], key[b], key[c]
    median = np.where(
        x < y,
        np.where(y < z, b, np.where(x < z, c, a)),
        np.where(x < z, a, np.where(y < z, c, b)),
    )
    _swap(key, place, first, median)
    pivot = key[first]
    # All elements but the pivots, one segment after the other.
    sizes = last - first - 1
    ends = np.cumsum(sizes)
    starts = ends - sizes
    at = np.arange(ends[-1], like=key) + np.repeat(first + 1 - starts, sizes)
    there, by = key[at], np.repeat(pivot, sizes)
    # From the left stop at what is not smaller, from the right at what is not larger.
    left, right = np.flatnonzero(~(there < by)), np.flatnonzero(~(by < there))
    left_0, left_1 = np.searchsorted(left, starts), np.searchsorted(left, ends)
    right_0, right_1 = np.searchsorted(right, starts), np.searchsorted(right, ends)
    pairs = np.minimum(left_1 - left_0, right_1 - right_0)
    pair_1 = np.cumsum(pairs)
    pair_0 = pair_1 - pairs
    step = np.arange(pair_1[-1], like=key) - np.repeat(pair_0, pairs)
    i = left[np.repeat(left_0, pairs) + step]
    j = right[np.repeat(right_1 - 1, pairs) - step]
    open_ = i < j
    done = np.zeros(open_.size + 1, np.int64, like=key)
    np.cumsum(open_, out=done[1:])
    swaps = done[pair_1] - done[pair_0]
    _swap(key, place, at[i[open_]], at[j[open_]])
    # The left one ends at the next stop: an element of its own, or the last that was put there.
    beyond = at.size
    own = np.where(left_0 + swaps < left_1, left[np.minimum(left_0 + swaps, left.size - 1)], beyond)
    if right.size:
        put = np.where(swaps > 0, right[np.minimum(right_1 - swaps, right.size - 1)], beyond)
        own = np.minimum(own, put)
    return at[own]


# ---- heaps, the largest on top ------------------------------------------------------------------


def _sift(
    key: list[int] | Array, place: list[int] | Array, first: int, hole: int, size: int, value: int,
    source: int,
) -> None:  # fmt: skip
    """Let an element sink from the hole to the bottom, always below the larger child, and rise."""
    top, child = hole, hole
    while child < (size - 1) // 2:
        child = 2 * (child + 1)
        if key[first + child] < key[first + child - 1]:
            child -= 1
        key[first + hole], place[first + hole] = key[first + child], place[first + child]
        hole = child
    if size % 2 == 0 and child == (size - 2) // 2:
        child = 2 * (child + 1)
        key[first + hole], place[first + hole] = key[first + child - 1], place[first + child - 1]
        hole = child - 1
    while hole > top and key[first + (hole - 1) // 2] < value:
        parent = (hole - 1) // 2
        key[first + hole], place[first + hole] = key[first + parent], place[first + parent]
        hole = parent
    key[first + hole], place[first + hole] = value, source


def _make_heap(key: list[int] | Array, place: list[int] | Array, first: int, last: int) -> None:
    size = last - first
    for parent in range((size - 2) // 2, -1, -1):
        value, source = int(key[first + parent]), int(place[first + parent])
        _sift(key, place, first, parent, size, value, source)


def _replace_top(
    key: list[int] | Array, place: list[int] | Array, first: int, last: int, at: int
) -> None:
    """Put the top at `at`, and what stood there into the heap [first, last)."""
    value, source = int(key[at]), int(place[at])
    key[at], place[at] = key[first], place[first]
    _sift(key, place, first, 0, last - first, value, source)


def _heap_select(key: Array, place: Array, first: int, middle: int, last: int) -> None:
    _make_heap(key, place, first, middle)
    for i in range(middle, last):
        if key[i] < key[first]:
            _replace_top(key, place, first, middle, i)


def _sort_heap(key: list[int] | Array, place: list[int] | Array, first: int, last: int) -> None:
    for end in range(last - 1, first, -1):
        _replace_top(key, place, first, end, end)


# ---- torch's own quickselect --------------------------------------------------------------------


def quickselected(keys: Array, nth: int) -> int:
    """Where the nth smallest element of a row comes from, as torch's kthvalue finds it."""
    key, place = keys.copy(), np.arange(keys.size, like=keys)
    low, high = 0, keys.size - 1

    def exchange(i: int, j: int, only_if_larger: bool) -> None:
        if not only_if_larger or key[i] > key[j]:
            for line in (key, place):
                line[i], line[j] = line[j], line[i]

    while high > low + 1:
        exchange(low + (high - low) // 2, low + 1, False)
        exchange(low + 1, high, True)
        exchange(low, high, True)
        exchange(low + 1, low, True)
        pivot = key[low]
        # The ends stop the search: the right one is not smaller, the left one not larger.
        inner = key[low + 1 : high + 1]
        left = np.flatnonzero(inner[1:] >= pivot) + low + 2
        right = (np.flatnonzero(inner[:-1] <= pivot) + low + 1)[::-1]
        pairs = min(left.size, right.size)
        swaps = int(np.count_nonzero(left[:pairs] <= right[:pairs]))
        i, j = left[:swaps], right[:swaps]
        _swap(key, place, i, j)
        # A search goes on to an element of its own, or to one that was exchanged before.
        i_end = min([*left[swaps : swaps + 1], *(j[j > i[-1]][-1:] if swaps else ())])
        j_end = max([*right[swaps : swaps + 1], *(i[i < j[-1]][-1:] if swaps else ())])
        exchange(low, j_end, False)
        if j_end <= nth:
            low = i_end
        if j_end >= nth:
            high = j_end - 1
    if high == low + 1:
        exchange(low, high, True)
    return int(place[nth])
