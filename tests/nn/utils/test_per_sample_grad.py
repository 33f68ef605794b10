"""Gradients of each example."""

from tests.parity import parity


def test_they_lie_beside_the_parameters() -> None:
    parity("""
        from torch.nn.utils._per_sample_grad import call_for_per_sample_grads as sampled
        nn, found = torch.nn, []
        picture = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(18, 2))
        words = nn.Sequential(nn.Embedding(5, 3), nn.LayerNorm(3))
        for layer, x in ((picture, torch.randn(3, 1, 5, 5)), (words, torch.randint(0, 5, (2, 4)))):
            for how in ("sum", "mean"):
                getattr(sampled(layer, loss_reduction=how)(x).sin(), how)().backward()
                for p in layer.parameters():
                    found.append((p.grad_sample, p.grad))
                    p.grad_sample = None
        for options in ({"loss_reduction": "x"}, {"batch_size": 0}, {"batch_size": "a"}):
            try:
                sampled(picture, **options)
            except RuntimeError as error:
                found.append(str(error)[:30])
        sampled = nn = picture = words = layer = p = None
    """)
