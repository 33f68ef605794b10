"""Small programs as users report them: names of backwards, windows that share memory, memory of sparse tensors."""

import pytest

import rushlight as torch
from tests.parity import parity

_NAMES = """
import torch.nn.functional as F
a = torch.arange(6.0).reshape(2, 3).requires_grad_()
b = a * 1
v, t = b.t(), torch.tensor(2.0)
"""


@pytest.mark.parametrize(
    "lines",
    [
        "b.random_(3)", "b.random_()", "b.random_(0, 3)", "b.squeeze_(0)", "b.squeeze_((0,))", "v.squeeze_()",
        "v.t_()", "v.transpose_(0, 1)", "v.unsqueeze_(0)", "v.as_strided_((2,), (1,))", "F.leaky_relu_(b)",
        "F.elu_(b)", "F.celu_(b)", "F.selu_(b)", "F.threshold_(b, 0.0, 1.0)", "b.bernoulli_(0.5)",
        "b.bernoulli_(torch.full((2, 3), 0.5))", "b.fill_(1)", "b.fill_(t)", "b.zero_()",
        "b.index_add_(0, torch.tensor([0]), b[:1] * 1)", "b.index_copy_(0, torch.tensor([0]), b[:1] * 1)",
        "b.xlogy_(2)", "b.copysign_(1)", "b.fmod_(t)", "b.remainder_(t)", "b.polygamma_(1)",
    ],
)  # fmt: skip
def test_backwards_in_place_have_torchs_names(lines):
    parity(f"{_NAMES}{lines}\nnames = b.grad_fn.name(), v.grad_fn.name(), b._version", seed=1)


def test_backwards_have_torchs_names():
    parity(
        """
        import torch.nn.functional as F
        a = torch.arange(6.0).reshape(2, 3).requires_grad_()
        t, target = torch.tensor(2.0), torch.tensor([0, 1])
        made = [
            F.max_pool1d(a, 2), F.avg_pool1d(a[None], 2), F.adaptive_avg_pool1d(a, 1),
            F.adaptive_avg_pool1d(a[None], 2), F.adaptive_max_pool1d(a[None], 1),
            F.adaptive_max_pool2d(a[None], 2), F.fractional_max_pool2d(a[None], 1, (1, 1)),
            F.multi_margin_loss(a, target, reduction="none"),
            F.huber_loss(a, torch.ones(2, 3), weight=torch.ones(2, 3)),
            F.cross_entropy(a[0], target[0], reduction="none"),
            F.cross_entropy(a[None], torch.tensor([[0, 1, 1]]), reduction="none"),
            F.triplet_margin_loss(a, a * 1, a + 1, reduction="none"),
            torch.vdot(a[0], a[1]), torch.logdet(a[:2, :2] + 3 * torch.eye(2)),
            torch.linalg.multi_dot([a, a.t(), a]), F.softmax(a[0, 0], 0), F.log_softmax(a[0, 0], 0),
            a % t, a % 2, 2 % a, a.fmod(t), a.fmod(2), a.xlogy(2), torch.xlogy(2, a), 2**a,
            torch.pow(2, a), a.copysign(1), torch.special.zeta(a + 2, 2),
        ]
        names = [r.grad_fn.name() for r in made]
        """
    )


_WINDOWS = ["torch.zeros(5).unfold(0, 3, 1)", "torch.zeros(5).as_strided((2, 3), (1, 1))"]


@pytest.mark.parametrize("windows", _WINDOWS)
@pytest.mark.parametrize(
    "change",
    [
        "x.add_(1)", "x += torch.ones(3)", "x.lerp_(x + 1, 0.5)", "x.eq_(0)", "x.logical_not_()",
        "x.addcmul_(x + 1, x + 1)", "x.apply_(lambda a: a + 1)", "x.map_(x, lambda a, b: a + b + 1)",
        "x.copy_(torch.arange(3.0))", "x.index_fill_(0, torch.tensor([0]), 2)", "x.pow_(2)", "x.clamp_(1)",
    ],
)  # fmt: skip
def test_windows_are_changed_one_after_the_other(windows, change):
    parity(f"x = {windows}\n{change}\nleft = x.clone()\nversion = x._version")


def test_gradients_of_products_lie_as_their_matrices():
    parity(
        """
        import torch.nn.functional as F
        def strides(f, x, y):
            x, y = x.detach().requires_grad_(), y.detach().requires_grad_()
            first = torch.autograd.grad(f(x, y).exp().sum(), (x, y), create_graph=True)
            second = torch.autograd.grad(sum((g * g).sum() for g in first), (x, y))
            return [g.stride() for g in (*first, *second)]
        rows, columns = torch.rand(3, 4), torch.rand(4, 3).t()
        right = [torch.rand(4, 5), torch.rand(5, 4).t()]
        found = [strides(torch.mm, x, y) for x in (rows, columns) for y in right]
        found += [strides(lambda x, y: F.linear(x, y.t()), rows, y) for y in right]
        x = (torch.rand(3, 3) + 3 * torch.eye(3)).requires_grad_()
        for f in (torch.linalg.det, lambda x: torch.linalg.slogdet(x)[1], lambda x: torch.linalg.qr(x)[1].sum()):
            found.append(torch.autograd.grad(f(x), x)[0].stride())
        torch.linalg.slogdet(x)[0].backward()
        found.append(x.grad)
        """
    )


def test_sparse_tensors_say_what_they_are():
    parity(
        """
        s = torch.eye(2).to_sparse()
        told = [type(s).__name__, s.stride(), s.storage_offset(), s.is_contiguous(), s.element_size(), s.type(),
                s.nelement(), s.is_signed(), s.is_same_size(s), len(s.unbind()), s.norm(), s.any()]
        errors = []
        for f in (s.tolist, s.data_ptr, s.item, lambda: bool(s), s.contiguous, lambda: s.reshape(4), lambda: s + 1,
                  lambda: 1 - s, lambda: s.nbytes, s.untyped_storage, torch.eye(2).to_sparse_csr().stride):
            try:
                f()
            except Exception as error:
                errors.append(type(error))
        s.add_(s).mul_(3).neg_()
        dense, turned = s.to_dense(), s.permute(1, 0).to_dense()
        empty = s.zero_()._nnz()
        """
    )


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min", "median"])
def test_keepdim_wants_a_dimension(name):
    parity(f"torch.ones(2, 3).{name}(keepdim=True)", raises=TypeError)


def test_what_numpy_hands_over():
    parity(
        """
        import numpy as np
        x = torch.arange(4)
        picked = [x[np.array([0, 1], dtype=t)] for t in ("i1", "i2", "i4", "u2", "i8")]
        array = np.zeros(2, np.float32)
        torch.Tensor(array).add_(1)
        counts = torch.arange(np.bool_(True))
        """
    )
    parity("import numpy as np\ntorch.ones(3)[np.array(['a'])]", raises=TypeError)
    parity("torch.from_dlpack(3)", raises=RuntimeError)


def test_checks_take_functions_for_messages():
    parity("torch._check(False, 'message')", raises=TypeError)
    parity("torch._check(False, lambda: 'message')", raises=RuntimeError, match="message")


def test_shapes_that_do_not_fit_are_told_from_the_last_dimension():
    parity(
        """
        errors = []
        for f in (
            lambda: torch.ones(2, 3, 4) + torch.ones(5, 2, 4),
            lambda: torch.ones(2, 3).copy_(torch.ones(2, 2, 3)),
            lambda: torch.ones(2, 3).expand(4, 4),
            lambda: torch.ones(2, 3).expand(3),
            lambda: torch.broadcast_shapes((2,), (3,)),
        ):
            try:
                f()
            except RuntimeError as error:
                errors.append(str(error).splitlines()[0])
        """
    )


@pytest.mark.parametrize(
    ("refused", "kernel"),
    [
        (
            lambda: torch.ones(2, dtype=torch.bool).median(),
            "\"median_cpu\" not implemented for 'Bool'",
        ),
        (
            lambda: torch.ones(2, dtype=torch.cfloat).max(),
            "\"max_all\" not implemented for 'ComplexFloat'",
        ),
        (lambda: torch.nn.functional.gelu(torch.ones(2, dtype=torch.long)), "GeluKernelImpl"),
        (lambda: torch.ones(2) & torch.ones(2), "\"bitwise_and_cpu\" not implemented for 'Float'"),
        (
            lambda: torch.ones(2, dtype=torch.cfloat).floor(),
            "floor is not supported for complex inputs",
        ),
        (
            lambda: torch.linspace(0, 1, 2, dtype=torch.bool),
            "\"linspace_cpu\" not implemented for 'Bool'",
        ),
    ],
)
def test_kernels_are_named_as_torch_names_them(refused, kernel):
    with pytest.raises((RuntimeError, NotImplementedError), match=kernel):
        refused()


def test_what_cannot_be_pickled_is_told_as_pythons_pickler_tells_it(tmp_path):
    def local(x):
        return x

    with pytest.raises(AttributeError, match="Can't pickle local object"):
        torch.save({"f": local}, tmp_path / "x.pt")
