"""What may be changed in place, what such a change means for views, and what is refused unchanged.

Every program runs under torch and under rushlight (`tests/parity.py`).
"""

from __future__ import annotations

import pytest

from tests.parity import parity

SETUP = """
def state(t):
    try:
        leaf = t.is_leaf
    except RuntimeError:
        leaf = "refused"
    return [t.requires_grad, leaf, t._is_view(), t.detach().tolist()]


def tried(f):
    try:
        f()
    except Exception as error:
        return type(error).__name__
    return "done"


def grads(out, *inputs):
    try:
        found = torch.autograd.grad((out * out).sum(), inputs, allow_unused=True)
    except RuntimeError:
        return "refused"
    return [None if g is None else g.tolist() for g in found]


def count(t):
    try:
        return t._version
    except RuntimeError:
        return "none"


"""
BASES = {
    "plain": "w = torch.arange(1.0, 13).reshape(3, 4); b = w.clone()",
    "leaf": "w = torch.arange(1.0, 13).reshape(3, 4).requires_grad_(); b = w",
    "leaf that is a view": "w = torch.arange(1.0, 17).reshape(4, 4)[1:].requires_grad_(); b = w",
    "not a leaf": "w = torch.arange(1.0, 13).reshape(3, 4).requires_grad_(); b = w.clone()",
    "view of no leaf": "w = torch.arange(1.0, 17).reshape(4, 4).requires_grad_(); b = w.clone()[1:]",
}
VIEWS = [
    "b[1:]", "b[0]", "b.t()", "b.view(-1)", "b[...]", "b.unsqueeze(0).expand(2, 3, 4)", "b.expand(3, 4)",
    "b.diagonal()", "b.as_strided((2, 2), (4, 1))", "b.split(2)[0]", "b.unbind(0)[1]",
    "b.tensor_split(2)[0]", "b.unsafe_split(2)[0]", "list(b)[1]", "b.detach()", "b.data",
    "b[1:].t()[1:]", "b.split(2)[0][0]", "b.view(torch.int32)", "b.as_subclass(torch.Tensor)",
]  # fmt: skip
CHANGES = {
    "view": "v.mul_(2)",
    "view, unrecorded": "torch.no_grad()(lambda: v.mul_(2))()",
    "view, inferring": "torch.inference_mode()(lambda: v.mul_(2))()",
    "base": "b.mul_(2)",
    "base, unrecorded": "torch.no_grad()(lambda: b.mul_(2))()",
    "by what wants a gradient": "v.add_(torch.ones((), requires_grad=True))",
    "base by what wants a gradient": "b.add_(torch.ones((), requires_grad=True))",
    "filled": "v.fill_(3)",
    "an element": "v.__setitem__(0, 3)",
    "no such element": "v.__setitem__(7, 3)",
    "wanting": "setattr(v, 'requires_grad', True)",
    "base wanting": "b.requires_grad_()",
    "detached": "v.detach_()",
    "shape": "v.unsqueeze_(0)",
    "size": "v.resize_(2)",
    "base, shape": "b.as_strided_((2, 2), (2, 1))",
}
MODES = {"": "", "no_grad": "with torch.no_grad(): ", "inference": "with torch.inference_mode(): "}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("base", BASES)
def test_changes_of_views(base, mode):
    program = SETUP
    # A refused change of what was made in inference mode has changed it all the same in torch.
    views = [v for v in VIEWS if not (mode == "inference" and ("int32" in v or "unsafe" in v))]
    for number, (view, change) in enumerate((v, c) for v in views for c in CHANGES.values()):
        program += f"{BASES[base]}\n{MODES[mode]}v = {view}\n"
        program += f"done{number} = tried(lambda: {change})\n"
        program += f"state{number} = state(v), state(b), count(v), count(b), v.is_inference()\n"
        program += f"grads{number} = grads(v, w), grads(b, w)\n"
    parity(program + "del w, b, v")


OPERATIONS = [
    "add_(o)", "mul_(o)", "copy_(o)", "eq_(o)", "logical_not_()", "logical_and_(o)", "exp_()", "fill_(2)",
    "zero_()", "clamp_(o, o)", "lerp_(o, 0.3)", "addcmul_(o, o)", "tril_()", "cumsum_(0)", "uniform_()",
    "masked_fill_(m, 2)", "masked_scatter_(m, o)", "index_fill_(0, i, 3)", "index_put_((i,), o[:2])",
    "index_put_((i,), o[:2], True)", "index_add_(0, i, o[:2])", "index_copy_(0, i, o[:2])",
    "put_(i, o[0, :2])", "scatter_(0, j, o)", "scatter_add_(0, j, o)", "fill_diagonal_(3)", "ldexp_(o)",
    "addmm_(o, o)", "addr_(o[0], o[1])", "index_fill_(0, torch.tensor([99]), 3)", "add_(o[0, :2])",
]  # fmt: skip
TARGETS = {
    "leaf": "x.requires_grad_()",
    "view of a leaf": "x = x.requires_grad_()[:]",
    "by what wants a gradient": "o.requires_grad_()",
    "expanded": "x = x[:1].expand(3, 3)",
    "itself": "o = x",
    "its view": "o = x[:]",
    "turned": "o = x.t()",
    "partly": "x = all[1:10].view(3, 3); o = all[:9].view(3, 3)",
}


@pytest.mark.parametrize("target", TARGETS)
def test_what_an_operation_may_write(target):
    program = SETUP + "m, i = torch.tensor([True, False, True]), torch.tensor([2, 0])\n"
    program += "j = torch.tensor([[0, 1, 2], [2, 2, 1]])\n"
    for number, operation in enumerate(OPERATIONS):
        program += "torch.manual_seed(0); all = torch.linspace(0.1, 0.9, 12)\n"
        program += "x = all[:9].clone().view(3, 3); o = x.flip(0)\n"
        program += f"{TARGETS[target]}\n"
        program += f"done{number} = tried(lambda: x.{operation})\n"
        # What torch leaves where it reads what it has written already is nobody's promise.
        if "99" not in operation and target not in ("itself", "its view", "turned", "partly"):
            program += f"state{number} = state(x), count(x), all.tolist()\n"
    parity(program + "del m, i, j, x, o, all")


def test_inference_tensors():
    parity(
        SETUP
        + """
with torch.inference_mode():
    t, w = torch.ones(3), torch.ones(3, requires_grad=True)
x = torch.ones(3, requires_grad=True)
kinds = [a.is_inference() for a in (t, t[1:], t.view(3), t.detach(), t.data, t.clone(), t + 1)]
counts = [count(a) for a in (t, t[1:], t.detach(), t.data)]
outside = [tried(lambda: t.add_(1)), tried(lambda: t[1:].zero_()), tried(lambda: t.__setitem__(0, 1))]
outside += [tried(lambda: t.unsqueeze_(0)), tried(lambda: torch.add(t, 1, out=t))]
wanting = tried(lambda: t.requires_grad_()), tried(lambda: w.requires_grad_(False))
saved = tried(lambda: x * t), tried(lambda: x + t), tried(lambda: w * 2)
with torch.inference_mode():
    v = x[1:]
    inside = tried(lambda: t.add_(1)), tried(lambda: x.detach().add_(1)), v.is_inference()
view = state(v), tried(lambda: v.mul_(2)), tried(lambda: x.detach()[1:].mul_(2))
with torch.inference_mode(), torch.inference_mode(False):
    flags = torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.ones(2).is_inference()
with torch.no_grad(), torch.inference_mode(False):
    enabled = torch.is_grad_enabled()
del t, w, x, v
"""
    )


GEOMETRIES = [
    "h = w.clone()[1:3]; y = h.as_strided((6,), (1,), 0)",
    "h = w.clone(); v = h[3:]; y = h; v.as_strided((6,), (1,), 0).mul_(2)",
    "h = w.clone(); v = h[3:].as_strided((6,), (1,), 0); v[:2].mul_(3); y = v",
    "h = w.clone(); v = h[:]; h.as_strided_((2,), (1,)); y = v",
    "h = w.clone(); v = h[2:]; h.unsqueeze_(0); y = v",
    "h = w.clone(); y = h.as_strided((4, 3), (1, 1)).as_strided((5,), (1,), 1)",
    "h = w[:1].expand(4); y = h.as_strided((6,), (1,), 0)",
    "h = w.clone(); v = h[:]; h.as_strided_((2,), (1,)); v.mul_(2); y = h",
    "h = w.clone(); h.expand(2, 6).fill_(2); y = h",
    "y = torch.as_strided_scatter(w[:2], w[:1], (1,), (1,), 5)",
]


@pytest.mark.parametrize("program", GEOMETRIES)
def test_gradients_find_their_way_through_geometries(program):
    parity(
        SETUP
        + f"w = torch.arange(1.0, 7, requires_grad=True); v = None\n{program}\n"
        + "found = grads(y, w)\ndel w, h, v, y" * ("h =" in program)
        + "found = grads(y, w)\ndel w, v, y" * ("h =" not in program)
    )


@pytest.mark.parametrize(
    "numbers", ["(7,), (1,), 0", "(2, 4), (3, 1), 0", "(2,), (1,), 5", "(1,), (1,), -1"]
)
def test_no_view_leaves_its_memory(numbers):
    parity(
        SETUP
        + f"""
x = torch.ones(6)
refused = [tried(lambda: x.as_strided({numbers})), tried(lambda: x.as_strided_({numbers}))]
refused += [tried(lambda: torch.as_strided_scatter(x, torch.ones({numbers.split(", (")[0]}), {numbers}))]
shape = x.shape
"""
    )
