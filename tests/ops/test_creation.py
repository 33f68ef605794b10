"""New tensors against torch."""

import numpy as np
import pytest

import rushlight as torch
from tests.parity import parity

CREATED = """
    torch.zeros(2, 3)
    torch.zeros((2, 3))
    torch.zeros([2])
    torch.zeros(())
    torch.zeros(size=(2,))
    torch.zeros(torch.tensor(2), np.int64(3))
    torch.zeros(torch.Size([2, 1]))
    torch.zeros(2, dtype=float)
    torch.zeros(2, dtype=bool)
    torch.zeros(2, dtype=torch.complex64)
    torch.ones(2, requires_grad=True)
    torch.ones(2, dtype=torch.int8, device="cpu", layout=torch.strided, pin_memory=False)
    torch.empty(0, 3)
    torch.full((2,), True)
    torch.full((2,), 3)
    torch.full([2], 3.5)
    torch.full((1, 2), 1j)
    torch.full((2,), 3.7, dtype=torch.int32)
    torch.full((2,), torch.tensor(4))
    torch.full((), float("inf"))
    torch.zeros_like(torch.ones(2, 3).t())
    torch.ones_like(torch.zeros(2, dtype=torch.int16))
    torch.ones_like(torch.zeros(2), dtype=torch.float64, requires_grad=True)
    torch.full_like(torch.ones(2).long(), 2.5)
    torch.full_like(torch.ones(2), 7, dtype=torch.int64)
    torch.ones(2).int().new_zeros(2, 3)
    torch.ones(2).int().new_ones((2,), dtype=torch.float64)
    torch.ones(2).int().new_full((2,), 7)
    torch.ones(2).new_tensor([1, 2])
    torch.ones(2).long().new_tensor([1.5, 2.5], requires_grad=False)
    torch.ones(2).new_empty(0)
    torch.ones(2).double().new([1, 2])
    torch.scalar_tensor(3)
    torch.scalar_tensor(True, dtype=torch.bool)
    torch.eye(3)
    torch.eye(2, 3, dtype=torch.int64)
    torch.arange(5)
    torch.arange(5.0)
    torch.arange(1, 10, 3)
    torch.arange(10, 0, -3)
    torch.arange(0.5, 3)
    torch.arange(0, 1, 0.3)
    torch.arange(0, 3.7, 0.5, dtype=torch.int32)
    torch.arange(start=2, end=4)
    torch.arange(end=3)
    torch.arange(0)
    torch.arange(3, dtype=torch.float16)
    torch.arange(2**53, 2**53 + 3)
    torch.arange(torch.tensor(3))
    torch.arange(3.0, requires_grad=True)
    torch.linspace(0, 1, 5)
    torch.linspace(3, -2, 7, dtype=torch.float64)
    torch.linspace(0, 10, 4, dtype=torch.int64)
    torch.linspace(1, 1j, 3)
    torch.linspace(0, 1, 1)
    torch.linspace(0, 1, 0)
    torch.linspace(torch.tensor(1.0), 2, 3)
    torch.logspace(0, 3, 4)
    torch.logspace(0, 3, 4, base=2)
    torch.logspace(0, 3, 4, 2, dtype=torch.int32)
    torch.logspace(-1, 1, 3, dtype=torch.float64)
    torch.tril_indices(3, 3)
    torch.tril_indices(3, 4, 1)
    torch.triu_indices(3, 4, -1, dtype=torch.int32)
    torch.tensor(3)
    torch.tensor(2.5)
    torch.tensor(True)
    torch.tensor(1j)
    torch.tensor([])
    torch.tensor([[], []])
    torch.tensor([1, 2])
    torch.tensor([1, 2.5])
    torch.tensor([True, 2])
    torch.tensor([True, False])
    torch.tensor([1, 1j])
    torch.tensor(((1, 2), (3, 4)))
    torch.tensor(range(3))
    torch.tensor([range(2), range(2)])
    torch.tensor(np.arange(3, dtype=np.int16))
    torch.tensor(np.float64(1.5))
    torch.tensor([np.float32(1.5), np.float32(2)])
    torch.tensor([np.float64(1.5)])
    torch.tensor([torch.tensor(1), torch.tensor(2.5)])
    torch.tensor([torch.ones(1), torch.zeros(1, 1)])
    torch.tensor([1.5, -1.5], dtype=torch.int32)
    torch.tensor([0, 2], dtype=torch.bool)
    torch.tensor(-1, dtype=torch.uint8)
    torch.tensor([1e40])
    torch.tensor([1.0, 2.0], requires_grad=True)
    torch.as_tensor([1, 2.0])
    torch.as_tensor(np.arange(3))
    torch.as_tensor(np.arange(3), dtype=torch.float32)
    torch.as_tensor(torch.ones(2), dtype=torch.int8)
    torch.asarray([1, 2], dtype=torch.float32, requires_grad=True)
    torch.asarray(np.ones(2))
    torch.asarray(5)
    torch.from_numpy(np.ones((2, 3), dtype=np.float32))
    torch.from_numpy(np.ones((2, 3)).T)
    torch.frombuffer(bytearray(b"abcdefgh"), dtype=torch.int16)
    torch.frombuffer(bytearray(b"abcdefgh"), dtype=torch.int8, count=3, offset=2)
    torch.from_dlpack(np.ones(2))
    torch.from_dlpack(torch.ones(2))
    np.from_dlpack(torch.ones(2))
    torch.complex(torch.ones(2), torch.arange(2.0))
    torch.Tensor([1, 2])
    torch.Tensor((2, 3))
    torch.Tensor()
    torch.Tensor(2, 0)
    torch.Tensor(torch.Size([0, 2]))
    torch.Tensor(np.ones(2))
    torch.Tensor(torch.ones(2))
    torch.LongTensor([1, 2])
    torch.LongTensor([1.5])
    torch.FloatTensor(torch.ones(2))
    torch.ByteTensor([1, 255])
    torch.BoolTensor([True, False])
    torch.DoubleTensor([[1], [2]])
    torch.IntTensor(0)
"""

MISTAKES = """
    torch.zeros(-1)
    torch.zeros(2.5)
    torch.zeros([2, "a"])
    torch.zeros()
    torch.zeros(2, foo=1)
    torch.zeros(2, dtype="float32")
    torch.zeros(2, dtype=torch.int64, requires_grad=True)
    torch.zeros(2, device="cuda")
    torch.zeros(2, device="nowhere")
    torch.full(2, 3)
    torch.full((2,), 300, dtype=torch.uint8)
    torch.full((2,), float("nan"), dtype=torch.int32)
    torch.full((2,), 1e40)
    torch.zeros_like([1])
    torch.eye(-1)
    torch.arange(3, 0)
    torch.arange(0, 5, 0)
    torch.arange(0, float("inf"))
    torch.arange(3, dtype=torch.bool)
    torch.arange()
    torch.linspace(0, 1)
    torch.linspace(0, 1, -1)
    torch.linspace(torch.ones(2), 1, 3)
    torch.tril_indices(-1, 2)
    torch.tensor([[1, 2], [3]])
    torch.tensor([1, [2]])
    torch.tensor("a")
    torch.tensor(["a"])
    torch.tensor(None)
    torch.tensor([None])
    torch.tensor({})
    torch.tensor(2**70)
    torch.tensor([2**63])
    torch.tensor(300, dtype=torch.uint8)
    torch.tensor([300], dtype=torch.uint8)
    torch.tensor(1j, dtype=torch.float32)
    torch.tensor([1, 2], requires_grad=True)
    torch.tensor([torch.ones(2), torch.ones(2)])
    torch.tensor(np.array(["a"]))
    torch.tensor(np.ones(3)[::-1])
    torch.tensor(np.ones(3, ">f4"))
    torch.from_numpy([1])
    torch.from_numpy(np.array(["a"]))
    torch.from_numpy(np.ones(3)[::-1])
    torch.frombuffer(bytearray(b""), dtype=torch.int8)
    torch.frombuffer(bytearray(b"abc"), dtype=torch.int16)
    torch.frombuffer(bytearray(b"abc"), dtype=torch.int8, offset=3)
    torch.frombuffer(bytearray(b"abc"), dtype=torch.int8, count=4)
    torch.complex(torch.ones(2), torch.ones(2).double())
    torch.complex(torch.ones(2).long(), torch.ones(2).long())
    torch.asarray([1], copy=False)
    torch.asarray(np.ones(2), dtype=torch.float32, copy=False)
    torch.Tensor(2.5)
    torch.Tensor([[1, 2], [3]])
    torch.LongTensor(torch.ones(2))
    torch.empty_strided((2,), (1, 2))
    torch.set_default_dtype(torch.int64)
    torch.from_dlpack(torch.ones(2, requires_grad=True))
"""


def lines(table):
    return [line.strip() for line in table.strip().splitlines()]


@pytest.mark.parametrize("expression", lines(CREATED))
def test_created(expression):
    parity(
        f"""
        out = {expression}
        strides = out.stride() if isinstance(out, torch.Tensor) else out.strides
        """
    )


@pytest.mark.parametrize("expression", lines(MISTAKES))
def test_mistakes(expression):
    parity(f"error = attempt(lambda: {expression})")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_counted_numbers_are_torchs_to_the_last_bit(dtype):
    draw = np.random.default_rng(0)
    cases = [
        (float(draw.uniform(-5, 5)), float(draw.uniform(0.01, 1)), int(draw.integers(1, 200)))
        for _ in range(40)
    ]
    parity(
        f"""
        counted = [torch.arange(a, a + b * n, b, dtype=torch.{dtype}) for a, b, n in cases]
        between = [torch.linspace(a, b, n, dtype=torch.{dtype}) for a, b, n in cases]
        """.replace("cases", repr(cases)),
        rtol=0,
        atol=0,
    )


def test_memory_is_shared_or_copied_as_in_torch():
    parity(
        """
        array = np.zeros(3)
        torch.from_numpy(array)[0] = 1
        torch.as_tensor(array)[1] = 1
        torch.tensor(array)[2] = 5
        torch.asarray(array)[2] += 1
        buffer = bytearray(4)
        torch.frombuffer(buffer, dtype=torch.uint8)[1] = 7
        bytes_ = bytes(buffer)
        x = torch.zeros(3)
        x.numpy()[0] = 1
        same = torch.as_tensor(x) is x, torch.asarray(x).data_ptr() == x.data_ptr()
        copied = torch.asarray(x, copy=True).data_ptr() == x.data_ptr()
        """
    )


def test_dlpack():
    parity(
        """
        from torch.utils.dlpack import from_dlpack, to_dlpack

        x = torch.ones(2)
        y = from_dlpack(to_dlpack(x))
        y[0] = 5
        where = x.__dlpack_device__()[1]
        del from_dlpack, to_dlpack
        """
    )


def test_default_dtype():
    parity(
        """
        torch.set_default_dtype(torch.float64)
        kinds = [torch.tensor(1.0), torch.zeros(1), torch.arange(2.0), torch.tensor(1j),
                 torch.Tensor([1]),
                 torch.linspace(0, 1, 2), torch.eye(1), torch.rand(1).dtype, torch.full((1,), 2.0)]
        torch.set_default_tensor_type(torch.FloatTensor)
        again = torch.get_default_dtype(), torch.tensor(1.0)
        where = torch.get_default_device()
        """
    )


def test_types_of_old():
    parity(
        """
        x = torch.ones(2)
        answers = [
            isinstance(x, torch.FloatTensor), isinstance(x, torch.LongTensor),
            isinstance(x, torch.Tensor),
            x.type(), x.long().type(), x.bool().type(), str(torch.FloatTensor),
            torch.HalfTensor.dtype,
        ]
        converted = x.type(torch.LongTensor), x.type("torch.DoubleTensor"), x.type(torch.int8)
        wrong = attempt(lambda: x.type("torch.FooTensor")), attempt(lambda: x.type(int))
        shapes = torch.Tensor(2, 3).shape, torch.LongTensor(4).shape, torch.Tensor(3).shape
        new = x.new(2, 2).shape
        """
    )


def test_subclasses():
    parity(
        """
        class Own(torch.Tensor):
            pass

        x = Own([1.0, 2.0])
        kinds = type(x).__name__, isinstance(x, torch.Tensor), x.tolist()
        y = torch.ones(2, requires_grad=True)
        z = (y * 2).as_subclass(Own)
        z.sum().backward()
        made = torch.Tensor._make_subclass(Own, torch.ones(2), True)
        say = type(z).__name__, type(made).__name__, made.requires_grad
        gradient = y.grad
        del x, z, made
        """
    )


def test_out_and_unknown_formats():
    parity(
        """
        x = torch.zeros(5)
        same = torch.arange(5, out=x) is x
        y = torch.empty(0)
        torch.linspace(0, 1, 3, out=y)
        wrong = attempt(lambda: torch.zeros(2, 3).to(memory_format=torch.channels_last))
        names = [str(f) for f in (torch.strided, torch.channels_last, torch.preserve_format)]
        kind = type(torch.strided).__name__, type(torch.channels_last).__name__
        """
    )


def test_copying_a_tensor_by_tensor_warns():
    with pytest.warns(UserWarning, match="clone"):
        torch.tensor(torch.ones(2))


def test_numbers_that_numpy_lacks_are_names_only():
    assert str(torch.complex32) == "torch.complex32"
    assert torch.complex32.is_complex
    with pytest.raises(NotImplementedError, match="complex64"):
        torch.zeros(2).chalf()
    with pytest.raises(NotImplementedError, match="strided"):
        torch.zeros(2, layout=torch.sparse_coo)
