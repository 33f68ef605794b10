"""A convolutional network learns MNIST: 60,000 handwritten digits of 28x28 pixels.

Five epochs bring about 99.4% on the 10,000 test images. The four idx files are read from the folder
given with --data, gzipped or not; those that are missing are downloaded.
"""

import argparse
import sys
from pathlib import Path

import idx
import torch
import torch.nn.functional as F
from show import Training
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def load(folder):
    """Training and test data: images with MNIST's mean 0 and deviation 1, and their labels."""

    def dataset(images, labels):
        pixels = torch.tensor(images, dtype=torch.float32).unsqueeze(1) / 255
        return TensorDataset((pixels - 0.1307) / 0.3081, torch.tensor(labels, dtype=torch.int64))

    train_images, train_labels, test_images, test_labels = idx.mnist(folder)
    return dataset(train_images, train_labels), dataset(test_images, test_labels)


class Network(nn.Module):
    """Two convolutions, each followed by pooling, then two dense layers."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, kernel_size=5, padding=2)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=5, padding=2)
        self.dense1 = nn.Linear(32 * 7 * 7, 128)
        self.dense2 = nn.Linear(128, 10)
        self.dropout = nn.Dropout(0.25)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = self.dropout(x.flatten(1))
        x = self.dropout(F.relu(self.dense1(x)))
        return self.dense2(x)


def evaluate(model, loader):
    """Mean loss and accuracy over a data set."""
    model.eval()
    loss, right, count = 0.0, 0, 0
    with torch.no_grad():
        for images, labels in loader:
            outputs = model(images)
            loss += F.cross_entropy(outputs, labels, reduction="sum").item()
            right += (outputs.argmax(1) == labels).sum().item()
            count += len(labels)
    return loss / count, right / count


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of the idx files")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=64, help="images per step")
    parser.add_argument("--lr", type=float, default=0.05, help="the highest learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder for the results")
    args = parser.parse_args()
    try:
        train, test = load(args.data)
    except idx.DataError as error:
        sys.exit(str(error))

    torch.manual_seed(args.seed)
    model = Network()
    train_loader = DataLoader(train, batch_size=args.batch, shuffle=True)
    test_loader = DataLoader(test, batch_size=500)
    optimizer = torch.optim.SGD(model.parameters(), args.lr, momentum=0.9, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, args.lr, total_steps=args.epochs * len(train_loader)
    )

    with Training(args.epochs, len(train_loader)) as training:
        for _ in range(args.epochs):
            model.train()
            for images, labels in train_loader:
                outputs = model(images)
                loss = F.cross_entropy(outputs, labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                accuracy = (outputs.argmax(1) == labels).float().mean()
                training.step(loss.item(), accuracy.item())
            training.end_epoch(*evaluate(model, test_loader))

    args.out.mkdir(parents=True, exist_ok=True)
    torch.save({"model": model.state_dict(), "history": training.history()}, args.out / "mnist.pt")
    training.draw(args.out / "mnist.png", f"MNIST, convolutional network, seed {args.seed}")
    print(f"checkpoint and learning curves: {args.out}/mnist.pt, {args.out}/mnist.png")
    print(
        f"final accuracy on {len(test)} test images: {training.tests[-1][1]:.2%}, "
        f"after {training.seconds:.1f} seconds"
    )


if __name__ == "__main__":
    main()
