"""Convolutions of two dimensions in C, in all three directions: which way is taken, and what it asks for.

`forward`, `input_gradient` and `weight_gradient` give a `Plan`: the function, what packs the weights or finishes the
sums, how the work is shared out, and how long it should take. `borders` says beforehand which zeros around the
images the fastest way reads. The forward and the weight's gradient of the plain way copy, some rows at a time, images
that lack them (a first layer takes torch's [N, C, H, W] as it is); the others refuse.

How a program uses it: for each convolution ask `borders` for its ways, give the buffers of `images.Images` the border
that serves all, write zeros there once (`images.cleared`), then take the plans. Weights are packed once per change.
"""

from __future__ import annotations

from dataclasses import dataclass

from rushlight.compiler.kernels import gradient, packing, winograd
from rushlight.compiler.kernels.direct import Task, direct, vectors_together
from rushlight.compiler.kernels.geometry import (
    Channels,
    Form,
    backward_phases,
    border_of,
    channels,
    forward_axis,
    forward_phases,
)
from rushlight.compiler.kernels.images import Border, Images
from rushlight.compiler.kernels.kernel import Kernel
from rushlight.compiler.kernels.target import Target
from rushlight.compiler.kernels.text import ITEMSIZE, fill, kernel


@dataclass(frozen=True)
class Plan:
    """How one direction of a convolution is computed."""

    method: str
    """`winograd` or `direct`."""
    kernel: Kernel
    """`(x, weights, y, begin, end)`; of the weight's gradient `(x, g, sums, begin, end)`."""
    count: int
    """Units of work, which may run in any order and on any thread."""
    rows: int
    """Rows of an image that a unit makes: unit r the rows from `r % units * rows` on of image
    `r // units`, where `units = ceil(height / rows)`. Zero: a unit is `block` channels of all images."""
    block: int = 0
    """Channels of a unit, where it is not rows."""
    pack: Kernel | None = None
    """`(weights as torch has them, packed)`."""
    packed: int = 0
    """Numbers in the packed weights."""
    finish: Kernel | None = None
    """`(sums, weight's gradient as torch has it)`, and `, bias's gradient` where that was asked for."""
    sums: int = 0
    """Numbers of the sums of one part, all zero before the first unit; parts lie behind each other."""
    cycles: float = 0.0
    """An estimate of the time of all units on one core."""


Way = str
"""`forward`, `input` or `weight`."""


def _cycles_of_winograd(
    form: Form, inputs: int, outputs: int, size: tuple[int, int], target: Target, T: str
) -> float:
    V = target.lanes(ITEMSIZE[T])
    tile = winograd.tiles(size, 16)
    count = form.batch * tile.units * tile.count
    products = 16 * inputs * outputs / V / target.flops * 1.2
    # Loads, sums and stores of what is transformed.
    transforms = 16 * (inputs + outputs) / V * 3.0
    # Weights that do not stay in the second cache come from the third for every unit.
    weights = 16 * inputs * outputs * ITEMSIZE[T]
    far = form.batch * tile.units * weights / 8 if weights > target.l2 else 0.0
    return count * (products + transforms) + far


def method(form: Form, way: Way, target: Target, T: str = "float", exact: bool = False) -> str:
    """`winograd` where it is faster, `direct` elsewhere and where `exact` asks for the plain formula.

    >>> layer = Form(32, 16, 16, (32, 32), (3, 3), padding=(1, 1))
    >>> method(layer, "forward", Target(width=16, registers=32))
    'winograd'
    """
    if exact or not winograd.suits(form, target, T):
        return "direct"
    size = form.size if way == "input" else form.result
    inputs, outputs = form.inputs, form.outputs
    V = target.lanes(ITEMSIZE[T])
    plain = form.products / V / target.flops * 1.2
    if way == "input":
        inputs, outputs = outputs, inputs
    return (
        "winograd"
        if _cycles_of_winograd(form, inputs, outputs, size, target, T) < plain
        else "direct"
    )


def borders(
    form: Form, way: Way, target: Target, T: str = "float", exact: bool = False
) -> tuple[Border, Border]:
    """The zeros that are read around x, and around the gradient; the first is not read for the second."""
    quick = method(form, way, target, T, exact) == "winograd"
    if way == "input":
        axes = [forward_padding(form, 0), forward_padding(form, 1)]
        found = backward_phases(form)
        plain = border_of(
            [p.rows for p in found if p.taps], [p.columns for p in found if p.taps], form.result
        )
        if quick:
            plain = winograd.border(form.size, form.result, (axes[0], axes[1]))
        return Border(), plain
    plain = border_of([forward_axis(form, 0)], [forward_axis(form, 1)], form.size)
    if not quick:
        return plain, Border()
    x = winograd.border(form.result, form.size, form.padding)
    return x, winograd.odd(form.result) if way == "weight" else Border()


def forward_padding(form: Form, d: int) -> int:
    """The padding of the convolution that a stride-1 input's gradient is."""
    return (form.kernel[d] - 1) * form.dilation[d] - form.padding[d]


def _check(images: Images, border: Border, what: str) -> None:
    if not images.border >= border:
        raise ValueError(f"{what} needs {border} of zeros around {images}")


def _check_order(of: Channels, images: Images) -> None:
    if of.each and images.planes:
        raise ValueError(f"a depthwise convolution needs channels last, not {images}")


def _far(weights: int, x: Images, blocks: int, rows: int, target: Target, T: str) -> bool:
    """Whether weights are better read once, and images once for each block of outputs."""
    size = ITEMSIZE[T]
    if weights * size <= target.l2 // 2 or blocks < 2:
        return False
    return blocks * x.size < x.batch * rows * weights


def _plan_direct(form: Form, task: Task, few: bool) -> Plan:
    weights = task.taps * task.channels.inputs * task.block * task.blocks * task.channels.groups
    rows = max(phase.rows.count for phase in task.phases)
    blocks = task.blocks * task.channels.groups
    by_channels = not few and _far(weights, task.x, blocks, rows, task.target, task.T)
    made = direct(task, by_channels)
    step = task.phases[0].rows.out_step
    return Plan(
        "direct",
        made.kernel,
        blocks if by_channels else task.x.batch * made.units,
        0 if by_channels else made.rows * step,
        task.block if by_channels else 0,
        packing.packed(form, task),
        weights,
        cycles=task.cycles,
    )


def forward(
    form: Form, x: Images, y: Images, target: Target, T: str = "float", exact: bool = False
) -> Plan:
    """The convolution without bias."""
    if method(form, "forward", target, T, exact) == "winograd" and not x.planes:
        _check(x, borders(form, "forward", target, T)[0], "a 3x3 convolution")
        made = winograd.forward(str(form), x, y, form.padding, target, T)
        tile = winograd.forward_tiles(form.result)
        return Plan(
            "winograd", made, form.batch * tile.units, 2 * tile.rows,
            pack=winograd.packed(form, False, target, T), packed=16 * form.inputs * form.outputs,
            cycles=_cycles_of_winograd(form, form.inputs, form.outputs, form.result, target, T),
        )  # fmt: skip
    of, found = channels(form, False), forward_phases(form)
    _check_order(of, x)
    vectors = (
        1 if of.each else vectors_together(of.outputs, found, target, target.lanes(ITEMSIZE[T]))
    )
    task = Task(str(form), x, y, found, of, vectors, target, T)
    return _plan_direct(form, task, not x.border >= task.border)


def input_gradient(
    form: Form, g: Images, x: Images, target: Target, T: str = "float", exact: bool = False
) -> Plan:
    """The gradient of x, or a transposed convolution: `(g, weights, x, begin, end)`."""
    _, border = borders(form, "input", target, T, exact)
    _check(g, border, "the input's gradient of a convolution")
    what = f"The input's gradient of {form}"
    if method(form, "input", target, T, exact) == "winograd":
        padding = (forward_padding(form, 0), forward_padding(form, 1))
        made = winograd.forward(what, g, x, padding, target, T)
        tile = winograd.forward_tiles(form.size)
        return Plan(
            "winograd", made, form.batch * tile.units, 2 * tile.rows,
            pack=winograd.packed(form, True, target, T), packed=16 * form.inputs * form.outputs,
            cycles=_cycles_of_winograd(form, form.outputs, form.inputs, form.size, target, T),
        )  # fmt: skip
    of, found = channels(form, True), backward_phases(form)
    vectors = (
        1 if of.each else vectors_together(of.outputs, found, target, target.lanes(ITEMSIZE[T]))
    )
    return _plan_direct(form, Task(what, g, x, found, of, vectors, target, T), False)


_FINISH = """\
/* $form: the sums become the gradient${two}. */
static void $NAME($T *restrict sums, $T *restrict w$argument)
{
$calls
}
"""


def weight_gradient(
    form: Form, x: Images, g: Images, target: Target, T: str = "float", exact: bool = False,
    bias: bool = False, parts: int = 1,
) -> Plan:  # fmt: skip
    """The gradient of the weight, and of the bias on the way. Units may add to `parts` sums, added up at the end."""
    of, V = channels(form, False), target.lanes(ITEMSIZE[T])
    _check_order(of, x)
    quick = method(form, "weight", target, T, exact) == "winograd" and not x.planes
    needs: list[tuple[Kernel, str]] = []
    if quick:
        for images, border in zip((x, g), borders(form, "weight", target, T), strict=True):
            _check(images, border, "the weight's gradient of a 3x3 convolution")
        made = winograd.weight_gradient(form, x, g, bias, target, T)
        tile = winograd.gradient_tiles(form)
        weights, units, rows = 16 * form.inputs * form.outputs, tile.units, 2 * tile.rows
        cycles = _cycles_of_winograd(form, form.inputs, form.outputs, form.result, target, T)
    else:
        made, rows = gradient.weight_gradient(form, of, x, g, bias, target, T)
        weights, units = gradient.sums_of(form, of, V), -(-form.result[0] // rows)
        cycles = form.products / V / target.flops * 1.3
    part = weights + (gradient.padded_outputs(of, V) * of.groups if bias else 0)
    if quick:
        needs.append((winograd.transformed_back(form, T, target, part, parts), "sums"))
    needs.append((packing.unpacked(form, of, target, T, part, 1 if quick else parts), "sums, w"))
    if bias:
        needs.append((packing.bias_unpacked(of, target, T, part, parts, weights), "sums, b"))
    calls = "\n".join(f"    {one.name}({arguments});" for one, arguments in needs)
    names = {
        "form": form, "T": T, "calls": calls, "two": "s of weight and bias" if bias else " of the weight",
        "argument": f", {T} *restrict b" if bias else "",
    }  # fmt: skip
    finish = kernel("gradient_finished", fill(_FINISH, names), needs=tuple(one for one, _ in needs))
    return Plan(
        "winograd" if quick else "direct", made, form.batch * units, rows, finish=finish,
        sums=part, cycles=cycles,
    )  # fmt: skip
