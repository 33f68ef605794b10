"""`__torch_dispatch__`: which operators of ATen modes and classes are told of, and what becomes of answers."""

import pytest

from tests.parity import parity

SETUP = """
from torch.utils._python_dispatch import TorchDispatchMode as _TorchDispatchMode
from torch.utils import _python_dispatch as _dispatch
from torch.utils._pytree import tree_map as _tree_map

def _short(v):
    return list(v.shape) if isinstance(v, torch.Tensor) else str(v) if isinstance(v, torch.dtype) else v

log = []

class Names(_TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        told = {k: v for k, v in kwargs.items() if k not in ("device", "pin_memory", "layout")}
        log.append(f"{func} {_tree_map(_short, args)} {_tree_map(_short, told)} {[t.__name__ for t in types]}")
        return func(*args, **kwargs)

class Wrap(torch.Tensor):
    calls = []

    @staticmethod
    def __new__(cls, elem, tag="w"):
        made = torch.Tensor._make_wrapper_subclass(
            cls, elem.size(), strides=elem.stride(), dtype=elem.dtype, requires_grad=elem.requires_grad
        )
        made.elem, made.tag = elem.detach(), tag
        return made

    def __repr__(self):
        return f"Wrap({self.elem})"

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        Wrap.calls.append(str(func))
        bare = lambda v: v.elem if isinstance(v, Wrap) else v
        out = func(*_tree_map(bare, args), **_tree_map(bare, kwargs or {}))
        out = _tree_map(lambda v: Wrap(v) if isinstance(v, torch.Tensor) else v, out)
        return _dispatch.return_and_correct_aliasing(func, args, kwargs, out)

def _told(*values):
    print(*values, Wrap.calls)
    Wrap.calls.clear()

x = torch.arange(1.0, 7.0).view(2, 3)
"""
PROGRAMS = {
    "operators": """
with Names():
    F.linear(x, torch.ones(4, 3), torch.zeros(4)), x @ x.mT, x + 1, 1 - x, 2 / x, x**2, x.double(), x > 0
    x.t(), x.transpose(0, 1), x.permute(1, 0), x.T, x.view(3, 2), x.flatten(), x[0], x[:, 1:], x[None], x[x > 2]
    x.unsqueeze(0).squeeze(0), x.expand(2, 2, 3), x.chunk(2), x.split([1, 2], 1), x.unbind(), x.detach(), x.clone()
    x.t().contiguous(), x.t().reshape(6), x.narrow(1, 0, 2), torch.cat([x, x]), torch.stack([x, x], 1)
    x.sum(), x.sum(1), x.mean(0, keepdim=True), x.amax(1), x.max(), x.max(1), x.argmax(1), x.logsumexp(1), x.cumsum(0)
    x.exp(), x.sigmoid(), F.relu(x), F.gelu(x), F.silu(x), F.leaky_relu(x), x.clamp(min=0), x.abs(), -x, x.round()
    F.layer_norm(x, (3,)), F.mse_loss(x, x), F.embedding(torch.zeros(2, dtype=torch.long), x), x.masked_fill(x > 3, 1.0)
    F.conv2d(x.view(1, 1, 2, 3), torch.ones(1, 1, 2, 2)), x.tril(), x.flip(0), x.roll(1), x.repeat(2, 2)
    x.sort(), x.topk(2)
    torch.zeros(2), torch.full((2,), 1.0), torch.arange(3), torch.rand(2), torch.zeros_like(x), x.new_zeros(2)
    torch.eye(2)
    y = x.clone()
    y.add_(1), y.mul_(x), y.clamp_(0, 9), y.copy_(x), y.zero_(), y.lerp_(x, 0.5), y.addcmul_(x, x, value=2)
    print(x.sum().item(), bool(x[0, 0] > 0))
""",
    "gradients under a mode": """
class _Quiet(_TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))
w = torch.randn(3, 3, requires_grad=True)
with _Quiet():
    v = w.view(9)
    h = F.gelu(F.layer_norm(w.exp() @ w, (3,))).log_softmax(-1) + v.sum() + w[1:, [0, 2]].t().mean()
    u = w * 2
    u.add_(1)
    u[0] = 5.0
    (g,) = torch.autograd.grad(h.sum() + u.pow(2).sum(), w, create_graph=True)
    (g**2).sum().backward()
    c = nn.Sequential(nn.Conv2d(1, 2, 2, bias=False), nn.BatchNorm2d(2), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2, 2))
    loss = F.cross_entropy(c(torch.randn(4, 1, 4, 4)), torch.tensor([0, 1, 1, 0]))
    loss.backward()
    o = torch.optim.Adam(c.parameters())
    o.step()
v = v + 1
""",
    "answers of modes": """
class _Double(_TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        return out * 2 if func is torch.ops.aten.add.Tensor else out
w = torch.ones(2, requires_grad=True)
with _Double() as _outer:
    a = w + w
    with Names(), _dispatch._disable_current_modes():
        b = w + w
    print(_dispatch._get_current_dispatch_mode() is _outer, _dispatch._len_torch_dispatch_stack())
a.sum().backward()
print(_dispatch._get_current_dispatch_mode())
@torch.library.custom_op("below::twice", mutates_args=())
def _twice(x: torch.Tensor) -> torch.Tensor:
    return x * 2
_twice.register_autograd(lambda ctx, g: g * 2)
with Names():
    c = _twice(w)
_twice.register_torch_dispatch(_Double, lambda mode, func, types, args, kwargs: func(*args) + 100)
_twice.register_torch_dispatch(Wrap, lambda cls, func, types, args, kwargs: cls(func(args[0].elem) + 1000))
with _Double():
    d = _twice(x)
e = _twice(Wrap(x)).elem
d.sum(), c.sum().backward()
""",
    "tensors that wrap": """
t = Wrap(x)
_told(t.shape, t.dtype, t.device, type(t + 1).__name__, t.is_contiguous(), t.t().stride())
_told((t @ t.t()).sum(), t[0], t.relu().tanh(), t.clone().tag, torch.cat([t, t]).shape, torch.zeros_like(t))
_told(t.sum().item(), bool((t > 0).all()), float(t[0, 0]), t.to(torch.float64).dtype, t.view(3, 2).shape)
w = Wrap(torch.randn(4, 3)).requires_grad_()
F.linear(x, w).sigmoid().sum().backward()
print(type(w.grad).__name__, w.grad)
layer = nn.Linear(3, 4)
layer.weight = nn.Parameter(Wrap(layer.weight.detach()))
print(isinstance(layer.weight, nn.Parameter), type(layer.weight).__name__, [n for n, _ in layer.named_parameters()])
F.layer_norm(F.gelu(layer(x)), (4,)).softmax(-1).pow(2).mean().backward()
print(layer.weight.grad, layer.bias.grad)
torch.optim.SGD(layer.parameters(), 0.1).step()
print(layer.weight)
import copy as _copy
_twin = _copy.deepcopy(layer)
print(_twin.weight, _twin.weight.tag, _twin.weight.requires_grad, layer.double().weight.dtype)
with torch.no_grad():
    t.add_(1), t.mul_(2)
    t[0] = 0
print(t, torch.ops.aten.mm.default(t, t.t()))
w = t = layer = None
""",
    "weights of 8 bits": """
class Scaled(torch.Tensor):
    @staticmethod
    def __new__(cls, q, scale):
        return torch.Tensor._make_wrapper_subclass(cls, q.shape, dtype=scale.dtype)

    def __init__(self, q, scale):
        self.q, self.scale = q, scale

    def __tensor_flatten__(self):
        return ["q", "scale"], None

    @classmethod
    def __tensor_unflatten__(cls, parts, context, size, stride):
        return cls(parts["q"], parts["scale"])

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        aten = torch.ops.aten
        if func in (aten.detach.default, aten.clone.default, aten.t.default):
            return cls(func(args[0].q), func(args[0].scale))
        if func in (aten.mm.default, aten.addmm.default):
            return func(*[a.q.to(a.scale.dtype) * a.scale if isinstance(a, cls) else a for a in args])
        raise NotImplementedError(str(func))
layer = nn.Linear(8, 4)
_s = layer.weight.detach().abs().amax(1, keepdim=True) / 127
layer.weight = nn.Parameter(Scaled((layer.weight / _s).round().to(torch.int8), _s), requires_grad=False)
z = torch.randn(5, 8, requires_grad=True)
y = layer(z)
y.sum().backward()
print(_dispatch.is_traceable_wrapper_subclass(layer.weight), type(layer.state_dict()["weight"]).__name__)
wrong = attempt(lambda: layer.weight * 2)
class _Silent(torch.Tensor):
    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return NotImplemented
class _Bare(torch.Tensor):
    pass
silent = attempt(lambda: torch.ones(2).as_subclass(_Silent) + 1)
bare = attempt(lambda: torch.Tensor._make_wrapper_subclass(_Bare, (2,)))
layer = None
""",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name):
    parity(f"{SETUP}{PROGRAMS[name]}")
