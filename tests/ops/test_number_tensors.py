"""Numbers that stand in tensors, types that are Python's, and factors that do not come to an end."""

from tests.parity import parity


def test_numbers_in_tensors() -> None:
    parity("""
        A, v, half, two = torch.randn(3, 3), torch.randn(3), torch.tensor(0.5), torch.tensor(2)
        a = torch.addr(A, v, v, alpha=half), torch.addr(A, v, v, beta=two), v.sigmoid().logit(half)
        b = torch.nn.functional.threshold(v, half, two), torch.nn.functional.rrelu(v, half, half)
    """)


def test_python_s_types() -> None:
    parity("""
        def tried(f, *args):
            try:
                return str(f(*args))
            except TypeError as error:
                return "TypeError", str(error)[:60]
        a = [tried(f, kind) for kind in (float, int, bool, complex, None) for f in (torch.finfo, torch.iinfo)]
        tried = None
    """)


def test_cholesky_factors_that_fail() -> None:
    parity("""
        A = torch.randn(5, 6, 6, dtype=torch.float64)
        A = A @ A.mT + 6 * torch.eye(6, dtype=torch.float64)
        for place in range(4):
            A[place, place + 1, place + 1] = -9.0
        a = tuple(torch.linalg.cholesky_ex(A)), tuple(torch.linalg.cholesky_ex(A, upper=True))
        b = tuple(torch.linalg.cholesky_ex(torch.tensor([[1.0, 2.0], [2.0, 1.0]])))
    """)


def test_helpers_of_jacobians() -> None:
    parity("""
        from torch._vmap_internals import _vmap
        from torch.autograd.functional import _as_tuple, _grad_postprocess, _tuple_postprocess
        from torch.autograd.functional import _construct_standard_basis_for as basis
        from torch.optim.lbfgs import _cubic_interpolate
        x, z = torch.ones(3, requires_grad=True), torch.ones(2, requires_grad=True)
        y = x**3
        pull = lambda v: torch.autograd.grad(y, (x, z), v, allow_unused=True)
        a = _vmap(pull, allow_none_pass_through=True)(torch.eye(3)), basis((x, z.double()), (3, 2))
        b = _as_tuple(x, "inputs", "f"), _tuple_postprocess(((x,),), (False, False)), _grad_postprocess((x,), False)
        c = _cubic_interpolate(0.0, torch.tensor(1.0), torch.tensor(-1.0), 1.0, torch.tensor(2.0), torch.tensor(3.0))
        d = torch._has_compatible_shallow_copy_type(x, z), torch._has_compatible_shallow_copy_type(x, x.to_sparse())
        pull = None
    """)
