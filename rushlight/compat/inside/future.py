"""`torch.__future__`: choices of torch that are made for good here."""

from __future__ import annotations


def set_overwrite_module_params_on_conversion(value: bool) -> None:
    """Accepted: parameters stay the same objects."""


def get_overwrite_module_params_on_conversion() -> bool:
    """Whether conversions make new parameters: False."""
    return False


def set_swap_module_params_on_conversion(value: bool) -> None:
    """Accepted: parameters stay the same objects."""


def get_swap_module_params_on_conversion() -> bool:
    """Whether conversions exchange parameters: False."""
    return False
