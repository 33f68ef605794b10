"""Operators of programs, eagerly: torch.library and torch.ops, against torch's own."""

import itertools

import pytest

import rushlight as torch
from tests.parity import parity

SETUP = """
def tried(f):
    try:
        return f()
    except Exception as error:
        return type(error).__name__
from typing import List, Optional, Sequence, Tuple
from torch import Tensor
L = torch.library
def op(f, mutates=(), **options):
    op.n = getattr(op, "n", 0) + 1
    return L.custom_op(f"{_NS}::f{op.n}", mutates_args=mutates, **options)(f)
"""
_numbers = itertools.count()
PROGRAMS = [
    """
def f(x: Tensor, y: int = 3, *, z: float = 1.0) -> Tensor: ...
print(L.infer_schema(f, mutates_args=()))
""",
    """
def f(x: Tensor, s: list[int]) -> tuple[Tensor, Tensor]: ...
print(L.infer_schema(f, mutates_args=()))
""",
    """
def f(x: Tensor): ...
print(tried(lambda: L.infer_schema(f, mutates_args=())))
""",
    """
def f(x: Tensor, y: Optional[Tensor] = None) -> None: ...
print(L.infer_schema(f, mutates_args={'x'}))
""",
    """
def f(x: Tensor, y) -> Tensor: ...
print(tried(lambda: L.infer_schema(f, mutates_args=())))
""",
    """
def f(x: Tensor, y: int | None = None) -> Tensor: ...
print(L.infer_schema(f, mutates_args=()))
""",
    """
def f(x: Tensor, d: dict) -> Tensor: ...
print(tried(lambda: L.infer_schema(f, mutates_args=())))
""",
    """
def f(x: Tensor, n: int) -> int: ...
print(tried(lambda: L.infer_schema(f, mutates_args={'n'})))
""",
    """
def f(x: Tensor) -> list[Tensor]: ...
print(L.infer_schema(f, mutates_args='unknown'))
""",
    """
def f(*xs: Tensor) -> Tensor: ...
print(tried(lambda: L.infer_schema(f, mutates_args=())))
""",
    """
def f(x: Tensor, a: str = "k", b: bool = True, c: float = 1e-5, d: torch.dtype = torch.float32, e: torch.device = torch.device("cpu")) -> Tensor: ...
print(L.infer_schema(f, mutates_args=()))
""",
    """
def f(x: List[Tensor], y: Sequence[int], z: List[Optional[Tensor]], w: Optional[List[float]] = None) -> Tuple[Tensor, int]: ...
print(L.infer_schema(f, mutates_args=()))
""",
    """
def f(x: Tensor, y: int | float | bool) -> bool: ...
print(L.infer_schema(f, mutates_args=(), op_name="nm"))
""",
    """
def f(x: Tensor, n: float = 2.) -> Tensor: return x*n
g=op(f); print(g(torch.ones(2)), g(torch.ones(2), 3.), g(torch.ones(2), n=4.), g._opoverload._schema.__str__().split('(')[1])
""",
    """
def f(x: Tensor) -> Tensor: return x
g=op(f); print(tried(lambda: g(torch.ones(2))))
""",
    """
def f(x: Tensor) -> Tensor: return x[:]
g=op(f); print(tried(lambda: g(torch.ones(2))))
""",
    """
def f(x: Tensor) -> Tensor: return x.view(3)
g=op(f); print(tried(lambda: g(torch.ones(3))))
""",
    """
def f(x: Tensor) -> tuple[Tensor, Tensor]:
    y=x.clone(); return y, y
g=op(f); print(tried(lambda: g(torch.ones(2))))
""",
    """
def f(x: Tensor) -> Tensor:
    x.add_(1); return x.clone()
g=op(f); x=torch.ones(3); print(g(x), x, x._version)
""",
    """
def f(x: Tensor) -> Tensor: return 1.5
g=op(f); print(tried(lambda: g(torch.ones(2))))
""",
    """
def f(x: Tensor) -> None: pass
g=op(f, {'x'}); x=torch.ones(2); print(g(x), x._version)
""",
    """
def f(x: Tensor) -> None: x.add_(1)
g=op(f, {'x'}); x=torch.ones(2, requires_grad=True); print(tried(lambda: g(x)), x, x._version)
""",
    """
def f(x: Tensor) -> Tensor: return x*2
g=op(f); x=torch.ones(2, requires_grad=True); y=g(x); print(y.requires_grad, tried(lambda: y.sum().backward()))
""",
    """
def f(x: Tensor, n: int) -> Tensor: return x*n
g=op(f)
def setup(ctx, inputs, output): ctx.n=inputs[1]
g.register_autograd(lambda ctx, gr: (gr*ctx.n, None), setup_context=setup); x=torch.ones(2, requires_grad=True); g(x, 3).sum().backward(); print(x.grad)
""",
    """
def f(x: Tensor) -> Tensor: return x.numpy().copy().__mul__(2).__class__ and torch.from_numpy(x.numpy()*2)
g=op(f)
g.register_autograd(lambda ctx, gr: gr*2); x=torch.ones(2, requires_grad=True); g(x).sum().backward(); print(x.grad)
""",
    """
def f(xs: List[Tensor]) -> Tensor: return xs[0]+xs[1]
g=op(f)
g.register_autograd(lambda ctx, gr: [gr, gr*2]); a=torch.ones(2, requires_grad=True); b=torch.ones(2, requires_grad=True); g([a,b]).sum().backward(); print(a.grad, b.grad)
""",
    """
def f(x: Tensor) -> tuple[Tensor, Tensor]: return x*2, x*3
g=op(f)
g.register_autograd(lambda ctx, p, q: p*2+q*3); x=torch.ones(2, requires_grad=True); u,v=g(x); (u+v).sum().backward(); print(x.grad)
""",
    """
def f(x: Tensor) -> List[Tensor]: return [x*2, x*3]
g=op(f)
g.register_autograd(lambda ctx, gs: gs[0]*2+gs[1]*3); x=torch.ones(2, requires_grad=True); u,v=g(x); (u+v).sum().backward(); print(x.grad)
""",
    """
def f(x: Tensor, n: int, s: List[int]) -> Tensor: return x*1
g=op(f); x=torch.ones(1); print([tried(lambda: g(x, 1.5, [1])), tried(lambda: g(x, 1, 2)), tried(lambda: g(x, 1)), tried(lambda: g()), tried(lambda: g(x,1,[1],2)), tried(lambda: g(x, 1, [1], k=1)), tried(lambda: g("a", 1, [1]))])
""",
    """
lib=L.Library(_NS+"a","DEF"); print(lib.define("foo(Tensor x, int n=3) -> Tensor")); lib.impl("foo", lambda x, n=3: x*n, "CompositeImplicitAutograd"); o=getattr(torch.ops, _NS+"a").foo; print(o(torch.ones(1)), o.default(torch.ones(1), 4), o.overloads(), tried(lambda: lib.define("foo(Tensor x) -> Tensor")))
""",
    """
lib=L.Library(_NS+"b","DEF"); lib.define("q(Tensor(a!) x) -> ()")
@L.impl(lib, "q", "CompositeExplicitAutograd")
def _(x): x.add_(1)
y=torch.zeros(2); print(getattr(torch.ops, _NS+"b").q(y), y, y._version)
""",
    """
L.define(_NS+"c::q", "(Tensor x) -> Tensor")
@L.impl(_NS+"c::q", "cpu")
def _(x): return x+1
L.register_autograd(_NS+"c::q", lambda ctx, g: g*7); w=torch.ones(1, requires_grad=True); getattr(torch.ops, _NS+"c").q(w).sum().backward(); print(w.grad)
""",
    """
print(tried(lambda: L.define("noname", "(Tensor x) -> Tensor")), tried(lambda: L.define("a::b", "b(Tensor x) -> Tensor")), tried(lambda: L.Library("prim", "DEF")), tried(lambda: L.Library("zz", "XX")), tried(lambda: torch.ops.nope.f), tried(lambda: torch.ops.aten.nope), tried(lambda: torch.ops.load_library("x.so")))
""",
    """
with L._scoped_library(_NS+"s", "DEF") as l:
    l.define("u(Tensor x) -> Tensor"); l.impl("u", lambda x: x+1, "CompositeImplicitAutograd"); print(getattr(torch.ops, _NS+"s").u(torch.ones(1)))
print(tried(lambda: getattr(torch.ops, _NS+"s").u))
""",
    """
a=torch.ops.aten.add; print(a, repr(a), a.Tensor, repr(a.Tensor), a.Tensor._schema, a.Tensor.name(), a._qualified_op_name, a.Tensor._overloadname, a.__name__, a.Tensor.namespace, a.overloads()[:2])
""",
    """
print(torch.ops.aten.sin.default(torch.ones(1)), torch.ops.aten.sum.dim_IntList(torch.ones(2,2), [0]), torch.ops.aten.add.Tensor(torch.ones(1), torch.ones(1), alpha=2), torch.ops.aten.view(torch.ones(4), [2,2]), torch.ops.aten.mm.default is torch.ops.aten.mm.default)
""",
    """
x=torch.arange(6.).view(2,3); A=torch.ops.aten; print(A.add_.Tensor(x, 1), A.mul.Scalar(x, 2), A.pow.Tensor_Scalar(x, 2), A.mean.dim(x, [0]), A.var.correction(x, [0]), A.linalg_inv(torch.eye(2)), A.expand.default(x, [2,2,3]).shape, A.clone.default(x), A._softmax.default(x, 1, False), A.eq.Scalar(x, 1))
""",
    """
class T(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None): return str(func)
_t=torch.ones(2).as_subclass(T); print(torch.ops.aten.sin(_t), torch.ops.aten.add.Tensor(_t, 1) if False else '')
""",
    """
def f(x: Tensor, y: Tensor) -> Tensor: return x*y
g=op(f)
def setup(ctx, inputs, output): ctx.save_for_backward(*inputs)
def bwd(ctx, gr):
    x,y=ctx.saved_tensors; return gr*y if ctx.needs_input_grad[0] else None, gr*x if ctx.needs_input_grad[1] else None
g.register_autograd(bwd, setup_context=setup); x=torch.ones(2, requires_grad=True); y=torch.full((2,),3.); g(x,y).sum().backward(); print(x.grad, y.grad)
""",
]


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_programs(program):
    parity(f"_NS = 'lab{next(_numbers)}'\n{SETUP}{program}")


def test_opcheck():
    @torch.library.custom_op("checked::good", mutates_args=())
    def good(x: torch.Tensor) -> torch.Tensor:
        return x * 2

    @torch.library.custom_op("checked::bad", mutates_args=())
    def bad(x: torch.Tensor) -> torch.Tensor:
        x.add_(1)
        return x * 2

    x = torch.ones(2)
    assert torch.library.opcheck(good, (x,), test_utils="test_schema") == {"test_schema": "SUCCESS"}
    with pytest.raises(Exception, match="it was changed"):
        torch.library.opcheck(bad, (x,), test_utils="test_schema")
    with pytest.raises(Exception, match="no fake impl"):
        torch.library.opcheck(good, (x,))


def test_triton_is_refused_in_words():
    with pytest.raises(NotImplementedError, match="run on a GPU"):
        torch.library.wrap_triton(print)


def test_functions_are_operators_of_aten():
    aten = torch.ops.aten
    assert (
        str(aten.add.Tensor._schema)
        == "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor"
    )
    assert aten.sin.default(torch.zeros(1)).item() == 0.0
    with pytest.raises(AttributeError, match="no overload name 'nope'"):
        aten.add.nope
    assert isinstance(aten.add, torch._ops.OpOverloadPacket)
    assert isinstance(aten.add.Tensor, torch._ops.OpOverload)
