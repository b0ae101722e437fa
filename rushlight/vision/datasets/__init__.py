"""Data sets of images, read from the files and folders that torchvision keeps."""

from rushlight.vision.datasets.mnist import MNIST, embedded_mnist
from rushlight.vision.datasets.vision import VisionDataset

__all__ = ["MNIST", "VisionDataset", "embedded_mnist"]
