"""Data sets and transforms for images, under torchvision's names."""

from rushlight.vision import datasets, models, ops, transforms

__all__ = ["datasets", "models", "ops", "transforms"]
