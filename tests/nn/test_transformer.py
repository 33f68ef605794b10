"""MultiheadAttention and the transformer's layers."""

import pytest
from tests.parity import parity

import rushlight as torch
from rushlight import nn

SETTINGS = [
    "8, 2", "8, 4, batch_first=True", "8, 2, bias=False", "8, 2, kdim=5, vdim=3", "8, 2, "
    "add_bias_kv=True",
    "8, 2, add_zero_attn=True, batch_first=True",
]  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS)
def test_attention(settings: str) -> None:
    parity(
        f"""
        m = nn.MultiheadAttention({settings})
        shape = lambda length, size: (3, length, size) if m.batch_first else (length, 3, size)
        q = torch.randn(shape(4, 8), requires_grad=True)
        k, v = torch.randn(shape(5, m.kdim)), torch.randn(shape(5, m.vdim))
        out, weights = m(q, k, v)
        (out * torch.linspace(-1, 1, 8)).sum().backward()
        padding = torch.tensor([[False] * 5, [False] * 3 + [True] * 2, [False] * 4 + [True]])
        mask = torch.full((4, 5), float("-inf")).triu(2)
        masked = m(q, k, v, key_padding_mask=padding, attn_mask=mask, average_attn_weights=False)
        quick = m(q, k, v, need_weights=False)[0]
        single = m(q[0], k[0], v[0]) if m.batch_first else m(q[:, 0], k[:, 0], v[:, 0])
        """,
        rtol=1e-4,
        atol=1e-5,
    )


def test_attention_drops_weights_while_training() -> None:
    parity(
        """
        m = nn.MultiheadAttention(8, 2, dropout=0.4)
        x = torch.randn(4, 3, 8)
        out, weights = m(x, x, x)
        m.eval()
        calm, _ = m(x, x, x)
        """
    )


@pytest.mark.parametrize(
    "settings",
    [
        "",
        "batch_first=True, activation='gelu'",
        "norm_first=True",
        "bias=False, activation=torch.tanh",
    ],
)
def test_encoder_layers(settings: str) -> None:
    parity(
        f"""
        import warnings
        warnings.simplefilter("ignore")
        layer = nn.TransformerEncoderLayer(8, 2, 16, {settings})
        x = torch.randn(4, 3, 8, requires_grad=True)
        trained = layer(x)
        trained.sum().backward()
        net = nn.TransformerEncoder(layer, 2, nn.LayerNorm(8)).eval()
        calm = net(x)
        length = x.shape[1 if layer.self_attn.batch_first else 0]
        causal = net(x, mask=nn.Transformer.generate_square_subsequent_mask(length))
        """,
        rtol=1e-4,
        atol=1e-5,
    )


def test_decoder_layers() -> None:
    parity(
        """
        layer = nn.TransformerDecoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        tgt, memory = torch.randn(3, 4, 8, requires_grad=True), torch.randn(3, 5, 8)
        mask = nn.Transformer.generate_square_subsequent_mask(4)
        padding = torch.tensor([[False] * 5, [False] * 3 + [True] * 2, [False] * 5])
        out = layer(tgt, memory, tgt_mask=mask, memory_key_padding_mask=padding)
        out.sum().backward()
        net = nn.TransformerDecoder(layer, 2)
        deep = net(tgt, memory, tgt_mask=mask, tgt_is_causal=True)
        """,
        rtol=1e-4,
        atol=1e-5,
    )


def test_the_whole_transformer() -> None:
    parity(
        """
        import warnings
        warnings.simplefilter("ignore")
        m = nn.Transformer(8, 2, 1, 2, 16)
        src, tgt = torch.randn(5, 2, 8), torch.randn(3, 2, 8, requires_grad=True)
        out = m(src, tgt, tgt_mask=m.generate_square_subsequent_mask(3))
        (out * torch.linspace(-1, 1, 8)).sum().backward()
        errors = [
            attempt(lambda: m(src, tgt[:, :1])), attempt(lambda: m(src[..., :4], tgt)),
            attempt(lambda: nn.TransformerEncoderLayer(8, 2, activation="x")),
            attempt(lambda: nn.MultiheadAttention(5, 2)),
            attempt(lambda: nn.MultiheadAttention(0, 2)),
            attempt(lambda: nn.MultiheadAttention(8, 2)(src, src, src[:2])),
        ]
        """,
        rtol=1e-4,
        atol=1e-5,
    )


def test_padded_positions_are_zero_where_torch_skips_them() -> None:
    parity(
        """
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        padding = torch.tensor([[False] * 4, [False, False, True, True], [False] * 3 + [True]])
        x = torch.randn(3, 4, 8)
        import warnings
        warnings.simplefilter("ignore")
        nets = [nn.TransformerEncoder(layer, 2), nn.TransformerEncoder(layer, 1, nn.LayerNorm(8)),
                nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)]
        results = []
        for net in nets:
            net.eval()
            with torch.no_grad():
                results.append(net(x, src_key_padding_mask=padding))
        kept = padding.logical_not().unsqueeze(-1)
        recorded = nets[0](x, src_key_padding_mask=padding) * kept
        """,
        rtol=1e-4,
        atol=1e-5,
    )


def test_reasons_against_nested_tensors_are_warned_of() -> None:
    program = """
    import warnings
    found = []
    size = {"d_model": 4, "nhead": 2, "dim_feedforward": 4}
    for settings in ({"batch_first": False}, {"norm_first": True}, {"bias": False}, {"nhead": 1},
                     {}, {"activation": torch.tanh}):
        layer = nn.TransformerEncoderLayer(**{"batch_first": True, **size, **settings})
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            nn.TransformerEncoder(layer, 1)
        found.append([str(w.message) for w in caught])
    """
    parity(program)


def test_layers_of_an_encoder_are_copies() -> None:
    net = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 4, batch_first=True), 2)
    first, second = (layer.linear1.weight for layer in net.layers)
    assert first is not second
    assert torch.equal(first, second)


def test_the_choice_of_a_kernel_is_accepted_and_checked() -> None:
    parity(
        """
        from torch.nn.attention import SDPBackend, sdpa_kernel
        q = torch.randn(1, 2, 3, 4)
        with sdpa_kernel([SDPBackend.MATH, SDPBackend.FLASH_ATTENTION]):
            out = nn.functional.scaled_dot_product_attention(q, q, q)
        names = sorted(SDPBackend.MATH.name for _ in range(1))
        def wrong():
            with sdpa_kernel("math"):
                pass
        error = attempt(wrong)
        """
    )
