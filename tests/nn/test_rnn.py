"""Recurrent layers and cells, to the second derivative."""

import itertools

import pytest
from tests.parity import parity

KINDS = {
    "LSTM": ["", "num_layers=2, bidirectional=True", "bias=False, batch_first=True", "proj_size=3",
             "proj_size=2, num_layers=2, bidirectional=True, bias=False"],
    "GRU": ["", "num_layers=2, bidirectional=True", "bias=False, batch_first=True"],
    "RNN": ["", "num_layers=2, bidirectional=True", "bias=False, nonlinearity='relu'"],
}  # fmt: skip
CASES = [(kind, settings) for kind, several in KINDS.items() for settings in several]


@pytest.mark.parametrize(("kind", "settings"), CASES)
@pytest.mark.parametrize("lengths", ["None", "[5, 3, 2]", "[2, 5, 4]"])
def test_layers_to_the_second_derivative(kind: str, settings: str, lengths: str) -> None:
    parity(
        f"""
        from torch.nn.utils.rnn import pack_padded_sequence
        m = nn.{kind}(3, 4, {settings}).double()
        x = torch.randn(5, 3, 3, dtype=torch.float64, requires_grad=True)
        lengths, bf = {lengths}, m.batch_first
        n = m.num_layers * (2 if m.bidirectional else 1)
        states = [torch.randn(n, 3, m.proj_size or 4, dtype=torch.float64, requires_grad=True)]
        if m.mode == "LSTM":
            states.append(torch.randn(n, 3, 4, dtype=torch.float64, requires_grad=True))
        given = x.transpose(0, 1) if bf else x
        if lengths is not None:
            given = pack_padded_sequence(given, lengths, batch_first=bf, enforce_sorted=False)
        out, last = m(given, tuple(states) if m.mode == "LSTM" else states[0])
        if lengths is not None:
            rest = list(out)[1:]
            out = out.data
        finals = list(last) if m.mode == "LSTM" else [last]
        loss = sum((t**3).sum() for t in [out, *finals])
        inputs = [x, *states, *m.parameters()]
        first = torch.autograd.grad(loss, inputs, create_graph=True)
        second = torch.autograd.grad(sum((g**2).sum() for g in first), inputs)
        """
    )


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_layers_in_single_precision(kind: str) -> None:
    parity(
        f"""
        m = nn.{kind}(6, 8, num_layers=2, dropout=0.3, batch_first=True)
        x = torch.randn(4, 7, 6, requires_grad=True)
        out, last = m(x)
        out.sum().backward()
        m.eval()
        calm, _ = m(x)
        single, state = m(x[0])
        with torch.no_grad():
            quiet = m(x)[0]
        names = list(m.state_dict()), m.mode, m._flat_weights_names, len(m.all_weights)
        m.flatten_parameters()
        empty = m(torch.zeros(0, 7, 6))[0].shape
        """,
        rtol=1e-4,
        atol=1e-5,
    )


def test_only_the_last_state_is_used() -> None:
    parity(
        """
        m = nn.LSTM(3, 4)
        x = torch.randn(5, 2, 3, requires_grad=True)
        _, (h, c) = m(x)
        c.sum().backward()
        g = nn.GRU(3, 4, bidirectional=True)
        y = torch.randn(5, 2, 3, requires_grad=True)
        _, h = g(y)
        h[1].sum().backward()
        """
    )


@pytest.mark.parametrize("bias", ["True", "False"])
def test_cells(bias: str) -> None:
    parity(
        f"""
        x, h, c = torch.randn(2, 3, requires_grad=True), torch.randn(2, 4), torch.randn(2, 4)
        r, relu = nn.RNNCell(3, 4, {bias}), nn.RNNCell(3, 4, {bias}, nonlinearity="relu")
        g, l = nn.GRUCell(3, 4, {bias}), nn.LSTMCell(3, 4, {bias})
        steps = [r(x, h), r(x), relu(x, h), g(x, h), *l(x, (h, c)), *l(x)]
        unbatched = [r(x[0], h[0]), g(x[1]), *l(x[0], (h[0], c[0]))]
        sum((s**2).sum() for s in steps).backward()
        """
    )


SETTINGS = """
nn.LSTM(3, 4, 2, bias=False, batch_first=True, dropout=0.1, bidirectional=True, proj_size=2)
nn.RNN(3, 4, 2, 'relu', True)
nn.RNNBase('LSTM', 3, 4)
nn.GRU(input_size=3, hidden_size=4)
"""
WRONG = """
nn.RNN(3, 4, nonlinearity='x')
nn.GRU(3, 4, proj_size=2)
nn.LSTM(3, 4, dropout=2.0)
nn.LSTM(3, 4, dropout=True)
nn.LSTM(3, 0)
nn.LSTM(0, 4)
nn.LSTM(3, 4, 0)
nn.LSTM(3, 4, proj_size=4)
nn.LSTM(3, 4, proj_size=-1)
nn.LSTM(3, 4.0)
nn.LSTM(3, 4, bias=1)
nn.LSTM(3, 4, batch_first=1)
nn.RNNBase('X', 3, 4)
l(torch.randn(5))
l(torch.randn(2, 2, 2, 2))
l(torch.randn(5, 2, 7))
l(x, (torch.zeros(4, 2, 4), torch.zeros(4, 2, 3)))
l(x, (torch.zeros(4, 3, 4), torch.zeros(4, 3, 4)))
l(x, (torch.zeros(4, 4), torch.zeros(4, 4)))
l(torch.randn(5, 3), (torch.zeros(4, 2, 4), torch.zeros(4, 2, 4)))
l(x.double())
l(torch.zeros(0, 2, 3))
g(x, torch.zeros(1, 3, 4))
g(x, torch.zeros(1, 4))
nn.LSTMCell(3, 4)(torch.randn(2, 5))
nn.LSTMCell(3, 4)(torch.randn(2, 3), torch.zeros(2, 4))
nn.LSTMCell(3, 4)(torch.randn(2, 3), (torch.zeros(2, 5), torch.zeros(2, 5)))
nn.LSTMCell(3, 4)(torch.randn(1, 1, 3))
nn.GRUCell(3, 4)(torch.randn(2, 3), torch.zeros(3, 4))
nn.RNNCell(3, 4)(torch.randn(2, 3), torch.zeros(2, 2, 2))
nn.RNNCell(3, 4, nonlinearity='x')(torch.zeros(2, 3))
"""


def test_settings_and_errors() -> None:
    texts = ", ".join(f"repr({line})" for line in SETTINGS.strip().splitlines())
    wrong = ", ".join(f"attempt(lambda: {line})" for line in WRONG.strip().splitlines())
    parity(
        f"""
        l, g, x = nn.LSTM(3, 4, 2, bidirectional=True), nn.GRU(3, 4), torch.randn(5, 2, 3)
        texts = [{texts}]
        errors = [{wrong}]
        messages = [str(e) for e in errors[13:24]]
        """
    )


def test_replaced_weights_are_used() -> None:
    # What weight dropping does: the parameter goes, a tensor computed from another comes.
    parity(
        """
        m = nn.LSTM(2, 3)
        raw = nn.Parameter(m.weight_hh_l0.data)
        del m._parameters["weight_hh_l0"]
        m.register_parameter("weight_hh_l0_raw", raw)
        m.weight_hh_l0 = raw * 0.5
        out, _ = m(torch.randn(4, 1, 2))
        out.sum().backward()
        """
    )


@pytest.mark.parametrize("warn", [False, True])
def test_dropout_after_the_only_layer_is_warned_of(warn: bool) -> None:
    run = parity(f"m = nn.GRU(3, 4, num_layers={1 if warn else 2}, dropout=0.5)")
    assert bool(run.warned) is warn


def test_rows_of_different_sequences_do_not_mix() -> None:
    lengths = [3, 1, 2]
    for order in itertools.permutations(range(3)):
        parity(
            f"""
            from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
            m = nn.GRU(2, 3, bidirectional=True).double()
            x = torch.randn(3, 3, 2, dtype=torch.float64)
            packed = pack_padded_sequence(x, {[lengths[i] for i in order]}, enforce_sorted=False)
            out, last = m(packed)
            padded = pad_packed_sequence(out)
            """
        )
