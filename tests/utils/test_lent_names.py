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
