"""Parameters of classes of a program's own, which answer for themselves."""

from tests.parity import parity


def test_gradients_that_lie_elsewhere() -> None:
    parity("""
        class Held(torch.nn.Parameter):
            def __new__(cls, data): return torch.Tensor.__new__(cls)
            def __init__(self, data): self.inner = torch.nn.Parameter(data)
            @classmethod
            def __torch_function__(cls, f, types, args=(), kwargs=None):
                return f(*[a.inner if isinstance(a, Held) else a for a in args], **(kwargs or {}))

        def cleared(clear):
            p.inner.pow(2).sum().backward()
            clear()
            return p.inner.grad

        p, layer = Held(torch.ones(2)), torch.nn.Module()
        layer.p = p
        optimizer = torch.optim.SGD([p], lr=0.5)
        a = cleared(optimizer.zero_grad), cleared(layer.zero_grad)
        b = cleared(lambda: optimizer.zero_grad(False)).clone(), cleared(lambda: layer.zero_grad(False)).clone()
        c = [cleared(lambda: optimizer.zero_grad()) for _ in range(2)]
        Held = cleared = layer = optimizer = p = None
    """)


def test_conversions_of_their_own() -> None:
    parity("""
        class Told(torch.nn.Parameter):
            def to(self, *args, **kwargs):
                print("to", args, kwargs)
                return super().to(*args, **kwargs)
            def double(self):
                print("double")
                return super().double()

        layer = torch.nn.Linear(2, 2)
        layer.weight = w = Told(torch.ones(2, 2))
        layer.to("cpu")
        a = layer.weight is w, layer.to(torch.float64).weight is w, str(w.dtype), w.requires_grad, w.is_leaf
        b = str(layer.float().weight.dtype), layer.weight is w
        layer(torch.ones(1, 2)).sum().backward()
        c = str(layer.double().weight.grad.dtype), layer.weight is w, w.grad_fn
        Told = layer = w = None
    """)


def test_constants() -> None:
    parity("""
        kinds = [torch.nn.Linear, torch.nn.BatchNorm1d, torch.nn.Conv2d, torch.nn.LSTM, torch.nn.GELU]
        a = [kind.__constants__ for kind in kinds], hasattr(torch.nn.Module, "__constants__")
        kinds = None
    """)
