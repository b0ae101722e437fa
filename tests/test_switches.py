"""Process-wide switches, tensor types of old programs, and what there is of CUDA."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

import rushlight as rl


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    yield
    rl.use_deterministic_algorithms(False)
    rl.set_float32_matmul_precision("highest")
    rl.set_default_dtype(rl.float32)


def test_deterministic_levels() -> None:
    assert rl.get_deterministic_debug_mode() == 0
    rl.set_deterministic_debug_mode("warn")
    assert rl.are_deterministic_algorithms_enabled()
    assert rl.is_deterministic_algorithms_warn_only_enabled()
    assert rl.get_deterministic_debug_mode() == 1
    rl.set_deterministic_debug_mode(2)
    assert rl.get_deterministic_debug_mode() == 2
    assert not rl.is_deterministic_algorithms_warn_only_enabled()
    with pytest.raises(RuntimeError, match="invalid value of debug_mode"):
        rl.set_deterministic_debug_mode("loud")
    with pytest.raises(TypeError, match="must be bool, not int"):
        rl.use_deterministic_algorithms(1)


def test_matmul_precision_is_kept_and_checked() -> None:
    rl.set_float32_matmul_precision("high")
    assert rl.get_float32_matmul_precision() == "high"
    with pytest.warns(UserWarning, match="is not one of"):
        rl.set_float32_matmul_precision("low")
    assert rl.get_float32_matmul_precision() == "high"


def test_interop_threads() -> None:
    with pytest.raises(RuntimeError, match="expects a positive integer"):
        rl.set_num_interop_threads(0)


def test_default_device() -> None:
    assert rl.get_default_device() == rl.device("cpu")
    rl.set_default_device("cpu")
    with pytest.raises(AssertionError, match=r"not compiled with CUDA enabled.*Use device='cpu'"):
        rl.set_default_device("cuda")


def test_tensor_types() -> None:
    assert rl.FloatTensor(2, 3).shape == (2, 3)
    assert rl.LongTensor([1, 2]).tolist() == [1, 2]
    assert rl.LongTensor([1, 2]).dtype is rl.int64
    assert rl.ByteTensor().numel() == 0
    assert rl.DoubleTensor(rl.Size([2])).dtype is rl.float64
    x = rl.zeros(2)
    assert rl.FloatTensor(x).data_ptr() == x.data_ptr()
    assert isinstance(x, rl.FloatTensor)
    assert not isinstance(x, rl.LongTensor)
    assert not isinstance(3.0, rl.FloatTensor)


def test_tensor_types_refuse() -> None:
    with pytest.raises(TypeError, match="data must be a sequence"):
        rl.LongTensor(2.5)
    with pytest.raises(TypeError, match="expected int64"):
        rl.LongTensor(rl.zeros(2))


def test_default_tensor_type() -> None:
    with pytest.warns(UserWarning):
        rl.set_default_tensor_type("torch.DoubleTensor")
    assert rl.zeros(1).dtype is rl.float64
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rl.set_default_tensor_type(rl.FloatTensor)
        assert rl.get_default_dtype() is rl.float32
        with pytest.raises(TypeError, match="only floating-point types"):
            rl.set_default_tensor_type(rl.LongTensor)


def test_typename() -> None:
    assert rl.typename(rl.zeros(1, dtype=rl.int64)) == "torch.LongTensor"
    assert rl.typename(3) == "int"
    assert rl.typename(rl.nn.Linear(1, 1)).endswith(".Linear")


def test_there_is_no_cuda() -> None:
    assert not rl.cuda.is_available()
    assert rl.cuda.device_count() == 0
    rl.cuda.manual_seed_all(0)
    rl.cuda.empty_cache()
    with pytest.raises(AssertionError, match="not compiled with CUDA"):
        rl.cuda.synchronize()
    rl.backends.cudnn.benchmark = True
    assert not rl.backends.cudnn.is_available()
    assert not rl.backends.mps.is_available()


def test_questions() -> None:
    x = rl.ones(2, 3)
    assert rl.numel(x) == 6
    assert rl.is_floating_point(x) and not rl.is_complex(x)
    assert rl.is_signed(x) and not rl.is_signed(x.to(rl.uint8))
    assert rl.is_same_size(x, rl.zeros(2, 3)) and not x.is_same_size(rl.zeros(3))
    assert rl.result_type(rl.ones(1, dtype=rl.int8), 1.5) is rl.float32
    assert rl.result_type(1, 2.5) is rl.float32
    assert rl.result_type(rl.ones(1, dtype=rl.float16), rl.tensor(1.0)) is rl.float16
    assert rl.broadcast_shapes((2, 1), (1, 3), 3) == (2, 3)
    with pytest.raises(RuntimeError, match="Shape mismatch"):
        rl.broadcast_shapes((2,), (3,))
    with pytest.raises(TypeError, match="must be Tensor, not int"):
        rl.numel(3)
    assert rl.detach(x.requires_grad_()).requires_grad is False


def test_dlpack_capsule() -> None:
    x = rl.arange(3)
    y = rl.from_dlpack(rl.to_dlpack(x))
    assert y.data_ptr() == x.data_ptr() and y.tolist() == [0, 1, 2]
