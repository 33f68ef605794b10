"""Hooks around a module's forward and backward, and where in a model an error happened.

A backward hook wants the gradients that enter and leave a module, while the tape knows operations
only. So the tensors that go in and come out pass through a *gate*: a node that hands gradients on
unchanged and lets the hooks see, or replace, them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.function import handed_back, stand
from rushlight.autograd.hooks import at, replaced
from rushlight.core.doors import literal
from rushlight.core.node import Meta, Node
from rushlight.core.state import state
from rushlight.core.tape import refresh
from rushlight.core.tensor import TensorBase
from rushlight.errors import warn
from rushlight.handles import RemovableHandle as Handle

if TYPE_CHECKING:
    from rushlight.nn.modules.module import Module

Hook = Callable[..., Any]
Hooks = dict[int, Hook]

# Hooks of every module; those of one module live in its own dictionaries of the same names.
_global_forward_pre_hooks: Hooks = {}
_global_forward_hooks: Hooks = {}
_global_forward_hooks_with_kwargs: dict[int, bool] = {}
_global_forward_hooks_always_called: dict[int, bool] = {}
_global_backward_pre_hooks: Hooks = {}
_global_backward_hooks: Hooks = {}
_global_is_full_backward_hook: bool | None = None
_global_buffer_registration_hooks: Hooks = {}
_global_module_registration_hooks: Hooks = {}
_global_parameter_registration_hooks: Hooks = {}


def register_module_forward_pre_hook(hook: Hook) -> Handle:
    """Call hook(module, args) before the forward of every module."""
    return Handle(_global_forward_pre_hooks, hook)


def register_module_forward_hook(
    hook: Hook, *, with_kwargs: bool = False, always_call: bool = False
) -> Handle:
    """Call hook(module, args, output) after the forward of every module.

    >>> import rushlight as torch
    >>> seen = []
    >>> hook = lambda module, args, output: seen.append(type(module).__name__)
    >>> with torch.nn.modules.module.register_module_forward_hook(hook):
    ...     _ = torch.nn.Sequential(torch.nn.Identity())(1)
    >>> seen
    ['Identity', 'Sequential']
    """
    handle = Handle(
        _global_forward_hooks,
        hook,
        extra_dict=[_global_forward_hooks_with_kwargs, _global_forward_hooks_always_called],
    )
    if with_kwargs:
        _global_forward_hooks_with_kwargs[handle.id] = True
    if always_call:
        _global_forward_hooks_always_called[handle.id] = True
    return handle


def register_module_full_backward_pre_hook(hook: Hook) -> Handle:
    """Call hook(module, grad_output) before the backward of every module."""
    return Handle(_global_backward_pre_hooks, hook)


def register_module_full_backward_hook(hook: Hook) -> Handle:
    """Call hook(module, grad_input, grad_output) after the backward of every module."""
    _only_one_kind_everywhere(True)
    return Handle(_global_backward_hooks, hook)


def register_module_backward_hook(hook: Hook) -> Handle:
    """The old form of `register_module_full_backward_hook`: the hook sees the last operation only."""
    _only_one_kind_everywhere(False)
    return Handle(_global_backward_hooks, hook)


def _only_one_kind_everywhere(full: bool) -> None:
    global _global_is_full_backward_hook
    if _global_is_full_backward_hook is (not full):
        raise RuntimeError(
            "Cannot use both regular backward hooks and full backward hooks as a global Module hook. "
            "Please use only one of them."
        )
    _global_is_full_backward_hook = full


def register_module_buffer_registration_hook(hook: Hook) -> Handle:
    """Call hook(module, name, buffer) when any module registers a buffer; it may return another."""
    return Handle(_global_buffer_registration_hooks, hook)


def register_module_module_registration_hook(hook: Hook) -> Handle:
    """Call hook(module, name, submodule) when any module gets a child; it may return another."""
    return Handle(_global_module_registration_hooks, hook)


def register_module_parameter_registration_hook(hook: Hook) -> Handle:
    """Call hook(module, name, parameter) when a module gets a parameter; it may return another."""
    return Handle(_global_parameter_registration_hooks, hook)


def registered(hooks: Hooks, module: Any, name: str, value: Any) -> Any:
    """The value that shall be registered, after the global hooks have seen it."""
    for hook in list(hooks.values()):
        replaced = hook(module, name, value)
        if replaced is not None:
            value = replaced
    return value


class HookMethods:
    """Mixed into Module: registration of hooks on one module."""

    _forward_hooks: Hooks
    _forward_hooks_with_kwargs: dict[int, bool]
    _forward_hooks_always_called: dict[int, bool]
    _forward_pre_hooks: Hooks
    _forward_pre_hooks_with_kwargs: dict[int, bool]
    _backward_hooks: Hooks
    _backward_pre_hooks: Hooks
    _is_full_backward_hook: bool | None

    def register_forward_pre_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False
    ) -> Handle:
        """Call hook(module, args) before forward; what it returns replaces the arguments.

        With with_kwargs it is hook(module, args, kwargs) and returns both or None.
        """
        extra = self._forward_pre_hooks_with_kwargs
        handle = Handle(self._forward_pre_hooks, hook, first=prepend, extra_dict=extra)
        if with_kwargs:
            self._forward_pre_hooks_with_kwargs[handle.id] = True
        return handle

    def register_forward_hook(
        self,
        hook: Hook,
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> Handle:
        """Call hook(module, args, output) after forward; what it returns replaces the output.

        With with_kwargs it is hook(module, args, kwargs, output); with always_call it also runs,
        with None for the output, when forward raises.

        >>> import rushlight as torch
        >>> layer = torch.nn.Linear(3, 2)
        >>> handle = layer.register_forward_hook(lambda module, args, output: output - output)
        >>> layer(torch.ones(1, 3)).detach()
        tensor([[0., 0.]])
        >>> handle.remove()
        """
        extra = [self._forward_hooks_with_kwargs, self._forward_hooks_always_called]
        handle = Handle(self._forward_hooks, hook, first=prepend, extra_dict=extra)
        if with_kwargs:
            self._forward_hooks_with_kwargs[handle.id] = True
        if always_call:
            self._forward_hooks_always_called[handle.id] = True
        return handle

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> Handle:
        """Call hook(module, grad_output) before the gradients enter the module."""
        return Handle(self._backward_pre_hooks, hook, first=prepend)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> Handle:
        """Call hook(module, grad_input, grad_output) when the gradients of the inputs are known.

        What it returns replaces grad_input. Both are tuples, with None for what is no tensor.
        """
        self._only_one_kind(True)
        return Handle(self._backward_hooks, hook, first=prepend)

    def register_backward_hook(self, hook: Hook) -> Handle:
        """The old form of `register_full_backward_hook`; one module takes hooks of one kind."""
        self._only_one_kind(False)
        return Handle(self._backward_hooks, hook)

    def _only_one_kind(self, full: bool) -> None:
        if self._is_full_backward_hook is (not full):
            raise RuntimeError(
                "Cannot use both regular backward hooks and full backward hooks on a single "
                "Module. Please use only one of them."
            )
        self._is_full_backward_hook = full


def call_with_hooks(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """forward(*args, **kwargs) of a module, with all hooks that concern it."""
    pending = _always_called(module)
    try:
        args, kwargs = _before(module, args, kwargs)
        gates = None
        before = [*_global_backward_pre_hooks.values(), *module._backward_pre_hooks.values()]
        after = _backward_hooks(module, full=True)
        if before or after:
            gates = Gates(module, after, before)
            args = gates.enter(args)
        result = module.forward(*args, **kwargs)
        for key, hook, with_kwargs in _forward_hooks(module):
            pending.pop(key, None)
            found = (
                hook(module, args, kwargs, result) if with_kwargs else hook(module, args, result)
            )
            if found is not None:
                result = found
        if gates is not None:
            result = gates.leave(result)
        _hook_last_operation(module, args, result, _backward_hooks(module, full=False))
        return result
    except Exception:
        for hook, with_kwargs in pending.values():
            try:
                hook(module, args, kwargs, None) if with_kwargs else hook(module, args, None)
            except Exception as second:
                warn(
                    "module forward hook with ``always_call=True`` raised an exception that was "
                    f"silenced as another error was raised in forward: {second}"
                )
        raise


def _before(
    module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    own = module._forward_pre_hooks_with_kwargs
    for key, hook in [*_global_forward_pre_hooks.items(), *module._forward_pre_hooks.items()]:
        if key in own:
            result = hook(module, args, kwargs)
            if result is None:
                continue
            if not (isinstance(result, tuple) and len(result) == 2):
                raise RuntimeError(
                    "forward pre-hook must return None or a tuple of (new_args, new_kwargs), but "
                    f"got {result}."
                )
            args, kwargs = result
        else:
            result = hook(module, args)
            if result is not None:
                args = result if isinstance(result, tuple) else (result,)
    return args, kwargs


def _forward_hooks(module: Module) -> list[tuple[int, Hook, bool]]:
    shared, own = _global_forward_hooks_with_kwargs, module._forward_hooks_with_kwargs
    return [
        *((key, hook, key in shared) for key, hook in _global_forward_hooks.items()),
        *((key, hook, key in own) for key, hook in module._forward_hooks.items()),
    ]


def _backward_hooks(module: Module, full: bool) -> list[Hook]:
    """The backward hooks that concern module, those of the new kind or of the old."""
    hooks: list[Hook] = []
    if _global_backward_hooks and (_global_is_full_backward_hook is not False) is full:
        hooks += _global_backward_hooks.values()
    if module._backward_hooks and (module._is_full_backward_hook is not False) is full:
        hooks += module._backward_hooks.values()
    return hooks


def _hook_last_operation(
    module: Module, args: tuple[Any, ...], result: Any, hooks: list[Hook]
) -> None:
    """Hooks of the old kind hang on the node of (the first tensor of) the result."""
    if not hooks:
        return
    first = result
    while not isinstance(first, TensorBase):
        first = next(iter(first.values())) if isinstance(first, dict) else first[0]
    node = first._node_
    if node is not None:
        for hook in hooks:
            Handle(at(node).after, functools.partial(hook, module))
        _warn_of_what_is_missed(args, result, node)


def _warn_of_what_is_missed(args: tuple[Any, ...], result: Any, node: Node) -> None:
    """What hooks of the old kind do not get to see of a module."""
    results = (result,) if isinstance(result, TensorBase) else result
    made = {r._node_ for r in results if isinstance(r, TensorBase)} - {None}
    taken = {a._node_ for a in args if isinstance(a, TensorBase)} - {None}
    if not (isinstance(results, tuple) and all(isinstance(r, TensorBase) for r in results)):
        used = "hooks on a Module that does not return a single Tensor or a tuple of Tensors"
        missed = "of the grad_output"
    elif not all(isinstance(a, TensorBase) for a in args):
        used = "hooks on a Module that does not take as input a single Tensor or a tuple of Tensors"
        missed = "of the grad_input"
    elif len(made) > 1:
        used, missed = "when outputs are generated by different autograd Nodes", "grad_output"
    elif taken != {edge for edge in node._edges if edge is not None}:
        used, missed = "when the forward contains multiple autograd Nodes", "grad_input"
    else:
        return
    used = f"non-full backward {used}" if used[0] == "h" else f"a non-full backward hook {used}"
    warn(
        f"Using {used} is deprecated and will be removed in future versions. This hook will be missing "
        f"some {missed}. Please use register_full_backward_hook to get the documented behavior.",
        FutureWarning,
    )


def _always_called(module: Module) -> dict[int, tuple[Hook, bool]]:
    wanted = {**_global_forward_hooks_always_called, **module._forward_hooks_always_called}
    if not wanted:
        return {}
    return {k: (hook, kw) for k, hook, kw in _forward_hooks(module) if k in wanted}


class Gate(Node):
    """Lets gradients through; `transform` sees all of them and says what goes on."""

    __slots__ = ("transform",)

    runs_without = True

    def __init__(self, tensors: Sequence[TensorBase], transform: Callable[..., Any]) -> None:
        edges: list[Any] = []
        numbers = []
        for tensor in tensors:
            refresh(tensor)
            leaf = tensor._node_ is None and tensor._requires_grad_
            edges.append(tensor if leaf else tensor._node_)
            numbers.append(tensor._output_nr_)
        super().__init__(tuple(edges), tuple(numbers))
        self.transform = transform
        self._metas = [(t._data_.shape, t._data_.dtype) for t in tensors]
        self._label = "BackwardHookFunctionBackward"

    def _gradients(self, g: Any) -> Any:
        """The gradients as the hooks leave them."""
        given = [None] * len(self._edges) if g is None else list(g)
        return self.transform(given, self._metas)


class Gates:
    """The two gates around one call of a module."""

    def __init__(self, module: Module, hooks: list[Hook], pre_hooks: list[Hook]) -> None:
        self.module = module
        self.hooks = hooks
        self.pre_hooks = pre_hooks
        self.inputs: list[int] | None = None  # which arguments pass through the gate
        self.outputs: list[int] = []
        self.n_inputs = self.n_outputs = 0
        self.grad_outputs: tuple[Any, ...] | None = None

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments behind the gate."""
        passed, places = _through(args, self._at_inputs)
        self.inputs, self.n_inputs = places, len(args)
        return passed

    def leave(self, result: Any) -> Any:
        """The results behind the gate."""
        if not isinstance(result, (TensorBase, tuple)):
            warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of "
                f"Tensors but received {type(result)}"
            )
        results = result if isinstance(result, tuple) else (result,)
        passed, places = _through(results, self._at_outputs)
        self.outputs, self.n_outputs = places or [], len(results)
        if not isinstance(result, tuple):
            return passed[0]
        return type(result)(*passed) if hasattr(result, "_make") else passed

    def _at_outputs(self, gradients: list[Any], metas: list[Meta]) -> list[Any]:
        grads = _spread(self.outputs, gradients, self.n_outputs)
        for pre_hook in self.pre_hooks:
            grads = _replaced(grads, pre_hook(self.module, grads), "pre hook", "grad_output")
        self.grad_outputs = grads
        if self.inputs is None:
            warn(
                "Full backward hook is firing when gradients are computed with respect to module "
                "outputs since no inputs require gradients."
            )
            for hook in self.hooks:
                result = hook(self.module, (None,) * self.n_inputs, grads)
                if result is not None and not (
                    isinstance(result, tuple) and all(part is None for part in result)
                ):
                    raise RuntimeError(
                        "Backward hook for Modules where no input requires gradient should always "
                        "return None or None for all gradients."
                    )
            self.grad_outputs = None
        return _checked(gradients, grads, self.outputs)

    def _at_inputs(self, gradients: list[Any], metas: list[Meta]) -> list[Any]:
        if self.grad_outputs is None or self.inputs is None:
            return gradients
        gradients = [
            literal(np.zeros(*meta)) if gradient is None else gradient
            for gradient, meta in zip(gradients, metas, strict=True)
        ]
        grads = _spread(self.inputs, gradients, self.n_inputs)
        for hook in self.hooks:
            result = hook(self.module, grads, self.grad_outputs)
            grads = _replaced(grads, result, "hook", "grad_input")
        self.grad_outputs = None
        return _checked(gradients, grads, self.inputs)


def _through(
    values: tuple[Any, ...], transform: Callable[..., Any]
) -> tuple[tuple[Any, ...], list[int] | None]:
    """The values, tensors behind a gate, and their places; None if no gradient is wanted."""
    places = [i for i, value in enumerate(values) if isinstance(value, TensorBase)]
    tensors = [values[i] for i in places]
    if not (state.grad and any(t.requires_grad for t in tensors)):
        return values, None
    gate = Gate(tensors, transform)
    passed = list(values)
    for number, (place, tensor) in enumerate(zip(places, tensors, strict=True)):
        passed[place] = handed_back(tensor)
        if gate._edges[number] is not None:
            stand(passed[place], gate, number)
    return tuple(passed), places


def _spread(places: list[int], gradients: list[Any], count: int) -> tuple[Any, ...]:
    spread: list[Any] = [None] * count
    for place, gradient in zip(places, gradients, strict=True):
        spread[place] = gradient
    return tuple(spread)


def _replaced(grads: Any, result: Any, kind: str, what: str) -> Any:
    if result is None:
        return grads
    if len(result) != len(grads):
        raise RuntimeError(
            f"Backward {kind} returned an invalid number of {what}, got {len(result)}, but "
            f"expected {len(grads)}"
        )
    return result


def _checked(before: list[Any], grads: Any, places: list[int]) -> list[Any]:
    """The gradients at these places, which hooks may have replaced by others of the same kind."""
    return [
        None if grads[i] is None else replaced(g, grads[i], "hook")
        for g, i in zip(before, places, strict=True)
    ]


def locate(module: Module, error: Exception) -> None:
    """Note on an error under way in which submodule it began: `in Net.layers.2: Linear(...)`.

    Each module that the error passes puts the name of its child in front.
    """
    known = error.__dict__.get("_in_module")
    notes: list[str] = error.__dict__.setdefault("__notes__", [])
    if known is None:
        origin, path = module, ""
        notes.append("")
        place = len(notes) - 1
    else:
        origin, outermost, path, place = known
        name = next((name for name, part in module.named_modules() if part is outermost), None)
        if not name or len(notes) <= place:
            return
        path = f".{name}{path}"
    error.__dict__["_in_module"] = (origin, module, path, place)
    shown = f"{type(origin).__name__}({origin.extra_repr()})"
    notes[place] = f"in {type(module).__name__}{path}: {shown}" if path else f"in {shown}"
