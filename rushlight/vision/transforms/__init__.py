"""Transforms of images, as callables to give to a data set (torchvision's `transforms`)."""

from rushlight.vision.transforms.transforms import Compose, Lambda, Normalize, ToTensor

__all__ = ["Compose", "Lambda", "Normalize", "ToTensor"]
