"""Divergences against torch."""

import pytest

from tests.parity import parity

# p, q, in the parameter a of the first
PAIRS = [
    ("Normal(a, 2.0)", "Normal(0.5, a)"),
    ("HalfNormal(a)", "HalfNormal(2.0)"),
    ("LogNormal(a, 2.0)", "LogNormal(0.5, a)"),
    ("Laplace(a, 2.0)", "Laplace(0.5, a)"),
    ("Cauchy(a, 2.0)", "Cauchy(0.5, a)"),
    ("Uniform(-a, a)", "Uniform(-0.5, 0.5)"),
    ("Uniform(-a, a)", "Normal(0.5, a)"),
    ("Exponential(a)", "Exponential(2.0)"),
    ("Gamma(a, 2.0)", "Gamma(0.5, a)"),
    ("Beta(a, 2.0)", "Beta(0.5, a)"),
    ("Dirichlet(a)", "Dirichlet(a + torch.tensor([1.0, 2.0, 0.5]))"),
    ("Bernoulli(a)", "Bernoulli(1 - a)"),
    ("Bernoulli(a)", "Bernoulli(torch.tensor([0.0, 1.0, 0.5]))"),
    ("Bernoulli(torch.tensor([0.0, 1.0, 0.5]))", "Bernoulli(a)"),
    ("Binomial(3, a)", "Binomial(torch.tensor([3, 2, 3]), 1 - a)"),
    ("Categorical(a)", "Categorical(logits=a)"),
    ("Categorical(a)", "Categorical(torch.tensor([0.0, 1.0, 0.5]))"),
    ("OneHotCategorical(a)", "OneHotCategorical(logits=a)"),
    ("Poisson(a)", "Poisson(2.0)"),
    ("Independent(D.Normal(a, 1.0), 1)", "Independent(D.Normal(0.0 * a, 2.0), 1)"),
    ("MultivariateNormal(a, scale_tril=torch.eye(3))", "MultivariateNormal(0 * a, a.diag())"),
]  # fmt: skip


FAMILIES = [
    "Bernoulli(a)", "Beta(a, 2.0)", "Binomial(3, a)", "ContinuousBernoulli(a)", "Exponential(a)",
    "Gamma(a, 2.0)", "Geometric(a)", "Gumbel(a, 2.0)", "HalfNormal(a)", "Laplace(a, 2.0)",
    "LowRankMultivariateNormal(a, a.unsqueeze(-1), a)", "MultivariateNormal(a, a.diag())",
    "Normal(a, 2.0)", "Pareto(a, 2.5)", "Poisson(a)", "Uniform(a, 0.9)", "Wishart(4.0, a.diag())",
    "Chi2(a)", "Weibull(a, 2.0)", "InverseGamma(a, 2.0)",
]  # fmt: skip


@pytest.mark.parametrize("p", FAMILIES)
def test_divergence_of_any_two_families(p):
    parity(
        f"""
        import torch.distributions as D
        found = []
        for q in {FAMILIES}:
            a = torch.tensor([0.2, 0.4, 0.7], requires_grad=True)
            p = D.{p}
            a = torch.tensor([0.3, 0.6, 0.4], requires_grad=True)
            try:
                kl = D.kl_divergence(p, eval('D.' + q, dict(D=D, a=a)))
            except NotImplementedError:
                continue
            finite = kl[torch.isfinite(kl)]
            if finite.requires_grad:
                finite.sum().backward()
            found.append((q, kl, a.grad))
        """,
        rtol=2e-4,
        atol=1e-5,
    )


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_divergence(p, q):
    parity(
        f"""
        import torch.distributions as D
        a = torch.tensor([0.2, 0.4, 0.7], requires_grad=True)
        kl = D.kl_divergence(D.{p}, D.{q})
        kl[torch.isfinite(kl)].sum().backward()
        """,
        atol=1e-5,
    )


def test_own_pairs():
    parity(
        """
        from torch.distributions import Cauchy, Normal, Poisson, kl_divergence, register_kl
        missing = attempt(lambda: kl_divergence(Cauchy(0.0, 1.0), Poisson(1.0)))
        class Mine(Normal):
            pass
        before = kl_divergence(Mine(0.0, 1.0), Mine(1.0, 1.0))
        @register_kl(Mine, Normal)
        def divergence(p, q):
            return p.loc * 0 + 7
        after = kl_divergence(Mine(0.0, 1.0), Mine(1.0, 1.0))
        other = kl_divergence(Normal(0.0, 1.0), Mine(1.0, 1.0))
        wrong = attempt(lambda: register_kl(Normal, 3))
        """
    )
