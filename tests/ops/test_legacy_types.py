"""`torch.FloatTensor` and its kind, and those of `torch.cuda`, which are names only."""

import pickle

import pytest

import rushlight
from tests.parity import parity


def test_constructors():
    parity("""
        x = torch.tensor([[3.0, 1.0], [6.0, 5.0]])
        made = [torch.FloatTensor([1, 2]), torch.LongTensor([1.7, 2]), torch.ByteTensor([1, 0, 255]),
                torch.BoolTensor([1, 0, 2]), torch.DoubleTensor(np.ones(2)), torch.IntTensor(range(3)),
                torch.FloatTensor(x), torch.HalfTensor([0.1]), torch.Tensor([1, 2])]
        shapes = [torch.FloatTensor(2, 3).shape, torch.LongTensor(x.shape).shape, torch.Tensor(3).shape]
        same = torch.FloatTensor(x).data_ptr() == x.data_ptr()
        for _bad in (lambda: torch.FloatTensor(x.long()), lambda: torch.FloatTensor(3.0),
                     lambda: torch.FloatTensor("a"), lambda: torch.ByteTensor([300]),
                     lambda: torch.FloatTensor([1.0], device="cuda")):
            print(type(attempt(_bad)).__name__)
    """)


def test_as_types():
    parity("""
        from typing import Optional
        x, i = torch.zeros(2), torch.zeros(2, dtype=torch.int64)
        print(torch.FloatTensor, torch.cuda.LongTensor)
        _kinds = Optional[torch.LongTensor], torch.FloatTensor | None
        print(isinstance(torch.FloatTensor, type), type(x) is torch.Tensor)
        checks = [isinstance(x, torch.FloatTensor), isinstance(i, (torch.FloatTensor, torch.LongTensor)),
                  isinstance(x, torch.cuda.FloatTensor), issubclass(torch.FloatTensor, torch.Tensor),
                  torch.cuda.HalfTensor.is_cuda, torch.HalfTensor.is_cuda]
        facts = torch.cuda.DoubleTensor.dtype, torch.IntTensor.dtype, torch.FloatTensor.__name__
        layout = str(torch.FloatTensor.layout), torch.FloatTensor.is_sparse
        cast = [x.type("torch.LongTensor"), x.type(torch.DoubleTensor), x.type(torch.int8), x.type()]
        errors = [attempt(lambda: x.type("torch.cuda.FloatTensor")), attempt(lambda: x.type("Float")),
                  attempt(lambda: x.type(torch.cuda.FloatTensor)), attempt(lambda: torch.cuda.FloatTensor(2)),
                  attempt(lambda: torch.set_default_tensor_type(torch.cuda.FloatTensor))]
        torch.set_default_tensor_type(torch.DoubleTensor)
        wide = torch.zeros(1)
        torch.set_default_tensor_type("torch.FloatTensor")
    """)  # fmt: skip


@pytest.mark.parametrize(
    "kind", [rushlight.FloatTensor, rushlight.cuda.LongTensor, rushlight.Tensor]
)
def test_types_can_be_pickled(kind):
    assert pickle.loads(pickle.dumps(kind)) is kind


def test_a_tensor_says_that_it_is_a_tensor():
    assert repr(type(rushlight.zeros(1))) == "<class 'rushlight.Tensor'>"
    again = pickle.loads(pickle.dumps(rushlight.ones(2)))
    assert type(again) is rushlight.Tensor


def test_cuda_says_that_it_is_not_there():
    parity("""
        nothing = [torch.cuda.get_arch_list(), torch.cuda.default_generators, torch.cuda.seed_all(),
                   torch.cuda.get_rng_state_all(), torch.cuda.max_memory_reserved(),
                   torch.cuda.memory_stats(), torch.cuda.set_rng_state_all([]), torch.cuda.memory_cached()]
        with torch.cuda.stream(None):
            pass
        def _enter():
            with torch.cuda.device(0):
                pass
        errors = [attempt(lambda: torch.cuda.Event(enable_timing=True)), attempt(torch.cuda.Stream),
                  attempt(torch.cuda.current_stream), attempt(torch.cuda.init), attempt(_enter),
                  attempt(lambda: torch.cuda.get_device_properties(0)), attempt(torch.cuda.mem_get_info),
                  attempt(torch.cuda.get_device_capability), attempt(torch.cuda.get_rng_state)]
        is_error = issubclass(torch.cuda.OutOfMemoryError, RuntimeError)
        same = torch.cuda.OutOfMemoryError is torch.OutOfMemoryError
    """)  # fmt: skip
