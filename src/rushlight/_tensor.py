"""Tensor: an array, a dtype, a device and a place in the graph, with every operation as a method.

The operations are functions of `rushlight.ops`; `rushlight.methods` lists those that are methods too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rushlight import dtypes
from rushlight.arrays import Box
from rushlight.autograd import api, hooks
from rushlight.autograd.accumulate import exchange
from rushlight.autograd.nodes import shown
from rushlight.autograd.state import Uncounted, need_no_transform, need_own
from rushlight.core import doors
from rushlight.core.doors import number, read
from rushlight.core.node import Node, cut, next_sequence, retain
from rushlight.core.state import state
from rushlight.core.tape import refresh
from rushlight.core.tensor import (
    Detached,
    TensorBase,
    Untracked,
    inference,
    is_inference,
    set_result_class,
    wants_grad,
    wrap,
)
from rushlight.core.turned import alias, class_of, held, on_memory_of, put, take_memory
from rushlight.device import device
from rushlight.elsewhere import device_of, has_memory
from rushlight.errors import warn, warn_once
from rushlight.handles import RemovableHandle as Handle
from rushlight.methods.attributes import AttributeMethods
from rushlight.methods.creation import CreationMethods
from rushlight.methods.listed import ListedMethods
from rushlight.methods.operators import OperatorMethods
from rushlight.methods.seldom import SeldomMethods
from rushlight.ops.arguments import need_flag
from rushlight.ops.rebuilding import _rebuild_from_type_v2 as _rebuild_from_type_v2
from rushlight.overriding.asking import disabled_torch_dispatch, shield, torch_function
from rushlight.overriding.functions import admit, remember
from rushlight.printing import format_scalar, format_tensor
from rushlight.size import Size, size_of

__all__ = ["Tensor", "wrap"]

_LOSES_GRADIENT = (
    "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior. Consider "
    "using tensor.detach() first."
)
FLOAT64, INT64 = dtypes.float64.numpy, dtypes.int64.numpy


class Tensor(
    OperatorMethods,
    ListedMethods,
    AttributeMethods,
    SeldomMethods,
    CreationMethods,
    TensorBase,
):
    """An n-dimensional array that remembers how it was computed.

    >>> import rushlight as torch
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    __slots__ = ()

    __torch_function__: Any = classmethod(torch_function)
    __torch_dispatch__: Any = staticmethod(disabled_torch_dispatch)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        shield(cls)
        admit(cls)

    # The class is known, printed and pickled as `rushlight.Tensor`.
    __module__ = "rushlight"

    # ---- what it is -----------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """The sizes of all dimensions."""
        return size_of(self._data_.shape)

    @property
    def dtype(self) -> dtypes.dtype:
        """The type of the elements."""
        return dtypes.of(self._data_.dtype)

    @property
    def device(self) -> device:
        """Where the elements are: the CPU, a GPU, or nowhere (`meta`)."""
        return device_of(self._data_)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._data_.ndim

    def __len__(self) -> int:
        if not self._data_.ndim:
            raise TypeError("len() of a 0-d tensor")
        return self._data_.shape[0]

    # ---- its place in the graph -----------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to or through this tensor."""
        return wants_grad(self)

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if value and not self.is_leaf:
            raise RuntimeError("you can only change requires_grad flags of leaf variables.")
        if value.__class__ is not bool:
            raise RuntimeError("requires_grad must be a bool")
        self._want_grad(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Make a leaf want a gradient, or freeze it; returns the tensor."""
        if inference.within is not None or state.interpreters:
            need_no_transform()
        return self._want_grad(requires_grad)

    def _want_grad(self, requires_grad: bool = True) -> Tensor:
        if requires_grad.__class__ is not bool:
            need_flag("requires_grad_", "requires_grad", 1, requires_grad)
        # A new leaf is not asked for its grad_fn, as a mode would hear of it.
        if (self._node_ is not None or self._view_ is not None) and self.grad_fn is not None:
            if requires_grad:
                return self
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed "
                "variable in a subgraph that doesn't require differentiation use var_no_grad = "
                "var.detach()."
            )
        if requires_grad and self._data_.dtype.kind not in "fcV":
            raise RuntimeError(
                f"only Tensors of floating point and complex dtype can require gradients, not {self.dtype}"
            )
        if requires_grad and is_inference(self) and not inference.on:
            raise RuntimeError(
                "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed: "
                ".clone() it for a normal tensor"
            )
        self._requires_grad_ = requires_grad
        return self

    @property
    def grad_fn(self) -> Node | None:
        """The node that computed this tensor; None for a leaf."""
        if self._view_ is not None:
            refresh(self)
        return None if self._node_ is None or self._is_argument_ else shown(self._node_)

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user, and not by a recorded operation."""
        return self.grad_fn is None

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward added up here; None before the first."""
        # A view that was made under no_grad is a leaf here, whatever was changed since.
        if (
            self._grad is None
            and not self._retains_grad_
            and (self._node_ is not None or self._view_ is None or not self._view_.made)
            and not self.is_leaf
        ):
            warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad "
                "attribute won't be populated during autograd.backward(). If you indeed want the .grad "
                "field to be populated for a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. "
                "If you access the non-leaf Tensor by mistake, make sure you access the leaf Tensor "
                "instead."
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, TensorBase):
                raise TypeError(
                    f"assigned grad expected to be a Tensor or None but got grad of type "
                    f"{type(value).__name__}"
                )
            if value is self:
                raise RuntimeError("can't assign Variable as its own grad")
            if value.shape != self.shape:
                raise RuntimeError(
                    f"attempting to assign a gradient of size '{list(value.shape)}' to a tensor of size "
                    f"'{list(self.shape)}'"
                )
            if value.is_meta != self.is_meta:
                raise RuntimeError(
                    f"attempting to assign a gradient with device type '{value.device.type}' to a tensor "
                    f"with device type '{self.device.type}'"
                )
            kept = self.grad_dtype if self.is_leaf else self.dtype
            if kept is not None and value.dtype != kept:
                raise RuntimeError(
                    f"attempting to assign a gradient with dtype {value.dtype} to a tensor with grad_dtype "
                    f"{kept}: the gradient must match it"
                )
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Add the gradient of this tensor to `.grad` of the leaves it came from."""
        api.backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    def detach(self) -> Tensor:
        """The same memory outside the graph."""
        other = alias(self)
        if doors.watching and isinstance(box := held(self), Box):
            put(other, box.detached())
        if is_inference(self) and not inference.on:
            other._changes_ = Detached((0, None))
        return other

    def detach_(self) -> Tensor:
        """Cut this tensor from the graph that made it; in inference mode nothing is."""
        need_own(self)
        if inference.on or is_inference(self):
            return self
        if self._view_ is not None:
            raise RuntimeError(
                "Can't detach views in-place. Use detach() instead of detach_() on a view."
            )
        if self._node_ is not None:
            cut.append(next_sequence())
            self.__dict__["_cut"] = cut[-1]
        self._node_, self._requires_grad_ = None, False
        return self

    @property
    def data(self) -> Tensor:
        """The same memory, outside the graph and with its own count of changes."""
        if isinstance(self._data_, Box):
            raise RuntimeError("accessing `data` under vmap transform is not allowed: use detach()")
        other = on_memory_of(self)
        other._changes_ = [0, None]
        if is_inference(self):
            other._changes_ = (Untracked if inference.on else Detached)((0, None))
        return other

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, TensorBase):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self._requires_grad_ and value._data_.dtype.kind not in "fcV":
            raise RuntimeError(
                "data set to a tensor that requires gradients must be floating point or complex dtype, "
                f"not {value.dtype}"
            )
        exchange(self)
        take_memory(self, value)
        if is_inference(value) is not is_inference(self):
            # It goes on counting, as torch's does, or has no count as before.
            kind = Detached if is_inference(value) else Uncounted
            self._changes_ = kind(self._changes_[:2])

    @property
    def _version(self) -> int:
        """How often this memory was changed in place."""
        if self._changes_.__class__ in (Untracked, Uncounted):
            raise RuntimeError("Inference tensors do not track version counter.")
        return self._changes_[0]

    @property
    def _base(self) -> Tensor | None:
        return None if self._view_ is None else self._view_.base  # type: ignore[return-value]

    @property
    def name(self) -> str | None:
        """The name of a variable, which none has."""
        return self._name_

    @property
    def _backward_hooks(self) -> Any:
        """The hooks on its gradient by their numbers; None without any."""
        hung = (self._node_ or self)._hooks_
        return None if hung is None else hung.on_tensor(self._output_nr_) or None

    def _is_view(self) -> bool:
        """Whether this is a view whose place in the graph hangs on its base's."""
        return self._view_ is not None

    def retain_grad(self) -> None:
        """Keep `.grad` although this is not a leaf."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self._node_ is not None:
            refresh(self)
        retain(self)

    @property
    def retains_grad(self) -> bool:
        """Whether a non-leaf keeps its gradient."""
        return self._retains_grad_

    @property
    def output_nr(self) -> int:
        """Which output of its node this tensor is."""
        return self._output_nr_

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Handle:
        """Call hook with the gradient when it is known; what it returns replaces the gradient."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        refresh(self)
        place = self if self._node_ is None else self._node_
        return Handle(hooks.at(place).on_tensor(self._output_nr_), hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> Handle:
        """Call hook with this leaf after its `.grad` has been added to."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self._node_ is not None:
            raise RuntimeError(
                "post accumulate grad hooks cannot be registered on non-leaf tensors"
            )
        return Handle(hooks.at(self).accumulated, hook)

    # ---- Python's protocols --------------------------------------------------------------------

    __hash__ = TensorBase.__hash__
    _cdata = property(id)  # in torch where the object of C++ lies

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        if isinstance(self._data_, Box):
            return repr(self._data_)
        cls = class_of(self)
        if cls is Tensor or cls.__module__.startswith(("rushlight", "torch.")):
            return format_tensor(
                self.__shown__(), self.dtype, suffixes=self.__notes__(), where=self._other_place()
            )
        prefix = f"{cls.__name__}("
        shown = format_tensor(
            self.__shown__(),
            self.dtype,
            suffixes=self.__notes__(),
            prefix=prefix,
            where=self._other_place(),
        )
        within = "Parameter" if getattr(self, "_is_param", False) else self._shown_within
        return shown if within is None else f"{within}({shown})"

    def _repr_html_(self) -> str | None:
        """How a notebook shows it; a class that prints in its own way is printed."""
        from rushlight.visual import notebook

        return notebook.tensor_html(self) if notebook.prints_as_ours(self) else None

    # What a subclass of Parameter is said to be in.
    _shown_within: str | None = None

    def __shown__(self) -> Any:
        return read(self, "printing") if has_memory(self._data_) else self._data_

    def _other_place(self) -> str:
        """The GPU that it is on, for repr; nothing for the CPU."""
        here = device_of(self._data_)
        return str(here) if here.type == "cuda" else ""

    def __notes__(self) -> list[str]:
        """What follows the values in repr: the node's name, or that a gradient is wanted; the tangent."""
        notes = []
        if state.interpreters:
            from rushlight.autograd.forward_ad import unpack_dual

            tangent = unpack_dual(self).tangent
            notes = [] if tangent is None else [f"tangent={tangent}"]
        try:
            node = self.grad_fn
        except RuntimeError:
            return ["grad_fn=<Invalid>", *notes]
        if node is not None:
            return [f"grad_fn=<{node.name().rpartition('::')[2]}>", *notes]
        return ["requires_grad=True", *notes] if wants_grad(self) else notes

    def __format__(self, spec: str) -> str:
        if self._data_.ndim == 0 and class_of(self) is Tensor and has_memory(self._data_):
            return format_scalar(read(self, "printing"), spec)
        return object.__format__(self, spec)

    def __iter__(self) -> Iterator[Tensor]:
        if self.dim() == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __bool__(self) -> bool:
        if self._data_.size != 1:
            raise RuntimeError(
                f"Boolean value of Tensor with {'no' if not self._data_.size else 'more than one'} "
                f"value{'s' if not self._data_.size else ''} is ambiguous: use .any() or .all()"
            )
        return bool(number(self, "a decision by its value (`if`, `while`, `and`, bool())"))

    def _only_element(self) -> Any:
        if self._data_.size != 1:
            raise ValueError(
                "only one element tensors can be converted to Python scalars, not one of shape "
                f"{list(self._data_.shape)}"
            )
        return number(self, "a Python number (float(), int(), ...)")

    def __float__(self) -> float:
        if state.grad and wants_grad(self):
            warn_once(_LOSES_GRADIENT)
        value = self._only_element()
        return float(dtypes.number_in(value, FLOAT64) if isinstance(value, complex) else value)

    def __int__(self) -> int:
        value = self._only_element()
        return int(dtypes.number_in(value, INT64) if isinstance(value, complex) else value)

    def __complex__(self) -> complex:
        if state.grad and wants_grad(self):
            warn_once(_LOSES_GRADIENT)
        value = self._only_element()
        return complex(value)

    def __index__(self) -> int:
        if self._data_.dtype.kind not in "iub" or self._data_.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._data_.item())


set_result_class(Tensor)
remember(Tensor)
