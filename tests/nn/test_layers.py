"""Every layer: repr, initial weights, outputs, gradients of inputs and parameters, buffers."""

import pytest

from tests.parity import parity

# Constructors and the shape of their input; {name} in the input stands for an expression.
SEQ, PICTURE, VOLUME = "torch.randn(2, 3, 8)", "torch.randn(2, 4, 7, 6)", "torch.randn(2, 2, 5, 4, 6)"
FLAT = "torch.randn(4, 6)"
LAYERS = {
    "linear": [
        ("nn.Linear(6, 3)", FLAT), ("nn.Linear(8, 3, bias=False)", SEQ), ("nn.Linear(6, 3)", "torch.randn(6)"),
        ("nn.Identity(3, a=2)", FLAT), ("nn.Flatten()", SEQ), ("nn.Unflatten(1, (2, 3))", FLAT),
        ("nn.LazyLinear(3)", FLAT), ("nn.LazyLinear(3, bias=False)", SEQ),
    ],
    "activations": [
        (f"nn.{name}", FLAT)
        for name in (
            "ReLU()", "ReLU6()", "SELU()", "SiLU()", "Mish()", "Hardsigmoid()", "Hardswish()",
            "Sigmoid()", "Tanh()", "LogSigmoid()", "Softsign()", "Tanhshrink()", "Threshold(0.1, 20.0)",
            "RReLU()", "Hardtanh()", "Hardtanh(-2.0, 0.5)", "ELU()", "ELU(0.5)", "CELU(2.0)",
            "LeakyReLU()", "LeakyReLU(0.2)", "PReLU()", "PReLU(6, init=0.1)", "GLU()", "GLU(0)",
            "GELU()", "GELU('tanh')", "Softplus()", "Softplus(2.0, 1.0)", "Hardshrink()",
            "Softshrink(0.2)", "Softmax(1)", "Softmin(1)", "LogSoftmax(0)",
        )
    ] + [("nn.Softmax2d()", PICTURE), ("nn.RReLU().eval()", FLAT)],
    "convolutions": [
        ("nn.Conv1d(3, 4, 3)", SEQ), ("nn.Conv1d(3, 6, 3, 2, 1, 2, 3, False)", SEQ),
        ("nn.Conv1d(3, 4, 4, padding='same', padding_mode='circular')", SEQ),
        ("nn.Conv2d(4, 6, 3)", PICTURE), ("nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 0), groups=2)", PICTURE),
        ("nn.Conv2d(4, 2, 3, padding=1, padding_mode='reflect')", PICTURE),
        ("nn.Conv2d(4, 2, 3, padding=1, padding_mode='replicate', bias=False)", PICTURE),
        ("nn.Conv2d(4, 2, 3, padding='same', dilation=2)", PICTURE),
        ("nn.Conv2d(4, 2, 3, padding='valid')", PICTURE), ("nn.Conv2d(4, 2, 3)", "torch.randn(4, 5, 5)"),
        ("nn.Conv3d(2, 3, 2)", VOLUME), ("nn.ConvTranspose1d(3, 2, 3, 2, 1)", SEQ),
        ("nn.ConvTranspose2d(4, 2, 3, 2, 1, 1)", PICTURE),
        ("nn.ConvTranspose2d(4, 4, 2, groups=2, dilation=2, bias=False)", PICTURE),
        ("nn.ConvTranspose3d(2, 3, 2, stride=2)", VOLUME),
        ("nn.LazyConv1d(4, 3)", SEQ), ("nn.LazyConv2d(4, 3, padding=1)", PICTURE),
        ("nn.LazyConv3d(4, 2, bias=False)", VOLUME), ("nn.LazyConvTranspose1d(4, 3)", SEQ),
        ("nn.LazyConvTranspose2d(4, 3, 2, 1, 1, 1, False)", PICTURE),
        ("nn.LazyConvTranspose3d(4, 2)", VOLUME), ("nn.LazyConv2d(4, 3, 1, 1, 1, 2, False)", PICTURE),
        ("nn.Unfold(3, padding=1, stride=2)", PICTURE),
        ("nn.Fold((4, 5), (2, 2))", "torch.randn(2, 8, 12)"),
    ],
    "pooling": [
        ("nn.MaxPool1d(2)", SEQ), ("nn.MaxPool2d(3, 2, 1, ceil_mode=True)", PICTURE),
        ("nn.MaxPool2d((2, 3), dilation=2)", PICTURE), ("nn.MaxPool3d(2)", VOLUME),
        ("nn.AvgPool1d(3, 2)", SEQ), ("nn.AvgPool2d(2, padding=1, count_include_pad=False)", PICTURE),
        ("nn.AvgPool2d(2, divisor_override=3)", PICTURE), ("nn.AvgPool3d(2)", VOLUME),
        ("nn.AdaptiveAvgPool1d(3)", SEQ), ("nn.AdaptiveAvgPool2d((None, 4))", PICTURE),
        ("nn.AdaptiveAvgPool3d(2)", VOLUME), ("nn.AdaptiveMaxPool1d(3)", SEQ),
        ("nn.AdaptiveMaxPool2d((3, None))", PICTURE), ("nn.AdaptiveMaxPool3d(2)", VOLUME),
        ("nn.LPPool1d(2, 3)", SEQ), ("nn.LPPool2d(2, 2, 1, True)", PICTURE), ("nn.LPPool3d(3, 2)", VOLUME),
        ("nn.FractionalMaxPool2d(2, output_ratio=0.6)", PICTURE),
        ("nn.FractionalMaxPool3d(2, output_size=2)", VOLUME),
    ],
    "normalization": [
        ("nn.BatchNorm1d(6)", FLAT), ("nn.BatchNorm1d(3, momentum=None)", SEQ),
        ("nn.BatchNorm2d(4, affine=False)", PICTURE), ("nn.BatchNorm2d(4, bias=False)", PICTURE),
        ("nn.BatchNorm2d(4).eval()", PICTURE), ("nn.BatchNorm3d(2, track_running_stats=False)", VOLUME),
        ("nn.LayerNorm(6)", FLAT), ("nn.LayerNorm((3, 8), bias=False)", SEQ),
        ("nn.LayerNorm(8, elementwise_affine=False, eps=0.1)", SEQ), ("nn.RMSNorm(6)", FLAT),
        ("nn.RMSNorm(6, eps=0.1, elementwise_affine=False)", FLAT), ("nn.GroupNorm(2, 4)", PICTURE),
        ("nn.GroupNorm(3, 3, affine=False)", SEQ), ("nn.GroupNorm(2, 4, bias=False)", PICTURE),
        ("nn.InstanceNorm1d(3)", SEQ), ("nn.InstanceNorm1d(3, affine=True)", "torch.randn(3, 8)"),
        ("nn.InstanceNorm2d(4, affine=True, track_running_stats=True)", PICTURE),
        ("nn.InstanceNorm3d(2)", VOLUME), ("nn.LocalResponseNorm(2)", PICTURE),
        ("nn.LocalResponseNorm(3, alpha=0.1, k=2.0)", PICTURE), ("nn.CrossMapLRN2d(3, alpha=0.5)", PICTURE),
        ("nn.CrossMapLRN2d(4, alpha=0.5)", "torch.randn(2, 9, 2, 2)"),
        ("nn.LazyBatchNorm1d()", FLAT), ("nn.LazyBatchNorm2d(bias=False)", PICTURE),
        ("nn.LazyBatchNorm3d(affine=False)", VOLUME), ("nn.LazyInstanceNorm1d()", SEQ),
        ("nn.LazyInstanceNorm2d()", PICTURE), ("nn.LazyInstanceNorm3d()", VOLUME),
    ],
    "dropout": [
        ("nn.Dropout()", FLAT), ("nn.Dropout(0.3)", SEQ), ("nn.Dropout(0.0)", FLAT), ("nn.Dropout(1.0)", FLAT),
        ("nn.Dropout().eval()", FLAT), ("nn.Dropout1d(0.4)", SEQ), ("nn.Dropout2d()", PICTURE),
        ("nn.Dropout3d()", VOLUME), ("nn.AlphaDropout(0.3)", FLAT), ("nn.FeatureAlphaDropout(0.3)", SEQ),
    ],
    "shapes": [
        ("nn.ReflectionPad1d((1, 2))", SEQ), ("nn.ReflectionPad2d(1)", PICTURE), ("nn.ReflectionPad3d(1)", VOLUME),
        ("nn.ReplicationPad1d(2)", SEQ), ("nn.ReplicationPad2d((1, 0, 2, 1))", PICTURE),
        ("nn.ReplicationPad3d(1)", VOLUME), ("nn.CircularPad1d(1)", SEQ), ("nn.CircularPad2d((1, 2, 3, 1))", PICTURE),
        ("nn.CircularPad3d(1)", VOLUME), ("nn.ConstantPad1d((1, 2), 3.5)", SEQ), ("nn.ConstantPad2d(1, 2.0)", PICTURE),
        ("nn.ConstantPad3d(1, -1.0)", VOLUME), ("nn.ZeroPad1d(2)", SEQ), ("nn.ZeroPad2d((-1, 1, 0, 2))", PICTURE),
        ("nn.ZeroPad3d(1)", VOLUME), ("nn.PixelShuffle(2)", PICTURE), ("nn.PixelUnshuffle(2)", "torch.randn(1, 1, 4, 6)"),
        ("nn.ChannelShuffle(2)", PICTURE), ("nn.Upsample(scale_factor=2)", PICTURE),
        ("nn.Upsample(size=(5, 9), mode='bilinear')", PICTURE),
        ("nn.Upsample(scale_factor=1.5, mode='linear', align_corners=True)", SEQ),
        ("nn.UpsamplingNearest2d(scale_factor=2)", PICTURE), ("nn.UpsamplingBilinear2d(size=5)", PICTURE),
    ],
}  # fmt: skip
PROGRAM = """
m = {layer}
x = {input}
x.requires_grad_()
y = m(x)
(y * torch.linspace(-1.0, 2.0, y.numel()).reshape(y.shape)).mean().backward()
after = repr(m), torch.rand(1)
"""


@pytest.mark.parametrize("family", LAYERS)
def test_layers(family: str) -> None:
    failures = []
    for layer, inputs in LAYERS[family]:
        try:
            parity(PROGRAM.format(layer=layer, input=inputs), rtol=2e-4, atol=2e-5)
        except AssertionError as error:
            failures.append(f"{layer}: {error}")
    assert not failures, "\n\n".join(failures[:5])


def test_evaluation_uses_running_statistics() -> None:
    parity(
        """
        for_each = []
        for m, shape in ((nn.BatchNorm1d(3), (5, 3)), (nn.BatchNorm2d(2, momentum=None), (4, 2, 3, 3)),
                         (nn.InstanceNorm1d(2, track_running_stats=True), (3, 2, 5))):
            for _ in range(3):
                m(torch.randn(shape) * 2 + 1)
            m.eval()
            y = m(torch.randn(shape))
            for_each.append((m, y))
        """
    )


def test_sync_batch_norm_is_batch_norm_in_one_process() -> None:
    parity(
        """
        net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2, eps=0.1), nn.Sequential(nn.BatchNorm1d(3)))
        net[1].weight.data.fill_(3.0)
        converted = nn.SyncBatchNorm.convert_sync_batchnorm(net.eval())
        text = repr(converted), type(converted[1]).__name__, converted[1].training
        """
    )


def test_embeddings() -> None:
    parity(
        """
        ids = torch.tensor([[1, 2, 2], [0, 4, 3]])
        m = nn.Embedding(5, 3, padding_idx=2)
        out = m(ids)
        out.sum().backward()
        scaled = nn.Embedding(5, 3, max_norm=0.5, scale_grad_by_freq=True)
        y = scaled(ids)
        y.sum().backward()
        table = torch.arange(6.0).reshape(2, 3)
        fixed = nn.Embedding.from_pretrained(table)
        tuned = nn.Embedding.from_pretrained(table, freeze=False, padding_idx=0)
        shared = fixed.weight.data_ptr() == table.data_ptr()
        texts = [repr(m), repr(scaled), repr(fixed), repr(nn.Embedding(3, 2, norm_type=1.0, sparse=True))]
        bags = []
        for mode in ("sum", "mean", "max"):
            bag = nn.EmbeddingBag(6, 2, mode=mode, padding_idx=None if mode == "max" else 5)
            z = bag(torch.tensor([1, 2, 5, 0]), torch.tensor([0, 3]))
            z.sum().backward()
            bags.append((bag, z, repr(bag), bag(torch.tensor([[1, 2], [3, 4]]))))
        from_table = nn.EmbeddingBag.from_pretrained(table)
        errors = [
            attempt(lambda: nn.Embedding(3, 2, padding_idx=5)),
            attempt(lambda: nn.Embedding(3, 2, padding_idx=-5)),
            attempt(lambda: nn.Embedding(3, 2, _weight=torch.ones(2, 2))),
            attempt(lambda: nn.Embedding.from_pretrained(torch.ones(2))),
            attempt(lambda: nn.EmbeddingBag(3, 2, padding_idx=5)),
            attempt(lambda: m(torch.tensor([9]))),
        ]
        """
    )


def test_pooling_with_indices() -> None:
    parity(
        """
        x = torch.randn(2, 3, 6, 6, requires_grad=True)
        y, where = nn.MaxPool2d(2, return_indices=True)(x)
        back = nn.MaxUnpool2d(2)(y, where)
        sized = nn.MaxUnpool2d(2)(y, where, output_size=(7, 7))
        back.sum().backward()
        line, places = nn.MaxPool1d(2, return_indices=True)(torch.randn(1, 2, 6))
        unpooled = nn.MaxUnpool1d(2)(line, places)
        adaptive = nn.AdaptiveMaxPool2d(2, return_indices=True)(x)
        texts = repr(nn.MaxUnpool2d(2)), repr(nn.MaxUnpool3d(2, 1, 1))
        """
    )


def test_transposed_convolutions_take_an_output_size() -> None:
    parity(
        """
        m = nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1)
        x = torch.randn(1, 2, 4, 4)
        a, b = m(x, output_size=(8, 8)), m(x, output_size=[1, 3, 7, 8])
        errors = [
            attempt(lambda: m(x, output_size=(20, 20))), attempt(lambda: m(x, output_size=(8,))),
        ]
        """
    )


def test_two_inputs() -> None:
    parity(
        """
        x, y = torch.randn(4, 3, requires_grad=True), torch.randn(4, 3)
        cosine = nn.CosineSimilarity()(x, y), nn.CosineSimilarity(dim=0)(x, y)
        distance = nn.PairwiseDistance(p=1.0, keepdim=True)(x, y)
        (distance.sum() + cosine[0].sum()).backward()
        m = nn.Bilinear(3, 3, 2)
        z = m(x, y)
        texts = repr(nn.CosineSimilarity()), repr(nn.PairwiseDistance())
        """
    )


def test_inplace_activations_write_into_their_input() -> None:
    parity(
        """
        x = torch.tensor([-1.0, 2.0])
        y = nn.ReLU(inplace=True)(x)
        same = y is x
        leaf = torch.tensor([-1.0, 2.0], requires_grad=True)
        refused = attempt(lambda: nn.ReLU(inplace=True)(leaf))
        nn.LeakyReLU(0.1, inplace=True)(leaf * 1).sum().backward()
        texts = [repr(m(inplace=True)) for m in (nn.ReLU, nn.ReLU6, nn.SELU, nn.SiLU, nn.Mish,
                 nn.Hardsigmoid, nn.Hardswish, nn.RReLU, nn.Hardtanh, nn.ELU, nn.CELU, nn.LeakyReLU,
                 nn.Dropout)]
        texts.append(repr(nn.Threshold(0.1, 2.0, inplace=True)))
        """
    )


def test_the_adaptive_softmax() -> None:
    parity(
        """
        m = nn.AdaptiveLogSoftmaxWithLoss(8, 12, cutoffs=[3, 7], div_value=2.0, head_bias=True)
        x = torch.randn(6, 8, requires_grad=True)
        target = torch.tensor([0, 2, 5, 6, 11, 7])
        out = m(x, target)
        output, loss = out.output, out.loss
        loss.backward()
        probabilities, best = m.log_prob(x), m.predict(x)
        single = m(x[0], target[0])
        errors = [
            attempt(lambda: m(x, target + 10)), attempt(lambda: m(x, target[:3])),
            attempt(lambda: m(x[0], target)), attempt(lambda: m(x, x)),
            attempt(lambda: nn.AdaptiveLogSoftmaxWithLoss(4, 10, [5, 2])),
            attempt(lambda: nn.AdaptiveLogSoftmaxWithLoss(4, 10, [])),
            attempt(lambda: nn.AdaptiveLogSoftmaxWithLoss(4, 10, [2, 10])),
        ]
        """
    )


WRONG = """
nn.Dropout(2)
nn.Dropout(-0.1)
nn.Hardtanh(3, 1)
nn.Bilinear(0, 2, 3)
nn.Conv2d(3, 6, 3, padding='same', stride=2)
nn.Conv2d(3, 6, 3, padding='x')
nn.Conv2d(3, 6, 3, groups=0)
nn.Conv2d(3, 6, 3, groups=2)
nn.Conv2d(4, 6, 3, groups=4)
nn.Conv2d(3, 6, 3, padding_mode='z')
nn.Conv2d(-3, 6, 3)
nn.ConvTranspose2d(3, 6, 3, padding_mode='reflect')
nn.GroupNorm(3, 4)
nn.FractionalMaxPool2d(2)
nn.FractionalMaxPool2d(2, 3, 0.4)
nn.FractionalMaxPool2d(2, output_ratio=1.5)
nn.BatchNorm2d(3)(torch.ones(2, 3))
nn.BatchNorm1d(3)(torch.ones(2, 3, 4, 5))
nn.BatchNorm1d(3)(torch.ones(2, 4))
nn.InstanceNorm1d(3)(torch.ones(2))
nn.InstanceNorm2d(3, affine=True)(torch.ones(1, 2, 3, 3))
nn.Softmax2d()(torch.ones(2, 2))
nn.CircularPad1d(1)(torch.ones(3))
nn.Linear(3, 2)(torch.ones(4, 5))
nn.Conv2d(3, 2, 3)(torch.ones(1, 4, 8, 8))
nn.LayerNorm(3)(torch.ones(2, 4))
nn.LazyConv2d(3, 2)(torch.ones(4, 4))
"""


def test_wrong_settings_and_inputs() -> None:
    calls = [line for line in WRONG.strip().splitlines()]
    listed = ",\n    ".join(f"attempt(lambda: {call})" for call in calls)
    parity(f"errors = [\n    {listed}\n]")


def test_lazy_modules() -> None:
    parity(
        """
        m = nn.LazyLinear(3)
        before = repr(m), m.has_uninitialized_params(), repr(m.weight), m.weight.dtype
        shapes = attempt(lambda: m.weight.shape), attempt(lambda: m.weight + 1)
        m.to(torch.float64)
        x = torch.ones(2, 5, dtype=torch.float64)
        y = m(x)
        after = repr(m), type(m).__name__, m.has_uninitialized_params() if hasattr(m, "has_uninitialized_params") else None
        loaded = nn.LazyLinear(3)
        loaded.load_state_dict({"weight": torch.ones(3, 2), "bias": torch.zeros(3)})
        z = loaded(torch.ones(1, 2))
        _both = nn.LazyLinear(2)
        _both.load_state_dict(nn.LazyLinear(2).state_dict())
        still = _both.has_uninitialized_params()
        too_early = attempt(lambda: nn.Linear(2, 3).load_state_dict(nn.LazyLinear(3).state_dict()))
        shared = attempt(lambda: nn.LazyLinear(3).share_memory())
        deep = repr(copy.deepcopy(nn.Sequential(nn.LazyLinear(3))))
        net = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2))
        out = net(torch.randn(2, 3, 6, 6))
        """,
        given={"copy": __import__("copy")},
    )


def test_data_parallel_is_the_module_itself() -> None:
    parity(
        """
        m = nn.DataParallel(nn.Linear(2, 1))
        keys, y = list(m.state_dict()), m(torch.ones(3, 2))
        """
    )
