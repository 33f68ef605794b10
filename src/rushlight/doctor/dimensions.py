"""What runs over the wrong dimension: softmax, argmax, attention and views, a rule for each, by its row."""

from __future__ import annotations

import re
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.core.tensor import TensorBase
from rushlight.doctor.facts import Fact
from rushlight.doctor.findings import ERROR, Finding
from rushlight.doctor.places import Place, calls_of_users, here

if TYPE_CHECKING:
    from rushlight.doctor.watching import Call, Doctor

SOFT = ("softmax", "log_softmax")
# Rows whose results are still the probabilities of what they were given, or the logarithms of those.
_STILL = ("log", "add", "clamp")
# What the scores of classes come from: in a table of pairs each dimension may be chosen from.
_HEADS = (*SOFT, "linear", "add", "convolution", "sigmoid")


def softened(fact: Fact | None) -> Fact | None:
    """The softmax that values come from, be it by way of a logarithm or of a small number that was added."""
    if fact is not None and fact.op in _STILL and fact.parent is not None:
        fact = fact.parent
    return fact if fact is not None and fact.op in SOFT else None


def origin(
    name: str, inputs: Sequence[Any], facts: Sequence[Fact | None], first: Fact
) -> Fact | None:
    """What is to be remembered of where an operation's result comes from."""
    if name == "log":
        return softened(first) or first
    if name == "argmax":
        return first
    if name == "mul":
        return next((found for found in map(_weighted, facts) if found is not None), None)
    alone = name in _STILL and not any(isinstance(t, TensorBase) for t in inputs[1:])
    return softened(first) if alone else None


def _over_rows(fact: Fact | None) -> bool:
    """Whether a matrix of classes by samples was taken over its samples."""
    return (
        fact is not None
        and fact.learned
        and len(fact.shape) == 2
        and min(fact.shape) > 1
        and fact.static.get("dim", -1) % 2 == 0
    )


def _of_a_batch(fact: Fact) -> bool:
    """Whether the first dimension is that of the samples that a module was given."""
    return len(fact.passes) == 1 and fact.passes[0].count == fact.shape[0]


def wrong_dim(fact: Fact, place: Place) -> Finding:
    """A softmax over the samples, and where its result is used."""
    return Finding(
        "softmax-dim", ERROR, f"{fact.op} runs over the wrong dimension", fact.place,
        f"It was taken over dim={fact.static.get('dim')} of a tensor of shape {list(fact.shape)}, and its "
        "result is used as probabilities of classes along dimension 1: those of one sample do not add up "
        "to 1, and samples of a batch compete with each other.",
        "Write dim=1 (or dim=-1): the dimension of the classes.",
        (("used", place),),
    )  # fmt: skip


def _held_to_targets(doctor: Doctor, call: Call) -> None:
    """A loss that compares probabilities, number by number, with targets of the same shape."""
    for mine, other in ((0, 1), (1, 0)):
        fact, goal = softened(call.facts[mine]), call.facts[other]
        if fact is None or call.node is None or not _over_rows(fact) or not _of_a_batch(fact):
            continue
        target = call.inputs[other]
        same = isinstance(target, TensorBase) and target._data_.shape == fact.shape
        if same and not (goal is not None and goal.learned):
            doctor.find(wrong_dim(fact, call.place), call.node)


def _multiplied(doctor: Doctor, call: Call) -> None:
    """Logarithms of probabilities times targets: a cross-entropy by hand."""
    if any(fact is not None and fact.op in ("log", "log_softmax") for fact in call.facts):
        _held_to_targets(doctor, call)


def _gathered(doctor: Doctor, call: Call) -> None:
    """The probability of one class of each sample."""
    fact = softened(call.facts[0])
    along = call.static.get("dim")
    if fact is not None and call.node is not None and _over_rows(fact) and along in (1, -1):
        doctor.find(wrong_dim(fact, call.place), call.node)


def _chosen(doctor: Doctor, call: Call) -> None:
    """A choice among classes by probabilities that were taken over the samples."""
    fact, along = call.facts[0], call.static.get("dim")
    data = call.inputs[0]._data_
    if fact is not None and along is not None and data.ndim == 3 and len(fact.shape) == 3:
        # The last dimension in memory is that of what a linear layer gives.
        call.fact.crossed = data.strides[along] != data.itemsize and data.strides[0] == max(
            data.strides
        )
    if fact is not None and fact.op in SOFT and _over_rows(fact) and along in (1, -1):
        doctor.find(wrong_dim(fact, call.place))


def compared(doctor: Doctor, inputs: tuple[Any, ...], static: dict[str, Any]) -> None:
    """The class of each sample, chosen over the samples, beside labels."""
    facts = [doctor.memory.of(t) if isinstance(t, TensorBase) else None for t in inputs]
    for fact, other in (facts, facts[::-1]):
        scores = fact.parent if fact is not None and fact.op == "argmax" else None
        if fact is None or scores is None or scores.op not in _HEADS or not scores.learned:
            continue
        along = fact.static.get("dim")
        if (
            fact.crossed
            and scores.op in ("linear", "add")
            and along in (1, -2)
            and not (other is not None and other.learned)
        ):
            doctor.find(_over_time(fact, scores))
        if len(scores.shape) != 2 or min(scores.shape) < 2 or along not in (0, -2):
            continue
        if _of_a_batch(scores) and not (other is not None and other.learned):
            n, classes = scores.shape
            doctor.find(Finding(
                "argmax-dim", ERROR, "the class is chosen over the wrong dimension", fact.place,
                f"The scores have shape {[n, classes]}, a row for each sample, and the largest was taken over "
                f"dim={along}: that is, for each of {classes} classes, the number of the sample that has most of "
                "it. An accuracy of this means nothing.",
                "Write argmax(dim=1) (or -1); torch.max(scores, 1) gives values and classes.",
                (("compared", here()),),
            ))  # fmt: skip


def _over_time(fact: Fact, scores: Fact) -> Finding:
    _, steps, classes = scores.shape
    return Finding(
        "argmax-dim", ERROR, "the class is chosen over the wrong dimension", fact.place,
        f"The scores have shape {list(scores.shape)} and end in the {classes} classes that the last layer gives; the "
        f"largest was taken over dim={fact.static.get('dim')}, the {steps} steps: for each class the step that has "
        "most of it. An accuracy of this means nothing.",
        "Write argmax(dim=-1).", (("compared", here()),),
    )  # fmt: skip


# ---- attention -----------------------------------------------------------------------------------


def _weighted(fact: Fact | None) -> Fact | None:
    """The softmax behind weights, be it by way of dropout or a mask."""
    if fact is not None and fact.op == "mul":
        same = fact.parent is not None and fact.parent.shape == fact.shape
        fact = fact.parent if same else None
    return fact if fact is not None and fact.op == "softmax" else None


def _mixed(doctor: Doctor, call: Call) -> None:
    """A product of matrices, one for each sample, with weights that were made to add up over the samples."""
    for operand, fact in zip(call.inputs, map(_weighted, call.facts), strict=True):
        if fact is None or call.node is None or len(fact.shape) < 3:
            continue
        data, along = operand._data_, fact.static.get("dim", -1) % len(fact.shape)
        stride = data.itemsize * int(np.prod(fact.shape[along + 1 :]))
        if data.size == np.prod(fact.shape) and fact.shape[along] > 1 and data.ndim >= 3:
            batch = {s for s, n in zip(data.strides[:-2], data.shape[:-2], strict=True) if n > 1}
            if stride in batch and stride not in data.strides[-2:]:
                doctor.find(_not_normalised(fact, call.place), call.node)


def _summed(doctor: Doctor, call: Call) -> None:
    """A sum of values times weights, over another dimension than that in which the weights add up."""
    product = call.facts[0]
    fact = product.parent if product is not None and product.op == "mul" else None
    dims = call.static.get("dim")
    if fact is None or call.node is None or fact.op != "softmax" or not dims or not fact.learned:
        return
    rank = call.inputs[0]._data_.ndim
    missing = rank - len(fact.shape)
    along = fact.static.get("dim", -1) % len(fact.shape)
    over = {d % rank - missing for d in dims}
    varied = fact.shape[along] > 1 and min(over) > 0 and any(fact.shape[d] > 1 for d in over)
    if along == 0 and varied and _of_a_batch(fact):
        doctor.find(_not_normalised(fact, call.place), call.node)


def _not_normalised(fact: Fact, place: Place) -> Finding:
    return Finding(
        "softmax-dim", ERROR, "weights of attention are normalised over the wrong dimension", fact.place,
        f"softmax was taken over dim={fact.static.get('dim')} of scores of shape {list(fact.shape)}, and what is "
        "summed with these weights lies along another dimension: the weights of one sum do not add up to 1, "
        "and depend on the other samples of the batch.",
        "Take softmax over the dimension that is summed over: for scores of queries by keys that is dim=-1.",
        (("used", place),),
    )  # fmt: skip


# ---- views ---------------------------------------------------------------------------------------


class Turned:
    """Views that the program asked for where its dimensions would have to be swapped."""

    def __init__(self) -> None:
        self._views: dict[int, tuple[Any, Finding]] = {}

    def of(self, tensor: Any) -> Finding | None:
        """What is to be said of a tensor, if it was made so."""
        found = self._views.get(id(tensor))
        return found[1] if found is not None else None

    def put(self, tensor: Any, finding: Finding) -> None:
        """Learn of one."""
        key, views = id(tensor), self._views
        views[key] = weakref.ref(tensor, lambda _: views.pop(key, None)), finding


def _swaps(old: tuple[int, ...], new: tuple[int, ...]) -> bool:
    """Whether a view gives the sizes that swapped dimensions would have, or heads before time."""
    a, b = ([n for n in shape if n > 1] for shape in (old, new))
    if len(a) == len(b) >= 3:
        return a != b and sorted(a) == sorted(b) and len(old) == len(new)
    # Samples, time, features, whose features are to be cut into heads, which come before time.
    return (
        len(a) == 3
        and len(b) == 4
        and (a[0], a[1], a[2]) == (b[0], b[2], b[1] * b[3])
        and b[1] != b[2]
    )


def _viewed(doctor: Doctor, call: Call) -> None:
    old, new = call.inputs[0]._data_.shape, call.out._data_.shape
    if not _swaps(old, new):
        return
    written = next(iter(calls_of_users()), None)
    if written is None or not re.search("view|shape", written[1]):
        return
    finding = Finding(
        "view-for-permute", ERROR, "a view is taken where dimensions are to be swapped", call.place,
        f"From shape {list(old)} to {list(new)}: a view reads the same numbers in the same order and swaps no "
        "dimensions, so that numbers of different samples, steps or channels are mixed up.",
        "permute or transpose swaps dimensions: x.transpose(1, 2); "
        + ("heads are cut off first: x.view(B, T, heads, size).transpose(1, 2)." if len(new) > len(old) else
           "images as H x W x C become C x H x W by x.permute(0, 3, 1, 2)."),
    )  # fmt: skip
    if call.node is not None:
        doctor.find(finding, call.node)
    else:
        doctor.turned.put(call.out, finding)


RULES = [
    ("argmax", _chosen), ("gather", _gathered), ("mul", _multiplied), ("matmul", _mixed), ("sum", _summed),
    ("squared_distance", _held_to_targets), ("rounded_distance", _held_to_targets),
    ("binary_cross_entropy", _held_to_targets), ("reshape", _viewed),
]  # fmt: skip
