"""The text of tensors, as recorded from torch."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import rushlight as rl
from rushlight.tensor.printing import (
    format_array,
    get_printoptions,
    printoptions,
    set_printoptions,
)

NAN, INF = float("nan"), float("inf")


@pytest.fixture(autouse=True)
def default_options():
    yield
    set_printoptions(profile="default", header=False)


def text(values, dtype="float32", *suffixes, **options):
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    return format_array(np.array(values, kind), f"torch.{dtype}", suffixes, **options)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, -0.0, NAN], "tensor([0., -0., nan])"),
        ([1.0, INF, -INF, 1000], "tensor([   1.,   inf,  -inf, 1000.])"),
        ([1.5, INF, -INF], "tensor([1.5000,    inf,   -inf])"),
        ([1e-5, 1], "tensor([1.0000e-05, 1.0000e+00])"),
        ([1.0, 1001], "tensor([1.0000e+00, 1.0010e+03])"),
        (3.14159, "tensor(3.1416)"),
        ([[1.0, -2], [3, 4]], "tensor([[ 1., -2.],\n        [ 3.,  4.]])"),
    ],
)
def test_floats(values, expected):
    assert text(values) == expected


def test_other_dtypes():
    assert text([True, False], "bool") == "tensor([ True, False])"
    assert text([1, -20], "int64") == "tensor([  1, -20])"
    assert text([1, 2], "uint8") == "tensor([1, 2], dtype=torch.uint8)"
    assert text([1.5], "float64") == "tensor([1.5000], dtype=torch.float64)"
    assert text([1e10, 1.5], "bfloat16") == "tensor([9.9992e+09, 1.5000e+00], dtype=torch.bfloat16)"
    expected = "tensor([ 1.0000+2.j,     nan+nanj, -1.5000+0.j,  0.0000-0.j])"
    values = [1 + 2j, complex(NAN, NAN), -1.5, complex(0.0, -0.0)]
    assert text(values, "complex64") == expected


def test_empty():
    assert text([]) == "tensor([])"
    assert text(np.zeros((0, 3))) == "tensor([], size=(0, 3))"
    assert text([], "int64") == "tensor([], dtype=torch.int64)"
    expected = "tensor([], size=(2, 0), dtype=torch.float64, requires_grad=True)"
    assert text(np.zeros((2, 0)), "float64", "requires_grad=True") == expected


def test_meta_reads_no_values():
    array = np.zeros((2, 3), np.int64)
    expected = "tensor(..., device='meta', size=(2, 3), dtype=torch.int64)"
    assert format_array(array, "torch.int64", device="meta", meta=True) == expected


def test_suffixes_and_prefix():
    assert (
        text([2.0], "float32", "grad_fn=<AddBackward0>") == "tensor([2.], grad_fn=<AddBackward0>)"
    )
    set_printoptions(linewidth=20)
    expected = "tensor([1., 1.],\n       requires_grad=True)"
    assert text([1.0, 1.0], "float32", "requires_grad=True") == expected
    assert text([[1, 2], [3, 4]], "int64", prefix="T(") == "T([[1, 2],\n   [3, 4]])"


def test_default_dtype_is_not_shown():
    assert text([1.0], "float64", default_dtype="torch.float64") == "tensor([1.])"
    assert text([1.0], "float32", default_dtype="torch.float64") == (
        "tensor([1.], dtype=torch.float32)"
    )
    assert text([1j], "complex128", default_dtype="torch.float64") == "tensor([0.+1.j])"


def test_summary():
    array = np.arange(2000).reshape(2, 1000)
    expected = (
        "tensor([[   0,    1,    2,  ...,  997,  998,  999],\n"
        "        [1000, 1001, 1002,  ..., 1997, 1998, 1999]])"
    )
    assert format_array(array, "torch.int64") == expected
    set_printoptions(edgeitems=1, threshold=3)
    expected = "tensor([[ 0,  ...,  3],\n        ...,\n        [ 8,  ..., 11]])"
    assert format_array(np.arange(12).reshape(3, 4), "torch.int64") == expected
    set_printoptions(edgeitems=0)
    assert format_array(np.arange(100), "torch.int64") == "tensor([...], size=(100,))"


def test_huge_arrays_are_read_at_the_edges_only():
    array = np.broadcast_to(np.float32(1), (10**6, 10**6))  # 4 TB if it were touched
    assert format_array(array, "torch.float32").count("1.") == 36


def test_options():
    set_printoptions(precision=2, sci_mode=True)
    assert text([1.0]) == "tensor([1.00e+00])"
    set_printoptions(threshold=10)  # sci_mode returns to automatic with every call
    assert get_printoptions()["sci_mode"] is None
    assert get_printoptions()["precision"] == 2
    with printoptions(profile="short", header=True):
        assert text([1.0, 2.5]) == "shape=(2,), dtype=torch.float32\ntensor([1.00, 2.50])"
        assert get_printoptions()["edgeitems"] == 2
    assert get_printoptions()["threshold"] == 10
    with pytest.raises(ValueError, match="default, short, full"):
        set_printoptions(profile="tiny")


def test_options_are_restored_after_an_error():
    with pytest.raises(KeyError), printoptions(precision=1):
        raise KeyError
    assert text([0.25]) == "tensor([0.2500])"


def test_a_programs_own_class_is_printed_under_its_name() -> None:
    class Boxes(rl.Tensor):
        pass

    boxes = rl.ones(2).as_subclass(Boxes)
    assert repr(boxes) == "Boxes([1., 1.])" and f"{boxes + 1}" == "Boxes([2., 2.])"
    assert repr(boxes.requires_grad_()) == "Boxes([1., 1.], requires_grad=True)"
    assert repr(rl.nn.Parameter(rl.ones(1))).endswith("\ntensor([1.], requires_grad=True)")
    rows = repr(rl.zeros(2, 1).as_subclass(Boxes)).splitlines()
    assert rows == ["Boxes([[0.],", "       [0.]])"]
