"""Where a network is to be quantized, and where no more: until then, nothing happens there."""

from __future__ import annotations

from typing import Any

from rushlight._tensor import Tensor
from rushlight.nn.modules.module import Module

__all__ = ["DeQuantStub", "QuantStub", "QuantWrapper"]


class QuantStub(Module):
    """From here on in few bits, once the network is converted."""

    def __init__(self, qconfig: Any = None) -> None:
        super().__init__()
        if qconfig:
            self.qconfig = qconfig

    def forward(self, x: Tensor) -> Tensor:
        """x as it is."""
        return x


class DeQuantStub(QuantStub):
    """From here on in floats again."""


class QuantWrapper(Module):
    """A module between a stub of each kind."""

    def __init__(self, module: Module) -> None:
        super().__init__()
        qconfig = getattr(module, "qconfig", None)
        self.quant = QuantStub(qconfig)
        self.dequant = DeQuantStub(qconfig)
        self.module = module
        self.train(module.training)

    def forward(self, X: Tensor) -> Tensor:
        """What the module gives."""
        return self.dequant(self.module(self.quant(X)))
