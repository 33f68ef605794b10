"""Kinds of difference that random programs found: each small program ends in both as it ends in torch."""

import pytest

from tests.parity import parity

PROGRAMS = {
    "a draw without dimensions can be written": [
        "t = torch.normal(T(1.0), 1.0); t[...] = 1; t.mul_(2); s = t, t._version",
    ],
    "a region that shows elements twice": [
        "t = T(1.0).expand(1, 2); t[0] = 1; s = t",
        "t = T(1.0).expand(2); t[:] = T(1.0); s = t",
        "t = T(1.0).expand(2); t.fill_(T(1.0)); s = t",
        "t = T(1.0).expand(2); t.fill_(1.0); t[0] = 2; s = t, t._version",
        "t = T(1.0).expand(1, 1); t[0] = 1; s = t",
    ],
    "a value that lies in the region": [
        "t = T([1.0]); t -= t[0]; s = t",
        "t = T([[1.0, 2.0]]); t.copy_(t[0]); s = t",
        "t = T([[1.0, 2.0]]); t[:] = t[0]; s = t",
        "t = T([[1.0, 2.0]]); t[0] = t; s = t",
        "t = T([1.0, 0.0]); t.index_fill_(0, T([0]), t[1]); s = t",
        "t = T([True, False]); t[t] = False; s = t",
        "t = T([0, 1]); t[t] = 1; s = t",
    ],
    "set_ to a tensor that needs a gradient": [
        "a = T(2.0); a.set_(w); s = a, a.requires_grad, a.is_leaf, a._version",
        "a = T(2.0); a.set_(w); a.backward(); s = w.grad",
    ],
    "no derivative": [
        "y = 1 % w; s = y, y.requires_grad; y.backward()",
        "y = T(1.0) % w; y.backward(); s = w.grad",
        "y = w.unique(); s = y, y.requires_grad",
        "y = w.reshape(1).unique(dim=0); s = y, y.requires_grad",
        "y = w.unique_consecutive(); y.sum().backward(); s = w.grad",
    ],
    "types of which one is narrow": [
        "h, f = torch.ones(2, 2).half(), torch.ones(2, 2); s = h @ f",
        "h, f = torch.ones(2, 2).half(), torch.ones(2, 2); s = h.mm(f)",
        "h, f = torch.ones(2, 2).half(), torch.ones(2, 2); s = torch.bmm(h[None], f[None])",
        "h, f = torch.ones(2).half(), torch.ones(2); s = torch.dot(h, f)",
        "h, f = torch.ones(2, 2).half(), torch.ones(2, 2); s = torch.nn.functional.linear(h, f)",
        "h, f = torch.ones(2, 2).half(), torch.ones(2); s = torch.nn.functional.linear(h, h, f)",
        "h, f = torch.ones(2, 2), torch.ones(2).bfloat16(); s = torch.nn.functional.linear(h, h, f)",
        "h, f = torch.ones(2, 2).half(), torch.ones(2, 2); s = torch.einsum('ij,jk->ik', h, f)",
    ],
    "an index of nothing": [
        "s = torch.ones(1, 0)[T([1])]",
        "s = torch.ones(0, 2)[T([1])]",
        "s = torch.ones(2, 3)[T([2])]",
        "t = torch.ones(1, 0); t[T([1])] = 1; s = t",
        "t = torch.ones(2, 3); t[T([2])] = 1",
        "s = T([], dtype=torch.int64) % 0, T([], dtype=torch.int64) // 0",
        "s = T([1]) % 0",
        "x = T([[1.0, 2.0]], requires_grad=True); t = x.abs(); t[1:2, 1] += 1; s = torch.autograd.grad(t.sum(), x)",
    ],
    "all of a tensor assigned": [
        f"t = w * T([1.0, 2.0]); t[{i}] = {v}; s = torch.autograd.grad((t ** 3).sum(), w, create_graph=True); "
        "s = s, s[0].requires_grad"
        for i in ("...", ":", "0:", ":2", "0")
        for v in ("2", "T([3.0, 4.0])", "T(1.0)")
    ],
    "copies that keep their place": [
        "t = torch.arange(8.0)[2:6].view(2, 2); t = t.slice_scatter(t[1:], 0, 1); s = t, t.storage_offset()",
        "t = torch.arange(8.0)[2:6].view(2, 2); t = t.select_scatter(t[1], 0, 1); s = t, t.storage_offset()",
        "t = torch.arange(8.0)[::2]; t = t.slice_scatter(t, 0, 0); s = t, t.storage_offset(), t.stride()",
    ],
    "data that cannot have a gradient": [
        "w.data = T(1)",
        "t = w * 2; t.data = T(True)",
        "w.data = T(1j); s = w.dtype",
        "w.detach().data = T(1)",
    ],
    "kron keeps views that nobody watches": [
        "x = torch.ones(2, 2); y = torch.kron(w * x, x); x.add_(1); y.sum().backward(); s = w.grad",
        "x = w * torch.ones(2, 2); y = torch.kron(x, x); x.add_(1); y.sum().backward(); s = w.grad",
    ],
    "norms of what is constant": [
        f"s = torch.nn.functional.{f}"
        for f in (
            "batch_norm(torch.full((3, 2), 3.3), None, None, training=True)",
            "batch_norm(T([[3.0, 7.0], [3.0, 7.0]]), None, None, training=True)",
            "batch_norm(T([[3.0, 3.0], [7.0, 7.0]]).t(), None, None, training=True)",
            "instance_norm(torch.full((1, 2, 2, 3), 3.3))",
            "group_norm(torch.full((1, 2, 2, 3), -0.3), 1)",
            "layer_norm(T([[-0.0]]), (1,)).signbit()",
            "layer_norm(torch.full((2, 3), -0.3), (3,))",
        )
    ],
    "gradients that torch gives a zero": [
        "x = torch.zeros(2, requires_grad=True); y = torch.cosine_similarity(x, torch.ones(2), dim=0); "
        "y.sqrt().backward(); s = x.grad",
        "x = torch.ones(2, 3).t().requires_grad_(); s = torch.autograd.grad(-x.median(), x); s = s, s[0].stride()",
        "x = torch.ones(2, 3).t().requires_grad_(); s = torch.autograd.grad(-x.max(), x); s = s, s[0].stride()",
        "x = T(1.0, requires_grad=True); x.var(0).backward(create_graph=True); s = x.grad.requires_grad",
        "x = T(1.0, requires_grad=True); y = torch.nn.functional.prelu(x, torch.full((1,), 0.25)); "
        "y.backward(create_graph=True); s = x.grad.requires_grad",
    ],
    "a gradient of another shape": [
        "w.backward(); w.grad.unsqueeze_(0); w.backward(); s = w.grad",
        "x = torch.ones(2, requires_grad=True); x.sum().backward(); x.grad = None; x.data = torch.ones(3); "
        "(x * 2).sum().backward(); s = x.grad",
    ],
    "a search in what is not sorted": [
        "s = [torch.searchsorted(T([1.0, 2.0, -2.0, 3.0, 0.0]), T([[1.0, 2.0]]), right=r) for r in (False, True)]",
        "s = torch.bucketize(T([2, 1, 5]), T([-1, 2, -2]))",
    ],
    "unique of complex numbers": [
        "s = T([1j]).unique()",
        "s = T([1j]).unique(dim=0)",
        "s = T([1j]).unique_consecutive()",
    ],
    "parts and magnitudes of complex numbers": [
        "t = T(1.0); t.real = 1j",
        "t = T([1j]); t.real = 2; s = t, t._version",
        "t = T([1j]); t.imag = T(2.0); s = t, t._version",
        "s = T([1j]).abs_()",
        "s = T([-1.0]).abs_(), T([-1.0]).absolute_()",
    ],
    "False as an index": ["t = T([1.0]); t[False] = 1; s = t, t._version"],
    "out": [
        "x, y = T([1.0]), T(1.0); torch.add(x, y, out=y); s = y",
        "x, y = T([1.0, 2.0]), T([1.0]); torch.mul(x, y, out=y); s = y",
        "x = T([1.0, 2.0, 3.0]); torch.sin(x, out=x[:2]); s = x",
        "b = T(1.0).expand(2); torch.sin(T(1.0), out=b); s = b",
        "torch.cat([T([1.0])] * 2, out=(T([1.0]),))",
        "torch.stack([T([1.0])] * 2, out=3)",
    ],
    "the sign of zero": [
        "s = [f(z.to(d)).signbit() for f in (F.relu, F.elu, F.selu, F.celu) for d in floats]",
        "s = [f(z[0].to(d)).signbit() for f in (F.relu, F.elu, F.selu, F.celu) for d in floats]",
        "s = z.cumsum(0).signbit(), z[0].cumsum(0).signbit(), z.logcumsumexp(0).signbit()",
    ],
    "a loss of a number": [
        "F.mse_loss(w, 3)",
        "F.l1_loss(3, w)",
        "F.binary_cross_entropy(w, None)",
    ],
    "versions of running statistics": [
        "m = nn.BatchNorm1d(3); m(torch.ones(4, 3)); s = [b._version for b in m.buffers()]",
        "m = nn.InstanceNorm1d(3, track_running_stats=True); m(torch.ones(2, 3, 4)); "
        "s = [b._version for b in m.buffers()]",
    ],
    "a refused change of a leaf has been counted": [
        """
class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    @staticmethod
    def backward(ctx, g):
        return 2 * g

try:
    Twice.apply(w)
except RuntimeError:
    s = w, w._version
""",
    ],
}

BEGIN = """
T = torch.tensor
w = T(1.5, requires_grad=True)
z = T([-0.0, 0.0, -0.0, -1.0, 1.0, -0.0])
floats = torch.float16, torch.float32, torch.float64
s = None
try:
    exec(program)
except Exception as error:
    s = s, type(error).__name__
"""


@pytest.mark.parametrize(
    "program", [pytest.param(p, id=f"{kind} {i}") for kind, own in PROGRAMS.items() for i, p in enumerate(own)]
)  # fmt: skip
def test_ends_as_in_torch(program):
    parity(f"program = {program!r}\n{BEGIN}")


def test_nothing_one_number_and_sizes_of_one():
    parity(
        """
        import warnings
        u, w = torch.tensor([1, 2, 3]).to(torch.uint16), torch.ones(2, 2, 1)
        x, r = torch.arange(6.0).view(2, 3), torch.rand(0, 1, 4)
        def _empty(*shape, **kwargs):
            return torch.zeros(*shape, **kwargs).requires_grad_()
        def _gradients(f, *inputs):
            result = f(*inputs)
            result.abs().sum().backward()
            return [result, *(t.grad for t in inputs)]
        _calls = [
            lambda: torch.arange(3, dtype=torch.uint16), lambda: torch.linspace(0, 1, 1, dtype=torch.uint16),
            lambda: torch.linspace(0, 1, 2, dtype=torch.uint16), lambda: torch.eye(2, dtype=torch.uint32),
            lambda: u.flip(0), lambda: u.view(3, 1).flip(0), lambda: u[:0].flip(0), lambda: u.count_nonzero(),
            lambda: u.bincount(), lambda: u.index_select(0, torch.tensor([0])), lambda: u.cummax(0)[0],
            lambda: u[0].cummax(0)[0], lambda: u[:0].sum(), lambda: torch.dot(u, u[:2]),
            lambda: u.masked_select(u == u),
            lambda: u[0] < torch.tensor([True]), lambda: torch.where(u == u, u, 2), lambda: u.take(torch.tensor([9])),
            lambda: torch.ldexp(x.half(), torch.ones(3).int()), lambda: torch.addcdiv(x, x.int(), x.int() + 1),
            lambda: x.float(torch.preserve_format), lambda: x.lerp(x, 1j),
            lambda: x.new_zeros(3, dtype=torch.int64).set_(torch.ones(6), 1, (2,)),
            lambda: x.new_zeros(3).set_(torch.ones(5), 4, (2,), (0,)),
            lambda: torch.as_strided_scatter(x, torch.zeros(2), (2,), (0,)),
            lambda: torch.as_strided_scatter(torch.ones(1).expand(3), torch.zeros(1), (1,), (1,)),
            lambda: torch.max(x, 0, out=(x[0], torch.empty(0, dtype=torch.int64))), lambda: r + 1, lambda: r > 0,
            lambda: torch.add(torch.ones(3).int(), 1, out=torch.ones(2)), lambda: torch.asarray(np.array(1.0)),
            lambda: torch.ones(1).std(correction=np.uint8(200)), lambda: torch.zeros(2, 0).var(0),
            lambda: torch.ones(1, dtype=torch.complex64).std(), lambda: torch.tensor(3).unique(dim=0),
            lambda: torch.fft.ifft(x).is_conj(),
            lambda: torch.linalg.cholesky(torch.ones(1, 1) + 0j, upper=True).is_conj(),
            lambda: x.nonzero(as_tuple=True)[1].storage_offset(),
            lambda: F.nll_loss(w, torch.zeros(2, 1, dtype=torch.uint8)),
            lambda: F.nll_loss(x, torch.tensor(0)), lambda: F.instance_norm(r, weight=torch.ones(1)),
            lambda: F.instance_norm(w.double(), torch.zeros(2), torch.ones(2), use_input_stats=False),
            lambda: F.batch_norm(w.half(), torch.zeros(2), torch.ones(2), torch.ones(2).half()),
            lambda: F.ctc_loss(w.mT, torch.ones(1, 1).long(), [2], torch.tensor([1])),
            lambda: F.conv1d(torch.zeros(0, 2, 3).long(), w), lambda: F.conv1d(torch.zeros(1, 2, 0), w, padding=1),
            lambda: _gradients(F.conv1d, _empty(0, 2, 3), torch.ones(1, 2, 1).requires_grad_()),
            lambda: _gradients(F.conv_transpose2d, _empty(0, 2, 3, 1), torch.ones(2, 1, 1, 1).requires_grad_()),
            lambda: _gradients(F.conv1d, torch.ones(2, 5, 1).mT.requires_grad_(), torch.ones(2, 1, 3).requires_grad_()),
            lambda: _gradients(F.bilinear, torch.ones(2, 3), torch.ones(2, 4), torch.ones(1, 3, 4).requires_grad_())[3],
            lambda: nn.CrossMapLRN2d(2)(x), lambda: nn.LazyInstanceNorm1d()(x),
            lambda: nn.Dropout3d(inplace=True).eval()(w.view(2, 2, 1, 1)) is w,
        ]
        def _seen(f):
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                try:
                    found = f()
                    parts = found if isinstance(found, (list, tuple)) else [found]
                    found = [(t.stride(), t.dtype, t) if isinstance(t, torch.Tensor) else t for t in parts]
                except Exception as error:
                    found = type(error).__name__
            return found, [w.category.__name__ for w in told]
        seen = [_seen(f) for f in _calls]
        """
    )
