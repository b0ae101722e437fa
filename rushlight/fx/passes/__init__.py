"""Ready-made walks over graphs."""

from rushlight.fx.passes import shape_prop

__all__ = ["shape_prop"]
