"""A GPT of letters: it reads Python's own documentation, and writes more of the kind.

    rushlight run examples/gpt.py
    rushlight run examples/gpt.py --data FILE.txt --steps 5000 --compile

The network is that of docs/tutorials/7-gpt.md, somewhat larger. With --compile a training step is one C file.
"""

import argparse
import time
from pathlib import Path

import torch
from text import Text
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.asks, self.gives = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.thinks = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x):
        batch, length, width = x.shape
        parts = self.asks(self.before(x)).view(batch, length, 3, self.heads, width // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.gives(mixed.transpose(1, 2).reshape(batch, length, width))
        return x + self.thinks(self.between(x))


class GPT(nn.Module):
    def __init__(self, letters, context=64, width=96, blocks=3, heads=4):
        super().__init__()
        self.context = context
        self.letter, self.place = nn.Embedding(letters, width), nn.Embedding(context, width)
        self.blocks = nn.Sequential(*[Block(width, heads) for _ in range(blocks)])
        self.out = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, letters))

    def forward(self, x):
        return self.out(self.blocks(self.letter(x) + self.place(torch.arange(x.shape[1]))))

    @torch.no_grad()
    def write(self, start, length, heat=0.7):
        x = start[None]
        for _ in range(length):
            scores = self(x[:, -self.context :])[0, -1]
            x = torch.cat([x, torch.multinomial((scores / heat).softmax(0), 1)[None]], 1)
        return x[0].tolist()


def draw(losses, written, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(
        1, 2, figsize=(10, 4.6), width_ratios=(2, 3), layout="constrained"
    )
    left.plot(losses, color="tab:orange", linewidth=1)
    left.set(xlabel="step", ylabel="loss, of the next letter")
    left.grid(alpha=0.3)
    for number, (step, text) in enumerate(written):
        lines = [line[:58] for line in text.strip().splitlines()][:6]
        right.text(
            0, 1 - number / 3, f"after {step} steps", color="tab:orange", va="top", fontsize=9
        )
        right.text(
            0,
            0.95 - number / 3,
            "\n".join(lines).replace("$", r"\$"),
            va="top",
            family="monospace",
            fontsize=8,
        )
    right.axis("off")
    figure.savefig(path, dpi=100)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="a text to learn from")
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--compile", action="store_true", help="compile the training step")
    parser.add_argument("--write", type=int, default=350, help="letters to write")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder for the picture")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    text = Text(args.data)
    model = GPT(len(text.letters))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.99))
    print(f"{len(text.text):,} letters; {sum(p.numel() for p in model.parameters()):,} parameters")

    def step(x, y):
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    train = torch.compile(step) if args.compile else step
    start = torch.tensor([text.number["\n"]])
    losses, written, begin = [], [], time.perf_counter()
    for number in range(1, args.steps + 1):
        losses.append(train(*text.batch(args.batch, model.context)).item())
        if number == 1 or number % max(1, args.steps // 10) == 0:
            print(f"step {number:4}: loss {losses[-1]:.4f}")
        if number in (1, args.steps // 8, args.steps):
            written.append((number, text.spell(model.write(start, args.write))))
    print(written[-1][1])
    args.out.mkdir(parents=True, exist_ok=True)
    draw(losses, written, args.out / "gpt.png")
    print(f"picture: {args.out}/gpt.png, after {time.perf_counter() - begin:.0f} seconds")


if __name__ == "__main__":
    main()
