"""Observers and fake quantization: each runs under both."""

import pytest
from tests.parity import parity

READY = """
import torch.ao.quantization as _q

_x = [torch.randn(3, 4) * 2 + 0.5 for _ in range(3)]
_symmetric, _each = torch.per_tensor_symmetric, torch.per_channel_symmetric


def _observed(observer):
    for x in _x:
        observer(x)
    return observer.calculate_qparams(), repr(observer), observer.state_dict(), observer.quant_min


def _rounded(module):
    found = []
    for x in _x:
        x = x.clone().requires_grad_()
        y = module(x)
        y.pow(2).sum().backward()
        found.append((y.detach(), x.grad))
    return found, module.state_dict()
"""

OBSERVERS = [
    "_q.MinMaxObserver()",
    "_q.MinMaxObserver(dtype=torch.qint8, qscheme=_symmetric)",
    "_q.MinMaxObserver(qscheme=_symmetric)",
    "_q.MinMaxObserver(reduce_range=True)",
    "_q.MinMaxObserver(quant_min=0, quant_max=127, qscheme=_symmetric)",
    "_q.MinMaxObserver(eps=0.5)",
    "_q.MovingAverageMinMaxObserver()",
    "_q.PerChannelMinMaxObserver(ch_axis=1)",
    "_q.PerChannelMinMaxObserver(qscheme=_each, dtype=torch.qint8)",
    "_q.PerChannelMinMaxObserver(qscheme=torch.per_channel_affine_float_qparams)",
    "_q.MovingAveragePerChannelMinMaxObserver()",
    "_q.FixedQParamsObserver(0.1, 3)",
    "_q.default_observer()",
    "_q.default_per_channel_weight_observer()",
]
ROUNDED = [
    "_q.FakeQuantize()",
    "_q.FakeQuantize(quant_min=0, quant_max=15)",
    "_q.FakeQuantize(observer=_q.MinMaxObserver, quant_min=-8, quant_max=7, dtype=torch.qint8, qscheme=_symmetric)",
    "_q.default_fake_quant()",
    "_q.default_per_channel_weight_fake_quant()",
    "_q.default_fused_act_fake_quant()",
    "_q.default_fused_per_channel_wt_fake_quant()",
    "_q.default_fused_wt_fake_quant()",
    "_q.default_dynamic_fake_quant()",
]
REFUSED = [
    "_q.MinMaxObserver(qscheme=torch.per_channel_affine)",
    "_q.MinMaxObserver(quant_min=2, quant_max=5)",
    "_q.MinMaxObserver(qscheme=_symmetric, reduce_range=True)",
    "_q.PerChannelMinMaxObserver(qscheme=_symmetric)",
    "_q.FakeQuantize(quant_min=-5, quant_max=3)",
    "_q.FakeQuantize(quant_min=0, quant_max=300)",
    "_q.QConfig(_q.MinMaxObserver(), None)",
]


@pytest.mark.parametrize("observer", OBSERVERS)
def test_observers(observer):
    parity(READY + f"found = _observed({observer})")


@pytest.mark.parametrize("module", ROUNDED)
def test_rounded(module):
    parity(READY + f"found = _rounded({module})")


@pytest.mark.parametrize("call", REFUSED)
def test_refused(call):
    parity(READY + f"found = attempt(lambda: {call})")


def test_switches_and_files():
    parity(
        READY
        + """
_m = nn.Sequential(_q.FakeQuantize())
_m.apply(_q.disable_fake_quant)
a = _m(_x[0])
_m.apply(_q.disable_observer)
_m.apply(_q.enable_fake_quant)
b = _m(_x[1]), _m[0].scale
_one, _other = _q.default_per_channel_weight_fake_quant(), _q.default_per_channel_weight_fake_quant()
_one(_x[0])
_other.load_state_dict(_one.state_dict())
c = _other.scale, _other.activation_post_process.min_val
d = _q.QuantWrapper(nn.Linear(1, 1)), _q.QuantStub()(_x[0]), _q.default_qconfig.weight()
"""
    )
