"""nn.init: torch's numbers from torch's streams, its errors and its warnings."""

import pytest
from tests.parity import parity

FUNCTIONS = [
    "uniform_(t)", "uniform_(t, -2.0, 3.0)", "normal_(t)", "normal_(t, 1.0, 0.5)",
    "constant_(t, 0.3)", "ones_(t)", "zeros_(t)", "xavier_uniform_(t)",
    "xavier_uniform_(t, gain=2.0)",
    "xavier_normal_(t)",
    "kaiming_uniform_(t)", "kaiming_uniform_(t, a=5**0.5)", "kaiming_uniform_(t, mode='fan_out')",
    "kaiming_uniform_(t, nonlinearity='relu')", "kaiming_normal_(t)",
    "kaiming_normal_(t, mode='fan_out', nonlinearity='tanh')", "orthogonal_(t)",
    "orthogonal_(t, gain=0.5)", "trunc_normal_(t)", "trunc_normal_(t, std=0.02)",
    "trunc_normal_(t, 0.5, 2.0, -1.0, 1.0)", "trunc_normal_(t, a=-0.1, b=0.1)",
    "trunc_normal_(t, a=1.0, b=1.5)",
]  # fmt: skip
SHAPES = ["(3, 5)", "(20, 4)", "(4, 3, 2, 2)", "(17, 33)"]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_numbers_are_torchs(shape: str) -> None:
    calls = "\n".join(
        f"t = torch.empty{shape}\nresult_{i} = nn.init.{call}, nn.init.{call} is t"
        for i, call in enumerate(FUNCTIONS)
    )
    parity(calls + "\nnext_number = torch.rand(2)")


def test_matrices_and_double_precision() -> None:
    parity(
        """
        a = nn.init.eye_(torch.empty(3, 5))
        b = nn.init.sparse_(torch.empty(6, 4), 0.3)
        c = nn.init.dirac_(torch.empty(4, 3, 3)), nn.init.dirac_(torch.empty(4, 2, 3, 3), groups=2)
        d = nn.init.dirac_(torch.empty(2, 2, 3, 3, 3))
        e = nn.init.xavier_normal_(torch.empty(20, 3, dtype=torch.float64))
        f = nn.init.orthogonal_(torch.empty(4, 6, dtype=torch.float64))
        """
    )


def test_a_generator_and_parameters() -> None:
    parity(
        """
        p = nn.Parameter(torch.empty(4, 5))
        returned = nn.init.kaiming_normal_(p, generator=torch.Generator().manual_seed(3)) is p
        flags = p.requires_grad, p.grad_fn
        nn.init.constant_(p[0], 7.0)
        q = nn.init.trunc_normal_(torch.empty(9), generator=torch.Generator().manual_seed(3))
        untouched = torch.rand(1)
        """
    )


def test_gains_and_fans() -> None:
    parity(
        """
        names = ["linear", "conv1d", "conv3d", "conv_transpose2d", "sigmoid", "tanh", "relu",
                 "leaky_relu", "selu"]
        gains = [nn.init.calculate_gain(name) for name in names]
        slopes = nn.init.calculate_gain("leaky_relu", 0.2), nn.init.calculate_gain("leaky_relu", 1)
        fans = nn.init._calculate_fan_in_and_fan_out(torch.empty(4, 3, 5, 2))
        """
    )


def test_errors() -> None:
    parity(
        """
        v, m = torch.zeros(3), torch.zeros(2, 2)
        errors = [
            attempt(lambda: nn.init.xavier_uniform_(v)),
            attempt(lambda: nn.init.kaiming_normal_(v)),
            attempt(lambda: nn.init.orthogonal_(v)),
            attempt(lambda: nn.init.sparse_(v, 0.1)),
            attempt(lambda: nn.init.eye_(v)),
            attempt(lambda: nn.init.dirac_(m)),
            attempt(lambda: nn.init.dirac_(torch.empty(2, 2, 3), groups=3)),
            attempt(lambda: nn.init.kaiming_uniform_(m, mode="x")),
            attempt(lambda: nn.init.kaiming_uniform_(m, nonlinearity="x")),
            attempt(lambda: nn.init.calculate_gain("x")),
            attempt(lambda: nn.init.calculate_gain("leaky_relu", "x")),
            attempt(lambda: nn.init.calculate_gain("leaky_relu", True)),
            attempt(lambda: nn.init.uniform_(m, 3.0, 1.0)),
            attempt(lambda: nn.init.normal_(m, 0.0, -1.0)),
        ]
        """
    )


def test_warnings() -> None:
    parity(
        """
        import warnings
        found = []
        def note(call):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                call()
            found.extend((w.category.__name__, str(w.message)) for w in caught)
        note(lambda: nn.init.kaiming_uniform_(torch.empty(0, 3)))
        note(lambda: nn.init.trunc_normal_(torch.empty(3), mean=5.0))
        note(lambda: nn.init.xavier_uniform(torch.empty(2, 2)))
        note(lambda: nn.init.constant(torch.empty(2, 2), 1.0))
        """
    )
