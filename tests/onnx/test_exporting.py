"""What `torch.onnx.export` writes: valid, with torch's operators, and onnxruntime computes the same with it."""

import io
import os
import sys
import warnings

import onnx
import pytest

import rushlight as torch
from rushlight import nn
from rushlight.export import Dim
from rushlight.nn import functional as F
from rushlight.vision.ops import nms

sys.path.insert(0, os.path.dirname(__file__))
from running import Function, exported, operators, ran, same, sizes

pytestmark = pytest.mark.usefixtures("seen")


class First(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.m = inner

    def forward(self, x):
        return self.m(x)[0]


torch.manual_seed(0)
X = torch.randn(2, 3, 8, 8)
V = torch.randn(2, 4)
Q = torch.randn(2, 2, 5, 4)
I, J = torch.tensor([-7, 7, -7, 7]), torch.tensor([3, -3, -3, 3])  # noqa: E741

# As torch 2.13.0 writes them, where rushlight writes the same.
LISTS = {
    "layer norm": (nn.LayerNorm(4), (V,), "LayerNormalization"),
    "gelu": (nn.GELU(), (V,), "Gelu"),
    "gelu by tanh": (nn.GELU("tanh"), (V,), "Gelu"),
    "silu": (nn.SiLU(), (V,), "Sigmoid Mul"),
    "attention": (
        Function(lambda x, y, z: F.scaled_dot_product_attention(x, y, z)), (Q, Q, Q),
        "Reshape Transpose Reshape Mul Mul MatMul Softmax MatMul",
    ),
    "causal attention": (
        Function(lambda x, y, z: F.scaled_dot_product_attention(x, y, z, is_causal=True)), (Q, Q, Q),
        "Reshape Transpose Reshape Mul Mul MatMul Add Softmax MatMul",
    ),
    "rms norm": (nn.RMSNorm(4), (V,), "Pow ReduceMean Add Sqrt Reciprocal Mul Mul"),
    "group norm": (
        nn.GroupNorm(2, 4), (torch.randn(2, 4, 5),), "Reshape InstanceNormalization Reshape Mul Add",
    ),
    "batch norm": (nn.BatchNorm2d(3), (X,), "BatchNormalization"),
    "lstm": (
        First(nn.LSTM(2, 3, batch_first=True)), (torch.randn(4, 5, 2),),
        "Transpose LSTM Transpose Reshape Transpose",
    ),
    "gru": (First(nn.GRU(2, 3)), (torch.randn(4, 5, 2),), "GRU Transpose Reshape"),
    "bilinear": (nn.Upsample(scale_factor=2, mode="bilinear"), (X,), "Resize"),
    "corners": (nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), (X,), "Resize"),
    "nearest": (nn.Upsample(scale_factor=2), (X,), "Resize"),
    "bicubic": (nn.Upsample(size=(5, 7), mode="bicubic"), (X,), "Resize"),
    "adaptive pool": (nn.AdaptiveAvgPool2d(1), (X,), "ReduceMean"),
    "adaptive pool to 2": (nn.AdaptiveAvgPool2d(2), (X,), "AveragePool"),
    "dropout": (nn.Dropout(0.5), (V,), "Identity"),
    "linear": (nn.Linear(4, 3), (V,), "Gemm"),
    "linear of images": (nn.Linear(8, 3), (X,), "MatMul Add"),
    "embedding": (nn.Embedding(5, 3), (torch.tensor([1, 2]),), "Gather"),
    "remainder of whole": (Function(lambda x, y: x % y), (I, J), "Mod"),
    "remainder": (Function(lambda x, y: x % y), (I.float(), J.float()), "Div Floor Mul Sub"),
    "fmod of whole": (Function(lambda x, y: torch.fmod(x, y)), (I, J), "Mod"),
    "fmod": (Function(lambda x, y: torch.fmod(x, y)), (I.float(), J.float()), "Mod"),
    "floor of whole": (
        Function(lambda x, y: x // y), (I, J), "Less Greater Equal Mod Cast And Cast Div Sub",
    ),
    "floor": (Function(lambda x, y: x // y), (I.float(), J.float()), "Div Floor"),
    "truncated": (
        Function(lambda x, y: torch.div(x, y, rounding_mode="trunc")), (I, J),
        "Cast Cast Div Abs Floor Sign Mul Cast",
    ),
    "quotient of whole": (Function(lambda x, y: x / y), (I, J), "Cast Cast Div"),
    "square": (Function(lambda x: x**2), (V,), "Pow"),
    "rounded": (Function(lambda x: torch.round(x, decimals=2)), (V,), "Mul Round Div"),
    "pooled": (nn.MaxPool2d(3, 2, 1), (X,), "MaxPool"),
    "averaged": (nn.AvgPool2d(3, 2, 1, count_include_pad=False), (X,), "AveragePool"),
    "transposed": (nn.ConvTranspose2d(3, 4, 3, 2, 1, 1), (X,), "ConvTranspose"),
    "instance norm": (nn.InstanceNorm2d(3), (X,), "InstanceNormalization"),
    "prelu": (nn.PReLU(3), (X,), "PRelu"),
    "glu": (nn.GLU(), (V,), "Split Sigmoid Mul"),
    "shuffled": (nn.PixelShuffle(2), (torch.randn(1, 4, 2, 2),), "DepthToSpace"),
    "reflected": (nn.ReflectionPad2d(1), (X,), "Pad"),
    "deviation": (
        Function(lambda x: x.std(1)), (V,), "ReduceMean Sub Mul ReduceMean Mul Div Sqrt",
    ),
    "top": (Function(lambda x: tuple(x.topk(2))), (V,), "TopK"),
    "rolled": (Function(lambda x: x.roll(1, 1)), (V,), "Slice Slice Concat"),
    "einsum": (Function(lambda x: torch.einsum("bi,bj->ij", x, x)), (V,), "Einsum"),
    "clamped": (Function(lambda x: x.clamp(0, 1)), (V,), "Clip"),
    "below": (Function(lambda x: x.clamp(min=0)), (V,), "Max"),
    "turned": (Function(lambda x: x.flip(1)), (V,), "Slice"),
    "triangle": (Function(lambda x: x.tril()), (V,), "Trilu"),
    "chosen": (Function(lambda x: x[:, 0]), (V,), "Gather"),
    "as it is": (Function(lambda x: x), (V,), "Identity"),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_the_operators_are_torchs_and_compute_the_same(name):
    model, args, expected = LISTS[name]
    assert operators(exported(model, args)) == expected.split()


def written(x):
    y = x.clone()
    y[:, 0] = 1.0
    y[..., 1] += 2
    y.relu_()
    y.view(x.shape[0], -1).mul_(2)
    y[:, ::2] = 3.0
    y[y > 2] = 0.5
    return y


OTHERS = {
    "moved": lambda x: (x.flatten(1), x.repeat(1, 2, 1, 1), x.unsqueeze(1), x.expand(2, *x.shape), x.chunk(3, 1)),
    "sorted": lambda x: (*x.sort(-1), x.argsort(1), x.kthvalue(2)[0], *x.max(1), x.median()),
    "folded": lambda x: (x.var(), x.norm(), x.logsumexp(1), x.prod(1), (x > 0).any(1), (x > 0).all(), x.argmin()),
    "at places": lambda x: (
        x[:, [0, 2]], x[[0, 1], [2, 0]], x[..., None, 1:-1], x.gather(1, x.argmax(1, keepdim=True)),
        x.scatter(1, torch.zeros(2, 1, 8, 8, dtype=torch.long), 1.0), x.index_select(1, torch.tensor([1])),
    ),
    "written": written,
    "typed": lambda x: (x.half(), x.int() + 1.5, x.double() * 2, x > 0, ~(x > 0), x.long() // 3, x.bool()),
    "pointwise": lambda x: (
        F.elu(x), F.hardswish(x), F.mish(x), F.softplus(x), F.hardsigmoid(x), F.leaky_relu(x), F.softshrink(x),
        F.logsigmoid(x), F.selu(x), torch.log2(x.abs()), x.erfc(), x.trunc(), torch.atan2(x, x * 2), x.sign(),
        x.frac(), torch.lerp(x, x * 2, 0.3), x.expm1(), torch.where(x > 0, x, 0.0), F.threshold(x, 0.1, 2.0),
        torch.nan_to_num(x / (x > 0)), torch.addcmul(x, x, x, value=0.5), x.isnan(), F.celu(x, 2.0), F.relu6(x),
    ),
    "losses": lambda x: (F.cross_entropy(x, x.argmax(1)), F.mse_loss(x, x * 2), F.smooth_l1_loss(x, x * 3)),
    "images": lambda x: (
        F.unfold(x, 3), F.grid_sample(x, x[:, :2].permute(0, 2, 3, 1).tanh(), align_corners=False),
        F.avg_pool2d(x, 3, 2, 1, ceil_mode=True), F.max_pool2d(x, 3, 2, ceil_mode=True), F.pad(x, (1, -1, 2, 0)),
        *F.max_pool2d(x, 2, return_indices=True), F.interpolate(x, scale_factor=0.5, mode="nearest"),
        F.adaptive_avg_pool2d(x, 3), F.local_response_norm(x, 3), F.normalize(x), F.pixel_unshuffle(x, 2),
    ),
    "complex": lambda x: (
        torch.view_as_real(torch.fft.rfft(x)), torch.fft.fft(x, norm="ortho").abs(),
        torch.fft.irfft2(torch.fft.rfft2(x)),
        torch.fft.ifft(torch.fft.fft(x) * (1 + 2j)).real, (torch.fft.rfft(x, n=5) * torch.fft.rfft(x, n=5).conj()).real,
        torch.view_as_real(torch.polar(x.abs(), x) / torch.complex(x, x + 9)).flatten(2),
        torch.view_as_real(torch.fft.fft(x).sum(1).transpose(0, 1).reshape(-1) - 1.5),
        torch.stft(x.flatten(1), 16, 8, window=torch.hann_window(16), return_complex=True).abs(),
    ),
    "bags": lambda x: (
        *(F.embedding_bag(torch.tensor([1, 2, 0, 1]), x[0, 0], torch.tensor([0, 2, 2]), mode=mode)
          for mode in ("sum", "mean", "max")),
        F.embedding_bag(torch.tensor([[1, 2], [0, 1]]), x[0, 0], mode="max"),
        torch.isin(x.long(), torch.tensor([1, 0])),
    ),
    "chances": lambda x: (torch.bernoulli(torch.zeros_like(x)), torch.bernoulli(torch.ones_like(x))),
    "numbers": lambda x: (
        x * x.shape[1], x + torch.arange(8), x.cumsum(1), torch.eye(8) + x, x.diagonal(dim1=2, dim2=3), x.median(1)[0],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_other_operations_compute_the_same(name):
    exported(Function(OTHERS[name]), (X,))


@pytest.mark.parametrize("opset", [11, 13, 17, 23])
def test_older_and_newer_versions_compute_the_same(opset):
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.GELU(), nn.Upsample(scale_factor=2), nn.Upsample((7, 9)),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.LayerNorm(4), nn.Hardswish(), nn.Softmax(-1),
    )  # fmt: skip
    proto = exported(model, (X,), opset_version=opset)
    assert proto.opset_import[0].version == opset


def test_a_cell_gives_both_of_its_states():
    exported(nn.LSTMCell(4, 3), (V,))
    exported(nn.GRUCell(4, 3), (V,))


def test_complex_results_are_two_numbers():
    program = torch.onnx.export(Function(lambda x: torch.fft.rfft(x)).eval(), (V,), verbose=False)
    (output,) = program.model_proto.graph.output
    assert [d.dim_value for d in output.type.tensor_type.shape.dim] == [2, 3, 2]


def test_with_version_23_attention_and_rms_norm_are_operators():
    attention = Function(lambda x, y, z: F.scaled_dot_product_attention(x, y, z))
    assert operators(torch.onnx.export(attention, (Q, Q, Q), opset_version=23).model_proto) == [
        "Attention"
    ]
    assert operators(exported(nn.RMSNorm(4), (V,), opset_version=23)) == ["RMSNormalization"]


# ---- sizes ---------------------------------------------------------------------------------------


class Tokens(nn.Module):
    """What a small language model does with its sizes."""

    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(11, 8), nn.Embedding(32, 8)
        self.norm, self.all, self.out = nn.LayerNorm(8), nn.Linear(8, 24), nn.Linear(8, 8)
        self.register_buffer("mask", torch.tril(torch.ones(32, 32)).view(1, 1, 32, 32))

    def forward(self, i):
        b, t = i.shape
        x = self.norm(self.words(i) + self.places(torch.arange(t)))
        q, k, v = (p.view(b, t, 2, 4).transpose(1, 2) for p in self.all(x).split(8, 2))
        scores = (q @ k.transpose(-2, -1)) * 0.5
        scores = scores.masked_fill(self.mask[:, :, :t, :t] == 0, float("-inf")).softmax(-1)
        y = (scores @ v).transpose(1, 2).contiguous().view(b, t, 8)
        z = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(b, t, 8)
        return self.out(y)[:, -1], self.out(z), x.sum(1) / t**0.5, torch.zeros(b) + x[:, 0, 0]


class States(nn.Module):
    def __init__(self, kind, **options):
        super().__init__()
        self.m = kind(3, 4, **options)

    def forward(self, x):
        out, state = self.m(x)
        return (out, *(state if isinstance(state, tuple) else (state,)))


def randint(*shape):
    return torch.randint(0, 11, shape)


OPEN = {
    "images": (
        nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.ReLU(),
                      nn.Upsample(scale_factor=2, mode="bilinear"), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                      nn.Linear(4, 2)),
        (torch.randn(1, 3, 16, 16),), ({0: "b", 2: "h", 3: "w"},), (torch.randn(5, 3, 24, 31),),
    ),
    "tokens": (Tokens(), (randint(2, 5),), ({0: "b", 1: "t"},), (randint(3, 9),)),
    "encoder": (
        nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), (torch.randn(2, 5, 4),), ({0: "b", 1: "t"},),
        (torch.randn(3, 7, 4),),
    ),
    "lstm": (
        States(nn.LSTM, bidirectional=True), (torch.randn(2, 5, 3),), ({0: "t", 1: "b"},), (torch.randn(4, 2, 3),),
    ),
    "gru": (States(nn.GRU, batch_first=True), (torch.randn(2, 5, 3),), ({0: "b", 1: "t"},), (torch.randn(4, 2, 3),)),
    "rnn": (
        States(nn.RNN, nonlinearity="relu"), (torch.randn(2, 5, 3),), ({0: "t", 1: "b"},), (torch.randn(4, 2, 3),),
    ),
    "written": (Function(written), (torch.randn(4, 6, 3),), ({0: "b"},), (torch.randn(3, 6, 3),)),
    "moved": (
        Function(lambda x: (x.flatten(1), x.reshape(-1), x.repeat(2, 1, 1), x / x.shape[1] ** 0.5, x.std(1), x[:, 1:-1],
                            x[::2], x.transpose(0, 1).reshape(x.shape[1], -1), torch.eye(x.shape[1]) + x[0, :, :1],
                            torch.full((x.shape[0], 2), 3.0), x.roll(1, 1), x.sort(1)[1], F.pad(x, (1, 1)),
                            x.unsqueeze(0).expand(2, -1, -1, -1))),
        (torch.randn(4, 5, 3),), ({0: "b", 1: "t"},), (torch.randn(3, 7, 3),),
    ),
    "as many as there are": (
        Function(lambda x: (torch.nonzero(x > 0), *torch.where(x[:, 0] > 0), (x < 0).nonzero(as_tuple=True)[1] + 1,
                            *x.round().unique(return_counts=True), torch.unique(x.round(), return_inverse=True)[1],
                            nms(torch.cat([x[:, :2], x[:, :2] + 1], 1), x[:, 2], 0.3))),
        (torch.randn(9, 3),), ({0: "n"},), (torch.randn(14, 3),),
    ),
    "one call, several ways": (
        Function(lambda x: (F.interpolate(torch.ones(1, 1, 4, 6), size=x.shape[2:]) + x, nn.GroupNorm(2, 4)(x))),
        (torch.randn(1, 4, 8, 12),), ({2: "h", 3: "w"},), (torch.randn(1, 4, 3, 5),),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OPEN)
def test_no_size_that_is_open_is_baked_in(name):
    model, args, shapes, other = OPEN[name]
    proto = exported(model, args, [other], dynamic_shapes=shapes)
    assert [s for s in sizes(proto.graph.input[0]) if isinstance(s, str)] == list(
        shapes[0].values()
    )


A, B, C = torch.randn(3, 2), torch.randn(4, 2), torch.randn(3, 2)
shared = Dim("a")
# dynamic_shapes, the second tensor, and what torch 2.13.0 says of dimension 0 of both and of the result.
NAMES = [
    (({0: Dim("a")}, {0: Dim("b")}), B, ["a", "b", "b + a"]),
    (({0: "a"}, {0: "b"}), B, ["a", "b", "b + a"]),
    (({0: Dim.DYNAMIC}, {0: Dim.DYNAMIC}), B, ["s77", "s17", "s17 + s77"]),
    (({0: "a"}, {0: "a"}), C, ["a", "a", "a + a"]),
    (({0: "a"}, {0: "a"}), B, ["a", "a", "a + a"]),
]


@pytest.mark.parametrize(("shapes", "other", "expected"), NAMES)
def test_open_sizes_are_named_as_in_torch(shapes, other, expected):
    model = Function(lambda x, y: torch.cat([x, y], 0))
    graph = exported(model, (A, other), [(B, B)], dynamic_shapes=shapes).graph
    assert [sizes(v)[0] for v in (*graph.input, *graph.output)] == expected


def test_a_size_may_be_a_multiple_or_fixed_after_all():
    flat = exported(
        Function(lambda x: x.reshape(-1)), (torch.randn(3, 4),), dynamic_shapes=({0: "a"},)
    )
    assert sizes(flat.graph.output[0]) == ["4*a"]
    add = Function(lambda x, y: x + y)
    with pytest.warns(UserWarning, match="fixed to 3"):
        proto = exported(add, (A, C), dynamic_shapes=({0: Dim("a")}, None))
    assert [sizes(v)[0] for v in (*proto.graph.input, *proto.graph.output)] == [3, 3, 3]
    with pytest.raises(torch.onnx.errors.TorchExportError, match=r"'a'.*dimension 0 of x"):
        torch.onnx.export(add, (A, C), dynamic_shapes=({0: "a"}, None))
    with pytest.warns(UserWarning, match="dynamic_axes"):
        graph = torch.onnx.export(
            Function(lambda x, y: torch.cat([x, y], 0)), (A, torch.randn(5, 2)), input_names=["x", "y"],
            dynamic_axes={"x": {0: "n"}},
        ).model_proto.graph  # fmt: skip
    assert [sizes(v)[0] for v in (*graph.input, *graph.output)] == ["n", 5, "n + 5"]


# ---- names, constants ----------------------------------------------------------------------------


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.lin = nn.Embedding(5, 3), nn.Linear(3, 5, bias=False)
        self.lin.weight = self.emb.weight

    def forward(self, i):
        return self.lin(self.emb(i))


def initializers(proto):
    return {t.name: tuple(t.dims) for t in proto.graph.initializer}


def test_initializers_are_named_as_in_the_state_dict():
    assert initializers(exported(Tied(), (torch.tensor([1, 2]),))) == {"lin.weight": (5, 3)}
    twice = exported(Tied(), (torch.tensor([[1, 2]]),))
    assert initializers(twice) == {"lin.weight": (5, 3), "val_0": (3, 5)}

    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.w, self.v = nn.Parameter(torch.ones(3)), nn.Parameter(torch.full((3,), 2.0))
            self.sub, self.unused = nn.Module(), nn.Parameter(torch.ones(2))
            self.sub.register_buffer("b", torch.full((3,), 5.0))

        def forward(self, x, y):
            return x * (self.w + self.v) + self.sub.b

    proto = exported(Sum(), (torch.randn(3), torch.randn(1)))
    assert initializers(proto) == {"add": (3,), "sub.b": (3,)}
    assert [i.name for i in proto.graph.input] == ["x", "y"]
    kept = torch.onnx.export(
        Sum().eval(), (torch.randn(3), torch.randn(1)), optimize=False
    ).model_proto
    assert initializers(kept) == {"w": (3,), "v": (3,), "sub.b": (3,)}


def test_equal_parameters_become_one():
    class Equal(nn.Module):
        def __init__(self):
            super().__init__()
            self.w, self.v = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))

        def forward(self, x):
            return x * self.w + x / self.v

    assert list(initializers(exported(Equal(), (torch.randn(3),)))) == ["w"]


def test_inputs_and_outputs_are_named_as_in_torch():
    class Both(nn.Module):
        def forward(self, x, y=None):
            return x * 2 if y is None else x * y

    graph = exported(Both(), (A,)).graph
    assert ([i.name for i in graph.input], [o.name for o in graph.output]) == (["x"], ["mul"])
    both = exported(Function(lambda x: {"b": x + 1, "a": x * 2}), (A,))
    assert [o.name for o in both.graph.output] == ["add", "mul"]
    as_it_is = exported(Function(lambda x: x), (A,)).graph
    assert (as_it_is.input[0].name, as_it_is.output[0].name) == ("x_orig", "x")

    class Keyed(nn.Module):
        def forward(self, d):
            return d["k"] + 1

    with pytest.raises(torch.onnx.errors.TorchExportError, match="TypeError: missing"):
        torch.onnx.export(Keyed().eval(), ({"k": A},))
    program = torch.onnx.export(Keyed().eval(), ({"k": A}, {}))
    assert [i.name for i in program.model_proto.graph.input] == ["d_k"]
    given = exported(Both(), (A, C), input_names=["in 1"], output_names=["mul"])
    assert [i.name for i in given.graph.input] == ["in 1", "y"]
    with (
        pytest.warns(DeprecationWarning, match="TorchScript-based"),
        pytest.raises(RuntimeError, match=r"output names provided \(2\)"),
    ):
        torch.onnx.export(Both().eval(), (A,), io.BytesIO(), output_names=["a", "b"], dynamo=False)
    more = exported(Both(), (A,), input_names=["a", "more"], output_names=["b", "more"])
    assert ([i.name for i in more.graph.input], [o.name for o in more.graph.output]) == (
        ["a"],
        ["b"],
    )


def test_fewer_nodes_as_torch_leaves_them():
    """Fixed statistics go into the weights before, zeros around an image into the convolution."""
    normed = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU())
    statistics = {"running_mean": torch.randn(4), "running_var": torch.rand(4) + 0.5}
    normed[1].load_state_dict(normed[1].state_dict() | statistics)
    proto = exported(normed, (X,))
    assert operators(proto) == ["Conv", "Relu"]
    assert [i.name for i in proto.graph.initializer] == ["0.weight", "0.weight_bias"]
    normed = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    normed[1].load_state_dict(normed[1].state_dict() | statistics)
    assert operators(exported(normed, (V,))) == ["Gemm"]
    as_it_is = torch.onnx.export(normed, (V,), optimize=False).model_proto
    assert operators(as_it_is) == ["Gemm", "BatchNormalization"]
    turned = nn.Sequential(nn.ConvTranspose2d(3, 4, 3, stride=2), nn.BatchNorm2d(4))
    turned[1].load_state_dict(turned[1].state_dict() | statistics)
    assert operators(exported(turned, (X,))) == ["ConvTranspose"]
    padded = nn.Sequential(nn.ZeroPad2d((1, 2, 3, 0)), nn.Conv2d(3, 4, 3, padding=1))
    proto = exported(padded, (X,))
    assert operators(proto) == ["Conv"]
    pads = next(a for a in proto.graph.node[0].attribute if a.name == "pads")
    assert list(pads.ints) == [4, 2, 1, 3]
    for function, expected in (
        (lambda x: F.relu6(F.relu(x)), ["Clip"]),
        (lambda x: F.relu(F.relu(x)), ["Relu"]),
        (lambda x: (x * 1 + 0).sin(), ["Sin"]),
        (lambda x: x.transpose(1, 2).transpose(1, 3).exp(), ["Transpose", "Exp"]),
        (lambda x: x.reshape(2, -1).reshape(6, 64).exp(), ["Reshape", "Exp"]),
    ):
        assert operators(exported(Function(function), (X,))) == expected


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_antialiased_images_are_the_same_at_their_borders(mode):
    def smaller(x):
        return F.interpolate(x, size=(4, 5), mode=mode, antialias=True)

    exported(Function(smaller), (X,))


def test_attributes_are_said_as_torch_says_them():
    def said(model, x):
        (node,) = exported(model, (x,)).graph.node
        return {a.name for a in node.attribute}

    assert said(nn.Linear(4, 3), V) == {"alpha", "beta", "transA", "transB"}
    assert said(nn.LayerNorm(4), V) == {"axis", "epsilon", "stash_type"}
    assert said(nn.BatchNorm2d(3), X) == {"epsilon", "momentum"}
    assert said(nn.MaxPool2d(2), X) == {
        "auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "storage_order", "strides",
    }  # fmt: skip
    assert said(nn.Conv2d(3, 4, 3), X) == {
        "auto_pad", "dilations", "group", "kernel_shape", "pads", "strides",
    }  # fmt: skip


def test_a_program_takes_what_its_graph_takes():
    program = torch.onnx.export(nn.Linear(4, 3).eval(), (V,))
    assert program(V)[0].shape == (2, 3)
    assert program(x=V)[0].shape == (2, 3)
    for wrong in (torch.ones(3, 4), torch.ones(4), V.double()):
        with pytest.raises(Exception, match="input") as raised:
            program(wrong)
        assert type(raised.value).__name__ == "InvalidArgument"
    with pytest.raises(ValueError, match="missing from input feed"):
        program()
    with pytest.raises(torch.onnx.errors.TorchExportError, match="list"):
        torch.onnx.export(nn.Linear(4, 3).eval(), [V])
    with pytest.raises(torch.onnx.errors.TorchExportError, match="module"):
        torch.onnx.export(lambda x: x + 1, (V,))
    with pytest.raises(ValueError, match="duplicated"):
        torch.onnx.export(Function(lambda x: (x + 1, x * 2)), (V,), output_names=["a", "a"])


# ---- what cannot be written ----------------------------------------------------------------------


class Padded(nn.Module):
    def forward(self, x):
        y = F.interpolate(F.avg_pool2d(x, 2), scale_factor=2)
        return F.pad(y, (0, 0, 0, 1)) if y.shape != x.shape else y + x


def test_the_older_interface_takes_the_way_of_the_example():
    """And torch's, too; the newer one refuses it in both."""
    file, example = io.BytesIO(), torch.randn(1, 2, 8, 8)
    with (
        pytest.warns(DeprecationWarning, match="dynamo"),
        pytest.warns(UserWarning, match="might not be right at others"),
    ):
        torch.onnx.export(
            Padded().eval(),
            (example,),
            file,
            dynamo=False,
            input_names=["x"],
            dynamic_axes={"x": {2: "h"}},
        )
    same(onnx.load_from_string(file.getvalue()), Padded().eval(), (torch.randn(1, 2, 20, 8),))
    with pytest.raises(torch.onnx.errors.TorchExportError, match="at one size than at another"):
        torch.onnx.export(Padded().eval(), (example,), dynamic_shapes=({2: Dim.DYNAMIC},))


def test_categories_are_drawn_by_their_weights():
    proto = torch.onnx.export(
        Function(lambda x: torch.multinomial(x, 5, True)), (torch.eye(3)[1:],)
    ).model_proto
    assert ran(proto, (torch.eye(3)[1:],))[0].tolist() == [[1] * 5, [2] * 5]


def test_errors_name_the_operation_the_line_and_the_way_out():
    with pytest.raises(
        torch.onnx.OnnxExporterError, match=r"'erfinv'.*test_exporting\.py:\d+.*Compute it outside"
    ):
        torch.onnx.export(Function(lambda x: torch.erfinv(x)), (A,))
    with pytest.raises(torch.onnx.errors.UnsupportedOperatorError, match="added in version 26"):
        torch.onnx.export(Function(lambda x: x.cumprod(1)), (A,))
    with pytest.raises(
        torch.onnx.errors.TorchExportError, match=r"test_exporting\.py:\d+.*torch\.where"
    ):
        torch.onnx.export(Function(lambda x: x * 2 if x.sum() > 0 else x), (A,))
    with pytest.raises(torch.onnx.errors.TorchExportError, match="more steps at one size"):
        torch.onnx.export(
            Function(lambda x: sum(x[:, i] * i for i in range(x.shape[1]))),
            (A,),
            dynamic_shapes=({1: "n"},),
        )
    with pytest.raises(ValueError, match="11 to"):
        torch.onnx.export(nn.Linear(2, 2).eval(), A, io.BytesIO(), opset_version=5, dynamo=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(NotImplementedError, match="TorchScript"):
            torch.onnx.register_custom_op_symbolic("a::b", None, 9)
