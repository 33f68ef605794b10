"""Embeddings whose gradients are sparse, and the optimizers that take them: each runs under both."""

import pytest
from tests.parity import parity


def test_the_gradient_is_sparse():
    parity("""
        _weight = torch.randn(5, 3, requires_grad=True)
        F.embedding(torch.tensor([[1, 0], [2, 1]]), _weight, sparse=True).pow(2).sum().backward()
        found = _weight.grad.is_sparse, _weight.grad._indices(), _weight.grad._values()
        F.embedding(torch.tensor([1]), _weight, sparse=True).sum().backward()
        twice = _weight.grad.is_sparse, _weight.grad.to_dense()
        (_weight * 2).sum().backward()
        mixed = _weight.grad.is_sparse, _weight.grad
        refused = attempt(
            lambda: F.embedding(
                torch.tensor([1]), _weight, sparse=True, scale_grad_by_freq=True
            ).sum().backward()
        )
    """)


def test_padding_and_weights_that_are_computed():
    parity("""
        _embedding = nn.Embedding(5, 3, padding_idx=1, sparse=True)
        out = _embedding(torch.tensor([1, 2, 2, 1])).detach()
        _embedding(torch.tensor([1, 2, 2, 1])).sum().backward()
        whole = _embedding.weight.grad.to_dense()
        weight = torch.randn(5, 3, requires_grad=True)
        F.embedding(torch.tensor([4, 0]), weight * 2, sparse=True).sum().backward()
    """)


@pytest.mark.parametrize("optimizer", ["SparseAdam", "SGD", "Adagrad"])
def test_optimizers(optimizer):
    parity(
        """
        _embedding = nn.Embedding(5, 3, sparse=True)
        _optimizer = getattr(torch.optim, optimizer)(_embedding.parameters(), lr=0.1)
        for _i in range(3):
            _optimizer.zero_grad()
            _embedding(torch.tensor([1, 3, _i])).pow(2).sum().backward()
            _optimizer.step()
        weight = _embedding.weight.detach().clone()
        """,
        given={"optimizer": optimizer},
    )


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_bags_give_sparse_gradients(mode):
    parity(
        """
        _bag = nn.EmbeddingBag(8, 3, mode=mode, sparse=True, padding_idx=4)
        _bag(torch.tensor([1, 2, 4, 5, 4, 3, 2, 7]), torch.tensor([0, 4])).pow(2).sum().backward()
        _g = _bag.weight.grad
        found = _g.is_sparse, _g.is_coalesced(), _g._indices(), _g._values(), _g.to_dense()
        _optimizer = torch.optim.SparseAdam(_bag.parameters(), lr=0.1)
        _optimizer.step()
        weight = _bag.weight.detach().clone()
        _weights = torch.rand(2, 2, requires_grad=True)
        _rows = torch.randn(5, 3, requires_grad=True)
        F.embedding_bag(
            torch.tensor([[1, 2], [2, 3]]), _rows, mode="sum", sparse=True, per_sample_weights=_weights
        ).sum().backward()
        weighted = _rows.grad.is_sparse, _rows.grad.to_dense(), _weights.grad
        refused = attempt(
            lambda: F.embedding_bag(torch.tensor([[1]]), torch.ones(3, 3), mode="max", sparse=True)
        )
        """,
        given={"mode": mode},
    )
