"""Arguments of other types than a function takes: accepted and refused as torch's parser does.

Each call has one place, marked by ?, in which odd values are put one after the other.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

import rushlight

INTS = (
    "2",
    "2.0",
    "2.7",
    "True",
    "'2'",
    "None",
    "np.int64(2)",
    "np.float64(2)",
    "np.bool_(True)",
    "[2]",
    "2j",
)
DIMS = ("0", "-1", "0.0", "True", "'0'", "np.int32(0)", "np.float64(0)", "np.array(0)", "t.tensor(0)",
        "t.tensor(0.)", "2**70")  # fmt: skip
SIZES = ("(2, 3)", "[2, 3]", "(2.0, 3)", "[True, 3]", "(3, True)", "np.array((2, 3))", "t.Size((2, 3))", "{2: 3}",
         "range(2, 3)", "(t.tensor(2), 3)", "2", "True", "2.0", "'a'")  # fmt: skip
FLAGS = ("True", "False", "1", "0", "None", "'a'", "np.bool_(True)", "1.0", "[]")
FLOATS = ("0.5", "1", "'a'", "None", "np.float32(0.5)", "t.tensor(0.5)", "[0.5]", "1j")
NUMBERS = ("0.5", "1", "'1'", "None", "np.float32(0.5)", "t.tensor(0.5)", "t.tensor([0.5])", "[0.5]", "np.array(0.5)",
           "2**70")  # fmt: skip

CALLS = {
    INTS: """
        t.topk(x, ?)
        x.kthvalue(?)
        x.narrow(0, 0, ?)
        x.narrow(0, ?, 1)
        x.select(1, ?)
        x.unfold(0, ?, 1)
        x.split(?)
        x.chunk(?)
        x.tensor_split(?)
        x.diag(?)
        x.diag_embed(?)
        t.rot90(x, ?)
        t.combinations(z, ?)
        t.vander(x[0], ?)
        t.linspace(0, 1, ?)
        t.eye(?)
        t.tril_indices(?, 3)
        t.randint(?, (2,))
        t.randperm(?)
        t.multinomial(x, ?)
        t.matrix_power(x[:, :3], ?)
        t.polygamma(?, x)
        t.round(x, decimals=?)
        t.diff(x, ?)
        t.histc(x, ?)
        t.hann_window(?)
        F.one_hot(z, ?)
        F.nll_loss(x, z, ignore_index=?)
        F.cross_entropy(x, z, ignore_index=?)
    """,
    DIMS: """
        x.softmax(?)
        x.cumsum(?)
        x.sort(?)
        x.argmax(?)
        x.unsqueeze(?)
        x.flatten(?)
        x.transpose(?, 1)
        x.unbind(?)
        t.cat([x, x], ?)
        t.stack([x, x], ?)
        x.gather(?, t.tensor([[0]]))
    """,
    SIZES: """
        t.zeros(?)
        t.rand(?)
        x.new_zeros(?)
        x.repeat(?)
        x[:2, :3].expand(?)
        F.max_pool2d(x[None], ?)
        F.avg_pool2d(x[None], ?)
    """,
    FLAGS: """
        x.sum(0, ?)
        x.mean(0, ?)
        x.amax(0, ?)
        x.argmin(0, ?)
        x.topk(2, 0, ?)
        x.sort(0, ?)
        t.unique(x, ?)
        t.multinomial(x, 2, ?)
        x.clone().requires_grad_(?)
        t.ones(2, requires_grad=?)
        t.tensor([1.0], requires_grad=?)
        F.kl_div(x, x, reduction='sum', log_target=?)
        F.poisson_nll_loss(x, x, ?)
    """,
    FLOATS: """
        x.clone().uniform_(?)
        x.clone().normal_(?)
        x.clone().exponential_(?)
        F.dropout(x, ?, False)
        F.cross_entropy(x, z, label_smoothing=?)
        F.poisson_nll_loss(x, x, eps=?)
    """,
    NUMBERS: """
        t.dist(x, x, ?)
        t.renorm(x, ?, 0, 1)
        t.linspace(?, 1, 3)
        t.arange(?)
        t.full((2,), ?)
        t.pow(?, x)
        t.linalg.vector_norm(x, ?)
        t.var(x, dim=0, correction=?)
        t.addmm(x, x, t.ones(4, 4), beta=?)
        x.index_add(0, z[:1], x[:1], alpha=?)
        F.hardtanh(x, ?, 1) if ? != 2**70 else x
    """,
    ("0.5", "'1'", "None", "[0.5]", "np.array(0.5)", "t.tensor([0.5])"): """
        F.layer_norm(x, (4,), eps=?)
        F.pairwise_distance(x, x, ?) if ? is not None else x
        t.cdist(x, x, ?)
        t.isclose(x, x, ?)
        F.celu(x, ?)
        F.pad(x, (1, 1), value=?) if ? is not None else x
        t.normal(?, 1., (2,)) if not hasattr(?, "grad") else x
    """,
    ("None", "1.5", "[1.0]", "np.ones((1, 4, 6, 6))"): """
        F.adaptive_avg_pool2d(?, 2)
        F.adaptive_max_pool2d(?, 2)
        F.interpolate(?, scale_factor=2)
        F.group_norm(?, 2)
        F.local_response_norm(?, 2)
        F.softmax(?, 0)
        F.glu(?)
        F.dropout2d(?)
        F.softsign(?) if not isinstance(?, np.ndarray) else x
        t.nn.Sigmoid()(?)
    """,
}  # fmt: skip
ROWS = [
    (line.strip(), values) for values, lines in CALLS.items() for line in lines.strip().splitlines()
]


def _outcome(call: str, module: object) -> object:
    module.manual_seed(0)
    x = module.linspace(0.1, 1.2, 12).reshape(3, 4)
    names = {
        "t": module,
        "F": module.nn.functional,
        "np": np,
        "x": x,
        "z": module.tensor([0, 1, 2]),
    }
    try:
        result = eval(call, names)
    except Exception as error:
        return type(error).__name__
    parts = [result] if isinstance(result, module.Tensor) else list(result)
    return [(tuple(p.shape), str(p.dtype)) for p in parts]


@pytest.mark.parametrize(("call", "values"), ROWS, ids=[row[0] for row in ROWS])
@pytest.mark.filterwarnings("ignore")
def test_odd_arguments(call: str, values: tuple[str, ...]) -> None:
    """The same types of errors, or the same shapes and types, as torch."""
    calls = [call.replace("?", value) for value in values]
    got = {c: _outcome(c, rushlight) for c in calls}
    assert got == {c: _outcome(c, torch) for c in calls}


def test_sizes_that_are_missing_and_ranges_into_what_is_there() -> None:
    """No sizes are no sizes of a single number; a range is of the type of its out."""
    calls = [
        "x.view()",
        "x.expand()",
        "x.resize_()",
        "x.reshape()",
        "x.repeat()",
        "x.permute()",
        "x.flip()",
        "x.tile()",
    ]
    calls += [
        "x.new_ones()",
        "x.new_empty()",
        "x.sum_to_size()",
        "t.rand()",
        "t.randn()",
        "t.ones(1).view(())",
    ]
    kinds = ("bool", "int8", "uint16", "float16", "complex64")
    for kind in kinds:
        for call in ("arange(3", "arange(1.5", "linspace(0, 2, 3", "logspace(0, 1, 2"):
            calls.append(f"t.{call}, out=t.empty(0, dtype=t.{kind}))")
    calls += [
        "t.arange(3 + 0j)",
        "t.arange(3 + 1j)",
        "t.logsumexp(t.ones(2), 0, out=t.empty((), dtype=t.float64))",
    ]
    got = {c: _outcome(c, rushlight) for c in calls}
    assert got == {c: _outcome(c, torch) for c in calls}


def test_a_cached_form_is_no_excuse() -> None:
    """A pooling window of 2 was seen before: 2.0 is refused all the same."""
    x = rushlight.ones(1, 4, 4)
    rushlight.nn.functional.max_pool2d(x, 2)
    for window in (2.0, (2.0, 2)):
        with pytest.raises(TypeError, match="must be int"):
            rushlight.nn.functional.max_pool2d(x, window)
