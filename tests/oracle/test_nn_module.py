"""Module against torch's: what it returns, shows, stores, and what it says when it fails."""

from __future__ import annotations

import copy
import pickle
import re
import warnings
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import rushlight as rl

torch = pytest.importorskip("torch")


def make_net(L: Any) -> Any:
    """A net with nesting, sharing, a buffer of each kind and an absent bias."""
    nn = L.nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 3, bias=False)
            self.norm = nn.BatchNorm2d(2)
            self.register_buffer("kept", L.arange(3))
            self.register_buffer("lost", L.zeros(2), persistent=False)

        def forward(self, x: Any) -> Any:
            return self.norm(self.conv(x)).relu()

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(L.ones(1))
            self.first = Block()
            self.layers = nn.ModuleList([nn.Linear(8, 3), nn.Linear(8, 3), nn.Dropout(0.1)])
            self.again = self.layers[0]
            self.absent = None
            self.register_parameter("no_bias", None)

        def forward(self, x: Any) -> Any:
            x = self.first(x).flatten(1)
            return self.again(x) * self.scale + self.layers[1](x)

    L.manual_seed(0)
    return Net()


def with_state(L: Any, change: Any) -> Any:
    state = make_net(L).state_dict()
    change(state)
    return make_net(L).load_state_dict(state)


def hooked(L: Any, register: Any) -> list:
    net, log = make_net(L), []
    register(net, log)
    x = L.ones(2, 1, 4, 4, requires_grad=True)
    net(x).sum().backward()
    return log


def shapes(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return tuple(shapes(v) for v in value)
    return None if value is None else tuple(value.shape)


def raiser(net: Any, log: list) -> None:
    def hook(*args: Any) -> None:
        log.append(len(args))
        raise ValueError("in the hook")

    net.register_forward_hook(hook)
    net.register_forward_hook(lambda m, a, o: log.append(("always", shapes(o))), always_call=True)


def failing(L: Any) -> list:
    net, log = make_net(L), []
    raiser(net, log)
    try:
        net(L.ones(2, 1, 4, 4))
    except ValueError as error:
        log.append(str(error))
    return log


def replaced_gradient(L: Any) -> Any:
    L.manual_seed(0)
    layer = L.nn.Linear(2, 2)
    layer.register_full_backward_hook(lambda m, gi, go: (gi[0] * 3,))
    layer.register_full_backward_pre_hook(lambda m, go: (go[0] * 2,))
    x = L.ones(1, 2, requires_grad=True)
    layer(x).sum().backward()
    return [x.grad.detach().numpy().tolist(), layer.bias.grad.detach().numpy().tolist()]


def kwargs_hooks(L: Any) -> list:
    log: list = []

    class Add(L.nn.Module):
        def forward(self, x: Any, y: int = 0) -> Any:
            return x + y

    add = Add()
    add.register_forward_pre_hook(lambda m, a, k: ((a[0] + 1,), {"y": 5}), with_kwargs=True)
    add.register_forward_hook(lambda m, a, k, o: log.append((a, k, o)), with_kwargs=True)
    add.register_forward_hook(lambda m, a, o: o * 2, prepend=True)
    log.append(add(1, y=2))
    return log


def global_hook(L: Any) -> list:
    log: list = []
    module = L.nn.modules.module
    with module.register_module_forward_hook(lambda m, a, o: log.append(type(m).__name__)):
        make_net(L)(L.ones(2, 1, 4, 4))
    make_net(L)(L.ones(2, 1, 4, 4))
    return log


def assign(net: Any, name: str, value: Any) -> Any:
    setattr(net, name, value)
    return [n for n, _ in net.named_parameters()], [n for n, _ in net.named_buffers()]


def sequential(L: Any) -> Any:
    nn = L.nn
    return nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))


def edited(L: Any, edit: Any) -> str:
    container = sequential(L)
    result = edit(container, L.nn)
    return repr(container) + repr(result) + str(list(container.state_dict()))


ACTIONS = {
    "repr": lambda L: repr(make_net(L)),
    "state keys": lambda L: list(make_net(L).state_dict()),
    "metadata": lambda L: make_net(L).state_dict()._metadata,
    "names": lambda L: [n for n, _ in make_net(L).named_parameters()],
    "own names": lambda L: [n for n, _ in make_net(L).named_parameters("p", recurse=False)],
    "all names": lambda L: [n for n, _ in make_net(L).named_parameters(remove_duplicate=False)],
    "buffers": lambda L: [n for n, _ in make_net(L).named_buffers()],
    "modules": lambda L: [n for n, _ in make_net(L).named_modules()],
    "all modules": lambda L: [n for n, _ in make_net(L).named_modules(remove_duplicate=False)],
    "children": lambda L: [n for n, _ in make_net(L).named_children()],
    "dir": lambda L: [n for n in dir(make_net(L).layers) if n in ("0", "1", "training", "extend")],
    "apply": lambda L: applied(L),
    "double": lambda L: [str(t.dtype) for t in make_net(L).double().state_dict().values()],
    "to dtype": lambda L: [str(t.dtype) for t in make_net(L).to(L.float16).state_dict().values()],
    "to int": lambda L: make_net(L).to(L.int64),
    "train": lambda L: [m.training for m in make_net(L).eval().modules()],
    "train wrongly": lambda L: make_net(L).train(1),
    "frozen": lambda L: [p.requires_grad for p in make_net(L).requires_grad_(False).parameters()],
    "get_submodule": lambda L: repr(make_net(L).get_submodule("first.conv")),
    "no submodule": lambda L: make_net(L).get_submodule("first.nothing"),
    "not a submodule": lambda L: make_net(L).get_submodule("scale.x"),
    "get_parameter": lambda L: tuple(make_net(L).get_parameter("first.conv.weight").shape),
    "no parameter": lambda L: make_net(L).get_parameter("first.nothing"),
    "not a parameter": lambda L: make_net(L).get_parameter("first.kept"),
    "get_buffer": lambda L: tuple(make_net(L).get_buffer("first.kept").shape),
    "not a buffer": lambda L: make_net(L).get_buffer("scale"),
    "set_submodule": lambda L: set_submodule(L, "first.conv"),
    "set nothing": lambda L: set_submodule(L, ""),
    "set strictly": lambda L: make_net(L).set_submodule("x", L.nn.ReLU(), strict=True),
    "missing": lambda L: with_state(L, lambda s: s.pop("layers.1.bias")),
    "unexpected": lambda L: with_state(L, lambda s: s.update({"first.new.x": L.ones(1)})),
    "several": lambda L: with_state(
        L,
        lambda s: (
            s.pop("scale"),
            s.pop("first.norm.running_mean"),
            s.update({"a": 1, "layers.7.b": 2, "layers.1.bias": L.ones(4)}),
        ),
    ),
    "mismatch": lambda L: with_state(L, lambda s: s.update({"layers.1.bias": L.ones(4, 2)})),
    "no tensor": lambda L: with_state(L, lambda s: s.update({"layers.1.bias": "words"})),
    "no mapping": lambda L: make_net(L).load_state_dict([1]),
    "not strict": lambda L: repr(make_net(L).load_state_dict({"x": 1}, strict=False)),
    "old batch norm": lambda L: repr(
        L.nn.BatchNorm1d(2).load_state_dict(
            {n: L.ones(2) for n in ("weight", "bias", "running_mean", "running_var")}
        )
    ),
    "forward hooks": lambda L: hooked(
        L,
        lambda net, log: (
            net.again.register_forward_pre_hook(lambda m, a: log.append(shapes(a))),
            net.again.register_forward_hook(lambda m, a, o: log.append(shapes(o))),
        ),
    ),
    "backward hooks": lambda L: hooked(
        L,
        lambda net, log: (
            net.first.register_full_backward_hook(
                lambda m, gi, go: log.append(("in", shapes(gi), shapes(go)))
            ),
            net.first.register_full_backward_pre_hook(lambda m, go: log.append(shapes(go))),
            net.register_full_backward_hook(
                lambda m, gi, go: log.append(("net", shapes(gi), shapes(go)))
            ),
        ),
    ),
    "replaced gradient": replaced_gradient,
    "mixed backward hooks": lambda L: hooked(
        L,
        lambda net, log: (
            net.register_full_backward_hook(lambda *a: None),
            net.register_backward_hook(lambda *a: None),
        ),
    ),
    "always called": failing,
    "kwargs hooks": kwargs_hooks,
    "global hook": global_hook,
    "bad pre-hook": lambda L: bad_pre_hook(L),
    "no forward": lambda L: L.nn.Module()(1),
    "arguments": lambda L: L.nn.Module(1),
    "keyword": lambda L: L.nn.Module(a=1),
    "assign parameter": lambda L: assign(make_net(L), "absent", L.nn.Parameter(L.ones(1))),
    "assign over buffer": lambda L: assign(make_net(L).first, "kept", L.nn.Parameter(L.ones(1))),
    "assign over module": lambda L: assign(make_net(L), "first", L.nn.Parameter(L.ones(1))),
    "tensor as parameter": lambda L: assign(make_net(L), "scale", L.ones(1)),
    "number as parameter": lambda L: assign(make_net(L), "scale", 3),
    "none as parameter": lambda L: assign(make_net(L), "scale", None),
    "number as module": lambda L: assign(make_net(L), "first", 3),
    "number as buffer": lambda L: assign(make_net(L).first, "kept", 3),
    "attribute": lambda L: make_net(L).nothing,
    "delete": lambda L: delattr(make_net(L), "nothing"),
    "taken": lambda L: make_net(L).register_buffer("forward", None),
    "dotted": lambda L: make_net(L).register_parameter("a.b", None),
    "dotted module": lambda L: make_net(L).add_module("a.b", None),
    "empty": lambda L: make_net(L).register_buffer("", None),
    "number as name": lambda L: make_net(L).add_module(3, None),
    "number registered": lambda L: make_net(L).register_parameter("x", 3),
    "tensor registered": lambda L: make_net(L).register_parameter("x", L.ones(1)),
    "buffer of a number": lambda L: make_net(L).register_buffer("x", 3),
    "module of a number": lambda L: make_net(L).add_module("x", 3),
    "slice": lambda L: edited(L, lambda s, nn: s[1:]),
    "index": lambda L: edited(L, lambda s, nn: s[-1]),
    "out of range": lambda L: edited(L, lambda s, nn: s[3]),
    "set": lambda L: edited(L, lambda s, nn: s.__setitem__(1, nn.Tanh())),
    "del": lambda L: edited(L, lambda s, nn: s.__delitem__(0)),
    "del slice": lambda L: edited(L, lambda s, nn: s.__delitem__(slice(0, 2))),
    "append": lambda L: edited(L, lambda s, nn: s.append(nn.Tanh())),
    "insert": lambda L: edited(L, lambda s, nn: s.insert(1, nn.Tanh())),
    "insert last": lambda L: edited(L, lambda s, nn: s.insert(-1, nn.Tanh())),
    "insert far": lambda L: edited(L, lambda s, nn: s.insert(9, nn.Tanh())),
    "insert number": lambda L: edited(L, lambda s, nn: s.insert(0, 3)),
    "pop": lambda L: edited(L, lambda s, nn: s.pop(1)),
    "add": lambda L: edited(L, lambda s, nn: s + nn.Sequential(nn.Tanh())),
    "add list": lambda L: edited(L, lambda s, nn: s.__add__([1])),
    "iadd": lambda L: edited(L, lambda s, nn: s.__iadd__(nn.Sequential(nn.Tanh()))),
    "times": lambda L: edited(L, lambda s, nn: s * 2),
    "times zero": lambda L: edited(L, lambda s, nn: s * 0),
    "extend": lambda L: edited(L, lambda s, nn: s.extend([nn.Tanh()])),
    "named": lambda L: repr(L.nn.Sequential(OrderedDict(a=L.nn.Tanh(), b=L.nn.ReLU()))),
    "list": lambda L: module_list(L),
    "empty list": lambda L: repr(L.nn.ModuleList()),
    "list of number": lambda L: L.nn.ModuleList(3),
    "dict": lambda L: module_dict(L),
    "dict pairs": lambda L: L.nn.ModuleDict([["a"]]),
    "parameter list": lambda L: parameter_list(L),
    "parameter list called": lambda L: L.nn.ParameterList()(1),
    "parameter dict": lambda L: parameter_dict(L),
    "clip": lambda L: clipped(L),
    "clip nan": lambda L: clipped(L, float("nan"), error_if_nonfinite=True),
    "gains": lambda L: [L.nn.init.calculate_gain(n) for n in ("linear", "tanh", "relu", "selu")],
    "no gain": lambda L: L.nn.init.calculate_gain("x"),
    "fan": lambda L: L.nn.init.kaiming_uniform_(L.ones(3)),
    "fan mode": lambda L: L.nn.init.kaiming_uniform_(L.ones(3, 3), mode="x"),
}


def applied(L: Any) -> list:
    names: list = []
    make_net(L).apply(lambda module: names.append(type(module).__name__))
    return names


def set_submodule(L: Any, path: str) -> str:
    net = make_net(L)
    net.set_submodule(path, L.nn.ReLU())
    return repr(net)


def bad_pre_hook(L: Any) -> None:
    layer = L.nn.Identity()
    layer.register_forward_pre_hook(lambda m, a, k: 3, with_kwargs=True)
    layer(1)


def module_list(L: Any) -> list:
    nn = L.nn
    layers = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])
    layers.insert(1, nn.ReLU())
    layers += [nn.Tanh()]
    layers[0] = nn.Sigmoid()
    del layers[2]
    return [repr(layers), repr(layers[1:]), repr(layers.__add__([nn.ReLU()])), repr(layers.pop(0)),
            len(layers), list(layers.state_dict())]  # fmt: skip


def module_dict(L: Any) -> list:
    nn = L.nn
    named = nn.ModuleDict({"b": nn.Linear(1, 1), "a": nn.ReLU()})
    named.update([("c", nn.Tanh())])
    named["a"] = nn.Sigmoid()
    return [repr(named), list(named), "a" in named, repr(named.pop("b")), len(named)]


def parameter_list(L: Any) -> list:
    values = L.nn.ParameterList([L.ones(2), L.nn.Parameter(L.zeros(1, 3)), "text"])
    values.append(L.ones(1, dtype=L.float64))
    values[0] = L.zeros(5)
    return [repr(values), len(values), list(values.state_dict()), repr(values[1:])]


def parameter_dict(L: Any) -> list:
    values = L.nn.ParameterDict({"b": L.ones(2), "a": L.zeros(1)})
    values["text"] = 3
    values |= L.nn.ParameterDict({"c": L.ones(1)})
    del values["b"]
    return [repr(values), list(values), list(values.state_dict()), values.get("x"),
            len(values.copy()), values.popitem()[0]]  # fmt: skip


def clipped(L: Any, value: float = 3.0, **options: Any) -> list:
    w, v = L.ones(2, requires_grad=True), L.ones(3, requires_grad=True)
    (w * value).sum().backward()
    total = L.nn.utils.clip_grad_norm_([w, v], 1.5, **options)
    L.nn.utils.clip_grad_value_([w], 1.0)
    return [round(total.item(), 5), np.round(w.grad.numpy(), 5).tolist(), v.grad]


def outcome(action: Any, library: Any) -> Any:
    """What an action returns, or the exception it raises, in words both libraries share."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            result = action(library)
        except Exception as error:
            result = f"{type(error).__name__}: {error}"
    messages = [f"{w.category.__name__}: {w.message}" for w in warned]
    return normal(result), normal(messages)


def normal(value: Any) -> Any:
    if isinstance(value, str):
        return re.sub(r"(torch|rushlight)(\.\w+)*\.(?=\w+)", "", value)
    if isinstance(value, list | tuple):
        return [normal(v) for v in value]
    if isinstance(value, dict):
        return {k: normal(v) for k, v in value.items()}
    return value


@pytest.mark.parametrize("name", ACTIONS)
def test_action(name: str) -> None:
    assert outcome(ACTIONS[name], rl) == outcome(ACTIONS[name], torch)


INITS = [
    ("uniform_", (6, 4), {"a": -2.0}),
    ("normal_", (6, 4), {"std": 3.0}),
    ("trunc_normal_", (6, 40), {"std": 0.8, "a": -1.0, "b": 0.5}),
    ("trunc_normal_", (6, 40), {"std": 0.5, "a": 1.0, "b": 3.0}),
    ("constant_", (6, 4), {"val": 0.25}),
    ("ones_", (6, 4), {}),
    ("zeros_", (6, 4), {}),
    ("eye_", (6, 4), {}),
    ("dirac_", (4, 2, 3), {"groups": 2}),
    ("dirac_", (4, 5, 3, 4), {}),
    ("xavier_uniform_", (6, 4, 3), {"gain": 2.0}),
    ("xavier_normal_", (6, 4, 3), {}),
    ("kaiming_uniform_", (6, 4, 3), {"a": 0.3}),
    ("kaiming_normal_", (6, 4, 3), {"mode": "fan_out", "nonlinearity": "relu"}),
    ("orthogonal_", (6, 4), {}),
    ("orthogonal_", (4, 3, 3), {"gain": 2.0}),
    ("sparse_", (6, 4), {"sparsity": 0.4}),
]


@pytest.mark.parametrize("name, shape, options", INITS)
def test_init(name: str, shape: tuple, options: dict) -> None:
    filled = []
    for library in (rl, torch):
        library.manual_seed(11)
        tensor = getattr(library.nn.init, name)(library.empty(shape), **options)
        filled.append(tensor.numpy().copy())
    if name == "orthogonal_":  # through two libraries' QR
        np.testing.assert_allclose(*filled, atol=2e-6)
    else:
        np.testing.assert_array_equal(*filled)


@pytest.mark.parametrize("how", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_compute_the_same(how: Any) -> None:
    for library in (rl, torch):
        net = library.nn.Sequential(library.nn.Linear(2, 2), library.nn.ReLU())
        other = how(net)
        x = library.ones(1, 2)
        assert repr(other) == repr(net)
        assert (other(x) == net(x)).all()
        assert other[0].weight is not net[0].weight
