"""Losses."""

import pytest
from tests.nn.functional.programs import derivatives, errors
from tests.parity import parity

REDUCTIONS = ["mean", "sum", "none"]
TWO = {"x": "torch.randn(4, 3)", "y": "torch.randn(4, 3)"}


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    "call",
    [
        "F.mse_loss(x, y", "F.l1_loss(x, y", "F.smooth_l1_loss(x, y, beta=0.7", "F.smooth_l1_loss(x, y, beta=0.0",
        "F.huber_loss(x, y, delta=0.6", "F.poisson_nll_loss(x, y.exp()", "F.gaussian_nll_loss(x, y, y.exp(), full=True",
        "F.gaussian_nll_loss(x, y, 0.5", "F.gaussian_nll_loss(x, y, y[:, :1].exp()",
        "F.poisson_nll_loss(x.exp(), y.exp() * 3, log_input=False, full=True",
        "F.kl_div(x, y, log_target=True", "F.binary_cross_entropy_with_logits(x, y",
        "F.binary_cross_entropy_with_logits(x, y, y.exp().detach(), pos_weight=torch.tensor([1.0, 2.0, 0.5]).to(x)",
        "F.mse_loss(x, y, weight=y.exp().detach()", "F.l1_loss(x, y, weight=y.exp().detach()",
        "F.huber_loss(x, y, weight=y.exp().detach()",
    ],
)  # fmt: skip
def test_pairs(call, reduction):
    derivatives(f"{call}, reduction='{reduction}')", more=QUIET, **TWO)


QUIET = "import warnings; warnings.simplefilter('ignore')"


def test_kl_div():
    derivatives("F.kl_div(x, y.softmax(1), reduction='batchmean')", **TWO)
    parity(
        "a = F.kl_div(torch.zeros(2, 2), torch.tensor([[0.0, 1.0], [0.5, 0.5]]), reduction='sum')"
    )


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_binary_cross_entropy(reduction):
    derivatives(
        f"F.binary_cross_entropy(x.sigmoid(), _y.to(x), reduction='{reduction}')",
        x=TWO["x"],
        more="_y = torch.rand(4, 3)",
    )
    parity(
        """
        x, y = torch.tensor([0.0, 1.0, 0.5]), torch.tensor([1.0, 0.0, 1.0])
        a = F.binary_cross_entropy(x, y, torch.tensor([1.0, 2.0, 3.0]))
        """
    )


CLASSES = "_t = torch.tensor([2, 0, 1, 2]); _w = torch.tensor([0.5, 2.0, 1.5], dtype=torch.float64)"


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    "options",
    ["", ", weight=_w.to(x)", ", ignore_index=2", ", weight=_w.to(x), ignore_index=0", ", label_smoothing=0.2",
     ", weight=_w.to(x), label_smoothing=0.3, ignore_index=1"],
)  # fmt: skip
def test_cross_entropy(options, reduction):
    derivatives(
        f"F.cross_entropy(x, _t{options}, reduction='{reduction}')", x=TWO["x"], more=CLASSES
    )
    if "smoothing" not in options:
        derivatives(
            f"F.nll_loss(x.log_softmax(1), _t{options}, reduction='{reduction}')",
            x=TWO["x"],
            more=CLASSES,
        )


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("options", ["", ", weight=_w.to(x)", ", label_smoothing=0.1"])
def test_cross_entropy_of_probabilities(options, reduction):
    derivatives(
        f"F.cross_entropy(x, y.softmax(1){options}, reduction='{reduction}')", more=CLASSES, **TWO
    )


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_spatial(reduction):
    more = CLASSES + "; _t = torch.randint(0, 3, (2, 4, 5)); _t[0, 0] = -100"
    derivatives(
        f"F.cross_entropy(x, _t, _w.to(x), reduction='{reduction}')",
        x="torch.randn(2, 3, 4, 5)",
        more=more,
    )
    derivatives(
        f"F.nll_loss(x, _t, reduction='{reduction}')", x="torch.randn(2, 3, 4, 5)", more=more
    )
    derivatives(
        f"F.cross_entropy(x, _t, label_smoothing=0.1, reduction='{reduction}')",
        x="torch.randn(2, 3, 4, 5)",
        more=more,
    )


def test_one_sample():
    parity(
        """
        x = torch.randn(3, requires_grad=True)
        t = torch.tensor(1)
        all = [F.cross_entropy(x, t, reduction=r) for r in ("mean", "sum", "none")]
        more = F.nll_loss(x, t, reduction="none"), F.cross_entropy(x, x.detach().softmax(0))
        sum(all).backward()
        nothing = F.cross_entropy(torch.randn(2, 3), torch.tensor([-100, -100]))
        empty = F.cross_entropy(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64), reduction="sum")
        names = F.cross_entropy(torch.randn(2, 3, requires_grad=True), torch.tensor([0, 1])).grad_fn.name()
        fit = F.mse_loss(x, x * 2).grad_fn.name()
        """
    )


def test_linear_cross_entropy():
    derivatives(
        "F.linear_cross_entropy(x, w, _t, linear_bias=b)",
        x=TWO["x"],
        w="torch.randn(3, 3)",
        b="torch.randn(3)",
        more=CLASSES,
    )


PAIR = (
    "_s = torch.tensor([1.0, -1.0, 1.0, -1.0], dtype=torch.float64); "
    "_l = torch.tensor([[2, -1, 0], [0, 1, -1], [-1, 0, 1], [2, 1, 0]])"
)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    ("call", "inputs"),
    [
        ("F.margin_ranking_loss(x[:, 0], y[:, 0], _s.to(x), 0.3", "xy"),
        ("F.hinge_embedding_loss(x[:, 0], _s.to(x), 0.4", "x"),
        ("F.cosine_embedding_loss(x, y, _s.to(x), 0.1", "xy"),
        ("F.soft_margin_loss(x[:, 0], _s.to(x)", "x"),
        ("F.multilabel_soft_margin_loss(x, y.sigmoid()", "xy"),
        ("F.triplet_margin_loss(x, y, x.flip(0), 1.0", "xy"),
        ("F.triplet_margin_loss(x, y, x.flip(0), 0.5, 3.0, swap=True", "xy"),
        ("F.triplet_margin_with_distance_loss(x, y, x.flip(0), margin=2.0", "xy"),
    ],
)
def test_margins(call, inputs, reduction):
    derivatives(
        f"{call}, reduction='{reduction}')", more=PAIR, **{name: TWO[name] for name in inputs}
    )


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    "call",
    [
        "F.multi_margin_loss(x, _t",
        "F.multi_margin_loss(x, _t, 2, 0.7, _w.to(x)",
        "F.multilabel_margin_loss(x, _l",
    ],
)
def test_margins_of_classes(call, reduction):
    derivatives(
        f"{call}, reduction='{reduction}')", x=TWO["x"], more=f"{CLASSES}; {PAIR}", twice=False
    )


CTC = """
_targets = torch.tensor([[1, 2, 2], [3, 0, 0], [1, 1, 0]])
_long, _short = torch.tensor([6, 5, 4]), torch.tensor([3, 1, 2])
"""


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_ctc(reduction):
    derivatives(
        f"F.ctc_loss(x.log_softmax(2), _targets, _long, _short, reduction='{reduction}')",
        x="torch.randn(6, 3, 4)",
        more=CTC,
        twice=False,
    )


def test_ctc_forms():
    parity(
        CTC
        + """
x = torch.randn(6, 3, 4).log_softmax(2).requires_grad_()
flat = F.ctc_loss(x, torch.tensor([1, 2, 2, 3, 1, 1]), (6, 5, 4), (3, 1, 2))
flat.backward()
single = F.ctc_loss(x.detach()[:, 0], torch.tensor([1, 2]), torch.tensor(6), torch.tensor(2))
hard = F.ctc_loss(x.detach(), _targets, torch.tensor([2, 2, 2]), _short, zero_infinity=True, reduction="none")
harder = F.ctc_loss(x.detach(), _targets, torch.tensor([2, 2, 2]), _short, reduction="none")
other = torch.ctc_loss(x.detach(), _targets, _long, _short, 3, 2, False)
empty = F.ctc_loss(x.detach(), _targets, _long, torch.tensor([0, 1, 0]), reduction="none")
"""
    )


def test_torch_level():
    parity(
        """
        x, y = torch.randn(3, 4), torch.randn(3, 4)
        s = torch.tensor([1.0, -1.0, 1.0])
        a = torch.binary_cross_entropy_with_logits(x, y), torch.kl_div(x, y.exp(), 2)
        d = torch.poisson_nll_loss(x, y, True, False, 1e-8, 1)
        b = torch.hinge_embedding_loss(x, y.sign(), 0.5), torch.margin_ranking_loss(x, y, y.sign())
        c = torch.cosine_embedding_loss(x, y, s), torch.triplet_margin_loss(x, y, x + 1)
        """
    )


def test_warnings():
    parity(
        """
        import warnings
        x, y = torch.randn(3, 4), torch.randn(3, 4)
        with warnings.catch_warnings(record=True) as _seen:
            warnings.simplefilter("always")
            a = F.mse_loss(x, y[:1]), F.l1_loss(x, y, size_average=False)
            b = F.kl_div(x, y.exp()), F.l1_loss(x, y, reduce=False)
        kinds = [w.category for w in _seen]
        """
    )


def test_errors():
    errors(
        "F.mse_loss(x, y, reduction='foo')", "F.mse_loss(i, i)", "F.smooth_l1_loss(x, y, beta=-1)",
        "F.huber_loss(x, y, delta=0)", "F.cross_entropy(x, torch.tensor([0, 1]))",
        "F.cross_entropy(x, torch.tensor([0, 1, 4]))", "F.cross_entropy(x, torch.tensor([0, 1, -1]))",
        "F.cross_entropy(x, torch.tensor([0.0, 1, 2]))", "F.cross_entropy(x, i, weight=torch.ones(3))",
        "F.cross_entropy(x, i, label_smoothing=2.0)", "F.cross_entropy(x, i.int())",
        "F.cross_entropy(x, i, reduction='foo')", "F.nll_loss(x, i[None])", "F.nll_loss(x[0, 0], i[0])",
        "F.nll_loss(torch.ones(2, 3, 4, 5), torch.zeros(2, 4, 4).long())", "F.nll_loss(x.long(), i)",
        "F.nll_loss(x, torch.tensor([0, 1, -1]))", "F.nll_loss(x, torch.tensor([0, 1, 9]))",
        "F.binary_cross_entropy(x * 9, y)", "F.binary_cross_entropy(x.sigmoid(), y[:2])",
        "F.binary_cross_entropy(x.sigmoid(), y.long())", "F.binary_cross_entropy_with_logits(x, y[:1])",
        "F.poisson_nll_loss(x, y, reduction='foo')", "F.gaussian_nll_loss(x, y, -y.abs())",
        "F.gaussian_nll_loss(x, y, torch.ones(2))", "F.cosine_embedding_loss(x, y, y)",
        "F.margin_ranking_loss(x, y, y[0])", "F.multi_margin_loss(x, i, p=3)", "F.multi_margin_loss(x, i[:2])",
        "F.multi_margin_loss(x, torch.tensor([0, 1, 9]))", "F.triplet_margin_loss(x, y, y[0])",
        "F.triplet_margin_loss(x, y, y, margin=-1.0)", "F.ctc_loss(x, i, (9,), (1,))",
        "F.ctc_loss(x[:, None], i[None], (3,), (1,), blank=9)", "F.cross_entropy(None, i)",
        more="x, y = torch.randn(3, 4), torch.randn(3, 4); i = torch.tensor([0, 1, 2])",
    )  # fmt: skip


def test_margin_ranking_loss_of_integers():
    parity(
        """
        x, y, sign = torch.tensor([3, 1]), torch.tensor([1, 2]), torch.tensor([1, -1])
        each = F.margin_ranking_loss(x, y, sign, reduction="none")
        mean = F.margin_ranking_loss(x, y, sign, margin=1)
        """
    )
