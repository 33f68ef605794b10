"""An example for each operation and module: a call on small numbers that can be typed, and that works."""

from __future__ import annotations

import inspect
import re
import warnings
from typing import Any, NamedTuple

import numpy as np

from rushlight.core.doors import Interpreter, read
from rushlight.core.tensor import TensorBase

OPERANDS = {
    "x": "torch.tensor([1.0, 2.0, 4.0])", "y": "torch.tensor([0.5, 2.0, 3.0])",
    "p": "torch.tensor([0.2, 0.5, 0.9])", "m": "torch.tensor([[1.0, 2.0], [3.0, 5.0]])",
    "n": "torch.tensor([[0.5, 1.0], [2.0, -1.0]])", "i": "torch.tensor([2, 0])", "j": "torch.tensor([0, 2, 1])",
    "k": "torch.tensor([[1], [0]])", "b": "torch.tensor([True, False, True])",
    "logits": "torch.tensor([[2.0, 0.5, -1.0]])", "target": "torch.tensor([0])",
    "spd": "torch.tensor([[2.0, 0.5], [0.5, 1.0]])", "image": "torch.arange(16.0).reshape(1, 1, 4, 4)",
    "signal": "torch.arange(6.0).reshape(1, 1, 6)", "volume": "torch.arange(8.0).reshape(1, 1, 2, 2, 2)",
    "kernel": "torch.tensor([[[[1.0, 0.0], [0.0, -1.0]]]])", "line": "torch.tensor([[[1.0, -1.0]]])",
    "whole": "torch.tensor([6, 4, 9])", "batch": "torch.arange(12.0).reshape(2, 3, 2)",
    "cube": "torch.tensor([[[[[1.0, 0.0], [0.0, -1.0]], [[1.0, 2.0], [0.0, 1.0]]]]])",
    "channels": "torch.arange(16.0).reshape(1, 4, 2, 2)", "z": "torch.tensor([1.0 + 2.0j, 3.0 - 1.0j])",
    "pm": "torch.tensor([1.0, -1.0, 1.0])", "grid": "torch.tensor([[[[0.0, 0.0], [0.5, -0.5]]]])",
}  # fmt: skip

# Where no guess of `_guesses` says what the operation is for.
_CALLS = {
    "softmax": "softmax(x, dim=0)", "log_softmax": "log_softmax(x, dim=0)",
    "cross_entropy": "cross_entropy(logits, target)",
    "nll_loss": "nll_loss(logits, target)", "linear": "linear(m, n)", "embedding": "embedding(i, logits.T)",
    "gather": "gather(m, 1, k)", "scatter": "scatter(m, 1, k, 9.0)", "scatter_add": "scatter_add(m, 1, k, n[:, :1])",
    "index_select": "index_select(x, 0, i)", "masked_fill": "masked_fill(x, b, 0.0)", "where": "where(b, x, y)",
    "masked_select": "masked_select(x, b)", "clamp": "clamp(x, 1.5, 3.0)", "pow": "pow(x, 2)",
    "einsum": "einsum('ij,jk->ik', m, n)",
    "cat": "cat([x, y])", "stack": "stack([x, y])", "layer_norm": "layer_norm(m, (2,))", "norm": "norm(x)",
    "conv1d": "conv1d(signal, line)", "conv2d": "conv2d(image, kernel)", "conv3d": "conv3d(volume, cube)",
    "max_pool2d": "max_pool2d(image, 2)", "avg_pool2d": "avg_pool2d(image, 2)", "topk": "topk(x, 2)",
    "roll": "roll(x, 1)",
    "permute": "permute(m, (1, 0))", "view": "view(m, -1)", "expand": "expand(x, 2, 3)", "repeat": "repeat(x, 2)",
    "binary_cross_entropy": "binary_cross_entropy(p, b.float())", "lerp": "lerp(x, y, 0.5)",
    "binary_cross_entropy_with_logits": "binary_cross_entropy_with_logits(x, b.float())",
    "scaled_dot_product_attention": "scaled_dot_product_attention(batch, batch, batch)", "mm": "mm(m, n)",
    "bmm": "bmm(batch, batch.mT)", "mv": "mv(m, x[:2])", "dot": "dot(x, y)", "pad": "pad(x, (1, 1))",
    "interpolate": "interpolate(image, scale_factor=2)", "one_hot": "one_hot(j)",
    "cosine_similarity": "cosine_similarity(m, n)",
    "multi_head_attention_forward": "", "index_add": "index_add(x, 0, i, y[:2])", "dropout": "dropout(x, 0.5)",
    "kl_div": "kl_div(p.log(), p.flip(0))", "batch_norm": "batch_norm(m, None, None, training=True)",
    "glu": "glu(torch.tensor([1.0, 2.0, 0.0, 1.0]))",
    "group_norm": "group_norm(channels, 2)",
    "prelu": "prelu(x - 2, torch.tensor([0.25]))",
    "cosine_embedding_loss": "cosine_embedding_loss(m, n, pm[:2])",
    "triplet_margin_loss": "triplet_margin_loss(m, n, m.T)",
    "margin_ranking_loss": "margin_ranking_loss(x, y, pm)", "gaussian_nll_loss": "gaussian_nll_loss(x, y, p)",
    "hinge_embedding_loss": "hinge_embedding_loss(x, pm)", "soft_margin_loss": "soft_margin_loss(x, pm)",
    "multi_margin_loss": "multi_margin_loss(logits, target)",
    "fold": "fold(image.reshape(1, 4, 4), (3, 3), 2)",
    "grid_sample": "grid_sample(image, grid, align_corners=False)",
    "affine_grid": "affine_grid(torch.eye(2, 3).unsqueeze(0), (1, 1, 2, 2), align_corners=False)",
    "stft": "stft(signal.flatten(), 4, window=torch.ones(4), return_complex=True)",
    "randn": "randn(2, 3)", "rand": "rand(2, 3)", "tensor": "tensor([1.0, 2.0])", "zeros": "zeros(2, 3)",
    "max_unpool2d": "max_unpool2d(*torch.nn.functional.max_pool2d(image, 2, return_indices=True), 2)",
}  # fmt: skip
_GUESSES = (
    "{f}(x)", "{f}(x, y)", "{f}(m)", "{f}(m, n)", "{f}(x, 0)", "{f}(p)", "{f}(spd)", "{f}(x, y, p)", "{f}(whole)",
    "{f}(whole, j)", "{f}(image)", "{f}(image, 2)", "{f}(signal, 2)", "{f}(volume, 2)", "{f}(m, 0)", "{f}(m, 0, 1)",
    "{f}(x, 2)",
    "{f}(z)", "{f}(m, 2)", "{f}(m, 1, 1)", "{f}([x, y])", "{f}([m, n])", "{f}(m, (1, 2))", "{f}(x, (3, 1))",
    "{f}(x, 0, 1)",
    "{f}(b)", "{f}(3)", "{f}(2, 3)", "{f}((3,))", "{f}(x, 0, i)", "{f}(batch, batch.mT)",
    "{f}(channels, 2)",
    "{f}(m, 0, 1, 2)", "{f}(x, 0, i, 9.0)", "{f}(x, 1.0, 2.0)", "{f}(spd, m)", "{f}(m, n, m)", "{f}(1, x)",
    "{f}(1, 2, 3)",
    "{f}(x, b)", "{f}(0.0, 1.0, 3)", "{f}(2, x)", "{f}(signal, line)", "{f}(image, kernel)", "{f}(x, 0, 0)",
    "{f}(x, [0])",
    "{f}(m, n, spd)", "{f}(x, torch.float64)", "{f}()", "{f}(z, z)", "{f}(batch, 1, (3, 1))", "{f}(x, 2, 1)",
)  # fmt: skip


_COPIED = re.compile(r"\{f\}\((\w)(?=[,)])")


class Example(NamedTuple):
    """A call that works: its text, the operands in it, its result, the rows that ran, and the module called."""

    call: str
    operands: dict[str, str]
    result: Any
    rows: list[Used]
    module: Any = None


class Used(NamedTuple):
    """A row that ran, with the tensors that it was given."""

    row: Any
    inputs: tuple[Any, ...]
    static: dict[str, Any]


class Rows(Interpreter):
    """Writes down which rows run."""

    def __init__(self) -> None:
        self.used: list[Used] = []

    def apply(self, row: Any, inputs: Any, static: Any) -> Any:
        """A row."""
        out = super().apply(row, inputs, static)
        self.used.append(Used(row, inputs, static))
        return out


def space() -> dict[str, Any]:
    """What a call can name: torch and the operands, those of floats with gradients."""
    import rushlight as torch

    found: dict[str, Any] = {"torch": torch}
    for name, text in OPERANDS.items():
        tensor = eval(text, {"torch": torch})
        found[name] = tensor.requires_grad_() if tensor.is_floating_point() else tensor
    return found


def operation(name: str, function: Any, shown: str) -> Example | None:
    """A call of an operation, shown under that name; None if none is found."""
    if name in _CALLS and not _CALLS[name]:
        return None
    base = name.removesuffix("_")
    known = name if name in _CALLS else base
    calls = [_CALLS[known].replace(known, "{f}", 1)] if _CALLS.get(known) else []
    calls += _guesses(function)
    if base != name:
        # A leaf that wants a gradient is not changed in place, but a copy of it is.
        calls = [_COPIED.sub(r"{f}(\1.clone()", call) for call in calls] + calls
    for call in calls:
        made = attempt(call.format(f="_f"), {"_f": function})
        if made is not None:
            return made._replace(call=call.format(f=shown))
    return None


def attempt(call: str, more: dict[str, Any]) -> Example | None:
    """A call, if it works and gives tensors of finite numbers."""
    names, rows = space() | more, Rows()
    import rushlight as torch

    torch.manual_seed(0)
    try:
        with warnings.catch_warnings(), rows:
            warnings.simplefilter("ignore")
            result = eval(call, names)
    except Exception:
        return None
    first: Any = result[0] if isinstance(result, tuple | list) and result else result
    if not _is_small(first):
        return None
    values = read(first, "an example shows it")
    if values.dtype.kind in "fc" and not np.isfinite(values).all():
        return None
    words = set(compile(call, "", "eval").co_names)
    operands = {k: v for k, v in OPERANDS.items() if k in words}
    return Example(call, operands, result, rows.used)


def _is_small(result: Any) -> bool:
    return isinstance(result, TensorBase) and _can_be_shown(result)


def _can_be_shown(tensor: Any) -> bool:
    return str(tensor.layout).endswith("strided") and tensor.numel() <= 64


def _guesses(function: Any) -> list[str]:
    """The guesses, those with as many arguments as it needs first."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return list(_GUESSES)
    plain = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = sum(p.default is p.empty for p in plain)
    listed = bool(plain) and plain[0].name in ("tensors", "inputs")
    fits = [g for g in _GUESSES if _arguments(g) == needed and ("[x" in g or "[m" in g) is listed]
    return fits + [g for g in _GUESSES if g not in fits and _arguments(g) >= needed]


def _arguments(guess: str) -> int:
    inner = guess.partition("(")[2][:-1]
    depth = count = 0
    for letter in inner:
        depth += letter in "([" or -(letter in ")]")
        count += letter == "," and not depth
    return count + bool(inner)


# ---- modules ---------------------------------------------------------------------------------------

_ARGUMENTS = {
    "in_features": 3, "out_features": 2, "in1_features": 3, "in2_features": 3, "in_channels": 1, "out_channels": 1,
    "kernel_size": 2, "num_features": 1, "normalized_shape": 3, "embed_dim": 4, "num_heads": 2, "d_model": 4,
    "nhead": 2,
    "input_size": 3, "hidden_size": 2, "num_embeddings": 5, "embedding_dim": 3, "upscale_factor": 2,
    "downscale_factor": 2,
    "output_size": 1, "num_channels": 4, "num_groups": 2, "padding": 1, "threshold": 0.1, "value": 0.0, "lower": 0.1,
    "scale_factor": 2, "groups": 2, "size": 2, "n_classes": 6, "cutoffs": [2, 4], "dim": 0, "unflattened_size": (1, 3),
    "num_layers": 1,
}  # fmt: skip
_INPUTS = (
    "x", "m", "torch.ones(2, 3)", "image", "signal", "volume", "channels", "i", "torch.ones(2, 1, 3)",
    "torch.ones(2, 1, 4)", "torch.ones(2, 4)", "logits", "torch.ones(2, 1)",
)  # fmt: skip
_PAIRS = (
    "x, y", "logits, target", "p, b.float()", "m, n", "x, pm", "m, n, pm[:2]", "m, n, m.T", "x, y, pm", "x, y, p",
    "torch.ones(2, 1, 4), torch.ones(2, 1, 4)", "logits, torch.tensor([[1, 0, 0]])", "image, kernel",
    "torch.ones(2, 1, 4), torch.ones(2, 1, 4), torch.ones(2, 1, 4)", "torch.ones(2, 3), torch.ones(2, 3)",
    "torch.ones(2, 4), torch.tensor([0, 1])", "torch.ones(2, 3), torch.tensor([0, 1])",
)  # fmt: skip


# How modules are made whose signature does not say it, and what they are called with.
_MADE = {
    "RNN": ("3, 2", "torch.ones(2, 1, 3)"), "LSTM": ("3, 2", "torch.ones(2, 1, 3)"),
    "GRU": ("3, 2", "torch.ones(2, 1, 3)"),
    "Transformer": (
        "d_model=4, nhead=2, num_encoder_layers=1, num_decoder_layers=1, dim_feedforward=4",
        "torch.ones(2, 1, 4), torch.ones(3, 1, 4)",
    ),
    "TransformerEncoder": (
        "torch.nn.TransformerEncoderLayer(4, 2, 4), 1, enable_nested_tensor=False", "torch.ones(2, 1, 4)",
    ),
    "TransformerDecoder": (
        "torch.nn.TransformerDecoderLayer(4, 2, 4), 1", "torch.ones(2, 1, 4), torch.ones(2, 1, 4)",
    ),
    "MaxUnpool1d": ("2", "*torch.nn.functional.max_pool1d(signal, 2, return_indices=True)"),
    "MaxUnpool2d": ("2", "*torch.nn.functional.max_pool2d(image, 2, return_indices=True)"),
    "MaxUnpool3d": ("2", "*torch.nn.functional.max_pool3d(volume, 2, return_indices=True)"),
    "Fold": ("(3, 3), 2", "image.reshape(1, 4, 4)"),
}  # fmt: skip


def module(cls: Any) -> tuple[str, Example] | None:
    """How to make a module, and a call of it."""
    if cls.__name__ in _MADE:
        import rushlight as torch

        text, given = _MADE[cls.__name__]
        torch.manual_seed(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            one = eval(f"_f({text})", {"_f": cls, "torch": torch}).eval()
        known = attempt(f"_f({given})", {"_f": one})
        return known and (
            f"{cls.__name__}({text})",
            known._replace(call=f"module({given})", module=one),
        )
    made = construction(cls)
    if made is None:
        return None
    text, arguments = made
    import rushlight as torch

    name = cls.__name__
    pairs = _PAIRS if "Loss" in name or _takes_two(cls) else ()
    first = _first(name)
    for given in (*pairs, *([first] if first else []), *_INPUTS, *_PAIRS):
        torch.manual_seed(0)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                one = cls(**arguments)
        except (TypeError, ValueError):
            return None
        if "Max" not in name and "BatchNorm" not in name:
            one.eval()
        example = attempt(f"_f({given})", {"_f": one})
        if example is not None:
            return text, example._replace(call=f"module({given})", module=one)
    return None


def construction(cls: Any) -> tuple[str, dict[str, Any]] | None:
    """The text by which a class is made, and its arguments; None if one is not known."""
    try:
        parameters = list(inspect.signature(cls).parameters.values())
    except (TypeError, ValueError):
        return None
    arguments: dict[str, Any] = {}
    for parameter in parameters:
        plain = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.POSITIONAL_ONLY)
        if plain and parameter.default is parameter.empty:
            if parameter.name not in _ARGUMENTS:
                return None
            arguments[parameter.name] = _ARGUMENTS[parameter.name]
    # These refuse to be made of their defaults, or do nothing with them.
    if cls.__name__.startswith("Fractional"):
        arguments |= {"output_size": 1}
    if cls.__name__ in ("Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d"):
        arguments = {"scale_factor": 2}
    if "Softm" in cls.__name__ and cls.__name__[-1] in "xn" and "dim" not in arguments:
        arguments = {"dim": 0}
    if cls.__name__ == "LogSoftmax":
        arguments = {"dim": 0}
    text = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    return f"{cls.__name__}({text})", arguments


def _takes_two(cls: Any) -> bool:
    parameters = list(inspect.signature(cls.forward).parameters.values())[1:]
    return sum(p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters) > 1


def _first(name: str) -> str | None:
    """The operand of as many dimensions as the name says."""
    for ending, operand in (("1d", "signal"), ("2d", "image"), ("3d", "volume")):
        if ending in name:
            return operand
    return None
