"""The two libraries side by side: one value for both, results and errors compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

import rushlight as rl

TOLERANCE = {"float32": 2e-5, "float64": 1e-9, "complex64": 2e-5, "complex128": 1e-9,
             "bfloat16": 3e-2, "float16": 3e-3}


def name_of(dtype: Any) -> str:
    return str(dtype).rsplit(".", 1)[-1]


def to_ours(value: Any) -> Any:
    """A value of torch's as ours: tensors, parameters, dtypes, functions, containers."""
    if isinstance(value, torch.nn.TransformerEncoderLayer):
        return _encoder_layer(value)
    if isinstance(value, torch.nn.Module):
        return getattr(rl.nn, type(value).__name__)()
    if isinstance(value, torch.Tensor):
        made = _tensor(value)
        if isinstance(value, torch.nn.Parameter):
            return rl.nn.Parameter(made, value.requires_grad)
        return made.requires_grad_(value.requires_grad)
    if isinstance(value, torch.dtype):
        return getattr(rl, name_of(value))
    if isinstance(value, dict):
        return {key: to_ours(x) for key, x in value.items()}
    if type(value) in (tuple, list):
        return type(value)(to_ours(x) for x in value)
    own = getattr(torch.nn.functional, getattr(value, "__name__", ""), None)
    return getattr(rl.nn.functional, value.__name__) if own is value and callable(value) else value


def to_theirs(value: Any) -> Any:
    """A state of ours as torch's."""
    if isinstance(value, rl.Tensor):
        if value.dtype is rl.bfloat16:
            return torch.tensor(value.detach().float().numpy().copy()).bfloat16()
        return torch.tensor(value.detach().numpy().copy())
    if isinstance(value, dict):
        return {key: to_theirs(x) for key, x in value.items()}
    return type(value)(to_theirs(x) for x in value) if type(value) in (tuple, list) else value


def _tensor(value: Any) -> Any:
    value = value.detach()
    if value.dtype is torch.bfloat16:
        return rl.tensor(value.float().numpy().copy()).bfloat16()
    return rl.tensor(value.numpy().copy())


def _encoder_layer(layer: Any) -> Any:
    attention = layer.self_attn
    made = rl.nn.TransformerEncoderLayer(
        attention.embed_dim, attention.num_heads, layer.linear1.out_features, layer.dropout.p,
        to_ours(layer.activation), layer.norm1.eps, attention.batch_first, layer.norm_first,
        layer.linear1.bias is not None, dtype=to_ours(layer.linear1.weight.dtype))
    made.load_state_dict(to_ours(dict(layer.state_dict())))
    return made


def tensors_in(value: Any, kind: type) -> Iterator[Any]:
    if isinstance(value, kind):
        yield value
    elif isinstance(value, dict):
        for x in value.values():
            yield from tensors_in(x, kind)
    elif isinstance(value, (tuple, list)):
        for x in value:
            yield from tensors_in(x, kind)


def numbers(value: Any) -> np.ndarray:
    value = value.detach()
    return (value.float() if name_of(value.dtype) in ("bfloat16", "float16") else value).numpy()


def assert_same(ours: Any, theirs: Any, where: str = "", exact: bool = False) -> None:
    """Equal structure, dtypes and shapes; values equal, or close for their dtype."""
    if isinstance(theirs, torch.Tensor):
        kind = name_of(theirs.dtype)
        assert isinstance(ours, rl.Tensor), where
        assert (name_of(ours.dtype), tuple(ours.shape)) == (kind, tuple(theirs.shape)), where
        a, b = numbers(ours), numbers(theirs)
        if exact or kind not in TOLERANCE:
            np.testing.assert_array_equal(a, b, where)
        else:
            finite = np.abs(b[np.isfinite(b)])
            scale = max(1.0, float(finite.max())) if finite.size else 1.0
            np.testing.assert_allclose(a, b, TOLERANCE[kind], TOLERANCE[kind] * scale,
                                       err_msg=where)
    elif isinstance(theirs, dict):
        assert sorted(map(str, ours)) == sorted(map(str, theirs)), where
        for key, value in theirs.items():
            assert_same(ours[key], value, f"{where}.{key}", exact)
    elif isinstance(theirs, (tuple, list)):
        assert len(ours) == len(theirs), where
        for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            assert_same(a, b, f"{where}[{i}]", exact)
    elif isinstance(theirs, float):
        assert ours == theirs or abs(ours - theirs) <= 1e-6 * abs(theirs) or theirs != theirs, where
    elif isinstance(theirs, torch.dtype):
        assert name_of(ours) == name_of(theirs), where
    elif not callable(theirs):
        assert ours == theirs, where


def run_both(ours: Callable[[], Any], theirs: Callable[[], Any]) -> tuple[Any, Any] | None:
    """Both results, or None where both raise one type of error in the same leading words."""
    try:
        their_result = theirs()
    except Exception as wanted:  # whatever torch raises is what we must raise
        try:
            ours()
        except Exception as caught:
            words = str(wanted).split("\n")[0][:25]
            assert (type(caught).__name__, str(caught)[: len(words)]) == (
                type(wanted).__name__, words)
            return None
        raise AssertionError(f"torch raises {wanted!r}") from None
    return ours(), their_result


def weighted_sum(result: Any, library: Any) -> Any:
    """A scalar that every recorded output takes part in, with fixed random weights; or None."""
    total = None
    for i, out in enumerate(tensors_in(result, library.Tensor)):
        if out.is_floating_point() and out.requires_grad:
            weight = np.random.default_rng(i).standard_normal(tuple(out.shape))
            term = (out * library.tensor(weight).to(out.dtype)).sum()
            total = term if total is None else total + term
    return total
