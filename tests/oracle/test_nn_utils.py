"""Parametrizations, weight and spectral norm, pruning and fusion, against torch."""

from __future__ import annotations

import copy
import importlib
import warnings
from typing import Any

import numpy as np
import pytest

import rushlight as rl

torch = pytest.importorskip("torch")
BOTH = (rl, torch)
for name in ("rushlight", "torch"):
    importlib.import_module(f"{name}.nn.utils.prune")


def close(ours: Any, theirs: Any, rtol: float = 1e-4) -> None:
    ours, theirs = ours.detach().numpy(), theirs.detach().numpy()
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol, 1e-5)


def same_state(ours: Any, theirs: Any) -> None:
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for key, value in theirs.state_dict().items():
        close(ours.state_dict()[key], value)


def trained(library: Any, make: Any, shape: tuple[int, ...]) -> tuple[Any, list[Any]]:
    """A module after three steps in training, and what it gave on the way."""
    library.manual_seed(7)
    module, outputs = make(library), []
    optimizer = library.optim.SGD(module.parameters(), lr=0.1)
    x = library.tensor(np.random.default_rng(0).standard_normal(shape).astype(np.float32))
    for _ in range(3):
        optimizer.zero_grad()
        out = module(x)
        outputs.append(out.detach())
        (out * out).mean().backward()
        optimizer.step()
    module.eval()
    outputs.append(module(x).detach())
    return module, outputs


MAKERS: list[tuple[Any, tuple[int, ...]]] = [
    (lambda lib: lib.nn.utils.parametrizations.weight_norm(lib.nn.Linear(4, 3)), (5, 4)),
    (lambda lib: lib.nn.utils.parametrizations.weight_norm(lib.nn.Conv1d(4, 3, 2), dim=1),
     (2, 4, 5)),
    (lambda lib: lib.nn.utils.parametrizations.weight_norm(lib.nn.Linear(4, 3), dim=None), (5, 4)),
    (lambda lib: lib.nn.utils.parametrizations.spectral_norm(lib.nn.Linear(4, 3)), (5, 4)),
    (lambda lib: lib.nn.utils.parametrizations.spectral_norm(
        lib.nn.ConvTranspose1d(4, 3, 2), n_power_iterations=2), (2, 4, 5)),
    (lambda lib: lib.nn.utils.parametrizations.spectral_norm(lib.nn.Linear(4, 3), "bias"), (5, 4)),
    (lambda lib: lib.nn.utils.parametrizations.orthogonal(lib.nn.Linear(4, 4)), (5, 4)),
    (lambda lib: lib.nn.utils.parametrizations.orthogonal(
        lib.nn.Linear(4, 4), orthogonal_map="cayley"), (5, 4)),
    (lambda lib: lib.nn.utils.parametrizations.orthogonal(lib.nn.Linear(4, 3)), (5, 4)),
    (lambda lib: lib.nn.utils.parametrizations.orthogonal(
        lib.nn.Linear(3, 4), orthogonal_map="matrix_exp"), (5, 3)),
    (lambda lib: lib.nn.utils.parametrizations.orthogonal(
        lib.nn.Linear(3, 4), use_trivialization=False), (5, 3)),
    (lambda lib: lib.nn.utils.weight_norm(lib.nn.Linear(4, 3)), (5, 4)),
    (lambda lib: lib.nn.utils.spectral_norm(lib.nn.Conv2d(2, 3, 2), n_power_iterations=2),
     (2, 2, 4, 4)),
    (lambda lib: lib.nn.utils.prune.l1_unstructured(lib.nn.Linear(4, 3), "weight", 0.4), (5, 4)),
    (lambda lib: lib.nn.utils.prune.random_unstructured(lib.nn.Linear(4, 3), "weight", 5), (5, 4)),
    (lambda lib: lib.nn.utils.prune.random_structured(lib.nn.Linear(4, 3), "weight", 2, 1),
     (5, 4)),
    (lambda lib: lib.nn.utils.prune.ln_structured(lib.nn.Conv2d(2, 4, 2), "weight", 0.5, 2, 0),
     (2, 2, 4, 4)),
    (lambda lib: lib.nn.utils.prune.identity(lib.nn.Linear(4, 3), "bias"), (5, 4)),
    (lambda lib: lib.nn.utils.prune.ln_structured(lib.nn.utils.prune.l1_unstructured(
        lib.nn.Linear(4, 3), "weight", 0.4), "weight", 1, float("inf"), 0), (5, 4)),
    (lambda lib: lib.nn.utils.prune.l1_unstructured(lib.nn.utils.prune.random_structured(
        lib.nn.Linear(4, 3), "weight", 1, 0), "weight", 0.4), (5, 4)),
]


@pytest.mark.parametrize(("make", "shape"), MAKERS)
def test_training(make: Any, shape: tuple[int, ...]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (ours, our_outs), (theirs, their_outs) = (trained(lib, make, shape) for lib in BOTH)
    assert repr(ours) == repr(theirs)
    same_state(ours, theirs)
    for a, b in zip(our_outs, their_outs, strict=True):
        close(a, b)
    state = {k: rl.tensor(v.numpy().copy()) for k, v in theirs.state_dict().items()}
    ours.load_state_dict(state)


@pytest.mark.parametrize(("make", "undo"), [
    (lambda lib: lib.nn.utils.weight_norm(lib.nn.Linear(4, 3)),
     lambda lib, m: lib.nn.utils.remove_weight_norm(m)),
    (lambda lib: lib.nn.utils.spectral_norm(lib.nn.Linear(4, 3)),
     lambda lib, m: lib.nn.utils.remove_spectral_norm(m)),
    (lambda lib: lib.nn.utils.prune.l1_unstructured(lib.nn.Linear(4, 3), "weight", 2),
     lambda lib, m: lib.nn.utils.prune.remove(m, "weight")),
    (lambda lib: lib.nn.utils.parametrizations.weight_norm(lib.nn.Linear(4, 3)),
     lambda lib, m: lib.nn.utils.parametrize.remove_parametrizations(m, "weight")),
    (lambda lib: lib.nn.utils.parametrizations.spectral_norm(lib.nn.Linear(4, 3)),
     lambda lib, m: lib.nn.utils.parametrize.remove_parametrizations(
         m, "weight", leave_parametrized=False)),
])
def test_removal(make: Any, undo: Any) -> None:
    modules = []
    for library in BOTH:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module, _ = trained(library, make, (5, 4))
        undo(library, module)
        modules.append(module)
        assert type(module) is library.nn.Linear and not module._forward_pre_hooks
        assert all(p.is_leaf and p.requires_grad for p in module.parameters())
    same_state(*modules)


def global_pruning(library: Any, scores: bool) -> Any:
    library.manual_seed(0)
    a, b = library.nn.Linear(4, 3), library.nn.Linear(3, 2)
    pairs = [(a, "weight"), (b, "weight"), (b, "bias")]
    given = {(a, "weight"): library.arange(12.0).reshape(3, 4)} if scores else None
    prune = library.nn.utils.prune
    prune.global_unstructured(pairs, prune.L1Unstructured, given, amount=7)
    prune.global_unstructured(pairs, prune.L1Unstructured, amount=0.2)
    assert prune.is_pruned(a) and not prune.is_pruned(library.nn.Linear(1, 1))
    return library.nn.Sequential(a, b)


@pytest.mark.parametrize("scores", [False, True])
def test_global_pruning(scores: bool) -> None:
    same_state(global_pruning(rl, scores), global_pruning(torch, scores))


@pytest.mark.parametrize(("layer", "args", "norm", "transpose"), [
    ("Conv2d", (3, 4, 3), "BatchNorm2d", False), ("Linear", (3, 4), "BatchNorm1d", None),
    ("ConvTranspose1d", (3, 4, 3), "BatchNorm1d", True)])
@pytest.mark.parametrize("options", [{}, {"affine": False}])
def test_fusion(layer: str, args: tuple, norm: str, transpose: Any, options: dict) -> None:
    fused = []
    if transpose is None and options:
        pytest.skip("torch needs the norm of a linear layer to be affine")
    for library in BOTH:
        library.manual_seed(0)
        first = getattr(library.nn, layer)(*args, bias=transpose is not True).eval()
        second = getattr(library.nn, norm)(4, **options).eval()
        second.running_mean.fill_(0.3)
        second.running_var.fill_(2.0)
        utils = library.nn.utils
        if transpose is None:
            fused.append(utils.fuse_linear_bn_eval(first, second))
        else:
            fused.append(utils.fuse_conv_bn_eval(first, second, transpose))
    same_state(*fused)


def pieces(library: Any) -> dict[str, Any]:
    class Module(library.nn.Module):
        def __init__(self, forward: Any, inverse: Any = None) -> None:
            super().__init__()
            self.function = forward
            if inverse is not None:
                self.right_inverse = inverse

        def forward(self, *x: Any) -> Any:
            return self.function(*x)

    def register(forward: Any, inverse: Any = None, layer: Any = None, **options: Any) -> Any:
        layer = library.nn.Linear(2, 2) if layer is None else layer
        return library.nn.utils.parametrize.register_parametrization(
            layer, "weight", Module(forward, inverse), **options)

    return {"lib": library, "register": register, "parametrize": library.nn.utils.parametrize,
            "prune": library.nn.utils.prune, "utils": library.nn.utils,
            "Z": library.nn.utils.parametrizations, "linear": library.nn.Linear(4, 3)}


def second_assignment(register: Any, lib: Any) -> Any:
    layer = register(lambda x: 2 * x, lambda x: x / 2)
    layer.weight = lib.ones(2, 2)
    register(lambda x: x + 1, lambda x: x - 1, layer=layer)
    before = layer.weight.tolist()
    layer.weight = lib.full((2, 2), 5.0)
    return before, layer.weight.tolist(), layer.parametrizations.weight.original.tolist()


CASES = [
    lambda register, **_: register(lambda x: x[:1]),
    lambda register, **_: register(lambda x: x.double()),
    lambda register, **_: register(lambda x: 3),
    lambda register, **_: register(lambda x: x, lambda x: 3),
    lambda register, **_: register(lambda x: x, lambda x: x.double()),
    lambda register, **_: register(lambda x: x, lambda x: x[0]),
    lambda register, **_: tuple(register(lambda x: x[:1], unsafe=True).weight.shape),
    lambda register, **_: list(register(lambda a, b: a + b,
                                        lambda x: (x / 2, x / 2)).state_dict()),
    lambda register, parametrize, **_: parametrize.remove_parametrizations(
        register(lambda a, b: a + b, lambda x: (x / 2, x / 2)), "weight", False),
    lambda register, lib, **_: second_assignment(register, lib),
    lambda register, lib, **_: setattr(register(lambda x: x), "weight", lib.ones(2, 2)),
    lambda register, **_: delattr(register(lambda x: x), "weight"),
    lambda parametrize, linear, **_: parametrize.remove_parametrizations(linear, "weight"),
    lambda parametrize, linear, **_: parametrize.register_parametrization(linear, "foo", linear),
    lambda register, parametrize, **_: parametrize.type_before_parametrizations(
        register(lambda x: x)).__name__,
    lambda register, parametrize, lib, **_: list(parametrize.transfer_parametrizations_and_params(
        register(lambda x: x), lib.nn.Linear(2, 2)).state_dict()),
    lambda register, parametrize, **_: [parametrize.is_parametrized(register(lambda x: x), name)
                                        for name in (None, "weight", "bias")],
    lambda register, **_: repr(copy.deepcopy(register(lambda x: x))),
    lambda Z, lib, **_: Z.orthogonal(lib.nn.Linear(2, 2), orthogonal_map="x"),
    lambda Z, lib, **_: Z.orthogonal(lib.nn.BatchNorm1d(3)),
    lambda Z, lib, **_: Z.weight_norm(lib.nn.Linear(3, 2), "foo"),
    lambda Z, lib, **_: Z.spectral_norm(lib.nn.Linear(3, 2), n_power_iterations=0),
    lambda utils, linear, **_: utils.remove_weight_norm(linear),
    lambda utils, linear, **_: utils.remove_spectral_norm(linear),
    lambda utils, linear, **_: utils.spectral_norm(utils.spectral_norm(linear)),
    lambda prune, linear, **_: prune.remove(linear, "weight"),
    lambda prune, linear, **_: prune.l1_unstructured(linear, "weight", 1.5),
    lambda prune, linear, **_: prune.l1_unstructured(linear, "weight", -1),
    lambda prune, linear, **_: prune.l1_unstructured(linear, "weight", "a"),
    lambda prune, linear, **_: prune.l1_unstructured(linear, "weight", 50),
    lambda prune, linear, **_: prune.ln_structured(linear, "bias", 1, 2, 0),
    lambda prune, linear, **_: prune.ln_structured(linear, "weight", 1, 2, 5),
    lambda prune, **_: prune.global_unstructured(3, prune.L1Unstructured, amount=1),
    lambda prune, linear, lib, **_: prune.custom_from_mask(linear, "weight", lib.zeros(2, 2)),
    lambda utils, lib, **_: repr(utils.skip_init(lib.nn.Linear, 5, 1)),
]


@pytest.mark.parametrize("number", range(len(CASES)))
def test_same_answers_and_errors(number: int) -> None:
    found: list[Any] = []
    for library in BOTH:
        library.manual_seed(0)
        try:
            answer = CASES[number](**pieces(library))
            found.append(repr(answer) if isinstance(answer, library.nn.Module) else answer)
        except Exception as error:
            found.append((type(error), str(error)))
    assert found[0] == found[1]
