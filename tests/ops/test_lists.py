"""Functions of lists of tensors, as optimizers of libraries use them."""

from tests.parity import parity


def test_a_list_at_a_time():
    parity("""
        x = [torch.ones(2), torch.full((2,), 3.0)]
        factors = [
            torch._foreach_addcmul(x, x, x, [2.0, 3]), torch._foreach_addcmul(x, x, x, torch.tensor([3.0, 1])),
            torch._foreach_addcmul(x, x, x, scalars=[3.0, 2]), torch._foreach_addcmul(x, x, x, value=3),
            torch._foreach_addcdiv(x, x, x, 0.1), torch._foreach_addcdiv(x, x, x),
        ]
        wrong = attempt(lambda: torch._foreach_addcmul(x, x, x, torch.tensor(3.0)))
        powers = torch._foreach_pow(2.0, x), torch._foreach_pow(x, [2.0, 1.0]), torch._foreach_pow(x, exponent=2)
        named = [
            torch._foreach_add(x, scalar=2), torch._foreach_add(x, other=x), torch._foreach_lerp(x, x, weight=0.5),
            torch._foreach_maximum(x, scalar=2), torch._foreach_norm(x, ord=1, dtype=torch.float64),
        ]
        changed = torch._foreach_addcdiv_(x, x, x, -0.5)
        same = changed[0] is x[0], type(changed)
        more = torch._foreach_addcdiv_(x, x, x, [-0.5, 1]), torch._foreach_mul_(x, torch.tensor(2.0))
    """)
