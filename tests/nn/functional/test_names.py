"""Everything that torch names is there, under the same parameters."""

import inspect

import torch

import rushlight.nn.functional as F

# Products of groups and of eight-bit numbers are for GPUs; the others are tools of torch's own source.
LEFT_OUT = {
    "grouped_mm", "scaled_grouped_mm", "scaled_mm", "assert_int_or_pair", "boolean_dispatch",
    "handle_torch_function", "has_torch_function", "has_torch_function_unary", "has_torch_function_variadic",
}  # fmt: skip


def test_all_names():
    wanted = {
        name
        for name, value in vars(torch.nn.functional).items()
        if callable(value)
        and not name.startswith("_")
        and not isinstance(value, type)
        and hasattr(value, "__name__")
    }
    here = {name for name in wanted if hasattr(F, name)}
    assert wanted - here - LEFT_OUT - {"Callable", "Optional"} == set()


def test_parameters():
    different = {}
    for name in set(F.__all__) - LEFT_OUT:
        theirs = getattr(torch.nn.functional, name)
        try:
            want = list(inspect.signature(theirs).parameters)
        except (TypeError, ValueError):
            continue
        have = list(inspect.signature(getattr(F, name)).parameters)
        # Some of torch's functions choose between two others by one argument.
        if want != have[: len(want)] and want != ["args", "kwargs"]:
            different[name] = (want, have)
    assert different == {}
