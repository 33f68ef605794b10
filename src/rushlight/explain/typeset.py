"""Formulas in a terminal: the LaTeX that `rushlight.visual.formulas` writes, set in two dimensions.

A piece of a formula is a block of lines with a baseline. Fractions stand above each other, small indices are
Unicode's where it has them and stand lower where it has not.

>>> print(typeset(r"y_i = \\frac{e^{x_i}}{\\sum_j e^{x_j}}"))
       eˣⁱ
yᵢ = ───────
      Σ eˣʲ
      j
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_UP = dict(
    zip(
        "0123456789+-=()abcdefghijklmnoprstuvwxyzTW⊤",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᵀᵂᵀ",
        strict=True,
    )
)
_DOWN = dict(
    zip("0123456789+-=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True)
)

_SYMBOLS = {
    "partial": "∂", "cdot": "·", "odot": "⊙", "times": "×", "top": "⊤", "neq": "≠", "leq": "≤", "geq": "≥",
    "pi": "π", "sigma": "σ", "lambda": "λ", "beta": "β", "alpha": "α", "gamma": "γ", "eta": "η", "theta": "θ",
    "mu": "μ", "varepsilon": "ε", "epsilon": "ε", "Gamma": "Γ", "Phi": "Φ", "psi": "ψ", "phi": "φ", "rho": "ρ",
    "delta": "δ", "Delta": "Δ", "tau": "τ", "infty": "∞", "wedge": "∧", "vee": "∨", "neg": "¬", "square": "□",
    "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉", "to": "→", "mp": "∓", "pm": "±", "oplus": "⊕",
    "exists": "∃", "forall": "∀", "ldots": "…", "cdots": "⋯", "int": "∫", "leftarrow": "←", "in": "∈",
    "langle": "⟨", "rangle": "⟩", "lVert": "‖", "rVert": "‖", "|": "‖", "nabla": "∇", "approx": "≈", "ell": "ℓ",
    "{": "{", "}": "}", "_": "_", "%": "%", "&": "&", "#": "#", "bmod": " mod ", "lbrace": "{", "rbrace": "}",
}  # fmt: skip
_FUNCTIONS = (
    "ln log exp sin cos tan sinh cosh tanh arcsin arccos arctan max min arg det sup inf lim sgn"
)
_WORDS = set(_FUNCTIONS.split())
_SPACES = {",": " ", ";": " ", ":": " ", " ": " ", "quad": "   ", "qquad": "      ", "!": ""}
_ACCENTS = {"hat": "\u0302", "bar": "\u0304", "overline": "\u0304", "tilde": "\u0303"}
# Signs with room around them.
_BINARY = set("=+·⊙×≠≤≥<>∧∨→←⊕±∓≈∈")
_TALL = {
    "(": "⎛⎜⎝",
    ")": "⎞⎟⎠",
    "[": "⎡⎢⎣",
    "]": "⎤⎥⎦",
    "|": "│││",
    "‖": "‖‖‖",
    "{": "⎧⎨⎩",
    "}": "⎫⎬⎭",
}
_TALL |= {"⌊": "⎢⎢⎣", "⌋": "⎥⎥⎦", "⌈": "⎡⎢⎢", "⌉": "⎤⎥⎥", "⟨": "╱⟨╲", "⟩": "╲⟩╱"}


@dataclass(frozen=True)
class Block:
    """Lines of one width, and which of them is the baseline."""

    lines: tuple[str, ...]
    base: int = 0

    @property
    def width(self) -> int:
        """How many columns it takes."""
        return _width(self.lines[0])

    def __str__(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines)


def _width(text: str) -> int:
    return sum(not 0x300 <= ord(letter) < 0x370 for letter in text)


def _padded(line: str, width: int, *, middle: bool = False) -> str:
    free = width - _width(line)
    left = free // 2 if middle else 0
    return " " * left + line + " " * (free - left)


def of_text(text: str) -> Block:
    """One line."""
    return Block((text,))


def beside(blocks: Sequence[Block]) -> Block:
    """Blocks in a row, on one baseline."""
    blocks = [block for block in blocks if block.width] or [of_text("")]
    above = max(block.base for block in blocks)
    below = max(len(block.lines) - block.base for block in blocks)
    lines = []
    for i in range(-above, below):
        parts = []
        for block in blocks:
            at = block.base + i
            parts.append(block.lines[at] if 0 <= at < len(block.lines) else " " * block.width)
        lines.append("".join(parts))
    return Block(tuple(lines), above)


def stacked(blocks: Sequence[Block], base: int, *, middle: bool = True) -> Block:
    """Blocks below each other; base is the line that is the baseline."""
    width = max(block.width for block in blocks)
    lines = [_padded(line, width, middle=middle) for block in blocks for line in block.lines]
    return Block(tuple(lines), base)


def fraction(above: Block, below: Block) -> Block:
    """One over the other."""
    bar = of_text("─" * (max(above.width, below.width) + 2))
    return stacked([above, bar, below], len(above.lines))


def raised(block: Block, power: Block) -> Block:
    """A power, beside the top line."""
    small = _small(power, _UP)
    if small is not None and len(block.lines) == 1:
        return beside([block, of_text(small)])
    lines = [" " * block.width + line for line in power.lines]
    lines += [_padded(line, block.width + power.width) for line in block.lines]
    return Block(tuple(lines), block.base + len(power.lines))


def lowered(block: Block, index: Block) -> Block:
    """An index, beside the bottom line."""
    small = _small(index, _DOWN)
    if small is not None and len(block.lines) == 1:
        return beside([block, of_text(small)])
    lines = [_padded(line, block.width + index.width) for line in block.lines]
    lines += [" " * block.width + line for line in index.lines]
    return Block(tuple(lines), block.base)


def _small(block: Block, letters: dict[str, str]) -> str | None:
    if len(block.lines) > 1:
        return None
    plain = block.lines[0].translate(_BACK).replace(" ", "")
    if not all(letter in letters for letter in plain):
        return None
    return "".join(letters[letter] for letter in plain)


# What has been made small already is made so once more where it is an index of a power: eˣⁱ.
_BACK = str.maketrans("".join(_DOWN.values()) + "−", "".join(_DOWN) + "-")


def rooted(block: Block) -> Block:
    """A square root."""
    lines = [" " + "_" * (block.width + 1)]
    lines += [
        ("√" if i == len(block.lines) - 1 else "│") + line + " "
        for i, line in enumerate(block.lines)
    ]
    return Block(tuple(lines), block.base + 1)


def enclosed(block: Block, left: str, right: str) -> Block:
    """A block in brackets of its height."""
    height = len(block.lines)

    def bracket(sign: str) -> Block:
        if sign in (".", ""):
            return of_text("")
        if height == 1:
            return of_text(sign)
        top, middle, bottom = list(_TALL.get(sign, sign * 3))
        if sign == "{" and height > 2:
            inner = ["⎪"] * (height - 2)
            inner[(height - 2) // 2] = "⎨"
        else:
            inner = [middle if sign not in "{}" else "⎪"] * (height - 2)
        return Block((top, *inner, bottom), block.base)

    return beside([bracket(left), block, bracket(right)])


# ---- reading ---------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"\\(?:text|mathrm|operatorname)\{[^{}]*\}|\\[a-zA-Z]+|\\.|[{}^_&]|\d+(?:\.\d+)?|\s+|."
)


def typeset(latex: str) -> str:
    """A formula as lines of text."""
    return str(_Reader(latex).row(set()))


class _Reader:
    def __init__(self, latex: str) -> None:
        self.tokens = [t for t in _TOKEN.findall(latex) if not t.isspace()]
        self.at = 0

    def row(self, until: set[str]) -> Block:
        """All up to one of these."""
        blocks: list[Block] = []
        while self.at < len(self.tokens) and self.tokens[self.at] not in until:
            block = self.item()
            if block.lines == ("-",) and (not blocks or blocks[-1].lines[0][-1:] in (" ", "(")):
                block = of_text("-")
            elif block.lines == ("-",):
                block = of_text(" − ")
            blocks.append(block)
        return beside(blocks)

    def item(self) -> Block:
        """A symbol or group, with its indices."""
        token = self.tokens[self.at]
        block = self.atom()
        limits = token in (r"\sum", r"\prod", r"\max", r"\min") or token == r"\int"
        up = down = None
        while self.at < len(self.tokens) and self.tokens[self.at] in ("^", "_"):
            sign = self.tokens[self.at]
            self.at += 1
            if sign == "^":
                up = self.argument()
            else:
                down = self.argument()
        if limits and (up is not None or down is not None):
            parts = [*([up] if up else []), block, *([down] if down else [])]
            return beside([stacked(parts, len(up.lines) if up else 0), of_text(" ")])
        if down is not None:
            block = lowered(block, down)
        if up is not None:
            block = raised(block, up)
        if token in (r"\sum", r"\prod") or (token[1:] in _WORDS and self._letter_follows()):
            block = beside([block, of_text(" ")])
        return block

    def _letter_follows(self) -> bool:
        following = self.tokens[self.at : self.at + 1]
        return bool(following) and following[0] not in (
            "(",
            r"\left",
            "^",
            "_",
            "{",
            "}",
            ")",
            r"\right",
        )

    def argument(self) -> Block:
        """A group in braces, or one symbol."""
        if self.tokens[self.at] == "{":
            self.at += 1
            block = self.row({"}"})
            self.at += 1
            return block
        return self.atom()

    def atom(self) -> Block:
        """A symbol, a command with its arguments, or a group."""
        token = self.tokens[self.at]
        if token == "{":
            return self.argument()
        self.at += 1
        if token[-1] == "}" and token[0] == "\\" and len(token) > 2:
            word = token.partition("{")[2][:-1].replace(r"\_", "_").replace(r"\ ", " ")
            closing = self.tokens[self.at : self.at + 1] == [r"\frac"]
            return of_text(word + " " if closing else word)
        if token[0] != "\\" or len(token) < 2:
            if token in _BINARY:
                return of_text(f" {token} ")
            return of_text(", " if token == "," else token)
        return self.command(token[1:])

    def command(self, name: str) -> Block:
        """A command and its arguments."""
        if name in ("frac", "dfrac"):
            above = self.argument()
            return beside([fraction(above, self.argument())])
        if name == "tfrac":
            above, below = self.argument(), self.argument()
            if len(above.lines) == len(below.lines) == 1:
                return of_text(f"{above.lines[0]}/{_whole(below.lines[0])}")
            return fraction(above, below)
        if name == "sqrt":
            return rooted(self.argument())
        if name in ("operatorname", "mathrm", "text", "mathbf", "mathit"):
            return self.argument()
        if name in _ACCENTS:
            block = self.argument()
            first = block.lines[block.base]
            lines = list(block.lines)
            lines[block.base] = first[:1] + _ACCENTS[name] + first[1:]
            return Block(tuple(lines), block.base)
        if name == "left":
            return self._brackets()
        if name == "begin":
            return self._cases()
        if name in _SPACES:
            return of_text(_SPACES[name])
        if name in ("sum", "prod"):
            return of_text("Σ" if name == "sum" else "Π")
        if name in _SYMBOLS:
            sign = _SYMBOLS[name]
            return of_text(f" {sign} " if sign in _BINARY else sign)
        return of_text(name)

    def _sign(self) -> str:
        token = self.tokens[self.at]
        self.at += 1
        return _SYMBOLS.get(token[1:], token[1:]) if token[0] == "\\" and len(token) > 1 else token

    def _brackets(self) -> Block:
        left = self._sign()
        inner = self.row({r"\right"})
        self.at += 1
        return enclosed(inner, left, self._sign())

    def _cases(self) -> Block:
        """Lines below each other, with a brace in front."""
        kind = self.argument().lines[0]
        rows: list[list[Block]] = [[]]
        while True:
            rows[-1].append(self.row({"&", r"\\", r"\end"}))
            token = self.tokens[self.at]
            self.at += 1
            if token == r"\end":
                self.argument()
                break
            if token == r"\\":
                rows.append([])
        rows = [row for row in rows if any(cell.width for cell in row)]
        widths = [
            max((row[i].width for row in rows if i < len(row)), default=0)
            for i in range(max(map(len, rows)))
        ]
        set_rows = [
            beside([_widened(cell, widths[i] + 3) for i, cell in enumerate(row)]) for row in rows
        ]
        block = stacked(set_rows, 0, middle=False)
        block = Block(block.lines, (len(block.lines) - 1) // 2)
        if kind != "cases":
            return block
        return enclosed(block, "{", "") if len(block.lines) > 1 else beside([of_text("{"), block])


def _widened(block: Block, width: int) -> Block:
    return Block(tuple(_padded(line, width) for line in block.lines), block.base)


def _whole(text: str) -> str:
    return text if len(text) == 1 or text.isalnum() or text[0] == "√" else f"({text})"
