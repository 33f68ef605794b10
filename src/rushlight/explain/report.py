"""What `rushlight explain` says of a subject, as lines for a terminal."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from rushlight.core.row import Primitive
from rushlight.explain import examples
from rushlight.explain.examples import Example, Used
from rushlight.explain.lines import inset, own_source, section, wrapped
from rushlight.explain.subjects import (
    ATTRIBUTE,
    CLASS,
    MODULE,
    NAMESPACE,
    OPERATION,
    OPTIMIZER,
    ROW,
    SCHEDULE,
    Subject,
    can_be_tried,
    source_of,
)
from rushlight.explain.training import optimizer, schedule
from rushlight.explain.typeset import typeset
from rushlight.explain.why import why
from rushlight.visual.formulas import formula

# Rows that only make room, types and order for the others.
_SETTING = {"view", "structural", "move"}


def explained(what: Subject, *, c: bool = False) -> Iterator[str]:
    """The lines of an explanation; with c all of the C."""
    yield from _head(what)
    if what.kind == OPTIMIZER:
        yield from optimizer(what)
    elif what.kind == SCHEDULE:
        yield from schedule(what)
    elif what.kind in (CLASS, ATTRIBUTE):
        yield from _written(what)
    elif what.kind == NAMESPACE:
        yield from section("what is in it")
        listed = getattr(what.value, "__all__", None) or dir(what.value)
        yield from wrapped("  ".join(sorted(name for name in listed if name[0] != "_")))
    elif what.kind == ROW:
        yield from _row(what.value, None)
        yield from _sources(what.value)
    else:
        yield from _computed(what, c)


def _head(what: Subject) -> Iterator[str]:
    kind = (
        "a row of the table"
        if what.kind == ROW
        else f"{'an' if what.kind[0] in 'aeiou' else 'a'} {what.kind}"
    )
    yield f"{what.name}: {kind}"
    if what.names:
        yield from wrapped("in torch: " + "  ".join(what.names))
    doc = "" if what.kind == ROW else inspect.getdoc(what.value) or ""
    text, _, _ = doc.partition(">>>")
    if text.strip():
        yield ""
        yield from wrapped(text.strip())


def _written(what: Subject) -> Iterator[str]:
    """The example in a docstring."""
    _, mark, example = (inspect.getdoc(what.value) or "").partition(">>>")
    if mark:
        yield from section("example")
        yield from (f"    {line}" for line in (mark + example).rstrip().splitlines())


def _formulas(row: Primitive) -> Iterator[str]:
    found = formula(row)
    yield from section(f"formula of {row.name}")
    yield from inset(typeset(found.definition))
    if row.vjp is not None and found.derivatives:
        yield from section("derivative (g is ∂L/∂ of the output, L whatever is minimised)")
        for equations in found.derivatives.values():
            for number, equation in enumerate(equations):
                if number:
                    yield "    with"
                yield from inset(typeset(equation))
            yield ""
    reason = why(row)
    if reason:
        yield from section("why")
        yield from wrapped(reason)
    if held := kept(row):
        yield from wrapped(held)


def kept(row: Primitive) -> str:
    """What the rules keep until backward, which their parameters say, as a sentence."""
    if row.vjp is None:
        return ""
    rules = row.vjp if isinstance(row.vjp, tuple) else (row.vjp,)
    names: list[str] = []
    for rule in rules:
        if rule is not None:
            names += list(inspect.signature(rule).parameters)[1:]
    tensors = dict.fromkeys(
        n for n in names if n in row.inputs or (n.startswith("out") and "shape" not in n)
    )
    held = dict.fromkeys("the output" if name.startswith("out") else name for name in tensors)
    return f"Until backward it keeps {' and '.join(held) if held else 'no tensor'}."


def _row(row: Primitive, example: Example | None) -> Iterator[str]:
    yield from _formulas(row)
    yield from section("shapes and types")
    samples = [s for s in row.samples()][:3]
    for sample in samples:
        shapes = ", ".join(str(list(getattr(a, "shape", ()))) for a in sample.arrays)
        settings = "".join(f", {k}={v!r}" for k, v in sample.static.items())
        try:
            out = row.rule(*sample.arrays, **sample.static)
        except Exception:
            continue
        outs = out if isinstance(out, list) else [out]
        yield f"    {shapes}{settings[:60]} → {', '.join(str(list(shape)) for shape, _ in outs)}"


def _sources(row: Primitive) -> Iterator[str]:
    shown: set[tuple[str, int]] = set()
    rules = row.vjp if isinstance(row.vjp, tuple) else (row.vjp,)
    for title, functions in (
        ("in NumPy", (row.forward,)),
        ("its derivative, in operations", rules),
    ):
        for function in functions:
            if function is None:
                continue
            try:
                file, line, text = source_of(function)
            except (OSError, TypeError):
                continue
            if (file, line) in shown:
                continue
            shown.add((file, line))
            yield from section(f"{title}: {file}:{line}")
            yield from inset(text)


# ---- operations and modules ------------------------------------------------------------------------


def _computed(what: Subject, c: bool) -> Iterator[str]:
    made = ""
    example = None
    if what.kind == MODULE:
        found = examples.module(what.value)
        if found is not None:
            made, example = found
    elif can_be_tried(what.value):
        call = "torch.Tensor." if what.names and what.names[0].startswith("torch.Tensor.") else ""
        short = what.names[0] if what.names else f"torch.{what.name}"
        example = examples.operation(what.name, what.value, call + what.name if call else short)
    if example is None:
        yield from own_source(what)
        return
    used = [u.row for u in example.rows]
    main = _main(example.rows, what.name)
    yield from _made_of(what, used, main)
    if main is not None:
        yield from _row(main.row, example)
    if what.kind == OPERATION:
        yield from _types(what, example)
    yield from _shown(example, made)
    if main is not None:
        yield from _sources(main.row)
    if what.kind == OPERATION:
        yield from _compiled(what, example, c)


def _main(used: list[Used], name: str) -> Used | None:
    """The row that matters: that of the name, else the last that is no setting, the last at all if all are."""
    named = [u for u in used if u.row.name == name.lower()]
    if named:
        return named[-1]
    real = [u for u in used if u.row.family not in _SETTING and u.row.vjp is not None]
    found = real or used
    return found[-1] if found else None


def _made_of(what: Subject, used: list[Primitive], main: Used | None) -> Iterator[str]:
    yield from section("what it is here")
    names = [row.name for row in used]
    if not names:
        yield "    no row: it computes nothing from tensors, or makes new ones"
    elif len(names) == 1:
        row = used[0]
        try:
            file, line, _ = source_of(row.forward)
            where = f", {file}:{line}"
        except (OSError, TypeError):
            where = ", computed by NumPy's own function"
        yield f"    one row of the table: {row.name} ({row.family}){where}"
    else:
        counts = [f"{name} ({names.count(name)})" for name in dict.fromkeys(names)]
        order = f"in this order: {' → '.join(names)}" if len(names) <= 24 else ", ".join(counts)
        yield from wrapped(f"a composite of {len(names)} rows, {order}", 4)
        yield from wrapped("It has no derivative of its own: that of the rows is chained.", 4)


_ASKED = ("float16", "bfloat16", "float32", "float64", "complex64", "int64", "bool")


def _types(what: Subject, example: Example) -> Iterator[str]:
    """Which types the operands of the example may have, and what comes out."""
    import rushlight as torch

    taken: dict[str, list[str]] = {}
    floats = [name for name, text in example.operands.items() if "." in text.partition("(")[2]]
    if not floats:
        return
    for name in _ASKED:
        dtype = getattr(torch, name)
        cast = {n: eval(OP[n], {"torch": torch}).to(dtype) for n in floats}
        trial = examples.attempt(_with_function(example.call), {"_f": what.value, **cast})
        if trial is not None:
            first: Any = trial.result[0] if isinstance(trial.result, tuple | list) else trial.result
            result = str(first.dtype).removeprefix("torch.").removeprefix("rushlight.")
            taken.setdefault("same" if result == name else result, []).append(name)
    same = taken.pop("same", [])
    parts = [", ".join(same)] if same else []
    parts += [f"{', '.join(given)} → {result}" for result, given in taken.items()]
    yield f"    takes {'; '.join(parts)}"


OP = examples.OPERANDS


def _with_function(call: str) -> str:
    return "_f" + call[call.index("(") :]


def _shown(example: Example, made: str) -> Iterator[str]:
    """The example as it would be typed, and what comes out, gradient included."""
    import rushlight as torch

    yield from section("example")
    first = example.result[0] if isinstance(example.result, tuple | list) else example.result
    wants = first.requires_grad
    for name, text in example.operands.items():
        floats = "." in text.partition("(")[2] and text != "torch.tensor([True, False, True])"
        grad = (
            f"{text[:-1]}, requires_grad=True)"
            if text.endswith("])") and floats and wants
            else text
        )
        if floats and wants and not text.endswith("])"):
            grad = f"{text}.requires_grad_()"
        yield f"    >>> {name} = {grad}"
    if made:
        yield f"    >>> module = torch.nn.{made}"
    yield f"    >>> out = {example.call}"
    yield f"    >>> {'out[0]' if first is not example.result else 'out'}"
    yield from inset(repr(first.detach()))
    if not wants:
        return
    leaves = _leaves(first)
    if not leaves:
        return
    plain = not 1 < first.numel() <= 12
    try:
        seeds = torch.ones_like(first) if plain else _seeds(first)
        first.backward(seeds)
    except (RuntimeError, NotImplementedError) as error:
        yield from section("no derivative")
        yield from wrapped(str(error), 4)
        return
    out = "out[0]" if first is not example.result else "out"
    typed = f"ones_like({out})" if plain else " ".join(repr(seeds).split())
    yield f"    >>> {out}.backward(torch.{typed})"
    named = {id(v): n for n, v in _named(example)}
    for leaf in leaves[:3]:
        if leaf.grad is not None:
            yield f"    >>> {named.get(id(leaf), 'x')}.grad"
            yield from inset(repr(leaf.grad))


def _seeds(tensor: Any) -> Any:
    """Gradients that tell the outputs apart: 1, 2, 3 and so on."""
    import rushlight as torch

    count = tensor.numel()
    return (
        torch.arange(1.0, count + 1.0, dtype=torch.float32).reshape(tensor.shape).to(tensor.dtype)
    )


def _leaves(result: Any) -> list[Any]:
    """The leaves behind a result."""
    if result.grad_fn is None:
        return []
    stack, seen, found = [result.grad_fn], {}, []
    while stack:
        node = stack.pop()
        if node is None or id(node) in seen:
            continue
        seen[id(node)] = (
            node  # Kept: one that is made when asked for leaves its number to the next.
        )
        variable = getattr(node, "variable", None)
        if variable is not None:
            found.append(variable)
        else:
            stack += [edge for edge, _ in reversed(node.next_functions)]
    return found


def _named(example: Example) -> Iterator[tuple[str, Any]]:
    """Which leaf goes by which name: told by the values, as operands differ."""
    names = iter(example.operands)
    own = {} if example.module is None else {id(p): n for n, p in example.module.named_parameters()}
    for leaf in _leaves(
        example.result[0] if isinstance(example.result, tuple | list) else example.result
    ):
        if id(leaf) in own:
            path = own[id(leaf)]
            by_number = any(part.isdecimal() for part in path.split("."))
            yield f"module.get_parameter({path!r})" if by_number else f"module.{path}", leaf
            continue
        for name in names:
            if _same(name, leaf):
                yield name, leaf
                break
        else:
            names = iter(example.operands)
            yield next((n for n in example.operands if _same(n, leaf)), "x"), leaf


def _same(name: str, leaf: Any) -> bool:
    import rushlight as torch

    value = eval(OP[name], {"torch": torch})
    return bool(value.shape == leaf._data_.shape and torch.equal(value, leaf.detach()))


def _compiled(what: Subject, example: Example, c: bool) -> Iterator[str]:
    """The C that `rushlight.compile` writes for the example."""
    from rushlight.compiler.build import NoCompiler, compiler
    from rushlight.compiler.compile import compile as compiled

    yield from section("the C of rushlight.compile, for these sizes")
    try:
        compiler()
    except NoCompiler as error:
        yield from wrapped(f"none: {error}")
        return
    names = list(example.operands)
    space: dict[str, Any] = {"_f": what.value}
    exec(
        f"def call({', '.join(names)}):\n    return {_with_function(example.call)}",
        space | {"torch": _torch()},
        space,
    )
    given = [eval(OP[name], {"torch": _torch()}) for name in names]
    space["call"].__globals__.update(space)
    function = compiled(space["call"])
    try:
        function(*given)
        text = function.source
    except Exception as error:
        yield from wrapped(f"none, it stays with NumPy: {str(error).rpartition('NoC: ')[2]}")
        return
    # What is written for this program stands behind what all programs share.
    own = re.search(r"\n/\* [^\n]*:\d+ [^\n]*\*/\n|\nint run_", text)
    if own is None and not c:
        yield from wrapped("none: there is nothing to compute from tensors", 4)
        return
    lines = (
        text if c or own is None else text[own.end() if own[0][1] == "/" else own.start() :]
    ).strip()
    shown = lines.splitlines()
    yield from inset("\n".join(shown if c else shown[:36]))
    if not c and own is not None:
        yield f"    (--c shows all {len(text.splitlines())} lines)"


def _torch() -> Any:
    import rushlight

    return rushlight
