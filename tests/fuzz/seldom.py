"""The rows of the table that few programs need, and arguments that they seldom give: see `operations`."""

from __future__ import annotations

SELDOM: dict[str, tuple[float, str]] = {
    "seldom pointwise": (
        4,
        """
        = {float}.%() :: lgamma digamma erfinv erfc i0 sinc exp2 log2 log10 asin acos cosh acosh atanh
        = {float}.%() :: isposinf isneginf isreal positive rad2deg fix
        = {complex}.%() :: isfinite isinf isnan isreal neg square reciprocal log tanh cos sum mean prod
        = {complex}.%({other}) :: mul div sub pow eq
        = torch.%({float}, {same}) :: nextafter heaviside logaddexp2 ldexp
        = torch.%({integer}, {integer}) :: gcd lcm bitwise_and bitwise_or bitwise_left_shift
        = {x}.float_power({number})
        = {x}.rsub({other})
        = {x}.frac()
        = {float}.frexp()
        = {x}.isclose({same})
        = torch.isin({x}, {x})
        = {float}.logit()
        = {x}.clip(max={number})
        = torch.special.%({float}) :: entr expit log_ndtr ndtr erfcx bessel_j0 i1e
        = torch.special.xlog1py({float}, {same})
        = {float}.polygamma(1)
        = {float}.mvlgamma(2)
        = torch.where({maskof})
        = {x}.div({number}, rounding_mode='floor')
        = F.softmin({float}, dim={dim})
        = F.local_response_norm({batch}, 2)
        = F.instance_norm({image})
        = F.pairwise_distance({float}, {same})
        = F.alpha_dropout({float}, 0.5)
        = F.rrelu({float})
        """,
    ),
    "seldom shapes": (
        4,
        """
        = {x}.vsplit({count})
        = {x}.dsplit({count})
        = torch.%({x}) :: fliplr flipud atleast_1d combinations
        = {x}.rot90({number}, ({dim}, {dim}))
        = {x}.swapdims({dim}, {dim})
        = {x}.moveaxis({dim}, {dim})
        = {x}.put({positions}, {selected})
        = {x}.index_reduce({dim}, {positions}, {selected}, 'mean')
        = {x}.index_copy({dim}, {positions}, {selected})
        = {x}.index_put(({positions},), {selected}, accumulate=True)
        = {x}.scatter_reduce({dim}, {gathering}, {same}, reduce='mean', include_self={flag})
        = {x}.scatter({dim}, {gathering}, {same})
        = {x}.scatter({dim}, {gathering}, {same}, reduce='multiply')
        = {x}.masked_scatter({maskof}, {same})
        = {x}.unique(return_inverse=True, return_counts=True)
        = {x}.unique_consecutive()
        = {x}.as_strided_scatter({x}, {strided})
        = torch.stack([{x}, {x}, {x}], -1)
        = torch.cat([{x}, {same}], -1)
        = torch.%([{x}, {same}]) :: row_stack concatenate
        = {x}.renorm({count}, {dim}, 1.0)
        = {x}.clone(memory_format=torch.channels_last)
        = {x}.to(torch.float16)
        = {x}.to({dtype}, memory_format=torch.channels_last)
        = torch.empty_like({x}).zero_()
        = torch.zeros_like({x}, memory_format=torch.contiguous_format)
        = {x}.new_empty({shape}).fill_(1)
        = F.pixel_unshuffle({image}, 1)
        = F.fold(F.unfold({image}, 1), {image}.shape[2:], 1)
        = F.adaptive_max_pool2d({image}, 1)
        = F.interpolate({image}, size=(3, 2), mode='bicubic')
        = F.interpolate({batch}, scale_factor=2, mode='linear', align_corners=True)
        = F.conv_transpose2d({image}, {image})
        = F.lp_pool2d({image}, 2, 1)
        = F.channel_shuffle({image}, 1)
        """,
    ),
    "seldom sums": (
        3,
        """
        = {x}.%() :: nansum nanmedian argwhere logsumexp std_mean var_mean cov corrcoef
        = {x}.%({dim}) :: nanmedian nanmean count_nonzero cumulative_trapezoid logsumexp softmax
        = {x}.%({dim}, correction=0) :: var std
        = {x}.%({dims}, keepdim=True) :: nansum amax logsumexp
        = {float}.histc(4)
        = {float}.quantile({float}.sigmoid().flatten()[:2], {dim})
        = {x}.aminmax(dim={dim})
        = {x}.sort(dim={dim}, stable=True)
        = {x}.argsort(stable=True)
        = {x}.topk(1, largest={flag})
        = torch.vander({vector})
        = {vector}.%({vector}) :: dot inner vdot outer
        = {matrix}.mv({product})
        = torch.addmv({vector}[:2], {matrix}, {product})
        = torch.addr({matrix}, {matrix}[:, 0], {matrix}[0])
        = torch.addbmm({matrix}[:, :1], {batch}, {product})
        = torch.linalg.multi_dot([{matrix}, {product}])
        = torch.einsum('bij,bkj->bik', {batch}, {batch})
        = torch.einsum('ij,j->i', {matrix}, {product})
        = torch.linalg.%({square}) :: svdvals slogdet matrix_exp
        = torch.linalg.qr({square}.tanh() + 4 * torch.eye(3))
        = torch.linalg.matrix_power({square}, 2)
        = torch.fft.%({float}) :: ifft fft2 hfft fftshift
        = torch.stft({vector}, 2, return_complex=True, center=False)
        = F.bilinear({matrix}, {matrix}, torch.ones(2, 3, 3))
        = F.embedding_bag({positions}.reshape(1, -1), {matrix})
        """,
    ),
    "out of seldom": (
        3,
        """
        torch.%({x}, {dim}, out={apart}) :: prod amax argmax any logsumexp cumprod
        torch.%({x}, {number}, out={same}) :: pow fmod remainder eq
        torch.%({x}, {other}, out={same}) :: maximum atan2 logical_and
        torch.clamp({x}, {number}, {number}, out={same})
        torch.stack([{x}, {x}], out={apart})
        torch.index_select({x}, {dim}, {positions}, out={apart})
        torch.gather({x}, {dim}, {gathering}, out={apart})
        torch.take({x}, {positions}, out={apart})
        torch.addcmul({float}, {same}, {same}, out={same})
        torch.lerp({float}, {same}, 0.5, out={same})
        torch.mm({matrix}, {product}, out={apart})
        torch.diag({x}, out={apart})
        torch.tril({x}, out={apart})
        torch.sort({x}, out=({apart}, torch.empty(0, dtype=torch.int64)))
        torch.max({x}, {dim}, out=({apart}, torch.empty(0, dtype=torch.int64)))
        torch.zeros({shape}, out={apart})
        torch.arange({count}, out={apart})
        """,
    ),
    "views written": (
        4,
        """
        {x}[{slice}].% :: zero_() neg_() mul_(2) add_(1) fill_(3)
        {x}[{index}].% :: zero_() mul_(2) sub_(1)
        {x}.view(-1).%({number}) :: add_ mul_ fill_
        {x}.T.%({number}) :: add_ mul_
        {x}.unbind({dim})[0].%({number}) :: add_ fill_
        {x}.split({length}, {dim})[0].mul_({number})
        {x}.expand({expanded}).%({number}) :: add_ fill_
        {x}.diagonal().%({number}) :: add_ fill_
        {x}.detach().%({number}) :: add_ mul_
        {x}.data.%({number}) :: add_ mul_
        {x}.unsqueeze({newdim}).copy_({other})
        {x}.narrow({dim}, {start}, {length}).mul_({x}.narrow({dim}, {start}, {length}))
        {complex}.real.mul_({number})
        {complex}.conj().add_({number})
        {x}.%_() :: tril triu conj_physical logical_not sgn trunc
        {x}.tril_({number})
        {x}.fill_diagonal_({number})
        {x}.renorm_(2, {dim}, 1.0)
        {x}.index_reduce_({dim}, {positions}, {selected}, 'amax')
        {x}.scatter_reduce_({dim}, {gathering}, {same}, reduce='sum')
        {x}.swapaxes_({dim}, {dim})
        """,
    ),
    "states": (
        3,
        """
        {module}.load_state_dict({module}.state_dict(), assign=True)
        {module}.load_state_dict({module}.state_dict(), strict={flag})
        {module}.% :: to(torch.float64) to(torch.float32) type(torch.float64) half() apply(nn.Module.zero_grad)
        {module}.zero_grad(set_to_none=False)
        = dict({module}.named_parameters())
        = __import__('copy').deepcopy({module}).state_dict()
        = torch.func.functional_call({module}, {module}.state_dict(), ({x},))
        {steps}.add_param_group({'params': [{leaf}], 'lr': 0.5})
        {steps}.load_state_dict({steps}.state_dict())
        = {steps}.state_dict()['state']
        nn.init.%_({leaf}) :: ones normal uniform kaiming_uniform xavier_normal orthogonal
        nn.utils.clip_grad_norm_([{leaf}, {leaf}], 0.5, norm_type=float('inf'))
        torch.nn.utils.vector_to_parameters({float}.flatten(), {module}.parameters())
        {leaf}.requires_grad_({flag})
        {x}.requires_grad_()
        {leaf}.grad = {same}
        {leaf}.grad = None
        = torch.autograd.functional.jacobian(torch.sin, {float})
        = torch.autograd.functional.vjp(torch.exp, {float}, {same})
        = torch.func.grad(lambda x: (x ** 2).sum())({float})
        = torch.vmap(torch.sin)({float})
        """,
    ),
}
