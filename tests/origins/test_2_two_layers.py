"""The second origin: a network of two layers, checked against torch, and the usual blocks."""

from pathlib import Path

import numpy as np

import rushlight
from rushlight.vision import datasets, transforms
from rushlight.visual import draw
from tests.origins.digits import write_mnist
from tests.parity import parity


def test_two_sigmoid_layers_from_torchs_own_initial_weights() -> None:
    parity("""
    first, second = nn.Linear(6, 4), nn.Linear(4, 2)
    x = torch.randn(5, 6)
    w1, b1 = (p.detach().clone().requires_grad_() for p in (first.weight.T, first.bias))
    w2, b2 = (p.detach().clone().requires_grad_() for p in (second.weight.T, second.bias))
    out = torch.sigmoid(torch.sigmoid(x @ w1 + b1) @ w2 + b2)
    loss = out.sum()
    loss.backward()
    by_layers = second(first(x).sigmoid()).sigmoid()
    by_layers.sum().backward()
    same = [torch.equal(out, by_layers), torch.equal(w1.grad, first.weight.grad.T)]
    """)


def test_softmax_over_the_last_axis_of_3d_tensors() -> None:
    parity("""
    x = torch.randn(2, 3, 4, requires_grad=True)
    y = x.softmax(-1)
    (y * torch.randn(2, 3, 4)).sum().backward()
    sums = y.sum(-1)
    module = nn.Softmax(dim=2)(x)
    middle = F.softmax(x, dim=1)
    logarithm = F.log_softmax(x, -1)
    """)


def test_residual_network() -> None:
    parity(
        """
    class Block(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.path = nn.Sequential(
                nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(),
                nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width))
        def forward(self, x):
            return F.relu(x + self.path(x))

    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), Block(4), Block(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4, 2))
    x, y = torch.randn(6, 3, 8, 8), torch.tensor([0, 1, 0, 1, 1, 0])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    losses = []
    for _ in range(4):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    """,
        rtol=1e-3,
        atol=1e-4,
    )


def test_batch_norm() -> None:
    parity("""
    norm = nn.BatchNorm1d(3)
    x = torch.randn(8, 3, requires_grad=True) * 2 + 1
    outputs = [norm(x) for _ in range(3)]
    (outputs[-1] ** 3).sum().backward()
    norm.eval()
    evaluated = norm(x)
    image = nn.BatchNorm2d(2, momentum=0.3)(torch.randn(4, 2, 3, 3))
    one_value = attempt(lambda: nn.BatchNorm1d(3)(torch.ones(1, 3)))
    """)


def test_dropout() -> None:
    parity("""
    dropout = nn.Dropout(0.4)
    x = torch.ones(50, requires_grad=True)
    y = dropout(x)
    y.sum().backward()
    again = dropout(x)
    everything, nothing = F.dropout(x, 0.0), F.dropout(x, 1.0)
    dropout.eval()
    evaluated = dropout(x)
    outside = attempt(lambda: nn.Dropout(1.5))
    """)


def test_l1_and_l2() -> None:
    parity("""
    model = nn.Linear(4, 2)
    l1 = sum(p.abs().sum() for p in model.parameters())
    l2 = sum(p.pow(2).sum() for p in model.parameters())
    (0.01 * l1 + 0.1 * l2).backward()
    norms = [torch.linalg.vector_norm(model.weight, order) for order in (1, 2)]
    """)


def test_adam() -> None:
    parity("""
    x, y = torch.randn(10, 3), torch.randn(10, 1)
    model = nn.Linear(3, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1, betas=(0.8, 0.99))
    losses = []
    for _ in range(10):
        loss = F.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    """)


def test_mini_batch_iteration() -> None:
    parity("""
    from torch.utils.data import DataLoader, TensorDataset
    x, y = torch.randn(25, 4), torch.randint(3, (25,))
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses, sizes = [], []
    for epoch in range(2):
        for images, labels in DataLoader(TensorDataset(x, y), batch_size=8, shuffle=True):
            loss = F.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            sizes.append(len(images))
    """)


def test_mnist_mlp(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    train, test = (
        datasets.MNIST(tmp_path, train=part, transform=transforms.ToTensor())
        for part in (True, False)
    )
    given = {
        name: np.stack([np.asarray(image) for image, _ in data]).reshape(len(data), 784)
        for name, data in (("images", train), ("test_images", test))
    }
    given["labels"] = np.array([label for _, label in train])
    given["test_labels"] = np.array([label for _, label in test])
    run = parity(
        """
    _x, _y = torch.from_numpy(images), torch.from_numpy(labels)
    model = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    losses = []
    for epoch in range(4):
        for batch in torch.randperm(len(_x)).split(64):
            loss = F.cross_entropy(model(_x[batch]), _y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        right = model(torch.from_numpy(test_images)).argmax(1) == torch.from_numpy(test_labels)
    accuracy = right.float().mean().item()
    del model, optimizer, batch
    """,
        given=given,
        rtol=1e-2,
    )
    assert run["accuracy"] > 0.85


def test_the_computation_graph_is_drawn() -> None:
    model = rushlight.nn.Sequential(
        rushlight.nn.Linear(2, 3), rushlight.nn.Sigmoid(), rushlight.nn.Linear(3, 1)
    )
    loss = model(rushlight.ones(4, 2)).sum()
    loss.backward()
    dot = draw(loss, params=model).source
    for expected in ("digraph", "Sigmoid", "Sum", "0.weight", "2.bias", "grad norm"):
        assert expected in dot
