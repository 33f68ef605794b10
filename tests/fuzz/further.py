"""Rows for what the other groups of the table leave out: see `operations`.

Views of expanded tensors that are written, results of several outputs with hooks, `out=` of several results and of
views, forward mode together with backward, transforms of changes in place, graphs that are kept and used again,
states of modules between forward and backward, losses and layers that are asked for less often.
"""

from __future__ import annotations

FURTHER: dict[str, tuple[float, str]] = {
    "several results": (
        3,
        """
        = torch.%({float}, {dim}) :: std_mean aminmax cummax cummin mode
        = torch.%({float}, {dim}, keepdim=True) :: min max median nanmedian mode
        = torch.linalg.%({square} + 4 * torch.eye(3)) :: eigh qr svd inv_ex slogdet lu
        = torch.linalg.%({square}) :: eigvals eig ldl_factor
        = torch.unbind({x}, {dim})
        = torch.split({x}, [1, {length}], {dim})
        = {float}.unsafe_chunk({count}, {dim})
        = torch.frexp({float})
        = torch.gradient({float}, dim={dim})
        = F.max_pool1d({batch}, 2, return_indices=True)
        = F.adaptive_max_pool1d({batch}, 1, return_indices=True)
        = F.max_pool2d({image}, 2, 1, return_indices=True)
        = torch.native_layer_norm({float}, {lastshape}, None, None, 1e-5)
        = torch.native_dropout({float}, 0.5, True)
        = torch.lu_unpack(*torch.linalg.lu_factor({square}.tanh() + 4 * torch.eye(3)))
        = torch._foreach_%([{plain}], [{same}]) :: add mul maximum
        torch._foreach_add_([{float}], [{same}], alpha=2)
        """,
    ),
    "written through": (
        4,
        """
        {x}.expand({expanded})[0] = {number}
        {x}.unsqueeze(0).expand(2, *{x}.shape)[1].fill_({number})
        {x}.expand_as({x}).mul_({number})
        {x}.broadcast_to({expanded}).zero_()
        {x}.unsqueeze({newdim}).add_({number})
        {x}[{slice}][{index}] = {number}
        {x}[{slice}].t()[{index}] = {number}
        {x}.detach()[{index}] = {number}
        {x}.movedim({dim}, {dim}).mul_({other})
        {x}.transpose({dim}, {dim}).copy_({other})
        {x}.transpose({dim}, {dim})[{index}] = {number}
        {x}.select({dim}, {position}).%({number}) :: fill_ add_ mul_
        {x}.unfold({dim}, {length}, {count}).zero_()
        {x}.chunk({count}, {dim})[0].zero_()
        {x}.tensor_split({count}, {dim})[0].add_(1)
        {x}.view({regrouped}).add_({number})
        {x}.flatten()[{position}] = {number}
        {x}.real.copy_({other})
        {complex}.imag.fill_({number})
        {complex}.mH.mul_({number})
        {complex}.conj().imag.zero_()
        torch.view_as_real({complex})[..., 0] = {number}
        torch.view_as_real({complex}).mul_(2)
        {x}.as_strided({strided}).fill_({number})
        {x}.diagonal(0, {dim}, {dim}).copy_({number} * torch.ones(1))
        {x}.unbind({dim})[-1].copy_({other})
        {x}.narrow({dim}, {start}, {length}).add_({number})
        {x}[{index}] -= {other}
        {x}[{slice}] **= 2
        {x}[{maskof}] *= {number}
        {x}[{positions}] += {number}
        {x}[{advanced}] *= {number}
        {x}[..., None] += {number}
        {x}.swapdims({dim}, {dim}).sub_({number}, alpha=2)
        {float}.data[{index}] = {number}
        {float}.mul_({x}.sum())
        {float}.add_({float}.mean({dim}, keepdim=True))
        {float}.div_({x}.abs().max() + 1)
        {float}.sub_({float}.detach().mean())
        """,
    ),
    "put into": (
        3,
        """
        torch.%({float}, out={x}[{slice}]) :: exp neg abs sigmoid
        torch.%({float}, {same}, out={float}.t()) :: add mul
        torch.%({float}, {dim}, out=({apart}, torch.empty(0, dtype=torch.int64))) :: cummax cummin mode median
        torch.topk({float}, 1, out=(torch.empty(0), torch.empty(0, dtype=torch.int64)))
        torch.aminmax({float}, out=(torch.empty(()), torch.empty(())))
        torch.logical_not({x}, out={mask})
        torch.%({x}, {other}, out={mask}) :: eq lt ge logical_or
        torch.var({float}, {dim}, out={apart})
        torch.norm({matrix}, 2, {dim}, out=torch.empty(0))
        torch.linalg.%({square}.tanh() + 4 * torch.eye(3), out={apart}) :: inv det
        torch.bmm({batch}, {product}, out={apart})
        torch.addmm({matrix}[:, :1], {matrix}, {product}, out={apart})
        torch.cat([{x}, {same}], {dim}, out={apart})
        torch.%([{x}, {same}], out={apart}) :: hstack vstack dstack
        torch.masked_select({x}, {maskof}, out={apart})
        torch.nonzero({x}, out=torch.empty(0, dtype=torch.int64))
        torch.roll({x}, 1, out={apart})
        torch.cross({float}, {same}, out={apart})
        torch.round({float}, decimals=1, out={same})
        torch.%({shape}, out={apart}) :: ones zeros ones
        torch.linspace(0, 1, {count}, out={apart})
        torch.full({shape}, {number}, out={apart})
        torch.complex({float}, {same}, out=torch.empty(0, dtype=torch.complex64))
        F.%({float}, out={same}) :: logsigmoid hardsigmoid
        torch.sum({x}, {dim}, dtype=torch.float64, out=torch.empty(0, dtype=torch.float64))
        torch.scatter({x}, {dim}, {gathering}, {same}, out={apart})
        torch.index_add({x}, {dim}, {positions}, {selected}, out={apart})
        """,
    ),
    "transforms of writes": (
        4,
        """
        = torch.func.%(stepwise)({float}) :: grad grad_and_value jacrev jacfwd
        = torch.func.vjp(shifted, {float})[1]({same})[0]
        = torch.func.jvp(shifted, ({float},), ({same},))
        = torch.vmap(shifted)({float})
        = torch.vmap(shifted, {dim}, {dim})({float})
        = torch.vmap(torch.func.%(total))({float}) :: grad_and_value hessian
        = torch.func.%(torch.vmap(cube))({float}) :: jacrev jacfwd
        = torch.func.jacfwd(torch.func.grad(total))({float})
        = torch.func.jacrev(torch.func.jacfwd(cube))({scalar})
        = torch.func.grad(lambda x: ({float} * x).sum())({same})
        = torch.func.grad(lambda x: ({float}.mul_(2) * x).sum())({same} * 1)
        = torch.func.grad(lambda x, y: paired(x, y).mean(), argnums=1)({float}, {same})
        = torch.func.grad(lambda x: (x.sum() * {float}).sum())({scalar})
        = torch.func.linearize(cube, {float})[1]({same})
        = torch.func.vjp(paired, {float}, {same})[1]({same})
        = torch.vmap(lambda x: x.%)({matrix}) :: mean(0) cumsum(-1) max(0) unsqueeze(0)
        = torch.vmap(lambda x: x.%)({matrix}) :: flip(0) clone() softmax(-1) sort(-1)
        = torch.vmap(lambda x: x.%)({matrix}) :: prod() std() norm() var(0) amax(0)
        = torch.vmap(lambda x: x.%)({matrix}) :: logsumexp(-1) roll(1) diff() median() square() neg()
        = torch.vmap(lambda x, y: x @ y)({batch}, {product})
        = torch.vmap(lambda x: F.linear(x, torch.ones(2, 3)))({matrix})
        = torch.vmap(lambda x: F.%(x, (3,)))({matrix}) :: layer_norm rms_norm
        = torch.vmap(lambda x: torch.where(x > 0, x, x * 2))({float})
        = torch.vmap(lambda i: {matrix}[i])(torch.tensor([0, -1]))
        = torch.vmap(lambda x: torch.cat([x, x]), 0, {dim})({matrix})
        = torch.func.functional_call({module}, dict({module}.named_parameters()), ({x},))
        = forward(stepwise, {float}, {same})
        = forward(shifted, {float}, {same})
        = forward(sorted_values, {float}, {same})
        = forward(lambda x: x.%, {float}, {same}) :: prod() std() norm() cumprod(-1) amax()
        = forward(lambda x: x.%, {float}, {same}) :: logsumexp(-1) softmax(-1) median() pow(3) clamp(0,1)
        = torch.autograd.functional.%(stepwise, {float}) :: jacobian hessian
        = torch.autograd.functional.jacobian(paired, ({float}, {same}))
        = torch.autograd.functional.jacobian({function}, {float}, vectorize=True)
        = torch.autograd.functional.hessian(total, {float}, vectorize=True)
        = torch.autograd.functional.%(stepwise, {float}, {same}) :: hvp vhp
        = torch.autograd.functional.vjp({function}, {float}, {same}, create_graph={flag})
        = torch.autograd.functional.jvp({function}, {float}, {same}, create_graph={flag})
        """,
    ),
    "kept graphs": (
        4,
        """
        = [torch.autograd.grad({grad}.sum(), {leaf}, retain_graph=True, allow_unused=True) for _ in range(2)]
        = twice_differentiated({grad}, {leaf})
        torch.autograd.grad(({grad} ** 2).sum(), {leaf}, create_graph=True)[0].pow(2).sum().backward()
        ({leaf}.grad ** 2).sum().backward()
        ({graded}.grad * {grad}).sum().backward(retain_graph=True)
        torch.autograd.backward([{grad}, {grad}], [torch.ones_like({grad}), None])
        torch.autograd.backward({grad}.sum(), inputs=[{leaf}, {leaf}], create_graph={flag})
        = torch.autograd.grad([{grad}.sum(), {grad}.sum()], [{leaf}, {leaf}], allow_unused=True)
        = torch.autograd.grad({grad}.sum(), {leaf}, create_graph={flag}, materialize_grads={flag})
        = torch.autograd.grad({grad}, {leaf}, torch.zeros_like({grad}), allow_unused=True)
        = torch.autograd.grad({grad}.to(torch.float64).sum(), {leaf}, allow_unused=True)
        = torch.autograd.grad({grad}.abs().sum(), {leaf}, torch.tensor(-2.0), allow_unused=True)
        {grad}.register_hook(lambda g: g.%) :: neg() clone() abs() double().float()
        {grad}.register_hook(lambda g: g.%) :: contiguous() expand_as(g) detach() t().t()
        {grad}.register_hook(lambda g: log.append(g.sum()))
        {grad}.register_hook(lambda g: torch.zeros_like(g))
        {grad}.register_hook(lambda g: g + {number})
        {leaf}.register_hook(lambda g: g[...])
        {leaf}.register_hook(lambda g: g.view_as(g))
        {leaf}.register_post_accumulate_grad_hook(lambda p: p.grad.mul_(2))
        {leaf}.register_post_accumulate_grad_hook(lambda p: setattr(p, 'grad', None))
        {grad}.grad_fn.next_functions[0][0].register_prehook(lambda g: log.append(len(g)))
        with torch.autograd.graph.disable_saved_tensors_hooks('no'): {grad}.mul(2).sum().backward()
        with torch.autograd.set_grad_enabled({flag}): {grad}.sum().backward()
        with torch.autograd.graph.allow_mutation_on_saved_tensors(): ({float} * {same}).sum()
        {grad}.requires_grad_(False)
        {grad}.detach_()
        {grad}.retain_grad()
        {leaf}.grad = torch.zeros_like({leaf})
        {leaf}.grad = {leaf}.detach()
        {leaf}.data.add_({number})
        {leaf}.data = {leaf}.data * 2
        with torch.no_grad(): {leaf}.%({number}) :: add_ mul_ fill_ sub_
        with torch.no_grad(): {leaf}.copy_({same})
        with torch.no_grad(): {leaf}[{index}] = {number}
        """,
    ),
    "lesser layers": (
        4,
        """
        = F.%({float}) :: softmin tanh sigmoid relu6 rrelu feature_alpha_dropout dropout1d
        = F.%({image}) :: dropout2d instance_norm
        = F.conv2d({image}, {kernel}, stride=2, padding=1, dilation=1)
        = F.conv_transpose1d({batch}, {kernel})
        = F.conv_transpose2d({image}, {kernel}, stride=2)
        = F.avg_pool1d({batch}, 2, 1, 1, count_include_pad={flag})
        = F.avg_pool2d({image}, 2, 1, 1, ceil_mode={flag}, divisor_override=3)
        = F.lp_pool1d({batch}, 2, 2)
        = F.adaptive_avg_pool1d({batch}, {count})
        = F.interpolate({image}, scale_factor=2, mode=%) :: 'nearest-exact' 'bicubic' 'area'
        = F.interpolate({image}, size=(4, 5), mode='bilinear', align_corners={flag}, antialias=False)
        = F.grid_sample({image}, torch.zeros(1, 2, 2, 2), align_corners={flag})
        = F.affine_grid({batch}, (2, 1, 2, 2), align_corners={flag})
        = F.pad({image}, {padding}, mode=%) :: 'reflect' 'circular' 'replicate'
        = F.batch_norm({image}, torch.zeros(2), torch.ones(2), training={flag})
        = F.batch_norm({matrix}, torch.zeros(3), torch.ones(3), {matrix}[0], {matrix}[1], {flag})
        = F.group_norm({image}, 2, torch.ones(2), torch.zeros(2))
        = F.layer_norm({matrix}, (3,), {matrix}[0], {matrix}[1])
        = F.embedding(torch.tensor([[0, 1], [1, 0]]), {matrix}, padding_idx=0)
        = F.embedding_bag(torch.tensor([0, 1, 1]), {matrix}, torch.tensor([0, 2]), mode=%) :: 'sum' 'mean' 'max'
        = F.scaled_dot_product_attention({batch}, {batch}, {batch}, is_causal=True)
        = F.scaled_dot_product_attention({batch}, {batch}, {batch}, attn_mask={batch}[:, :, :2] > 0)
        = F.multilabel_margin_loss({matrix}, torch.tensor([[0, 1, -1], [2, -1, 0]]))
        = F.multilabel_soft_margin_loss({matrix}, {same}.sigmoid())
        = F.margin_ranking_loss({float}, {same}, {same}.sign())
        = F.triplet_margin_with_distance_loss({matrix}, {matrix}, {matrix})
        = F.binary_cross_entropy_with_logits({float}, {same}, pos_weight=torch.tensor(2.0), reduction={reduction})
        = F.kl_div({float}.log_softmax(-1), {same}.softmax(-1), reduction='batchmean')
        = F.kl_div({float}.log_softmax(-1), {same}.log_softmax(-1), log_target=True, reduction={reduction})
        = F.gaussian_nll_loss({float}, {same}, {same}.abs() + 1, full={flag})
        = F.poisson_nll_loss({float}, {same}.abs(), log_input=False, full={flag}, reduction={reduction})
        = F.nll_loss({image}.log_softmax(1), torch.zeros(1, 2, 3, dtype=torch.int64), reduction={reduction})
        = F.cross_entropy({matrix}, {classes}, weight=torch.tensor([1.0, 2.0, 0.5]), ignore_index=1)
        = F.cross_entropy({image}, torch.zeros(1, 2, 3, dtype=torch.int64), reduction={reduction})
        = F.smooth_l1_loss({float}, {same}, beta=0.5, reduction={reduction})
        = F.huber_loss({float}, {same}, delta=0.5, reduction={reduction})
        = F.pdist({matrix})
        = F.max_unpool2d(*F.max_pool2d({image}, 2, return_indices=True), 2)
        = F.fold({batch}, (2, 2), 1)
        = F.glu({float}, {dim}).sum()
        = attended({batch})
        = nn.%({float}) :: functional.softmax functional.log_softmax functional.hardswish
        = F.softmax({float}, {dim}, dtype=torch.float64)
        = F.local_response_norm({image}, 2)
        """,
    ),
    "lesser arithmetic": (
        4,
        """
        = torch.%({float}, {other}) :: logaddexp copysign hypot fmod float_power
        = torch.special.%({float}) :: i0 i1 i0e ndtri gammaln psi sinc round exp2 expm1 logit
        = torch.special.%({float}, {same}) :: zeta xlogy gammainc gammaincc
        = torch.%({float}, dim={dim}) :: cumulative_trapezoid trapezoid logcumsumexp nansum cumprod
        = torch.%({x}, dim={dim}) :: count_nonzero argmin all any unique_consecutive
        = torch.nanquantile({float}, 0.25, {dim}, keepdim=True)
        = torch.quantile({float}, torch.tensor([0.25, 0.5]), {dim}, interpolation='nearest')
        = torch.histogram({plain}.float(), 3)[0]
        = torch.bincount({positions}, minlength=4)
        = torch.tensordot({matrix}, {matrix}, ([1], [1]))
        = torch.chain_matmul({matrix}, {product})
        = torch.cumsum({x}, {dim}, dtype=torch.float64)
        = torch.%({integer}, {other}) :: bitwise_xor bitwise_right_shift remainder floor_divide
        = {integer}.% :: bitwise_not() float() bool() sum() prod() max() cumsum(-1) square() abs()
        = {mask}.% :: sum() any() all() int() cumsum(-1) nonzero() float() argmax() logical_not()
        = {mask} * {x}
        = {complex} * {other}
        = {complex} / {other}
        = {complex} ** {number}
        = {complex}.% :: exp() log() sin() tan() sinh() acos() asinh()
        = {complex}.% :: rsqrt() sigmoid() cumsum(-1) cumprod(-1) std() var() norm()
        = {complex}.conj() * {complex}
        = {complex}.conj().% :: sum() real imag t() clone() abs() resolve_conj() view(-1)
        = torch.%({complex}) :: view_as_real angle real imag conj positive
        = {complex} @ {product}
        = torch.fft.%({float}) :: irfft ihfft ifftshift rfft2 fftn
        = torch.fft.fft({float}, n=4, dim={dim}, norm='ortho')
        = torch.linalg.%({matrix}) :: norm svdvals
        = torch.linalg.norm({matrix}, %) :: 1 -1 2 'nuc' float('inf')
        = torch.linalg.vector_norm({float}, {number}, {dim})
        = torch.linalg.%({square}.tanh() + 4 * torch.eye(3)) :: inv cholesky_ex eigvalsh det slogdet pinv
        = torch.linalg.solve_triangular({square}.tril() + 4 * torch.eye(3), {square}, upper=False)
        = torch.cholesky_solve({square}, {square}.tanh().tril() + 4 * torch.eye(3))
        = torch.linalg.householder_product({square}, torch.tensor([0.5, 0.25]))
        = torch.linalg.tensorinv({square}.tanh() + 4 * torch.eye(3), ind=1)
        = torch.einsum('ij,ij->', {matrix}, {matrix})
        = torch.einsum('bij,bjk->ik', {batch}, {batch}.mT)
        = torch.einsum('ii->i', {square})
        = torch.cdist({matrix}, {matrix}, p={number})
        = torch.renorm({matrix}, 1, 0, 0.5)
        = torch.logdet({square}.tanh() + 4 * torch.eye(3))
        = torch.dist({float}, {same}, 1)
        = {float}.clamp({same}, {same} + 1)
        = {float}.nan_to_num(0.5)
        = {x}.where({x} != 0, {other})
        = torch.heaviside({float}, {same})
        = torch.bucketize({float}, torch.tensor([-1.0, 0.0, 1.0]), right={flag})
        = torch.masked.%({float}, {dim}, mask={float} > 0) :: sum mean amax softmax
        """,
    ),
    "states between": (
        3,
        """
        {module}.weight.data = {module}.weight.data * 2
        with torch.no_grad(): {module}.weight.mul_(0.5)
        with torch.no_grad(): {module}.weight.copy_({module}.weight * 2)
        {module}.weight.grad = None
        {module}.weight.requires_grad_({flag})
        {module}.weight.register_hook({hook})
        {module}.weight.register_post_accumulate_grad_hook(keep)
        {module}.bias.data.zero_()
        = {module}.weight.t() @ {module}.weight
        = F.linear({float}, {module}.weight, {module}.bias)
        = F.linear({float}, {module}.weight)
        {module}.eval()
        {module}.train()
        {module}.compile()
        = [k for k in {module}.state_dict()]
        = nn.utils.parameters_to_vector({module}.parameters())
        nn.utils.vector_to_parameters(torch.ones(sum(p.numel() for p in {module}.parameters())), {module}.parameters())
        = nn.utils.clip_grad_norm_({module}.parameters(), 1.0, foreach={flag})
        {steps}.zero_grad(set_to_none={flag})
        {steps}.param_groups[0].update(lr=0.01, weight_decay=0.1)
        {steps}.load_state_dict(__import__('copy').deepcopy({steps}.state_dict()))
        = __import__('copy').deepcopy({steps}.state_dict())
        = torch.optim.swa_utils.AveragedModel({module}).update_parameters({module})
        torch.nn.init.%_({module}.weight) :: trunc_normal kaiming_normal xavier_uniform zeros eye
        """,
    ),
}
