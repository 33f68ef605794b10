"""Sorted, ranked, searched and counted against torch."""

import pickle

import numpy as np
import pytest

import rushlight as torch
from rushlight import return_types
from tests.ops.expressions import check
from tests.parity import parity

DIFFERENTIABLE = """
    x.sort()
    x.sort(0)
    x.sort(1, descending=True)
    torch.sort(x, 1, True)
    torch.sort(x, dim=2, stable=True)
    s.sort()
    x.msort()
    x.topk(2)
    x.topk(2, 1, largest=False)
    x.topk(0)
    s.topk(1)
    x.kthvalue(2)
    x.kthvalue(1, 1, keepdim=True)
    s.kthvalue(1)
"""

OTHERS = """
    f.argsort()
    f.argsort(descending=True)
    f.sort()
    f.sort(descending=True)
    i.sort()
    i.sort(descending=True, stable=True)
    i.argsort(0, True)
    i.bool().sort()
    i.to(torch.uint8).sort(descending=True)
    f.reshape(2, 4).argsort(0)
    torch.tensor(3.0).argsort()
    f.topk(3).values
    i.topk(3, sorted=True).values
    f.unique()
    i.unique()
    i.unique(return_inverse=True)
    torch.unique(i, return_counts=True)
    torch.unique(i, True, True, True)
    torch.unique(i.reshape(2, 4), return_inverse=True)
    torch.unique(i.reshape(4, 2), dim=0)
    torch.unique(i.reshape(4, 2), dim=1, return_inverse=True, return_counts=True)
    torch.unique(torch.zeros(0, 3), dim=0)
    torch.unique(torch.tensor(3))
    i.unique_consecutive()
    i.unique_consecutive(return_inverse=True, return_counts=True)
    i.reshape(4, 2).unique_consecutive(True, True, dim=0)
    i.reshape(2, 4).unique_consecutive(return_inverse=True)
    torch.unique_consecutive(torch.tensor([]))
    torch.searchsorted(torch.tensor([1, 3, 5]), torch.tensor([[0, 3], [4, 9]]))
    torch.searchsorted(torch.tensor([1, 3, 5]), torch.tensor([3.0, 6.0]), right=True)
    torch.searchsorted(torch.tensor([1, 3, 5]), 3, side="right", out_int32=True)
    torch.searchsorted(torch.tensor([[1, 3], [2, 4]]), torch.tensor([[3, 0], [3, 5]]))
    torch.searchsorted(torch.tensor([5, 1, 3]), torch.tensor([2]), sorter=torch.tensor([1, 2, 0]))
    torch.bucketize(torch.tensor([0.0, 1.0, 2.0]), torch.tensor([1.0, 2.0]))
    torch.bucketize(2, torch.tensor([1, 2]), right=True)
    torch.isin(i, torch.tensor([1, 7]))
    torch.isin(i, 1)
    torch.isin(3, i)
    torch.isin(i, torch.tensor([1]), invert=True)
    i.bincount()
    i.bincount(minlength=9)
    i.bincount(torch.arange(8.0))
    i.bincount(weights=torch.arange(8))
    torch.bincount(torch.zeros(0, dtype=torch.int64))
    g.histc(5)
    g.histc(4, -1, 1)
    torch.histc(g.double(), bins=3, min=0, max=2)
    torch.histogram(g, 4)
    torch.histogram(g, torch.tensor([-1.0, 0.0, 0.5, 3.0]), weight=g.abs(), density=True)
    torch.histogram(g, 3, range=(-1.0, 1.0))
    torch.histogramdd(g.reshape(4, 2), [2, 3])
    torch.histogramdd(g.reshape(4, 2), 2, range=[-1.0, 1.0, 0.0, 1.0])
"""

MISTAKES = """
    torch.tensor([1j]).sort()
    f.sort(1)
    i.topk(9)
    i.topk(-1)
    i.bool().topk(1)
    i.kthvalue(0)
    i.kthvalue(9)
    torch.zeros(0).kthvalue(1)
    torch.unique(torch.zeros(0, 3), dim=1)
    torch.searchsorted(torch.tensor(1), 2)
    torch.searchsorted(torch.zeros(2, 2), torch.zeros(3, 2))
    torch.searchsorted(torch.zeros(2), 1, side="middle")
    torch.searchsorted(torch.zeros(2), 1, side="left", right=True)
    torch.searchsorted(torch.zeros(2), 1, sorter=torch.zeros(3).long())
    torch.searchsorted(torch.zeros(2), 1, sorter=torch.tensor([0, 5]))
    torch.bucketize(1, torch.zeros(2, 2))
    torch.isin(1, 2)
    torch.bincount(torch.tensor([-1]))
    torch.bincount(torch.tensor([1.0]))
    torch.bincount(torch.ones(2, 2).long())
    i.bincount(torch.ones(3))
    i.bincount(minlength=-1)
    i.histc(4)
    g.histc(0)
    g.histc(4, 2, 1)
    torch.histogram(i, 4)
    torch.histogram(g, 0)
    torch.histogram(g, 3, weight=torch.ones(2))
"""


def lines(table):
    return [line.strip() for line in table.strip().splitlines()]


@pytest.mark.parametrize("expression", lines(DIFFERENTIABLE))
def test_differentiable(expression):
    check(expression, strides=False)


NAMES = """
        f = torch.tensor([3.0, float("nan"), 1.0, 3.0, float("-inf"), 2.0, float("nan"), 1.0])
        g = torch.tensor([0.5, -1.0, 1.0, 0.25, 2.5, 0.0, 0.75, 0.5])
        i = torch.tensor([3, 1, 2, 1, 1, 3, 3, 0])
"""


@pytest.mark.parametrize("expression", lines(OTHERS))
def test_others(expression):
    parity(f"{NAMES}        out = {expression}")


@pytest.mark.parametrize("expression", lines(MISTAKES))
def test_mistakes(expression):
    parity(f"{NAMES}        error = attempt(lambda: {expression})")


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("kind", ["few", "many", "nan", "int"])
def test_long_sorts_are_stable(kind, descending):
    # Above a length, runs of equal elements are put in order after an unstable sort.
    draw = np.random.default_rng(0)
    values = {
        "few": draw.integers(0, 5, (3, 1000)).astype(np.float32),
        "many": draw.standard_normal((2, 1000)),
        "nan": np.where(draw.random((2, 500)) < 0.3, np.nan, draw.integers(0, 9, (2, 500))),
        "int": draw.integers(0, 50, 4000),
    }[kind]
    parity(
        f"""
        x = torch.from_numpy(given)
        out = torch.sort(x, dim=-1, stable=True, descending={descending})
        del given
        """,
        given={"given": values},
    )


def test_topk_of_long_rows():
    values = np.random.default_rng(1).permutation(3000).reshape(3, 1000).astype(np.float32)
    parity(
        """
        x = torch.from_numpy(given)
        out = x.topk(5), x.topk(5, largest=False), x.t().topk(2, 0), x[0].topk(999)
        del given
        """,
        given={"given": values},
    )


def test_out():
    parity(
        """
        x = torch.tensor([[2.0, 1.0, 3.0]])
        v, i = torch.zeros(1, 3), torch.zeros(1, 3, dtype=torch.int64)
        _pair = torch.sort(x, out=(v, i))
        same = _pair[0] is v, _pair.indices is i
        n = torch.zeros(2, dtype=torch.int64)
        torch.searchsorted(x[0].sort()[0], torch.tensor([1.5, 2.5]), out=n)
        wrong = attempt(lambda: torch.bucketize(x, x[0], out=torch.zeros(1, 3)))
        """
    )


def test_named_results():
    parity(
        """
        pair = torch.tensor([2, 1]).sort()
        text = repr(pair)
        fields = pair.values, pair.indices, pair[0], len(pair)
        values, indices = pair
        name = type(pair).__name__
        is_tuple = isinstance(pair, tuple)
        """
    )


def test_named_results_can_be_pickled():
    pair = return_types.max((torch.tensor(2.0), torch.tensor(1)))
    again = pickle.loads(pickle.dumps(pair))
    assert type(again) is return_types.max
    assert again.values == 2
