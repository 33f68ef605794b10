"""`state_dict` and `load_state_dict`."""

from __future__ import annotations

import functools
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from rushlight.autograd.state import no_grad
from rushlight.core.tensor import Array, TensorBase
from rushlight.core.turned import write
from rushlight.errors import warn
from rushlight.handles import RemovableHandle as Handle
from rushlight.layout import strided
from rushlight.nn.parameter import Parameter, UninitializedTensorMixin, is_lazy

EXTRA = "_extra_state"


class _IncompatibleKeys(NamedTuple):
    """What `load_state_dict` returns: keys that were missing, and keys that nobody wanted."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return (
            f"_IncompatibleKeys(missing_keys={self.missing_keys}, "
            f"unexpected_keys={self.unexpected_keys})"
        )


class _Loading:
    """What one `load_state_dict` writes: nothing is changed for good unless all of it fits.

    Writes wait until every module has been visited. Where somebody looks in between (an overridden
    `_load_from_state_dict`, a post-hook), they happen at once and can be undone.
    """

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []
        self.undo: list[Callable[[], None]] = []

    def copy(self, target: Any, source: Any, at_once: bool) -> None:
        if at_once:
            self._copy_now(target, source)
        else:
            self.waiting.append(functools.partial(_copy, target, source))

    def put(self, change: Callable[[], None], undo: Callable[[], None]) -> None:
        """Make a change that is cheap to undo."""
        change()
        self.undo.append(undo)

    def _copy_now(self, target: Any, source: Any) -> None:
        before: Array = target._data_.copy()
        self.undo.append(functools.partial(_restore, target, before))
        _copy(target, source)

    def flush(self) -> None:
        """Carry out what waits, so that it can be undone."""
        for copy in self.waiting:
            self._copy_now(*copy.args)  # type: ignore[attr-defined]
        self.waiting.clear()

    def finish(self, failed: bool) -> None:
        if failed:
            for undo in reversed(self.undo):
                undo()
        else:
            for copy in self.waiting:
                copy()


class _Metadata(dict[str, Any]):
    """What a module was saved with, and the writes of the `load_state_dict` that visits it."""

    loading: _Loading | None = None


def _copy(target: Any, source: Any) -> None:
    with no_grad():
        target.copy_(source)


def _restore(target: Any, before: Array) -> None:
    write(target, before)


class StateMethods:
    """Mixed into Module."""

    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    _modules: dict[str, Any]
    _non_persistent_buffers_set: set[str]
    _state_dict_hooks: dict[int, Callable[..., Any]]
    _state_dict_pre_hooks: dict[int, Callable[..., Any]]
    _load_state_dict_pre_hooks: dict[int, Callable[..., Any]]
    _load_state_dict_post_hooks: dict[int, Callable[..., Any]]

    # Saved with the state; a module whose keys change counts it up and converts older ones.
    _version: int = 1

    def get_extra_state(self) -> Any:
        """What a module wants saved beside its tensors; override it with `set_extra_state`."""
        raise RuntimeError("Module.get_extra_state is not overridden: there is no extra state.")

    def set_extra_state(self, state: Any) -> None:
        """Take back what `get_extra_state` returned."""
        raise RuntimeError("Module.set_extra_state is not overridden: there is no extra state.")

    def _overrides(self, method: str) -> bool:
        return getattr(type(self), method) is not getattr(StateMethods, method)

    # ---- saving ---------------------------------------------------------------------------------

    def state_dict(
        self,
        *args: Any,
        destination: Any = None,
        prefix: str = "",
        keep_vars: bool = False,
    ) -> Any:
        """All parameters and persistent buffers by name, in order; the tensors share memory.

        Detached unless keep_vars. The version of each module stands in `._metadata`.

        >>> import rushlight as torch
        >>> list(torch.nn.Sequential(torch.nn.Linear(2, 1)).state_dict())
        ['0.weight', '0.bias']
        """
        if args:
            warn(
                "Positional args are being deprecated, use kwargs instead: state_dict(destination=..., "
                "prefix=..., keep_vars=...)",
                FutureWarning,
            )
        for value, name in zip(args, ("destination", "prefix", "keep_vars"), strict=False):
            destination = value if name == "destination" else destination
            prefix = value if name == "prefix" else prefix
            keep_vars = value if name == "keep_vars" else keep_vars
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = metadata
        for hook in list(self._state_dict_pre_hooks.values()):
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(
                    destination=destination, prefix=prefix + name + ".", keep_vars=keep_vars
                )
        for hook in list(self._state_dict_hooks.values()):
            result = hook(self, destination, prefix, metadata)
            if getattr(hook, "_from_public_api", False):
                if result is not None:
                    raise RuntimeError("state_dict post-hook must return None")
            elif result is not None:
                destination = result
        return destination

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        for name, param in self._parameters.items():
            if param is not None:
                destination[prefix + name] = (
                    param if keep_vars or is_lazy(param) else param.detach()
                )
        for name, buffer in self._buffers.items():
            if buffer is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = (
                    buffer if keep_vars or is_lazy(buffer) else buffer.detach()
                )
        if self._overrides("get_extra_state"):
            destination[prefix + EXTRA] = self.get_extra_state()

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call hook(module, prefix, keep_vars) before `state_dict` collects."""
        return Handle(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call hook(module, state_dict, prefix, local_metadata) after it; it changes the dict."""
        hook._from_public_api = True  # type: ignore[attr-defined]
        return Handle(self._state_dict_hooks, hook)

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> Handle:
        if getattr(hook, "_from_public_api", False):
            raise RuntimeError(
                "Cannot register the same function as the state dict post hook that was previously "
                "registered via register_state_dict_post_hook"
            )
        return Handle(self._state_dict_hooks, hook)

    # ---- loading --------------------------------------------------------------------------------

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> _IncompatibleKeys:
        """Copy the values of a `state_dict` into parameters and buffers.

        Missing or unexpected keys (if strict) and wrong shapes raise a RuntimeError that lists them
        all, and leave the module as it was. With assign, the module takes the tensors themselves.
        Returns the missing and the unexpected keys.

        >>> import rushlight as torch
        >>> model = torch.nn.Linear(2, 1)
        >>> model.load_state_dict({"weight": torch.ones(1, 2), "bias": torch.zeros(1)})
        <All keys matched successfully>
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        versions = getattr(state_dict, "_metadata", None)
        given: Any = OrderedDict(state_dict)
        if versions is not None:
            given._metadata = versions
        missing: list[str] = []
        unexpected: list[str] = []
        errors: list[str] = []
        loading = _Loading()

        def load(module: Any, state: Any, prefix: str) -> None:
            metadata = _Metadata({} if versions is None else versions.get(prefix[:-1], {}))
            metadata.loading = loading
            if assign:
                metadata["assign_to_params_buffers"] = True
            module._load_from_state_dict(state, prefix, metadata, True, missing, unexpected, errors)
            for name, child in module._modules.items():
                if child is not None:
                    below = prefix + name + "."
                    load(child, {k: v for k, v in state.items() if k.startswith(below)}, below)
            if module._load_state_dict_post_hooks:
                loading.flush()
                incompatible = _IncompatibleKeys(missing, unexpected)
                for hook in list(module._load_state_dict_post_hooks.values()):
                    if hook(module, incompatible) is not None:
                        raise AssertionError(
                            "Hooks registered with ``register_load_state_dict_post_hook`` are not "
                            "expected to return new values, if incompatible_keys need to be "
                            "modified, it should be done inplace."
                        )

        failed = True
        try:
            load(self, given, "")
            if strict:
                errors[:0] = [
                    f"{what} key(s) in state_dict: " + ", ".join(f'"{k}"' for k in keys) + ". "
                    for what, keys in (("Missing", missing), ("Unexpected", unexpected))
                    if keys
                ]
            if errors:
                listed = "\n\t".join(errors)
                raise RuntimeError(
                    f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{listed}"
                )
            failed = False
        finally:
            loading.finish(failed)
        return _IncompatibleKeys(missing, unexpected)

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Load this module's own tensors (not its children's); override to convert older states."""
        for hook in list(self._load_state_dict_pre_hooks.values()):
            hook(
                state_dict,
                prefix,
                local_metadata,
                strict,
                missing_keys,
                unexpected_keys,
                error_msgs,
            )
        loading = getattr(local_metadata, "loading", None)
        at_once = loading is None or self._overrides("_load_from_state_dict")
        loading = _Loading() if loading is None else loading
        assign = local_metadata.get("assign_to_params_buffers", False)
        own = dict(self._own_state())
        for name, target in own.items():
            key = prefix + name
            if key not in state_dict:
                if strict:
                    missing_keys.append(key)
                continue
            source = state_dict[key]
            problem = _problem(key, target, source)
            if problem is not None:
                error_msgs.append(problem)
                continue
            if isinstance(target, UninitializedTensorMixin) and isinstance(source, type(target)):
                continue  # from one lazy module to another: nothing to copy yet
            if not target.dim() and source.shape == (1,):
                source = source[0]  # 0-d parameters were saved as 1-d by torch before 0.4
            try:
                if assign:
                    table = self._parameters if name in self._parameters else self._buffers
                    value = _assigned(target, source)
                    loading.put(
                        functools.partial(table.__setitem__, name, value),
                        functools.partial(table.__setitem__, name, target),
                    )
                else:
                    _check_meta(key, target, source)
                    loading.copy(target, source, at_once or source.layout is not strided)
            except Exception as error:
                error_msgs.append(
                    f'While copying the parameter named "{key}", whose dimensions in the model are '
                    f"{target.shape} and whose dimensions in the checkpoint are {source.shape}, an "
                    f"exception occurred : {error.args}."
                )
        self._load_extra_state(state_dict, prefix, strict, missing_keys, unexpected_keys)
        if strict:
            unexpected_keys.extend(self._unexpected(state_dict, prefix, own))

    def _own_state(self) -> Iterator[tuple[str, Any]]:
        for name, param in self._parameters.items():
            if param is not None:
                yield name, param
        for name, buffer in self._buffers.items():
            if buffer is not None and name not in self._non_persistent_buffers_set:
                yield name, buffer

    def _load_extra_state(
        self,
        state_dict: Any,
        prefix: str,
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
    ) -> None:
        key = prefix + EXTRA
        if self._overrides("set_extra_state"):
            if key in state_dict:
                self.set_extra_state(state_dict[key])
            elif strict:
                missing_keys.append(key)
        elif strict and key in state_dict:
            unexpected_keys.append(key)

    def _unexpected(self, state_dict: Any, prefix: str, own: dict[str, Any]) -> Iterator[str]:
        for key in state_dict:
            if key.startswith(prefix) and key != prefix + EXTRA:
                first, dot, _ = key[len(prefix) :].partition(".")
                if first not in (self._modules if dot else own):
                    yield key

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call hook(module, state_dict, prefix, ...) before this module loads.

        The arguments after the module are those of `_load_from_state_dict`.
        """
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], with_module: bool = False
    ) -> Handle:
        bound = _WrappedHook(hook, self) if with_module else hook
        return Handle(self._load_state_dict_pre_hooks, bound)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call hook(module, incompatible_keys) after this module and its children have loaded."""
        return Handle(self._load_state_dict_post_hooks, hook)


class _WrappedHook:
    """A hook before loading that is called with its module; files have it by this name."""

    def __init__(self, hook: Callable[..., Any], module: Any = None) -> None:
        self.__setstate__({"hook": hook, "with_module": module is not None, "module": module})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self.with_module:
            return self.hook(*args, **kwargs)
        module = self.module()
        if module is None:
            raise RuntimeError("You are trying to call the hook of a dead Module!")
        return self.hook(module, *args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        state = {"hook": self.hook, "with_module": self.with_module}
        return {**state, "module": self.module()} if self.with_module else state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.hook = state["hook"]
        self.with_module: bool = state["with_module"]
        # The module holds its hooks: it would hold itself.
        if self.with_module:
            self.module = weakref.ref(state["module"])


def _problem(key: str, target: Any, source: Any) -> str | None:
    if not isinstance(source, TensorBase):
        return (
            f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like '
            f"object from checkpoint but received {type(source)}"
        )
    if isinstance(target, UninitializedTensorMixin):
        return None
    shape, wanted = source.shape, target.shape  # type: ignore[attr-defined]
    if shape != wanted and not (wanted == () and shape == (1,)):
        return (
            f"size mismatch for {key}: copying a param with shape {shape} from checkpoint, the "
            f"shape in current model is {wanted}."
        )
    return None


def _check_meta(key: str, target: Any, source: Any) -> None:
    if not target.is_meta and source.is_meta:
        raise NotImplementedError("Cannot copy out of meta tensor; no data!")
    if target.is_meta and not source.is_meta:
        warn(
            f"for {key}: copying from a non-meta parameter in the checkpoint to a meta parameter in "
            "the current model, which is a no-op. (Did you mean to pass `assign=True` to assign items "
            "in the state dictionary to their corresponding key in the module instead of copying them "
            "in place?)"
        )


def _assigned(target: Any, source: Any) -> Any:
    if isinstance(target, Parameter) and not isinstance(source, Parameter):
        return Parameter(source, requires_grad=target._requires_grad_)
    if isinstance(target, Parameter):
        return source.requires_grad_(target._requires_grad_)
    return source
