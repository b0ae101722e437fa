"""Data sets and transforms for images, under torchvision's names."""

from rushlight.vision import datasets, ops, transforms

__all__ = ["datasets", "ops", "transforms"]
