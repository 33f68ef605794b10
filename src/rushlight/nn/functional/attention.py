"""Attention: weighted means of values, weighted by how well keys fit a query."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.pretended import remember
from rushlight.core.doors import apply, literal
from rushlight.core.tensor import Array
from rushlight.dtypes import NARROW
from rushlight.errors import warn
from rushlight.nn.functional.dropout import dropout
from rushlight.nn.functional.linear import linear
from rushlight.ops.arguments import need_tensor, relabel
from rushlight.ops.composed import composed
from rushlight.ops.conversion import in_dims
from rushlight.ops.joining import cat
from rushlight.ops.precision import in_half
from rushlight.primitives import softmax as softmax_rows
from rushlight.primitives.contract import matmul
from rushlight.primitives.families import broadcast_shapes
from rushlight.primitives.kernel import entering
from rushlight.primitives.placement import order_of

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


@lru_cache(maxsize=8)
def _causal(rows: int, columns: int, dtype: np.dtype[Any]) -> Array:
    """0 where a row may look, -inf at what comes after it."""
    hidden = np.triu(np.ones((rows, columns), bool), 1)
    mask = np.where(hidden, dtype.type(-np.inf), dtype.type(0))
    mask.flags.writeable = False
    return mask


def _additive(mask: Tensor, dtype: dtypes.dtype) -> Tensor:
    """A mask to be added to scores: a boolean one says where to look."""
    if mask._data_.dtype.kind != "b":
        return mask
    zero = literal(np.zeros((), dtype.numpy))
    return zero.where(mask, literal(np.full((), -np.inf, dtype.numpy)))


def _attend(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, causal: bool, dropout_p: float,
    scale: float | None, nan_rows: bool = False, apart: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The attended values, and the weights: of a row that is all hidden zero, or nan as asked."""
    factor = 1 / math.sqrt(max(query._data_.shape[-1], 1)) if scale is None else scale
    if apart:
        # Where torch has no kernel, each takes its half, and neither is saved as it is.
        half = math.sqrt(abs(factor))
        query, key = query * math.copysign(half, factor), key * half
    else:
        query = query * factor
    scores: Tensor = apply(matmul, query, key.mT)
    if causal:
        scores = scores + literal(_causal(*scores._data_.shape[-2:], scores._data_.dtype))
    if mask is not None:
        scores = scores + _additive(mask, scores.dtype)
    last = scores._data_.ndim - 1
    masked = not nan_rows
    weights: Tensor = apply(softmax_rows.softmax, scores, dim=last, masked=masked)
    if dropout_p > 0:
        weights = dropout(weights, dropout_p)
    return apply(matmul, weights, value), weights


@in_half
def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(query @ key.mT * scale + mask) @ value, over [..., length, width].

    A boolean mask says where to look, a floating one is added; is_causal hides what comes later, too.
    dropout_p drops always, not only in training. With enable_gqa, groups of query heads share a key
    and value head. A. Vaswani et al., "Attention Is All You Need", 2017.

    >>> import rushlight as torch
    >>> q = torch.zeros(1, 2, 4)
    >>> v = torch.tensor([[[1.0], [3.0]]])
    >>> torch.nn.functional.scaled_dot_product_attention(q, q, v, is_causal=True)
    tensor([[[1.],
             [2.]]])
    """
    for position, (name, tensor) in enumerate(
        (("query", query), ("key", key), ("value", value)), 1
    ):
        need_tensor("scaled_dot_product_attention", name, position, tensor)
    types = {t._data_.dtype for t in (query, key, value)}
    if len(types) != 1:
        raise RuntimeError(
            "Expected query, key, and value to have the same dtype, but got query.dtype: "
            f"{query.dtype} key.dtype: {key.dtype} and value.dtype: {value.dtype} instead."
        )
    if min(t._data_.ndim for t in (query, key, value)) < 2:
        raise RuntimeError(
            "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: "
            f"{query._data_.ndim} key.dim: {key._data_.ndim} and value.dim: {value._data_.ndim} instead."
        )
    if query._data_.dtype.kind not in "fcV":
        raise RuntimeError(f"expected scalar type Float but found {query.dtype.word}")
    if not 0 <= dropout_p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {dropout_p}")
    if attn_mask is not None:
        kind = attn_mask._data_.dtype
        if kind.kind != "b" and kind != query._data_.dtype and kind != np.float32:
            raise RuntimeError(
                "Expected attn_mask dtype to be bool or float or to match query dtype, but got "
                f"attn_mask.dtype: {attn_mask.dtype} and  query.dtype: {query.dtype} instead."
            )
    shape = (*query._data_.shape[:-1], value._data_.shape[-1])
    if 0 in shape or not key._data_.shape[-2]:
        # As torch has it: the batch is that of the query alone, and no mask is looked at.
        nothing = (query.sum() + key.sum() + value.sum()) * 0
        return query.new_zeros(shape) + nothing
    if enable_gqa and query._data_.ndim > 2:
        heads, own = query._data_.shape[-3], key._data_.shape[-3]
        if heads % own or heads % value._data_.shape[-3]:
            raise RuntimeError(
                "Number of heads in key and value must divide the number of heads in query: got "
                f"{heads}, {own} and {value._data_.shape[-3]}"
            )
        key = _repeat_heads(key, heads // own)
        value = _repeat_heads(value, heads // value._data_.shape[-3])
    if attn_mask is not None:
        _check_shape(query, key, attn_mask)
    # torch has no second derivative of its kernel for the CPU.
    fused = _fused(query, key, value, attn_mask, dropout_p)
    if is_causal and attn_mask is not None and not fused:
        raise RuntimeError(
            "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True"
        )
    if fused and attn_mask is None and query._data_.dtype not in NARROW:
        out = _flash(query, key, value, causal=is_causal, scale=scale)
        return remember(out, query, key, value, out)
    given = query, key, value, attn_mask
    if fused:
        query, key, value = (
            entering(t, query, key, value, refused=_FUSED, lies="heads")
            for t in (query, key, value)
        )
    own = query.dtype
    narrow = query._data_.dtype in NARROW
    if narrow:
        # In float32 and rounded once, as in torch.
        query, key, value = query.float(), key.float(), value.float()
        if attn_mask is not None and attn_mask._data_.dtype.kind in "fV":
            attn_mask = attn_mask.float()
    out, _ = _attend(query, key, value, attn_mask, is_causal, dropout_p, scale, apart=not fused)
    if narrow:
        out = out.to(own)
    out = in_dims(out, _flash_order(query, key, value, dropout_p))
    # Where torch has no kernel, its node is the last of what it does instead.
    last = "ToCopy" if narrow else "Mm" if out._data_.ndim == 2 else "UnsafeView"
    relabel(out, _NODE if fused else f"{last}Backward0")
    return remember(out, *given, out) if fused else out


_NODE = "ScaledDotProductFlashAttentionForCpuBackward0"


@composed(_NODE, 1 << 13)
def _flash(
    query: Tensor, key: Tensor, value: Tensor, *, causal: bool, scale: float | None
) -> Tensor:
    """torch's fused kernel."""
    query, key, value = (
        entering(t, query, key, value, refused=_FUSED, lies="heads") for t in (query, key, value)
    )
    out, _ = _attend(query, key, value, None, causal, 0.0, scale)
    return relabel(in_dims(out, _flash_order(query, key, value, 0.0)), _NODE)


def _flash_order(
    query: Tensor, key: Tensor, value: Tensor, dropout_p: float
) -> tuple[int, ...] | None:
    """Where torch has a kernel for attention, the result lies as the query; else in row order."""
    three = (query._data_, key._data_, value._data_)
    fits = query._data_.ndim == 4 and not dropout_p and query._data_.size and key._data_.size
    if fits and all(x.strides[-1] == x.itemsize for x in three):
        return order_of(query._data_)
    return None


_FUSED = "_scaled_dot_product_flash_attention_for_cpu_backward"


def _check_shape(query: Tensor, key: Tensor, mask: Tensor) -> None:
    """A mask spreads over the scores, and not the scores over it."""
    shape = mask._data_.shape
    if len(shape) < 2 and query._data_.ndim == 4:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [-1, 0], but got -2): attn_mask is of "
            f"shape {list(shape)}, but needs two dimensions at least"
        )
    q, k = query._data_.shape, key._data_.shape
    scores = (*np.broadcast_shapes(q[:-2], k[:-2]), q[-2], k[-2])
    if broadcast_shapes([scores, shape]) != scores:
        raise RuntimeError(
            f"output with shape {list(scores)} doesn't match the broadcast shape "
            f"{list(broadcast_shapes([scores, shape]))}: attn_mask spreads over the scores"
        )


def _fused(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, dropout_p: float
) -> bool:
    """Whether torch takes its fused kernel on the CPU."""
    q, k, v = query._data_.shape, key._data_.shape, value._data_.shape
    if not len(q) == len(k) == len(v) == 4 or dropout_p or query._data_.dtype.kind not in "fV":
        return False
    if not q[-1] == k[-1] == v[-1] or q[:2] != k[:2] or k[:2] != v[:2] or 0 in (*q, *k, *v):
        return False
    if any(t._data_.strides[-1] != t._data_.itemsize for t in (query, key, value)):
        return False
    if mask is None:
        return True
    shape, wanted = mask._data_.shape, (*q[:3], k[2])
    fits = all(n in (1, m) for n, m in zip(shape[::-1], wanted[::-1], strict=False))
    return not mask._requires_grad_ and len(shape) in (2, 4) and fits


def _repeat_heads(tensor: Tensor, times: int) -> Tensor:
    if times == 1:
        return tensor
    shape = tensor._data_.shape
    wide = tensor.unsqueeze(-3).expand((*shape[:-2], times, *shape[-2:]))
    return wide.reshape((*shape[:-3], shape[-3] * times, *shape[-2:]))


# ---- many heads ---------------------------------------------------------------------------------


def canonical_mask(
    mask: Tensor | None,
    name: str,
    dtype: dtypes.dtype,
    beside: tuple[str, Tensor | None] | None = None,
) -> Tensor | None:
    """A mask to be added: True, which means hidden, becomes -inf; what floats stays as it is.

    beside: the name of another mask, which should be of the same type, and that mask.
    """
    if mask is None:
        return None
    need_tensor("multi_head_attention_forward", name, 0, mask)
    if mask._data_.dtype.kind not in "bfV":
        raise AssertionError(f"only bool and floating types of {name} are supported")
    if beside is not None and beside[1] is not None and beside[1].dtype != mask.dtype:
        warn(
            f"Support for mismatched {name} and {beside[0]} is deprecated. Use same type for both "
            "instead."
        )
    return _additive(mask.logical_not(), dtype) if mask._data_.dtype.kind == "b" else mask


def _merged_masks(
    attn_mask: Tensor | None, key_padding_mask: Tensor | None, batch: int, heads: int, rows: int,
    columns: int,
) -> Tensor | None:  # fmt: skip
    """Both masks as one to be added to scores [batch, heads, rows, columns]."""
    merged: Tensor | None = None
    if attn_mask is not None:
        merged = attn_mask
        if merged._data_.ndim == 3:
            merged = merged.reshape((batch, heads, rows, columns))
    if key_padding_mask is not None:
        mask = key_padding_mask.reshape((batch, 1, 1, columns))
        merged = mask if merged is None else merged + mask
    return merged


def _check_heads(
    query: Tensor, key: Tensor, value: Tensor, num_heads: int, key_padding_mask: Tensor | None,
    attn_mask: Tensor | None,
) -> None:  # fmt: skip
    ndim = query._data_.ndim
    if ndim not in (2, 3):
        raise AssertionError(
            f"query should be unbatched 2D or batched 3D tensor but received {ndim}-D query tensor"
        )
    if key._data_.ndim != ndim or value._data_.ndim != ndim:
        raise AssertionError(
            f"For {'batched (3-D)' if ndim == 3 else 'unbatched (2-D)'} `query`, expected `key` and "
            f"`value` to be {ndim}-D but found {key._data_.ndim}-D and {value._data_.ndim}-D tensors "
            "respectively"
        )
    if key_padding_mask is not None and key_padding_mask._data_.ndim != ndim - 1:
        raise AssertionError(
            f"expected `key_padding_mask` to be {ndim - 1}-D but found "
            f"{key_padding_mask._data_.ndim}-D tensor"
        )
    if attn_mask is not None:
        shape = attn_mask._data_.shape
        if len(shape) not in (2, 3):
            raise AssertionError(
                f"For {'batched (3-D)' if ndim == 3 else 'unbatched (2-D)'} `query`, expected "
                f"`attn_mask` to be `None`, 2-D or 3-D but found {len(shape)}-D tensor instead"
            )
        wanted = (num_heads, query._data_.shape[0], key._data_.shape[0])
        if ndim == 2 and len(shape) == 3 and shape != wanted:
            raise AssertionError(f"Expected `attn_mask` shape to be {wanted} but got {shape}")


def _check_width(query: Tensor, key: Tensor, value: Tensor, embed_dim: int, num_heads: int) -> None:
    if query._data_.shape[-1] != embed_dim:
        raise AssertionError(
            f"was expecting embedding dimension of {embed_dim}, but got {query._data_.shape[-1]}"
        )
    if embed_dim % num_heads:
        raise AssertionError(f"embed_dim {embed_dim} not divisible by num_heads {num_heads}")
    if key._data_.shape[:-1] != value._data_.shape[:-1]:
        raise AssertionError(
            f"key's sequence and batch dims {list(key._data_.shape[:-1])} do not match value's "
            f"{list(value._data_.shape[:-1])}"
        )


def _projected(
    query: Tensor, key: Tensor, value: Tensor, weight: Tensor | None, bias: Tensor | None,
    separate: tuple[Tensor | None, Tensor | None, Tensor | None] | None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Queries, keys and values after the projection of the inputs."""
    width = query._data_.shape[-1]
    biases = (None,) * 3 if bias is None else tuple(
        bias.narrow(0, i * width, width) for i in range(3)
    )  # fmt: skip
    if separate is not None:
        for name, part in zip("qkv", separate, strict=True):
            if part is None:
                raise AssertionError(
                    f"use_separate_proj_weight is True but {name}_proj_weight is None"
                )
        weights: Any = separate
    else:
        if weight is None:
            raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
        if query is key is value:
            joint = linear(query, weight, bias)
            return tuple(joint.narrow(-1, i * width, width) for i in range(3))  # type: ignore[return-value]
        weights = tuple(weight.narrow(0, i * width, width) for i in range(3))
    inputs = (query, key, value)
    return tuple(map(linear, inputs, weights, biases))  # type: ignore[return-value]


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Attention of several heads: query [L, N, E], key and value [S, N, E], or all without N.

    In masks True hides; floats are added. Returns the output [L, N, E] and, with need_weights, the
    weights [N, L, S], averaged over the heads unless average_attn_weights is False.
    A. Vaswani et al., "Attention Is All You Need", 2017.
    """
    _check_heads(query, key, value, num_heads, key_padding_mask, attn_mask)
    batched = query._data_.ndim == 3
    if not batched:
        same = (query is key, key is value)
        query = query.unsqueeze(1)
        key = query if same[0] else key.unsqueeze(1)
        value = key if same[1] else value.unsqueeze(1)
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    key_padding_mask = canonical_mask(
        key_padding_mask, "key_padding_mask", query.dtype, ("attn_mask", attn_mask)
    )
    rows, batch, width = query._data_.shape
    each = width // num_heads
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint: pass the causal mask, for instance "
            "nn.Transformer.generate_square_subsequent_mask(length)"
        )
    # Alone and without weights the hint takes the mask's place.
    hinted = is_causal and key_padding_mask is None and not need_weights
    attn_mask = None if hinted else canonical_mask(attn_mask, "attn_mask", query.dtype)
    _check_width(query, key, value, embed_dim_to_check, num_heads)
    separate = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else None
    q, k, v = _projected(query, key, value, in_proj_weight, in_proj_bias, separate)
    extra = 0
    if (bias_k is None) != (bias_v is None):
        raise AssertionError("bias_k and bias_v are given together or not at all")
    if bias_k is not None and (static_k is not None or static_v is not None):
        raise AssertionError("bias cannot be added to static key or value")
    if bias_k is not None and bias_v is not None:
        k = cat((k, bias_k.expand((1, batch, width))), 0)
        v = cat((v, bias_v.expand((1, batch, width))), 0)
        extra += 1
    q, k, v = (_heads(t, static, batch, num_heads, each)
               for t, static in ((q, None), (k, static_k), (v, static_v)))  # fmt: skip
    if add_zero_attn:
        nothing = literal(np.zeros((batch, num_heads, 1, each), k._data_.dtype))
        k, v = cat((k, nothing), 2), cat((v, nothing), 2)
        extra += 1
    columns = k._data_.shape[2]
    if attn_mask is not None:
        attn_mask = _checked_mask(attn_mask, batch * num_heads, rows, columns - extra)
    if key_padding_mask is not None:
        for axis, size in enumerate((batch, columns - extra)):
            if key_padding_mask._data_.shape[axis] != size:
                raise AssertionError(
                    f"Expected key_padded_mask.shape[{axis}] to be {size}, but got "
                    f"{key_padding_mask._data_.shape[axis]}"
                )
    # What was added to the keys is never hidden.
    if extra:
        attn_mask = None if attn_mask is None else _widened(attn_mask, extra)
        key_padding_mask = None if key_padding_mask is None else _widened(key_padding_mask, extra)
    mask = _merged_masks(attn_mask, key_padding_mask, batch, num_heads, rows, columns)
    p = dropout_p if training else 0.0
    weights: Tensor | None = None
    if need_weights:
        if mask is not None and mask._data_.dtype != q._data_.dtype:
            raise RuntimeError(
                f"Input dtypes must be the same, got: input {mask.dtype}, batch1: {q.dtype}, batch2: "
                f"{k.dtype}: give a mask of the query's type"
            )
        out, weights = _attend(q, k, v, mask, False, p, None, nan_rows=True)
    else:
        out = scaled_dot_product_attention(q, k, v, mask, p, hinted)
    joined = out.permute(2, 0, 1, 3).reshape((rows * batch, width))
    result = linear(joined, out_proj_weight, out_proj_bias)
    result = result.reshape((rows, batch, result._data_.shape[1]))
    if not batched:
        result = result.squeeze(1)
    if weights is None:
        return result, None
    if average_attn_weights:
        weights = weights.mean(1)
    return result, weights if batched else weights.squeeze(0)


def _heads(tensor: Tensor, static: Tensor | None, batch: int, heads: int, each: int) -> Tensor:
    """[L, N, E] as [N, heads, L, E / heads]; a static one is [N * heads, L, E / heads] already."""
    if static is not None:
        if static._data_.shape[0] != batch * heads or static._data_.shape[2] != each:
            raise AssertionError(
                f"expecting static_k and static_v of size ({batch * heads}, S, {each}), but got "
                f"{list(static._data_.shape)}"
            )
        return static.reshape((batch, heads, static._data_.shape[1], each))
    length = tensor._data_.shape[0]
    return tensor.reshape((length, batch, heads, each)).permute(1, 2, 0, 3)


def _checked_mask(mask: Tensor, planes: int, rows: int, columns: int) -> Tensor:
    shape = mask._data_.shape
    if len(shape) not in (2, 3):
        raise RuntimeError(f"attn_mask's dimension {len(shape)} is not supported")
    wanted = (rows, columns) if len(shape) == 2 else (planes, rows, columns)
    if shape != wanted:
        raise RuntimeError(
            f"The shape of the {len(shape)}D attn_mask is {shape}, but should be {wanted}."
        )
    return mask


def _widened(mask: Tensor, extra: int) -> Tensor:
    shape = (*mask._data_.shape[:-1], extra)
    return cat((mask, literal(np.zeros(shape, mask._data_.dtype))), -1)
