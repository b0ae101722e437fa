"""Figures of a training run as files that TensorBoard reads; nothing has to be installed for it."""

from rushlight.utils.tensorboard.writer import FileWriter, SummaryWriter

__all__ = ["FileWriter", "SummaryWriter"]
