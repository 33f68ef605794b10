"""NumPy's functions and operators on tensors."""

import pytest

from tests.parity import parity

# Some work, some are refused: torch leaves all but `==` to NumPy, and answers it by `__array__`.
SAME = """
    np.exp(x)
    np.add(a, x)
    np.add(x, 1)
    np.sqrt(torch.tensor(4))
    np.power(x, 2)
    np.maximum(x, 2)
    np.add.reduce(x)
    x + a
    a + x
    a * x
    a / x
    a @ x
    a < x
    x < a
    x == a
    a == x
    x != a
    x == a.astype(object)
    x == a[:2]
    x == a[::-1]
    a[:1] + x.reshape(3, 1)
    divmod(x, a)
    np.array(2.0) * x
    x * np.array(2.0)
    np.ma.array(a) * x
    np.sum(x)
    np.mean(x)
    np.sum(x, axis=0)
    np.max(x)
    np.any(x)
    np.round(x)
    np.flip(x)
    np.isnan(x)
    np.add(x, x, out=a)
    np.add(a, a, out=x)
    np.array(x)
    np.array(x, copy=False)
    np.asarray(x, dtype=np.float64)
    np.sin(x.numpy()[:0])
    [type(v) for v in np.asarray(x)]
    x.numpy().base is None
    hasattr(x, "__array_ufunc__") or hasattr(x, "__array_function__")
    torch.Size(i.numpy())
    torch.Size(a)
    torch.tensor([a, a])
    torch.LongTensor([np.float32(1), 2])
    torch.DoubleTensor(a[:0]).stride()
    float(x[0])
    np.float64(2) * x
    x * np.float64(2)
    np.float32(2) + i
    np.int64(2) + i
    np.concatenate([x, x])
    np.stack([x, x])
    np.clip(x, 0, 0.5)
    np.reshape(x, (3, 1))
    np.transpose(x.reshape(1, 3))
    np.argmax(x)
    np.cumsum(x)
    np.squeeze(x.reshape(1, 3))
    np.repeat(x, 2)
    np.sort(x)
    np.where(x > 0)
    np.where(x > 0, 1, 2)
    np.allclose(x, x)
    np.array_equal(x, a)
    np.dot(x, x)
    np.linalg.norm(x)
    np.unique(x)
    np.median(x)
    np.tile(x, 2)
    np.zeros_like(x)
    np.expand_dims(x, 0)
    np.isin(x, [1.0])
    np.full(2, torch.tensor(3.0))
    np.histogram(x, bins=3)
    np.array([torch.ones(()), torch.ones(())])
    np.ones(3)[i]
    np.interp(x, [0, 2], [0, 2])
    np.mean([torch.ones(()), torch.zeros(())])
"""


@pytest.mark.parametrize("expression", [line.strip() for line in SAME.strip().splitlines()])
def test_as_under_torch(expression):
    parity(
        f"""
        out = []
        for _wants in (False, True):
            for _recorded in (True, False):
                x, i = torch.tensor([1.0, 2.0, 0.25], requires_grad=_wants), torch.tensor([2, 1, 0])
                a = np.array([1.0, 2.0, 3.0])
                with torch.set_grad_enabled(_recorded):
                    try:
                        out.append({expression})
                    except Exception as _error:
                        out.append(_error.with_traceback(None))
        """
    )


def test_what_is_changed_in_place():
    parity(
        """
        t, a = torch.ones(2), np.zeros(2)
        t += a
        t *= np.float64(3)
        t[a == 0] = torch.tensor([4.0, 5.0], dtype=torch.float64)
        refused = attempt(lambda: t.__setitem__(a == 0, np.array([4.0, 5.0])))
        narrow = attempt(lambda: t.__setitem__(0, np.float32(6)))
        t[0] = np.float64(6)
        a[:] = t
        a[0] = t[0]
        wrong = [attempt(lambda: exec(s, {"a": a, "t": t})) for s in ("a += t", "a *= t", "a @= t")]
        view = t.numpy()
        view.shape = (2, 1)
        """
    )


# What takes sizes one by one takes no other word than its own.
@pytest.mark.parametrize(
    "call",
    ["flip(0, ", "repeat(1, 2, ", "tile(2, ", "expand(2, 3, ", "broadcast_to(2, 3, ", "permute(0, 1, ", "reshape(-1, ",
     "view(-1, ", "tensor_split(2, ", "hsplit(1, ", "sum(0, ", "mean(0, ", "add(1, ", "cumsum(0, ", "round("],
)  # fmt: skip
def test_no_word_is_swallowed(call):
    parity(
        f"""
        t = torch.arange(6.0).reshape(2, 3)
        wrong = [attempt(lambda: t.{call}order="C")), attempt(lambda: t.{call}out=None))]
        """
    )


def test_an_array_of_a_tensor_where_a_class_is_asked():
    parity("""
        import numpy as np
        class _Asked(torch.Tensor):
            @classmethod
            def __torch_function__(cls, func, types, args=(), kwargs=None):
                return super().__torch_function__(func, types, args, kwargs or {})
        x = torch.arange(3.0)
        for t in (x, x.as_subclass(_Asked)):
            print(np.array(t), np.array([t, t]).shape, np.asarray(t, dtype=int), np.array(t, dtype="f8", copy=True))
        """)
