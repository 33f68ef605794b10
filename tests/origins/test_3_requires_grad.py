"""The third origin: which tensors have gradients, any shape, torch code just typed."""

import re

import pytest

from tests.parity import parity


def test_requires_grad_spreads_from_inputs_to_outputs() -> None:
    parity("""
    a, b = torch.ones(2), torch.ones(2, requires_grad=True)
    c, d = a * 2, a * b
    flags = [t.requires_grad for t in (a, b, c, d, d.detach(), d.sum())]
    a.requires_grad_()
    late = (a * 2).requires_grad
    with torch.no_grad():
        inside = (a * b).requires_grad
        with torch.enable_grad():
            deeper = (a * b).requires_grad
    integers = attempt(lambda: torch.ones(2, dtype=torch.int64, requires_grad=True))
    not_a_leaf = attempt(lambda: setattr(d, "requires_grad", False))
    no_graph = attempt(lambda: c.sum().backward())
    """)


def test_freezing() -> None:
    parity("""
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    for parameter in model[0].parameters():
        parameter.requires_grad = False
    before = [p.clone() for p in model.parameters()]
    optimizer = torch.optim.SGD((p for p in model.parameters() if p.requires_grad), lr=0.1)
    for _ in range(3):
        loss = model(torch.randn(5, 3)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    changed = [not torch.equal(p, old) for p, old in zip(model.parameters(), before)]
    grads = [p.grad is None for p in model.parameters()]
    model.requires_grad_(True)
    thawed = [p.requires_grad for p in model.parameters()]
    """)


def test_no_gradients_are_kept_on_tensors_that_are_no_leaves() -> None:
    parity("""
    x = torch.randn(3, requires_grad=True)
    kept, lost = x * 2, x + 1
    kept.retain_grad()
    (kept * lost).sum().backward()
    leaves = [t.is_leaf for t in (x, kept, lost)]
    """)
    run = parity("""
    x = torch.randn(3, requires_grad=True)
    _y = x * 2
    _y.sum().backward()
    import warnings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nothing = _y.grad
    """)
    assert run["nothing"] is None


def test_gradients_add_up_until_they_are_cleared() -> None:
    parity("""
    x = torch.ones(2, requires_grad=True)
    seen = []
    for _ in range(3):
        (x * 3).sum().backward()
        seen.append(x.grad.clone())
    x.grad.zero_()
    (x * x).sum().backward()
    y = (x ** 2).sum()
    y.backward(retain_graph=True)
    y.backward()
    third = attempt(y.backward)
    """)


@pytest.mark.parametrize(
    "shape", [(), (1,), (0,), (3, 0, 2), (2, 3), (1, 3, 1), (2, 1, 3, 2, 2), (2, 1, 1, 2, 1, 2, 2)]
)
def test_any_shape(shape: tuple[int, ...]) -> None:
    parity(
        """
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    row = torch.randn(shape[-1:], dtype=torch.float64, requires_grad=True)
    y = (x.exp() * row + x.unsqueeze(0).tanh()).squeeze(0) - x / 3
    y.sum().backward()
    sums = y.sum(), y.mean(), y.prod()
    turned = y.permute(tuple(reversed(range(y.ndim)))), y.reshape(-1), y.flatten()
    doubled = torch.stack([y, y], -1), torch.cat([y.reshape(-1)] * 2)
    """,
        given={"shape": shape},
    )


# Each row computes with x of shape (2, 3, 4) and others that broadcast or contract with it.
OPERATIONS = """
x + row                 x - column              x * row                 x / row.exp()
row - x                 x ** 2                  x.abs() ** row          x.maximum(row)
torch.atan2(x, column)  torch.where(x > 0, x, row)  torch.lerp(x, row, 0.3)  x.addcmul(row, column)
x.exp()                 x.abs().log()           x.sin()                 x.tanh()
x.sigmoid()             x.relu()                x.abs().sqrt()          x.clip(-0.5, 0.5)
x.erf()                 x.square()              x.reciprocal()          -x
x.sum()                 x.sum(1)                x.mean((0, 2), keepdim=True)  x.prod(2)
x.max()                 x.max(1).values         x.min(-1).values        x.amax((0, 1))
x.std(0)                x.var(2)                x.norm()                x.logsumexp(1)
x.cumsum(1)             x.cumprod(2)            x.median(2).values      x.sort(1).values
x.softmax(-1)           x.log_softmax(0)        x.topk(2, dim=2).values  x.diff()
x @ matrix              matrix.T @ x.mT         torch.einsum("ijk,kl->il", x, matrix)  x.matmul(row)
x.reshape(6, 4)         x.permute(2, 0, 1)      x.transpose(0, 2)       x.flatten(1)
x.unsqueeze(2)          x[:, :1].squeeze(1)     x.expand(2, 2, 3, 4)    x.repeat(1, 2, 1)
x[0]                    x[:, 1:, ::2]           x[..., -1]              x[[1, 0, 1]]
x[x > 0]                x[:, None, 2]           x.index_select(1, order)  x.gather(1, picks)
torch.cat([x, x], 1)    torch.stack([x, x])     x.split(2, dim=2)[1]    x.chunk(2, dim=2)[0]
x.flip(1)               x.roll(1, 2)            x.tril()                x.diagonal(dim1=1, dim2=2)
x.masked_fill(x > 0, 1.0)  x.narrow(2, 1, 2)    x.unfold(2, 2, 1)       x.unbind(1)[2]
F.pad(x, (1, 2))        F.gelu(x)               F.layer_norm(x, (4,))   F.linear(x, matrix.T)
F.conv1d(x, kernel)     F.max_pool1d(x, 2)      F.avg_pool1d(x, 2)      F.softplus(x)
F.normalize(x, dim=1)   F.cosine_similarity(x, row, dim=2)  torch.cdist(x, x + 1)
torch.tensordot(x, matrix, 1)
"""


@pytest.mark.parametrize("operation", re.split(r"\s{2,}|\n", OPERATIONS.strip()))
def test_the_gradient_has_the_shape_of_its_tensor(operation: str) -> None:
    run = parity(
        f"""
    x = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    row = torch.randn(4, dtype=torch.float64, requires_grad=True)
    column = torch.randn(3, 1, dtype=torch.float64, requires_grad=True)
    matrix = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    kernel = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)
    order, picks = torch.tensor([2, 0, 0]), torch.randint(3, (2, 2, 4))
    y = {operation}
    (y * torch.randn(y.shape, dtype=torch.float64)).sum().backward()
    """
    )
    for name in ("x", "row", "column", "matrix", "kernel"):
        tensor = run[name]
        assert tensor.grad is None or tensor.grad.shape == tensor.shape
    assert run["x"].grad is not None


def test_code_for_torch_just_typed() -> None:
    parity(
        """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(11, 6, padding_idx=0)
            self.encoder = nn.GRU(6, 8, batch_first=True, bidirectional=True)
            self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
            self.norm = nn.LayerNorm(16)
            self.head = nn.Linear(16, 3)
            self.register_buffer("scale", torch.tensor(0.5))

        def forward(self, x):
            states, _ = self.encoder(self.embedding(x))
            mixed, weights = self.attention(states, states, states, key_padding_mask=x == 0)
            return self.head(self.norm(states + self.scale * mixed).mean(dim=1)), weights

    net = Net()
    tokens = torch.randint(1, 11, (4, 7))
    tokens[0, 5:] = 0
    labels = torch.tensor([0, 2, 1, 1])
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for _ in range(3):
        logits, weights = net(tokens)
        loss = F.cross_entropy(logits, labels, label_smoothing=0.05)
        optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    print(net)
    """,
        rtol=1e-3,
        atol=1e-4,
    )
