"""All pooling: maxima, averages, and the adaptive forms of both."""

from rushlight.ops import adaptive_pooling, average_pooling, max_pooling

__all__ = ["adaptive_pooling", "average_pooling", "max_pooling"]
