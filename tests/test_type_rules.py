"""Which dtype a result has, which numbers and `out=` stand beside it, and values at its edges."""

from __future__ import annotations

import itertools

import pytest

import rushlight as rl

HALVES = [rl.float16, rl.bfloat16]


@pytest.mark.parametrize(("tensor", "zero_dim", "expected"), [
    (rl.float32, rl.complex128, rl.complex64), (rl.bfloat16, rl.complex128, rl.complex64),
    (rl.float64, rl.complex64, rl.complex128), (rl.int64, rl.complex128, rl.complex128)])
def test_complex_number_beside_floats_takes_their_width(tensor: rl.dtype, zero_dim: rl.dtype,
                                                        expected: rl.dtype) -> None:
    x, z = rl.ones(3, dtype=tensor), rl.tensor(2j, dtype=zero_dim)
    assert rl.result_type(x, z) is rl.result_type(z, x) is expected
    assert (x * z).dtype is (z + x).dtype is expected


def test_arithmetic_takes_two_numbers() -> None:
    for got, expected, dtype in (
            (rl.add(7, 2, alpha=3), 13, rl.int64), (rl.subtract(7.5, 2), 5.5, rl.float32),
            (rl.mul(True, 2), 2, rl.int64), (rl.true_divide(7, 2), 3.5, rl.float32),
            (rl.div(-7, 2, rounding_mode="trunc"), -3, rl.int64),
            (rl.floor_divide(-7, 2), -4, rl.int64), (rl.multiply(2j, 3), 6j, rl.complex64)):
        assert got.item() == expected and got.dtype is dtype and got.shape == ()
    with pytest.raises(RuntimeError, match="Subtraction, the `-` operator, with a bool"):
        rl.sub(True, 2)
    for function in (rl.pow, rl.remainder, rl.bitwise_and):  # these want one tensor at least
        with pytest.raises(TypeError, match="must be Tensor, not int"):
            function(7, 2)


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("count", [2, 5000])
def test_nextafter_of_half_types_is_their_own_next_number(dtype: rl.dtype, count: int) -> None:
    x = rl.ones(count, dtype=dtype)
    step = rl.finfo(dtype).eps
    assert (rl.nextafter(x, x + 1) == 1 + step).all()
    assert (rl.nextafter(x, x - 1) == 1 - step / 2).all()
    assert (rl.nextafter(x * 0, x) == rl.finfo(dtype).smallest_normal * step).all()


@pytest.mark.parametrize("dtype", [rl.int64, rl.int32, rl.uint8, rl.bool])
def test_integers_have_no_negative_power(dtype: rl.dtype) -> None:
    x = rl.ones(3, dtype=dtype)
    assert (x ** 2).tolist() == [1] * 3
    for call in (lambda: x ** -1, lambda: rl.pow(x, -2), lambda: x.clone().pow_(-1)):
        with pytest.raises(RuntimeError, match="Integers to negative integer powers"):
            call()
    assert (rl.tensor([1, 2, -1]) ** rl.tensor(-1)).tolist() == [1, 0, -1]
    assert (x.float() ** -1).tolist() == [1.0] * 3


@pytest.mark.parametrize("name", ["gcd", "lcm", "heaviside", "ldexp"])
def test_a_number_is_no_first_operand(name: str) -> None:
    with pytest.raises(TypeError, match=rf"{name}\(\): argument 'input' \(position 1\)"):
        getattr(rl, name)(2, rl.tensor([2]))


@pytest.mark.parametrize("dtype", [*HALVES, rl.float32, rl.float64])
def test_ldexp_keeps_the_dtype_and_is_exact(dtype: rl.dtype) -> None:
    smallest = rl.finfo(dtype).smallest_normal
    x = rl.tensor([0.0, 1.5, smallest], dtype=dtype, requires_grad=True)
    y = rl.ldexp(x, rl.tensor([3000, 2, 9]))
    assert y.dtype is dtype and y.tolist() == [0.0, 6.0, smallest * 512]
    y[1:].sum().backward()
    assert x.grad is not None and x.grad.tolist() == [0.0, 4.0, 512.0]
    assert rl.ldexp(rl.tensor([1, 2]), rl.tensor(3)).dtype is rl.float32


@pytest.mark.parametrize(("name", "target"), [
    *itertools.product(["sum", "prod", "cumsum", "cumprod"], [rl.int32, rl.float64, rl.bool]),
    ("nansum", rl.float64)])
def test_sums_are_formed_in_the_dtype_of_out(name: str, target: rl.dtype) -> None:
    x = rl.tensor([[1.75, 2.5]])
    out = rl.zeros((1, 2) if name.startswith("cum") else 1, dtype=target)
    assert getattr(rl, name)(x, 1, out=out) is out
    assert rl.equal(out, getattr(rl, name)(x.to(target), 1, dtype=target))


def test_variance_of_complex_numbers_goes_to_out() -> None:
    out = rl.zeros(1)
    assert rl.var(rl.tensor([[1 + 1j, 3 + 1j]]), 1, out=out) is out and out.tolist() == [2.0]


@pytest.mark.parametrize("dtype", [rl.float8_e4m3fn, rl.float8_e5m2])
def test_sums_of_eight_bit_floats_are_eight_bit_floats(dtype: rl.dtype) -> None:
    x = rl.ones(3).to(dtype)
    assert (x + x).dtype is dtype and (x + x).float().tolist() == [2.0] * 3


@pytest.mark.parametrize("count", [3, 40_000])
def test_numbers_beside_half_types_are_not_rounded_first(count: int) -> None:
    x = rl.full((count,), 2.0, dtype=rl.bfloat16)  # 0.999 is 1 in bfloat16, 0.3 is 0.30078
    y = x * 3
    near = rl.bfloat16
    assert ((y * 0.3) == rl.tensor(1.8, dtype=near)).all()
    assert (rl.full((count,), 129.0, dtype=near).mul_(0.996) == 128).all()
    assert (y / 0.3 == rl.tensor(20.0, dtype=near)).all()
    assert (rl.addcmul(x, x, y, value=0.3) == rl.tensor(2 + 0.3 * 12, dtype=near)).all()
    assert (rl.lerp(x, y, 0.001) == rl.tensor(2.004, dtype=near)).all()
    assert (rl.nn.functional.leaky_relu(-y, 0.3) == rl.tensor(-1.8, dtype=near)).all()
    leaf = y.clone().requires_grad_()
    (leaf * 0.3).sum().backward()
    assert leaf.grad is not None and (leaf.grad == rl.tensor(0.3, dtype=near)).all()


@pytest.mark.parametrize("value", [300, -300, -2.5, 1e30, float("nan")])
def test_numbers_that_a_dtype_does_not_hold_are_refused(value: float) -> None:
    x = rl.zeros(2, 2, dtype=rl.uint8)
    calls = [lambda: x.clone().fill_(value), lambda: rl.full((2,), value, dtype=rl.uint8),
             lambda: rl.full_like(x, value), lambda: x.new_full((1,), value),
             lambda: x.clone().fill_diagonal_(value), lambda: x.masked_fill(x == 0, value),
             lambda: rl.nn.functional.pad(x, (1, 1), value=value)]
    if isinstance(value, int):
        calls += [lambda: x.clamp(max=value), lambda: rl.where(x == 0, x, value),
                  lambda: rl.nn.functional.threshold(x, 1, value)]
    for call in calls:
        with pytest.raises(RuntimeError, match="value cannot be converted to type"):
            call()
    assert x.clone().fill_(-1).tolist() == [[255, 255]] * 2
    with pytest.raises(RuntimeError, match="value cannot be converted to type"):
        rl.zeros(2).fill_(1e40)
    assert rl.zeros(1, dtype=rl.float16).fill_(1e6).item() == float("inf")


def test_complex_numbers_have_the_parts_that_they_were_made_of() -> None:
    inf, nan = float("inf"), float("nan")
    real = rl.tensor([inf, -0.0, 1.0], requires_grad=True)
    imag = rl.tensor([nan, -0.0, inf], requires_grad=True)
    z = rl.complex(real, imag)
    assert str(z.detach()) == "tensor([inf+nanj, -0.-0.j, 1.+infj])"
    (z.real.sum() + 2 * z.imag.sum()).backward()
    assert real.grad is not None and real.grad.tolist() == [1.0] * 3
    assert imag.grad is not None and imag.grad.tolist() == [2.0] * 3
    assert rl.complex(rl.zeros(2, 1), rl.ones(3)).shape == (2, 3)
    with pytest.raises(RuntimeError, match="The size of tensor a"):
        rl.complex(rl.zeros(2), rl.ones(3))


def test_limits_of_small_floats() -> None:
    kinds = (rl.float16, rl.bfloat16, rl.float32, rl.float64, rl.float8_e5m2)
    assert [rl.finfo(kind).resolution for kind in kinds] == [1e-3, 1e-2, 1e-6, 1e-15, 1.0]


def test_storages_show_their_bytes() -> None:
    memory = rl.tensor([1, 2], dtype=rl.int8).untyped_storage()
    assert repr(memory) == " 1\n 2\n[torch.storage.UntypedStorage(device=cpu) of size 2]"
    assert repr(rl.ones(1).storage()).endswith(
        "[torch.storage.TypedStorage(dtype=torch.float32, device=cpu) of size 1]")
