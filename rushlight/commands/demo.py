"""`rushlight demo`: train LeNet on MNIST, then write the model, its history and pictures."""

from __future__ import annotations

import argparse
import csv
import math
import sys
import time
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path
from typing import Any

from tqdm import tqdm

import rushlight
from rushlight.commands import plots
from rushlight.commands.errors import CommandError
from rushlight.commands.folder import result_folder
from rushlight.commands.lenet import Evaluation, LeNet, evaluate, load_digits, train_epoch
from rushlight.optim import Adam
from rushlight.optim.lr_scheduler import CosineAnnealingLR
from rushlight.serialization import save_file
from rushlight.utils.data import DataLoader, TensorDataset
from rushlight.vision.datasets import embedded_mnist


@dataclass(frozen=True)
class Epoch:
    """One line of history.csv; the figures of training are means over the epoch's steps."""

    epoch: int
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float


@dataclass
class Run:
    """What a training run leaves: the net, its epochs, the loss of each step, the last test."""

    net: LeNet
    epochs: list[Epoch] = field(default_factory=list)
    step_losses: list[float] = field(default_factory=list)
    test: Evaluation | None = None


def add_to(commands: Any) -> None:
    """Add the command `demo` and its options to the parser's `commands`."""
    parser = commands.add_parser(
        "demo",
        help="train LeNet on MNIST and draw the result",
        description="Train LeNet on MNIST, then write the model, its history and pictures.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--epochs", type=_count, default=5, help="passes over the training images")
    parser.add_argument("--batch-size", type=_count, default=64, help="images a training step")
    parser.add_argument(
        "--lr", type=_rate, default=0.003, help="learning rate of Adam at the start"
    )
    parser.add_argument("--seed", type=_seed, default=0, help="the same seed, the same history")
    parser.add_argument(
        "--data",
        type=Path,
        default=embedded_mnist(),
        metavar="DIR",
        help="folder with the four idx files of MNIST, gzip or not (default: a subset of "
        "10,000 + 2,000 images inside the package)",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("rushlight-demo"), metavar="DIR", help="result folder"
    )
    parser.add_argument("--no-plots", action="store_true", help="draw no pictures")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Carry out `rushlight demo` as the parsed `arguments` say."""
    try:
        training = load_digits(arguments.data, train=True)
        testing = load_digits(arguments.data, train=False)
    except (OSError, RuntimeError, ValueError) as error:
        raise CommandError(str(error)) from error
    with result_folder(arguments.out) as folder:
        start = time.perf_counter()
        result = train(training, testing, arguments)
        seconds = time.perf_counter() - start
        write(folder, result, testing, with_pictures=not arguments.no_plots)
    print(
        f"{result.test.accuracy:.2%} of {len(testing):,} test digits right, "
        f"after {arguments.epochs} epochs in {seconds:.1f} s\n"
        f"Written to {arguments.out.absolute()}: "
        + ", ".join(path.name for path in sorted(arguments.out.iterdir()))
    )


def train(training: TensorDataset, testing: TensorDataset, arguments: Any) -> Run:
    """Train LeNet with `arguments` (seed, lr, batch_size, epochs) behind a progress bar."""
    rushlight.manual_seed(arguments.seed)
    result = Run(LeNet())
    optimizer = Adam(result.net.parameters(), lr=arguments.lr)
    scheduler = CosineAnnealingLR(optimizer, T_max=arguments.epochs)
    batches = DataLoader(training, batch_size=arguments.batch_size, shuffle=True)
    bar = tqdm(
        total=arguments.epochs * len(training),
        unit=" images",
        unit_scale=True,
        mininterval=0.1 if sys.stderr.isatty() else 1.0,  # a log file needs fewer lines
    )
    with bar:
        for number in range(1, arguments.epochs + 1):
            bar.set_description(f"epoch {number}/{arguments.epochs}")
            loss_sum, correct, seen = 0.0, 0, 0
            for step in train_epoch(result.net, batches, optimizer):
                result.step_losses.append(step.loss)
                loss_sum += step.loss * step.images
                correct += step.correct
                seen += step.images
                bar.set_postfix_str(
                    f"loss {loss_sum / seen:.4f}, accuracy {correct / seen:.2%}", refresh=False
                )
                bar.update(step.images)
            scheduler.step()
            result.test = evaluate(result.net, testing)
            epoch = Epoch(
                number, loss_sum / seen, correct / seen, result.test.loss, result.test.accuracy
            )
            result.epochs.append(epoch)
            bar.write(
                f"epoch {number}: training loss {epoch.train_loss:.4f}, "
                f"test loss {epoch.test_loss:.4f}, test accuracy {epoch.test_accuracy:.2%}",
                file=sys.stdout,
            )
    return result


def write(folder: Path, result: Run, testing: TensorDataset, with_pictures: bool) -> None:
    """Write model.safetensors, history.csv and, where asked for, the pictures into `folder`."""
    save_file(result.net.state_dict(), folder / "model.safetensors")
    with (folder / "history.csv").open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(column.name for column in fields(Epoch))
        for epoch in result.epochs:
            number, *figures = astuple(epoch)
            rows.writerow([number, *(f"{figure:.6f}" for figure in figures)])
    if not with_pictures:
        return
    if not plots.available():
        print("No pictures: matplotlib is missing (pip install matplotlib).", file=sys.stderr)
        return
    images, labels = testing.tensors
    digits, answers = images[:, 0].numpy(), labels.numpy()
    predictions = result.test.predictions.numpy()
    conv1 = result.net.conv1
    with rushlight.no_grad():
        responses = conv1(images[:1])[0].numpy()  # (filters, 28, 28)
    plots.curves(folder / "curves.png", result.epochs, result.step_losses)
    plots.digits(folder / "digits.png", digits, answers, predictions)
    plots.filters(folder / "filters.png", conv1.weight.detach()[:, 0].numpy(), digits[0], responses)
    plots.confusion(folder / "confusion.png", answers, predictions)


def _count(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return value


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 1 << 63:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to 2**63 - 1")
    return int(text)


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value
