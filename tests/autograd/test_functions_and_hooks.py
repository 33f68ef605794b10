"""Custom Functions under transforms and modes, and hooks that come late or see what others cannot."""

import pytest

from tests.parity import parity

FUNCTION = """
        class Twice(torch.autograd.Function):
            @staticmethod
            def forward(ctx, a): return a * 2
            @staticmethod
            def backward(ctx, g): return g * 2
            @staticmethod
            def jvp(ctx, t): return t * 2
        n, b = torch.arange(3.0), torch.ones(2, 3)
"""


@pytest.mark.parametrize(
    "call",
    [
        "torch.func.grad(lambda a: Twice.apply(a).sum())(n)",
        "torch.func.vjp(Twice.apply, n)",
        "torch.func.jvp(Twice.apply, (n,), (n,))",
        "torch.func.jacrev(Twice.apply)(n)",
        "torch.func.jacfwd(Twice.apply)(n)",
        "torch.vmap(Twice.apply)(b)",
    ],
)
def test_a_function_without_setup_context_is_refused_by_transforms(call):
    parity(f"{FUNCTION}        wrong = attempt(lambda: {call})")


def test_gradients_within_inference_mode_and_of_its_tensors():
    parity(
        """
        n = torch.arange(3.0)
        square = lambda a: (a * a).sum()
        with torch.inference_mode():
            inside = torch.func.grad(square)(n).tolist(), torch.func.vjp(square, n)[1](torch.tensor(1.0))[0].tolist()
            made = n * 2
        outside = torch.func.grad(square)(made), torch.func.vjp(square, made)[1](torch.tensor(1.0))
        """
    )


SETUP = """
        class Scaled(torch.autograd.Function):
            {rule}
            @staticmethod
            def forward(a, k): return {forward}
            @staticmethod
            def setup_context(ctx, inputs, output): {setup}
            @staticmethod
            def backward(ctx, *g): return g[0] * 2, None
            @staticmethod
            def jvp(ctx, t, k): return t * 2
        from torch.autograd import forward_ad
        n, x = torch.arange(3.0), torch.ones(3, requires_grad=True)
        def pushed():
            with forward_ad.dual_level():
                return Scaled.apply(forward_ad.make_dual(n * 1, n), 2.0)
        calls = [
            lambda: Scaled.apply(x * 1, 2.0), pushed,
            lambda: torch.func.jvp(lambda a: Scaled.apply(a * 1, 2.0), (n,), (n,)),
            lambda: torch.vmap(lambda a: Scaled.apply(a * 1, 2.0))(torch.ones(2, 3)),
        ]
        out = []
        for call in calls:
            try: out.append(str(call()))
            except Exception as _error: out.append(type(_error).__name__)
"""


@pytest.mark.parametrize("rule", ["pass", "generate_vmap_rule = True"])
@pytest.mark.parametrize("forward", ["a * k", "a.mul_(k)", "(a * k, a + k)", "a"])
@pytest.mark.parametrize(
    "setup",
    ["pass", "ctx.save_for_backward(*inputs)", "ctx.save_for_forward(inputs[0])",
     "ctx.mark_dirty(inputs[0])", "ctx.mark_non_differentiable(output)"],
)  # fmt: skip
def test_what_setup_context_and_jvp_may_do(rule, forward, setup):
    parity(SETUP.format(rule=rule, forward=forward, setup=setup))


def test_a_vmap_of_its_own_is_asked_only_for_batches():
    parity(
        """
        class Own(torch.autograd.Function):
            @staticmethod
            def forward(a): return a * 2
            @staticmethod
            def setup_context(ctx, inputs, output): pass
            @staticmethod
            def backward(ctx, g): return g * 2
            @staticmethod
            def jvp(ctx, t): return t * 2
            @staticmethod
            def vmap(info, dims, a):
                print(info.batch_size, dims)
                return Own.apply(a), dims[0]
        n = torch.arange(3.0)
        out = (torch.vmap(Own.apply)(torch.ones(2, 3)), torch.func.jacfwd(Own.apply)(n),
               torch.func.jacrev(Own.apply)(n),
               torch.vmap(lambda a, c: Own.apply(c), in_dims=(0, None))(torch.ones(2, 3), n))
        """
    )


def test_a_hook_registered_while_backward_runs():
    parity(
        """
        seen = []
        x, y = torch.ones(3, requires_grad=True), torch.arange(3.0, requires_grad=True)
        for use in (lambda z: z.sum().backward(), lambda z: torch.autograd.grad(z.sum(), x)):
            x, y = torch.ones(3, requires_grad=True), torch.arange(3.0, requires_grad=True)
            z = x * y
            def late(g):
                x.register_hook(lambda g: seen.append(g.tolist()))
                y.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.tolist()))
            z.register_hook(late)
            use(z)
        """
    )


@pytest.mark.parametrize(
    "call",
    ["x[i]", "x.gather(0, i)", "x.index_select(0, i)", "torch.where(x > 0, x, 2 * x)", "x.sort()[0]", "x * 2",
     "torch.stack([x, x]).max(0)[0]", "x.scatter(0, i, x[:2])", "x.index_add(0, i, x[:2])", "x.take(i)",
     "x.masked_select(x > 0)"],
)  # fmt: skip
def test_an_index_is_no_input_of_a_node(call):
    parity(
        f"""
        x, i = torch.ones(3, requires_grad=True), torch.tensor([0, 1])
        _node = ({call}).grad_fn
        known = [f is None for f, _ in _node.next_functions]
        seen = []
        _node.register_hook(lambda gi, go: seen.append([g is None for g in gi]))
        ({call}).sum().backward()
        """
    )


def test_a_sparse_gradient_has_memory_of_its_own():
    parity(
        """
        e = nn.Embedding(3, 2, sparse=True)
        e(torch.tensor([1, 2])).sum().backward()
        e.weight.grad._values().mul_(2)
        out = e.weight.grad.to_dense(), e.weight.grad._values().stride()
        optimizer = torch.optim.SGD(e.parameters(), 0.1)
        scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
        optimizer.zero_grad()
        scaler.scale(e(torch.tensor([1])).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        """
    )


def test_where_switches_and_handles_are_from():
    parity(
        """
        x = torch.ones(2, requires_grad=True)
        y = x * 2
        with torch.autograd._unsafe_preserve_version_counter(y):
            y.add_(1)
        out = y._version
        torch._C._set_grad_enabled(False)
        off = torch.is_grad_enabled()
        torch._C._set_grad_enabled(True)
        names = [t.__name__ for t in torch.autograd.Function.__mro__]
        handle = x.register_hook(print)
        kept = handle.hooks_dict_ref() is not None, handle.extra_dict_ref
        """
    )


@pytest.mark.parametrize("bad", ["(x * float('nan')).sum()", "Failing.apply(x).sum()"])
@pytest.mark.parametrize("check", [True, False])
def test_anomaly_detection_warns_of_the_operation(bad, check):
    parity(
        f"""
        import warnings
        class Failing(torch.autograd.Function):
            @staticmethod
            def forward(ctx, a): return a * 2
            @staticmethod
            def backward(ctx, g): raise KeyError("bad")
        x = torch.tensor([0.0, 1.0], requires_grad=True)
        with warnings.catch_warnings(record=True) as _told, torch.autograd.set_detect_anomaly(True, {check}):
            warnings.simplefilter("always")
            try: ({bad}).backward()
            except Exception as _error: out = type(_error).__name__
        told = [str(w.message).partition(". Traceback")[0] for w in _told]
        """
    )


@pytest.mark.parametrize("fill", [True, False])
def test_new_memory_is_filled_under_deterministic_algorithms(fill):
    parity(
        f"""
        torch.use_deterministic_algorithms(True)
        torch.utils.deterministic.fill_uninitialized_memory = {fill}
        try:
            _made = [torch.empty(2), torch.empty(2, dtype=torch.int8), torch.empty(2, dtype=torch.bool),
                    torch.zeros(2).resize_(3), torch.empty_like(torch.ones(2)), torch.ones(1).new_empty(2),
                    torch.empty_strided((2, 2), (1, 2)), torch.empty(1, dtype=torch.complex64)]
            out = _made if {fill} else [m.dtype for m in _made]
            wrong = attempt(lambda: torch.use_deterministic_algorithms(1))
            unpooled = nn.functional.max_pool1d(torch.ones(1, 1, 4), 2, return_indices=True)
            refused = attempt(lambda: nn.functional.max_unpool1d(*unpooled, 2))
        finally:
            torch.use_deterministic_algorithms(False)
            torch.utils.deterministic.fill_uninitialized_memory = True
        """
    )


def test_modes_are_told_of_tensors_by_methods_without_parameters():
    parity(
        """
        from torch.overrides import TorchFunctionMode
        log = []
        class Mode(TorchFunctionMode):
            def __torch_function__(self, func, types, args=(), kwargs=None):
                log.append((func.__name__, len(types)))
                return func(*args, **(kwargs or {}))
        t = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        with Mode():
            t.abs(), t.dim(), -t, t.detach(), t.tolist(), t.add(1), t.sum(), t.sqrt(), t.zero_(), t._is_view()
            nn.Parameter(t)
            t.shape
        """
    )
