"""Losses where types, shapes or values are unusual: each line is one program under both frameworks."""

import pytest
from tests.parity import parity

PAIRED = (
    "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "kl_div", "soft_margin_loss",
    "hinge_embedding_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits",
    "multilabel_soft_margin_loss", "poisson_nll_loss",
)  # fmt: skip
TYPES = ("float32", "float64", "int64", "bool")


@pytest.mark.parametrize("name", PAIRED)
def test_types_of_results(name):
    lines = ["import warnings; warnings.simplefilter('ignore')", "results = []"]
    for first in TYPES:
        for second in TYPES:
            for reduction in ("none", "mean"):
                x = f"torch.tensor([1, 0, 1]).to(torch.{first})"
                y = f"torch.tensor([1, 1, 0]).to(torch.{second})"
                call = f"F.{name}({x}, {y}, reduction={reduction!r})"
                lines += ["try:", f"    results.append({call})"]
                lines += [
                    "except Exception as _error:",
                    "    results.append(type(_error).__name__)",
                ]
    parity("\n".join(lines), rtol=1e-6)


CASES = {
    "one class of a vector": "F.nll_loss(torch.tensor([-1.0, -2.0]), torch.tensor(1))",
    "a target of size 1": "F.nll_loss(torch.tensor([-1.0]), torch.tensor([0]))",
    "a vector and two targets": "F.nll_loss(torch.ones(3), torch.tensor([1, 2]))",
    "weights of another type": "F.nll_loss(torch.ones(2, 3), torch.tensor([1, 2]), torch.ones(3).double())",
    "whole numbers as probabilities": "F.cross_entropy(torch.ones(2, 3), torch.ones(2, 3).long())",
    "no smoothing below zero": "F.cross_entropy(torch.ones(2, 3), torch.tensor([1, 2]), label_smoothing=-1.0)",
    "too much smoothing": "F.cross_entropy(torch.ones(2, 3), torch.tensor([1, 2]), label_smoothing=1.1)",
    "a whole variance": "F.gaussian_nll_loss(torch.ones(3), torch.ones(3), 1)",
    "a negative variance": "F.gaussian_nll_loss(torch.ones(3), torch.ones(3), -1.0)",
    "an old name refused": "F.gaussian_nll_loss(torch.ones(3), torch.ones(3), 1.0, reduction='elementwise_mean')",
    "an old name": "F.mse_loss(torch.ones(3), torch.zeros(3), reduction='elementwise_mean')",
    "half margins": "F.multi_margin_loss(torch.ones(2, 3).half(), torch.tensor([0, 1]))",
    "short targets": "F.multi_margin_loss(torch.ones(2, 3), torch.tensor([0, 1]).int())",
    "labels below -1": "F.multilabel_margin_loss(torch.ones(3), torch.tensor([0, -2, 1]))",
    "a margin of a byte": "F.hinge_embedding_loss(torch.ones(2).byte(), torch.ones(2), margin=-0.5)",
    "a target too wide": "F.soft_margin_loss(torch.ones(3), torch.ones(2, 3))",
    "not a number in a bag": "bag(torch.tensor([[0, 1]]), nan, mode='max')",
    "nan behind a number": "bag(torch.tensor([[1, 0]]), nan, mode='max')",
    "nan as padding": "bag(torch.tensor([[0, 1]]), nan, padding_idx=0)",
    "last offset": "bag(three, nan * 0 + 1, torch.tensor([0, 2]), None, 2, False, 'sum', False, None, True)",
    "no channels": "F.conv2d(torch.ones(2, 0, 4, 4), torch.ones(3, 0, 2, 2))",
    "half rms": "F.rms_norm(torch.full((4,), 1e-3).half(), (4,))",
    "dropped booleans": "F.dropout(torch.tensor([True]), 1.0)",
    "infinite power": "F.lp_pool1d(torch.arange(8.0).reshape(1, 1, 8), float('inf'), 2)",
}  # fmt: skip


@pytest.mark.parametrize("call", CASES.values(), ids=CASES)
def test_edge(call):
    parity(f"""
        import warnings
        warnings.simplefilter("ignore")
        nan, bag = torch.tensor([[float("nan")], [1.0]]), F.embedding_bag
        three = torch.tensor([0, 1, 0])
        try:
            result = {call}
        except Exception as _error:
            result = type(_error).__name__
    """)


CTC = """
    lp = {log_probs}.requires_grad_()
    kept = []
    for targets, ins, outs in (
        ([[1, 2], [2, 1]], (0, 4), (0, 2)), ([[1, 2], [2, 1]], (0, 4), (1, 2)),
        ([[1, 2], [2, 1]], (0, 0), (0, 0)), ([[1, 1], [2, 1]], (2, 3), (2, 2)),
        ([[1, 1], [2, 1]], (2, 4), (2, 2)), ([1, 2, 2], (4, 3), (1, 2)),
    ):
        for reduction in ("none", "mean", "sum"):
            loss = F.ctc_loss(lp, torch.tensor(targets), ins, outs, reduction=reduction,
                              zero_infinity={zero_infinity})
            grad, = torch.autograd.grad(loss.sum(), lp, retain_graph=True)
            first, = torch.autograd.grad(loss.flatten()[0], lp) if reduction == "none" else (None,)
            kept += [loss, grad, first]
"""


@pytest.mark.parametrize("zero_infinity", [True, False])
@pytest.mark.parametrize(
    "log_probs", ["torch.randn(4, 2, 3).log_softmax(2)", "torch.full((4, 2, 3), -float('inf'))"]
)
def test_ctc_edges(log_probs, zero_infinity):
    parity(CTC.format(log_probs=log_probs, zero_infinity=zero_infinity))


WRONG_CTC = (
    "[[1, 2], [2, 1]], (4,), (2, 2)", "[[1, 2], [2, 1]], (4, 5), (2, 2)", "[[1, 2], [2, 1]], (4, -1), (2, 2)",
    "[[1, 2], [2, 1]], (4, 4), (2, 3)", "[1, 2, 2, 1, 1], (4, 4), (2, 2)", "[[1, 2]], (4, 4), (2, 2)",
    "1, (4, 4), (2, 2)", "[[1, 2], [2, 1]], 4, 2",
)  # fmt: skip


@pytest.mark.parametrize("arguments", WRONG_CTC)
def test_ctc_refuses(arguments):
    parity(f"""
        given = ({arguments})
        lp = torch.zeros(4, 2, 3)
        error = type(attempt(lambda: F.ctc_loss(lp, torch.tensor(given[0]), *given[1:]))).__name__
    """)
