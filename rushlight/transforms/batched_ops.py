"""Batching rules that no family gives: products, convolutions, joining, indexing, copies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight import ops
from rushlight.families.wrapped import Call
from rushlight.ops.cross_entropy import _cross_entropy, _pick
from rushlight.tensor import Tensor
from rushlight.transforms.batched import Batched, lowered


def _here(x: Any, level: int) -> bool:
    return isinstance(x, Batched) and x.level == level


def _size(level: int, call: Call) -> int:
    return next(x.value._array.shape[0] for x in call.leaves() if _here(x, level))


def aligned(x: Any, level: int, rank: int) -> Any:
    """The lanes of `x` in front of `rank` dimensions; what has no lanes as it is."""
    if not _here(x, level):
        return x
    missing = rank - x._array.ndim
    return x.value[(slice(None), *[None] * missing)] if missing > 0 else x.value


def _matmul(level: int, call: Call) -> Any:
    """Lanes are one more batch dimension; vectors are matrices meanwhile."""
    values = call.args[0]
    names = list(values)
    a, b = values[names[0]], values[names[1]]
    if call.op.name != "matmul" or not (isinstance(a, Tensor) and isinstance(b, Tensor)):
        return NotImplemented
    ranks = a._array.ndim, b._array.ndim
    if 0 in ranks:
        return NotImplemented
    rank = max(2, *ranks)
    left, right = (_lanes_or_plain(x, level) for x in (a, b))
    if ranks[0] == 1:
        left = left.unsqueeze(-2)
    if ranks[1] == 1:
        right = right.unsqueeze(-1)
    left, right = (_padded(x, _here(own, level), rank) for x, own in ((left, a), (right, b)))
    made = ops.matmul(left, right)
    if ranks[1] == 1:
        made = made.squeeze(-1)
    return made.squeeze(-2 if ranks[1] > 1 else -1) if ranks[0] == 1 else made


def _lanes_or_plain(x: Any, level: int) -> Any:
    return x.value if _here(x, level) else x


def _padded(x: Any, has_lanes: bool, rank: int) -> Any:
    """Dimensions of size 1 between the lanes and the others, up to `rank` of these."""
    missing = rank - (x._array.ndim - has_lanes)
    return x[(slice(None), *[None] * missing)] if has_lanes and missing > 0 else x


def _linear(level: int, call: Call) -> Any:
    values = call.args[0]
    x, weight, bias = values["input"], values["weight"], values.get("bias")
    if x._array.ndim == 0 or weight._array.ndim != 2:
        return NotImplemented
    if not _here(weight, level) and not _here(bias, level):
        return ops.linear(x.value, weight, bias)
    rows = aligned(x, level, 2)  # (lanes, 1, features) for a vector
    rows = rows.unsqueeze(-2) if x._array.ndim == 1 and not _here(x, level) else rows
    turned = _lanes_or_plain(weight, level).mT
    if _here(weight, level):
        turned = _padded(turned, True, max(2, x._array.ndim))
    made = ops.matmul(rows, turned)
    if x._array.ndim == 1:
        made = made.squeeze(-2)
    if bias is None:
        return made
    return made + aligned(bias, level, x._array.ndim)


def _convolution(dims: int) -> Callable[[int, Call], Any]:
    """Lanes are more samples, or groups where the weights differ from lane to lane."""
    function = getattr(ops, f"conv{dims}d")

    def rule(level: int, call: Call) -> Any:
        names = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
        given = {**dict(zip(names, call.args)), **call.options}
        x, weight, bias = given.pop("input"), given.pop("weight"), given.pop("bias", None)
        size, groups = _size(level, call), given.pop("groups", 1)
        single = x._array.ndim == dims + 1
        if x._array.ndim not in (dims + 1, dims + 2):
            return NotImplemented
        if not _here(weight, level) and not _here(bias, level):
            lanes = x.value.flatten(0, 1) if not single else x.value
            made = function(lanes, weight, bias, groups=groups, **given)
            return made if single else made.unflatten(0, (size, -1))
        lanes, kernels = lowered(x, level, size), lowered(weight, level, size)
        if single:
            lanes = lanes.unsqueeze(1)  # (lanes, samples, channels, ...)
        channels = kernels._array.shape[1]
        flat = None if bias is None else lowered(bias, level, size).flatten()
        made = function(lanes.movedim(0, 1).flatten(1, 2), kernels.flatten(0, 1), flat,
                        groups=groups * size, **given)
        made = made.unflatten(1, (size, channels)).movedim(1, 0)
        return made.squeeze(1) if single else made

    return rule


def _joined(level: int, call: Call) -> Any:
    """cat and stack: along the same dimension of each lane."""
    tensors, size = call.args[0], _size(level, call)
    if len(call.args) > 2 or call.options.get("out") is not None or set(
            call.options) - {"dim", "out"}:
        return NotImplemented
    dim = call.args[1] if len(call.args) == 2 else call.options.get("dim", 0)
    if not isinstance(dim, int):
        return NotImplemented
    return call.function([lowered(x, level, size) for x in tensors], dim if dim < 0 else dim + 1)


def _mean_loss(rows: Callable[..., Tensor]) -> Callable[[int, Call], Any]:
    """The mean over (samples, classes) of a loss that `rows` gives for each sample."""

    def rule(level: int, call: Call) -> Any:
        values, size = call.args[0], _size(level, call)
        ignored = values["ignore_index"]
        x, target = (lowered(values[name], level, size) for name in ("input", "target"))
        losses = rows(x.flatten(0, 1), target.flatten(), ignored).unflatten(0, (size, -1))
        return losses.sum(1) / (target != ignored).sum(1).to(losses.dtype)

    return rule


def _along_dim(level: int, call: Call) -> Any:
    """gather and scatters: every lane by its own index."""
    values, size = call.args[0], _size(level, call)
    dim, first = values["dim"], values[next(iter(values))]
    if not isinstance(dim, int) or not first._array.ndim:
        return NotImplemented
    return call.function({
        n: lowered(v, level, size) if isinstance(v, Tensor) else v for n, v in values.items()
    } | {"dim": dim if dim < 0 else dim + 1})


def _masked_fill(level: int, call: Call) -> Any:
    values = call.args[0]
    if isinstance(values["value"], Tensor):
        return NotImplemented
    rank = max(values["input"]._array.ndim, values["mask"]._array.ndim)
    size = _size(level, call)
    return call.function({**values, "input": aligned(_lifted(values["input"], level, size), level,
                                                     rank),
                          "mask": aligned(values["mask"], level, rank)})


def _lifted(x: Tensor, level: int, size: int) -> Tensor:
    return x if _here(x, level) else Batched(lowered(x, level, size), level)


def _like(level: int, call: Call) -> Any:
    first = call.args[0]
    return call.function(first.value, *call.args[1:], **call.options) if _here(
        first, level) else NotImplemented


def _new(level: int, call: Call) -> Any:
    """new_zeros and its kin: of one lane's size, for every lane."""
    first, *sizes = call.args
    if not _here(first, level) or not sizes:
        return NotImplemented
    size, rest = _size(level, call), []
    if isinstance(sizes[0], tuple | list):
        sizes, rest = list(sizes[0]), sizes[1:]
    return call.function(first.value, (size, *sizes), *rest, **call.options)


def _getitem(level: int, call: Call) -> Any:
    x, index = call.args
    items = index if isinstance(index, tuple) else (index,)
    special = [i for i in items if not (i is None or i is Ellipsis or isinstance(i, slice)
                                        or (isinstance(i, int) and not isinstance(i, bool)))]
    numbers = any(isinstance(i, int) for i in items)
    if not special or (len(special) == 1 and not numbers and isinstance(special[0], Tensor)
                       and not _here(special[0], level)):
        return x.value[(slice(None), *items)]
    if not _here(x, level) and len(items) == 1 and index.dtype.name != "bool":
        return x[index.value]
    return NotImplemented


def _layer_norm(level: int, call: Call) -> Any:
    x, *others = call.leaves()
    if any(_here(other, level) for other in others):
        return NotImplemented
    return call.function(x.value, *call.args[1:], **call.options)


def _item_copied(level: int, call: Call) -> Any:
    """target[index] = value, by a view where the index is basic."""
    target, index, value = call.args
    items = index if isinstance(index, tuple) else (index,)
    if any(isinstance(i, Tensor | list | bool) for i in items):
        return NotImplemented
    part = target.value[(slice(None), *items)]
    if isinstance(value, Tensor):
        part.copy_(aligned(value, level, part._array.ndim - 1))
    else:
        part.fill_(value)
    return target


def _copied(level: int, call: Call) -> Any:
    target, source, *_ = call.args
    target.value.copy_(aligned(source, level, target._array.ndim))
    return target


def _filled(level: int, call: Call) -> Any:
    target, *rest = call.args
    if any(isinstance(x, Tensor) for x in (*rest, *call.options.values())):
        return NotImplemented
    call.function(target.value, *rest, **call.options)
    return target


def _same_call(level: int, call: Call) -> Any:
    """What works on elements, or on the last dimensions, and takes no other tensor."""
    first, *others = call.leaves()
    if not _here(first, level) or any(isinstance(x, Tensor) for x in others):
        return NotImplemented
    return call(lambda x: x.value if _here(x, level) else x)


RULES: dict[str, Callable[[int, Call], Any]] = {
    "matmul": _matmul, "linear": _linear,
    **{f"conv{d}d": _convolution(d) for d in (1, 2, 3)},
    "cat": _joined, "stack": _joined,
    **dict.fromkeys(("gather", "scatter", "scatter_add", "scatter_reduce"), _along_dim),
    "masked_fill": _masked_fill,
    **dict.fromkeys(("zeros_like", "ones_like", "full_like", "empty_like"), _like),
    **dict.fromkeys(("new_zeros", "new_ones", "new_empty", "new_full"), _new),
    "getitem": _getitem,
    "_mean_cross_entropy": _mean_loss(_cross_entropy),
    "_mean_nll": _mean_loss(lambda x, target, ignored: _pick(x, target, ignored)),
    **dict.fromkeys(("layer_norm", "rms_norm"), _layer_norm),
    **dict.fromkeys(("clone", "to", "contiguous", "conj", "real", "imag", "tril", "triu",
                     "conj_physical", "one_hot"), _same_call),
}
IN_PLACE: dict[str, Callable[[int, Call], Any]] = {
    "setitem": _item_copied, "copy_": _copied, "fill_": _filled, "zero_": _filled,
}
