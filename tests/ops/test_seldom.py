"""Names from earlier times and for other devices."""

import subprocess
import sys

import pytest
import torch

import rushlight
from tests.parity import parity


def test_norms_and_orders():
    parity("""
        x = (torch.arange(24.0) ** 2).sin().reshape(2, 3, 4).requires_grad_()
        norms = [torch.norm_except_dim(x, 2, d) for d in (0, 1, 2, -1)]
        other = torch.norm_except_dim(x[0, 0], 3, 0)
        frobenius = [torch.frobenius_norm(x, 1), torch.frobenius_norm(x, (0, 2), True), torch.frobenius_norm(x, [])]
        nuclear = [torch.nuclear_norm(x[0]), torch.nuclear_norm(x, (0, 2), True)]
        (norms[0].sum() + nuclear[0]).backward()
        gradient = x.grad
        images = torch.ones(2, 3, 4, 5)
        orders = [t.dim_order() for t in (images, images.to(memory_format=torch.channels_last), images.mT, x[0, 0, 0])]
        places = ((2, 3), (1, 1)), ((3, 4), (0, 1)), ((3, 4), (1, 3))
        odd = [torch.ones(40).as_strided(*place) for place in places]
        unique = []
        for t in (images, images.mT, *odd):
            for check in (True, [torch.contiguous_format], [torch.contiguous_format, torch.channels_last], 3):
                try:
                    unique.append(t.dim_order(ambiguity_check=check))
                except Exception as error:
                    unique.append(type(error).__name__)
        counts = (x.sparse_dim(), x.dense_dim(), x.grad_dtype, x.const_data_ptr() == x.data_ptr())
        coordinates = torch.eye(2).to_sparse_coo()
        lying = (torch.ones(2, 3).resize(3, 2).shape, torch.ones(4).resize_as(torch.ones(2, 2)).shape)
        with torch.inference_mode():
            made = torch.ones(1)
        inference = (torch.is_inference(made), torch.is_inference(x))
        kwargs = torch.nn.factory_kwargs({"dtype": None, "factory_kwargs": {"device": "cpu"}})
        with torch.cpu.stream(torch.cpu.Stream()):
            inside = torch.cpu.current_stream() is torch.cpu.current_stream()
    """)


@pytest.mark.parametrize(
    "call",
    [
        *(f"torch.{name}(x, x)" for name in ("eig", "lstsq", "matrix_rank", "solve", "symeig")),
        *(f"x.{name}(x)" for name in ("eig", "lstsq", "solve", "symeig", "reinforce")),
        "x.ipu()", "x.xpu()", "x.mtia()", "x.record_stream(None)", "x.is_coalesced()",
        "torch.nn.factory_kwargs({'colour': 1})",
        "torch.nn.factory_kwargs({'dtype': 1, 'factory_kwargs': {'dtype': 2}})",
    ],
)  # fmt: skip
def test_errors(call):
    kinds = []
    for framework in (torch, rushlight):
        with pytest.raises((RuntimeError, AssertionError, TypeError)) as caught:
            eval(call, {"torch": framework, "x": framework.ones(2, 2)})
        kinds.append(caught.type)
    assert kinds[0] is kinds[1]


def test_the_star_brings_torch_s_names():
    program = "from torch import *\nprint(*sorted(name for name in vars() if name[0] != '_'))"
    run = [[sys.executable], [sys.executable, "-m", "rushlight", "run"]]
    theirs, ours = (
        set(
            subprocess.run(
                [*r, "/dev/stdin"], input=program, capture_output=True, text=True, check=True
            ).stdout.split()
        )
        for r in run
    )
    assert ours - theirs == set()
    assert theirs - ours == {"cpp"}  # registers of C++
