"""Which element of the input of a convolution meets which of its output, dimension by dimension."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from rushlight.compiler.kernels.images import Border

Pair = tuple[int, int]


@dataclass(frozen=True)
class Form:
    """A convolution of two dimensions; one of one dimension has height 1."""

    batch: int
    inputs: int
    outputs: int
    size: Pair
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1

    @property
    def result(self) -> Pair:
        """Height and width of what comes out."""
        first, second = (
            (n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, k, s, p, d in zip(
                self.size, self.kernel, self.stride, self.padding, self.dilation, strict=True
            )
        )
        return first, second

    @property
    def taps(self) -> int:
        """Elements of the kernel's window."""
        return math.prod(self.kernel)

    @property
    def products(self) -> int:
        """Multiplications of the plain formula, in each of the three directions."""
        pixels = self.batch * math.prod(self.result)
        return pixels * self.outputs * (self.inputs // self.groups) * self.taps

    def __str__(self) -> str:
        (h, w), (kh, kw) = self.size, self.kernel
        text = f"a {kh}x{kw} convolution of {self.batch} images {h}x{w}, {self.inputs} to {self.outputs} channels"
        for name, value, plain in (
            ("stride", self.stride, (1, 1)),
            ("padding", self.padding, (0, 0)),
            ("dilation", self.dilation, (1, 1)),
        ):
            if value != plain:
                text += f", {name} {value[0]}x{value[1]}"
        return text + (f", {self.groups} groups" if self.groups > 1 else "")


@dataclass(frozen=True)
class Channels:
    """What of the channels meets: all inputs of a group with all outputs, or (`each`) one with one."""

    inputs: int
    """Of a group."""
    outputs: int
    """Of a group."""
    groups: int
    each: bool
    """A depthwise convolution: counted as one group with one input and all outputs."""
    along_output: int
    """In weights as torch keeps them, from an output to the next,"""
    along_input: int
    """from an input to the next,"""
    along_group: int
    """and from a group to the next."""


def channels(form: Form, backward: bool) -> Channels:
    """Of a convolution, or of its input's gradient, whose outputs are the convolution's inputs."""
    inputs, outputs = form.inputs // form.groups, form.outputs // form.groups
    if inputs == outputs == 1 and form.groups > 1:
        return Channels(1, form.groups, 1, True, form.taps, form.taps, form.outputs * form.taps)
    sizes, along = (inputs, outputs), (form.taps, inputs * form.taps)
    if backward:
        sizes, along = sizes[::-1], along[::-1]
    group = inputs * outputs * form.taps
    return Channels(*sizes, form.groups, False, along[1], along[0], group)


@dataclass(frozen=True)
class Axis:
    """One dimension: output m of `count`, under tap j, sees `start + m * step + j * tap_step`.

    Output m itself is element `out_start + m * out_step` of the result. Taps are in the order in which
    the input is passed; `order` says which of the kernel each is.
    """

    count: int
    start: int
    step: int
    tap_step: int
    order: tuple[int, ...]
    out_start: int = 0
    out_step: int = 1

    @property
    def taps(self) -> int:
        """How many."""
        return len(self.order)

    def beyond(self, size: int) -> Pair:
        """How far it reaches before the first and behind the last of `size` elements."""
        if not self.taps or not self.count:
            return 0, 0
        last = self.start + (self.count - 1) * self.step + (self.taps - 1) * self.tap_step
        return max(0, -self.start), max(0, last - (size - 1))


def forward_axis(form: Form, d: int) -> Axis:
    """Of the convolution itself, dimension d."""
    taps = tuple(range(form.kernel[d]))
    return Axis(form.result[d], -form.padding[d], form.stride[d], form.dilation[d], taps)


def phases(form: Form, d: int) -> list[Axis]:
    """Of the input's gradient: a convolution with stride 1 for each remainder by the stride.

    Input i met output o under tap k where `i = o * stride + k * dilation - padding`.
    """
    size, stride = form.size[d], form.stride[d]
    found = []
    for a in range(min(stride, size)):
        met = [
            ((a + form.padding[d] - k * form.dilation[d]) // stride, k)
            for k in reversed(range(form.kernel[d]))
            if (a + form.padding[d] - k * form.dilation[d]) % stride == 0
        ]
        step = met[1][0] - met[0][0] if len(met) > 1 else 1
        start = met[0][0] if met else 0
        count = -(-(size - a) // stride)
        found.append(Axis(count, start, 1, step, tuple(k for _, k in met), a, stride))
    return found


def border_of(rows: list[Axis], columns: list[Axis], size: Pair) -> Border:
    """What these ask around an input of that size."""
    ends = []
    for axes, n in ((rows, size[0]), (columns, size[1])):
        reach = [axis.beyond(n) for axis in axes]
        ends.append((max(low for low, _ in reach), max(high for _, high in reach)))
    return Border(*ends[0], *ends[1])


@dataclass(frozen=True)
class Phase:
    """A stretch of the result that is computed by one loop: its rows, columns, and first tap."""

    rows: Axis
    columns: Axis
    first: int

    @property
    def taps(self) -> int:
        """Taps of this phase."""
        return self.rows.taps * self.columns.taps


def forward_phases(form: Form) -> list[Phase]:
    """The convolution itself: one."""
    return [Phase(forward_axis(form, 0), forward_axis(form, 1), 0)]


def backward_phases(form: Form) -> list[Phase]:
    """Of the input's gradient: stride by stride."""
    found, first = [], 0
    for rows, columns in itertools.product(phases(form, 0), phases(form, 1)):
        found.append(Phase(rows, columns, first))
        first += found[-1].taps
    return found
