"""Functions of neural networks that are also methods."""

from __future__ import annotations

from rushlight.ops import activation


class NeuralMethods:
    """Mixed into Tensor."""

    __slots__ = ()

    hardshrink = activation.hardshrink
    log_softmax = activation.log_softmax
    prelu = activation.prelu
    softmax = activation.softmax
