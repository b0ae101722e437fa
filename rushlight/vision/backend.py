"""Which library opens pictures: Pillow, the only one here; torchvision's programs ask."""

from __future__ import annotations

_CHOSEN = "PIL"


def get_image_backend() -> str:
    """The name of the library that opens pictures: "PIL"."""
    return _CHOSEN


def set_image_backend(backend: str) -> None:
    """Choose the library that opens pictures. Raises ValueError for other than "PIL"."""
    if backend != "PIL":
        raise ValueError(f"Invalid backend '{backend}'. Options are 'PIL': the others of "
                         "torchvision are not served here.")


def disable_beta_transforms_warning() -> None:
    """Nothing: there is no such warning here."""
