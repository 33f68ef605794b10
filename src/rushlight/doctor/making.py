"""How modules are made: one layer several times in a list, dropout of nearly everything, the axis of time."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from rushlight import nn
from rushlight.core.tensor import TensorBase
from rushlight.doctor.findings import ERROR, WARNING, Finding
from rushlight.doctor.places import Place

if TYPE_CHECKING:
    from rushlight.doctor.watching import Call, Doctor

_HIGH = 0.9
SEQUENCES = (nn.RNNBase, nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.TransformerEncoder)


class Making:
    """Examines modules when they are first called, and sequences as they come in."""

    def __init__(self, doctor: Doctor) -> None:
        self.doctor = doctor
        # For each line at which a sequence goes in: how often its first, and how often its second size was the batch.
        self.turned: dict[Place, list[int]] = {}
        self.kinds: dict[Place, str] = {}
        # What recurrent layers gave, and which.
        self.outs: dict[int, tuple[Any, Any]] = {}

    def first_called(self, module: Any, place: Place) -> None:
        """A module that the program calls, for the first time."""
        for path, inner in module.named_modules():
            if isinstance(inner, nn.ModuleList | nn.Sequential):
                self._repeated(path, inner, place)
            elif isinstance(inner, nn.modules.dropout._DropoutNd) and _HIGH <= inner.p < 1:
                self.doctor.find(Finding(
                    "dropout-high", WARNING, "dropout drops nearly everything", place,
                    f"{path or 'the layer'} is {type(inner).__name__}(p={inner.p:g}): p is the share of values that "
                    f"are set to 0, so that {1 - inner.p:.0%} are left, made {1 / (1 - inner.p):.0f} times as large.",
                    f"p is what is dropped, not what is kept: 0.1 to 0.5 is usual. Was p={1 - inner.p:.2g} meant?",
                ))  # fmt: skip

    def _repeated(self, path: str, holder: Any, place: Place) -> None:
        children = [one for one in holder if next(one.parameters(), None) is not None]
        if len(children) == len({id(one) for one in children}):
            return
        kind = type(holder).__name__
        self.doctor.find(Finding(
            "same-layer", WARNING, "one layer stands in a list several times", place,
            f"{path or 'the model'} is {kind} of {len(children)} layers with parameters, of which only "
            f"{len({id(one) for one in children})} are different objects: the others are the same weights again, as "
            "[layer] * n makes them.",
            f"Make each anew: nn.{kind}({'*' if kind == 'Sequential' else ''}[nn.Linear(...) for _ in range(n)]), or "
            "copy.deepcopy(layer).",
        ))  # fmt: skip

    def gives(self, module: Any, output: Any) -> None:
        """What a recurrent layer gives, of all steps."""
        if isinstance(module, nn.RNNBase) and isinstance(output, tuple):
            out = output[0]
            if isinstance(out, TensorBase) and out._data_.ndim == 3:
                key, outs = id(out), self.outs
                outs[key] = weakref.ref(out, lambda _: outs.pop(key, None)), module

    def taken_from(self, call: Call) -> None:
        """The last one is taken of what a recurrent layer gave: the last step, or the last sample."""
        known = self.outs.get(id(call.inputs[0]))
        index = call.static.get("index", ())
        if known is None or call.node is None or not isinstance(index[-1], int):
            return
        module, shape = known[1], call.inputs[0]._data_.shape
        samples = 0 if module.batch_first else 1
        if (
            len(index) != samples + 1
            or index[-1] not in (-1, shape[samples] - 1)
            or shape[samples] < 2
        ):
            return
        kind = type(module).__name__
        self.doctor.find(Finding(
            "batch-first", ERROR, "the last sample of the batch is taken for the last step", call.place,
            f"{kind} was made with batch_first={module.batch_first}, and gives {list(shape)}, "
            f"{'samples, steps' if module.batch_first else 'steps, samples'}, features: what is taken are all steps "
            "of one sample, and the loss holds them against the targets of all samples.",
            f"{'output[:, -1]' if module.batch_first else 'output[-1]'} is the last step of each sample.",
        ), call.node)  # fmt: skip

    def sequence(self, module: Any, x: Any, place: Place) -> tuple[Place, int, int] | None:
        """Where a sequence goes into a layer that takes time first: the line, and its first two sizes."""
        if (
            not isinstance(module, SEQUENCES)
            or x is None
            or x._data_.ndim != 3
            or _batch_first(module)
        ):
            return None
        self.kinds.setdefault(place, type(module).__name__)
        return place, *x._data_.shape[:2]

    def judged(self, sequences: list[tuple[Place, int, int]], shape: tuple[int, ...]) -> None:
        """A backward came through a loss with targets of this shape."""
        for place, first, second in sequences:
            counts = self.turned.setdefault(place, [0, 0])
            single = len(shape) == 1 or (len(shape) == 2 and shape[1] != second)
            if single and first != second and second > 1:
                counts[0] += shape[0] == first
                counts[1] += shape[0] != first
            else:
                counts[1] += first != second

    def conclude(self) -> None:
        """Say where batches were taken for time."""
        for place, (turned, right) in self.turned.items():
            if turned >= 3 and not right:
                kind = self.kinds[place]
                self.doctor.find(Finding(
                    "batch-first", ERROR, f"{kind} takes the batch for time", place,
                    f"It was made with batch_first=False, so that the first size of its input is time and the second "
                    f"the batch; in {turned} backwards the first one was the number of targets, one for each sample: "
                    "what it carries on goes from sample to sample.",
                    f"nn.{kind}(..., batch_first=True), or turn the input: x.transpose(0, 1).",
                ))  # fmt: skip


def _batch_first(module: Any) -> bool:
    if isinstance(module, nn.TransformerEncoder):
        module = module.layers[0]
    if isinstance(module, nn.TransformerEncoderLayer):
        module = module.self_attn
    return bool(module.batch_first)
