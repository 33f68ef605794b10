"""What was written down, as the `fx.GraphModule` that torch hands to backends."""

from __future__ import annotations

import linecache
import operator
from typing import Any

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.compiler.graphs.sources import placeholder
from rushlight.compiler.graphs.symbols import Real, Term, Whole, example
from rushlight.compiler.graphs.tracing import Tracing
from rushlight.compiler.graphs.written import Call, Value, plain
from rushlight.core.tensor import wrap
from rushlight.fx._lazy_graph_module import _LazyGraphModule
from rushlight.fx.graph import Graph
from rushlight.fx.node import Node
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter
from rushlight.ops.creation import tensor as new_tensor
from rushlight.outline import outlined


class Building:
    """The graph of one piece of a function.

    names: the sources of input tensors by their number; symbols: the numbers that may be arguments, and
    arguments: the sources of those that are arguments of the function. `fetch` says afterwards where the
    arguments of the graph come from, each an index of an input or the name of a symbol.
    """

    def __init__(
        self,
        tracing: Tracing,
        outs: list[Value],
        names: dict[int, str],
        symbols: set[str],
        arguments: dict[str, str],
    ) -> None:
        self.tracing, self.names, self.symbols, self.arguments = tracing, names, symbols, arguments
        self.graph = Graph()
        self.nodes: dict[int, Node] = {}
        self.terms: dict[str, Node] = {}
        self.fetch: list[Any] = []
        # What the backend is shown of each argument.
        self.examples: list[Any] = []
        self.numbers = {v.number: i for i, v in enumerate(tracing.inputs)}
        self._placeholders()
        for call in tracing.calls:
            self._call(call)
        self._leave_out(outs)
        self.graph.output(tuple(self.nodes[v.number] for v in outs))
        self.module = _LazyGraphModule(Module(), self.graph, "GraphModule")
        self.module.meta = {
            "backend_id": 0,
            "dynamo_compile_id": "0/0",
            "dynamo_flat_name_to_original_fqn": {},
        }

    # ---- what comes in ---------------------------------------------------------------------------

    def _placeholders(self) -> None:
        used = _used(self.tracing.calls)
        wanted = _symbols(self.tracing.calls) & self.symbols
        for value in self._in_order():
            sizes = self.tracing.sized.get(id(value.tensor)) or ()
            shown = value.number in used
            for name in sizes:
                if name in self.symbols and name not in self.terms and (shown or name in wanted):
                    node = self.graph.create_node("placeholder", name, type_expr=None)
                    shown_size = example(self.tracing.symbols[name], name)
                    node.meta["example_value"] = shown_size
                    self.terms[name] = node
                    self._fetched(name, shown_size)
            if shown:
                self._tensor(value)
        for name in self.arguments:
            if name in wanted and name not in self.terms:
                self._number(name)

    def _in_order(self) -> list[Value]:
        """Inputs as torch meets them: of those new in one call, what modules have comes first."""

        def key(value: Value) -> tuple[int, bool, int]:
            source = self.names.get(value.number) or ""
            kept = "._parameters[" in source or "._buffers[" in source
            return value.group, not kept, value.number

        return sorted(self.tracing.inputs, key=key)

    def _tensor(self, value: Value) -> None:
        source = self.names.get(value.number) or f"L['tensor{value.number}']"
        kind = Parameter if isinstance(value.tensor, Parameter) else Tensor
        node = self.graph.create_node("placeholder", placeholder(source), type_expr=kind)
        node.meta["example_value"] = wrap(
            outlined(value.tensor._data_), value.tensor._requires_grad_
        )
        self.nodes[value.number] = node
        self._fetched(self.numbers[value.number], value.tensor)

    def _fetched(self, what: Any, shown: Any) -> None:
        self.fetch.append(what)
        self.examples.append(shown)

    def _number(self, name: str) -> None:
        value = self.tracing.symbols[name]
        node = self.graph.create_node("placeholder", placeholder(self.arguments[name]))
        shown: Any = example(value, name) if isinstance(value, int) else None
        if shown is None:
            shown = new_tensor(value, dtype=dtypes.float64)
        node.meta["example_value"] = shown
        self._fetched(name, shown)
        if isinstance(value, float):
            node = self.graph.create_node("call_method", "item", (node,))
        self.terms[name] = node

    # ---- what is done ------------------------------------------------------------------------------

    def _call(self, call: Call) -> None:
        args, kwargs = self._argument(call.args), self._argument(call.kwargs)
        node = self.graph.create_node(call.kind, call.target, args, kwargs)
        place, line, function = call.frame
        if place:
            text = linecache.getline(place, line).strip()
            node.meta["stack_trace"] = f'  File "{place}", line {line}, in {function}\n    {text}\n'
        named = call.after.names
        single = len(call.values) == 1 and call.values[0].part is None
        if single:
            self.nodes[call.values[0].number] = node
        elif call.values:
            for value in call.values:
                part = self.graph.create_node("call_function", operator.getitem, (node, value.part))
                part.meta = dict(node.meta)
                self.nodes[value.number] = part
                if call.after.kind == "names" and value.part < len(named):
                    part._rename(named[value.part])
                self._describe(part, value)
        if call.after.kind == "name" and single:
            node._rename(named[0])
        if single:
            self._describe(node, call.values[0])
            if call.target == "item":
                self.terms[f"item {call.values[0].number}"] = node

    def _describe(self, node: Node, value: Value) -> None:
        if value.like is not None:
            node.meta["example_value"] = wrap(*value.like)

    def _argument(self, value: Any) -> Any:
        if isinstance(value, Value):
            return self.nodes[value.number]
        if isinstance(value, Whole | Real):
            return self._term(value.term) if self._follows(value.term) else plain(value)
        if isinstance(value, tuple | list):
            parts = [self._argument(v) for v in value]
            return type(value)(parts) if type(value) in (tuple, list) else tuple(parts)
        if isinstance(value, dict):
            return {k: self._argument(v) for k, v in value.items()}
        if isinstance(value, slice):
            return slice(*map(self._argument, (value.start, value.stop, value.step)))
        return value

    def _follows(self, term: Term) -> bool:
        return all(s in self.symbols or s in self.terms for s in term.symbols())

    def _term(self, term: Term) -> Node:
        if term.operator is None:
            return self.terms[term.name]
        key = repr(_spelled(term))
        if key not in self.terms:
            args = tuple(self._term(a) if isinstance(a, Term) else a for a in term.args)
            self.terms[key] = self.graph.create_node("call_function", term.operator, args)
        return self.terms[key]

    def _leave_out(self, outs: list[Value]) -> None:
        """Leave out the parts of results that nobody uses."""
        kept = {self.nodes[v.number] for v in outs}
        for call in self.tracing.calls:
            for value in call.values:
                node = self.nodes[value.number]
                if value.part is not None and not node.users and node not in kept:
                    self.graph.erase_node(node)


def _spelled(term: Any) -> Any:
    if not isinstance(term, Term):
        return term
    return term.name or (term.operator.__name__, *map(_spelled, term.args))


def _values(given: Any) -> list[int]:
    if isinstance(given, Value):
        return [given.number]
    if isinstance(given, tuple | list):
        return [n for v in given for n in _values(v)]
    if isinstance(given, dict):
        return [n for v in given.values() for n in _values(v)]
    return []


def _used(calls: list[Call]) -> set[int]:
    return {n for call in calls for n in _values((call.args, call.kwargs))}


def _symbols(given: Any) -> set[str]:
    """The symbols in arguments of calls."""
    if isinstance(given, Whole | Real):
        return given.term.symbols()
    if isinstance(given, Call):
        return _symbols((given.args, given.kwargs))
    if isinstance(given, dict):
        given = list(given.values())
    if isinstance(given, slice):
        given = [given.start, given.stop, given.step]
    if isinstance(given, tuple | list):
        return set().union(*map(_symbols, given))
    return set()
