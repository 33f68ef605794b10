"""Attention in C: scores, softmax and weighted means of one head at a time, which stay in the first caches.

Of a head the keys are turned once, so that scores lie along vectors. Then some rows of queries at a time: their
scores, the softmax of each where it lies, and the means of the values; a tile of registers for each product.
Behind it in training the weights stay for backward, which goes the same way: what the weights' slopes are for
some rows, and from these the queries' gradients; then, for a block of rows whose slopes are near, the keys' and
the values'. With a causal mask nothing above the diagonal is computed, read or written, but within a tile.

The order is that of T. Dao et al., "FlashAttention", 2022, without its running maximum: a row is never so long
that all of it is not near.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rushlight.compiler.kernels.images import rounded_up
from rushlight.compiler.kernels.items import moved
from rushlight.compiler.kernels.kernel import Kernel
from rushlight.compiler.kernels.target import Target
from rushlight.compiler.kernels.text import fill, indented, kernel

# Rows of queries whose slopes are kept until keys and values have taken them.
BLOCK = 64
# Bytes that may be kept on the stack.
_ROOM = 1 << 19
# Cycles for a step of a tile, and for a number of a row's softmax, or of its slope.
_STEP, _NUMBER = 9.0, 0.7


@dataclass(frozen=True)
class Heads:
    """`rows` queries of width `width`, and as many keys as there are `columns`, with values of width `values`.

    causal: a query sees the keys up to its own number. scale: by what scores are multiplied.
    """

    rows: int
    columns: int
    width: int
    values: int
    causal: bool
    scale: float = 1.0

    def __str__(self) -> str:
        mask = ", causal" if self.causal else ""
        scale = f", scores times {self.scale:.9g}" if self.scale != 1 else ""
        return f"{self.rows} queries and {self.columns} keys of {self.width}, values of {self.values}{mask}{scale}"


def fits(heads: Heads, target: Target) -> bool:
    """Whether there is a kernel for such heads on that processor."""
    V = target.lanes(4)
    return (
        V > 1
        and heads.scale > 0
        and heads.width % V == 0
        and heads.values % V == 0
        and heads.rows >= _tall(target)
        and heads.columns >= (heads.rows if heads.causal else _tall(target))
        and 4 * (BLOCK + max(heads.width, heads.values)) * pitch(heads, target) <= _ROOM
    )


def pitch(heads: Heads, target: Target) -> int:
    """Numbers from one row of weights to the next: whole panels."""
    V = target.lanes(4)
    return rounded_up(heads.columns, V if heads.columns <= V else 2 * V)


def _tall(target: Target) -> int:
    """Rows of a tile of registers."""
    return 8 if target.registers >= 32 else 4


def cost(heads: Heads, many: int, target: Target, *, backward: bool) -> float:
    """Nanoseconds that one thread is estimated to need for that many heads."""
    part = 0.6 if heads.causal else 1.0
    products = 2 * heads.width + 2 * heads.values if backward else heads.width + heads.values
    numbers = part * heads.rows * heads.columns
    steps = numbers * products / (_tall(target) * 2 * target.lanes(4)) * _STEP
    return many * (steps + numbers * _NUMBER) / target.ghz


# Rows of a tile and its vectors are numbers here, so that all of its sums are registers.
_TILE = """\
/* c [$ROWS][$WIDE] = a [$ROWS][n] times b [n][$WIDE], or added to c; numbers of a are `row` and `step` apart. */
INLINE_float void $NAME(const float *a, long row, long step, const float *b, long down, long n,
    float *c, long apart, int more)
{
    vfloat s[$ROWS][$W];
#pragma GCC unroll $ROWS
    for (int i = 0; i < $ROWS; i++)
#pragma GCC unroll $W
        for (int q = 0; q < $W; q++)
            s[i][q] = more ? vfloat_load(c + i * apart + q * $V) : vfloat_of(0);
    for (long p = 0; p < n; p++) {
        vfloat y[$W];
#pragma GCC unroll $W
        for (int q = 0; q < $W; q++)
            y[q] = vfloat_load(b + p * down + q * $V);
#pragma GCC unroll $ROWS
        for (int i = 0; i < $ROWS; i++) {
            const vfloat x = vfloat_of(a[i * row + p * step]);
#pragma GCC unroll $W
            for (int q = 0; q < $W; q++)
                s[i][q] = vfloat_fma(x, y[q], s[i][q]);
        }
    }
#pragma GCC unroll $ROWS
    for (int i = 0; i < $ROWS; i++)
#pragma GCC unroll $W
        for (int q = 0; q < $W; q++)
            vfloat_store(c + i * apart + q * $V, s[i][q]);
}
"""

_TURNED = """\
/* Rows [$COLUMNS][$DEPTH], $STEP apart, as columns [$DEPTH][$PITCH], zeros behind them. */
static void $NAME(const float *restrict x, float *restrict to)
{
    for (long j = 0; j < $PITCH; j += $V)
        for (long p = 0; p < $DEPTH; p += $V) {
            vfloat square[$V];
#pragma GCC unroll $V
            for (int r = 0; r < $V; r++)
                square[r] = $LOADED;
            vfloat_transpose(square);
#pragma GCC unroll $V
            for (int r = 0; r < $V; r++)
                vfloat_store(to + (p + r) * $PITCH + j, square[r]);
        }
}
"""

_SOFTMAX = """\
/* $ROWS rows of scores become their softmax: of `seen` numbers$more; zeros behind them, as far as vectors reach. */
static inline void $NAME(float *s, long seen, long reach)
{
    const vfloat_bits lanes = {$LANES};
    vfloat kept[$ROWS];
    for (long r = 0; r < $ROWS; r++) {
        vfloat peak = vfloat_of(-INFINITY);
        for (long j = 0; j < reach; j += $V) {
            float *const at = s + r * $PITCH + j;
            vfloat x = vfloat_load(at);
            if (j + $V > seen$R) {
                x = vfloat_chosen(lanes < (int32_t)(seen$R - j), x, vfloat_of(-INFINITY));
                vfloat_store(at, x);
            }
            peak = vfloat_chosen(x > peak, x, peak);
        }
        peak = vfloat_most(peak);
        /* Where all is hidden nothing is seen. */
        kept[r] = vfloat_chosen(peak == vfloat_of(-INFINITY), vfloat_of(0), peak);
    }
    for (long r = 0; r < $ROWS; r++) {
        const vfloat peak = kept[r];
        vfloat sum = {0};
        for (long j = 0; j < reach; j += $V) {
            float *const at = s + r * $PITCH + j;
            const vfloat x = vfloat_exp($SCALED);
            vfloat_store(at, x);
            sum += x;
        }
        kept[r] = sum;
    }
    for (long r = 0; r < $ROWS; r++) {
        const vfloat sum = vfloat_total(kept[r]);
        const vfloat inverse = vfloat_of(1) / vfloat_chosen(sum == vfloat_of(0), vfloat_of(1), sum);
        for (long j = 0; j < reach; j += $V)
            vfloat_store(s + r * $PITCH + j, vfloat_load(s + r * $PITCH + j) * inverse);
    }
}
"""

_SLOPE = """\
/* What $ROWS rows of weights w have to do with a gradient g of them becomes what their scores have, in g. */
static inline void $NAME(const float *w, float *g, long reach)
{
    vfloat kept[$ROWS];
    for (long r = 0; r < $ROWS; r++) {
        vfloat sum = {0};
        for (long j = 0; j < reach; j += $V)
            sum = vfloat_fma(vfloat_load(w + r * $PITCH + j), vfloat_load(g + r * $PITCH + j), sum);
        kept[r] = vfloat_total(sum);
    }
    for (long r = 0; r < $ROWS; r++)
        for (long j = 0; j < reach; j += $V) {
            float *const at = g + r * $PITCH + j;
            vfloat_store(at, vfloat_load(w + r * $PITCH + j) * $SCALED);
        }
}
"""

_FORWARD = """\
/* $heads: o = softmax(q k') v$kept; a unit is a head. */
static void $NAME(const float *restrict q, const float *restrict k, const float *restrict v,
    float *restrict o$W_PARAMETER, long begin, long end)
{
    float turned[$SIZE] __attribute__((aligned(64)));
$weights
    for (long item = begin; item < end; item++) {
        const float *const q1 = $Q1, *const v1 = $V1;
        float *const o1 = $O1;
        $TURN($K1, turned);
        for (long i = 0; i < $TALL_ROWS; i += $TALL) {
            float *const w1 = $W1;
$near
$block
        }
$rest
    }
}
"""

_FORWARD_BLOCK = """\
const long n = $SEEN, reach = (n + $LAST) / $V * $V;
for (long j = 0; j < n; j += $PANEL)
    $SCORES(q1 + i * $QROW, $QROW, 1, turned + j, $PITCH, $WIDTH, w1 + j, $PITCH, 0);
$SOFTMAX(w1, $SEEN1, reach);
"""

_BACKWARD = """\
/* $heads: of a gradient g of o = w v, w = softmax(q k'), those of q, k and v; a unit is a head. */
static void $NAME(const float *restrict g, const float *restrict q, const float *restrict k,
    const float *restrict v, const float *restrict w, float *restrict dq, float *restrict dk,
    float *restrict dv, long begin, long end)
{
    float turned[$SIZE] __attribute__((aligned(64)));
    float slopes[$SLOPES] __attribute__((aligned(64)));
    for (long item = begin; item < end; item++) {
        const float *const g1 = $G1, *const q1 = $Q1, *const k1 = $K1, *const w1 = $W1;
        float *const dq1 = $DQ1, *const dk1 = $DK1, *const dv1 = $DV1;
        $TURN($V1, turned);
        for (long top = 0; top < $L; top += $BLOCK) {
            const long bottom = top + $BLOCK < $L ? top + $BLOCK : $L;
            long i = top;
            for (; i + $TALL <= bottom; i += $TALL) {
$near
$block
            }
$rest
            for (long j = 0; j < $TALL_COLUMNS; j += $TALL) {
$columns
            }
$last
        }
    }
}
"""

_BACKWARD_BLOCK = """\
const long n = $SEEN, reach = (n + $LAST) / $V * $V;
float *const s = slopes + (i - top) * $PITCH;
for (long j = 0; j < n; j += $PANEL)
    $SCORES(g1 + i * $GROW, $GROW, 1, turned + j, $PITCH, $VALUES, s + j, $PITCH, 0);
$SLOPE(w1 + i * $PITCH, s, reach);
"""

# Strides of rows are no way that processors foresee.
_NEAR = """\
/* Rows of the next head are sent for. */
const long next = item + 1 < end ? item + 1 : item;
for (long r = i; r < i + $TALL; r++) {
$rows
}
"""

_COLUMNS = """\
const long first = $FIRST, n = first < bottom ? bottom - first : 0;
if (n || !top) {
$products
}
"""


@dataclass(frozen=True)
class _Writer:
    """What the texts of forward and backward share."""

    heads: Heads
    target: Target

    @property
    def V(self) -> int:
        return self.target.lanes(4)

    @property
    def pitch(self) -> int:
        return pitch(self.heads, self.target)

    @property
    def tall(self) -> int:
        return _tall(self.target)

    def tile(self, rows: int, wide: int) -> Kernel:
        """A tile of so many rows, and numbers in a row."""
        names = {"ROWS": rows, "WIDE": wide, "W": wide // self.V, "V": self.V}
        return kernel("attention_tile", fill(_TILE, names), ("vectors_float",))

    def turned(self, depth: int, step: int) -> Kernel:
        """What lays rows as columns."""
        columns = self.heads.columns
        loaded = f"vfloat_load(x + (j + r) * {step} + p)"
        if self.pitch != columns:
            loaded = f"j + r < {columns} ? {loaded} : vfloat_of(0)"
        names = {
            "COLUMNS": columns, "DEPTH": depth, "STEP": step, "PITCH": self.pitch, "V": self.V,
            "LOADED": loaded,
        }  # fmt: skip
        return kernel("attention_turned", fill(_TURNED, names), ("transposition_float",))

    def rows(self, stem: str, text: str, one: str, rows: int, needs: dict[str, Kernel]) -> str:
        """What is done to so many rows, less one number in each: the name of its function."""
        less = f"(vfloat_load(at) - {one})"
        scale = np.float32(self.heads.scale)
        names = {
            "V": self.V, "ROWS": rows, "PITCH": self.pitch, "LANES": ", ".join(map(str, range(self.V))),
            "SCALED": less if scale == 1 else f"({less} * vfloat_of({float(scale)!r}f))",
            "R": " + r" if self.heads.causal else "",
            "more": ", one more in each" if self.heads.causal else "",
        }  # fmt: skip
        fragment = "exponential_float" if text is _SOFTMAX else "vectors_float"
        made = kernel(stem, fill(text, names), (fragment,))
        needs[made.name] = made
        return made.name

    def panels(self, wide: int) -> list[tuple[int, int]]:
        """Where the panels of a row begin that is so wide, and how wide each is."""
        return [(f, min(2 * self.V, wide - f)) for f in range(0, wide, 2 * self.V)]

    def over(
        self, rows: int, wide: int, call: str, needs: dict[str, Kernel], **names: object
    ) -> list[str]:
        """Calls of tiles for the panels of a row, that begin at $F."""
        lines = []
        for f, width in self.panels(wide):
            tile = self.tile(rows, width)
            needs[tile.name] = tile
            lines.append(fill(call, {"TILE": tile.name, "F": f, **names}))
        return lines

    def seen(self, rows: int) -> str:
        """How many columns the last of so many rows sees."""
        columns = self.heads.columns
        return f"i + {rows}" if self.heads.causal else str(columns)

    def block(self, text: str, rows: int, needs: dict[str, Kernel], **names: object) -> str:
        """What is done for some rows at a time, up to their scores or slopes."""
        panel = min(self.pitch, 2 * self.V)
        scores = self.tile(rows, panel)
        needs[scores.name] = scores
        return fill(
            text,
            {
                "V": self.V, "LAST": self.V - 1, "ROWS": rows, "PITCH": self.pitch, "PANEL": panel,
                "SCORES": scores.name, "SEEN": self.seen(rows),
                "SEEN1": "i + 1" if self.heads.causal else self.heads.columns,
                "WIDTH": self.heads.width, "VALUES": self.heads.values, **names,
            },
        )  # fmt: skip


def _near(heads: Heads, tall: int, far: list[tuple[str, int, int]]) -> str:
    """Lines that send for what the next head reads and writes: each where it lies, from row to row, and how much."""
    if heads.rows != heads.columns:
        return ""
    rows = [f"vfloat_near({at} + r * {step}, {count});" for at, step, count in far]
    return fill(_NEAR, {"TALL": tall, "rows": indented("\n".join(rows), 4)})


def _pointers(names: str, batch: Sequence[tuple[int, ...]], item: str = "item") -> dict[str, str]:
    """Where the operands of an item lie, by name in capitals."""
    items: list[tuple[int, ...]] = list(batch)
    return {
        f"{name.upper()}1": moved(name, item, items, at)  # type: ignore[arg-type]
        for at, name in enumerate(names.split())
    }


def forward(
    heads: Heads,
    batch: Sequence[tuple[int, ...]],
    steps: Sequence[int],
    target: Target,
    *,
    keeps: bool,
) -> Kernel:
    """`(q, k, v, o, begin, end)`, or, if the weights are kept, `(q, k, v, o, w, begin, end)`; units are heads.

    batch: how many, and the strides of these from one to the next, for each dimension of heads. steps: from a
    row of q, k, v and o to the next; the rows of w are `pitch` apart.
    """
    writer = _Writer(heads, target)
    q, k, v, o = steps
    tall = writer.tall
    needs: dict[str, Kernel] = {}
    turn = writer.turned(heads.width, k)
    needs[turn.name] = turn

    def block(rows: int) -> str:
        softmax = writer.rows("attention_softmax", _SOFTMAX, "peak", rows, needs)
        text = writer.block(_FORWARD_BLOCK, rows, needs, QROW=q, SOFTMAX=softmax)
        call = f"$TILE(w1, {writer.pitch}, 1, v1 + $F, {v}, n, o1 + i * {o} + $F, {o}, 0);"
        return "\n".join([text.rstrip("\n"), *writer.over(rows, heads.values, call, needs)])

    own = f"w + item * {heads.rows * writer.pitch} + i * {writer.pitch}" if keeps else "scores"
    whole, left = heads.rows // tall * tall, heads.rows % tall
    rest = ""
    if left:
        lines = [f"const long i = {whole};", f"float *const w1 = {own};", block(left)]
        rest = "\n".join(["{", indented("\n".join(lines), 4), "}"])
    # The queries, keys and values are still near.
    far = [(_pointers("q k v o", batch, "next")["O1"], o, heads.values)]
    if keeps:
        far.append((f"w + next * {heads.rows * writer.pitch}", writer.pitch, writer.pitch))
    scores = f"float scores[{tall * writer.pitch}] __attribute__((aligned(64)));"
    names = {
        "heads": heads, "kept": "; the weights stay in w" if keeps else "",
        "W_PARAMETER": ", float *restrict w" if keeps else "",
        "SIZE": heads.width * writer.pitch, "weights": "" if keeps else indented(scores, 4),
        "TURN": turn.name, "TALL": tall, "TALL_ROWS": whole,
        "near": indented(_near(heads, tall, far), 12),
        "block": indented(block(tall), 12), "rest": indented(rest, 8),
        **_pointers("q k v o", batch), "W1": own,
    }  # fmt: skip
    text = "\n".join(line for line in fill(_FORWARD, names).split("\n") if line.strip()) + "\n"
    scratch = 4 * writer.pitch * (heads.width + (0 if keeps else tall))
    return kernel("attention", text, ("exponential_float",), scratch, tuple(needs.values()))


def backward(
    heads: Heads,
    batch: Sequence[tuple[int, ...]],
    steps: Sequence[int],
    target: Target,
) -> Kernel:
    """`(g, q, k, v, w, dq, dk, dv, begin, end)`: the gradients, of g and of the weights that forward has kept.

    batch: as in `forward`, of g, q, k, v, dq, dk and dv; steps: from a row of each of these to the next.
    """
    writer = _Writer(heads, target)
    g, q, k, v, dq, dk, dv = steps
    tall, pitch_ = writer.tall, writer.pitch
    needs: dict[str, Kernel] = {}
    turn = writer.turned(heads.values, v)
    needs[turn.name] = turn

    def block(rows: int) -> str:
        slope = writer.rows("attention_slope", _SLOPE, "kept[r]", rows, needs)
        text = writer.block(_BACKWARD_BLOCK, rows, needs, GROW=g, SLOPE=slope)
        call = f"$TILE(s, {pitch_}, 1, k1 + $F, {k}, n, dq1 + i * {dq} + $F, {dq}, 0);"
        return "\n".join([text.rstrip("\n"), *writer.over(rows, heads.width, call, needs)])

    def columns(rows: int) -> str:
        values = (
            f"$TILE(w1 + first * {pitch_} + j, 1, {pitch_}, g1 + first * {g} + $F, {g}, n, "
            f"dv1 + j * {dv} + $F, {dv}, top > 0);"
        )
        keys = (
            f"$TILE(slopes + (first - top) * {pitch_} + j, 1, {pitch_}, q1 + first * {q} + $F, {q}, n, "
            f"dk1 + j * {dk} + $F, {dk}, top > 0);"
        )
        lines = [
            *writer.over(rows, heads.values, values, needs),
            *writer.over(rows, heads.width, keys, needs),
        ]
        first = "j > top ? j : top" if heads.causal else "top"
        return fill(_COLUMNS, {"FIRST": first, "products": indented("\n".join(lines), 4)})

    rest = ""
    if left := heads.rows % tall:
        rest = "\n".join(["if (i < bottom) {", indented(block(left), 4), "}"])
    then = _pointers("g q k v dq dk dv", batch, "next")
    by_name = {"Q1": (q, heads.width), "K1": (k, heads.width), "V1": (v, heads.values)}
    by_name |= {"DQ1": (dq, heads.width), "DK1": (dk, heads.width), "DV1": (dv, heads.values)}
    far = [(then[name], step, count) for name, (step, count) in by_name.items()]
    far.append((f"w + next * {heads.rows * pitch_}", pitch_, pitch_))
    whole, over = heads.columns // tall * tall, heads.columns % tall
    last = ""
    if over:
        body = f"const long j = {whole};\n{columns(over)}"
        last = "\n".join(["{", indented(body, 4), "}"])
    names = {
        "heads": heads, "SIZE": heads.values * pitch_,
        "SLOPES": min(BLOCK, heads.rows) * pitch_, "TURN": turn.name, "L": heads.rows,
        "BLOCK": BLOCK, "TALL": tall, "TALL_COLUMNS": whole,
        "near": indented(_near(heads, tall, far), 16),
        "block": indented(block(tall), 16), "rest": indented(rest, 12),
        "columns": indented(columns(tall), 16), "last": indented(last, 12),
        **_pointers("g q k v dq dk dv", batch), "W1": f"w + item * {heads.rows * pitch_}",
    }  # fmt: skip
    text = "\n".join(line for line in fill(_BACKWARD, names).split("\n") if line.strip()) + "\n"
    scratch = 4 * pitch_ * (heads.values + min(BLOCK, heads.rows))
    return kernel("attention_backward", text, ("vectors_float",), scratch, tuple(needs.values()))


def operations(heads: Heads, many: int, *, backward: bool) -> int:
    """Multiplications and additions, without what the mask hides."""
    seen = heads.rows * heads.columns
    if heads.causal:
        seen = sum(min(i + 1, heads.columns) for i in range(heads.rows))
    return 2 * many * seen * (heads.width + heads.values) * (2 if backward else 1)
