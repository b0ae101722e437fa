"""Module: registration, attributes, hooks, copies, lifetime."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref

import pytest

import rushlight as rl
from rushlight import nn


class Scale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(rl.tensor([2.0]))
        self.register_buffer("offset", rl.tensor([1.0]))

    def forward(self, x: rl.Tensor) -> rl.Tensor:
        return x * self.factor + self.offset


def test_registration_keeps_the_order_of_assignment() -> None:
    net = nn.Module()
    net.b = nn.Parameter(rl.ones(1))
    net.inner = Scale()
    net.a = nn.Parameter(rl.ones(2))
    assert [name for name, _ in net.named_parameters()] == ["b", "a", "inner.factor"]
    assert list(net.state_dict()) == ["b", "a", "inner.factor", "inner.offset"]


def test_the_registry_and_the_attribute_are_one() -> None:
    module = Scale()
    other = nn.Parameter(rl.tensor([5.0]))
    module._parameters["factor"] = other
    assert module.factor is other
    module.factor = again = nn.Parameter(rl.tensor([6.0]))
    assert module._parameters["factor"] is again
    del module._parameters["factor"]
    with pytest.raises(AttributeError, match="'Scale' object has no attribute 'factor'"):
        _ = module.factor
    module._parameters = {"factor": other}
    assert module.factor is other and list(module.parameters()) == [other]
    del module.factor
    assert not module._parameters and "factor" not in module.__dict__


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.clear(),
        lambda d: d.pop("factor"),
        lambda d: d.popitem(),
        lambda d: d.__delitem__("factor"),
    ],
)
def test_every_way_out_of_the_registry_removes_the_attribute(change) -> None:
    module = Scale()
    change(module._parameters)
    assert not hasattr(module, "factor")


@pytest.mark.parametrize(
    "change",
    [
        lambda d, p: d.update(new=p),
        lambda d, p: d.update({"new": p}),
        lambda d, p: d.setdefault("new", p),
        lambda d, p: d.__ior__({"new": p}),
    ],
)
def test_every_way_into_the_registry_sets_the_attribute(change) -> None:
    module, parameter = Scale(), nn.Parameter(rl.ones(1))
    change(module._parameters, parameter)
    assert module.new is parameter


def test_a_property_of_the_class_stands_before_a_member() -> None:
    class Doubled(Scale):
        @property
        def weight(self) -> rl.Tensor:
            return self.factor * 2

    module = Doubled()
    module._parameters["weight"] = nn.Parameter(rl.zeros(1))
    assert module.weight.item() == 4.0


def test_an_attribute_changes_its_kind() -> None:
    module = nn.Module()
    module.thing = 3
    module.thing = nn.Parameter(rl.ones(1))
    assert list(module._parameters) == ["thing"]
    with pytest.raises(TypeError, match=r"cannot assign '.*ReLU' as parameter 'thing'"):
        module.thing = nn.ReLU()
    del module.thing
    module.thing = nn.ReLU()
    assert list(module._modules) == ["thing"] and not module._parameters
    module.thing = None
    assert module.thing is None and list(module._modules) == ["thing"]


def test_a_module_is_freed_without_the_garbage_collector() -> None:
    gc.disable()
    try:
        net = nn.Sequential(nn.Linear(2, 2), Scale())
        net.register_load_state_dict_pre_hook(lambda *args: None)
        gone = weakref.ref(net[1])
        del net
        assert gone() is None
    finally:
        gc.enable()


def test_assignment_before_init_says_so() -> None:
    class Late(nn.Module):
        def __init__(self, value: object) -> None:
            self.value = value

    with pytest.raises(AttributeError, match=r"cannot assign parameters before Module\.__init__"):
        Late(nn.Parameter(rl.ones(1)))
    with pytest.raises(AttributeError, match=r"cannot assign module before Module\.__init__"):
        Late(nn.Identity())


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_are_modules_of_their_own(how) -> None:
    net = nn.Sequential(Scale(), nn.ReLU())
    other = how(net)
    other[0] = nn.Identity()
    assert isinstance(net[0], Scale) and isinstance(other[0], nn.Identity)
    assert net(rl.tensor([1.0])).item() == 3.0
    module, twin = net[0], how(net[0])
    twin.factor = nn.Parameter(rl.tensor([7.0]))
    assert module.factor.item() == 2.0 and next(iter(twin.parameters())).item() == 7.0


def test_hooks_survive_a_deepcopy_and_new_ones_do_not_replace_them() -> None:
    module, calls = Scale(), []
    module.register_forward_hook(lambda m, a, o: calls.append("first"))
    twin = copy.deepcopy(module)
    twin.register_forward_hook(lambda m, a, o: calls.append("second"))
    twin(rl.ones(1))
    assert calls == ["first", "second"]


def test_a_removed_hook_leaves_nothing_behind() -> None:
    module = Scale()
    handle = module.register_forward_pre_hook(lambda m, a: (a[0] + 1,))
    assert module(rl.ones(1)).item() == 5.0
    handle.remove()
    handle.remove()
    assert module(rl.ones(1)).item() == 3.0 and not module._call_hooks


def test_a_cleared_hook_dictionary_is_obeyed() -> None:
    module = Scale()
    module.register_forward_hook(lambda m, a, o: o * 100)
    module._forward_hooks.clear()
    assert module(rl.ones(1)).item() == 3.0


def test_backward_hooks_see_and_change_gradients() -> None:
    module, seen = Scale(), []
    module.register_full_backward_pre_hook(lambda m, go: (go[0] * 10,))
    module.register_full_backward_hook(lambda m, gi, go: seen.append((gi[0].item(), go[0].item())))
    x = rl.tensor([3.0], requires_grad=True)
    module(x).sum().backward()
    assert seen == [(20.0, 10.0)] and x.grad.item() == 20.0
    assert module.factor.grad.item() == 30.0


def test_backward_hooks_work_where_no_input_needs_a_gradient() -> None:
    module, seen = Scale(), []
    module.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go[0].item())))
    module(rl.tensor([3.0])).sum().backward()
    assert seen == [((None,), 1.0)]


def test_state_dict_shares_memory_and_loading_copies() -> None:
    module = Scale()
    state = module.state_dict()
    with rl.no_grad():
        module.factor.fill_(9.0)
    assert state["factor"].item() == 9.0 and not state["factor"].requires_grad
    other = Scale()
    before = other.factor
    other.load_state_dict(state)
    assert other.factor is before and other.factor.item() == 9.0
    with rl.no_grad():
        module.factor.fill_(1.0)
    assert other.factor.item() == 9.0


def test_assign_takes_the_tensors_themselves() -> None:
    module = Scale()
    module.factor.requires_grad_(False)
    state = {"factor": rl.tensor([4.0]), "offset": rl.tensor([0.0])}
    module.load_state_dict(state, assign=True)
    assert module.offset is state["offset"] and isinstance(module.factor, nn.Parameter)
    assert not module.factor.requires_grad and module(rl.ones(1)).item() == 4.0


def test_a_failed_load_reports_everything_at_once() -> None:
    with pytest.raises(RuntimeError) as caught:
        Scale().load_state_dict({"factor": rl.ones(2), "more": rl.ones(1)})
    assert str(caught.value) == (
        "Error(s) in loading state_dict for Scale:\n"
        '\tMissing key(s) in state_dict: "offset". \n'
        '\tUnexpected key(s) in state_dict: "more". \n'
        "\tsize mismatch for factor: copying a param with shape torch.Size([2]) from checkpoint, "
        "the shape in current model is torch.Size([1])."
    )


def test_extra_state_travels() -> None:
    class Counting(nn.Module):
        count = 0

        def get_extra_state(self) -> int:
            return self.count

        def set_extra_state(self, state: int) -> None:
            self.count = state

    module, other = Counting(), Counting()
    module.count = 5
    assert dict(module.state_dict()) == {"_extra_state": 5}
    other.load_state_dict(module.state_dict())
    assert other.count == 5


def test_conversion_keeps_the_parameter_objects() -> None:
    module = Scale()
    factor = module.factor
    module(rl.ones(1)).sum().backward()
    module.double()
    assert module.factor is factor and factor.dtype is rl.float64
    assert factor.grad.dtype is rl.float64 and module.offset.dtype is rl.float64
    assert module.to("cpu", rl.float32).factor.dtype is rl.float32
    with pytest.raises(TypeError, match=r"nn\.Module\.to only accepts floating point"):
        module.to(rl.int64)
    with pytest.raises(TypeError, match="invalid combination of arguments"):
        module.to(object())


def test_zero_grad() -> None:
    module = Scale()
    module(rl.ones(1)).sum().backward()
    module.zero_grad(set_to_none=False)
    assert module.factor.grad.item() == 0.0
    module.zero_grad()
    assert module.factor.grad is None


def test_a_registration_hook_may_replace_the_value() -> None:
    register = nn.modules.module.register_module_parameter_registration_hook
    doubled = nn.Parameter(rl.tensor([4.0]))
    with register(lambda module, name, value: doubled if name == "factor" else None):
        assert Scale().factor is doubled
    assert Scale().factor is not doubled


def test_buffer_class_registers_by_assignment() -> None:
    module = nn.Module()
    module.kept = nn.Buffer(rl.ones(2))
    module.lost = nn.Buffer(rl.ones(2), persistent=False)
    assert list(module.state_dict()) == ["kept"]
    assert [name for name, _ in module.named_buffers()] == ["kept", "lost"]


def test_constants_of_layers_and_of_classes_derived_from_them() -> None:
    class Own(nn.Linear):
        __constants__ = (*nn.Linear.__constants__, "more")

    class Plain(nn.Conv2d):
        pass

    assert Own.__constants__ == ("in_features", "out_features", "more")
    assert Plain(1, 1, 1).__constants__ == nn.Conv1d.__constants__ != []
    assert nn.LazyLinear.__constants__ == nn.Linear.__constants__
    for kind in (nn.Module, nn.Identity, nn.Sequential):
        assert not hasattr(kind, "__constants__") and not hasattr(kind(), "__constants__")
