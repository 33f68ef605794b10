"""Which function a class is told of, with which arguments, and what class results are of."""

import pytest

from tests.parity import parity

SETUP = """
def tried(f):
    try:
        return f()
    except Exception as error:
        return type(error).__name__
log = []
class L(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        log.append((func.__name__, [t.__name__ for t in types], len(args), sorted(kwargs or {})))
        return super().__torch_function__(func, types, args, kwargs or {})
class M(L):
    pass
class N(torch.Tensor):
    pass
def kind(v):
    return [kind(p) for p in v] if isinstance(v, (tuple, list)) else type(v).__name__
def logged(f):
    log.clear()
    result = tried(f)
    print(list(log), kind(result))
x = torch.arange(1.0, 5.0).view(2, 2).as_subclass(L)
m, c = torch.ones(2, 2).as_subclass(M), torch.ones(2, 2)
n = c.as_subclass(N)
"""
# Names of operators, methods, properties, functions; results that are views, tuples, of other types.
CALLS = [
    "x.shape, len(x), x.dtype, x.is_leaf, x.grad, x.T, x.device, x.ndim, x.requires_grad, x.is_cuda",
    "x + 1, 1 - x, x * m, m * x, c + x, x @ c, c @ x, 2 ** x, x ** 2, 2 / x, x // 2, x % 2, -x, abs(x), x == x, x > 1",
    "x.__iadd__(1), c.clone().add_(x), x.copy_(c), x.fill_(1.0), torch.add(c, c, out=x)",
    "x[0], x[0, 1], x[x > 1], c[x > 1], x.__setitem__(0, 5.0), c.__setitem__(0, x[0])",
    "list(x), float(x[0, 0]), bool(x.sum() > 0), 3 in x, reversed(x), repr(x), format(x), x.tolist(), x.numpy()",
    "x.sum(), x.sum(0), x.sum(dim=0), torch.sum(x, dim=0), x.max(0), x.topk(1), x.unique(), x.norm(), torch.norm(x)",
    "x.split(1), torch.split(x, 1), x.chunk(2), x.unbind(0), x.view(-1), x.t(), x.expand(2, 2, 2), x.permute(1, 0)",
    "torch.cat([c, x]), torch.stack([x, x]), torch.where(c > 0, c, x), torch.einsum('ij,jk->ik', x, c)",
    "torch.einsum('ij,jk->ik', [x, c])",
    "torch.meshgrid(x[0], x[0], indexing='ij'), torch.broadcast_tensors(x, c), torch.linalg.svd(x), torch.fft.fft(x)",
    "F.relu(x), F.dropout(x, 0.5), F.softmax(x, 0), F.linear(c, x), F.mse_loss(x, c), nn.Linear(2, 2)(x)",
    "x.clone(), torch.clone(x), x.detach(), x.data, x.double(), x.new_ones(2), torch.zeros_like(x)",
    "torch.tensor(x), torch.as_tensor(x), nn.Parameter(x), nn.Parameter(c) + x, x.as_subclass(torch.Tensor)",
    "x.clone().requires_grad_().sum().backward(), x.register_hook(print), nn.init.uniform_(x), nn.init.zeros_(x)",
    "x + n, torch.add(n, x), n + 1, torch.is_tensor(x), torch.numel(x), torch.result_type(x, 1), torch.equal(x, c)",
]  # fmt: skip


@pytest.mark.parametrize("calls", CALLS, ids=range(len(CALLS)))
def test_what_a_class_is_told_of(calls):
    # Between the commas that stand in no brackets.
    parity(f"""{SETUP}
for call in {_parts(calls)!r}:
    logged(lambda: eval(call))
x = m = n = None
""")


def _parts(text):
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(text):
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and not depth:
            parts.append(text[start:place].strip())
            start = place + 1
    return [*parts, text[start:].strip()]


PROGRAMS = {
    "gradients are plain": """
x.requires_grad_()
(x * 2).sum().backward()
print(kind(x.grad), x.grad.tolist(), repr(x * 2))
""",
    "a parameter of the class": """
_p = nn.Parameter(x)
_module = nn.Module()
_module.p = _p
print(isinstance(_p, nn.Parameter), kind(_p), _p.requires_grad, [k for k, _ in _module.named_parameters()])
log.clear()
""",
    "blocks in which classes are not asked": """
with torch._C.DisableTorchFunctionSubclass():
    print(kind([x + 1, x.sum(), torch.exp(x), x[0]]))
with torch._C.DisableTorchFunction():
    print(kind([x + 1, x.sum(), torch.exp(x), x[0]]))
""",
    "a class that answers for some": """
class E(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func in (torch.add, torch.Tensor.add):
            return "added"
        return super().__torch_function__(func, types, args, kwargs)
e = c.as_subclass(E)
print(e + 1, torch.add(e, 1), e.add(1), kind(e * 1), kind(torch.sub(e, 1)))
e = None
""",
    "its own new, on data's memory": """
class S(torch.Tensor):
    @staticmethod
    def __new__(cls, data, tag):
        return torch.Tensor._make_subclass(cls, data)
    def __init__(self, data, tag):
        self.tag = tag
_s = S(c, "a")
print(_s.tag, kind(_s + 1), hasattr(_s + 1, "tag"))
class P(nn.Parameter):
    def __new__(cls, data=None, requires_grad=True, manifold=None):
        made = super().__new__(cls, data, requires_grad)
        made.manifold = manifold
        return made
_p = P(c, manifold="sphere")
print(_p, repr(nn.Parameter(x)))
print(_p.manifold, kind([_p, _p * 2]), _p.requires_grad, _p.is_leaf)
""",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name):
    parity(f"{SETUP}{PROGRAMS[name]}\nx = m = n = p = None")


def test_batches_of_a_subclass_are_of_the_subclass():
    parity("""
        from torch.utils.data import default_collate as _collate


        class _Image(torch.Tensor):
            pass


        _images = [torch.full((2,), float(i)).as_subclass(_Image) for i in range(2)]
        kinds = type(_collate(_images)).__name__, type(_collate([{"x": x} for x in _images])["x"]).__name__
        kinds += (type(nn.utils.parameters_to_vector(_images)).__name__,)
    """)


def test_attributes_have_any_name():
    parity("""
        import copy, pickle
        class _Own(torch.Tensor):
            pass
        x = torch.arange(6.0).view(2, 3)
        own = "_data _node _view _hooks _name _changes _turned _tangents _requires_grad".split()
        for t in (x, x.clone().as_subclass(_Own)):
            for name in own:
                setattr(t, name, name)
            t.requires_grad_()
            (t * t).sum().backward()
            print([getattr(t, name) for name in own], t.name, t.is_leaf, t._version, t[0].grad_fn is None)
        copied = copy.deepcopy(x)
        print([getattr(copied, name) for name in own], copied)
        """)


def test_conjugated_tensors_are_of_the_class_and_stay_conjugated():
    parity("""
        class _S(torch.Tensor):
            pass


        _a, _b = torch.tensor([[1 + 2j, 3 - 1j]]).as_subclass(_S), torch.tensor([1j, 2.0]).conj()
        made = [_a.conj(), _a * _a.conj(), _a.conj().imag, _a.mH, _a @ _a.mH, _a.conj().resolve_conj(), -_a.conj().imag]
        made += [_b.as_subclass(_S), torch.Tensor._make_subclass(_S, _b)]
        kinds = [(type(t).__name__, t.is_conj(), t.is_neg()) for t in made]
        values = [t.as_subclass(torch.Tensor).resolve_conj().resolve_neg() for t in made]
        made = None
    """)


def test_recurrent_layers_keep_a_class():
    parity("""
        class _Seen(torch.Tensor):
            @classmethod
            def __torch_function__(cls, func, types, args=(), kwargs=None):
                log.append(func.__name__)
                return super().__torch_function__(func, types, args, kwargs)


        log, kinds, _x = [], [], torch.ones(4, 1, 3).as_subclass(_Seen)
        for _layer in (nn.LSTM(3, 2, 2), nn.GRU(3, 2, bidirectional=True), nn.RNN(3, 2)):
            y, h = _layer(_x)
            kinds += [type(t).__name__ for t in (y, *(h if isinstance(h, tuple) else (h,)))]
        log = [name for name in log if name in ("lstm", "gru", "rnn_tanh")]
    """)


def test_a_class_that_answers_as_parameters_do():
    parity("""
        class _Seen(torch.Tensor):
            @classmethod
            def __torch_function__(cls, func, types, args=(), kwargs=None):
                log.append(func.__name__)
                return nn.Parameter.__torch_function__(func, types, args, kwargs or {})


        log, _x = [], torch.ones(2, 3).as_subclass(_Seen)
        y = nn.Linear(3, 2)(_x)
        z = torch.cat([_x, _x]) + 1
        kinds = type(y).__name__, type(z).__name__, type(_x * 2).__name__
    """)


def test_what_a_program_puts_in_the_place_of_methods():
    parity("""
        import functools
        import sys

        log, _backward, _grad, _x = [], torch.Tensor.backward, torch.Tensor.grad, torch.ones(2, requires_grad=True)


        @functools.wraps(_backward)
        def _logged(self, *args, **kwargs):
            log.append(sys._getframe(1).f_code.co_name)
            return _backward(self, *args, **kwargs)


        torch.Tensor.backward = _logged
        torch.Tensor.grad = property(lambda self: sys._getframe(1).f_code.co_name, _grad.__set__)


        class _Seen(torch.Tensor):
            @classmethod
            def __torch_function__(cls, func, types, args=(), kwargs=None):
                log.append(func.__name__)
                return super().__torch_function__(func, types, args, kwargs or {})


        def _called():
            log.append(float((_x.as_subclass(_Seen) * 2)[0]))
            (_x * 3).sum().backward()
            return _x.grad


        log.append(_called())
        torch.Tensor.backward, torch.Tensor.grad = _backward, _grad
        g = _x.grad
    """)


def test_a_class_that_refuses_names():
    parity("""
        class _Kept(torch.Tensor):
            def __getattribute__(self, name):
                if name.endswith("_") and not name.startswith("__"):
                    raise AttributeError(name)
                return super().__getattribute__(name)

            def __setattr__(self, name, value):
                if name != "requires_grad":
                    raise TypeError(name)
                super().__setattr__(name, value)


        x = torch.arange(4.0).as_subclass(_Kept)
        y = (x * 2).sum() + torch.sin(x)[1]
        kinds = type(y).__name__, type(x.clone().as_subclass(torch.Tensor)).__name__, x.numpy().sum()
        x.requires_grad = True
        (x * x).sum().backward()
        g = x.grad
        said = []
        for _try in (lambda: x.add_(1), lambda: setattr(x, "grad", None)):
            try:
                _try()
            except (AttributeError, TypeError) as error:
                said.append(str(error))
    """)
