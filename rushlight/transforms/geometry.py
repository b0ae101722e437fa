"""unsqueeze_, t_ and their kin under transforms: a wrapped tensor takes over its view's parts."""

from __future__ import annotations

from rushlight.families.wrapped import Call, Wrapped

GEOMETRY = frozenset("unsqueeze_ squeeze_ transpose_ t_ as_strided_".split())


def reshaped(call: Call) -> Wrapped:
    """The first argument, which has become the view that the function without `_` gives."""
    target, *arguments = call.args
    view = getattr(target, call.name.removesuffix("_"))(*arguments, **call.options)
    target._array = view._array
    target.__dict__.update(view.__dict__)
    return target
