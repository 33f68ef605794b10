"""What all optimizers share: parameter groups, state, and the walk over parameters in `step`."""

from __future__ import annotations

import copy
import itertools
import warnings
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import Any

from rushlight._tensor import Tensor
from rushlight.autograd.hooks import Handle
from rushlight.autograd.state import enable_grad
from rushlight.autograd.state import state as mode
from rushlight.ops.creation import tensor
from rushlight.tensor_base import site, user_line

Params = Iterable[Any]
Group = dict[str, Any]
State = dict[str, Any]


class _Required:
    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()


def need(condition: bool, message: str) -> None:
    """Raise torch's ValueError for a bad hyperparameter."""
    if not condition:
        raise ValueError(message)


def check_rate(lr: Any) -> None:
    """Raise torch's error for a learning rate that is a tensor of several elements."""
    need(not isinstance(lr, Tensor) or lr.numel() == 1, "Tensor lr must be 1-element")


def fresh_step() -> Tensor:
    """A step count as it stands in the state: a float32 tensor."""
    return tensor(0.0)


def advanced(state: State) -> int:
    """Count one more step, and return the count."""
    state["step"] += 1
    return int(state["step"].item())


def zeros_like(p: Tensor) -> Tensor:
    """State of a parameter's shape and type, at zero."""
    from rushlight.ops.creation import zeros

    return zeros(p.shape, dtype=p.dtype)


class Optimizer:
    """Base of all optimizers: subclasses write `update` for one parameter.

    params: tensors, (name, tensor) pairs, or dicts with "params" and options that override the
    defaults for that group.
    """

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                "but got torch.FloatTensor: write [tensor]"
            )
        self.defaults = defaults
        self.state: defaultdict[Any, State] = defaultdict(dict)
        self.param_groups: list[Group] = []
        self._pre_hooks: dict[int, Callable[..., Any]] = {}
        self._post_hooks: dict[int, Callable[..., Any]] = {}
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

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
        names: list[str] = []
        if listed and isinstance(listed[0], tuple):
            names = [str(name) for name, _ in listed]
            listed = [p for _, p in listed]
        for p in listed:
            if not isinstance(p, Tensor):
                raise TypeError(
                    f"optimizer can only optimize Tensors, but one of the params is {type(p)}"
                )
            if not self.defaults.get("differentiable") and not (p.is_leaf or p.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        if any(("param_names" in other) != bool(names) for other in self.param_groups):
            raise ValueError(
                "all optimizer param groups should be with/without names. cannot add param group "
                f"{'with' if names else 'without'} names to the optimizer"
            )
        group = {**param_group, "params": listed}
        if names:
            group["param_names"] = names
        for name, default in self.defaults.items():
            if default is required and name not in group:
                raise ValueError(
                    "parameter group didn't specify a value of required optimization parameter "
                    f"{name}"
                )
            group.setdefault(
                name, copy.deepcopy(default) if isinstance(default, (list, dict)) else default
            )
        known = {id(p) for other in self.param_groups for p in other["params"]}
        if len({id(p) for p in listed}) != len(listed):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this "
                "will cause an error: give each parameter once",
                UserWarning,
                stacklevel=3,
            )
        if known & {id(p) for p in listed}:
            raise ValueError("some parameters appear in more than one parameter group")
        # The caller's own dict, as in torch: who keeps it can change the options through it.
        param_group.update(group)
        self.param_groups.append(param_group)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient; returns what closure, if given, returns."""
        if self._pre_hooks:
            for hook in list(self._pre_hooks.values()):
                hook(self, (), {})
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        # Restored by hand: a context manager takes as long as the step of a small parameter.
        recording, line = mode.grad, site.line
        site.line = line or user_line()
        try:
            for group in self.param_groups:
                mode.grad = bool(group.get("differentiable"))
                self.update_group(group)
        finally:
            mode.grad, site.line = recording, line
        if self._post_hooks:
            for hook in list(self._post_hooks.values()):
                hook(self, (), {})
        return loss

    def update_group(self, group: Group) -> None:
        """One step of all parameters of a group that have gradients."""
        decay = group.get("weight_decay", 0)
        coupled = decay != 0 and not group.get("decoupled_weight_decay", False)
        for p in group["params"]:
            g = p._grad
            if g is None:
                continue
            if group.get("maximize"):
                g = -g
            if coupled and self.decays_gradient:
                g = g.add(p, alpha=decay)
            known = self.state.get(p)
            state: State = {} if known is None else known
            self.update(p, g, state, group)
            # Who needs no state gets none.
            if known is None and state:
                self.state[p] = state

    # Whether weight_decay * p is simply added to the gradient (L2 regularisation).
    decays_gradient = True

    def update(self, p: Tensor, g: Tensor, state: State, group: Group) -> None:
        """Move p, in place, against its gradient g."""
        raise NotImplementedError

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or with set_to_none=False set them to zero."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p._grad = None
                elif p._grad is not None:
                    if p._grad.grad_fn is not None:
                        p._grad.detach_()
                    else:
                        p._grad.requires_grad_(False)
                    p._grad.zero_()

    def state_dict(self) -> dict[str, Any]:
        """State and options with parameters numbered in order, in torch's layout."""
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            for p in group["params"]:
                numbers.setdefault(id(p), len(numbers))
            packed = {k: v for k, v in group.items() if k != "params"}
            packed["params"] = [numbers[id(p)] for p in group["params"]]
            groups.append(packed)
        state = {(numbers[id(k)] if isinstance(k, Tensor) else k): v for k, v in self.state.items()}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state_dict. If it does not fit, nothing is changed."""
        groups, saved = self.param_groups, state_dict["param_groups"]
        if len(groups) != len(saved):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(a["params"]) != len(b["params"]) for a, b in zip(groups, saved, strict=True)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of "
                "optimizer's group"
            )
        by_number: dict[Hashable, Tensor] = dict(
            zip(
                itertools.chain.from_iterable(g["params"] for g in saved),
                itertools.chain.from_iterable(g["params"] for g in groups),
                strict=True,
            )
        )
        state: defaultdict[Any, State] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            owner = by_number.get(key)
            state[key if owner is None else owner] = _cast(value, owner)
        fresh = []
        for old, new in zip(groups, saved, strict=True):
            merged = copy.deepcopy({k: v for k, v in new.items() if k != "params"})
            if "param_names" in old:
                merged["param_names"] = old["param_names"]
            fresh.append({**merged, "params": old["params"]})
        self.state, self.param_groups = state, fresh

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call hook(optimizer, args, kwargs) before each step."""
        return Handle(self._pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call hook(optimizer, args, kwargs) after each step."""
        return Handle(self._post_hooks, hook)

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__dict__.setdefault("_pre_hooks", {})
        self.__dict__.setdefault("_post_hooks", {})
        for group in self.param_groups:
            for name, default in self.defaults.items():
                group.setdefault(name, default)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines += [*([""] if i else []), f"Parameter Group {i}"]
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])


def _cast(value: Any, owner: Tensor | None, key: str | None = None) -> Any:
    """State copied for its parameter: in the parameter's floating type, except the step count."""
    if isinstance(value, Tensor):
        if owner is not None and key != "step" and owner.dtype.is_floating_point:
            return value.detach().clone().to(owner.dtype)
        return value.detach().clone()
    if isinstance(value, dict):
        return {k: _cast(v, owner, k) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_cast(v, owner) for v in value)
    return copy.deepcopy(value)
