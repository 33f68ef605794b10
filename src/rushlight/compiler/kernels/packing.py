"""Weights as torch keeps them ([out, in, height, width]) brought to the order of a kernel, and back.

Squares are transposed in registers where there are whole ones; the few others go number by number.
"""

from __future__ import annotations

from rushlight.compiler.kernels.direct import Task
from rushlight.compiler.kernels.geometry import Channels, Form
from rushlight.compiler.kernels.kernel import Kernel
from rushlight.compiler.kernels.target import Target
from rushlight.compiler.kernels.text import ITEMSIZE, fill, indented, kernel, transposed

_SLOWLY = """\
/* Weights [out, in, $TAPS] of $GROUPS x $OUT x $IN to blocks of $JV outputs:
   tap t of input i is row place[t] + i * step[t] of a block. */
static void $NAME(const $T *restrict w, $T *restrict to)
{
    static const int place[$TAPS] = {$PLACES}, step[$TAPS] = {$STEPS};
    for (long g = 0; g < $GROUPS; g++)
        for (long o = 0; o < $PADDED; o++)
            for (long i = 0; i < $IN; i++)
                for (long t = 0; t < $TAPS; t++)
                    to[((g * $BLOCKS + o / $JV) * $ROWS + place[t] + i * step[t]) * $JV + o % $JV]
                        = o < $OUT ? w[g * $SGROUP + o * $SOUT + i * $SIN + t] : 0;
}
"""

_QUICKLY = """\
/* Weights [out, in, $TAPS] of $GROUPS x $OUT x $IN to blocks of $JV outputs:
   tap t of input i is row place[t] + i * step[t] of a block. */
static void $NAME(const $T *restrict w, $T *restrict to)
{
    static const int place[$TAPS] = {$PLACES}, step[$TAPS] = {$STEPS};
    for (long g = 0; g < $GROUPS; g++)
        for (long o = 0; o < $OUT; o += $V)
            for (long i = 0; i < $IN; i++) {
                const $T *from = w + g * $SGROUP + o * $SOUT + i * $SIN;
                $T *block = to + (g * $BLOCKS + o / $JV) * $ROWS * $JV + o % $JV;
                v$T taps[$V];
$square
            }
}
"""

# Loads go past the taps of an output; the last of the array must not.
_FEW_TAPS = """\
if (from + $LASTLANE + $V <= w + $SIZE) {
    for (int l = 0; l < $V; l++)
        taps[l] = v${T}_load(from + l * $SOUT);
} else {
    for (int l = 0; l < $V; l++)
        taps[l] = v${T}_first(from + l * $SOUT, $TAPS);
}
$TRANSPOSED(taps);
for (int t = 0; t < $TAPS; t++)
    v${T}_store(block + (place[t] + i * step[t]) * $JV, taps[t]);"""

_MANY_TAPS = """\
for (long first = 0; first < $TAPS; first += $V) {
    const long t0 = first < $TAPS - $V ? first : $TAPS - $V;
    for (int l = 0; l < $V; l++)
        taps[l] = v${T}_load(from + l * $SOUT + t0);
    $TRANSPOSED(taps);
    for (int t = 0; t < $V; t++)
        v${T}_store(block + (place[t0 + t] + i * step[t0 + t]) * $JV, taps[t]);
}"""

_NEIGHBOURS = """\
taps[0] = v${T}_load(from);
v${T}_store(block + (place[0] + i * step[0]) * $JV, taps[0]);"""


def packed(form: Form, task: Task) -> Kernel:
    """`(w, packed)`: the weights as a direct kernel reads them, zeros where a block is not full."""
    T, V = task.T, task.lanes
    at = task.channels
    places = task.places()
    taps = [(ky, kx) for ky in range(form.kernel[0]) for kx in range(form.kernel[1])]
    names = {
        "T": T, "V": V, "TAPS": form.taps, "GROUPS": at.groups, "OUT": at.outputs,
        "IN": at.inputs, "JV": task.block, "BLOCKS": task.blocks, "ROWS": form.taps * at.inputs,
        "PADDED": task.blocks * task.block, "SGROUP": at.along_group, "SOUT": at.along_output, "SIN": at.along_input,
        "PLACES": ", ".join(str(places[tap][0]) for tap in taps),
        "STEPS": ", ".join(str(places[tap][1]) for tap in taps),
        "LASTLANE": (V - 1) * at.along_output, "SIZE": at.groups * at.along_group,
    }  # fmt: skip
    if V == 1 or at.outputs % V:
        return kernel("weights_packed", fill(_SLOWLY, names))
    square_of = transposed(task.target, T)
    names["TRANSPOSED"] = square_of.name
    if at.along_output == 1:
        square = _NEIGHBOURS
    else:
        square = _FEW_TAPS if form.taps < V else _MANY_TAPS
    text = fill(_QUICKLY, {**names, "square": indented(fill(square, names), 16)})
    return kernel("weights_packed", text, (f"vectors_{T}",), needs=(square_of,))


_SUMS_SLOWLY = """\
/* Sums of $PARTS parts [$TAPS, $IN, $PADDED] to weights [$OUT, $IN, $TAPS], $GROUPS groups. */
static void $NAME(const $T *restrict sums, $T *restrict w)
{
    for (long g = 0; g < $GROUPS; g++)
        for (long o = 0; o < $OUT; o++)
            for (long j = 0; j < $IN * $TAPS; j++) {
                $T sum = 0;
                for (long part = 0; part < $PARTS; part++)
                    sum += sums[part * $PART + (g * $IN * $TAPS + j % $TAPS * $IN + j / $TAPS) * $PADDED + o];
                w[(g * $OUT + o) * $IN * $TAPS + j] = sum;
            }
}
"""

_SUMS_QUICKLY = """\
/* Sums of $PARTS parts [$TAPS, $IN, $PADDED] to weights [$OUT, $IN, $TAPS], $GROUPS groups. */
static void $NAME(const $T *restrict sums, $T *restrict w)
{
    for (long g = 0; g < $GROUPS; g++)
        for (long o = 0; o < $OUT; o += $V)
            for (long first = 0; first < $IN * $TAPS; first += $V) {
                const long j = first < $IN * $TAPS - $V ? first : $IN * $TAPS - $V;
                v$T block[$V];
                for (int l = 0; l < $V; l++) {
                    const $T *from = sums + (g * $IN * $TAPS + (j + l) % $TAPS * $IN + (j + l) / $TAPS) * $PADDED + o;
                    block[l] = v${T}_load(from);
                    for (long part = 1; part < $PARTS; part++)
                        block[l] += v${T}_load(from + part * $PART);
                }
                $TRANSPOSED(block);
                for (int l = 0; l < $V; l++)
                    v${T}_store(w + (g * $OUT + o + l) * $IN * $TAPS + j, block[l]);
            }
}
"""


def unpacked(form: Form, of: Channels, target: Target, T: str, part: int, parts: int) -> Kernel:
    """`(sums, w)`: the parts of a weight's gradient, `part` numbers apart, added up in torch's order."""
    V = target.lanes(ITEMSIZE[T])
    inputs, outputs = of.inputs, of.outputs
    names = {
        "T": T, "V": V, "TAPS": form.taps, "GROUPS": of.groups, "OUT": outputs, "IN": inputs,
        "PADDED": -(-outputs // V) * V, "PART": part, "PARTS": parts,
    }  # fmt: skip
    quick = V > 1 and outputs % V == 0 and inputs * form.taps >= V
    if not quick:
        return kernel("weights_summed", fill(_SUMS_SLOWLY, names))
    square = transposed(target, T)
    text = fill(_SUMS_QUICKLY, {**names, "TRANSPOSED": square.name})
    return kernel("weights_summed", text, (f"vectors_{T}",), needs=(square,))


_BIAS = """\
/* The bias's gradient: sums over $PARTS parts. */
static void $NAME(const $T *restrict sums, $T *restrict b)
{
    for (long o = 0; o < $COUNT; o++) {
        $T sum = 0;
        for (long part = 0; part < $PARTS; part++)
            sum += sums[part * $PART + $FIRST + o / $OUT * $PADDED + o % $OUT];
        b[o] = sum;
    }
}
"""


def bias_unpacked(
    of: Channels, target: Target, T: str, part: int, parts: int, first: int
) -> Kernel:
    """`(sums, b)`: the parts of the bias's gradient, which begin behind `first` numbers of each part."""
    V = target.lanes(ITEMSIZE[T])
    outputs = of.outputs
    names = {
        "T": T, "COUNT": of.groups * outputs, "OUT": outputs, "PADDED": -(-outputs // V) * V,
        "PART": part, "PARTS": parts, "FIRST": first,
    }  # fmt: skip
    return kernel("bias_summed", fill(_BIAS, names))
