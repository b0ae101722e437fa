"""How masked tensors print: as torch's, with -- for what is absent."""

from __future__ import annotations

from typing import Any


def text(data: Any, mask: Any) -> str:
    """The printed form of nested lists of elements and of whether each counts."""
    if not isinstance(data, list):
        return f"MaskedTensor({_element(data) if mask else '--'}, {mask})"
    return "\n".join(["MaskedTensor(", *_lines(data, mask, "  "), ")"])


def _lines(data: list[Any], mask: list[Any], indent: str) -> list[str]:
    if not data or not isinstance(data[0], list):
        row = (_element(one) if here else f"{'--':>8}"
               for one, here in zip(data, mask, strict=True))
        return [f"{indent}[{', '.join(row)}]"]
    lines = [f"{indent}["]
    for one, here in zip(data, mask, strict=True):
        lines += _lines(one, here, indent + "  ")
        lines[-1] += ","
    lines[-1] = lines[-1][:-1]
    return [*lines, f"{indent}]"]


def _element(value: Any) -> str:
    return f"{value:8.4f}" if isinstance(value, float) else str(value)
