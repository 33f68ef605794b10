"""The base of the schedulers: how a learning rate gets into the optimizer's groups, and when."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from rushlight._tensor import Tensor
from rushlight.core import doors
from rushlight.errors import warn
from rushlight.optim.optimizer import Optimizer

Rate = float | Tensor
Step = TypeVar("Step", bound=Callable[..., Any])

EPOCH_WARNING = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where "
    "possible. Please use `scheduler.step()` to step the scheduler. If epoch is different from "
    "None, the closed form is used instead of the chainable form, where available."
)
_ORDER_WARNING = (
    "Detected call of `lr_scheduler.step()` before `optimizer.step()`. Call them in the opposite "
    "order: `optimizer.step()` before `lr_scheduler.step()`.  Failure to do this will result in "
    "skipping the first value of the learning rate schedule."
)
_OVERRIDDEN_WARNING = (
    "Seems like `optimizer.step()` has been overridden after learning rate scheduler "
    "initialization. Please, make sure to call `optimizer.step()` before `lr_scheduler.step()`."
)
_GET_LR_WARNING = (
    "To get the last learning rate computed by the scheduler, please use `get_last_lr()`."
)


def group_values(optimizer: Optimizer, key: str) -> list[Any]:
    """What each parameter group has under key; tensors are copied, so that nothing is shared."""
    found = (group[key] for group in optimizer.param_groups)
    return [value.clone() if isinstance(value, Tensor) else value for value in found]


def set_group_value(group: dict[str, Any], key: str, value: Rate) -> None:
    """Put value into a group; a tensor that is there keeps its identity and is filled."""
    if isinstance(group[key], Tensor):
        group[key].fill_(float(value))
    else:
        group[key] = value


def per_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """One value for each group, from a list of them or from a single one."""
    groups = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        value = [value] * groups
    elif len(value) != groups:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. "
            f"{name} has {len(value)} values, param_groups has {groups}."
        )
    return [v.clone() if isinstance(v, Tensor) else v for v in value]


def check_optimizer(optimizer: Any) -> Optimizer:
    """The optimizer itself, or TypeError where it is none."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    return optimizer


def _note_steps(optimizer: Optimizer) -> None:
    """Let optimizer.step leave a note that it was called, so that a wrong order can be seen."""
    if hasattr(optimizer.step, "_wrapped_by_lr_sched"):
        return
    # The wrapper lives on the optimizer: a strong reference back would keep both alive.
    owner = weakref.ref(optimizer)
    step: Callable[..., Any] = optimizer.step.__func__  # type: ignore[attr-defined]

    @functools.wraps(step)
    def noted(*args: Any, **kwargs: Any) -> Any:
        optimizer = owner()
        optimizer._opt_called = True  # type: ignore[union-attr]
        return step(optimizer, *args, **kwargs)

    noted._wrapped_by_lr_sched = True  # type: ignore[attr-defined]
    optimizer.step = noted  # type: ignore[method-assign]


def performed(step: Step) -> Step:
    """A scheduler's `step`: Python, with numbers, that whoever does a step again runs again."""

    @functools.wraps(step)
    def through_the_door(self: Any, *args: Any, **kwargs: Any) -> Any:
        if doors.watching:
            return doors.perform(functools.partial(step, self, **kwargs), *args)
        return step(self, *args, **kwargs)

    return through_the_door  # type: ignore[return-value]


class LRScheduler:
    """Base class: a subclass says in get_lr what the rate of each group is at `last_epoch`.

    `last_epoch=-1` starts afresh and keeps the groups' rates as `initial_lr`; any other value
    resumes, and the groups must have `initial_lr` (KeyError otherwise).

    >>> import rushlight as torch
    >>> class Halved(torch.optim.lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         return [base / 2**self.last_epoch for base in self.base_lrs]
    """

    optimizer: Optimizer
    base_lrs: list[Any]
    last_epoch: int
    _last_lr: list[Any]
    _step_count: int
    _get_lr_called_within_step: bool = False
    _is_initial: bool = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = performed(cls.step)  # type: ignore[method-assign]

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = check_optimizer(optimizer)
        if last_epoch == -1:
            rates = group_values(optimizer, "lr")
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group.setdefault("initial_lr", rate)
        for index, group in enumerate(optimizer.param_groups):
            if "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{index}] when resuming "
                    f"scheduler with last_epoch >= 0: load the optimizer's state_dict first, or "
                    f"leave last_epoch at -1 for a fresh run"
                )
        self.base_lrs = group_values(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        _note_steps(optimizer)
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer, as a dict."""
        return self._state_without("optimizer")

    def _state_without(self, *left_out: str) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key not in left_out}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what state_dict() gave."""
        self.__dict__.update(state_dict)

    def get_last_lr(self) -> list[Any]:
        """The rate of each group, as last set by this scheduler."""
        return self._last_lr

    def get_lr(self) -> list[Any]:
        """The rate of each group at `last_epoch`; for subclasses to define."""
        raise NotImplementedError(f"{type(self).__name__} has to define get_lr()")

    @performed
    def step(self, epoch: int | None = None) -> None:
        """Go on by one epoch, after optimizer.step(). Giving the epoch is deprecated."""
        if self._step_count == 1:
            self._check_order()
        self._step_count += 1
        if epoch is not None:
            warn(EPOCH_WARNING)
        self._update_lr(epoch)

    def _check_order(self) -> None:
        if not hasattr(self.optimizer.step, "_wrapped_by_lr_sched"):
            warn(_OVERRIDDEN_WARNING)
        elif not getattr(self.optimizer, "_opt_called", False):
            warn(_ORDER_WARNING)

    def _update_lr(self, epoch: int | None = None) -> None:
        with self._inside_step():
            if epoch is None:
                self.last_epoch += 1
                rates = self.get_lr()
            else:
                self.last_epoch = epoch
                rates = getattr(self, "_get_closed_form_lr", self.get_lr)()
        self._set_rates(rates)

    def _set_rates(self, rates: list[Any]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            set_group_value(group, "lr", rate)
        self._last_lr = group_values(self.optimizer, "lr")

    @contextmanager
    def _inside_step(self) -> Iterator[None]:
        self._get_lr_called_within_step = True
        try:
            yield
        finally:
            self._get_lr_called_within_step = False

    def _warn_outside_step(self) -> None:
        _warn_get_lr_called_within_step(self)

    def _scaled(self, factor: float) -> list[Any]:
        """Each group's present rate times factor."""
        return [group["lr"] * factor for group in self.optimizer.param_groups]

    def _unchanged(self) -> list[Any]:
        return group_values(self.optimizer, "lr")


def _warn_get_lr_called_within_step(lr_scheduler: LRScheduler) -> None:
    # The formulas go from one epoch to the next, so calling get_lr by hand gives a wrong rate.
    if not lr_scheduler._get_lr_called_within_step:
        warn(_GET_LR_WARNING)


class _LRScheduler(LRScheduler):
    """The base under its older name."""
