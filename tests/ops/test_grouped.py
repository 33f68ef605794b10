"""Products of groups of rows with one matrix each."""

import pytest

from tests.parity import parity

GOOD = {
    "rows": "(10, 8), (3, 8, 16), [3, 7, 10]",
    "an empty group": "(10, 8), (3, 8, 16), [0, 7, 10]",
    "no rows": "(0, 8), (2, 8, 8), [0, 0]",
    "columns": "(3, 8, 16), (16, 8), [2, 4, 8]",
    "sums": "(8, 16), (16, 8), [4, 8, 16]",
    "whole": "(3, 10, 8), (3, 8, 16), None",
}
BAD = {
    "types": "(3, 10, 8), (3, 8, 16), [1, 2, 3]",
    "no ends": "(10, 8), (3, 8, 16), None",
    "sizes": "(10, 8), (3, 4, 16), [3, 7, 10]",
    "groups": "(10, 8), (3, 8, 16), [3, 10]",
    "a row": "(8,), (3, 8, 16), [3, 7, 10]",
    "rows of 20 bytes": "(10, 5), (3, 5, 8), [3, 7, 10]",
}


RUN = """
def _run(a, b, ends, dtype):
    ends = None if ends is None else torch.tensor(ends, dtype=torch.int32)
    a, b = (torch.randn(shape).to(dtype).requires_grad_() for shape in (a, b))
    y = F.grouped_mm(a, b, offs=ends)
    y.float().square().sum().backward()
    return y.detach(), a.grad, b.grad, type(y.grad_fn).__name__


"""


@pytest.mark.parametrize("call", GOOD.values(), ids=GOOD)
def test_grouped_mm(call):
    parity(RUN + f"found = [_run({call}, dtype) for dtype in (torch.float32, torch.bfloat16)]")


@pytest.mark.parametrize("call", BAD.values(), ids=BAD)
def test_what_does_not_fit(call):
    parity(RUN + f"wrong = attempt(lambda: _run({call}, torch.float32))")


def test_what_it_does_not_take():
    parity("""
        a, b, ends = torch.ones(4, 8), torch.ones(2, 8, 8), torch.tensor([1, 4], dtype=torch.int32)
        wrong = [
            attempt(lambda: F.grouped_mm(a.double(), b.double(), offs=ends)),
            attempt(lambda: F.grouped_mm(a, b.half(), offs=ends)),
            attempt(lambda: F.grouped_mm(a, b, offs=ends.long())),
            attempt(lambda: F.grouped_mm(a, b, offs=ends, bias=torch.ones(8))),
            attempt(lambda: F.grouped_mm(a, b, offs=ends, out_dtype=torch.half)),
            attempt(lambda: F.grouped_mm(torch.ones(4, 16)[:, ::2], b, offs=ends)),
        ]
        turned = torch._grouped_mm(a, b.mT, ends)
    """)
