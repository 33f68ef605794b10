"""An LSTM that reads letter by letter, and what one of its cells keeps in mind.

    rushlight run examples/lstm.py

After Karpathy, Johnson and Fei-Fei, Visualizing and Understanding Recurrent Networks, 2015.
"""

import argparse
import textwrap
from pathlib import Path

import torch
from text import Text
from torch import nn
from torch.nn import functional as F


class Reader(nn.Module):
    def __init__(self, letters, width=128):
        super().__init__()
        self.letter = nn.Embedding(letters, 32)
        self.lstm = nn.LSTM(32, width, batch_first=True)
        self.out = nn.Linear(width, letters)

    def forward(self, x, state=None):
        seen, state = self.lstm(self.letter(x), state)
        return self.out(seen), state

    @torch.no_grad()
    def write(self, start, length, heat=0.7):
        numbers, state = [start], None
        for _ in range(length):
            scores, state = self(torch.tensor([[numbers[-1]]]), state)
            numbers.append(torch.multinomial((scores[0, 0] / heat).softmax(0), 1).item())
        return numbers

    @torch.no_grad()
    def cells(self, x):
        """What all cells hold behind each letter."""
        state, seen = None, []
        for number in x:
            _, state = self(number.view(1, 1), state)
            seen.append(state[1][0, 0].tanh())
        return torch.stack(seen)


def most_patient(cells):
    """The cells that hold on longest: much between letters far apart, little between neighbours."""
    settled = cells[len(cells) // 20 :]
    return (settled.std(0) - 2 * settled.diff(dim=0).abs().mean(0)).argsort(descending=True)


def draw(text, cells, chosen, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        len(chosen), 1, figsize=(10, 1.75 * len(chosen)), layout="constrained"
    )
    lines = [text[i : i + 100] for i in range(0, len(text), 100)]
    for axis, cell in zip(axes, chosen, strict=True):
        values = F.pad(cells[:, cell], (0, 100 * len(lines) - len(text))).view(-1, 100)
        axis.imshow(values.numpy(), cmap="RdBu", vmin=-1, vmax=1, aspect="auto", alpha=0.6)
        for row, line in enumerate(lines):
            for column, letter in enumerate(line):
                shown = letter.replace("\n", "¶").replace("$", r"\$")
                axis.text(
                    column, row, shown, family="monospace", fontsize=7, ha="center", va="center"
                )
        axis.set(xticks=[], yticks=[])
        axis.set_title(f"cell {cell.item()}", fontsize=8, loc="left")
    figure.savefig(path, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="a text to learn from")
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--write", type=int, default=350, help="letters to write")
    parser.add_argument("--read", type=int, default=500, help="letters of the picture")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder for the picture")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    text = Text(args.data)
    model = Reader(len(text.letters))
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    for number in range(1, args.steps + 1):
        x, y = text.batch(24, 64)
        scores, _ = model(x)
        loss = F.cross_entropy(scores.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if number == 1 or number % max(1, args.steps // 10) == 0:
            print(f"step {number:4}: loss {loss.item():.4f}")
    print(textwrap.shorten(text.spell(model.write(text.number["\n"], args.write)), 400))
    piece = text.data[: args.read]
    cells = model.cells(piece)
    args.out.mkdir(parents=True, exist_ok=True)
    draw(text.spell(piece.tolist()), cells, most_patient(cells)[:3], args.out / "lstm.png")
    print(f"picture: {args.out}/lstm.png")


if __name__ == "__main__":
    main()
