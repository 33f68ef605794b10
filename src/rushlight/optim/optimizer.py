"""What all optimizers share: parameter groups, state, and the walk over parameters in `step`."""

from __future__ import annotations

import copy
import functools
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.autograd.state import enable_grad
from rushlight.caller import site, user_line
from rushlight.core import doors
from rushlight.core.doors import number, once, options
from rushlight.core.state import state as mode
from rushlight.errors import warn
from rushlight.handles import RemovableHandle as Handle
from rushlight.nn.parameter import PLAIN, forget_grad
from rushlight.ops.complex import view_as_real
from rushlight.ops.conversion import typename
from rushlight.ops.creation import tensor
from rushlight.optim.grouping import _group_tensors_by_device_and_dtype
from rushlight.optim.lent import (  # noqa: F401  other libraries take them from here
    ParamsT,
    _capturable_doc,
    _default_to_fused_or_foreach,
    _device_dtype_check_for_fused,
    _differentiable_doc,
    _disable_dynamo_if_unsupported,
    _dispatch_sqrt,
    _foreach_doc,
    _foreach_supported_types,
    _fused_doc,
    _get_capturable_supported_devices,
    _get_scalar_dtype,
    _get_value,
    _maximize_doc,
    _params_doc,
    _stack_if_compiling,
    _to_scalar,
    _use_grad_for_differentiable,
    _view_as_real,
)  # fmt: skip
from rushlight.public.torch import zeros_like as zeros_of

Params = Iterable[Any]
Group = dict[str, Any]
State = dict[str, Any]
Hook = Callable[..., Any]

# Devices of torch whose steps could be captured, or fused; a CPU is among the latter only.
_CAPTURABLE = ["cuda", "xpu", "hpu", "privateuseone", "xla"]
_FLOAT = dtypes.float32.numpy
_FUSED = ["mps", "cuda", "xpu", "hpu", "cpu", "mtia", "privateuseone"]

_pre_hooks_of_all: dict[int, Hook] = {}
_post_hooks_of_all: dict[int, Hook] = {}
_global_optimizer_pre_hooks, _global_optimizer_post_hooks = _pre_hooks_of_all, _post_hooks_of_all


class _RequiredParameter:
    def __repr__(self) -> str:
        return "<required parameter>"


required = _RequiredParameter()


def register_optimizer_step_pre_hook(hook: Hook) -> Handle:
    """Call hook(optimizer, args, kwargs) before each step of any optimizer."""
    return Handle(_pre_hooks_of_all, hook)


def register_optimizer_step_post_hook(hook: Hook) -> Handle:
    """Call hook(optimizer, args, kwargs) after each step of any optimizer."""
    return Handle(_post_hooks_of_all, hook)


# ---- what constructors check --------------------------------------------------------------------


def need(condition: Any, message: str) -> None:
    """Raise torch's ValueError for a bad hyperparameter."""
    if not condition:
        raise ValueError(message)


def check_rate(lr: Any) -> None:
    """Raise torch's error for a learning rate that is a tensor of several elements."""
    need(not isinstance(lr, Tensor) or lr.numel() == 1, "Tensor lr must be 1-element")


def check_options(lr: Any, **options: Any) -> None:
    """Raise torch's error for a rate, or for an option, that is negative."""
    check_rate(lr)
    need(lr >= 0.0, f"Invalid learning rate: {lr}")
    for name, value in options.items():
        need(value >= 0.0, f"Invalid {'epsilon' if name == 'eps' else name} value: {value}")


def scalar(value: Any) -> Any:
    """A number as it is, and a tensor of one element without dimensions."""
    if value.__class__ is float or not isinstance(value, Tensor):
        return value
    return value.squeeze() if value.ndim else value


# The options that many optimizers were given later, and groups from older files lack.
NEWER = (("foreach", None), ("maximize", False), ("differentiable", False), ("capturable", False))

# ---- state --------------------------------------------------------------------------------------


def counts_in() -> dtypes.dtype:
    """The type of step counts: float64 where that is the default type."""
    default = dtypes.get_default_dtype()
    return default if default is dtypes.float64 else dtypes.float32


def fresh_step(group: Group | None = None) -> Tensor:
    """A step count as it stands in the state: a floating tensor."""
    fused = group is not None and group.get("fused")
    return tensor(0.0, dtype=dtypes.float32 if fused else counts_in())


def advanced(state: State) -> float:
    """Count one more step, and return the count."""
    state["step"] += 1
    return number(state["step"], "the number of steps")


def zeros_like(p: Tensor) -> Tensor:
    """State of a parameter's shape, type and layout, at zero."""
    return zeros_of(p)


def _hooked(step: Callable[..., Any]) -> Callable[..., Any]:
    """A class's `step`, with the hooks run around it."""

    @functools.wraps(step)
    def with_hooks(self: Any, *args: Any, **kwargs: Any) -> Any:
        # A wrapper that did not call the constructor has no hooks, as in torch.
        own = self.__dict__
        before = own.get("_optimizer_step_pre_hooks")
        after = own.get("_optimizer_step_post_hooks")
        if not (before or after or _pre_hooks_of_all or _post_hooks_of_all) or self._stepping:
            return step(self, *args, **kwargs)
        before, after = before or {}, after or {}
        given: Any = (self, *args)
        for hook in [*_pre_hooks_of_all.values(), *before.values()]:
            changed = hook(self, given, kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        f"{step} must return None or a tuple of (new_args, new_kwargs), but got "
                        f"{changed}."
                    )
                given, kwargs = changed
        # A subclass's step may call that of its class: the hooks belong to the outer one.
        self._stepping = True
        try:
            result = step(*given, **kwargs)
        finally:
            self._stepping = False
        for hook in [*after.values(), *_post_hooks_of_all.values()]:
            hook(self, given, kwargs)
        return result

    with_hooks.hooked = True  # type: ignore[attr-defined]
    return with_hooks


class Optimizer:
    """Base of all optimizers: a subclass says what the state of a parameter is, and how it moves.

    params: tensors, (name, tensor) pairs, or dicts with "params" and options that override the
    defaults for that group. A subclass may also have a `step` of its own.
    """

    # A complex parameter is two real ones: `update` gets the views (or, if False, complex tensors).
    _as_reals = True
    # What else the steps are defined for.
    _takes_complex = True
    _takes_sparse = False
    # Whether weight_decay * p is simply added to the gradient (L2 regularisation).
    _decays_gradient = True
    # The name in messages, and what they suggest for sparse gradients.
    _title = ""
    _instead = ""

    _stepping = False
    # Whether a group has a parameter twice.
    _repeated = False

    # Libraries of optimizers ask by these names.
    _group_tensors_by_device_and_dtype = staticmethod(_group_tensors_by_device_and_dtype)
    profile_hook_step = staticmethod(_hooked)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = _hooked(cls.step)  # type: ignore[method-assign]

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self._start_hooks()
        self._zero_grad_profile_name = f"Optimizer.zero_grad#{type(self).__name__}.zero_grad"
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                f"but got {typename(params)}: write [tensor]"
            )
        self.state: defaultdict[Any, State] = defaultdict(dict)
        self.param_groups: list[Group] = []
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)
        if defaults.get("fused"):
            for other, words in (
                ("differentiable", "`fused` does not support `differentiable`"),
                ("foreach", "`fused` and `foreach` cannot be `True` together."),
            ):
                if defaults.get(other):
                    raise RuntimeError(words)
        # torch's captures of devices ask it.
        self._warned_capturable_if_run_uncaptured = True

    def _start_hooks(self) -> None:
        for name in _HOOKS:
            self.__dict__.setdefault(name, {})

    def add_param_group(self, param_group: Group) -> None:
        """Take in more parameters, with options of their own. A refused group changes nothing."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        given = param_group["params"]
        if isinstance(given, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the "
                "ordering of tensors in sets will change between runs. Please use a list instead."
            )
        listed = [given] if isinstance(given, Tensor) else list(given)
        names = [entry[0] for entry in listed if isinstance(entry, tuple)]
        if names and len(names) != len(listed):
            raise ValueError(
                "all optimizer params should be with/without names. Some param names are missing"
            )
        if names:
            listed = [entry[1] for entry in listed]
        for p in listed:
            if not isinstance(p, Tensor):
                raise TypeError(
                    f"optimizer can only optimize Tensors, but one of the params is {typename(p)}"
                )
            if not self.defaults.get("differentiable") and not (p.is_leaf or p.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        group = {**param_group, "params": listed}
        if names:
            group["param_names"] = names
        for name, default in self.defaults.items():
            if default is required and name not in group:
                raise ValueError(
                    "parameter group didn't specify a value of required optimization parameter "
                    f"{name}"
                )
            group.setdefault(name, default)
        known = {id(p) for other in self.param_groups for p in other["params"]}
        if len({id(p) for p in listed}) != len(listed):
            self._repeated = True
            warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this "
                "will cause an error: give each parameter once"
            )
        named = "param_names" in group
        if any(("param_names" in other) != named for other in self.param_groups):
            raise ValueError(
                "all optimizer param groups should be with/without names. cannot add param group "
                f"{'with' if named else 'without'} names to the optimizer"
            )
        if known & {id(p) for p in listed}:
            raise ValueError("some parameters appear in more than one parameter group")
        # The caller's own dict, as in torch: who keeps it can change the options through it.
        param_group.update(group)
        self.param_groups.append(param_group)

    # ---- steps ----------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient; returns what closure, if given, returns."""
        if type(self)._update_parameter is Optimizer._update_parameter:
            raise NotImplementedError
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        # Restored by hand: a context manager takes as long as the step of a small parameter.
        recording, line = mode.grad, site.line
        site.line = line or user_line()
        mode.grad = bool(self.defaults.get("differentiable"))
        try:
            for group in self.param_groups:
                self._update_group(group)
        finally:
            mode.grad, site.line = recording, line
        return loss

    def _update_group(self, group: Group) -> None:
        """One step of all parameters of a group that have gradients."""
        params, known = group["params"], self.defaults
        # Of an optimizer that was copied all have that default, and not all groups.
        if not group.keys() >= known.keys() and (lost := known.keys() - group - {"differentiable"}):
            raise KeyError(next(name for name in known if name in lost))
        if doors.watching:
            group = options(group)
        option = group.get
        plain = not (option("capturable") or option("foreach"))
        pairs = []
        for p in params:
            if (g := p._grad if type(p) in PLAIN else p.grad) is not None:
                pairs.append((p, g))
                if g.__class__ is not Tensor or p._data_.dtype is not _FLOAT:
                    plain = plain and not g.is_sparse and p._data_.dtype.kind in "fV"
        if not plain:
            self._check_group(group, pairs)
        # What a group has beyond the options of its optimizer is the program's own.
        decay: Any = 0
        maximize = "maximize" in known and option("maximize")
        if self._decays_gradient and "weight_decay" in known:
            decay = 0 if option("decoupled_weight_decay") else option("weight_decay")
        states, update, keeps = self.state, self._update_parameter, self._keeps_state(group)
        decays, fused = decay != 0, option("fused")
        for p, g in pairs:
            state = states.get(p) or {}
            if keeps and not state:
                state = states[p] = once(self._fresh_state, p, g, group)
            if maximize:
                g = -g
            if decays:
                g = decayed(g, p, decay)
            if fused and p._data_.dtype in dtypes.NARROW:
                self._update_wide(p, g, state, group)
            elif plain or not (self._as_reals and p.is_complex()):
                update(p, g, state, group)
            else:
                parts = {key: _as_real(value) for key, value in state.items()}
                self._update_parameter(view_as_real(p), view_as_real(g), parts, group)

    def _check_group(self, group: Group, pairs: list[tuple[Tensor, Any]]) -> None:
        """Refuse what the step is not defined for, before anything moves."""
        title = self._title or type(self).__name__
        for p, g in pairs:
            if g.is_sparse and not self._takes_sparse:
                raise RuntimeError(f"{title} does not support sparse gradients{self._instead}")
            if group.get("fused") and not p.is_floating_point():
                raise RuntimeError(
                    "`fused=True` requires all the params to be floating point Tensors of "
                    f"supported devices: {_FUSED} but {p.dtype} and cpu"
                )
            if p.is_complex() and not self._takes_complex:
                raise RuntimeError(f"{title} does not support complex parameters")
        if pairs and group.get("capturable") and "capturable" in self.defaults:
            raise AssertionError(
                "If capturable=True, params and state_steps must be on supported devices: "
                f"{_CAPTURABLE}."
            )
        if pairs and group.get("foreach") and group.get("differentiable") and self._as_reals:
            raise AssertionError("_foreach ops don't support autograd")

    def _keeps_state(self, group: Group) -> bool:
        """Whether the parameters of a group have a state at all."""
        return True

    def _fresh_state(self, p: Tensor, g: Tensor, group: Group) -> State:
        """The state of a parameter before its first step."""
        return {}

    def _steady_state(self, p: Tensor, g: Tensor, group: Group) -> State:
        """The same where the step is recorded: one from which the first step is like all others."""
        return self._fresh_state(p, g, group)

    def _update_parameter(self, p: Tensor, g: Tensor, state: State, group: Group) -> None:
        """Move p, in place, against its gradient g."""
        raise NotImplementedError

    def _update_wide(self, p: Tensor, g: Tensor, state: State, group: Group) -> None:
        # A fused step of torch's computes in float32, and rounds what it leaves once.
        wide = {k: v.float() if v._data_.dtype in dtypes.NARROW else v
                for k, v in state.items() if isinstance(v, Tensor)}  # fmt: skip
        parts, moved = {**state, **wide}, p.float()
        self._update_parameter(moved, g.float(), parts, group)
        p.copy_(moved)
        for key, value in parts.items():
            known = state.get(key)
            if isinstance(known, Tensor) and value is not known:
                known.copy_(value)
            elif known is not value:
                state[key] = value.to(p.dtype) if isinstance(value, Tensor) else value

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or with set_to_none=False set them to zero."""
        for group in self.param_groups:
            for p in group["params"]:
                forget_grad(p, set_to_none)

    # ---- its state as a dict --------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """State and options with parameters numbered in order, in torch's layout."""
        for hook in list(self._optimizer_state_dict_pre_hooks.values()):
            hook(self)
        numbers: dict[int, int] = {}
        start = 0
        groups = []
        for group in self.param_groups:
            # Of a parameter that is there twice the last place counts, as in torch.
            places = {id(p): i for i, p in enumerate(group["params"], start)}
            numbers = {**places, **numbers}
            start += len(group["params"])
            packed = {k: v for k, v in group.items() if k != "params"}
            packed["params"] = [numbers[id(p)] for p in group["params"]]
            groups.append(packed)
        state = {(numbers[id(k)] if isinstance(k, Tensor) else k): v for k, v in self.state.items()}
        result: dict[str, Any] = {"state": state, "param_groups": groups}
        for hook in list(self._optimizer_state_dict_post_hooks.values()):
            changed = hook(self, result)
            if changed is not None:
                result = changed
        return result

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state_dict, whose tensors are then the state. If it does not fit, nothing is."""
        state_dict = state_dict.copy()
        for hook in list(self._optimizer_load_state_dict_pre_hooks.values()):
            changed = hook(self, state_dict)
            if changed is not None:
                state_dict = changed
        groups, saved = self.param_groups, copy.deepcopy(state_dict["param_groups"])
        if len(groups) != len(saved):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(a["params"]) != len(b["params"]) for a, b in zip(groups, saved, strict=True)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of "
                "optimizer's group"
            )
        owners: dict[Any, tuple[Tensor, Group]] = {}
        for old, new in zip(groups, saved, strict=True):
            for place, p in zip(new["params"], old["params"], strict=True):
                owners[place] = (p, new)
        state: defaultdict[Any, State] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in owners:
                p, new = owners[key]
                state[p] = _fitted(value, p, bool(new.get("capturable") or new.get("fused")))
            else:
                state[key] = value
        for old, new in zip(groups, saved, strict=True):
            new["params"] = old["params"]
            if "param_names" in old:
                new.setdefault("param_names", old["param_names"])
        before = {"state": self.state, "param_groups": self.param_groups}
        try:
            self.__setstate__({"state": state, "param_groups": saved})
        except Exception:
            self.__dict__.update(before)
            raise
        for hook in list(self._optimizer_load_state_dict_post_hooks.values()):
            hook(self)

    def _patch_step_function(self) -> None:
        """Nothing: the step of a class has the hooks around it from when the class is made."""

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start_hooks()
        self.defaults.setdefault("differentiable", False)
        # What a file of an older torch lacks, whose counts were plain numbers.
        for group in self.param_groups:
            for name, default in self._newer_options:
                group.setdefault(name, default)
            for p in group["params"]:
                known = self.state.get(p) or {}
                for name in self._counts_in_state if known else ():
                    if not isinstance(known[name], Tensor):
                        known[name] = fresh_step(group) + known[name]

    # Options that torch did not always have, and what in the state is a number in a tensor: of torch's own classes.
    _newer_options: tuple[tuple[str, Any], ...] = ()
    _counts_in_state: tuple[str, ...] = ()

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for i, group in enumerate(self.param_groups):
            options = (f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params")
            text += f"\nParameter Group {i}\n" + "".join(options)
        return text + ")"

    # ---- hooks ----------------------------------------------------------------------------------

    _optimizer_step_pre_hooks: dict[int, Hook]
    _optimizer_step_post_hooks: dict[int, Hook]
    _optimizer_state_dict_pre_hooks: dict[int, Hook]
    _optimizer_state_dict_post_hooks: dict[int, Hook]
    _optimizer_load_state_dict_pre_hooks: dict[int, Hook]
    _optimizer_load_state_dict_post_hooks: dict[int, Hook]

    def register_step_pre_hook(self, hook: Hook) -> Handle:
        """Call hook(optimizer, args, kwargs) before each step; it may return other arguments."""
        return Handle(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Hook) -> Handle:
        """Call hook(optimizer, args, kwargs) after each step."""
        return Handle(self._optimizer_step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> Handle:
        """Call hook(optimizer) before state_dict() collects."""
        return Handle(self._optimizer_state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> Handle:
        """Call hook(optimizer, state_dict) on the result, in whose place it may return another."""
        return Handle(self._optimizer_state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> Handle:
        """Call hook(optimizer, state_dict) before loading; it may return another dict."""
        return Handle(self._optimizer_load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> Handle:
        """Call hook(optimizer) after loading."""
        return Handle(self._optimizer_load_state_dict_post_hooks, hook, prepend)


Optimizer.step = _hooked(Optimizer.step)  # type: ignore[method-assign]

_HOOKS = (
    "_optimizer_step_pre_hooks", "_optimizer_step_post_hooks",
    "_optimizer_state_dict_pre_hooks", "_optimizer_state_dict_post_hooks",
    "_optimizer_load_state_dict_pre_hooks", "_optimizer_load_state_dict_post_hooks",
)  # fmt: skip


def decayed(g: Tensor, p: Tensor, decay: Any) -> Tensor:
    """The gradient with decay * p added."""
    if g.is_sparse:
        raise RuntimeError(
            "weight_decay option is not compatible with sparse gradients: add(sparse, dense) is not "
            "supported"
        )
    if isinstance(decay, Tensor) and decay.requires_grad:
        # In place, as in torch: the gradient itself shows the decay.
        return g.addcmul_(p.clone(), decay)
    return g.add(p, alpha=decay) if mode.grad else g.clone().add_(p, alpha=decay)


def add_at(p: Tensor, at: tuple[Any, ...], values: Tensor) -> None:
    """Add values to the elements of p (or its slices) at these coordinates."""
    p[at] += values


def _as_real(value: Any) -> Any:
    return view_as_real(value) if isinstance(value, Tensor) and value.is_complex() else value


def _fitted(value: Any, owner: Tensor, counts_in_float: bool, key: Any = None) -> Any:
    """State for this parameter: in its floating type; the step count stays as it is."""
    if isinstance(value, Tensor):
        if key == "step":
            return value.to(dtypes.float32) if counts_in_float else value
        return value.to(owner.dtype) if owner.dtype.is_floating_point else value
    if isinstance(value, dict):
        return {k: _fitted(v, owner, counts_in_float, k) for k, v in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return type(value)(_fitted(v, owner, counts_in_float) for v in value)  # type: ignore[call-arg]
    return value
