"""A gradient penalty through every kind of layer: what a first gradient depends on, and what is refused."""

import pytest
from tests.parity import parity

ELEMENTWISE = (
    "hardtanh(x)", "leaky_relu(x)", "leaky_relu(x, 0.0)", "relu6(x)", "hardsigmoid(x)", "hardswish(x)",
    "threshold(x, 0.5, 2.0)", "softshrink(x)", "hardshrink(x)", "rrelu(x)", "elu(x)", "selu(x)", "celu(x)",
    "silu(x)", "mish(x)", "softplus(x, 2.0, 1.0)", "logsigmoid(x)", "gelu(x)", "softsign(x)", "relu(x)",
    "softmax(x, -1)", "log_softmax(x, -1)",
)  # fmt: skip
PLANES = (
    "max_pool2d(x, 2)", "avg_pool2d(x, 2)", "adaptive_avg_pool2d(x, 3)", "adaptive_avg_pool2d(x, 1)",
    "adaptive_max_pool2d(x, 3)", "lp_pool2d(x.abs() + 1, 2.0, 2)", "pad(x, (1, 1, 1, 1), 'reflect')",
    "pad(x, (1, 1, 1, 1), 'replicate')", "pad(x, (1, 1, 1, 1), 'circular')", "pad(x, (1, 1))",
    "interpolate(x, size=5)", "interpolate(x, size=5, mode='bilinear')", "interpolate(x, size=3, mode='area')",
    "batch_norm(x, torch.zeros(2), torch.ones(2))", "batch_norm(x, None, None, training=True)",
    "group_norm(x, 2)", "instance_norm(x)", "layer_norm(x, (4,)) ** 3", "local_response_norm(x, 2)",
    "conv2d(x, torch.ones(1, 2, 3, 3))", "conv_transpose2d(x, torch.ones(2, 1, 3, 3))", "normalize(x)",
    "grid_sample(x, torch.zeros(1, 2, 2, 2), 'nearest', align_corners=False)", "unfold(x, 2)",
    "scaled_dot_product_attention(x, x, x)",
    "scaled_dot_product_attention(x, x, x, torch.zeros(4, 4, requires_grad=True))",
)  # fmt: skip
LOSSES = (
    "mse_loss(x, y)", "smooth_l1_loss(x, y)", "huber_loss(x, y)", "nll_loss(x, c)",
    "cross_entropy(x, c)", "cross_entropy(x, c, label_smoothing=0.1)", "multi_margin_loss(x, c)",
    "multilabel_margin_loss(x, c.expand(3, 3).T)", "soft_margin_loss(x, y)", "hinge_embedding_loss(x, y)",
    "binary_cross_entropy_with_logits(x, y)", "kl_div(x, y.abs())", "poisson_nll_loss(x, y)",
    "gaussian_nll_loss(x, y, 1.0)", "triplet_margin_loss(x, y, y * 2)",
    "ctc_loss(x.log_softmax(-1).unsqueeze(1), c[2:].unsqueeze(0), (3,), (1,))",
)  # fmt: skip

PENALTY = """
    import warnings as _warnings
    _warnings.simplefilter("ignore")
    x = ({x}).requires_grad_()
    y, c = torch.tensor([[0.5, -1.0, 1.0]] * 3), torch.tensor([0, 2, 1])
    out = F.{call}
    first, = torch.autograd.grad(out.sum() * 2, x, create_graph=True)
    wants = first.requires_grad
    _failed = None
    if wants:
        try:
            (first ** 2).sum().backward()
        except RuntimeError as error:
            _failed = error
    refused = type(_failed).__name__
"""


def penalties():
    for call in ELEMENTWISE:
        yield call, "torch.tensor([[0.5, -3.0, 1.0], [-1.0, 3.0, 0.25], [-0.0, 6.0, -0.5]])"
    for call in PLANES:
        yield call, "torch.linspace(-2, 2, 32).sin().reshape(1, 2, 4, 4)"
    for call in LOSSES:
        yield call, "torch.linspace(-2, 2, 9).sin().reshape(3, 3)"


@pytest.mark.parametrize(("call", "x"), list(penalties()), ids=[call for call, _ in penalties()])
def test_gradient_penalty(call, x):
    parity(PENALTY.format(call=call, x=x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("p", [0.0, 1.0, 2.0])
def test_distances_have_one_gradient(p):
    parity(f"""
        x = torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.0, 0.0]], requires_grad=True)
        outs = [torch.cdist(x, x * 2, {p}), F.pdist(x, {p})]
        firsts = [torch.autograd.grad(out.sum(), x, create_graph=True)[0] for out in outs]
        errors = [type(attempt(lambda: first.sum().backward())).__name__ for first in firsts]
    """)


def test_an_image_is_not_scaled_to_its_own_size():
    parity("""
        x = torch.arange(12.0).reshape(1, 1, 4, 3)
        images = [F.interpolate(x, scale_factor=s) for s in (1.2, 1.3, 2.1, 2.4, (1.0, 1.3))]
        lines = [F.interpolate(x[0], scale_factor=s) for s in (1.2, 1.3, 2.1)]
    """)


KERNELS = (
    "batch_norm(x, torch.zeros(2), torch.ones(2), w, b)", "batch_norm(x, None, None, w, b, True)",
    "conv2d(x, w.reshape(2, 1, 1, 1), b, groups=2)", "conv_transpose2d(x, w.reshape(2, 1, 1, 1), None, groups=2)",
)  # fmt: skip


@pytest.mark.parametrize("call", KERNELS)
def test_gradients_of_one_kernel_depend_on_all_of_it(call):
    parity(
        f"""
        x, w, b = (torch.rand(n, requires_grad=True) for n in ((1, 2, 3, 3), (2,), (2,)))
        out = F.{call}
        used = [t for t in (x, w, b) if t is not b or "None, groups" not in {call!r}]
        grads = torch.autograd.grad(out.sum(), used, create_graph=True)
        wants = [g.requires_grad for g in grads]
    """,
        rtol=1e-4,
        atol=1e-5,
    )
