"""Classes with `__torch_dispatch__`: wrappers that log, that pair, and that hold fewer bits."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

import rushlight as rl
from rushlight.compat.inside import ops
from rushlight.compat.inside.python_dispatch import (
    TorchDispatchMode,
    is_traceable_wrapper_subclass,
    return_and_correct_aliasing,
)
from rushlight.utils.pytree import tree_map

aten = ops.aten


class Logging(rl.Tensor):
    """A tensor that writes down by which operations it is used."""

    __slots__ = ("elem",)
    log: ClassVar[list[str]] = []
    elem: rl.Tensor

    @staticmethod
    def __new__(cls: Any, elem: rl.Tensor) -> Any:
        made = rl.Tensor._make_wrapper_subclass(
            cls, elem.size(), strides=elem.stride(), dtype=elem.dtype, device=elem.device,
            requires_grad=elem.requires_grad)
        made.elem = elem
        return made

    def __repr__(self) -> str:
        return f"Logging({self.elem})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        cls.log.append(str(func))
        inner = tree_map(lambda one: one.elem if isinstance(one, cls) else one, args)
        found = func(*inner, **(kwargs or {}))
        return tree_map(lambda one: cls(one) if isinstance(one, rl.Tensor) else one, found)


class Pair(rl.Tensor):
    """Two tensors on which everything is done alike."""

    def __new__(cls, a: rl.Tensor, b: rl.Tensor) -> Any:
        return rl.Tensor._make_wrapper_subclass(cls, a.shape, dtype=a.dtype, device=a.device)

    def __init__(self, a: rl.Tensor, b: rl.Tensor) -> None:
        self.a, self.b = a, b

    def __tensor_flatten__(self) -> Any:
        return ["a", "b"], None

    @staticmethod
    def __tensor_unflatten__(inner: Any, meta: Any, size: Any, stride: Any) -> Any:
        return Pair(inner["a"], inner["b"])

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        both = [func(*tree_map(lambda one, n=name: getattr(one, n) if isinstance(one, Pair)
                               else one, args), **kwargs) for name in "ab"]
        return return_and_correct_aliasing(func, args, kwargs, Pair(*both))


class Scaled(rl.Tensor):
    """Whole numbers times a scale, which say that they are float32."""

    __torch_function__ = rl.Tensor.__torch_function__

    def __new__(cls, whole: rl.Tensor, scale: float) -> Any:
        return rl.Tensor._make_wrapper_subclass(cls, whole.size(), dtype=rl.float32)

    def __init__(self, whole: rl.Tensor, scale: float) -> None:
        self.whole, self.scale = whole, scale

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any, kwargs: Any = None) -> Any:
        if func is aten.t.default:
            return cls(args[0].whole.t(), args[0].scale)
        plain = [one.whole.float() * one.scale if isinstance(one, cls) else one for one in args]
        return func(*plain, **(kwargs or {}))


def test_a_wrapper_says_what_it_stands_for() -> None:
    x = Logging(rl.ones(2, 3).t())
    assert x.shape == (3, 2) and x.stride() == (1, 3) and x.dtype is rl.float32
    assert x.device == rl.device("cpu") and not x.is_meta and x.is_cpu and not x.requires_grad


def test_operations_come_by_their_names_in_aten() -> None:
    Logging.log.clear()
    x = Logging(rl.tensor([1.0, 2.0, 3.0]))
    y = rl.stack([x * 2 + 1, x]) @ x
    assert repr(y) == "Logging(tensor([34., 14.]))" and type(y.view(2, 1)) is Logging
    assert repr(x[0]) == "Logging(1.0)" and repr(rl.max(y.reshape(1, 2), 1)[1].T) is not None
    assert Logging.log[:6] == ["aten.mul.Tensor", "aten.add.Tensor", "aten.stack.default",
                               "aten.mv.default", "aten.view.default", "aten.select.int"]


def test_what_is_done_is_done_to_both() -> None:
    pair = Pair(rl.ones(2), rl.zeros(2))
    found = (pair + 1).exp().mul_(2).sum()
    assert found.a.item() == pytest.approx(4 * rl.e ** 2, rel=1e-5)
    assert found.b.item() == pytest.approx(4 * rl.e, rel=1e-5)
    assert is_traceable_wrapper_subclass(pair) and not is_traceable_wrapper_subclass(rl.ones(1))


def test_functions_are_told_by_identity() -> None:
    weight = Scaled(rl.tensor([[1, 2], [3, 4]], dtype=rl.int8), 0.5)
    assert type(weight.t()) is Scaled and type(weight * 2) is rl.Tensor
    assert (rl.ones(1, 2) @ weight).tolist() == [[2.0, 3.0]]
    assert rl.nn.functional.linear(rl.ones(1, 2), weight).tolist() == [[1.5, 3.5]]
    assert aten.add.Tensor is aten.add.Tensor is not aten.add.Scalar
    assert aten.mm.default(rl.eye(2), rl.eye(2)).tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_a_mode_and_a_class_are_given_the_same() -> None:
    seen: list[Any] = []

    class Mode(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (),
                               kwargs: Any = None) -> Any:
            seen.append(func)
            return func(*args, **(kwargs or {}))

    with Mode():
        rl.ones(2) + 1
    assert seen[-1] is aten.add.Tensor


def test_what_a_wrapper_cannot_do_is_told() -> None:
    class Without(rl.Tensor):
        pass

    with pytest.raises(TypeError, match="Without must define __torch_dispatch__"):
        rl.Tensor._make_wrapper_subclass(Without, (2,))
    x = Logging(rl.ones(2, requires_grad=True))
    with pytest.raises(NotImplementedError, match=r"gradients do not pass through Logging"):
        x * 2
    with rl.no_grad():
        assert type(x * 2) is Logging
