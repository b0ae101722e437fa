"""Errors of pointwise ops: of torch's types, with the operands and what differs between them."""

from __future__ import annotations

import re
from typing import Any

import pytest

import rushlight as rl
from rushlight.base import dtypes
from rushlight.families.declaration import FUNCTIONS, Declaration

from .samples import POINTWISE, Sample, samples_of

PUBLIC = [d for d in POINTWISE if any("." not in p and not p.startswith("_") for p in d.paths)]
BINARY = [d for d in PUBLIC if len(d.op.plain.names) == 2 and "condition" not in d.op.operands]


def sample_of(declaration: Declaration) -> Sample:
    return samples_of(declaration)[0]


def function(declaration: Declaration) -> Any:
    return declaration.function


def in_place(declaration: Declaration) -> str:
    return next((p.removeprefix("Tensor.") for p in declaration.paths
                 if re.fullmatch(r"Tensor\.[a-z]\w*_", p)), "")


@pytest.mark.parametrize("declaration", PUBLIC, ids=lambda d: d.name)
def test_refused_dtypes(declaration: Declaration) -> None:
    for d in dtypes.ALL:
        if not declaration.op.plain.refuses(d):
            continue
        given = sample_of(declaration).map(lambda x: x.to(d))  # noqa: B023
        with pytest.raises(RuntimeError) as raised:  # NotImplementedError is one
            given.run()
        assert declaration.op.refusal or any(words in str(raised.value) for words in (
            "not implemented for '", "not supported for"))
        assert f"{d.name}[" in str(raised.value)


@pytest.mark.parametrize("declaration", PUBLIC, ids=lambda d: d.name)
def test_operands_that_are_no_tensors(declaration: Declaration) -> None:
    args = list(sample_of(declaration).args)
    args[0] = "no tensor"
    with pytest.raises(TypeError, match="must be Tensor, not str"):
        function(declaration)(*args, **sample_of(declaration).options)
    if declaration.op.operands[0] in declaration.op.tensors and len(args) > 1:
        args[0] = 2
        with pytest.raises(TypeError, match=r"argument '\w+' \(position 1\) must be Tensor"):
            function(declaration)(*args, **sample_of(declaration).options)


@pytest.mark.parametrize("declaration", BINARY, ids=lambda d: d.name)
def test_shapes_that_do_not_broadcast(declaration: Declaration) -> None:
    a, b = sample_of(declaration).args[:2]
    a, b = a.flatten()[:6].reshape(2, 3), b.flatten()[:4]
    with pytest.raises(RuntimeError) as raised:
        function(declaration)(a, b)
    message = str(raised.value)
    assert "The size of tensor a (3) must match the size of tensor b (4)" in message
    assert "at non-singleton dimension 1" in message
    assert f"{a.dtype.name}[2, 3]" in message and f"{b.dtype.name}[4]" in message


@pytest.mark.parametrize("declaration", BINARY, ids=lambda d: d.name)
def test_writes_do_not_broadcast_their_target(declaration: Declaration) -> None:
    name = in_place(declaration)
    if not name:
        pytest.skip("no in-place form")
    a, b = sample_of(declaration).args[:2]
    with pytest.raises(RuntimeError, match=re.escape("output with shape [3] doesn't match the "
                                                     "broadcast shape [2, 3]")):
        getattr(a.flatten()[:3], name)(b.flatten()[:6].reshape(2, 3))


@pytest.mark.parametrize("declaration", PUBLIC, ids=lambda d: d.name)
def test_writes_that_cannot_be(declaration: Declaration) -> None:
    name, sample = in_place(declaration), sample_of(declaration)
    first, *rest = sample.args
    if not name or not first.is_floating_point():
        pytest.skip("no in-place form")
    write = lambda target: getattr(target, name)(*rest, **sample.options)  # noqa: E731
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        write(first.clone().requires_grad_())
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad"):
        write(first.clone().requires_grad_()[:])
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        write(first.flatten()[0].expand(first.shape))
    scalars = set(declaration.op.scalars) - set(declaration.op.defaults)
    plain = declaration.op.plain
    if not scalars and not plain.boolean and not plain.refuses(dtypes.int64):
        with pytest.raises(RuntimeError, match="can't be cast to the desired output type Long"):
            whole = first.abs().long() + 1
            result = getattr(whole, name)(*(x.double() if isinstance(x, rl.Tensor) else x
                                            for x in rest), **sample.options)
            if not rest and result.dtype is rl.int64:  # of integers alone it is an integer
                raise RuntimeError("can't be cast to the desired output type Long")


@pytest.mark.parametrize("declaration", PUBLIC, ids=lambda d: d.name)
def test_out_and_gradients_exclude_each_other(declaration: Declaration) -> None:
    path = next(p for p in declaration.paths if "." not in p and not p.endswith("_"))
    sample = sample_of(declaration)
    if not sample.args[0].is_floating_point() or declaration.op.plain.boolean:
        pytest.skip("no gradients here")
    first, *rest = sample.args
    out = rl.empty(0, dtype=rl.float64)
    with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
        FUNCTIONS[path](first.clone().requires_grad_(), *rest, **sample.options, out=out)
    with pytest.raises(RuntimeError, match="can't be cast to the desired output type"):
        FUNCTIONS[path](*sample.args, **sample.options, out=rl.empty(0, dtype=rl.int32))


def test_integers_have_no_quotient_by_zero() -> None:
    for name in ("floor_divide", "remainder", "fmod"):
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            getattr(rl, name)(rl.tensor([1, 2]), rl.tensor([1, 0]))
        x = rl.tensor([1, 2])
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            getattr(x, f"{name}_")(0)
        assert x.tolist() == [1, 2]
