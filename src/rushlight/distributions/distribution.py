"""The interface of all distributions, and what they share: shapes, checks, expansion.

A family broadcasts its parameters against each other, keeps them as attributes named in `arg_constraints`, and
then calls `Distribution.__init__`. `_parts` says what of it is expanded with the batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NoReturn, Self

from rushlight.autograd.api import grad
from rushlight.autograd.state import no_grad
from rushlight.core.tensor import TensorBase
from rushlight.errors import warn
from rushlight.size import Size

from . import constraints
from .utils import lazy_property

__all__ = ["Distribution", "ExponentialFamily"]

KEPT = -1


def _undefined(name: str, words: str = "") -> Any:
    def get(self: Any) -> NoReturn:
        raise NotImplementedError(f"{type(self)} does not implement {name}{words}")

    return property(get)


class Distribution:
    """A family of probability distributions: `batch_shape` of them over events of `event_shape`.

    validate_args: whether parameters and values are checked (ValueError); on by default.
    """

    has_rsample = False
    has_enumerate_support = False
    _validate_args: bool = __debug__
    # Attributes that `expand` makes: of tensors how many of their last dimensions stay, of distributions how
    # many of their batch, and KEPT of what is taken over. A class that names its parts has an __init__ of its own.
    _parts: ClassVar[Mapping[str, int]] = {}

    arg_constraints: Any = _undefined("arg_constraints")
    support: Any = _undefined("support")
    mean: Any = _undefined("mean")
    mode: Any = _undefined("mode")
    variance: Any = _undefined("variance")
    stddev: Any = property(lambda self: self.variance.sqrt())
    batch_shape: Any = property(lambda self: self._batch_shape)
    event_shape: Any = property(lambda self: self._event_shape)

    def __init__(
        self,
        batch_shape: Sequence[int] = Size(),
        event_shape: Sequence[int] = Size(),
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._validate_parameters()
        super().__init__()

    def _validate_parameters(self) -> None:
        try:
            conditions = self.arg_constraints
        except NotImplementedError:
            warn(
                f"{type(self)} does not define `arg_constraints`: set `arg_constraints = {{}}`, or "
                "pass `validate_args=False` to turn validation off."
            )
            return
        for name, constraint in conditions.items():
            derived = name not in self.__dict__ and isinstance(
                getattr(type(self), name, None), lazy_property
            )
            if constraints.is_dependent(constraint) or derived:
                continue
            value = getattr(self, name)
            if not constraint.check(value).all():
                raise ValueError(
                    f"Expected parameter {name} ({type(value).__name__} of shape "
                    f"{tuple(value.shape)}) of distribution {self!r} to satisfy the constraint "
                    f"{constraint!r}, but found invalid values:\n{value}"
                )

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Check arguments by default, or do not."""
        if value not in (True, False):
            raise ValueError(f"validate_args is True or False, not {value!r}")
        Distribution._validate_args = value

    # ---- what families define ----------------------------------------------------------------------

    def rsample(self, sample_shape: Sequence[int] = Size()) -> Any:
        """A sample that is differentiable in the parameters."""
        raise NotImplementedError(f"{type(self).__name__} has no reparameterized sample: sample()")

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density (or of the probability) at value."""
        raise NotImplementedError(f"{type(self).__name__} does not define log_prob")

    def cdf(self, value: Any) -> Any:
        """The probability of being at most value."""
        raise NotImplementedError(f"{type(self).__name__} does not define cdf")

    def icdf(self, value: Any) -> Any:
        """The quantile: the inverse of cdf."""
        raise NotImplementedError(f"{type(self).__name__} does not define icdf")

    def entropy(self) -> Any:
        """The entropy in nats, of shape batch_shape."""
        raise NotImplementedError(f"{type(self).__name__} does not define entropy")

    def enumerate_support(self, expand: bool = True) -> Any:
        """All the values, along a new first dimension; expand: over the batch as well."""
        raise NotImplementedError(f"{type(self).__name__} has no finite support to enumerate")

    # ---- what they share ---------------------------------------------------------------------------

    def sample(self, sample_shape: Sequence[int] = Size()) -> Any:
        """A sample of shape sample_shape + batch_shape + event_shape, without gradient."""
        with no_grad():
            return self.rsample(sample_shape)

    def sample_n(self, n: int) -> Any:
        """n samples: `sample((n,))`, which is to be called instead."""
        warn("`sample_n(n)` will be deprecated. Use `sample((n,))` instead.", FutureWarning)
        return self.sample(Size((n,)))

    def perplexity(self) -> Any:
        """The exponential of the entropy."""
        return self.entropy().exp()

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Self:
        """The same distribution with its batch expanded, sharing memory.

        A class with an `__init__` of its own makes the new object itself, and hands it on as `_instance`.
        """
        family = next((kind for kind in type(self).__mro__ if kind.__dict__.get("_parts")), None)
        if family is None:
            raise NotImplementedError(f"{type(self).__name__} does not define expand")
        new = self._get_checked_instance(family, _instance)
        batch = Size(batch_shape)
        for name, last in family._parts.items():  # type: ignore[attr-defined]
            if name in self.__dict__:
                setattr(new, name, _expanded(self.__dict__[name], batch, last))
        return self._finish(new, batch)

    def _finish(self, new: Any, batch_shape: Size, event_shape: Any = None) -> Any:
        shape = self._event_shape if event_shape is None else event_shape
        Distribution.__init__(new, batch_shape, shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        """A new object for `expand`, without the parts that come from `__init__`."""
        if _instance is not None:
            return _instance
        if type(self).__init__ != cls.__init__:  # type: ignore[misc]
            raise NotImplementedError(
                f"Subclass {type(self).__name__} of {cls.__name__} that defines a custom __init__ "
                "method must also define a custom .expand() method."
            )
        return type(self).__new__(type(self))

    def _extended_shape(self, sample_shape: Sequence[int] = Size()) -> Size:
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    def _over_batch(self, values: Any, expand: bool) -> Any:
        """A list of events with dimensions for the batch, expanded over it or of size 1."""
        values = values.reshape(-1, *(1,) * len(self._batch_shape), *self._event_shape)
        return values.expand(-1, *self._batch_shape, *self._event_shape) if expand else values

    def _validate_sample(self, value: Any) -> None:
        """Raise a ValueError for a value of the wrong shape or outside the support."""
        if not isinstance(value, TensorBase):
            raise ValueError("The value argument to log_prob must be a Tensor")
        shape: Any = value.shape  # type: ignore[attr-defined]
        own = Size((*self._batch_shape, *self._event_shape))
        if shape[len(shape) - len(self._event_shape) :] != self._event_shape:
            raise ValueError(
                "The right-most size of value must match event_shape: "
                f"{shape} vs {self._event_shape}."
            )
        pairs = zip(reversed(shape), reversed(own), strict=False)
        if any(i != j and 1 not in (i, j) for i, j in pairs):
            raise ValueError(
                f"Value is not broadcastable with batch_shape+event_shape: {shape} vs {own}."
            )
        try:
            support = self.support
        except NotImplementedError:
            warn(
                f"{type(self)} does not define `support`: set it, or pass `validate_args=False` to "
                "turn validation off."
            )
            return
        if not support.check(value).all():
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(shape)}) to be "
                f"within the support ({support!r}) of the distribution {self!r}, but found "
                f"invalid values:\n{value}"
            )

    def __repr__(self) -> str:
        own = ((n, self.__dict__[n]) for n in self.arg_constraints if n in self.__dict__)
        shown = (f"{n}: {v if v.numel() == 1 else v.size()}" for n, v in own)
        return f"{type(self).__name__}({', '.join(shown)})"


def _expanded(part: Any, batch_shape: Size, last: int) -> Any:
    if last == KEPT:
        return part
    shape = part.batch_shape if isinstance(part, Distribution) else part.shape
    return part.expand(Size((*batch_shape, *shape[len(shape) - last :])))


class ExponentialFamily(Distribution):
    """Distributions of densities h(x) exp(<natural parameters, statistics(x)> - log normalizer).

    With these parameters, the normalizer as a function of them, and the mean of log h, the entropy is known: the
    mean of the statistics is the normalizer's gradient (F. Nielsen, R. Nock, "Entropies and cross-entropies of
    exponential families", 2010).
    """

    _natural_params: Any = _undefined("_natural_params")
    _mean_carrier_measure: Any = _undefined("_mean_carrier_measure")

    def _log_normalizer(self, *natural_params: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define _log_normalizer")

    def entropy(self) -> Any:
        """The entropy, from the log normalizer and its gradient."""
        known = -self._mean_carrier_measure
        parameters, normalizer, means = self._means()
        result = known + normalizer
        for parameter, mean in zip(parameters, means, strict=True):
            result = result - (parameter * mean).reshape(*self._batch_shape, -1).sum(-1)
        return result

    def _means(self) -> tuple[list[Any], Any, Any]:
        """The natural parameters, the log normalizer at them, and its gradient."""
        parameters = [p.detach().requires_grad_() for p in self._natural_params]
        normalizer = self._log_normalizer(*parameters)
        return parameters, normalizer, grad(normalizer.sum(), parameters, create_graph=True)
