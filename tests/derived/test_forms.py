"""Every form of every declared op gives the same: function, method, in place, out=, meta."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight import Tensor
from rushlight.base import dtypes
from rushlight.families.declaration import FUNCTIONS

from .samples import DRAWING, POINTWISE, TESTED, UNSPECIFIED, Sample, cases, flat, samples_of


def names(sample: Sample) -> list[str]:
    """The public names under which a plain function of the op is found."""
    return [p for p in sample.declaration.paths if "." not in p and not p.startswith("_")
            and not p.endswith("_") and FUNCTIONS[p] is sample.declaration.function]


def same(found: Any, wanted: Any) -> None:
    for a, b in zip(flat(found), flat(wanted), strict=True):
        if isinstance(b, Tensor):
            assert a.dtype == b.dtype and a.shape == b.shape
            np.testing.assert_array_equal(a, b)
        else:
            assert a == b


@pytest.mark.parametrize("sample", cases(TESTED))
def test_methods_are_the_functions(sample: Sample) -> None:
    if not sample.args or not isinstance(sample.args[0], Tensor) or (
            sample.declaration.name in UNSPECIFIED):
        pytest.skip("no method")
    first, *rest = sample.args
    wanted = sample.run()
    found = [n for n in names(sample) if f"Tensor.{n}" in sample.declaration.paths]
    for name in found:
        if not isinstance(getattr(type(first), name), property):  # x.real
            same(getattr(first, name)(*rest, **sample.options), wanted)
    if not found:
        pytest.skip("no method of this name")


@pytest.mark.parametrize("sample", cases(TESTED))
def test_in_place_forms_write_what_the_functions_return(sample: Sample) -> None:
    found = [n for n in names(sample) if f"Tensor.{n}_" in sample.declaration.paths]
    if not found or not isinstance(sample.args[0], Tensor):
        pytest.skip("no in-place form")
    wanted = sample.run()
    first, *rest = sample.args
    if wanted.shape != first.shape or wanted.dtype.category > first.dtype.category:
        pytest.skip("another shape or dtype")
    for name in found:
        target = first.clone()
        version = target.detach()._version  # from now on somebody is looking
        assert getattr(target, f"{name}_")(*rest, **sample.options) is target
        np.testing.assert_array_equal(target, wanted.to(first.dtype))
        assert target._version > version


@pytest.mark.parametrize("sample", cases(POINTWISE))
def test_in_place_gradients_are_those_of_the_function(sample: Sample) -> None:
    found = [n for n in names(sample) if f"Tensor.{n}_" in sample.declaration.paths]
    first, *rest = sample.args
    if not found or not first.is_floating_point() or sample.run().shape != first.shape:
        pytest.skip("no in-place form")
    gradients = []
    for write in (False, True):
        leaf = first.clone().requires_grad_()
        others = [x.clone().requires_grad_() if isinstance(x, Tensor) and x.is_floating_point()
                  else x for x in rest]
        start = leaf * 1
        name = f"{found[0]}_" if write else found[0]
        result = getattr(start, name)(*others, **sample.options)
        if not (result.is_floating_point() and result.requires_grad):
            pytest.skip("nothing requires grad")
        (result * result).sum().backward()
        gradients.append([x.grad for x in (leaf, *others) if isinstance(x, Tensor)])
    for a, b in zip(*gradients, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(a, b, 1e-12)


@pytest.mark.parametrize("sample", cases(POINTWISE))
def test_out_receives_the_result(sample: Sample) -> None:
    paths = names(sample)
    if not paths:
        pytest.skip("private, or without out=")
    function, wanted = FUNCTIONS[paths[0]], sample.run()
    out = rl.empty(wanted.shape, dtype=wanted.dtype)
    assert function(*sample.args, **sample.options, out=out) is out
    np.testing.assert_array_equal(out, wanted)
    empty = rl.empty(0, dtype=wanted.dtype)
    function(*sample.args, **sample.options, out=empty)
    np.testing.assert_array_equal(empty, wanted)
    spread = rl.zeros(*wanted.shape, 2, dtype=wanted.dtype)[..., 0]
    function(*sample.args, **sample.options, out=spread)
    np.testing.assert_array_equal(spread, wanted)


def spread(x: Tensor) -> Tensor:
    """The same values, every other element of some memory, dimensions reversed in it."""
    wide = rl.zeros(*reversed(x.shape), 2, dtype=x.dtype)[..., 0]
    return wide.permute(*range(x.ndim - 1, -1, -1)).copy_(x)


@pytest.mark.parametrize("sample", cases(TESTED))
def test_strides_do_not_matter(sample: Sample) -> None:
    if sample.declaration.family == "view" or sample.declaration.name in UNSPECIFIED | DRAWING | {
            "view", "view_as", "unflatten", "as_strided_", "as_strided_copy", "view_copy",
            "view_as_complex_copy"}:
        pytest.skip("views are about strides")
    try:
        wanted = sample.run()
    except RuntimeError:
        pytest.skip("not for these operands")
    for a, b in zip(flat(sample.map(spread).run()), flat(wanted), strict=True):
        if isinstance(b, Tensor):
            np.testing.assert_allclose(a, b, 1e-9, 1e-12)


def first_number(x: Tensor) -> Tensor:
    return x.flatten()[0].clone() if x.numel() else x


@pytest.mark.parametrize("sample", cases(TESTED))
def test_results_can_be_written_to(sample: Sample) -> None:
    """Those of one number, too: NumPy makes scalars of 0-d arrays, which nothing can write to."""
    for change in (lambda x: x, first_number):
        try:
            found = flat(sample.map(change).run())
        except (RuntimeError, IndexError, TypeError, ValueError, AssertionError):
            continue  # not for 0-d operands
        for x in found:
            if isinstance(x, Tensor) and not x.is_meta and x.layout is rl.strided:
                assert isinstance(x._array, np.ndarray), sample.declaration.name


def answers_on_meta(sample: Sample) -> bool:
    """Whether shape and dtype come out right without data, or the error says that these are in
    the data."""
    try:
        found = sample.map(lambda x: x.to("meta")).run()
    except NotImplementedError as error:
        return "depends on" in str(error) or "depend on" in str(error) or "no data" in str(error)
    except Exception:
        return False
    return all(a.is_meta and (a.shape, a.dtype) == (b.shape, b.dtype)
               for a, b in zip(flat(found), flat(sample.run()), strict=True)
               if isinstance(a, Tensor))


OF_DATA = {"allclose", "is_nonzero"}  # whose result is a truth about the data


@pytest.mark.parametrize("sample", cases([d for d in TESTED if d.name not in OF_DATA]))
def test_meta_tensors_answer_shape_and_dtype(sample: Sample) -> None:
    if not sample.tensors():
        pytest.skip("no tensor decides the device")
    assert answers_on_meta(sample)


def test_every_op_answers_on_meta() -> None:
    """The first sample of each, in the quick suite too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        needing = {d.name for d in TESTED if not all(
            answers_on_meta(sample) for sample in samples_of(d)[:1] if sample.tensors())}
    assert needing == OF_DATA


@pytest.mark.parametrize("sample", cases(POINTWISE))
def test_empty_tensors(sample: Sample) -> None:
    shape = (0, *sample.run().shape)
    assert sample.map(lambda x: x.expand(0, *x.shape) if x.ndim == len(shape) - 1 else x
                      ).run().shape == shape


def plain(declaration: Any) -> Sample:
    return samples_of(declaration)[0]


@pytest.mark.parametrize("declaration", POINTWISE, ids=lambda d: d.name)
def test_dtypes_of_results(declaration: Any) -> None:
    """Integers give floating point numbers exactly where the op says so."""
    op, sample = declaration.op, plain(declaration)
    for d in (dtypes.int64, dtypes.uint8, dtypes.bool_, dtypes.float32, dtypes.complex64):
        given = sample.map(lambda x, d=d: x if x.dtype is rl.bool and "condition" in op.operands
                           else x.abs().to(d))
        variant = op.plain
        if variant.refuses(d) or (d is dtypes.bool_ and op.promote != "floating"):
            continue
        try:
            found = given.run().dtype
        except RuntimeError as error:
            assert any(reason in str(error) for reason in (
                "ZeroDivision", "not implemented", "must not be a floating point number"))
            continue
        if variant.boolean:
            assert found is dtypes.bool_
        elif op.result == "real":
            assert found is d.to_real()
        else:
            assert found is (dtypes.float32 if d.category < 2 and variant.promote == "floating"
                             else d)


@pytest.mark.parametrize("declaration", POINTWISE, ids=lambda d: d.name)
def test_nan_and_infinity_are_values(declaration: Any) -> None:
    """No warning, and the same answer of the small and the compiled kernels."""
    if not any(x.is_floating_point() for x in plain(declaration).tensors()):
        pytest.skip("integers have neither")
    odd = rl.tensor([float("nan"), float("inf"), -float("inf"), 0.0, -0.0, 1e308, 5e-324],
                    dtype=rl.float64)
    sample = plain(declaration).map(lambda x: odd if x.is_floating_point() else odd > 0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small = sample.run()
        large = sample.map(lambda x: x.repeat(4096)).run()[: len(odd)]
    np.testing.assert_allclose(large, small, 1e-12, 1e-300)


def test_options_of_one_call_are_not_those_of_the_next() -> None:
    """Functions are written for the options that were given, and found again by them."""
    x = rl.tensor([-1.0, 1.0])
    for alpha in (1.0, float("1.0"), 0.5, 1, 2.0):
        for write in (False, True):
            found = rl.nn.functional.elu(x.clone(), alpha, inplace=write)
            assert found.tolist() == pytest.approx([alpha * (np.exp(-1.0) - 1), 1.0], rel=1e-6)
    for low, high in ((-1.0, 0.5), (-2.0, 0.5), (-2, 3.0), (-1.0, 1.0), (float("-1.0"), 0.25)):
        assert rl.nn.functional.hardtanh(x * 9, low, high).tolist() == [low, high]
    ints = rl.tensor([-7, 7])
    for mode, wanted in (("floor", [-4, 3]), ("trunc", [-3, 3]), (None, [-3.5, 3.5])):
        assert rl.div(ints, 2, rounding_mode=mode).tolist() == wanted
    assert rl.add(ints, 1, alpha=2).tolist() == [-5, 9]
    with pytest.raises(RuntimeError, match="must not be a floating point number"):
        rl.add(ints, 1, alpha=2.0)
