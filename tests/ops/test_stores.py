"""Numbers that do not fit, whole numbers that have no gradient, data of every kind: as in torch."""

import subprocess
import sys
import textwrap
import threading
import warnings

import numpy as np
import pytest

import rushlight as torch
from tests.parity import parity

NUMBERS = """
nan, inf = float("nan"), float("inf")
numbers = [0, 1, -1, 2.5, -2.5, True, 127, 128, 255, 256, -129, -255, -256, 32768, 65504, 65520.0, 70000, 2**31,
    -2**31 - 1, 2**32, 2**63 - 1, 2**63, -2**63 - 1, 2**64, 10**40, 1e10, 1e39, nan, inf, -inf, 1 + 2j, 3 + 0j,
    complex(nan, 0), np.float32(2.5), np.int64(300), np.float64(1e39), np.bool_(True), None, "a", [1]]
names = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "complex64"]

def told(action):
    try:
        result = action()
    except Exception as error:
        return type(error).__name__
    return (str(result.dtype), repr(result.tolist())) if isinstance(result, torch.Tensor) else repr(result)

def stored(a, i, v):
    a[i] = v
    return a
"""

STORES = {
    "fill_": "torch.zeros(2, dtype=d).fill_(v)",
    "fill_ of one": "torch.zeros(1, dtype=d).fill_(v)",
    "full": "torch.full((2,), v, dtype=d)",
    "new_full": "torch.zeros(2, dtype=d).new_full((2,), v)",
    "x[0] = v": "stored(torch.zeros(2, dtype=d), 0, v)",
    "x[mask] = v": "stored(torch.zeros(2, dtype=d), mask, v)",
    "x[[0]] = v": "stored(torch.zeros(2, dtype=d), [0], v)",
    "masked_fill": "torch.zeros(2, dtype=d).masked_fill(mask, v)",
    "masked_fill of one": "torch.zeros((), dtype=d).masked_fill(mask[0], v)",
    "index_fill": "torch.zeros(2, dtype=d).index_fill(0, torch.tensor([0]), v)",
    "scatter": "torch.zeros(2, dtype=d).scatter(0, torch.tensor([0]), v)",
    "tensor": "torch.tensor(v, dtype=d)",
    "tensor of a list": "torch.tensor([v], dtype=d)",
    "where": "torch.where(mask, torch.zeros(2, dtype=d), v)",
    "+": "torch.ones(2, dtype=d).add_(v)",
    "==": "torch.ones(2, dtype=d) == v",
}
# There are no complex halves; torch adds complex numbers as x + 1 * y, of which infinity becomes nan.
LEFT_OUT = {
    "where": "isinstance(v, complex) and n == 'float16'",
    "+": "isinstance(v, complex) or n == 'complex64'",
}


@pytest.mark.parametrize("name", STORES)
def test_numbers_fit_or_are_refused(name):
    parity(
        f"""
{NUMBERS}
mask = torch.tensor([True, False])
told_of = []
for n in names:
    d = getattr(torch, n)
    for v in numbers:
        if {LEFT_OUT.get(name, "False")}:
            continue
        told_of.append((n, str(v), told(lambda: {STORES[name]})))
""",
        given={"np": np},
    )


def test_data_of_every_kind():
    parity(
        f"""
{NUMBERS}
a = np.ones(2, np.float32)
data = [[1, np.float64(2.5)], [1, 2**63], [2**63, -1], [a, a], [[1, 2], [3]], [[1, 2], 3], [1, [2]], [[], [1]],
    [[1], []], [1, "a"], ["a", 1], [""], [torch.tensor([1, 2])], [torch.tensor(2.5), 1], [torch.tensor(True)],
    [np.array(3)], b"ab", {{1, 2}}, range(3), [np.arange(3)[::-1]], np.arange(3)[::-1], np.array([1], object),
    np.arange(3, dtype=">i4"), np.zeros(2, [("a", "f4")]), np.uint16([3]), np.float16(2), bytearray(b"ab")]
told_of = [told(lambda: torch.tensor(x, dtype=d)) for x in data for d in (None, torch.uint8, torch.float32)]
_deep = []
_deep.append(_deep)
told_of.append(told(lambda: torch.tensor(_deep)))
""",
        given={"np": np},
    )


def test_whole_numbers_have_no_gradient():
    parity(
        """
        x = torch.tensor([1.5, 2.5], requires_grad=True)
        casts = [f(x * 1).requires_grad for f in (
            torch.Tensor.long, torch.Tensor.bool, torch.Tensor.int, lambda t: t.to(torch.uint8),
            lambda t: t.type_as(torch.tensor(1)), lambda t: t.view(torch.int32))]
        a, b, c = (torch.zeros(2, dtype=torch.int64) for _ in range(3))
        a.copy_(x)
        b[0] = x[0]
        c[...] = x * 2
        stored = [t.requires_grad for t in (a, b, c)]
        view = x.view(torch.int32)
        with torch.no_grad():
            x.add_(1)
        late = view.requires_grad, view.is_leaf
        """
    )


def test_alpha_clamp_and_rests():
    parity(
        f"""
{NUMBERS}
told_of = []
for n in names:
    d = getattr(torch, n)
    for v in (2, 2.5, True, 300, -1, 1e39, nan):
        told_of.append((n, v, told(lambda: torch.ones(2, dtype=d).add(torch.ones(2, dtype=d), alpha=v))))
        told_of.append((n, v, told(lambda: torch.ones(2, dtype=d).clamp(max=v))) if n != "bool" else None)
x = torch.tensor([-3.0, 3.0, -0.0, 4.0, -4.0])
rests = [str(v) for y in (3.0, -3.0, inf) for v in torch.remainder(x, y).tolist()]
""",
        given={"np": np},
    )


@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")
def test_tensors_beside_arrays():
    parity(
        """
        types = []
        for t in (torch.ones(2), torch.ones(2, dtype=torch.int64), torch.ones(2, dtype=torch.float16)):
            for a in (np.ones(2), np.array(2.0), np.ones(2, np.int64), np.float32(2)):
                for f in (lambda: t + a, lambda: t * a, lambda: t / a, lambda: t**a, lambda: t == a):
                    types.append(str(f().dtype))
        x = torch.ones(3)
        x += np.ones(3)
        flags = np.isnan(x).dtype, np.less(x, x).dtype
        with torch.no_grad():
            seen = torch.ones(2, requires_grad=True).numpy()
        """,
        given={"np": np},
    )


def test_read_only_memory_is_told_once_and_written():
    script = """
        import warnings, numpy as np, rushlight as torch
        array = np.zeros(2)
        array.flags.writeable = False
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            tensor = torch.from_numpy(array)
            torch.as_tensor(array).add_(1)
        assert [w.category for w in told] == [UserWarning] and told[0].filename == "<string>", told
        assert array.tolist() == tensor.tolist() == [1.0, 1.0]
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True, timeout=60)


def quotients():
    return torch.ones(2) / torch.zeros(2), torch.tensor([1e300]).log() - torch.tensor([torch.inf])


def test_no_filter_lets_numpys_warnings_out_and_the_users_own_stay():
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        quotients()
        thread = threading.Thread(target=quotients)
        thread.start()
        thread.join()
        assert not told
        np.ones(2) / np.zeros(2)
    assert [(str(w.message), w.filename) for w in told] == [
        ("divide by zero encountered in divide", __file__)
    ]
    with pytest.raises(RuntimeWarning):
        np.log(np.zeros(1))


def test_too_large_is_a_runtime_error():
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        torch.zeros(2**50)
    with pytest.raises(RuntimeError, match="overflowed"):
        torch.empty(2**40, 2**40)
