"""Checkpoints in the graph: what a function saves for backward is dropped, and computed again then.

Memory for time: of a checkpointed part only its inputs and outputs stay until backward comes. Two
ways, as in torch:

- use_reentrant=False: the function runs and is recorded as always, but every tensor that its nodes
  save is replaced by its number. The first node that wants one back runs the function again, which
  saves the same tensors in the same order; whatever differs is a `CheckpointError`.
- use_reentrant=True: the function runs without recording, as one node. Its backward runs it again
  and differentiates that, in a backward of its own.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

import numpy as np

from rushlight.amp.autocast_mode import (
    autocast,
    get_autocast_dtype,
    is_autocast_cache_enabled,
    is_autocast_enabled,
)
from rushlight.autograd import api
from rushlight.autograd.function import Function
from rushlight.autograd.packing import saved_tensors_hooks
from rushlight.autograd.state import enable_grad
from rushlight.core.doors import literal
from rushlight.core.state import state
from rushlight.core.tensor import TensorBase
from rushlight.errors import warn
from rushlight.random import default_generator, fork_rng
from rushlight.utils.selective import (
    SAC_IGNORED_OPS,
    CheckpointPolicy,
    DefaultDeviceType,
    GraphExecGroup,
    SelectiveCheckpointContext,
    create_selective_checkpoint_contexts,
    get_device_states,
    set_device_states,
)

__all__ = [
    "SAC_IGNORED_OPS",
    "CheckpointError",
    "CheckpointFunction",
    "CheckpointPolicy",
    "DefaultDeviceType",
    "GraphExecGroup",
    "SelectiveCheckpointContext",
    "check_backward_validity",
    "checkpoint",
    "checkpoint_sequential",
    "create_selective_checkpoint_contexts",
    "detach_variable",
    "get_device_states",
    "noop_context_fn",
    "set_checkpoint_debug_enabled",
    "set_checkpoint_early_stop",
    "set_device_states",
]

Contexts = tuple[AbstractContextManager[Any], AbstractContextManager[Any]]
Meta = dict[str, Any]


class CheckpointError(RuntimeError):
    """The second run of a checkpointed function gave something else than the first."""


def noop_context_fn() -> Contexts:
    """Contexts for the two runs that do nothing."""
    return nullcontext(), nullcontext()


class _Defaults:
    early_stop: bool | None = None


@contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Whether, in the block, second runs stop as soon as they have what backward needs."""
    before, _Defaults.early_stop = _Defaults.early_stop, enable
    try:
        yield
    finally:
        _Defaults.early_stop = before


@contextmanager
def set_checkpoint_debug_enabled(enabled: bool | None) -> Iterator[None]:
    """Accepted: an error names what differs in any case."""
    yield


def _shape_and_type(tensor: Any) -> Meta:
    return {"shape": tensor.shape, "dtype": tensor.dtype, "device": tensor.device}


_CHECKS: dict[str, Callable[[Any], Meta | None]] = {
    "default": _shape_and_type,
    "none": lambda tensor: None,
}


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], Contexts] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """function(*args, **kwargs), without keeping what backward needs: that is computed again then.

    preserve_rng_state gives the second run the random numbers of the first. With
    use_reentrant=True gradients flow only if one of the arguments wants one, as in torch, and
    keywords are refused. context_fn makes two contexts, for the first and the second run. The tensors
    that both runs save are compared in shape and type, unless determinism_check="none". The second
    run ends when it has saved as much as the first, unless early_stop=False.

    >>> import rushlight as torch
    >>> from rushlight.utils.checkpoint import checkpoint
    >>> x = torch.ones(3, requires_grad=True)
    >>> checkpoint(lambda x: x.exp().log() * 2, x, use_reentrant=False).sum().backward()
    >>> x.grad
    tensor([2., 2., 2.])
    """
    if use_reentrant is None:
        warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. "
            "use_reentrant=False is recommended; without it, use_reentrant=True is assumed."
        )
        use_reentrant = True
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug:
            raise ValueError(
                "Passing `context_fn` or `debug` is only supported when use_reentrant=False."
            )
        return CheckpointFunction.apply(function, preserve_rng_state, *args)
    if determinism_check not in _CHECKS:
        raise ValueError(
            f"determinism_check should be one of {[*_CHECKS]}, but got {determinism_check}"
        )
    if debug and context_fn is not noop_context_fn:
        raise ValueError("debug=True is incompatible with non-default context_fn")
    first, second = context_fn()
    inputs = _Inputs.apply(_nothing(), *args)
    if inputs.grad_fn is None:
        with first:
            return function(*args, **kwargs)
    again = _Again(function, kwargs, inputs.grad_fn, preserve_rng_state, second)
    stop = early_stop if _Defaults.early_stop is None else _Defaults.early_stop
    frame = _Frame(again, _CHECKS[determinism_check], stop)
    with saved_tensors_hooks(frame.number, frame.compute), first:
        outputs = function(*args, **kwargs)
    frame.complete = True
    return outputs


def _nothing() -> Any:
    """An empty leaf that wants a gradient: what is computed from it is recorded."""
    return literal(np.empty(0, np.float32), True)


class _Inputs(Function):
    """Keeps the tensors among the arguments of a checkpoint as a node keeps what it saves."""

    @staticmethod
    def forward(ctx: Any, nothing: Any, *args: Any) -> Any:
        ctx.save_for_backward(*(a if isinstance(a, TensorBase) else None for a in args))
        ctx.others = [None if isinstance(a, TensorBase) else a for a in args]
        return nothing.clone()


class _Again:
    """The second run of a checkpointed function."""

    def __init__(
        self,
        function: Callable[..., Any],
        kwargs: dict[str, Any],
        inputs: Any,
        preserve_rng_state: bool,
        context: AbstractContextManager[Any],
    ) -> None:
        self.function, self.kwargs, self.inputs = function, kwargs, inputs
        self.context = context
        self.surroundings = _Surroundings(preserve_rng_state)

    def __call__(self) -> None:
        saved, others = self.inputs.saved_tensors, self.inputs.others
        args = [other if s is None else s for s, other in zip(saved, others, strict=True)]
        with self.surroundings.restored(), self.context:
            self.function(*args, **self.kwargs)


class _Surroundings:
    """What a run of a function depends on besides its arguments, as it is now."""

    def __init__(self, random_numbers: bool) -> None:
        self.rng = default_generator.get_state() if random_numbers else None
        self.lowering: dict[str, Any] = {
            "dtype": get_autocast_dtype("cpu"),
            "enabled": is_autocast_enabled("cpu"),
            "cache_enabled": is_autocast_cache_enabled(),
        }

    @contextmanager
    def restored(self) -> Iterator[None]:
        """The same again in the block."""
        with fork_rng(enabled=self.rng is not None), autocast("cpu", **self.lowering):
            if self.rng is not None:
                default_generator.set_state(self.rng)
            yield


class _Numbered:
    """In a node, in the place of a saved tensor: which one of its checkpoint it was."""

    __slots__ = ("frame", "index", "__weakref__")

    def __init__(self, frame: _Frame, index: int) -> None:
        self.frame = frame
        self.index = index


class _Enough(Exception):
    """Ends a second run that has saved all that the first did."""


class _Frame:
    """One checkpointed call: what its nodes saved, and how to compute that again."""

    def __init__(
        self, again: Callable[[], None], describe: Callable[[Any], Meta | None], early_stop: bool
    ) -> None:
        self.again = again
        self.describe = describe
        self.early_stop = early_stop
        self.complete = False
        self.wanted: list[weakref.ref[_Numbered]] = []
        self._metas: list[Meta | None] = []
        # What was computed again, by the backward that asked for it.
        self.runs: weakref.WeakKeyDictionary[Any, dict[int, Any]] = weakref.WeakKeyDictionary()

    def number(self, tensor: Any) -> _Numbered:
        """Forget a tensor that is to be saved, but not that it was."""
        numbered = _Numbered(self, len(self.wanted))
        self.wanted.append(weakref.ref(numbered))
        self._metas.append(self.describe(tensor))
        return numbered

    def compute(self, numbered: _Numbered) -> Any:
        """The tensor that was forgotten; the first time in a backward all are computed again."""
        walk = state.walk
        found = None if walk is None else self.runs.get(walk)
        if found is None:
            found = self._run()
            if walk is not None:
                self.runs[walk] = found
        if numbered.index not in found:
            raise CheckpointError(
                "torch.utils.checkpoint: Unpack is being triggered for a tensor that was already unpacked "
                "once. If you are calling ctx.saved_tensors in backward, make sure to do so only once."
            )
        return found.pop(numbered.index)

    def _run(self) -> dict[int, Any]:
        found: dict[int, Any] = {}
        metas: list[Meta | None] = []

        def collect(tensor: Any) -> Any:
            index = len(metas)
            metas.append(self.describe(tensor))
            if index >= len(self.wanted):
                if self.complete:
                    raise CheckpointError(
                        "torch.utils.checkpoint: trying to save more tensors during recomputation than "
                        "during the original forward pass."
                    )
                return tensor
            if self.wanted[index]() is not None:
                found[index] = tensor.detach()
            if self.early_stop and index + 1 == len(self.wanted):
                raise _Enough
            return tensor

        with saved_tensors_hooks(collect, lambda tensor: tensor), enable_grad(), suppress(_Enough):
            self.again()
        if self.complete:
            self._compare(metas)
        return found

    def _compare(self, metas: list[Meta | None]) -> None:
        if len(metas) != len(self._metas):
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the original "
                f"forward and recomputation.\nNumber of tensors saved during forward: {len(self._metas)}"
                f"\nNumber of tensors saved during recomputation: {len(metas)}.\nThe function must do the "
                "same in both runs."
            )
        differing = [
            f"tensor at position {i}:\nsaved metadata: {first}\nrecomputed metadata: {second}"
            for i, (first, second) in enumerate(zip(self._metas, metas, strict=True))
            if first != second and self.wanted[i]() is not None
        ]
        if differing:
            raise CheckpointError(
                "torch.utils.checkpoint: Recomputed values for the following tensors have different "
                "metadata than during the forward pass.\n"
                + "\n".join(differing)
                + "\nThe function must "
                "do the same in both runs."
            )


def checkpoint_sequential(
    functions: Any,
    segments: int,
    input: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """Functions, or the layers of a Sequential, one after the other, in checkpointed segments.

    The last segment is run without a checkpoint, as its backward comes at once.
    """
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if use_reentrant is None:
        warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be "
            "passed explicitly. use_reentrant=False is recommended; without it, "
            "use_reentrant=True is assumed."
        )
        use_reentrant = True
    layers = list(functions)
    size = len(layers) // segments
    if not size:
        raise ValueError(f"{len(layers)} functions cannot be cut into {segments} segments")

    def run(start: int, end: int) -> Callable[[Any], Any]:
        def segment(x: Any) -> Any:
            for layer in layers[start:end]:
                x = layer(x)
            return x

        return segment

    for i in range(segments - 1):
        input = checkpoint(
            run(i * size, (i + 1) * size),
            input,
            use_reentrant=use_reentrant,
            preserve_rng_state=preserve_rng_state,
        )
    return run((segments - 1) * size, len(layers))(input)


class CheckpointFunction(Function):
    """The node of a reentrant checkpoint: its backward runs the function again and differentiates that."""

    @staticmethod
    def forward(
        ctx: Any, function: Callable[..., Any], preserve_rng_state: bool, *args: Any
    ) -> Any:
        """function(*args), without recording what it does."""
        check_backward_validity(args)
        ctx.function = function
        ctx.surroundings = _Surroundings(preserve_rng_state)
        ctx.save_for_backward(*(a if isinstance(a, TensorBase) else None for a in args))
        ctx.others = [None if isinstance(a, TensorBase) else a for a in args]
        return function(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Gradients of the arguments, through a second run."""
        if state.walk is not None and state.walk.targets is not None:
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing "
                "an `inputs` parameter to .backward(). To resolve this error, you can either set "
                "use_reentrant=False, or call .backward() without passing the `inputs` argument."
            )
        saved = ctx.saved_tensors
        args = [o if s is None else s for s, o in zip(saved, ctx.others, strict=True)]
        twins = detach_variable(tuple(args))
        with ctx.surroundings.restored(), enable_grad():
            repeated = ctx.function(*twins)
        outputs = repeated if isinstance(repeated, tuple) else (repeated,)
        pairs = [
            (out, g)
            for out, g in zip(outputs, grads, strict=False)
            if isinstance(out, TensorBase) and out._requires_grad_
        ]
        if not pairs:
            raise RuntimeError(
                "none of output has requires_grad=True, this checkpoint() is not necessary"
            )
        api.backward([out for out, _ in pairs], [g for _, g in pairs])
        return None, None, *(t._grad if isinstance(t, TensorBase) else None for t in twins)


def check_backward_validity(inputs: Any) -> None:
    """Warn if no input wants a gradient."""
    if not any(t._requires_grad_ for t in inputs if isinstance(t, TensorBase)):
        warn("None of the inputs have requires_grad=True. Gradients will be None")


def detach_variable(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Twins of the tensors, outside the graph, that want a gradient where these do."""
    if not isinstance(inputs, tuple):
        raise RuntimeError(
            "Only tuple of tensors is supported. Got Unsupported input type: ",
            type(inputs).__name__,
        )
    return tuple(
        t.detach().requires_grad_(t.requires_grad) if isinstance(t, TensorBase) else t  # type: ignore[attr-defined]
        for t in inputs
    )
