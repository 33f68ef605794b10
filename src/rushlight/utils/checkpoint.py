"""Checkpoints in the graph: what a function computes is dropped, and computed again in backward.

Memory for time: of a checkpointed part only its inputs and outputs stay until backward comes.

The first pass runs without recording, and notes which tensors that want gradients it uses, be they
arguments or, like the weights of a module, just known to the function. They are the edges of one
node. Its backward runs the function again, on twins of these tensors, and differentiates that.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from rushlight.autograd import api
from rushlight.autograd.function import Function
from rushlight.autograd.state import enable_grad, no_grad, state
from rushlight.random import default_generator, fork_rng
from rushlight.tensor_base import TensorBase

__all__ = ["CheckpointError", "checkpoint", "checkpoint_sequential", "noop_context_fn"]

Contexts = tuple[AbstractContextManager[Any], AbstractContextManager[Any]]


class CheckpointError(RuntimeError):
    """The second run of a checkpointed function gave something else than the first."""


def noop_context_fn() -> Contexts:
    """Contexts for the two runs that do nothing."""
    return nullcontext(), nullcontext()


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
    keywords are refused. context_fn makes two contexts, for the first and the second run. debug and
    early_stop are accepted.

    >>> import rushlight as torch
    >>> from rushlight.utils.checkpoint import checkpoint
    >>> x = torch.ones(3, requires_grad=True)
    >>> checkpoint(lambda x: x.exp().log() * 2, x, use_reentrant=False).sum().backward()
    >>> x.grad
    tensor([2., 2., 2.])
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. "
            "use_reentrant=False is recommended; without it, use_reentrant=True is assumed.",
            stacklevel=2,
        )
        use_reentrant = True
    if use_reentrant and kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if use_reentrant and (context_fn is not noop_context_fn or debug):
        raise ValueError(
            "Passing `context_fn` or `debug` is only supported when use_reentrant=False."
        )
    if determinism_check not in ("default", "none"):
        raise ValueError(
            f"determinism_check should be one of ['default', 'none'], but got {determinism_check}"
        )
    given = {id(t): t for t in args if isinstance(t, TensorBase) and _wants(t)}
    if use_reentrant and not given:
        warnings.warn(
            "None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2
        )
    if not state.grad or (use_reentrant and not given):
        with no_grad() if use_reentrant else nullcontext():
            return function(*args, **kwargs)
    first, second = context_fn()
    rng = default_generator.get_state() if preserve_rng_state else None
    witness = _Witness(given)
    with no_grad(), witness.watching(), first:
        outputs = function(*args, **kwargs)
    if not witness.seen:
        return outputs
    leaves = list(_tensors(outputs))

    def again(twins: Mapping[int, Any]) -> list[Any]:
        stand_ins = [twins.get(id(a), a) if isinstance(a, TensorBase) else a for a in args]
        with _random_numbers(rng), enable_grad(), _Actor(twins).acting(), second:
            repeated = list(_tensors(function(*stand_ins, **kwargs)))
        if determinism_check == "default":
            _check_alike(leaves_meta, repeated)
        return repeated

    leaves_meta = [(t._data.shape, t._data.dtype) for t in leaves]
    placed = CheckpointFunction.apply(again, tuple(leaves), *witness.seen.values())
    return _rebuilt(outputs, iter(placed))


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
        warnings.warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be "
            "passed explicitly. use_reentrant=False is recommended; without it, "
            "use_reentrant=True is assumed.",
            stacklevel=2,
        )
        use_reentrant = True
    layers = list(functions)
    size = len(layers) // segments

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
    """The node of a checkpoint: its backward runs the function again and differentiates that."""

    @staticmethod
    def forward(ctx: Any, again: Callable[..., Any], outputs: Any, *used: Any) -> Any:
        """The outputs, which are computed already; used are the tensors they came from."""
        ctx.again = again
        ctx.save_for_backward(*used)
        return outputs

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Gradients of what was used, through a second run."""
        used = ctx.saved_tensors
        if state.grad:
            # To be differentiated again, the twins must hang on what they stand for.
            twins = [t.view_as(t) for t in used]
        else:
            twins = [t.detach().requires_grad_() for t in used]
        repeated = ctx.again({id(t): twin for t, twin in zip(used, twins, strict=True)})
        pairs = [
            (out, g)
            for out, g in zip(repeated, grads, strict=True)
            if g is not None and _wants(out)
        ]
        if not pairs:
            return None, None, *(None for _ in used)
        outs, seeds = ([*column] for column in zip(*pairs, strict=True))
        if state.grad:
            found = api.grad(outs, twins, seeds, create_graph=True, allow_unused=True)
            return None, None, *found
        # What a custom Function uses unseen gets its gradient here, as it has no edge.
        api.backward(outs, seeds)
        return None, None, *(twin.grad for twin in twins)


class _Witness:
    """Watches a run, and notes the tensors from outside that want gradients."""

    def __init__(self, seen: dict[int, Any]) -> None:
        self.seen = seen

    def __call__(self, row: Any, inputs: Any, static: Any) -> Any:
        for t in inputs:
            if isinstance(t, TensorBase) and _wants(t):
                self.seen.setdefault(id(t), t)
        with _interpreting(self.outer):
            return row(*inputs, **static)

    @contextmanager
    def watching(self) -> Any:
        self.outer = state.interpreter
        with _interpreting(self):
            yield


class _Actor:
    """Runs with twins in the place of the tensors they stand for."""

    def __init__(self, twins: Mapping[int, Any]) -> None:
        self.twins = twins

    def __call__(self, row: Any, inputs: Any, static: Any) -> Any:
        with _interpreting(self.outer):
            return row(*(self.twins.get(id(t), t) for t in inputs), **static)

    @contextmanager
    def acting(self) -> Any:
        self.outer = state.interpreter
        with _interpreting(self):
            yield


@contextmanager
def _interpreting(interpreter: Any) -> Any:
    before = state.interpreter
    state.interpreter = interpreter
    try:
        yield
    finally:
        state.interpreter = before


@contextmanager
def _random_numbers(rng: Any) -> Any:
    if rng is None:
        yield
        return
    with fork_rng():
        default_generator.set_state(rng)
        yield


def _wants(tensor: Any) -> bool:
    return bool(tensor.requires_grad)


def _tensors(value: Any) -> Iterable[Any]:
    if isinstance(value, TensorBase):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _tensors(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)


def _rebuilt(value: Any, placed: Any) -> Any:
    """The structure of value with the next of placed for each of its tensors."""
    if isinstance(value, TensorBase):
        return next(placed)
    if isinstance(value, Mapping):
        return {name: _rebuilt(item, placed) for name, item in value.items()}
    if isinstance(value, list | tuple):
        items = [_rebuilt(item, placed) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value


def _check_alike(first: list[Any], repeated: list[Any]) -> None:
    second = [(t._data.shape, t._data.dtype) for t in repeated]
    if first != second:
        raise CheckpointError(
            "torch.utils.checkpoint: Recomputed values for the following tensors have different "
            f"metadata than during the forward pass: {first} at first, {second} in backward. The "
            "function must do the same in both runs"
        )
