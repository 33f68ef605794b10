"""The class under torch's tests, and what stands around it: seeds, temporary files, marks.

>>> class Sums(TestCase):
...     def test_sum(self):
...         self.assertEqual(torch.ones(2).sum(), 2)
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import platform
import random
import shutil
import socket
import sys
import tempfile
import time
import unittest
import warnings
from collections.abc import Callable, Iterator, Sequence, Set
from typing import Any

import numpy as np

from rushlight import autograd, dtypes, settings
from rushlight._tensor import Tensor
from rushlight.ops.creation import as_tensor
from rushlight.random import get_rng_state, manual_seed, set_rng_state
from rushlight.testing._internal.parametrizing import (
    dtype_name,
    instantiate_parametrized_tests,
    parametrize,
    subtest,
)  # fmt: skip
from rushlight.testing.comparison import Message, _both, _Comparison
from rushlight.testing.creation import make_tensor

__all__ = ["dtype_name", "instantiate_parametrized_tests", "make_tensor", "parametrize", "subtest"]

# What kind of machine this is, and what is on it.
IS_WINDOWS = platform.system() == "Windows"
IS_MACOS = platform.system() == "Darwin"
IS_LINUX = platform.system() == "Linux"
IS_X86 = platform.machine() in ("x86_64", "i386")
IS_ARM64 = platform.machine() in ("arm64", "aarch64")
IS_PPC = IS_S390X = IS_JETSON = IS_FBCODE = IS_SANDCASTLE = IS_REMOTE_GPU = IN_RE_WORKER = False
IS_CI = bool(os.environ.get("CI"))
TEST_NUMPY = True
TEST_CUDA = TEST_XPU = TEST_MPS = TEST_HPU = TEST_PRIVATEUSE1 = TEST_ACCELERATOR = False
TEST_MKL = TEST_ACL = TEST_CUDA_GRAPH = TEST_WITH_ROCM = TEST_WITH_MTIA = False
TEST_WITH_ASAN = TEST_WITH_DEV_DBG_ASAN = TEST_WITH_TSAN = TEST_WITH_UBSAN = False
TEST_WITH_CROSSREF = TEST_WITH_TORCHDYNAMO = TEST_WITH_TORCHINDUCTOR = TEST_WITH_AOT_EAGER = False
TEST_WITH_SLOW = os.environ.get("PYTORCH_TEST_WITH_SLOW") == "1"
TEST_WITH_SLOW_GRADCHECK = TEST_SKIP_FAST = False
TEST_MULTIACCELERATOR = NOTEST_CPU = NO_MULTIPROCESSING_SPAWN = False


def _found(library: str) -> bool:
    return importlib.util.find_spec(library) is not None


TEST_SCIPY, TEST_DILL, TEST_OPT_EINSUM = _found("scipy"), _found("dill"), _found("opt_einsum")
TEST_NUMBA, TEST_LIBROSA, TEST_TRANSFORMERS = (
    _found("numba"),
    _found("librosa"),
    _found("transformers"),
)
NATIVE_DEVICES = ("cpu", "cuda", "xpu", "meta", "mps", "mtia", "privateuseone")
GRADCHECK_NONDET_TOL = 0.0
SEED = 1234

_NAMED = "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 float32 float64 complex64 complex128"
numpy_to_torch_dtype_dict = {np.dtype(n).type: dtypes.named(n) for n in _NAMED.split()}
torch_to_numpy_dtype_dict = {t: n for n, t in numpy_to_torch_dtype_dict.items()}

Test = Callable[..., Any]


# ---- comparing -----------------------------------------------------------------------------------


class _Loose(_Comparison):
    """`assert_close` for what tests compare besides: numbers with tensors, sets, types, objects."""

    def __init__(self, least: tuple[float, float], **settings: Any) -> None:
        super().__init__(**settings)
        self.least = least

    def allowed(self, *types: np.dtype[Any]) -> tuple[float, float]:
        rtol, atol = super().allowed(*types)
        if self.tolerances is not None:
            return rtol, atol
        return max(rtol, self.least[0]), max(atol, self.least[1])

    def numbers(self, actual: Any, expected: Any, path: tuple[Any, ...]) -> None:
        before, self.check_dtype = self.check_dtype, False
        try:
            super().numbers(actual, expected, path)
        finally:
            self.check_dtype = before

    def pair(self, actual: Any, expected: Any, path: tuple[Any, ...]) -> None:
        for kind, word in ((str, "String"), (bytes, "Object"), (type, "Type")):
            if _both(actual, expected, kind):
                self._equal(word, actual, expected, path)
                return
        if _both(actual, expected, Set):
            if actual != expected:
                self.fail(f"Set comparison failed: {_difference(actual, expected)}", path)
            return
        array, number = (Tensor, np.ndarray), (int, float, complex, np.number)
        for one, other, swapped in ((actual, expected, False), (expected, actual, True)):
            if isinstance(one, array) and isinstance(other, number):
                if one.size != 1 if isinstance(one, np.ndarray) else one.numel() != 1:
                    raise ValueError(
                        "Only single element tensor-likes can be compared against a number. Got "
                        f"{as_tensor(one).numel()} elements instead."
                    )
                self.numbers(*_turned(one.item(), other, swapped), path)
                return
            if isinstance(one, Tensor) and isinstance(other, Sequence | np.ndarray):
                made = as_tensor(other)
                if isinstance(other, Sequence):
                    made = made.to(one.dtype)
                super().pair(*_turned(one, made, swapped), path)
                return
        try:
            super().pair(actual, expected, path)
        except TypeError:
            self._equal("Object", actual, expected, path)

    def _equal(self, word: str, actual: Any, expected: Any, path: tuple[Any, ...]) -> None:
        if actual != expected:
            self.fail(f"{word} comparison failed: {actual!r} != {expected!r}", path)


def _turned(one: Any, other: Any, swapped: bool) -> tuple[Any, Any]:
    return (other, one) if swapped else (one, other)


def _difference(first: Set[Any], second: Set[Any]) -> str:
    parts = []
    for these, name, other in (
        (first - second, "first", "second"), (second - first, "second", "first"),
    ):  # fmt: skip
        if these:
            items = "\n".join(map(repr, these))
            parts.append(f"Items in the {name} set but not the {other}:\n{items}")
    return "\n".join(parts)


class TestCase(unittest.TestCase):
    """unittest's, whose `assertEqual` knows tensors; each test starts from the same seed."""

    maxDiff = None
    # Tolerances that are the least for this test.
    precision: float = 0
    rel_tol: float = 0
    _default_dtype_check_enabled = False

    def __init__(self, method_name: str = "runTest", methodName: str = "runTest") -> None:
        super().__init__(method_name if method_name != "runTest" else methodName)

    def setUp(self) -> None:
        """The same numbers for every test."""
        set_rng_seed(SEED)

    def assertEqual(
        self,
        x: Any,
        y: Any,
        msg: Message = None,
        *,
        atol: float | None = None,
        rtol: float | None = None,
        equal_nan: bool = True,
        exact_dtype: bool = True,
        exact_device: bool = False,
        exact_layout: bool = False,
        exact_stride: bool = False,
        exact_is_coalesced: bool = False,
    ) -> None:
        """Raise AssertionError unless x is y, up to tolerances where it is made of floats."""
        if (rtol is None) != (atol is None):
            raise ValueError(
                "Both 'rtol' and 'atol' must be either specified or omitted, but got no "
                f"{'rtol' if rtol is None else 'atol'}."
            )
        if isinstance(msg, str) and self.longMessage:
            said = msg
            msg = lambda text: f"{text}\n{said}"  # noqa: E731
        comparison = _Loose(
            (self.rel_tol, self.precision),
            allow_subclasses=True,
            tolerances=None if rtol is None or atol is None else (rtol, atol),
            equal_nan=equal_nan,
            check_dtype=exact_dtype,
            check_stride=exact_stride,
            message=msg,
        )
        comparison.pair(x, y, ())

    def assertNotEqual(  # type: ignore[override]
        self, x: Any, y: Any, msg: Any = None, *, atol: Any = None, rtol: Any = None, **kwargs: Any
    ) -> None:
        """Raise AssertionError if `assertEqual` does not."""
        with self.assertRaises(AssertionError, msg=msg):
            self.assertEqual(x, y, None, atol=atol, rtol=rtol, **kwargs)

    def assertEqualIgnoreType(self, *args: Any, **kwargs: Any) -> None:
        """`assertEqual`, whatever the types of the elements."""
        self.assertEqual(*args, exact_dtype=False, **kwargs)

    def assertEqualTypeString(self, x: Any, y: Any) -> None:
        """Raise AssertionError unless both lie on the same device with the same type."""
        self.assertEqual(x.device, y.device)
        self.assertEqual(x.dtype, y.dtype)

    def assertObjectIn(self, obj: Any, iterable: Any) -> None:
        """Raise AssertionError unless the object itself is among these."""
        if not any(elem is obj for elem in iterable):
            raise AssertionError("object not found in iterable")

    def assertExpectedRaises(self, exc_type: Any, callable: Any, *args: Any, **kwargs: Any) -> None:
        """Raise AssertionError unless the call raises the exception."""
        with self.assertRaises(exc_type):
            callable(*args, **kwargs)

    @contextlib.contextmanager
    def assertWarnsOnceRegex(self, category: Any, regex: str = "") -> Iterator[None]:
        """Raise AssertionError unless the block warns in these words."""
        with self.assertWarnsRegex(category, regex):
            yield

    @contextlib.contextmanager
    def maybeWarnsRegex(self, category: Any, regex: str = "") -> Iterator[None]:
        """A block that may warn in these words."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=regex, category=category)
            yield

    def assertLeaksNoCudaTensors(self, name: str | None = None) -> Any:
        """A block: there is no such memory."""
        return contextlib.nullcontext()

    def enforceNonDefaultStream(self) -> Any:
        """A block: there are no streams."""
        return contextlib.nullcontext()

    def genSparseTensor(self, *args: Any, **kwargs: Any) -> Any:
        """An error: torch makes random sparse tensors here."""
        raise NotImplementedError(
            "rushlight has no genSparseTensor: make one with torch.sparse_coo_tensor"
        )


def run_tests(argv: Any = None) -> None:
    """Run the tests of the program that calls."""
    unittest.main(argv=argv or sys.argv)


# ---- seeds and settings ----------------------------------------------------------------------------


def set_rng_seed(seed: int | None = None) -> None:
    """Seed the generators of torch, Python and NumPy."""
    seed = SEED if seed is None else seed
    manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)


@contextlib.contextmanager
def freeze_rng_state() -> Iterator[None]:
    """After the block, random numbers go on as if it had drawn none."""
    state = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(state)


@contextlib.contextmanager
def set_default_dtype(dtype: dtypes.dtype) -> Iterator[None]:
    """In the block, this is the type of Python's floats."""
    before = dtypes.get_default_dtype()
    dtypes.set_default_dtype(dtype)
    try:
        yield
    finally:
        dtypes.set_default_dtype(before)


class DeterministicGuard:
    """In the block, deterministic algorithms are asked for, or not."""

    def __init__(
        self, deterministic: bool, *, warn_only: bool = False, fill_uninitialized_memory: bool = True
    ) -> None:  # fmt: skip
        self.wanted = deterministic, warn_only

    def __enter__(self) -> None:
        self.before = (
            settings.are_deterministic_algorithms_enabled(),
            settings.is_deterministic_algorithms_warn_only_enabled(),
        )
        settings.use_deterministic_algorithms(self.wanted[0], warn_only=self.wanted[1])

    def __exit__(self, *error: object) -> None:
        settings.use_deterministic_algorithms(self.before[0], warn_only=self.before[1])


def wrapDeterministicFlagAPITest(fn: Test) -> Test:
    """A test after which deterministic algorithms are asked for as before."""

    @functools.wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> None:
        with DeterministicGuard(
            settings.are_deterministic_algorithms_enabled(),
            warn_only=settings.is_deterministic_algorithms_warn_only_enabled(),
        ):
            fn(*args, **kwargs)

    return wrapper


def noncontiguous_like(t: Tensor) -> Tensor:
    """The tensor itself if it has gaps between its elements, or a copy that has."""
    if not t.is_contiguous():
        return t
    result = t.new_empty((*t.shape, 2))
    result[..., 0], result[..., 1] = t.detach(), float("nan") if t.is_floating_point() else 0
    return result[..., 0].requires_grad_(t.requires_grad)


def gradcheck(fn: Any, inputs: Any, **kwargs: Any) -> bool:
    """`torch.autograd.gradcheck`, and every gradient under vmap as well."""
    return autograd.gradcheck(fn, inputs, **{"check_batched_grad": True, **kwargs})


def gradgradcheck(fn: Any, inputs: Any, grad_outputs: Any = None, **kwargs: Any) -> bool:
    """`torch.autograd.gradgradcheck`."""
    return autograd.gradgradcheck(fn, inputs, grad_outputs, **kwargs)


def is_iterable_of_tensors(iterable: Any, include_empty: bool = False) -> bool:
    """Whether these are all tensors."""
    if isinstance(iterable, Tensor):
        return False
    try:
        items = list(iterable)
    except TypeError:
        return False
    return all(isinstance(t, Tensor) for t in items) if items else include_empty


# ---- files, ports, time ------------------------------------------------------------------------------


@contextlib.contextmanager
def TemporaryFileName(*args: Any, **kwargs: Any) -> Iterator[str]:
    """The name of a file that is gone after the block."""
    kwargs.setdefault("delete", False)
    made = tempfile.NamedTemporaryFile(*args, **kwargs)  # noqa: SIM115  it outlives its handle
    try:
        made.close()
        yield made.name
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(made.name)


@contextlib.contextmanager
def TemporaryDirectoryName(suffix: str | None = None) -> Iterator[str]:
    """The name of a folder that is gone after the block."""
    made = tempfile.mkdtemp(suffix=suffix)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def find_free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("localhost", 0))
        return int(sock.getsockname()[1])


def retry(
    ExceptionToCheck: Any, tries: int = 3, delay: float = 3, skip_after_retries: bool = False
) -> Callable[[Test], Test]:
    """A test that is tried again when this is raised."""

    def decorate(test: Test) -> Test:
        @functools.wraps(test)
        def trying(*args: Any, **kwargs: Any) -> Any:
            for _ in range(tries - 1):
                try:
                    return test(*args, **kwargs)
                except ExceptionToCheck:
                    time.sleep(delay)
            try:
                return test(*args, **kwargs)
            except ExceptionToCheck as error:
                if not skip_after_retries:
                    raise
                raise unittest.SkipTest(f"Skipping after {tries} consecutive {error}") from error

        return trying

    return decorate


def suppress_warnings(fn: Test) -> Test:
    """A test whose warnings nobody sees."""

    @functools.wraps(fn)
    def quiet(*args: Any, **kwargs: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return fn(*args, **kwargs)

    return quiet


# ---- marks -----------------------------------------------------------------------------------------


def _same(fn: Any) -> Any:
    return fn


def _mark(*args: Any, **kwargs: Any) -> Any:
    """A mark that says something of compilers or devices that run no test here; with arguments or without."""
    if len(args) == 1 and not kwargs and callable(args[0]):
        return args[0]
    return _same


skipIfTorchDynamo = skipIfTorchInductor = skipIfHpu = skipIfMPS = skipIfXpu = _mark
expectedFailureIfTorchDynamo = xfailIfTorchDynamo = unMarkDynamoStrictTest = (
    markDynamoStrictTest
) = _mark
skipIfRocm = skipIfCrossRef = skipIfNNModuleInlined = skipIfWindows = skipIfNoLapack = _mark
skipCUDAMemoryLeakCheckIf = skipCUDANonDefaultStreamIf = serialTest = _mark


def slowTest(fn: Any) -> Any:
    """A test that runs only under PYTORCH_TEST_WITH_SLOW=1."""
    fn.__dict__["slow_test"] = True
    return unittest.skipUnless(
        TEST_WITH_SLOW, "test is slow; run with PYTORCH_TEST_WITH_SLOW to enable test"
    )(fn)


def skipIfNoSciPy(fn: Test) -> Test:
    """A test that needs SciPy."""
    return unittest.skipUnless(TEST_SCIPY, "test require SciPy, but SciPy not found")(fn)


def skipIfNoCuda(fn: Test) -> Test:
    """A test that is skipped: there is no CUDA."""
    return unittest.skip("test require cuda, but cuda not found")(fn)


def xfailIf(condition: Any) -> Any:
    """A test that is expected to fail if the condition holds."""
    return unittest.expectedFailure if condition else _same


def decorateIf(decorator: Any, predicate_fn: Callable[[dict[str, Any]], bool]) -> Any:
    """A decorator for those copies of a parametrized test whose arguments the predicate takes."""

    def decorate(test: Any) -> Any:
        cases = getattr(test, "_cases", None)
        if cases is None:
            raise RuntimeError("decorateIf() stands over parametrize()")

        def decorated(test: Any, device: str | None) -> Iterator[Any]:
            for case in cases(test, device):
                if predicate_fn(case.arguments):
                    case.decorators.append(decorator)
                yield case

        test._cases = decorated
        return test

    return decorate
