"""The order of things: gradients, steps, what clears and clips them, schedules, and who gets none."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rushlight import nn
from rushlight.core.tensor import TensorBase
from rushlight.doctor.facts import COPIED, owner
from rushlight.doctor.findings import ERROR, Finding
from rushlight.doctor.places import LIBRARY, Place, here, kind_of
from rushlight.optim import Optimizer, lr_scheduler

if TYPE_CHECKING:
    from rushlight.doctor.watching import Doctor


class Parameter:
    """A leaf that wants gradients: how it was used, and what became of its gradients."""

    def __init__(self, tensor: Any, order: int, place: Place | None) -> None:
        self.ref = weakref.ref(tensor)
        self.order, self.place = order, place
        self.is_parameter = isinstance(tensor, nn.Parameter)
        self.shape = tuple(tensor._data_.shape)
        self.name = ""
        # By which operation it was first used, as which input.
        self.use: tuple[str, int] | None = None
        self.uses = self.backwards = self.by_hand = 0
        self.loaded = self.library = self.was_frozen = False
        # A plain tensor that is an attribute of a module.
        self.loose = False
        # Whether it wanted no gradient when a step came by.
        self.frozen = False
        # Whether a backward has added to its gradient since it was last used or cleared.
        self.fresh = False
        # The gradient that the last step used, and who used it; None once it was cleared.
        self.stale: int | None = None
        self.used_by: Any = None
        self.wiped = False
        # Backwards that began right behind it while it was frozen.
        self.last = 0

    def ends(self) -> None:
        """A backward begins right behind it, and it is frozen."""
        self.last += 1

    @property
    def label(self) -> str:
        """What to call it."""
        shape = "x".join(map(str, self.shape)) or "scalar"
        return f"{self.name} ({shape})" if self.name else f"a parameter of shape {list(self.shape)}"


class Optimizing:
    """An optimizer and what it did."""

    def __init__(self, optimizer: Any, place: Place) -> None:
        self.ref, self.place = weakref.ref(optimizer), place
        self.kind = type(optimizer).__name__
        self.params: list[Parameter] = []
        self.steps = self.empty = self.forgot = self.wiped = self.again = self.shared = 0
        self.empty_first = False
        # Backwards whose gradients were cleared since the last step, and before any; steps after such ones.
        self.unused = self.dropped = self.behind = 0
        self.rates: list[float] = []
        self._keeps_state = False


class Scheduling:
    """A schedule and what it did."""

    def __init__(self, scheduler: Any, place: Place, whose: Optimizing | None) -> None:
        self.kind, self.place, self.whose = type(scheduler).__name__, place, whose
        self.total = getattr(scheduler, "total_steps", None)
        self.steps, self.early = 0, False
        self.first: Place | None = None
        # Of a schedule that is given a measure: how it is read, and what it was.
        self.mode = ""
        self.measures: list[float] = []


class Steps:
    """Examines backward, step and what stands between them."""

    def __init__(self, doctor: Doctor) -> None:
        self.doctor = doctor
        self.params: dict[int, Parameter] = {}
        self.owners: dict[int, Parameter] = {}
        self.optimizers: list[Optimizing] = []
        self.schedules: list[Scheduling] = []
        self.by_hand_forgot: dict[Place, int] = {}
        self.reached: list[Parameter] = []
        self.backward_place: Place | None = None
        self.step_place: Place | None = None
        self.clips = {"calls": 0, "none": 0, "late": 0}
        self.clip_place: Place | None = None
        self.sums: dict[Place, int] = {}
        # Steps of optimizers that are under way; whether there was one since the last backward, and whether that
        # went to parameters alone.
        self.inside = 0
        self.settled = True
        self.plain = False

    # ---- who is who -----------------------------------------------------------------------------

    def known(self, tensor: Any, place: Place | None = None) -> Parameter:
        """What is known of a leaf."""
        found = self.params.get(id(tensor))
        if found is None or found.ref() is not tensor:
            found = self.params[id(tensor)] = Parameter(tensor, len(self.params), place)
            whose = owner(tensor._data_)
            if whose is not None:
                self.owners[id(whose)] = found
            fact = self.doctor.memory.of(tensor)
            found.loaded = fact is not None and fact.op == COPIED
        return found

    def used(self, tensor: Any, name: str, number: int, place: Place) -> None:
        """A leaf that wants gradients takes part in an operation."""
        known = self.known(tensor, place)
        known.uses += 1
        if known.use is None:
            known.use, known.order, known.place = (name, number), len(self.params), place
            self.doctor.vain.used(tensor, place)

    def wrote(self, whose: Any) -> None:
        """Something was written into memory, outside of optimizers."""
        known = self.owners.get(id(whose))
        if known is not None and known.backwards:
            known.by_hand += 1
            if known.fresh and (tensor := known.ref()) is not None and tensor._grad is not None:
                known.stale, known.fresh = id(tensor._grad), False

    def name(self, module: Any, prefix: str) -> None:
        """The parameters of a module that the program holds under a name."""
        for path, child in module.named_modules(prefix=prefix):
            library = _of_library(module)
            for own, tensor in [*child._parameters.items(), *_loose(child)]:
                if tensor is None:
                    continue
                known = (
                    self.known(tensor) if tensor._requires_grad_ else self.params.get(id(tensor))
                )
                if known is not None and not known.name:
                    known.name = f"{path}.{own}" if path else own
                    known.library = library
                    known.loose = not known.is_parameter
                if known is not None and not tensor._requires_grad_:
                    known.was_frozen = True

    # ---- backward -------------------------------------------------------------------------------

    def backward_starts(self, roots: Sequence[Any], leaves: list[Any]) -> None:
        """Before any gradient flows: which leaves will get one, and what they hold of before."""
        self.backward_place = here()
        self.settled = False
        self.plain = all(isinstance(leaf, nn.Parameter) for leaf in leaves if leaf._requires_grad_)
        self.reached = [self.known(leaf) for leaf in leaves if leaf._requires_grad_]
        for known, leaf in zip(self.reached, [x for x in leaves if x._requires_grad_], strict=True):
            g = leaf._grad
            if known.stale is not None and (g is None or not g._data_.any()):
                known.stale = None
            elif known.stale is not None and known.by_hand and not self._optimized(known):
                self.by_hand_forgot[self.backward_place] = (
                    self.by_hand_forgot.get(self.backward_place, 0) + 1
                )
        for root in roots:
            if root._node_ is None and root._requires_grad_:
                self._nothing_behind(root)

    def _nothing_behind(self, root: Any) -> None:
        looked = self.doctor.looked
        also = ((f"last {looked[0]}", looked[1]),) if looked else ()
        self.doctor.find(Finding(
            "cut", ERROR, "backward starts at a tensor that was computed from nothing",
            self.backward_place,
            "The loss has no history (it is a leaf): no parameter can get a gradient from it. It was made "
            "anew from numbers, or set to require gradients after the graph had been cut by detach(), "
            ".data, .item(), .numpy(), torch.tensor(...) or no_grad().",
            "Compute the loss from the outputs of the model with operations of torch all the way, and do "
            "not call requires_grad_() on it.", also,
        ))  # fmt: skip

    def _optimized(self, known: Parameter) -> bool:
        return any(known in optimizing.params for optimizing in self.optimizers)

    def backward_ended(self) -> None:
        """Gradients have been added."""
        for known in self.reached:
            known.backwards += 1
            known.fresh, known.wiped, known.used_by = True, False, None

    # ---- steps ----------------------------------------------------------------------------------

    def of(self, optimizer: Any) -> Optimizing:
        """What is known of an optimizer."""
        for optimizing in self.optimizers:
            if optimizing.ref() is optimizer:
                return optimizing
        return self.made(optimizer, here())

    def made(self, optimizer: Any, place: Place) -> Optimizing:
        """A new optimizer."""
        optimizing = Optimizing(optimizer, place)
        self.optimizers.append(optimizing)
        self.doctor.judging.name_what_is_in_sight()
        self._list(optimizing, optimizer)
        return optimizing

    def _list(self, optimizing: Optimizing, optimizer: Any) -> None:
        listed = [p for group in optimizer.param_groups for p in group["params"]]
        optimizing.params = [self.known(p) for p in listed]
        group = optimizer.param_groups[0]
        optimizing._keeps_state = "betas" in group or bool(group.get("momentum"))

    def stepped(self, optimizer: Any) -> None:
        """After a step."""
        optimizing = self.of(optimizer)
        self.settled = True
        optimizing.behind += optimizing.dropped > 0
        optimizing.unused, optimizing.dropped = optimizing.unused + optimizing.dropped, 0
        listed = [p for group in optimizer.param_groups for p in group["params"]]
        if len(listed) != len(optimizing.params):
            self._list(optimizing, optimizer)
        self.step_place = here()
        optimizing.steps += 1
        optimizing.rates.append(float(optimizer.param_groups[0].get("lr", 0.0)))
        given = forgot = wiped = again = shared = 0
        for known, p in zip(optimizing.params, listed, strict=True):
            g = p._grad
            known.frozen = not p._requires_grad_
            if g is None:
                wiped += known.wiped or known.fresh
                known.fresh = known.wiped = False
                continue
            wiped += known.wiped and not known.fresh
            given += 1
            forgot += known.fresh and known.stale is not None
            if not known.fresh and known.stale == id(g):
                again += known.used_by is optimizing
                shared += known.used_by is not None and known.used_by is not optimizing
            known.stale, known.fresh, known.wiped = id(g), False, False
            known.used_by = optimizing
        optimizing.empty += not given
        if optimizing.steps == 1 and not given:
            optimizing.empty_first = True
        optimizing.forgot += bool(given) and forgot * 2 >= given
        optimizing.wiped += bool(wiped) and wiped * 2 >= len(listed)
        optimizing.again += bool(given) and again == given
        optimizing.shared += bool(shared)

    def cleared(self, params: Sequence[Any]) -> None:
        """Gradients are about to be cleared by zero_grad."""
        if not self.settled and not self.inside and self.plain:
            self.settled = True
            mine = {id(p) for p in params}
            for optimizing in self.optimizers:
                fresh = [k for k in optimizing.params if k.fresh and k.stale is None]
                if fresh and all(id(k.ref()) in mine for k in fresh):
                    optimizing.dropped += 1
        for p in params:
            known = self.params.get(id(p))
            if known is not None and known.ref() is p:
                known.wiped = known.wiped or known.fresh
                known.fresh, known.stale = False, None

    def clipped(self, params: Sequence[Any]) -> None:
        """Gradients are about to be clipped."""
        self.clips["calls"] += 1
        self.clip_place = here()
        self.doctor.vain.with_scaled("clipped")
        known = [self.known(p) for p in params]
        if all(p._grad is None for p in params):
            self.clips["none"] += 1
        elif not any(k.fresh for k in known) and any(
            k.stale is not None and k.stale == id(p._grad)
            for k, p in zip(known, params, strict=True)
        ):
            self.clips["late"] += 1

    # ---- what has no hooks -----------------------------------------------------------------------

    def wrap(self, wrap: Callable[..., None]) -> None:
        """Put wrappers around optimizers, schedules, zero_grad and clipping."""

        def made(plain: Any) -> Any:
            def init(optimizer: Any, *args: Any, **kwargs: Any) -> None:
                plain(optimizer, *args, **kwargs)
                self.made(optimizer, here())

            return init

        def cleared(plain: Any) -> Any:
            def zero_grad(owner: Any, *args: Any, **kwargs: Any) -> None:
                if isinstance(owner, Optimizer):
                    self.cleared([p for group in owner.param_groups for p in group["params"]])
                else:
                    self.cleared(list(owner.parameters()))
                plain(owner, *args, **kwargs)

            return zero_grad

        def clipped(plain: Any) -> Any:
            def clip(parameters: Any, *args: Any, **kwargs: Any) -> Any:
                one = not hasattr(parameters, "__next__") and hasattr(parameters, "_data_")
                parameters = [parameters] if one else list(parameters)
                self.clipped(parameters)
                return plain(parameters, *args, **kwargs)

            return clip

        wrap(Optimizer, "__init__", made)
        wrap(Optimizer, "zero_grad", cleared)
        wrap(nn.Module, "zero_grad", cleared)
        for place in (nn.utils, __import__("sys").modules[nn.utils.clip_grad_norm_.__module__]):
            for name in ("clip_grad_norm_", "clip_grad_value_"):
                if name in vars(place):
                    wrap(place, name, clipped)
        wrap(lr_scheduler.LRScheduler, "__init__", self._scheduled)
        for kind in _with_step(lr_scheduler.LRScheduler):
            wrap(kind, "step", self._schedule_steps)

    def _scheduled(self, plain: Any) -> Any:
        def init(scheduler: Any, optimizer: Any, *args: Any, **kwargs: Any) -> None:
            made = self._schedule(scheduler, optimizer)
            made.first = made.place  # while it makes its own first step
            plain(scheduler, optimizer, *args, **kwargs)
            made.first, made.steps, made.early = None, 0, False

        return init

    def _schedule(self, scheduler: Any, optimizer: Any) -> Scheduling:
        whose = self.of(optimizer) if isinstance(optimizer, Optimizer) else None
        made = Scheduling(scheduler, here(), whose)
        scheduler.__dict__["_watched_by_doctor"] = made
        self.schedules.append(made)
        return made

    def _schedule_steps(self, plain: Any) -> Any:
        def step(scheduler: Any, *args: Any, **kwargs: Any) -> Any:
            made = scheduler.__dict__.get("_watched_by_doctor")
            if made is None and isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):
                made = self._schedule(scheduler, scheduler.optimizer)
                made.place = Place("?", 0)  # which it is made at is not seen
            if made is not None and made.first is not made.place:
                made.total = getattr(scheduler, "total_steps", None)
                if made.steps == 0:
                    made.first = here()
                    made.early = made.whose is not None and not made.whose.steps
                made.steps += 1
                measure = args[0] if args else kwargs.get("metrics")
                if isinstance(measure, float | int) and hasattr(scheduler, "mode"):
                    made.mode = str(scheduler.mode)
                    made.measures.append(float(measure))
            return plain(scheduler, *args, **kwargs)

        return step

    # ---- the end --------------------------------------------------------------------------------

    def conclude(self, error: BaseException | None) -> None:
        """Say what was wrong with the order of things."""
        from rushlight.doctor import order

        order.conclude(self, finished=error is None or isinstance(error, SystemExit))


def _loose(module: Any) -> list[tuple[str, Any]]:
    """Tensors that want gradients and are plain attributes of a module, which does not know of them."""
    return [
        (name, value)
        for name, value in vars(module).items()
        if isinstance(value, TensorBase) and value._requires_grad_ and value._node_ is None
    ]


def _of_library(module: Any) -> bool:
    """Whether somebody else wrote a module's forward."""
    code = getattr(type(module).forward, "__code__", None)
    return code is not None and kind_of(code.co_filename) == LIBRARY


def _with_step(kind: type) -> list[type]:
    found = [kind] if "step" in vars(kind) else []
    below: type
    for below in type.__subclasses__(kind):
        found += _with_step(below)
    return found


def first_names(params: Sequence[Parameter], most: int = 4) -> str:
    """Some of the parameters, by name."""
    names = [known.label for known in params[:most]]
    more = f" and {len(params) - most} more" if len(params) > most else ""
    return ", ".join(names) + more


def found(
    kind: str, what: str, place: Place | None, why: str, advice: str, *also: tuple[str, Place],
    severity: str = ERROR,
) -> Finding:  # fmt: skip
    """A finding, in the order in which it is read."""
    return Finding(kind, severity, what, place, why, advice, also)
