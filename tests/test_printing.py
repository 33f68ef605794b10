"""Printing is torch's, character for character: every text here is compared with torch's own."""

from __future__ import annotations

import contextlib
import importlib
import math
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from rushlight import dtypes, printing

INF, NAN = math.inf, math.nan

VALUES: dict[str, Any] = {
    "whole": [1.0, -2.0, 30.0],
    "fractions": [1.5, -2.25, 30.0],
    "zeros": [0.0, -0.0],
    "nothing finite": [NAN, INF, -INF],
    "whole with nan": [1.0, NAN, -INF, 12.0, -0.0],
    "fractions with nan": [1.5, NAN, -INF, 12.0, -0.0],
    "smallest fixed": [1.0e-4, 1.0],
    "just below fixed": [9.9e-5, 0.05],
    "fractions 1000 to 1": [0.5, 500.0],
    "fractions 1001 to 1": [0.5, 500.5],
    "whole 1000 to 1": [1.0, 1000.0],
    "whole 1001 to 1": [-1.0, 1001.0],
    "whole at 1e8": [1e8, 1e7],
    "whole past 1e8": [100000008.0, 1e7],
    "fractions past 1e8": [100000000.5, 3e7],
    "tiny": [1e-45, 5e-324, 1e-40],
    "huge": [3e38, 1e-38, NAN],
    "whole alone needs no sign": [-0.0, 7.0],
    "sign of the widest": [-1.0, 100.0],
}

OPTIONS: list[dict[str, Any]] = [
    {},
    {"precision": 0},
    {"precision": 9, "sci_mode": True},
    {"sci_mode": False},
    {"sci_mode": True, "linewidth": 30},
    {"profile": "short"},
    {"profile": "full"},
    {"profile": "full", "edgeitems": 2, "threshold": 7},
    {"profile": "no such profile", "precision": 1},
    {"threshold": 5, "edgeitems": 1},
    {"threshold": 0, "edgeitems": 0},
    {"edgeitems": 0},
    {"threshold": -1, "edgeitems": 2, "linewidth": 0},
    {"linewidth": 41.5},
]

SHAPES: list[tuple[int, ...]] = [
    (), (0,), (1,), (7,), (40,), (1500,),
    (0, 3), (3, 0), (2, 0, 5), (1, 1), (3, 4), (8, 30), (2, 600), (600, 2), (40, 40),
    (2, 3, 4), (9, 2, 8), (1, 2, 1, 3), (2, 2, 2, 2, 2), (7, 1, 9, 8, 7),
    (1,) * 40, (1,) * 63 + (1001,),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _defaults() -> Iterator[None]:
    yield
    for library in (torch, printing):
        library.set_printoptions(profile="default")
    torch.set_default_dtype(torch.float32)
    dtypes.set_default_dtype(dtypes.float32)


def configure(**options: Any) -> None:
    for library in (torch, printing):
        library.set_printoptions(profile="default")
        library.set_printoptions(**options)


def check(array: np.ndarray, **flags: bool) -> str:
    """Compare the two texts of an array; give the text."""
    tensor = torch.from_numpy(array)
    suffixes = []
    if flags.get("requires_grad"):
        tensor.requires_grad_()
        suffixes = ["requires_grad=True"]
    if flags.get("grad_fn"):
        tensor = tensor.requires_grad_() * 1
        suffixes = ["grad_fn=<MulBackward0>"]
    with np.errstate(all="raise"):
        text = printing.format_tensor(array, dtypes.of(array.dtype), suffixes=suffixes)
    assert text == repr(tensor)
    return text


def filled(shape: tuple[int, ...], kind: str, seed: int = 0) -> np.ndarray:
    """An array of a dtype with values that show its width, sign and special values."""
    generator = np.random.default_rng(seed)
    dtype = np.dtype(kind)
    values = generator.standard_normal(shape) * 10 ** generator.uniform(0, 2, shape)
    if dtype.kind == "b":
        return np.asarray(values > 0)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return np.asarray(
            np.clip(values, max(limits.min, -120), min(limits.max, 120)).astype(dtype)
        )
    if dtype.kind == "c":
        values = values + 1j * generator.standard_normal(shape)
    return np.asarray(np.asarray(values).astype(dtype))


@pytest.mark.parametrize("kind", [d.name for d in dtypes.ALL])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_dtype_and_shape(shape: tuple[int, ...], kind: str) -> None:
    check(filled(shape, kind))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kind", ["bool", "int64", "float32", "float64", "complex64"])
def test_options(options: dict[str, Any], kind: str) -> None:
    configure(**options)
    for shape in SHAPES:
        check(filled(shape, kind))


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES.keys())
@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("sci_mode", [None, True, False])
@pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")
def test_notation(values: list[float], kind: str, sci_mode: bool | None) -> None:
    configure(sci_mode=sci_mode)
    array = np.array(values).astype(kind)
    check(array)
    for element in array:
        check(np.array(element))
    if array.dtype.kind == "c":
        array.imag = array.real[::-1]
        check(array)
        check(array.conj().copy())


@pytest.mark.parametrize("kind", ["int8", "uint8", "int64", "uint64"])
def test_extreme_integers(kind: str) -> None:
    limits = np.iinfo(kind)
    check(np.array([limits.min, 0, limits.max], kind))


@pytest.mark.parametrize("default", ["float16", "float32", "float64"])
@pytest.mark.parametrize("kind", [d.name for d in dtypes.ALL])
def test_dtype_is_shown_where_the_default_does_not_imply_it(kind: str, default: str) -> None:
    torch.set_default_dtype(getattr(torch, default))
    dtypes.set_default_dtype(dtypes.named(default))
    for shape in [(), (2,), (0,), (0, 2)]:
        check(np.ones(shape, kind))


@pytest.mark.parametrize("linewidth", range(20, 84, 3))
@pytest.mark.parametrize("flag", ["requires_grad", "grad_fn"])
def test_suffixes_break_where_torch_breaks_them(linewidth: int, flag: str) -> None:
    configure(linewidth=linewidth)
    for kind in ("float32", "float64"):
        for shape in [(), (3,), (9,), (2, 2), (0, 2)]:
            check(np.ones(shape, kind), **{flag: True})


def test_arrays_that_are_not_contiguous() -> None:
    base = np.arange(3000, dtype=np.float32).reshape(30, 100) / 7
    check(base.T)
    check(base[::2, 1::3])
    check(np.broadcast_to(np.float32(1.5), (50, 50)).copy()[:, :1])


def test_random_arrays() -> None:
    draw = random.Random(5)
    for seed in range(300):
        configure(
            precision=draw.choice([None, 0, 2, 6]),
            threshold=draw.choice([None, 10, 50, INF]),
            edgeitems=draw.choice([None, 0, 1, 2, 5]),
            linewidth=draw.choice([None, 20, 50, 120]),
            sci_mode=draw.choice([None, None, True, False]),
        )
        shape = tuple(draw.choice([1, 2, 3, 5, 8]) for _ in range(draw.randint(0, 4)))
        array = filled(shape, draw.choice(["float32", "float64", "complex64", "int64"]), seed)
        scale = 10.0 ** draw.randint(-12, 12)
        check(array if array.dtype.kind == "i" else np.asarray(array * array.dtype.type(scale)))


def test_a_summary_looks_only_at_its_corners() -> None:
    array = np.zeros((100, 100), np.float32)
    array[50, :] = array[:, 50] = 1.2345e-9
    assert "e-09" not in check(array)
    array[0, 1] = 1.2345e-9
    assert "e-09" in check(array)


def test_a_summary_does_not_touch_the_rest_of_the_memory() -> None:
    # A terabyte in the eyes of the printer: any pass over all elements would not end.
    array = np.broadcast_to(np.float32(2.5), (10**6, 10**6))
    text = printing.format_tensor(array, dtypes.float32, suffixes=[])
    small = np.full((100, 100), 2.5, np.float32)
    configure(threshold=10)
    assert text == check(small)


def test_an_infinite_line() -> None:
    printing.set_printoptions(linewidth=INF, threshold=INF)
    text = printing.format_tensor(np.arange(500), dtypes.int64, suffixes=["requires_grad=True"])
    assert "\n" not in text


def test_options_are_torchs() -> None:
    for options in OPTIONS:
        configure(**options)
        assert printing.get_printoptions() == torch._tensor_str.get_printoptions()
    printing.set_printoptions(sci_mode=True)
    printing.set_printoptions(precision=3)
    assert printing.get_printoptions()["sci_mode"] is None


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"precision": "4"}, TypeError),
        ({"precision": 2.5}, TypeError),
        ({"edgeitems": INF}, TypeError),
        ({"linewidth": "80"}, TypeError),
        ({"precision": -1}, ValueError),
        ({"precision": 2, "edgeitems": -3}, ValueError),
    ],
    ids=str,
)
def test_bad_options_change_nothing(options: dict[str, Any], error: type[Exception]) -> None:
    before = printing.get_printoptions()
    with pytest.raises(error, match=r"set_printoptions: (precision|edgeitems|linewidth) must be"):
        printing.set_printoptions(**options)
    assert printing.get_printoptions() == before


def test_printoptions_ends_with_its_block() -> None:
    before = printing.get_printoptions()
    with contextlib.suppress(ZeroDivisionError), printing.printoptions(precision=1, sci_mode=True):
        assert printing.get_printoptions() == {**before, "precision": 1, "sci_mode": True}
        raise ZeroDivisionError
    assert printing.get_printoptions() == before


@pytest.mark.parametrize("spec", ["", ".3f", ">12", "d", "+.2e", "s"])
@pytest.mark.parametrize("value", [1.23456, -7, True, 1 + 2j])
def test_format_of_one_element(value: complex, spec: str) -> None:
    def outcome(function: Any) -> tuple[type, str]:
        try:
            return str, function()
        except (TypeError, ValueError) as error:
            return type(error), str(error)

    tensor = torch.tensor(value)
    ours = outcome(lambda: printing.format_scalar(tensor.numpy(), spec))
    assert ours == outcome(lambda: format(tensor, spec))


def test_format_refuses_dimensions() -> None:
    with pytest.raises(TypeError):
        format(torch.ones(2), ".3f")
    with pytest.raises(TypeError, match=r"Tensor.__format__: '.3f' needs a 0-d tensor.*\(2,\)"):
        printing.format_scalar(np.ones(2), ".3f")


def test_tensors_print_and_format_through_it() -> None:
    for library in (torch, importlib.import_module("rushlight")):
        x = library.tensor([1.5, 2.0], requires_grad=True)
        assert f"{(x * 2).sum():.2f}" == "7.00"
        assert f"{library.tensor(3)}" == "3"
        assert repr(x * 2) == "tensor([3., 4.], grad_fn=<MulBackward0>)"
        assert f"{x}" == str(x) == "tensor([1.5000, 2.0000], requires_grad=True)"
        for refused in (x, library.nn.Parameter(library.tensor(1.0))):
            with pytest.raises(TypeError, match="__format__"):
                f"{refused:.2f}"
