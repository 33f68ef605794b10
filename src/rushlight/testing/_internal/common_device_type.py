"""Tests written for any device, on the one that is here."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from types import FunctionType
from typing import Any, NamedTuple

from rushlight import dtypes as kinds
from rushlight.testing._internal.common_utils import TEST_CUDA, TestCase
from rushlight.testing._internal.parametrizing import Case, Test, add_cases, copied, dtype_name

__all__ = ["TEST_CUDA", "TestCase"]


class DeviceTypeTestBase(TestCase):
    """A test on a device."""

    device_type = "generic_device_type"

    @classmethod
    def get_primary_device(cls) -> str:
        """Its device."""
        return cls.device_type

    @classmethod
    def get_all_devices(cls) -> list[str]:
        """All devices of its kind."""
        return [cls.get_primary_device()]


class CPUTestBase(DeviceTypeTestBase):
    """A test on the CPU."""

    device_type = "cpu"


device_type_test_bases = [CPUTestBase]


def get_device_type_test_bases() -> list[type[DeviceTypeTestBase]]:
    """The kinds of tests of devices that are here."""
    return [CPUTestBase]


def get_all_device_types() -> list[str]:
    """The devices that are here."""
    return ["cpu"]


def instantiate_device_type_tests(
    generic_test_class: Any,
    scope: dict[str, Any],
    except_for: Any = None,
    only_for: Any = None,
    include_lazy: bool = False,
    allow_mps: bool = False,
    allow_xpu: bool = False,
) -> None:
    """Put the class `NAMECPU` into scope, and take the generic one out of it.

    Every test gets the device, and a copy for each of its `dtypes`.
    """
    del scope[generic_test_class.__name__]

    def among(devices: Any) -> bool:
        return "cpu" in ([devices] if isinstance(devices, str) else devices)

    if (only_for is not None and not among(only_for)) or (except_for and among(except_for)):
        return
    name = f"{generic_test_class.__name__}CPU"
    # Its tests are taken out of what it stands on, in which no runner is to find them without a device.
    tests = {
        n: t for n, t in vars(generic_test_class).items()
        if n.startswith("test") and isinstance(t, FunctionType)
    }  # fmt: skip
    for test in tests:
        delattr(generic_test_class, test)
    made: Any = type(name, (generic_test_class, CPUTestBase), {})
    made.__module__ = generic_test_class.__module__
    for test_name, test in tests.items():
        cases: Any = getattr(test, "_cases", lambda test, device: [Case("", {})])
        for case in cases(test, "cpu"):
            kind = case.arguments.get("dtype", case.arguments.get("dtypes"))
            tail = "" if kind is None else _shown(kind)
            words = case.name.removesuffix(tail.removeprefix("_")).removesuffix("_")
            full = "_".join(w for w in (test_name, words, "cpu") if w) + tail
            setattr(made, full, _placed(copied(test, full, case.arguments, case.decorators), kind))
    scope[name] = made


def _shown(kind: Any) -> str:
    each = kind if isinstance(kind, tuple | list) else [kind]
    return "".join(f"_{dtype_name(k)}" for k in each)


def _placed(test: Any, kind: Any) -> Any:
    """A test that is given its device, with the tolerances for its type."""

    @wraps(test)
    def placed(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = self.precision, self.rel_tol
        own: Any = getattr(test, "_precisions", {}).get(kind) or getattr(
            test, "_tolerances", {}
        ).get(kind)
        if isinstance(own, tol):
            self.precision, self.rel_tol = own
        elif own is not None:
            self.precision = own
        try:
            return test(self, *args, device=self.get_primary_device(), **kwargs)
        finally:
            self.precision, self.rel_tol = before

    del placed.__wrapped__
    return placed


# ---- decorators --------------------------------------------------------------------------------------


class dtypes:
    """Copies of a test for each of these types, on all devices or on one: `dtype` is its argument."""

    def __init__(self, *args: Any, device_type: str = "all") -> None:
        listed = len(args) == 1 and isinstance(args[0], list)
        self.types: Sequence[Any] = args[0] if listed else args
        self.device_type = device_type

    def __call__(self, test: Any) -> Any:
        chosen = test.__dict__.setdefault("dtypes", {})
        if self.device_type in chosen:
            raise RuntimeError(f"dtypes redefinition for {self.device_type}")
        first = not chosen
        chosen[self.device_type] = self.types
        if first:
            add_cases(test, _by_type)
        return test


def _by_type(test: Test, device: str | None) -> Iterator[Case]:
    chosen = test.__dict__["dtypes"]
    types = chosen.get(device, chosen.get("all"))
    if types is None:
        yield Case("", {})
        return
    for kind in types:
        key = "dtypes" if isinstance(kind, tuple | list) else "dtype"
        yield Case(_shown(kind).removeprefix("_"), {key: kind})


def dtypesIfCPU(*args: Any) -> dtypes:
    """The types of a test on the CPU."""
    return dtypes(*args, device_type="cpu")


def _elsewhere(*args: Any, **kwargs: Any) -> Callable[[Any], Any]:
    """What is said for a device that is not here."""
    return lambda test: test


dtypesIfCUDA = dtypesIfMPS = dtypesIfXPU = dtypesIfHPU = dtypesIfPRIVATEUSE1 = _elsewhere
skipCUDAIf = skipMPSIf = skipXPUIf = skipMetaIf = skipXLAIf = skipGPUIf = skipHPUIf = skipLazyIf = (
    _elsewhere
)
skipCUDAVersionIn = skipCUDAIfVersionLessThan = skipCUDAIfRocmVersionLessThan = _elsewhere


def _same(test: Any) -> Any:
    return test


skipCUDAIfRocm = skipCUDAIfNoMagma = skipCUDAIfNoCusolver = skipCUDAIfNoCudnn = _same
skipCPUIfNoLapack = skipCPUIfNoFFT = skipMeta = skipXLA = skipMPS = skipLazy = skipXPU = skipHPU = (
    _same
)
expectedFailureCUDA = expectedFailureMPS = expectedFailureMeta = expectedFailureXLA = (
    expectedFailureXPU
) = _same
expectedFailureCPU = unittest.expectedFailure
skipCPUIfNoMkl = unittest.skip("PyTorch is built without MKL support")
skipCPUIfNoMkldnn = unittest.skip("PyTorch is built without mkldnn support")


def skipCPUIf(dep: Any, reason: str) -> Any:
    """A test that is skipped if dep holds."""
    return unittest.skip(reason) if dep else _same


def onlyOn(device_type: Any) -> Any:
    """A test for this device alone."""
    devices = [device_type] if isinstance(device_type, str) else list(device_type)
    return _same if "cpu" in devices else unittest.skip(f"Only runs on {', '.join(devices)}")


onlyCPU = onlyNativeDeviceTypes = _same
onlyCUDA, onlyMPS, onlyXPU, onlyHPU = (onlyOn(d) for d in ("cuda", "mps", "xpu", "hpu"))
onlyAccelerator = unittest.skip("Only runs on accelerators")


def onlyNativeDeviceTypesAnd(devices: Any = None) -> Any:
    """A test for these devices besides."""
    return _same


def deviceCountAtLeast(num_required_devices: int) -> Any:
    """A test for so many devices, whose list it gets."""

    def decorate(test: Test) -> Test:
        @wraps(test)
        def counted(self: Any, device: Any, **kwargs: Any) -> Any:
            if num_required_devices > 1:
                self.skipTest(f"fewer than {num_required_devices} devices detected")
            return test(self, [device], **kwargs)

        return counted

    return decorate


def largeTensorTest(size: Any, device: Any = None, inductor: bool = False) -> Any:
    """A test that needs so much memory."""
    return _same


class tol(NamedTuple):
    """The least tolerances of a comparison."""

    atol: float
    rtol: float


def _of_types(attribute: str, given: dict[kinds.dtype, Any]) -> Callable[[Any], Any]:
    def decorate(test: Any) -> Any:
        setattr(test, attribute, given)
        return test

    return decorate


def precisionOverride(d: dict[kinds.dtype, float]) -> Callable[[Any], Any]:
    """The least absolute tolerance of a test by type."""
    return _of_types("_precisions", d)


def toleranceOverride(d: dict[kinds.dtype, tol]) -> Callable[[Any], Any]:
    """The least tolerances of a test by type."""
    return _of_types("_tolerances", d)
