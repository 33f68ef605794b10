"""Losses and layers given what they do not expect: which error comes first, and what is computed all the same."""

from __future__ import annotations

from tests.parity import parity


def test_losses_look_at_types_before_shapes():
    parity("""
        x, y = torch.randn(4, 3), torch.tensor([0, 1, 2, 1])
        weight = attempt(lambda: F.cross_entropy(x, y, weight=[1, 1, 1]))
        index = attempt(lambda: F.nll_loss(x, y[:2], ignore_index=1.5))
        many = attempt(lambda: F.nll_loss(x[0], y[None]))
        short = attempt(lambda: F.nll_loss(x[0], y.int()))
        whole = attempt(lambda: F.nll_loss(x.long(), y.int()))
        margin = attempt(lambda: F.multi_margin_loss(x, y, weight=torch.ones(1, 3)))
        half = attempt(lambda: F.multi_margin_loss(x.half(), y + 5))
        var = attempt(lambda: F.gaussian_nll_loss(x, x, torch.ones(4, 3, dtype=torch.long)))
        reduction = attempt(lambda: F.poisson_nll_loss(x, x, reduction=None))
        lengths = attempt(lambda: F.ctc_loss(torch.randn(5, 2, 4), y.view(2, 2), [5.0, 5.0], [2, 2]))
        array = attempt(lambda: F.mse_loss(x, np.ones((4, 3))))
        mixed = attempt(lambda: F.cross_entropy(x, y.to("meta")))
        _warned = F.kl_div(x, x.exp(), size_average=True)
    """)


def test_an_empty_batch_goes_through_batch_norm_as_it_is():
    parity("""
        norm = nn.BatchNorm1d(4)
        norm(torch.randn(0, 4)).sum().backward()
        other = nn.BatchNorm1d(4)(torch.randn(2, 0, 6)).shape
    """)


def test_the_last_nan_of_a_window_gets_the_gradient():
    parity("""
        x = torch.full((1, 2, 5), float("nan"), requires_grad=True)
        F.adaptive_max_pool1d(x, 2).sum().backward()
        y = torch.tensor([[1.0, float("nan"), 3.0, float("nan"), 2.0]], requires_grad=True)
        F.adaptive_max_pool1d(y, 2).sum().backward()
    """)


def test_switches_of_gradients():
    parity("""
        @torch.no_grad()
        def steps():
            try:
                yield torch.is_grad_enabled()
            except ValueError:
                yield torch.is_grad_enabled(), "caught"
            finally:
                print("closed", torch.is_grad_enabled())

        _run = steps()
        first = next(_run)
        second = _run.throw(ValueError)
        _run.close()
        number = attempt(lambda: torch.set_grad_enabled(1))
        with torch.no_grad().clone():
            inside = torch.is_grad_enabled()

        @torch.no_grad()
        class Decorated:
            def __init__(self):
                self.recorded = torch.is_grad_enabled()

        recorded = Decorated().recorded
    """)


def test_parameters_of_classes_that_do_not_stay_are_refused():
    parity("""
        class Own(torch.Tensor):
            __torch_function__ = torch._C._disabled_torch_function_impl

        refused = attempt(lambda: nn.Parameter(torch.ones(2).as_subclass(Own)))
        flag = attempt(lambda: nn.Parameter(torch.ones(2), 1))
    """)


def test_what_numpy_has_beside_arrays():
    parity("""
        import array

        matrix = torch.tensor(np.matrix([[1.0, 2.0], [3.0, 4.0]])).reshape(-1).tolist()
        shared = torch.asarray(array.array("f", [1.0, 2.0]), copy=False)
        scalar = attempt(lambda: torch.asarray(np.float32(2), copy=False))
        strided = attempt(lambda: torch.frombuffer(np.arange(6)[::2], dtype=torch.int64))
        imaginary = attempt(lambda: torch.Tensor([1j]))
        order = np.array(torch.arange(6.0).reshape(2, 3).t()).strides
        sparse = attempt(lambda: np.asarray(torch.eye(2).to_sparse()))
    """)


def test_recurrent_layers_say_what_torch_composes():
    parity("""
        x, names = torch.rand(2, 3, 4), []
        for kind in (nn.RNN, nn.GRU, nn.LSTM):
            for options in ({}, {"bidirectional": True}, {"batch_first": True}):
                layer = kind(4, 2, **options)
                names += [layer(x)[0].grad_fn.name(), layer.double()(x.double())[0].grad_fn.name()]
                packed = nn.utils.rnn.pack_padded_sequence(x.double(), torch.tensor([2.0, 2.0, 1.0]))
                names.append(layer(packed)[0].data.grad_fn.name())
    """)


def test_layers_and_losses_with_odd_arguments():
    parity("""
        import torch.nn.utils.prune as _prune
        m = nn.Sequential(nn.Conv2d(2, 3, 2), nn.ConvTranspose2d(2, 3, (3, 2)))
        nn.utils.convert_conv2d_weight_memory_format(m, torch.channels_last)
        strides = [p.stride() for p in m.parameters()]
        loaded = nn.LazyLinear(2)
        loaded.load_state_dict({"weight": torch.ones(2, 3), "bias": torch.ones(2)})
        wrong = attempt(lambda: loaded(torch.ones(1, 4)))
        fits = loaded(torch.ones(1, 3))
        lazy = nn.LazyConv1d(2, 1)
        lazy.load_state_dict({"weight": torch.ones(2, 3, 1), "bias": torch.ones(2)})
        shown = lazy(torch.ones(1, 3, 4)).shape, repr(lazy)
        largest = F.lp_pool1d(torch.linspace(-1, 1, 8)[None], float("inf"), 2)
        none = F.fractional_max_pool2d(torch.ones(0, 3, 4, 4), 2, output_size=1).shape
        a = torch.ones(2, 3)
        errors = [attempt(lambda: F.smooth_l1_loss(a, a, beta=-1.0, reduction="x")),
                  attempt(lambda: F.multi_margin_loss(3.0, a, p=3)),
                  attempt(lambda: _prune.custom_from_mask(nn.Linear(3, 2), "weight", torch.zeros(1))),
                  attempt(lambda: F.rrelu(a.half(), training=True)), attempt(lambda: torch.device(3))]
        norms = [torch.norm_except_dim(torch.ones(4, 2, 3, 5), 2, d).stride() for d in (0, 1, 3)]
        metadata = nn.InstanceNorm1d(2).state_dict()._metadata
    """)


def test_layers_of_nothing():
    parity("""
        def _made(f, *sizes):
            given = [torch.ones(size, requires_grad=True) for size in sizes]
            try:
                out = f(*given)
                return out, torch.autograd.grad(out.sum(), given, allow_unused=True)
            except Exception as error:
                return error
        attend = F.scaled_dot_product_attention
        attended = [_made(attend, q, k, v) for q, k, v in (
            [(4, 3, 0, 2)] * 3, [(2, 1, 1, 1), (2, 1, 0, 1), (2, 1, 0, 2)], [(3, 2), (0, 2), (0, 4)], [(0, 3, 4)] * 3,
            [(2, 3, 4), (2, 3, 4), (2, 3, 0)], [(2, 3, 0), (2, 5, 0), (2, 5, 2)])]
        masked = _made(lambda q: attend(q, q, q, attn_mask=torch.ones(7, 7), is_causal=True), (2, 0, 3, 4))
        pools = [_made(lambda x: getattr(F, f"adaptive_{kind}_pool{n}d")(x, to), (*lead, *[3] * n))
                 for kind in ("avg", "max") for n in (1, 2, 3) for to in (0, 2) for lead in ((2, 0), (0, 2), (2,))]
        padded = [_made(lambda x: F.pad(x, [], mode=mode), (2, 3)) for mode in ("reflect", "replicate", "circular")]
        rm, rv = torch.zeros(3), torch.ones(3)
        normed = [_made(lambda x: F.instance_norm(x, rm[:x.shape[1]], rv[:x.shape[1]]), size)
                  for size in ((2, 3, 0), (2, 0, 3))]
        weighted = _made(lambda x, w: F.instance_norm(x, weight=w), (2, 0, 3), (0,))
        lines = [_made(lambda x: F.batch_norm(x, m, m, training=t), (3,)) for m in (None, rm) for t in (True, False)]
        lines += [attempt(lambda: F.batch_norm(torch.ones(()), None, None, training=True))]
    """)


def test_layers_refuse_what_torch_refuses():
    parity("""
        x, w = torch.arange(50.0).reshape(1, 2, 5, 5), torch.ones(2)
        sizes = (3, 2, 2), (2, 2, 3), (3, 2, 1), (1, 1, 1)
        pads = [attempt(lambda: F.max_pool2d(x, k, 1, p, d)) for k, p, d in sizes]
        norms = [attempt(lambda: F.lp_pool2d(x, 2, k)) for k in ((2,), (2, 2, 2))]
        norms += [attempt(lambda: F.lp_pool1d(x[0], 2, (2,)))]
        thin = attempt(lambda: F.fractional_max_pool3d(x[:, :, None], 1, 1))
        ratio = attempt(lambda: F.fractional_max_pool2d(x[:, :0], 1, output_ratio=0.5))
        flags = x > 3
        sized = [attempt(lambda: f(flags, flags, weight=w)) for f in (F.l1_loss, F.mse_loss, F.huber_loss)]
        half = attempt(lambda: F.affine_grid(torch.ones(1, 2, 3).half(), (1, 1, 1, 2), align_corners=True))
        unit = F.affine_grid(torch.ones(1, 2, 3), (1, 1, 1, 2), align_corners=True)
        complex_ = attempt(lambda: F.silu(torch.ones(2, dtype=torch.complex64, requires_grad=True)))
        outs = torch.linalg.vector_norm, torch.linalg.inv, torch.linalg.det, torch.linalg.svdvals, torch.bitwise_not
        m = torch.eye(2)
        typed = [attempt(lambda: f(m, out=torch.empty(0, dtype=torch.float64))) for f in outs]
        others = torch.int64, torch.complex64
        added = [attempt(lambda: torch.nansum(m, 0, out=torch.empty(0, dtype=d))) for d in others]
        number = torch.lerp(torch.zeros(2), torch.ones(2), np.uint8(2)), F.celu(-torch.ones(2), np.int64(3))
        mixed = F.cosine_similarity(torch.tensor([1.0, 2, 3]), torch.tensor([3.0, 1, -1]).bfloat16(), dim=0)
        scaler, p = torch.amp.GradScaler("cpu", init_scale=4.0), nn.Parameter(torch.ones(2))
        scaler.scale((p * 3).sum()).backward()
        scaler.unscale_(torch.optim.SGD([p]))
        version = p.grad._version
    """)
