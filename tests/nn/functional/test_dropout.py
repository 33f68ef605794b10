"""Dropout: the same elements as in torch under the same seed."""

import pytest
from tests.nn.functional.programs import errors
from tests.parity import parity

CALLS = [
    "F.dropout(x, 0.3)",
    "F.dropout(x, 0.3, False)",
    "F.dropout(x, 0.0)",
    "F.dropout(x, 1.0)",
    "F.dropout1d(x, 0.4)",
    "F.dropout1d(x[0], 0.4)",
    "F.dropout2d(x.unsqueeze(-1), 0.4)",
    "F.dropout3d(x[..., None, None], 0.4)",
    "F.dropout3d(x.unsqueeze(-1), 0.4)",
    "F.alpha_dropout(x, 0.3, True)",
    "F.alpha_dropout(x, 0.3)",
    "F.feature_alpha_dropout(x, 0.3, True)",
    "torch.dropout(x, 0.2, True)",
    "torch.feature_dropout(x, 0.2, True)",
    "torch.alpha_dropout(x, 0.2, True)",
    "torch.native_dropout(x, 0.2, True)[0]",
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_masks(call, dtype):
    parity(
        f"""
        x = torch.randn(4, 6, 5, dtype=torch.{dtype}, requires_grad=True)
        y = {call}
        y.square().sum().backward()
        after = torch.rand(3)
        """
    )


def test_in_place():
    parity(
        """
        x = torch.randn(4, 5)
        same = F.dropout(x, 0.5, inplace=True) is x
        y = torch.ones(4, 5)
        F.alpha_dropout(y, 0.5, True, True)
        z = torch.ones(4, 5, 2)
        torch.dropout_(z, 0.5, True)
        torch.feature_dropout_(z, 0.5, True)
        w = torch.ones(3, requires_grad=True) * 2
        F.dropout(w, 0.5, inplace=True)
        w.sum().backward()
        kept = F.dropout(x, 0.5, training=False) is x
        mask = torch.native_dropout(x, 0.4, True)
        whole = F.dropout(torch.tensor([1, 2]), 1.0), F.dropout(torch.tensor([1, 2]), 0.0)
        """
    )


def test_warnings():
    parity(
        """
        import warnings
        with warnings.catch_warnings(record=True) as _seen:
            warnings.simplefilter("always")
            F.dropout2d(torch.ones(2, 3, 4)), F.dropout2d(torch.ones(2, 3)), F.dropout3d(torch.ones(2, 3))
        kinds = [w.category for w in _seen]
        count = len(_seen)
        """
    )


def test_errors():
    errors(
        "F.dropout(x, -0.1)", "F.dropout(x, 1.1)", "torch.dropout(x, 2.0, True)", "F.dropout(w)",
        "torch.dropout(x, 'a', True)", "F.alpha_dropout(w, 0.5, True)", "torch.feature_dropout(x, 0.5, True)",
        "F.dropout(None)", "F.dropout2d(x, 1.5)", "F.dropout1d(torch.ones(1, 2, 3, 4))",
        more="x = torch.ones(3); w = torch.tensor([1, 2])",
    )  # fmt: skip
