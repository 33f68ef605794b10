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
