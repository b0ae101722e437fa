"""Type promotion: torch's lattice over tensors, 0-d tensors and Python numbers.

Operands come in three ranks: tensors with dimensions, 0-d tensors, Python numbers. A lower rank
only decides the result's type where its category (bool < integer < float < complex) is higher
than that of all higher ranks.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from rushlight.base import dtypes
from rushlight.base.dtypes import dtype

_ORDER = [dtypes.bool_, dtypes.uint8, dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64,
          dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64, dtypes.complex64,
          dtypes.complex128]


@cache
def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The smallest dtype that holds both: of the higher category, wide enough.

    >>> import rushlight as rl
    >>> rl.promote_types(rl.uint8, rl.int8)
    torch.int16
    """
    if type1 is type2:
        return type1
    if type1 in dtypes.EIGHT_BITS or type2 in dtypes.EIGHT_BITS:
        raise RuntimeError("Promotion for Float8 Types is not supported, attempted to promote "
                           f"{type1.name} and {type2.name}; convert one with .to(dtype)")
    if type1 in dtypes.WIDE_UNSIGNED or type2 in dtypes.WIDE_UNSIGNED:
        return _beside_wide_unsigned(type1, type2)
    low, high = sorted((type1, type2), key=_ORDER.index)
    if low is dtypes.uint8 and high is dtypes.int8:
        return dtypes.int16
    if low is dtypes.float16 and high is dtypes.bfloat16:
        return dtypes.float32
    if low is dtypes.float64 and high is dtypes.complex64:
        return dtypes.complex128
    return high


def _beside_wide_unsigned(type1: dtype, type2: dtype) -> dtype:
    other = type1 if type2 in dtypes.WIDE_UNSIGNED else type2
    if other.is_floating_point:
        return other
    raise RuntimeError("Promotion for uint16, uint32, uint64 types is not supported, attempted to "
                       f"promote {type1.name} and {type2.name}; convert one with .to(dtype)")


def of_number(value: object) -> dtype:
    """The dtype that a Python number stands for."""
    if isinstance(value, bool):
        return dtypes.bool_
    if isinstance(value, int):
        return dtypes.int64
    if isinstance(value, float):
        return dtypes.default_dtype()
    return dtypes.default_complex()


def promote_ranks(dimensioned: Iterable[dtype], zero_dim: Iterable[dtype],
                  numbers: Iterable[dtype]) -> dtype:
    """The result type of operands of the three ranks."""
    result: dtype | None = None
    for rank in (dimensioned, zero_dim, numbers):
        own: dtype | None = None
        for d in rank:
            own = d if own is None else promote_types(own, d)
        if own is None:
            continue
        if result is None or own.category > result.category:
            if own.is_complex and result is not None and result.is_floating_point:
                # Beside floats only "complex" counts; the width stays that of the floats.
                own = dtypes.complex128 if result is dtypes.float64 else dtypes.complex64
            result = own
    if result is None:
        raise ValueError("promotion needs at least one operand")
    return result


def can_cast(from_: dtype, to: dtype) -> bool:
    """Whether values of `from_` may be written into a tensor of `to`: never to a lower category.

    >>> import rushlight as rl
    >>> rl.can_cast(rl.float32, rl.int64)
    False
    """
    return from_.category <= to.category
