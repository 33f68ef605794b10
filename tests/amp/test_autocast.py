"""autocast on the CPU: which operations compute in which type, its state, and a user's Function."""

import pytest

from tests.parity import parity

# One line for each operation that autocast knows; t(*shape) makes the arguments.
LOWERED = [
    "t(2, 2) @ t(2, 2)", "t(2) @ t(2)", "torch.mm(t(2, 2), t(2, 2))",
    "torch.bmm(t(1, 2, 2), t(1, 2, 2))", "torch.addmm(t(2, 2), t(2, 2), t(2, 2))",
    "torch.baddbmm(t(1, 2, 2), t(1, 2, 2), t(1, 2, 2))",
    "torch.addbmm(t(2, 2), t(1, 2, 2), t(1, 2, 2))", "torch.einsum('ij,jk->ik', t(2, 2), t(2, 2))",
    "torch.tensordot(t(2, 2), t(2, 2), 1)", "torch.linalg.vecdot(t(2, 2), t(2, 2))",
    "F.linear(t(2, 2), t(2, 2), t(2))", "F.conv1d(t(1, 2, 5), t(2, 2, 3))",
    "F.conv2d(t(1, 1, 4, 4), t(1, 1, 3, 3))", "F.conv_transpose1d(t(1, 2, 5), t(2, 2, 3))",
    "F.prelu(t(2, 2), t(1))", "F.scaled_dot_product_attention(t(1, 2, 4), t(1, 2, 4), t(1, 2, 4))",
    "F.affine_grid(t(1, 2, 3), (1, 1, 2, 2), False)",
]  # fmt: skip
RAISED = [
    "F.mse_loss(t(2), t(2))", "F.l1_loss(t(2), t(2))", "F.smooth_l1_loss(t(2), t(2))",
    "F.huber_loss(t(2), t(2))", "F.nll_loss(t(2, 2), I)", "F.cross_entropy(t(2, 2), I)",
    "F.binary_cross_entropy_with_logits(t(2), t(2))", "F.kl_div(t(2), t(2))",
    "F.hinge_embedding_loss(t(2), t(2))", "F.poisson_nll_loss(t(2), t(2))",
    "F.triplet_margin_loss(t(2, 2), t(2, 2), t(2, 2))", "F.multi_margin_loss(t(2, 2), I)",
    "F.cosine_embedding_loss(t(2, 2), t(2, 2), torch.ones(2))", "t(2, 2).prod()", "t(2, 2).prod(0)",
    "torch.cdist(t(2, 2), t(2, 2))", "torch.quantile(t(4), 0.5)", "torch.trace(t(2, 2))",
    "torch.inverse(t(2, 2))", "torch.linalg.svdvals(t(2, 2))", "torch.linalg.solve(t(2, 2), t(2))",
    "torch.fft.rfft(t(4)).abs()", "F.max_pool3d(t(1, 1, 2, 2, 2), 2)",
    "F.avg_pool3d(t(1, 1, 2, 2, 2), 2)", "F.pad(t(1, 1, 4), (1, 1), 'reflect')",
    "F.grid_sample(t(1, 1, 4, 4), t(1, 2, 2, 2), align_corners=False)",
    "torch.polar(t(2), t(2)).abs()",
]  # fmt: skip
UNTOUCHED = [
    "torch.mv(t(2, 2), t(2))", "torch.dot(t(2), t(2))", "torch.outer(t(2), t(2))", "t(2).softmax(0)",
    "t(2).exp()", "t(2, 2).sum()", "F.layer_norm(t(2, 2), (2,))", "F.max_pool2d(t(1, 1, 2, 2), 2)",
    "F.multilabel_soft_margin_loss(t(2, 2), t(2, 2))", "t(2, 2).addmm_(t(2, 2), t(2, 2))",
    "torch.cat([t(2), t(2).float()])", "torch.index_copy(t(2), 0, I, t(2).float())",
    "t(2).half() + t(2)",
]  # fmt: skip


@pytest.mark.parametrize("operation", [*LOWERED, *RAISED, *UNTOUCHED])
def test_types_of_operations(operation):
    parity(
        f"""
        I = torch.tensor([0, 1])
        leaves = []
        def single(*shape):
            x = torch.arange(1.0, torch.Size(shape).numel() + 1).reshape(shape)
            leaves.append((x * 0.37 % 1.3 + 0.1).requires_grad_())
            return leaves[-1] if shape and "_(" not in {operation!r} else leaves[-1].detach()
        def run(t):
            with torch.autocast("cpu", dtype=torch.float16):
                return {operation}
        first = run(single)
        if first.requires_grad:
            first.float().sum().backward()
        halves = run(lambda *shape: single(*shape).detach().half())
        doubles = "float()" in {operation!r} or run(lambda *shape: single(*shape).detach().double())
        """,
        rtol=2e-3,
        atol=2e-3,
    )


def test_nesting_state_and_refusals():
    parity("""
        seen = []
        def note():
            seen.append((torch.is_autocast_enabled("cpu"), torch.is_autocast_cache_enabled(),
                         torch.get_autocast_dtype("cpu"), (torch.ones(2, 2) @ torch.ones(2, 2)).dtype))
        half = torch.autocast("cpu", dtype=torch.float16)
        with half:
            note()
            with torch.autocast("cpu", enabled=False):
                note()
            with torch.autocast("cpu", dtype=torch.float16, cache_enabled=False):
                note()
            note()
        note()
        @half
        def decorated():
            note()
            return torch.is_autocast_enabled("cpu")
        inside = decorated()
        fails = attempt(lambda: half(3))
        raised = attempt(lambda: half.__call__(lambda: 1 / 0)())
        note()
        devices = [torch.amp.is_autocast_available(d) for d in ("cpu", "cuda", "meta")]
        unknown = attempt(lambda: torch.autocast("nowhere"))
        number = attempt(lambda: torch.autocast(3))
        double = torch.autocast("cpu", dtype=torch.float64)
        with double:
            note()
        with torch.autocast("cuda"):
            note()
    """)


def test_a_weight_is_converted_once():
    parity("""
        w, x = torch.full((2, 2), 0.3, requires_grad=True), torch.ones(2, 2)
        results = []
        for cache in (True, False):
            with torch.autocast("cpu", dtype=torch.float16, cache_enabled=cache):
                with torch.no_grad():
                    unrecorded = x @ w
                before = x @ w
                with torch.no_grad():
                    w.mul_(2)
                # The copy in half precision is that of before, unless it is not kept.
                after = x @ w
                torch.clear_autocast_cache()
                fresh = x @ w
            results.append([t.detach() for t in (unrecorded, before, after, fresh)])
        loss = ((x @ w) @ w).sum()
        loss.backward()
    """)


@pytest.mark.parametrize("cast", ["", "cast_inputs=torch.float32, ", "cast_inputs=torch.float16, "])
@pytest.mark.parametrize("enabled", [True, False])
def test_a_function_of_the_users_own(cast, enabled):
    parity(f"""
        seen = []
        class Product(torch.autograd.Function):
            @staticmethod
            @torch.amp.custom_fwd({cast}device_type="cpu")
            def forward(ctx, a, b):
                ctx.save_for_backward(a, b)
                seen.append((a.dtype, torch.is_autocast_enabled("cpu")))
                return a @ b
            @staticmethod
            @torch.amp.custom_bwd(device_type="cpu")
            def backward(ctx, g):
                a, b = ctx.saved_tensors
                seen.append((g.dtype, torch.is_autocast_enabled("cpu")))
                return g @ b.t(), a.t() @ g
        a = torch.full((2, 2), 0.3, requires_grad=True)
        b = torch.full((2, 2), 0.7, requires_grad=True)
        torch.set_autocast_dtype("cpu", torch.float16)
        with torch.autocast("cpu", dtype=torch.float16, enabled={enabled}):
            y = Product.apply(a, b)
        y.float().sum().backward()
        torch.set_autocast_dtype("cpu", torch.bfloat16)
        wrong = attempt(lambda: torch.amp.custom_fwd(lambda ctx: ctx, device_type=3))
    """)


@pytest.mark.parametrize("module", ["RNNCell", "GRUCell", "LSTMCell", "RNN", "GRU", "LSTM"])
def test_recurrent_layers(module):
    shape = "(4, 2, 3)" if "Cell" not in module else "(2, 3)"
    more = ", proj_size=1" if module == "LSTM" else ""
    parity(
        f"""
        torch.manual_seed(0)
        layer, x = nn.{module}(3, 2{more}), torch.randn{shape}
        with torch.autocast("cpu", dtype=torch.float16):
            y = layer(x)
        y = y[0] if isinstance(y, tuple) else y
        y.float().sum().backward()
        kind = y.dtype
        """,
        rtol=5e-3,
        atol=5e-3,
    )


def test_what_looks_at_types_before_they_are_brought_together():
    parity("""
        a, b = torch.ones(3, 3), torch.ones(3, 3, dtype=torch.bfloat16)
        with torch.autocast("cpu"):
            errors = [attempt(lambda: f(a, b)) for f in (
                torch.inner, lambda x, y: torch.tensordot(x, y, 1), lambda x, y: torch.linalg.multi_dot([x, y, x]))]
            half = a.half()
            kept = torch.cross(half, half, dim=0), torch.block_diag(half, half), F.bilinear(b, b, b[None])
            kept += torch.linalg.solve_triangular(a, b, upper=True), F.rms_norm(a, (3,), torch.ones(3).double())
    """)
