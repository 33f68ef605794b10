"""Modules in parts on several processes: how parameters, inputs and outputs lie.

Columns and then rows of two layers (Shoeybi et al. 2019, "Megatron-LM") need one sum between processes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from typing import Any

from rushlight._tensor import Tensor
from rushlight.distributed.device_mesh import current_mesh
from rushlight.distributed.tensor.dispatch import implicit_replication
from rushlight.distributed.tensor.dtensor import (
    DTensor,
    distribute_module,
    distribute_tensor,
)
from rushlight.distributed.tensor.placement_types import Placement, Replicate, Shard
from rushlight.errors import warn
from rushlight.nn.modules.linear import Linear
from rushlight.nn.modules.sparse import Embedding
from rushlight.nn.parameter import Parameter

__all__ = [
    "ColwiseParallel", "ParallelStyle", "PrepareModuleInput", "PrepareModuleInputOutput", "PrepareModuleOutput",
    "RowwiseParallel", "SequenceParallel", "loss_parallel", "parallelize_module",
]  # fmt: skip


def _lying(value: Any, mesh: Any, given: Any, wanted: Any) -> Any:
    """A tensor as it is to lie; a plain one lies as `given` says."""
    if given is None and not isinstance(value, DTensor):
        return value
    if not isinstance(value, DTensor):
        value = DTensor.from_local(value, mesh, (given,))
    return value if wanted is None else value.redistribute(mesh, (wanted,), async_op=True)


def _put(module: Any, mesh: Any, placements: dict[str, Any]) -> None:
    for name, parameter in list(module._parameters.items()):
        if parameter is not None:
            lies = distribute_tensor(parameter.detach(), mesh, [placements.get(name, Replicate())])
            module.register_parameter(name, Parameter(lies, parameter.requires_grad))


class ParallelStyle:
    """How a module lies on a mesh."""

    src_data_rank: int | None = 0

    def _apply(self, module: Any, device_mesh: Any) -> Any:
        raise NotImplementedError


class _Layers(ParallelStyle):
    """A layer whose weights are cut: what comes in, how weights lie, what goes out."""

    _what = ""
    # Of what comes in, and of what goes out.
    _default_layouts: tuple[Placement, Placement]

    def __init__(
        self,
        *,
        input_layouts: Any = None,
        output_layouts: Any = None,
        use_local_output: bool = True,
    ) -> None:
        before, after = self._default_layouts
        self.input_layouts, self.output_layouts = (
            (input_layouts or before,),
            (output_layouts or after,),
        )
        self.use_local_output = use_local_output

    def _weights(self, module: Any) -> tuple[dict[str, Any], Any]:
        """How the parameters lie, and how what comes in must."""
        raise NotImplementedError

    def _apply(self, module: Any, device_mesh: Any) -> Any:
        if not isinstance(module, Linear | Embedding):
            raise NotImplementedError(
                f"{self._what} currently only support nn.Linear and nn.Embedding!"
            )
        placements, wanted = self._weights(module)

        def arrange(name: str, child: Any, mesh: Any) -> None:
            _put(child, mesh, placements)

        def before(_: Any, inputs: Any, mesh: Any) -> Any:
            return (_lying(inputs[0], mesh, self.input_layouts[0], wanted), *inputs[1:])

        def after(_: Any, output: Any, mesh: Any) -> Any:
            output = output.redistribute(mesh, self.output_layouts, async_op=True)
            return output.to_local() if self.use_local_output else output

        return distribute_module(module, device_mesh, arrange, before, after)


class ColwiseParallel(_Layers):
    """A linear layer whose outputs, or an embedding whose columns, are shared out."""

    _what = "ColwiseParallel"

    _default_layouts = Replicate(), Shard(-1)

    def _weights(self, module: Any) -> tuple[dict[str, Any], Any]:
        if isinstance(module, Linear):
            return {"weight": Shard(0), "bias": Shard(0)}, Replicate()
        return {"weight": Shard(1)}, Replicate()


class RowwiseParallel(_Layers):
    """A linear layer whose inputs, or an embedding whose rows, are shared out: its results are summed."""

    _what = "RowwiseParallel"

    _default_layouts = Shard(-1), Replicate()

    def _weights(self, module: Any) -> tuple[dict[str, Any], Any]:
        if isinstance(module, Linear):
            return {"weight": Shard(1)}, Shard(-1)
        return {"weight": Shard(0)}, Replicate()


class SequenceParallel(ParallelStyle):
    """A normalization or dropout of which each process has a part of the sequence."""

    def __init__(self, *, sequence_dim: int = 1, use_local_output: bool = False) -> None:
        self.sequence_sharding = (Shard(sequence_dim),)
        self.use_local_output = use_local_output

    def _apply(self, module: Any, device_mesh: Any) -> Any:
        cut = self.sequence_sharding[0]

        def before(_: Any, inputs: Any, mesh: Any) -> Any:
            if not isinstance(inputs[0], Tensor):
                raise ValueError(
                    f"expecting input of {_} to be a torch.Tensor or DTensor, but got {inputs[0]}"
                )
            return (_lying(inputs[0], mesh, cut, cut), *inputs[1:])

        def after(_: Any, output: Any, mesh: Any) -> Any:
            return output.to_local() if self.use_local_output else output

        return distribute_module(
            module, device_mesh, lambda name, child, mesh: _put(child, mesh, {}), before, after
        )


def _several(layouts: Any) -> Any:
    return layouts if layouts is None or isinstance(layouts, tuple | list) else (layouts,)


class PrepareModuleInput(ParallelStyle):
    """What comes into a module becomes tensors of the mesh, and lies as is wanted."""

    def __init__(
        self,
        *,
        input_layouts: Any = None,
        desired_input_layouts: Any = None,
        input_kwarg_layouts: Any = None,
        desired_input_kwarg_layouts: Any = None,
        use_local_output: bool = False,
    ) -> None:
        self.input_layouts = _several(input_layouts)
        self.desired_input_layouts = _several(desired_input_layouts)
        self.use_local_output = use_local_output
        self.input_kwarg_layouts = input_kwarg_layouts or {}
        self.desired_input_kwarg_layouts = desired_input_kwarg_layouts or {}
        if self.input_layouts is not None and len(self.input_layouts) != len(
            self.desired_input_layouts or ()
        ):
            raise AssertionError("input_layouts and desired_input_layouts should have same length!")

    def _one(self, value: Any, mesh: Any, given: Any, wanted: Any) -> Any:
        value = _lying(value, mesh, given, wanted) if given is not None else value
        return value.to_local() if self.use_local_output and isinstance(value, DTensor) else value

    def _apply(self, module: Any, device_mesh: Any) -> Any:
        def before(_: Any, args: Any, kwargs: Any) -> Any:
            if self.input_layouts is not None:
                if len(args) != len(self.input_layouts):
                    raise ValueError("module inputs and input_layouts should have same length!")
                pairs = zip(args, self.input_layouts, self.desired_input_layouts, strict=True)
                args = tuple(self._one(v, device_mesh, g, w) for v, g, w in pairs)
            named = {
                k: self._one(v, device_mesh, self.input_kwarg_layouts.get(k),
                             self.desired_input_kwarg_layouts.get(k))
                for k, v in kwargs.items()
            }  # fmt: skip
            return args, named

        module.register_forward_pre_hook(before, with_kwargs=True)
        return module


class PrepareModuleOutput(ParallelStyle):
    """What a module gives becomes tensors of the mesh, and lies as is wanted."""

    def __init__(
        self, *, output_layouts: Any, desired_output_layouts: Any, use_local_output: bool = True
    ) -> None:
        self.output_layouts = _several(output_layouts)
        self.desired_output_layouts = _several(desired_output_layouts)
        self.use_local_output = use_local_output
        if len(self.output_layouts) != len(self.desired_output_layouts):
            raise AssertionError(
                "output_layouts and desired_output_layouts should have same length!"
            )

    def _apply(self, module: Any, device_mesh: Any) -> Any:
        def after(_: Any, args: Any, outputs: Any) -> Any:
            listed = outputs if isinstance(outputs, tuple) else (outputs,)
            if len(listed) != len(self.output_layouts):
                raise ValueError("module outputs and output_layouts should have same length!")
            made = []
            for value, given, wanted in zip(
                listed, self.output_layouts, self.desired_output_layouts, strict=True
            ):
                value = _lying(value, device_mesh, given, wanted) if given is not None else value
                local = self.use_local_output and isinstance(value, DTensor)
                made.append(value.to_local() if local else value)
            return made[0] if len(made) == 1 else tuple(made)

        module.register_forward_hook(after)
        return module


class PrepareModuleInputOutput(ParallelStyle):
    """Both."""

    def __init__(
        self, *, use_local_input: bool = False, use_local_output: bool = True, **layouts: Any
    ) -> None:
        out = {k: layouts.pop(k) for k in ("output_layouts", "desired_output_layouts")}
        self.prepare_module_input = PrepareModuleInput(use_local_output=use_local_input, **layouts)
        self.prepare_module_output = PrepareModuleOutput(use_local_output=use_local_output, **out)

    def _apply(self, module: Any, device_mesh: Any) -> Any:
        self.prepare_module_input._apply(module, device_mesh)
        return self.prepare_module_output._apply(module, device_mesh)


def parallelize_module(
    module: Any,
    device_mesh: Any = None,
    parallelize_plan: Any = None,
    *,
    src_data_rank: int | None = 0,
) -> Any:
    """Lay a module, or those of its modules whose names a plan has (with * and ?), on a mesh of one side."""
    mesh = device_mesh or current_mesh()
    if parallelize_plan is None:
        warn("No parallelize_plan is provided and auto-parallel is not supported at the moment, so this "
             "parallelize_module call will do nothing.")  # fmt: skip
        return module
    if mesh.ndim > 1:
        raise ValueError(f"mesh dim {mesh.ndim} is not 1: take one side of it, mesh[name]")
    if isinstance(parallelize_plan, ParallelStyle):
        return parallelize_plan._apply(module, mesh)
    if not isinstance(parallelize_plan, dict):
        raise TypeError(
            "Expect Union[ParallelStyle, Dict[str, ParallelStyle]] for parallelize_plan, "
            f"{type(parallelize_plan)} found!"
        )
    for path, style in parallelize_plan.items():
        first, _, rest = path.partition(".")
        found = [child for name, child in module.named_children() if fnmatch(name, first)]
        if not path:
            style._apply(module, mesh)
        elif not found:
            warn(f"Parallelize plan key '{path}' could not be resolved: no submodule matching token '{first}' in "
                 f"module {module}, skipping this plan entry.")  # fmt: skip
        for child in found:
            parallelize_module(child, mesh, {rest: style} if rest else style)
    return module


@contextmanager
def loss_parallel() -> Iterator[None]:
    """The block in which a loss of shared-out classes is taken: they are gathered, and plain targets are whole."""
    with implicit_replication():
        yield
