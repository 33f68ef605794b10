"""Programs on arrays of another library: the same numbers as on NumPy's, in arrays of that library."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import rushlight as torch
import rushlight.nn.functional as F
from rushlight import nn
from rushlight.core.tensor import wrap
from tests.primitives.strict import Strict, strict


class GPT(nn.Module):
    """Token and position embeddings, one block, a head that shares the weight of the tokens."""

    def __init__(
        self, vocabulary: int = 17, width: int = 16, heads: int = 2, length: int = 8
    ) -> None:
        super().__init__()
        self.heads = heads
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(length, width)
        self.before, self.between, self.after = (nn.LayerNorm(width) for _ in range(3))
        self.attend, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, tokens: Any) -> Any:
        batch, length = tokens.shape
        x = self.tokens(tokens) + self.positions(torch.arange(length))
        parts = self.attend(self.before(x)).split(x.shape[-1], dim=2)
        q, k, v = (p.view(batch, length, self.heads, -1).transpose(1, 2) for p in parts)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.project(y.transpose(1, 2).contiguous().view(batch, length, -1))
        x = x + self.narrow(F.gelu(self.widen(self.between(x))))
        return self.head(self.after(x)).flatten(0, 1)


class Tagger(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(11, 8)
        self.lstm = nn.LSTM(8, 12, num_layers=2, batch_first=True)
        self.head = nn.Linear(12, 11)

    def forward(self, tokens: Any) -> Any:
        return self.head(self.lstm(self.tokens(tokens))[0]).flatten(0, 1)


def convnet() -> Any:
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(8, 10),
    )  # fmt: skip


def mlp() -> Any:
    return nn.Sequential(
        nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 10)
    )


def pictures() -> tuple[Any, Any]:
    return torch.randn(8, 1, 12, 12), torch.randint(10, (8,))


def points() -> tuple[Any, Any]:
    return torch.randn(8, 20), torch.randint(10, (8,))


def words(count: int) -> Callable[[], tuple[Any, Any]]:
    return lambda: (torch.randint(count, (4, 8)), torch.randint(count, (32,)))


Optimizer = Callable[[Any], Any]
PROGRAMS: dict[str, tuple[Callable[[], Any], Callable[[], Any], Optimizer]] = {
    "mlp, SGD": (mlp, points, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True)),
    "mlp, Adam": (mlp, points, lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.1)),
    "mlp, RMSprop": (mlp, points, lambda p: torch.optim.RMSprop(p, lr=0.01)),
    "convnet, Adadelta": (convnet, pictures, lambda p: torch.optim.Adadelta(p, lr=1.0)),
    "gpt, AdamW": (GPT, words(17), lambda p: torch.optim.AdamW(p, lr=0.01, betas=(0.9, 0.95))),
    "lstm, Adam": (Tagger, words(11), lambda p: torch.optim.Adam(p, lr=0.01)),
}


def train(name: str, bring: Callable[[np.ndarray], Any], steps: int = 4) -> Iterator[Any]:
    """The losses and, last, the parameters and buffers, on arrays as bring makes them."""
    model_of, batch_of, optimizer_of = PROGRAMS[name]
    torch.manual_seed(0)
    model = model_of()
    for tensor in {*model.parameters(), *model.buffers()}:
        tensor._data_ = bring(tensor._data_)
    optimizer = optimizer_of(model.parameters())
    for _ in range(steps):
        inputs, labels = batch_of()
        inputs._data_, labels._data_ = bring(inputs._data_), bring(labels._data_)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        yield loss._data_
        yield from (p.grad._data_ for p in model.parameters())
    yield from (t._data_ for t in [*model.parameters(), *model.buffers()])


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_trains_on_strict_arrays(name):
    expected_values = [np.array(a, copy=True) for a in train(name, lambda a: a)]
    for expected, got in zip(expected_values, train(name, strict), strict=True):
        assert isinstance(got, Strict)
        np.testing.assert_array_equal(got.get(), expected)


# ---- what programs do to a tensor ---------------------------------------------------------------

ROWS, COLUMNS = 48, 64


def changed_in_place(x: Any) -> Any:
    y = x * 1
    y[0] += 2
    y[:, 1].mul_(3)
    y.t()[2].add_(1)
    y[torch.arange(5)] = 1
    y[y > 1] = 0
    y.scatter_(1, torch.zeros(ROWS, 1, dtype=torch.int64), 2.0)
    y.index_add_(0, torch.tensor([1, 3, 1]), x[:3])
    return y.clamp_(-1, 1).pow(2).mean()


def twice_differentiated(x: Any) -> Any:
    (g,) = torch.autograd.grad((x.tanh() ** 2).sum(), x, create_graph=True)
    return (g * g).sum()


def reduced(x: Any) -> Any:
    parts = [
        x.sum(0).exp(), x.sum(), x.mean(1), x.var(), x.std(1), x.max(1)[0], x.amax(), x.median(),
        x.quantile(0.3), x.logsumexp(0), x.prod(1), x.norm(), x.cumsum(1), x.argmax(1) * 1.0,
        x.topk(3, 1)[0], x.sort(1)[0][:, 1], x.round().sort(1)[1] * x, x.kthvalue(3)[0],
    ]  # fmt: skip
    return sum(part.mean() for part in parts)


def activated(x: Any) -> Any:
    functions = (
        F.relu, F.silu, F.gelu, F.elu, F.selu, F.softplus, F.mish, F.hardswish, F.leaky_relu, F.glu,
        F.logsigmoid, F.hardshrink, torch.sgn, torch.abs, torch.sigmoid,
    )  # fmt: skip
    return sum(f(x).mean() for f in functions) + F.softmax(x, 1).pow(2).mean()


def normalized(x: Any) -> Any:
    images = x.reshape(8, 8, -1, 4)
    return (
        F.layer_norm(x, (COLUMNS,)).pow(3).mean()
        + F.batch_norm(images, None, None, training=True).pow(3).mean()
        + F.group_norm(images, 2).pow(3).mean()
        + F.normalize(x).sum()
    )


def convolved(x: Any) -> Any:
    images, weight = x.reshape(8, 4, -1, 8), torch.linspace(-1, 1, 144).reshape(4, 4, 3, 3)
    return (
        F.conv2d(images, weight, padding=1).pow(2).mean()
        + F.conv2d(images, weight[:, :1], groups=4).pow(2).mean()
        + F.conv_transpose2d(images, weight, stride=2).pow(2).mean()
        + F.max_pool2d(images, 2).sum()
        + F.adaptive_max_pool2d(images, 3).sum()
        + F.avg_pool2d(images, 2).pow(2).sum()
        + F.interpolate(images, scale_factor=2, mode="bilinear").pow(2).mean()
        + F.unfold(images, 2).pow(2).mean()
    )


def multiplied(x: Any) -> Any:
    square = x @ x.t() / COLUMNS + torch.eye(ROWS)
    return (
        torch.einsum("ij,kj->ik", x, x).mean()
        + F.linear(x, x, x[:, 0]).pow(2).mean()
        + (x.reshape(8, -1, 8) @ x.reshape(8, 8, -1)).pow(2).mean()
        + torch.linalg.solve(square, x).mean()
        + torch.logdet(square)
    )


def picked(x: Any) -> Any:
    rows = torch.arange(1000) % ROWS
    return (
        F.embedding(rows, x).pow(2).mean()
        + x[rows].pow(2).mean()
        + x.gather(1, x.argsort(1)).pow(2)[:, 1].mean()
        + F.embedding_bag(rows, x, torch.arange(0, 1000, 10), mode="max").mean()
        + F.cross_entropy(x, rows[:ROWS] % 7, label_smoothing=0.1)
        + x.masked_select(x > 0).mean()
        + (F.one_hot(x.argmax(1), COLUMNS) * x).mean()
    )


def moved(x: Any) -> Any:
    y = torch.cat([x, x.flip(0)], 1).reshape(2, -1).permute(1, 0).contiguous()
    z = torch.stack([x, x.roll(1, 0)]).unfold(1, 3, 2)
    parts = [
        y,
        z,
        x.repeat(2, 1),
        x.expand(2, ROWS, COLUMNS),
        x.diagonal(),
        x.tril(),
        F.pad(x, (1, 2)),
    ]
    return sum(part.pow(2).mean() for part in parts)


def complex_(x: Any) -> Any:
    z = torch.complex(x, x * 2)
    spectrum = torch.fft.irfft(torch.fft.rfft(x) * 2)
    return (z * z.conj()).real.mean() + z.angle().mean() + z.mH.imag.mean() + spectrum.pow(2).mean()


def narrow(x: Any) -> Any:
    return (x.bfloat16() * 2).float().mean() + x.half().exp().float().mean()


def attended(x: Any) -> Any:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(COLUMNS, 4, 32, dropout=0.0, batch_first=True)
    return layer(x.unsqueeze(0)).pow(2).mean() + nn.GRU(COLUMNS, 5)(x.unsqueeze(1))[0].sum()


def random(x: Any) -> Any:
    torch.manual_seed(0)
    return F.dropout(x, 0.5).mean() + (x * torch.randn_like(x)).mean()


OPERATIONS = (
    changed_in_place, twice_differentiated, reduced, activated, normalized, convolved, multiplied,
    picked, moved, complex_, narrow, attended, random,
)  # fmt: skip


@pytest.mark.parametrize("program", OPERATIONS, ids=lambda p: p.__name__)
def test_what_programs_do_stays_with_the_library(program):
    seen = []
    for bring in (lambda a: a, strict):
        x = wrap(
            bring(np.random.default_rng(0).standard_normal((ROWS, COLUMNS)).astype("f4")), True
        )
        out = program(x)
        out.backward()
        seen.append((out._data_, x.grad._data_))
    for expected, got in zip(*seen, strict=True):
        assert isinstance(got, Strict)
        np.testing.assert_array_equal(got.get(), expected)
