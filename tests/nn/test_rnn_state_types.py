"""Initial states of another dtype than the weights are refused."""

import pytest
from tests.parity import parity


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_states_of_another_dtype(kind):
    parity(f"""
        layer, cell = nn.{kind}(3, 4), nn.{kind}Cell(3, 4)
        wide = torch.zeros(1, 2, 4).double()
        state = (wide, wide) if {kind == "LSTM"} else wide
        first = (wide[0], wide[0]) if {kind == "LSTM"} else wide[0]
        layer_refuses = attempt(lambda: layer(torch.ones(5, 2, 3), state))
        cell_refuses = attempt(lambda: cell(torch.ones(2, 3), first))
    """)


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_what_made_the_results(kind):
    parity(f"""
        made = []
        for first in (False, True):
            for both in (False, True):
                layer = nn.{kind}(3, 4, 1, batch_first=first, bidirectional=both)
                rows = nn.utils.rnn.pack_sequence([torch.ones(3, 3), torch.ones(2, 3)])
                for x in (torch.ones(5, 2, 3), torch.ones(5, 3), rows):
                    out, state = layer(x)
                    out = out.data if x is rows else out
                    made += [(t.grad_fn.name(), t._is_view()) for t in (out, *(state if {kind == "LSTM"} else [state]))]
    """)
