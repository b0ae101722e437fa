"""Data sets of images, read from the files and folders that torchvision keeps."""

from importlib import import_module as _import_module
from typing import Any as _Any

from rushlight.vision.datasets.cifar import CIFAR10, CIFAR100
from rushlight.vision.datasets.coco import CocoCaptions, CocoDetection
from rushlight.vision.datasets.digits import SVHN, USPS
from rushlight.vision.datasets.fakedata import FakeData
from rushlight.vision.datasets.folder import DatasetFolder, ImageFolder
from rushlight.vision.datasets.mnist import MNIST, embedded_mnist
from rushlight.vision.datasets.mnist_family import EMNIST, KMNIST, QMNIST, FashionMNIST
from rushlight.vision.datasets.stl10 import STL10
from rushlight.vision.datasets.vision import StandardTransform, VisionDataset
from rushlight.vision.datasets.voc import VOCDetection, VOCSegmentation

__all__ = [
    "CIFAR10", "CIFAR100", "EMNIST", "KMNIST", "MNIST", "QMNIST", "STL10", "SVHN", "USPS",
    "CocoCaptions", "CocoDetection", "DatasetFolder", "FakeData", "FashionMNIST", "ImageFolder",
    "StandardTransform", "VOCDetection", "VOCSegmentation", "VisionDataset", "embedded_mnist",
]


def __getattr__(name: str) -> _Any:
    # It needs the subclasses of Tensor, which plain programs should not pay for.
    if name == "wrap_dataset_for_transforms_v2":
        return _import_module("rushlight.vision.datasets.samples").wrap_dataset_for_transforms_v2
    raise AttributeError(f"module 'rushlight.vision.datasets' has no attribute '{name}'")
