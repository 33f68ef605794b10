"""What torch calls the backwards of operations in place."""

from __future__ import annotations

_NAMES = {"copy": "torch::autograd::CopyBackwards", "setitem": "torch::autograd::CopySlices"}
# Operations in place that torch counts apart from those that make a new tensor.
SECOND = {
    "celu_": "Celu", "elu_": "Elu", "leaky_relu_": "LeakyRelu", "polygamma_": "Polygamma",
    "rrelu_": "RreluWithNoise", "selu_": "Elu", "threshold_": "Threshold",
}  # fmt: skip


def backward_name(operation: str) -> str:
    """What torch calls the backward of an operation in place."""
    words = operation.strip("_").split("_")
    return _NAMES.get(words[0]) or "".join(map(str.title, words)) + "Backward0"
