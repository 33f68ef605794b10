"""One program, typed once as torch code, run under torch and then under rushlight.

    from tests.parity import parity

    parity('''
        x = torch.linspace(-1, 1, 5, requires_grad=True)
        loss = (x * x).sum()
        loss.backward()
        wrong = attempt(lambda: x @ torch.ones(3))
    ''')

Every public name that the program leaves behind is compared: tensors in value, dtype, shape,
`requires_grad`, leafness and gradient (and in `repr`, when the values are equal bit for bit);
modules in repr, parameters, buffers, gradients and mode; optimizers and schedulers in their
`state_dict`; numbers, strings, arrays and containers of all these item by item; exceptions by type.
What the program prints is compared too, number by number. Functions, classes and objects of other
kinds are not. Names that begin with an underscore are the program's own business.

The program finds `torch`, `nn`, `F` and `np` ready, and may import torch's modules as usual. Both
sides start from the same seed (`torch`, `numpy` and `random`).
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import io
import random
import re
import textwrap
import traceback
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rushlight.overriding import functions as overriding

REFERENCE, CANDIDATE = "torch", "rushlight"

# Relative and absolute tolerance by dtype; Python floats count as float32, where most come from.
TOLERANCE = {
    "float16": (2e-3, 1e-4),
    "bfloat16": (2e-2, 1e-3),
    "float32": (1e-5, 1e-6),
    "complex64": (1e-5, 1e-6),
    "float64": (1e-9, 1e-11),
    "complex128": (1e-9, 1e-11),
}
# Types that NumPy does not know, by the beginnings of their names.
FOREIGN = ("bfloat16", "float8")
NUMBER = re.compile(r"-?\d+\.?\d*(?:e[-+]?\d+)?")


@dataclass
class Run:
    """What a program left behind under one of the two frameworks."""

    framework: types.ModuleType
    names: dict[str, Any] = field(default_factory=dict)
    printed: str = ""
    error: BaseException | None = None
    warned: list[type[Warning]] = field(default_factory=list)

    def __getitem__(self, name: str) -> Any:
        return self.names[name]


def parity(
    program: str,
    *,
    raises: type[BaseException] | None = None,
    match: str = "",
    rtol: float | None = None,
    atol: float | None = None,
    grad_fn: bool = False,
    given: Mapping[str, Any] | None = None,
    seed: int = 0,
    candidate: str = CANDIDATE,
) -> Run:
    """Run a program under torch and under rushlight, compare, and return rushlight's run.

    raises: the exception that ends the program under both; match: a pattern that rushlight's
    message must contain. rtol, atol: for floats of any precision, instead of the dtype's own
    (0 asks for equal bits). grad_fn: compare `grad_fn=<...>` in reprs as well. given: names to put
    into the program's namespace, the same objects on both sides.
    """
    source = textwrap.dedent(program).strip("\n")
    want = execute(source, REFERENCE, given or {}, seed)
    if want.error is not None and not _is_expected(want.error, raises):
        raise AssertionError("under torch itself:\n" + _traceback(want, source)) from want.error
    if raises is not None and want.error is None:
        raise AssertionError(f"torch did not raise {raises.__name__}")
    got = execute(source, candidate, given or {}, seed)
    if got.error is not None and want.error is None:
        raise AssertionError(f"only {candidate} raised:\n" + _traceback(got, source)) from got.error
    comparison = Comparison(want.framework, got.framework, rtol, atol, grad_fn)
    problems = list(comparison.runs(want, got))
    if got.error is not None and not re.search(match, str(got.error)):
        problems.append(f"the message {str(got.error)!r} does not match {match!r}")
    if want.error is None and not want.printed and not comparison.compared:
        problems.append("the program leaves no name behind that can be compared")
    if problems:
        lines = "\n  ".join(problems[:20])
        raise AssertionError(f"{candidate} differs from torch:\n  {lines}\n\n{_numbered(source)}")
    return got


def attempt(action: Callable[[], object]) -> BaseException:
    """The exception that a call raises, to be compared by type; not to raise is an error."""
    try:
        result = action()
    except Exception as error:
        # The traceback would keep the program's frames, and all their tensors, alive.
        return error.with_traceback(None)
    raise AssertionError(f"no exception was raised; the call returned {result!r}")


def execute(source: str, framework: str, given: Mapping[str, Any], seed: int = 0) -> Run:
    """Run a program's text with `torch` bound to one framework."""
    run = Run(importlib.import_module(framework))
    run.names = {
        "__name__": "program",
        "__builtins__": {**vars(builtins), "__import__": _importer(framework)},
        "torch": run.framework,
        "np": np,
        "attempt": attempt,
        **given,
    }
    for name, module in {"nn": "nn", "F": "nn.functional"}.items():
        if re.search(rf"\b{name}\.", source):
            run.names[name] = importlib.import_module(f"{framework}.{module}")
    before = set(run.names)
    torch: Any = run.framework
    torch.set_default_dtype(torch.float32)
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)
    printed = io.StringIO()
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(printed):
        warnings.simplefilter("always")
        try:
            exec(compile(source, f"<program under {framework}>", "exec"), run.names)
        except Exception as error:
            run.error = error
        finally:
            torch.set_default_dtype(torch.float32)
            torch.set_grad_enabled(True)
            overriding.forget()
    run.printed = printed.getvalue()
    run.warned = [w.category for w in caught]
    run.names = {
        name: value
        for name, value in run.names.items()
        if name not in before and not name.startswith("_")
    }
    return run


def _importer(framework: str) -> Callable[..., Any]:
    """An `__import__` for which torch, and all below it, is the framework."""

    def load(
        name: str,
        globals: Any = None,
        locals: Any = None,
        fromlist: Any = (),
        level: int = 0,
    ) -> Any:
        top, dot, rest = name.partition(".")
        if top == REFERENCE and level == 0:
            name = framework + dot + rest
        return importlib.__import__(name, globals, locals, fromlist, level)

    return load


def _is_expected(error: BaseException, raises: type[BaseException] | None) -> bool:
    return raises is not None and isinstance(error, raises)


def _numbered(source: str) -> str:
    lines = source.splitlines()
    return "\n".join(f"{number:3}  {line}" for number, line in enumerate(lines, 1))


def _traceback(run: Run, source: str) -> str:
    assert run.error is not None
    shown = "".join(traceback.format_exception(run.error))
    return f"{shown}\n{_numbered(source)}"


class Comparison:
    """Walks two values side by side and yields a line for each difference."""

    def __init__(
        self,
        reference: types.ModuleType,
        candidate: types.ModuleType,
        rtol: float | None = None,
        atol: float | None = None,
        grad_fn: bool = False,
    ) -> None:
        self.reference: Any = reference
        self.candidate: Any = candidate
        self.rtol, self.atol, self.grad_fn = rtol, atol, grad_fn
        self.compared = 0

    def runs(self, want: Run, got: Run) -> Iterator[str]:
        """The differences between two runs of the same program."""
        if want.error is not None or got.error is not None:
            yield from self.exceptions("the exception", want.error, got.error)
        if got.warned and not want.warned:
            yield f"warned of {[w.__name__ for w in got.warned]}, torch of nothing"
        yield from self.texts("printed", want.printed, got.printed)
        for name in sorted(set(want.names) ^ set(got.names)):
            yield f"{name} is defined under {'torch' if name in want.names else 'rushlight'} only"
        for name, value in want.names.items():
            if name in got.names:
                yield from self.values(name, value, got.names[name])

    def values(self, path: str, want: Any, got: Any) -> Iterator[str]:
        """The differences between two values of any kind."""
        compare = self._comparer(want)
        if compare is not None:
            self.compared += 1
            yield from compare(path, want, got)

    def _comparer(self, want: Any) -> Callable[[str, Any, Any], Iterator[str]] | None:
        torch = self.reference
        if isinstance(want, torch.Tensor):
            return self.tensors
        if isinstance(want, torch.nn.Module):
            return self.modules
        if isinstance(want, np.ndarray | np.generic):
            return self.arrays
        if isinstance(want, BaseException):
            return self.exceptions
        if want is None or isinstance(want, bool | int | str | bytes | slice | type(...)):
            return self.plain
        if isinstance(want, float | complex):
            return self.floats
        if isinstance(want, Mapping):
            return self.mappings
        if isinstance(want, list | tuple | AbstractSet) and not isinstance(want, type):
            return self.sequences
        if isinstance(want, torch.dtype | torch.device | torch.finfo | torch.iinfo):
            return self.by_name
        if not isinstance(want, type) and callable(getattr(want, "state_dict", None)):
            return self.states
        return None

    def tensors(self, path: str, want: Any, got: Any) -> Iterator[str]:
        if not isinstance(got, self.candidate.Tensor):
            yield f"{path}: a tensor, not {got!r}"
            return
        for what in ("dtype", "shape", "requires_grad", "is_leaf"):
            expected, found = (_plain_name(getattr(t, what)) for t in (want, got))
            if expected != found:
                yield f"{path}.{what}: {expected}, not {found}"
        kinds = (self.reference.nn.Parameter, self.candidate.nn.Parameter)
        if isinstance(want, kinds[0]) != isinstance(got, kinds[1]):
            yield f"{path}: {type(want).__name__}, not {type(got).__name__}"
        name = _plain_name(want.dtype)
        if want.is_meta or got.is_meta:
            yield from self.plain(f"{path}.stride()", want.stride(), got.stride())
            yield from self._reprs(path, repr(want), repr(got))
            if want.is_leaf and got.is_leaf:
                yield from self.values(f"{path}.grad", want.grad, got.grad)
            return
        a, b = _array(want), _array(got)
        if tuple(want.shape) == tuple(got.shape) and name == _plain_name(got.dtype):
            yield from self._close(path, a, b, name)
            if _same_bits(a, b) and not want.is_sparse and not name.startswith(FOREIGN):
                yield from self._reprs(path, repr(want), repr(got))
        if (want.is_leaf or want.retains_grad) and got.is_leaf == want.is_leaf:
            yield from self.values(f"{path}.grad", want.grad, got.grad)

    def modules(self, path: str, want: Any, got: Any) -> Iterator[str]:
        if not isinstance(got, self.candidate.nn.Module):
            yield f"{path}: a module, not {got!r}"
            return
        yield from self.plain(f"repr({path})", repr(want), repr(got))
        yield from self.plain(f"{path}.training", want.training, got.training)
        for kind in ("named_parameters", "named_buffers"):
            expected, found = (dict(getattr(module, kind)()) for module in (want, got))
            yield from self.mappings(f"{path}.{kind}()", expected, found)
        yield from self.plain(
            f"{path}.state_dict() keys", [*want.state_dict()], [*got.state_dict()]
        )

    def states(self, path: str, want: Any, got: Any) -> Iterator[str]:
        if type(got).__name__ != type(want).__name__:
            yield f"{path}: {type(want).__name__}, not {type(got).__name__}"
        else:
            yield from self.values(f"{path}.state_dict()", want.state_dict(), got.state_dict())

    def arrays(self, path: str, want: Any, got: Any) -> Iterator[str]:
        if not isinstance(got, np.ndarray | np.generic):
            yield f"{path}: a NumPy array, not {got!r}"
        elif (want.dtype, want.shape) != (got.dtype, got.shape):
            yield f"{path}: {want.dtype}{want.shape}, not {got.dtype}{got.shape}"
        else:
            yield from self._close(path, np.asarray(want), np.asarray(got), want.dtype.name)

    def floats(self, path: str, want: Any, got: Any) -> Iterator[str]:
        if type(want) is not type(got):
            yield f"{path}: {want!r}, not {got!r}"
        else:
            yield from self._close(path, np.asarray(want), np.asarray(got), "float32")

    def plain(self, path: str, want: Any, got: Any) -> Iterator[str]:
        if type(want) is not type(got) or want != got:
            yield f"{path}: {want!r}, not {got!r}"

    def by_name(self, path: str, want: Any, got: Any) -> Iterator[str]:
        if _plain_name(want) != _plain_name(got):
            yield f"{path}: {want}, not {got}"

    def exceptions(self, path: str, want: Any, got: Any) -> Iterator[str]:
        if not isinstance(got, BaseException):
            yield f"{path}: {type(want).__name__}, not {got!r}"
            return
        if want is None:
            yield f"{path}: only rushlight raised {got!r}"
            return
        # torch's own types are compared by name, and by the builtin type an `except` would name.
        base = next(t for t in type(want).__mro__ if t.__module__ == "builtins")
        own = None if base is type(want) else type(want).__name__
        if not isinstance(got, base) or own not in (None, *(t.__name__ for t in type(got).__mro__)):
            yield f"{path}: {want!r}, not {got!r}"

    def mappings(self, path: str, want: Any, got: Any) -> Iterator[str]:
        if not isinstance(got, Mapping) or [*map(str, want)] != [*map(str, got)]:
            yield f"{path}: keys {[*want]}, not {[*got] if isinstance(got, Mapping) else got!r}"
            return
        for (key, expected), found in zip(want.items(), got.values(), strict=True):
            yield from self.values(f"{path}[{key!r}]", expected, found)

    def sequences(self, path: str, want: Any, got: Any) -> Iterator[str]:
        if type(want).__name__ != type(got).__name__:
            yield f"{path}: {type(want).__name__}, not {type(got).__name__} {got!r}"
        elif len(want) != len(got):
            yield f"{path}: {len(want)} items, not {len(got)}"
        elif isinstance(want, AbstractSet):
            yield from self.plain(path, sorted(map(str, want)), sorted(map(str, got)))
        else:
            for index, (expected, found) in enumerate(zip(want, got, strict=True)):
                yield from self.values(f"{path}[{index}]", expected, found)

    def texts(self, path: str, want: str, got: str) -> Iterator[str]:
        """Printed text: words alike, numbers within tolerance or one unit of the last digit."""
        wanted, found = NUMBER.findall(want), NUMBER.findall(got)
        if NUMBER.sub("#", want) != NUMBER.sub("#", got) or len(wanted) != len(found):
            yield f"{path}:\n{want}\n  not:\n{got}"
            return
        rtol = 1e-5 if self.rtol is None else self.rtol
        for a, b in zip(wanted, found, strict=True):
            if a != b and abs(float(a) - float(b)) > rtol * abs(float(a)) + _last_digit(a, b):
                yield f"{path}: {a}, not {b}, in\n{got}"

    def _close(self, path: str, want: Any, got: Any, dtype: str) -> Iterator[str]:
        if dtype not in TOLERANCE:
            if not np.array_equal(want, got):
                yield f"{path}:\n{want}\n  not:\n{got}"
            return
        rtol, atol = TOLERANCE[dtype]
        rtol = rtol if self.rtol is None else self.rtol
        atol = atol if self.atol is None else self.atol
        if not np.isclose(got, want, rtol=rtol, atol=atol, equal_nan=True).all():
            with np.errstate(all="ignore"):
                worst = np.nanmax(np.abs(np.asarray(got - want, np.complex128)), initial=0.0)
            yield f"{path}: values differ by up to {worst:.3g}:\n{want}\n  not:\n{got}"

    def _reprs(self, path: str, want: str, got: str) -> Iterator[str]:
        if not self.grad_fn:
            want, got = (re.sub(r",\s+grad_fn=<[^>]*>", "", text) for text in (want, got))
        if want != got:
            yield f"repr({path}):\n{want}\n  not:\n{got}"


def _plain_name(value: Any) -> str:
    """'float32' for torch.float32, and '(2, 3)' for torch.Size([2, 3])."""
    return str(tuple(value)) if isinstance(value, tuple) else str(value).rsplit("torch.", 1)[-1]


def _array(tensor: Any) -> np.ndarray:
    dense = tensor.detach()
    if _plain_name(dense.dtype).startswith(FOREIGN):
        dense = dense.float()
    if dense.is_sparse:
        dense = dense.to_dense()
    return np.asarray(dense.resolve_conj().resolve_neg().numpy())


def _same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and a.tobytes() == b.tobytes()


def _last_digit(a: str, b: str) -> float:
    """One unit of the last printed digit, of the coarser of two numbers."""

    def unit(text: str) -> float:
        digits, _, exponent = text.partition("e")
        decimals = len(digits.partition(".")[2])
        return 10.0 ** (int(exponent or 0) - decimals) if "." in digits or exponent else 0.0

    return max(unit(a), unit(b)) * 1.000001
