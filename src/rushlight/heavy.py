"""What takes long: NumPy's at first, and C once the same call has come often.

A row in the table `HEAVY`, and a rule that is `warm_rule` (`primitives/warm.py`), count their calls,
for each kind of them: shapes, strides, types and parameters. At the `ASKED`-th a program of that call
alone is compiled on another processor (`compiler/single.py`); from the `TAKEN`-th on it computes what
NumPy did; a call with large arrays counts for several. So a short program never waits, and the change
comes at the same call in every run, whatever was compiled before: two runs of one program give the same
bits. A product is C only where C gives the very bits of BLAS (`single.Exact`).

The results are those of NumPy's forward but for the order of sums (the tests hold both together).
Where there is no C compiler, after `rushlight.backends.c.enabled = False`, with `RUSHLIGHT_C=0` in
the environment, and under `use_deterministic_algorithms`, it is NumPy throughout.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.settings import are_deterministic_algorithms_enabled
from rushlight.threads import processors

if TYPE_CHECKING:
    from ctypes import CDLL
    from queue import SimpleQueue

    from rushlight.compiler.single import Kernel
    from rushlight.core.row import Primitive

# The calls of one kind after which C is compiled, and after which it is taken; of large arrays a call
# counts for up to four.
ASKED, TAKEN = 8, 32
_LARGE, _MOST_WEIGHT = 1 << 18, 4
# Kinds of calls that one row counts; sizes that never come again would fill the memory.
_MOST = 512

_ndarray = np.ndarray

# The rows for which C is worth it (at least one and a half times as fast as NumPy), and from how many
# elements of the first input on.
HEAVY = {
    **dict.fromkeys(("convolution", "convolution_transpose", "convolution_weight"), 1 << 12),
    **dict.fromkeys(("normalize", "normalize_grad", "max_pool_from", "pool_scatter"), 1 << 12),
    **dict.fromkeys(("rnn", "lstm", "gru"), 1 << 12),
    **dict.fromkeys(
        ("softmax", "log_softmax", "cross_entropy", "vector_norm", "prod", "var"), 1 << 14
    ),
    **dict.fromkeys(("erf", "gelu", "relu_backward", "where", "convert"), 1 << 14),
    **dict.fromkeys(("lerp", "logaddexp", "logaddexp2", "nan_to_num", "rounded_distance"), 1 << 14),
    **dict.fromkeys(("elu", "hardswish", "hardsigmoid", "threshold", "sigmoid", "silu"), 1 << 14),
    **dict.fromkeys(
        ("logsumexp", "std", "copysign", "fmax", "fmin", "heaviside", "hypot"), 1 << 14
    ),
    **dict.fromkeys(("logical_and", "logical_not", "logical_or", "logical_xor"), 1 << 14),
    **dict.fromkeys(("triangle", "angle", "cumsum", "cumprod", "flip"), 1 << 14),
    **dict.fromkeys(("gather", "put", "place_index", "scatter_add", "embedding_sum"), 1 << 14),
    **dict.fromkeys(("cummax_index", "cummin_index"), 1 << 9),
    **dict.fromkeys(("fold_windows", "windows_sum"), 1 << 14),
    "index": 1 << 14,
}
# For which of their calls, where it is not all.
_TAKES: dict[str, Callable[[tuple[Any, ...]], bool]] = {
    # How much a mask picks is known when it is looked at.
    "index": lambda arrays: all(
        a.__class__ is _ndarray and a.dtype.kind != "b" for a in arrays[1:]
    ),
}
# Every row, where NumPy would widen narrow floats, compute and round them, in passes of their own.
HEAVY_NARROW = 1 << 9


# What is called at once, and gives what another thread does then.
Begin = Callable[[], Callable[[], "Kernel"]]


class Switch:
    """Whether C is taken."""

    def __init__(self) -> None:
        self.enabled = os.environ.get("RUSHLIGHT_C", "1") != "0"


switch = Switch()


class _Job:
    """What another thread makes: a kernel, or the library of loops."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make
        self.done = threading.Event()
        self.made: Any = None

    def run(self) -> None:
        """Make it; what has no C stays with NumPy. Whoever asked has loaded the compiler."""
        from rushlight.compiler.single import NotInC

        try:
            self.made = self.make()
        except NotInC:
            pass
        finally:
            self.done.set()


class _Workers:
    """Threads that make kernels, started when there are any to be made."""

    def __init__(self) -> None:
        self.jobs: SimpleQueue[_Job] | None = None
        self.started = 0

    def take(self, job: _Job) -> None:
        """Let a job be done."""
        if self.jobs is None:
            from queue import SimpleQueue

            self.jobs = SimpleQueue()
        self.jobs.put(job)
        if self.started < processors():
            self.started += 1
            threading.Thread(
                target=self._work, args=(self.jobs,), name="rushlight: C", daemon=True
            ).start()

    def _work(self, jobs: SimpleQueue[_Job]) -> None:
        while True:
            jobs.get().run()


class _Here(threading.local):
    making = False


# While a program is made NumPy's forwards are tried, which do not count.
here = _Here()


@contextmanager
def unchanged() -> Iterator[None]:
    """Calls do not count in here: what computes them stays the same."""
    before, here.making = here.making, True
    try:
        yield
    finally:
        here.making = before


_workers = _Workers()
# A fork has no threads, and whatever locks these held; there it is what was made before.
_process = os.getpid()


class _Calls:
    """The calls of one kind: how many there were, and what computes them in the end."""

    __slots__ = ("weight", "count", "kernel", "job")

    def __init__(self, arrays: Iterable[Any]) -> None:
        largest = max([a.size for a in arrays if a is not None], default=0)
        self.weight = min(1 + largest // _LARGE, _MOST_WEIGHT)
        self.count = 0
        self.kernel: Kernel | None = None
        self.job: _Job | None = None

    def counted(self, begin: Begin) -> Kernel | None:
        """Count a call; the kernel, if there is one for it."""
        if self.count > TAKEN or here.making or os.getpid() != _process:
            return None
        before = self.count
        self.count += self.weight
        if before < ASKED <= self.count:
            self._ask(begin)
        if self.count >= TAKEN:
            if self.job is not None:
                self.job.done.wait()
                self.kernel = self.job.made
            # What could not be made is not asked for again.
            self.count, self.job = TAKEN + 1, None
        return self.kernel

    def _ask(self, begin: Begin) -> None:
        # The compiler is loaded here: where modules go by two names (`rushlight run`), two threads that
        # load them each by another name may be handed half of one. And NumPy computes here what a program is
        # made of: a process that forks while another thread is in BLAS has lost BLAS's threads, and that
        # thread waits for them for ever.
        from rushlight.compiler.single import NotInC

        try:
            with unchanged():
                self.job = _Job(begin())
        except NotInC:
            self.count = TAKEN + 1
        else:
            _workers.take(self.job)


def _hashable(part: Any) -> Hashable:
    """The same with tuples in the place of lists and slices."""
    if part.__class__ is slice:
        return slice, part.start, part.stop, part.step
    if part.__class__ in (tuple, list):
        return part.__class__, *map(_hashable, part)
    return part


class Kinds:
    """The kinds of calls of a row or rule."""

    def __init__(self) -> None:
        self.calls: dict[Hashable, _Calls] = {}

    def kernel(self, kind: Hashable, begin: Begin, arrays: Iterable[Any]) -> Kernel | None:
        """The kernel for a call of this kind with these arrays, which is counted."""
        try:
            calls = self.calls.get(kind)
        except TypeError:
            # A parameter that is a list, or has slices in it.
            calls = self.calls.get(kind := _hashable(kind))
        if calls is None:
            if here.making:
                return None
            if len(self.calls) >= _MOST:
                self.calls.clear()
            calls = self.calls[kind] = _Calls(arrays)
        kernel = calls.kernel or calls.counted(begin)
        return None if kernel is None or are_deterministic_algorithms_enabled() else kernel


class _Loops:
    """The library of `compiler/c/loops.c`, from when it is there."""

    def __init__(self) -> None:
        # Nanoseconds that it would have spared so far.
        self.spared = 0
        self.job: _Job | None = None

    def ask(self) -> None:
        """Let it be made. The compiler is imported here: two threads that import may wait for each other."""
        from rushlight.compiler.single import loops

        self.job = _Job(loops)
        _workers.take(self.job)


_loops = _Loops()


# To import and run the compiler takes so many nanoseconds.
_PRICE = 150_000_000


def loops(spares: int) -> CDLL | None:
    """Loops in C that give the bits of those in Python, once they would have spared what they cost.

    spares: nanoseconds that they spare this time.
    """
    if _loops.job is None and switch.enabled and os.getpid() == _process and not here.making:
        _loops.spared += spares
        if _loops.spared >= _PRICE:
            _loops.ask()
    return _loops.job.made if _loops.job is not None and switch.enabled else None


def warm(
    row: Primitive, forward: Callable[..., Any], least: int, exact: bool = False
) -> Callable[..., Any]:
    """The forward of a row that is heavy from `least` elements of its first input on.

    exact: C is taken only where it gives the forward's very bits, for a product of random numbers.
    """
    kinds, takes = Kinds(), _TAKES.get(row.name)

    @functools.wraps(forward)
    def run(*arrays: Any, **static: Any) -> Any:
        first = arrays[0]
        if first.__class__ is not _ndarray or first.size < least or not switch.enabled:
            return forward(*arrays, **static)
        if takes is not None and not takes(arrays):
            return forward(*arrays, **static)
        like: list[Any] = []
        for a in arrays:
            if a.__class__ is _ndarray:
                like.append((a.shape, a.strides, a.dtype))
            elif a is None:
                like.append(None)
            else:
                return forward(*arrays, **static)

        def begin() -> Callable[[], Kernel]:
            from rushlight.compiler.single import Exact, kernel_of, program_of_row

            program = program_of_row(row, like, static)
            bits = Exact(like, forward) if exact else None
            return lambda: kernel_of(program, bits)

        kernel = kinds.kernel((*like, *static.values()), begin, arrays)
        made = None if kernel is None else kernel([a for a in arrays if a is not None])
        if made is None:
            return forward(*arrays, **static)
        return tuple(made) if kernel.several else made[0]  # type: ignore[union-attr]

    return run
