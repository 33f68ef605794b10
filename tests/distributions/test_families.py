"""Every family against torch: numbers drawn, densities, moments, gradients, words."""

import pytest

from tests.parity import parity

P = "torch.tensor([0.3, 0.9, 2.5], requires_grad=True)"
Q = "torch.tensor([0.2, 0.5, 0.7], requires_grad=True)"
W = "torch.tensor([[0.2, 0.5, 0.7], [1.0, 2.0, 0.1]], requires_grad=True)"
TRIL = "torch.tensor([[1.0, 0.0], [0.5, 2.0]], requires_grad=True)"

# constructor (p: the parameter whose gradient is compared), that parameter
FAMILIES = [
    ("Normal(p, 2.0)", P),
    ("Normal(0.5, p)", P),
    ("Normal(torch.zeros(2, 1), p)", P),
    ("Laplace(0.5, p)", P),
    ("Cauchy(0.5, p)", P),
    ("StudentT(p + 2, 0.5, 2.0)", P),
    ("Uniform(p - 3, 3.0)", P),
    ("Exponential(p)", P),
    ("LogNormal(0.1, p)", Q),
    ("HalfNormal(p)", P),
    ("Gamma(p, 2.0)", P),
    ("Gamma(2.0, p)", P),
    ("Chi2(p)", P),
    ("Beta(p, 2.0)", P),
    ("Dirichlet(p)", W),
    ("Bernoulli(p)", Q),
    ("Bernoulli(logits=p)", Q),
    ("Binomial(5, p)", Q),
    ("Binomial(5, logits=p)", Q),
    ("Categorical(p)", W),
    ("Categorical(logits=p)", W),
    ("OneHotCategorical(p)", W),
    ("OneHotCategorical(logits=p)", W),
    ("Multinomial(4, p)", W),
    ("Poisson(p)", P),
    ("MultivariateNormal(torch.ones(2), scale_tril=p)", TRIL),
    ("MultivariateNormal(torch.ones(3, 2), p @ p.T)", TRIL),
    ("MultivariateNormal(torch.ones(2), precision_matrix=p @ p.T)", TRIL),
    ("Independent(D.Normal(p, 1.0), 1)", W),
    ("Independent(D.Bernoulli(p), 0)", Q),
    ("ContinuousBernoulli(p)", Q),
    ("ContinuousBernoulli(logits=p, lims=(0.4, 0.6))", Q),
    ("FisherSnedecor(p + 1, 6.0)", P),
    ("GeneralizedPareto(0.5, p, torch.tensor([-0.5, 0.0, 0.3]))", P),
    ("Geometric(p)", Q),
    ("Geometric(logits=p)", Q),
    ("Gumbel(p, 2.0)", P),
    ("HalfCauchy(p)", P),
    ("InverseGamma(p + 1, 2.0)", P),
    ("Kumaraswamy(p, 2.0)", Q),
    ("LKJCholesky(3, p + 2)", Q),
    ("LogisticNormal(p, 0.5)", P),
    ("LowRankMultivariateNormal(torch.zeros(2), p, torch.ones(2))", TRIL),
    ("MixtureSameFamily(D.Categorical(torch.ones(3)), D.Normal(p, 1.0))", P),
    ("MixtureSameFamily(D.Categorical(p), D.Independent(D.Normal(torch.ones(2, 3, 2), 1.0), 1))", W),
    ("NegativeBinomial(3.0, p)", Q),
    ("NegativeBinomial(3.0, logits=p)", Q),
    ("OneHotCategoricalStraightThrough(p)", W),
    ("Pareto(1.0, p + 2)", P),
    ("RelaxedBernoulli(torch.tensor(0.5), p)", Q),
    ("RelaxedOneHotCategorical(torch.tensor(0.5), p)", W),
    ("VonMises(p, 4.0)", Q),
    ("VonMises(0.5, p)", P),
    ("Weibull(p, 2.0)", P),
    ("Wishart(4.0, scale_tril=p)", TRIL),
    ("Wishart(torch.tensor([3.0, 4.0]), precision_matrix=p @ p.T)", TRIL),
    ("TransformedDistribution(D.Normal(p, 1.0), [D.CorrCholeskyTransform()])", P),
    ("TransformedDistribution(D.Normal(p, 1.0), [D.ReshapeTransform((3,), (3, 1))])", P),
    ("TransformedDistribution(D.Normal(p, 1.0), D.TanhTransform(cache_size=1))", Q),
    ("TransformedDistribution(D.Normal(p, 1.0), [D.SigmoidTransform()])", Q),
    ("TransformedDistribution(D.Normal(0.0, 1.0), [D.AffineTransform(1.0, p), D.ExpTransform()])", Q),
    ("TransformedDistribution(D.Normal(p, 1.0), [D.AffineTransform(1.0, 2.0, event_dim=1)])", W),
]  # fmt: skip


@pytest.mark.parametrize(("make", "parameter"), FAMILIES, ids=[make for make, _ in FAMILIES])
def test_family(make, parameter):
    parity(
        f"""
        import torch.distributions as D
        def tried(name, *arguments):
            try:
                found = getattr(d, name)
                return found(*arguments) if callable(found) else found
            except NotImplementedError:
                return 'not implemented'
        p = {parameter}
        d = D.{make}
        print(d)
        shapes = d.batch_shape, d.event_shape, d.has_rsample, d.has_enumerate_support
        support = repr(d.support), repr(d.arg_constraints)
        sample, samples = d.sample(), d.sample((2, 3))
        log_prob = d.log_prob(samples)
        grad, = torch.autograd.grad(log_prob.sum(), p, retain_graph=True)
        moments = [tried(n) for n in ('mean', 'mode', 'variance', 'stddev', 'entropy')]
        cdf = tried('cdf', samples)
        values = tried('enumerate_support')
        if not isinstance(moments[-1], str) and moments[-1].requires_grad:
            entropy_grad, = torch.autograd.grad(moments[-1].sum(), p)
        wide = d.expand(torch.Size((2,)) + d.batch_shape)
        wide_shapes = wide.batch_shape, wide.event_shape
        wide_sample = wide.sample()
        wide_log_prob = wide.log_prob(wide_sample)
        """,
        rtol=2e-4,
        atol=2e-5,
    )


# Those of a Wishart distribution torch changes in place, and then refuses to differentiate.
NOT_DIFFERENTIABLE = (
    "Bernoulli", "Binomial", "Categorical", "Geometric", "Independent(D.Bernoulli", "LKJ", "Mixture",
    "Multinomial", "NegativeBinomial", "OneHotCategorical(", "Poisson", "VonMises", "Wishart",
)  # fmt: skip


@pytest.mark.parametrize(
    ("make", "parameter"), [f for f in FAMILIES if not f[0].startswith(NOT_DIFFERENTIABLE)]
)
def test_samples_are_differentiable(make, parameter):
    parity(
        f"""
        import torch.distributions as D
        p = {parameter}
        drawn = D.{make}.rsample((4,))
        (drawn * torch.linspace(0.5, 1.5, drawn.numel()).reshape(drawn.shape)).sum().backward()
        """,
        rtol=3e-3,  # torch's gradients through gamma numbers are approximations
        atol=1e-4,
    )


@pytest.mark.parametrize("make", ["Normal(0.5, 2.0)", "Laplace(0.5, 2.0)", "Cauchy(0.5, 2.0)",
                                  "Uniform(-1.0, 3.0)", "Exponential(2.0)", "LogNormal(0.1, 1.0)",
                                  "HalfNormal(2.0)", "HalfCauchy(2.0)", "Gumbel(0.5, 2.0)",
                                  "GeneralizedPareto(0.5, 2.0, 0.3)", "Weibull(2.0, 1.5)",
                                  "Pareto(2.0, 1.5)", "Kumaraswamy(2.0, 1.5)",
                                  "ContinuousBernoulli(0.3)"])  # fmt: skip
def test_quantiles(make):
    parity(
        f"""
        import torch.distributions as D
        d = D.{make}
        x = d.icdf(torch.linspace(0.1, 0.9, 5))
        back = d.cdf(x)
        """,
        atol=1e-5,
    )


WRONG = [
    "Normal(0.0, -1.0)", "Normal(torch.zeros(2), torch.tensor([1.0, -1.0]))", "Normal(0, 'a')",
    "Normal(0.0, 1.0).log_prob(0.5)", "Normal(0.0, 1.0).log_prob(torch.tensor(float('nan')))",
    "Normal(torch.zeros(2), 1.0).log_prob(torch.zeros(3))", "Uniform(1.0, 0.0)",
    "Uniform(0.0, 1.0).log_prob(torch.tensor(2.0))", "Exponential(1.0).log_prob(torch.tensor(-1.0))",
    "Bernoulli(1.5)", "Bernoulli()", "Bernoulli(0.5).log_prob(torch.tensor(0.5))",
    "Categorical(torch.tensor(0.2))", "Categorical(torch.tensor([-0.2, 0.8]))",
    "Categorical(torch.ones(2), torch.ones(2))",
    "Categorical(torch.ones(2)).log_prob(torch.tensor(5))",
    "OneHotCategorical(torch.ones(2)).log_prob(torch.ones(2))", "Binomial(-5, torch.tensor(0.3))",
    "Binomial(5, torch.tensor(0.3)).log_prob(torch.tensor(6.0))", "Dirichlet(torch.tensor(1.0))",
    "Dirichlet(torch.ones(2)).log_prob(torch.ones(2))", "Poisson(-1.0)",
    "Independent(D.Normal(torch.zeros(2), 1.0), 2)", "MultivariateNormal(torch.zeros(2))",
    "MultivariateNormal(torch.zeros(2), torch.zeros(2, 2))",
    "MultivariateNormal(torch.zeros(2), scale_tril=torch.ones(2, 2))",
    "MultivariateNormal(torch.zeros(2), scale_tril=torch.eye(2)).log_prob(torch.zeros(3))",
    "TransformedDistribution(D.Normal(0.0, 1.0), 3)", "Geometric(torch.tensor([0.0, 0.5]))",
    "HalfNormal(-1.0)", "LogNormal(0.0, -1.0)", "Chi2(-1.0)", "Beta(-1.0, 1.0)", "LKJCholesky(1)",
    "NegativeBinomial(-1.0, torch.tensor(0.5))", "Weibull(1.0, -1.0)", "VonMises(0.0, -1.0)",
    "Normal(0.0, 1.0).cdf(torch.tensor(float('nan')))", "Wishart(1.0, torch.eye(2))",
    "Gamma(1.0, 1.0).log_prob(torch.tensor(-1.0))", "HalfCauchy(1.0).cdf(torch.tensor(-1.0))",
    "MixtureSameFamily(D.Categorical(torch.ones(2)), D.Normal(torch.zeros(3), 1.0))",
    "LowRankMultivariateNormal(torch.zeros(2), torch.ones(3, 1), torch.ones(2))",
    "TransformedDistribution(D.Normal(0.0, 1.0), D.StickBreakingTransform())",
    "constraints.dependent.check(torch.ones(1))", "constraints.independent(D.constraints.real, -1)",
    "biject_to(D.constraints.boolean)", "transform_to(D.constraints.square)", "ExpTransform(cache_size=2)",
    "ReshapeTransform((2,), (3,))", "utils.vec_to_tril_matrix(torch.ones(2))",
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_mistakes_are_told_in_the_same_words(wrong):
    parity(
        f"""
        import torch.distributions as D
        error = attempt(lambda: D.{wrong})
        words = str(error)
        """
    )


def test_checks_can_be_left_out():
    parity(
        """
        import torch.distributions as D
        odd = D.Normal(0.0, -1.0, validate_args=False)
        outside = D.Uniform(0.0, 1.0, validate_args=False).log_prob(torch.tensor([-1.0, 0.5]))
        missing = attempt(lambda: D.Categorical(torch.ones(2)).rsample())
        """
    )


def test_a_policy_is_trained_through_a_sample_taken_first():
    parity(
        """
        from torch.distributions import Categorical
        logits = torch.tensor([[0.1, 0.7, -0.3]], requires_grad=True)
        policy = Categorical(logits=logits)
        action = policy.sample()
        loss = -policy.log_prob(action).sum() - 0.1 * policy.entropy().sum()
        loss.backward()
        print(policy)
        """
    )


def test_own_distributions_and_transforms():
    parity(
        """
        import torch.distributions as D

        class Shifted(D.Normal):
            def __init__(self, loc):
                super().__init__(loc + 1, 1.0)

            def log_prob(self, value):
                return super().log_prob(value) * 2

        class Cube(D.Transform):
            domain = codomain = D.constraints.real
            bijective = True
            sign = 1

            def _call(self, x):
                return x**3

            def _inverse(self, y):
                return y.sign() * y.abs() ** (1 / 3)

            def log_abs_det_jacobian(self, x, y):
                return (3 * x**2).log()

        d = Shifted(torch.zeros(3))
        log_prob = d.log_prob(d.sample((2,)))
        cubed = D.TransformedDistribution(D.Normal(0.0, 1.0), Cube())
        cubed_log_prob = cubed.log_prob(cubed.sample((4,)))
        parts = D.ComposeTransform([D.TanhTransform(), D.ExpTransform().inv.inv])
        print(parts, D.ExpTransform().inv, D.AffineTransform(1.0, 2.0))
        slope = parts.log_abs_det_jacobian(torch.tensor([0.5]), None)
        """
    )


def test_expand_of_subclasses():
    parity(
        """
        import torch.distributions as D

        class Bare(D.Normal):
            pass

        class Own(D.Normal):
            def __init__(self, loc, factor):
                self.factor = factor
                super().__init__(loc, 1.0)

            def expand(self, batch_shape, _instance=None):
                new = self._get_checked_instance(Own, _instance)
                new.factor = self.factor
                return super().expand(batch_shape, _instance=new)

        class Without(D.Normal):
            def __init__(self, loc):
                super().__init__(loc, 1.0)

        bare = type(Bare(0.0, 1.0).expand((2,))).__name__
        own = Own(torch.zeros(1), 3).expand((2,))
        seen = type(own).__name__, own.factor, own.loc, own.batch_shape
        refused = attempt(lambda: Without(0.0).expand((2,)))
        words = str(refused)
        unchecked = D.Normal(0.0, -1.0, validate_args=False).expand((2,))
        kept = unchecked._validate_args, 'loc' in unchecked.__dict__
        """
    )


def test_an_exponential_family_knows_its_entropy_and_divergence():
    parity(
        """
        import torch.distributions as D

        class Mine(D.ExponentialFamily):
            arg_constraints = {'rate': D.constraints.positive}
            support = D.constraints.nonnegative
            _mean_carrier_measure = 0

            def __init__(self, rate):
                self.rate = rate
                super().__init__(rate.shape)

            _natural_params = property(lambda self: (-self.rate,))

            def _log_normalizer(self, x):
                return -torch.log(-x)

        rate = torch.tensor([0.5, 2.0], requires_grad=True)
        entropy = Mine(rate).entropy()
        kl = D.kl_divergence(Mine(rate), Mine(rate * 2))
        other = attempt(lambda: D.kl_divergence(Mine(rate), D.Normal(0.0, 1.0)))
        """
    )
