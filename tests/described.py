"""What programs under `tests.parity` say of tensors whose values are not the matter, and of errors."""

import builtins


def described(t):
    """Shape, type, strides, device, wish for a gradient and class of a tensor, or of each in a list."""
    if t is None:
        return None
    if isinstance(t, tuple | list):
        return [described(part) for part in t]
    dtype = str(t.dtype).rpartition(".")[2]
    return (
        tuple(t.shape),
        dtype,
        tuple(t.stride()),
        t.device.type,
        t.requires_grad,
        type(t).__name__,
    )


def raised(call):
    """The builtin type of the exception that a call raises, or "ok"."""
    try:
        call()
    except BaseException as error:
        return next(c.__name__ for c in type(error).__mro__ if hasattr(builtins, c.__name__))
    return "ok"


def said(call):
    """The message of the exception that a call raises, or "ok"."""
    try:
        call()
    except BaseException as error:
        return str(error)[:160]
    return "ok"
