"""Functions on the bits and divisors of whole numbers."""

from __future__ import annotations

from rushlight.ops.pointwise import binary, unary
from rushlight.primitives import bitwise as rows

__all__ = [
    "bitwise_and",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "gcd",
    "lcm",
]

bitwise_and = binary(rows.bitwise_and, "The bits set in both.", numbers="either")
bitwise_or = binary(rows.bitwise_or, "The bits set in either.", numbers="either")
bitwise_xor = binary(rows.bitwise_xor, "The bits set in exactly one.", numbers="either")
bitwise_not = unary(rows.bitwise_not, "All bits turned; logical not for booleans.")
bitwise_left_shift = binary(
    rows.bitwise_left_shift, "The bits moved up: input * 2 ** other.", numbers="either"
)
bitwise_right_shift = binary(
    rows.bitwise_right_shift, "The bits moved down: floor(input / 2 ** other).", numbers="either"
)
gcd = binary(rows.gcd, "The greatest common divisor.", numbers="neither")
lcm = binary(rows.lcm, "The least common multiple.", numbers="neither")
