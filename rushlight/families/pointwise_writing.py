"""The flat Python of pointwise ops that write: in place, and into `out=`, as source.

As in `pointwise_source`, the common case is written out (exact tensor types, one dtype, each
element in a place of its own), and every other case goes to `pointwise_general`.
"""

from __future__ import annotations

from typing import Any

from rushlight.engine.node import VIEWS
from rushlight.families.pointwise_node import record_lines

WRITING: dict[str, Any] = {"VIEWS": VIEWS}


def in_place_lines(variant: Any, target: str, slow: str, environment: dict[str, Any]) -> list[str]:
    """Writing to the operand `target`: at once, or with a node that takes its place in the graph.

    slow: the general call, for all else.
    """
    environment.update(WRITING, small=variant.small, large=variant.large)
    nothing = " and ".join(f"edge_{n} is None" for n in variant.differentiable)
    # Where complex numbers give real ones, the result has no place there.
    number = " and dtype in FLOATING" if variant.op.result == "real" else ""
    lines = [f"if (array_{target}.flags.forc or distinct(array_{target})){number}:",
             f"    kernel = (small if array_{target}.size < LARGE else large)[dtype]",
             f"    if kernel is not None and (not flags.grad_enabled or ({nothing}",
             f"            and ({target}._view is None or {target}._view[0]._node is None))):",
             *_indent(_run(variant, f"array_{target}", slow), 2),
             f"        if {target}._writes is not None:",
             f"            wrote({target})",
             f"        return {target}"]
    if all(g is None for g in variant.gradients.values()):
        return lines
    # A leaf may not be written to, a view passes its gradient to what it is a view of.
    return [*lines,
            f"    if (kernel is not None and edge_{target} is not LEAF and {target}._view is None "
            f"and not {target}._retains_grad",
            f"            and ({target}._writes is None or {target}._writes[VIEWS] is None)):",
            *_indent(_recorded(variant, target, slow, environment), 2),
            f"        return {target}"]


def truth_lines(variant: Any, target: str, slow: str, environment: dict[str, Any]) -> list[str]:
    """Writing truth values, as numbers, to the operand `target` where nothing is recorded.

    slow: the general call, for all else.
    """
    environment.update(WRITING, small=variant.small, large=variant.large)
    nothing = " and ".join(f"edge_{n} is None" for n in variant.names)
    return [f"if ((array_{target}.flags.forc or distinct(array_{target})) and (",
            f"        not flags.grad_enabled or ({nothing}",
            f"        and ({target}._view is None or {target}._view[0]._node is None)))):",
            f"    kernel = (small if array_{target}.size < LARGE else large)[dtype]",
            "    if kernel is not None:",
            "        try:",
            f"            array = kernel({', '.join(f'array_{n}' for n in variant.names)})",
            f"            if array.shape != array_{target}.shape:",
            f"                return {slow}",
            f"            array_{target}[...] = array",
            "        except (ValueError, TypeError, FloatingPointError, RuntimeWarning):",
            f"            return {slow}",
            f"        if {target}._writes is not None:",
            f"            wrote({target})",
            f"        return {target}"]


def _recorded(variant: Any, target: str, slow: str, environment: dict[str, Any]) -> list[str]:
    """Write, then record; a write that other operands share memory with counts afterwards."""
    readers = [f"edge_{variant.differentiable[i]} is not None" for i in variant.readers(target)]
    before = [f"array = array_{target}"]
    if readers:
        before += [f"if {' or '.join(readers)}:", f"    array_{target} = array.copy('K')"]
    return [*before, f"version = {target}._writes", "if version is None:",
            f"    version = {target}._writes = [0, None, None]",
            *_run(variant, "array", slow),
            *record_lines(variant, target, environment, in_place=True),
            f"wrote({target})", f"{target}._node = node"]


def out_lines(variant: Any, first: str, slow: str) -> list[str]:
    """Computing where `out` lies: of the shape of the operand `first`, and of the result's dtype.

    slow: the general call, for all else.
    """
    nothing = " and ".join(f"edge_{n} is None" for n in variant.differentiable) or "True"
    return ["if type(out) is Tensor and (not flags.grad_enabled or (out._node is None "
            f"and {nothing})):",
            "    array = out._array",
            "    kernel = (small if array.size < LARGE else large)[dtype]",
            f"    if (kernel is not None and type(array) is ndarray "
            f"and array.dtype is {'boolean' if variant.boolean else 'dtype'}"
            f"{' and dtype in FLOATING' if variant.op.result == 'real' else ''}",
            f"            and array.shape == array_{first}.shape "
            "and (array.flags.forc or distinct(array))):",
            *_indent(_run(variant, "array", slow), 2),
            "        wrote(out)",
            "        return out"]


def _run(variant: Any, array: str, slow: str) -> list[str]:
    return ["try:",
            f"    kernel({', '.join(f'array_{n}' for n in variant.names)}, out={array})",
            "except (ValueError, TypeError, FloatingPointError):",
            f"    return {slow}",
            "except RuntimeWarning:",  # an error by the user's filters, after the write
            "    pass"]


def _indent(lines: list[str], depth: int) -> list[str]:
    return ["    " * depth + line for line in lines]
