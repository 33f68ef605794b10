"""Names that other libraries take from inside of torch: each program runs under both."""

import pytest

import rushlight
from rushlight.overriding.functions import admit
from tests.parity import parity

LISTS = """
_p, _g = [torch.randn(3, 2), torch.randn(4)], [torch.randn(3, 2), torch.randn(4)]


def _z(value=0.0):
    return [torch.full_like(q, value) for q in _p]


def _s(value=0.0):
    return [torch.tensor(value) for _ in _p]


_rates = {"lr": 0.1, "weight_decay": 0.01}
_means = {**_rates, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8}
"""
STEPS = {
    "adam": "[_z(), _z(), [], _s()], amsgrad=False, maximize=False, **_means",
    "adamw": "[_z(), _z(), _z(), _s()], amsgrad=True, maximize=True, **_means",
    "sgd": "[[None, None]], momentum=0.9, dampening=0, nesterov=False, maximize=False, **_rates",
    "rmsprop": "[_z(), _z(), _z(), _s()], alpha=0.9, eps=1e-8, momentum=0.9, centered=True, **_rates",
    "adagrad": "[_z(), _s()], lr_decay=0.1, eps=1e-8, maximize=False, **_rates",
    "adadelta": "[_z(), _z(), _s()], rho=0.9, eps=1e-8, maximize=False, **_rates",
    "adamax": "[_z(), _z(), _s()], **_means",
    "nadam": "[_z(), _z(), _s(1.0), _s()], momentum_decay=0.01, **_means",
    "radam": "[_z(), _z(), _s()], **_means",
    "asgd": "[_z(), _s(1.0), _s(0.1), _s()], lambd=1e-4, t0=1e6, alpha=0.75, **_rates",
    "rprop": "[_z(), _z(0.1), _s()], step_size_min=1e-6, step_size_max=50, etaminus=0.5, etaplus=1.2",
}


@pytest.mark.parametrize("name", STEPS)
def test_steps_on_lists(name):
    parity(
        LISTS
        + f"""
from torch.optim.{name} import {name} as _step
from torch.optim._functional import {name} as _again

same = _step is _again


def _run(lists, **options):
    params = [q.clone() for q in _p]
    for _ in range(3):
        _step(params, [g.clone() for g in _g], *lists, **options)
    return params, lists


found = _run({STEPS[name]})
"""
    )


def test_masks_that_know_their_corner_hide_as_dense_ones_do():
    from rushlight.nn.attention.bias import CausalBias, causal_lower_right, causal_upper_left
    from rushlight.nn.functional import scaled_dot_product_attention as attend

    # Programs that other tests compare forget which classes answer.
    admit(CausalBias)
    q, k = rushlight.randn(1, 2, 2, 4), rushlight.randn(1, 2, 3, 4)
    for mask, corner in ((causal_lower_right(2, 3), 1), (causal_upper_left(2, 3), 0)):
        dense = rushlight.ones(2, 3, dtype=rushlight.bool).tril(corner)
        assert rushlight.equal(attend(q, k, k, mask), attend(q, k, k, dense))
    square = causal_lower_right(4, 4)
    assert rushlight.equal(attend(q, k, k, square), attend(q, k, k, is_causal=True))


def test_parts_of_attention():
    parity("""
        import warnings
        from torch.nn.attention.bias import CausalBias, causal_lower_right, causal_upper_left
        from torch.nn.modules.transformer import _get_activation_fn, _get_clones

        warnings.simplefilter("ignore")
        w, b, x = torch.randn(12, 4), torch.randn(12), torch.randn(2, 3, 4)
        one = F._in_projection_packed(x, x, x, w, b), F._in_projection_packed(x, x + 1, x + 2, w, b)
        q, k = torch.randn(1, 2, 2, 4), torch.randn(1, 2, 3, 4)
        for _m in (causal_lower_right(2, 3), causal_upper_left(2, 3), causal_lower_right(4, 4)):
            print(_m, _m.shape, int(_m.variant), _m.seq_len_q)
        wrong = attempt(lambda: F.scaled_dot_product_attention(q, k, k, _m, is_causal=True))
        other = attempt(lambda: CausalBias(3, 2, 3))
        copies, none = _get_clones(nn.Linear(1, 1), 2), attempt(lambda: _get_activation_fn("tanh"))
    """)


def test_switches_and_classes():
    parity("""
        import torch.backends.cudnn as _cudnn, torch.backends.mkldnn as _mkldnn

        seen = []
        with _cudnn.flags(enabled=False, benchmark=True), _mkldnn.flags(enabled=False):
            seen.append((_cudnn.enabled, _cudnn.benchmark, _cudnn.deterministic, _mkldnn.enabled))
        seen.append((_cudnn.enabled, _cudnn.benchmark, _cudnn.allow_tf32, _mkldnn.enabled))
        gone = attempt(lambda: torch.classes.some.Thing)
    """)


def test_which_modules_are_at_work():
    parity("""
        from torch.utils.module_tracker import ModuleTracker


        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.first, self.rest = nn.Linear(2, 2), nn.Sequential(nn.ReLU(), nn.Linear(2, 1))

            def forward(self, x):
                log.append(sorted(_tracker.parents))
                return self.rest(self.first(x))


        log = []
        with ModuleTracker() as _tracker:
            _net = Net()
            _net.rest[1].register_forward_hook(lambda *_: log.append(sorted(_tracker.parents)))
            y = _net(torch.ones(1, 2))
            _net.first.weight.register_hook(lambda g: log.append((sorted(_tracker.parents), _tracker.is_bw)))
            y.sum().backward()
    """)


def test_what_is_called_when_backward_is_over():
    parity("""
        _engine = torch.autograd.Variable._execution_engine
        log = []


        class _Twice(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2

            @staticmethod
            def backward(ctx, g):
                log.append(type(torch._C._current_autograd_node()).__name__)
                numbers.append(torch._C._current_graph_task_id())
                _engine.queue_callback(_over)
                return g * 2


        def _over():
            log.append((x.grad.tolist(), torch.is_grad_enabled()))
            if len(log) < 4:
                _engine.queue_callback(lambda: log.append("again"))


        x, numbers = torch.ones(2, requires_grad=True), []
        for _ in range(2):
            _Twice.apply(x).sum().backward()
        numbers = numbers[1] - numbers[0], torch._C._current_graph_task_id(), torch._C._current_autograd_node()
        late = attempt(lambda: _engine.queue_callback(print))
    """)


def test_a_wrapper_that_is_an_optimizer():
    parity("""
        from collections import OrderedDict

        class _Wrapped(torch.optim.Optimizer):
            def __init__(self, own):
                self.own, self._optimizer_step_pre_hooks = own, OrderedDict()
                self._optimizer_step_post_hooks = OrderedDict()
                self._patch_step_function()

            def step(self, closure=None):
                log.append("step")
                self.own.step(closure)


        log, p = [], torch.ones(2, requires_grad=True)
        _o = _Wrapped(torch.optim.SGD([p], lr=0.1))
        _o.register_step_post_hook(lambda *_: log.append("hook"))
        p.sum().backward()
        _o.step()
    """)


def test_small_helpers():
    parity("""
        import torch.backends.mha as _mha
        import torch.backends.quantized as _quantized
        from torch._guards import detect_fake_mode as _detect
        from torch._prims_common import is_contiguous_or_false as _lies, make_contiguous_strides_for as _strides
        from torch._prims_common import suggest_memory_format as _suggest
        from torch._utils import _take_tensors
        from torch.utils._ordered_set import OrderedSet as _Set
        from torch.utils._pytree import treespec_leaf as _leaf
        from torch.utils.data import _DatasetKind as _kind

        switches = _mha.get_fastpath_enabled(), _quantized.engine, _quantized.supported_engines, _kind.__name__
        groups = [len(g) for g in _take_tensors([torch.ones(n, dtype=d) for n, d in
            ((3, torch.float), (3, torch.double), (5, torch.float), (1, torch.float))], 20)]
        s = _Set([3, 1, 3])
        sets = [str(s), str(s | _Set([2])), str(s - {3}), list(reversed(s)), s == _Set([1, 3]), 1 in s, len(s)]
        sets += [str(s.union([5], [1])), str(s.intersection([1, 7])), str(s.symmetric_difference([1, 9]))]
        leaf = str(_leaf())
        images = torch.ones(1, 2, 3, 4)
        formats = [_suggest(images), _suggest(images.to(memory_format=torch.channels_last)), _lies(images.mT)]
        strides = _strides((2, 3, 4)), _strides((2, 0, 4)), _strides((2, 3, 4), False), _detect([images])
        aten = torch.ops.aten
        sizes = aten.sym_size(images, 1), aten.sym_size.int(images, 3), aten.sym_size.default(images)
        sizes += aten.sym_numel(images), aten.sym_stride.int(images, 0)
        q, k, v = torch.randn(1, 2, 3, 4), torch.randn(1, 2, 5, 4), torch.randn(1, 2, 5, 4)
        flash = aten._scaled_dot_product_flash_attention_for_cpu(q, k, v, is_causal=True)
        bytes_ = torch.ByteTensor(torch.ByteStorage._from_buffer(b"abc"))
    """)


def test_gammas():
    parity("""
        a = torch.tensor([0.5, 2.0, 3.0], requires_grad=True)
        s = torch._standard_gamma(a)
        s.sum().backward()
        points = torch._sample_dirichlet(a.detach())
        # torch has its derivative from a series that is right to three or four digits.
        slope = (torch._standard_gamma_grad(a.detach(), s.detach()) * 100).round()
        other = (torch._dirichlet_grad(torch.tensor([0.2, 0.8]), torch.ones(2), torch.tensor([3.0, 3.0])) * 100).round()
        del s
        a.grad = None
    """)


def test_scans():
    parity("""
        from torch._higher_order_ops.associative_scan import associative_scan as _scan
        from torch._higher_order_ops.map import map as _map
        from torch._higher_order_ops.scan import scan as _loop

        bad = [attempt(lambda mode=mode: _scan(torch.add, torch.ones(2), 0, combine_mode=mode)) for mode in
            ("pointwise", "other")]
        far = attempt(lambda: _scan(torch.add, torch.ones(2), 3, combine_mode="generic"))
    """)
    from rushlight._higher_order_ops import associative_scan, scan

    torch = rushlight
    for n in range(1, 9):
        a, b = torch.rand(2, n, requires_grad=True), torch.rand(2, n)

        def combined(left, right):
            return left[0] * right[0], right[0] * left[1] + right[1]

        products, sums = associative_scan(combined, (a, b), 1, combine_mode="generic")
        state, seen = scan(lambda h, x: (x[0] * h + x[1],) * 2, torch.zeros(2), (a, b), dim=1)
        assert torch.allclose(products, a.cumprod(1))
        assert torch.allclose(sums, seen)
        assert torch.equal(state, seen[:, -1])
        assert products.requires_grad
        back = associative_scan(torch.add, b, 1, reverse=True, combine_mode="generic")
        assert torch.allclose(back, b.flip(1).cumsum(1).flip(1))
