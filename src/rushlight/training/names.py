"""Losses, optimizers, schedules and activations by name, by class, by function or as they are.

What a Trainer accepts for one of them is

- an object that is ready: `nn.CrossEntropyLoss()`;
- a class or function that makes it: `torch.optim.Adam`, `lambda parameters: ...`;
- a name: "adam", "cross_entropy", "step_lr", as torch spells it, in any case;
- a pair of a class or name and options: ("sgd", {"lr": 0.1}).
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from rushlight import nn, optim
from rushlight._tensor import Tensor
from rushlight.nn import functional
from rushlight.optim import lr_scheduler
from rushlight.training import checks

ACTIVATIONS = (
    "celu", "elu", "gelu", "hardtanh", "leaky_relu", "log_softmax", "logsigmoid", "mish", "relu",
    "relu6", "selu", "sigmoid", "silu", "softmax", "softplus", "softsign", "tanh",
)  # fmt: skip
_LAST_DIMENSION = ("softmax", "log_softmax")
_NO_ACTIVATION = (None, "linear", "identity", "none")

# Classes to derive from, which make nothing themselves.
_BASES = (optim.Optimizer, lr_scheduler.LRScheduler, lr_scheduler._LRScheduler, nn.Module)

_SHORT_LOSSES = {
    "bce": "binary_cross_entropy",
    "bce_with_logits": "binary_cross_entropy_with_logits",
    "kl_div": "kl_div",
    "mae": "l1_loss",
}


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of an error message: what could have been meant."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or known
    *others, last = map(repr, close)
    return f": did you mean {', '.join(others)}{' or ' if others else ''}{last}?"


def loss(given: Any) -> Callable[[Any, Any], Any] | None:
    """A function (outputs, targets) -> loss."""
    thing, options = _parted(given)
    if isinstance(thing, str):
        thing = _loss_named(thing)
    if isinstance(thing, type):
        thing = checks.made("loss", thing, **options)
        options = {}
    if thing is not None and not callable(thing):
        raise TypeError(
            f"a loss is a name, a function or a module of torch.nn, not a {type(thing).__name__}"
        )
    if thing is not None and not isinstance(thing, nn.Module):
        checks.takes("loss", thing, 2, options)
    return functools.partial(thing, **options) if options else thing


# Losses that torch broadcasts, with a warning, where the shapes of their arguments differ: nearly
# always (N, 1) against (N,), from which nothing sensible is learned.
_ELEMENTWISE = (
    functional.mse_loss,
    functional.l1_loss,
    functional.smooth_l1_loss,
    functional.huber_loss,
)
_ELEMENTWISE_MODULES = (nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss)


def compares_elements(loss: Any) -> bool:
    """Whether a loss compares outputs and targets element by element, and broadcasts them."""
    function = loss.func if isinstance(loss, functools.partial) else loss
    return function in _ELEMENTWISE or type(function) in _ELEMENTWISE_MODULES


def refuse_shapes(outputs: Tensor, targets: Any) -> NoReturn:
    """The error for outputs and targets that would be broadcast."""
    advice = "bring them to the same shape"
    if outputs.numel() == targets.numel():
        advice = f"targets.reshape({', '.join(['-1', *map(str, outputs.shape[1:])])}) has the shape"
    raise ValueError(
        f"the outputs have shape {list(outputs.shape)} and the targets {list(targets.shape)}, which "
        f"this loss compares element by element: {advice}"
    )


def _loss_named(name: str) -> Any:
    plain = name.lower()
    for candidate in (_SHORT_LOSSES.get(plain, plain), f"{plain}_loss"):
        found = getattr(functional, candidate, None)
        if found is not None and _is_loss(candidate):
            return found
    by_class = _by_plain_name(nn, nn.Module)
    if _plain(name) in by_class and name.lower().endswith("loss"):
        return by_class[_plain(name)]
    known = {n.removesuffix("_loss") for n in dir(functional) if _is_loss(n)} | {*_SHORT_LOSSES}
    raise ValueError(f"there is no loss called {name!r}{nearest(plain, known)}")


def _is_loss(name: str) -> bool:
    return name.endswith("_loss") or "cross_entropy" in name or name == "kl_div"


def optimizer(given: Any, parameters: Iterable[Any]) -> optim.Optimizer:
    """An optimizer of these parameters, unless one is given that has its own."""
    return _made(given, parameters, optim, optim.Optimizer, "optimizer")


def scheduler(given: Any, of: optim.Optimizer) -> Any:
    """A learning-rate schedule of this optimizer."""
    base = (lr_scheduler.LRScheduler, lr_scheduler.ReduceLROnPlateau)
    return _made(given, of, lr_scheduler, base, "scheduler")


def _made(given: Any, argument: Any, room: Any, base: Any, kind: str) -> Any:
    thing, options = _parted(given)
    if isinstance(thing, base):
        return thing
    if isinstance(thing, str):
        by_name = _by_plain_name(room, base)
        if _plain(thing) not in by_name:
            known = [cls.__name__ for cls in by_name.values()]
            raise ValueError(f"there is no {kind} called {thing!r}{nearest(thing, known)}")
        thing = by_name[_plain(thing)]
    made = checks.made(kind, thing, argument, **options) if callable(thing) else thing
    if not isinstance(made, base):
        raise TypeError(
            f"{kind}: expected a name, a class, a function that makes one, or one that is made; "
            f"got {made!r}"
        )
    return made


def activation(given: Any) -> tuple[str, Callable[[Any], Any]]:
    """Name and function of an activation."""
    if given in _NO_ACTIVATION:
        return "linear", _same
    if callable(given):
        return getattr(given, "__name__", type(given).__name__), given
    if given not in ACTIVATIONS:
        raise ValueError(
            f"there is no activation called {given!r}{nearest(str(given), ACTIVATIONS)}"
        )
    function = getattr(functional, given)
    if given in _LAST_DIMENSION:
        return given, functools.partial(function, dim=-1)
    return given, function


def _same(x: Any) -> Any:
    return x


def _parted(given: Any) -> tuple[Any, dict[str, Any]]:
    """What is given, and its options."""
    if isinstance(given, tuple):
        if len(given) != 2 or not isinstance(given[1], dict):
            raise TypeError(f"expected a pair like ('sgd', {{'lr': 0.1}}), got {given!r}")
        return given
    return given, {}


def _plain(name: str) -> str:
    return name.lower().replace("_", "")


def _by_plain_name(room: Any, base: Any) -> dict[str, Any]:
    return {
        _plain(name): thing
        for name, thing in vars(room).items()
        if isinstance(thing, type) and issubclass(thing, base) and thing not in _BASES
    }
