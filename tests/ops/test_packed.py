"""Factorisations kept packed, guarded factorisations, pseudoinverses, low rank: against torch."""

import pytest

from tests.parity import parity

SHAPES = ["3, 3", "4, 2", "2, 5", "2, 3, 3", "0, 3"]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_lu(shape, dtype):
    parity(f"""
        A = torch.randn({shape}, dtype=torch.{dtype}, requires_grad=True)
        P, L, U = torch.linalg.lu(A)
        packed, pivots = torch.linalg.lu_factor(A)
        old = torch.lu(A, get_infos=True)
        parts = torch.lu_unpack(packed, pivots)
        (L.abs() ** 2).sum().backward()
        (parts.U.abs() ** 3).sum().backward()
        half = torch.lu_unpack(packed, pivots, unpack_data=False).L.shape
        shown = repr(U)
    """)


@pytest.mark.parametrize("options", ["", "left=False", "adjoint=True", "left=False, adjoint=True"])
def test_lu_solve(options):
    parity(f"""
        A = torch.randn(2, 3, 3, dtype=torch.complex128, requires_grad=True)
        B = torch.randn(3, 3, dtype=torch.complex128, requires_grad=True)
        X = torch.linalg.lu_solve(*torch.linalg.lu_factor(A), B, {options})
        (X.abs() ** 2).sum().backward()
        old = torch.lu_solve(B, *torch.linalg.lu_factor(A)) if not {options!r} else None
    """)


def test_reflections():
    parity("""
        A = torch.randn(2, 4, 3, dtype=torch.float64)
        packed, tau = torch.geqrf(A)
        packed, tau = packed.detach().requires_grad_(), tau.detach().requires_grad_()
        Q = torch.linalg.householder_product(packed, tau)
        C = torch.randn(2, 4, 2, dtype=torch.float64, requires_grad=True)
        products = [torch.ormqr(packed, tau, C), torch.ormqr(packed, tau, C, transpose=True),
                    torch.ormqr(packed, tau, C.mT, left=False)]
        (Q ** 3).sum().backward()
        sum((p ** 3).sum() for p in products).backward()
        same = torch.equal(torch.orgqr(packed, tau), Q)
    """)


def test_guarded():
    parity("""
        good = torch.tensor([[2.0, 1.0], [1.0, 3.0]], requires_grad=True)
        both = torch.stack([good.detach(), torch.zeros(2, 2)])
        results = [torch.linalg.inv_ex(good), torch.linalg.cholesky_ex(good, upper=True),
                   torch.linalg.solve_ex(good, torch.ones(2, 3)),
                   torch.linalg.solve_ex(good, torch.ones(2))]
        sum((r[0] ** 2).sum() for r in results).backward()
        infos = [f(both).info for f in (torch.linalg.inv_ex, torch.linalg.cholesky_ex)]
        infos.append(torch.linalg.solve_ex(both, torch.ones(2, 1)).info)
        kept = torch.linalg.inv_ex(both).inverse[0]
        errors = [attempt(lambda: f(both, check_errors=True)) for f in (
            torch.linalg.inv_ex, torch.linalg.cholesky_ex, torch.linalg.lu_factor_ex)]
        zero = attempt(lambda: torch.linalg.lu_factor(both))
        pivot = attempt(lambda: torch.linalg.lu(both, pivot=False))
        shapes = attempt(lambda: torch.linalg.lu_solve(
            *torch.linalg.lu_factor(good), torch.ones(3, 1)))
        kind = attempt(lambda: torch.linalg.lu_solve(good, torch.ones(2), torch.ones(2, 1)))
    """)


@pytest.mark.parametrize("driver", ["None", "'gels'", "'gelsy'", "'gelsd'", "'gelss'"])
@pytest.mark.parametrize("shape", ["4, 2", "2, 4", "3, 3", "2, 4, 3"])
def test_least_squares(shape, driver):
    parity(
        f"""
        A = torch.randn({shape}, dtype=torch.float64, requires_grad=True)
        B = torch.randn(*A.shape[:-1], 2, dtype=torch.float64, requires_grad=True)
        found = torch.linalg.lstsq(A, B, driver={driver})
        (found.solution ** 3).sum().backward()
        """,
        rtol=1e-7,
    )


def test_least_squares_refuses():
    parity("""
        A = torch.ones(3, 2)
        f = torch.linalg.lstsq
        wrong = [attempt(lambda: f(*args)) for args in (
            (A, torch.ones(2, 3, 2)), (A, torch.ones(2, 2)), (A[0], A))]
        driver = attempt(lambda: f(A, A, driver="x"))
        flat = f(A + torch.eye(3, 2), torch.ones(3), driver="gelsd").solution
    """)


def test_pseudoinverses():
    parity(
        """
        A = torch.randn(3, 5, dtype=torch.complex128, requires_grad=True)
        S = torch.randn(4, 4, dtype=torch.float64)
        S = (S + S.mT).requires_grad_()
        results = [torch.linalg.pinv(A), torch.linalg.pinv(A.mH @ A, rtol=1e-8),
                   torch.linalg.pinv(S, hermitian=True), torch.linalg.pinv(S, atol=1.0)]
        sum((r.abs() ** 2).sum() for r in results).backward()
        ranks = [torch.linalg.matrix_rank(S), torch.linalg.matrix_rank(S, hermitian=True),
                 torch.linalg.matrix_rank(S.detach(), atol=torch.tensor(1.0))]
        """,
        rtol=1e-6,
    )


def test_triangles_and_powers():
    parity("""
        A = (torch.randn(3, 3) + 3 * torch.eye(3)).requires_grad_()
        b = torch.randn(3, 2, requires_grad=True)
        solved = [torch.triangular_solve(b, A), b.triangular_solve(A, upper=False),
                  torch.triangular_solve(b, A, transpose=True, unitriangular=True)]
        sum((s.solution ** 2).sum() for s in solved).backward()
        factor = torch.linalg.cholesky(A.detach() @ A.detach().mT).requires_grad_()
        c = torch.cholesky_solve(b, factor)
        (c ** 2).sum().backward()
        powers = [torch.linalg.vander(torch.arange(3)), torch.linalg.vander(b, N=3)]
        short = attempt(lambda: torch.linalg.vander(b, N=1))
        view = torch.linalg.diagonal(A, offset=1)
    """)


def test_low_rank():
    parity(
        """
        A = torch.randn(6, 2, dtype=torch.float64) @ torch.randn(2, 4, dtype=torch.float64)
        torch.manual_seed(3)
        values = [torch.svd_lowrank(A, q=2)[1], torch.svd_lowrank(A.mT, q=3, M=A.mT / 2)[1],
                  torch.pca_lowrank(A)[1], torch.pca_lowrank(A, q=2, center=False)[1]]
        wrong = [attempt(lambda: torch.pca_lowrank(A, q=7)), attempt(
            lambda: torch.pca_lowrank(A, niter=-1))]
        """,
        atol=1e-9,
    )


def test_results_into_given_tensors():
    parity("""
        A = torch.tensor([[2.0, 1.0], [1.0, 3.0]])
        q, r = torch.empty(2, 2), torch.empty(2, 2)
        _returned = torch.linalg.qr(A, out=(q, r))
        same = _returned.Q is q
        w, v = torch.empty(2), torch.empty(2, 2)
        torch.linalg.eigh(A, out=(w, v))
        sign, size = torch.empty(()), torch.empty(())
        torch.linalg.slogdet(A, out=(sign, size))
    """)


@pytest.mark.parametrize("shape", ["4, 4", "2, 3, 3", "0, 3, 3", "2, 0, 0"])
@pytest.mark.parametrize(
    ("dtype", "hermitian"),
    [("float32", False), ("float64", True), ("complex128", False), ("complex128", True)],
)
def test_ldl(shape, dtype, hermitian):
    parity(f"""
        A = torch.randn({shape}, dtype=torch.{dtype})
        A = A + (A.mH if {hermitian} else A.mT)
        how = {{"hermitian": {hermitian}}}
        LD, pivots = torch.linalg.ldl_factor(A, **how)
        checked = torch.linalg.ldl_factor_ex(A, **how)
        B = torch.randn(3, *A.shape[-2:-1], 2, dtype=A.dtype) if A.ndim == 2 else torch.randn_like(A)
        X = torch.linalg.ldl_solve(LD, pivots, B, **how)
        into = torch.linalg.ldl_solve(LD, pivots.long(), B, out=torch.empty_like(X), **how)
    """)


def test_ldl_of_singular_matrices():
    parity("""
        A = torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
        swapped = torch.linalg.ldl_factor(A[:2, :2])
        known = torch.linalg.ldl_factor_ex(torch.stack([A, A + torch.eye(3) * 2]))
        errors = [attempt(lambda: torch.linalg.ldl_factor(A))]
        errors += [attempt(lambda: torch.linalg.ldl_factor_ex(A, check_errors=True))]
    """)


def test_ldl_errors():
    parity("""
        A = torch.tensor([[2.0, 1.0], [1.0, 3.0]])
        LD, pivots = torch.linalg.ldl_factor(A)
        B = torch.ones(2, 1)
        _solve = torch.linalg.ldl_solve
        errors = [attempt(lambda: torch.linalg.ldl_factor(torch.ones(2, 3)))]
        errors += [attempt(lambda: torch.linalg.ldl_factor(A.int()))]
        errors += [attempt(lambda: _solve(LD, pivots, torch.ones(3, 1)))]
        errors += [attempt(lambda: _solve(LD, pivots, torch.ones(2)))]
        errors += [attempt(lambda: _solve(LD, pivots[:1], B))]
        errors += [attempt(lambda: _solve(LD, pivots.float(), B))]
        errors += [attempt(lambda: _solve(LD, pivots, B.double()))]
        given = A.clone().requires_grad_()
        factors = torch.linalg.ldl_factor(given)
        errors += [attempt(lambda: factors.LD.sum().backward())]
    """)


def test_singular_matrices_are_divided_by_their_zero_pivots():
    parity("""
        A = torch.randint(-1, 2, (20, 3, 3)).float()
        inverse = torch.linalg.inv_ex(A)
        left = torch.linalg.solve_ex(A, torch.ones(3, 1))
        right = torch.linalg.solve_ex(A.double(), torch.ones(20, 1, 3).double(), left=False)
        vectors = attempt(lambda: torch.linalg.solve(A, torch.ones(3), left=False))
    """)
