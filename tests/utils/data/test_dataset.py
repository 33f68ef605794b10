"""Datasets and random_split against torch."""

from __future__ import annotations

import pytest

from tests.parity import parity

SETUP = """
    from torch.utils.data import ChainDataset, ConcatDataset, Dataset, IterableDataset
    from torch.utils.data import StackDataset, Subset, TensorDataset, random_split

    class Numbers(Dataset):
        def __init__(self, n, start=0):
            self.n, self.start = n, start

        def __len__(self):
            return self.n

        def __getitem__(self, index):
            if index >= self.n:
                raise IndexError(index)
            return self.start + index

    class Several(Numbers):
        def __getitems__(self, indices):
            return [-(self.start + i) for i in indices]

    class Wrong(Numbers):
        def __getitems__(self, indices):
            return indices[1:]

    class Stream(IterableDataset):
        def __init__(self, *values):
            self.values = values

        def __iter__(self):
            return iter(self.values)

        def __len__(self):
            return len(self.values)
"""


def test_tensor_dataset() -> None:
    parity(
        SETUP
        + """
    x, y = torch.arange(12.0).reshape(6, 2), torch.arange(6)
    _data = TensorDataset(x, y)
    size = len(_data)
    items = [_data[0], _data[-1], _data[2:4], _data[[0, 5]], _data[torch.tensor([1, 1])]]
    tensors = _data.tensors
    beyond = attempt(lambda: _data[6])
    listed = list(TensorDataset(y))
    unequal = attempt(lambda: TensorDataset(x, y[1:]))
    """
    )


def test_stack_dataset() -> None:
    parity(
        SETUP
        + """
    _pair = StackDataset(Numbers(5), Several(5, 10))
    _named = StackDataset(a=Numbers(5), b=Several(5, 10))
    items = [_pair[2], _named[2], _pair.__getitems__([0, 3]), _named.__getitems__([4, 1])]
    sizes = len(_pair), len(_named)
    wrong = [
        attempt(lambda: StackDataset()),
        attempt(lambda: StackDataset(Numbers(5), Numbers(4))),
        attempt(lambda: StackDataset(a=Numbers(5), b=Numbers(4))),
        attempt(lambda: StackDataset(Numbers(5), b=Numbers(5))),
        attempt(lambda: StackDataset(Numbers(5), Wrong(5)).__getitems__([0, 1])),
        attempt(lambda: StackDataset(b=Wrong(5)).__getitems__([0, 1])),
    ]
    """
    )


def test_concat_chain_and_plus() -> None:
    parity(
        SETUP
        + """
    _both = ConcatDataset([Numbers(3), Numbers(4, 10), Numbers(0), Numbers(2, 20)])
    items = [_both[i] for i in range(len(_both))] + [_both[-1], _both[-9]]
    sizes = _both.cumulative_sizes
    sum_of_two = list(Numbers(2) + Numbers(2, 5)), type(Numbers(1) + Numbers(1)).__name__
    _chain = ChainDataset([Stream(1, 2), Stream(), Stream(3)])
    chained = list(_chain), len(_chain), list(Stream(1) + Stream(2))
    wrong = [
        attempt(lambda: _both[9]),
        attempt(lambda: _both[-10]),
        attempt(lambda: ConcatDataset([])),
        attempt(lambda: ConcatDataset([Stream(1)])),
        attempt(lambda: list(ChainDataset([Numbers(2)]))),
        attempt(lambda: len(ChainDataset([Numbers(2)]))),
        attempt(lambda: Dataset()[0]),
    ]
    """
    )


def test_subset() -> None:
    parity(
        SETUP
        + """
    _part = Subset(Numbers(10), [7, 3, 5])
    _several = Subset(Several(10), [7, 3, 5])
    items = [_part[0], _part[-1], _part.__getitems__([2, 0]), _several.__getitems__([2, 0])]
    rows = Subset(TensorDataset(torch.arange(10)), [7, 3, 5])[[0, 2]]
    size = len(_part)

    class Half(Subset):
        def __getitem__(self, index):
            return self.dataset[index] / 2

    wrong = attempt(lambda: Half(Numbers(3), [1])), attempt(lambda: _part[3])
    """
    )


@pytest.mark.parametrize(
    "lengths", ["[7, 3]", "[0.5, 0.25, 0.25]", "[0.9, 0.1]", "(1/3, 1/3, 1/3)", "[10]", "[0, 10]"]
)
def test_random_split(lengths: str) -> None:
    parity(
        SETUP
        + f"""
    parts = [list(part.indices) for part in random_split(Numbers(10), {lengths})]
    _g = torch.Generator().manual_seed(42)
    given = [list(part) for part in random_split(Numbers(10), {lengths}, generator=_g)]
    after = torch.rand(2), torch.rand(2, generator=_g)
    """
    )


def test_wrong_splits() -> None:
    parity(
        SETUP
        + """
    wrong = [
        attempt(lambda: random_split(Numbers(10), lengths))
        for lengths in ([7, 2], [0.5, 0.4], [1.5, -0.5], [5, 5, 1])
    ]
    import warnings
    with warnings.catch_warnings(record=True) as _caught:
        warnings.simplefilter("always")
        small = [len(part) for part in random_split(Numbers(1), [0.5, 0.5])]
    warned = [w.category.__name__ for w in _caught]
    """
    )
