"""Forward mode: dual numbers, strategies, checks of gradients."""

import pytest

import rushlight as torch
from tests.parity import parity


def test_dual_numbers():
    parity(
        """
        import torch.autograd.forward_ad as fwAD
        def pair(dual):
            primal, tangent = fwAD.unpack_dual(dual)
            return primal.detach(), tangent if tangent is None else tangent.detach()
        p, t = torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.0])
        outside = attempt(lambda: fwAD.make_dual(p, t))
        with fwAD.dual_level():
            d = fwAD.make_dual(p, t)
            wide = pair(fwAD.make_dual(p, t.double()))
            small = attempt(lambda: fwAD.make_dual(p, torch.ones(1)))
            whole = attempt(lambda: fwAD.make_dual(torch.tensor([1, 2]), torch.tensor([1, 1])))
            nested = attempt(lambda: fwAD.dual_level().__enter__())
            plain, cut = pair(p), pair(d.detach())
            with torch.no_grad():
                unrecorded = pair(d * 2)
            z = torch.zeros(2)
            v = z[1:]
            z[0] = d[1]
            through = pair(z), pair(v)
            v.mul_(3).add_(d[:1])
            further = pair(z), pair(v)
            e = d.clone()
            e.add_(d, alpha=2).sqrt_()
            changed = pair(e), pair(d)
            e.zero_()
            gone = pair(e)
        after = fwAD.unpack_dual(d).tangent
        """
    )


def test_in_place_products_of_a_tensor_with_itself_are_right():
    # torch 2.13 gives [2, 6]: the operand it multiplies by has changed by then.
    import rushlight as torch
    from rushlight.autograd import forward_ad

    p, t = torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.0])
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(p, t)
        dual.mul_(dual)
        assert forward_ad.unpack_dual(dual).tangent.tolist() == [2.0, 4.0]
    assert p.tolist() == [1.0, 4.0]
    assert t.tolist() == [2.0, 4.0]


def test_jacobians_of_all_directions_at_once():
    parity(
        """
        from torch.autograd.functional import hessian, jacobian
        x = torch.tensor([0.5, -1.0, 2.0])
        two = lambda a, b: (a * b + 1, a.sum())
        forward = {"vectorize": True, "strategy": "forward-mode"}
        found = [jacobian(two, (x, x + 1), vectorize=True), jacobian(two, (x, x), **forward)]
        found += [jacobian(torch.sin, x, **forward), jacobian(lambda a: (a.sum(),), x, **forward)]
        found += [jacobian(lambda a: torch.ones(2), x, **forward)]
        curved = hessian(lambda x: (x**3).sum(), x, vectorize=True)
        wrong = [
            attempt(lambda: jacobian(torch.sin, x, strategy="forward-mode")),
            attempt(lambda: jacobian(torch.sin, x, create_graph=True, **forward)),
            attempt(lambda: jacobian(torch.sin, x, strict=True, vectorize=True)),
            attempt(lambda: jacobian(torch.sin, x, strategy="other")),
        ]
        y = x.clone().requires_grad_()
        seeds, how = [torch.eye(3), torch.ones(3, 3)], {"is_grads_batched": True}
        batched = torch.autograd.grad([y**2, y * 3], y, seeds, **how)
        x.requires_grad_()
        unused = torch.autograd.grad(y**2, [y, x], torch.eye(3), materialize_grads=True, **how)
        """
    )


def test_gradcheck_of_forward_mode_and_of_batches():
    parity(
        """
        from torch.autograd import gradcheck, gradgradcheck
        class Bad(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2
            @staticmethod
            def backward(ctx, g):
                return g * 3
            @staticmethod
            def jvp(ctx, t):
                return t * 5
        x = torch.tensor([0.5, 0.3], dtype=torch.double, requires_grad=True)
        right = [
            gradcheck(torch.sin, x, check_forward_ad=True, check_batched_forward_grad=True),
            gradcheck(torch.sin, x, check_batched_grad=True),
            gradgradcheck(torch.sin, x, check_fwd_over_rev=True),
            gradcheck(Bad.apply, x, check_backward_ad=False, check_forward_ad=True, raise_exception=False),
        ]
        wrong = [
            attempt(lambda: gradcheck(Bad.apply, x, check_backward_ad=False, check_forward_ad=True)),
            attempt(lambda: gradcheck(torch.sin, x, check_batched_forward_grad=True)),
            attempt(lambda: gradcheck(torch.sin, x, check_backward_ad=False)),
        ]
        """
    )


def test_one_tangent_for_each_example_where_a_view_is_written():
    parity("""
        def views(x):
            y = torch.zeros(3)
            v = y[1:]
            v.copy_(x[1:]); y[0] = x[0] * x[1]; v.add_(x[:2])
            return y
        x = torch.tensor([1.0, 2.0, 3.0])
        forth, back = torch.func.jacfwd(views)(x).clone(), torch.func.jacrev(views)(x).clone()
    """)


def test_what_a_function_fills_in_parts():
    # Each part is written by itself: values and tangents stay in the graph, for one example and for all.
    parity(
        """
        def filled(a):
            b = torch.zeros(4)
            b[0], b[1:3] = a[0], a[1:3] ** 2
            b[3:].add_(a[3]).mul_(a[0])
            return (b * a).prod() + b.sum()
        def copied(a):
            b = torch.zeros(2, 4)
            b[0].copy_(a * 2)
            b[1] = a.square()
            return (b.cumsum(0) * a).sum().sin() * b.prod()
        def kept(a):
            b = torch.zeros(4)
            b.copy_(a)
            return (b + a).prod()
        def seen(a):
            b = torch.zeros(4)
            part = b[:2]
            b.copy_(a)
            total = part.sum()
            part.mul_(2)
            return (b * a).sum() * total
        x = torch.tensor([0.5, -0.8, 1.5, 0.7], dtype=torch.float64)
        torch.set_default_dtype(torch.float64)
        func = torch.func
        made = [
            [
                how(f)(x)
                for how in (
                    func.hessian, lambda f: func.jacrev(func.jacrev(f)), lambda f: func.jacfwd(func.jacfwd(f)),
                    lambda f: func.jacrev(func.jacfwd(f)), lambda f: func.jacfwd(func.jacfwd(func.grad(f))),
                )
            ]
            for f in (filled, copied, kept, seen, torch.prod, lambda a: (a + a * a).prod())
        ]
        torch.set_default_dtype(torch.float32)
        # What is filled was there before, and is there afterwards.
        total = torch.zeros(2, requires_grad=True) * 1
        parts = torch.vmap(lambda a: total.add_(torch.ones(2)) + a)(torch.ones(3, 2))
        total.sum().backward()
        """
    )


@pytest.mark.parametrize("zeros", [(1,), (1, 2)])
def test_products_with_a_zero_are_polynomials_whichever_way(zeros):
    x = torch.tensor([2.0, 1.0, 3.0, 5.0], dtype=torch.float64)
    x[list(zeros)] = 0
    grad, jacfwd, jacrev = torch.func.grad, torch.func.jacfwd, torch.func.jacrev
    for f in (torch.prod, lambda a: a.prod(0), lambda a: a.cumprod(0).sum()):
        second = [
            how(f)(x)
            for how in (
                lambda f: jacrev(grad(f)),
                lambda f: jacfwd(grad(f)),
                lambda f: jacfwd(jacfwd(f)),
            )
        ]
        third = [
            how(grad(f))(x)
            for how in (
                lambda f: jacrev(jacrev(f)),
                lambda f: jacrev(jacfwd(f)),
                lambda f: jacfwd(jacfwd(f)),
            )
        ]
        for first, *others in (second, third):
            assert first.abs().sum() > 0
            for other in others:
                torch.testing.assert_close(first, other)


def test_tangents_turn_with_their_tensors():
    parity(
        """
        def turned(a):
            b = a * a
            b.t_()
            return b * torch.arange(2.0)
        def written(a):
            b = a * a
            c = b.view(3, 2).t()
            c.t_()
            c.add_(a.view(3, 2))
            return b * b
        def base(a):
            b = a * a
            row = b[0]
            b.transpose_(0, 1)
            b[0].mul_(3)
            return row * 2 + b[0, 0]
        def wider(a):
            b = a * a
            b.unsqueeze_(0)
            b.mul_(a)
            b.squeeze_()
            return b.swapaxes_(0, 1)
        x = torch.arange(1.0, 7.0).view(2, 3)
        made = [
            [torch.func.jvp(f, (x,), (x * x,)), torch.func.jacfwd(f)(x), torch.func.hessian(lambda a: f(a).sum())(x)]
            for f in (turned, written, base, wider)
        ]
        """
    )
