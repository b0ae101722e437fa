"""The demo's pictures: curves, digits, filters, confusion matrix. Arrays in, PNG files out."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

RIGHT, WRONG, SECOND, FAINT = "#1b5e8c", "#c62828", "#e07b00", "#b8c7d3"
COLUMNS = 12


def available() -> bool:
    """Return whether matplotlib is installed; imports nothing."""
    return find_spec("matplotlib") is not None


def curves(path: Path, epochs: Sequence[Any], step_losses: Sequence[float]) -> None:
    """Draw loss and accuracy over training.

    Args:
        path: the PNG file to write.
        epochs: objects with `epoch`, `train_loss`, `train_accuracy`, `test_loss`, `test_accuracy`.
        step_losses: the loss of each training step, the same number a epoch.
    """
    figure = _figure(10, 4)
    loss, accuracy = figure.subplots(1, 2)
    numbers = [epoch.epoch for epoch in epochs]
    time = np.linspace(0, len(epochs), len(step_losses) + 1)[1:]  # steps, measured in epochs
    loss.plot(time, step_losses, color=FAINT, linewidth=0.7, label="training, each step")
    loss.plot(numbers, [e.train_loss for e in epochs], "o-", color=RIGHT, label="training, epoch")
    loss.plot(numbers, [e.test_loss for e in epochs], "s-", color=SECOND, label="test")
    loss.set(title="Loss", xlabel="epoch", ylabel="cross-entropy (log scale)", yscale="log")
    train = [100 * e.train_accuracy for e in epochs]
    test = [100 * e.test_accuracy for e in epochs]
    accuracy.plot(numbers, train, "o-", color=RIGHT, label="training (while it learns)")
    accuracy.plot(numbers, test, "s-", color=SECOND, label="test")
    accuracy.annotate(
        f"{test[-1]:.2f} %", (numbers[-1], test[-1]), (4, -16), textcoords="offset points",
        ha="right", color=SECOND,
    )  # fmt: skip
    accuracy.set(title="Accuracy", xlabel="epoch", ylabel="correct, %")
    for axes in (loss, accuracy):
        axes.set_xlim(left=0)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(color="#e6e6e6")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    figure.savefig(path)


def digits(path: Path, images: np.ndarray, labels: np.ndarray, predictions: np.ndarray) -> None:
    """Draw test digits with what the net says: the misclassified first, marked, then others.

    Args:
        path: the PNG file to write.
        images: (count, height, width), any scale.
        labels: (count,) the true digits.
        predictions: (count,) the net's answers.
    """
    missed = np.flatnonzero(labels != predictions)
    hit = np.flatnonzero(labels == predictions)
    wrong_rows = min(4, -(-len(missed) // COLUMNS))
    rows = 8
    shown_wrong = missed[: wrong_rows * COLUMNS]
    shown_right = hit[: (rows - wrong_rows) * COLUMNS]
    figure = _figure(10, 8.2)
    grid = figure.subplots(rows, COLUMNS)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, index in zip(grid[:wrong_rows].flat, shown_wrong, strict=False):
        _digit(axes, images[index], f"{predictions[index]}, is {labels[index]}", WRONG)
    for axes, index in zip(grid[wrong_rows:].flat, shown_right, strict=False):
        _digit(axes, images[index], str(predictions[index]), RIGHT)
    share = "" if len(shown_wrong) == len(missed) else f"the first {len(shown_wrong)} "
    figure.suptitle(
        f"{len(missed):,} of {len(labels):,} test digits misclassified"
        f" ({share}in red: the answer, then the truth); below: right answers",
        fontsize=11,
    )
    figure.savefig(path)


def filters(path: Path, weight: np.ndarray, image: np.ndarray, responses: np.ndarray) -> None:
    """Draw the first layer's filters, and below each what it makes of one test digit.

    Args:
        path: the PNG file to write.
        weight: (filters, height, width).
        image: (28, 28), the digit.
        responses: (filters, 28, 28), the layer's output for it.
    """
    figure = _figure(10, 3.6)
    grid = figure.subplots(2, len(weight) + 1)
    grid[0, 0].set_axis_off()
    _frame(grid[1, 0], image, "gray_r", None)
    grid[1, 0].set_title("a test digit", fontsize=9)
    strongest, loudest = np.abs(weight).max(), np.abs(responses).max()
    for number, (kernel, response) in enumerate(zip(weight, responses, strict=True), 1):
        picture = _frame(grid[0, number], kernel, "RdBu_r", strongest)
        grid[0, number].set_title(f"filter {number}", fontsize=9)
        answer = _frame(grid[1, number], response, "RdBu_r", loudest)
    figure.colorbar(picture, ax=grid[0, :], shrink=0.8, label="weight")
    figure.colorbar(answer, ax=grid[1, :], shrink=0.8, label="response")
    figure.suptitle("The first layer: its filters, and their responses to a digit", fontsize=11)
    figure.savefig(path)


def confusion(path: Path, labels: np.ndarray, predictions: np.ndarray) -> None:
    """Draw how often each digit (row) was taken for each digit (column).

    Args:
        path: the PNG file to write.
        labels: (count,) the true digits.
        predictions: (count,) the net's answers.
    """
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (labels, predictions), 1)
    errors = counts * ~np.eye(10, dtype=bool)
    figure = _figure(6.4, 6)
    axes = figure.subplots()
    # Only errors are coloured: the diagonal is hundreds and would wash everything else out.
    axes.imshow(np.where(errors, errors, np.nan), cmap="Reds", vmin=0, vmax=max(errors.max(), 1))
    for (row, column), count in np.ndenumerate(counts):
        if row == column:
            axes.text(column, row, count, ha="center", va="center", color=RIGHT, weight="bold")
        elif count:
            dark = count > 0.6 * errors.max()
            axes.text(
                column, row, count, ha="center", va="center", color="white" if dark else "black"
            )
    axes.set(
        xticks=range(10), yticks=range(10), xlabel="the net's answer", ylabel="the digit",
        title=f"{np.trace(counts):,} of {len(labels):,} right",
    )  # fmt: skip
    axes.set_xticks(np.arange(-0.5, 10), minor=True)
    axes.set_yticks(np.arange(-0.5, 10), minor=True)
    axes.grid(which="minor", color="#e6e6e6")
    axes.tick_params(which="both", length=0)
    figure.savefig(path)


def _figure(width: float, height: float) -> Any:
    """Return a matplotlib figure of that size in inches, without touching pyplot's state."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=130, layout="constrained")


def _digit(axes: Any, image: np.ndarray, title: str, color: str) -> None:
    _frame(axes, image, "gray_r", None)
    axes.set_title(title, fontsize=9, color=color, pad=2)
    if color == WRONG:
        axes.spines[:].set(visible=True, color=WRONG, linewidth=1.8)


def _frame(axes: Any, image: np.ndarray, colors: str, reach: float | None) -> Any:
    """Show `image` without ticks; values from -reach to reach fill the colour map."""
    axes.set_axis_on()
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(reach is not None)
    low = None if reach is None else -reach
    return axes.imshow(image, cmap=colors, vmin=low, vmax=reach)
