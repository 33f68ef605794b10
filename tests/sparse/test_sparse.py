"""Sparse tensors against torch's: their parts, arithmetic, products, gradients and printing."""

import pytest
from tests.parity import parity

import rushlight

PARTS = """
_i = torch.tensor([[0, 1, 1, 2], [2, 0, 2, 1]])
_v = torch.tensor([3.0, 4.0, 5.0, -6.0])
_s = torch.sparse_coo_tensor(_i, _v, (3, 4))
_repeated = torch.sparse_coo_tensor(torch.tensor([[1, 0, 1], [2, 1, 2]]), _v[:3], (3, 4))
_d = torch.arange(12.0).reshape(3, 4)
"""


def parts(program: str) -> None:
    """A program with these tensors; it prints sparse results, so that their parts are compared."""
    parity(PARTS + program)


def test_what_it_is():
    parts("""
print(_s, _repeated, _s.double(), sep="\\n")
facts = [_s.shape, _s.size(1), _s.dim(), _s.ndim, _s.numel(), len(_s), _s.dtype, str(_s.layout)]
counts = [_s._nnz(), _s.sparse_dim(), _s.dense_dim(), _s.is_sparse, _s.is_coalesced()]
tensor = isinstance(_s, torch.Tensor)
dense = _s.to_dense()
same = _s.to(torch.float32) is _s, _s.to("cpu") is _s
kinds = [_s.double(), _s.long(), _s.to(torch.int32), _s.half()]
not_yet = attempt(_s.indices)
first = attempt(_s.numpy)
whole = _repeated.coalesce()
print(whole, whole.is_coalesced(), whole.indices(), whole.values())
""")


def test_made_in_many_ways():
    parts("""
print(torch.sparse_coo_tensor([[0, 2]], [1.0, 2.0]))
print(torch.sparse_coo_tensor((2, 3)), torch.sparse_coo_tensor(size=(2, 3), dtype=torch.int64))
nothing = attempt(torch.sparse_coo_tensor)
print(torch.sparse_coo_tensor(_i.numpy(), torch.ones(4), (3, 4), dtype=torch.int64))
print(torch.sparse_coo_tensor([[0, 1]], torch.ones(2, 3), (4, 3)))
print(torch.sparse.FloatTensor(_i, _v, torch.Size([3, 4])))
print(torch.sparse.LongTensor(_i, _v.long()))
print(_d.to_sparse(), torch.diag(_v).to_sparse(), _d.to_sparse(1), sep="\\n")
print(torch.zeros(2, 2).to_sparse())
few = attempt(lambda: torch.sparse_coo_tensor([[0, 2]], [1.0]))
flat = attempt(lambda: torch.sparse_coo_tensor([0, 2], [1.0, 2.0]))
""")


def test_arithmetic_and_sums():
    parts("""
for _r in (_s * 2, 2 * _s, _s / 2, -_s, _s + _s, _s - _s, _s * _d, _d * _s, _s.t(), _s.T):
    print(_r)
both = _s.coalesce() + _repeated.coalesce()
print(both, _s.coalesce() * _repeated.coalesce())
dense = [_d + _s, _d - _s, torch.eye(3, 4) + _s.long()]
wrong = attempt(lambda: _s + _d)
sums = [_s.sum(), torch.sum(_s), torch.sparse.sum(_s), torch.sparse.sum(_s, (0, 1))]
print(_s.sum(1), torch.sum(_repeated, dim=0), torch.sparse.sum(_s, -1))
_hybrid = torch.sparse_coo_tensor([[0, 2]], torch.ones(2, 3), (4, 3))
print(_hybrid.sum(1), _hybrid + _hybrid)
inner = _hybrid.sum(0)
""")


def test_products():
    parts("""
_w = torch.arange(8.0).reshape(4, 2)
dense = [torch.mm(_s, _w), torch.spmm(_s, _w), torch.sparse.mm(_s, _w), _s @ _w, _s.mm(_w)]
more = [_repeated @ _w, _s @ torch.ones(4), torch.mv(_s, torch.ones(4)), torch.matmul(_s, _w)]
left = [_w.t() @ _s.t(), torch.mm(torch.ones(2, 3), _s), torch.spmm(_w.t(), _w)]
added = torch.addmm(torch.ones(3, 2), _s, _w), torch.sparse.addmm(torch.ones(3, 2), _s, _w)
print(_s @ _s.t(), torch.sparse.mm(_repeated, _s.t()))
wrong = attempt(lambda: torch.mm(_s, torch.ones(3, 2)))
types = attempt(lambda: torch.mm(_s, _w.double()))
""")


def test_gradients_reach_the_values_and_the_dense_operand():
    parity("""
_i = torch.tensor([[0, 1, 1, 1], [2, 0, 2, 2]])
v = torch.tensor([3.0, 4.0, 5.0, 6.0], requires_grad=True)
w = torch.arange(6.0).reshape(3, 2).requires_grad_()
_s = torch.sparse_coo_tensor(_i, v, (2, 3))
print(_s)
facts = _s.requires_grad, _s.is_leaf
(torch.spmm(_s, w) ** 2).sum().backward(retain_graph=True)
d = torch.ones(2, 3, requires_grad=True)
((d + _s).sum() + (_s.to_dense() ** 2).sum() + _s.coalesce().values().prod()).backward()
""")


def test_the_gradient_of_a_sparse_leaf_is_sparse():
    parity("""
_i = torch.tensor([[0, 1, 1], [2, 0, 2]])
s = torch.sparse_coo_tensor(_i, torch.tensor([3.0, 4.0, 5.0]), (2, 3), requires_grad=True)
torch.sparse.mm(s, torch.arange(6.0).reshape(3, 2)).sum().backward()
print(s, s.grad)
leaf = s.is_leaf
""")


def test_softmax():
    parts("""
print(torch.sparse.softmax(_s, 1), torch.sparse.softmax(_s, 0), torch.sparse.log_softmax(_s, 1))
_x = torch.eye(3) + torch.ones(3, 3).tril()
x = _x.requires_grad_()
(torch.sparse.softmax(x.to_sparse(), 1).to_dense() ** 2).sum().backward()
""")


def test_higher_derivatives():
    torch = rushlight
    i = torch.tensor([[0, 1, 1], [2, 0, 2]])
    w = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
    v = torch.randn(3, dtype=torch.float64, requires_grad=True)

    def product(v, w):
        s = torch.sparse_coo_tensor(i, v, (2, 3))
        return torch.sparse.mm(s, w).tanh(), torch.sparse.mm(s, s.t()).to_dense().tanh()

    assert torch.autograd.gradgradcheck(product, (v, w))


@pytest.mark.parametrize("call", ["exp", "mean", "__getitem__", "view", "sigmoid", "diag", "max"])
def test_what_is_not_offered_says_so(call):
    s = rushlight.eye(2).to_sparse()
    arguments = {"__getitem__": (slice(1),), "view": (-1,)}.get(call, ())
    with pytest.raises(NotImplementedError, match=r"to_dense\(\)"):
        getattr(s, call)(*arguments)


def test_coordinates_outside_the_size_are_refused():
    """torch accepts them, and reads outside of its memory later."""
    with pytest.raises(RuntimeError, match="size is 3 but found index 5"):
        rushlight.sparse_coo_tensor([[0, 5]], [1.0, 2.0], (3,))
    with pytest.raises(RuntimeError, match="negative index"):
        rushlight.sparse_coo_tensor([[0, -1]], [1.0, 2.0], (3,))


def test_a_graph_network_trains():
    parity("""
_dense = (torch.rand(12, 12) < 0.3).float() + torch.eye(12)
_scale = torch.diag(_dense.sum(1).pow(-0.5)).to_sparse()
_adjacency = (_scale @ _dense @ _scale).to_sparse()
_x, _y = torch.rand(12, 5).to_sparse(), torch.randint(3, (12,))
first, second = nn.Parameter(torch.randn(5, 8) * 0.3), nn.Parameter(torch.randn(8, 3) * 0.3)
_optimizer = torch.optim.Adam([first, second], lr=0.05)
losses = []
for _ in range(10):
    _optimizer.zero_grad()
    _h = torch.spmm(_adjacency, torch.mm(_x, first)).relu()
    _loss = F.cross_entropy(torch.spmm(_adjacency, _h @ second), _y)
    _loss.backward()
    _optimizer.step()
    losses.append(_loss.item())
""")


def test_sparse_parameters_are_kept():
    parity("""
        import io, pickle
        def saved(thing):
            file = io.BytesIO()
            torch.save(thing, file)
            file.seek(0)
            return torch.load(file)
        _model = torch.nn.Module()
        _model.rows = torch.nn.Parameter(torch.eye(2).to_sparse())
        _model.lines = torch.nn.Parameter(torch.eye(3).to_sparse_csr(), requires_grad=False)
        kept = [
            (repr(again), type(again).__name__, isinstance(again, torch.nn.Parameter), again.requires_grad)
            for _p in _model.parameters()
            for again in (_p, saved(_p), pickle.loads(pickle.dumps(_p)))
        ]
        state = repr(saved(_model.state_dict()))
        torch.sparse.mm(_model.rows, torch.ones(2, 3)).sum().backward()
        gradient = _model.rows.grad.to_dense()
    """)
