"""A variational autoencoder: every digit becomes a place on a plane, and every place on the plane a digit.

    rushlight run examples/vae.py

After Kingma and Welling, Auto-Encoding Variational Bayes, 2013.
"""

import argparse
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 4))
        self.decoder = nn.Sequential(nn.Linear(2, 256), nn.ReLU(), nn.Linear(256, 64))

    def forward(self, x):
        mean, log_var = self.encoder(x).chunk(2, 1)
        place = mean + (log_var / 2).exp() * torch.randn_like(mean)
        return self.decoder(place), mean, log_var


def loss_of(ink, mean, log_var, x):
    """How badly the image comes back, and how far its cloud is from a normal one at the origin."""
    back = F.binary_cross_entropy_with_logits(ink, x, reduction="sum")
    divergence = (mean.square() + log_var.exp() - 1 - log_var).sum() / 2
    return (back + divergence) / len(x)


def draw(model, x, labels, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with torch.no_grad():
        places = model.encoder(x)[:, :2].numpy()
        # Even steps of chance: as many digits lie between one place and the next everywhere.
        steps = torch.distributions.Normal(0, 1).icdf(torch.linspace(0.02, 0.98, 16))
        grid = torch.cartesian_prod(steps.flip(0), steps).flip(1)
        images = model.decoder(grid).sigmoid().view(16, 16, 8, 8)
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 5), layout="constrained")
    dots = left.scatter(*places.T, c=labels, cmap="tab10", s=6)
    left.legend(*dots.legend_elements(), loc="upper right", fontsize=7, title="digit")
    left.set_title("where the digits lie")
    right.imshow(images.permute(0, 2, 1, 3).reshape(128, 128).numpy(), cmap="gray_r")
    right.set_title("what lies where")
    right.axis("off")
    figure.savefig(path, dpi=100)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder for the picture")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    digits = load_digits()
    x = torch.tensor(digits.data, dtype=torch.float32) / 16
    model = Autoencoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(1, args.epochs + 1):
        total = 0.0
        for batch in torch.randperm(len(x)).split(64):
            loss = loss_of(*model(x[batch]), x[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        if epoch == 1 or epoch % max(1, args.epochs // 10) == 0:
            print(f"epoch {epoch:3}: loss {total / len(x):.3f}")
    args.out.mkdir(parents=True, exist_ok=True)
    draw(model, x, digits.target, args.out / "vae.png")
    print(f"picture: {args.out}/vae.png")


if __name__ == "__main__":
    main()
