"""Every module of torch's own module database, over its constructor options and inputs."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import pytest

import rushlight as rl

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")  # torch's database imports it
common = pytest.importorskip("torch.testing._internal.common_modules")

from .libraries import (  # noqa: E402
    assert_same,
    run_both,
    tensors_in,
    to_ours,
    weighted_sum,
)

TYPED = ("nn.Lazy", "nn.RNN", "nn.GRU", "nn.LSTM")  # take dtype= through **kwargs
# What torch does not compute in bfloat16, and we do; or where rounding decides the values.
WIDE_ONLY = {"CTCLoss", "AvgPool3d", "MultiLabelMarginLoss", "MultiMarginLoss", "LPPool3d",
             "LocalResponseNorm", "Transformer", "TransformerEncoder", "TransformerEncoderLayer",
             "TransformerDecoderLayer"}
# Whose state we keep in float32, so that the exact values are nearer to ours than torch's are.
NEARER = {"RNN", "GRU", "LSTM"}
SAMPLED = 12  # inputs of a module that are run; the others differ in combination only


def inputs_of(info: Any, dtype: Any, training: bool) -> list[Any]:
    torch.manual_seed(0)
    made = info.module_inputs_func(info, device="cpu", dtype=dtype, requires_grad=True,
                                   training=training)
    made = list(made)
    return made[:: max(1, len(made) // SAMPLED)]


def built(info: Any, given: Any, dtype: Any) -> tuple[Any, Any]:
    """Our module and torch's, made after the same seed."""
    options = dict(given.kwargs)
    signature = inspect.signature(info.module_cls.__init__).parameters
    if "dtype" in signature or info.name.startswith(TYPED):
        options.setdefault("dtype", dtype)
    ours = getattr(rl.nn, info.name.removeprefix("nn."))
    torch.manual_seed(7)
    rl.manual_seed(7)
    return ours(*to_ours(given.args), **to_ours(options)), info.module_cls(*given.args, **options)


def is_lazy(module: Any) -> bool:
    return any(torch.nn.parameter.is_lazy(p) for p in module.parameters())


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("info", common.module_db, ids=lambda info: info.name)
def test_module(info: Any, dtype: str) -> None:
    """Initial values, names, repr; outputs, gradients, buffers; in training and evaluation."""
    kind = getattr(torch, dtype)
    if dtype == "bfloat16" and info.name.removeprefix("nn.") in WIDE_ONLY:
        pytest.skip("computed by us alone, or decided by rounding")
    for training in (True, False):
        for given in inputs_of(info, kind, training):
            ours, theirs = built(info, given.constructor_input, kind)
            assert repr(ours) == repr(theirs), given.desc
            assert list(ours.state_dict()) == list(theirs.state_dict())
            if not is_lazy(theirs):
                assert_same(dict(ours.state_dict()), dict(theirs.state_dict()), "init", exact=True)
            if given.forward_input is None:
                continue
            if dtype == "bfloat16" and info.name.removeprefix("nn.") in NEARER:
                _no_further_from_the_truth(ours.train(training), theirs.train(training),
                                           given.forward_input.args)
            else:
                _compare_calls(ours.train(training), theirs.train(training), given.forward_input)


def _compare_calls(ours: Any, theirs: Any, given: Any) -> None:
    arguments = (tuple(given.args), dict(given.kwargs))
    for x in tensors_in(arguments, torch.Tensor):
        if x.is_leaf:
            x.grad = None
    args, kwargs = to_ours(arguments)
    torch.manual_seed(3)
    rl.manual_seed(3)
    results = run_both(lambda: ours(*args, **kwargs),
                       lambda: theirs(*arguments[0], **arguments[1]))
    if results is None:
        return
    assert_same(*results, "output")
    our_loss, their_loss = weighted_sum(results[0], rl), weighted_sum(results[1], torch)
    assert (our_loss is None) == (their_loss is None)
    if our_loss is not None and run_both(our_loss.backward, their_loss.backward) is not None:
        assert_same({n: p.grad for n, p in ours.named_parameters()},
                    {n: p.grad for n, p in theirs.named_parameters()}, "gradient")
        pairs = zip(tensors_in((args, kwargs), rl.Tensor), tensors_in(arguments, torch.Tensor),
                    strict=True)
        for mine, his in pairs:
            if his.is_leaf:
                assert_same(mine.grad, his.grad, "gradient of input")
    assert_same(dict(ours.state_dict()), dict(theirs.state_dict()), "state")
    assert repr(ours) == repr(theirs)


def _no_further_from_the_truth(ours: Any, theirs: Any, args: Any) -> None:
    """Outputs and gradients of parameters are as near to those in float64 as torch's, or nearer."""
    exact = copy.deepcopy(theirs).double()
    found = []
    for module, library, given in ((ours, rl, to_ours(tuple(args))), (theirs, torch, args),
                                   (exact, torch, [x.detach().double() for x in args])):
        made = module(*given)
        weighted_sum(made, library).backward()
        values = [*tensors_in(made, library.Tensor), *(p.grad for p in module.parameters())]
        found.append([torch.tensor(x.detach().double().tolist()).double() for x in values])
    for mine, his, truth in zip(*found, strict=True):
        far, bound = (mine - truth).abs().max(), (his - truth).abs().max()
        assert far <= 1.1 * bound + 0.01 * truth.abs().max()


@pytest.mark.parametrize("info", common.module_db, ids=lambda info: info.name)
def test_copies_and_conversions(info: Any) -> None:
    """Deep copies, pickles, loaded states, and what conversions do to every entry."""
    for given in inputs_of(info, torch.float32, False)[:4]:
        ours, theirs = built(info, given.constructor_input, torch.float32)
        if is_lazy(theirs):
            continue
        for other in (copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))):
            assert repr(other) == repr(ours)
            assert_same(dict(other.state_dict()), dict(theirs.state_dict()), "copy", exact=True)
        fresh, _ = built(info, given.constructor_input, torch.float32)
        found = fresh.load_state_dict(to_ours(dict(theirs.state_dict())))
        assert str(found) == "<All keys matched successfully>"
        for convert in (lambda m, lib: m.double(), lambda m, lib: m.half(),
                        lambda m, lib: m.to(lib.bfloat16), lambda m, lib: m.to("meta"),
                        lambda m, lib: m.requires_grad_(False)):
            pair = [(copy.deepcopy(m), lib) for m, lib in ((ours, rl), (theirs, torch))]
            entries = []
            for module, library in pair:
                convert(module, library)
                entries.append([
                    (name, str(x.dtype).rsplit(".", 1)[-1], tuple(x.shape), str(x.device),
                     x.requires_grad, x.grad is None)
                    for name, x in module.state_dict(keep_vars=True).items()])
            assert entries[0] == entries[1]


def test_a_copied_parameter_has_no_gradient() -> None:
    for library in (rl, torch):
        layer = library.nn.Linear(2, 2)
        layer(library.ones(1, 2)).sum().backward()
        assert copy.deepcopy(layer).weight.grad is None
        leaf = library.ones(2, requires_grad=True)
        leaf.sum().backward()
        assert copy.deepcopy(leaf).grad is not None


WITH_ERRORS = [info for info in common.module_db if info.module_error_inputs_func]
# torch words these by the pieces that it cuts the work into.
OTHER_WORDS = {"nn.LinearCrossEntropyLoss"}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("info", WITH_ERRORS, ids=lambda info: info.name)
def test_errors(info: Any, training: bool) -> None:
    """Wrong constructor arguments and inputs: torch's type of error, its leading words."""
    ours = getattr(rl.nn, info.name.removeprefix("nn."))
    torch.manual_seed(0)
    for case in info.module_error_inputs_func(info, device="cpu", dtype=torch.float32,
                                              requires_grad=False, training=training):
        wrong = case.module_error_input
        made, called = wrong.constructor_input, wrong.forward_input

        def run(kind: Any, as_own: Any, made: Any = made, called: Any = called) -> None:
            module = kind(*as_own(made.args), **as_own(made.kwargs))
            if called is not None:
                module(*as_own(called.args), **as_own(called.kwargs))

        if info.name in OTHER_WORDS:
            with pytest.raises(case.error_type):
                run(ours, to_ours)
        else:
            assert run_both(lambda run=run: run(ours, to_ours),
                            lambda run=run: run(info.module_cls, lambda x: x)) is None


def test_constants() -> None:
    """The lists with which classes derived from a layer begin theirs."""
    for name in dir(torch.nn):
        theirs = getattr(torch.nn, name)
        if isinstance(theirs, type) and issubclass(theirs, torch.nn.Module):
            ours = getattr(rl.nn, name)
            assert getattr(ours, "__constants__", None) == getattr(theirs, "__constants__", None)
