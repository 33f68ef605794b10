import pytest

import rushlight as torch
from rushlight import nn
from rushlight.doctor import watch


class Forgetful(nn.Module):
    def __init__(self):
        self.layer = nn.Linear(2, 1)


def with_parallels_names():
    model = nn.Linear(2, 1)
    model.load_state_dict({f"module.{k}": v for k, v in model.state_dict().items()})


def made_anew():
    w = torch.ones(1, requires_grad=True)
    for _ in range(2):
        (w * 2).sum().backward()
        w = w - 0.1 * w.grad


def changed_in_the_graph():
    w = torch.ones(1, requires_grad=True)
    w.square().sum().backward()
    w -= 0.1 * w.grad


def changed_in_place():
    x = torch.ones(2, requires_grad=True)
    y = x.sigmoid()
    y += 1
    y.sum().backward()


CRASHES = {
    "types-differ": [
        lambda: nn.Linear(2, 1)(torch.ones(3, 2, dtype=torch.float64)),
        lambda: nn.Embedding(4, 2)(torch.ones(3)),
        lambda: torch.tensor([1, 2]).add_(0.5),
    ],
    "shapes-differ": [
        lambda: nn.Linear(4, 1)(torch.ones(2, 2, 2)),
        lambda: torch.ones(3) + torch.ones(4),
        lambda: torch.cat([torch.ones(2, 3), torch.ones(2, 4)]),
    ],
    "channels": [
        lambda: nn.Conv2d(3, 1, 2)(torch.ones(1, 8, 8, 3)),
        lambda: nn.Conv2d(1, 1, 2)(torch.ones(8, 8)),
    ],
    "labels-form": [
        lambda: nn.CrossEntropyLoss()(torch.ones(3, 2), torch.ones(3, 2, dtype=torch.int64)),
        lambda: nn.CrossEntropyLoss()(torch.ones(2, 5, 3), torch.ones(2, 5, dtype=torch.int64)),
        lambda: nn.CrossEntropyLoss()(torch.ones(2, 5), torch.ones(3, dtype=torch.int64)),
    ],
    "loss-not-scalar": [lambda: (nn.Linear(2, 2)(torch.ones(3, 2)) ** 2).backward()],
    "no-parameters": [lambda: torch.optim.Adam(nn.ReLU().parameters())],
    "not-called": [lambda: torch.optim.SGD(nn.Linear(2, 1).parameters, lr=0.1)],
    "no-init": [Forgetful],
    "truth-of-many": [lambda: nn.CrossEntropyLoss(torch.ones(3, 2), torch.ones(3))],
    "numpy-of-graph": [lambda: nn.Linear(2, 1)(torch.ones(1, 2)).numpy()],
    "state-names": [with_parallels_names],
    "pair-of-results": [lambda: nn.LSTM(2, 3)(torch.ones(4, 1, 2)).view(-1)],
    "sizes-in-batch": [
        lambda: list(torch.utils.data.DataLoader([torch.ones(2), torch.ones(3)], batch_size=2))
    ],
    "gradient-missing": [made_anew],
    "update-recorded": [changed_in_the_graph],
    "in-place": [changed_in_place],
    "cut": [lambda: torch.ones(2).sum().backward()],
    "no-gpu": [lambda: nn.Linear(2, 1).to("cuda")],
}


@pytest.mark.parametrize(
    ("kind", "crash"), [(kind, crash) for kind, crashes in CRASHES.items() for crash in crashes]
)
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_what_is_behind_an_error_is_said(kind, crash):
    with (
        pytest.raises((RuntimeError, TypeError, ValueError, AttributeError, AssertionError)),
        watch() as report,
    ):
        crash()
    assert [finding.kind for finding in report] == [kind]
    assert report[0].place.file == __file__
    assert min(map(len, (report[0].what, report[0].why, report[0].advice))) > 10


def test_of_a_program_without_backward_nothing_is_judged():
    with watch() as report:
        torch.ones(2).sum()
    assert "no backward ran" in str(report)
