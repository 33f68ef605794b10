"""A small convolutional network learns real handwriting: the 1,797 UCI digits of 8x8 pixels.

The data ships inside scikit-learn. The last fifth, written by people whom the network has not seen
before, is held out. After training, about 98.7% of it is read correctly.
"""

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from show import Training
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def load():
    """Training and held-out data: images between -1 and 1, and the digits they show."""
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 8 - 1
    labels = torch.tensor(digits.target)
    held_out = len(labels) // 5
    return (
        TensorDataset(images[:-held_out], labels[:-held_out]),
        TensorDataset(images[-held_out:], labels[-held_out:]),
    )


def shift(images):
    """Move each image by a part of a pixel in a direction of its own: the same digit, elsewhere."""
    count, _, height, width = images.shape
    padded = F.pad(images, (1, 1, 1, 1), value=-1).squeeze(1)
    rows = torch.randint(3, (count, 1, 1)) + torch.arange(height).reshape(1, -1, 1)
    columns = torch.randint(3, (count, 1, 1)) + torch.arange(width)
    moved = padded[torch.arange(count).reshape(-1, 1, 1), rows, columns].unsqueeze(1)
    return torch.lerp(images, moved, torch.rand(count, 1, 1, 1))


def network():
    return nn.Sequential(
        nn.Conv2d(1, 32, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 64, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.4),
        nn.Flatten(),
        nn.Linear(64 * 4 * 4, 64),
        nn.ReLU(),
        nn.Dropout(0.4),
        nn.Linear(64, 10),
    )


def accuracy(outputs, labels):
    return (outputs.argmax(1) == labels).float().mean().item()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--batch", type=int, default=32, help="images per step")
    parser.add_argument("--lr", type=float, default=0.05, help="the highest learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder for the results")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    train, test = load()
    loader = DataLoader(train, batch_size=args.batch, shuffle=True)
    model = network()
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    optimizer = torch.optim.SGD(model.parameters(), args.lr, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, args.lr, total_steps=args.epochs * len(loader), pct_start=0.2, div_factor=5
    )

    with Training(args.epochs, len(loader)) as training:
        for _ in range(args.epochs):
            model.train()
            for images, labels in loader:
                outputs = model(shift(images))
                loss = criterion(outputs, labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                training.step(loss.item(), accuracy(outputs, labels))
            model.eval()
            with torch.no_grad():
                images, labels = test.tensors
                outputs = model(images)
            training.end_epoch(criterion(outputs, labels).item(), accuracy(outputs, labels))

    args.out.mkdir(parents=True, exist_ok=True)
    torch.save({"model": model.state_dict(), "history": training.history()}, args.out / "digits.pt")
    training.draw(args.out / "digits.png", f"UCI digits, seed {args.seed}")
    print(f"checkpoint and learning curves: {args.out}/digits.pt, {args.out}/digits.png")
    print(
        f"final accuracy on {len(test)} held-out digits: {training.tests[-1][1]:.2%}, "
        f"after {training.seconds:.1f} seconds"
    )


if __name__ == "__main__":
    main()
