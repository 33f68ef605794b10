"""`device="cuda"` up to the array library: what does not need a GPU to be tried."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
import torch as real

import rushlight as torch
import rushlight.nn.functional as F
from rushlight import nn
from tests.gpu.standin import Device, a_gpu
from tests.primitives.strict import Strict
from tests.primitives.test_strict_programs import PROGRAMS


@pytest.fixture(autouse=True)
def _gpu():
    with a_gpu():
        yield
    torch.set_default_device(None)


def on_gpu(tensor):
    return tensor.is_cuda and isinstance(tensor._data_, Strict)


def test_there_and_back():
    x = torch.arange(6.0).reshape(2, 3).t()
    for moved in (x.to("cuda"), x.cuda(), x.cuda(0), x.to(0), x.to(torch.device("cuda", 0))):
        assert on_gpu(moved)
        assert moved.device == torch.device("cuda:0")
        assert moved.stride() == x.stride()
        assert moved.get_device() == 0
        assert (moved.is_cpu, moved.is_meta) == (False, False)
        assert moved.type() == "torch.cuda.FloatTensor"
        assert moved.to("cuda") is moved
        back = moved.cpu()
        assert isinstance(back._data_, np.ndarray)
        assert back.tolist() == x.tolist() == moved.tolist()
    assert x.cpu() is x
    assert x.cuda().to("cpu", torch.float64).dtype is torch.float64
    assert x.to(moved).is_cuda


def test_what_it_prints():
    x = torch.tensor([1, 2], dtype=torch.int32, device="cuda")
    assert repr(x) == "tensor([1, 2], device='cuda:0', dtype=torch.int32)"
    w = torch.ones(1, device="cuda", requires_grad=True)
    assert repr(w) == "tensor([1.], device='cuda:0', requires_grad=True)"
    assert f"{w.detach()[0]:.2f}" == "1.00"
    assert w.item() == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda **k: torch.zeros(2, **k), lambda **k: torch.full((2,), 3.0, **k),
        lambda **k: torch.arange(3, **k), lambda **k: torch.tensor([1.0, 2.0], **k),
        lambda **k: torch.empty(2, 3, **k).zero_(), lambda **k: torch.eye(2, **k),
        lambda **k: torch.linspace(0, 1, 3, **k), lambda **k: torch.rand(3, **k),
        lambda **k: torch.randn(3, **k), lambda **k: torch.randint(5, (4,), **k),
        lambda **k: torch.randperm(5, **k), lambda **k: torch.as_tensor([1, 2], **k),
        lambda **k: torch.nn.Linear(2, 2, **k).weight, lambda **k: torch.ones(2, dtype=torch.half, **k),
        lambda **k: torch.zeros_like(torch.ones(3), **k), lambda **k: torch.ones(2).new_zeros(2, **k),
    ],
)  # fmt: skip
def test_makers(make):
    torch.manual_seed(3)
    expected = make()
    torch.manual_seed(3)
    got = make(device="cuda")
    assert on_gpu(got)
    assert got.dtype == expected.dtype
    # The numbers are drawn on the CPU, and are the CPU's under the same seed.
    assert got.tolist() == expected.tolist()
    assert got.requires_grad == expected.requires_grad


def test_the_default_device():
    torch.set_default_device("cuda")
    assert torch.get_default_device() == torch.device("cuda:0")
    for make in (
        torch.ones,
        torch.rand,
        torch.randn,
        torch.arange,
        torch.randperm,
        torch.empty,
        torch.eye,
    ):
        assert on_gpu(make(2)), make
    assert on_gpu(torch.tensor([1]))
    assert on_gpu(torch.full((2,), 1.0))
    assert on_gpu(torch.randint(5, (2,)))
    assert on_gpu(torch.nn.Dropout()(torch.ones(5)))
    assert not torch.from_numpy(np.ones(2)).is_cuda
    assert not torch.zeros_like(torch.ones(2, device="cpu")).is_cuda
    assert on_gpu(nn.Linear(2, 3).bias)
    assert not torch.ones(2, device="cpu").is_cuda
    torch.set_default_device("cpu")
    assert not torch.ones(2).is_cuda
    with torch.device("cuda"):
        assert on_gpu(torch.zeros(1))
    assert not torch.zeros(1).is_cuda


def test_gradients_go_back_to_where_the_tensor_is():
    x = torch.ones(3, requires_grad=True)
    y = x.cuda()
    assert type(y.grad_fn).__name__ == "ToCopyBackward"
    w = torch.full((3,), 2.0, device="cuda", requires_grad=True)
    (y * w).sum().backward()
    assert isinstance(x.grad._data_, np.ndarray)
    assert x.grad.tolist() == [2, 2, 2]
    assert on_gpu(w.grad)
    assert w.grad.tolist() == [1, 1, 1]


def test_devices_are_not_mixed():
    x, y = torch.ones(2), torch.ones(2, device="cuda")
    for call in (lambda: x + y, lambda: y * x, lambda: torch.cat([x, y]), lambda: F.linear(y, x)):
        with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
            call()
    # Numbers without dimensions go with any, and an index may lie in memory.
    assert on_gpu(y + torch.tensor(1.0))
    assert y[torch.tensor([0])].tolist() == [1]


def test_numpy_is_not_given_what_is_elsewhere():
    x = torch.ones(2, device="cuda")
    with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy"):
        x.numpy()
    assert x.numpy(force=True).tolist() == [1, 1]
    assert x.cpu().numpy().tolist() == [1, 1]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_with_device_cuda_trains_as_on_the_cpu(name):
    model_of, batch_of, optimizer_of = PROGRAMS[name]
    losses = []
    for place in ("cpu", "cuda"):
        torch.manual_seed(0)
        model = model_of().to(place)
        optimizer = optimizer_of(model.parameters())
        for _ in range(3):
            inputs, labels = (t.to(place) for t in batch_of())
            optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert all(p.device.type == place for p in model.parameters())
        assert all(p.grad.device.type == place for p in model.parameters())
    assert losses[:3] == losses[3:]


def test_checkpoints():
    torch.manual_seed(0)
    model = nn.Linear(2, 3).cuda()
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 2, device="cuda")).sum().backward()
    optimizer.step()
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "x": torch.ones(4).cuda(),
    }
    state["view"] = state["x"][1:3]
    file = io.BytesIO()
    torch.save(state, file)

    def loaded(framework, **options):
        file.seek(0)
        return framework.load(file, **options)

    got = loaded(torch)
    assert on_gpu(got["model"]["weight"])
    got["view"].fill_(5)
    assert got["x"].tolist() == [1, 5, 5, 1]
    for place in (
        "cpu",
        torch.device("cpu"),
        {"cuda:0": "cpu"},
        lambda storage, location: storage.cpu(),
    ):
        got = loaded(torch, map_location=place)
        assert not got["model"]["weight"].is_cuda
        assert got["model"]["weight"].tolist() == model.weight.tolist()
    with pytest.raises(RuntimeError, match="Attempting to deserialize object on a CUDA device"):
        loaded(real)
    assert loaded(real, map_location="cpu")["model"]["weight"].tolist() == model.weight.tolist()
    twin = nn.Linear(2, 3).cuda()
    twin.load_state_dict(loaded(torch, map_location="cpu")["model"])
    assert on_gpu(twin.weight)


def test_what_torch_cuda_says():
    assert torch.cuda.is_available()
    assert torch.cuda.device_count() == 2
    assert torch.cuda.current_device() == 0
    assert torch.cuda.get_device_name() == "stand-in"
    assert torch.cuda.get_device_capability(0) == (9, 0)
    assert torch.cuda.memory_allocated() == 64
    assert torch.cuda.memory_reserved() == 512
    assert torch.cuda.mem_get_info() == (2**29, 2**30)
    before = Device.waited
    torch.cuda.synchronize()
    assert Device.waited == before + 1
    with torch.cuda.device(1):
        assert torch.cuda.current_device() == 1
    assert torch.cuda.current_device() == 0
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    end.record()
    assert start.elapsed_time(end) >= 0
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        torch.ones(2, device="cuda")
    stream.synchronize()
    torch.cuda.current_stream().wait_stream(stream)
    with pytest.raises(RuntimeError, match="invalid device ordinal"):
        torch.ones(1, device="cuda:7")


def test_cupy_is_imported_only_when_somebody_asks():
    code = (
        "import sys, rushlight as torch; torch.ones(2).sum(); assert 'cupy' not in sys.modules\n"
        "assert 'rushlight.cuda.arrays' not in sys.modules; print(torch.cuda.is_available())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
