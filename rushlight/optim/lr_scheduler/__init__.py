"""Schedules for learning rates: each `step` sets `lr` of an optimizer's groups."""

from rushlight.optim.lr_scheduler.base import LRScheduler, _LRScheduler
from rushlight.optim.lr_scheduler.cosine_annealing import (
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
)
from rushlight.optim.lr_scheduler.cyclic_lr import CyclicLR
from rushlight.optim.lr_scheduler.lambda_lr import LambdaLR, MultiplicativeLR
from rushlight.optim.lr_scheduler.linear_lr import ConstantLR, LinearLR, PolynomialLR
from rushlight.optim.lr_scheduler.one_cycle_lr import OneCycleLR
from rushlight.optim.lr_scheduler.reduce_on_plateau import ReduceLROnPlateau
from rushlight.optim.lr_scheduler.sequential import ChainedScheduler, SequentialLR
from rushlight.optim.lr_scheduler.step_lr import ExponentialLR, MultiStepLR, StepLR

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
    "_LRScheduler",
]
