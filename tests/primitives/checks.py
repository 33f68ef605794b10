"""What must hold of a row of the table, tried on the row's own samples.

Derivatives are compared with central differences along random directions: a scalar for each input
and order, whatever the shapes.
"""

from __future__ import annotations

import contextlib
import itertools
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import rushlight as torch
from rushlight.core.doors import Interpreter, apply
from rushlight.core.row import Primitive, Sample
from rushlight.core.tensor import TensorBase, wrap

STEP = 1e-6
SECOND_STEP = 1e-5

# Rows of symmetric matrices, which must be moved along symmetric directions.
SYMMETRIC = {"linalg_cholesky_ex", "linalg_eigh"}

# Rows that read one triangle, and whose rules count on zeros in the other.
TRIANGULAR = {"cholesky_solve"}

# Rows whose values are the bytes of the input.
BYTES = {"reinterpret"}


def samples(row: Primitive) -> list[Sample]:
    """The row's samples, with arrays for NumPy's scalars."""
    return [
        Sample(tuple(np.asarray(a) if isinstance(a, np.generic) else a for a in s.arrays), s.static)
        for s in row.samples()
    ]


def results(row: Primitive, sample: Sample, arrays: Any = None) -> list[np.ndarray]:
    """The outputs of the row, through `apply`."""
    reseed(sample)
    with torch.no_grad():
        out = apply(row, *tensors(sample.arrays if arrays is None else arrays), **sample.static)
    return [o._data_ for o in (out if isinstance(out, tuple) else (out,))]


def reseed(sample: Sample) -> None:
    """Begin the random streams anew, so that the same call draws the same numbers."""
    for generator in (torch.default_generator, sample.static.get("generator")):
        if generator is not None:
            generator.manual_seed(0)


def tensors(arrays: Any) -> list[Any]:
    """The arrays as tensors; numbers and None stay what they are."""
    return [wrap(array) if isinstance(array, np.ndarray) else array for array in arrays]


def differentiable(row: Primitive, sample: Sample) -> list[int]:
    """The positions of the inputs with a derivative."""
    found = []
    for i, array in enumerate(sample.arrays):
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fc":
            continue
        rules = row.vjp or ()
        rule = rules if callable(rules) else rules[i] if i < len(rules) else None
        # zeta and its like have rules that say that torch has no derivative there.
        if rule is not None and rule.__name__ != "no_derivative":
            found.append(i)
    return found


class Differentiated:
    """A row on one sample as a function of its differentiable inputs, with fixed cotangents."""

    def __init__(self, row: Primitive, sample: Sample) -> None:
        self.row, self.sample = row, sample
        self.places = differentiable(row, sample)
        self.random = np.random.default_rng(zlib.crc32(row.name.encode()))
        outs = results(row, sample)
        self.cotangents = [self.like(o) if o.dtype.kind in "fc" else None for o in outs]
        self.points = [np.array(sample.arrays[i], copy=True) for i in self.places]
        # Results in single precision change in coarse steps.
        single = any(o.dtype in (np.float32, np.complex64) for o in outs)
        self.step = 1e-2 if single else STEP

    def like(self, array: np.ndarray) -> np.ndarray:
        """Random numbers of the array's shape."""
        values = self.random.standard_normal(array.shape)
        if array.dtype.kind == "c":
            values = values + 1j * self.random.standard_normal(array.shape)
        return np.asarray(values)

    def direction(self, point: np.ndarray) -> np.ndarray:
        """A random direction in which the point may be moved."""
        values = self.like(point)
        if self.row.name in SYMMETRIC:
            values = values + np.conj(np.swapaxes(values, -2, -1))
        if self.row.name in TRIANGULAR:
            values = values * (point != 0)
        return values

    def inputs(self, points: list[np.ndarray]) -> list[Any]:
        arrays = list(self.sample.arrays)
        for place, point in zip(self.places, points, strict=True):
            arrays[place] = point
        return arrays

    def leaves(self, points: list[np.ndarray]) -> list[Any]:
        """Fresh tensors for the inputs, of which the differentiable ones require grad."""
        reseed(self.sample)
        given = tensors(self.inputs(points))
        for place in self.places:
            given[place]._requires_grad_ = True
        return given

    def value(self, points: list[np.ndarray], cotangents: list[Any] | None = None) -> float:
        """<cotangents, row(points)>."""
        outs = results(self.row, self.sample, self.inputs(points))
        return inner(self.cotangents if cotangents is None else cotangents, outs)

    def gradients(
        self, points: list[np.ndarray], cotangents: list[Any], create_graph: bool = False
    ) -> tuple[list[Any], list[Any], list[Any]]:
        """(gradients, inputs, cotangents) as tensors; what gets no gradient is None."""
        given = self.leaves(points)
        wanted = [given[i] for i in self.places]
        out = apply(self.row, *given, **self.sample.static)
        outs = list(out) if isinstance(out, tuple) else [out]
        pairs = [
            (o, wrap(np.array(c, o._data_.dtype, copy=True), create_graph))
            for o, c in zip(outs, cotangents, strict=True)
            if c is not None and o.requires_grad
        ]
        if not pairs:
            return [None] * len(wanted), wanted, []
        got = torch.autograd.grad(
            [o for o, _ in pairs],
            wanted,
            [c for _, c in pairs],
            create_graph=create_graph,
            allow_unused=True,
        )
        return list(got), wanted, [c for _, c in pairs]


def inner(left: list[Any], right: list[Any]) -> float:
    """The real inner product of lists of arrays; None counts as 0."""
    total = 0.0
    for a, b in zip(left, right, strict=True):
        if a is not None and b is not None:
            total += float(np.real(np.vdot(a, b)))
    return total


def arrays(found: list[Any]) -> list[Any]:
    return [None if t is None else t._data_ for t in found]


# ---- the checks: each yields what is wrong ------------------------------------------------------


def agrees_with_rule(row: Primitive, sample: Sample) -> Iterator[str]:
    """The forward gives finite values of the shape and dtype that the rule foretells."""
    outs = results(row, sample)
    foretold = row.rule(*sample.arrays, **sample.static)
    specs = foretold if isinstance(foretold, list) else [foretold]
    if len(specs) != len(outs):
        yield f"{len(outs)} outputs, the rule foretells {len(specs)}"
        return
    for out, (shape, dtype) in zip(outs, specs, strict=True):
        if out.shape != tuple(shape):
            yield f"shape {out.shape}, the rule foretells {tuple(shape)}"
        if out.dtype != dtype:
            yield f"dtype {out.dtype}, the rule foretells {dtype}"
        if out.dtype.kind in "fc" and not np.isfinite(out).all():
            yield f"not finite: {out}"


def agrees_in_single(row: Primitive, sample: Sample) -> Iterator[str]:
    """The forward gives about the same in float32 as in float64."""
    if row.name in BYTES:
        return
    narrow = {np.dtype(np.float64): np.float32, np.dtype(np.complex128): np.complex64}
    given = [
        a.astype(narrow.get(a.dtype, a.dtype)) if isinstance(a, np.ndarray) else a
        for a in sample.arrays
    ]
    foretold = row.rule(*given, **sample.static)
    specs = foretold if isinstance(foretold, list) else [foretold]
    pairs = zip(results(row, sample), results(row, sample, given), specs, strict=True)
    for wide, single, (_, dtype) in pairs:
        if single.shape != wide.shape:
            yield f"shape {single.shape} in float32, {wide.shape} in float64"
        elif single.dtype != dtype:
            yield f"dtype {single.dtype} from float32, the rule foretells {dtype}"
        elif wide.dtype.kind in "fc" and not np.allclose(single, wide, rtol=2e-5, atol=2e-5):
            yield f"in float32 {single}, in float64 {wide}"
        elif wide.dtype.kind not in "fc" and not np.array_equal(single, wide):
            yield f"from float32 {single}, from float64 {wide}"


def leaves_inputs_alone(row: Primitive, sample: Sample) -> Iterator[str]:
    """Neither forward nor backward changes an input, and only views share memory with one."""
    before = [np.array(a, copy=True) for a in sample.arrays if isinstance(a, np.ndarray)]
    given = [a for a in sample.arrays if isinstance(a, np.ndarray)]
    for out in results(row, sample):
        if not row.view and any(np.may_share_memory(out, a) for a in given if a.size):
            yield "the output shares memory with an input"
    if row.vjp is not None:
        run = Differentiated(row, sample)
        with torch.enable_grad():
            run.gradients([sample.arrays[i] for i in run.places], run.cotangents)
    if not all(np.array_equal(a, b) for a, b in zip(before, given, strict=True)):
        yield "an input was changed"


def has_first_derivative(row: Primitive, sample: Sample) -> Iterator[str]:
    """The rule agrees with central differences along a random direction of each input."""
    if row.vjp is None:
        return
    run = Differentiated(row, sample)
    found, _, _ = run.gradients(run.points, run.cotangents)
    for i, (gradient, point) in enumerate(zip(arrays(found), run.points, strict=True)):
        if gradient is not None and (gradient.shape, gradient.dtype) != (point.shape, point.dtype):
            yield f"input {run.places[i]}: a gradient of {gradient.dtype}{gradient.shape}"
            continue
        direction = run.direction(point)
        expected = _difference(run.value, run.points, i, direction, run.step)
        got = inner([gradient], [direction])
        yield from _compare(f"input {run.places[i]}", got, expected, run.step)


def has_second_derivative(row: Primitive, sample: Sample) -> Iterator[str]:
    """The derivative of <weights, gradients> by the inputs and by the cotangents agrees, too."""
    if row.vjp is None:
        return
    run = Differentiated(row, sample)
    if run.step != STEP:
        return
    if any(getattr(rule, "refused", "") for rule in _rules(row)):
        # torch has no derivative of this gradient, and neither have we: but it wants one.
        found, _, seeds = run.gradients(run.points, run.cotangents, create_graph=True)
        for gradient in found:
            try:
                torch.autograd.grad(gradient.sum(), seeds, allow_unused=True)
            except (RuntimeError, NotImplementedError) as error:
                if "is not implemented" in str(error):
                    continue
            yield "the second derivative is not refused"
        return
    found, wanted, seeds = run.gradients(run.points, run.cotangents, create_graph=True)
    weights = [None if f is None else run.like(f._data_) for f in found]
    pairs = [
        (f, wrap(w))
        for f, w in zip(found, weights, strict=True)
        if f is not None and f.requires_grad
    ]

    def value(points: list[np.ndarray]) -> float:
        return inner(weights, arrays(run.gradients(points, run.cotangents)[0]))

    second: list[Any] = [None] * (len(wanted) + len(seeds))
    if pairs:
        second = list(
            torch.autograd.grad(
                [f for f, _ in pairs], wanted + seeds, [w for _, w in pairs], allow_unused=True
            )
        )
    for i, point in enumerate(run.points):
        direction = run.direction(point)
        expected = _difference(value, run.points, i, direction, SECOND_STEP)
        got = inner(arrays([second[i]]), [direction])
        yield from _compare(f"second order, input {run.places[i]}", got, expected, 1e-4)
    # The gradients are linear in the cotangents: <weights, gradients> is its own derivative there.
    if seeds:
        got = inner(arrays(second[len(wanted) :]), [s._data_ for s in seeds])
        yield from _compare("second order, cotangents", got, value(run.points))


def _rules(row: Primitive) -> tuple[Any, ...]:
    return (row.vjp,) if callable(row.vjp) else row.vjp or ()


def _difference(
    value: Callable[..., float], points: list[np.ndarray], i: int, direction: Any, step: float
) -> float:
    def moved(by: float) -> list[np.ndarray]:
        return [*points[:i], np.asarray(points[i] + by * direction), *points[i + 1 :]]

    return (value(moved(step)) - value(moved(-step))) / (2 * step)


def _compare(what: str, got: float, expected: float, rtol: float = 1e-6) -> Iterator[str]:
    if not np.isclose(got, expected, rtol=rtol, atol=rtol):
        yield f"{what}: {got!r}, by differences {expected!r}"


def is_closed(row: Primitive, sample: Sample) -> Iterator[str]:
    """Each operation that the rules call on something differentiable has itself a rule."""
    if row.vjp is None or any(getattr(rule, "refused", "") for rule in _rules(row)):
        return
    broken: list[str] = []

    class Watch(Interpreter):
        def apply(self, row: Primitive, inputs: Any, static: Any) -> Any:
            out = super().apply(row, inputs, static)
            depends = any(isinstance(t, TensorBase) and t._requires_grad_ for t in inputs)
            outs = out if isinstance(out, tuple) else (out,)
            floating = any(o._data_.dtype.kind in "fc" for o in outs)
            if depends and floating and row.vjp is None:
                broken.append(f"its derivative calls {row.name}, which has none")
            return out

    run = Differentiated(row, sample)
    given = run.leaves(run.points)
    out = apply(row, *given, **sample.static)
    outs = list(out) if isinstance(out, tuple) else [out]
    node = next((o._node_ for o in outs if o._node_ is not None), None)
    if node is None:
        return
    seeds = [
        None if c is None else wrap(np.array(c, o._data_.dtype, copy=True), True)
        for o, c in zip(outs, run.cotangents, strict=True)
    ]
    with Watch():
        node._gradients(seeds if isinstance(out, tuple) else seeds[0])
    yield from dict.fromkeys(broken)


def has_every_column(row: Primitive) -> Iterator[str]:
    """A test about the row itself: name, family, rule, C, inputs, samples."""
    for column in ("name", "family", "c"):
        value = getattr(row, column)
        formulas = column == "c" and (callable(value) or isinstance(value, dict))
        if not value or not (formulas or isinstance(value, str)):
            yield f"{column} is {value!r}"
    for column in ("forward", "rule", "samples"):
        if not callable(getattr(row, column)):
            yield f"{column} is not callable"
    if not row.inputs:
        yield "no inputs"
    if isinstance(row.vjp, tuple):
        several = any(name.startswith("*") for name in row.inputs)
        if not several and len(row.vjp) > len(row.inputs):
            yield f"{len(row.vjp)} rules for {len(row.inputs)} inputs"
    elif row.vjp is not None and not callable(row.vjp):
        yield f"vjp is {row.vjp!r}"
    if not list(itertools.islice(row.samples(), 1)):
        yield "no samples"


def owns_only_rows(row: Primitive, sample: Sample) -> Iterator[str]:
    """What owns its memory lies in row order, whatever the operands: see `memory.in_memory`."""
    for turned in (False, True):
        arrays = [
            wrap(np.asfortranarray(a).view()) if turned and isinstance(a, np.ndarray) else
            wrap(a) if isinstance(a, np.ndarray) else a
            for a in sample.arrays
        ]  # fmt: skip
        with contextlib.suppress(RuntimeError):  # not all rows take all layouts
            out = apply(row, *arrays, **sample.static)
        for o in out if isinstance(out, tuple) else (out,):
            if o._data_.base is None and not o._data_.flags.c_contiguous:
                yield f"a result with strides {o._data_.strides} owns its memory"


CHECKS: tuple[Callable[[Primitive, Sample], Iterator[str]], ...] = (
    agrees_with_rule,
    agrees_in_single,
    leaves_inputs_alone,
    owns_only_rows,
    has_first_derivative,
    has_second_derivative,
    is_closed,
)


def problems(row: Primitive) -> list[str]:
    """Everything that is wrong with a row."""
    found = list(has_every_column(row))
    for check in CHECKS:
        for number, sample in enumerate(samples(row)):
            for problem in check(row, sample):
                found.append(f"{check.__name__}, sample {number} {sample.static}: {problem}")
    return found
