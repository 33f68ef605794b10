"""Run a program under torch and rushlight, a line at a time, and compare all that can be seen.

After every line, for every tensor that a name reaches (through tuples, modules, optimizer states
and the gradients of all these): dtype, shape, strides, offset, version, `requires_grad`, leafness,
lazy bits, values, and which of them share memory. The first thing that differs is the `Difference`.

Values may differ by rounding. Where they do, rushlight's are overwritten by torch's before the next
line, so that a chaotic program cannot make two steps out of one rounding error.
"""

from __future__ import annotations

import ctypes
import importlib
import io
import types
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np
import torch

import rushlight
from tests.fuzz.prelude import PRELUDE
from tests.fuzz.rounding import ROUNDING, close, magnitude, signs_differ

# The order in which differences of one line are reported: causes before what follows from them.
ASPECTS = (
    "error",
    "NumPy's warning",
    "kind",
    "dtype",
    "shape",
    "values",
    "sign of zero",
    "requires_grad",
    "is_leaf",
    "identity",
    "sharing",
    "version",
    "strides",
    "strides of one",
    "offset",
    "lazy bits",
    "inference",
    "grad_fn",
    "changed by a failed call",
)
OFF_BY_DEFAULT = frozenset({"grad_fn"})

DTYPES = (
    "float32",
    "float64",
    "float16",
    "bfloat16",
    "complex64",
    "complex128",
    "int64",
    "int32",
    "int16",
    "int8",
    "uint8",
    "bool",
)
DEEPEST = 4
# A type that NumPy lacks, and in which its numbers are compared.
WIDER = {"torch.complex32": "complex64"}
NUMPY = {getattr(torch, name): np.dtype(getattr(ml_dtypes, name, name)) for name in DTYPES}


@dataclass(frozen=True, eq=False)
class Difference:
    """What differs first, after which line, in which tensor, and both frameworks' answers."""

    number: int
    line: str
    aspect: str
    path: str
    want: object
    got: object
    # torch's dtype of that tensor.
    dtype: str = ""
    # The lines that both have run before.
    before: str = ""
    # Whether there is a tensor that was made in inference mode and requires grad.
    unseen: bool = False
    # Whether the line takes other than double precision, or differentiates where there is other.
    single: bool = False

    def __str__(self) -> str:
        what = f"{self.aspect} of {self.path}" if self.path else self.aspect
        return f"{what}: {brief(self.want)}, not {brief(self.got)}"


def brief(value: object) -> str:
    """On one line, and not a long one."""
    text = " ".join(str(value).split())
    return text if len(text) < 130 else text[:127] + "..."


class Invalid(Exception):
    """The program uses a name that it does not have."""


@dataclass
class Outcome:
    """How a line ended under both, and what differs; `stop` ends the program without a fault."""

    error: Exception | None = None
    difference: Difference | None = None
    stop: bool = False


@dataclass
class View:
    """What can be seen on one side: paths, tensors, and what is compared of them."""

    paths: list[str] = field(default_factory=list)
    tensors: list[Any] = field(default_factory=list)
    facts: list[tuple[Any, ...]] = field(default_factory=list)
    sharing: list[int] = field(default_factory=list)
    identity: list[int] = field(default_factory=list)
    arrays: list[np.ndarray] = field(default_factory=list)
    plain: list[tuple[str, Any]] = field(default_factory=list)
    # How many bytes of memory each tensor is on.
    room: list[int] = field(default_factory=list)

    def bits(self) -> list[bytes]:
        """The values of all tensors, as they lie in memory."""
        return [a.tobytes() for a in self.arrays]


FACTS = (
    "dtype",
    "shape",
    "strides",
    "offset",
    "version",
    "requires_grad",
    "is_leaf",
    "inference",
    "lazy_bits",
    "grad_fn",
)

LEAF, SHAPE, DTYPE, INFERENCE, WANTS = map(
    FACTS.index, ("is_leaf", "shape", "dtype", "inference", "requires_grad")
)


class Side:
    """A framework and the names of a program that runs under it."""

    def __init__(self, framework: types.ModuleType) -> None:
        self.framework: Any = framework
        name = framework.__name__
        self.nn = importlib.import_module(f"{name}.nn")
        self.names: dict[str, Any] = {
            "torch": framework,
            "nn": self.nn,
            "F": importlib.import_module(f"{name}.nn.functional"),
            "np": np,
            "io": io,
            "log": [],
        }
        self.dtypes = {getattr(framework, d): d for d in DTYPES if hasattr(framework, d)}
        exec(PRELUDE_CODE, self.names)
        self.own = set(self.names) - {"log"}
        self.optimizers = framework.optim.Optimizer
        # The version of each tensor when it was first seen: how often an operation writes into its
        # own result before it hands it out is its own business.
        self.versions: dict[int, int] = {}
        framework.manual_seed(0)
        # To compile anything switches it off in torch, for the whole process.
        framework.distributions.Distribution.set_default_validate_args(True)

    def run(self, code: types.CodeType) -> Exception | None:
        """The exception that a line raises, if any."""
        try:
            exec(code, self.names)
        except Exception as error:
            # Without the traceback, whose frames would keep the line's tensors alive.
            return error.with_traceback(None)
        return None

    def look(self, grad_fn: bool) -> View:
        """All that the program's names reach."""
        view = View()
        versions, self.versions = self.versions, {}
        first: dict[int, int] = {}
        memory: dict[int, int] = {}
        tensor_type = self.framework.Tensor

        def add(path: str, tensor: Any) -> None:
            number = len(view.tensors)
            view.paths.append(path)
            view.tensors.append(tensor)
            same = first.setdefault(id(tensor), number)
            view.identity.append(same)
            if same != number:
                view.facts.append(view.facts[same])
                view.sharing.append(view.sharing[same])
                view.arrays.append(view.arrays[same])
                view.room.append(view.room[same])
                return
            view.facts.append(self.facts(tensor, grad_fn, versions))
            view.sharing.append(memory.setdefault(self.address(tensor) or -1 - number, number))
            view.arrays.append(self.array(tensor))
            counts = self.framework is torch and self.address(tensor)
            view.room.append(tensor.untyped_storage().nbytes() if counts else 0)
            if view.facts[-1][LEAF] is True or tensor.retains_grad:
                grad = tensor.grad
                if grad is not None and path.count(".grad") < 2:  # it may be its own
                    add(f"{path}.grad", grad)

        def walk(path: str, value: Any) -> None:
            if isinstance(value, tensor_type):
                add(path, value)
            elif isinstance(value, list | tuple):
                if path.count("[") > DEEPEST:  # a list may hold itself
                    return
                for index, item in enumerate(value):
                    walk(f"{path}[{index}]", item)
                if path != "log":
                    view.plain.append((path, (type(value).__name__, len(value))))
            elif isinstance(value, self.nn.Module):
                for key, item in value.state_dict(keep_vars=True).items():
                    walk(f"{path}.{key}", item)
            elif isinstance(value, self.optimizers):
                held = [p for group in value.param_groups for p in group["params"]]
                for index, parameter in enumerate(held):
                    walk(f"{path}.params[{index}]", parameter)
                    for key, item in sorted(value.state.get(parameter, {}).items()):
                        walk(f"{path}.state[{index}].{key}", item)
                for index, group in enumerate(value.param_groups):
                    for key, item in sorted(group.items()):
                        if key != "params":
                            walk(f"{path}.groups[{index}].{key}", item)
            elif isinstance(value, dict):
                for key, item in value.items():
                    walk(f"{path}[{key!r}]", item)
            elif not callable(value):
                view.plain.append((path, value))

        for name, value in self.names.items():
            if name not in self.own and not name.startswith("__"):
                walk(name, value)
        return view

    def facts(self, t: Any, grad_fn: bool, versions: dict[int, int]) -> tuple[Any, ...]:
        inference = t.is_inference()
        version = 0 if inference else self.version(t)
        self.versions[id(t)] = start = versions.get(id(t), version)
        return (
            self.dtypes.get(t.dtype) or str(t.dtype),
            tuple(t.shape),
            t.stride(),
            t.storage_offset(),
            0 if inference else version - start,
            t.requires_grad,
            self.is_leaf(t),
            inference,
            (t.is_conj(), t.is_neg()),
            None if not grad_fn or t.grad_fn is None else t.grad_fn.name(),
        )

    def version(self, t: Any) -> int:
        """Its count of changes; torch has none where `.data` of an inference tensor was set."""
        try:
            return int(t._version)
        except RuntimeError:
            return 0

    def address(self, t: Any) -> int:
        """Where its memory begins; 0 if it has none."""
        if not t.numel() or (self.framework is torch and t._is_zerotensor()):
            return 0
        return t.untyped_storage().data_ptr()

    def is_leaf(self, t: Any) -> bool | str:
        """Whether it is one; of some views changed in place not even that can be asked."""
        try:
            return t.is_leaf
        except RuntimeError:
            return "RuntimeError"

    def array(self, t: Any) -> np.ndarray:
        """A tensor's values; its memory itself where nothing is lazy."""
        t = t.detach()
        if t.is_conj() or t.is_neg():
            return np.asarray(t.resolve_conj().resolve_neg().numpy())
        if str(t.dtype) in WIDER:
            t = t.to(getattr(self.framework, WIDER[str(t.dtype)]))
            return np.asarray(t.numpy())
        if not self.address(t):
            return np.zeros(t.shape, NUMPY[getattr(torch, str(t.dtype).rpartition(".")[2])])
        return memory(t) if self.framework is torch else t._data_


def memory(t: torch.Tensor) -> np.ndarray:
    """torch's memory as an array, without `numpy()`, after which memory is no longer resized."""
    dtype = NUMPY[t.dtype]
    size = dtype.itemsize
    storage = t.untyped_storage()
    if (
        not storage.data_ptr()
    ):  # nor has it any where `numpy()` holds it fast, empty, and it is to grow
        return np.zeros(t.shape, dtype)
    raw = (ctypes.c_char * storage.nbytes()).from_address(storage.data_ptr())
    strides = tuple(size * stride for stride in t.stride())
    try:
        return np.ndarray(t.shape, dtype, raw, size * t.storage_offset(), strides)
    except ValueError:  # a failed out= leaves torch's tensor larger than its memory
        return np.zeros(t.shape, dtype)


PRELUDE_CODE = compile(PRELUDE, "<prelude>", "exec")


class Pair:
    """Both sides of one program."""

    def __init__(self, without: Iterable[str] = OFF_BY_DEFAULT, candidate: Any = rushlight) -> None:
        self.without = frozenset(without)
        self.want, self.got = Side(torch), Side(candidate)
        self.line = ""
        self.lines: list[str] = []
        self.number = 0
        self.seen: tuple[View, View] = (View(), View())
        self.unseen = self.single = False

    def step(self, line: str) -> Outcome:
        """Run one line under both and compare."""
        self.lines += [self.line] if self.line else []
        self.line = line
        self.number += 1
        code = compile(line, "<program>", "exec")
        before = self.seen[1]
        bits = before.bits()
        self.unseen, self.single = self.has_unseen(), self.takes_single(code)
        wanted, found = self.want.run(code), self.got.run(code)
        if isinstance(wanted, NameError):
            raise Invalid(str(wanted))
        if wanted is not None:
            # torch may have drawn numbers before it refused; a call that rushlight refuses has not.
            self.want.framework.manual_seed(self.number)
            self.got.framework.manual_seed(self.number)
        differing = [*self.errors(wanted, found)]
        # Its aftermath is of no interest where the error itself differs: rushlight must have
        # refused in vain, or gone on in vain.
        if not differing:
            differing += self.compare(wanted is not None, before, bits)
        outcome = Outcome(wanted)
        if differing:
            reported = [d for d in differing if d.aspect not in self.without]
            outcome.stop = not reported or reported[0].aspect == "torch itself changed"
            if not outcome.stop:
                outcome.difference = min(reported, key=lambda d: ASPECTS.index(d.aspect))
        return outcome

    def has_unseen(self) -> bool:
        """Whether there are tensors of inference mode that require grad."""
        return any(facts[INFERENCE] and facts[WANTS] for facts in self.seen[0].facts)

    def takes_single(self, code: types.CodeType) -> bool:
        """Whether numbers of double precision may be the result of others in the line."""
        view, names = self.seen[0], code.co_names
        graph = "backward" in names or "grad" in names
        return any(
            facts[DTYPE] not in ("float64", "complex128")
            and (graph or path.partition(".")[0].partition("[")[0] in names)
            for path, facts in zip(view.paths, view.facts, strict=True)
        )

    def differ(
        self, aspect: str, path: str, want: object, got: object, dtype: str = ""
    ) -> Difference:
        return Difference(
            self.number,
            self.line,
            aspect,
            path,
            want,
            got,
            dtype,
            "\n".join(self.lines),
            self.unseen,
            self.single,
        )

    def errors(self, want: Exception | None, got: Exception | None) -> Iterator[Difference]:
        if isinstance(got, RuntimeWarning):
            yield self.differ("NumPy's warning", "", short(want), short(got))
        elif (want is None) != (got is None) or (want and got and not same_error(want, got)):
            yield self.differ("error", "", short(want), short(got))

    def compare(self, failed: bool, before: View, bits: list[bytes]) -> Iterator[Difference]:
        """All that differs now."""
        grad_fn = "grad_fn" not in self.without
        try:
            want = self.want.look(grad_fn)
        except NotImplementedError:  # a hook has kept the tensor of a transform
            yield self.differ("torch itself changed", "", "", "")
            return
        try:
            got = self.got.look(grad_fn)
        except Exception as error:  # a tensor that cannot even be looked at
            yield self.differ("error", "a look at the tensors", "none", short(error))
            return
        old, self.seen = self.seen[0], (want, got)
        found = [*self.views(want, got)]
        if not found:
            self.settle(want, got)
        elif moved(old, want):
            yield self.differ("torch itself changed", "", "", "")
        elif failed:
            changed = self.changed(before, got, bits)
            ours = [d for d in found if d.path in changed]
            if not ours:
                yield self.differ("torch itself changed", "", "", "")
                return
            first = min(ours, key=lambda d: ASPECTS.index(d.aspect))
            path = f"{first.path} ({first.aspect})"
            yield self.differ("changed by a failed call", path, first.want, first.got)
        else:
            yield from found

    def changed(self, before: View, now: View, bits: list[bytes]) -> set[str]:
        """The paths under which rushlight shows something else than before."""
        old = dict(zip(before.paths, zip(before.facts, bits, strict=True), strict=True))
        new = dict(zip(now.paths, zip(now.facts, now.bits(), strict=True), strict=True))
        return {path for path in {**old, **new} if old.get(path) != new.get(path)}

    def views(self, want: View, got: View) -> Iterator[Difference]:
        yield from self.plains(want.plain, got.plain)
        if want.paths != got.paths:
            for path in want.paths:
                if path not in got.paths:
                    yield self.differ("kind", path, "a tensor", "none")
                    return
            path = next((p for p in got.paths if p not in want.paths), "")
            yield self.differ("kind", path, "none", "a tensor")
            return
        if want.facts != got.facts:
            for path, expected, found in zip(want.paths, want.facts, got.facts, strict=True):
                for name, a, b in zip(FACTS, expected, found, strict=True):
                    if a != b and (name != "strides" or expected[SHAPE] == found[SHAPE]):
                        aspect = name.replace("_bits", " bits")
                        if name == "strides" and not matter(expected[SHAPE], a, b):
                            aspect = "strides of one"
                        yield self.differ(aspect, path, a, b, expected[DTYPE])
        for aspect in ("sharing", "identity"):
            expected, found = getattr(want, aspect), getattr(got, aspect)
            if expected != found:
                index = next(
                    i
                    for i, pair in enumerate(zip(expected, found, strict=True))
                    if pair[0] != pair[1]
                )
                partners = (
                    "alone" if n == index else f"that of {want.paths[n]}"
                    for n in (expected[index], found[index])
                )
                yield self.differ(aspect, want.paths[index], *partners)
        largest: float | None = None
        # Memory whose numbers differ by rounding; what else is shown of it differs in its bits.
        rounded: set[int] = set()
        pairs = [*enumerate(zip(want.arrays, got.arrays, strict=True))]
        for number, (a, b) in sorted(pairs, key=lambda pair: pair[1][0].dtype.kind not in "fcV"):
            if a.shape != b.shape or a.dtype != b.dtype or a.tobytes() == b.tobytes():
                continue
            if largest is None:
                largest = max(map(magnitude, want.arrays), default=0.0)
            near = close(a, b, want.facts[number][0], largest)
            if near and a.dtype.kind in "fcV":
                rounded.add(want.sharing[number])
            if not near and want.sharing[number] in rounded and a.dtype.kind not in "fcV":
                continue
            if not near:
                aspect = "values"
            elif signs_differ(a, b):
                aspect = "sign of zero"
            else:
                continue
            dtype = want.facts[number][DTYPE]
            yield self.differ(aspect, want.paths[number], a.copy(), b.copy(), dtype)

    def plains(
        self, want: list[tuple[str, Any]], got: list[tuple[str, Any]]
    ) -> Iterator[Difference]:
        """Results that are no tensors."""
        for (path, a), (other, b) in zip(want, got, strict=False):
            if path != other:
                yield self.differ("kind", path, a, f"{other} is {b}")
            elif not same_plain(a, b):
                yield self.differ("kind", path, f"{a!r}", f"{b!r}")

    def settle(self, want: View, got: View) -> None:
        """Take torch's rounding over."""
        for a, b in zip(want.arrays, got.arrays, strict=True):
            if b.dtype.kind in "fcV" and b.flags.writeable and a.tobytes() != b.tobytes():
                b[...] = a


def moved(before: View, now: View) -> bool:
    """Whether torch has enlarged the memory of a tensor: what else was on it has moved along.

    torch warns that it will no longer do so. Tensors of rushlight stay on the memory that they have.
    """
    room = {id(t): nbytes for t, nbytes in zip(before.tensors, before.room, strict=True)}
    return any(
        0 < room.get(id(t), 0) < nbytes for t, nbytes in zip(now.tensors, now.room, strict=True)
    )


def run(
    lines: Iterable[str],
    without: Iterable[str] = OFF_BY_DEFAULT,
    candidate: Any = rushlight,
    known: Callable[[Difference], bool] = lambda _: False,
) -> Difference | None:
    """The first difference in a program, none if there is none, `Invalid` if it is no program."""
    with quiet():
        pair = Pair(without, candidate)
        for line in lines:
            outcome = pair.step(line)
            if outcome.difference is not None:
                return None if known(outcome.difference) else outcome.difference
            if outcome.stop:
                break
    return None


class quiet(warnings.catch_warnings):
    """Warnings are no difference; NumPy's must not reach the user under any filter."""

    def __enter__(self) -> None:
        super().__enter__()
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", RuntimeWarning)


def same_error(want: Exception, got: Exception) -> bool:
    """The same type, or a subclass of the same name as torch's own."""
    base = next(t for t in type(want).__mro__ if t.__module__ == "builtins")
    own = None if base is type(want) else type(want).__name__
    return isinstance(got, base) and own in (None, *(t.__name__ for t in type(got).__mro__))


def short(error: Exception | None) -> str:
    if error is None:
        return "no error"
    return (
        f"{type(error).__name__}: {str(error).strip().splitlines()[0][:160] if str(error) else ''}"
    )


def same_plain(a: Any, b: Any) -> bool:
    if type(a).__name__ != type(b).__name__:
        return False
    if isinstance(a, float | complex):
        return close(np.asarray(a), np.asarray(b), "float32", abs(a))
    if isinstance(a, np.ndarray) and a.dtype == b.dtype and a.dtype.name in ROUNDING:
        return a.shape == b.shape and close(a, b, a.dtype.name, magnitude(a))
    if type(a).__module__ == type(b).__module__ == "builtins" or isinstance(a, tuple | np.ndarray):
        return repr(a) == repr(b)
    return True


def matter(shape: tuple[int, ...], want: tuple[int, ...], got: tuple[int, ...]) -> bool:
    """Whether strides differ where there is more than one element to step to."""
    return 0 not in shape and any(
        size > 1 and a != b for size, a, b in zip(shape, want, got, strict=True)
    )
