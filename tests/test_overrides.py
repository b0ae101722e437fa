"""`__torch_function__`: subclasses, foreign classes, lists, properties, modes, and switches."""

from __future__ import annotations

import inspect
import threading
from typing import Any, ClassVar

import pytest

import rushlight as rl
from rushlight.families.source import materialise
from rushlight.nn import functional as F


class Units(rl.Tensor):
    """A subclass that inherits everything."""


class Logged(rl.Tensor):
    """A subclass that writes down what it is offered."""

    log: ClassVar[list[Any]] = []

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        cls.log.append(func)
        return super().__torch_function__(func, types, args, kwargs)


class Diagonal:
    """A class that is no tensor: N times the same number on a diagonal."""

    handled: ClassVar[dict[Any, Any]] = {}

    def __init__(self, n: int, value: float) -> None:
        self.n, self.value = n, value

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func not in cls.handled or not all(issubclass(t, rl.Tensor | Diagonal) for t in types):
            return NotImplemented
        return cls.handled[func](*args, **(kwargs or {}))


Diagonal.handled = {
    rl.mean: lambda x: x.value / x.n,
    rl.add: lambda a, b: ("add", type(a).__name__, type(b).__name__),
    rl.stack: lambda tensors, dim=0: ("stack", len(tensors), dim),
    F.softmax: lambda x, dim: ("softmax", dim),
    rl.Tensor.__rsub__: lambda x, other: ("rsub", other),
}


def logged(*shape: int) -> Any:
    x = rl.ones(*shape).as_subclass(Logged)
    Logged.log.clear()
    return x


@pytest.mark.parametrize("call", [
    lambda x: x + 1, lambda x: 1 - x, lambda x: -x, lambda x: x @ x, lambda x: x > 0,
    lambda x: x[0], lambda x: x.T, lambda x: x.t(), lambda x: x.sum(), lambda x: rl.stack([x, x]),
    lambda x: rl.cat([rl.ones(2, 2), x]), lambda x: rl.where(x > 0, x, 0.0), lambda x: x.data,
    lambda x: F.softmax(x, 1), lambda x: F.linear(rl.ones(3, 2), x), lambda x: x.max(0).values,
    lambda x: x.split(1)[0], lambda x: rl.einsum("ij,jk", x, x), lambda x: x.detach(),
    lambda x: x.double(), lambda x: rl.zeros_like(x), lambda x: x.mul_(2), lambda x: x.clone(),
    lambda x: F.leaky_relu(x, 0.3), lambda x: x.gather(0, rl.zeros(1, 2, dtype=rl.int64)),
    lambda x: next(iter(x)), lambda x: rl.nn.Linear(2, 3)(x), lambda x: F.dropout(x),
    lambda x: rl.clamp(x, 0, 1), lambda x: rl.add(rl.ones(2, 2), x, alpha=2),
])
def test_results_are_of_the_subclass(call: Any) -> None:
    assert type(call(rl.ones(2, 2).as_subclass(Units))) is Units


def test_structures_keep_their_kind() -> None:
    values, indices = found = rl.ones(2, 2).as_subclass(Units).max(0)
    assert type(found).__name__ == "max" and type(values) is type(indices) is Units
    assert type(rl.broadcast_tensors(rl.ones(2).as_subclass(Units), rl.ones(1))) in (list, tuple)


def test_gradients_pass_through_a_subclass() -> None:
    x = rl.ones(3, requires_grad=True)
    y = x.as_subclass(Units) * 2
    y.sum().backward()
    assert type(y) is Units and x.grad.tolist() == [2.0, 2.0, 2.0]


def test_a_plain_out_stays_plain() -> None:
    out = rl.empty(2)
    made = rl.add(rl.ones(2).as_subclass(Units), 1, out=out)
    assert type(out) is rl.Tensor and type(made) is Units and out.tolist() == [2.0, 2.0]


def test_what_is_offered_is_the_function_that_was_called() -> None:
    x = logged(2, 2)
    x + 1
    rl.mul(2, x)
    x += 1
    F.relu(x)
    F.relu(x, inplace=True)
    rl.stack([x, x])
    x.softmax(0)
    1 - x
    x.view(4)
    x[0]
    expected = [rl.add, rl.mul, rl.Tensor.add_, F.relu, F.relu, rl.stack, rl.Tensor.softmax,
                rl.Tensor.__rsub__, rl.Tensor.view, rl.Tensor.__getitem__]
    assert Logged.log == expected


def test_properties_and_methods_are_offered() -> None:
    x = logged(2, 3)
    assert x.shape == (2, 3) and x.dim() == 2 and len(x) == 2
    x.requires_grad = False
    names = [rl.overrides.resolve_name(f) for f in Logged.log]
    assert names == ["torch.Tensor.shape.__get__", "torch.Tensor.dim", "torch.Tensor.__len__",
                     "torch.Tensor.requires_grad.__set__"]
    assert type(x.T) is Logged and x.grad is None


def test_foreign_classes() -> None:
    d = Diagonal(5, 10.0)
    assert rl.mean(d) == 2.0
    assert rl.add(d, rl.ones(2)) == ("add", "Diagonal", "Tensor")
    assert rl.ones(2) + d == ("add", "Tensor", "Diagonal")
    assert rl.ones(1).__rsub__(d) == ("rsub", d)
    assert rl.stack([rl.ones(2), d], 1) == ("stack", 2, 1)
    assert F.softmax(d, dim=1) == ("softmax", 1)


def test_nobody_knows() -> None:
    d = Diagonal(5, 10.0)
    for call, name in ((lambda: rl.exp(d), "torch.exp"), (lambda: rl.cat([d]), "torch.cat"),
                       (lambda: F.relu(d), "torch.nn.functional.relu"),
                       (lambda: rl.sum(d), "torch.sum")):
        with pytest.raises(TypeError, match=f"no implementation found for '{name}' on types that "
                           r"implement __torch_function__: \[<class '.*Diagonal'>\]"):
            call()
    with pytest.raises(TypeError, match="unsupported operand type"):
        rl.ones(2) * d


def test_order_is_subclasses_first_then_left_to_right() -> None:
    asked: list[str] = []

    def kind(name: str, *bases: type) -> Any:
        def offered(cls: Any, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            asked.append(cls.__name__)
            return NotImplemented

        return type(name, bases, {"__torch_function__": classmethod(offered)})

    base = kind("Base")
    other, narrow = kind("Other"), kind("Narrow", base)
    with pytest.raises(TypeError, match="no implementation"):
        rl.cat([base(), other(), narrow(), base(), rl.ones(1)])
    assert asked == ["Narrow", "Base", "Other"]


def test_siblings_do_not_mix() -> None:
    sibling = type("Sibling", (rl.Tensor,), {})
    with pytest.raises(TypeError, match=r"no implementation found for .torch\.add"):
        rl.add(rl.ones(2).as_subclass(Units), rl.ones(2).as_subclass(sibling))


def test_parameters_do_not_ask() -> None:
    weight = rl.nn.Parameter(rl.ones(2))
    assert type(weight * 2) is rl.Tensor
    assert not rl.overrides.has_torch_function([weight, rl.ones(2), 3])


class Count(rl.overrides.TorchFunctionMode):
    def __init__(self) -> None:
        self.names: list[str | None] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(rl.overrides.resolve_name(func))
        return func(*args, **(kwargs or {}))


def test_modes_see_calls_of_plain_tensors() -> None:
    with Count() as outer, Count() as inner:
        y = rl.ones(2) * 3
        y.exp()
        rl.stack([y, y])
        1 - y
    y.exp()
    assert inner.names == ["torch.ones", "torch.mul", "torch.exp", "torch.stack",
                           "torch.Tensor.__rsub__"]
    assert outer.names == inner.names


def test_a_mode_is_of_its_thread() -> None:
    counted: list[Any] = []
    with Count() as mode:
        thread = threading.Thread(target=lambda: counted.append((rl.ones(2) + 1).tolist()))
        thread.start()
        thread.join()
    assert counted == [[2.0, 2.0]] and mode.names == []


def test_a_mode_leaves_after_an_error() -> None:
    with pytest.raises(NotImplementedError, match="defines no __torch_function__"), \
            rl.overrides.TorchFunctionMode():
        rl.ones(2) + 1
    assert (rl.ones(2) + 1).tolist() == [2.0, 2.0]
    assert list(inspect.signature(rl.stack).parameters)[:2] == ["tensors", "dim"]


def test_switches() -> None:
    x = rl.ones(2).as_subclass(Units)
    with rl._C.DisableTorchFunctionSubclass():
        assert type(x + 1) is rl.Tensor
    with Count() as mode, rl._C.DisableTorchFunction():
        assert type(x + 1) is rl.Tensor
    assert mode.names == []
    opted_out = type("Out", (rl.Tensor,), {
        "__torch_function__": rl._C._disabled_torch_function_impl})
    assert type(rl.ones(2).as_subclass(opted_out) + 1) is rl.Tensor


def test_own_functions_can_ask() -> None:
    def twice(a: Any, *, times: int = 2) -> Any:
        if rl.overrides.has_torch_function((a,)):
            return rl.overrides.handle_torch_function(twice, (a,), a, times=times)
        return a * times

    wrapped = rl.overrides.wrap_torch_function(lambda a: (a,))(lambda a: a * 2)
    Diagonal.handled[twice] = lambda a, times: ("twice", times)
    Diagonal.handled[wrapped] = lambda a: "wrapped"
    assert twice(Diagonal(1, 2.0)) == ("twice", 2) and wrapped(Diagonal(1, 2.0)) == "wrapped"
    assert twice(rl.ones(1)).tolist() == wrapped(rl.ones(1)).tolist() == [2.0]
    with pytest.raises(TypeError, match="no implementation found"):
        rl.overrides.handle_torch_function(twice, (rl.ones(1),), rl.ones(1))


def test_tables() -> None:
    table = rl.overrides.get_overridable_functions()
    assert rl.add in table[rl] and F.relu in table[F] and rl.Tensor.add_ in table[rl.Tensor]
    ignored = rl.overrides.get_ignored_functions()
    assert rl.tensor in ignored and rl.tensor not in table[rl]
    assert rl.overrides.resolve_name(F.relu) == "torch.nn.functional.relu"
    assert rl.overrides.resolve_name(len) is None
    assert rl.overrides.is_tensor_method_or_property(rl.Tensor.add)
    assert not rl.overrides.is_tensor_method_or_property(F.cross_entropy)
    assert rl.overrides.is_tensor_like(Diagonal(1, 1.0)) and rl.overrides.is_tensor_like(rl.ones(1))
    assert not rl.overrides.is_tensor_like([1.0])


def test_every_overridable_function_asks() -> None:
    """Each is called with a foreign object for its tensors, and offers itself or its alias."""

    class Anything:
        @classmethod
        def __torch_function__(cls, func: Any, types: Any, args: Any = (),
                               kwargs: Any = None) -> Any:
            return func

    silent, declared = [], set(rl.ops.FUNCTIONS.values())
    for functions in rl.overrides.get_overridable_functions().values():
        for function in functions:
            if function not in declared:
                continue
            try:
                found = function(*_filled(function, Anything()))
            except Exception as error:
                found = repr(error)
            if isinstance(found, str | Anything) or found not in declared:
                silent.append(f"{rl.overrides.resolve_name(function)}: {found}")
    assert not silent, "\n".join(silent)


def _filled(function: Any, value: Any) -> list[Any]:
    materialise(function)
    parameters = list(inspect.signature(function).parameters.values())
    needed = [p for p in parameters if p.default is p.empty and p.kind in (
        p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)]
    if any(p.name == "min" for p in parameters):  # clamp wants one of its bounds
        return [value, value]
    return [value for _ in needed] or [value]
