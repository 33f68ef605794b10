"""Transforms of functions, nested in each other: programs that are typed once and run under both."""

from tests.parity import parity

START = """
from torch.func import functional_call, grad, grad_and_value, hessian, jacfwd, jacrev, jvp, linearize
from torch.func import stack_module_state, vjp, vmap

def energy(x):
    return (x.sin() * x.roll(1) ** 2).sum()

x = torch.linspace(-1, 2, 12, dtype=torch.float64).reshape(3, 4)
v = torch.linspace(2, -1, 12, dtype=torch.float64).reshape(3, 4)
"""


def test_batches_of_gradients_and_gradients_of_batches():
    parity(
        START
        + """
each = vmap(grad(energy))(x)
whole = grad(lambda x: vmap(energy)(x).pow(2).sum())(x)
third = vmap(grad(grad(grad(lambda x: x**4 + x.sin()))))(x[0])
second = vmap(hessian(energy))(x)
pulled = vmap(lambda x, v: vjp(torch.sin, x)[1](v)[0])(x, v)
pushed = vmap(lambda v: jvp(energy, (x[0],), (v,)))(v)
crossed = grad(lambda y: vmap(lambda a: vmap(grad(lambda b: b**2 * a))(x[0]).sum())(y).sum())(x[1])
"""
    )


def test_derivatives_of_derivatives():
    parity(
        START
        + """
along = jvp(grad(energy), (x[0],), (v[0],))
back = grad(lambda x: jvp(energy, (x,), (v[0],))[1])(x[0])
twice = jvp(lambda x: jvp(energy, (x,), (v[0],))[1], (x[0],), (v[1],))
matrices = [outer(inner(energy))(x[0]) for outer in (jacrev, jacfwd) for inner in (jacrev, jacfwd)]
output, push = linearize(lambda x: x.sin() * x, x)
linear = push(v).detach()
inner = grad(lambda x: x * grad(lambda y: x * y + y**2)(x))(x[0, 0])
"""
    )


def test_a_layer_for_each_of_many_models_and_examples():
    parity(
        """
        from torch.func import functional_call, grad, stack_module_state, vmap
        torch.manual_seed(0)
        models = [nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)) for _ in range(3)]
        x, y = torch.randn(5, 3), torch.randn(5, 2)
        parameters, buffers = stack_module_state(models)
        one = lambda p, x: functional_call(models[0], p, (x,))
        together = vmap(one, in_dims=(0, None))(parameters, x)
        together.pow(2).sum().backward()
        loss = lambda p, x, y: F.mse_loss(one(p, x[None]), y[None])
        plain = {name: value.detach() for name, value in models[0].named_parameters()}
        each = vmap(grad(loss), in_dims=(None, 0, 0))(plain, x, y)
        """
    )


def test_what_requires_a_gradient():
    parity(
        """
        from torch.func import grad, jacfwd, vjp
        x = torch.ones(3, requires_grad=True)
        w = torch.ones(3, requires_grad=True)
        d = torch.ones(3)
        f = lambda v: (v * v * w).sum()
        square = lambda v: (v * v).sum()
        flags = [grad(f)(x).requires_grad, grad(f)(d).requires_grad, grad(square)(d).requires_grad]
        flags += [grad(square)(x).requires_grad, vjp(f, d)[0].requires_grad]
        with torch.no_grad():
            outside = grad(f)(x)
        def constant(v):
            with torch.no_grad():
                return (v * v).sum()
        inside = grad(constant)(d)
        seen = []
        def look(v):
            seen.append((v.requires_grad, v.is_leaf))
            return v.sum()
        grad(look)(d), grad(look)(x)
        """
    )


def test_a_tensor_from_outside_is_not_changed():
    parity(
        """
        from torch.func import grad, vjp, vmap
        kept, x = torch.ones(2), torch.tensor([1.0, 2.0])
        refused = [
            attempt(lambda: grad(lambda x: kept.mul_(x).sum())(x)),
            attempt(lambda: vjp(lambda x: kept.add_(x), x)),
            attempt(lambda: grad(lambda x: kept.__setitem__(0, x[0]) or kept.sum())(x)),
        ]
        def own(x):
            z, y = torch.zeros(2), x.new_ones(2)
            z[0] = x[1] * 2
            y.mul_(x)
            return (z * y * kept).sum()
        allowed = grad(own)(x), grad(grad(lambda a: own(x * a)))(x[1])
        """
    )
