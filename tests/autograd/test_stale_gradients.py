"""A gradient from before the tensor had another shape is refused, and nothing is added anywhere."""

from tests.parity import parity


def test_a_gradient_of_another_shape():
    parity("""
        x = torch.ones(3, requires_grad=True)
        y = torch.ones(2, requires_grad=True)
        ((x * 2).sum() + y.sum()).backward()
        x.data = torch.zeros(5)
        refused = attempt(lambda: x.sum().backward())
        kept = x.grad
        x.grad = None
        x.sum().backward()
    """)
