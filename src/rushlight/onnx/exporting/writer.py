"""From the steps of a model to a graph: each step by its line in the tables, in order.

Arrays have names in the graph. A write gives the memory that it writes into another name, and what lies in
the same memory is read anew from there; so nothing in the graph is ever changed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from rushlight.compiler.recording.entries import Operation
from rushlight.core.row import Primitive
from rushlight.core.table import TABLE
from rushlight.core.tensor import Array
from rushlight.onnx.errors import (
    ConversionError,
    OnnxExporterError,
    TorchExportError,
    UnsupportedOperatorError,
)
from rushlight.onnx.exporting.graph import Graph
from rushlight.onnx.exporting.sizes import NoFormula, Sizes, Symbol
from rushlight.onnx.exporting.story import (
    Call,
    Step,
    Story,
    Var,
    Varying,
    chosen,
    constant,
    each,
    varies,
)

# Results of constants larger than this, and than what they are made of, are computed in the graph.
_FOLDED = 1 << 16


class Writer:
    """Writes one story as a graph."""

    def __init__(
        self,
        story: Story,
        graph: Graph,
        symbols: list[Symbol],
        names: dict[int, str],
        recordings: int,
        fold: bool,
        training: bool,
        dynamo: bool,
    ) -> None:
        self.story, self.graph = story, graph
        self.parameters = names
        self.recordings = recordings
        self.fold = fold
        # Batch norm and dropout are written as they train.
        self.training = training
        # With the attributes that torch's newer exporter writes though they are what holds without them.
        self.dynamo = dynamo
        self.step: Step | None = None
        # How torch calls what is written, where a function goes by several names.
        self.called = ""
        self.at = 0
        self.sizes = Sizes(graph, symbols, self.name)
        self.env: dict[int, str] = {}
        # How often the memory of an array was written, and how often when it was last read.
        self.writes: dict[int, int] = {}
        self.fresh: dict[int, int] = {}
        # Results of functions that are left to their rows, by what torch calls them.
        self.names_of: dict[int, str] = {}
        # Results that were made for something else on the way: the last states of an LSTM.
        self.aside: dict[Any, str] = {}

    # ---- arrays ----------------------------------------------------------------------------------

    def argument(self, var: Var, name: str) -> None:
        """An input of the graph."""
        assert_name(name)
        self.env[var.number] = name
        if var.argument is not None:
            self.sizes.inputs[var.argument] = var
        self.sizes.note(var)

    def root(self, var: Var) -> Var:
        """The array in whose memory it lies."""
        while var.base is not None:
            var = var.base
        return var

    def name(self, var: Var) -> str:
        """What it is called in the graph, as it is now."""
        writes = self.writes.get(self.root(var).number, 0)
        known = self.env.get(var.number)
        if known is not None and self.fresh.get(var.number, 0) == writes:
            return known
        if var.base is not None and writes and var.made_by is not None and known is not None:
            # Its memory was written since: it is looked at anew.
            self._write(var.made_by)
            self.fresh[var.number] = writes
            return self.env[var.number]
        if var.array is None:
            raise OnnxExporterError(f"an array that nothing made is used at {self.where}")
        self.env[var.number] = self._constant(var)
        self.fresh[var.number] = writes
        return self.env[var.number]

    def _constant(self, var: Var) -> str:
        if isinstance(var.array, np.ndarray):
            if var.array.dtype.kind == "c":
                return self.graph.constant(np.stack([var.array.real, var.array.imag], -1))
            known = self.parameters.get(id(var.held))
            if known is None and var.made_by is not None:
                # Computed here, of constants: it is called as what computed it.
                known = self.parameters[id(var)] = self.graph.name(shown(var.made_by))
                self.graph.initializers[known] = var.array
                return known
            if known is None:
                return self.graph.constant(var.array)
            if known not in self.graph.initializers:
                self.graph.names.add(known)
                self.graph.initializers[known] = var.array
            return known
        return self._varying_constant(var)

    def _varying_constant(self, var: Var) -> str:
        from rushlight.onnx.exporting.constants import pattern

        return pattern(self, var)

    def put(self, var: Var, name: str) -> None:
        """An array has this name from now on."""
        self.env[var.number] = name
        self.fresh[var.number] = self.writes.get(self.root(var).number, 0)
        self.sizes.note(var)

    def operand(self, x: Any, dtype: Any) -> str | None:
        """The name of an operand in a type: an array, a number, or a number that varies; None stays None."""
        if x is None:
            return None
        dtype = np.dtype(dtype)
        if isinstance(x, Var):
            if x.dtype == dtype and not x.weak:
                return self.name(x)
            known = constant(x) if self.fold and x.number not in self.env else None
            if known is not None and known.size <= _FOLDED:
                return self.graph.constant(known.astype(dtype))
            return self.graph.cast(self.name(x), dtype)
        if isinstance(x, Varying):
            return self.sizes.scalar(x, dtype)
        return self.graph.number(x, dtype)

    def known(self, x: Any) -> Array | None:
        """The elements of an operand that depends on nothing, or None."""
        return constant(x) if isinstance(x, Var) else None

    def each(self, function: Any, *things: Any) -> Any:
        """function of what things are in each recording."""
        return each(function, self.recordings, *things)

    def fixed(self, thing: Any, what: str) -> Any:
        """thing, which must not vary with the sizes that are open."""
        if varies(thing):
            self.refuse(f"{what} depends on a size that is to be open: let it be fixed")
        return thing

    # ---- errors ----------------------------------------------------------------------------------

    @property
    def where(self) -> str:
        """The user's line that is being written."""
        return "the results" if self.step is None else self.step.where

    def refuse(self, why: str) -> NoReturn:
        """Raise: this cannot be written."""
        name = "" if self.step is None else f" '{self.step.name}'"
        raise (ConversionError if self.dynamo else OnnxExporterError)(
            f"the operation{name} cannot be written as ONNX: {why}, at {self.where}"
        )

    # ---- steps -----------------------------------------------------------------------------------

    def write(self) -> None:
        """Write all steps."""
        steps, begun = self.story.steps, self._calls()
        self.at = 0
        while self.at < len(steps):
            for call in begun.get(self.at, ()):
                if self._write_call(call):
                    self.at = call.end
                    break
            else:
                self._step(steps[self.at])
                self.at += 1

    def _calls(self) -> dict[int, list[Call]]:
        begun: dict[int, list[Call]] = {}
        for call in self.story.calls:
            begun.setdefault(call.begin, []).append(call)
        for calls in begun.values():
            calls.sort(key=lambda c: -c.end)
        return begun

    def _write_call(self, call: Call) -> bool:
        from rushlight.onnx.exporting.composites import COMPOSITES

        inside = self.story.steps[call.begin : call.end]
        wanted = {out.number for out in call.outs}
        for step in inside:
            for out in step.outs:
                if out.number not in wanted and self.story.last_use.get(out.number, -1) >= call.end:
                    return False
        if all(self._folds(step, inside) for step in inside):
            return False
        self.step, self.called = inside[0], ""
        before = len(self.graph.nodes)
        try:
            names = COMPOSITES[call.name](self, **call.args)
        except NoFormula as error:
            raise self._unknown_size(error) from None
        if names is None:
            self.graph.cut(before)
            if self.called:
                self.names_of.update((out.number, self.called) for out in call.outs)
            return False
        names = (names,) if isinstance(names, str) else names
        for out, name in zip(call.outs, names, strict=True):
            out.array = None
            self._named(out, name, self.called or call.name.rpartition(".")[2])
        return True

    def _folds(self, step: Step, inside: Sequence[Step]) -> bool:
        """Whether a step computes with nothing but constants."""
        made = {out.number for s in inside for out in s.outs}
        return (self.fold and step.kind != "call") and all(
            not isinstance(x, Var) or x.number in made or constant(x) is not None
            for x in step.inputs
        )

    def _step(self, step: Step) -> None:
        self.step = step
        if step.kind in ("seen", "perform", "other", "call"):
            self._looked(step)
            return
        if step.kind == "row" and self._folded(step):
            return
        self._write(step)

    def _write(self, step: Step) -> None:
        from rushlight.onnx.exporting import python, writes
        from rushlight.onnx.exporting.complexes import COMPLEX, is_complex
        from rushlight.onnx.exporting.tables import ROWS

        before_step, self.step = self.step, step
        try:
            if step.kind == "write":
                writes.write(self, step)
            elif step.kind in ("look", "python"):
                python.write(self, step)
            elif step.kind == "draw":
                python.draw(self, step)
            else:
                table = COMPLEX if any(map(is_complex, (*step.inputs, *step.outs))) else ROWS
                translate = table.get("conj_physical" if step.kind == "turn" else step.name)
                if translate is None:
                    raise self._unsupported(step)
                names = translate(self, step)
                names = (names,) if isinstance(names, str) else names
                for out, name in zip(step.outs, names, strict=False):
                    if name is not None:
                        self._named(out, name, self.names_of.get(out.number, shown(step)))
        except NoFormula as error:
            raise self._unknown_size(error) from None
        except TypeError as error:
            if "Varying" not in str(error) and not varies((step.static, step.inputs)):
                raise
            self.refuse("a parameter depends on a size that is to be open")
        finally:
            self.step = before_step

    def _named(self, out: Var, name: str, wanted: str) -> None:
        """Give a result the name of its operation, if a node made it just now."""
        if (
            name in self.graph.made
            and name.startswith("val_")
            and name not in self.sizes.written.values()
        ):
            new = self.graph.name(wanted)
            self.graph.rename(name, new)
            for key, known in self.aside.items():
                if known == name:
                    self.aside[key] = new
            name = new
        self.put(out, name)

    def _folded(self, step: Step) -> bool:
        """Compute what is made of constants alone, once and for all."""
        entry = step.entry
        if not self.fold or not isinstance(entry, Operation) or entry.moving:
            return False
        arrays = [constant(x) if isinstance(x, Var) else x for x in step.inputs]
        given = [a for a, x in zip(arrays, step.inputs, strict=True) if isinstance(x, Var)]
        if not given or any(a is None for a in given) or varies((step.static, step.inputs)):
            return False
        if any(self.root(out).written or varies(out.shape) for out in step.outs):
            return False
        size = sum(math.prod(chosen(out.shape, 0)) for out in step.outs)
        if size > _FOLDED and size > sum(a.size for a in given if a is not None):
            return False
        slots: list[Any] = [None] * (1 + max(v.index for v in (*entry.reads(), *entry.outs)))
        for value, array in zip(entry.reads(), given, strict=True):
            slots[value.index] = array
        entry.run(slots)
        for out, value in zip(step.outs, entry.outs, strict=True):
            out.array = np.array(slots[value.index])
            out.base = None
        return True

    def _looked(self, step: Step) -> None:
        if step.kind == "call":
            self.refuse(f"{step.name} does other things at one size than at another")
        if step.kind == "perform":
            self.refuse("Python code that runs anew at each call cannot be in a graph")
        found = getattr(step.entry, "why", "")
        raise TorchExportError(
            f"the model looks at the values of a tensor, {found}, at {step.where}: a graph holds one way alone. "
            "Say it with tensors (torch.where in the place of if)"
        )

    def _unsupported(self, step: Step) -> OnnxExporterError:
        error = UnsupportedOperatorError(
            step.name,
            self.graph.opset,
            more=f", at {step.where}: ONNX has no operator for it. Compute it outside of the model, or write it "
            "with operations that ONNX has",
        )
        return ConversionError(str(error)) if self.dynamo else error

    def _unknown_size(self, error: NoFormula) -> OnnxExporterError:
        name = "" if self.step is None else f" in '{self.step.name}'"
        sizes = ", ".join(f"{s.name} = {list(s.values)}" for s in self.sizes.symbols)
        return OnnxExporterError(
            f"a number{name} was {list(error.args[0])} at the sizes {sizes}, and no formula is known for it, at "
            f"{self.where}: compute it from x.shape of a tensor that is there, or let that size be fixed"
        )


# How torch calls what a row computes, where the names differ.
SHOWN = {
    "convolution": "conv2d", "convolution_transpose": "convolution", "normalize": "layer_norm", "sum": "sum_1",
    "pow": "pow_1", "max_pool_from": "max_pool2d", "amax": "amax", "round": "round_1", "reshape": "view",
    "slice": "slice_1", "convert": "_to_copy", "div": "div", "lstm": "getitem", "gru": "getitem",
    "all": "all_1", "any": "any_1", "abs": "abs_1", "split": "getitem", "hardtanh": "hardtanh",
    "floor_division": "floor_divide",
    "trunc_divide": "div", "top": "getitem_1", "order": "getitem_1", "gather": "gather",
}  # fmt: skip


def shown(step: Step) -> str:
    """How torch calls what a row computes."""
    if step.name == "slice" and any(isinstance(p, int) for p in step.static["index"]):
        return "select"
    if step.name == "triangle":
        return "triu" if step.static["upper"] else "tril"
    return SHOWN.get(step.name, step.name)


def assert_name(name: str) -> None:
    """Raise if a name cannot be one of a graph."""
    if not isinstance(name, str) or not name:
        raise ValueError(f"a name in a graph is a text that is not empty, not {name!r}")


def promoted(step: Step) -> list[np.dtype[Any]]:
    """The types in which a row computes with its inputs."""
    row: Primitive = TABLE[step.name]
    stand_ins = [
        np.ones((1,) * x.rank, x.dtype) if isinstance(x, Var) and not x.weak else _number(x)
        for x in step.inputs
    ]
    given = stand_ins if row.promote is None else row.promote(list(stand_ins))
    arrays = [a.dtype for a in given if isinstance(a, np.ndarray | np.generic)]
    common = arrays[0] if arrays else np.dtype(np.float32)
    for dtype in arrays[1:]:
        common = dtype if dtype == common else np.promote_types(common, dtype)
    return [a.dtype if isinstance(a, np.ndarray) else common for a in given]


def _number(x: Any) -> Any:
    if isinstance(x, Var):
        return x.dtype.type(1).item()
    return x.values[0] if isinstance(x, Varying) else x
