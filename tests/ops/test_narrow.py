"""bfloat16 and the types of 8 bits: where torch rounds, what it has and refuses, bit for bit."""

import subprocess
import sys

import pytest
import torch

import rushlight
from tests.parity import parity

EIGHT = ("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu")

# Lists of numbers are compared with float32's tolerance: in a narrow type that is to the bit.
ROUNDED = """
    x + y; x - y; x * y; x / y; x + 0.3137; x - 0.3137; x * 0.3137; x / 0.3137; 0.3137 - x; x % 0.3137
    x // 0.3137; x ** 2.5; 2.5 ** x; torch.add(x, y, alpha=0.3); torch.lerp(x, y, 0.3)
    torch.addcmul(x, x, y, value=0.3); torch.addcdiv(x, x, y, value=0.3); x.clone().add_(0.3137)
    x.clone().mul_(0.3137); x.clone().add_(y, alpha=0.3); x.clone().lerp_(y, 0.3)
    x.exp(); x.log(); x.tanh(); x.sigmoid(); F.gelu(x); F.silu(x - 2); F.softplus(x); F.mish(x)
    F.elu(x - 2); F.hardswish(x - 2); x.softmax(0); x.log_softmax(0); m.log_softmax(0)
    m.log_softmax(1); m.amax(1); x.sum(); x.mean(); m.mean(0); m.var(1); x.cumsum(0)
    x.norm(); m.norm(3, 1); m @ m.t(); torch.mv(m, x[:8]); F.linear(m, m, x[:8])
    torch.addmm(m, m, m.t(), alpha=0.3, beta=0.7); torch.addr(m, x[:8], y[:8], alpha=0.3)
    torch.baddbmm(m[None], m[None], m[None], alpha=0.3, beta=0.7); torch.logit(x / 5)
    torch.where(x > 1, x, 0.3137); torch.where(x > 1, 0.3137, x)
    torch.xlogy(x, y); torch.special.entr(x); torch.special.ndtr(x - 2); torch.nextafter(x, y)
    F.mse_loss(x, y, reduction="none"); F.binary_cross_entropy(x / 5, y / 5, reduction="none")
    F.cross_entropy(m, torch.arange(8), reduction="none"); F.layer_norm(m, (8,), x[:8], y[:8])
    F.rms_norm(m, (8,), x[:8]); F.group_norm(m[None], 2, x[:8], y[:8]); F.batch_norm(m, r, v, x[:8], y[:8])
    F.batch_norm(m, r, v, x[:8], y[:8], True); F.batch_norm(m, r.float(), v.float(), training=True)
    F.avg_pool2d(m[None, None], 3); F.adaptive_avg_pool2d(m[None, None], 4); F.conv1d(m[None], m[:, :, None])
    F.interpolate(m[None, None], scale_factor=2, mode="bilinear"); m.sort(1).values; m.max(1).values
    torch.polygamma(1, x); torch.erf(x); torch.sinc(x); torch.hypot(x, y); torch.copysign(x, -y)
"""


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_roundings(dtype):
    calls = [call for line in ROUNDED.strip().splitlines() for call in line.strip().split("; ")]
    parity(
        f"""
        g = torch.Generator().manual_seed(3)
        x, y = (torch.rand(2, 64, generator=g) * 4 + 0.1).to(torch.{dtype})
        m = torch.randn(8, 8, generator=g).to(torch.{dtype})
        r, v = m[0].clone(), m[1].abs()
        found = [f().tolist() for f in [{", ".join("lambda: " + call for call in calls)}]]
        moved = r, v
        """
    )


def test_draws():
    parity(
        """
        _d = torch.bfloat16
        def _made(*sizes):
            return torch.empty(sizes, dtype=_d)
        drawn = [
            torch.rand(9, dtype=_d), torch.randn(5, dtype=_d), torch.randn(35, dtype=_d),
            torch.randint(0, 7, (5,), dtype=_d), _made(5).uniform_(-2, 3), _made(20).normal_(1, 2),
            _made(5).exponential_(), _made(5).cauchy_(), _made(5).log_normal_(), _made(5).geometric_(0.3),
            _made(5).random_(), _made(5).bernoulli_(0.3), torch.bernoulli(_made(6).fill_(0.4)),
            torch.randperm(6, dtype=_d), F.dropout(_made(20).fill_(1), 0.3), torch.poisson(_made(4).fill_(3)),
        ]
        found = [t.tolist() for t in drawn]
        many = torch.rand(50000, dtype=_d)
        ends = many.max().item(), (many == 0).sum().item()
        refused = [attempt(lambda: torch.rand(2, dtype=torch.float8_e5m2)),
                   attempt(lambda: torch.randn(2, dtype=torch.float8_e4m3fn))]
        """
    )


def test_types():
    parity(
        """
        _b = torch.ones(2, dtype=torch.bfloat16)
        _all = [torch.bool, torch.int64, torch.float16, torch.float32, torch.float64, torch.complex64]
        promoted = [str(torch.promote_types(torch.bfloat16, d)) for d in _all]
        mixed = [(_b + torch.ones(2).to(d)).dtype for d in _all], (_b * torch.tensor(2.0)).dtype, (_b + 1j).dtype
        limits = [str(torch.finfo(getattr(torch, d))) for d in NAMES]
        facts = [(d.itemsize, d.is_signed, d.is_floating_point) for d in (getattr(torch, d) for d in NAMES)]
        shown = repr(_b), repr(torch.tensor([1.5, 300], dtype=torch.float8_e5m2)), f"{_b[0]:.2f}", _b.type()
        refused = [attempt(lambda: _b.numpy()), attempt(lambda: np.asarray(_b)),
                   attempt(lambda: torch.promote_types(torch.float8_e5m2, torch.float32)),
                   attempt(lambda: _b + torch.ones(2).to(torch.float8_e5m2)),
                   attempt(lambda: torch.full((2,), 1e39, dtype=torch.bfloat16)),
                   attempt(lambda: torch.full((2,), 1000, dtype=torch.float8_e4m3fn))]
        views = _b.view(torch.int16), _b.view(torch.float32), torch.ones(1).view(torch.bfloat16).tolist()
        torch.set_default_dtype(torch.bfloat16)
        made = torch.tensor(1.5), torch.arange(0, 1, 0.25), torch.tensor([1, 2]) / 2, torch.eye(2)
        complex_ = attempt(lambda: torch.tensor([1j]))
        torch.set_default_dtype(torch.float32)
        """,
        given={"NAMES": ["bfloat16", *EIGHT]},
    )


@pytest.mark.parametrize("dtype", ["bfloat16", *EIGHT])
def test_casts(dtype):
    bits = 8 if "8" in dtype else 16
    parity(
        f"""
        _edges = [0, -0.0, 1, 1.5, 2**-8, 448, 449, 464, 465, 480, 1e4, 57344, 61440, 240, 248, 1e-9, 2**-127, 3e38]
        _v = torch.tensor([*_edges, *(-e for e in _edges), float("inf"), -float("inf")])
        _v = torch.cat([_v, torch.linspace(-500, 500, 4001), torch.tensor([1.1**k for k in range(-400, 400)])])
        found = _v.to(torch.{dtype}).view(torch.uint{bits}).tolist()
        doubles = _v.double().to(torch.{dtype}).view(torch.uint{bits}).tolist()
        whole = torch.arange(-300, 300).to(torch.{dtype}).float().tolist()
        back = [_v.to(torch.{dtype}).to(d)[:18].tolist() for d in (torch.float64, torch.float16, torch.bool)]
        """
    )


@pytest.mark.parametrize("dtype", EIGHT)
def test_what_eight_bits_can(dtype):
    calls = """
        x == x, x != 1.5, x.clone(), x.t().contiguous(), x[0], x[[1, 0]], x[x == x], x.repeat(2, 1), x.roll(1, 0)
        torch.cat([x, x]), x.where(x == x, x), x.isnan(), x.abs(), x @ x.t(), x.new_full((2,), 2.5), x.any(), x.all()
        x.clone().fill_(2), x.clone().zero_(), x.index_select(0, torch.tensor([1])), F.embedding(torch.tensor([1]), x)
        x + x, x * 2, -x, x < x, x.sum(), x.exp(), x.sort(), x.max(), x.nonzero(), x.clone().add_(1), x.relu()
        x.masked_fill(x == x, 1), x.gather(0, torch.zeros(1, 1).long()), x.tril(), x.mean(), x.cumsum(0), x.unique()
        torch.equal(x, x), x[None].bmm(x.t()[None]), x.isfinite(), x.clamp(0, 1), x.take(torch.tensor([0]))
        x * x, x * x[:1, :1], torch.tensor(torch.equal(x, x.clone())), x.flip(0), x.flip(1), x.count_nonzero()
        torch.isin(x, x), torch.arange(3, dtype=x.dtype), torch.linspace(0, 1, 3, dtype=x.dtype)
        x.clone().random_(3), x[:0].sum()
        x[:0].cumsum(0), x[0, 0].cumsum(0), x.prod(2), torch.where(x == x, x, 2.0), x.clone().mul_(x)
    """
    lines = [line.strip() for line in calls.strip().splitlines()]
    program = f"""
        import copy
        x = torch.tensor([[1.5, 2.0, 3.0], [0.25, 100.0, 0.5]]).to(torch.{dtype})
        def _seen(f):
            try:
                t = f()
            except Exception as error:
                return [c.__name__ for c in type(error).__mro__ if c.__module__ == "builtins"][0]
            return str(t.dtype), t.float().tolist()
        copied = [_seen(lambda: copy.deepcopy(x)), x.tolist(), x.type(), x.element_size()]
        done = [_seen(f) for f in CALLS]
        leaf = x.clone().requires_grad_()
        (leaf.float() * 3).sum().backward()
        """
    split = [part for line in lines for part in _arguments(line)]
    parity(program.replace("CALLS", "[" + ", ".join(f"lambda: {part}" for part in split) + "]"))


def _arguments(line):
    """The expressions between the commas of a line."""
    parts, depth, start = [], 0, 0
    for at, letter in enumerate(line):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and not depth:
            parts.append(line[start:at].strip())
            start = at + 1
    return [*parts, line[start:].strip()]


@pytest.mark.parametrize(
    "optimizer", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adafactor"]
)
def test_training(optimizer):
    parity(
        f"""
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.LayerNorm(8), nn.Linear(8, 3)).bfloat16()
        start = [p.tolist() for p in model.parameters()]
        _x, _y = torch.randn(16, 4).bfloat16(), torch.arange(16) % 3
        _opt = torch.optim.{optimizer}(model.parameters(), lr=0.01)
        losses = []
        for _ in range(3):
            _opt.zero_grad()
            _loss = F.cross_entropy(model(_x), _y)
            _loss.backward()
            _opt.step()
            losses.append(_loss)
        """
    )


@pytest.mark.parametrize("name", ["bfloat16", *EIGHT])
def test_through_dlpack(name):
    want = torch.tensor([[1.5, 2.0], [0.25, 96.0]]).to(getattr(torch, name))
    got = rushlight.from_dlpack(want)
    assert got.dtype == getattr(rushlight, name)
    back = torch.from_dlpack(got)
    assert back.dtype == want.dtype
    assert back.data_ptr() == want.data_ptr()
    bare = rushlight.utils.dlpack.from_dlpack(torch.utils.dlpack.to_dlpack(want))
    assert bare.float().tolist() == want.float().tolist()


def test_the_library_is_loaded_when_it_is_needed():
    program = "import sys, rushlight as t; t.ones(2).half() + 1; a = 'ml_dtypes' in sys.modules; "
    program += "t.ones(2).bfloat16(); print(a, 'ml_dtypes' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "True"], done.stderr


def test_every_dtype_says_what_torchs_says():
    parity("""
        names = sorted(n for n in vars(torch) if type(getattr(torch, n)) is torch.dtype)
        named = {n: getattr(torch, n) for n in names}
        sizes = [(named[n].itemsize, named[n].is_floating_point, named[n].is_complex) for n in names]
        told = []
        for n in names:
            for ask in (lambda d: d.is_signed, lambda d: d.to_real(), lambda d: d.to_complex()):
                try:
                    told.append((n, str(ask(named[n]))))
                except RuntimeError as error:
                    told.append((n, str(error)))
    """)
