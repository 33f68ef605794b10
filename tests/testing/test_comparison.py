"""assert_close against torch's, message by message."""

import warnings

import pytest

from tests.parity import parity

PAIRS = [
    "T([1., 2, 3]), T([1., 2.1, 3])",
    "T([1., 2, 3]), T([1., 2.1, 3]), rtol=0, atol=0",
    "T([1., 2, 3]), T([1., 2.1, 3]), rtol=0.1, atol=0",
    "T([1, 2, 3]), T([1, 2, 4])",
    "T([1, 2, 3]), T([1, 2, 4]), rtol=0, atol=1",
    "T(1.), T(2.)",
    "T(1.), T(0.)",
    "T([True, False]), T([True, True])",
    "T([1., 2]), T([1., 2, 3])",
    "T([1., 2]), T([1, 2])",
    "T([1., 2]), T([1, 2]), check_dtype=False",
    "T([1., float('nan')]), T([1., float('nan')])",
    "T([1., float('nan')]), T([1., float('nan')]), equal_nan=True",
    "T([1., float('nan')]), T([1., float('nan')]), equal_nan=True, rtol=0, atol=0",
    "T([1., float('inf')]), T([1., float('inf')])",
    "1.0, 1.1",
    "1, 2",
    "1, 1.0",
    "2 + 1j, 2 + 2j",
    "True, False",
    "True, True",
    "None, None",
    "T([1.]), None",
    "[T([1.]), T([2.])], [T([1.]), T([3.])]",
    "{'a': T([1.])}, {'a': T([2.])}",
    "{'a': [T([1.]), 3]}, {'a': [T([1.]), 4]}",
    "{'a': T([1.])}, {'b': T([1.])}",
    "[T([1.])], [T([2.]), T([1.])]",
    "'a', 'a'",
    "T([1.]), 1.0",
    "object(), object()",
    "T([1.]), nn.Parameter(T([1.]))",
    "T([1.]), nn.Parameter(T([1.])), allow_subclasses=False",
    "T([1.]), T([2.]), rtol=1",
    "T([1.]), T([2.]), msg='hello'",
    "T([1.]), T([2.]), msg=lambda text: 'more: ' + text",
    "torch.ones(2, 3).T, torch.ones(3, 2)",
    "torch.ones(2, 3).T, torch.ones(3, 2), check_stride=True",
    "np.array([1., 2]), np.array([1., 3])",
    "np.array([1., 2]), [1., 3]",
    "T([1 + 1j]), T([1 + 2j])",
    "T([]), T([])",
    "torch.ones(2, 2), torch.zeros(2, 2)",
    "T([1., 2], dtype=torch.float16), T([1., 2.1], dtype=torch.float16)",
    "T([1.], dtype=torch.float64), T([1. + 1e-6], dtype=torch.float64)",
    "T([1.], requires_grad=True), T([1. + 1e-6])",
]


@pytest.mark.parametrize("arguments", PAIRS)
def test_assert_close(arguments):
    parity(f"""
        T = torch.tensor
        try:
            torch.testing.assert_close({arguments})
            said = "they agree"
        except Exception as error:
            said = type(error).__name__, str(error).replace("rushlight", "torch")
        if said[0] == "TypeError":  # which names the classes, each by its own module
            said = "TypeError"
    """)


def test_assert_allclose():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        parity("""
            exact = torch.testing.assert_allclose(torch.ones(2), torch.ones(2, dtype=torch.float64))
            lists = torch.testing.assert_allclose([1.0, 2.0], torch.tensor([1.0, 2.0]))
            far = attempt(lambda: torch.testing.assert_allclose(torch.ones(2), torch.zeros(2)))
            near = torch.testing.assert_allclose(torch.ones(2), torch.full((2,), 1.00005))
        """)


def test_make_tensor_keeps_to_its_bounds():
    parity("""
        facts = []
        for dtype in (torch.float32, torch.float64, torch.int64, torch.uint8, torch.bool,
                      torch.complex64):
            x = torch.testing.make_tensor(40, 6, dtype=dtype, device="cpu")
            facts.append((x.shape, x.dtype, x.is_contiguous(), bool((x != x[0, 0]).any())))
            y = torch.testing.make_tensor((4, 6), dtype=dtype, device="cpu", noncontiguous=True)
            facts.append((y.shape, y.is_contiguous()))
            z = torch.testing.make_tensor((400,), dtype=dtype, device="cpu", exclude_zero=True)
            facts.append(bool((z == 0).any()))
        low = torch.testing.make_tensor(500, dtype=torch.float32, device="cpu", low=2, high=3)
        facts.append((low.min().item() >= 2, low.max().item() < 3))
        whole = torch.testing.make_tensor(500, dtype=torch.int8, device="cpu", low=-1, high=3)
        facts.append(whole.unique().tolist())
        leaf = torch.testing.make_tensor(2, dtype=torch.float32, device="cpu", requires_grad=True)
        facts.append((leaf.requires_grad, leaf.is_leaf))
        del x, y, z, low, whole, leaf
        wrong = attempt(lambda: torch.testing.make_tensor(2, dtype=torch.int64, device="cpu", low=3, high=1))
        grads = attempt(lambda: torch.testing.make_tensor(2, dtype=torch.int64, device="cpu", requires_grad=True))
    """)


def test_random_tensors_and_second_derivatives_draw_what_torch_draws():
    parity(
        """
        types = torch.float64, torch.float16, torch.bfloat16, torch.complex64, torch.complex128
        made = [torch.testing.make_tensor((2, 9), dtype=t, device="cpu", low=-1, high=1) for t in types]
        x = torch.rand(3, dtype=torch.float64, requires_grad=True)
        z = torch.rand(2, dtype=torch.complex128, requires_grad=True)
        right = [torch.autograd.gradgradcheck(torch.sin, (t,)) for t in (x, z)]
        after = torch.rand(4)
        """
    )
