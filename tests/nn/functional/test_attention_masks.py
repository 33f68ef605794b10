"""Masks of attention: which shapes, types and mixtures are taken, and what comes of them."""

import pytest
from tests.parity import parity

PADDING = (
    "None", "torch.tensor([[False, True, False], [True, True, True]])", "torch.zeros(2, 3)",
    "torch.zeros(3, 2, dtype=torch.bool)", "torch.zeros(1, 6, dtype=torch.bool)",
    "torch.zeros(6, 1, dtype=torch.bool)", "torch.zeros(3, dtype=torch.bool)", "torch.zeros(2, 3).double()",
    "torch.zeros(2, 3).long()",
)  # fmt: skip
MASKS = (
    "None", "torch.ones(3, 3, dtype=torch.bool).triu(1)", "torch.full((3, 3), -1.0)", "torch.zeros(4, 3, 3)",
    "torch.zeros(2, 3, 3)", "torch.zeros(3, 2)", "torch.zeros(3)", "torch.zeros(2, 2, 3, 3)",
    "torch.zeros(3, 3).double()", "torch.zeros(3, 3).long()", "torch.full((3, 3), -float('inf'))",
)  # fmt: skip


@pytest.mark.parametrize("padding", PADDING)
def test_masks_of_many_heads(padding):
    parity(f"""
        import warnings
        _m = torch.nn.MultiheadAttention(4, 2, batch_first=True)
        _x = torch.randn(2, 3, 4)
        _masks = [{", ".join(MASKS)}]
        results, warned = [], []
        for _mask in _masks:
            for _weights in (True, False):
                with warnings.catch_warnings(record=True) as _caught:
                    warnings.simplefilter("always")
                    try:
                        _out = _m(_x, _x, _x, {padding}, _weights, _mask)
                    except (AssertionError, RuntimeError) as _error:
                        _out = type(_error).__name__
                results.append(_out)
                warned.append(sorted(w.category.__name__ for w in _caught))
    """)


@pytest.mark.parametrize("batched", [True, False])
def test_masks_of_products(batched):
    parity(f"""
        _shape = (2, 2) if {batched} else ()
        _q, _k = torch.randn(*_shape, 3, 4), torch.randn(*_shape, 5, 4)
        results = []
        for _size in ((3, 5), (5,), (1, 5), (3, 1), (2, 1, 3, 5), (2, 2, 2, 3, 5), (3, 4), (5, 3)):
            for _mask in (torch.zeros(_size), torch.ones(_size, dtype=torch.bool)):
                for _causal in (False, True):
                    try:
                        _out = F.scaled_dot_product_attention(_q, _k, _k, _mask, is_causal=_causal)
                    except (IndexError, RuntimeError) as _error:
                        _out = type(_error).__name__
                    results.append(_out)
    """)


def test_encoder_warns_of_a_mixture():
    parity("""
        import warnings
        _layer = torch.nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True)
        _layer.train()
        _padding = torch.zeros(2, 3, dtype=torch.bool)
        with warnings.catch_warnings(record=True) as _caught:
            warnings.simplefilter("always")
            out = _layer(torch.randn(2, 3, 4), torch.zeros(3, 3), _padding)
        warned = [str(w.message) for w in _caught]
    """)
