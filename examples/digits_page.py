"""The network of digits.py in a browser: it is trained, written as C, built as WebAssembly, and put in a page.

    python -m pip install -e ".[compiler]"          # ziglang, which builds WebAssembly
    rushlight run examples/digits_page.py --out page
    open page/digits.html

Beside the page there is the C itself, digits.c, which also builds as a program (docs/export.md).
"""

import argparse
from pathlib import Path

import torch
from digits import accuracy, load, network, shift
from torch import nn
from torch.utils.data import DataLoader

from rushlight.compiler import export


def trained(epochs):
    train, test = load()
    loader = DataLoader(train, batch_size=32, shuffle=True)
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.05, total_steps=epochs * len(loader)
    )
    for _ in range(epochs):
        for images, labels in loader:
            loss = nn.functional.cross_entropy(model(shift(images)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    model.eval()
    with torch.no_grad():
        images, labels = test.tensors
        print(f"{accuracy(model(images), labels):.1%} of {len(test)} held-out digits are read")
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("page"), help="folder for the page")
    args = parser.parse_args()
    torch.manual_seed(0)
    model = trained(args.epochs)
    # Paper is -1 in the images of digits.py, ink 1.
    made = export(model, torch.zeros(1, 1, 8, 8), args.out / "digits.c", wasm=True, ink=(-1, 1))
    for file in made.files:
        print(f"{file.stat().st_size:>9,}  {file}")


if __name__ == "__main__":
    main()
