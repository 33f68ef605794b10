"""Two networks against each other: one draws digits, the other tells them from real ones.

    rushlight run examples/gan.py

After Goodfellow and others, Generative Adversarial Networks, 2014.
"""

import argparse
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F


def painter():
    return nn.Sequential(
        nn.Linear(16, 128), nn.BatchNorm1d(128), nn.ReLU(),
        nn.Linear(128, 256), nn.BatchNorm1d(256), nn.ReLU(),
        nn.Linear(256, 64), nn.Tanh(),
    )  # fmt: skip


def critic():
    return nn.Sequential(
        nn.Linear(64, 256), nn.LeakyReLU(0.2), nn.Dropout(0.3),
        nn.Linear(256, 128), nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Linear(128, 1),
    )  # fmt: skip


def judged(scores, real):
    return F.binary_cross_entropy_with_logits(scores, torch.full_like(scores, real))


def draw(rows, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(len(rows), 1, figsize=(8, 0.62 * len(rows)))
    for axis, (step, images) in zip(axes, rows, strict=True):
        axis.imshow(images.view(-1, 8, 8).permute(1, 0, 2).reshape(8, -1), cmap="gray_r")
        axis.set_ylabel(step, rotation=0, ha="right", va="center")
        axis.set(xticks=[], yticks=[])
    figure.savefig(path, dpi=110, bbox_inches="tight")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder for the picture")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    real = torch.tensor(load_digits().data, dtype=torch.float32) / 8 - 1
    paint, tell = painter(), critic()
    painting = torch.optim.Adam(paint.parameters(), lr=1e-3, betas=(0.5, 0.999))
    telling = torch.optim.Adam(tell.parameters(), lr=5e-4, betas=(0.5, 0.999))
    same = torch.randn(16, 16)  # what is drawn from these shows how the painter learns
    rows, shown = [], sorted({round(args.steps * part) for part in (0, 0.02, 0.05, 0.15, 0.4, 1)})
    for step in range(args.steps + 1):
        if step in shown:
            paint.eval()
            with torch.no_grad():
                rows.append((str(step), paint(same)))
            paint.train()
        batch = real[torch.randint(len(real), (64,))]
        drawn = paint(torch.randn(64, 16))
        # The critic learns: real ones are 1 (or nearly, so that it stays modest), drawn ones 0.
        telling_loss = judged(tell(batch), 0.9) + judged(tell(drawn.detach()), 0.0)
        telling.zero_grad()
        telling_loss.backward()
        telling.step()
        # The painter learns: what it draws should be taken for real.
        painting_loss = judged(tell(drawn), 1.0)
        painting.zero_grad()
        painting_loss.backward()
        painting.step()
        if step % max(1, args.steps // 10) == 0:
            print(
                f"step {step:4}: critic {telling_loss.item():.4f}, painter {painting_loss.item():.4f}"
            )
    args.out.mkdir(parents=True, exist_ok=True)
    draw(rows, args.out / "gan.png")
    print(f"picture: {args.out}/gan.png")


if __name__ == "__main__":
    main()
