"""Every layer: repr, initial weights, outputs, gradients of inputs and parameters, buffers."""

import pytest
from tests.parity import parity

# The inputs, by the name that the lines below give them; other inputs are written out.
INPUTS = {
    "flat": "torch.randn(4, 6)",
    "sequence": "torch.randn(2, 3, 8)",
    "picture": "torch.randn(2, 4, 7, 6)",
    "volume": "torch.randn(2, 2, 5, 4, 6)",
}
LAYERS = {
    "linear": """
        nn.Linear(6, 3) <- flat
        nn.Linear(8, 3, bias=False) <- sequence
        nn.Linear(6, 3) <- torch.randn(6)
        nn.Identity(3, a=2) <- flat
        nn.Flatten() <- sequence
        nn.Unflatten(1, (2, 3)) <- flat
        nn.LazyLinear(3) <- flat
        nn.LazyLinear(3, bias=False) <- sequence
    """,
    "activations": """
        nn.ReLU() <- flat
        nn.ReLU6() <- flat
        nn.SELU() <- flat
        nn.SiLU() <- flat
        nn.Mish() <- flat
        nn.Hardsigmoid() <- flat
        nn.Hardswish() <- flat
        nn.Sigmoid() <- flat
        nn.Tanh() <- flat
        nn.LogSigmoid() <- flat
        nn.Softsign() <- flat
        nn.Tanhshrink() <- flat
        nn.Threshold(0.1, 20.0) <- flat
        nn.RReLU() <- flat
        nn.Hardtanh() <- flat
        nn.Hardtanh(-2.0, 0.5) <- flat
        nn.ELU() <- flat
        nn.ELU(0.5) <- flat
        nn.CELU(2.0) <- flat
        nn.LeakyReLU() <- flat
        nn.LeakyReLU(0.2) <- flat
        nn.PReLU() <- flat
        nn.PReLU(6, init=0.1) <- flat
        nn.GLU() <- flat
        nn.GLU(0) <- flat
        nn.GELU() <- flat
        nn.GELU('tanh') <- flat
        nn.Softplus() <- flat
        nn.Softplus(2.0, 1.0) <- flat
        nn.Hardshrink() <- flat
        nn.Softshrink(0.2) <- flat
        nn.Softmax(1) <- flat
        nn.Softmin(1) <- flat
        nn.LogSoftmax(0) <- flat
        nn.Softmax2d() <- picture
        nn.RReLU().eval() <- flat
    """,
    "convolutions": """
        nn.Conv1d(3, 4, 3) <- sequence
        nn.Conv1d(3, 6, 3, 2, 1, 2, 3, False) <- sequence
        nn.Conv1d(3, 4, 4, padding='same', padding_mode='circular') <- sequence
        nn.Conv2d(4, 6, 3) <- picture
        nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 0), groups=2) <- picture
        nn.Conv2d(4, 2, 3, padding=1, padding_mode='reflect') <- picture
        nn.Conv2d(4, 2, 3, padding=1, padding_mode='replicate', bias=False) <- picture
        nn.Conv2d(4, 2, 3, padding='same', dilation=2) <- picture
        nn.Conv2d(4, 2, 3, padding='valid') <- picture
        nn.Conv2d(4, 2, 3) <- torch.randn(4, 5, 5)
        nn.Conv3d(2, 3, 2) <- volume
        nn.ConvTranspose1d(3, 2, 3, 2, 1) <- sequence
        nn.ConvTranspose2d(4, 2, 3, 2, 1, 1) <- picture
        nn.ConvTranspose2d(4, 4, 2, groups=2, dilation=2, bias=False) <- picture
        nn.ConvTranspose3d(2, 3, 2, stride=2) <- volume
        nn.LazyConv1d(4, 3) <- sequence
        nn.LazyConv2d(4, 3, padding=1) <- picture
        nn.LazyConv3d(4, 2, bias=False) <- volume
        nn.LazyConvTranspose1d(4, 3) <- sequence
        nn.LazyConvTranspose2d(4, 3, 2, 1, 1, 1, False) <- picture
        nn.LazyConvTranspose3d(4, 2) <- volume
        nn.LazyConv2d(4, 3, 1, 1, 1, 2, False) <- picture
        nn.Unfold(3, padding=1, stride=2) <- picture
        nn.Fold((4, 5), (2, 2)) <- torch.randn(2, 8, 12)
    """,
    "pooling": """
        nn.MaxPool1d(2) <- sequence
        nn.MaxPool2d(3, 2, 1, ceil_mode=True) <- picture
        nn.MaxPool2d((2, 3), dilation=2) <- picture
        nn.MaxPool3d(2) <- volume
        nn.AvgPool1d(3, 2) <- sequence
        nn.AvgPool2d(2, padding=1, count_include_pad=False) <- picture
        nn.AvgPool2d(2, divisor_override=3) <- picture
        nn.AvgPool3d(2) <- volume
        nn.AdaptiveAvgPool1d(3) <- sequence
        nn.AdaptiveAvgPool2d((None, 4)) <- picture
        nn.AdaptiveAvgPool3d(2) <- volume
        nn.AdaptiveMaxPool1d(3) <- sequence
        nn.AdaptiveMaxPool2d((3, None)) <- picture
        nn.AdaptiveMaxPool3d(2) <- volume
        nn.LPPool1d(2, 3) <- sequence
        nn.LPPool2d(2, 2, 1, True) <- picture
        nn.LPPool3d(3, 2) <- volume
        nn.FractionalMaxPool2d(2, output_ratio=0.6) <- picture
        nn.FractionalMaxPool3d(2, output_size=2) <- volume
    """,
    "normalization": """
        nn.BatchNorm1d(6) <- flat
        nn.BatchNorm1d(3, momentum=None) <- sequence
        nn.BatchNorm2d(4, affine=False) <- picture
        nn.BatchNorm2d(4, bias=False) <- picture
        nn.BatchNorm2d(4).eval() <- picture
        nn.BatchNorm3d(2, track_running_stats=False) <- volume
        nn.LayerNorm(6) <- flat
        nn.LayerNorm((3, 8), bias=False) <- sequence
        nn.LayerNorm(8, elementwise_affine=False, eps=0.1) <- sequence
        nn.RMSNorm(6) <- flat
        nn.RMSNorm(6, eps=0.1, elementwise_affine=False) <- flat
        nn.GroupNorm(2, 4) <- picture
        nn.GroupNorm(3, 3, affine=False) <- sequence
        nn.GroupNorm(2, 4, bias=False) <- picture
        nn.InstanceNorm1d(3) <- sequence
        nn.InstanceNorm1d(3, affine=True) <- torch.randn(3, 8)
        nn.InstanceNorm2d(4, affine=True, track_running_stats=True) <- picture
        nn.InstanceNorm3d(2) <- volume
        nn.LocalResponseNorm(2) <- picture
        nn.LocalResponseNorm(3, alpha=0.1, k=2.0) <- picture
        nn.LazyBatchNorm1d() <- flat
        nn.LazyBatchNorm2d(bias=False) <- picture
        nn.LazyBatchNorm3d(affine=False) <- volume
        nn.LazyInstanceNorm1d() <- sequence
        nn.LazyInstanceNorm2d() <- picture
        nn.LazyInstanceNorm3d() <- volume
    """,
    "dropout": """
        nn.Dropout() <- flat
        nn.Dropout(0.3) <- sequence
        nn.Dropout(0.0) <- flat
        nn.Dropout(1.0) <- flat
        nn.Dropout().eval() <- flat
        nn.Dropout1d(0.4) <- sequence
        nn.Dropout2d() <- picture
        nn.Dropout3d() <- volume
        nn.AlphaDropout(0.3) <- flat
        nn.FeatureAlphaDropout(0.3) <- sequence
    """,
    "shapes": """
        nn.ReflectionPad1d((1, 2)) <- sequence
        nn.ReflectionPad2d(1) <- picture
        nn.ReflectionPad3d(1) <- volume
        nn.ReplicationPad1d(2) <- sequence
        nn.ReplicationPad2d((1, 0, 2, 1)) <- picture
        nn.ReplicationPad3d(1) <- volume
        nn.CircularPad1d(1) <- sequence
        nn.CircularPad2d((1, 2, 3, 1)) <- picture
        nn.CircularPad3d(1) <- volume
        nn.ConstantPad1d((1, 2), 3.5) <- sequence
        nn.ConstantPad2d(1, 2.0) <- picture
        nn.ConstantPad3d(1, -1.0) <- volume
        nn.ZeroPad1d(2) <- sequence
        nn.ZeroPad2d((-1, 1, 0, 2)) <- picture
        nn.ZeroPad3d(1) <- volume
        nn.PixelShuffle(2) <- picture
        nn.PixelUnshuffle(2) <- torch.randn(1, 1, 4, 6)
        nn.ChannelShuffle(2) <- picture
        nn.Upsample(scale_factor=2) <- picture
        nn.Upsample(size=(5, 9), mode='bilinear') <- picture
        nn.Upsample(scale_factor=1.5, mode='linear', align_corners=True) <- sequence
        nn.UpsamplingNearest2d(scale_factor=2) <- picture
        nn.UpsamplingBilinear2d(size=5) <- picture
    """,
}
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
    for line in LAYERS[family].strip().splitlines():
        layer, inputs = line.strip().split(" <- ")
        program = PROGRAM.format(layer=layer, input=INPUTS.get(inputs, inputs))
        try:
            parity(program, rtol=2e-4, atol=2e-5)
        except AssertionError as error:
            failures.append(f"{layer}: {error}")
    assert not failures, "\n\n".join(failures[:5])


def test_evaluation_uses_running_statistics() -> None:
    parity(
        """
        for_each = []
        layers = [nn.BatchNorm1d(3), nn.BatchNorm2d(2, momentum=None),
                  nn.InstanceNorm1d(2, track_running_stats=True)]
        for m, shape in zip(layers, [(5, 3), (4, 2, 3, 3), (3, 2, 5)]):
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
        inner = nn.Sequential(nn.BatchNorm1d(3))
        net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2, eps=0.1), inner)
        net[1].weight.data.fill_(3.0)
        converted = nn.SyncBatchNorm.convert_sync_batchnorm(net.eval())
        text = repr(converted), type(converted[1]).__name__, converted[1].training
        """
    )


def test_the_old_response_norm() -> None:
    # Forward only: torch's backward treats the first channel unlike its own forward.
    parity(
        """
        x = torch.randn(2, 9, 2, 2)
        results = [nn.CrossMapLRN2d(size, alpha=0.5, k=2.0)(x) for size in (1, 3, 4, 5)]
        text = repr(nn.CrossMapLRN2d(3))
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
        other = nn.Embedding(3, 2, norm_type=1.0, sparse=True)
        texts = [repr(layer) for layer in (m, scaled, fixed, other)]
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
        after = repr(m), type(m).__name__
        loaded = nn.LazyLinear(3)
        loaded.load_state_dict({"weight": torch.ones(3, 2), "bias": torch.zeros(3)})
        z = loaded(torch.ones(1, 2))
        _both = nn.LazyLinear(2)
        _both.load_state_dict(nn.LazyLinear(2).state_dict())
        still = _both.has_uninitialized_params()
        too_early = attempt(lambda: nn.Linear(2, 3).load_state_dict(nn.LazyLinear(3).state_dict()))
        shared = attempt(lambda: nn.LazyLinear(3).share_memory())
        deep = repr(copy.deepcopy(nn.Sequential(nn.LazyLinear(3))))
        net = nn.Sequential(
            nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2))
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
