"""Random networks that train, eagerly and compiled, compared step by step.

    python -m tests.fuzz.networks --networks 200 --seed 7

A network is a list of layers, each a line of Python, so that one that differs can be read and run again.
Every step starts from the same parameters, buffers and states of the optimizer under both; what it leaves is
compared by how it changed.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

import rushlight as torch
from rushlight import nn
from rushlight.compiler.compile import Step
from tests.fuzz.compiling import FAULTS, main
from tests.fuzz.lockstep import quiet

STEPS = 5
# A loss from which on training is no longer looked at.
FAR = 100.0
ROUNDING = {torch.float32: 2e-3, torch.float64: 1e-8}

ACTIVATIONS = (
    "nn.ReLU()", "nn.GELU()", "nn.SiLU()", "nn.Tanh()", "nn.Sigmoid()", "nn.LeakyReLU(0.1)", "nn.ELU()",
    "nn.Hardswish()", "nn.GELU(approximate='tanh')", "nn.Softplus()", "nn.Mish()", "nn.ReLU6()",
)  # fmt: skip
OPTIMIZERS = (
    "SGD(parameters, lr=0.05)", "SGD(parameters, lr=0.05, momentum=0.9, nesterov=True)",
    "SGD(parameters, lr=0.05, momentum=0.9, weight_decay=0.01)", "Adam(parameters, lr=0.01, eps=0.01)",
    "AdamW(parameters, lr=0.01, eps=0.01, weight_decay=0.1)", "Adam(parameters, lr=0.01, eps=0.01, amsgrad=True)",
    "RMSprop(parameters, lr=0.01, eps=0.01, momentum=0.5)", "Adagrad(parameters, lr=0.05, eps=0.01)",
    "Adadelta(parameters)", "NAdam(parameters, lr=0.01, eps=0.01)",
)  # fmt: skip


class Lambda(nn.Module):
    """A function as a layer."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Any) -> Any:
        """What the function gives."""
        return self.function(x)


class Residual(nn.Module):
    """What layers make of x, and x; `join` says how."""

    def __init__(self, *layers: nn.Module, join: Callable[..., Any]) -> None:
        super().__init__()
        self.inner, self.join = nn.Sequential(*layers), join

    def forward(self, x: Any) -> Any:
        """Both joined."""
        return self.join(x, self.inner(x))


class Recurrent(nn.Module):
    """The outputs of a recurrent layer, without its state."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Any) -> Any:
        """All outputs."""
        return self.inner(x)[0]


class Attention(nn.Module):
    """Attention of a sequence to itself."""

    def __init__(self, width: int, heads: int, causal: bool) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Any) -> Any:
        """As GPT-2 has it."""
        n, length, width = x.shape
        q, k, v = (
            part.view(n, length, self.heads, width // self.heads).transpose(1, 2)
            for part in self.qkv(x).split(width, dim=2)
        )
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.out(y.transpose(1, 2).reshape(n, length, width))


class Writer:
    """Writes the lines of a network."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lines: list[str] = []

    def pick(self, *choices: Any) -> Any:
        """One of them."""
        return self.random.choice(choices)

    def seldom(self, chance: float = 0.3) -> bool:
        """Whether a thing happens."""
        return self.random.random() < chance

    def images(self) -> tuple[int, ...]:
        """A network of images; returns the shape of what goes in."""
        n, c, size = self.pick(2, 2, 4, 8), self.pick(1, 2, 3, 4, 8), self.pick(7, 8, 9, 12, 14)
        shape = n, c, size, size + self.pick(0, 0, 1)
        h, w = shape[2:]
        for _ in range(self.pick(1, 2, 3)):
            c, h, w = self.block(c, h, w)
            if h < 2 or w < 2:
                break
        how = self.pick("nn.Flatten()", "Lambda(lambda x: x.flatten(1))", "mean")
        if how == "mean":
            self.lines.append(
                self.pick("Lambda(lambda x: x.mean((2, 3)))", "Lambda(lambda x: x.amax((-1, -2)))")
            )
            self.vectors(c)
        else:
            if self.seldom():
                self.lines.append("nn.AdaptiveAvgPool2d((2, 1))")
                h, w = 2, 1
            self.lines.append(how)
            self.vectors(c * h * w)
        return shape

    def block(self, c: int, h: int, w: int) -> tuple[int, int, int]:
        """A convolution and what comes after it."""
        out, k = self.pick(4, 5, 8, 16, 32), self.pick(1, 3, 3, 3, 5)
        stride, padding = self.pick(1, 1, 2), self.pick(0, k // 2)
        dilation = 2 if self.seldom(0.1) and k == 3 else 1
        groups = c if self.seldom(0.15) and out % c == 0 else 1
        reach = dilation * (k - 1) + 1
        if min(h, w) + 2 * padding < reach:
            k, padding, dilation, reach = 1, 0, 1, 1
        self.lines.append(
            f"nn.Conv2d({c}, {out}, {k}, stride={stride}, padding={padding}, dilation={dilation}, groups={groups}"
            f", bias={self.pick(True, False)})"
        )
        c, h, w = (
            out,
            (h + 2 * padding - reach) // stride + 1,
            (w + 2 * padding - reach) // stride + 1,
        )
        after = [
            self.pick(
                f"nn.BatchNorm2d({c})", f"nn.GroupNorm({self.pick(1, c)}, {c})", "nn.Identity()"
            ),
            self.pick(*ACTIVATIONS),
            self.pick("nn.Dropout(0.25)", "nn.Dropout2d(0.3)", "nn.Identity()", "nn.Identity()"),
        ]
        if self.seldom(0.2):
            self.random.shuffle(after)
        pool = self.pick(
            "nn.MaxPool2d(2)", "nn.AvgPool2d(2)", "nn.MaxPool2d(3, stride=2, padding=1)", "",
            "nn.MaxPool2d(2, stride=1)",
            "nn.AdaptiveMaxPool2d(3)", "nn.AdaptiveAvgPool2d((3, 2))", "nn.Upsample(scale_factor=2)",
            "nn.ZeroPad2d((1, 0, 2, 1))", "",
        )  # fmt: skip
        if pool and min(h, w) >= 2:
            after.insert(self.pick(0, len(after)), pool)
            if pool == "nn.MaxPool2d(2, stride=1)":
                h, w = h - 1, w - 1
            elif pool.startswith(("nn.MaxPool2d(2", "nn.AvgPool")):
                h, w = h // 2, w // 2
            elif pool.startswith("nn.MaxPool2d(3"):
                h, w = (h + 1) // 2, (w + 1) // 2
            elif pool.startswith("nn.Adaptive"):
                h, w = (3, 3) if "Max" in pool else (3, 2)
            elif pool.startswith("nn.Up"):
                h, w = 2 * h, 2 * w
            else:
                h, w = h + 3, w + 1
        self.lines += after
        if self.seldom():
            join = self.pick(
                "torch.add", "lambda x, y: torch.cat([x, y], 1)", "lambda x, y: x * y.sigmoid()"
            )
            self.lines.append(
                f"Residual(nn.Conv2d({c}, {c}, 3, padding=1), {self.pick(*ACTIVATIONS)}, "
                f"{self.pick('nn.Dropout(0.2)', f'nn.BatchNorm2d({c})', 'nn.Identity()')}, join={join})"
            )
            c *= 2 if "cat" in join else 1
        if self.seldom(0.15):
            self.lines.append(f"nn.ConvTranspose2d({c}, 6, 2, stride=2)")
            c, h, w = 6, 2 * h, 2 * w
        if self.seldom(0.1):
            self.lines.append("Lambda(lambda x: x.permute(0, 1, 3, 2))")
            h, w = w, h
        return c, h, w

    def vectors(self, width: int) -> None:
        """Layers on [..., width], to three classes."""
        for _ in range(self.pick(0, 1, 2)):
            out = self.pick(3, 8, 16, 33, 64)
            self.lines.append(f"nn.Linear({width}, {out}, bias={self.pick(True, True, False)})")
            self.lines.append(self.pick(*ACTIVATIONS))
            width = out
            self.lines += self.random.sample(
                [
                    f"nn.LayerNorm({width})", "nn.Dropout(0.5)", "nn.AlphaDropout(0.2)", "nn.Softmax(-1)",
                    "Lambda(lambda x: x.clamp(-1, 1))",
                    "Lambda(lambda x: x / x.norm(dim=-1, keepdim=True).clamp_min(0.1))",
                    f"Residual(nn.Linear({width}, {width}), join=torch.maximum)",
                    "Lambda(lambda x: x.where(x > 0, 0.1 * x))",
                    f"Lambda(lambda x: x[..., torch.arange({width}).flip(0)])",
                    "Lambda(lambda x: x * torch.rand_like(x))",
                    f"Lambda(lambda x: x + 0.1 * torch.randn({width}))", "Lambda(lambda x: x - x.mean(0))",
                    "Lambda(lambda x: x.cumsum(-1))", "Lambda(lambda x: x.sort(-1).values)", f"nn.RMSNorm({width})",
                ],
                self.pick(0, 1, 2),
            )  # fmt: skip
            if width % 2 == 0 and self.seldom():
                self.lines.append("nn.GLU(-1)")
                width //= 2
        self.lines.append(f"nn.Linear({width}, 3)")

    def sequences(self) -> tuple[int, ...]:
        """A network of tokens; returns the shape of what goes in."""
        n, length, width = self.pick(1, 2, 5), self.pick(1, 3, 6, 8), self.pick(4, 8, 16, 24)
        self.lines.append(f"nn.Embedding(10, {width}{self.pick('', ', padding_idx=3')})")
        for _ in range(self.pick(1, 2)):
            heads = self.pick(1, 2, 4)
            inner = self.pick(
                f"Residual(nn.LayerNorm({width}), Attention({width}, {heads}, "
                f"{self.pick(True, False)}), join=torch.add)",
                f"Residual(nn.LayerNorm({width}), nn.Linear({width}, 4 * {width}), nn.GELU(), "
                f"nn.Linear(4 * {width}, {width}), "
                "nn.Dropout(0.1), join=torch.add)",
                f"Recurrent(nn.LSTM({width}, {width}, batch_first={self.pick(True, False)}))",
                f"Recurrent(nn.GRU({width}, {width}, bias={self.pick(True, False)}))",
                f"Recurrent(nn.RNN({width}, {width}, num_layers=2))",
                f"nn.TransformerEncoderLayer({width}, {heads}, 2 * {width}, batch_first=True, "
                f"dropout={self.pick(0.0, 0.1)})",
                f"Lambda(lambda x: x.transpose(1, 2)), nn.Conv1d({width}, {width}, 3, padding=1), nn.ReLU(), "
                "Lambda(lambda x: x.transpose(1, 2))",
            )  # fmt: skip
            self.lines.append(inner)
        if self.seldom(0.5):
            self.lines.append(
                self.pick(
                    "Lambda(lambda x: x.mean(1))",
                    "Lambda(lambda x: x[:, -1])",
                    "Lambda(lambda x: x.amax(1))",
                )
            )
            self.vectors(width)
        else:
            self.lines.append(f"nn.Linear({width}, 3)")
            self.lines.append("Lambda(lambda x: x.flatten(0, 1))")
        return n, length


def network(seed: int) -> tuple[str, str]:
    """The lines that make everything, and the function of a step."""
    writer = Writer(seed)
    kind = writer.pick("images", "images", "sequences", "vectors")
    if kind == "vectors":
        shape: tuple[int, ...] = writer.pick(1, 4, 16, 30), writer.pick(1, 5, 16, 33)
        writer.vectors(shape[-1])
    else:
        shape = writer.images() if kind == "images" else writer.sequences()
    dtype = writer.pick("float32", "float32", "float64")
    loss = writer.pick(
        "F.cross_entropy(out, y)", "F.nll_loss(F.log_softmax(out, -1), y)",
        "F.mse_loss(out, out.detach().roll(1, -1))",
        "F.binary_cross_entropy_with_logits(out, F.one_hot(y, 3).to(out.dtype))",
        "F.cross_entropy(out, y, label_smoothing=0.1)", "F.smooth_l1_loss(out.sum(-1), y.to(out.dtype))",
        "(out.softmax(-1).log() * -F.one_hot(y, 3)).sum(-1).mean()",
    )  # fmt: skip
    x = (
        f"torch.randint(10, {shape})"
        if kind == "sequences"
        else f"torch.randn({shape}, dtype=torch.{dtype})"
    )
    clip = writer.pick(
        "",
        "",
        "nn.utils.clip_grad_norm_(parameters, 0.5)",
        "nn.utils.clip_grad_value_(parameters, 0.1)",
    )
    twice = writer.seldom(0.15)
    body = [
        "optimizer.zero_grad()" if writer.seldom(0.7) else "optimizer.zero_grad(set_to_none=False)",
        "out = model(x)",
        f"loss = {loss}",
        "loss.backward()",
        *(["F.mse_loss(model(x), out.detach() * 0.5).backward()"] if twice else []),
        *([clip] if clip else []),
        "optimizer.step()",
        "return loss, out",
    ]
    layers = ",\n    ".join(writer.lines)
    before = [
        f"model = nn.Sequential(\n    {layers},\n).to(torch.{dtype})",
        f"x = {x}",
        "with torch.no_grad(): rows = len(model.eval()(x))",
        "y = torch.randint(3, (rows,))",
        "model.train()",
        "parameters = list(model.parameters())",
        f"optimizer = torch.optim.{writer.pick(*OPTIMIZERS)}",
    ]
    return "\n".join(before), "def step():\n    " + "\n    ".join(body)


NAMES = {
    "torch": torch, "nn": nn, "F": nn.functional, "Lambda": Lambda, "Residual": Residual,
    "Recurrent": Recurrent, "Attention": Attention,
}  # fmt: skip


def made(before: str, step: str, seed: int) -> dict[str, Any]:
    """The names of a network."""
    names: dict[str, Any] = dict(NAMES)
    torch.manual_seed(seed)
    exec(compile(before, "<network>", "exec"), names)
    exec(compile(step, "<network>", "exec"), names)
    return names


def held(names: dict[str, Any]) -> dict[str, Any]:
    """Everything that a step may change, by name."""
    model, optimizer = names["model"], names["optimizer"]
    found = dict(model.state_dict())
    for number, parameter in enumerate(names["parameters"]):
        for key, value in optimizer.state.get(parameter, {}).items():
            if isinstance(value, torch.Tensor):
                found[f"optimizer {number} {key}"] = value
        if parameter.grad is not None:
            found[f"gradient {number}"] = parameter.grad
    return found


def unlike(one: Any, two: Any, before: Any, rounding: float) -> str:
    """How two tensors differ, measured by how the first changed; "" if by no more than rounding."""
    if (one.shape, one.dtype, one.stride()) != (two.shape, two.dtype, two.stride()):
        return f"{one.shape} {one.dtype} {one.stride()}, {two.shape} {two.dtype} {two.stride()}"
    x, y = one.numpy().astype(float), two.numpy().astype(float)
    change = x if before is None else x - before
    norm = np.linalg.norm
    room = rounding * (norm(change) + norm(x) / 100 + 1 / 20)
    off = norm(x - y)
    if off <= room or np.array_equal(x, y, equal_nan=True):
        return ""
    return f"off by {off} of {norm(change)}"


def different(seed: int, before: str, step: str) -> tuple[str, Step]:
    """Where a compiled step first leaves something else than an eager one; "" if nowhere."""
    eager, fast = made(before, step, seed), made(before, step, seed)
    compiled = Step(fast["step"])
    kinds = {p.dtype for p in eager["parameters"]}
    rounding = ROUNDING[kinds.pop()]
    for number in range(STEPS):
        was = {name: tensor.detach().numpy().copy() for name, tensor in held(eager).items()}
        ends = []
        for call in (eager["step"], compiled):
            torch.manual_seed(seed + number)
            ends.append((call(), torch.rand(1).item()))
        (want, drawn), (got, other) = ends
        if drawn != other:
            return f"step {number}: the next random number: {drawn} {other}", compiled
        if not abs(want[0].item()) < FAR:
            return "", compiled
        a, b = held(eager), held(fast)
        if a.keys() != b.keys():
            return f"step {number}: {sorted(a.keys() ^ b.keys())}", compiled
        for name, one, two in (
            *(("result", x, y) for x, y in zip(want, got, strict=True)),
            *((name, a[name], b[name]) for name in a),
        ):
            before_it = was.get(name) if not name.startswith("gradient") else None
            if told := unlike(one.detach(), two.detach(), before_it, rounding):
                return f"step {number}: {name}: {told}", compiled
        with torch.no_grad():
            for name in a:
                b[name].copy_(a[name])
    return "", compiled


def run(seed: int) -> tuple[str, str, str]:
    """What differs, how it was run, and its text."""
    before, step = network(seed)
    text = f"{before}\n\n{step}"
    with quiet():
        try:
            made(before, step, seed)["step"]()
        except Exception as error:
            return "", f"broken: {error}", text
        found, compiled = different(seed, before, step)
    for refusal in compiled.refusals:
        if not found and refusal.startswith(("the C", *FAULTS)):
            found = refusal
    how = "compiled" if compiled.programs else f"refused: {compiled.refusals}"
    return found, how, text


if __name__ == "__main__":
    sys.exit(main("tests.fuzz.networks", __doc__, "network", 100, run))
