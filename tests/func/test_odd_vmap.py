"""What the vmap that a Function brings along returns."""

from __future__ import annotations

import pytest

from tests.parity import parity


@pytest.mark.parametrize("returned", ["1", "a", "(a, 0, 1)", "None"])
def test_it_returns_an_output_and_where_its_batch_lies(returned):
    parity(f"""
        class _Twice(torch.autograd.Function):
            @staticmethod
            def forward(a):
                return a * 2

            @staticmethod
            def setup_context(ctx, inputs, output):
                pass

            @staticmethod
            def vmap(info, in_dims, a):
                return {returned}

        refused = attempt(lambda: torch.vmap(_Twice.apply)(torch.ones(2, 3)))
    """)
