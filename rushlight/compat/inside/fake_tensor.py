"""`torch._subclasses`: tensors of a tracer, of which there are none."""

from __future__ import annotations

from typing import Any

from rushlight.tensor import Tensor

__all__ = ["FakeTensor", "FakeTensorMode", "active_fake_mode", "is_fake"]


class FakeTensor(Tensor):
    """A tensor without values, for isinstance tests; tensors on the meta device are plain."""


class FakeTensorMode:
    """Raises NotImplementedError: programs are not traced."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        raise NotImplementedError("FakeTensorMode: programs are not traced; make tensors of shapes "
                                  "alone with device='meta'")


def is_fake(x: Any) -> bool:
    """Whether a tensor belongs to a tracer: False."""
    return False


def active_fake_mode() -> None:
    """The tracer that makes tensors without values at the moment: none."""
