"""Convolutions and pooling in C against the rows of the table, in all directions, layouts and widths."""

import functools
import itertools

import numpy as np
import pytest

from rushlight.compiler.kernels import convolution, pooling
from rushlight.compiler.kernels.geometry import Form
from rushlight.compiler.kernels.images import Border, Images, cleared, moved
from rushlight.compiler.kernels.pooling import Windows
from rushlight.primitives.convolution import (
    convolution as forward_row,
)
from rushlight.primitives.convolution import (
    convolution_transpose,
    convolution_weight,
)
from rushlight.primitives.pooling import (
    max_pool_from,
    pool_scatter,
    pooled_sizes,
    window_spread,
    window_sum,
)

from .harness import DTYPES, TARGETS, Built, filled, placed, seen, unwritten

# Of one number in 2 ** 24 and in 2 ** 53, with room for sums of a few thousand.
TOLERANCE = {"float": 3e-5, "double": 1e-12}

# Batch, inputs, outputs, size, kernel, stride, padding, dilation, groups.
FORMS = [
    Form(2, 16, 32, (9, 7), (3, 3), (1, 1), (1, 1)),  # Winograd with odd sides
    Form(2, 32, 16, (6, 6), (3, 3), (1, 1), (0, 0)),  # and without padding
    Form(1, 32, 32, (20, 18), (3, 3), (1, 1), (2, 2)),  # and with several units
    Form(2, 3, 16, (8, 8), (3, 3), (1, 1), (1, 1)),  # first layers
    Form(2, 1, 10, (9, 9), (3, 3)),
    Form(1, 3, 32, (20, 22), (7, 7), (2, 2), (3, 3)),
    Form(2, 16, 32, (8, 9), (3, 3), (2, 2), (1, 1)),  # strides
    Form(2, 16, 32, (8, 8), (1, 1), (2, 2)),
    Form(2, 17, 33, (6, 7), (3, 2), (3, 2), (2, 1), (2, 1)),
    Form(2, 24, 40, (4, 4), (4, 4), (4, 4)),
    Form(1, 8, 16, (9, 8), (4, 4), (2, 2), (1, 1)),
    Form(2, 5, 10, (9, 8), (5, 5), (1, 1), (2, 2)),
    Form(1, 32, 48, (5, 5), (1, 1)),
    Form(1, 8, 8, (11, 12), (3, 3), (1, 1), (2, 2), (2, 2)),
    Form(2, 16, 16, (8, 9), (3, 3), (1, 1), (1, 1), (1, 1), 16),  # depthwise
    Form(1, 20, 20, (8, 9), (3, 3), (2, 2), (1, 1), (1, 1), 20),
    Form(1, 8, 12, (8, 9), (3, 3), (2, 1), (1, 0), (1, 2), 4),  # groups
    Form(1, 32, 64, (4, 6), (3, 3), (1, 1), (1, 1), (1, 1), 2),
    Form(2, 4, 6, (1, 17), (1, 3), (1, 2), (0, 1), (1, 2)),  # lines
    Form(1, 128, 512, (3, 3), (3, 3), (1, 1), (1, 1)),  # weights beyond the second cache
]


def static_of(form):
    return {
        "stride": form.stride, "padding": form.padding, "dilation": form.dilation, "groups": form.groups
    }  # fmt: skip


BARE = Border()


class Case:
    """A convolution in three directions: its kernels, and their run on one draw."""

    parts = 2
    at_the_end = True

    def __init__(self, form, target, T, exact=False, planes=False, extra=BARE):
        self.form, self.dtype, self.T = form, DTYPES[T], T
        around = [
            convolution.borders(form, way, target, T, exact)
            for way in ("forward", "input", "weight")
        ]
        x, g = extra, extra
        for first, second in around:
            x, g = x | first, g | second
        self.x = Images(form.batch, form.inputs, *form.size, Border() if planes else x, planes)
        self.g = Images(form.batch, form.outputs, *form.result, g)
        self.forward = convolution.forward(form, self.x, self.g, target, T, exact)
        self.weight = convolution.weight_gradient(
            form, self.x, self.g, target, T, exact, bias=True, parts=self.parts
        )
        self.plans = [self.forward, self.weight]
        self.input = None
        if not planes:
            self.input = convolution.input_gradient(form, self.g, self.x, target, T, exact)
            self.plans.append(self.input)

    @property
    def kernels(self):
        found = [p.kernel for p in self.plans] + [p.pack for p in self.plans if p.pack]
        return [*found, self.weight.finish]

    def draw(self):
        random = np.random.default_rng(self.form.products)
        form = self.form
        shapes = (
            (form.batch, form.inputs, *form.size),
            (form.outputs, form.inputs // form.groups, *form.kernel),
            (form.batch, form.outputs, *form.result),
        )
        return [random.standard_normal(shape).astype(self.dtype) for shape in shapes]

    def applied(self, library, plan, source, weights, result, layout):
        """The result's images, computed in two shares that come in the wrong order."""
        at_the_end = self.at_the_end
        flat = filled(weights.size, self.dtype, at_the_end=at_the_end)
        packed = filled(plan.packed, self.dtype, at_the_end=at_the_end)
        flat.array[:] = weights.ravel()
        library(plan.pack, flat.array, packed.array)
        half = plan.count // 2
        library(plan.kernel, source.array, packed.array, result.array, half, plan.count)
        library(plan.kernel, source.array, packed.array, result.array, 0, half)
        assert unwritten(layout, result)
        return seen(layout, result.array)

    def run(self, library):
        """What the rows give in float64, and what the kernels give, direction by direction."""
        x, w, g = self.draw()
        exact = [a.astype(np.float64) for a in (x, w, g)]
        static = static_of(self.form)
        dtype = self.dtype
        place = functools.partial(placed, dtype=dtype, at_the_end=self.at_the_end)
        fill = functools.partial(filled, dtype=dtype, at_the_end=self.at_the_end)
        source, upper = place(self.x, x), place(self.g, g)
        result = place(self.g, np.nan)
        yield (
            forward_row.forward(exact[0], exact[1], None, **static),
            self.applied(library, self.forward, source, w, result, self.g),
        )
        if self.input:
            result = place(self.x, np.nan)
            yield (
                convolution_transpose.forward(
                    exact[2], exact[1], None, size=self.form.size, **static
                ),
                self.applied(library, self.input, upper, w, result, self.x),
            )
        plan = self.weight
        sums = fill(plan.sums * self.parts, value=0.0)
        half = plan.count // 2
        library(plan.kernel, source.array, upper.array, sums.array, 0, half)
        library(plan.kernel, source.array, upper.array, sums.array[plan.sums :], half, plan.count)
        weight, bias = fill(w.size), fill(self.form.outputs)
        library(plan.finish, sums.array, weight.array, bias.array)
        yield (
            convolution_weight.forward(exact[0], exact[2], kernel=self.form.kernel, **static),
            weight.array.reshape(w.shape),
        )
        yield exact[2].sum((0, 2, 3)), bias.array


KINDS = [(16, "float", False), (8, "float", True), (4, "double", False), (1, "float", False)]


@functools.cache
def cases(width, T, exact):
    """The cases of a kind and their library: one run of the compiler."""
    found = []
    for form in FORMS if width in (16, 1) else FORMS[::2]:
        found.append(Case(form, TARGETS[width], T, exact))
        if form.inputs < 4:
            found.append(Case(form, TARGETS[width], T, exact, planes=True))
    # With more of a border than is asked for.
    found.append(Case(FORMS[6], TARGETS[width], T, exact, extra=Border(2, 3, 1, 2)))
    kernels = {one.name: one for case in found for one in case.kernels}
    return found, Built(list(kernels.values()), TARGETS[width])


@pytest.mark.parametrize(("width", "T", "exact"), KINDS)
def test_all_directions_give_what_the_rows_give(width, T, exact):
    found, library = cases(width, T, exact)
    for case, at_the_end in itertools.product(found, (True, False)):
        case.at_the_end = at_the_end
        for direction, (want, got) in enumerate(case.run(library)):
            error = np.abs(got - want).max() / max(1e-9, np.abs(want).max())
            assert error < TOLERANCE[T], (str(case.form), str(case.x), direction, error)


def test_winograd_is_taken_where_it_is_faster_and_never_where_exact():
    target = TARGETS[16]
    ways = ("forward", "input", "weight")
    large = Form(32, 64, 64, (8, 8), (3, 3), (1, 1), (1, 1))
    assert {convolution.method(large, way, target) for way in ways} == {"winograd"}
    assert {convolution.method(large, way, target, exact=True) for way in ways} == {"direct"}
    for form in (FORMS[3], FORMS[6], FORMS[11], FORMS[14]):
        assert {convolution.method(form, way, target) for way in ways} == {"direct"}


def test_an_infinity_stays_in_its_window_and_stays_one_when_exact():
    form = Form(1, 16, 16, (8, 8), (3, 3), (1, 1), (1, 1))
    window = np.zeros((8, 8), bool)
    window[3:6, 3:6] = True
    for exact in (True, False):
        case = Case(form, TARGETS[16], "float", exact)
        library = Built([case.forward.kernel, case.forward.pack], TARGETS[16])
        x, w, _ = case.draw()
        x[0, 0, 4, 4] = np.inf
        result = placed(case.g, np.nan, case.dtype)
        source = placed(case.x, x, case.dtype)
        got = case.applied(library, case.forward, source, w, result, case.g)
        assert (~np.isfinite(got).all((0, 1)) == window).all()
        assert np.isnan(got).any() != exact


def test_a_border_that_is_missing_is_refused():
    form = Form(1, 16, 16, (8, 8), (3, 3), (1, 1), (1, 1))
    bare = Images(1, 16, 8, 8)
    with pytest.raises(ValueError, match="zeros around"):
        convolution.forward(form, bare, bare, TARGETS[16])
    with pytest.raises(ValueError, match="zeros around"):
        convolution.input_gradient(form, bare, bare, TARGETS[16])


@pytest.mark.parametrize("width", [16, 4, 1])
def test_images_are_moved_between_layouts(width):
    target = TARGETS[width]
    layouts = [
        Images(2, 19, 5, 18, planes=True),
        Images(2, 19, 5, 18, Border(1, 0, 2, 1)),
        Images(2, 19, 5, 18, Border(1, 2, 0, 0), planes=True),
        Images(2, 19, 5, 18, pitch=24),
    ]
    pairs = list(itertools.product(layouts, layouts))
    kernels = [moved(x, y, target) for x, y in pairs]
    borders = [cleared(y) for y in layouts]
    every = {one.name: one for one in [*kernels, *(kernel for kernel, _ in borders)]}
    library = Built(list(every.values()), target)
    values = np.random.default_rng(0).standard_normal((2, 19, 5, 18)).astype(np.float32)
    for (x, y), kernel in zip(pairs, kernels, strict=True):
        source, result = placed(x, values, np.float32), placed(y, np.nan, np.float32, 7.0)
        library(kernel, source.array, result.array, 0, 10)
        assert (seen(y, result.array) == values).all()
        assert unwritten(y, result, 7.0)
    for y, (kernel, units) in zip(layouts, borders, strict=True):
        result = placed(y, values, np.float32, 7.0)
        library(kernel, result.array, 0, units)
        assert (seen(y, result.array) == values).all()
        if y.pitch == 0:
            assert unwritten(y, result, 0.0)


# Type, batch, channels, size, windows, whether the last may reach beyond.
POOLS = [
    ("float", 2, 16, (8, 8), Windows((2, 2), (2, 2)), False),
    ("float", 2, 21, (9, 7), Windows((2, 2), (2, 2)), False),
    ("double", 2, 20, (9, 7), Windows((3, 3), (2, 2), (1, 1)), True),
    ("float", 1, 3, (9, 10), Windows((3, 2), (1, 2), (1, 0), (2, 1)), False),
    ("float", 2, 16, (7, 7), Windows((7, 7), (7, 7)), False),
    ("float", 2, 5, (10, 10), Windows((2, 2), (3, 4)), False),
    ("float", 1, 17, (20, 20), Windows((17, 17), (2, 2)), False),
    ("double", 2, 16, (1, 9), Windows((1, 3), (1, 3), (0, 1)), False),
]


@pytest.mark.parametrize("width", [16, 8, 4, 1])
def test_pooling_gives_what_the_rows_give(width):
    target, found = TARGETS[width], []
    for T, batch, channels, size, windows, beyond in POOLS:
        form = {"kernel": windows.kernel, "stride": windows.stride, "padding": windows.padding,
                "dilation": windows.dilation}  # fmt: skip
        out = pooled_sizes(size, *form.values(), beyond)
        x = Images(batch, channels, *size, Border(1, 2, 0, 1))
        y = Images(batch, channels, *out, Border(0, 1, 1, 0))
        found.append((T, x, y, form, [
            pooling.maximum(windows, x, y, target, T), pooling.total(windows, x, y, target, T),
            *pooling.scattered(windows, y, x, target, T), *pooling.spread(windows, y, x, target, T),
            pooling.maximum(windows, x, y, target, T, winner=False),
        ]))  # fmt: skip
    library = Built([one for *_, made in found for one in made if not isinstance(one, int)], target)
    random = np.random.default_rng(0)
    for T, x, y, form, (largest, total, scattered, many, spread, rows, plain) in found:
        dtype, units = DTYPES[T], y.batch * y.height
        values = random.integers(-3, 4, (x.batch, x.channels, x.height, x.width)).astype(dtype)
        values[random.random(values.shape) < 0.05] = np.nan
        values[random.random(values.shape) < 0.2] = -np.inf
        want, winner = max_pool_from.forward(values, out_size=(y.height, y.width), **form)
        source, result = placed(x, values, dtype, 9.0), placed(y, 0.5, dtype, 5.0)
        shape = (y.batch, y.height, y.width, y.channels)
        places = filled(winner.size, winner.dtype, 0)
        won = places.array.reshape(shape)
        library(largest, source.array, result.array, won, 0, units)
        np.testing.assert_array_equal(seen(y, result.array), want)
        np.testing.assert_array_equal(won.transpose(0, 3, 1, 2), winner)
        assert unwritten(y, result, 5.0)
        again = placed(y, 0.5, dtype, 5.0)
        library(plain, source.array, again.array, 0, units)
        np.testing.assert_array_equal(again.array, result.array)

        values = random.standard_normal(values.shape).astype(dtype)
        source = placed(x, values, dtype, 9.0)
        library(total, source.array, result.array, 0, units)
        want = window_sum.forward(values.astype(np.float64), out_size=(y.height, y.width), **form)
        np.testing.assert_allclose(seen(y, result.array), want, atol=1e-4)

        g = random.standard_normal(want.shape).astype(dtype)
        upper = placed(y, g, dtype, 9.0)
        for kernel, units_, arrays, row, operands in (
            (scattered, many, (won,), pool_scatter, (g, winner)),
            (spread, rows, (), window_spread, (g,)),
        ):
            result_x = placed(x, np.nan, dtype, 5.0)
            library(kernel, upper.array, *arrays, result_x.array, 0, units_)
            want = row.forward(*operands, size=(x.height, x.width), **form)
            np.testing.assert_allclose(seen(x, result_x.array), want, rtol=1e-6, atol=1e-6)
            assert unwritten(x, result_x, 5.0)
