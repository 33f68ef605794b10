"""What goes into a program and comes out of it, by name, and how its modules are called."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from types import MappingProxyType
from typing import Any

from rushlight._tensor import Tensor
from rushlight.export.program import ExportedProgram
from rushlight.fx.node import Node
from rushlight.nn.modules.module import Module
from rushlight.utils._pytree import tree_flatten

__all__ = [
    "ExportBackwardSignature", "ExportGraphSignature", "FlatArgsAdapter", "InputKind", "InputSpec", "ModuleCallEntry",
    "ModuleCallSignature", "OutputKind", "OutputSpec", "TensorArgument", "UnflattenedModule", "unflatten",
]  # fmt: skip


@dataclass
class TensorArgument:
    """A tensor by its name in the graph."""

    name: str


@dataclass
class ConstantArgument:
    """What is no tensor, by its name in the graph."""

    name: str
    value: Any


class InputKind(Enum):
    """What an input of the graph is."""

    USER_INPUT = auto()
    PARAMETER = auto()
    BUFFER = auto()
    CONSTANT_TENSOR = auto()
    CUSTOM_OBJ = auto()
    TOKEN = auto()


class OutputKind(Enum):
    """What an output of the graph is."""

    USER_OUTPUT = auto()
    LOSS_OUTPUT = auto()
    BUFFER_MUTATION = auto()
    PARAMETER_MUTATION = auto()
    GRADIENT_TO_PARAMETER = auto()
    GRADIENT_TO_USER_INPUT = auto()
    USER_INPUT_MUTATION = auto()
    TOKEN = auto()


@dataclass
class InputSpec:
    """An input: its kind, its name in the graph, and the parameter or buffer that it is."""

    kind: InputKind
    arg: Any
    target: str | None
    persistent: bool | None = None


@dataclass
class OutputSpec:
    """An output: its kind, its name in the graph, and what it is written to."""

    kind: OutputKind
    arg: Any
    target: str | None


@dataclass
class ExportBackwardSignature:
    """Which outputs are gradients."""

    gradients_to_parameters: dict[str, str]
    gradients_to_user_inputs: dict[str, str]
    loss_output: str


def _shown(arg: Any) -> Any:
    return arg.value if isinstance(arg, ConstantArgument) else getattr(arg, "name", arg)


@dataclass
class ExportGraphSignature:
    """The inputs and outputs of a program's graph.

    >>> given = InputSpec(InputKind.PARAMETER, TensorArgument("p_weight"), "weight")
    >>> ExportGraphSignature([given], []).inputs_to_parameters
    mappingproxy({'p_weight': 'weight'})
    """

    input_specs: list[InputSpec]
    output_specs: list[OutputSpec]

    def _targets(self, kind: InputKind) -> tuple[str, ...]:
        return tuple(s.target for s in self.input_specs if s.kind is kind and s.target is not None)

    def _into(self, kind: InputKind) -> Mapping[str, str]:
        found = {
            s.arg.name: s.target
            for s in self.input_specs
            if s.kind is kind and s.target is not None
        }
        return MappingProxyType(found)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters' names in the module."""
        return self._targets(InputKind.PARAMETER)

    @property
    def buffers(self) -> tuple[str, ...]:
        """The buffers' names in the module."""
        return self._targets(InputKind.BUFFER)

    @property
    def user_inputs(self) -> tuple[Any, ...]:
        """What the caller gives, by name in the graph."""
        return tuple(_shown(s.arg) for s in self.input_specs if s.kind is InputKind.USER_INPUT)

    @property
    def user_outputs(self) -> tuple[Any, ...]:
        """What the caller gets, by name in the graph."""
        kinds = (OutputKind.USER_OUTPUT, OutputKind.LOSS_OUTPUT)
        return tuple(_shown(s.arg) for s in self.output_specs if s.kind in kinds)

    @property
    def lifted_tensor_constants(self) -> tuple[str, ...]:
        """The names of tensors that are neither parameters nor buffers."""
        return self._targets(InputKind.CONSTANT_TENSOR)

    @property
    def buffers_to_mutate(self) -> Mapping[str, str]:
        """The buffers that the graph gives anew: none, as it changes them itself."""
        return MappingProxyType({})

    user_inputs_to_mutate = parameters_to_mutate = buffers_to_mutate
    backward_signature = None
    assertion_dep_token = None

    @property
    def non_persistent_buffers(self) -> tuple[str, ...]:
        """The names of buffers that are not saved."""
        kinds = [s for s in self.input_specs if s.kind is InputKind.BUFFER]
        return tuple(s.target for s in kinds if s.persistent is False and s.target is not None)

    @property
    def inputs_to_parameters(self) -> Mapping[str, str]:
        """Parameters by their names in the graph."""
        return self._into(InputKind.PARAMETER)

    @property
    def inputs_to_buffers(self) -> Mapping[str, str]:
        """Buffers by their names in the graph."""
        return self._into(InputKind.BUFFER)


def signature_of(program: ExportedProgram, leaves: list[tuple[str, Any]]) -> ExportGraphSignature:
    """The signature of a program under torch's names, whose inputs are these leaves of the arguments."""
    given = [
        InputSpec(kind, TensorArgument(f"{letter}_{name.replace('.', '_')}"), name, kept)
        for kind, letter, names, kept in (
            (InputKind.PARAMETER, "p", [n for n, _ in program.named_parameters()], None),
            (InputKind.BUFFER, "b", [n for n, _ in program.named_buffers()], True),
            (InputKind.CONSTANT_TENSOR, "c", list(program.constants), None),
        )
        for name in names
    ]
    for name, value in leaves:
        arg: Any = (
            TensorArgument(name) if isinstance(value, Tensor) else ConstantArgument(name, value)
        )
        given.append(InputSpec(InputKind.USER_INPUT, arg, None))
    found = tree_flatten(program.graph.output_node().args[0])[0]
    outputs = [
        OutputSpec(
            OutputKind.USER_OUTPUT,
            TensorArgument(part.name) if isinstance(part, Node) else ConstantArgument("", part),
            None,
        )
        for part in found
    ]
    return ExportGraphSignature(given, outputs)


@dataclass
class ModuleCallSignature:
    """How a module of the program was called."""

    inputs: list[Any]
    outputs: list[Any]
    in_spec: Any
    out_spec: Any
    forward_arg_names: list[str] | None = None


@dataclass
class ModuleCallEntry:
    """A module of the program by name, and how it was called."""

    fqn: str
    signature: ModuleCallSignature | None = field(default=None)


class FlatArgsAdapter(ABC):
    """Makes of the arguments as they are given those that a program was exported with."""

    @abstractmethod
    def adapt(
        self,
        target_spec: Any,
        input_spec: Any,
        input_args: list[Any],
        metadata: Any = None,
        obj: Any = None,
    ) -> list[Any]:
        """The arguments, in one list."""

    def get_flat_arg_paths(self) -> list[str]:
        """The paths of the arguments."""
        return []


class UnflattenedModule(Module):
    """The modules of a program under their own names, called as the graph calls them."""

    def __init__(self, export_module: ExportedProgram) -> None:
        super().__init__()
        traced = export_module.graph_module
        for name, child in traced.named_children():
            self.add_module(name, child)
        for name, parameter in traced._parameters.items():
            self.register_parameter(name, parameter)
        for name, buffer in traced._buffers.items():
            self.register_buffer(name, buffer)
        object.__setattr__(self, "_program", export_module.module())

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The program's result."""
        return self._program(*args, **kwargs)


def unflatten(
    module: ExportedProgram, flat_args_adapter: FlatArgsAdapter | None = None
) -> UnflattenedModule:
    """A module with the hierarchy of the one that was exported: its graph has kept the modules."""
    if flat_args_adapter is not None:
        raise NotImplementedError(
            "unflatten takes the arguments as they were exported: adapt them before the call"
        )
    return UnflattenedModule(module)
