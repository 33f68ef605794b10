"""Passes run one after the other."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from rushlight.fx.graph_module import GraphModule
from rushlight.fx.passes.infra.pass_base import PassResult
from rushlight.nn.modules.module import Module

__all__ = ["PassManager", "pass_result_wrapper", "this_before_that_pass_constraint"]

Pass = Callable[..., Any]
Constraint = Callable[[Pass, Pass], bool]


def pass_result_wrapper(fn: Pass) -> Pass:
    """A function that gives a module, or changes the one it is given, as a pass that gives a PassResult."""

    @wraps(fn)
    def wrapped(gm: Any) -> PassResult | None:
        result = fn(gm)
        if result is None:
            return PassResult(gm, True)
        return PassResult(result, True) if isinstance(result, Module) else result

    if not inspect.isfunction(fn):
        wrapped.__name__ = type(fn).__name__
    return wrapped


def this_before_that_pass_constraint(this: Pass, that: Pass) -> Constraint:
    """The constraint that one pass is run before another."""
    return lambda a, b: a != that or b != this


def _validate_pass_schedule_constraint(constraint: Constraint, passes: list[Pass]) -> None:
    for i, a in enumerate(passes):
        for j, b in enumerate(passes[i + 1 :]):
            if not constraint(a, b):
                raise RuntimeError(
                    f"pass schedule constraint violated. Expected {a} before {b} but found {a} at index {i} and "
                    f"{b} at index {j} in pass list."
                )


def _topological_sort_passes(passes: list[Pass], constraints: list[Constraint]) -> list[Pass]:
    if not constraints:
        return passes
    before: dict[Pass, list[Pass]] = {
        a: [b for b in passes if b != a and not all(c(a, b) for c in constraints)] for a in passes
    }
    order: list[Pass] = []
    ready = [p for p in passes if not before[p]]
    while ready:
        done = ready.pop(0)
        order.append(done)
        for p in passes:
            if done in before[p]:
                before[p].remove(done)
                if not before[p]:
                    ready.append(p)
    if len(order) < len(passes):
        rest = [p for p in passes if before[p]]
        raise RuntimeError(f"Circular dependency detected within the following passes: {rest}")
    return order


class PassManager:
    """Runs passes on a module, in an order that the constraints allow, up to `steps` times or until none changes it.

    A pass is called with the module and gives a `PassResult`; a constraint(a, b) says whether a may stand
    before b.
    """

    def __init__(
        self,
        passes: list[Pass] | None = None,
        constraints: list[Constraint] | None = None,
        steps: int | None = None,
        run_checks_after_each_pass: bool = False,
        suppress_check_failures: bool = False,
    ) -> None:
        self.passes, self.constraints = passes or [], constraints or []
        self.steps = steps or 1
        self.run_checks_after_each_pass = run_checks_after_each_pass
        self.suppress_check_failures = suppress_check_failures
        self._validated = False

    def add_pass(self, _pass: Pass) -> None:
        """Add a pass."""
        self.passes.append(_pass)
        self._validated = False

    def add_constraint(self, constraint: Constraint) -> None:
        """Add a constraint."""
        self.constraints.append(constraint)
        self._validated = False

    def validate_constraints(self) -> None:
        """Raise an error if the order of the passes is not allowed."""
        if not self._validated:
            for constraint in self.constraints:
                _validate_pass_schedule_constraint(constraint, self.passes)
            self._validated = True

    def solve_constraints(self) -> None:
        """Bring the passes into an order that is allowed."""
        self.passes = _topological_sort_passes(self.passes, self.constraints)
        self._validated = True

    def add_checks(self, check: Callable[[Any], None]) -> None:
        """Let a function look at the module before the passes, and after each if that was asked for."""
        if len(inspect.signature(check).parameters) != 1:
            raise TypeError("PassManager check function should only take in one variable, a module")
        self.check = check  # type: ignore[method-assign,assignment]

    def check(self, module: Any) -> None:
        """Look at the module; `add_checks` puts another function here."""

    def __call__(self, module: Any) -> PassResult:
        """Run the passes."""
        if not self._validated:
            self.solve_constraints()
        self.check(module)
        changed = False
        for _ in range(self.steps):
            now = False
            for i, fn in enumerate(self.passes):
                result = self._run(fn, module, self.passes[:i])
                module, now = result.graph_module, now or result.modified
            changed = changed or now
            if not now:
                break
        return PassResult(module, changed)

    def _run(self, fn: Pass, module: Any, earlier: list[Pass]) -> PassResult:
        try:
            result = fn(module)
            if not hasattr(result, "graph_module"):
                raise TypeError(
                    f"The result of the pass {_name(fn)} should be type PassResult."
                    "Please wrap it with pass_result_wrapper()"
                )
            if isinstance(result.graph_module, GraphModule):
                result.graph_module.recompile()
            if self.run_checks_after_each_pass:
                self.check(result.graph_module)
        except Exception as error:
            raise Exception(
                f"An error occurred when running the '{_name(fn)}' pass after the following passes: "
                f"{[_name(p) for p in earlier]}"
            ) from error
        return result


def _name(fn: Pass) -> str:
    return fn.__name__ if inspect.isfunction(fn) else type(fn).__name__
