"""The rows of what stands around tensors: see `operations`.

Functions that differentiate functions, Python's own protocols, NumPy's functions, files, lists of tensors,
distributions, places in the graph, and what is done to modules and optimizers besides training them.
"""

from __future__ import annotations

AROUND: dict[str, tuple[float, str]] = {
    "transforms": (
        4,
        """
        = torch.func.%(total)({float}) :: grad grad_and_value jacrev jacfwd hessian
        = torch.func.%({function})({float}) :: jacrev jacfwd
        = torch.func.vjp({function}, {float})[0]
        = torch.func.vjp({function}, {float})[1]({same})
        = torch.func.jvp({function}, ({float},), ({same},))
        = torch.func.jvp(paired, ({float}, {same}), ({same}, {same}))
        = torch.func.grad(lambda x, y: paired(x, y).sum(), argnums=(0, 1))({float}, {same})
        = torch.func.grad(torch.func.grad(lambda x: (x ** 3).sum()))({scalar})
        = torch.vmap({function})({float})
        = torch.vmap({function}, {dim}, {dim})({float})
        = torch.vmap(torch.func.grad(total))({float})
        = torch.vmap(paired, (0, None))({float}, {scalar})
        = torch.vmap(paired, ({dim}, {dim}))({float}, {same})
        = torch.vmap(lambda x: x.%())({float}) :: sum flatten contiguous argmax sort tolist item
        = torch.autograd.functional.%(total, {float}) :: jacobian hessian
        = torch.autograd.functional.jacobian({function}, {float}, create_graph={flag})
        = torch.autograd.functional.%(total, {float}, {same}) :: hvp vhp
        = torch.autograd.functional.jvp({function}, {float}, {same})
        = forward({function}, {float}, {same})
        = forward(total, {float}, {same})
        = torch.autograd.gradcheck(cube, {float}.detach().double().requires_grad_())
        """,
    ),
    "python": (
        5,
        """
        = list({x})
        = repr({detached})
        = %({x}.detach()) :: repr str
        = %({scalar}) :: int complex abs round
        = '{:.2f}'.format({scalar})
        = {number} in {x}
        = sum({x})
        = max({vector})
        = round({float}, decimals=1)
        = {x} + np.float64(2)
        = np.float32(2) * {x}
        = np.%({plain}) :: asarray sin sum array
        = np.add({plain}, {plain})
        = {x} * np.ones(1)
        = torch.as_tensor(np.asarray({plain}))
        = torch.tensor([{scalar}, 2])
        = torch.tensor([[{scalar}], [{scalar}]], dtype={dtype})
        = torch.stack(list({x}))
        = {x}[np.array([0, -1])]
        = {x}[torch.tensor(0).numpy()]
        = {x}.shape.numel()
        = {x}.size({dim})
        = {x}.type()
        = [1, 2, 3][{integer}]
        = {x}.apply_(abs)
        = {float}.map_({same}, max)
        = {x}.__%__({other}) :: and radd rsub rpow rmatmul lshift eq divmod iadd
        = {x} << {number}
        = {x} and {number}
        = not {scalar}
        = torch.is_nonzero({scalar})
        = dict(a={x}, b=[{x}, {x}])
        """,
    ),
    "around": (
        4,
        """
        = reloaded({x})
        = reloaded([{x}, {x}])
        = __import__('copy').deepcopy({x})
        = {x}.to_sparse().to_dense()
        = torch.sparse.mm({matrix}.to_sparse(), {product})
        torch._foreach_%_([{x}, {x}], {number}) :: add mul div
        = torch._foreach_%([{float}]) :: exp neg abs sqrt norm
        = torch.utils.checkpoint.checkpoint(paired, {float}, {same}, use_reentrant={flag})
        = torch.utils.checkpoint.checkpoint({function}, {float}, use_reentrant={flag})
        = torch.distributions.Normal({float}, {float}.abs() + 1).%() :: sample rsample entropy
        = torch.distributions.Normal({float}, 1.0).log_prob({same})
        = divergence({float})
        = torch.distributions.Categorical(logits={float}).%() :: sample entropy
        = torch.distributions.Bernoulli(logits={float}).log_prob({same})
        = torch.linalg.%({square}) :: pinv matrix_rank cond eigvalsh cholesky_ex
        = torch.linalg.%({matrix}) :: pinv svdvals matrix_norm
        = torch.linalg.lu_factor({square}.tanh() + 4 * torch.eye(3))
        = torch.linalg.lstsq({square}.tanh() + 4 * torch.eye(3), {square}).solution
        = torch.linalg.vecdot({float}, {same})
        = torch.linalg.vander({vector})
        = torch.triu_indices({count}, {count})
        = nn.utils.rnn.pad_sequence([{vector}, {vector}[:2]], batch_first={flag})
        """,
    ),
    "places": (
        3,
        """
        {grad}.register_hook(double).remove()
        {grad}.grad_fn.register_hook(lambda i, o: log.append(len(o)))
        {grad}.grad_fn.register_prehook(lambda o: tuple(None if g is None else g * 2 for g in o))
        torch.autograd.graph.register_multi_grad_hook([{grad}, {grad}], log.append)
        torch.autograd.graph.register_multi_grad_hook([{grad}, {grad}], log.append, mode='any')
        = torch.autograd.grad({grad}, {leaf}, several({grad}), is_grads_batched=True, allow_unused=True)
        torch.autograd.backward(torch.autograd.graph.get_gradient_edge({grad}), torch.ones_like({grad}))
        = torch.autograd.grad({grad}.sum(), torch.autograd.graph.get_gradient_edge({grad}))
        = %.apply({float}) :: Once Many Jvp Plain Viewed
        = Dirty.apply({float}, {same})
        = Needs.apply({float}, {same})
        {grad}.sum().backward(inputs=list({module}.parameters()))
        """,
    ),
    "modules and optimizers": (
        4,
        """
        {module}.register_forward_pre_hook(prepare)
        {module}.register_full_backward_pre_hook(prepend)
        {module}.register_forward_hook(halve).remove()
        {module}.register_buffer('extra', {x})
        {module}.register_buffer('passing', {x}, persistent=False)
        {module}.register_parameter('more', nn.Parameter({float}))
        {module}.to(memory_format=torch.channels_last)
        {module}.% :: bfloat16() to(torch.complex64) requires_grad_(False) train(False)
        = str({module})
        = repr({steps})
        = __import__('copy').deepcopy({module})
        = reloaded({module}.state_dict())
        = reloaded({steps}.state_dict())
        = [p.numel() for p in {module}.parameters()]
        = [name for name, _ in {module}.named_modules()]
        {module}.load_state_dict(dict(), strict={flag})
        = {module}.get_parameter('weight')
        {module}.weight = nn.Parameter({float})
        {module}.weight = {x}
        del {module}.bias
        nn.utils.clip_grad_norm_({module}.parameters(), {number})
        = nn.utils.get_total_norm([{float}, {float}])
        {steps}.param_groups[0]['lr'] = {number}
        = [g['lr'] for g in {steps}.param_groups]
        torch.optim.lr_scheduler.%.step() :: StepLR({steps},1) ExponentialLR({steps},0.5) LinearLR({steps})
        torch.optim.lr_scheduler.%.step() :: CosineAnnealingLR({steps},3) OneCycleLR({steps},0.1,total_steps=4)
        {steps}.state.clear()
        {steps}.register_step_post_hook(lambda *a: log.append(1))
        = {steps}.step(lambda: {scalar})
        """,
    ),
}
