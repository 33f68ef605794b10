"""One file: the story as data, the page's own script and style, the layout library, the font of the formulas."""

from __future__ import annotations

import base64
import html
import importlib.metadata
import importlib.util
import json
import os
import re
import tempfile
import unicodedata
from contextlib import closing
from pathlib import Path
from typing import Any

from rushlight.errors import MissingExtraError, require
from rushlight.version import RUSHLIGHT

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
        _folder(package)


def _folder(package: str) -> Path:
    """Where a package lies, which need not be imported for that."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        require(package, extra="page")
        raise MissingExtraError(f"the package {package!r} has no folder")
    return Path(found.origin).parent


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
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=target.name, suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(page)
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return target


def _own(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _dagre() -> str:
    """The layout library, as a script and not as a module."""
    text = (_folder("netron") / "dagre.js").read_text(encoding="utf-8")
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

_LETTER = re.compile(r"<mi>(ln|max|min|arg max|sin|cos)</mi>")


def _typeset(data: dict[str, Any]) -> None:
    """LaTeX becomes MathML, which browsers set themselves; each formula keeps its LaTeX beside it."""
    convert = require("latex2mathml.converter", extra="page").convert

    def mathml(latex: str) -> list[str]:
        made: str = convert(latex, display="block")
        made = made.replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "")
        # A word of more than one letter stands apart from its argument.
        return [_LETTER.sub(r'<mi>\1</mi><mspace width="0.17em"/>', made), latex]

    for row in data["rows"].values():
        if "def" in row:
            row["def"] = mathml(row["def"])
            row["der"] = {name: [mathml(e) for e in es] for name, es in row["der"].items()}


def _font(data: dict[str, Any]) -> str:
    """Of STIX Two Math what these formulas need, as a data URL."""
    subset = require("fontTools.subset", extra="page")
    letters = set("()[]{}|∂∑∏√·⊙∧∨¬≤≥≠∞∫⊤±−×⌊⌋⌈⌉′∃∀̂¯→…,;:.=+<>/0123456789 ")
    for row in data["rows"].values():
        if "def" in row:
            for made, _ in (row["def"], *(e for es in row["der"].values() for e in es)):
                letters.update(html.unescape(re.sub(r"<[^>]*>", "", made)))
    letters |= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    # A single letter is set in italics, which are letters of their own.
    letters |= {_italic(letter) for letter in letters}
    options = subset.Options()
    options.flavor = "woff"
    options.layout_features = ["*"]
    options.name_IDs = [0, 13, 14]
    path = _folder("ziamath") / "fonts" / "STIXTwoMath-Regular.ttf"
    with (
        closing(subset.load_font(str(path), options)) as font,
        tempfile.TemporaryDirectory() as folder,
    ):
        cutter = subset.Subsetter(options)
        cutter.populate(text="".join(sorted(letters)))
        cutter.subset(font)
        made = os.path.join(folder, "math.woff")
        subset.save_font(font, made, options)
        encoded = base64.b64encode(Path(made).read_bytes()).decode()
    return f"data:font/woff;base64,{encoded}"


def _italic(letter: str) -> str:
    """The mathematical italic form of a letter."""
    try:
        name = unicodedata.name(letter)
    except ValueError:
        return letter
    if letter == "h":
        return "ℎ"
    case = "CAPITAL" if "CAPITAL" in name else "SMALL"
    for script in ("LATIN", "GREEK"):
        if name.startswith(f"{script} {case} LETTER "):
            last = name.removeprefix(f"{script} {case} LETTER ")
            try:
                return unicodedata.lookup(f"MATHEMATICAL ITALIC {case} {last}")
            except KeyError:
                return letter
    return letter
