"""Observers and fake quantization: each runs under both."""

import pytest
from tests.parity import parity

READY = """
from torch.ao.quantization import QConfig, QuantStub, QuantWrapper, default_qconfig
from torch.ao.quantization.fake_quantize import *
from torch.ao.quantization.observer import *

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
    "MinMaxObserver()",
    "MinMaxObserver(dtype=torch.qint8, qscheme=_symmetric)",
    "MinMaxObserver(qscheme=_symmetric)",
    "MinMaxObserver(reduce_range=True)",
    "MinMaxObserver(quant_min=0, quant_max=127, qscheme=_symmetric)",
    "MinMaxObserver(eps=0.5)",
    "MovingAverageMinMaxObserver()",
    "PerChannelMinMaxObserver(ch_axis=1)",
    "PerChannelMinMaxObserver(qscheme=_each, dtype=torch.qint8)",
    "PerChannelMinMaxObserver(qscheme=torch.per_channel_affine_float_qparams)",
    "MovingAveragePerChannelMinMaxObserver()",
    "FixedQParamsObserver(0.1, 3)",
    "default_observer()",
    "default_per_channel_weight_observer()",
]
ROUNDED = [
    "FakeQuantize()",
    "FakeQuantize(quant_min=0, quant_max=15)",
    "FakeQuantize(observer=MinMaxObserver, quant_min=-8, quant_max=7, dtype=torch.qint8, qscheme=_symmetric)",
    "default_fake_quant()",
    "default_per_channel_weight_fake_quant()",
    "default_fused_act_fake_quant()",
    "default_fused_per_channel_wt_fake_quant()",
    "default_dynamic_fake_quant()",
]
REFUSED = [
    "MinMaxObserver(qscheme=torch.per_channel_affine)",
    "MinMaxObserver(quant_min=2, quant_max=5)",
    "MinMaxObserver(qscheme=_symmetric, reduce_range=True)",
    "PerChannelMinMaxObserver(qscheme=_symmetric)",
    "FakeQuantize(quant_min=-5, quant_max=3)",
    "FakeQuantize(quant_min=0, quant_max=300)",
    "QConfig(MinMaxObserver(), None)",
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
_m = nn.Sequential(FakeQuantize())
_m.apply(disable_fake_quant)
a = _m(_x[0])
_m.apply(disable_observer)
_m.apply(enable_fake_quant)
b = _m(_x[1]), _m[0].scale
_one, _other = default_per_channel_weight_fake_quant(), default_per_channel_weight_fake_quant()
_one(_x[0])
_other.load_state_dict(_one.state_dict())
c = _other.scale, _other.activation_post_process.min_val
d = QuantWrapper(nn.Linear(1, 1)), QuantStub()(_x[0]), default_qconfig.weight()
"""
    )
