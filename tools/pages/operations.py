"""A page for each family of the table: formula, derivative, why, what is kept, and the code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import rushlight  # noqa: F401
from rushlight.core.row import Primitive
from rushlight.core.table import TABLE
from rushlight.explain.examples import operation
from rushlight.explain.report import kept
from rushlight.explain.subjects import (
    OPERATION,
    UnknownNameError,
    can_be_tried,
    source_of,
    subject,
)
from rushlight.explain.why import why
from rushlight.visual.formulas import formula

FAMILIES = {
    "unary": ("One input, element by element", "Each element for itself, so that the derivative is a number for each."),
    "binary": ("Two inputs, element by element", "The inputs broadcast; the engine sums each gradient back to the shape "
               "of its input, so that no rule below says a word about it."),
    "ternary": ("Three inputs, element by element", "They broadcast, as those of two inputs."),
    "reduce": ("Sums, means, extremes", "Many elements become one; the way back spreads the gradient over them."),
    "contract": ("Products of matrices", "The work of a network: an element of the result is a row times a column."),
    "normalize": ("Softmax and normalisation", "Every output depends on every input along the dimensions that are normalised."),
    "loss": ("Losses", "Classes, and sequences without alignment. Losses that are made of other rows, as `mse_loss`, have none of their own."),
    "convolution": ("Convolutions", "One row for each direction: forward, towards the input, and towards the weight, each "
                    "the derivative of the others."),
    "pooling": ("Pooling and windows", "What windows that slide over an image see."),
    "recurrent": ("Recurrent layers", "Whole sequences in one row; backward walks through the steps from the last to the first."),
    "scan": ("Running sums and products", "An element is in all results after it, so gradients gather from the end."),
    "sort": ("Sorting and searching", "The order is found without a derivative; values take the way of their places."),
    "index": ("Indexing, gathering, scattering", "What was read from a place gets its gradient from there."),
    "join": ("Joining", "Each part gets its part of the gradient."),
    "view": ("Views", "The result lies in the memory of the input: no element is touched."),
    "move": ("Moving elements", "New memory, the same elements at other places."),
    "factor": ("Linear algebra", "Factorisations and what is solved with them; their rules differentiate the equations that "
               "the factors obey."),
    "fourier": ("Fourier transforms", "Linear maps: the gradient is the transform turned over."),
    "structural": ("For the tape", "They compute nothing; they tell the tape what depends on what."),
}  # fmt: skip


# The first page of a folder is called index, too.
_FILES = {"index": "indexing"}


def write_all(folder: Path) -> None:
    """Write the pages into a folder; files that would not change are left alone."""
    folder.mkdir(exist_ok=True)
    families = {name: [r for r in TABLE.values() if r.family == name] for name in FAMILIES}
    missing = {row.family for row in TABLE.values()} - set(FAMILIES)
    if missing:
        raise ValueError(f"families without a title in tools/pages/operations.py: {missing}")
    _write(folder / "index.md", _index(families))
    for name, rows in families.items():
        _write(folder / f"{_FILES.get(name, name)}.md", _page(name, rows))


def _write(path: Path, lines: Iterator[str]) -> None:
    text = "\n".join(lines) + "\n"
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def _index(families: dict[str, list[Primitive]]) -> Iterator[str]:
    yield "# Operations"
    yield ""
    yield (
        f"The table has {len(TABLE)} rows. Everything else in `torch`, and there are some 2,000 names, is made of them and "
        "has no derivative of its own. A row is a forward in NumPy and a rule for the way back, written in operations "
        "again; the formulas on these pages are read off both, so they cannot say anything else than the code does. "
        "In a terminal: `rushlight explain softmax`."
    )
    yield ""
    yield "In the formulas $g$ is the gradient that comes in, $\\partial L / \\partial y$, and $L$ is whatever is minimised."
    yield ""
    yield "| | rows |"
    yield "|---|---|"
    for name, rows in families.items():
        links = " ".join(f"[{row.name}](row-{row.name})" for row in rows)
        yield f"| [{FAMILIES[name][0]}]({_FILES.get(name, name)}.md) | {links} |"
    yield ""
    yield "```{toctree}\n:hidden:\n"
    yield from (_FILES.get(name, name) for name in families)
    yield "```"


def _page(name: str, rows: list[Primitive]) -> Iterator[str]:
    title, told = FAMILIES[name]
    yield f"# {title}"
    yield ""
    yield told
    for row in rows:
        yield from _row(row)


def _row(row: Primitive) -> Iterator[str]:
    yield ""
    yield f"(row-{row.name})="
    yield f"## {row.name}"
    yield ""
    names = _names(row)
    if names:
        yield " · ".join(f"`{name}`" for name in names)
        yield ""
    found = formula(row)
    yield from _display(found.definition)
    if row.vjp is not None:
        for equations in found.derivatives.values():
            for equation in equations:
                yield from _display(equation)
    yield ""
    reason = why(row)
    if row.vjp is not None and not found.derivatives:
        reason = f"{reason} The rule is best read itself."
    yield f"{reason} {kept(row)}".strip()
    yield ""
    yield from _code(row)


def _display(latex: str) -> Iterator[str]:
    yield "$$"
    yield latex
    yield "$$"
    yield ""


def _names(row: Primitive) -> list[str]:
    """torch's names for what the row does, where they are called as it is."""
    for name in (row.name, row.name.replace("linalg_", "linalg.").removesuffix("_ex")):
        try:
            found = subject(name)
        except UnknownNameError:
            continue
        if found.kind == OPERATION and can_be_tried(found.value):
            example = operation(found.name, found.value, found.names[0] if found.names else name)
            if example is not None and any(used.row is row for used in example.rows):
                return found.names[:4]
    return []


def _code(row: Primitive) -> Iterator[str]:
    rules = row.vjp if isinstance(row.vjp, tuple) else (row.vjp,)
    seen: set[tuple[str, int]] = set()
    parts: list[str] = []
    for function in (row.forward, *rules):
        if function is None:
            continue
        try:
            file, line, text = source_of(function)
        except (OSError, TypeError):
            continue
        if (file, line) not in seen:
            seen.add((file, line))
            parts.append(f"# {file}:{line}\n{text.rstrip()}")
    if parts:
        yield "````{dropdown} The code\n"
        yield "```python"
        yield "\n\n".join(parts)
        yield "```"
        yield "````"
