"""Random tensors against torch's, seed for seed."""

import pytest

import rushlight as torch
from tests.parity import parity

DRAWN = """
    torch.rand(2, 3)
    torch.rand((2,))
    torch.rand(size=(2,))
    torch.rand(3, dtype=torch.float64)
    torch.rand(2, requires_grad=True)
    torch.randn(3)
    torch.randn(40)
    torch.randn(5, 5, dtype=torch.float64)
    torch.randn(2, dtype=torch.complex64)
    torch.randint(5, (3,))
    torch.randint(-5, 5, (2, 2))
    torch.randint(low=1, high=5, size=[3])
    torch.randint(2, (3,), dtype=torch.float32)
    torch.randperm(7)
    torch.randperm(4, dtype=torch.int32)
    torch.rand_like(torch.ones(2, 3))
    torch.rand_like(torch.ones(3, 4).t())
    torch.randn_like(torch.ones(20), dtype=torch.float64)
    torch.randint_like(torch.ones(3), 5)
    torch.randint_like(torch.ones(3).long(), 2, 9)
    torch.normal(0.0, 2.0, (3,))
    torch.normal(torch.arange(3.0), torch.ones(3))
    torch.normal(torch.zeros(2, 1), torch.ones(3))
    torch.normal(torch.zeros(3), 2.0)
    torch.normal(1.0, torch.ones(20))
    torch.bernoulli(torch.full((8,), 0.5))
    torch.bernoulli(torch.zeros(8), 0.5)
    torch.zeros(4).bernoulli(0.25)
    torch.multinomial(torch.ones(9), 4)
    torch.multinomial(torch.ones(2, 9), 4, replacement=True)
    torch.ones(5).multinomial(2)
    torch.poisson(torch.tensor([0.5, 5.0, 50.0]))
    torch.binomial(torch.full((3,), 10.0), torch.tensor([0.1, 0.5, 0.9]))
    torch.zeros(5).uniform_()
    torch.zeros(5).uniform_(-2, 3)
    torch.zeros(5).uniform_(to=3)
    torch.zeros(20).normal_(1, 2)
    torch.zeros(5).normal_(std=0.5)
    torch.zeros(4).random_()
    torch.zeros(4, dtype=torch.int64).random_(10)
    torch.zeros(4).random_(2, 5)
    torch.zeros(4).random_(to=5)
    torch.zeros(4).bernoulli_()
    torch.zeros(4).bernoulli_(torch.tensor([0.0, 0.3, 0.7, 1.0]))
    torch.zeros(4).exponential_(2.0)
    torch.zeros(4).geometric_(0.3)
    torch.zeros(4).cauchy_(1.0, 2.0)
    torch.zeros(4).log_normal_(0.5, 0.25)
    torch.zeros(4, 3).t().uniform_()
    torch.zeros(5, 8).t().normal_()
    torch.zeros(8, 8)[:, ::2].normal_()
    torch.zeros(2, 3, 4).permute(2, 0, 1).random_(100)
    torch.zeros(2, 3)[1].exponential_()
"""

MISTAKES = """
    torch.rand(-1)
    torch.rand(2, dtype=torch.int64)
    torch.randint(5, 5, (2,))
    torch.randint(5, 3)
    torch.randperm(-1)
    torch.randperm(300, dtype=torch.uint8)
    torch.normal(0.0, 1.0)
    torch.normal(0.0, -1.0, (2,))
    torch.normal(torch.zeros(2), torch.tensor([1.0, -1.0]))
    torch.normal(torch.zeros(2), torch.zeros(3))
    torch.bernoulli(torch.tensor([1.5]))
    torch.multinomial(torch.ones(3), 4)
    torch.multinomial(torch.ones(3), 0)
    torch.multinomial(torch.zeros(3), 1)
    torch.multinomial(torch.tensor([-1.0, 1.0]), 1)
    torch.multinomial(torch.ones(3), 1, out=torch.zeros(1))
    torch.poisson(torch.tensor([-1.0]))
    torch.zeros(2).uniform_(1, 0)
    torch.zeros(2).normal_(0, -1)
    torch.zeros(2).exponential_(0.0)
    torch.zeros(2).geometric_(1.5)
    torch.zeros(2).random_(5, 2)
    torch.zeros(2).bernoulli_(2.0)
    torch.zeros(2, requires_grad=True).normal_()
    torch.zeros(1).expand(3).uniform_()
    torch.rand_like([1])
    torch.set_rng_state(torch.zeros(5))
    torch.Generator("cuda")
"""


def lines(table):
    return [line.strip() for line in table.strip().splitlines()]


@pytest.mark.parametrize("expression", lines(DRAWN))
def test_drawn(expression):
    # And the generators stand at the same place afterwards.
    parity(
        f"""
        torch.manual_seed(3)
        out = {expression}
        after = torch.rand(3)
        """
    )


@pytest.mark.parametrize("expression", lines(MISTAKES))
def test_mistakes(expression):
    parity(f"error = attempt(lambda: {expression})")


def test_generators():
    parity(
        """
        torch.manual_seed(5)
        first = torch.rand(2)
        g = torch.Generator().manual_seed(7)
        own = torch.rand(2, generator=g), torch.randn(2, generator=g)
        order = torch.randperm(3, generator=g)
        more = torch.zeros(2).uniform_(generator=g), torch.randint(9, (2,), generator=g)
        second = torch.rand(2)
        state = torch.get_rng_state()
        third = torch.rand(2)
        torch.set_rng_state(state)
        again = torch.rand(2)
        seeds = torch.initial_seed(), g.initial_seed(), torch.default_generator.initial_seed()
        kind = type(state).__name__, str(state.dtype), g.device
        place = g.get_state()
        _a = torch.rand(2, generator=g)
        g.set_state(place)
        b = torch.rand(2, generator=g)
        with torch.random.fork_rng():
            _inside = torch.rand(5)
        after = torch.rand(1)
        del g
        """
    )


def test_seeds():
    assert torch.manual_seed(3) is torch.default_generator
    seed = torch.seed()
    assert torch.initial_seed() == seed
    assert torch.Generator().seed() != torch.Generator().seed()


def test_gradients_of_zero():
    parity(
        """
        x = torch.full((4,), 0.5, requires_grad=True)
        p = torch.bernoulli(x)
        names = [p.grad_fn.name()]
        y = x * 2
        y.uniform_()
        (p + y + torch.poisson(x) + torch.normal(x, 1.0)).sum().backward()
        inf = torch.tensor([float("inf"), 1.0], requires_grad=True)
        z = (inf * 1).bernoulli_(1.0)
        z.sum().backward()
        """
    )


def test_a_failed_draw_changes_nothing():
    x = torch.zeros(3)
    with pytest.raises(RuntimeError):
        x.uniform_(1, 0)
    assert x.tolist() == [0, 0, 0]


def test_randint_takes_low_by_name_beside_high_alone():
    parity(
        """
        torch.manual_seed(0)
        a = torch.randint(low=1, high=5, size=(4,))
        b = torch.randint(5, high=7, size=(4,))
        c = attempt(lambda: torch.randint(5, (2,), low=1))
        d = attempt(lambda: torch.randint(5, size=(2,), low=1))
        """
    )
