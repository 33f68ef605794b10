"""Warnings: the same as torch's, and at the line of the user's that led to them."""

import warnings

import pytest
import torch

import rushlight
from rushlight import errors

STATEMENTS = [
    "torch.nn.utils.weight_norm(torch.nn.Linear(2, 2))",
    "torch.set_default_tensor_type(torch.FloatTensor)",
    "torch.chain_matmul(torch.ones(2, 2), torch.ones(2, 2))",
    "torch.nn.Softmax()(torch.ones(2, 2))",
    "torch.nn.functional.log_softmax(torch.ones(2, 2))",
    "torch.nn.L1Loss(size_average=True)",
    "torch.nn.functional.mse_loss(torch.ones(2), torch.ones(2, 1))",
    "torch.nn.SmoothL1Loss()(torch.ones(2), torch.ones(2, 1))",
    "torch.nn.functional.grid_sample(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 1, 2))",
    "torch.nn.functional.upsample(torch.ones(1, 1, 2, 2), scale_factor=2)",
    "torch.nn.functional.gumbel_softmax(torch.ones(2, 2), eps=1e-3)",
    "torch.nn.functional.dropout2d(torch.ones(2, 2))",
    "torch.nn.KLDivLoss()(torch.ones(2, 2), torch.ones(2, 2))",
    "torch.ones(3).T",
    "torch.ones(2).storage()",
    "torch.cross(torch.ones(3, 3), torch.ones(3, 3))",
    "torch.meshgrid(torch.ones(2), torch.ones(2))",
    "torch.range(1, 3)",
    "torch.lu(torch.eye(2))",
    "torch.eye(2).to_sparse_csr()",
    "torch.stft(torch.ones(400), 100, return_complex=True)",
    "torch.where(torch.ones(1, dtype=torch.uint8), torch.ones(1), torch.ones(1))",
    "torch.ones(2)[torch.ones(2, dtype=torch.uint8)]",
    "torch.add(torch.ones(2), 1, out=torch.ones(3))",
    "torch.ones(1, requires_grad=True).mul(2).grad",
    "torch.tensor(torch.ones(2))",
    "torch.autograd.Variable(torch.ones(2), volatile=True)",
    "torch.nn.utils.clip_grad_norm(torch.nn.Linear(1, 1).parameters(), 1.0)",
    "torch.nn.init.xavier_uniform(torch.ones(2, 2))",
    "torch.nn.LSTM(2, 2, dropout=0.5)",
    "torch.optim.lr_scheduler.StepLR(torch.optim.SGD([torch.ones(1)], lr=1.0), 1).step()",
    "torch.optim.lr_scheduler.StepLR(torch.optim.SGD([torch.ones(1)], lr=1.0), 1).get_lr()",
    "torch.cuda.amp.autocast(enabled=False)",
]  # fmt: skip


def told(library, statement):
    errors._told.clear()
    library.manual_seed(0)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        exec(compile(statement, __file__, "exec"), {"torch": library})
    return found


@pytest.fixture(autouse=True)
def torch_repeats_itself():
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(False)


# torch's own flag, which nothing sets back, says that it has told.
ONCE = "torch.ones(2).storage()"


@pytest.mark.parametrize("statement", [s for s in STATEMENTS if s != ONCE])
def test_torch_warns_too(statement):
    own, torchs = told(rushlight, statement), told(torch, statement)
    assert [w.category for w in own] == [w.category for w in torchs] != []
    for w, other in zip(own, torchs, strict=True):
        assert str(w.message)[:30] == str(other.message)[:30]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_warning_names_the_line_of_the_user(statement):
    assert {w.filename for w in told(rushlight, statement)} == {__file__}
