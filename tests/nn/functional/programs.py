"""A call with inputs, turned into a program that also takes first and second derivatives."""

from __future__ import annotations

import textwrap

from tests.parity import Run, parity

_END = """
weights = torch.cos(torch.arange(out.numel(), dtype=out.dtype)).reshape(out.shape)
first = torch.autograd.grad((out * out * weights).sum(), inputs, create_graph=True)
mixed = sum((g * g).sum() for g in first)
second = torch.autograd.grad(mixed, inputs)
single = _call(*[t.detach().float() for t in inputs])
"""


def derivatives(
    call: str, *, seed: int = 0, more: str = "", twice: bool = True, **inputs: str
) -> Run:
    """Run `out = call` on float64 inputs given as expressions, and compare it and its derivatives.

    Inputs are named by keyword; `more` is text that defines what else the call uses. The call is
    also run in float32, without derivatives.
    """
    names = ", ".join(inputs)
    lines = [f"torch.manual_seed({seed})", more.strip("\n")]
    lines += [
        f"{name} = ({text}).to(torch.float64).requires_grad_()" for name, text in inputs.items()
    ]
    lines += [f"inputs = [{names}]", f"_call = lambda {names}: {call}", f"out = _call({names})"]
    end = textwrap.dedent(_END)
    if not twice:
        end = "\n".join(
            line for line in end.splitlines() if not line.startswith(("mixed", "second"))
        )
    return parity("\n".join(lines) + end, rtol=2e-5, atol=2e-5)


def errors(*calls: str, more: str = "") -> Run:
    """The calls raise exceptions of the same type."""
    lines = [textwrap.dedent(more).strip("\n")]
    lines += [f"e{i} = attempt(lambda: {call})" for i, call in enumerate(calls)]
    return parity("\n".join(lines))
