"""What the normalisations and convolutions refuse, as torch does."""

import pytest
from tests.parity import parity


@pytest.mark.parametrize(
    "call",
    [
        "F.layer_norm(x.double(), (4,), w, w)",
        "F.layer_norm(x, (4,), w.double())",
        "F.group_norm(x.double(), 2, w, w)",
        "F.instance_norm(x[..., None].expand(2, 4, 3).double(), weight=w)",
        "F.batch_norm(x.double(), None, None, w, w, training=True)",
        "F.batch_norm(x.double(), w, w)",
        "F.batch_norm(x, w.double(), w.double())",
        "F.batch_norm(x, w.clone().requires_grad_(), w.clone(), training=True)",
        "F.batch_norm(x, w.clone(), w.clone().requires_grad_(), training=True)",
        "F.conv1d(torch.ones(1, 2, 5), torch.ones(3, 2, 0))",
        "F.conv2d(torch.ones(1, 2, 5, 5), torch.ones(3, 2, 0, 2))",
        "F.conv3d(torch.ones(1, 2, 5, 5, 5), torch.ones(3, 2, 1, 1, 0))",
        "F.conv_transpose2d(torch.ones(1, 2, 5, 5), torch.ones(2, 3, 0, 0))",
        "nn.Conv2d(2, 4, 0)(torch.ones(1, 2, 5, 5))",
    ],
)
def test_mixed_types_and_empty_kernels(call):
    parity(f"""
        x, w = torch.arange(8.0).reshape(2, 4) ** 2, torch.arange(1.0, 5.0)
        result = attempt(lambda: {call})
    """)


@pytest.mark.parametrize(
    "call",
    [
        "F.layer_norm(x.half(), (4,), w, w)",
        "F.group_norm(x.half(), 2, w, w)",
        "F.batch_norm(x.double(), w.double(), w.double())",
        "F.batch_norm(x.half(), w, w, w, w)",
    ],
)
def test_halves_may_have_weights_in_single_precision(call):
    parity(f"""
        x, w = torch.arange(8.0).reshape(2, 4) ** 2, torch.arange(1.0, 5.0)
        result = {call}
    """)
