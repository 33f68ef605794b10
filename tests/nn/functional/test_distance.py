"""Distances, similarities, linear and bilinear maps."""

import pytest
from tests.nn.functional.programs import derivatives, errors
from tests.parity import parity

X, Y = "torch.randn(4, 3)", "torch.randn(4, 3)"


@pytest.mark.parametrize("p", [0.5, 1.0, 2.0, 3.0, "float('inf')"])
def test_norms(p):
    twice = p in (2.0, 3.0)
    derivatives(f"F.pairwise_distance(x, y, {p})", x=X, y=Y, twice=twice)
    derivatives(f"torch.cdist(x, y[:2], {p})", x=X, y=Y, twice=False)
    derivatives(f"F.pdist(x, {p})", x=X, twice=False)


def test_forms():
    derivatives("F.pairwise_distance(x, y, keepdim=True)", x=X, y="torch.randn(1, 3)")
    derivatives("F.cosine_similarity(x, y)", x=X, y=Y)
    derivatives(
        "F.cosine_similarity(x, y, -2)", x="torch.randn(2, 1, 3, 2)", y="torch.randn(4, 3, 1)"
    )
    derivatives(
        "torch.cdist(x, y)", x="torch.randn(2, 30, 3)", y="torch.randn(1, 5, 3)", twice=False
    )
    parity(
        """
        x = torch.randn(3, 4, requires_grad=True)
        zero = torch.cdist(x, x.detach())
        zero.sum().backward()
        same = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist"), F.pdist(x.detach()[:1])
        zeros = F.cosine_similarity(torch.zeros(2, 3), torch.ones(2, 3))
        empty = torch.cdist(torch.zeros(0, 3), torch.ones(2, 3))
        count = torch.cdist(torch.tensor([[0.0, 1.0]]), torch.tensor([[0.0, 2.0]]), 0.0)
        """
    )


def test_linear():
    derivatives(
        "F.linear(x, w, b)", x="torch.randn(2, 3, 4)", w="torch.randn(5, 4)", b="torch.randn(5)"
    )
    derivatives("F.linear(x, w)", x="torch.randn(4)", w="torch.randn(5, 4)")
    derivatives(
        "F.bilinear(x, y, w, b)",
        x="torch.randn(2, 5, 3)",
        y="torch.randn(2, 5, 4)",
        w="torch.randn(2, 3, 4)",
        b="torch.randn(2)",
    )
    parity(
        """
        a = F.linear(torch.ones(2, 3), torch.arange(3.0))
        into = torch.empty(2, 1)
        b = F.linear(torch.ones(2, 3), torch.ones(1, 3), out=into)
        """
    )


def test_errors():
    errors(
        "torch.cdist(x, x[0])", "torch.cdist(x, y)", "torch.cdist(x, x, -1.0)", "torch.cdist(x.long(), x.long())",
        "torch.cdist(x, x, compute_mode='foo')", "F.pdist(x[0])", "F.pdist(x, -1.0)",
        "F.cosine_similarity(x.long(), x.long())", "F.linear(x, y)", "F.linear(x, None)",
        "F.bilinear(x, x[:2], torch.ones(2, 3, 3))", "F.bilinear(x, x, torch.ones(2, 4, 3))",
        more="x, y = torch.ones(3, 3), torch.ones(3, 4)",
    )  # fmt: skip
