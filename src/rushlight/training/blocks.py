"""Blocks for quick work: a dense layer with its activation, a stack of them, a bias, a bare net."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rushlight import nn
from rushlight._tensor import Tensor
from rushlight.nn import functional
from rushlight.ops.creation import as_tensor, zeros
from rushlight.training import checks, names

Activation = str | Callable[[Any], Any] | None


class Dense(nn.Linear):
    """activation(x @ weight.T + bias), the activation given by name or as a function.

    Shapes: (..., inputs) to (..., outputs). The weights begin as those of `nn.Linear`.

    >>> import rushlight as torch
    >>> Dense(3, 2, activation="tanh")
    Dense(in_features=3, out_features=2, bias=True, activation=tanh)
    """

    def __init__(
        self, inputs: int, outputs: int, activation: Activation = "relu", bias: bool = True
    ) -> None:
        checks.whole("Dense: inputs", inputs, 1)
        checks.whole("Dense: outputs", outputs, 1)
        super().__init__(inputs, outputs, bias)
        self.activation_name, self.activation = names.activation(activation)

    def forward(self, x: Tensor) -> Tensor:
        """The layer applied to x."""
        return self.activation(functional.linear(x, self.weight, self.bias))

    def extra_repr(self) -> str:
        """The sizes and the activation."""
        return f"{super().extra_repr()}, activation={self.activation_name}"


class Stack(nn.Sequential):
    """Dense layers of these sizes, one after the other.

    activation: one for all layers but the last, whose activation is output (none by default), or a
    sequence with one for each layer. dropout: the share of hidden values to drop in training.

    >>> import rushlight as torch
    >>> Stack([784, 128, 10])(torch.zeros(5, 784)).shape
    torch.Size([5, 10])
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: Activation | Sequence[Activation] = "relu",
        output: Activation = None,
        bias: bool = True,
        dropout: float = 0.0,
    ) -> None:
        if isinstance(sizes, str) or not isinstance(sizes, Sequence):
            raise TypeError(f"Stack: sizes is a list of numbers like [784, 128, 10], not {sizes!r}")
        if len(sizes) < 2:
            raise ValueError(f"a stack needs at least two sizes, inputs and outputs; got {sizes!r}")
        count = len(sizes) - 1
        if isinstance(activation, Sequence) and not isinstance(activation, str):
            chosen = list(activation)
            if len(chosen) != count:
                raise ValueError(f"{count} layers need {count} activations, got {len(chosen)}")
        else:
            chosen = [activation] * (count - 1) + [output]
        layers: list[nn.Module] = []
        for i in range(count):
            layers.append(Dense(sizes[i], sizes[i + 1], chosen[i], bias))
            if dropout and i < count - 1:
                layers.append(nn.Dropout(dropout))
        super().__init__(*layers)


class Bias(nn.Module):
    """Adds a learned number, which begins at 0, to each of n features.

    >>> import rushlight as torch
    >>> Bias(3)(torch.ones(2, 3)).shape
    torch.Size([2, 3])
    """

    bias: Any

    def __init__(self, n: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(zeros(checks.whole("Bias: n", n, 1)))

    def forward(self, x: Tensor) -> Tensor:
        """The bias added to the last dimension of x."""
        return x + self.bias

    def extra_repr(self) -> str:
        """The number of features."""
        return str(len(self.bias))


class Net(nn.Module):
    """A module made of an ordered dict of parameters and a function that uses them.

    parameters: names to tensors, arrays or numbers, which become parameters under these names.
    forward(p, x) gets them in `p`; a subclass may define `forward(self, x)` and use `self.p`
    instead.

    >>> import rushlight as torch
    >>> net = Net({"w": torch.ones(2, 1), "b": torch.zeros(1)}, lambda p, x: x @ p["w"] + p["b"])
    >>> net(torch.ones(4, 2)).tolist()
    [[2.0], [2.0], [2.0], [2.0]]
    """

    def __init__(
        self,
        parameters: Mapping[str, Any],
        forward: Callable[[Mapping[str, Any], Any], Any] | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(parameters, Mapping):
            raise TypeError(
                f"Net: parameters is a dict of names and values, not a {type(parameters).__name__}"
            )
        for name, value in parameters.items():
            tensor = as_tensor(value)
            if not isinstance(tensor, nn.Parameter):
                wants = tensor.is_floating_point() or tensor.is_complex()
                tensor = nn.Parameter(tensor.detach(), requires_grad=wants)
            self.register_parameter(name, tensor)
        self._function = forward

    @property
    def p(self) -> dict[str, Any]:
        """The parameters by name, in order."""
        return dict(self._parameters)

    def forward(self, x: Any) -> Any:
        """The function applied to the parameters and x."""
        if self._function is None:
            raise NotImplementedError(
                "give Net a function forward(p, x), or define it in a subclass"
            )
        return self._function(self.p, x)

    def extra_repr(self) -> str:
        """Names and shapes."""
        return ", ".join(f"{name}: {list(value.shape)}" for name, value in self.p.items())


class Function(nn.Module):
    """A function among the blocks: `Trainer([Dense(2, 8), torch.sin, Dense(8, 1)], ...)`."""

    def __init__(self, function: Activation) -> None:
        super().__init__()
        self.name, self.function = names.activation(function)

    def forward(self, x: Any) -> Any:
        """The function applied to x."""
        return self.function(x)

    def extra_repr(self) -> str:
        """The function's name."""
        return self.name


def as_module(given: Any) -> nn.Module:
    """A module, or blocks as a module that runs them in turn."""
    if isinstance(given, nn.Module):
        return given
    if isinstance(given, type):
        raise TypeError(
            f"expected a module, or a list of blocks, not a class: make a {given.__name__}"
        )
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise TypeError(
            f"expected a module, or a list of blocks, not a {type(given).__name__}: modules, "
            "functions and names of activations are blocks"
        )
    if not given:
        raise ValueError("an empty list of blocks makes no model")
    for block in given:
        if isinstance(block, type):
            raise TypeError(f"the block {block.__name__} is a class: make one, {block.__name__}()")
    return nn.Sequential(*[b if isinstance(b, nn.Module) else Function(b) for b in given])
