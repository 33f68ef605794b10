"""The interface of all distributions, and what they share: shapes, checks, lazy parameters.

A distribution stores its parameters, broadcast against each other, as attributes named in
`arg_constraints`, and defines `_rsample` or `_sample`, `_log_prob`, `_entropy`, `_cdf`, `_icdf` as
far as it has them; checks and shapes are done here.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from typing import Any, ClassVar, NoReturn, Self

from rushlight.autograd.state import no_grad
from rushlight.core.tensor import TensorBase
from rushlight.size import Size

from . import constraints

__all__ = ["Distribution", "ExponentialFamily"]


def _missing(name: str) -> property:
    def get(self: Any) -> NoReturn:
        raise NotImplementedError(f"{type(self)} does not implement {name}")

    return property(get)


class Distribution:
    """A family of probability distributions: `batch_shape` of them over events of `event_shape`.

    validate_args: whether parameters and values are checked (ValueError); on by default.
    """

    has_rsample = False
    has_enumerate_support = False
    _default_validation: ClassVar[bool] = __debug__
    arg_constraints: Any = _missing("arg_constraints")
    support: Any = _missing("support")
    mean: Any = _missing("mean")
    mode: Any = _missing("mode")
    variance: Any = _missing("variance")
    stddev: Any = property(lambda self: self.variance.sqrt())
    batch_shape = property(lambda self: self._batch_shape)
    event_shape = property(lambda self: self._event_shape)

    def __init__(
        self,
        batch_shape: Sequence[int] = (),
        event_shape: Sequence[int] = (),
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        self._validate_args = self._default_validation if validate_args is None else validate_args
        if not self._validate_args:
            return
        try:
            conditions = self.arg_constraints
        except NotImplementedError:
            conditions = {}
            warnings.warn(
                f"{type(self)} does not define `arg_constraints`: set `arg_constraints = {{}}`, or "
                "pass `validate_args=False` to turn validation off.",
                stacklevel=2,
            )
        for name, constraint in conditions.items():
            if constraints.is_dependent(constraint) or name not in self.__dict__:
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
        Distribution._default_validation = value

    # ---- what the families define -----------------------------------------------------------

    def _rsample(self, shape: Size) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no reparameterized sample: sample()")

    def _sample(self, sample_shape: Sequence[int]) -> Any:
        return self.rsample(sample_shape)

    def _log_prob(self, value: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define log_prob")

    def _entropy(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define entropy")

    def _cdf(self, value: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define cdf")

    def _icdf(self, value: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define icdf")

    def _values(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no finite support to enumerate")

    # ---- the interface ----------------------------------------------------------------------

    def sample(self, sample_shape: Sequence[int] = ()) -> Any:
        """A sample of shape sample_shape + batch_shape + event_shape, without gradient."""
        with no_grad():
            return self._sample(sample_shape)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Any:
        """A sample that is differentiable in the parameters."""
        return self._rsample(self._extended_shape(sample_shape))

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density (or of the probability) at value."""
        return self._log_prob(self._checked(value))

    def cdf(self, value: Any) -> Any:
        """The probability of being at most value."""
        return self._cdf(self._checked(value))

    def icdf(self, value: Any) -> Any:
        """The quantile: the inverse of cdf."""
        return self._icdf(value)

    def entropy(self) -> Any:
        """The entropy in nats, of shape batch_shape."""
        return self._entropy()

    def perplexity(self) -> Any:
        """The exponential of the entropy."""
        return self.entropy().exp()

    def enumerate_support(self, expand: bool = True) -> Any:
        """All the values, along a new first dimension; expand: over the batch as well."""
        values = self._values()
        values = values.reshape(-1, *(1,) * len(self.batch_shape), *self.event_shape)
        return values.expand(-1, *self.batch_shape, *self.event_shape) if expand else values

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Self:
        """The same distribution with its batch expanded, sharing memory."""
        new = copy.copy(self)
        new._batch_shape = Size(batch_shape)
        for name, constraint in self.arg_constraints.items():
            if name in self.__dict__:
                value = getattr(self, name)
                event = value.shape[value.dim() - constraint.event_dim :]
                setattr(new, name, value.expand(*batch_shape, *event))
        return new

    def _extended_shape(self, sample_shape: Sequence[int] = ()) -> Size:
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    def _checked(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        return value

    def _validate_sample(self, value: Any) -> None:
        """Raise a ValueError for a value of the wrong shape or outside the support."""
        if not isinstance(value, TensorBase):
            raise ValueError("The value argument to log_prob must be a Tensor")
        tensor_value: Any = value
        shape = tensor_value.shape
        own = Size((*self._batch_shape, *self._event_shape))
        last = Size(shape[len(shape) - len(self._event_shape) :])
        if last != self._event_shape:
            raise ValueError(
                "The right-most size of value must match event_shape: "
                f"{shape} vs {self._event_shape}."
            )
        if any(
            i != j and 1 not in (i, j) for i, j in zip(reversed(shape), reversed(own), strict=False)
        ):
            raise ValueError(
                f"Value is not broadcastable with batch_shape+event_shape: {shape} vs {own}."
            )
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(
                f"{type(self)} does not define `support`: set it, or pass `validate_args=False` to "
                "turn validation off.",
                stacklevel=2,
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
        shown = (f"{n}: {v if v.numel() == 1 else v.shape}" for n, v in own)
        return f"{type(self).__name__}({', '.join(shown)})"


class ExponentialFamily(Distribution):
    """Distributions of densities h(x) exp(<natural parameters, statistics(x)> - log normalizer)."""
