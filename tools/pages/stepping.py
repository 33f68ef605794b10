"""A small network takes one step on real digits: the page of that step, and what it looks like.

python -m tools.pages.stepping FOLDER writes stepping.html, and with chromium its pictures.
"""

from __future__ import annotations

from pathlib import Path


def write(path: Path) -> Path:
    """Write the page."""
    import rushlight as torch
    from rushlight import nn
    from rushlight.visual import page

    torch.manual_seed(0)
    from sklearn.datasets import load_digits

    digits = load_digits()
    x = torch.tensor(digits.images[:32], dtype=torch.float32).flatten(1) / 16
    y = torch.tensor(digits.target[:32])
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step(x, y):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return page(step, path, x, y, title="One step of a small network on digits")
