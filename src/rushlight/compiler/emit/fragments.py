"""The functions in C that expressions call: texts in `compiler/c`, of which a program gets those it needs.

A block of such a file is a comment and one function, up to an empty line. What has a name that ends in
`_T` is written once for all types (`maximum_f32`, `maximum_i64`), in `_F` for floats, in `_I` for whole
numbers, in `_Z` for complex ones; T is the type in each of them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "c"

# What C calls the types of the suffixes of functions.
TYPES = {
    "f32": "float", "f64": "double", "i32": "int32_t", "i64": "int64_t", "u32": "uint32_t",
    "u64": "uint64_t", "c64": "float _Complex", "c128": "double _Complex",
}  # fmt: skip
# The other types that a text for type T may name: R that of the parts of a complex T, C the complex type of
# which T is a part, U the unsigned type in which a whole T wraps around.
_RELATED = {
    "f32": {"C": "c64"}, "f64": {"C": "c128"}, "c64": {"R": "f32"}, "c128": {"R": "f64"},
    "i32": {"U": "u32"}, "i64": {"U": "u64"}, "u32": {"U": "u32"}, "u64": {"U": "u64"},
}  # fmt: skip

# What <math.h> has for double x, with an f behind the name for float.
LIBM = frozenset({
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "ceil", "copysign", "cos", "cosh",
    "erf", "erfc", "exp", "exp2", "expm1", "fabs", "floor", "fma", "fmod", "hypot", "lgamma", "log",
    "log10", "log1p", "log2", "nextafter", "pow", "rint", "sin", "sinh", "sqrt", "tan", "tanh", "trunc",
})  # fmt: skip

# By what letter a name ends that is written once for all floats, whole or complex numbers.
_GENERIC = {"f": "F", "i": "I", "u": "I", "c": "Z"}

HEADERS = "#include <math.h>\n#include <stdint.h>\n#include <string.h>\n"

_NAME = re.compile(r"^static (?:inline|const) [^=({]*?\b(\w+)\s*[\[(]", re.M)
_WORD = re.compile(r"\b[A-Za-z]\w*\b")
_CALL = re.compile(r"\b([a-z]\w*)_([TFIZRC])\b")


@dataclass(frozen=True)
class Fragment:
    """One function, or table, with its comment."""

    name: str
    text: str
    needs: tuple[str, ...]


@functools.cache
def _blocks() -> dict[str, str]:
    """The texts of all files by the names that they define, as they stand there."""
    found = {}
    for path in sorted(FOLDER.glob("*.h")):
        for block in re.split(r"\n\n(?=/\*|static)", path.read_text()):
            if name := _NAME.search(block):
                found[name[1]] = block.strip()
    return found


def _typed(text: str, suffix: str) -> str:
    """A text for one type."""
    types = {"T": suffix, _GENERIC[suffix[0]]: suffix, **_RELATED[suffix]}

    def called(match: re.Match[str]) -> str:
        own = types.get(match[2])
        return match[0] if own is None else function(match[1], own) or match[0]

    text = _CALL.sub(called, text)
    for letter, own in types.items():
        text = re.sub(rf"\b{letter}\b", TYPES[own], text)
    return text


@functools.cache
def fragment(name: str) -> Fragment | None:
    """The fragment of that name; None: there is none."""
    blocks = _blocks()
    text = blocks.get(name)
    stem, _, suffix = name.rpartition("_")
    if text is None:
        if suffix not in TYPES:
            return None
        text = blocks.get(f"{stem}_{_GENERIC[suffix[0]]}", blocks.get(stem + "_T"))
        if text is None:
            return None
        text = _typed(text, suffix)
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    words = dict.fromkeys(_WORD.findall(code))
    needs = tuple(word for word in words if word != name and fragment(word) is not None)
    return Fragment(name, text, needs)


@functools.cache
def function(stem: str, suffix: str) -> str | None:
    """What a function is called for a type: a fragment, or one of <math.h>; None: there is none.

    >>> function("exp", "f32"), function("exp", "f64"), function("fmod", "f32")
    ('exp_f32', 'exp', 'fmodf')
    """
    own = f"{stem}_{suffix}"
    blocks = _blocks()
    if own in blocks or f"{stem}_T" in blocks or f"{stem}_{_GENERIC.get(suffix[:1])}" in blocks:
        return own
    if stem in LIBM and suffix in ("f32", "f64"):
        return stem + "f" if suffix == "f32" else stem
    return None


def fragments(names: Iterable[str]) -> str:
    """The text of these fragments and of those that they need, each once, in an order that C can read.

    >>> print(fragments(["maximum_f32"]))
    /* The larger; nan if one is. Of two equal zeros the second. */
    static inline float maximum_f32(float x, float y)
    {
        return ((x > y) | (x != x)) ? x : y;
    }
    """
    texts: dict[str, str] = {}

    def add(names: Sequence[str]) -> None:
        for name in names:
            found = fragment(name)
            if found is None:
                raise KeyError(f"there is no fragment {name}")
            if name not in texts:
                add(found.needs)
                texts.setdefault(name, found.text)

    add(sorted(set(names)))
    return "\n\n".join(texts.values())
