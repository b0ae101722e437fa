"""`testing`: what assert_close accepts, and what it says."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as rl

T = rl.tensor


@pytest.mark.parametrize(("actual", "expected", "said"), [
    (T([1.0, 2, 3]), T([1.0, 2, 4]),
     "Tensor-likes are not close!\n\nMismatched elements: 1 / 3 (33.3%)\n"
     "Greatest absolute difference: 1.0 at index (2,) (up to 1e-05 allowed)\n"
     "Greatest relative difference: 0.25 at index (2,) (up to 1.3e-06 allowed)"),
    (T([1, 2]), T([1, 3]), "Tensor-likes are not equal!"),
    (T([1, 2]), T([1.0, 2]), "The values for attribute 'dtype' do not match: torch.int64"),
    (T([1, 2]), T([1]), "The values for attribute 'shape' do not match"),
    (1.0, 2.0, "Scalars are not close!\n\nExpected 2.0 but got 1.0."),
    (1, 1.0, "The (d)types do not match"),
    ([1, 2], [1], "The length of the sequences mismatch: 2 != 1"),
    ({"a": 1}, {"b": 1}, "Missing keys in the actual mapping: ['b']"),
    ([T(1.0), [T(2.0)]], [T(1.0), [T(3.0)]], "The failure occurred for item [1][0]"),
    (True, False, "Booleans mismatch: True is not False"),
    (T([float("nan")]), T([float("nan")]), "Mismatched elements: 1 / 1 (100.0%)"),
    (np.ones(2), np.zeros(2), "Tensor-likes are not close!"),
])
def test_difference_is_told(actual, expected, said):
    with pytest.raises(AssertionError) as error:
        rl.testing.assert_close(actual, expected)
    assert said in str(error.value)


@pytest.mark.parametrize(("actual", "expected"), [
    (T([1.0]), T([1.0000001])), (T([1.0]), 1.0 * rl.ones(1)), ([1, T(2)], (1, T(2))),
    (None, None), (rl.empty(0), rl.empty(0)), (T([1 + 2j]), T([1 + 2j])),
    (T([1.0], dtype=rl.bfloat16), T([1.005], dtype=rl.bfloat16)),
])
def test_close_enough(actual, expected):
    rl.testing.assert_close(actual, expected)


def test_what_cannot_be_compared_and_messages():
    with pytest.raises(TypeError, match="No comparison pair"):
        rl.testing.assert_close("a", T([1]))
    with pytest.raises(ValueError, match="must be either specified or omitted"):
        rl.testing.assert_close(T(1.0), T(1.0), rtol=1.0)
    with pytest.raises(AssertionError, match=r"^see: Scalars"):
        rl.testing.assert_close(1, 2, msg=lambda usual: f"see: {usual}")
    rl.testing.assert_close(T([float("nan")]), T([float("nan")]), equal_nan=True)
    rl.testing.assert_close(T([1]), T([1.0]), check_dtype=False)


@pytest.mark.parametrize("dtype", [rl.float32, rl.float16, rl.int64, rl.uint8, rl.bool,
                                   rl.complex64])
def test_made_tensors(dtype):
    made = rl.testing.make_tensor((3, 4), dtype=dtype, device="cpu", noncontiguous=True,
                                  exclude_zero=True)
    assert made.shape == (3, 4) and made.dtype is dtype and not made.is_contiguous()
    assert (made != 0).all()
    small = rl.testing.make_tensor(5, dtype=rl.float32, device="cpu", low=2, high=3,
                                   requires_grad=True)
    assert small.requires_grad and small.min() >= 2 and small.max() < 3
    with pytest.raises(ValueError, match="empty"):
        rl.testing.make_tensor(5, dtype=rl.float32, device="cpu", low=3, high=2)
