"""The order of equal elements is that of torch's algorithms."""

import numpy as np
import pytest
import torch

import rushlight
from rushlight.primitives import ties
from tests.parity import parity

ROWS = {
    "equal": "torch.ones(n)", "few": "torch.arange(n) % 3", "pairs": "torch.arange(n) // 2",
    "falling": "-(torch.arange(n) // 3)", "spread": "torch.arange(n) * 7919 % max(n // 3, 1)",
}  # fmt: skip
SIZES = [1, 2, 16, 17, 65, 130, 1000]


@pytest.mark.parametrize("dtype", ["float32", "float16", "int64", "uint8"])
@pytest.mark.parametrize("row", ROWS)
def test_sorted_and_selected(row, dtype):
    parity(f"""
        found = []
        for n in {SIZES}:
            x = ({ROWS[row]}).to(torch.{dtype})
            both = torch.stack([x, x.flip(0)], 1)
            for falling in (False, True):
                found += [x.sort(descending=falling), x.argsort(descending=falling),
                          x.sort(stable=True, descending=falling), both.sort(0, falling)]
                for k in {{1, 2, max(n // 64, 1), max(n // 10, 1), n}} - ({{2}} if n == 1 else set()):
                    found += [x.topk(k, largest=falling), both.topk(k, 0, falling, False)]
            found += [x.kthvalue((n + 1) // 2), both.mode(0), both.median(0), x.msort()]
            found.append(x.unique(return_inverse=True))
    """)


def test_the_orders_that_were_measured():
    assert rushlight.topk(rushlight.ones(8), 3).indices.tolist() == [6, 5, 4]
    assert rushlight.topk(rushlight.ones(100), 3).indices.tolist() == [67, 66, 65]
    assert rushlight.topk(rushlight.ones(1000), 3).indices.tolist() == [0, 1, 2]
    assert rushlight.ones(17).sort().indices.tolist()[:3] == [8, 16, 15]


def test_nan_among_equal_elements():
    parity("""
        nan = float("nan")
        x = torch.tensor([nan, 2.0, 1.0, nan, 2.0, nan, 0.0] * 6)
        found = [x.sort(), x.sort(descending=True), x.topk(5), x.topk(40, largest=False),
                 x.kthvalue(30), x.unique(return_inverse=True)]
        at = [torch.searchsorted(x.sort().values, x, right=r) for r in (False, True)]
    """)


def test_long_lines_of_whole_numbers_are_sorted_by_their_digits():
    parity("""
        x = torch.arange(40_000) * 7919 % 11
        rising, falling, row = x.argsort(), x.argsort(descending=True), x[None].argsort()
    """)


def test_lines_that_partition_badly_end_in_a_heap():
    # Each partition by the median of three takes two elements off this line.
    half = 512
    line = np.empty(2 * half)
    line[:half:2] = np.arange(1, half, 2)
    line[1:half:2] = half + np.arange(1, half, 2) - 1
    line[half:] = 2 * (np.arange(half) + 1)
    line[-3:] = line[0]
    ours, theirs = rushlight.from_numpy(line), torch.from_numpy(line)
    assert ours.argsort().tolist() == theirs.argsort().tolist()
    assert (
        ours.topk(400, sorted=False).indices.tolist()
        == theirs.topk(400, sorted=False).indices.tolist()
    )


def test_a_heap_of_few():
    keys = np.array([[3, 1, 2, 1, 1, 3, 0, 1] * 20], np.int32)
    assert keys[0, ties.top_as_torch(keys, 2, True)].tolist() == [[0, 0]]
