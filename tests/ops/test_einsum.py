"""How sums of products lie in memory: a dropout that follows draws in that order."""

import pytest

from tests.parity import parity

SIZES = {"a": 2, "b": 3, "c": 4, "d": 5, "e": 6, "x": 7, "k": 8}
SUMMED = [
    "abk,cdk->cabd",
    "abk,cdk->cadb",
    "abk,cdk->acdb",
    "abk,cdk->dcab",
    "abk,cdk->cdba",
    "abk,cdk->dbca",
    "abck,dek->adbec",
    "xabk,xcdk->xcadb",
    "abxk,bk->bax",
    "xabk,cbk->cxa",
    "xak,xbk->bxa",
    "xak,xbk->axb",
    "ak,bk->ba",
    "abk,ck->cab",
    "xabk,xck->caxb",
    "xabk,xck->bxca",
    "abc,abd->adc",
    "kab,ak->b",
    "ab,ab->",
]
SPREAD = [
    "ab,cd->cadb",
    "ab,cd->acbd",
    "ab,cd->cdab",
    "xa,xb->xba",
    "xa,xb->axb",
    "a,b->ba",
    "ab,b->ba",
    "ab,ab->ba",
]


@pytest.mark.parametrize("equation", SUMMED + SPREAD)
def test_products_of_two(equation):
    left, right = equation.split("->")[0].split(",")
    parity(
        """
x, y = torch.randn(first, requires_grad=True), torch.randn(second, requires_grad=True)
out = torch.einsum(equation, x, y)
strides = out.stride()
(out * out).sum().backward()
""",
        given={
            "equation": equation,
            "first": [SIZES[k] for k in left],
            "second": [SIZES[k] for k in right],
        },
        rtol=1e-4,
        atol=1e-4,
    )


def test_products_of_three():
    parity("""
x, y, z = torch.randn(2, 3), torch.randn(3, 4), torch.randn(4, 2)
chain = torch.einsum("ab,bc,cd->da", x, y, z)
kept = torch.einsum("ab,bc,cd->dcba", x, y, z)
weights = torch.einsum("...ab,bc->...ca", torch.randn(2, 5, 3, 3), y)
""")


def test_softmax_is_contiguous():
    parity("""
_x = torch.randn(4, 3, 2).transpose(0, 2)
_masked = torch.randn(3, 4).t()
strides = [f(_x, dim=d).stride() for f in (torch.softmax, torch.log_softmax) for d in (0, 1, 2)]
values = torch.softmax(_x, 1), torch.log_softmax(_x, 0), torch.softmax(_masked, 1)
mask = F.dropout(torch.softmax(_x, -1), 0.5)
""")
