"""torch.distributions: probability distributions to sample from and to differentiate.

>>> import rushlight as torch
>>> from rushlight.distributions import Categorical
>>> Categorical(torch.tensor([0.5, 0.5])).entropy()
tensor(0.6931)
"""

from . import (
    constraints,
    continuous,
    discrete,
    distribution,
    gamma,
    kl,
    multivariate,
    transformed,
    transforms,
    utils,
)
from .continuous import Cauchy, Exponential, Laplace, Normal, StudentT, Uniform
from .discrete import Bernoulli, Binomial, Categorical, Multinomial, OneHotCategorical, Poisson
from .distribution import Distribution, ExponentialFamily
from .gamma import Beta, Chi2, Dirichlet, Gamma
from .kl import kl_divergence, register_kl
from .multivariate import MultivariateNormal
from .transformed import HalfNormal, Independent, LogNormal, TransformedDistribution
from .transforms import (
    AffineTransform,
    ComposeTransform,
    ExpTransform,
    SigmoidTransform,
    SoftplusTransform,
    TanhTransform,
    Transform,
    identity_transform,
)

# torch has a file for each of these.
cauchy = exponential = laplace = normal = studentT = uniform = continuous
bernoulli = binomial = categorical = multinomial = one_hot_categorical = poisson = discrete
beta = chi2 = dirichlet = gamma
multivariate_normal = multivariate
half_normal = independent = log_normal = transformed_distribution = transformed
exp_family = distribution

__all__ = [
    "AffineTransform", "Bernoulli", "Beta", "Binomial", "Categorical", "Cauchy", "Chi2",
    "ComposeTransform", "Dirichlet", "Distribution", "ExpTransform", "Exponential",
    "ExponentialFamily", "Gamma", "HalfNormal", "Independent", "Laplace", "LogNormal",
    "Multinomial", "MultivariateNormal", "Normal", "OneHotCategorical", "Poisson",
    "SigmoidTransform", "SoftplusTransform", "StudentT", "TanhTransform", "Transform",
    "TransformedDistribution", "Uniform", "constraints", "identity_transform", "kl", "kl_divergence",
    "register_kl", "transforms", "utils",
]  # fmt: skip
