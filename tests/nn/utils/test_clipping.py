"""Clipping gradients, and parameters as vectors."""

from tests.parity import parity

GRADIENTS = """
p, q = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(2, 2))
frozen = nn.Parameter(torch.ones(1))
p.grad, q.grad = torch.tensor([3.0, -4.0, 0.0]), torch.tensor([[1.0, 2.0], [-2.0, 12.0]])
"""


def test_norms() -> None:
    parity(
        GRADIENTS
        + """
total = nn.utils.clip_grad_norm_([p, q, frozen], 1.0)
first = p.grad.clone()
inf = nn.utils.clip_grad_norm_(p, 0.1, norm_type=float("inf"))
text = nn.utils.clip_grad_norm_(p, 1.0, "inf")
one = nn.utils.clip_grad_norm_((t for t in [p, q]), 0.2, norm_type=1)
zero = nn.utils.clip_grad_norm_(p, 1.0, norm_type=0)
small = nn.utils.clip_grad_norm_([p, q], 100.0)
empty = nn.utils.clip_grad_norm_([], 1.0), nn.utils.clip_grad_norm_([frozen], 1.0)
norm = nn.utils.get_total_norm([torch.ones(2), torch.ones(3)]), nn.utils.get_total_norm([])
nn.utils.clip_grads_with_norm_([p], 0.5, torch.tensor(2.0))
"""
    )


def test_values() -> None:
    parity(
        GRADIENTS
        + "nn.utils.clip_grad_value_([p, q, frozen], 1.5)\nnn.utils.clip_grad_value_(p, 1)"
    )


def test_infinite_norms() -> None:
    parity(
        GRADIENTS
        + """
q.grad[0, 0] = float("nan")
error = attempt(lambda: nn.utils.clip_grad_norm_([p, q], 1.0, error_if_nonfinite=True))
kept = p.grad.clone()
total = nn.utils.clip_grad_norm_([p, q], 1.0)
"""
    )


def test_vectors() -> None:
    parity(
        """
        m = nn.Linear(3, 2)
        vector = nn.utils.parameters_to_vector(m.parameters())
        vector.sum().backward()
        nn.utils.vector_to_parameters(torch.arange(8.0), m.parameters())
        shared = torch.arange(10.0)
        nn.utils.vector_to_parameters(shared, m.parameters())
        shared[0] = 50.0
        _m = nn.Linear(3, 2)
        errors = [
            attempt(lambda: nn.utils.vector_to_parameters(3, m.parameters())),
            attempt(lambda: nn.utils.vector_to_parameters(torch.ones(4), _m.parameters())),
            attempt(lambda: nn.utils.parameters_to_vector([])),
        ]
        """
    )
