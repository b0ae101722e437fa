"""How tensors are printed: ``repr``, ``str`` and the options that steer them.

The text is torch's, character for character. Only the numbers that are shown are read, so a huge
tensor prints as fast as a small one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from rushlight.base import dtypes

__all__ = [
    "format_array",
    "format_tensor",
    "get_printoptions",
    "printoptions",
    "set_printoptions",
]


@dataclass(frozen=True, slots=True)
class PrintOptions:
    """What ``set_printoptions`` can change; a changed copy replaces the whole."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None
    header: bool = False


PROFILES: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}

_options = PrintOptions()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
    header: bool | None = None,
) -> None:
    """Set how tensors print, for the whole process.

    Args:
        precision: digits after the decimal point (4).
        threshold: above this number of elements only the edges are shown (1000).
        edgeitems: how many items stay at either end of a shortened dimension (3).
        linewidth: characters a line (80).
        profile: "default", "short" (2 digits, 2 edge items) or "full" (never shortened); the
            other arguments then override it.
        sci_mode: True or False forces scientific notation on or off; None, also when the argument
            is left out, lets the values decide.
        header: True adds a first line with the shape and dtype.

    Raises:
        ValueError: for an unknown profile.

    >>> import rushlight as rl
    >>> rl.set_printoptions(precision=2)
    >>> rl.tensor([3.14159])
    tensor([3.14])
    >>> rl.set_printoptions(profile="default")
    """
    global _options
    given = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
        "header": header,
    }
    changes: dict[str, Any] = {}
    if profile is not None:
        if profile not in PROFILES:
            raise ValueError(f"profile must be one of {', '.join(PROFILES)}, got {profile!r}")
        changes.update(PROFILES[profile])
    changes.update((name, value) for name, value in given.items() if value is not None)
    _options = replace(_options, **changes, sci_mode=sci_mode)


def get_printoptions() -> dict[str, Any]:
    """Return the print options now in force, as a new dict.

    >>> import rushlight as rl
    >>> rl.get_printoptions()["edgeitems"]
    3
    """
    return asdict(_options)


@contextmanager
def printoptions(**kwargs: Any) -> Iterator[None]:
    """Set print options inside a ``with`` block, and restore the former ones after it.

    >>> import rushlight as rl
    >>> with rl.printoptions(precision=1):
    ...     print(rl.tensor([0.25]))
    tensor([0.2])
    """
    global _options
    before = _options
    set_printoptions(**kwargs)
    try:
        yield
    finally:
        _options = before


def format_tensor(tensor: Any) -> str:
    """Return the text of a tensor: its values, what is unusual about it, and its history."""
    suffixes = []
    if tensor.grad_fn is not None:
        suffixes.append(f"grad_fn=<{tensor.grad_fn.name().rpartition('::')[2]}>")
    elif tensor.requires_grad:
        suffixes.append("requires_grad=True")
    kind = type(tensor)  # a program's own class is printed under its name
    ours = kind.__module__.partition(".")[0] in ("rushlight", "torch")  # that under `compat`
    return format_array(
        tensor._array,
        repr(tensor.dtype),
        suffixes,
        default_dtype=repr(dtypes.default_dtype()),
        prefix="tensor(" if ours else f"{kind.__name__}(",
        device="meta" if tensor.is_meta else None,
        meta=tensor.is_meta,
    )


def format_array(
    array: np.ndarray,
    dtype_name: str,
    suffixes: Sequence[str] = (),
    *,
    default_dtype: str = "float32",
    prefix: str = "tensor(",
    device: str | None = None,
    meta: bool = False,
) -> str:
    """Return the text of a tensor.

    Args:
        array: the values, any strides; bfloat16 as ``ml_dtypes.bfloat16``. With ``meta`` only its
            shape is read.
        dtype_name: as it is to be printed, ``"torch.float32"``; shown only where it would not
            follow from the values and ``default_dtype``.
        suffixes: what comes last, as ``"grad_fn=<AddBackward0>"`` or ``"requires_grad=True"``.
        default_dtype: the default floating dtype; a module before a dot is ignored.
        prefix: the text before the values.
        device: a device worth printing (one that is not the default).
        meta: True for a tensor without values.
    """
    options = _options
    indent = len(prefix)
    notes = [] if device is None else [f"device='{device}'"]
    if meta:
        body = "..."
        notes.append(f"size={tuple(array.shape)}")
    elif array.size == 0:
        body = "[]"
        if array.ndim != 1:
            notes.append(f"size={tuple(array.shape)}")
    else:
        shortened = array.ndim > 0 and array.size > options.threshold
        if options.edgeitems == 0:
            notes.append(f"size={tuple(array.shape)}")
        if shortened and options.edgeitems == 0:
            body = "[...]"
        else:
            shown = _edges(array, options.edgeitems) if shortened else array
            body = _Layout(array.shape, shown, options).text(indent)
    if _dtype_is_shown(dtype_name, default_dtype, has_values=not meta and array.size > 0):
        notes.append(f"dtype={dtype_name}")
    text = _with_suffixes(prefix + body, [*notes, *suffixes], indent, options.linewidth) + ")"
    if options.header:
        return f"shape={tuple(array.shape)}, dtype={dtype_name}\n{text}"
    return text


def format_sparse(tensor: Any, places: Sequence[tuple[str, Any]] | None = None) -> str:
    """Return the text of a sparse tensor: its places, its values, and what dense ones end with.

    places: by name, those that say where the values are; left out, the coordinates.
    """
    usual = repr(dtypes.default_dtype())
    kind, entries = repr(tensor.dtype), tensor._values().detach()._array
    parts = []
    if places is None:
        places = [("indices", tensor._indices())]
    for name, array in (*((n, x._array) for n, x in places), ("values", entries)):
        prefix = f"{name}=tensor("
        text = format_array(array, usual, default_dtype=usual, prefix=" " * 7 + prefix)[7:]
        if array.shape == (0,):
            text = prefix + "[], size=(0,))"
        parts.append(text)
    compact = len(places) > 1
    notes = [f"size={tuple(tensor.shape)}, nnz={tensor._nnz()}"]
    if _dtype_is_shown(kind, usual, has_values=entries.size > 0):
        notes.append(f"dtype={kind}")
    notes.append(f"layout={tensor.layout}")
    if tensor.grad_fn is not None:
        notes.append(f"grad_fn=<{tensor.grad_fn.name()}>")
    elif tensor.requires_grad:
        notes.append("requires_grad=True")
    if compact:  # these go on behind the values
        last = _with_suffixes(" " * 7 + parts.pop(), notes, 7, _options.linewidth)[7:]
    else:
        last = _with_suffixes(" " * 7 + notes[0], notes[1:], 7, _options.linewidth)[7:]
    return "tensor(" + f",\n{' ' * 7}".join([*parts, last]) + ")"


def _dtype_is_shown(dtype_name: str, default_dtype: str, *, has_values: bool) -> bool:
    name = dtype_name.rpartition(".")[2]
    default = default_dtype.rpartition(".")[2]
    if not has_values:
        return name != default
    default_complex = "complex128" if default == "float64" else "complex64"
    return name not in (default, default_complex, "int64", "bool")


def _with_suffixes(text: str, suffixes: Sequence[str], indent: int, linewidth: int) -> str:
    length = len(text) - text.rfind("\n") + 1  # two more than the last line: room for ", "
    parts = [text]
    for suffix in suffixes:
        if length + len(suffix) + 2 > linewidth:
            parts.append(",\n" + " " * indent + suffix)
            length = indent + len(suffix)
        else:
            parts.append(", " + suffix)
            length += len(suffix) + 2
    return "".join(parts)


def _edges(array: np.ndarray, edgeitems: int) -> np.ndarray:
    """The first and last ``edgeitems`` of every dimension that is longer than both together."""
    for axis, size in enumerate(array.shape):
        if size > 2 * edgeitems:
            # Dimension by dimension, so that never more than the shown part is copied.
            before = (slice(None),) * axis
            array = np.concatenate(
                [array[(*before, slice(edgeitems))], array[(*before, slice(-edgeitems, None))]],
                axis=axis,
            )
    return array


class _Layout:
    """Nested brackets, line breaks and dots around the formatted values."""

    __slots__ = ("format_value", "options", "shape", "shown", "width")

    def __init__(self, shape: tuple[int, ...], shown: np.ndarray, options: PrintOptions) -> None:
        self.shape = shape
        self.shown = shown
        self.options = options
        self.format_value, self.width = _value_format(shown, options)

    def text(self, indent: int) -> str:
        if not self.shape:
            return self.format_value(self.shown.item())
        return self._block(self.shown, 0, indent)

    def _is_shortened(self, axis: int) -> bool:
        return bool(self.shown.shape[axis] != self.shape[axis])

    def _block(self, shown: np.ndarray, axis: int, indent: int) -> str:
        if shown.ndim == 1:
            return self._row(shown, axis, indent)
        blocks = [self._block(part, axis + 1, indent + 1) for part in shown]
        if self._is_shortened(axis):
            blocks.insert(self.options.edgeitems, "...")
        separator = "," + "\n" * (shown.ndim - 1) + " " * (indent + 1)
        return "[" + separator.join(blocks) + "]"

    def _row(self, shown: np.ndarray, axis: int, indent: int) -> str:
        per_line = max(1, (self.options.linewidth - indent) // (self.width + 2))
        cells = [self.format_value(value) for value in shown.tolist()]
        if self._is_shortened(axis):
            cells.insert(self.options.edgeitems, " ...")
        lines = [", ".join(cells[i : i + per_line]) for i in range(0, len(cells), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


ValueFormat = Callable[[Any], str]


def _value_format(shown: np.ndarray, options: PrintOptions) -> tuple[ValueFormat, int]:
    """A function from one Python value to its padded text, and the width it pads to."""
    kind = shown.dtype.kind
    if kind == "c":
        real_format, real_width = _float_format(shown.real, options)
        imag_format, imag_width = _float_format(shown.imag, options)

        def complex_text(value: complex) -> str:
            imag = imag_format(value.imag).lstrip()
            sign = "" if imag.startswith("-") else "+"
            return real_format(value.real) + sign + imag + "j"

        return complex_text, real_width + imag_width + 1
    if kind in "biu":
        width = max(len(str(value)) for value in shown.ravel().tolist())
        return lambda value: str(value).rjust(width), width
    return _float_format(shown, options)  # float16, bfloat16 (kind "V"), float32, float64


def _float_format(shown: np.ndarray, options: PrintOptions) -> tuple[ValueFormat, int]:
    """Fixed, whole-number ("1.") or scientific notation, whichever suits all the values."""
    values = shown.astype(np.float64)
    values = values[np.isfinite(values) & (values != 0)]
    magnitudes = np.abs(values)
    whole = bool((values == np.ceil(values)).all())
    scientific = options.sci_mode
    if values.size == 0:
        return _cell(".0f", ".", 1), 1  # zeros, nan and inf alone never turn scientific
    if scientific is None:
        largest, smallest = magnitudes.max(), magnitudes.min()
        # Divide by a multiplication: largest / smallest may overflow.
        scientific = bool(
            largest > 1000 * smallest or largest > 1e8 or (not whole and smallest < 1e-4)
        )
    if scientific:
        spec, point = f".{options.precision}e", ""
    elif whole:
        spec, point = ".0f", "."
    else:
        spec, point = f".{options.precision}f", ""
    width = max(len(format(value, spec)) for value in values.tolist()) + len(point)
    return _cell(spec, point, width), width


def _cell(spec: str, point: str, width: int) -> ValueFormat:
    def text(value: float) -> str:
        return (format(value, spec) + (point if math.isfinite(value) else "")).rjust(width)

    return text
