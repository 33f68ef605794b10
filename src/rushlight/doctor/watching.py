"""The interpreter, hooks and wrappers by which the doctor sees a run, and to whom it tells what."""

from __future__ import annotations

import functools
import os
import traceback
import weakref
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, NamedTuple

from rushlight import nn, optim
from rushlight._tensor import Tensor
from rushlight.autograd import api, engine
from rushlight.caller import site
from rushlight.core.doors import Interpreter
from rushlight.core.node import Node
from rushlight.core.state import state
from rushlight.core.tensor import TensorBase
from rushlight.doctor import crashes, dimensions, losses, vain
from rushlight.doctor.facts import COPIED, DRAWN, Fact, Memory, owner
from rushlight.doctor.findings import Finding, Report
from rushlight.doctor.judging import Judging
from rushlight.doctor.layers import Layers
from rushlight.doctor.places import Place, here
from rushlight.doctor.steps import Steps
from rushlight.doctor.values import Numbers
from rushlight.doctor.wrapping import Wrappers

# Rows that move values or change their type, but not what they are.
_CARRIES = frozenset({"laid_out", "clone", "convert", "compact"})


class Call(NamedTuple):
    """An operation of the program: what it was given, what came out, and what is known of both."""

    name: str
    inputs: Sequence[Any]
    static: dict[str, Any]
    out: Any
    facts: list[Fact | None]
    fact: Fact
    node: Node | None
    place: Place


Rule = Callable[["Doctor", Call], None]


def _calmly(method: Callable[..., None]) -> Callable[..., None]:
    """A method that never disturbs the program: what goes wrong in it is kept for the report."""

    @functools.wraps(method)
    def called(self: Any, *args: Any) -> None:
        try:
            method(self, *args)
        except Exception as error:
            self.report.failures.append("".join(traceback.format_exception(error)))

    return called


class Doctor(Interpreter):
    """Sees every operation, and tells those who examine one side of the run each."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.memory = Memory()
        self.steps = Steps(self)
        self.layers = Layers(self)
        self.judging = Judging(self)
        self.numbers = Numbers(self)
        self.vain = vain.Vain(self)
        self.turned = dimensions.Turned()
        self.rules: dict[str, list[Rule]] = {}
        known = (
            *losses.RULES,
            *dimensions.RULES,
            *vain.RULES,
            *self.layers.rules(),
            *self.judging.rules(),
        )
        for name, rule in known:
            self.rules.setdefault(name, []).append(rule)
        # What is to be done when a backward goes through a node; and the line of each node.
        self.waiting: weakref.WeakKeyDictionary[Node, list[Callable[[], None]]]
        self.waiting = weakref.WeakKeyDictionary()
        # The same for findings, for which `autograd.grad` is enough.
        self.suspected: weakref.WeakKeyDictionary[Node, list[Finding]] = weakref.WeakKeyDictionary()
        self.sites: weakref.WeakKeyDictionary[Node, Place] = weakref.WeakKeyDictionary()
        # The last look of Python at values that parameters have a part in: how, and where.
        self.looked: tuple[str, Place] | None = None
        self.backwards = 0
        self.inside = self.away = False
        self.wrappers = Wrappers()
        self.process = os.getpid()

    def find(self, finding: Finding, node: Node | None = None) -> None:
        """Report a finding; with a node, once a backward goes through there."""
        if node is None:
            self.report.add(finding)
        else:
            self.suspected.setdefault(node, []).append(finding)

    def wait(self, node: Node, action: Callable[[], None]) -> None:
        """Do something when a backward goes through a node."""
        self.waiting.setdefault(node, []).append(action)

    # ---- the doors ------------------------------------------------------------------------------

    def apply(self, row: Any, inputs: tuple[Any, ...], static: dict[str, Any]) -> Any:
        """An operation: of a backward, of a step, or of the program itself."""
        if state.walk is not None:
            out = super().apply(row, inputs, static)
            self._gradient(row, inputs, out)
            return out
        if site.line is not None:
            return super().apply(row, inputs, static)
        before = losses.BEFORE.get(row.name)
        if before is not None:
            self._before(before, inputs, static)
        out = super().apply(row, inputs, static)
        self._learn(row, inputs, static, out)
        return out

    def into(
        self, target: Any, kernel: Any, inputs: tuple[Any, ...], static: dict[str, Any]
    ) -> None:
        """A write: what is copied there brings its facts along."""
        super().into(target, kernel, inputs, static)
        if state.walk is None and site.line is None:
            self._written(target, kernel, inputs)

    def draw(
        self, numbers: Any, generator: Any, inputs: tuple[Any, ...], static: dict[str, Any]
    ) -> Any:
        """Random numbers."""
        out = super().draw(numbers, generator, inputs, static)
        self._drawn(numbers, out)
        return out

    def read(self, tensor: TensorBase, why: str) -> Any:
        """A look at values."""
        self._looked(tensor, why)
        return super().read(tensor, why)

    def number(self, tensor: TensorBase, why: str) -> Any:
        """A look at one value."""
        self._looked(tensor, why)
        return super().number(tensor, why)

    def check(self, tensor: TensorBase, why: str) -> Any:
        """A look by which an error may be raised."""
        found = super().check(tensor, why)
        if why == "that these are probabilities":
            self._probabilities(tensor, found)
        return found

    @_calmly
    def _before(self, rule: Any, inputs: tuple[Any, ...], static: dict[str, Any]) -> None:
        rule(self, inputs, static)

    @_calmly
    def _learn(self, row: Any, inputs: tuple[Any, ...], static: dict[str, Any], out: Any) -> None:
        outs = out if out.__class__ is tuple else (out,)
        node = outs[0]._node_
        place = here()
        if node is not None:
            self.sites[node] = place
        of, name = self.memory.of, row.name
        learned = node is not None
        facts: list[Fact | None] = []
        passes = self.judging.now
        parent = None
        for number, t in enumerate(inputs):
            if not isinstance(t, TensorBase):
                facts.append(None)
                continue
            fact = of(t)
            facts.append(fact)
            if t._requires_grad_ and t._node_ is None:
                learned = True
                self.steps.used(t, name, number, place)
            if fact is not None:
                learned = learned or fact.learned
                parent = parent or fact
                for one in fact.passes:
                    if one not in passes and len(passes) < 4:
                        passes = (*passes, one)
        shape = outs[0]._data_.shape
        if row.view:
            fact = parent or Fact(name, place, static, shape, learned, passes)
        elif name in _CARRIES and parent is not None:
            fact = parent
        else:
            fact = Fact(name, place, static, shape, learned, passes)
            if parent is not None:
                fact.parent = dimensions.origin(name, inputs, facts, parent)
        if not row.view:
            for o in outs:
                self.memory.put(o, fact)
            self.numbers.look(name, place, inputs, outs)
        rules = self.rules.get(name)
        if rules:
            call = Call(name, inputs, static, out, facts, fact, node, place)
            for rule in rules:
                rule(self, call)

    @_calmly
    def _written(self, target: Any, kernel: Any, inputs: tuple[Any, ...]) -> None:
        source = inputs[0] if inputs and isinstance(inputs[0], TensorBase) else None
        fact = None if source is None else self.memory.of(source)
        if kernel.__name__ == "copy" and source is not None:
            known = fact or Fact(COPIED, here(), {}, source._data_.shape, False)
            self.memory.put(target, known)
        self.steps.wrote(owner(target._data_))

    @_calmly
    def _drawn(self, numbers: Any, out: Any) -> None:
        place = here()
        for t in out if out.__class__ is tuple else (out,):
            self.memory.put(t, Fact(DRAWN, place, {}, t._data_.shape, False))
        if numbers.__name__ == "dropout_noise":
            self.judging.dropped(place)

    @_calmly
    def _looked(self, tensor: TensorBase, why: str) -> None:
        if state.walk is not None or site.line is not None:
            return
        fact = self.memory.of(tensor)
        if tensor._node_ is not None or (fact is not None and fact.learned):
            self.looked = why, here()

    @_calmly
    def _probabilities(self, tensor: TensorBase, found: Any) -> None:
        losses.check_probabilities(self, tensor, found)

    @_calmly
    def _gradient(self, row: Any, inputs: tuple[Any, ...], out: Any) -> None:
        self.numbers.look_back(row.name, inputs, out if out.__class__ is tuple else (out,))

    # ---- backward, steps and modules ------------------------------------------------------------

    @_calmly
    def _starts(self, roots: Sequence[Any]) -> None:
        """A backward begins, or the gradients of `autograd.grad` are asked for."""
        self._come_back()
        nodes, leaves = _behind(roots)
        for node in nodes if self.suspected else ():
            for finding in self.suspected.pop(node, ()):
                self.report.add(finding)
        if not self.inside:
            return
        self.judging.turns = {}
        self.numbers.loss(roots)
        for node in nodes:
            for action in self.waiting.pop(node, ()):
                action()
        self.steps.backward_starts(roots, leaves)
        self.vain.passed(roots[0], here())

    def _backward(self, plain: Any) -> Any:
        @functools.wraps(plain)
        def backward(*args: Any, **kwargs: Any) -> Any:
            if self.inside:
                return plain(*args, **kwargs)
            self.inside = True
            try:
                result = plain(*args, **kwargs)
            finally:
                self.inside = False
            self._ends()
            return result

        return backward

    @_calmly
    def _ends(self) -> None:
        self.backwards += 1
        self.report.backwards += 1
        self.steps.backward_ended()

    @_calmly
    def _step_begins(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        self._come_back()
        self.steps.inside += 1
        self.vain.with_scaled("used by a step")
        self.layers.step_begins(optimizer)
        if not any(map(callable, (*args[1:], *kwargs.values()))) and state.interpreters[-1:] == (
            self,
        ):
            # What a step computes is its own: only a closure is the program's again.
            self.away = True
            super().__exit__()

    def _come_back(self) -> None:
        """Watch again; after a step that failed, with the next call of a module or backward."""
        if self.away:
            self.away = False
            self.steps.inside = 0
            self.__enter__()

    @_calmly
    def _step_ends(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        self._come_back()
        self.steps.inside = max(0, self.steps.inside - 1)
        self.report.steps += 1
        self.steps.stepped(optimizer)
        self.layers.stepped(optimizer)
        self.numbers.stepped(optimizer)
        self.vain.stepped(optimizer)

    @_calmly
    def _enters(self, module: Any, args: Any) -> None:
        self._come_back()
        self.judging.enters(module, args)

    @_calmly
    def _leaves(self, module: Any, args: Any, output: Any) -> None:
        self.judging.leaves(module, output)

    def start(self) -> None:
        """Begin to watch this thread."""
        from rushlight.compiler.stance import set_stance  # to watch compiled code there is nothing

        engine.observers.append(self._starts)
        hooks = nn.modules.module
        optimizers: Any = optim.optimizer
        self.handles = [
            hooks.register_module_forward_pre_hook(self._enters),
            hooks.register_module_forward_hook(self._leaves, always_call=True),
            optimizers.register_optimizer_step_pre_hook(self._step_begins),
            optimizers.register_optimizer_step_post_hook(self._step_ends),
        ]
        wrap = self.wrappers.wrap
        wrap(Tensor, "backward", self._backward)
        wrap(api, "backward", self._backward)
        wrap(__import__("rushlight.autograd").autograd, "backward", self._backward)
        self.steps.wrap(wrap)
        self.judging.wrap(wrap)
        self.vain.wrap(wrap)
        self.stance = set_stance("force_eager")
        self.__enter__()

    def stop(self, error: BaseException | None) -> None:
        """End the watch and conclude."""
        self._come_back()
        self.__exit__()
        self.wrappers.undo()
        self.stance.__exit__(None, None, None)
        for handle in self.handles:
            handle.remove()
        engine.observers.remove(self._starts)
        for conclude in (self.numbers, self.steps, self.layers, self.judging, self.vain):
            self._concluded(conclude, error)
        if error is not None:
            self._crashed(error)

    @_calmly
    def _concluded(self, side: Any, error: BaseException | None) -> None:
        side.conclude(error)

    @_calmly
    def _crashed(self, error: BaseException) -> None:
        crashes.explain(self, error)


def _behind(roots: Sequence[Any]) -> tuple[list[Node], list[TensorBase]]:
    """The nodes and leaves behind roots."""
    stack = [root._node_ for root in roots if root._node_ is not None]
    seen, leaves = set(stack), {}
    while stack:
        for edge in stack.pop()._edges:
            if edge is None or edge in seen:
                continue
            if isinstance(edge, Node):
                seen.add(edge)
                stack.append(edge)
            else:
                leaves[id(edge)] = edge
    return list(seen), list(leaves.values())


class watch:
    """Watches what this thread trains in a block; gives the report, which is complete at its end.

    show: print the report at the end of the block. Nothing of the run changes: values, random numbers
    and exceptions are the same; compiled functions run eagerly. Only the thread that enters is watched.
    """

    def __init__(self, *, show: bool = False) -> None:
        self.show = show
        self.report = Report()

    def __enter__(self) -> Report:
        self.doctor = Doctor(self.report)
        self.doctor.start()
        return self.report

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.doctor.stop(error)
        if self.show and os.getpid() == self.doctor.process:
            self.report.show()
