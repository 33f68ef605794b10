"""Everything that torch names is there, under the same parameters."""

import inspect

import torch

import rushlight.nn.functional as F
from rushlight import absent

# A tool of torch's own source.
LEFT_OUT = {"assert_int_or_pair"}


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
        if isinstance(getattr(F, name), absent._Refused):
            continue
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
