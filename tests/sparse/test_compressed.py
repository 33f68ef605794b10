"""Compressed matrices (CSR, CSC), and what sparse tensors have besides: each program runs under both."""

import pytest
from tests.parity import parity


def test_what_a_compressed_matrix_is():
    parity("""
        _c = torch.tensor([[0.0, 1, 0], [2, 0, 3]]).to_sparse_csr()
        shown = repr(_c), repr(_c.double()), repr(_c.to_sparse_csc()), repr(_c.t())
        parts = _c.crow_indices(), _c.col_indices(), _c.values()
        told = _c.is_sparse, _c.is_sparse_csr, str(_c.layout), _c._nnz(), _c.shape, _c.dim(), _c.numel()
        again = _c.to_dense(), _c.to_sparse().to_dense(), _c.to_sparse_csc().to_dense()
        row, one = _c[0].to_dense(), _c[1, 2]
        wrong = [
            attempt(_c.indices), attempt(_c.coalesce), attempt(_c.numpy), attempt(lambda: _c.sum(0)),
            attempt(torch.ones(2).crow_indices), attempt(torch.ones(2).coalesce),
        ]
        narrow = torch.sparse_csr_tensor(
            torch.tensor([0, 1, 3], dtype=torch.int32), torch.tensor([1, 0, 2], dtype=torch.int32), [1, 2, 3]
        )
        _found = [narrow.crow_indices(), narrow.values()]
        narrow = _found[0].dtype, _found[1], repr(narrow)
        unmet = attempt(
            lambda: torch.sparse_csr_tensor([0, 1, 4], [1, 0, 2], [1.0, 2, 3], (2, 3), check_invariants=True)
        )
    """)


def test_arithmetic_of_compressed_matrices():
    parity("""
        _c = torch.tensor([[0.0, 1, 0], [2, 0, 3]]).to_sparse_csr()
        d = torch.tensor([[1.0, 2], [3, 4], [5, 6]])
        products = _c @ d, torch.mm(_c, d), torch.sparse.mm(_c, d), _c @ d[:, 0], torch.mv(_c, d[:, 0])
        others = d.t() @ _c.t(), torch.addmm(torch.ones(2, 2), _c, d), (_c @ _c.t()).to_dense()
        sums = (_c + _c).to_dense(), d.t() + _c, _c + d.t(), _c.sum()
        elements = [(_c * 2).to_dense(), (_c * _c).to_dense(), (_c * d.t()).to_dense(), (-_c).to_dense()]
        functions = [f.to_dense() for f in (_c.abs(), _c.sin(), _c.relu(), _c.sqrt())]
        sampled = torch.sparse.sampled_addmm(_c, torch.ones(2, 4), torch.ones(4, 3)).to_dense()
        masked = torch.arange(6.0).reshape(2, 3).sparse_mask(_c).values()
        values = torch.tensor([1.0, 2, 3], requires_grad=True)
        _e = d.clone().requires_grad_()
        (torch.sparse_csr_tensor([0, 1, 3], [1, 0, 2], values, (2, 3)) @ _e).pow(2).sum().backward()
        grad = _e.grad
    """)


def test_coordinates_have_these_too():
    parity("""
        _s = torch.tensor([[0.0, 1, 2], [0, 0, 0], [3, 0, 4]]).to_sparse()
        _d = torch.arange(6.0).reshape(3, 2)
        picked = _s[0].to_dense(), _s[0, 2], _s.select(1, 2).to_dense()
        chosen = _s.index_select(0, torch.tensor([2, 0, 2])).to_dense()
        column = _s.index_select(1, torch.tensor([2])).to_dense()
        shown = repr(_s.sin()), repr(_s.pow(2)), repr(_s.smm(_d)), repr(torch.hspmm(_s, _d))
        sum = repr(torch.sspaddmm(torch.eye(3, 2).to_sparse(), _s, _d, beta=2, alpha=3))
        resized = repr(torch.eye(2).to_sparse().sparse_resize_((3, 3), 2, 0))
        diagonals = torch.sparse.spdiags(torch.ones(2, 3), torch.tensor([1, -1]), (3, 3)).to_dense()
        norm = torch.native_norm(_s, 3)
        wrong = attempt(lambda: torch.eye(2).to_sparse().sparse_resize_((2, 1), 2, 0))
        _check = torch.sparse.as_sparse_gradcheck(torch.autograd.gradcheck)
        _x = torch.tensor([[0, 1], [2, 3]], dtype=torch.float64).to_sparse_coo().requires_grad_(True)
        checked = _check(lambda x: x.to_sparse_csr(), _x)
        with torch.sparse.check_sparse_tensor_invariants():
            on = torch.sparse.check_sparse_tensor_invariants.is_enabled()
    """)


@pytest.mark.parametrize("reduce", ["sum", "mean", "amax", "amin"])
def test_products_that_reduce_what_is_there(reduce):
    parity(f"""
        dense = torch.tensor([[1.0, 0, 2, -3], [0, 0, 0, 0], [0, -1, 0, 0], [2, 2, 2, 2]])
        _rows = dense.to_sparse_csr().requires_grad_()
        x = torch.tensor([[1.0, -2], [1, 3], [1, 0.5], [1, 3]], requires_grad=True)
        out = torch.sparse.mm(_rows, x, "{reduce}")
        (out * torch.arange(1.0, 9.0).reshape(4, 2)).sum().backward()
        gradients = _rows.grad.values(), x.grad
        plain = torch.sparse.mm(_rows.detach(), x).grad_fn.name()
        _wrong = [(_rows, x, "prod"), (_rows, x[:3], "sum"), (_rows, x.to_sparse(), "sum"), (_rows.double(), x, "sum")]
        _wrong += [(dense.to_sparse_csc(), x, "sum"), (dense.to_sparse(), x, "sum"), (dense, x, "sum")]
        refused = [attempt(lambda: torch.sparse.mm(*given)) for given in _wrong]
    """)
