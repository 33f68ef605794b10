"""Losses as modules: numbers, reductions, old arguments, weights as buffers, errors."""

from tests.parity import parity

LOSSES = """
nn.L1Loss{r}(a, b)
nn.MSELoss{r}(a, b)
nn.SmoothL1Loss{r}(a, b)
nn.HuberLoss{r}(a, b)
nn.CrossEntropyLoss{r}(a, classes)
nn.CrossEntropyLoss{r}(a, p)
nn.NLLLoss{r}(logp, classes)
nn.PoissonNLLLoss{r}(a, p)
nn.GaussianNLLLoss{r}(a, b, p)
nn.KLDivLoss{r}(logp, p)
nn.BCELoss{r}(s, p)
nn.BCEWithLogitsLoss{r}(a, p)
nn.HingeEmbeddingLoss{r}(a, signs)
nn.MultiLabelMarginLoss{r}(a, several)
nn.SoftMarginLoss{r}(a, signs)
nn.MultiLabelSoftMarginLoss{r}(a, p)
nn.CosineEmbeddingLoss{r}(a, b, signs[:, 0])
nn.MarginRankingLoss{r}(a, b, signs)
nn.MultiMarginLoss{r}(a, classes)
nn.TripletMarginLoss{r}(a, b, p)
nn.TripletMarginWithDistanceLoss{r}(a, b, p)
nn.CTCLoss{r}(times, torch.tensor([1, 4, 2]), torch.tensor([5]), torch.tensor([3]))
"""
DATA = """
a = torch.randn(4, 5, requires_grad=True)
b, p = torch.randn(4, 5), torch.rand(4, 5)
s, logp = torch.sigmoid(a), torch.log_softmax(a, 1)
classes, signs = torch.tensor([1, 0, 4, 2]), torch.sign(torch.randn(4, 5))
several = torch.tensor([[1, 2, -1, 0, 0], [0, -1, 0, 0, 0], [3, 4, 1, -1, 0], [2, -1, 0, 0, 0]])
times = torch.randn(5, 1, 5).log_softmax(2)
"""


def test_every_loss_in_every_reduction() -> None:
    lines = LOSSES.strip().splitlines()
    results = [
        line.format(r=f"(reduction='{r}')") for r in ("mean", "sum", "none") for line in lines
    ]
    parity(
        DATA
        + f"losses = [{', '.join(results)}]\n"
        + "sum(loss.sum() for loss in losses if loss.requires_grad).backward()",
        rtol=1e-4,
        atol=1e-5,
    )


def test_settings() -> None:
    parity(
        DATA
        + """
w = torch.tensor([1.0, 2.0, 0.5, 0.0, 3.0])
losses = [
    nn.CrossEntropyLoss(w, ignore_index=2, label_smoothing=0.1)(a, classes),
    nn.NLLLoss(w, reduction="sum")(logp, classes), nn.BCELoss(w)(s, p),
    nn.BCEWithLogitsLoss(w, pos_weight=w + 1)(a, p), nn.SmoothL1Loss(beta=0.3)(a, b),
    nn.HuberLoss(delta=0.3)(a, b),
    nn.KLDivLoss(reduction="batchmean", log_target=True)(logp, logp * 2),
    nn.PoissonNLLLoss(log_input=False, full=True)(a.abs(), p * 5),
    nn.GaussianNLLLoss(full=True)(a, b, p),
    nn.MultiMarginLoss(p=2, margin=0.5, weight=w)(a, classes), nn.HingeEmbeddingLoss(2.0)(a, signs),
    nn.TripletMarginLoss(0.5, p=1.0, swap=True)(a, b, p),
    nn.CosineEmbeddingLoss(0.2)(a, b, signs[:, 0]),
    nn.TripletMarginWithDistanceLoss(distance_function=nn.CosineSimilarity(), margin=2.0)(a, b, p),
    nn.MultiLabelSoftMarginLoss(weight=w)(a, p),
]
sum(losses).backward()
states = [list(m.state_dict()) for m in (nn.CrossEntropyLoss(w), nn.CrossEntropyLoss(),
          nn.BCEWithLogitsLoss(pos_weight=w))]
moved = nn.CrossEntropyLoss(w).double().weight.dtype
texts = [repr(nn.CrossEntropyLoss(w)), repr(nn.TripletMarginWithDistanceLoss()), repr(nn.MSELoss())]
""",
        rtol=1e-4,
        atol=1e-5,
    )


def test_the_linear_layer_with_its_loss() -> None:
    parity(
        """
        m = nn.LinearCrossEntropyLoss(3, 4, bias=True)
        loss = m(torch.randn(5, 3), torch.tensor([0, 1, 2, 3, 0]))
        loss.backward()
        settings = {"weight": torch.rand(4), "ignore_index": 1}
        deep = nn.LinearCrossEntropyLoss(3, 4, out_features=(2,), **settings)
        other = deep(torch.randn(5, 3), torch.randint(0, 4, (5, 2)))
        options = repr(nn.LinearCrossEntropyLoss(3, 4, options=nn.LinearCrossEntropyOptions()))
        """
    )


def test_old_arguments_and_errors() -> None:
    parity(
        """
        import warnings
        found = []
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            old = [nn.MSELoss(size_average=False), nn.MSELoss(reduce=False)]
            old += [nn.L1Loss(True, True), nn.NLLLoss2d()]
        kinds = [(w.category.__name__, str(w.message)[:60]) for w in caught]
        reductions = [m.reduction for m in old]
        errors = [
            attempt(lambda: nn.MultiMarginLoss(p=3)),
            attempt(lambda: nn.MultiMarginLoss(weight=torch.ones(2, 2))),
            attempt(lambda: nn.TripletMarginLoss(margin=-1)),
            attempt(lambda: nn.HuberLoss(delta="a")),
            attempt(lambda: nn.TripletMarginWithDistanceLoss(margin=-1)),
            attempt(lambda: nn.L1Loss(reduction="x")(torch.ones(2), torch.ones(2))),
            attempt(lambda: nn.CrossEntropyLoss()(torch.ones(2, 3), torch.tensor([0, 7]))),
            attempt(lambda: nn.CrossEntropyLoss()(torch.ones(2, 3), torch.tensor([0]))),
            attempt(lambda: nn.BCELoss()(torch.ones(2), torch.ones(3))),
        ]
        """
    )


def test_types_of_targets():
    parity(
        """
        x = torch.tensor([[0.3, 0.9, 0.1], [0.6, 0.2, 0.5]], requires_grad=True)
        classes = torch.tensor([[1, 0, 0], [0, 1, 1]])
        errors = [attempt(lambda: F.binary_cross_entropy_with_logits(x, classes)),
                  attempt(lambda: F.binary_cross_entropy_with_logits(x, classes.bool())),
                  attempt(lambda: F.binary_cross_entropy(x, classes)),
                  attempt(lambda: F.binary_cross_entropy(x, x.detach() * 3))]
        taken = [F.multilabel_soft_margin_loss(x, classes),
                 F.binary_cross_entropy_with_logits(x, classes.double())]
        wide = torch.tensor(0.25, dtype=torch.float64)
        taken += [F.mse_loss(x, wide), F.l1_loss(x, wide), F.smooth_l1_loss(x, wide), F.huber_loss(x, wide)]
        taken[0].backward()
        u, v = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1, 0, 2])
        errors += [attempt(lambda: torch.cross(u, v)), attempt(lambda: torch.outer(u, 2)),
                   attempt(lambda: torch.inner(u, 2)), attempt(lambda: torch.kron(u, 2)),
                   attempt(lambda: torch.cross(u, 2)), attempt(lambda: torch.broadcast_tensors(u, 2))]
    """,
        rtol=1e-6,
    )
