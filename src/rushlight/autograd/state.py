"""Switches of gradient recording, for a block or a function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from rushlight.core.state import State as State
from rushlight.core.state import state as state
from rushlight.core.tensor import Detached, TensorBase, inference, switch_inference
from rushlight.errors import warn

F = TypeVar("F", bound=Callable[..., Any])


class Uncounted(list[Any]):
    """The count of an inference tensor whose `.data` was set: it is one no longer, and still has none."""


def pushing() -> bool:
    """Whether a level of forward mode is entered, which keeps operands in graphs of its own."""
    return any(hasattr(watcher, "tangent") for watcher in state.interpreters)


def need_tracked(target: TensorBase) -> None:
    """Raise torch's error for a change of an inference tensor outside of inference mode."""
    kind = target._changes_.__class__
    if kind is not list and kind is not Detached and not inference.on:
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed. You can make a "
            "clone to get a normal tensor before doing inplace update."
        )


def need_own(target: TensorBase) -> None:
    """Raise torch's error for a change, by a function that is differentiated, of a tensor from outside of it."""
    if inference.within is not None and not inference.within.may_change(target):
        raise RuntimeError(
            "a function that is differentiated (torch.func) attempted to call in-place operation that would "
            "mutate a captured Tensor: clone() it in the function, or pass it as an argument"
        )


def _switch_grad(on: bool) -> bool:
    """Record or not; what it was. In inference mode a program may ask for it, and nothing is recorded."""
    if not inference.on:
        before, state.grad = state.grad, on
        return before
    before, inference.asked, state.grad = inference.asked, on, False
    return before


class _Switch:
    """A context manager that is also a decorator, for functions and generators."""

    def __enter__(self) -> None:
        raise NotImplementedError

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        raise NotImplementedError

    def _fresh(self) -> _Switch:
        return type(self)()

    def clone(self) -> _Switch:
        """Another switch of the kind."""
        return self._fresh()

    def __call__(self, function: F) -> F:
        if inspect.isclass(function):
            warn(
                "Decorating classes is deprecated and will be disabled in future versions. You should "
                "only decorate functions or methods. To preserve the current behavior of class "
                "decoration, you can directly decorate the `__init__` method and nothing else.",
                FutureWarning,
            )
        if inspect.isgeneratorfunction(function):
            return _switch_generator(self, function)

        @functools.wraps(function)
        def switched(*args: Any, **kwargs: Any) -> Any:
            with self._fresh():
                return function(*args, **kwargs)

        return switched  # type: ignore[return-value]


def _switch_generator(switch: _Switch, function: F) -> F:
    # The mode holds while the generator runs, not while its consumer does.
    @functools.wraps(function)
    def switched(*args: Any, **kwargs: Any) -> Any:
        with switch._fresh():
            generator = function(*args, **kwargs)
        go, given = generator.send, None
        while True:
            try:
                with switch._fresh():
                    item = go(given)
            except StopIteration as stop:
                return stop.value
            try:
                go, given = generator.send, (yield item)
            except GeneratorExit:
                with switch._fresh():
                    generator.close()
                raise
            except BaseException as error:
                go, given = generator.throw, error

    return switched  # type: ignore[return-value]


class set_grad_enabled(_Switch):
    """Turn gradient recording on or off, at once and until the `with` block ends.

    >>> import rushlight as torch
    >>> with torch.set_grad_enabled(False):
    ...     torch.is_grad_enabled()
    False
    """

    __module__ = "rushlight.autograd.grad_mode"

    def __init__(self, mode: bool) -> None:
        if mode.__class__ is not bool:
            raise TypeError(
                f"set_grad_enabled(): argument 'enabled' (position 1) must be bool, not "
                f"{type(mode).__name__}"
            )
        self.mode = mode
        self.before = _switch_grad(mode)

    def __enter__(self) -> None:
        _switch_grad(self.mode)

    def __exit__(self, *exception: Any) -> None:
        _switch_grad(self.before)

    def _fresh(self) -> set_grad_enabled:
        return set_grad_enabled(self.mode)

    def __call__(self, function: F) -> F:
        """The function, switched while it runs."""
        _switch_grad(self.before)  # as a decorator it switches only while the function runs
        return super().__call__(function)


class no_grad(_Switch):
    """Record no gradients in the block or the decorated function.

    >>> import rushlight as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.no_grad():
    ...     (x * 2).requires_grad
    False
    """

    __module__ = "rushlight.autograd.grad_mode"

    mode = False

    def __new__(cls, function: Callable[..., Any] | None = None) -> Self:
        """The switch, or, for `@torch.no_grad` without parentheses, the decorated function."""
        switch = super().__new__(cls)
        return switch if function is None else switch(function)  # type: ignore[return-value]

    def __enter__(self) -> None:
        self.before = _switch_grad(self.mode)

    def __exit__(self, *exception: Any) -> None:
        _switch_grad(self.before)


class enable_grad(no_grad):
    """Record gradients in the block even inside `no_grad`."""

    __module__ = "rushlight.autograd.grad_mode"

    mode = True


class inference_mode(_Switch):
    """Like `no_grad`; `inference_mode(False)` does nothing.

    >>> import rushlight as torch
    >>> with torch.inference_mode():
    ...     torch.is_inference_mode_enabled(), torch.is_grad_enabled()
    (True, False)
    """

    __module__ = "rushlight.autograd.grad_mode"

    def __new__(cls, mode: bool | Callable[..., Any] = True) -> Self:
        """The switch, or the decorated function."""
        switch = super().__new__(cls)
        if mode.__class__ is not bool:
            switch.mode = True
            return switch(mode)  # type: ignore[return-value, type-var]
        return switch

    def __init__(self, mode: bool = True) -> None:
        self.mode = mode

    def __enter__(self) -> None:
        self.before = is_grad_enabled(), switch_inference(self.mode, 1)
        _switch_grad(not self.mode)

    def __exit__(self, *exception: Any) -> None:
        grad_before, inference_before = self.before
        switch_inference(inference_before, -1)
        _switch_grad(grad_before)

    def _fresh(self) -> inference_mode:
        return inference_mode(self.mode)


class _unsafe_preserve_version_counter(_Switch):
    """A block that ends with the counts of changes of tensors as it found them."""

    __module__ = "rushlight.autograd.grad_mode"

    def __init__(self, tensors: Any) -> None:
        self.tensors: Any = (tensors,) if isinstance(tensors, TensorBase) else tensors
        self.counts = [t._changes_[0] for t in self.tensors]

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: Any) -> None:
        for tensor, count in zip(self.tensors, self.counts, strict=True):
            tensor._changes_[0] = count

    def _fresh(self) -> _unsafe_preserve_version_counter:
        return _unsafe_preserve_version_counter(self.tensors)


class set_multithreading_enabled(_Switch):
    """Accepted: backward runs in the thread that asks for it, and rows share out their work themselves."""

    __module__ = "rushlight.autograd.grad_mode"

    def __init__(self, mode: bool) -> None:
        self.mode = mode

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: Any) -> None:
        pass

    def _fresh(self) -> set_multithreading_enabled:
        return self


def is_grad_enabled() -> bool:
    """Whether operations are being recorded in this thread; in inference mode, whether that was asked for."""
    return inference.asked if inference.on else state.grad


def is_inference_mode_enabled() -> bool:
    """Whether this thread is inside `inference_mode`."""
    return inference.on


def is_differentiated() -> bool:
    """Whether what a rule computes is differentiated again: by the tape, or by the tangents that it carries."""
    return state.grad or pushing()


def transformed() -> bool:
    """Whether this is within a function that torch.func transforms."""
    return inference.within is not None or any(
        getattr(one, "transforms", False) for one in state.interpreters
    )


def need_no_transform() -> None:
    """Raise torch's error for `requires_grad_()` within a function that torch.func transforms."""
    if transformed():
        raise RuntimeError(
            "You are attempting to call Tensor.requires_grad_() (or perhaps using torch.autograd.functional.* "
            "APIs) inside of a function being transformed by a functorch transform. This is unsupported, please "
            "attempt to use the functorch transforms (e.g. grad, vjp, jacrev, jacfwd, hessian) or call "
            "requires_grad_() outside of a function being transformed instead."
        )
