"""Forward mode: how each family carries tangents.

A pointwise operation multiplies tangents by its derivatives: the gradient that it has, applied to
a tangent. What is linear is applied to the tangents as it stands. Everything else with a gradient
is run twice backwards: the gradient is linear in its cotangent, so the gradient of that is the
tangent (Townsend, "A new trick for calculating Jacobian vector products", 2017).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.base.flags import flags
from rushlight.engine.node import next_sequence
from rushlight.families.pointwise import Pointwise
from rushlight.families.pointwise_general import apply
from rushlight.families.view import View
from rushlight.families.wrapped import Call, below, is_wrapped, leaves_of, mapped
from rushlight.ops import zeros_like
from rushlight.tensor import Tensor
from rushlight.transforms import dual
from rushlight.transforms.dual import Dual, plus
from rushlight.transforms.geometry import GEOMETRY, reshaped
from rushlight.transforms.reverse import fresh, pulled, recorded, settled

# Linear in all of their floating point tensors together, views among them.
LINEAR = frozenset("""
    getitem split chunk unbind tensor_split hsplit vsplit dsplit flatten ravel unflatten select
    narrow cat stack hstack vstack dstack column_stack sum clone contiguous broadcast_tensors
    meshgrid atleast_1d atleast_2d atleast_3d roll repeat flip view_as expand_as reshape_as
    broadcast_to copy_ sum_to_size
""".split())
# What has no gradient to follow, and hands its tensors on by itself.
PASSED = frozenset("""
    zeros_like ones_like full_like empty_like new_zeros new_ones new_empty new_full new_tensor
    detach
""".split())


def rule(level: int, call: Call) -> Any:
    """Run a call on dual tensors of `level`."""
    if call.name in GEOMETRY:
        return reshaped(call)
    with below(level):
        if call.in_place:
            return _in_place(level, call)
        if call.family == "autograd" and call.op.jvp is not None:
            found = _custom(level, call)
            if found is not NotImplemented:
                return found
        primals, tangents = _parts(level, call.leaves())
        result, along = _along(call, primals, tangents)
        return _paired(level, result, along)


def _parts(level: int, leaves: list[Any]) -> tuple[list[Any], list[Any]]:
    here = [isinstance(x, Dual) and x.level == level for x in leaves]
    return ([x.primal if own else x for x, own in zip(leaves, here)],
            [x.tangent if own else None for x, own in zip(leaves, here)])


def _along(call: Call, primals: list[Any], tangents: list[Any]) -> tuple[Any, Any]:
    """The result on the primals, and the tangents of its tensors in order."""
    if call.name in PASSED or all(t is None for t in tangents):
        result = call.given(primals)
        return result, [None] * len(list(leaves_of(result)))
    if isinstance(call.op, View) or call.name in LINEAR:
        return _linear(call, primals, tangents)
    if isinstance(call.op, Pointwise):
        found = _pointwise(call, primals, tangents)
        if found is not None:
            return found
    return _twice_backwards(call, primals, tangents)


def _custom(level: int, call: Call) -> Any:
    """An `autograd.Function` by its own `jvp`, which gets None for what has no tangent."""
    primals, tangents = zip(*((x.primal, x.tangent) if isinstance(x, Dual) and x.level == level
                              else (x, None) for x in call.args), strict=True)
    if is_wrapped(leaves_of(primals)):
        return NotImplemented  # its context would be that of one transform further in
    node, result = call.op._applied(primals, call.options)
    if not any(t is not None for t in tangents):
        return result
    given = call.op.jvp(node, *tangents)
    node.kept_for_forward = ()
    outputs, along = list(leaves_of(result)), list(leaves_of(given))
    if len(along) != len(outputs):
        raise RuntimeError(
            f"{call.name}.jvp returned {len(along)} tangents for {len(outputs)} outputs of "
            "forward: return one for each, None for those without")
    for i, (output, tangent) in enumerate(zip(outputs, along, strict=True)):
        if tangent is not None and tangent.shape != output.shape:
            raise RuntimeError(
                f"{call.name}.jvp returned a tangent of shape {list(tangent.shape)} for output "
                f"{i} of shape {list(output.shape)}: a tangent has the shape of its output")
    return _paired(level, result, along)


def _paired(level: int, result: Any, tangents: list[Any]) -> Any:
    rest = iter(tangents)

    def pair(x: Any) -> Any:
        tangent = next(rest)
        return x if tangent is None else Dual(x, tangent, level)

    return mapped(result, pair)


def _linear(call: Call, primals: list[Any], tangents: list[Any]) -> tuple[Any, Any]:
    result = call.given(primals)
    if any(not _smooth(y) for y in leaves_of(result)):
        return result, [None] * len(list(leaves_of(result)))
    along = call.given([t if t is not None else zeros_like(x) if _smooth(x) else x
                        for x, t in zip(primals, tangents)])
    return result, list(leaves_of(along))


def _smooth(x: Any) -> bool:
    """Whether `x` is a tensor that has tangents."""
    return isinstance(x, Tensor) and x.dtype.category >= 2


def _pointwise(call: Call, primals: list[Any], tangents: list[Any]) -> Any:
    """The sum over operands of derivative times tangent; None for complex numbers."""
    result: Any = call.given(primals)
    arguments = dict(zip(call.args[0], primals, strict=True))
    along = dict(zip(call.args[0], tangents, strict=True))
    if any(isinstance(x, Tensor) and x.dtype.is_complex for x in (result, *primals)):
        return None
    if not _smooth(result):
        return result, [None]
    op = call.op
    variant = op.variant({n: arguments[n] for n in arguments if n in op.defaults})
    known = {n: arguments[n] for n in variant.names}
    total: Tensor | None = None
    for name in variant.differentiable:
        gradient, tangent = variant.gradients[name], along[name]
        if tangent is None or gradient is None:
            continue
        values: Any = {**known, "gradient": tangent, "output": result}
        if gradient.passes:
            term = tangent
        else:
            own = gradient.op(complex_numbers=False)
            term = apply(own, dict(zip(own.operands, (values[n] for n in gradient.real_names),
                                       strict=True)))
        total = plus(total, term)
    if total is not None:
        if total.dtype is not result.dtype:
            total = total.to(result.dtype)
        if total._array.shape != result._array.shape:
            total = total.expand(result._array.shape)
    return result, [total]


def _twice_backwards(call: Call, primals: list[Any], tangents: list[Any]) -> tuple[Any, Any]:
    recording, since = flags.grad_enabled, next_sequence()
    places = [i for i, (x, t) in enumerate(zip(primals, tangents)) if t is not None and _smooth(x)]
    given = list(primals)
    with recorded():
        for i in places:
            given[i] = fresh(primals[i])
        result = call.given(given)
        outputs = list(leaves_of(result))
        smooth = [i for i, y in enumerate(outputs) if _smooth(y)]
        probes = [fresh(zeros_like(outputs[i])) for i in smooth]
        found = pulled([outputs[i] for i in smooth], [given[i] for i in places], probes, True)
        live = [(g, tangents[i]) for g, i in zip(found, places) if g is not None]
        along = pulled([g for g, _ in live], probes, [t for _, t in live], recording)
    every: list[Any] = [None] * len(outputs)
    for i, tangent in zip(smooth, settled(along, since, recording)):
        every[i] = tangent
    rest = iter(settled(outputs, since, recording))
    return mapped(result, lambda _: next(rest)), every


def _in_place(level: int, call: Call) -> Any:
    """A write: the tangent is that of the copying form, written to the target's tangent."""
    leaves = call.leaves()
    target, (primals, tangents) = leaves[0], _parts(level, leaves)
    before = [_before(primals[0]), *primals[1:]]
    copying = Call(_copying(call.function), call.args, call.options, None, call.name, call.family)
    if call.name == "fill_" and tangents[-1] is not None and len(tangents) > 1:
        tangent = tangents[-1].expand(primals[0]._array.shape).clone()
    elif call.name in ("zero_", "fill_", "requires_grad_", "detach_") or call.family == "random":
        tangent = None
    elif isinstance(call.op, Pointwise):
        pure = Call(lambda values: apply(call.op, values), call.args, call.options, call.op,
                    call.name, call.family)
        tangent = _along(pure, before, tangents)[1][0]
    else:
        tangent = _along(copying, before, tangents)[1][0]
    call.given(primals)
    if type(target) is not Dual:
        if tangent is not None:
            _become(target, tangent, level)
        return target
    if target.tangent is not None:
        if tangent is None:
            target.tangent.zero_()
        else:
            target.tangent.copy_(tangent)
    elif tangent is not None:
        target.tangent = tangent
    return target


def _before(x: Tensor) -> Tensor:
    """What the target held before the write."""
    return x.clone()


def _copying(function: Callable[..., Any]) -> Callable[..., Any]:
    """The form of an in-place function that leaves its first argument as it is."""

    def copying(*args: Any, **options: Any) -> Any:
        if isinstance(args[0], dict):  # operands by name, as families run their operations
            values = dict(args[0])
            first = next(iter(values))
            made = values[first] = values[first].clone()
            function(values, **options)
            return made
        made = args[0].clone()
        function(made, *args[1:], **options)
        return made

    return copying


def _become(target: Tensor, tangent: Tensor, level: int) -> None:
    """Make a plain tensor, written with a dual value, dual itself."""
    plain = object.__new__(type(target))
    plain._array, plain._node, plain._writes, plain._view = (
        target._array, target._node, target._writes, target._view)
    plain.__dict__.update(target.__dict__)
    target.__dict__.clear()
    target.__class__ = Dual
    assert isinstance(target, Dual)
    target._view = None
    target.primal, target.tangent, target.level = plain, tangent, level


dual.RULE.append(rule)
