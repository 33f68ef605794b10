"""What an installation must do with NumPy, SciPy and ml_dtypes alone; run by the release workflow."""

import copy
import io
import pickle
import sys
import warnings

import numpy

warnings.simplefilter("error")

import rushlight as torch  # noqa: E402
from rushlight import nn  # noqa: E402
from rushlight.compiler import record  # noqa: E402

print(sys.version.split()[0], torch.__version__, numpy.__version__)


class Asserting(torch.fx.Tracer):
    trace_asserts = True


class Compared(nn.Module):
    def forward(self, x):
        first, second = x.chunk(2)[0], x
        assert first.sum() > 0
        return torch.add(first, second, alpha=2)


class Truth(nn.Module):
    def forward(self, x):
        assert x
        return x


class Mode(torch.overrides.TorchFunctionMode):
    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.calls.append((function.__name__, len(args), sorted(kwargs or {})))
        return function(*args, **(kwargs or {}))


class Sub(torch.Tensor):
    pass


class Log:
    def __init__(self):
        self.seen = []


LOG = Log()


def changes_python(x):
    y = x * 2
    LOG.seen = [y.shape]
    return y


def training():
    torch.manual_seed(0)
    x = torch.randn(64, 8)
    y = x.sin().sum(1, keepdim=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 3, losses
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    twin = pickle.loads(pickle.dumps(copy.deepcopy(model)))
    twin.load_state_dict(torch.load(file))
    assert torch.equal(twin(x), model(x))
    data = torch.utils.data.TensorDataset(x, y)
    assert len(list(torch.utils.data.DataLoader(data, batch_size=16))) == 4


def rooms():
    nn.LSTM(4, 5)(torch.randn(3, 2, 4))[0].sum().backward()
    nn.Conv2d(1, 2, 3)(torch.randn(1, 1, 8, 8)).sum().backward()
    assert torch.ones(3, dtype=torch.bfloat16).sum().item() == 3
    assert torch.linalg.solve(torch.eye(3), torch.ones(3)).tolist() == [1, 1, 1]
    assert torch.special.gammaln(torch.ones(1)).item() == 0
    torch.func.vmap(torch.func.grad(lambda w: (w * w).sum()))(torch.randn(3, 2))
    assert torch.ones(3).argmax().dtype is torch.int64
    assert torch.arange(3).cumsum(0).dtype is torch.int64


def what_reads_bytecode():
    for module in (Compared(), Truth()):
        assert "assert" in str(Asserting().trace(module))
    assert "linear" in torch.fx.symbolic_trace(nn.Linear(2, 3)).code
    with Mode() as mode:
        torch.add(torch.ones(2), torch.ones(2), alpha=2)
    assert mode.calls[-1] == ("add", 2, ["alpha"]), mode.calls
    assert type(torch.add(torch.ones(1).as_subclass(Sub), 1, alpha=3)) is Sub
    weight = torch.ones(3, requires_grad=True)
    _, program = record(lambda x: (x * weight).sum(), torch.ones(3))
    assert program(torch.ones(3) * 2).item() == 6
    line = changes_python.__code__.co_firstlineno + 2
    try:
        record(changes_python, torch.ones(1))
    except Exception as error:
        assert f"smoke.py:{line}" in str(error), error  # noqa: PT017
    else:
        raise AssertionError("what changes Python was recorded")

    @torch.library.custom_op("smoke::twice", mutates_args=())
    def twice(x: torch.Tensor, times: int = 2) -> torch.Tensor:
        return x * times

    assert torch.ops.smoke.twice(torch.ones(1)).item() == 2


def extras_say_what_to_install():
    import importlib.util

    for module, extra in (("safetensors", "files"), ("gguf", "gguf")):
        if importlib.util.find_spec(module) is None:
            try:
                __import__(f"rushlight.serialization.{module}")
            except ImportError as error:
                assert f"rushlight[{extra}]" in str(error)  # noqa: PT017
            else:
                raise AssertionError(f"{module} is not there, and nobody said so")


if __name__ == "__main__":
    training()
    rooms()
    what_reads_bytecode()
    extras_say_what_to_install()
    print("ok")
