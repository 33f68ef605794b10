"""Attention."""

import pytest
from tests.nn.functional.programs import derivatives, errors
from tests.parity import parity

QKV = {"q": "torch.randn(2, 3, 4)", "k": "torch.randn(2, 5, 4)", "v": "torch.randn(2, 5, 6)"}


@pytest.mark.parametrize(
    "options",
    ["", "is_causal=True", "scale=0.3", "attn_mask=_m", "attn_mask=_f.to(q)"],
)
def test_scaled_dot_product(options):
    more = "_m = torch.rand(3, 5) > 0.4; _m[:, 0] = True; _f = torch.randn(2, 1, 5)"
    derivatives(f"F.scaled_dot_product_attention(q, k, v, {options})", more=more, **QKV)


def test_forms():
    parity(
        """
        q = torch.randn(2, 4, 3, 8)
        grouped = F.scaled_dot_product_attention(q, q[:, :2], q[:, 2:], enable_gqa=True)
        hidden = F.scaled_dot_product_attention(q, q, q, attn_mask=torch.zeros(3, 3, dtype=torch.bool))
        plain = F.scaled_dot_product_attention(q[0, 0], q[0, 0], q[0, 0], is_causal=True)
        both = F.scaled_dot_product_attention(q, q, q, attn_mask=torch.rand(3, 3) > -1, is_causal=True)
        dropped = F.scaled_dot_product_attention(q, q, q, dropout_p=0.5)
        """,
        atol=1e-4,
    )


HEADS = """
_masks = {"none": {}, "bool": {"attn_mask": torch.triu(torch.ones(3, 5), 2).bool()},
          "float": {"attn_mask": torch.randn(3, 5)}, "each": {"attn_mask": torch.randn(4, 3, 5)},
          "padding": {"key_padding_mask": torch.tensor([[False] * 5, [False] * 3 + [True] * 2])}}
"""


@pytest.mark.parametrize("mask", ["none", "bool", "float", "each", "padding"])
@pytest.mark.parametrize("average", [True, False])
def test_many_heads(mask, average):
    parity(
        HEADS
        + f"""
q, k, v = torch.randn(3, 2, 6), torch.randn(5, 2, 6), torch.randn(5, 2, 6)
w, b = torch.randn(18, 6, requires_grad=True), torch.randn(18, requires_grad=True)
o, c = torch.randn(6, 6), torch.randn(6)
q.requires_grad_()
out, weights = F.multi_head_attention_forward(
    q, k, v, 6, 2, w, b, None, None, False, 0.0, o, c, average_attn_weights={average}, **_masks["{mask}"])
(out.square().sum() + weights.square().sum()).backward()
""",
        rtol=1e-3,
        atol=1e-3,
    )


def test_many_heads_otherwise():
    parity(
        """
        x = torch.randn(4, 2, 6)
        w, b, o, c = torch.randn(18, 6), torch.randn(18), torch.randn(6, 6), torch.randn(6)
        common = (6, 3, w, b, None, None, False, 0.0, o, c)
        self_attention = F.multi_head_attention_forward(x, x, x, *common)
        alone = F.multi_head_attention_forward(x[:, 0], x[:, 0], x[:, 0], *common)
        silent = F.multi_head_attention_forward(x, x, x, *common, need_weights=False)
        extended = F.multi_head_attention_forward(
            x, x, x, 6, 3, w, b, torch.randn(1, 1, 6), torch.randn(1, 1, 6), True, 0.0, o, c,
            key_padding_mask=torch.zeros(2, 4, dtype=torch.bool), attn_mask=torch.zeros(4, 4))
        separate = F.multi_head_attention_forward(
            x, x[:3, :, :5], x[:3, :, :4], 6, 3, None, b, None, None, False, 0.0, o, c, use_separate_proj_weight=True,
            q_proj_weight=torch.randn(6, 6), k_proj_weight=torch.randn(6, 5), v_proj_weight=torch.randn(6, 4))
        fixed = F.multi_head_attention_forward(
            x, x, x, *common, static_k=torch.randn(6, 5, 2), static_v=torch.randn(6, 5, 2))
        dropped = F.multi_head_attention_forward(x, x, x, 6, 3, w, b, None, None, False, 0.5, o, c)
        """
    )


def test_errors():
    errors(
        "F.scaled_dot_product_attention(q, q, q, attn_mask=torch.ones(3, 3).long())",
        "F.scaled_dot_product_attention(q[0, 0, 0], q, q)", "F.scaled_dot_product_attention(q, q.double(), q)",
        "F.scaled_dot_product_attention(q, q[:, :3], q[:, :3], enable_gqa=True)",
        "F.scaled_dot_product_attention(q, q[..., :4], q)", "F.multi_head_attention_forward(x, x, x, 4, 3, *rest)",
        "F.multi_head_attention_forward(x, x, x, 6, 4, *rest)",
        "F.multi_head_attention_forward(x[0, 0], x, x, 6, 3, *rest)",
        "F.multi_head_attention_forward(x, x, x, 6, 3, *rest, attn_mask=torch.zeros(2, 2))",
        "F.multi_head_attention_forward(x, x, x, 6, 3, *rest, attn_mask=torch.zeros(4, 4).long())",
        "F.multi_head_attention_forward(x, x, x, 6, 3, *rest, is_causal=True)",
        more="""
        q = torch.ones(2, 4, 3, 8)
        x = torch.ones(4, 2, 6)
        rest = (torch.ones(18, 6), torch.ones(18), None, None, False, 0.0, torch.ones(6, 6), torch.ones(6))
        """,
    )  # fmt: skip


def test_half_precision():
    """Rounded once: rounding in between is several times as far off as the tolerance."""
    parity(
        """
        q, k, v = (torch.randn(4, n, 8).mul(4).half().requires_grad_() for n in (3, 6, 6))
        mask = torch.randn(3, 6).half()
        plain = F.scaled_dot_product_attention(q, k, v)
        added = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        """,
        rtol=1e-3,
        atol=1e-3,
    )
