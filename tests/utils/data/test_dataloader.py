"""DataLoader against torch: batches, random numbers, options, worker processes, errors."""

from __future__ import annotations

import pickle

import pytest

from tests.parity import parity

SETUP = """
    import os, random, warnings
    from torch.utils.data import BatchSampler, DataLoader, Dataset, IterableDataset, RandomSampler
    from torch.utils.data import SequentialSampler, SubsetRandomSampler, Subset, TensorDataset
    from torch.utils.data import WeightedRandomSampler, get_worker_info, random_split

    warnings.filterwarnings("ignore", "This DataLoader will create")  # more workers than cores

    class Draws(Dataset):
        def __len__(self):
            return 7

        def __getitem__(self, index):
            return index, random.random(), float(np.random.rand()), torch.rand(2)

    class Stream(IterableDataset):
        def __init__(self, *lengths):
            self.lengths = lengths

        def __iter__(self):
            info = get_worker_info()
            which = 0 if info is None else info.id
            return iter([100 * which + i for i in range(self.lengths[which])])

        def __len__(self):
            return sum(self.lengths)

    class Failing(Dataset):
        def __init__(self, error, at=3):
            self.error, self.at = error, at

        def __len__(self):
            return 8

        def __getitem__(self, index):
            if index == self.at:
                raise self.error
            return index

    def attempts(loader):
        # all that a loop gives, going on after errors
        iterator, seen = iter(loader), []
        while len(seen) < 20:
            try:
                seen.append(next(iterator))
            except StopIteration:
                return seen
            except Exception as error:
                seen.append(error.with_traceback(None))

    _x, _y = torch.arange(20.0).reshape(10, 2), torch.arange(10)
    _rows = TensorDataset(_x, _y)
"""

LOADERS = [
    "DataLoader(_rows)",
    "DataLoader(_rows, 4)",
    "DataLoader(_rows, 4, drop_last=True)",
    "DataLoader(_rows, 4, shuffle=True)",
    "DataLoader(_rows, batch_size=None)",
    "DataLoader(_rows, batch_size=None, shuffle=True)",
    "DataLoader(_rows, 3, sampler=SubsetRandomSampler([1, 3, 5, 7, 9]))",
    "DataLoader(_rows, 3, sampler=[4, 4, 2])",
    "DataLoader(_rows, 4, sampler=WeightedRandomSampler([1.0] * 10, 12))",
    "DataLoader(_rows, batch_sampler=[[0, 1], [2], [3, 4, 5]])",
    "DataLoader(_rows, batch_sampler=BatchSampler(RandomSampler(_rows), 6, False))",
    "DataLoader(_rows, sampler=BatchSampler(SequentialSampler(_rows), 4, False), batch_size=None)",
    "DataLoader(_rows, 4, shuffle=True, generator=torch.Generator().manual_seed(3))",
    "DataLoader(Subset(_rows, [9, 1, 5]), 2)",
    "DataLoader(Subset(Subset(_rows, [9, 1, 5]), [2, 0]), 2, shuffle=True)",
    "DataLoader(random_split(_rows, [0.7, 0.3])[0], 3, shuffle=True)",
    "DataLoader(_rows, 4, collate_fn=len)",
    "DataLoader(_rows, 4, collate_fn=lambda rows: [y for _, y in rows])",
    "DataLoader(TensorDataset(_x.clone().requires_grad_()), 4)",
    "DataLoader(range(10), 4, shuffle=True)",
    "DataLoader([{'n': i, 's': str(i)} for i in range(5)], 2)",
    "DataLoader(np.arange(12.0).reshape(6, 2), 4)",
    "DataLoader(_x, 4)",
    "DataLoader(Stream(7), 3)",
    "DataLoader(Stream(7), 3, drop_last=True)",
    "DataLoader(Stream(7), batch_size=None)",
    "DataLoader(Stream(6), 3)",
    "DataLoader(Stream(0), 3)",
    "DataLoader(_rows, 4, num_workers=1, shuffle=True)",
    "DataLoader(_rows, 3, num_workers=2)",
    "DataLoader(_rows, 1, num_workers=3, shuffle=True, prefetch_factor=1)",
    "DataLoader(_rows, 4, num_workers=2, drop_last=True, prefetch_factor=5)",
    "DataLoader(_rows, batch_size=None, num_workers=2)",
    "DataLoader(_rows, 3, num_workers=2, shuffle=True, persistent_workers=True)",
    "DataLoader(Draws(), 2, num_workers=2)",
    "DataLoader(Draws(), 2, num_workers=3, worker_init_fn=lambda i: torch.manual_seed(i))",
    "DataLoader(Draws(), 2, num_workers=2, generator=torch.Generator().manual_seed(5))",
    "DataLoader(Stream(7), 3, num_workers=1)",
    "DataLoader(Stream(5, 9), 3, num_workers=2)",
    "DataLoader(Stream(9, 2), 2, num_workers=2, drop_last=True)",
    "DataLoader(Stream(3, 0), batch_size=None, num_workers=2)",
    "DataLoader(Stream(4, 4), 2, num_workers=2, persistent_workers=True)",
]


@pytest.mark.parametrize("loader", LOADERS)
def test_two_passes_and_the_numbers_drawn_around_them(loader: str) -> None:
    parity(
        SETUP
        + f"""
    _loader = {loader}
    before = torch.rand(1), random.random()
    passes = []
    for _ in range(2):
        passes += [torch.rand(1), *_loader]
    after = torch.rand(1), random.random(), float(np.random.rand())
    size = len(_loader)
    del _loader  # torch takes long to end workers that the garbage collector finds
    """
    )


TWO = ", num_workers=2"


@pytest.mark.parametrize("workers", ["", TWO, TWO + ", persistent_workers=True"])
def test_a_pass_left_early_and_draws_between_batches(workers: str) -> None:
    parity(
        SETUP
        + f"""
    _loader = DataLoader(_rows, 2, shuffle=True{workers})
    seen = []
    for _batch in _loader:
        seen += [_batch, torch.rand(1)]
        if len(seen) == 4:
            break
    seen += list(_loader)
    _iterator = iter(_loader)
    first = next(_iterator), len(_iterator), iter(_iterator) is _iterator
    after = torch.rand(1)
    del _loader, _iterator  # torch takes long to end workers that the garbage collector finds
    """
    )


def test_a_batch_from_a_tensor_dataset_does_not_share_memory_with_it() -> None:
    parity(
        SETUP
        + """
    _batch = next(iter(DataLoader(_rows, 4)))
    _batch[0].zero_()
    kept = _rows.tensors[0]
    single = next(iter(DataLoader(_rows, batch_size=None)))[0]
    """
    )


def test_an_overridden_dataset_is_asked_for_its_own_items() -> None:
    parity(
        SETUP
        + """
    class Doubled(TensorDataset):
        def __getitem__(self, index):
            return tuple(2 * item for item in super().__getitem__(index))

    class Batched(TensorDataset):
        def __getitems__(self, indices):
            return [self[i][1:] for i in indices]

    class First(Subset):
        def __getitem__(self, index):
            return self.dataset[self.indices[index]][0]

        def __getitems__(self, indices):
            return [self[i] for i in indices]

    batches = [
        list(DataLoader(kind, 4))
        for kind in (Doubled(_x, _y), Batched(_x, _y), First(_rows, [1, 2]))
    ]
    by_tensors = list(DataLoader(_rows, batch_sampler=[[torch.tensor(1), np.int64(2)], [-1]]))
    beyond = attempt(lambda: list(DataLoader(_rows, batch_sampler=[[0, 10]])))
    """
    )


def test_worker_info() -> None:
    parity(
        SETUP
        + """
    class Info(Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            info = get_worker_info()
            return info.id, info.num_workers, info.seed, type(info.dataset).__name__

    inside = list(DataLoader(Info(), None, num_workers=2))
    outside = get_worker_info()
    """
    )


ERRORS = [
    "ValueError('bad value')",
    "KeyError('a key')",
    "IndexError()",
    "OSError(2, 'no such file')",
    "UnicodeDecodeError('utf8', b'x', 0, 1, 'reason')",
    "ZeroDivisionError('a\\nb')",
    "RuntimeError(1, 2, 3)",
    "MemoryError()",
]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("error", ERRORS)
def test_errors_of_the_dataset(error: str, workers: int) -> None:
    parity(
        SETUP
        + f"""
    seen = attempts(DataLoader(Failing({error}), 2, num_workers={workers}))
    """
    )


def test_the_message_of_an_error_in_a_worker() -> None:
    run = parity(
        SETUP
        + """
    _messages = []
    for _error in (ValueError("bad value"), KeyError("a key")):
        _loader = DataLoader(Failing(_error), 2, num_workers=2)
        _message = str(attempt(lambda: list(_loader)))
        _messages.append(_message)
    starts = [m.split("Traceback")[0] for m in _messages]
    ends = [m.rstrip().split(chr(10))[-1] for m in _messages]
    lines = ["raise self.error" in m or "in __getitem__" in m for m in _messages]
    """
    )
    assert run["starts"][0] == "Caught ValueError in DataLoader worker process 1.\nOriginal "
    assert run["ends"] == ["ValueError: bad value", "KeyError: 'a key'"]
    assert run["lines"] == [True, True]


def test_errors_of_other_places_in_a_worker() -> None:
    parity(
        SETUP
        + """
    class Own(Exception):
        def __init__(self, a, b):
            super().__init__(a, b)

    def _collate(batch):
        raise ArithmeticError("collating")

    def _init(worker_id):
        raise LookupError("init")

    class Broken(IterableDataset):
        def __iter__(self):
            raise NameError("iter")

    wrong = [
        type(attempt(lambda: list(loader))).__mro__[-3].__name__
        for loader in (
            DataLoader(range(4), collate_fn=_collate, num_workers=1),
            DataLoader(range(4), worker_init_fn=_init, num_workers=1),
            DataLoader(Broken(), num_workers=1),
            DataLoader([object()], num_workers=1),
        )
    ]
    """
    )


@pytest.mark.parametrize(
    "wrong",
    [
        "DataLoader(_rows, num_workers=-1)",
        "DataLoader(_rows, timeout=-1)",
        "DataLoader(_rows, prefetch_factor=2)",
        "DataLoader(_rows, num_workers=1, prefetch_factor=-2)",
        "DataLoader(_rows, persistent_workers=True)",
        "DataLoader(_rows, shuffle=True, sampler=[1])",
        "DataLoader(_rows, batch_sampler=[[1]], batch_size=2)",
        "DataLoader(_rows, batch_sampler=[[1]], shuffle=True)",
        "DataLoader(_rows, batch_sampler=[[1]], sampler=[1])",
        "DataLoader(_rows, batch_sampler=[[1]], drop_last=True)",
        "DataLoader(_rows, batch_size=None, drop_last=True)",
        "DataLoader(_rows, batch_size=0)",
        "DataLoader(_rows, batch_size=2.5)",
        "DataLoader(_rows, batch_size='2')",
        "DataLoader(_rows, drop_last=1)",
        "DataLoader(TensorDataset(_x[:0]), shuffle=True)",
        "DataLoader(Stream(3), shuffle=True)",
        "DataLoader(Stream(3), sampler=[1])",
        "DataLoader(Stream(3), batch_sampler=[[1]])",
        "DataLoader(_rows, multiprocessing_context='fork')",
        "DataLoader(_rows, num_workers=1, multiprocessing_context='spoon')",
        "DataLoader(_rows, num_workers=1, multiprocessing_context=3)",
        "list(DataLoader(_rows, timeout=1))",
        "setattr(DataLoader(_rows), 'batch_size', 3)",
        "setattr(DataLoader(_rows), 'dataset', 3)",
        "len(DataLoader((i for i in range(3)), 2))",
        "list(DataLoader(3))",
        "list(DataLoader([], 2, shuffle=True))",
    ],
)
def test_wrong_arguments(wrong: str) -> None:
    parity(SETUP + f"    wrong = attempt(lambda: {wrong})")


def test_what_may_be_set_and_read() -> None:
    parity(
        SETUP
        + """
    _loader = DataLoader(_rows, 4, shuffle=True, num_workers=2)
    seen = [_loader.batch_size, _loader.num_workers, _loader.prefetch_factor, _loader.drop_last]
    seen += [_loader.timeout, _loader.pin_memory, _loader.persistent_workers]
    seen += [type(_loader.sampler).__name__, type(_loader.batch_sampler).__name__]
    seen += [_loader.dataset is _rows, _loader.multiprocessing_context, len(_loader)]
    _loader.num_workers = 0
    _loader.collate_fn = len
    batches = list(_loader)
    empty = list(DataLoader([], 2)), len(DataLoader([], 2)), list(DataLoader(TensorDataset(_x[:0])))
    """
    )


WARNED = """
    with warnings.catch_warnings(record=True) as _caught:
        warnings.simplefilter("always")
        seen = list({loader})
    warned = [w.category.__name__ for w in _caught]
"""


@pytest.mark.parametrize(
    "loader",
    [
        "DataLoader(_rows, 4, pin_memory=True)",
        "DataLoader(_rows, 4, num_workers=999 - 998)",
        "[len(_short), *_short]",
        "[len(_shared), *_shared]",
    ],
)
def test_warnings(loader: str) -> None:
    parity(
        SETUP
        + """
    class Short(Stream):
        def __len__(self):
            return 2

    _short = DataLoader(Short(4), 1)
    _shared = DataLoader(Stream(3, 3), 1, num_workers=1)
    """
        + WARNED.format(loader=loader)
    )


def test_more_workers_than_cores() -> None:
    import os

    from rushlight.utils.data import DataLoader

    cores = len(os.sched_getaffinity(0))
    with pytest.warns(UserWarning, match=f"{cores + 1} .* is {cores},") as caught:
        DataLoader(range(3), num_workers=cores + 1)
    assert [w.filename for w in caught] == [__file__]


def test_results_in_the_order_of_their_arrival() -> None:
    parity(
        SETUP
        + """
    import time

    class Slow(Dataset):
        def __len__(self):
            return 9

        def __getitem__(self, index):
            time.sleep(0.2 if index == 0 else 0)
            return index

    _loader = DataLoader(Slow(), None, num_workers=2, in_order=False)
    _got = list(_loader)
    everything, first_is_late = sorted(_got), _got[0] != 0
    """
    )


def test_large_batches_and_odd_data_arrive_whole() -> None:
    parity(
        SETUP
        + """
    class Images(Dataset):
        def __len__(self):
            return 6

        def __getitem__(self, index):
            return {
                "image": torch.full((3, 200, 300), index), "empty": torch.empty(0, 3),
                "turned": torch.arange(6.0).reshape(2, 3).t(), "name": "n" * 70000,
                "scalar": torch.tensor(index, dtype=torch.float16), "none": None, "b": b"x",
                "array": np.arange(index), "set": {1}, "bool": torch.tensor([True, False]),
            }

    got = list(DataLoader(Images(), None, num_workers=2, collate_fn=lambda item: item))
    _batches = DataLoader(Images(), 3, num_workers=2, collate_fn=lambda items: items[0]["image"])
    for _batch in _batches:
        _batch += 1  # what arrives can be written to
    last = _batch
    """
    )


def test_workers_that_are_not_forked() -> None:
    from multiprocessing import get_context

    import rushlight as torch
    from rushlight.utils.data import DataLoader, TensorDataset

    data = TensorDataset(torch.arange(10))
    loader = DataLoader(data, 4, num_workers=1, multiprocessing_context=get_context("spawn"))
    assert [batch.tolist() for (batch,) in loader] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    local = DataLoader(data, num_workers=2, collate_fn=lambda b: b, multiprocessing_context="spawn")
    with pytest.raises((AttributeError, pickle.PicklingError), match=r"(?i)pickle|local object"):
        iter(local)


def test_workers_need_something_to_prefetch() -> None:
    from rushlight.utils.data import DataLoader

    with pytest.raises(AssertionError, match="prefetch_factor must be greater than 0, got 0"):
        iter(DataLoader(range(3), num_workers=1, prefetch_factor=0))
