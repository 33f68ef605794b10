"""What the examples show while they train: a progress bar, a line per epoch, learning curves."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class Training:
    """Collects losses and accuracies, and shows them.

    with Training(epochs=5, steps=100) as training:
        for epoch in range(5):
            for step in range(100):
                training.step(loss=1.0, accuracy=0.5)
            training.end_epoch(test_loss=1.1, test_accuracy=0.4)
    training.draw("curves.png", "title")
    """

    def __init__(self, epochs: int, steps: int) -> None:
        self.epochs, self.steps = epochs, steps
        self.losses: list[float] = []
        self.accuracies: list[float] = []
        self.tests: list[tuple[float, float]] = []
        # Plain lines, with no styles added, so that two runs can be compared with diff.
        self.console = Console(highlight=False, soft_wrap=True)
        self.bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=None, complete_style="yellow"),
            TextColumn("{task.fields[numbers]}"),
            TextColumn("{task.percentage:3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("[dim]left"),
            TimeRemainingColumn(),
            console=self.console,
        )
        self.task = self.bar.add_task("epoch 1", total=epochs * steps, numbers="")

    def __enter__(self) -> Training:
        self.started = time.perf_counter()
        self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.stop()
        self.seconds = time.perf_counter() - self.started

    def step(self, loss: float, accuracy: float) -> None:
        """Note one step; in the first epoch, print the mean loss ten times."""
        self.losses.append(loss)
        self.accuracies.append(accuracy)
        seen = len(self.losses)
        recent = min(seen, 50)
        self.bar.update(
            self.task,
            advance=1,
            description=f"epoch {(seen - 1) // self.steps + 1}/{self.epochs}",
            numbers=f"loss {sum(self.losses[-recent:]) / recent:.4f}  "
            f"accuracy {sum(self.accuracies[-recent:]) / recent:6.2%}",
        )
        tenth = max(1, self.steps // 10)
        if seen <= self.steps and seen % tenth == 0:
            mean = sum(self.losses[-tenth:]) / tenth
            self.console.print(f"  steps {seen - tenth + 1:4}-{seen:<4} loss {mean:.6g}")

    def end_epoch(self, test_loss: float, test_accuracy: float) -> None:
        """Note what a validation gave, and print the epoch's line."""
        self.tests.append((test_loss, test_accuracy))
        loss = sum(self.losses[-self.steps :]) / self.steps
        accuracy = sum(self.accuracies[-self.steps :]) / self.steps
        self.console.print(
            f"epoch {len(self.tests):3}: loss {loss:.6g}, accuracy {accuracy:.2%}; "
            f"held out: loss {test_loss:.6g}, accuracy {test_accuracy:.2%}"
        )

    def history(self) -> dict[str, list[float]]:
        """All numbers seen: by step for the training data, by epoch for the test data."""
        return {
            "losses": self.losses,
            "accuracies": self.accuracies,
            "test_losses": [loss for loss, _ in self.tests],
            "test_accuracies": [accuracy for _, accuracy in self.tests],
        }

    def draw(self, path: str | Path, title: str) -> None:
        """Save a picture of the learning curves; times and sizes are in epochs."""
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot

        figure, axes = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
        figure.suptitle(title)
        epochs = range(1, len(self.tests) + 1)
        parts = zip(
            axes,
            ("loss", "accuracy"),
            (self.losses, self.accuracies),
            zip(*self.tests, strict=True),
            strict=True,
        )
        for axis, name, steps, tests in parts:
            window = max(1, self.steps // 10)
            ends = range(window, len(steps) + 1, window)
            means = [sum(steps[end - window : end]) / window for end in ends]
            times = [(end - window / 2) / self.steps for end in ends]
            axis.plot(times, means, color="tab:orange", linewidth=1, label="training")
            axis.plot(epochs, tests, color="tab:blue", marker=".", label="held out")
            axis.set(xlabel="epoch", ylabel=name, yscale="log" if name == "loss" else "linear")
            axis.grid(alpha=0.3)
            axis.legend()
        figure.savefig(path, dpi=120)
        pyplot.close(figure)
