"""Elementwise rows on the bits and divisors of whole numbers."""

from __future__ import annotations

import numpy as np

from rushlight.primitives.families import DISCRETE, binary, unary

bitwise_and = binary("bitwise_and", np.bitwise_and, None, "{x} & {y}", takes=DISCRETE, whole=True)
bitwise_or = binary("bitwise_or", np.bitwise_or, None, "{x} | {y}", takes=DISCRETE, whole=True)
bitwise_xor = binary("bitwise_xor", np.bitwise_xor, None, "{x} ^ {y}", takes=DISCRETE, whole=True)
bitwise_not = unary(
    "bitwise_not", np.bitwise_not, None, {"iu": "~{x}", "b": "!{x}"}, to_float=False, takes=DISCRETE, whole=True
)  # fmt: skip
bitwise_left_shift = binary(
    "bitwise_left_shift", np.left_shift, None, "left_shift({x}, {y}, {bits})", domain=(-9, 9),
    second=(0, 4), takes="iu", whole=True,
)  # fmt: skip
bitwise_right_shift = binary(
    "bitwise_right_shift", np.right_shift, None, "right_shift({x}, {y}, {bits})", domain=(-9, 9),
    second=(0, 4), takes="iu", whole=True,
)  # fmt: skip
gcd = binary("gcd", np.gcd, None, "gcd({x}, {y})", domain=(-30, 30), takes="iu", whole=True)
lcm = binary("lcm", np.lcm, None, "lcm({x}, {y})", domain=(-30, 30), takes="iu", whole=True)
