"""Named results: names, printing, tuples, out=; and NumPy's names for arguments."""

import pytest

from tests.parity import parity

RESULTS = [
    "torch.max(x, 1)", "x.min(0)", "x.sort()", "x.topk(2)", "torch.kthvalue(x, 2)", "x.mode()",
    "x.median(1)", "torch.nanmedian(x, 1)", "torch.cummax(x, 1)", "torch.cummin(x, 0)",
    "torch.aminmax(x)", "torch.frexp(x)", "torch.linalg.slogdet(x[:, :2])", "x[:, :2].slogdet()",
    "torch.histogram(x, 3)", "torch.linalg.inv_ex(x[:, :2])", "torch.linalg.cholesky_ex(x[:1, :1])",
    "torch.linalg.lu_factor(x[:, :2])", "torch.linalg.eigh(torch.eye(2))",
]  # fmt: skip


@pytest.mark.parametrize("call", RESULTS)
def test_result(call):
    parity(f"""
        x = torch.tensor([[3.0, 1.0, 2.0], [6.0, 5.0, 4.0]])
        pair = {call}
        print(pair)
        name, size, fields = type(pair).__name__, len(pair), pair.n_fields
        values = tuple(pair)
        longer = pair + (1,)
        part = pair[:1]
        kind = getattr(torch.return_types, name)
        again = kind(values)
        same = isinstance(pair, kind) and isinstance(pair, tuple)
        no_fields = hasattr(pair, "_fields")
        short = attempt(lambda: kind(values[:1]))
    """)


OUTS = {
    "torch.max(x, 1": "torch.int64", "torch.sort(x, 1": "torch.int64", "torch.topk(x, 2": "torch.int64",
    "torch.kthvalue(x, 2": "torch.int64", "torch.mode(x, 1": "torch.int64",
    "torch.median(x, 1": "torch.int64", "torch.cummin(x, 1": "torch.int64",
    "torch.aminmax(x, dim=1": "torch.float32", "torch.frexp(x": "torch.int32",
}  # fmt: skip


@pytest.mark.parametrize("call", OUTS)
def test_out(call):
    parity(f"""
        x = torch.tensor([[3.0, 1.0, 2.0], [6.0, 5.0, 4.0]])
        a, b = torch.empty(0), torch.empty(0, dtype={OUTS[call]})
        pair = {call}, out=(a, b))
        print(pair)
        same = pair[0] is a and pair[1] is b
        one = attempt(lambda: {call}, out=a))
        three = attempt(lambda: {call}, out=(a, b, a)))
    """)


@pytest.mark.parametrize(
    "call",
    [
        "torch.softmax(x, axis=1)", "x.softmax(axis=0)", "torch.log_softmax(x=x, dim=1)",
        "torch.concat([x, x], axis=1)", "torch.cross(x1=x, x2=x, axis=1)", "torch.tril(x=x)",
        "torch.linalg.norm(x, axis=1, keepdims=True)", "torch.linalg.vector_norm(x=x, axis=1)",
        "torch.linalg.vector_norm(x, 1, dim=0, keepdims=True)", "torch.fft.fft(x, axis=0)",
        "torch.sum(a=x, axis=1, keepdims=True)", "x.mean(axis=0)", "x.max(axis=1)",
        "x.cumsum(axis=0)", "x.argmax(axis=1)",
    ],
)  # fmt: skip
def test_numpy_names(call):
    parity(f"""
        x = torch.tensor([[3.0, 1.0, 2.0], [6.0, 5.0, 4.0]])
        y = {call}
    """)
