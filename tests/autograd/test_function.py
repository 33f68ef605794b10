"""Custom functions, numerical checks, Jacobians, anomaly detection."""

import pytest

import rushlight
from tests.parity import parity

PROGRAMS = {
    "a custom function, differentiated twice": """
        class Cube(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, factor):
                ctx.save_for_backward(x)
                ctx.factor = factor
                return factor * x ** 3

            @staticmethod
            def backward(ctx, g):
                (x,) = ctx.saved_tensors
                return g * ctx.factor * 3 * x ** 2, None

        x = torch.tensor([1.0, 2.0], requires_grad=True)
        y = Cube.apply(x, 2.0)
        name = y.grad_fn.name()
        (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
        (h,) = torch.autograd.grad(g.sum(), x)
    """,
    "several outputs, saved outputs, constants": """
        class Split(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                e = x.exp()
                order = x.argsort()
                ctx.mark_non_differentiable(order)
                ctx.save_for_backward(e)
                return e, x * 2, order

            @staticmethod
            def backward(ctx, ge, gx, gorder):
                (e,) = ctx.saved_tensors
                return ge * e + 2 * gx

        x = torch.tensor([0.1, -0.2], requires_grad=True)
        e, d, order = Split.apply(x)
        flags = e.requires_grad, d.requires_grad, order.requires_grad
        e.sum().backward()
    """,
    "setup_context": """
        class Scale(torch.autograd.Function):
            @staticmethod
            def forward(x, k):
                return x * k

            @staticmethod
            def setup_context(ctx, inputs, output):
                ctx.k = inputs[1]

            @staticmethod
            def backward(ctx, g):
                return g * ctx.k, None

        x = torch.ones(2, requires_grad=True)
        Scale.apply(x, 3.0).sum().backward()
    """,
    "wrong number of gradients": """
        class Bad(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, y):
                return x * y

            @staticmethod
            def backward(ctx, g):
                return g

        x = torch.ones(2, requires_grad=True)
        error = attempt(lambda: Bad.apply(x, x).sum().backward())
    """,
    "needs_input_grad": """
        seen = []
        class Look(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, y):
                ctx.save_for_backward(x, y)
                return x * y

            @staticmethod
            def backward(ctx, g):
                x, y = ctx.saved_tensors
                seen.append(ctx.needs_input_grad)
                return g * y, None

        x = torch.ones(2, requires_grad=True)
        Look.apply(x, torch.ones(2)).sum().backward()
    """,
    "once differentiable": """
        from torch.autograd.function import once_differentiable
        class Once(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x ** 2

            @staticmethod
            @once_differentiable
            def backward(ctx, g):
                (x,) = ctx.saved_tensors
                return 2 * x * g

        x = torch.ones(2, requires_grad=True)
        (g,) = torch.autograd.grad(Once.apply(x).sum(), x, create_graph=True)
        error = attempt(lambda: g.sum().backward())
    """,
    "jacobian and hessian": """
        from torch.autograd.functional import hessian, hvp, jacobian, jvp, vhp, vjp
        x = torch.tensor([0.5, 1.5, -1.0])
        w = torch.arange(6.0).reshape(2, 3)
        f = lambda t: w @ t.sin()
        s = lambda t: (t ** 3).sum() * t[0]
        j = jacobian(f, x)
        pair = jacobian(lambda a, b: a * b.sum(), (x, x * 2))
        h = hessian(s, x)
        blocks = hessian(lambda a, b: (a * b ** 2).sum(), (x, x + 1))
        v = torch.ones(3)
        products = vjp(f, x, torch.ones(2)), jvp(f, x, v), vhp(s, x, v), hvp(s, x, v)
        graph = jacobian(f, x.clone().requires_grad_(), create_graph=True).requires_grad
    """,
    "gradcheck": """
        from torch.autograd import gradcheck, gradgradcheck
        x = torch.tensor([0.3, 1.2], dtype=torch.float64, requires_grad=True)
        good = gradcheck(lambda t: (t.exp() * t).sum(), (x,)), gradgradcheck(torch.tanh, (x,))

        class Wrong(torch.autograd.Function):
            @staticmethod
            def forward(ctx, t):
                return t ** 2

            @staticmethod
            def backward(ctx, g):
                return g

        caught = attempt(lambda: gradcheck(Wrong.apply, (x,)))
        quiet = gradcheck(Wrong.apply, (x,), raise_exception=False)
    """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    if name == "gradcheck":
        # torch's GradcheckError is a RuntimeError of its own module.
        parity(PROGRAMS[name].replace("caught = attempt", "_caught = attempt"))
    else:
        parity(PROGRAMS[name])


def test_gradcheck_error_is_a_runtime_error():
    assert issubclass(rushlight.autograd.GradcheckError, RuntimeError)


def test_anomaly_names_the_operation_its_line_and_the_first_bad_value():
    x = rushlight.zeros(2, requires_grad=True)
    with rushlight.autograd.set_detect_anomaly(True):
        y = (x / x).sum()
        with pytest.raises(
            RuntimeError, match=r"'DivBackward0' returned nan values in its 1th"
        ) as error:
            y.backward()
    assert x.grad is None
    assert str(error.value).count("test_function.py") == 2
    assert "div produced nan" in str(error.value)


def test_anomaly_lets_asked_for_infinities_pass():
    x = rushlight.tensor([1.0, 2.0], requires_grad=True)
    with rushlight.autograd.set_detect_anomaly(True):
        masked = x.masked_fill(rushlight.tensor([True, False]), float("-inf"))
        masked.softmax(0).sum().backward()
    assert not rushlight.autograd.is_anomaly_enabled()


def test_the_node_shows_what_forward_stored():
    parity("""
class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, k):
        ctx.k, ctx.options = k, {"norm": "rms"}
        out = x * k
        ctx.save_for_backward(x, out)
        return out

    @staticmethod
    def backward(ctx, g):
        return g * ctx.k * ctx.options.get("times", 1), None

x = torch.arange(3.0, requires_grad=True)
out = Scale.apply(x, 2.0)
_node = out.grad_fn
seen = _node.k, _node.options, _node.saved_tensors, _node.needs_input_grad
_node.options["times"] = 10
_node.k = 3.0
out.sum().backward()
""")


OWN = [
    "shape",
    "meta",
    "edges",
    "hooks",
    "label",
    "site",
    "sequence",
    "saved",
    "arguments",
    "release",
]


@pytest.mark.parametrize("name", OWN)
def test_any_name_is_free_on_ctx(name: str) -> None:
    parity(f"""
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.{name} = x.shape
            return 2 * x

        @staticmethod
        def backward(ctx, g):
            return 2 * g.reshape(ctx.{name})

    x = torch.ones(2, requires_grad=True)
    y = Double.apply(x)
    kept = y.grad_fn.{name}
    (y * y).sum().backward(retain_graph=True)
    (y * y).sum().backward()
    """)
