"""The classic first network: MNIST with one hidden layer of 30 sigmoids, after Michael Nielsen.

Neural Networks and Deep Learning, chapter 1: normally distributed initial weights, quadratic loss,
plain stochastic gradient descent with batches of 10 and a learning rate of 3. About 94% of the
10,000 test images are read correctly after the first few epochs. The four idx files are read from
the folder given with --data, gzipped or not; those that are missing are downloaded.
"""

import argparse
import sys
from pathlib import Path

import idx
import torch
from show import Training
from torch import nn


def load(folder):
    """Four tensors: flat images between 0 and 1, and labels, for training and for the test."""
    train_images, train_labels, test_images, test_labels = idx.mnist(folder)
    return (
        torch.tensor(train_images, dtype=torch.float32).flatten(1) / 255,
        torch.tensor(train_labels, dtype=torch.int64),
        torch.tensor(test_images, dtype=torch.float32).flatten(1) / 255,
        torch.tensor(test_labels, dtype=torch.int64),
    )


def network(inputs, hidden):
    """Sigmoid layers whose weights and biases start as standard normal numbers."""
    model = nn.Sequential(
        nn.Linear(inputs, hidden), nn.Sigmoid(), nn.Linear(hidden, 10), nn.Sigmoid()
    )
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    return model


def quadratic(outputs, labels):
    """Half the squared distance from the one-hot label, averaged over the batch."""
    wanted = nn.functional.one_hot(labels, 10)
    return ((outputs - wanted) ** 2).sum(1).mean() / 2


def accuracy(outputs, labels):
    return (outputs.argmax(1) == labels).float().mean().item()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of the idx files")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch", type=int, default=10, help="images per step")
    parser.add_argument("--hidden", type=int, default=30, help="sigmoids in the hidden layer")
    parser.add_argument("--lr", type=float, default=3.0, help="learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder for the results")
    args = parser.parse_args()
    try:
        images, labels, test_images, test_labels = load(args.data)
    except idx.DataError as error:
        sys.exit(str(error))

    torch.manual_seed(args.seed)
    model = network(images.shape[1], args.hidden)
    optimizer = torch.optim.SGD(model.parameters(), args.lr)

    with Training(args.epochs, -(-len(labels) // args.batch)) as training:
        for _ in range(args.epochs):
            for batch in torch.randperm(len(labels)).split(args.batch):
                outputs = model(images[batch])
                loss = quadratic(outputs, labels[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                training.step(loss.item(), accuracy(outputs, labels[batch]))
            with torch.no_grad():
                outputs = model(test_images)
            training.end_epoch(
                quadratic(outputs, test_labels).item(), accuracy(outputs, test_labels)
            )

    args.out.mkdir(parents=True, exist_ok=True)
    torch.save(
        {"model": model.state_dict(), "history": training.history()}, args.out / "mnist_mlp.pt"
    )
    training.draw(args.out / "mnist_mlp.png", f"MNIST, {args.hidden} sigmoids, seed {args.seed}")
    print(f"checkpoint and learning curves: {args.out}/mnist_mlp.pt, {args.out}/mnist_mlp.png")
    print(
        f"final accuracy on {len(test_labels)} test images: {training.tests[-1][1]:.2%}, "
        f"after {training.seconds:.1f} seconds"
    )


if __name__ == "__main__":
    main()
