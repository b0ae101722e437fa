"""The question that flat wrappers put to other types and to modes, as source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rushlight.families.override import PLAIN, UNCLAIMED, claimed, claimed_operator

ASKING: dict[str, Any] = {"PLAIN": PLAIN, "UNCLAIMED": UNCLAIMED, "claimed": claimed,
                          "claimed_operator": claimed_operator}


def asking_lines(function: str, operands: Sequence[str], options: Sequence[str],
                 defaults: Mapping[str, Any], environment: dict[str, Any], *,
                 tested: Sequence[str] = (), operator: bool = False, out: bool = False,
                 star: str = "") -> list[str]:
    """Lines for the general path: where an operand is of no plain type, offer it the call.

    function: the name, in `environment`, of what is offered. operands: parameters that are given
    by position. options: those that are given by name, unless left at `defaults`; `tested` are the
    tensors among them. star: a parameter that takes the rest by position.
    """
    environment["defaults"], environment["following"] = dict(defaults), tuple(tested)
    every = [*operands, *tested, *(["out"] if out else [])]
    lines = [f"if {' or '.join(f'type({n}) not in PLAIN' for n in every)}:"]
    if operator:
        lines.append(f"    found = claimed_operator({function}, {', '.join(operands)})")
    else:
        given = ", ".join(f"{n!r}: {n}" for n in options)
        if out:
            given += f"{', ' if given else ''}**({{}} if out is None else {{'out': out}})"
        positional = "".join(f"{n}, " for n in operands) + (f"*{star}" if star else "")
        lines.append(f"    found = claimed({function}, ({positional}), {{{given}}}, defaults, "
                     "following)")
    return [*lines, "    if found is not UNCLAIMED:", "        return found"]
