"""For Sphinx: MathML, the directive `source`, pages of operations, notebooks, a page to step through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.directives.code import LiteralInclude
from tools.pages import notebooks, operations

from rushlight.visual.stepping.typesetting import font, mathml

ROOT = Path(__file__).parents[2]


class Source(LiteralInclude):
    """`{source} core/doors.py: apply, into`: these definitions, with their numbers of lines.

    Without names it is the whole file, or what the options of `literalinclude` leave of it.
    """

    def run(self) -> list[nodes.Node]:
        """The blocks, one for each name."""
        file, _, names = self.arguments[0].partition(":")
        self.arguments[0] = f"/../src/rushlight/{file}"
        self.options.setdefault("language", "python")
        self.options["lineno-match"] = None
        made: list[nodes.Node] = []
        for name in names.split(",") if names else [""]:
            if name:
                self.options["pyobject"] = name.strip()
            self.options["caption"] = f"{file}: {name.strip()}" if name else file
            made += super().run()
        return made


def _named(name: str, raw: str, text: str, *rest: Any) -> tuple[list[nodes.Node], list[Any]]:
    return [nodes.literal(raw, text)], []


def _inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def _display(translator: Any, node: nodes.math_block) -> None:
    translator.body.append(f'<div class="formula">{mathml(node.astext())}</div>\n')
    raise nodes.SkipNode


def _before(app: Any) -> None:
    operations.write_all(Path(app.srcdir) / "operations")


def _link_to_notebook(app: Any, name: str, source: list[str]) -> None:
    folder, _, page = name.rpartition("/")
    if folder == "tutorials" and page[0].isdigit():
        title, _, rest = source[0].partition("\n")
        link = f'<p class="as-notebook"><a href="../notebooks/{page}.ipynb" download>This page as a notebook</a></p>'
        source[0] = f"{title}\n\n{link}\n{rest}"


def _after(app: Any, error: Exception | None) -> None:
    if error is not None or app.builder.name != "html":
        return
    out = Path(app.outdir)
    greek = "".join(map(chr, (*range(0x391, 0x3A2), *range(0x3A3, 0x3AA), *range(0x3B1, 0x3CA))))
    (out / "_static" / "math.woff").write_bytes(font(greek))
    notebooks.write_all(Path(app.srcdir) / "tutorials", out / "notebooks")
    from tools.pages.stepping import write

    write(out / "stepping.html")


def setup(app: Any) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_directive("source", Source)
    app.add_role("source", _named)
    app.add_html_math_renderer(
        "mathml", inline_renderers=(_inline, None), block_renderers=(_display, None)
    )
    app.connect("builder-inited", _before)
    app.connect("source-read", _link_to_notebook)
    app.connect("build-finished", _after)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
