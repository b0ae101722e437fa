"""Timing of statements: `Timer`."""

from rushlight.utils.benchmark.timer import Compare, Measurement, Timer

__all__ = ["Compare", "Measurement", "Timer"]
