"""Formulas for browsers: MathML, which they set themselves, and the font in which they do."""

from __future__ import annotations

import importlib.util
import re
import tempfile
import unicodedata
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from rushlight.errors import MissingExtraError, require

_LETTER = re.compile(r"<mi>(ln|max|min|arg max|sin|cos)</mi>")
_ALWAYS = (
    "()[]{}|∂∑∏√·⊙∧∨¬≤≥≠∞∫⊤±−×⌊⌋⌈⌉′∃∀̂¯→…,;:.=+<>/0123456789 "
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)


def folder_of(package: str) -> Path:
    """Where a package of the extra `page` lies, which need not be imported for that."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        require(package, extra="page")
        raise MissingExtraError(f"the package {package!r} has no folder")
    return Path(found.origin).parent


def mathml(latex: str, display: str = "block") -> str:
    """LaTeX as MathML; display is "block" or "inline"."""
    made: str = require("latex2mathml.converter", extra="page").convert(latex, display=display)
    made = made.replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "")
    # A word of more than one letter stands apart from its argument.
    return _LETTER.sub(r'<mi>\1</mi><mspace width="0.17em"/>', made)


def font(letters: Iterable[str]) -> bytes:
    """Of STIX Two Math what formulas with these letters need, as WOFF."""
    subset = require("fontTools.subset", extra="page")
    wanted = {*_ALWAYS, *letters}
    # A single letter is set in italics, which are letters of their own.
    wanted |= {_italic(letter) for letter in wanted}
    options = subset.Options()
    options.flavor = "woff"
    options.layout_features = ["*"]
    options.name_IDs = [0, 13, 14]
    path = folder_of("ziamath") / "fonts" / "STIXTwoMath-Regular.ttf"
    with (
        closing(subset.load_font(str(path), options)) as whole,
        tempfile.TemporaryDirectory() as folder,
    ):
        cutter = subset.Subsetter(options)
        cutter.populate(text="".join(sorted(wanted)))
        cutter.subset(whole)
        made = Path(folder) / "math.woff"
        subset.save_font(whole, str(made), options)
        return made.read_bytes()


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
