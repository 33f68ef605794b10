"""Custom Functions under the transforms."""

from tests.parity import parity


def test_a_custom_function_under_every_transform():
    parity(
        """
        from torch.func import grad, hessian, jacfwd, jacrev, jvp, vmap
        class New(torch.autograd.Function):
            generate_vmap_rule = True
            @staticmethod
            def forward(x):
                return x * 2
            @staticmethod
            def setup_context(ctx, inputs, output):
                ctx.save_for_backward(*inputs)
                ctx.save_for_forward(*inputs)
            @staticmethod
            def backward(ctx, g):
                return g * 3 * ctx.saved_tensors[0]
            @staticmethod
            def jvp(ctx, t):
                return t * 5 * ctx.saved_tensors[0]
        class Written(New):
            generate_vmap_rule = False
            @staticmethod
            def vmap(info, in_dims, x):
                return Written.apply(x), in_dims[0]
        class NoRule(New):
            generate_vmap_rule = False
        x = torch.tensor([1.0, 2.0, 3.0])
        found = []
        for f in (New.apply, Written.apply):
            found += [
                grad(lambda x: f(x).sum())(x), vmap(f)(x), jvp(f, (x,), (x,)), vmap(grad(f))(x),
                grad(lambda x: vmap(f)(x).sum())(x), jacfwd(f)(x), jacrev(f)(x),
                hessian(lambda x: f(x).sum())(x), vmap(grad(grad(f)))(x), jvp(vmap(f), (x,), (x,)),
            ]
        refused = attempt(lambda: vmap(NoRule.apply)(x))
        """
    )


def test_what_is_the_same_for_all_examples_gets_the_sum():
    parity(
        """
        from torch.func import grad, vmap
        class Two(torch.autograd.Function):
            generate_vmap_rule = True
            @staticmethod
            def forward(x, w):
                return x * w, x + w
            @staticmethod
            def setup_context(ctx, inputs, output):
                ctx.save_for_backward(*inputs)
            @staticmethod
            def backward(ctx, a, b):
                x, w = ctx.saved_tensors
                return a * w + b, a * x + b * 2
        x, w = torch.tensor([1.0, 2.0, 3.0]), torch.tensor(2.0)
        both = vmap(Two.apply, in_dims=(0, None))
        outputs = both(x, w)
        shared = grad(lambda w: sum(o.sum() for o in both(x, w)))(w)
        each = vmap(grad(lambda x, w: sum(Two.apply(x, w)), argnums=(0, 1)), in_dims=(0, None))(x, w)
        """
    )


def test_a_vmap_in_a_vmap_of_a_generated_rule():
    parity("""
        from torch.func import grad, vmap
        class Scaled(torch.autograd.Function):
            generate_vmap_rule = True
            @staticmethod
            def forward(x, w):
                return x**2 * w, x * 1
            @staticmethod
            def setup_context(ctx, inputs, output):
                ctx.save_for_backward(*inputs)
                ctx.save_for_forward(*inputs)
            @staticmethod
            def backward(ctx, g, h):
                x, w = ctx.saved_tensors
                return g * 2 * x * w + h, g * x**2
            @staticmethod
            def jvp(ctx, a, b):
                x, w = ctx.saved_tensors
                return 2 * x * w * a + x**2 * b, a
        x, w = torch.rand(2, 3, 4, requires_grad=True), torch.full((4,), 2.0, requires_grad=True)
        _twice = vmap(vmap(Scaled.apply, (0, None)), (0, None))
        out = _twice(x, w)
        names = out[0].grad_fn.name(), vmap(Scaled.apply, (0, None))(x, w)[0].grad_fn.name()
        out[0].sum().backward()
        inside = vmap(vmap(grad(lambda a, b: Scaled.apply(a, b)[0].sum(), (0, 1)), (0, None)), (0, None))(x, w)
        tangents = torch.func.jvp(_twice, (x.detach(), w.detach()), (x.detach(), w.detach()))
    """)
