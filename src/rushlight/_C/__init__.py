"""The names of torch's compiled module that programs and libraries mention.

>>> import rushlight as torch
>>> torch._C._LinAlgError is torch.linalg.LinAlgError
True
"""

from __future__ import annotations

from typing import Any

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.absent import (
    no as _jit_can_fuse_on_cpu, no as _jit_can_fuse_on_gpu, no as _jit_texpr_fuser_enabled,
    nothing as _get_tracing_state, nothing as _jit_override_can_fuse_on_cpu,
    nothing as _jit_override_can_fuse_on_gpu, nothing as _jit_set_nvfuser_enabled,
    nothing as _jit_set_nvfuser_guard_mode, nothing as _jit_set_profiling_executor,
    nothing as _jit_set_profiling_mode, nothing as _jit_set_texpr_fuser_enabled,
    nothing as _log_api_usage_once, nothing as _set_math_sdp_allow_fp16_bf16_reduction,
)
from rushlight.refusals import (
    torchscript as AVG, torchscript as AggregationType, torchscript as AliasDb,
    torchscript as AnyType, torchscript as Argument, torchscript as ArgumentSpec,
    torchscript as AwaitType, torchscript as BenchmarkConfig,
    torchscript as BenchmarkExecutionStats, torchscript as Block, torchscript as BoolType,
    torchscript as BufferDict, torchscript as CallStack, torchscript as Capsule,
    torchscript as ClassType, torchscript as Code, torchscript as CompilationUnit,
    torchscript as CompleteArgumentSpec, torchscript as ComplexType,
    torchscript as ConcreteModuleType, torchscript as ConcreteModuleTypeBuilder,
    torchscript as DeepCopyMemoTable, torchscript as DeviceObjType, torchscript as DictType,
    torchscript as EnumType, torchscript as ErrorReport, torchscript as ExecutionPlan,
    torchscript as FileCheck, torchscript as FloatType, torchscript as FunctionSchema,
    torchscript as FutureType, torchscript as Gradient, torchscript as Graph,
    torchscript as GraphExecutorState, torchscript as IODescriptor, torchscript as InferredType,
    torchscript as IntType, torchscript as InterfaceType, torchscript as ListType,
    torchscript as LiteScriptModule, torchscript as LockingLogger, torchscript as LoggerBase,
    torchscript as ModuleDict, torchscript as Node, torchscript as NoneType,
    torchscript as NoopLogger, torchscript as NumberType, torchscript as OperatorInfo,
    torchscript as OptionalType, torchscript as ParameterDict, torchscript as PyObjectType,
    torchscript as RRefType, torchscript as SUM, torchscript as ScriptClass,
    torchscript as ScriptClassFunction, torchscript as ScriptDict,
    torchscript as ScriptDictIterator, torchscript as ScriptDictKeyIterator,
    torchscript as ScriptFunction, torchscript as ScriptList, torchscript as ScriptListIterator,
    torchscript as ScriptMethod, torchscript as ScriptModuleSerializer, torchscript as ScriptObject,
    torchscript as ScriptObjectProperty, torchscript as StaticModule, torchscript as StreamObjType,
    torchscript as StringType, torchscript as SymBoolType, torchscript as SymIntType,
    torchscript as TensorType, torchscript as TracingState, torchscript as TupleType,
    torchscript as Type, torchscript as UnionType, torchscript as Use, torchscript as Value,
    torchscript as import_ir_module, torchscript as import_ir_module_from_buffer,
    torchscript as merge_type_from_type_comment, torchscript as parse_ir,
    torchscript as parse_schema, torchscript as parse_type_comment, torchscript as unify_type_list,
)
# fmt: on
# ---- names: end ----
from rushlight._C import _dispatch
from rushlight.core.state import state
from rushlight._tensor import Tensor as TensorBase
from rushlight.device import device
from rushlight.autograd.function import _FunctionBase as _FunctionBase
from rushlight.autograd.state import set_grad_enabled, transformed
from rushlight.dtypes import dtype
from rushlight.later import later
from rushlight.layout import layout, memory_format
from rushlight.ops.seldom import Tag
from rushlight.ops.storage import UntypedStorage
from rushlight.ops.storage_places import place_of
from rushlight.overriding.asking import DisableTorchFunction, DisableTorchFunctionSubclass
from rushlight.overriding.asking import disabled_torch_dispatch as _disabled_torch_dispatch_impl
from rushlight.overriding.asking import disabled_torch_function as _disabled_torch_function_impl
from rushlight.primitives.factor import LinAlgError as _LinAlgError
from rushlight.random import Generator
from rushlight.size import Size

__all__ = [
    "DisableTorchFunction", "DisableTorchFunctionSubclass", "Generator", "Size", "StorageBase", "Tag", "TensorBase",
    "_LinAlgError", "_TensorBase", "_disabled_torch_dispatch_impl", "_disabled_torch_function_impl", "device",
    "dtype", "layout", "memory_format",
]  # fmt: skip

_TensorBase = TensorBase
DispatchKey = _dispatch.DispatchKey
DispatchKeySet = _dispatch.DispatchKeySet
_AutoDispatchBelowAutograd = _dispatch.AutoDispatchBelowAutograd
# What torch was compiled with: of devices' libraries nothing.
_has_cuda = _has_cudnn = _has_cusparselt = _has_eigen_sparse = _has_kleidiai = _has_magma = False
_has_mkldnn_acl = _has_mps = _has_xpu = False
_has_mkldnn = has_lapack = has_mkl = has_openmp = has_spectral = True
_dispatch_has_kernel_for_dispatch_key = _dispatch.has_kernel_for_dispatch_key
_dispatch_has_kernel = _dispatch.has_kernel
_dispatch_get_all_op_names = _dispatch.all_op_names
_dispatch_keys = _dispatch.keys
_dispatch_tls_is_dispatch_key_excluded = _dispatch.is_excluded
_dispatch_tls_is_dispatch_key_included = _dispatch.is_excluded
_dispatch_is_included_in_alias = _dispatch.is_excluded
_ExcludeDispatchKeyGuard = _IncludeDispatchKeyGuard = _dispatch.KeyGuard
_len_torch_function_stack = _dispatch.len_torch_function_stack
_is_torch_function_enabled = _dispatch.is_torch_function_enabled
_is_torch_function_all_disabled = _dispatch.is_torch_function_all_disabled
_is_torch_function_mode_enabled = _dispatch.is_torch_function_mode_enabled
_get_function_stack_at = _dispatch.get_function_stack_at
_len_torch_dispatch_stack = _dispatch.len_torch_dispatch_stack
_TensorMeta = type(TensorBase)
StorageBase = UntypedStorage

_cpu = later("rushlight._C._cpu")
_fft = later("rushlight._C._fft")
_linalg = later("rushlight._C._linalg")
_nn = later("rushlight._C._nn")
_sparse = later("rushlight._C._sparse")
_special = later("rushlight._C._special")
_functorch = later("rushlight._C._functorch")
_distributed_c10d = later("rushlight._C._distributed_c10d")


def _set_grad_enabled(enabled: bool) -> None:
    """Record gradients from now on, or not."""
    set_grad_enabled(enabled)


def _get_default_device() -> str:
    """`cpu`."""
    return "cpu"


def _get_accelerator(check: bool | None = None) -> device:
    """The CPU: there is no accelerator."""
    return device("cpu")


def _get_privateuse1_backend_name() -> str:
    """The name that nobody has changed."""
    return "privateuseone"


def _is_alias_of(a: Any, b: Any) -> bool:
    """Whether two tensors share memory."""
    return bool(place_of(a._data_)[0].key == place_of(b._data_)[0].key)


def _are_functorch_transforms_active() -> bool:
    """Whether a `vmap` or a transform of `torch.func` is at work."""
    return transformed()


def _is_tracing() -> bool:
    """Whether TorchScript traces: there is none."""
    return False


def _current_graph_task_id() -> int:
    """The number of the backward that runs, counted from 0; -1 outside of one."""
    return -1 if state.walk is None else int(state.walk.number)


def _current_autograd_node() -> Any:
    """The node whose rule runs; None outside of a backward."""
    return None if state.walk is None else state.walk.node
