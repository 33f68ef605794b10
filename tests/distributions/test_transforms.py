"""Transforms, constraints and what leads from one to the other, against torch."""

import pytest

from tests.parity import parity

TRANSFORMS = [
    "AbsTransform()", "AffineTransform(1.0, -2.0)", "AffineTransform(0.0, t, event_dim=1)",
    "CatTransform([D.ExpTransform(), D.AffineTransform(1.0, 2.0)], -1)",
    "ComposeTransform([D.AffineTransform(1.0, 2.0, event_dim=1), D.StickBreakingTransform()])",
    "ComposeTransform([D.SigmoidTransform(), D.AffineTransform(1.0, 2.0)], cache_size=1)",
    "CorrCholeskyTransform()", "CumulativeDistributionTransform(D.Normal(0.0, 1.0))", "ExpTransform()",
    "IndependentTransform(D.TanhTransform(), 1)", "LowerCholeskyTransform()",
    "PositiveDefiniteTransform()", "PowerTransform(t)", "ReshapeTransform((2,), (1, 2))",
    "SigmoidTransform()", "SoftmaxTransform()", "SoftplusTransform()",
    "StackTransform([D.ExpTransform(), D.TanhTransform()], -1)", "StickBreakingTransform()",
    "TanhTransform(cache_size=1)", "identity_transform",
]  # fmt: skip
INPUTS = ["[0.3, 0.6]", "[[0.3, 0.6], [0.2, 0.7]]", "[0.1, 0.2, 0.7]", "[[1.0, 0.0], [0.6, 0.8]]"]


@pytest.mark.parametrize("make", TRANSFORMS)
def test_transform(make):
    parity(
        f"""
        import torch.distributions as D
        def tried(f):
            try:
                return f()
            except (ValueError, RuntimeError, IndexError, AssertionError, NotImplementedError) as e:
                return type(e).__name__
        t = torch.tensor([0.5, 2.0])
        make = lambda: D.{make}
        print(make(), make().inv)
        facts = [tried(lambda: getattr(make(), n)) for n in ('bijective', 'sign', 'event_dim')]
        regions = [tried(lambda: repr(getattr(make(), n))) for n in ('domain', 'codomain')]
        equal = tried(lambda: make() == make()), make() == 3, make() != make().inv
        cached = tried(lambda: make().with_cache(1)._cache_size)
        found = []
        for x in {INPUTS}:
            x = torch.tensor(eval(x))
            transform = make()
            y = tried(lambda: transform(x))
            found.append(y)
            found.append(tried(lambda: tuple(transform.forward_shape(x.shape))))
            found.append(tried(lambda: tuple(transform.inverse_shape(x.shape))))
            if not isinstance(y, str):
                found.append(tried(lambda: transform.inv(y)))
                found.append(tried(lambda: transform.log_abs_det_jacobian(x, y)))
                found.append(tried(lambda: transform.inv.log_abs_det_jacobian(y, x)))
        """,
        rtol=1e-4,
        atol=1e-5,
    )


CONSTRAINTS = [
    "boolean", "cat([C.real, C.positive], -1, [1, 1])", "corr_cholesky", "greater_than(1.0)",
    "greater_than_eq(torch.tensor(1.0))", "half_open_interval(0.0, 1.0)", "independent(C.positive, 1)",
    "integer_interval(0, 3)", "interval(-1.0, 2.0)", "less_than(2.0)", "lower_cholesky",
    "lower_triangular", "MixtureSameFamilyConstraint(C.positive)", "multinomial(3)", "nonnegative",
    "nonnegative_integer", "one_hot", "positive", "positive_definite", "positive_integer",
    "positive_semidefinite", "real", "real_vector", "simplex", "square",
    "stack([C.positive, C.real], -1)", "symmetric", "unit_interval",
]  # fmt: skip
VALUES = ["[0.3, 0.7]", "[0.0, 1.0]", "1.0", "[[1.0, 0.0], [0.6, 0.8]]", "[[1.0, 0.2], [0.2, 2.0]]",
          "[[1.0, 2.0], [2.0, 1.0]]", "[[1.0, 2.0, 3.0]]"]  # fmt: skip


@pytest.mark.parametrize("make", CONSTRAINTS)
def test_constraint(make):
    parity(
        f"""
        import torch.distributions as D
        from torch.distributions import constraints as C
        def tried(f):
            try:
                return f()
            except (ValueError, RuntimeError, IndexError, AssertionError, NotImplementedError) as e:
                return type(e).__name__
        region = C.{make}
        print(region, type(region).__name__)
        facts = region.is_discrete, region.event_dim, C.is_dependent(region)
        found = [tried(lambda: region.check(torch.tensor(eval(v)))) for v in {VALUES}]
        for registry in D.biject_to, D.transform_to:
            found.append(tried(lambda: repr(registry(region))))
            for v in {VALUES}:
                found.append(tried(lambda: registry(region)(torch.tensor(eval(v)))))
        """,
        rtol=1e-4,
        atol=1e-5,
    )


def test_dependent_constraints_say_what_is_known_of_them():
    parity(
        """
        import torch.distributions as D
        from torch.distributions import constraints as C
        unknown = attempt(lambda: C.dependent.event_dim)
        known = C.dependent(event_dim=1).event_dim
        of_class = D.Uniform.support.event_dim, D.Uniform.support.is_discrete, C.is_dependent(D.Uniform.support)
        of_object = repr(D.Uniform(0.0, 1.0).support)

        class Region(C.Constraint):
            def check(self, value):
                return value > 3

        @D.biject_to.register(Region)
        def lead(region):
            return D.ExpTransform()

        print(Region(), D.biject_to(Region()))
        wrong = attempt(lambda: D.biject_to.register(3, lead))
        """
    )


def test_helpers():
    parity(
        """
        from torch.distributions import utils as U
        m = torch.arange(9.0).reshape(3, 3)
        vectors = [U.tril_matrix_to_vec(m, d) for d in (-1, 0, 1)]
        back = [U.vec_to_tril_matrix(v, d) for v, d in zip(vectors, (-1, 0, 1))]
        outside = attempt(lambda: U.tril_matrix_to_vec(m, 3))
        summed = [U._sum_rightmost(m, n) for n in (0, 1, 2)]
        drawn = U._standard_normal((3,), torch.float64, 'cpu')

        class Lazy:
            @U.lazy_property
            def value(self):
                'Computed once.'
                return torch.ones(1, requires_grad=True) * 2

        lazy = Lazy()
        with torch.no_grad():
            first = lazy.value
        same, words = lazy.value is first, isinstance(Lazy.value, property)
        """
    )


def test_families_are_where_torch_has_them():
    parity(
        """
        import pickle
        import torch.distributions as D
        from torch.distributions.relaxed_categorical import ExpRelaxedCategorical
        from torch.distributions.constraint_registry import ConstraintRegistry
        import torch.distributions.kl as kl
        kinds = [getattr(D, name) for name in sorted(D.__all__)]
        families = [k for k in kinds if isinstance(k, type) and issubclass(k, D.Distribution)]
        places = [k.__module__.partition('.')[2] for k in families]
        names = sorted(D.__all__)
        pairs = sorted((p.__name__, q.__name__) for p, q in kl._KL_REGISTRY)
        again = pickle.loads(pickle.dumps(D.LogNormal(torch.zeros(2), 1.0)))
        mean = again.mean
        """
    )
