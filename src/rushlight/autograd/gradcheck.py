"""Compare gradients with finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rushlight.autograd import api
from rushlight.autograd.directions import (
    along_inputs,
    as_tuple,
    outputs_of,
    same_in_batch,
    same_in_batch_forward,
)
from rushlight.autograd.function import Function
from rushlight.core.tensor import TensorBase, wrap
from rushlight.primitives.complex import view_as_real


class GradcheckError(RuntimeError):
    """A gradient that differs from its finite differences."""


def _numerical(
    function: Callable[..., Any], inputs: Sequence[Any], x: Any, eps: float
) -> list[np.ndarray[Any, Any]]:
    """d output / d x by central differences: per output an array (elements of x, elements of it)."""
    data = x._data_
    steps = [eps, eps * 1j] if data.dtype.kind == "c" else [eps]
    columns: list[list[Any]] = []
    for i in range(data.size):
        change: list[Any] = []
        for step in steps:
            place = np.unravel_index(i, data.shape)
            before = data[place]
            data[place] = before + step
            high = [o._data_.copy() for o in outputs_of(function, inputs)]
            data[place] = before - step
            low = [o._data_.copy() for o in outputs_of(function, inputs)]
            data[place] = before
            change.append(
                [((h - lo) / (2 * eps)).reshape(-1) for h, lo in zip(high, low, strict=True)]
            )
        columns.append(change)
    count = len(columns[0][0]) if columns else 0
    # For complex inputs: the derivative along the real and along the imaginary axis.
    return [
        np.stack([np.stack([axis[o] for axis in column]) for column in columns])
        for o in range(count)
    ]


def _analytical(outputs: list[Any], x: Any, number: int) -> np.ndarray[Any, Any] | None:
    """Rows of the Jacobian of output `number`: one backward per element."""
    output = outputs[number]
    rows = []
    seeds = [1.0, 1j] if output._data_.dtype.kind == "c" else [1.0]
    for i in range(output._data_.size):
        pair = []
        for seed in seeds:
            start = np.zeros(output._data_.shape, output._data_.dtype)
            start.reshape(-1)[i] = seed
            (g,) = api.grad([output], [x], [wrap(start)], retain_graph=True, allow_unused=True)
            pair.append(np.zeros(x._data_.shape, x._data_.dtype) if g is None else g._data_)
        rows.append(np.stack([p.reshape(-1) for p in pair]))
    return np.stack(rows) if rows else None


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    **_: Any,
) -> bool:
    """Whether backward through func agrees with central differences at inputs (use float64).

    check_undefined_grad: gradients that did not come are zeros, too. check_forward_ad: forward mode too;
    check_batched_grad, check_batched_forward_grad: that both give
    under vmap what they give one by one.
    Raises GradcheckError with both Jacobians, or returns False if raise_exception is False.

    >>> import rushlight as torch
    >>> x = torch.tensor([0.5, 2.0], dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradcheck(torch.log, x)
    True
    """
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError(
            "Expected at least one of check_forward_ad or check_backward_ad to be True"
        )
    for flag, name, needed in (
        (check_batched_grad, "check_batched_grad", check_backward_ad),
        (check_batched_forward_grad, "check_batched_forward_grad", check_forward_ad),
    ):
        if flag and not needed:
            mode = "backward_ad" if name == "check_batched_grad" else "forward_ad"
            raise AssertionError(f"Setting {name}=True requires check_{mode} to be True")
    given = as_tuple(inputs)
    wanted = [
        (i, t) for i, t in enumerate(given) if isinstance(t, TensorBase) and t._requires_grad_
    ]
    if not wanted:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of the them have "
            "requires_grad=True."
        )
    outputs = outputs_of(func, given)
    followed = any(o._requires_grad_ for o in outputs)
    try:
        for position, x in wanted:
            numerical = _numerical(func, given, x, eps)
            for number, slopes in enumerate(numerical):
                if not followed and slopes.any():
                    what = "Numerical gradient for function expected to be zero, as no output requires grad,"
                    _differ(what, number, position, slopes, np.zeros(()))
                if check_backward_ad and outputs[number]._requires_grad_:
                    ours = _analytical(outputs, x, number)
                    if ours is not None and not _agree(ours, slopes, atol, rtol):
                        _differ("Jacobian mismatch", number, position, slopes, np.squeeze(ours).T)
                if check_forward_ad:
                    along = along_inputs(func, given, position, number)
                    if not np.allclose(along, slopes, rtol=rtol, atol=atol):
                        what = "Jacobian computed with forward mode mismatch"
                        _differ(what, number, position, slopes, along)
        if check_backward_ad and check_undefined_grad:
            _check_undefined(func, given, [x for _, x in wanted])
        if check_batched_grad and not same_in_batch(outputs, [x for _, x in wanted]):
            raise GradcheckError("While computing batched gradients: vmap and a loop differ")
        if check_batched_forward_grad and not same_in_batch_forward(
            func, given, [position for position, _ in wanted]
        ):
            raise GradcheckError(
                "While computing batched forward gradients: vmap and a loop differ"
            )
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


class _Undefined(Function):
    """What it was given, without a gradient."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, g: Any) -> None:
        return None


def _check_undefined(func: Callable[..., Any], given: Sequence[Any], wanted: list[Any]) -> None:
    """Whether backward takes it that no gradient comes for all outputs, or for one of several."""
    count = len(outputs_of(func, given))
    for lost in [range(count), *([i] for i in range(count) if count > 1)]:
        outputs = [
            _Undefined.apply(o) if i in lost else o for i, o in enumerate(outputs_of(func, given))
        ]
        live = [o for o in outputs if o._requires_grad_]
        if not live:
            return
        start = [wrap(np.zeros(o._data_.shape, o._data_.dtype)) for o in live]
        try:
            found = api.grad(live, wanted, start, allow_unused=True)
        except RuntimeError as error:
            raise GradcheckError(
                "Expected backward function to handle undefined output grads: ctx.set_materialize_grads(True) "
                f"makes zeros of them. {error}"
            ) from error
        if any(g is not None and g._data_.any() for g in found):
            raise GradcheckError(
                "Expected all input grads to be undefined or zero when all output grads are undefined or zero."
            )


def _differ(what: str, number: int, position: int, numerical: Any, analytical: Any) -> None:
    raise GradcheckError(
        f"{what} for output {number} with respect to input {position},\n"
        f"numerical:{np.squeeze(numerical)}\nanalytical:{np.squeeze(analytical)}\n"
        "If the function is not smooth there, or not in float64, that is to be expected."
    )


def _agree(ours: Any, numerical: Any, atol: float, rtol: float) -> bool:
    # ours: (out, seeds, in); numerical: (in, axes, out). For a real function of real inputs, the
    # transpose of one another; a complex gradient holds d Re/d re + i d Re/d im in conjugate form.
    for seed in range(ours.shape[1]):
        factor = 1j if seed else 1.0
        for axis in range(numerical.shape[1]):
            slope = numerical[:, axis, :].T
            expected = np.real(np.conj(factor) * slope)
            part = np.imag(ours[:, seed, :]) if axis else np.real(ours[:, seed, :])
            if not np.allclose(part, expected, rtol=rtol, atol=atol):
                return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    check_undefined_grad: bool = True,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    **_: Any,
) -> bool:
    """`gradcheck` of the gradient of func: whether second derivatives are right.

    grad_outputs: the gradients of the outputs to start from; random ones if not given.
    """
    if not (check_fwd_over_rev or check_rev_over_rev):
        raise AssertionError(
            "Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True"
        )
    if check_undefined_grad and not check_rev_over_rev:
        raise AssertionError(
            "Setting check_undefined_grad=True requires check_rev_over_rev to be True"
        )
    given = as_tuple(inputs)
    outputs = [o for o in outputs_of(func, given) if o._requires_grad_]
    if grad_outputs is None:
        seeds = [wrap(np.empty(o._data_.shape, o._data_.dtype)) for o in outputs]
        for seed in seeds:
            (view_as_real(seed) if seed.is_complex() else seed).uniform_(-1, 1)
            seed.requires_grad_()
    else:
        seeds = list(as_tuple(grad_outputs))
    count = len(given)

    def gradient(*arguments: Any) -> Any:
        values, starts = arguments[:count], arguments[count:]
        roots = [o for o in outputs_of(func, values) if o._requires_grad_]
        wanted = [t for t in values if isinstance(t, TensorBase) and t._requires_grad_]
        found = api.grad(roots, wanted, list(starts), create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(
        gradient, (*given, *seeds), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception,
        check_undefined_grad=check_undefined_grad and check_rev_over_rev,
        check_batched_grad=check_batched_grad, check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
    )  # fmt: skip
