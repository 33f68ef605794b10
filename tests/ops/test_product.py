"""Products and factorisations against torch: what they refuse, and types that are not floats."""

import pytest

from tests.parity import parity

REFUSED = [
    "torch.addmm(A.double(), A, A)",
    "torch.addmm(A, A, A.double())",
    "torch.addmm(torch.ones(3, 2, 2), A, A)",
    "torch.addmm(torch.ones(3), A, A)",
    "torch.addmv(A, A, v)",
    "torch.addmv(torch.ones(3), A, v)",
    "torch.addr(A, A, v)",
    "torch.addr(A.long(), v.long(), v.long(), beta=0.5)",
    "torch.baddbmm(torch.ones(3, 2, 2, 2), B, B)",
    "torch.bmm(B, torch.ones(3, 2, 2))",
    "torch.bmm(A, v)",
    "torch.chain_matmul(W, W)",
    "torch.cholesky_solve(v, A)",
    "torch.cross(v, v)",
    "torch.dot(A, v)",
    "torch.dot(v, torch.ones(3))",
    "torch.dot(v, v.double())",
    "torch.einsum('i', A)",
    "torch.einsum('ij', 3)",
    "torch.einsum('ij->ij->', A)",
    "torch.einsum('ij,jk', W, W)",
    "torch.inner(W, v)",
    "torch.logdet(v)",
    "torch.matmul(v, torch.tensor(1.0))",
    "torch.matmul(W, W)",
    "torch.matmul(A, A.long())",
    "torch.mm(A.bool(), A.bool())",
    "torch.mm(v, A)",
    "torch.mm(W.T, W.T)",
    "torch.mv(W, v)",
    "torch.outer(A, v)",
    "torch.tensordot(W, A.expand(2, 2))",
    "torch.tensordot(W, W, dims=3)",
    "torch.trace(v)",
    "torch.vdot(A, v)",
    "torch.linalg.cholesky(-A)",
    "torch.linalg.cond(A, 'x')",
    "torch.linalg.cross(torch.ones(2, 3), A)",
    "torch.linalg.det(v)",
    "torch.linalg.eigh(W)",
    "torch.linalg.inv(W)",
    "torch.linalg.inv(A * 0)",
    "torch.linalg.inv(A.long())",
    "torch.linalg.lu_factor(v)",
    "torch.linalg.matrix_norm(v)",
    "torch.linalg.matrix_power(W, 2)",
    "torch.linalg.matrix_rank(v)",
    "torch.linalg.multi_dot([W])",
    "torch.linalg.norm(A, 'x')",
    "torch.linalg.norm(B, 'fro')",
    "torch.linalg.pinv(v)",
    "torch.linalg.qr(A, mode='x')",
    "torch.linalg.solve(A, torch.ones(3))",
    "torch.linalg.solve_triangular(W, A, upper=True)",
    "torch.linalg.svd(v)",
    "torch.linalg.svd(A * float('nan'))",
    "torch.linalg.tensorinv(W)",
    "torch.linalg.vector_norm(v.long())",
]


@pytest.mark.parametrize("call", REFUSED)
def test_refused(call):
    parity(f"""
        A, W, B, v = torch.ones(2, 2), torch.ones(2, 3), torch.ones(2, 2, 2), torch.ones(2)
        error = attempt(lambda: {call})
    """)


def test_whole_numbers_and_booleans():
    parity("""
        M, v = torch.arange(4).reshape(2, 2), torch.arange(2)
        factors = (dict(), dict(beta=0.6), dict(alpha=2.7, beta=1.6), dict(alpha=True))
        a = [torch.addmm(M, M, M, **k) for k in factors]
        b = [torch.addmv(v, M, v, **k) for k in factors]
        c = [torch.baddbmm(M[None], M[None], M[None], **k) for k in factors]
        d = [torch.addbmm(M, M[None], M[None], **k) for k in factors]
        e = [torch.addr(M, v, v, alpha=2), torch.addr(M.float(), v, v, beta=0.5),
             torch.addr(M.bool(), v.bool(), v.bool(), beta=False)]
    """)


def test_turning_singular_vectors():
    parity(
        """
        A = torch.randn(3, 4, dtype=torch.complex128, requires_grad=True)
        U, S, Vh = torch.linalg.svd(A, full_matrices=False)
        ((U * S) @ Vh).real.pow(3).sum().backward()
        first = torch.linalg.matrix_norm(A, "nuc")
        slope, = torch.autograd.grad(first, A, create_graph=True)
        second, = torch.autograd.grad((slope * slope.conj()).real.sum(), A)
        del U, Vh
        """,
        rtol=1e-6,
    )


def test_norms_of_nothing():
    parity("""
        orders = [1, 2, float("inf"), "fro", "nuc"]
        norms = [torch.linalg.matrix_norm(torch.ones(2, 0, 0), o, keepdim=True) for o in orders]
        least = [attempt(lambda: torch.linalg.matrix_norm(torch.ones(0, 0), -o)) for o in orders[:3]]
        A = torch.tensor([[1.0, -2.0], [3.0, 4.0]], requires_grad=True)
        kinds = [torch.linalg.matrix_norm(A, o) for o in (1, -1, 2, -2, float("-inf"), "nuc")]
        sum(kinds).backward()
    """)


def test_singular_matrices_under_the_old_name_of_their_error():
    parity("""
try:
    torch.linalg.solve(torch.zeros(2, 2), torch.ones(2))
except torch._C._LinAlgError:
    caught = True
""")
