"""From one dtype, device or language to another, against torch."""

import copy
import gc
import pickle
import weakref
from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest

import rushlight as torch
from tests.ops.expressions import check
from tests.parity import parity

DIFFERENTIABLE = """
    x.to(torch.float32)
    x.to(torch.float64)
    x.to("cpu", torch.float32)
    x.to(v.float())
    x.float()
    x.double()
    x.type(torch.float32)
    x.type_as(v.float())
    x.clone()
    x.mT.clone()
    x.mT.contiguous()
    x.cpu()
    x.to(memory_format=torch.contiguous_format)
"""

CONVERTED = """
    x.to(torch.int64)
    x.to(dtype=torch.int8, device="cpu", copy=True)
    x.to(torch.int8, True, True)
    x.to("cpu")
    x.to(torch.device("cpu"), torch.int32, non_blocking=True)
    x.to(int)
    x.to(i)
    x.half()
    x.int()
    x.long()
    x.short()
    x.char()
    x.abs().byte()
    x.bool()
    x.cfloat()
    x.cdouble()
    x.type("torch.LongTensor")
    x.type()
    i.type()
    x.item() if x.numel() == 1 else x[0].item()
    i[0].item()
    torch.tensor(True).item()
    torch.tensor(1j).item()
    torch.tensor([[2.5]]).item()
    x.tolist()
    i.reshape(1, 3).tolist()
    torch.tensor(3).tolist()
    x.numpy()
    i.numpy()
    np.asarray(x)
    np.array(x, dtype=np.int8)
    np.asarray(torch.tensor(2.0))
    float(x[0]), int(x[0]), bool(x[0]), complex(x[0])
    [10, 20, 30][i[1]]
    list(range(i[0]))
    1 in i, 7 in i, x[0] in x
    torch.is_tensor(x), torch.is_tensor([1])
    x.is_floating_point(), i.is_floating_point(), torch.is_floating_point(x.half())
    x.is_complex(), torch.is_complex(x.cfloat())
    x.is_signed(), torch.is_signed(i.byte()) if i.min() >= 0 else i.is_signed()
    torch.is_nonzero(x[0]), torch.is_nonzero(torch.tensor(0))
    x.get_device()
    torch.result_type(x, 1), torch.result_type(i, 1.0), torch.result_type(i, torch.tensor(1.0))
    torch.result_type(1, 1.0), torch.result_type(x.half(), x), torch.result_type(i, 1j)
    torch.can_cast(torch.float32, torch.int32), torch.can_cast(torch.int8, torch.uint8)
    torch.can_cast(torch.bool, torch.int8), torch.can_cast(torch.float64, torch.float16)
    f"{x[0]:.2f} {i[0]:>4} {i}"
    str(x), repr(i)
"""

MISTAKES = """
    x.to("cuda")
    x.cuda()
    x.to([3])
    x.to("nowhere")
    x.to(foo=1)
    x.item()
    torch.zeros(0).item()
    bool(x)
    bool(torch.zeros(0))
    float(x)
    len(x[0])
    "a" in x
    torch.is_nonzero(x)
    x.requires_grad_().numpy()
    np.asarray(x.requires_grad_())
    copy.deepcopy(x.requires_grad_() * 2)
    f"{x:.2f}"
    [1, 2][x[0]]
    iter(x[0])
    hash([x])
    x.type("nothing")
"""


def lines(table):
    return [line.strip() for line in table.strip().splitlines()]


@pytest.mark.parametrize("expression", lines(DIFFERENTIABLE))
def test_differentiable(expression):
    check(expression)


@pytest.mark.parametrize("expression", lines(CONVERTED))
def test_converted(expression):
    parity(
        f"""
        x, i = torch.tensor([1.7, -2.5, 0.0]), torch.tensor([2, 1, 0])
        out = {expression}
        """
    )


@pytest.mark.parametrize("expression", lines(MISTAKES))
def test_mistakes(expression):
    parity(
        f"""
        import copy
        x = torch.tensor([1.7, -2.5])
        error = attempt(lambda: {expression})
        """
    )


def test_nothing_is_copied_where_nothing_changes():
    parity(
        """
        x = torch.ones(2, 3, requires_grad=True)
        same = [
            t is x for t in (
                x.to(torch.float32), x.to("cpu"), x.float(), x.cpu(), x.contiguous(), x.type_as(x),
                x.to(x), x.type(torch.float32), x.to(torch.float32, copy=True), x.clone(),
                x.double(),
            )
        ]
        shared = x.detach().numpy() is not None and x.detach().data_ptr() == x.data_ptr()
        """
    )


def test_the_array_is_the_tensors_memory():
    x = torch.zeros(3)
    x.numpy()[1] = 5
    np.asarray(x)[2] = 7
    assert x.tolist() == [0, 5, 7]
    assert torch.ones(2, requires_grad=True).numpy(force=True).tolist() == [1, 1]


def test_gradients_keep_the_types_of_what_they_are_of():
    parity(
        """
        x = torch.ones(3, requires_grad=True)
        (x.double() * torch.arange(3.0, dtype=torch.float64)).sum().backward()
        y = torch.ones(2, dtype=torch.float16, requires_grad=True)
        y.float().exp().sum().backward()
        c = torch.ones(2, requires_grad=True)
        (c.cfloat() * (1 + 2j)).sum().abs().backward()
        """
    )


def test_functions_of_each_element():
    parity(
        """
        x, y = torch.arange(6.0).reshape(2, 3), torch.ones(3)
        results = [
            x.clone().apply_(lambda a: a * 2), x.clone().map_(y, lambda a, b: a + b),
            x.clone().map_(x.flip(0), lambda a, b: max(a, b)),
        ]
        dense, name = y.to_dense(), torch.typename(y)
        other = torch.typename("a")
        back = torch.detach(x), x.get_device(), torch.get_device(x)
        turned = x.__reversed__()
        """
    )


def test_deep_copies():
    parity(
        """
        import copy

        x = torch.ones(2, 3, requires_grad=True)
        x.grad = torch.full((2, 3), 2.0)
        x.note = [1, 2]
        y = copy.deepcopy(x)
        y.note.append(3)
        y.grad[0, 0] = 7
        notes = x.note, y.note
        pair = copy.deepcopy([x, x, {"again": x}])
        one = pair[0] is pair[1] and pair[0] is pair[2]["again"]
        with torch.no_grad():
            pair[0].fill_(5)
        turned = copy.deepcopy(torch.arange(6.0).reshape(2, 3).t())
        strides = turned.stride()
        p = torch.nn.Parameter(torch.ones(2))
        q = copy.deepcopy(p)
        kind = type(q).__name__
        shallow = copy.copy(torch.ones(2))
        """
    )


def test_pickles():
    parity(
        """
        import pickle

        x = torch.arange(6.0).reshape(2, 3).t().requires_grad_()
        x.note = "kept"
        y = pickle.loads(pickle.dumps(x))
        note, strides = y.note, y.stride()
        kinds = [pickle.loads(pickle.dumps(t)) for t in (
            torch.tensor(3), torch.zeros(0, 2), torch.tensor([True]), torch.tensor([1j]),
            torch.ones(2).half(),
        )]
        names = pickle.loads(pickle.dumps((torch.float32, torch.Size([1, 2]), torch.device("cpu"))))
        formats = [str(f) for f in pickle.loads(pickle.dumps((torch.strided, torch.channels_last)))]
        """
    )


@pytest.mark.filterwarnings("ignore:backward hook")
def test_a_copy_does_not_take_over_hooks():
    x = torch.ones(2, requires_grad=True)
    seen = []
    x.register_hook(seen.append)
    for other in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        (other * 2).sum().backward()
    assert not seen
    assert other.grad.tolist() == [2, 2]


def test_a_pickle_keeps_no_base_alive():
    # It has the whole storage, as in torch; what is sent to another process has the values alone.
    big = torch.zeros(100_000)
    part = pickle.loads(pickle.dumps(big[:2]))
    assert part.untyped_storage().nbytes() == 400_000
    data = weakref.ref(part)
    del part
    gc.collect()
    assert data() is None
    assert torch.multiprocessing.get_context  # It is loaded when it is first asked for something.
    assert len(ForkingPickler.dumps(big[:2])) < 2000
    assert len(ForkingPickler.dumps(torch.ones(1).expand(100_000))) < 2000


def test_memory_that_numpy_sees_does_not_grow_though_it_is_empty():
    x = torch.zeros(0)
    x.numpy()
    for grow in (lambda: torch.exp(torch.ones(9), out=x), lambda: x.resize_(9)):
        with pytest.raises(RuntimeError, match="not resizable"):
            grow()
    assert torch.exp(torch.zeros(0), out=x) is x
    assert x.shape == (0,)
