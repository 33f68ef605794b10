"""One file: the story as data, the page's own script and style, the layout library, the font of the formulas."""

from __future__ import annotations

import base64
import html
import importlib.metadata
import json
import os
import re
from pathlib import Path
from typing import Any

from rushlight.serialization.atomic import replacing
from rushlight.version import RUSHLIGHT
from rushlight.visual.stepping.typesetting import folder_of, font, mathml

_HERE = Path(__file__).parent
# The page is to stay below this; what an operation within a rule has of maps goes first.
_MOST = 18_000_000
EXTRA = ("netron", "ziamath", "latex2mathml", "fontTools")

_NOTICE = """\
dagre, graph layout. Copyright (c) 2012-2014 Chris Pettitt, (c) Lutz Roeder for the form in netron {netron}.
MIT license: Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction, including without
limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the
Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:
The above copyright notice and this permission notice shall be included in all copies or substantial portions
of the Software. THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT
SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF
CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS
IN THE SOFTWARE."""

_CREDITS = [
    ["rushlight", RUSHLIGHT, "MIT", "the page itself"],
    ["dagre", "in netron {netron}", "MIT", "lays the graph out"],
    ["latex2mathml", "{latex2mathml}", "MIT", "turns LaTeX into MathML, which the browser sets"],
    [
        "STIX Two Math",
        "in ziamath {ziamath}",
        "SIL Open Font License 1.1",
        "the font of the formulas",
    ],
]


def check_extra() -> None:
    """Raise MissingExtraError if a package that the page is made with is not installed."""
    for package in EXTRA:
        folder_of(package)


def write(data: dict[str, Any], path: str | os.PathLike[str]) -> Path:
    """Write a story into one HTML file; a failed call leaves an existing file as it was."""
    check_extra()
    target = Path(path)
    _typeset(data)
    versions = {
        name: importlib.metadata.version(name) for name in ("netron", "latex2mathml", "ziamath")
    }
    data["credits"] = [[part.format(**versions) for part in credit] for credit in _CREDITS]
    parts = {
        "title": html.escape(data["title"]),
        "css": _own("page.css"),
        "font": _font(data),
        "notice": _NOTICE.format(**versions),
        "dagre": _dagre(),
        "data": _json(data),
        "js": "\n".join(_own(name) for name in ("numbers.js", "graph.js", "page.js")),
    }
    page = re.sub(r"\[\[(\w+)\]\]", lambda m: parts[m[1]], _own("page.html"))
    with replacing(target) as file:
        file.write(page.encode())
    return target


def _own(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _dagre() -> str:
    """The layout library, as a script and not as a module."""
    text = (folder_of("netron") / "dagre.js").read_text(encoding="utf-8")
    # Its last improvements of an order that is good already take for granted that there are no boxes around nodes.
    head, mark, rest = text.partition("// Reduce crossings")
    improving, end, tail = rest.partition("assignOrder(g, best);")
    if mark and end:
        text = f"{head}try {{ {mark}{improving} }} catch (_) {{ }} {end}{tail}"
    return re.sub(r"^export .*$", "", text, flags=re.MULTILINE).replace("</script", "<\\/script")


def _json(data: dict[str, Any]) -> str:
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    if len(text) > _MOST:
        _thin(data)
        text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _thin(data: dict[str, Any]) -> None:
    """Leave out the maps of values that only operations within rules, and bookkeeping, have seen."""
    seen: set[int] = set()
    for step in data["steps"]:
        if not step.get("minor"):
            seen.update(
                v for v in (*step.get("in", ()), *step.get("out", ())) if isinstance(v, int)
            )
    for at, value in enumerate(data["values"]):
        if at not in seen:
            value.pop("m", None)
    data["note"] = " ".join(
        (data["note"], "Maps of values within rules were left out: it is a large run.")
    )


# ---- formulas ------------------------------------------------------------------------------------


def _typeset(data: dict[str, Any]) -> None:
    """LaTeX becomes MathML; each formula keeps its LaTeX beside it."""
    for row in data["rows"].values():
        if "def" in row:
            row["def"] = [mathml(row["def"]), row["def"]]
            row["der"] = {name: [[mathml(e), e] for e in es] for name, es in row["der"].items()}


def _font(data: dict[str, Any]) -> str:
    """The font of these formulas, as a data URL."""
    letters: set[str] = set()
    for row in data["rows"].values():
        if "def" in row:
            for made, _ in (row["def"], *(e for es in row["der"].values() for e in es)):
                letters.update(html.unescape(re.sub(r"<[^>]*>", "", made)))
    return f"data:font/woff;base64,{base64.b64encode(font(letters)).decode()}"
