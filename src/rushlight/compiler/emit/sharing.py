"""Work shared out among threads: calls of functions that take a range.

A function that takes (..., begin, end) is given all of its range in one call, or, where that takes long
enough to wake somebody, by way of the pool: `parallel` is handed a function of the context alone, which
is written here, and the arguments in a struct. What adds up over its range is given parts of it, each
with memory of its own, and these are added at the end.
"""

from __future__ import annotations

from dataclasses import dataclass

# Nanoseconds of work that are worth another thread.
WORTH = 20_000


@dataclass(frozen=True)
class Argument:
    """What a function is given besides its range: its type and its text."""

    type: str
    text: str


def call_of(name: str, arguments: list[Argument], begin: str, end: str, first: bool) -> str:
    """A call; `first`: the range comes before the rest."""
    given = [a.text for a in arguments]
    return f"{name}({', '.join([begin, end, *given] if first else [*given, begin, end])})"


def _struct(name: str, arguments: list[Argument]) -> list[str]:
    fields = [f"    {a.type} x{at};" for at, a in enumerate(arguments)]
    return ["typedef struct {", *fields, f"}} {name}_given;"]


def _fields(arguments: list[Argument]) -> list[Argument]:
    return [Argument(a.type, f"x->x{at}") for at, a in enumerate(arguments)]


def _handed(name: str, work: str, arguments: list[Argument], count: int, grain: int) -> str:
    given = ", ".join(a.text for a in arguments)
    return f"{{ {name}_given x = {{{given}}}; parallel({work}, &x, {count}, {grain}); }}"


def shared(
    name: str, arguments: list[Argument], count: int, grain: int, first: bool
) -> tuple[str, str]:
    """The text of what the pool calls, and the call."""
    work = f"{name}_share"
    text = [
        *_struct(name, arguments),
        f"static void {work}(void *context, long begin, long end) {{",
        f"    const {name}_given *const x = context;",
        f"    {call_of(name, _fields(arguments), 'begin', 'end', first)};",
        "}",
        "",
    ]
    return "\n".join(text), _handed(name, work, arguments, count, grain)


def in_parts(
    name: str, arguments: list[Argument], count: int, parts: int, sums: dict[int, int], first: bool
) -> tuple[str, str]:
    """The same for what adds up: each part has its own memory; sums: by argument, the size of a part."""
    work = f"{name}_parts"
    own = [
        Argument(a.type, f"{a.text} + part * {sums[at]}" if at in sums else a.text)
        for at, a in enumerate(_fields(arguments))
    ]
    bounds = f"part * {count} / {parts}", f"(part + 1) * {count} / {parts}"
    text = [
        *_struct(name, arguments),
        f"static void {work}(void *context, long begin, long end) {{",
        f"    const {name}_given *const x = context;",
        "    for (long part = begin; part < end; part++)",
        f"        {call_of(name, own, *bounds, first)};",
        "}",
        "",
    ]
    return "\n".join(text), _handed(name, work, arguments, parts, 1)


def in_depth(
    name: str, arguments: list[Argument], count: int, steps: list[int], parts: int
) -> tuple[str, str]:
    """The same for parts of the inner dimension: of each argument, how far the next part is.

    The last argument is what is made; the first part is where it belongs, the others begin behind an
    argument more.
    """
    work = f"{name}_deep"
    fields = _fields(arguments)
    own = [
        Argument(a.type, f"{a.text} + part * {step}")
        for a, step in zip(fields, steps, strict=False)
    ]
    c, more = fields[-2:]
    own[-1] = Argument(c.type, f"(part ? {more.text} + (part - 1) * {steps[-1]} : {c.text})")
    text = [
        *_struct(work, arguments),
        f"static void {work}(void *context, long begin, long end) {{",
        f"    const {work}_given *const x = context;",
        "    for (long part = begin; part < end; part++)",
        f"        {call_of(name, own, '0', str(count), False)};",
        "}",
        "",
    ]
    return "\n".join(text), _handed(work, work, arguments, parts, 1)


def added_to(type_: str, size: int, parts: int) -> tuple[str, str]:
    """A function that adds parts to what there is: `(begin, end, parts, out)`; its name and text."""
    name = f"added_to_{type_}_{size}_{parts}"
    text = f"""/* Added to by {parts} parts. */
static void {name}(long begin, long end, const {type_} *restrict from, {type_} *restrict to) {{
    for (long part = 0; part < {parts}; part++)
        for (long i = begin; i < end; i++) to[i] += from[part * {size} + i];
}}
"""
    return name, text


def of_all(name: str, body: list[str]) -> str:
    """The text of what the pool calls for a part of all that a run does: with its pointers and numbers."""
    return "\n".join(
        [
            f"static void {name}(void *context, long begin, long end) {{",
            "    void *const *const p = ((void *const *const *)context)[0];",
            "    double *const n = ((double *const *)context)[1];",
            "    for (long part = begin; part < end; part++) {",
            *(f"        {line}" for line in body),
            "    }",
            "    (void)n;",
            "}",
            "",
        ]
    )


def added(type_: str, size: int, parts: int) -> tuple[str, str]:
    """A function that adds parts up: `(parts, out)`; its name and text."""
    name = f"added_{type_}_{size}_{parts}"
    text = f"""/* The sums of {parts} parts. */
static void {name}(const {type_} *restrict from, {type_} *restrict to) {{
    for (long i = 0; i < {size}; i++) {{
        {type_} sum = from[i];
        for (long part = 1; part < {parts}; part++) sum += from[part * {size} + i];
        to[i] = sum;
    }}
}}
"""
    return name, text
