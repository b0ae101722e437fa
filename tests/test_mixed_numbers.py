"""The element type of lists in which Python's numbers, NumPy's and tensors stand together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rushlight as rl

CASES: list[tuple[str, Any, rl.dtype]] = [
    ("NumPy's double first", [np.float64(2), 1.5], rl.float64),
    ("NumPy's double later", [1.5, np.float64(2)], rl.float64),
    ("after an integer", [1, np.float64(2)], rl.float64),
    ("after a truth value", [True, np.float64(2)], rl.float64),
    ("in a later row", [[1.0, 2.0], [3.0, np.float64(4)]], rl.float64),
    ("an array as a later row", [[1.0, 2.0], np.array([3.0, 4.0])], rl.float64),
    ("NumPy's single", [1.5, np.float32(2)], rl.float32),
    ("half and Python's float", [np.float16(1), 1.0], rl.float32),
    ("an integer and a single", [1, np.float32(1)], rl.float32),
    ("arrays of integers and singles", [np.arange(2), np.ones(2, np.float32)], rl.float32),
    ("a tensor of integers and a float", [rl.tensor(1), 2.5], rl.float32),
    ("a single tensor and an integer", [rl.tensor(1.0), 2], rl.float32),
    ("a double tensor later", [1.5, rl.tensor(2.0, dtype=rl.float64)], rl.float64),
    ("bytes of both signs", [np.uint8(1), np.int8(-1)], rl.int16),
    ("a complex single and a float", [np.complex64(1), 1.0], rl.complex64),
    ("a complex double later", [1j, np.complex128(1)], rl.complex128),
    ("Python's alone", [1, 2.5], rl.float32),
]


@pytest.mark.parametrize("numbers, expected", [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_element_type(numbers: Any, expected: rl.dtype) -> None:
    made = rl.tensor(numbers)
    assert made.dtype is expected
    assert made.tolist() == [x.tolist() if hasattr(x, "tolist") else x for x in numbers]
    assert rl.tensor(numbers, dtype=rl.complex128).dtype is rl.complex128


def test_strings_are_named_by_their_class() -> None:
    with pytest.raises(TypeError, match=r"can't convert np.ndarray of type numpy\.str_\."):
        rl.from_numpy(np.array(["a"]))
