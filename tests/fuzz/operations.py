"""The table of operations: a line of a program with holes, by group.

A hole is a word in braces; `holes.py` says what each may be filled with. The first tensor of a line
is the one that `{dim}`, `{index}`, `{other}` and their kind refer to. A row that begins with `= `
makes a value, which gets a name. `%` stands for each word of the list behind `::`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.fuzz.around import AROUND
from tests.fuzz.further import FURTHER
from tests.fuzz.seldom import SELDOM
from tests.fuzz.training import TRAINING

HOLE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Operation:
    """One row: `makes` says whether the line's value gets a name."""

    template: str
    makes: bool
    holes: tuple[str, ...]

    @property
    def name(self) -> str:
        """The row without its arguments, for signatures."""
        return self.template


# How often a group is drawn, and its rows.
GROUPS: dict[str, tuple[float, str]] = {
    "creation": (
        6,
        """
        = {tensor}
        = {tensor}
        = {leaftensor}
        = {leaftensor}
        = torch.%({shape}) :: zeros ones rand randn
        = torch.%({shape}, dtype={dtype}) :: zeros ones
        = torch.%({shape}, requires_grad=True) :: ones randn
        = torch.full({shape}, {number})
        = torch.arange({count})
        = torch.arange({count}, dtype={dtype})
        = torch.linspace(-1, 1, {count})
        = torch.eye({count})
        = torch.tensor({number})
        = torch.%_like({x}) :: zeros ones
        = torch.%_like({float}, requires_grad=True) :: ones zeros randn
        = torch.full_like({x}, {number})
        = {x}.new_%({shape}) :: zeros ones
        = {x}.new_tensor([1, 2])
        = {x}.new_full({shape}, {number})
        = torch.tril_indices({count}, {count})
        = nn.Parameter({float})
        = torch.from_numpy({plain}.numpy())
        = torch.as_tensor({x})
        """,
    ),
    "views": (
        16,
        """
        = {x}.t()
        = {x}.T
        = {x}.mT
        = {x}.transpose({dim}, {dim})
        = {x}.permute({permutation})
        = {x}[{index}]
        = {x}[{index}]
        = {x}[{index}]
        = {x}[{slice}]
        = {x}[{slice}]
        = {x}.view({regrouped})
        = {x}.view(-1)
        = {x}.reshape({regrouped})
        = {x}.flatten()
        = {x}.ravel()
        = {x}.unflatten({dim}, {sizes})
        = {x}.squeeze()
        = {x}.squeeze({dim})
        = {x}.unsqueeze({newdim})
        = {x}.expand({expanded})
        = {x}.expand_as({x})
        = {x}.broadcast_to({expanded})
        = {x}.view_as({x})
        = {x}.narrow({dim}, {start}, {length})
        = {x}.select({dim}, {position})
        = {x}.diagonal()
        = {x}.diagonal({number}, {dim}, {dim})
        = {x}.unfold({dim}, {length}, {count})
        = {x}.split({length}, {dim})
        = {x}.chunk({count}, {dim})
        = {x}.tensor_split({count}, {dim})
        = {x}.unbind({dim})
        = {x}.movedim({dim}, {dim})
        = {x}.swapaxes({dim}, {dim})
        = {x}.detach()
        = {x}.data
        = {x}.view({dtype})
        = {x}.as_strided({strided})
        = torch.atleast_2d({x})
        = torch.atleast_3d({x})
        = torch.view_as_real({complex})
        = torch.view_as_complex({pairs})
        = {complex}.real
        = {complex}.imag
        = {x}.conj()
        = {complex}.mH
        = {x}.contiguous()
        = {x}.contiguous(memory_format=torch.channels_last)
        = {x}.to(memory_format=torch.channels_last)
        = {x}.hsplit({count})
        = torch.broadcast_tensors({x}, {other})
        = torch.meshgrid({vector}, {vector}, indexing='ij')
        """,
    ),
    "in place": (
        14,
        """
        {x}.%_({other}) :: add sub mul
        {x}.%_({other}) :: add sub mul
        {float}.div_({other})
        {float}.%_() :: exp sin tanh sigmoid relu abs neg sqrt square zero floor round reciprocal
        {x}.%_() :: zero neg abs square
        {x}.fill_({number})
        {x}.fill_({number})
        {x}.copy_({other})
        {x}.copy_({other})
        {x}.clamp_({number}, {number})
        {x}.clamp_(min={number})
        {float}.pow_({number})
        {float}.addcmul_({same}, {same}, value={number})
        {float}.addcdiv_({same}, {same})
        {float}.lerp_({same}, 0.25)
        {x}.masked_fill_({maskof}, {number})
        {x}.index_fill_({dim}, {positions}, {number})
        {x}.index_add_({dim}, {positions}, {selected})
        {x}.index_copy_({dim}, {positions}, {selected})
        {x}.scatter_({dim}, {gathering}, {number})
        {x}.scatter_add_({dim}, {gathering}, {same})
        {x}.index_put_(({positions},), {number})
        {x}.masked_scatter_({maskof}, {apart})
        {float}.normal_()
        {float}.uniform_()
        {x}.cumsum_({dim})
        {float}.t_()
        {x}.transpose_({dim}, {dim})
        {x}.squeeze_()
        {x}.unsqueeze_({newdim})
        {x}.detach_()
        {float}.requires_grad_({flag})
        {x}.set_({same})
        {float}.data = {same}
        {float}.data.mul_(2)
        {float}.grad = {same}
        {leaf}.grad = None
        {x}.fill_diagonal_({number})
        {x}.tril_()
        = {x}.add_({other})
        = {x}.mul_({number})
        {x}.diagonal().fill_({number})
        {float}.t().mul_({number})
        {x}.view(-1).add_({number})
        F.%({float}, inplace=True) :: relu leaky_relu elu silu hardtanh dropout
        """,
    ),
    "augmented": (
        5,
        """
        {name} += {other}
        {name} *= {other}
        {name} -= {other}
        {name} /= {other}
        {name} **= 2
        {name}[{index}] += {number}
        {name}[{slice}] *= {number}
        """,
    ),
    "assignment": (
        8,
        """
        {x}[{index}] = {number}
        {x}[{index}] = {number}
        {x}[{slice}] = {number}
        {x}[{slice}] = {x}
        {x}[{index}] = {scalar}
        {x}[{maskof}] = {number}
        {x}[{positions}] = {number}
        {x}[...] = {other}
        {x}[:] = {other}
        {x}.real = {other}
        {complex}.imag = {other}
        """,
    ),
    "out": (
        3,
        """
        torch.%({x}, {other}, out={x}) :: add mul sub div maximum
        torch.%({float}, out={same}) :: exp sin neg
        torch.%({float}, out={float}) :: exp sin neg
        torch.%({float}, {dim}, out={apart}) :: sum mean cumsum
        torch.matmul({matrix}, {product}, out={apart})
        torch.cat([{x}, {x}], out={x})
        torch.where({maskof}, {same}, {same}, out={same})
        """,
    ),
    "arithmetic": (
        8,
        """
        = {x} + {other}
        = {x} - {other}
        = {x} * {other}
        = {x} * {other}
        = {x} / {other}
        = {x} ** {number}
        = {number} - {x}
        = {number} * {x}
        = {grad} * {other}
        = {grad} + {other}
        = -{x}
        """,
    ),
    "pointwise": (
        10,
        """
        = {float}.%() :: exp sin cos tanh sigmoid sqrt log abs neg square reciprocal
        = {float}.%() :: floor ceil round trunc frac sign erf expm1 log1p rsqrt relu atan sinh asinh
        = {x}.%() :: abs neg sign square isnan isinf logical_not signbit sgn angle
        = {float}.%() :: isfinite deg2rad nan_to_num
        = {complex}.%() :: abs angle exp sqrt conj_physical sgn sin
        = {x} // {other}
        = {x} % {other}
        = {number} % {x}
        = {number} / {x}
        = {number} ** {float}
        = {x} % {other}
        = {x} == {other}
        = {x} < {other}
        = {x} >= {other}
        = {x} != {other}
        = {mask} & {mask}
        = {mask} | {mask}
        = ~{mask}
        = {integer} ^ {integer}
        = torch.%({x}, {other}) :: maximum minimum remainder fmod atan2 eq hypot fmax fmin copysign
        = torch.%({x}, {other}) :: logical_and logical_xor logaddexp xlogy floor_divide true_divide
        = torch.add({x}, {other}, alpha={number})
        = torch.div({x}, {other}, rounding_mode={rounding})
        = torch.where({maskof}, {other}, {other})
        = torch.where({maskof}, {same}, {number})
        = {x}.clamp({number}, {number})
        = {x}.clamp(min={other})
        = torch.lerp({float}, {same}, 0.25)
        = torch.lerp({float}, {same}, {same})
        = torch.addcmul({float}, {same}, {same}, value={number})
        = {x}.masked_fill({maskof}, {number})
        = {x}.pow({other})
        = {float}.logit(0.1)
        = {float}.softmax({dim})
        = {float}.log_softmax({dim})
        = {x}.bool() ^ {x}.bool()
        """,
    ),
    "reductions": (
        9,
        """
        = {x}.%() :: sum mean prod max min std var norm argmax argmin any all median amax amin
        = {x}.%({dim}) :: sum mean prod max min std var argmax argmin any all median mode amax amin
        = {x}.%({dim}, keepdim=True) :: sum mean prod max min std var argmax any amax logsumexp median
        = {x}.%({dims}) :: sum mean amax std logsumexp
        = {x}.%({dims}, keepdim=True) :: sum mean amin var
        = {x}.sum(dtype={dtype})
        = {x}.sum({dim}, dtype={dtype})
        = {float}.norm(p={number}, dim={dim})
        = {float}.norm({number})
        = {x}.count_nonzero()
        = {x}.unique()
        = {x}.aminmax()
        = torch.var_mean({float}, {dim})
        = {float}.nansum({dim})
        = {float}.quantile(0.5)
        = {float}.nanmean()
        = torch.linalg.vector_norm({x})
        = torch.equal({x}, {other})
        = torch.allclose({float}, {same})
        = {x}.dist({same})
        """,
    ),
    "scans and orders": (
        5,
        """
        = {x}.%({dim}) :: cumsum cumprod cummax cummin logcumsumexp
        = {x}.cumsum({dim}, dtype={dtype})
        = {x}.sort({dim})
        = {x}.sort({dim}, descending={flag})
        = {x}.argsort({dim})
        = {x}.topk({count}, {dim})
        = {x}.kthvalue({count}, {dim})
        = {x}.flip({dim})
        = {x}.roll({number}, {dim})
        = {x}.diff(dim={dim})
        = {x}.rot90()
        = torch.searchsorted({vector}, {float})
        = {x}.nonzero()
        = {x}.msort()
        = torch.bucketize({float}, {vector})
        = {integer}.bincount()
        """,
    ),
    "gathers": (
        6,
        """
        = {x}[{positions}]
        = {x}[{maskof}]
        = {x}[{advanced}]
        = {x}[{advanced}]
        {x}[{advanced}] = {number}
        = {x}.gather({dim}, {gathering})
        = {x}.index_select({dim}, {positions})
        = {x}.take({positions})
        = {x}.masked_select({maskof})
        = {x}.scatter({dim}, {gathering}, {number})
        = {x}.scatter_add({dim}, {gathering}, {same})
        = {x}.scatter_reduce({dim}, {gathering}, {same}, reduce='amax')
        = {x}.index_add({dim}, {positions}, {selected})
        = {x}.index_fill({dim}, {positions}, {number})
        = {x}.take_along_dim({gathering}, {dim})
        = {x}.tril()
        = {x}.triu({number})
        = {x}.diag()
        = {x}.trace()
        = torch.diag_embed({x})
        = {x}.repeat({repeats})
        = {x}.repeat_interleave(2, {dim})
        = {x}.repeat_interleave(2)
        = F.one_hot({positions}, 5)
        = F.embedding({positions}, {matrix})
        = {x}.select_scatter({x}, {dim}, {position})
        = {x}.slice_scatter({x}, {dim}, {start})
        = {x}.diagonal_scatter({x})
        """,
    ),
    "joins": (
        4,
        """
        = torch.cat([{x}, {same}], {dim})
        = torch.cat([{x}, {x}])
        = torch.stack([{x}, {same}])
        = torch.stack([{x}, {same}], {newdim})
        = torch.%([{x}, {same}]) :: hstack vstack dstack column_stack
        = torch.block_diag({x}, {x})
        = F.pad({x}, {padding})
        = F.pad({x}, {padding}, value={number})
        = F.pad({float}, {padding}, mode='replicate')
        = torch.cartesian_prod({vector}, {vector})
        = torch.outer({vector}, {vector})
        = torch.kron({x}, {x})
        = torch.tile({x}, {repeats})
        """,
    ),
    "algebra": (
        6,
        """
        = {float} @ {product}
        = {matrix} @ {product}
        = {matrix}.mm({product})
        = torch.matmul({float}, {product})
        = torch.addmm({number} * torch.ones(1), {matrix}, {product})
        = torch.bmm({batch}, {product})
        = {vector} @ {vector}
        = torch.einsum('...i,...i->...', {float}, {same})
        = torch.einsum('ij,kj->ik', {matrix}, {matrix})
        = torch.tensordot({float}, {same}, 1)
        = torch.linalg.inv({square}.tanh() + 4 * torch.eye(3))
        = torch.linalg.det({square})
        = torch.linalg.cholesky({square}.tanh() @ {square}.tanh().mT + 9 * torch.eye(3))
        = torch.linalg.solve({square}.tanh() + 4 * torch.eye(3), {square})
        = torch.linalg.norm({matrix})
        = torch.cdist({matrix}, {matrix})
        = F.linear({float}, {linearweight})
        = F.linear({float}, {linearweight}, torch.ones(2))
        = torch.baddbmm({batch}, {batch}, {product})
        = torch.trapezoid({float})
        = torch.linalg.cross({float}, {same})
        = torch.fft.%({float}) :: fft rfft
        = torch.fft.fft({complex})
        = F.cosine_similarity({float}, {same}, dim={dim})
        = F.normalize({float}, dim={dim})
        """,
    ),
    "layers": (
        6,
        """
        = F.%({float}) :: relu gelu elu silu mish softplus hardtanh hardswish leaky_relu selu celu
        = F.%({float}) :: logsigmoid hardsigmoid tanhshrink softsign relu6 softshrink hardshrink
        = F.threshold({float}, 0.25, {number})
        = F.dropout({float}, 0.5)
        = F.dropout({float}, 0.5, training=False)
        = F.layer_norm({float}, {lastshape})
        = F.rms_norm({float}, {lastshape})
        = F.batch_norm({float}, None, None, training=True)
        = F.group_norm({image}, 1)
        = F.glu({float}, {dim})
        = F.prelu({float}, torch.full((1,), 0.25))
        = F.max_pool2d({image}, 2)
        = F.max_pool2d({image}, 2, return_indices=True)
        = F.avg_pool2d({image}, 2)
        = F.adaptive_avg_pool2d({image}, 1)
        = F.conv2d({image}, {kernel})
        = F.conv2d({image}, {kernel}, padding=1)
        = F.conv1d({batch}, {kernel})
        = F.interpolate({image}, scale_factor=2)
        = F.interpolate({image}, scale_factor=2, mode='bilinear')
        = F.pixel_shuffle({image}, 1)
        = F.unfold({image}, 2)
        = F.scaled_dot_product_attention({batch}, {batch}, {batch})
        = F.max_pool1d({batch}, 2)
        = F.gumbel_softmax({float}, dim={dim})
        """,
    ),
    "losses": (
        5,
        """
        = F.%({float}, {same}) :: mse_loss l1_loss smooth_l1_loss huber_loss kl_div
        = F.%({float}, {same}, reduction={reduction}) :: mse_loss l1_loss smooth_l1_loss huber_loss
        = F.%({float}, {same}) :: binary_cross_entropy_with_logits soft_margin_loss gaussian_nll_loss
        = F.binary_cross_entropy({float}.sigmoid(), {same}.sigmoid().detach())
        = F.cross_entropy({matrix}, {classes})
        = F.cross_entropy({matrix}, {classes}, label_smoothing=0.1, reduction={reduction})
        = F.nll_loss({matrix}.log_softmax(1), {classes})
        = F.cross_entropy({matrix}, {same}.softmax(1))
        = F.multi_margin_loss({matrix}, {classes})
        = F.hinge_embedding_loss({float}, {same})
        = F.poisson_nll_loss({float}, {same})
        = F.cosine_embedding_loss({matrix}, {matrix}, torch.ones(2))
        = F.triplet_margin_loss({matrix}, {matrix}, {matrix})
        = F.mse_loss({x}, {other})
        """,
    ),
    "casts": (
        6,
        """
        = {x}.to({dtype})
        = {x}.to({dtype}, copy=True)
        = {x}.type({dtype})
        = {x}.%() :: float double half bool cfloat
        = {x}.%() :: float double bool
        = {fitting}.%() :: long int short
        = {x}.type_as({x})
        = {x}.to({x})
        = {x}.clone()
        = {x}.clone(memory_format=torch.contiguous_format)
        = torch.tensor({x})
        = torch.clone({x})
        = {x}.clone().detach()
        = {x}.resolve_conj()
        = torch.complex({float}, {same})
        = torch.polar({float}, {same})
        = {x}.nan_to_num()
        = torch.result_type({x}, {other})
        """,
    ),
    "reads": (
        3,
        """
        = {x}.%() :: dim numel is_contiguous element_size is_complex is_floating_point nelement
        = {x}.tolist()
        = {scalar}.item()
        = {x}.shape
        = {x}.is_contiguous(memory_format=torch.channels_last)
        = {x}.stride()
        = len({x})
        = bool({scalar})
        = float({scalar})
        = {plain}.numpy()
        = {x}.numpy()
        = {x}.is_set_to({x})
        = {x}.data_ptr() == {x}.data_ptr()
        = {sized}.untyped_storage().nbytes()
        = {x}._base is None
        = {x}.output_nr
        = {x}._is_view()
        = {x}.retains_grad
        """,
    ),
    "copies": (
        1.5,
        """
        = __import__('copy').deepcopy({detached})
        = __import__('copy').deepcopy([{detached}, {detached}])
        = __import__('copy').copy({x})
        = __import__('pickle').loads(__import__('pickle').dumps([{detached}, {detached}]))
        """,
    ),
    **TRAINING,
    **SELDOM,
    **AROUND,
    **FURTHER,
}


def rows(text: str) -> list[Operation]:
    """The rows of a group, those with a list of words once for each."""
    found = []
    for line in text.strip().splitlines():
        template, bar, words = line.strip().rpartition(" :: ")
        choices = words.split() if bar else []
        template = template if bar else line.strip()
        for text in [template.replace("%", word, 1) for word in choices] or [template]:
            makes = text.startswith("= ")
            body = text.removeprefix("= ")
            found.append(Operation(body, makes, tuple(HOLE.findall(body))))
    return found
