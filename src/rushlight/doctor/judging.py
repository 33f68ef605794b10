"""Calls of modules: what they are trained on and judged by, in which mode, with which data and labels."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import nn
from rushlight.core.state import state
from rushlight.core.tensor import TensorBase
from rushlight.doctor.data import Data
from rushlight.doctor.findings import ERROR, WARNING, Finding
from rushlight.doctor.making import SEQUENCES, Making
from rushlight.doctor.places import OWN, USER, Place, calls_of_users, here, kind_of, said_to_test
from rushlight.doctor.sorting import Sorting, span

if TYPE_CHECKING:
    from rushlight.doctor.watching import Call, Doctor, Rule

_NOISY = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)
_LOSSES = (
    "cross_entropy",
    "nll",
    "squared_distance",
    "rounded_distance",
    "binary_cross_entropy",
    "log_sigmoid",
)
_DISTANCES = ("squared_distance", "rounded_distance")
# Rows whose results are judged, labels kept, at most.
_MOST_ROWS, _MOST_CALLS, _MOST_LABELS = 1_000_000, 5_000, 200_000


class Pass:
    """One call of a module that no other module called."""

    def __init__(self, whose: Whose, module: Any, place: Place, x: Any) -> None:
        self.whose, self.place = whose, place
        self.training, self.records = module.training, state.grad
        self.noisy = any(one.training and _acts(one) for one in whose.noisy)
        self.learned = True
        self.trained = False
        self.rows: list[int] = []
        self.count = 0
        self.varied = True
        self.tests = False
        # Whether the rows are real numbers, and all that goes in.
        self.real = False
        self.span = None
        self.sequences: list[tuple[Place, int, int]] = []
        # What is to be said, if it is trained, of how its inputs were made.
        self.said: list[Finding] = []
        if x is not None:
            data = x._data_
            self.span = span(data)
            self.count = len(data)
            self.varied = len(data) > 1 and not (data[:1] == data[1:2]).all()
            self.rows = _hashed(data)

    def mark(self) -> None:
        """A backward came through here."""
        if not self.trained:
            self.trained = True
            self.whose.trained(self)


class Whose:
    """A module that is called by the program: its noisy layers, and what it was trained on."""

    def __init__(self, module: Any) -> None:
        self.noisy = [one for one in module.modules() if isinstance(one, _NOISY)]
        self.kind = type(module).__name__
        self.called = False
        self.rows: set[int] = set()
        self.in_training = self.in_evaluation = 0
        self.eval_place: Place | None = None

    def trained(self, one: Pass) -> None:
        """A backward went through one of its calls."""
        if one.training:
            self.in_training += 1
        else:
            self.in_evaluation += 1


class Judgement:
    """A loss or a comparison that was computed of what a module gave."""

    def __init__(
        self, judging: Judging, place: Place, passes: tuple[Pass, ...], target: Any
    ) -> None:
        self.judging, self.place, self.passes = judging, place, passes
        self.shape = target._data_.shape if isinstance(target, TensorBase) else ()
        self.rows = self.shape[0] if self.shape else 0
        self.trained = self.by_hand = False

    def mark(self) -> None:
        """A backward came through here: it was no judgement, but training."""
        self.trained = True
        for one in self.passes:
            if one.sequences and self.shape:
                self.judging.making.judged(one.sequences, self.shape)
            if one.count == self.rows and len(one.whose.rows) < _MOST_ROWS:
                one.whose.rows.update(one.rows)


class Judging:
    """Examines calls of modules."""

    def __init__(self, doctor: Doctor) -> None:
        self.doctor = doctor
        self.whose: weakref.WeakKeyDictionary[Any, Whose] = weakref.WeakKeyDictionary()
        self.everyone: list[Whose] = []
        self.stack: list[Any] = []
        self.now: tuple[Pass, ...] = ()
        self.passes: list[Pass] = []
        self.judgements: list[Judgement] = []
        self.sorting, self.making, self.data = Sorting(doctor), Making(doctor), Data(doctor)
        self.kept = 0
        self.missed: dict[Place, list[Any]] = {}
        self.widened: dict[int, Any] = {}
        self.turns: dict[Place, int] = {}
        self.single: dict[Place, list[bool]] = {}
        self.modes: weakref.WeakKeyDictionary[Any, tuple[bool, Place]] = weakref.WeakKeyDictionary()
        self.frozen_in_eval: dict[Whose, tuple[int, Place]] = {}

    def rules(self) -> list[tuple[str, Rule]]:
        """What is to be asked about which rows."""
        judged: list[tuple[str, Rule]] = [(name, _judged) for name in _LOSSES]
        labelled: list[tuple[str, Rule]] = [(name, _labelled) for name in ("cross_entropy", "nll")]
        return [
            *judged, *labelled, ("binary_cross_entropy", _labelled), ("log_sigmoid", _labelled),
            ("eq", _judged_by_eye), ("sub", _judged_by_hand),
            ("reshape", _widens), ("slice", _widens), ("slice", _taken_from),
            ("normalize", _normalised), ("add", _summed),
        ]  # fmt: skip

    # ---- calls ----------------------------------------------------------------------------------

    @property
    def path(self) -> str:
        """What the innermost module that runs is called, by its class."""
        return type(self.stack[-1]).__name__ if self.stack else ""

    def turn(self, place: Place) -> int:
        """How often a line has come by in the present call of a module, or since the last backward."""
        self.turns[place] = self.turns.get(place, -1) + 1
        return self.turns[place]

    def enters(self, module: Any, args: Any) -> None:
        """A module is called."""
        self.stack.append(module)
        if len(self.stack) > 1:
            if self.now:
                self._taken(module, args)
            return
        self.turns = {}
        whose = self.whose.get(module)
        if whose is None:
            whose = self.whose[module] = Whose(module)
            self.everyone.append(whose)
            self.doctor.steps.name(module, _variable(module))
        if next(module.parameters(), None) is None:
            return
        x = next((a for a in args if isinstance(a, TensorBase) and a._data_.ndim > 1), None)
        if x is not None and x._data_.__class__ is not np.ndarray:
            x = None
        place = here()
        one = Pass(whose, module, place, x)
        if not whose.called:
            whose.called = True
            self.making.first_called(module, place)
        one.tests = said_to_test(calls_of_users())
        self.now = (one,)
        self._taken(module, args)
        if x is not None:
            given = sum(isinstance(a, TensorBase) for a in args)
            one.real = given == 1 and x._data_.dtype.kind == "f"
            if one.tests:
                self.data.tested(one, whose, x._data_)
        if len(self.passes) < _MOST_CALLS:
            self.passes.append(one)

    def _taken(self, module: Any, args: Any) -> None:
        """What a module is given, be it within another."""
        for found in map(self.doctor.turned.of, args):
            if found is not None:
                self.now[0].said.append(found)
        if isinstance(module, SEQUENCES):
            self._sequence(module, args)

    def _sequence(self, module: Any, args: Any) -> None:
        one, place = self.now[0], here()
        x = next((a for a in args if isinstance(a, TensorBase)), None)
        if all(place != known for known, *_ in one.sequences):
            found = self.making.sequence(module, x, place)
            one.sequences += [found] if found is not None else []

    def leaves(self, module: Any, output: Any) -> None:
        """A module's call ends."""
        if self.stack and self.stack[-1] is module:
            self.stack.pop()
        self.making.gives(module, output)
        if self.stack or not self.now:
            return
        one, self.now = self.now[0], ()
        for t in _tensors(output):
            if t._node_ is not None:
                self.doctor.wait(t._node_, one.mark)
                for finding in one.said:
                    self.doctor.find(finding, t._node_)
        mode = self.modes.get(module)
        if not one.training and one.whose.noisy:
            one.whose.eval_place = mode[1] if mode else None

    def dropped(self, place: Place) -> None:
        """A mask of dropout was drawn."""
        if not self.now:
            return
        one = self.now[0]
        one.noisy = True
        inner = self.stack[-1] if self.stack else None
        by_layer = inner is not None and type(inner).__module__.partition(".")[0] in (
            "torch",
            "rushlight",
        )
        if one.training or by_layer or "training=" in place.source.replace(" ", ""):
            return
        self.doctor.find(Finding(
            "dropout-always", ERROR, "dropout is on in evaluation mode", place,
            f"{one.whose.kind} was called in evaluation mode, and F.dropout dropped values all the same: its "
            "default is training=True.",
            "Write F.dropout(x, p, training=self.training), or take an nn.Dropout layer.",
            (("called", one.place),),
        ))  # fmt: skip

    def name_what_is_in_sight(self) -> None:
        """Give names to the parameters of modules that variables of the running functions hold."""
        frame = sys._getframe(1)
        while frame is not None:
            if kind_of(frame.f_code.co_filename) == USER:
                for name, value in [*frame.f_locals.items(), *frame.f_globals.items()]:
                    if isinstance(value, nn.Module):
                        self.doctor.steps.name(value, "" if name == "self" else name)
            if frame.f_back is None:
                return
            frame = frame.f_back

    def wrap(self, wrap: Callable[..., None]) -> None:
        """See where modes are changed."""

        def train(plain: Any) -> Any:
            def changed(module: Any, mode: bool = True) -> Any:
                if not any(kind_of(frame) == OWN for frame in _callers(1)):
                    self.modes[module] = mode, here()
                return plain(module, mode)

            return changed

        wrap(nn.Module, "train", train)

    # ---- the end --------------------------------------------------------------------------------

    def conclude(self, error: BaseException | None) -> None:
        """Say what is wrong with modes, data and labels."""
        tested = [
            j for j in self.judgements if not j.trained and not any(p.trained for p in j.passes)
        ]
        self._in_training_mode(tested)
        self._seen_before(tested)
        self._in_evaluation_mode()
        self.sorting.conclude()
        self.making.conclude()
        self.data.conclude()
        self._one_class()
        for place, alone in self.single.items():
            if len(alone) >= 5 and all(alone):
                self.doctor.find(Finding(
                    "batch-of-one", WARNING, "batch normalisation over batches of one sample", place,
                    f"In all of {len(alone)} calls in training mode the batch had one sample: its own mean and "
                    "deviation are taken out of it, and the running ones are noise.",
                    "Take larger batches, or GroupNorm, LayerNorm or InstanceNorm.",
                ))  # fmt: skip

    def _in_training_mode(self, tested: list[Judgement]) -> None:
        found: dict[Place, list[Pass]] = {}
        for j in tested:
            for p in j.passes:
                whose = p.whose
                learned = whose.in_training + whose.in_evaluation
                seen = sum(row in whose.rows for row in p.rows)
                if j.by_hand and not p.tests:
                    continue
                if p.training and p.noisy and learned and seen * 2 <= len(p.rows):
                    found.setdefault(p.place, []).append(p)
        for place, passes in found.items():
            kinds = sorted({type(one).__name__ for one in passes[0].whose.noisy}) or ["dropout"]
            self.doctor.find(Finding(
                "eval-forgotten", ERROR, "the model is judged in training mode: eval() is forgotten", place,
                f"{len(passes)} batches that it was not trained on went through {passes[0].whose.kind} with "
                f"{' and '.join(kinds)} in training mode: values are dropped at random, or normalised by "
                "the batch (and its data goes into the running statistics).",
                "Call model.eval() before, and model.train() after it.",
            ))  # fmt: skip

    def _in_evaluation_mode(self) -> None:
        for whose in self.everyone:
            late = whose.in_evaluation
            layers = whose.noisy
            if late < 2 or not layers:
                continue
            place = whose.eval_place
            if whose.in_training or (place is not None and late >= 5):
                kinds = " and ".join(sorted({type(one).__name__ for one in layers}))
                one = next((p for p in reversed(self.passes) if p.trained and p.whose is whose
                            and not p.training), None)  # fmt: skip
                if one is None:
                    continue
                self.doctor.find(Finding(
                    "train-forgotten", ERROR, "training goes on in evaluation mode: train() is forgotten",
                    one.place,
                    f"{late} backwards went through {whose.kind} in evaluation mode"
                    + (f", after {whose.in_training} in training mode" if whose.in_training else "")
                    + f": its {kinds} do nothing there.",
                    "Call model.train() at the start of each epoch.",
                    (("eval", place),) if place is not None else (),
                ))  # fmt: skip

    def _seen_before(self, tested: list[Judgement]) -> None:
        found: dict[Place, list[int]] = {}
        for j in tested:
            for p in j.passes:
                if p.tests and p.count == j.rows and len(p.whose.rows) >= 16 and p.rows:
                    counts = found.setdefault(p.place, [0, 0])
                    counts[0] += sum(row in p.whose.rows for row in p.rows)
                    counts[1] += len(p.rows)
        for place, (seen, total) in found.items():
            if seen >= 8 and seen >= 0.1 * total:
                self.doctor.find(Finding(
                    "test-in-training", ERROR, "the model is tested on data that it was trained on", place,
                    f"{seen} of {total} rows that went in here ({seen / total:.0%}) are, number for number, rows "
                    "of batches that it had been trained on before: the result says little about new data.",
                    "Split the data once, before anything else, into parts that share no sample; look at the "
                    "indices of the split and at duplicates.",
                ))  # fmt: skip

    def _one_class(self) -> None:
        for place, seen in self.missed.items():
            late = seen[len(seen) // 2 :]
            if len(seen) < 10:
                continue
            total = sum(counts.sum() for counts, _ in late)
            share = sum(counts for counts, _ in late) / max(total, 1)
            chosen = sum(picked for _, picked in late)
            top = int(np.argmax(share))
            rare = total * (1 - share[top])
            if share[top] >= 0.9 and rare >= 10 and chosen[top] == chosen.sum():
                self.doctor.find(Finding(
                    "one-class", WARNING, "the classes are imbalanced, and the model knows only one", place,
                    f"{share[top]:.1%} of the labels are class {top}, and in the last {len(late)} batches looked "
                    f"at every prediction was class {top}: none of {rare:.0f} others was found.",
                    "Weights for the classes (CrossEntropyLoss(weight=...), pos_weight), a "
                    "WeightedRandomSampler, and a measure other than accuracy.",
                ))  # fmt: skip


# ---- helpers ----------------------------------------------------------------------------------------


def _callers(skip: int) -> list[str]:
    """The file of who called the wrapped method."""
    return [sys._getframe(skip + 2).f_code.co_filename]


def _acts(module: Any) -> bool:
    return getattr(module, "p", 1) > 0


def _tensors(output: Any) -> list[TensorBase]:
    if isinstance(output, TensorBase):
        return [output]
    if isinstance(output, dict):
        output = list(output.values())
    if isinstance(output, list | tuple):
        return [t for one in output for t in _tensors(one)]
    return [t for one in vars(output).values() for t in _tensors(one)] if _is_record(output) else []


def _is_record(output: Any) -> bool:
    return hasattr(output, "__dataclass_fields__")


def _variable(module: Any) -> str:
    """By which name the program holds a module."""
    frame = sys._getframe(1)
    while frame is not None:
        if kind_of(frame.f_code.co_filename) == USER:
            for name, value in [*frame.f_locals.items(), *frame.f_globals.items()]:
                if value is module and name != "self":
                    return name
        if frame.f_back is None:
            break
        frame = frame.f_back
    return ""


def _hashed(data: Any) -> list[int]:
    """A number for each row, if rows are such as do not come up twice by chance."""
    if not 8 <= len(data) <= 8192:
        return []
    flat = np.ascontiguousarray(data).reshape(len(data), -1)
    if data.dtype.kind == "f":
        if flat.shape[1] < 2 or bool((flat[:8] == np.round(flat[:8])).all() and flat.shape[1] < 16):
            return []
    elif flat.shape[1] < 16:
        return []
    found = [hash(row.tobytes()) for row in flat]
    return found if len(set(found)) > 0.9 * len(found) else []


# ---- rules ------------------------------------------------------------------------------------------


def _judged(doctor: Doctor, call: Call) -> None:
    judging, fact = doctor.judging, call.facts[0]
    if fact is None or not fact.passes or len(judging.judgements) >= _MOST_CALLS or judging.now:
        return
    target = call.inputs[1] if len(call.inputs) > 1 else call.inputs[0]
    judgement = Judgement(judging, call.place, fact.passes, target)
    judging.judgements.append(judgement)
    if call.node is None:
        return
    doctor.wait(call.node, judgement.mark)
    if call.name in _DISTANCES and isinstance(target, TensorBase):
        place, passes, goal = call.place, fact.passes, span(target._data_)

        def look() -> None:
            judging.sorting.number(place, "targets", goal)
            if goal is not None and len(passes) == 1 and passes[0].count == judgement.rows:
                judging.sorting.number(place, "inputs", passes[0].span)

        doctor.wait(call.node, look)


def _judged_by_hand(doctor: Doctor, call: Call) -> None:
    """What a model gave is held against something that was not learned, by subtraction."""
    first, second = ((f if f is not None and f.passes else None) for f in call.facts[:2])
    judging = doctor.judging
    if (first is None) == (second is None) or judging.now or len(judging.judgements) >= _MOST_CALLS:
        return
    target = call.inputs[1] if first is not None else call.inputs[0]
    passes = (first or second).passes  # type: ignore[union-attr]
    if not isinstance(target, TensorBase) or not target._data_.ndim:
        return
    judgement = Judgement(judging, call.place, passes, target)
    judgement.by_hand = True
    judging.judgements.append(judgement)
    if call.node is not None:
        doctor.wait(call.node, judgement.mark)


def _judged_by_eye(doctor: Doctor, call: Call) -> None:
    """Predictions that are compared with labels."""
    first = next((f for f in call.facts[:2] if f is not None and f.passes), None)
    if first is not None and not doctor.judging.now and len(call.inputs) > 1:
        sized = [t for t in call.inputs if isinstance(t, TensorBase) and t._data_.ndim]
        if sized and len(doctor.judging.judgements) < _MOST_CALLS:
            doctor.judging.judgements.append(
                Judgement(doctor.judging, call.place, first.passes, sized[0])
            )


def _labelled(doctor: Doctor, call: Call) -> None:
    judging = doctor.judging
    if call.node is None or judging.kept > _MOST_LABELS:
        return
    if call.name == "log_sigmoid":
        from rushlight.doctor.places import asked

        frame = asked("binary_cross_entropy_with_logits")
        if frame is None:
            return
        target = frame["target"]
    else:
        target = call.inputs[1]
    y, x = target._data_, call.inputs[0]._data_
    classes = call.name in ("cross_entropy", "nll")
    if (
        y.size != len(y.reshape(-1))
        or y.ndim > 2
        or (y.ndim == 2 and y.shape[1] != 1)
        or not y.ndim
    ):
        return
    flat = y.reshape(-1)
    if not classes and not ((flat == 0) | (flat == 1)).all():
        return
    fact, goal = call.facts[0], doctor.memory.of(target)
    alone = fact is not None and not (goal is not None and goal.learned)
    passes = fact.passes if fact is not None and alone else ()
    place, weighted = call.place, classes and len(call.inputs) > 2 and call.inputs[2] is not None

    def look() -> None:
        labels = flat.astype(np.int64)
        judging.sorting.labels.setdefault(place, []).append(labels)
        judging.kept += len(labels)
        if len(passes) == 1:
            judging.data.trained(place, passes[0], labels)
        if classes and not weighted and x.ndim == 2 and x.shape[1] <= 1000 and doctor.layers.looks:
            kept = labels[(labels >= 0) & (labels < x.shape[1])]
            counts = np.bincount(kept, minlength=x.shape[1])
            picked = np.bincount(x.argmax(axis=1), minlength=x.shape[1])
            judging.missed.setdefault(place, []).append((counts, picked))

    doctor.wait(call.node, look)


def _widens(doctor: Doctor, call: Call) -> None:
    """A view that makes a column of a row, as the program asked for it."""
    x, out = call.inputs[0], call.out
    shape, wide = x._data_.shape, out._data_.shape
    if len(shape) == 1 and wide in ((*shape, 1), (1, *shape)) and shape[0] > 1:
        widened, key = doctor.judging.widened, id(out)
        widened[key] = weakref.ref(out, lambda _: widened.pop(key, None))


def _taken_from(doctor: Doctor, call: Call) -> None:
    doctor.judging.making.taken_from(call)


def _normalised(doctor: Doctor, call: Call) -> None:
    """Batch normalisation by the batch itself."""
    x, judging = call.inputs[0]._data_, doctor.judging
    inner = judging.stack[-1] if judging.stack else None
    if call.node is None or not isinstance(inner, _NOISY[0]) or not inner.training:
        return
    alone = x.ndim >= 2 and len(x) == 1
    seen = judging.single.setdefault(call.place, [])
    if len(seen) < 1000:
        doctor.wait(call.node, lambda: seen.append(alone))


def _summed(doctor: Doctor, call: Call) -> None:
    """A number that is added to at the same line again and again, with its graph."""
    fact = call.facts[0]
    if call.node is None or call.out._data_.ndim or fact is None or doctor.judging.now:
        return
    if fact.op == "add" and fact.place == call.place and fact.learned:
        sums, place = doctor.steps.sums, call.place
        sums[place] = sums.get(place, 0) + 1

        def used() -> None:
            sums[place] -= 1

        doctor.wait(call.node, used)


__all__ = ["Judging", "Pass"]
