"""`torch._dynamo.explain`: into which graphs a call of a function falls, and why."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from rushlight.compiler.compile import compile, reset
from rushlight.errors import warn

__all__ = ["ExplainOutput", "explain"]


@dataclasses.dataclass
class ExplainOutput:
    """The graphs of a call, and why each but the last ended where it did."""

    graphs: list[Any]
    graph_count: int
    graph_break_count: int
    break_reasons: list[Any]
    op_count: int
    ops_per_graph: list[list[Any]] | None = None
    out_guards: list[Any] | None = None
    compile_times: str | None = None

    def __str__(self) -> str:
        lines = [
            f"Graph Count: {self.graph_count}", f"Graph Break Count: {self.graph_break_count}",
            f"Op Count: {self.op_count}", "Break Reasons:",
        ]  # fmt: skip
        for number, reason in enumerate(self.break_reasons):
            lines += [
                f"  Break Reason {number + 1}:",
                f"    Reason: {reason.reason}",
                "    User Stack:",
            ]
            lines += [f"      {frame}" for frame in reason.user_stack]
        if self.ops_per_graph is not None:
            lines.append("Ops per Graph:")
            for number, ops in enumerate(self.ops_per_graph):
                lines += [f"  Ops {number + 1}:", *(f"    {op}" for op in ops)]
        if self.out_guards is not None:
            lines.append("Out Guards:")
            for number, guard in enumerate(self.out_guards):
                lines += [f"  Guard {number + 1}:", f"    {guard}"]
        if self.compile_times is not None:
            lines.append(f"Compile Times: {self.compile_times}\n")
        return "\n".join(lines)


def explain(f: Callable[..., Any], *extra_args: Any, **extra_kwargs: Any) -> Any:
    """A function of f's arguments that runs f and says into which graphs it falls.

    >>> import rushlight as torch
    >>> def f(x):
    ...     y = x + 1
    ...     torch._dynamo.graph_break()
    ...     return y * 2
    >>> found = explain(f)(torch.ones(2))
    >>> found.graph_count, found.graph_break_count, found.op_count
    (2, 1, 2)
    """

    def inner(*args: Any, **kwargs: Any) -> ExplainOutput:
        graphs: list[Any] = []

        def keep(gm: Any, example_inputs: Any) -> Any:
            graphs.append(gm)
            return gm.forward

        reset()
        compiled = compile(f, backend=keep)
        compiled(*args, **kwargs)
        reset()
        ops = [[n.target for n in gm.graph.nodes if n.op == "call_function"] for gm in graphs]
        reasons = [gm.compile_subgraph_reason for gm in graphs]
        return ExplainOutput(
            graphs, len(graphs), len(graphs) - 1, [r for r in reasons if r.graph_break],
            sum(map(len, ops)), ops, [guard for gm in graphs for guard in gm.guards], "",
        )  # fmt: skip

    if extra_args or extra_kwargs:
        warn(
            "explain(f, *args, **kwargs) is deprecated, use explain(f)(*args, **kwargs) instead. If you don't "
            "migrate, we may break your explain call in the future if your user defined kwargs conflict with "
            "future kwargs added to explain(f).",
            FutureWarning,
        )
        return inner(*extra_args, **extra_kwargs)
    return inner
