"""Samplers against torch: the order, what is drawn from which generator, and errors."""

from __future__ import annotations

import pytest

from rushlight.utils import data
from tests.parity import parity

SAMPLERS = [
    "SequentialSampler(range(5))",
    "RandomSampler(range(10))",
    "RandomSampler(range(10), num_samples=25)",
    "RandomSampler(range(10), num_samples=4)",
    "RandomSampler(range(10), replacement=True)",
    "RandomSampler(range(10), replacement=True, num_samples=64)",
    "RandomSampler(range(1000), True, 77, generator=g)",
    "RandomSampler(range(10), generator=g)",
    "SubsetRandomSampler([5, 3, 9, 7])",
    "SubsetRandomSampler(range(20, 30), generator=g)",
    "WeightedRandomSampler([0.1, 0.9, 0.4, 0.0, 2.0], 8)",
    "WeightedRandomSampler([0.1, 0.9, 0.4, 0.0, 2.0], 3, replacement=False)",
    "WeightedRandomSampler(torch.tensor([1, 2, 3]), 40, generator=g)",
    "BatchSampler(SequentialSampler(range(10)), 3, False)",
    "BatchSampler(SequentialSampler(range(10)), 3, True)",
    "BatchSampler(RandomSampler(range(10)), batch_size=4, drop_last=False)",
    "BatchSampler([8, 6, 4], 2, True)",
    "DistributedSampler(range(10), 3, 0)",
    "DistributedSampler(range(10), 3, 2, shuffle=False)",
    "DistributedSampler(range(10), 3, 1, seed=5, drop_last=True)",
    "DistributedSampler(range(2), 5, 4)",
    "DistributedSampler(range(9), 3, 1, drop_last=True)",
]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_two_passes_and_the_numbers_drawn_afterwards(sampler: str) -> None:
    parity(
        f"""
        from torch.utils.data import BatchSampler, DistributedSampler, RandomSampler, Sampler
        from torch.utils.data import SequentialSampler, SubsetRandomSampler, WeightedRandomSampler
        g = torch.Generator().manual_seed(5)
        _sampler = {sampler}
        before = torch.rand(1)
        passes = [list(_sampler), list(_sampler)]
        between = torch.rand(1), torch.rand(1, generator=g)
        if isinstance(_sampler, DistributedSampler):
            _sampler.set_epoch(3)
        first = next(iter(_sampler))
        size = len(_sampler)
        after = torch.rand(1), torch.rand(1, generator=g)
        """
    )


def test_nothing_is_drawn_before_the_first_index() -> None:
    parity(
        """
        from torch.utils.data import BatchSampler, DistributedSampler, RandomSampler, Sampler
        from torch.utils.data import SequentialSampler, SubsetRandomSampler, WeightedRandomSampler
        _plain = RandomSampler(range(10))
        _iterators = [iter(_plain), iter(BatchSampler(_plain, 2, False))]
        before = torch.rand(2)
        first = [next(i) for i in _iterators]
        """
    )


@pytest.mark.parametrize(
    "wrong",
    [
        "RandomSampler(range(10), replacement=1)",
        "RandomSampler(range(10), num_samples=0)",
        "RandomSampler(range(10), num_samples=2.5)",
        "RandomSampler([])",
        "WeightedRandomSampler([1.0], 0)",
        "WeightedRandomSampler([1.0], True)",
        "WeightedRandomSampler([1.0], 1, replacement=None)",
        "WeightedRandomSampler([[1.0], [2.0]], 1)",
        "list(WeightedRandomSampler([1.0, 2.0], 3, replacement=False))",
        "list(WeightedRandomSampler([1.0, -2.0], 3))",
        "BatchSampler(range(3), 0, False)",
        "BatchSampler(range(3), 2.0, False)",
        "BatchSampler(range(3), True, False)",
        "BatchSampler(range(3), 2, None)",
        "DistributedSampler(range(3), 2, 2)",
        "DistributedSampler(range(3), 2, -1)",
        "list(Sampler())",
        "len(Sampler())",
        "len(BatchSampler((i for i in range(3)), 2, False))",
    ],
)
def test_wrong_arguments(wrong: str) -> None:
    parity(
        f"""
        from torch.utils.data import BatchSampler, DistributedSampler, RandomSampler, Sampler
        from torch.utils.data import SequentialSampler, SubsetRandomSampler, WeightedRandomSampler
        wrong = attempt(lambda: {wrong})
        """
    )


def test_without_a_process_group_rank_and_number_are_needed() -> None:
    from rushlight import distributed
    from rushlight.utils.data import DistributedSampler

    if distributed.is_initialized():  # by another test
        distributed.destroy_process_group()
    with pytest.raises(ValueError, match="give num_replicas and rank"):
        DistributedSampler(range(3))


def test_endless_sampling_takes_no_memory():
    import tracemalloc

    tracemalloc.start()
    sampler = data.RandomSampler(range(10), replacement=True, num_samples=10**10)
    numbers = [number for number, _ in zip(sampler, range(100), strict=False)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(numbers) == 100
    assert peak < 100_000
