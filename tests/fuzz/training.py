"""The rows of the table that differentiate, hook, build and train: see `operations`."""

from __future__ import annotations

TRAINING: dict[str, tuple[float, str]] = {
    "backward": (
        13,
        """
        {grad}.sum().backward()
        {grad}.sum().backward()
        {grad}.sum().backward(retain_graph=True)
        {grad}.sum().backward(create_graph=True)
        {grad}.sum().backward(create_graph=True)
        ({grad} * {other}).sum().backward()
        ({grad} ** 2).mean().backward()
        {grad}.backward(torch.ones_like({grad}))
        {grad}.backward({same})
        {grad}.backward()
        {grad}.sum().backward(inputs=[{leaf}])
        {grad}.sum().backward(inputs=[{leaf}, {grad}])
        {grad}.sum().abs().backward()
        ({grad} + {grad}).sum().backward()
        ({grad}.sum() * {grad}.sum()).backward(retain_graph={flag})
        = torch.autograd.grad({grad}.sum(), {leaf})
        = torch.autograd.grad({grad}.sum(), {leaf}, allow_unused=True)
        = torch.autograd.grad({grad}.sum(), [{leaf}, {grad}], allow_unused=True)
        = torch.autograd.grad({grad}.sum(), {leaf}, create_graph=True, allow_unused=True)
        = torch.autograd.grad(({grad} ** 3).sum(), {leaf}, create_graph=True)
        = torch.autograd.grad({grad}, {grad}, torch.ones_like({grad}), retain_graph=True)
        = torch.autograd.grad({grad}, [{leaf}], {same}, create_graph={flag}, allow_unused=True)
        = torch.autograd.grad({grad}.sum(), {leaf}, materialize_grads=True)
        {leaf}.grad.zero_()
        {leaf}.grad.mul_({number})
        {leaf}.grad[{index}] = {number}
        {grad}.retain_grad()
        {grad}.retain_grad()
        = {leaf}.grad
        = {leaf}.grad * 2
        torch.autograd.backward([{grad}.sum(), {grad}.sum()])
        nn.utils.clip_grad_norm_([{leaf}], 1.0)
        nn.utils.clip_grad_value_([{graded}, {leaf}], 0.5)
        """,
    ),
    "hooks": (
        4,
        """
        {grad}.register_hook({hook})
        {grad}.register_hook({hook})
        {leaf}.register_hook({hook})
        {leaf}.register_post_accumulate_grad_hook(keep)
        {module}.register_forward_hook({forwardhook})
        {module}.register_full_backward_hook(negate)
        log.clear()
        """,
    ),
    "functions": (
        5,
        """
        = %.apply({float}) :: Square Exp Same Flat Sorted Twice Square Exp
        = Scaled.apply({float}, {number})
        = Both.apply({float}, {same})
        = Lazy.apply({float}, {same})
        = torch.utils.checkpoint.checkpoint(torch.sin, {float}, use_reentrant=False)
        """,
    ),
    "modules": (
        6,
        """
        = {newmodule}
        = {newmodule}
        = {call}
        = {call}
        = {call}
        {call}.sum().backward()
        ({call} ** 2).mean().backward()
        {module}.zero_grad()
        {module}.%() :: eval train double float
        {module}.requires_grad_({flag})
        = list({module}.parameters())
        = {module}.state_dict()
        {module}.load_state_dict({module}.state_dict())
        = nn.utils.parameters_to_vector({module}.parameters())
        """,
    ),
    "optimizers": (
        6,
        """
        = {optimizer}
        = {optimizer}
        {step}
        {step}
        {step}
        {steps}.zero_grad()
        {steps}.zero_grad(set_to_none=False)
        """,
    ),
    "random": (
        1.5,
        """
        = torch.rand_like({float})
        = torch.randn_like({float})
        = torch.randint(0, 5, {shape})
        = torch.randperm({count})
        = torch.bernoulli({float}.sigmoid())
        = torch.normal({float}, 1.0)
        torch.manual_seed({count})
        """,
    ),
}
