"""What is wrong with a loss, as the operations that make it show: a rule for each, by its row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.core.node import Node
from rushlight.core.tensor import TensorBase
from rushlight.doctor.dimensions import SOFT, compared, softened, wrong_dim
from rushlight.doctor.facts import Fact
from rushlight.doctor.findings import ERROR, WARNING, Finding
from rushlight.doctor.places import Place, asked, here

if TYPE_CHECKING:
    from rushlight.doctor.watching import Call, Doctor

_NAMES = {
    "softmax": "softmax", "log_softmax": "log_softmax", "sigmoid": "a sigmoid", "tanh": "tanh",
    "relu": "a ReLU", "linear": "a linear layer", "convolution": "a convolution",
    "log_sigmoid": "logsigmoid",
}  # fmt: skip
# Rows whose results are plain numbers of any size: what networks end in.
_SCORES = ("linear", "convolution", "matmul", "add", "normalize", "relu")


def _rows(tensor: Any) -> Any:
    """The first rows of a tensor, in float64."""
    data = tensor._data_
    most = max(4, 100_000 // max(1, data.size // max(1, len(data)))) if data.ndim else None
    return np.asarray(data if most is None else data[: min(most, 256)], dtype=np.float64)


def _spread(values: Any) -> str:
    return f"{float(np.min(values)):.4g} to {float(np.max(values)):.4g}"


# ---- softmax and its kind, twice ----------------------------------------------------------------


def _softened_again(doctor: Doctor, call: Call) -> None:
    """Cross-entropy, or a softmax, of what is a softmax already."""
    before = call.facts[0]
    if before is None or call.node is None:
        return
    loss = call.name == "cross_entropy" or asked("cross_entropy") is not None
    if loss and before.learned and before.op not in SOFT and _adds_up(call.inputs[0]):
        doctor.find(Finding(
            "softmax-twice", ERROR, "softmax is applied twice: by hand, and then the cross-entropy", call.place,
            "CrossEntropyLoss applies log_softmax itself, and is given probabilities: no number below 0, and each "
            f"row adds up to 1 (they come from `{before.op}`). Their softmax is nearly even, the loss cannot come near "
            "0 and gradients are small.",
            "Give the loss the raw scores (logits), or take the logarithm of the probabilities and NLLLoss.",
            ((before.op, before.place),) if before.place != call.place else (),
        ), call.node)  # fmt: skip
        return
    does = "CrossEntropyLoss applies log_softmax itself" if loss else f"{call.name} is applied"
    also = ((f"{before.op}", before.place),) if before.place != call.place else ()
    if before.op in SOFT and not (call.name == "softmax" and before.op == "log_softmax"):
        plain = before.op == "softmax"
        largest = f" (here {float(_rows(call.inputs[0]).max()):.3g} at most)" if plain else ""
        doctor.find(Finding(
            "softmax-twice", ERROR if plain else WARNING,
            f"softmax is applied twice: {before.op}, and then {'the cross-entropy' if loss else call.name}",
            call.place,
            f"{does}, and is given the result of {before.op}. "
            + (f"Probabilities lie between 0 and 1{largest}: their softmax is nearly even, the loss cannot "
               "come near 0 and gradients are small." if plain else
               "The second one changes nothing: either the logits or NLLLoss was meant."),
            "Give the loss the raw scores (logits): leave out the softmax in the model, and use it only "
            "where probabilities are looked at." if plain else
            "Leave out the log_softmax, or take NLLLoss (nll_loss) for the loss.",
            also,
        ), call.node)  # fmt: skip
    elif loss and before.op in ("sigmoid", "log_sigmoid", "relu"):
        kind = "relu-before-loss" if before.op == "relu" else "sigmoid-twice"
        doctor.find(Finding(
            kind, WARNING, f"the cross-entropy is given the result of {_NAMES[before.op]}",
            call.place,
            f"CrossEntropyLoss takes scores of any size and sign and applies softmax to them; here they "
            f"come from {_NAMES[before.op]} and range from {_spread(call.inputs[0]._data_)}, so that "
            "classes can hardly be told apart.",
            f"Leave out {_NAMES[before.op]} after the last layer.", also,
        ), call.node)  # fmt: skip


def _adds_up(scores: Any) -> bool:
    """Whether scores are probabilities of classes along dimension 1, all of them."""
    data = scores._data_
    if data.ndim < 2 or data.shape[1] < 2 or len(data) < 4 or not (data[:1] >= 0).all():
        return False
    x = _rows(scores)
    return bool((x >= 0).all() and (np.abs(x.sum(axis=1) - 1) < 1e-3).all())


def _one_class(doctor: Doctor, call: Call) -> None:
    x = call.inputs[0]._data_
    if x.ndim > 1 and x.shape[1] == 1 and call.node is not None:
        doctor.find(Finding(
            "softmax-of-one", ERROR, "the cross-entropy is taken over a single class", call.place,
            f"The scores have shape {list(x.shape)}: the softmax of one number is always 1, the loss is "
            "always 0, and no gradient flows.",
            "For two classes give the last layer 2 outputs, or keep 1 and use BCEWithLogitsLoss with "
            "floating targets.",
        ), call.node)  # fmt: skip


def _softmax(doctor: Doctor, call: Call) -> None:
    x, before = call.inputs[0]._data_, call.facts[0]
    dim = call.static.get("dim", -1)
    if x.ndim and x.shape[dim] == 1 and x.ndim == 2 and x.shape[0] > 1 and call.node is not None:
        if before is None or before.op not in ("linear", "matmul", "add"):
            return
        doctor.find(Finding(
            "softmax-of-one", ERROR, f"{call.name} over a dimension of size 1", call.place,
            f"The input has shape {list(x.shape)} and dim={dim}: the softmax of one number is always 1, "
            "whatever the network says, and its gradient is 0.",
            "For one probability use sigmoid (best BCEWithLogitsLoss without any); for classes give the "
            "last layer one output for each.",
        ), call.node)  # fmt: skip


# ---- probabilities where logits belong, and the other way round ----------------------------------


def _likelihood(doctor: Doctor, call: Call) -> None:
    """nll takes logarithms of probabilities that add up to 1 along dimension 1."""
    if call.node is None or asked("cross_entropy") is not None:
        return
    x = _rows(call.inputs[0])
    if x.ndim < 2 or x.shape[1] < 2 or not np.isfinite(x).all():
        return
    with np.errstate(all="ignore"):
        sums = np.exp(x).sum(axis=1)
    if np.mean(np.abs(sums - 1) < 0.05) >= 0.5:
        return
    fact = call.facts[0]
    origin = softened(fact)
    if origin is not None and (fact is not origin or origin.op != "softmax"):
        doctor.find(wrong_dim(origin, call.place), call.node)
        return
    even = (x >= 0).all() and np.mean(np.abs(x.sum(axis=1) - 1) < 0.01) > 0.9
    also = ((fact.op, fact.place),) if fact is not None and fact.place != call.place else ()
    given = "probabilities, without their logarithm" if even else "raw scores (logits)"
    doctor.find(Finding(
        "logits-as-probabilities", ERROR, f"NLLLoss is given {given}", call.place,
        f"nll_loss takes log-probabilities: no number above 0, and exp of a row adds up to 1. Here they "
        f"range from {_spread(x)}, and exp of a row adds up to {float(np.median(sums)):.4g}. The loss is "
        "then minus a score, and training makes scores large instead of right.",
        "Use log_softmax instead of softmax." if even else
        "Put log_softmax(dim=1) at the end of the model, or take CrossEntropyLoss, which has it within.",
        also,
    ), call.node)  # fmt: skip


def _divergence(doctor: Doctor, call: Call) -> None:
    """kl_div takes the logarithms of probabilities first."""
    frame = asked("kl_div")
    scores = None if frame is None else frame["input"]
    fact = None if scores is None else doctor.memory.of(scores)
    if scores is None or scores._node_ is None or fact is None or not fact.learned:
        return
    x = _rows(scores)
    plain = fact.op in ("softmax", "sigmoid")
    if not plain and (fact.op not in _SCORES or not x.size or x.max() <= 0):
        return
    doctor.find(Finding(
        "logits-as-probabilities", ERROR, "KLDivLoss is given "
        + ("probabilities, without their logarithm" if plain else "raw scores (logits)"), call.place,
        f"kl_div takes log-probabilities first, none of which is above 0; here they come from {_made(fact)} and "
        f"range from {_spread(x)}. The loss may then be negative, and its least value is elsewhere.",
        "F.kl_div(F.log_softmax(scores, dim=1), probabilities, reduction=\"batchmean\").",
        ((fact.op, fact.place),) if fact.place != call.place else (),
    ), scores._node_)  # fmt: skip


def _log(doctor: Doctor, call: Call) -> None:
    before = call.facts[0]
    if before is None or not before.learned:
        return
    if before.op in ("log_softmax", "log_sigmoid"):
        doctor.find(Finding(
            "log-twice", ERROR, f"the logarithm of {before.op}, which is one already", call.place,
            f"{before.op} gives numbers from {_spread(call.inputs[0]._data_)}; the logarithm of a negative "
            "number is nan.",
            f"Leave out the log, or take {before.op[4:]} before it.", ((before.op, before.place),),
        ))  # fmt: skip


def _threshold(doctor: Doctor, call: Call) -> None:
    """A class is chosen by a limit that does not belong to what is compared."""
    fact, limit = call.facts[0], call.inputs[1] if len(call.inputs) > 1 else 0.5
    if fact is None or not fact.learned or not isinstance(limit, int | float):
        return
    outside = fact.op == "sigmoid" and not 0 < limit < 1 and call.name != "round"
    if outside:
        said = f"The sigmoid gives numbers between 0 and 1 (here {_spread(call.inputs[0]._data_)})"
        advice = "Probabilities are held against 0.5; 0 belongs to raw scores (logits)."
    elif 0.4 <= limit <= 0.6 and (fact.op, fact.place) in doctor.layers.logits:
        said = (
            f"The loss takes these for raw scores (logits, here {_spread(call.inputs[0]._data_)}): 0.5 is a "
            "probability of 0.62"
        )
        advice = "Hold logits against 0, or their sigmoid against 0.5."
    else:
        return
    does = "rounded" if call.name == "round" else f"held against {limit:g}"
    doctor.find(Finding(
        "threshold", ERROR if outside else WARNING, f"{'probabilities' if outside else 'logits'} are {does}",
        call.place,
        f"{said}, so that the classes that this gives are not those that the model means.", advice,
        ((fact.op, fact.place),) if fact.place != call.place else (),
    ))  # fmt: skip


def _several(doctor: Doctor, call: Call) -> None:
    """Several labels for a sample, as targets of a softmax."""
    frame = asked("cross_entropy")
    target = None if frame is None else frame.get("target")
    if call.node is None or not isinstance(target, TensorBase) or target._data_.dtype.kind != "f":
        return
    y = _rows(target)
    if y.ndim != 2 or y.shape[1] < 2 or not ((y == 0) | (y == 1)).all():
        return
    sums = y.sum(1)
    if np.mean(sums > 1) < 0.1:
        return
    doctor.find(Finding(
        "several-labels", ERROR, "the cross-entropy is given several labels for one sample", call.place,
        f"CrossEntropyLoss takes probabilities that add up to 1; rows of these targets add up to {sums.min():g} to "
        f"{sums.max():g}. Its softmax lets classes compete, and no sample can have two.",
        "For labels that do not exclude each other take BCEWithLogitsLoss.",
    ), call.node)  # fmt: skip


def _log_sigmoid(doctor: Doctor, call: Call) -> None:
    """BCEWithLogitsLoss of what is a probability already, or with targets that are none."""
    frame = asked("binary_cross_entropy_with_logits")
    before = call.facts[0]
    if call.node is None:
        return
    if before is not None and before.op in ("sigmoid", "softmax"):
        also = ((before.op, before.place),) if before.place != call.place else ()
        name = "BCEWithLogitsLoss" if frame else "logsigmoid"
        doctor.find(Finding(
            "sigmoid-twice", ERROR, f"the sigmoid is applied twice: {before.op}, and then {name}",
            call.place,
            f"{name} applies the sigmoid itself, and is given numbers from "
            f"{_spread(call.inputs[0]._data_)}: their sigmoid lies between 0.5 and 0.73, so that no sample "
            "can be put into class 0.",
            "Give it the raw scores (logits), or take BCELoss after a sigmoid.", also,
        ), call.node)  # fmt: skip
    if frame is not None and before is not None:
        doctor.layers.logits.add((before.op, before.place))
    if frame is not None:
        _binary_targets(doctor, call.place, call.node, frame["target"], "BCEWithLogitsLoss")


def _binary_targets(doctor: Doctor, place: Place, node: Node, target: Any, name: str) -> None:
    values = target._data_
    if not values.size or values.dtype.kind not in "fiub":
        return
    low, high = float(values.min()), float(values.max())
    if low < -1e-6 or high > 1 + 1e-6:
        doctor.find(Finding(
            "labels-out-of-range", ERROR, f"{name} is given targets outside of 0 to 1", place,
            f"The targets range from {low:.4g} to {high:.4g}; the loss is unbounded below for them, and "
            "falls for ever as scores grow.",
            "Map two classes to 0. and 1.; for more than two use CrossEntropyLoss with class numbers.",
        ), node)  # fmt: skip


def check_probabilities(doctor: Doctor, tensor: TensorBase, found: Any) -> None:
    """What BCELoss looks at before it raises its error: the input, and the target."""
    frame = asked("binary_cross_entropy")
    if frame is None or not found.size:
        return
    low, high = float(np.min(found)), float(np.max(found))
    if low >= 0 and high <= 1:
        return
    if frame.get("input") is tensor:
        fact = doctor.memory.of(tensor)
        also = ((fact.op, fact.place),) if fact is not None else ()
        doctor.find(Finding(
            "logits-as-probabilities", ERROR, "BCELoss is given raw scores (logits)", here(),
            f"binary_cross_entropy takes probabilities between 0 and 1; here they range from {low:.4g} to "
            f"{high:.4g}.",
            "Take BCEWithLogitsLoss, or put a sigmoid at the end of the model.", also,
        ))  # fmt: skip
    elif frame.get("target") is tensor:
        doctor.find(Finding(
            "labels-out-of-range", ERROR, "BCELoss is given targets outside of 0 to 1", here(),
            f"The targets range from {low:.4g} to {high:.4g}.",
            "Map two classes to 0. and 1.; for more than two use CrossEntropyLoss with class numbers.",
        ))  # fmt: skip


def _binary(doctor: Doctor, call: Call) -> None:
    before = call.facts[0]
    if call.node is None or before is None or before.op not in _SCORES or not before.learned:
        return
    doctor.find(Finding(
        "logits-as-probabilities", ERROR, f"BCELoss is given the result of {_made(before)}", call.place,
        f"binary_cross_entropy takes probabilities. These happen to lie between 0 and 1 "
        f"({_spread(call.inputs[0]._data_)}), but nothing keeps them there.",
        "Take BCEWithLogitsLoss, or put a sigmoid at the end of the model.",
        ((before.op, before.place),),
    ), call.node)  # fmt: skip


def _made(fact: Fact) -> str:
    return _NAMES.get(fact.op, f"`{fact.op}`")


# ---- targets -------------------------------------------------------------------------------------


def _pair_broadcast(doctor: Doctor, call: Call) -> None:
    """A loss of numbers whose operands have shapes that broadcast into a larger one."""
    frame = asked("_pair")
    if frame is None or call.node is None:
        return
    _shapes(doctor, call, frame["input"], frame["target"], str(frame["name"]))


def _difference(doctor: Doctor, call: Call) -> None:
    """A loss written by hand: the difference, or the product, of a column and a row."""
    if call.node is None or len(call.inputs) != 2 or asked("_pair") is not None:
        return
    a, b = call.inputs
    if not (isinstance(a, TensorBase) and isinstance(b, TensorBase)):
        return
    if not _crossed(a._data_.shape, b._data_.shape):
        return
    known = [fact is not None and fact.learned for fact in call.facts]
    known = [k or t._requires_grad_ for k, t in zip(known, (a, b), strict=True)]
    if known[0] == known[1]:
        known = [a._requires_grad_, b._requires_grad_]  # as of a network that only gives targets
    if known[0] == known[1]:
        return
    if id(a) in doctor.judging.widened or id(b) in doctor.judging.widened:
        return
    if (a, b)[known[1]]._node_ is None:
        return  # a parameter itself: centres, and the like
    # What modules compute within, and what is meant as a table, may well be a square.
    outside = not doctor.judging.now and any(f is not None and f.passes for f in call.facts)
    if outside or (call.name == "sub" and a._data_.ndim != b._data_.ndim):
        name = "the difference" if call.name == "sub" else "the product"
        _shapes(doctor, call, a, b, name)


def _crossed(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Whether one is a column and the other a row, so that together they are a square."""
    if len({*a, *b} - {1}) != 1 or max(len(a), len(b)) != 2 or not a or not b:
        return False
    (n,) = {*a, *b} - {1}
    return np.broadcast_shapes(a, b) == (n, n) and (n, n) not in (a, b)


def _shapes(doctor: Doctor, call: Call, a: Any, b: Any, name: str) -> None:
    x, y = a._data_.shape, b._data_.shape
    whole = np.broadcast_shapes(x, y)
    size = int(np.prod(whole))
    if x == y or size <= max(int(np.prod(x)), int(np.prod(y))):
        return
    doctor.find(Finding(
        "broadcast", ERROR, "predictions and targets broadcast against each other by accident",
        call.place,
        f"{name} is given shapes {list(x)} and {list(y)}, which broadcast to {list(whole)}: each prediction "
        + ("meets the factors of all samples, and not its own." if name == "the product" else
           "is compared with the targets of all samples, and the best it can learn is their mean."),
        f"Bring both to one shape: target.view_as(prediction), prediction.squeeze(-1) or "
        f"target.unsqueeze(1), so that both are {list(x)}.",
    ), call.node)  # fmt: skip


def _compared(doctor: Doctor, call: Call) -> None:
    """Predictions compared with labels: an accuracy."""
    a, b = call.inputs[:2]
    if not (isinstance(a, TensorBase) and isinstance(b, TensorBase)):
        return
    learned = [fact is not None and fact.learned for fact in call.facts[:2]]
    if learned[0] == learned[1] or not _crossed(a._data_.shape, b._data_.shape):
        return
    if id(a) in doctor.judging.widened or id(b) in doctor.judging.widened:
        return
    x, y = list(a._data_.shape), list(b._data_.shape)
    whole = list(np.broadcast_shapes(a._data_.shape, b._data_.shape))
    doctor.find(Finding(
        "broadcast", ERROR, "predictions and labels are compared in shapes that broadcast", call.place,
        f"Shapes {x} and {y} give {whole} comparisons, each "
        "prediction with every label: an accuracy of them means nothing, and may be above 1.",
        "Bring both to one shape first: prediction.squeeze(-1), or label.view_as(prediction).",
    ))  # fmt: skip


_REACH = {"relu": (0.0, np.inf), "sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "softmax": (0.0, 1.0)}


def _out_of_reach(doctor: Doctor, call: Call) -> None:
    """Targets that the last activation cannot give."""
    fact, goal = call.facts[0], call.facts[1]
    if call.node is None or fact is None or fact.op not in _REACH or (goal and goal.learned):
        return
    low, high = _REACH[fact.op]
    target = _rows(call.inputs[1])
    outside = float(np.mean((target < low - 1e-3) | (target > high + 1e-3))) if target.size else 0.0
    if outside < 0.05:
        return
    span = "no negative numbers" if fact.op == "relu" else f"numbers from {low:g} to {high:g} only"
    doctor.find(Finding(
        "targets-out-of-reach", ERROR, f"the targets lie where {_made(fact)} at the end cannot reach",
        call.place,
        f"{fact.op} gives {span}; {outside:.0%} of the targets lie outside (they range from "
        f"{_spread(target)}).",
        "End the model in a linear layer, or scale the targets to what the activation gives.",
        ((fact.op, fact.place),),
    ), call.node)  # fmt: skip


# ---- before the operation, which may refuse -----------------------------------------------------


def _labels(doctor: Doctor, inputs: tuple[Any, ...], static: dict[str, Any]) -> None:
    scores, labels = inputs[0]._data_, inputs[1]._data_
    if labels.dtype.kind not in "iu" or not labels.size or scores.ndim < 2:
        return
    counted = labels[labels != static.get("ignore_index", -100)]
    classes = scores.shape[1]
    if not counted.size or (int(counted.min()) >= 0 and int(counted.max()) < classes):
        return
    low, high = int(counted.min()), int(counted.max())
    shifted = low == 1 and high == classes
    doctor.find(Finding(
        "labels-out-of-range", ERROR, "there are labels for which there is no class", here(),
        f"The model gives {classes} scores, so that labels are 0 to {classes - 1}; the labels range from "
        f"{low} to {high}.",
        "Labels count from 0: subtract 1." if shifted else
        f"Give the last layer {high + 1} outputs, or look where the labels come from"
        + ("; negative ones are left out with ignore_index." if low < 0 else "."),
    ))  # fmt: skip


def _indices(doctor: Doctor, inputs: tuple[Any, ...], static: dict[str, Any]) -> None:
    table, indices = inputs[0]._data_, inputs[1]._data_
    if not indices.size or (int(indices.min()) >= 0 and int(indices.max()) < table.shape[0]):
        return
    doctor.find(Finding(
        "index-out-of-range", ERROR, "an embedding is asked for rows that it does not have", here(),
        f"It has {table.shape[0]} rows, 0 to {table.shape[0] - 1}; the indices range from "
        f"{int(indices.min())} to {int(indices.max())}.",
        f"Give num_embeddings the size of the vocabulary, at least {int(indices.max()) + 1}.",
    ))  # fmt: skip


BEFORE = {"cross_entropy": _labels, "nll": _labels, "embedding": _indices, "eq": compared}

RULES = [
    ("cross_entropy", _softened_again), ("log_softmax", _softened_again), ("log_softmax", _several),
    *((name, _threshold) for name in ("gt", "ge", "lt", "le", "round")),
    ("softmax", _softened_again), ("cross_entropy", _one_class), ("softmax", _softmax),
    ("log_softmax", _softmax), ("nll", _likelihood), ("log", _log),
    ("log_sigmoid", _log_sigmoid), ("binary_cross_entropy", _binary),
    ("xlogy", _divergence), ("expand", _pair_broadcast),
    ("sub", _difference), ("mul", _difference), ("eq", _compared), ("squared_distance", _out_of_reach),
    ("rounded_distance", _out_of_reach),
]  # fmt: skip
