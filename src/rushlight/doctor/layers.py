"""Layers and their numbers: activations, inputs, outputs, gradients through depth, updates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import nn
from rushlight.core.tensor import TensorBase
from rushlight.doctor.findings import ERROR, WARNING, Finding
from rushlight.doctor.places import Place

if TYPE_CHECKING:
    from rushlight.doctor.facts import Fact
    from rushlight.doctor.steps import Parameter
    from rushlight.doctor.watching import Call, Doctor, Rule

# Rows by which a layer takes an input and a weight, and which of their inputs the weight is.
_TAKES = ("linear", "matmul", "convolution", "convolution_transpose")
# Rows by which a ReLU is written by hand, and those that a loss begins with.
_CLIPS = ("clamp", "maximum", "where", "mul")
_DISTANCES = ("squared_distance", "rounded_distance", "sub")
# Steps whose numbers are all looked at; later ones are now and then.
_FIRST, _EVERY = 20, 10
_MOST = 4_000_000


class Activation:
    """The units of one activation: which of them were ever above 0, lately; how many are saturated."""

    def __init__(self, name: str, place: Place) -> None:
        self.name, self.place = name, place
        self.alive: Any = None
        self.calls = self.rows = self.units = 0
        self.dead: list[float] = []
        self.saturated: list[float] = []


class Layers:
    """Examines what flows through layers, and how far steps move them."""

    def __init__(self, doctor: Doctor) -> None:
        self.doctor = doctor
        self.activations: dict[Any, Activation] = {}
        self.inputs: dict[Place, list[Any]] = {}
        self.outputs: dict[Place, list[bool]] = {}
        # What the loss takes for raw scores: by which operation it was made, and where.
        self.logits: set[tuple[str, Place]] = set()
        # How large the targets of losses that compare numbers are.
        self.goals: dict[Place, float] = {}
        self.steps = 0
        self._before: dict[int, Any] = {}
        # For each step looked at: how far weights moved for their size; rms of gradients by depth.
        self.ratios: dict[Any, list[float]] = {}
        self.slopes: list[list[float]] = []
        self.totals: list[float] = []
        self.sizes: dict[Any, list[float]] = {}
        self.decay: dict[Any, float] = {}
        self.rate: dict[Any, float] = {}
        self.same: dict[Parameter, int] = {}
        # Which weight was taken last at a line.
        self.taken: dict[Place, Any] = {}

    def rules(self) -> list[tuple[str, Rule]]:
        """What is to be asked about which rows."""
        takes: list[tuple[str, Rule]] = [(name, _takes) for name in _TAKES]
        judged = ("cross_entropy", "nll", "squared_distance", "binary_cross_entropy", "log_sigmoid")
        ends: list[tuple[str, Rule]] = [(name, _ends) for name in judged]
        last: list[tuple[str, Rule]] = [(name, _last) for name in _DISTANCES]
        return [("relu", _relu), ("hardtanh", _relu), ("threshold", _relu), *takes, *ends, *last]

    @property
    def looks(self) -> bool:
        """Whether the present step is one of those that are looked at closely."""
        return self.steps < _FIRST or self.steps % _EVERY == 0

    # ---- steps ----------------------------------------------------------------------------------

    def step_begins(self, optimizer: Any) -> None:
        """Before a step: what the weights are."""
        self._before = {}
        if not self.looks:
            return
        room = _MOST
        for group in optimizer.param_groups:
            for p in group["params"]:
                if p._data_.ndim > 1 and p._data_.dtype.kind == "f" and p._data_.size <= room:
                    room -= p._data_.size
                    self._before[id(p)] = p._data_.copy()

    def stepped(self, optimizer: Any) -> None:
        """After a step: how far they moved, and against which gradients."""
        before, self._before = self._before, {}
        self.steps += 1
        if not before:
            return
        steps = self.doctor.steps
        whose = steps.of(optimizer)
        ratios, size, total, slopes = [], 0.0, 0.0, []
        for group in optimizer.param_groups:
            for p in group["params"]:
                old = before.get(id(p))
                if old is None:
                    continue
                known = steps.known(p)
                length = float(np.linalg.norm(old))
                size += length**2
                if p._grad is None or p._grad.is_sparse:
                    continue
                if length > 1e-8:
                    ratios.append(float(np.linalg.norm(p._data_ - old)) / length)
                g = p._grad._data_
                slope = float(np.linalg.norm(g))
                total += slope**2
                if known.use is not None:
                    slopes.append((known.order, slope / max(1, g.size) ** 0.5))
                self._symmetry(known, p._data_)
        group = optimizer.param_groups[0]
        self.decay[whose] = float(group.get("weight_decay") or 0.0)
        self.rate[whose] = float(group.get("lr") or 0.0)
        self.sizes.setdefault(whose, []).append(size**0.5)
        self.totals.append(total**0.5 / max(size**0.5, 1e-12))
        self.doctor.vain.flat.append(not total and bool(slopes))
        if ratios:
            self.ratios.setdefault(whose, []).append(float(np.median(ratios)))
        if len(slopes) >= 5:
            self.slopes.append([slope for _, slope in sorted(slopes)])

    def _symmetry(self, known: Parameter, data: Any) -> None:
        """Count how often a weight is seen whose units are all the same, after steps."""
        use = known.use
        if use is None or use[0] not in _TAKES or use[1] != 1 or data.ndim < 2:
            return
        flat = data.reshape(data.shape[0], -1)
        if use[0] == "matmul":
            flat = data.reshape(-1, data.shape[-1]).T
        alike = len(flat) > 1 and bool((flat == flat[:1]).all())
        self.same[known] = self.same.get(known, 0) + 1 if alike else -(10**9)

    # ---- the end --------------------------------------------------------------------------------

    def conclude(self, error: BaseException | None) -> None:
        """Say what the numbers show."""
        self._units()
        self._inputs()
        self._outputs()
        self._symmetric()
        self._depth()
        self._size()
        self._weights()
        self.doctor.numbers.rates(self)

    def _units(self) -> None:
        for a in self.activations.values():
            where = f"{a.name} " if a.name else ""
            if a.dead and a.rows >= 64:
                late = a.dead[len(a.dead) // 2 :]
                if min(late) >= 0.8:
                    whole = min(late) >= 0.999
                    self.doctor.find(Finding(
                        "dead-relu", ERROR if whole else WARNING,
                        f"{'all' if whole else 'most'} units of a ReLU are dead", a.place,
                        f"{where}({a.units} units): {np.mean(late):.0%} of them gave 0 for every sample of the "
                        f"last batches ({a.rows} samples seen). No gradient passes them, so that they stay "
                        "as they are.",
                        "A smaller learning rate, normalised inputs, Kaiming initialisation with a bias of 0; or "
                        "LeakyReLU or GELU.",
                    ))  # fmt: skip
            if len(a.saturated) >= 5:
                many = [s > 0.8 for s in a.saturated]
                if many[0] and np.mean(many) >= 0.8:
                    self.doctor.find(Finding(
                        "saturated", WARNING, f"a {a.name} is saturated", a.place,
                        f"{np.mean(a.saturated):.0%} of its results lie within a thousandth of their bounds, "
                        "from the first batch on: its derivative is nearly 0 there, and hardly any gradient "
                        "passes.",
                        "Normalise the inputs, initialise the weights smaller (Xavier), put a normalisation layer "
                        "before it, or take ReLU or GELU.",
                    ))  # fmt: skip

    def _inputs(self) -> None:
        for place, seen in self.inputs.items():
            if not seen:
                continue
            usual = float(np.median([found[0] for found in seen]))
            rms, low, high, whole, ratio = max(seen, key=lambda found: found[0])
            if rms > 20 and usual < 0.01 * rms and len(seen) > 2:
                self.doctor.find(Finding(
                    "outlier", WARNING, "a batch has inputs far outside of what others have", place,
                    f"In one of the first {len(seen)} batches, the inputs range from {low:.4g} to {high:.4g} (root "
                    f"mean square {rms:.3g}, in the others {usual:.3g}).",
                    "Look for broken samples (units, missing values written as numbers), and leave them out or clip "
                    "them.",
                ))  # fmt: skip
            elif rms > 20:
                image = whole and low >= 0 and 100 < high <= 255
                self.doctor.find(Finding(
                    "inputs-large", WARNING, "the inputs are not normalised", place,
                    f"The first layer is given numbers from {low:.4g} to {high:.4g} (root mean square "
                    f"{rms:.3g}); weights are initialised for inputs of about 1.",
                    "They look like bytes of images: divide by 255, and subtract the mean." if image else
                    "Subtract the mean of each feature and divide by its standard deviation (those of the "
                    "training data).",
                ))  # fmt: skip
            elif 0 < max(map(abs, (low, high))) < 0.02:
                self.doctor.find(Finding(
                    "inputs-small", WARNING, "the inputs are next to nothing", place,
                    f"The first layer is given numbers from {low:.4g} to {high:.4g}: weights are initialised for "
                    "inputs of about 1, and hardly see them.",
                    "Were images divided by 255 twice (ToTensor does it, too)? Else subtract the mean of each feature "
                    "and divide by its standard deviation.",
                ))  # fmt: skip
            elif ratio > 1e3:
                self.doctor.find(Finding(
                    "inputs-large", WARNING, "the features of the inputs have very different scales", place,
                    f"The standard deviations of the columns differ by a factor of {ratio:.3g}: a learning rate "
                    "that suits one is wrong for the others.",
                    "Subtract the mean of each feature and divide by its standard deviation.",
                ))  # fmt: skip

    def _outputs(self) -> None:
        for place, constant in self.outputs.items():
            late = constant[len(constant) // 2 :]
            if len(late) >= 5 and np.mean(late) >= 0.9:
                self.doctor.find(Finding(
                    "constant-output", ERROR, "the model gives the same output for every sample", place,
                    f"In {sum(late)} of the last {len(late)} batches, the outputs did not differ between "
                    "samples, though the inputs did.",
                    "Look for dead or saturated layers, weights initialised to constants, a learning rate that "
                    "is too large, and for a sum or mean over the batch in forward.",
                ))  # fmt: skip

    def _symmetric(self) -> None:
        alike = [known for known, count in self.same.items() if count >= 3]
        if alike:
            names = ", ".join(known.label for known in alike[:3])
            self.doctor.find(Finding(
                "symmetric", ERROR, "all units of a layer are the same", alike[0].place,
                f"{names}: after {self.steps} steps the weights of all its units are equal. They started equal, "
                "get equal gradients, and stay one unit for ever.",
                "Initialise weights at random (the default of nn.Linear, nn.init.kaiming_uniform_, "
                "xavier_uniform_); only biases may start at 0.",
            ))  # fmt: skip

    def _depth(self) -> None:
        early = self.slopes[:10]
        if len(early) < 5:
            return
        place = next((k.place for k in self.doctor.steps.params.values() if k.use), None)
        pairs = [(np.median(s[:2]), np.median(s[-2:])) for s in early]
        ratios = [first / last for first, last in pairs if last > 0]
        depth = len(early[0])
        if ratios and depth >= 6 and 0 < np.median(ratios) < 1e-5:
            self.doctor.find(Finding(
                "vanishing", WARNING, "gradients vanish on their way to the first layers", place,
                f"The gradients of the first of {depth} weights are {np.median(ratios):.1e} times those of the "
                "last: the first layers hardly learn.",
                "ReLU or GELU instead of sigmoid or tanh, residual connections, normalisation layers, or an "
                "initialisation for this depth (Kaiming, Xavier).",
            ))  # fmt: skip

    def _size(self) -> None:
        wide = [t for t in self.totals if np.isfinite(t)]
        if len(wide) >= 5 and np.median(wide) > 1e3 and self.doctor.numbers.got_worse():
            place, size = max(self.goals.items(), key=lambda goal: goal[1], default=(None, 0.0))
            if size > 300:
                self.doctor.find(Finding(
                    "targets-large", ERROR, "the targets are not normalised", place,
                    f"Their root mean square is {size:.3g}, and the outputs of a new network are about 1: gradients "
                    f"are {np.median(wide):.1e} times the weights, and the loss does not fall.",
                    "Subtract the mean of the training targets and divide by their standard deviation; undo it for "
                    "what is reported.",
                ))  # fmt: skip
            self.doctor.find(Finding(
                "exploding", ERROR, "gradients explode", self.doctor.steps.backward_place,
                f"Their norm is {np.median(wide):.1e} times that of the weights, and the loss does not fall.",
                "Clip them (nn.utils.clip_grad_norm_ between backward and step), lower the learning rate, "
                "normalise inputs and targets.",
            ))  # fmt: skip

    def _weights(self) -> None:
        for whose, sizes in self.sizes.items():
            decay = self.decay.get(whose, 0.0)
            if decay > 0 and len(sizes) >= 10 and sizes[-1] < 0.05 * sizes[0]:
                self.doctor.find(Finding(
                    "weights-vanish", ERROR, "weight decay makes the weights vanish", whose.place,
                    f"With weight_decay={decay:g} (lr={self.rate[whose]:g}) the norm of all weights fell from "
                    f"{sizes[0]:.3g} to {sizes[-1]:.3g}.",
                    "A weight decay of 1e-4 to 1e-2 is usual (up to 0.1 with AdamW).",
                ))  # fmt: skip


# ---- rules ----------------------------------------------------------------------------------------


def _relu(doctor: Doctor, call: Call) -> None:
    """Which units were above 0; looked at when a backward comes by."""
    if (
        call.node is not None
        and call.static.get("low", 0.0) == 0
        and call.static.get("value", 0.0) == 0
    ):
        _alive(doctor, call.node, call.out._data_, call.place)


def _alive(doctor: Doctor, node: Any, data: Any, place: Place) -> None:
    """Look, once a backward comes by, which units gave more than 0."""
    if data.ndim < 2 or not doctor.layers.looks:
        return
    layers, judging = doctor.layers, doctor.judging
    key = (place, judging.turn(place), data.shape[1])

    def look() -> None:
        a = layers.activations.get(key)
        if a is None:
            a = layers.activations[key] = Activation(judging.path, place)
        unit = data.ndim - 1 if data.ndim == 3 else 1
        alive = (data > 0).any(axis=tuple(d for d in range(data.ndim) if d != unit))
        a.units = len(alive)
        if a.alive is None or len(a.alive) != len(alive):
            a.alive = alive
        else:
            a.alive = a.alive | alive
        a.calls += 1
        a.rows += data.shape[0]
        if a.calls % 5 == 0:
            a.dead.append(1 - float(a.alive.mean()))
            a.alive = None

    doctor.wait(node, look)


def _takes(doctor: Doctor, call: Call) -> None:
    """A layer with its input: a saturated activation before it, or data that is not normalised."""
    fact, x, layers = call.facts[0], call.inputs[0], doctor.layers
    weight = call.inputs[1]
    if isinstance(weight, nn.Parameter):
        layers.taken[call.place] = weight
    if call.node is None or not isinstance(x, TensorBase) or not isinstance(weight, TensorBase):
        return
    if not layers.looks or x._data_.dtype.kind != "f" or x._data_.ndim < 2:
        return
    if fact is not None and fact.op in ("sigmoid", "tanh") and fact.learned:
        _bounded(doctor, call.node, x._data_, fact, doctor.judging.turn(call.place))
    elif fact is not None and fact.op in _CLIPS and fact.learned and x._requires_grad_:
        if float(x._data_.min(initial=0.0)) == 0:
            _alive(doctor, call.node, x._data_, fact.place)
    elif weight._requires_grad_ and not (x._requires_grad_ or (fact is not None and fact.learned)):
        data, seen = x._data_, layers.inputs.setdefault(call.place, [])
        if len(seen) < 5:
            doctor.wait(call.node, lambda: seen.append(_scale(data)))


def _bounded(doctor: Doctor, node: Any, data: Any, hidden: Fact, turn: int) -> None:
    """Look, once a backward comes by, how much of a sigmoid or tanh is near its bounds."""
    key = (hidden.place, hidden.op, turn)

    def look() -> None:
        a = doctor.layers.activations.setdefault(key, Activation(hidden.op, hidden.place))
        near = data if hidden.op == "sigmoid" else (data + 1) / 2
        a.saturated.append(float(np.mean((near < 1e-3) | (near > 1 - 1e-3))))

    doctor.wait(node, look)


def _last(doctor: Doctor, call: Call) -> None:
    """A distance to targets: whether the activation that the model ends in is saturated."""
    if call.node is None or not doctor.layers.looks:
        return
    goal = call.inputs[1]
    if (
        call.name != "sub"
        and isinstance(goal, TensorBase)
        and not goal._requires_grad_
        and goal._data_.size
    ):
        first = goal._data_[:512] if goal._data_.ndim else goal._data_
        doctor.layers.goals[call.place] = _rms(np.asarray(first, np.float64))
    for fact, x in zip(call.facts[:2], call.inputs[:2], strict=False):
        if (
            fact is not None
            and fact.op in ("sigmoid", "tanh")
            and fact.learned
            and x._requires_grad_
        ):
            _bounded(doctor, call.node, x._data_, fact, -1)


def _rms(x: Any) -> float:
    return float(np.sqrt(np.mean(x * x)))


def _scale(data: Any) -> tuple[float, float, float, bool, float]:
    """Root mean square, bounds, whether they are whole numbers, and how far columns differ in scale."""
    x = np.asarray(data[:512], dtype=np.float64)
    ratio = 1.0
    if x.ndim == 2 and len(x) >= 8:
        widths = x.std(axis=0)
        widths = widths[widths > 0]
        # Counts and flags that are seldom set are narrow by nature.
        if 1 < len(widths) <= 100:
            ratio = float(widths.max() / widths.min()) if widths.max() > 3 else 1.0
    return (
        _rms(x), float(x.min()), float(x.max()),
        bool((x == np.round(x)).all()), ratio,
    )  # fmt: skip


def _ends(doctor: Doctor, call: Call) -> None:
    """What a loss is given: whether it differs between the samples of a batch."""
    x, fact = call.inputs[0]._data_, call.facts[0]
    if call.node is None or fact is None or not fact.learned or x.ndim < 1 or len(x) < 8:
        return
    last = doctor.layers.taken.get(fact.place) if fact.op in _TAKES else None
    if last is not None and not last._requires_grad_:
        doctor.wait(call.node, doctor.steps.known(last, fact.place).ends)
    passes = [one for one in fact.passes if one.learned]
    if not doctor.layers.looks or not passes or not all(one.varied for one in passes):
        return
    rows, place = x[:64], passes[-1].place

    def look() -> None:
        spread = np.asarray(rows, dtype=np.float64)
        wide = float(spread.std(axis=0).max())
        size = float(np.abs(spread).max())
        doctor.layers.outputs.setdefault(place, []).append(wide <= 1e-6 * (size + 1e-3))

    doctor.wait(call.node, look)
