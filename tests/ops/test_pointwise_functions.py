"""Single elementwise functions with rules of their own: programs typed once, run under both."""

import pytest

import rushlight
from tests.parity import parity


def test_numbers_and_promotion():
    parity(
        """
        f, d, i = torch.ones(2), torch.ones(2, dtype=torch.float64), torch.arange(2)
        h, b = torch.ones(2, dtype=torch.float16), torch.tensor([True, False])
        z = torch.tensor(2.0, dtype=torch.float64)
        sums = [f + d, f + i, f + z, i + z, i + 1.5, i + 2, b + 1, b + 0.5, h + f, h + 1.5, h * z]
        quotients = [i / 2, i // 2, b / 2, 1 / i.add(1), 3 / f, i / i.add(1), 2 // i.add(1)]
        powers = [i**2, i**0.5, 2**i, 2.0**i, f**3, f**-1, f**-2, (f * 4) ** -0.5, (f * 4) ** 0.5]
        whole = [i.add(5) % 3, -i % 3, 7 % i.add(2), i - 3, 3 - i, i * True, abs(i - 1)]
        both = [torch.add(2, 3.5), torch.mul(2, 3), torch.div(5, 2), torch.sub(1, f)]
        complexes = [f * 1j, d + 2j, i * (1 + 1j), 1j - f]
        """
    )


def test_division_rounds_as_asked():
    parity(
        """
        x = torch.tensor([7.0, -7.0, 7.5, -0.5, 0.0])
        i = torch.tensor([7, -7, 8, -1, 0])
        results = []
        for mode in (None, "floor", "trunc"):
            for y in (2, -2, 0.75, torch.tensor(3.0), torch.tensor(-2)):
                results += [torch.div(x, y, rounding_mode=mode)]
                results += [torch.div(i, y, rounding_mode=mode)]
        results += [x // 2, x % 2, x % -2, i // -2, i % -2, torch.fmod(i, -2), torch.fmod(x, 2)]
        errors = [attempt(lambda: i // 0), attempt(lambda: i % 0)]
        errors += [attempt(lambda: torch.fmod(i, 0))]
        errors += [attempt(lambda: torch.div(x, 2, rounding_mode="up"))]
        """
    )


def test_rests_of_many_numbers():
    parity(
        """
        torch.manual_seed(0)
        x, y = (torch.randn(2, 60, 50) * 20).unbind()
        tenths = torch.arange(-500, 500) * 0.1
        results = []
        for a, b in ((x, y), (x, 3), (x, -0.7), (x, y[:, :1]), (tenths, 0.1), (tenths, -0.3), (x * 1e9, y),
                     (tenths.round(), 4.0), (x, torch.where(y > 1, y, 0)), (x, torch.full((50,), torch.inf))):
            results += [a % b, torch.fmod(a, b), a // b]
            results += [r.nan_to_num(1.0).signbit() for r in results[-3:]]
        """,
        rtol=0,
        atol=0,
    )


def test_integer_powers():
    parity(
        """
        i = torch.tensor([2, 1, -1, -3, 0])
        results = [i ** torch.tensor([3, -2, -3, -1, 2]), 2 ** torch.tensor([-1, 0, 3])]
        errors = [attempt(lambda: i**-1), attempt(lambda: torch.pow(2, 3))]
        """
    )


def test_clamp():
    parity(
        """
        x = torch.tensor([-2.0, 0.0, 0.5, 1.0, 3.0, float("nan")], requires_grad=True)
        low, high = torch.zeros(6, requires_grad=True), torch.ones(6, requires_grad=True)
        y = x.clamp(0, 1) * 2 + x.clamp(min=0) * 3 + torch.clip(x, max=1) + x.clamp(low, high) * 5
        (y + torch.clamp(x, high, low) + x.clamp(torch.tensor(0.2))).sum().backward()
        whole = [torch.arange(5).clamp(1, 3), torch.arange(5).clamp(0.5)]
        whole += [torch.arange(5).clamp_max(2)]
        swapped = torch.arange(5.0).clamp(3, 1)
        errors = [attempt(lambda: x.clamp()), attempt(lambda: x.clamp("a"))]
        errors += [attempt(lambda: torch.ones(2, dtype=torch.complex64).clamp(0))]
        """
    )


def test_lerp_reaches_both_ends():
    parity(
        """
        a = torch.tensor([1e8, -1.0, 3.0], requires_grad=True)
        b = torch.tensor([1.0, 7.0, -2.0], requires_grad=True)
        w = torch.tensor([0.1, 0.5, 0.9], requires_grad=True)
        ends = [a.lerp(b, 0.0), a.lerp(b, 1.0), a.lerp(b, w), torch.lerp(a, b, torch.tensor(0.25))]
        sum(e.sum() for e in ends).backward()
        errors = [attempt(lambda: a.lerp(b.double(), 0.5))]
        errors += [attempt(lambda: torch.arange(3).lerp(b, 0.5))]
        """
    )


def test_addcmul_and_addcdiv():
    parity(
        """
        x = torch.tensor([[1.0], [2.0]], requires_grad=True)
        a = torch.tensor([3.0, 4.0, 5.0], requires_grad=True)
        b = torch.tensor(2.0, requires_grad=True)
        y = torch.addcmul(x, a, b, value=0.5) + x.addcdiv(a, b, value=-2) + x.addcmul(a, a)
        y.sum().backward()
        i = torch.tensor([1, 2])
        whole = [torch.addcmul(i, i, i, value=3), torch.addcmul(i, i, i, value=0.5)]
        whole += [i.addcmul(x, x)]
        errors = [attempt(lambda: torch.addcdiv(i, i, i))]
        errors += [attempt(lambda: torch.addcmul(x, 1.0, a))]
        """
    )


def test_where():
    parity(
        """
        x = torch.tensor([[-1.0, 2.0], [3.0, -4.0]], requires_grad=True)
        y = torch.where(x > 0, x, 0.0) + torch.where(x > 0, 1, x) + x.where(x < 0, x * 2)
        y.sum().backward()
        c = torch.tensor([True, False])
        numbers = [torch.where(c, 1, 2), torch.where(c, 1.0, 2)]
        numbers += [torch.where(c, 1, torch.ones(2).double())]
        places = torch.where(x > 0)
        errors = [attempt(lambda: torch.where(torch.tensor([1]), 1, 2))]
        errors += [attempt(lambda: torch.where(c, 1))]
        errors += [attempt(lambda: torch.where(c, torch.ones(3), 0.0))]
        """
    )


def test_rounding():
    parity(
        """
        x = torch.tensor([0.5, 1.5, 2.5, -0.5, 1.25, 123.456])
        rounded = [x.round(), torch.round(x, decimals=1), x.round(decimals=-2), x.trunc(), x.frac()]
        whole = [torch.tensor([15, 25]).round(), torch.tensor([3]).floor()]
        whole += [torch.tensor([3]).ceil()]
        error = attempt(lambda: torch.tensor([15]).round(decimals=-1))
        pieces = torch.frexp(torch.tensor([6.0, -0.1, 0.0]))
        joined = torch.ldexp(pieces.mantissa, pieces.exponent)
        far = torch.tensor([1e-40, 3.0, float("inf"), -0.0], requires_grad=True)
        scaled = [torch.ldexp(far.to(t), torch.tensor(k)) for k in (140, -140, 3)
                  for t in (torch.float16, torch.float32, torch.float64)]
        scaled[-1].sum().backward()
        """
    )


def test_closeness():
    parity(
        """
        inf, nan = float("inf"), float("nan")
        x = torch.tensor([1.0, inf, -inf, nan, 2.0])
        y = torch.tensor([1.0 + 1e-6, inf, inf, nan, 2.1])
        close = [torch.isclose(x, y), torch.isclose(x, y, equal_nan=True), x.isclose(y, rtol=0.1)]
        close += [torch.isclose(x, y, rtol=0.0, atol=0.0), torch.isclose(x > 0, y > 0)]
        whole = [torch.allclose(x, y), torch.allclose(x[:2], y[:2]), torch.equal(x, x)]
        whole += [torch.equal(x, x[:2])]
        whole += [torch.equal(torch.ones(2), torch.ones(2, dtype=torch.int64)), x[:2].equal(y[:2])]
        errors = [attempt(lambda: torch.isclose(x, y.double()))]
        errors += [attempt(lambda: x.isclose(y, atol=-1.0))]
        """
    )


def test_complex_parts():
    parity(
        """
        x = torch.tensor([1.0, -2.0], requires_grad=True)
        y = torch.tensor([0.5, 3.0], requires_grad=True)
        z = torch.complex(x, y)
        w = z.conj() * z.angle() + z.sgn() * z.abs() + torch.polar(y, x) * z.imag + z.real**2
        (w.real.sum() + torch.view_as_real(w * w).sum()).backward()
        pairs = torch.view_as_complex(torch.stack([x, y], -1))
        shared = torch.tensor([1 + 2j, 3j])
        shared.real[0] = 7
        shared.imag.zero_()
        shared.real = torch.tensor([8.0, 9.0])
        flags = [z.is_complex(), x.is_complex(), torch.isreal(z), torch.is_conj(x), x.real is x]
        errors = [attempt(lambda: x.imag), attempt(lambda: torch.view_as_real(x))]
        errors += [attempt(lambda: torch.view_as_complex(x[:1]))]
        errors += [attempt(lambda: torch.complex(x, y.double()))]
        errors += [attempt(lambda: torch.polar(torch.arange(2), torch.arange(2)))]
        """
    )


def test_changes_in_place_reach_through_complex_views():
    parity(
        """
        leaves, results = [], []


        def _run(leaf, program):
            results.append(program(leaf).detach())
            leaves.append(leaf)


        def _real_part(x):
            z = torch.complex(x, x * 3)
            z.real.mul_(x)
            z.abs().sum().backward()
            return z


        def _seen_from_the_parts(x):
            z = torch.complex(x, x * 3)
            real, imag = z.real, z.imag
            z.mul_(2j)
            (real * 3 + imag * imag).sum().backward()
            return real


        def _seen_from_the_pairs(x):
            y = x * 1
            z = torch.view_as_complex(y.reshape(2, 2))
            z.mul_(2j)
            (y * torch.arange(4.0)).sum().backward()
            return y


        def _pairs_changed(x):
            y = x * 1
            z = torch.view_as_complex(y.reshape(2, 2))
            y.mul_(x)
            z.abs().sum().backward()
            return z


        def _parts_set(x):
            z = x * 2
            z.imag = torch.tensor([5.0, 6.0])
            z.real[1] = 9.0
            torch.view_as_real(z.flip(0)[1]).exp_()
            (z.abs() ** 2).sum().backward()
            return z


        for _program in (_real_part, _seen_from_the_parts):
            _run(torch.tensor([1.0, 2.0], requires_grad=True), _program)
        for _program in (_seen_from_the_pairs, _pairs_changed):
            _run(torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True), _program)
        _run(torch.tensor([1 + 1j, 3j], requires_grad=True), _parts_set)
        """,
        rtol=1e-5,
    )


COMPLEX = "exp log sqrt sin cos tan tanh reciprocal square sgn abs sigmoid"


@pytest.mark.parametrize("name", COMPLEX.split())
def test_complex_derivatives(name):
    parity(
        f"""
        z = torch.tensor([0.5 + 0.3j, -1.0 + 2.0j], dtype=torch.complex128, requires_grad=True)
        out = torch.{name}(z)
        loss = (out * (2 - 1j)).real.sum() if out.is_complex() else (out * out).sum()
        loss.backward()
        """
    )


def test_bits():
    parity(
        """
        x, y = torch.tensor([6, -7, 12]), torch.tensor([3, 5, -10])
        results = [x & y, x | y, x ^ y, ~x, x << 2, x >> 1, 1 << torch.arange(3)]
        results += [100 >> torch.arange(3)]
        results += [x << 70, x >> 70, torch.gcd(x, y), torch.lcm(x, y), x & 1, 3 | y, 5 ^ y]
        b = torch.tensor([True, False])
        booleans = [b & True, b | ~b, b ^ b, ~b, b & torch.tensor([1, 2])]
        x &= 4
        y |= 1
        b ^= True
        errors = [attempt(lambda: x & 1.5), attempt(lambda: x << torch.ones(3))]
        errors += [attempt(lambda: b << b)]
        """
    )


def test_limits_of_types():
    parity(
        """
        _floats = (torch.float16, torch.float32, torch.float64, torch.complex64)
        _whole = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
        shown = [repr(torch.finfo(t)) for t in _floats] + [repr(torch.iinfo(t)) for t in _whole]
        numbers = [torch.finfo().eps, torch.finfo(torch.float64).tiny]
        numbers += [torch.finfo(torch.float16).max]
        numbers += [torch.finfo(torch.float32).bits, torch.iinfo(torch.int64).max]
        numbers += [torch.iinfo(torch.uint8).bits]
        same = [torch.finfo(torch.float32) == torch.finfo()]
        same += [torch.iinfo(torch.int8) == torch.iinfo(torch.int16)]
        errors = [attempt(lambda: torch.finfo(torch.int8))]
        errors += [attempt(lambda: torch.iinfo(torch.float32))]
        errors += [attempt(lambda: torch.iinfo(torch.bool))]
        errors += [attempt(lambda: torch.finfo("float32"))]
        """
    )


def test_shapes_that_do_not_broadcast():
    parity(
        """
        a, b = torch.ones(2, 3), torch.ones(4, 3)
        errors = [attempt(lambda: a + b), attempt(lambda: torch.maximum(a, b))]
        errors += [attempt(lambda: a.lerp(b, 0.5))]
        errors += [attempt(lambda: torch.addcmul(a, b, b)), attempt(lambda: a == b)]
        errors += [attempt(lambda: a.clamp(b))]
        """
    )
    with pytest.raises(
        RuntimeError, match=r"size of tensor a \(2\) must match .* b \(4\).*\n.*\[2, 3\].*\[4, 3\]"
    ):
        rushlight.ones(2, 3) + rushlight.ones(4, 3)


@pytest.mark.parametrize(
    "call",
    [
        "torch.exp(1.0)", "torch.add('a', x)", "torch.add(x, 'a')", "torch.maximum(x, 1.0)",
        "x.exp(1)",
        "torch.sin(x, x)", "torch.clamp_min(x, None)", "x.pow('a')", "torch.isnan([1])", "x + 'a'",
        "torch.logical_and(x, 1)", "torch.where(x, x, x)", "torch.polygamma(-1, x)",
        "x.mvlgamma(0)",
        "torch.add(x, 1, alpha='a')", "x.add(1, alpha=True)", "torch.arange(2).add(1, alpha=0.5)",
        "-torch.tensor([True])", "+torch.tensor([True])",
        "torch.tensor([True]) - torch.tensor([True])",
        "torch.tensor([True]) - 1", "torch.heaviside(x, x.double())", "x.bitwise_and(1)", "~x",
        "torch.deg2rad(x * 1j)", "torch.frexp(torch.arange(2))", "torch.positive(x > 0)",
    ],
)  # fmt: skip
def test_bad_arguments(call):
    parity(f"x = torch.tensor([1.0, 2.0])\nerror = attempt(lambda: {call})")


def test_names_of_backward_functions():
    parity(
        """
        x = torch.tensor([0.3, 0.6], requires_grad=True)
        shown = [x + 1, 1 - x, x * 2, 1 / x, 2 / x, x**2, 2**x, x**x, x.exp2(), x.log1p()]
        shown += [x.clamp(0, 1)]
        shown += [x.clamp(x * 0, x), x.clamp_min(0), x.round(decimals=1), x.lerp(x, 0.5)]
        shown += [x.lerp(x, x)]
        shown += [torch.where(x > 0, x, 0.0), x.addcmul(x, x), x.deg2rad()]
        shown += [torch.special.i0e(x), x.float_power(2)]
        shown += [torch.complex(x, x).real, x.sgn(), torch.div(x, 2, rounding_mode="floor")]
        shown += [x.to(torch.float64)]
        """,
        grad_fn=True,
        rtol=1e-5,
    )


def test_clamp_takes_a_tensor_as_a_number_beside_one():
    parity("""
x = torch.arange(5.0)
kept = torch.clamp(x, 0, torch.tensor(2.0)), x.clamp(torch.tensor(1), 3)
wrong = [attempt(lambda: torch.clamp(x, 0, bound))
         for bound in (torch.tensor([2.0]), torch.tensor(2.0, requires_grad=True))]
""")


def test_forms_of_old():
    """The factor before the tensors, as programs of 2018 have it."""
    parity("""
        x, y, z = torch.arange(3.0), torch.tensor([2.0, 3.0, 4.0]), torch.tensor([1.0, 5.0, -1.0])
        results = [torch.add(x, 2, y), x.add(0.5, y), x.sub(2, y), x.add(3, 2), torch.addcmul(x, 0.5, y, z),
                   x.addcdiv(2, y, z)]
        w = x.clone()
        w.add_(-0.1, y).mul_(0.9).addcmul_(1 - 0.9, y, y).addcdiv_(-0.01, y, z).sub_(2, z)
        p = torch.ones(3, requires_grad=True)
        ((p * 1).add_(-2, p * y)).sum().backward()
        errors = [attempt(lambda: x.add(y, z)), attempt(lambda: torch.add(x, 1, 2, 3)),
                  attempt(lambda: x.addcmul(y, y, z)), attempt(lambda: x.addcdiv(1, 2, y, z))]
    """)


def test_dimensions_as_numbers_one_by_one_and_as_tensors():
    parity("""
        x = torch.tensor([[[1.0, 0.0, 3.0]]])
        shapes = [x.squeeze(0, 1).shape, x.squeeze(1).shape, x.clone().squeeze_(0, 1).shape]
        dim = torch.tensor(2)
        folded = [x.sum(dim), x.mean(dim), x.amax(dim), x.all(dim), x.std(dim), x.count_nonzero(0, 2)]
        counts = torch.histogram(x).hist.shape
        log = torch.stack([torch.eye(2), -torch.eye(2) + torch.eye(2).flip(0) * 2]).logdet()
        line = torch.arange(24.0).reshape(2, 3, 4)[:, ::2, 1::2].logdet()
    """)


def test_airy_far_from_zero():
    parity(
        """
        x = torch.tensor([-2e5, -9e5, -1e7, -float("inf"), 50.0], dtype=torch.float64)
        far = torch.special.airy_ai(x)
        """,
        rtol=1e-5,
    )
