"""Normalisation."""

import pytest
from tests.nn.functional.programs import derivatives, errors
from tests.parity import parity

import rushlight as torch
import rushlight.nn.functional as F


@pytest.mark.parametrize("size", [(6, 3), (4, 3, 5), (2, 3, 4, 3), (2, 2, 2, 3, 2)])
def test_batch_norm(size):
    derivatives(
        "F.batch_norm(x, None, None, w, b, True, eps=1e-3)",
        x=f"torch.randn({size}) * 3 + 5",
        w=f"torch.rand({size[1]}) + 0.5",
        b=f"torch.randn({size[1]})",
    )
    derivatives(
        "F.batch_norm(x, _mean.to(x), _var.to(x), w, b)",
        x=f"torch.randn({size})",
        w=f"torch.rand({size[1]}) + 0.5",
        b=f"torch.randn({size[1]})",
        more=f"_mean = torch.randn({size[1]}); _var = torch.rand({size[1]}) + 0.5",
    )


def test_running_statistics():
    parity(
        """
        mean, var = torch.zeros(3), torch.ones(3)
        for _i in range(5):
            y = F.batch_norm(torch.randn(4, 3, 6) * 2 + 7, mean, var, training=True, momentum=0.3)
        z = F.batch_norm(torch.randn(4, 3, 6), mean, var)
        m, v = torch.zeros(2), torch.ones(2)
        for _i in range(3):
            u = F.instance_norm(torch.randn(3, 2, 5) + 3, m, v, momentum=0.2)
        w = F.instance_norm(torch.randn(3, 2, 5), m, v, use_input_stats=False)
        """
    )


def test_statistics_that_move_before_backward():
    # torch takes the moved ones, and gives another gradient.
    x, w = torch.randn(4, 3), torch.rand(3, requires_grad=True)
    mean, var = torch.zeros(3), torch.ones(3)
    early = F.batch_norm(x, mean, var, w)
    F.batch_norm(x, mean, var, training=True)
    early.sum().backward()
    assert torch.allclose(w.grad, x.sum(0) / (1 + 1e-5) ** 0.5)


def test_far_from_zero():
    # A mean a thousand standard deviations away.
    parity(
        """
        x = (torch.randn(8, 4, 50) + 1000).requires_grad_()
        y = F.batch_norm(x, None, None, training=True)
        y.pow(3).sum().backward()
        z = F.layer_norm(x.detach(), (50,))
        """,
        rtol=2e-2,
        atol=2e-3,
    )


def test_large():
    parity(
        """
        x = torch.randn(8, 16, 24, 24, requires_grad=True)
        w, b = torch.rand(16, requires_grad=True), torch.rand(16, requires_grad=True)
        F.batch_norm(x, None, None, w, b, True).square().mean().backward()
        y = torch.randn(300, 96, requires_grad=True)
        g, s = torch.rand(96, requires_grad=True), torch.rand(96, requires_grad=True)
        (F.layer_norm(y, (96,), g, s) * torch.arange(96.0)).pow(2).mean().backward()
        """,
        rtol=1e-4,
        atol=1e-4,
    )


@pytest.mark.parametrize(
    ("size", "normalized"),
    [((4, 5), (5,)), ((2, 3, 4), (3, 4)), ((3,), (3,)), ((2, 2, 3, 2), (2,))],
)
def test_layer_norm(size, normalized):
    derivatives(
        f"F.layer_norm(x, {normalized}, w, b)",
        x=f"torch.randn({size})",
        w=f"torch.rand({normalized})",
        b=f"torch.randn({normalized})",
    )
    derivatives(f"F.layer_norm(x, {normalized}, None, None, 0.1)", x=f"torch.randn({size})")
    derivatives(
        f"F.rms_norm(x, {normalized}, w)", x=f"torch.randn({size})", w=f"torch.rand({normalized})"
    )


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_group_norm(groups):
    derivatives(
        f"F.group_norm(x, {groups}, w, b)",
        x="torch.randn(2, 4, 3)",
        w="torch.rand(4)",
        b="torch.randn(4)",
    )
    derivatives(f"F.group_norm(x, {groups})", x="torch.randn(3, 4, 2, 2)")


def test_instance_norm():
    derivatives(
        "F.instance_norm(x, weight=w, bias=b)",
        x="torch.randn(2, 3, 4)",
        w="torch.rand(3)",
        b="torch.randn(3)",
    )
    derivatives("F.instance_norm(x)", x="torch.randn(2, 3, 2, 3)")


def test_partly_affine():
    # Only some of input, weight and bias want a gradient.
    parity(
        """
        x, w, b = torch.randn(4, 6), torch.rand(6), torch.randn(6)
        for t in (x, w, b):
            t.requires_grad_()
            F.layer_norm(x, (6,), w, b).square().sum().backward()
            F.batch_norm(x, None, None, w, b, True).pow(3).sum().backward()
            F.group_norm(x.unsqueeze(-1), 2, w, b).pow(3).sum().backward()
        """
    )


def test_native():
    parity(
        """
        x = torch.randn(2, 4, 3, requires_grad=True)
        w, b = torch.rand(4), torch.rand(4)
        a = torch.native_layer_norm(x, (3,), None, None, 1e-5)
        c = torch.native_group_norm(x, w, b, 2, 4, 3, 2, 1e-5)
        d = torch.native_batch_norm(x, w, b, None, None, True, 0.1, 1e-5)
        e = torch.native_batch_norm(x, w, b, torch.zeros(4), torch.ones(4), False, 0.1, 1e-5)
        f = torch.batch_norm(x, w, b, None, None, True, 0.1, 1e-5, False)
        g = torch.layer_norm(x, (3,)), torch.group_norm(x, 2, w), torch.rms_norm(x, (3,))
        h = torch.instance_norm(x, w, b, None, None, True, 0.1, 1e-5, False)
        names = [t.grad_fn.name() for t in (a[0], c[0], d[0], f)]
        """
    )


def test_others():
    derivatives("F.local_response_norm(x, 3)", x="torch.randn(2, 5, 3)")
    derivatives("F.local_response_norm(x, 2, 0.5, 0.6, 2.0)", x="torch.randn(2, 4, 2, 2)")
    derivatives("F.normalize(x)", x="torch.randn(3, 4)")
    derivatives("F.normalize(x, 3.0, 0)", x="torch.randn(3, 4)")
    parity(
        "a = F.normalize(torch.zeros(2, 3)); into = torch.empty(2, 3); b = F.normalize(torch.ones(2, 3), out=into)"
    )


def test_types():
    parity(
        """
        half = torch.linspace(-300, 300, 12).half().reshape(3, 4)
        a = F.layer_norm(half, (4,)), F.batch_norm(half, None, None, training=True), F.group_norm(half, 2)
        b = F.layer_norm(torch.ones(0, 3), (3,)), F.layer_norm(torch.ones(3, 0), (0,)), F.rms_norm(half, (4,))
        c = F.batch_norm(torch.ones(0, 3), None, None, training=True)
        """
    )


def test_errors():
    errors(
        "F.batch_norm(x, None, None)", "F.batch_norm(x, torch.zeros(2), torch.ones(2))",
        "F.batch_norm(torch.ones(1, 3), None, None, training=True)",
        "F.batch_norm(x, None, None, torch.ones(2), training=True)",
        "F.batch_norm(torch.ones(3), None, None, training=True)",
        "F.batch_norm(x.long(), None, None, training=True)", "F.layer_norm(x, (3,))",
        "F.layer_norm(x, (4,), torch.ones(3))", "F.layer_norm(x, ())", "F.layer_norm(x, 4)",
        "F.layer_norm(x.long(), (4,))", "F.group_norm(x, 2)", "F.group_norm(torch.ones(3), 1)",
        "F.group_norm(x, 3, torch.ones(2))", "F.group_norm(torch.ones(1, 2), 2)",
        "F.instance_norm(torch.ones(2, 3, 1))", "F.instance_norm(x, use_input_stats=False)",
        "F.batch_norm(x, torch.zeros(3), None, training=True)",
        "F.rms_norm(x, (3,))", "F.local_response_norm(torch.ones(3), 2)", "F.local_response_norm(x, 0)",
        more="x = torch.ones(2, 3, 4)",
    )  # fmt: skip
