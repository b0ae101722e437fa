"""LeNet on MNIST: the net, its data, one epoch of training, and its evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rushlight import nn
from rushlight.autograd import no_grad
from rushlight.nn import functional as F
from rushlight.ops import cat
from rushlight.optim import Optimizer
from rushlight.tensor import Tensor
from rushlight.utils.data import DataLoader, TensorDataset
from rushlight.vision.datasets import MNIST

MEAN, STD = 0.1307, 0.3081  # of MNIST's training pixels, in 0..1
EVALUATION_BATCH = 500


class LeNet(nn.Module):
    """LeNet-5 with ReLU and max pooling: (count, 1, 28, 28) digits to (count, 10) scores.

    Example:
        >>> import rushlight as rl
        >>> from rushlight.commands.lenet import LeNet
        >>> LeNet()(rl.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])

    Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Return the score of each digit."""
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)  # (count, 6, 14, 14)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)  # (count, 16, 5, 5)
        x = x.flatten(1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


@dataclass(frozen=True)
class Step:
    """What one training step saw: mean loss, correct answers and images of its batch."""

    loss: float
    correct: int
    images: int


@dataclass(frozen=True)
class Evaluation:
    """Mean loss, share of correct answers (0..1), and the predicted digit of every image."""

    loss: float
    accuracy: float
    predictions: Tensor


def load_digits(root: Path, train: bool) -> TensorDataset:
    """Return MNIST below `root` as (count, 1, 28, 28) normalised float32 and (count,) digits.

    Raises:
        RuntimeError, OSError: the files are not there or cannot be read.
        ValueError: they are damaged, empty, or not of 28x28 pixels.
    """
    digits = MNIST(root, train=train)
    if not len(digits) or tuple(digits.data.shape[1:]) != (28, 28):
        raise ValueError(
            f"{root} holds images of shape {tuple(digits.data.shape)}, not (count, 28, 28)"
        )
    images = digits.data.float().div_(255).sub_(MEAN).div_(STD)
    return TensorDataset(images.unsqueeze(1), digits.targets)


def train_epoch(net: nn.Module, batches: DataLoader, optimizer: Optimizer) -> Iterator[Step]:
    """Train `net` on every batch once, reporting each step after it is done."""
    net.train()
    for images, labels in batches:
        scores = net(images)
        loss = F.cross_entropy(scores, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        correct = int((scores.argmax(1) == labels).sum())
        yield Step(loss.item(), correct, len(labels))


def evaluate(net: nn.Module, digits: TensorDataset) -> Evaluation:
    """Return how `net` does on all of `digits`, without recording gradients."""
    images, labels = digits.tensors
    net.eval()
    with no_grad():
        scores = cat([net(part) for part in images.split(EVALUATION_BATCH)])  # (count, 10)
        predictions = scores.argmax(1)
        loss = F.cross_entropy(scores, labels).item()
        accuracy = (predictions == labels).float().mean().item()
    return Evaluation(loss, accuracy, predictions)
