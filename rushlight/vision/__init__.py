"""Data sets and transforms for images, under torchvision's names."""

from rushlight.vision import datasets, transforms

__all__ = ["datasets", "transforms"]
