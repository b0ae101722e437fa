"""Every optimizer of torch's own database over its options: five steps, then states exchanged."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import numpy as np
import pytest

import rushlight as rl

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")  # torch's database imports it
common = pytest.importorskip("torch.testing._internal.common_optimizers")

from .libraries import assert_same, run_both, to_ours, to_theirs  # noqa: E402

DENSE = [info for info in common.optim_db if info.optim_cls.__name__ not in ("SparseAdam",)]
SWITCHES: tuple[dict[str, bool], ...] = (
    {}, {"foreach": True}, {"foreach": False}, {"differentiable": True}, {"maximize": True},
    {"fused": True})


def cases() -> list[Any]:
    found = []
    for info in DENSE:
        known = inspect.signature(info.optim_cls.__init__).parameters
        for given in info.optim_inputs_func("cpu"):
            for switch in SWITCHES:
                if set(switch) <= set(known) - set(given.kwargs):
                    options = {**given.kwargs, **switch}
                    name = info.optim_cls.__name__
                    found.append(pytest.param(name, options, id=f"{name} {given.desc} {switch}"))
    return found


def parameters(library: Any, dtype: str, name: str, seed: int = 0) -> list[Any]:
    random = np.random.default_rng(seed)
    shapes = [(6, 3), (3, 6), (4, 4)] if name == "Muon" else [(3, 4), (17,), (), (2, 1, 5)]
    return [library.nn.Parameter(_drawn(library, random, shape, dtype)) for shape in shapes]


def _drawn(library: Any, random: Any, shape: tuple[int, ...], dtype: str) -> Any:
    values = random.standard_normal(shape)
    if dtype.startswith("complex"):
        values = values + 1j * random.standard_normal(shape)
    return library.tensor(np.asarray(values)).to(getattr(library, dtype))


def steps(library: Any, optimizer: Any, params: list[Any], dtype: str, count: int) -> None:
    if type(optimizer).__name__ == "LBFGS":
        def closure() -> Any:
            optimizer.zero_grad()
            loss = sum(((p - 1).abs() ** 2).sum() + (p.abs() ** 4).sum() for p in params)
            loss.backward()
            return loss

        for _ in range(count):
            optimizer.step(closure)
        return
    random = np.random.default_rng(100)
    for _ in range(count):
        for p in params:
            p.grad = _drawn(library, random, tuple(p.shape), dtype)
        optimizer.step()


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
@pytest.mark.parametrize(("name", "options"), cases())
def test_five_steps(name: str, options: dict[str, Any], dtype: str) -> None:
    if name == "LBFGS":  # it divides by differences of gradients, which are mostly rounding
        dtype = {"float32": "float64", "complex64": "complex128"}[dtype]
    if options.get("capturable") or (options.get("fused") and dtype == "complex64"):
        pytest.skip("torch refuses it on the CPU; here it changes nothing")
    kinds = {rl: getattr(rl.optim, name), torch: getattr(torch.optim, name)}
    params = {library: parameters(library, dtype, name) for library in kinds}
    if options.get("differentiable"):
        params = {library: [p.clone() for p in own] for library, own in params.items()}
    made: dict[Any, Any] = {}

    def run(library: Any) -> Any:
        given = to_ours(options) if library is rl else options
        made[library] = kinds[library](params[library], **given)
        steps(library, made[library], params[library], dtype, 5)
        return [p.detach() for p in params[library]]

    results = run_both(lambda: run(rl), lambda: run(torch))
    if results is None:
        return
    assert repr(made[rl]) == repr(made[torch])
    assert_same(*results, "parameter")
    if name == "LBFGS":
        assert set(made[rl].state_dict()["state"][0]) == set(made[torch].state_dict()["state"][0])
        return
    assert_same(made[rl].state_dict(), made[torch].state_dict(), "state")
    if options.get("differentiable"):
        return
    again = {library: parameters(library, dtype, name, seed=5) for library in kinds}
    ours = kinds[rl](again[rl], **to_ours(options))
    ours.load_state_dict(to_ours(made[torch].state_dict()))
    theirs = kinds[torch](again[torch], **options)
    theirs.load_state_dict(to_theirs(made[rl].state_dict()))
    steps(rl, ours, again[rl], dtype, 2)
    steps(torch, theirs, again[torch], dtype, 2)
    assert_same([p.detach() for p in again[rl]], [p.detach() for p in again[torch]], "exchanged")
    for copied in (copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))):
        assert repr(copied) == repr(ours)


@pytest.mark.parametrize("info", DENSE, ids=lambda info: info.optim_cls.__name__)
def test_errors(info: Any) -> None:
    """Wrong options: torch's type of error, its leading words."""
    ours = getattr(rl.optim, info.optim_cls.__name__)
    for case in info.optim_error_inputs_func("cpu", torch.float32):
        given = case.optimizer_error_input
        if given.params is not None and ("duplicate" in given.desc or "complex" in given.desc):
            continue  # hold one tensor twice, or fail at the step: in tests/optim
        assert run_both(
            lambda given=given: ours(to_ours(given.params), **to_ours(given.kwargs)),
            lambda given=given: info.optim_cls(given.params, **given.kwargs)) is None


def test_arguments_are_those_of_torch() -> None:
    for info in common.optim_db:
        ours = getattr(rl.optim, info.optim_cls.__name__)
        assert (list(inspect.signature(ours.__init__).parameters)
                == list(inspect.signature(info.optim_cls.__init__).parameters))
