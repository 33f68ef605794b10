"""Functions that few programs call: each program runs under both."""

import pytest

import rushlight as torch
from tests.parity import parity


def test_recurrent_networks_as_functions():
    parity(
        """
        torch.manual_seed(0)
        _lstm = nn.LSTM(4, 5, 2, bidirectional=True)
        _x = torch.randn(2, 3, 4)
        _h = torch.randn(4, 2, 5), torch.randn(4, 2, 5)
        long = torch.lstm(_x, _h, list(_lstm.parameters()), True, 2, 0.0, False, True, True)[0].detach()
    """.replace("torch.randn(3, 2, 4)", "torch.randn(2, 3, 4)")
    )
    parity("""
        _gru = nn.GRU(4, 5, bias=False)
        _x = torch.randn(5, 4)
        packed = torch.gru(
            _x, torch.tensor([2, 2, 1]), torch.zeros(1, 2, 5), list(_gru.parameters()), False, 1, 0.0, True, False
        )[1].detach()
        _rnn = nn.RNN(4, 5)
        plain = torch.rnn_tanh(
            _x.unsqueeze(1), torch.zeros(1, 1, 5), list(_rnn.parameters()), True, 1, 0.0, False, False, False
        )[0].detach()
        step = torch.lstm_cell(
            torch.ones(1, 2), (torch.ones(1, 3), torch.ones(1, 3)), torch.ones(12, 2), torch.ones(12, 3)
        )
        cells = [
            torch.gru_cell(torch.ones(1, 2), torch.ones(1, 3), torch.ones(9, 2), torch.ones(9, 3)),
            torch.rnn_relu_cell(torch.ones(1, 2), torch.ones(1, 3), torch.ones(3, 2), torch.ones(3, 3)),
        ]
    """)


def test_quantization_that_stays_in_floats():
    parity("""
        x = torch.tensor([-5.0, 0.3, 0.26, 9.0, float("nan"), 0.25, 0.35, float("inf")], requires_grad=True)
        y = torch.fake_quantize_per_tensor_affine(x, 0.1, 2, 0, 63)
        y.nansum().backward()
        _many = torch.randn(400) * 9
        many = torch.fake_quantize_per_tensor_affine(_many, 0.07, 2, 0, 63)
        channels = torch.fake_quantize_per_channel_affine(
            _many.reshape(4, 100), torch.rand(4), torch.arange(4, dtype=torch.int32), 0, -9, 31
        )
        wrong = attempt(lambda: torch.fake_quantize_per_channel_affine(x, x, torch.tensor([0, 1]), 0, 0, 15))
    """)


def test_segments():
    parity("""
        d = torch.tensor([1.0, 1, 2, 2, 2, 0], requires_grad=True)
        _by = [torch.segment_reduce(d, r, lengths=torch.tensor([2, 4])) for r in ("sum", "mean", "max", "min", "prod")]
        (sum(b.pow(2).sum() for b in _by)).backward()
        by = [b.detach() for b in _by]
        empty = [
            torch.segment_reduce(d.detach(), r, lengths=torch.tensor([2, 0, 4])) for r in ("mean", "max", "prod")
        ]
        rows = torch.segment_reduce(
            torch.arange(12.0).reshape(2, 6), "prod", lengths=torch.tensor([[2, 4], [3, 3]]), axis=1
        )
        offsets = torch.segment_reduce(d.detach(), "sum", offsets=torch.tensor([1, 2, 6]), initial=3)
        wrong = [
            attempt(lambda: torch.segment_reduce(d, "sum", lengths=torch.tensor([2, 3]))),
            attempt(lambda: torch.segment_reduce(d, "foo", lengths=torch.tensor([2, 4]))),
            attempt(lambda: torch.segment_reduce(d.long(), "sum", lengths=torch.tensor([2, 4]))),
        ]
    """)


def test_names_of_rearrange():
    parity("""
        from torch.func import rearrange
        _x = torch.arange(24).reshape(2, 3, 4)
        found = [
            rearrange(_x, p, **k)
            for p, k in [
                ("a b c -> c a b", {}), ("a b (c d) -> (a d) b c", {"d": 2}), ("a ... -> ... a", {}),
                ("... c -> c (...)", {}), ("a b c -> a 1 (b c)", {}),
            ]
        ]
        stacked = rearrange([torch.ones(2), torch.zeros(2)], "a b -> b a")
        wrong = [
            attempt(lambda: rearrange(_x, p)) for p in ("a b c", "a b -> b a", "a b c -> a b", "a a b -> a b")
        ]
    """)


def test_eigenvalues_that_torch_iterates_to():
    x = torch.diag(torch.arange(1.0, 10.0))
    values, vectors = torch.lobpcg(x, k=2)
    assert torch.allclose(values, torch.tensor([9.0, 8.0]))
    assert torch.allclose(x @ vectors, vectors * values, atol=1e-5)
    assert torch.lobpcg(x, k=1, largest=False)[0].item() == pytest.approx(1.0)
    b = torch.diag(torch.arange(2.0, 11.0))
    values, vectors = torch.lobpcg(x, k=2, B=b)
    assert torch.allclose(x @ vectors, b @ vectors * values, atol=1e-5)
    with pytest.raises(ValueError, match="3 x the number"):
        torch.lobpcg(torch.eye(3), k=2)


def test_an_optimizer_with_other_parameters():
    parity("""
        from torch.optim import swap_in_optimizer_params_and_state as _swapped
        _p = nn.Parameter(torch.ones(2))
        _o = torch.optim.Adam([_p])
        before = attempt(lambda: _swapped(_o, {}, _o.state_dict()).__enter__())
        _p.grad = torch.ones(2)
        _o.step()
        q = torch.zeros(2, requires_grad=True)
        _state = {"state": {0: {k: v.clone() for k, v in _o.state_dict()["state"][0].items()}},
                  "param_groups": _o.state_dict()["param_groups"]}
        with _swapped(_o, {"a": q}, _state):
            q.grad = torch.ones(2)
            _o.step()
        state, kept, p = _state["state"][0]["exp_avg"], _o.state_dict()["state"][0]["step"], _p.detach()
    """)
