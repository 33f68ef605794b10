"""Embeddings and one-hot vectors."""

import pytest
from tests.nn.functional.programs import derivatives, errors
from tests.parity import parity

INDICES = "_i = torch.tensor([[2, 0, 2, 1], [3, 2, 2, 0]])"


@pytest.mark.parametrize(
    "options", ["", ", padding_idx=2", ", padding_idx=-1", ", scale_grad_by_freq=True"]
)
def test_embedding(options):
    # torch's second derivative forgets the scale.
    derivatives(
        f"F.embedding(_i, w{options})",
        w="torch.randn(5, 3)",
        more=INDICES,
        twice="scale" not in options,
    )


def test_embedding_forms():
    parity(
        """
        w = torch.randn(4, 3, requires_grad=True)
        a = F.embedding(torch.tensor(2), w), F.embedding(torch.tensor([], dtype=torch.int64), w)
        b = F.embedding(torch.tensor([1, 1, 3], dtype=torch.int32), w), torch.embedding(w, torch.tensor([0, 1]))
        (a[0] * 2 + b[0].sum(0)).sum().backward()
        whole = F.embedding(torch.tensor([1]), torch.arange(6).reshape(3, 2))
        """
    )


def test_max_norm():
    parity(
        """
        w = torch.randn(5, 4)
        i = torch.tensor([1, 3, 1])
        a = F.embedding(i, w, max_norm=0.5)
        b = F.embedding(i, w, max_norm=0.3, norm_type=1.0)
        c = F.embedding(torch.tensor([0]), w, max_norm=100.0)
        d = torch.embedding_renorm_(w, torch.tensor([2, 2]), 0.1, 2.0)
        e = F.embedding_bag(torch.tensor([[4, 0]]), w, max_norm=0.2)
        """
    )


def test_many_rows():
    parity(
        """
        w = torch.randn(50, 16, requires_grad=True)
        F.embedding(torch.randint(0, 50, (40, 30)), w).square().mean().backward()
        """,
        rtol=1e-4,
    )


BAGS = "_i = torch.tensor([2, 0, 2, 1, 3, 2, 2]); _o = torch.tensor([0, 3, 3, 7])"


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("options", ["", ", padding_idx=2", ", include_last_offset=True"])
def test_bags(mode, options):
    derivatives(
        f"F.embedding_bag(_i, w, _o, mode='{mode}'{options})",
        w="torch.randn(5, 3)",
        more=BAGS,
        twice=False,
    )
    derivatives(
        f"F.embedding_bag(_i[:6].reshape(2, 3), w, mode='{mode}')",
        w="torch.randn(5, 3)",
        more=BAGS,
        twice=False,
    )


def test_weighted_bags():
    derivatives(
        "F.embedding_bag(_i, w, _o, mode='sum', per_sample_weights=p)",
        w="torch.randn(5, 3)",
        p="torch.rand(7)",
        more=BAGS,
        twice=False,
    )
    parity(
        """
        w = torch.randn(4, 3)
        i, o = torch.tensor([1, 2, 3, 1]), torch.tensor([0, 2])
        means = torch.embedding_bag(w, i, o, False, 1)[:3]
        maxima = torch.embedding_bag(w, i, o, False, 2)
        """
    )


def test_one_hot():
    parity(
        """
        a = F.one_hot(torch.tensor([[0, 2], [1, 1]])), F.one_hot(torch.tensor(1), 4)
        b = F.one_hot(torch.tensor([], dtype=torch.int64), 3)
        """
    )


def test_errors():
    errors(
        "F.embedding(torch.tensor([5]), w)", "F.embedding(torch.tensor([-1]), w)",
        "F.embedding(torch.tensor([0.5]), w)", "F.embedding(i, w, padding_idx=5)", "F.embedding(i, w[0])",
        "F.embedding(i, torch.ones(3, 2, 2))", "F.one_hot(torch.tensor([0, 3]), 3)",
        "F.one_hot(torch.tensor([-1]))", "F.one_hot(torch.tensor([1.0]))",
        "F.one_hot(torch.tensor([], dtype=torch.int64))", "F.one_hot(torch.tensor([1]), 0)",
        "F.embedding_bag(i, w)", "F.embedding_bag(i.reshape(2, 2), w, o)",
        "F.embedding_bag(i, w, torch.tensor([1, 2]))", "F.embedding_bag(i, w, o, mode='foo')",
        "F.embedding_bag(i, w, o, per_sample_weights=torch.ones(4))",
        "F.embedding_bag(i, w, o, mode='sum', per_sample_weights=torch.ones(3))",
        "F.embedding_bag(i, w, torch.tensor([0, 5]))", "F.embedding_bag(i.reshape(1, 2, 2), w)",
        "F.embedding_bag(i, w, o, mode='max', scale_grad_by_freq=True)",
        more="w = torch.ones(4, 3); i = torch.tensor([1, 2, 3, 1]); o = torch.tensor([0, 2])",
    )  # fmt: skip
