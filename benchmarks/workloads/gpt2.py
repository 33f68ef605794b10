"""gpt2: inference, a token at a time from a GPT-2 of the smallest size, with a cache of 256 tokens."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

SYMBOLS, PLACES, WIDTH, HEADS, LAYERS, LENGTH = 50257, 1024, 768, 12, 12, 256


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.expand = nn.Linear(WIDTH, 3 * WIDTH)
        self.project = nn.Linear(WIDTH, WIDTH)
        self.register_buffer("keys", torch.zeros(1, HEADS, LENGTH, WIDTH // HEADS))
        self.register_buffer("values", torch.zeros(1, HEADS, LENGTH, WIDTH // HEADS))

    def forward(self, x: torch.Tensor, at: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        q, k, v = (
            part.view(1, 1, HEADS, WIDTH // HEADS).transpose(1, 2)
            for part in self.expand(x).split(WIDTH, dim=2)
        )
        self.keys.index_copy_(2, at, k)
        self.values.index_copy_(2, at, v)
        scores = q @ self.keys.transpose(2, 3) / (WIDTH // HEADS) ** 0.5
        weights = scores.masked_fill(~seen, float("-inf")).softmax(-1)
        return self.project((weights @ self.values).transpose(1, 2).reshape(1, 1, WIDTH))


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH)
        self.attention = Attention()
        self.norm2 = nn.LayerNorm(WIDTH)
        self.dense = nn.Sequential(
            nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(approximate="tanh"), nn.Linear(4 * WIDTH, WIDTH)
        )

    def forward(self, x: torch.Tensor, at: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(self.norm1(x), at, seen)
        return x + self.dense(self.norm2(x))


class GPT2(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.symbols = nn.Embedding(SYMBOLS, WIDTH)
        self.places = nn.Embedding(PLACES, WIDTH)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)
        for parameter in self.parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, token: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
        """The scores of the next token, given this one, which stands at this place."""
        x = self.symbols(token) + self.places(at)
        seen = torch.arange(LENGTH) <= at
        for layer in self.layers:
            x = layer(x, at, seen)
        return F.linear(self.norm(x), self.symbols.weight)[0, 0]


def network() -> nn.Module:
    return GPT2().eval()


def build() -> Callable[[], torch.Tensor]:
    model = network()
    token, at = torch.zeros(1, 1, dtype=torch.int64), torch.zeros(1, dtype=torch.int64)

    def step() -> torch.Tensor:
        with torch.no_grad():
            scores = model(token, at)
            token.copy_(scores.argmax().reshape(1, 1))
            at.add_(1).remainder_(LENGTH)
            return scores[:8].clone()

    return step
