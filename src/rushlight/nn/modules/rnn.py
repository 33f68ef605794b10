"""Recurrent layers and their cells; a layer runs as one primitive in each direction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Number
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.core.doors import literal
from rushlight.core.state import state as autograd
from rushlight.core.tensor import TensorBase
from rushlight.errors import warn, warn_once
from rushlight.nn import init
from rushlight.nn.functional.recurrent import in_time, one_step, run_layers
from rushlight.nn.modules.module import Module
from rushlight.nn.modules.utils import new_parameter
from rushlight.nn.utils.rnn import PackedSequence
from rushlight.ops.arguments import relabel
from rushlight.overriding.functions import public
from rushlight.primitives.index import ARRAY, index

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]

Dtype = dtypes.dtype | None

# How many gates each kind has; how many states follow from `hx` being a pair.
_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


# A class of tensors is asked about the whole layer, under the name that it has in torch.
_ASKED = {mode: public(run_layers, "rushlight._VF", mode.lower()) for mode in _GATES}


def _batch(states: Tensor, order: Tensor) -> Tensor:
    """States (layers, N, size) with the batch in another order."""
    return index(states, order, spec=(slice(None), ARRAY))


class RNNBase(Module):
    """Layers of one kind: "LSTM", "GRU", "RNN_TANH" or "RNN_RELU"."""

    __constants__ = [
        "mode",
        "input_size",
        "hidden_size",
        "num_layers",
        "bias",
        "batch_first",
        "dropout",
        "bidirectional",
        "proj_size",
    ]

    mode: str
    input_size: int
    hidden_size: int
    num_layers: int
    bias: bool
    batch_first: bool
    dropout: float
    bidirectional: bool
    proj_size: int

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        if not isinstance(dropout, Number):
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element "
                f"being zeroed, not {type(dropout).__name__}"
            )
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._check_settings(dropout)
        gates = _GATES[mode] * hidden_size
        out_size = proj_size or hidden_size
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            in_size = input_size if layer == 0 else out_size * self._directions
            for direction in range(self._directions):
                shapes: dict[str, tuple[int, ...]] = {
                    "weight_ih": (gates, in_size), "weight_hh": (gates, out_size),
                }  # fmt: skip
                if bias:
                    shapes |= {"bias_ih": (gates,), "bias_hh": (gates,)}
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                names = []
                for kind, shape in shapes.items():
                    name = f"{kind}_l{layer}" + ("_reverse" if direction else "")
                    setattr(self, name, new_parameter(*shape, device=device, dtype=dtype))
                    names.append(name)
                self._all_weights.append(names)
        self._flat_weights_names = [name for names in self._all_weights for name in names]
        self.reset_parameters()

    def _check_settings(self, dropout: Any) -> None:
        if isinstance(dropout, bool) or not 0 <= self.dropout <= 1:
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an "
                "element being zeroed"
            )
        if self.dropout > 0 and self.num_layers == 1:
            warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero "
                f"dropout expects num_layers greater than 1, but got dropout={self.dropout} and "
                f"num_layers={self.num_layers}"
            )
        for name, kind in (
            ("input_size", int), ("hidden_size", int), ("bias", bool), ("batch_first", bool)
        ):  # fmt: skip
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise TypeError(
                    f"{name} should be of type {kind.__name__}, got: {type(value).__name__}"
                )
        for name in ("input_size", "hidden_size", "num_layers"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be greater than zero")
        if self.proj_size < 0:
            raise ValueError(
                "proj_size should be a positive integer or zero to disable projections"
            )
        if self.proj_size >= self.hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if self.mode not in _GATES:
            raise ValueError(f"Unrecognized RNN mode: {self.mode}")

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def _flat_weights(self) -> list[Tensor | None]:
        return [getattr(self, name, None) for name in self._flat_weights_names]

    @_flat_weights.setter
    def _flat_weights(self, weights: Sequence[Any]) -> None:
        for name, weight in zip(self._flat_weights_names, weights, strict=False):
            setattr(self, name, weight)

    def __getstate__(self) -> dict[str, Any]:
        # torch has this list among the attributes, and its modules need it from a file.
        return {**super().__getstate__(), "_flat_weights": self._flat_weights}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({k: v for k, v in state.items() if k != "_flat_weights"})

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The weights of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def flatten_parameters(self) -> None:
        """Accepted: torch lays the weights out for cuDNN, which is not used here."""

    def reset_parameters(self) -> None:
        """Draw all weights anew, uniform within 1 / sqrt(hidden_size)."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    # ---- checks ---------------------------------------------------------------------------------

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """Raise unless rank, last size and dtype of the input fit."""
        weight = getattr(self, self._flat_weights_names[0])
        if input.dtype != weight.dtype and autograd.autocast is None:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({weight.dtype}). "
                f"Convert input: input.to({weight.dtype}), or convert model: "
                f"model.to({input.dtype})"
            )
        wanted = 2 if batch_sizes is not None else 3
        if input.dim() != wanted:
            raise RuntimeError(f"input must have {wanted} dimensions, got {input.dim()}")
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                "input.size(-1) must be equal to input_size. "
                f"Expected {self.input_size}, got {input.shape[-1]}"
            )

    def check_hidden_size(
        self,
        hx: Tensor,
        expected_hidden_size: tuple[int, ...],
        msg: str = "Expected hidden size {}, got {}",
    ) -> None:
        """Raise unless an initial state has the expected shape."""
        if tuple(hx.shape) != expected_hidden_size:
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.shape)))

    def _check_states(self, states: list[Tensor], batch: int) -> None:
        _check_dtypes(states, self.weight_ih_l0)
        first = self._directions * self.num_layers
        out_size = self.proj_size or self.hidden_size
        if len(states) == 1:
            self.check_hidden_size(states[0], (first, batch, out_size))
            return
        for number, (state, size) in enumerate(
            zip(states, (out_size, self.hidden_size), strict=True)
        ):
            message = f"Expected hidden[{number}] size {{}}, got {{}}"
            self.check_hidden_size(state, (first, batch, size), message)

    # ---- running --------------------------------------------------------------------------------

    def forward(self, input: Any, hx: Any = None) -> Any:
        """Output of the last layer at all steps, and the final state of all layers.

        input: (L, N, input_size), with batch_first (N, L, input_size), unbatched (L, input_size),
        or a PackedSequence. hx: the initial state (layers * directions, N, hidden_size), for an
        LSTM the pair (h_0, c_0); zeros if not given.
        """
        pair = self.mode == "LSTM"
        given = None if hx is None else (list(hx) if pair else [hx])
        if pair and given is not None and len(given) < 2:
            raise IndexError("an LSTM starts from a pair of states: hx = (h_0, c_0)")
        if isinstance(input, PackedSequence):
            return self._run_packed(input, given)
        if input.dim() not in (2, 3):
            raise ValueError(
                f"{self._get_name()}: Expected input to be 2D or 3D, got {input.dim()}D instead"
            )
        batched = input.dim() == 3
        if given is not None and any(state.dim() != input.dim() for state in given):
            ranks = ", ".join(f"{state.dim()}-D" for state in given)
            what, got = ("hx and cx", f"({ranks}) tensors") if pair else ("hx", f"{ranks} tensor")
            kind = "batched" if batched else "unbatched"
            raise RuntimeError(
                f"For {kind} {input.dim()}-D input, {what} should also be {input.dim()}-D but "
                f"got {got}"
            )
        if not batched:
            input = input.unsqueeze(0 if self.batch_first else 1)
            given = None if given is None else [state.unsqueeze(1) for state in given]
        if self.batch_first:
            input = input.transpose(0, 1)
        self.check_input(input, None)
        length, batch = input.shape[:2]
        if length == 0:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        rows_in = input.reshape(length * batch, self.input_size)
        lowered = autograd.autocast
        if pair and not self.proj_size and lowered is not None and lowered.kind == "V":
            # torch has a kernel for a whole LSTM in bfloat16, which autocast lowers as one.
            rows_in = rows_in.bfloat16()
            given = None if given is None else [state.bfloat16() for state in given]
        if self.proj_size and input.dtype is dtypes.float32:
            warn_once(
                "LSTM with projections is not supported with oneDNN. Using default implementation."
            )
        output, finals = self._run(rows_in, given, (batch,) * length)
        shape = length, batch, (self.proj_size or self.hidden_size) * self._directions
        first = self.batch_first and batched
        output = in_time(output, shape, self.mode, self._directions, bool(self.proj_size), first)
        if not batched:
            return output.squeeze(1), self._packed_states([state.squeeze(1) for state in finals])
        return output, self._packed_states(finals)

    def _run_packed(self, input: PackedSequence, given: list[Tensor] | None) -> Any:
        self.check_input(input.data, input.batch_sizes)
        sizes = tuple(input.batch_sizes.tolist())
        if given is not None and input.sorted_indices is not None:
            given = [_batch(state, input.sorted_indices) for state in given]
        output, finals = self._run(input.data, given, sizes)
        if input.unsorted_indices is not None:
            finals = [_batch(state, input.unsorted_indices) for state in finals]
        packed = PackedSequence(
            relabel(output, "CatBackward0"),
            input.batch_sizes,
            input.sorted_indices,
            input.unsorted_indices,
        )
        return packed, self._packed_states(finals)

    def _packed_states(self, states: list[Tensor]) -> Any:
        return tuple(states) if self.mode == "LSTM" else states[0]

    def _run(
        self, x: Tensor, given: list[Tensor] | None, sizes: tuple[int, ...]
    ) -> tuple[Tensor, list[Tensor]]:
        """All layers over rows; gives the last one's output and the stacked final states."""
        out_size = self.proj_size or self.hidden_size
        widths = (out_size, self.hidden_size) if self.mode == "LSTM" else (out_size,)
        if given is not None:
            self._check_states(given, sizes[0])
        weights = [[getattr(self, name) for name in names] for names in self._all_weights]
        if not self.bias:
            weights = [[*own[:2], None, None, *own[2:]] for own in weights]
        lost = self.dropout if self.training else 0.0
        run = _ASKED[self.mode]
        return run(self.mode, x, given, weights, sizes, self._directions, widths, lost)

    def extra_repr(self) -> str:
        """The settings that differ from the defaults."""
        text = f"{self.input_size}, {self.hidden_size}"
        for name, default in (
            ("proj_size", 0), ("num_layers", 1), ("bias", True), ("batch_first", False),
            ("dropout", 0), ("bidirectional", False),
        ):  # fmt: skip
            value = getattr(self, name)
            if value != default:
                text += f", {name}={value}"
        return text


class RNN(RNNBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or with relu, layer by layer (Elman 1990).

    >>> import rushlight as torch
    >>> output, h = torch.nn.RNN(3, 4, batch_first=True)(torch.ones(2, 5, 3))
    >>> output.shape, h.shape
    (torch.Size([2, 5, 4]), torch.Size([1, 2, 4]))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _no_projection(kwargs)
        if len(args) > 3:
            nonlinearity, args = args[3], (*args[:3], *args[4:])
        else:
            nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        super().__init__(f"RNN_{nonlinearity.upper()}", *args, **kwargs)
        self.nonlinearity = nonlinearity


def _no_projection(settings: dict[str, Any]) -> None:
    if "proj_size" in settings:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter and Schmidhuber 1997), with optional projections.

    Weights hold the gates one below the other: input, forget, cell, output.

    >>> import rushlight as torch
    >>> lstm = torch.nn.LSTM(3, 4, num_layers=2, bidirectional=True)
    >>> output, (h, c) = lstm(torch.ones(5, 2, 3))
    >>> output.shape, c.shape
    (torch.Size([5, 2, 8]), torch.Size([4, 2, 4]))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)


class GRU(RNNBase):
    """Gated recurrent units (Cho et al. 2014); gates one below the other: reset, update, new."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _no_projection(kwargs)
        super().__init__("GRU", *args, **kwargs)


class RNNCellBase(Module):
    """One step of a recurrent layer."""

    __constants__ = ["input_size", "hidden_size", "bias"]

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor | None
    bias_hh: Tensor | None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        gates = num_chunks * hidden_size
        self.weight_ih = new_parameter(gates, input_size, device=device, dtype=dtype)
        self.weight_hh = new_parameter(gates, hidden_size, device=device, dtype=dtype)
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(
                name, new_parameter(gates, device=device, dtype=dtype) if bias else None
            )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights anew, uniform within 1 / sqrt(hidden_size)."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def _step(
        self, mode: str, input: Tensor, states: list[Tensor | None], names: list[str]
    ) -> tuple[Tensor, ...]:
        """One step; the names of the states are for the messages."""
        cell = type(self).__name__
        for what, tensor in (("input", input), *zip(names, states, strict=True)):
            if tensor is not None and tensor.dim() not in (1, 2):
                raise ValueError(
                    f"{cell}: Expected {what} to be 1D or 2D, got {tensor.dim()}D instead"
                )
        batched = input.dim() == 2
        x = input if batched else input.unsqueeze(0)
        if x.shape[1] != self.input_size:
            raise RuntimeError(
                f"input has inconsistent input_size: got {x.shape[1]} expected {self.input_size}"
            )
        ready = []
        for number, state in enumerate(states):
            if state is None:
                state = literal(np.zeros((x.shape[0], self.hidden_size), x._data_.dtype))
            elif not batched:
                state = state.unsqueeze(0)
            if state.shape[0] != x.shape[0]:
                raise RuntimeError(
                    f"Input batch size {x.shape[0]} doesn't match hidden{number} batch size "
                    f"{state.shape[0]}"
                )
            if state.shape[-1] != self.hidden_size:
                raise RuntimeError(
                    f"hidden{number} has inconsistent hidden_size: got {state.shape[-1]}, expected "
                    f"{self.hidden_size}"
                )
            ready.append(state)
        weights = [self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh]
        _check_dtypes(ready[:1], self.weight_hh)
        results = one_step(mode, x, ready, weights)
        return results if batched else tuple(result.squeeze(0) for result in results)

    def extra_repr(self) -> str:
        """The settings that differ from the defaults."""
        text = f"{self.input_size}, {self.hidden_size}"
        if not self.bias:
            text += f", bias={self.bias}"
        if getattr(self, "nonlinearity", "tanh") != "tanh":
            text += f", nonlinearity={self.nonlinearity}"
        return text


def _check_dtypes(states: list[Tensor], weight: Tensor) -> None:
    for state in states:
        if state.dtype != weight.dtype and autograd.autocast is None:
            raise RuntimeError(
                f"mat1 and mat2 must have the same dtype, but got {state.dtype.word} and "
                f"{weight.dtype.word}: convert the initial state, hx.to({weight.dtype})"
            )


class RNNCell(RNNCellBase):
    """One step of an RNN.

    >>> import rushlight as torch
    >>> torch.nn.RNNCell(3, 4)(torch.ones(2, 3)).shape
    torch.Size([2, 4])
    """

    __constants__ = ["input_size", "hidden_size", "bias", "nonlinearity"]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """input (N, input_size), state (N, hidden_size), to the next state; both also without N."""
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return self._step(f"RNN_{self.nonlinearity.upper()}", input, [hx], ["hidden"])[0]


class LSTMCell(RNNCellBase):
    """One step of an LSTM."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """input (N, input_size), pair of states (N, hidden_size), to the next pair."""
        if isinstance(hx, tuple | list) and len(hx) != 2:
            raise RuntimeError(f"lstm_cell expects two hidden states, got {len(hx)}")
        if isinstance(hx, TensorBase):
            raise TypeError(
                "lstm_cell(): argument 'hx' (position 2) must be tuple of Tensors, not Tensor"
            )
        h, c = self._step(
            "LSTM", input, [None, None] if hx is None else list(hx), ["hx[0]", "hx[1]"]
        )
        return h, c


class GRUCell(RNNCellBase):
    """One step of a GRU."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """input (N, input_size), state (N, hidden_size), to the next state."""
        return self._step("GRU", input, [hx], ["hidden"])[0]
