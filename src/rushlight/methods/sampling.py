"""Methods that fill a tensor with random numbers."""

from __future__ import annotations

from rushlight.ops import sampling


class SamplingMethods:
    """Mixed into Tensor."""

    __slots__ = ()

    bernoulli = sampling.bernoulli
    bernoulli_ = sampling.bernoulli_
    cauchy_ = sampling.cauchy_
    exponential_ = sampling.exponential_
    geometric_ = sampling.geometric_
    log_normal_ = sampling.log_normal_
    multinomial = sampling.multinomial
    normal_ = sampling.normal_
    random_ = sampling.random_
    uniform_ = sampling.uniform_
