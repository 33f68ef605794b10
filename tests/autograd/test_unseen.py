"""What autograd does not see: leaves of inference mode, frozen leaves, changes of shape unrecorded."""

import pytest

from tests.parity import parity

CALLS = [
    "t * 2", "1 - t", "2 / t", "t + t", "t + u", "t + n", "t * n", "t**2", "t[:1]", "t.view(2, 1)", "t.sum()",
    "t.clone()", "t.double()", "t.exp()", "torch.cat([t, t])", "torch.cat([t, n])", "t.max(0)[0]",
    "t.sort()[0]", "t[torch.tensor([0])]", "F.pad(t, (1, 1))", "F.dropout(t, 0.5)", "t.softmax(0)",
    "t.clamp(0, 1)", "t.masked_fill(n > 1, 0.0)", "torch.zeros(2).add_(t)", "F.l1_loss(t, t)", "t.diff()",
    "t.unbind(0)[0]", "torch.fft.rfft(t)", "t.cumsum(0)", "F.gelu(t)", "t @ t",
]  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_leaves_of_inference_mode(call: str) -> None:
    parity(
        f"""
        with torch.inference_mode():
            t = torch.tensor([1.0, 2.0], requires_grad=True)
            u = torch.tensor([3.0, 4.0])
        n = torch.tensor([1.0, 2.0])
        try:
            y = {call}
            told = y.requires_grad, y.is_leaf, y.is_inference()
            del y
        except RuntimeError as error:
            told = error
        del t, u
        """
    )


def test_leaves_that_are_frozen_meanwhile() -> None:
    parity(
        """
        a = torch.tensor(1.0, requires_grad=True)
        b = torch.tensor(2.0, requires_grad=True)
        y = a * b
        a.requires_grad_(False)
        y.backward()
        c = torch.tensor(1.0, requires_grad=True)
        z = c.exp()
        c.detach_()
        z.backward()
        """
    )


@pytest.mark.parametrize("mode", ["no_grad", "inference_mode"])
def test_shapes_changed_unrecorded(mode: str) -> None:
    parity(
        f"""
        x = torch.ones(1, 2, requires_grad=True)
        found = []
        for name, *arguments in [("t_",), ("squeeze_",), ("unsqueeze_", 0), ("transpose_", 0, 1)]:
            y = x * 2
            with torch.{mode}():
                getattr(y, name)(*arguments)
            found.append((y.is_leaf, y.requires_grad, y.shape))
        leaf = torch.ones(2, requires_grad=True)
        with torch.inference_mode():
            leaf.detach_()
        """
    )


def test_a_mask_is_drawn_before_a_leaf_is_refused() -> None:
    parity(
        """
        x = torch.ones(8, requires_grad=True)
        refused = attempt(lambda: F.dropout(x, inplace=True))
        drawn = torch.rand(2)
        chances = attempt(lambda: torch.bernoulli(torch.tensor([0.5, 0.5, float("nan"), 0.5])))
        after = torch.rand(2)
        """
    )


WARNED = {
    "a gradient that no leaf holds": "(x * 2).grad",
    "one that is kept": "y = x * 2; y.retain_grad(); y.grad",
    "a leaf's": "x.grad",
    "an output that is resized": "torch.exp(torch.ones(2), out=torch.ones(3))",
    "an empty output": "torch.exp(torch.ones(2), out=torch.empty(0))",
    "an old hook on a module of several nodes": (
        "m = nn.Linear(2, 2); m.register_backward_hook(lambda *a: None); m(torch.ones(1, 2))"
    ),
    "an old hook on a dictionary": ("m = Named(); m.register_backward_hook(lambda *a: None); m(x)"),
    "an old hook on two outputs": "m = Two(); m.register_backward_hook(lambda *a: None); m(x, x)",
    "a full hook without inputs": (
        "m = nn.Linear(2, 2); m.register_full_backward_hook(lambda *a: None); "
        "m(torch.ones(1, 2)).sum().backward()"
    ),
}


@pytest.mark.parametrize("name", WARNED)
def test_warnings(name: str) -> None:
    parity(
        f"""
        import warnings
        class Two(nn.Module):
            def forward(self, a, b):
                return a + b, a * b
        class Named(nn.Module):
            def forward(self, a):
                return {{"a": a * 2}}
        x = torch.ones(2, requires_grad=True)
        with warnings.catch_warnings(record=True) as _caught:
            warnings.simplefilter("always")
            {WARNED[name]}
        told = [(w.category.__name__, str(w.message)[:80]) for w in _caught]
        del x
        """
    )


@pytest.mark.parametrize(
    "switch", ["torch.enable_grad()", "torch.set_grad_enabled(True)", "torch.inference_mode(False)"]
)
def test_gradients_asked_for_in_inference_mode(switch: str) -> None:
    parity(
        f"""
        w = torch.ones(2, requires_grad=True)
        told = []
        def tell():
            y, v = w * 2, w.view(2)
            told.append((torch.is_grad_enabled(), torch.is_inference_mode_enabled()))
            told.append((y.requires_grad, y.is_inference(), y.is_leaf, v.is_inference(), v.grad_fn is None))
        with torch.inference_mode():
            with {switch}:
                tell()
                with torch.no_grad():
                    tell()
                tell()
                with torch.inference_mode(False):
                    tell()
                tell()
            tell()
        tell()
        """
    )
