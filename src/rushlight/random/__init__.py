"""torch's random numbers on NumPy arrays: the same seed gives the same numbers.

Everything comes from one Mersenne Twister (mt19937), seeded with the low 32 bits of the seed, that
gives 32-bit words. A 64-bit draw is two words, the first one high. In short:

- float32 and float16 uniform: the low 24 bits of a word, times 2**-24; float64: 53 bits of a 64-bit
  draw. Then one fused `u * (high - low) + low`. Complex numbers are their two parts in turn.
- normal, below 16 elements: Box-Muller pairs in float64, `sqrt(-2 ln(1 - u2))` times the cosine and
  sine of `2 pi u1`. The sine waits in the generator for the next such call, until it is reseeded.
- normal, 16 elements or more: uniforms in blocks of 16, the first 8 for the radius and the others
  for the angle; cosines go to the first half. A tail is made by drawing 16 anew for the last 16.
- integers: a word modulo the range, from 2**28 on a 64-bit draw modulo the range.
- bernoulli: a float64 uniform below p; where p is an array, a uniform of its own type.
- exponential, cauchy, geometric: the inverse of the distribution on a float64 uniform;
  log_normal: exp of single normals.
- randperm: Fisher-Yates from the front, a word modulo what is left.
- multinomial: the largest p / e, e exponential; with replacement, a search in the cumulative sums.
- poisson, binomial, standard_gamma, dirichlet: trial and rejection on float64 uniforms.

Words are exact, and so is all that is computed from them in float32 and float16: torch's own x86
arithmetic is followed where rounding shows (one normal in some ten million differs in its last
bit). In float64 logarithms and the like are NumPy's, an ulp or two from those of the C library.
Where weights tie, which float16 brings about, the order of choices without replacement is not
torch's. There is no Tensor here: shape and NumPy dtype come in, a new array comes out.
"""

from .continuous import cauchy, exponential, log_normal, normal, uniform
from .discrete import bernoulli, coins, geometric, integers, multinomial, randperm
from .generator import (
    Generator,
    default_generator,
    fork_rng,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
    thread_safe_generator,
)
from .laid import laid
from .noise import alpha_dropout_noise, dropout_noise, feature_shape, rrelu_noise
from .rejection import binomial, dirichlet, poisson, standard_gamma

__all__ = [
    "Generator",
    "alpha_dropout_noise",
    "bernoulli",
    "binomial",
    "cauchy",
    "coins",
    "default_generator",
    "dirichlet",
    "dropout_noise",
    "exponential",
    "feature_shape",
    "fork_rng",
    "geometric",
    "get_rng_state",
    "initial_seed",
    "integers",
    "laid",
    "log_normal",
    "manual_seed",
    "multinomial",
    "normal",
    "poisson",
    "randperm",
    "rrelu_noise",
    "seed",
    "set_rng_state",
    "standard_gamma",
    "thread_safe_generator",
    "uniform",
]
