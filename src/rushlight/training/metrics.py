"""Metrics: how good outputs are, told over all batches of an epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rushlight._tensor import Tensor
from rushlight.training import checks
from rushlight.training.names import nearest

# Of a batch's outputs and targets; over several batches its mean is taken, weighted by their sizes.
Measure = Callable[[Any, Any], Any]


class Metric:
    """A number about all outputs since `reset`; write `update` and `compute` for one of your own.

    What it counts must be in plain attributes (numbers, lists, tensors): they are saved with
    checkpoints. `reset` puts back what `__init__` has set; for anything else, write that too.
    """

    def update(self, outputs: Any, targets: Any) -> None:
        """Take in a batch."""
        raise NotImplementedError(f"{type(self).__name__} has to define update")

    def compute(self) -> float:
        """The number for all batches so far."""
        raise NotImplementedError(f"{type(self).__name__} has to define compute")

    def reset(self) -> None:
        """Forget all batches."""
        raise NotImplementedError(f"{type(self).__name__} has to define reset")

    def state_dict(self) -> dict[str, Any]:
        """What has been counted."""
        return {name: value for name, value in vars(self).items() if not callable(value)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on counting from there."""
        vars(self).update(state)


class Mean(Metric):
    """The mean of a function of each batch, weighted by the number of samples in it."""

    def __init__(self, measure: Measure) -> None:
        self.measure = measure
        self.reset()

    def update(self, outputs: Any, targets: Any) -> None:
        """Take in a batch."""
        size = size_of(outputs)
        value = self.measure(outputs, targets)
        if isinstance(value, str) or not hasattr(value, "__float__"):
            raise TypeError(f"the metric {_name(self.measure)!r} gave {value!r}, and not a number")
        self.total += float(value) * size
        self.samples += size

    def compute(self) -> float:
        """The mean; nan before the first batch."""
        return self.total / self.samples if self.samples else math.nan

    def reset(self) -> None:
        """Forget all batches."""
        self.total, self.samples = 0.0, 0


def size_of(batch: Any) -> int:
    """The number of samples in a batch: the first size of the first tensor found in it."""
    if isinstance(batch, Mapping):
        batch = list(batch.values())
    if isinstance(batch, Sequence) and not isinstance(batch, str | bytes):
        return next((size for size in map(size_of, batch) if size), 0)
    shape = getattr(batch, "shape", None)
    if shape is None:
        return 0
    return int(shape[0]) if len(shape) else 1


def accuracy(outputs: Tensor, targets: Tensor) -> float:
    """The share of samples whose largest output is at the target.

    outputs (N, classes, ...), targets (N, ...) with class numbers, or of the outputs' shape (one
    hot, probabilities). For a single output per sample, see `binary_accuracy`.

    >>> import rushlight as torch
    >>> accuracy(torch.tensor([[0.1, 0.9], [0.8, 0.2]]), torch.tensor([1, 1]))
    0.5
    """
    if outputs.ndim < 2 or outputs.shape[1] < 2:
        raise ValueError(
            f"accuracy: outputs of shape {list(outputs.shape)} have no classes in dimension 1: use "
            "'binary_accuracy' for one output per sample"
        )
    wanted = targets.argmax(1) if targets.shape == outputs.shape else targets
    return _share(outputs.argmax(1), wanted, "accuracy")


def binary_accuracy(outputs: Tensor, targets: Tensor, threshold: float = 0.5) -> float:
    """The share of outputs on the target's side of the threshold: 0.5 for probabilities.

    For logits, as bce_with_logits wants them, use `functools.partial(binary_accuracy,
    threshold=0)`.

    >>> import rushlight as torch
    >>> binary_accuracy(torch.tensor([0.2, 0.7]), torch.tensor([0.0, 0.0]))
    0.5
    """
    return _share((outputs > threshold).flatten(), (targets > 0.5).flatten(), "binary_accuracy")


def top_k(k: int) -> Measure:
    """The share of samples whose target is among the k largest outputs.

    >>> import rushlight as torch
    >>> top_k(2)(torch.tensor([[0.1, 0.6, 0.3]]), torch.tensor([2]))
    1.0
    """
    checks.whole("top_k: k", k, 1)

    def measure(outputs: Tensor, targets: Tensor) -> float:
        best = outputs.topk(k, 1).indices
        return float((best == targets.unsqueeze(1)).any(1).float().mean().item())

    measure.__name__ = f"top_{k}"
    return measure


def mae(outputs: Tensor, targets: Tensor) -> float:
    """The mean of |output - target|."""
    return float(_difference(outputs, targets, "mae").abs().mean().item())


def mse(outputs: Tensor, targets: Tensor) -> float:
    """The mean of (output - target)**2."""
    return float(_difference(outputs, targets, "mse").square().mean().item())


class RootMeanSquare(Mean):
    """The square root of the mean of (output - target)**2 over all batches."""

    def __init__(self) -> None:
        super().__init__(mse)

    def compute(self) -> float:
        """The root."""
        return math.sqrt(super().compute())


class R2(Metric):
    """1 - (sum of squared errors) / (sum of squared distances of the targets from their mean)."""

    def __init__(self) -> None:
        self.reset()

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        """Take in a batch."""
        self.errors += float(_difference(outputs, targets, "r2").double().square().sum().item())
        self.sum += float(targets.double().sum().item())
        self.squares += float(targets.double().square().sum().item())
        self.count += targets.numel()

    def compute(self) -> float:
        """1 for outputs without error, 0 for the mean of the targets."""
        spread = self.squares - self.sum**2 / self.count if self.count else 0.0
        return 1 - self.errors / spread if spread else math.nan

    def reset(self) -> None:
        """Forget all batches."""
        self.errors = self.sum = self.squares = 0.0
        self.count = 0


def _share(found: Tensor, wanted: Tensor, name: str) -> float:
    if found.shape != wanted.shape:
        raise ValueError(
            f"{name}: outputs give {list(found.shape)} answers, targets have shape "
            f"{list(wanted.shape)}"
        )
    return float((found == wanted).float().mean().item())


def _difference(outputs: Tensor, targets: Tensor, name: str) -> Tensor:
    if outputs.shape != targets.shape:
        raise ValueError(
            f"{name}: outputs have shape {list(outputs.shape)}, targets {list(targets.shape)}: "
            "bring them to the same shape"
        )
    return outputs - targets


METRICS: dict[str, Measure | type[Metric]] = {
    "accuracy": accuracy,
    "binary_accuracy": binary_accuracy,
    "mae": mae,
    "mse": mse,
    "r2": R2,
    "rmse": RootMeanSquare,
    "top_5": top_k(5),
}


# What a row of the history has anyway.
_TAKEN = ("epoch", "loss", "penalty", "lr")


def metrics_of(given: Any) -> dict[str, Metric]:
    """Metrics by name, from names, functions and Metric objects, or a dict that names them."""
    if given is None:
        return {}
    if isinstance(given, str | Metric) or callable(given):
        given = [given]
    if not isinstance(given, Mapping | Iterable):
        raise TypeError(f"metrics are names, functions or Metrics, not a {type(given).__name__}")
    items = given.items() if isinstance(given, Mapping) else [(_name(m), m) for m in given]
    found: dict[str, Metric] = {}
    for name, metric in items:
        if not isinstance(name, str):
            raise TypeError(f"the name of a metric is a string, not {name!r}")
        if name in _TAKEN:
            raise ValueError(f"a metric cannot be called {name!r}, as something else is: rename it")
        if name in found:
            raise ValueError(
                f"two metrics are called {name!r}: give them as a dict with other names"
            )
        found[name] = _metric(metric)
    return found


def _metric(given: Any) -> Metric:
    if isinstance(given, str):
        if given not in METRICS:
            raise ValueError(f"there is no metric called {given!r}{nearest(given, METRICS)}")
        given = METRICS[given]
    if isinstance(given, type) and issubclass(given, Metric):
        return given()
    if isinstance(given, Metric):
        return given
    if callable(given):
        checks.takes("metric", given, 2, {})
        return Mean(given)
    raise TypeError(f"a metric is a name, a function or a Metric, not a {type(given).__name__}")


def _name(metric: Any) -> str:
    if isinstance(metric, str):
        return metric
    inner = getattr(metric, "func", metric)
    return getattr(inner, "__name__", None) or type(metric).__name__.lower()
