"""What a program does in vain: switches that nobody reads, values that go nowhere, the same thing again."""

from __future__ import annotations

import difflib
import linecache
import re
import sys
import weakref
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rushlight import nn, random
from rushlight.amp.grad_scaler import GradScaler
from rushlight.core.tensor import TensorBase
from rushlight.doctor.facts import owner
from rushlight.doctor.findings import WARNING
from rushlight.doctor.places import USER, Place, calls_of_users, here, kind_of, said_to_test
from rushlight.doctor.steps import found
from rushlight.nn.modules.state import StateMethods
from rushlight.utils.data import dataloader
from rushlight.utils.data.sampler import SequentialSampler

if TYPE_CHECKING:
    from rushlight.doctor.steps import Parameter
    from rushlight.doctor.watching import Call, Doctor

# Rows that give whole numbers, and so have a derivative of 0 everywhere.
WHOLE = ("round", "sign", "floor", "ceil", "trunc")
# So often something is done before it is said to be a habit.
_OFTEN = 5


class Iterations:
    """Where a loader was begun anew, how many batches were taken each time, and steps between."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.steps: list[int] = []


class Vain:
    """Examines what has no effect, or the same one each time."""

    def __init__(self, doctor: Doctor) -> None:
        self.doctor = doctor
        self.states: dict[int, tuple[Any, Place, int]] = {}
        self.loaders: dict[tuple[int, Place], tuple[Any, Iterations]] = {}
        self.began: weakref.WeakKeyDictionary[Any, Iterations]
        self.began = weakref.WeakKeyDictionary()
        self.seeds: dict[tuple[Place, int], list[int]] = {}
        self.rates: dict[int, Any] = {}
        # By where it was computed: values that `p - rate * p.grad` gave, and of which parameters.
        self.lost: dict[Place, list[Parameter]] = {}
        # Layers that a module uses and does not hold, by where; how many there were.
        self.foreign: dict[Place, int] = {}
        # The losses that a backward has gone through, each with the step; of how many steps some were alive at once.
        self.losses: list[tuple[weakref.ref[Any], int]] = []
        self.kept: tuple[int, Place] | None = None
        self.scaled = self.unscaled = self.stepping = False
        self.rounded: Place | None = None
        # For each step looked at, whether all gradients were exactly 0.
        self.flat: list[bool] = []

    def wrap(self, wrap: Callable[..., None]) -> None:
        """Put wrappers around what has no hooks."""
        wrap(nn.Module, "__setattr__", self._set)
        wrap(StateMethods, "state_dict", self._state)
        wrap(StateMethods, "load_state_dict", self._loads)
        wrap(dataloader.DataLoader, "__iter__", self._begins)
        wrap(dataloader._BaseDataLoaderIter, "__next__", self._takes)
        for place in (sys.modules["rushlight"], random):
            wrap(place, "manual_seed", self._seeds)
        for name, around in (("scale", self._scales), ("unscale_", self._unscales),
                             ("step", self._scaler_steps), ("update", self._updates)):  # fmt: skip
            wrap(GradScaler, name, around)

    # ---- switches ---------------------------------------------------------------------------------

    def _set(self, plain: Any) -> Any:
        def setting(module: Any, name: str, value: Any) -> None:
            if name == "requires_grad" and isinstance(value, bool):
                frame = sys._getframe(1)
                if kind_of(frame.f_code.co_filename) == USER and "self" not in frame.f_locals:
                    word = "frozen" if not value else "to be trained"
                    self.doctor.find(found(
                        "no-such-switch", "requires_grad of a module is set, which nobody reads", here(),
                        f"{type(module).__name__} got an attribute `requires_grad`; its parameters are as they were, "
                        f"and are not {word} by it.",
                        f"layer.requires_grad_({value}), with the underscore, sets it for all of its parameters.",
                    ))  # fmt: skip
            plain(module, name, value)

        return setting

    def stepped(self, optimizer: Any) -> None:
        """A step was made: what is set beside its groups has no effect."""
        if self.doctor.report.steps == 2:
            self._misspelled()
        given = optimizer.defaults.get("lr")
        first = self.rates.setdefault(id(optimizer), given)
        ours = type(optimizer).__module__.partition(".")[0] in ("torch", "rushlight")
        place = self.doctor.steps.step_place or here()
        groups = [group.get("lr") for group in optimizer.param_groups]
        own = getattr(optimizer, "lr", None)
        for wrong, value, pattern, said in (
            (ours and "lr" in vars(optimizer), own, r"\.lr\s*[-+*/]?=[^=]", "optimizer.lr"),
            (first is not given and first != given, given, r"\.defaults\b.*=[^=]", 'optimizer.defaults["lr"]'),
        ):  # fmt: skip
            if wrong and value not in groups:
                self.doctor.find(found(
                    "no-such-switch", f"{said} is set, which no step reads", _written(place, pattern),
                    f"The learning rate of {type(optimizer).__name__} stands in its groups, and is still {groups[0]:g} "
                    "there.",
                    'for group in optimizer.param_groups: group["lr"] = rate; or a schedule of lr_scheduler.',
                ))  # fmt: skip

    def _misspelled(self) -> None:
        for known in self.doctor.steps.params.values():
            tensor = known.ref()
            if tensor is None:
                continue
            for name in vars(tensor):
                if difflib.SequenceMatcher(None, name, "requires_grad").ratio() > 0.85:
                    place = known.place or Place("?", 0)
                    self.doctor.find(found(
                        "no-such-switch", f"`{name}` is set, which nobody reads",
                        _written(place, rf"\.{name}\s*=[^=]"),
                        f"{known.label} has an attribute of this name; what counts is `requires_grad`, which is "
                        f"{tensor._requires_grad_}.",
                        "Write requires_grad, with an s.",
                    ))  # fmt: skip
                    return

    # ---- states -----------------------------------------------------------------------------------

    def _state(self, plain: Any) -> Any:
        def state_dict(module: Any, *args: Any, **kwargs: Any) -> Any:
            state = plain(module, *args, **kwargs)
            if not args and "destination" not in kwargs and isinstance(state, dict):
                key, states = id(state), self.states
                try:
                    ref = weakref.ref(state, lambda _: states.pop(key, None))
                except TypeError:
                    return state
                states[key] = ref, here(), self.doctor.report.steps
            return state

        return state_dict

    def _loads(self, plain: Any) -> Any:
        def load_state_dict(module: Any, state: Any, *args: Any, **kwargs: Any) -> Any:
            told = self.states.get(id(state))
            own = {id(owner(p._data_)) for p in module.parameters()}
            same = told is not None and all(
                id(owner(t._data_)) in own for t in state.values() if isinstance(t, nn.Parameter | TensorBase)
                and t._data_.dtype.kind == "f" and not _is_buffer(module, t)
            )  # fmt: skip
            if told is not None and same and own and self.doctor.report.steps > told[2]:
                self.doctor.find(found(
                    "state-shared", "the weights that were kept went on changing", told[1],
                    f"state_dict() gives the parameters themselves, no copy: {self.doctor.report.steps - told[2]} "
                    "steps later they are loaded, and are the very weights that the model has.",
                    "copy.deepcopy(model.state_dict()), or torch.save it to a file.", ("loaded", here()),
                ))  # fmt: skip
            result = plain(module, state, *args, **kwargs)
            names = len(dict(module.named_parameters()))
            missing: Any = getattr(result, "missing_keys", ())
            if names and state and len(missing) >= len(module.state_dict()):
                self.doctor.find(found(
                    "nothing-loaded", "none of the weights in the file is loaded", here(),
                    f"With strict=False names that do not fit are passed over, and here all {len(missing)} of the "
                    f"model's are: it waits for {missing[0]!r}, and there is {next(iter(state))!r}.",
                    "Rename what is in the file, as {k.removeprefix('module.'): v for k, v in state.items()}, and "
                    "look at the missing_keys that load_state_dict returns.",
                ))  # fmt: skip
            return result

        return load_state_dict

    # ---- the same again ----------------------------------------------------------------------------

    def _begins(self, plain: Any) -> Any:
        def begin(loader: Any) -> Any:
            made = plain(loader)
            calls = calls_of_users()
            in_order = isinstance(loader.sampler, SequentialSampler) and len(loader) > 1
            if in_order and calls and not said_to_test(calls):
                key = id(loader), calls[0][0]
                _, seen = self.loaders.setdefault(key, (weakref.ref(loader), Iterations()))
                seen.taken.append(0)
                seen.steps.append(self.doctor.report.steps)
                self.began[made] = seen
            return made

        return begin

    def _takes(self, plain: Any) -> Any:
        def take(iterator: Any) -> Any:
            batch = plain(iterator)
            seen = self.began.get(iterator)
            if seen is not None:
                seen.taken[-1] += 1
            return batch

        return take

    def _seeds(self, plain: Any) -> Any:
        def manual_seed(seed: Any) -> Any:
            if kind_of(sys._getframe(1).f_code.co_filename) == USER:
                self.seeds.setdefault((here(), int(seed)), []).append(self.doctor.report.steps)
            return plain(seed)

        return manual_seed

    # ---- scaled gradients ---------------------------------------------------------------------------

    def _scales(self, plain: Any) -> Any:
        def scale(scaler: Any, outputs: Any) -> Any:
            self.scaled, self.unscaled = scaler.is_enabled(), False
            return plain(scaler, outputs)

        return scale

    def _unscales(self, plain: Any) -> Any:
        def unscale_(scaler: Any, optimizer: Any) -> None:
            self.unscaled = True
            plain(scaler, optimizer)

        return unscale_

    def _scaler_steps(self, plain: Any) -> Any:
        def step(scaler: Any, *args: Any, **kwargs: Any) -> Any:
            self.stepping = True
            try:
                return plain(scaler, *args, **kwargs)
            finally:
                self.stepping = False

        return step

    def _updates(self, plain: Any) -> Any:
        def update(scaler: Any, *args: Any, **kwargs: Any) -> None:
            plain(scaler, *args, **kwargs)
            self.scaled = self.unscaled = False

        return update

    def with_scaled(self, does: str) -> None:
        """Gradients are used: clipped, or by a step."""
        if not self.scaled or self.unscaled or self.stepping:
            return
        clips = does == "clipped"
        self.doctor.find(found(
            "scaled-gradients", f"gradients are {does} while they are scaled", here(),
            "The loss went through GradScaler.scale, so that gradients are as many times too large (65536 at first): "
            + ("the limit holds for those, and what is left is next to nothing." if clips else
               "a step with them is as many times too long."),
            "scaler.unscale_(optimizer) before they are clipped or looked at." if clips else
            "scaler.step(optimizer) and scaler.update() instead of optimizer.step().",
        ))  # fmt: skip

    # ---- gradients that lead nowhere ------------------------------------------------------------------

    def passed(self, root: Any, place: Place) -> None:
        """A backward has gone through a loss: look how many of those before are still alive."""
        if root._node_ is None:
            return
        self.losses = [(ref, step) for ref, step in self.losses if ref() is not None]
        count = len({step for _, step in self.losses})
        if count >= 2 * _OFTEN and (self.kept is None or count > self.kept[0]):
            self.kept = count, place
        self.losses.append((weakref.ref(root._node_), self.doctor.report.steps))

    def used(self, tensor: Any, place: Place) -> None:
        """A parameter takes part in an operation for the first time: look whether the module that runs holds it."""
        stack = self.doctor.judging.stack
        if stack and isinstance(tensor, nn.Parameter):
            held = any(tensor is p for p in stack[0].parameters())
            self.foreign[place] = self.foreign.get(place, 0) + (not held)

    def conclude(self, error: BaseException | None) -> None:
        """Say what was in vain."""
        doctor, steps = self.doctor, self.doctor.steps
        for (_, place), (_, seen) in self.loaders.items():
            pace = [b - a for a, b in pairwise(seen.steps)]
            if (
                len(pace) >= _OFTEN
                and set(seen.taken) == {1}
                and 1 <= sorted(pace)[len(pace) // 2] <= 2
            ):
                doctor.find(found(
                    "same-batch", "each step is made with the first batch", place,
                    f"{len(seen.taken)} times the loader was begun anew and one batch was taken; it does not shuffle, "
                    "so that this is the same one each time, and the rest of the data is never seen.",
                    "for x, y in loader: ..., or make the iterator once, before the loop; and shuffle=True.",
                ))  # fmt: skip
        for (place, seed), at in self.seeds.items():
            pace = [b - a for a, b in pairwise(at)]
            if len(pace) >= 2 * _OFTEN and 1 <= sorted(pace)[len(pace) // 2] <= 2:
                doctor.find(found(
                    "seed-in-loop", "random numbers begin anew in each step", place,
                    f"manual_seed({seed}) was called {len(at)} times, once in a step or two: masks of dropout, noise "
                    "and the choice of samples are the same each time.",
                    "Set the seed once, at the start of the program.", severity=WARNING,
                ))  # fmt: skip
        active = any(o.steps for o in steps.optimizers)
        for place, lost in self.lost.items():
            idle = [k for k in dict.fromkeys(lost) if not k.by_hand and k.backwards >= 3]
            if idle and not active and len(lost) >= 3 * len(idle):
                doctor.find(found(
                    "update-lost", "an update is computed, and changes no parameter", place,
                    f"{len(lost)} times a step was computed of a parameter and its gradient; `p = p - ...` gives the "
                    "name to a new tensor, and the model's own parameter stays as it is.",
                    "Under torch.no_grad(): p -= lr * p.grad (in place), or take an optimizer of torch.optim.",
                ))  # fmt: skip
        made = doctor.report.steps
        for place, count in self.foreign.items():
            if active and count >= _OFTEN and count * 2 >= made:
                doctor.find(found(
                    "layer-anew", "a layer is made anew in each call of forward", place,
                    f"{count} different parameters were used there, none of which the module holds, in {made} "
                    "steps: each is random, used once, and never trained.",
                    "Make layers in __init__, as attributes, and call them in forward.",
                ))  # fmt: skip
        if self.kept is not None:
            self._keeps(*self.kept)
        flat = sum(self.flat)
        if self.rounded is not None and flat >= _OFTEN and flat * 2 >= len(self.flat):
            doctor.find(found(
                "zero-gradient", "all gradients are exactly 0: the loss comes from rounded values", self.rounded,
                f"In {flat} of {len(self.flat)} steps no parameter had a gradient other than 0. What is rounded is "
                "flat: its derivative is 0 everywhere.",
                "Round only what is reported. If it has to be in the loss, take the straight-through estimator, "
                "x + (x.round() - x).detach().",
            ))  # fmt: skip

    def _keeps(self, count: int, place: Place) -> None:
        name = re.search(r"(\w+)\.backward\(", place.source)
        pattern = rf"append\({name[1]}\)" if name else r"append\("
        line = _written(place, pattern)
        if line == place and any(self.doctor.steps.sums.values()):
            return  # in a sum, which is said of that line
        self.doctor.find(found(
            "loss-kept", "losses are kept with their graphs", line,
            f"Losses of {count} steps, which backward had gone through, were alive at once: each holds its graph, and "
            "memory grows with each batch.",
            "Keep loss.item() (or loss.detach()).", severity=WARNING,
        ))  # fmt: skip


def _is_buffer(module: Any, tensor: Any) -> bool:
    whose = owner(tensor._data_)
    return any(owner(b._data_) is whose for b in module.buffers())


def _written(place: Place, pattern: str) -> Place:
    """The line of a file at which something is written; the place itself if there is none."""
    for number, line in enumerate(linecache.getlines(place.file), 1):
        if re.search(pattern, line.partition("#")[0]):
            return Place(place.file, number)
    return place


# ---- rules ------------------------------------------------------------------------------------------


def _moved(doctor: Doctor, call: Call) -> None:
    """A parameter, minus something of its own shape, while nothing is recorded."""
    x, y = call.inputs[:2]
    if call.node is not None or not (isinstance(x, TensorBase) and isinstance(y, TensorBase)):
        return
    known = doctor.steps.owners.get(id(owner(x._data_)))
    if known is None or not known.is_parameter or not known.fresh:
        return
    if x._data_.shape == y._data_.shape == known.shape:
        doctor.vain.lost.setdefault(call.place, []).append(known)


def _rounds(doctor: Doctor, call: Call) -> None:
    if call.node is not None:
        doctor.wait(call.node, lambda: setattr(doctor.vain, "rounded", call.place))


RULES = [("sub", _moved), *((name, _rounds) for name in WHOLE)]
