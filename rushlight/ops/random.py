"""Tensors of random numbers: rand, randn, randint, randperm, normal, bernoulli, multinomial, ...

With equal seeds the numbers are those of torch on a CPU, to the bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.backends.host.draws import DIGITS
from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base import dtypes
from rushlight.base.errors import describe, type_name
from rushlight.base.first_use import Deferred
from rushlight.base.shapes import broadcast_shapes
from rushlight.families.generator import engine_of
from rushlight.families.inplace import title, write_out
from rushlight.families.random import (
    check_requires_grad,
    create,
    empty,
    empty_like,
    out_array,
    random_op,
    record_without_gradient,
    size_of,
    tensor_argument,
)
from rushlight.ops.random_inplace import (
    bernoulli_number,
    bernoulli_tensor,
    check_std,
    integers,
    normal_,
    uniform_,
)
from rushlight.tensor import Tensor, wrap

if TYPE_CHECKING:
    from rushlight.backends.cpu import draws
else:
    draws = Deferred("rushlight.backends.cpu.draws", globals())

# ---- tensors of a given shape ------------------------------------------------------------------


@random_op("rand")
def rand(*sizes: Any, size: Any = None, generator: Any = None, out: Tensor | None = None,
         dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
         pin_memory: bool = False) -> Tensor:
    """A tensor of that shape with numbers drawn uniformly from [0, 1).

    sizes: `rand(2, 3)` or `rand((2, 3))`. generator: where to draw. out: filled instead. dtype:
    floating or complex, by default the default dtype. Raises NotImplementedError for others.

    >>> import rushlight as rl
    >>> _ = rl.manual_seed(0); rl.rand(3)
    tensor([0.4963, 0.7682, 0.0885])
    """
    return create(uniform_, _shape("rand", sizes, size), (), generator, dtype, device,
                  requires_grad, out)


@random_op("randn")
def randn(*sizes: Any, size: Any = None, generator: Any = None, out: Tensor | None = None,
          dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
          pin_memory: bool = False) -> Tensor:
    """A tensor of that shape with standard normal numbers.

    Arguments as of `rand`.

    >>> import rushlight as rl
    >>> _ = rl.manual_seed(0); rl.randn(3)
    tensor([ 1.5410, -0.2934, -2.1788])
    """
    return create(normal_, _shape("randn", sizes, size), (), generator, dtype, device,
                  requires_grad, out)


def _shape(name: str, sizes: tuple, size: Any) -> tuple[int, ...]:
    if size is not None:
        sizes = (size,)
    elif not sizes:
        raise TypeError(f"{name}() received an invalid combination of arguments - got (), but "
                        "expected a size; () makes a 0-d tensor")
    return size_of(sizes, name)


@random_op("randint")
def randint(*arguments: Any, generator: Any = None, out: Tensor | None = None, dtype: Any = None,
            layout: Any = None, device: Any = None, requires_grad: bool = False,
            pin_memory: bool = False, **named: Any) -> Tensor:
    """A tensor of whole numbers in [low, high): `randint(low, high, size)`; low is 0 by default.

    dtype: int64 by default. Other arguments as of `rand`. Raises RuntimeError for bounds outside
    the dtype or in the wrong order.

    >>> import rushlight as rl
    >>> _ = rl.manual_seed(0); rl.randint(10, (4,))
    tensor([4, 9, 3, 0])
    """
    if len(arguments) == 3 and not named:
        low, high, size = arguments
    elif len(arguments) == 2 and not named:
        low, (high, size) = 0, arguments
    else:
        low, high, size = _range_and_size(arguments, named)
    for position, (name, value) in enumerate((("low", low), ("high", high))):
        if type(value) is not int and not hasattr(value, "__index__"):
            raise TypeError(f"randint(): argument '{name}' (position {position or 1}) must be int, "
                            f"not {type(value).__name__}")
    if not isinstance(size, tuple | list):
        raise TypeError("randint(): argument 'size' (position 2) must be tuple of ints, not "
                        f"{type(size).__name__}")
    return create(integers, size_of((size,), "randint"), (low, high), generator, dtype, device,
                  requires_grad, out, dtypes.int64)


def _range_and_size(arguments: tuple, named: dict[str, Any]) -> tuple[Any, Any, Any]:
    names = [n for n in ("low", "high", "size") if n not in named]
    if len(arguments) == len(names) - 1 and names[0] == "low":
        arguments = (0, *arguments)
    if len(arguments) != len(names) or not named.keys() <= {"low", "high", "size"}:
        raise TypeError(f"randint() received an invalid combination of arguments - got {arguments} "
                        f"{named}, but expected (low, high, size) or (high, size)")
    given = {**named, **dict(zip(names, arguments, strict=True))}
    return given["low"], given["high"], given["size"]


@random_op("randperm")
def randperm(n: int, *, generator: Any = None, out: Tensor | None = None, dtype: Any = None,
             layout: Any = None, device: Any = None, requires_grad: bool = False,
             pin_memory: bool = False) -> Tensor:
    """The numbers 0 .. n - 1 in random order; int64 unless `dtype` says otherwise.

    Raises RuntimeError for a negative n, or one that the dtype cannot count to.

    >>> import rushlight as rl
    >>> _ = rl.manual_seed(0); rl.randperm(4)
    tensor([0, 1, 3, 2])
    """
    if not hasattr(n, "__index__"):
        raise TypeError(f"randperm(): argument 'n' (position 1) must be int, not "
                        f"{type(n).__name__}")
    shape = size_of((n,), "randperm")
    wanted = out.dtype if isinstance(out, Tensor) else dtypes.as_dtype(dtype or dtypes.int64)
    _check_countable(shape[0], wanted)
    check_requires_grad(requires_grad, wanted)
    target = None if out is None else out_array(out, shape, dtype, "randperm")
    if is_meta(target) if out is not None else str(device or "cpu").startswith("meta"):
        return out if out is not None else wrap(MetaArray(shape, wanted.array))
    order = draws.permutation(engine_of(generator, "randperm"), shape[0])
    if out is not None:
        return write_out(out, order.astype(wanted.array), "randperm")
    result = wrap(order.astype(wanted.array, copy=False))
    result.requires_grad = requires_grad
    return result


def _check_countable(n: int, dtype: dtypes.dtype) -> None:
    if dtype is dtypes.bool_ or dtype.is_complex:
        raise NotImplementedError(f"\"randperm\" not implemented for '{title(dtype)}'")
    if dtype.is_floating_point:
        most = (1 << DIGITS[dtype.name]) + 1
        if n > most:
            raise RuntimeError(f"n cannot be greater than {most} for {title(dtype)} type.")
    elif n - 1 > np.iinfo(dtype.array).max:
        raise RuntimeError(f"value cannot be converted to type {dtype.name}_t without overflow: "
                           f"randperm({n}) needs a wider dtype")


# ---- tensors like another ----------------------------------------------------------------------


@random_op("rand_like")
def rand_like(input: Tensor, *, generator: Any = None, dtype: Any = None, layout: Any = None,
              device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
              memory_format: Any = None) -> Tensor:
    """Numbers drawn uniformly from [0, 1) in the shape, dtype and order of memory of `input`.

    >>> import rushlight as rl
    >>> rl.rand_like(rl.ones(2, 3)).shape
    torch.Size([2, 3])
    """
    return _like("rand_like", uniform_, input, (), generator, dtype, device, requires_grad)


@random_op("randn_like")
def randn_like(input: Tensor, *, generator: Any = None, dtype: Any = None, layout: Any = None,
               device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
               memory_format: Any = None) -> Tensor:
    """Standard normal numbers in the shape, dtype and order of memory of `input`.

    >>> import rushlight as rl
    >>> rl.randn_like(rl.ones(2, 3)).shape
    torch.Size([2, 3])
    """
    return _like("randn_like", normal_, input, (), generator, dtype, device, requires_grad)


@random_op("randint_like")
def randint_like(input: Tensor, *bounds: Any, generator: Any = None, dtype: Any = None,
                 layout: Any = None, device: Any = None, requires_grad: bool = False,
                 pin_memory: bool = False, memory_format: Any = None, **named: Any) -> Tensor:
    """Whole numbers in [low, high) in the shape, dtype and order of memory of `input`.

    `randint_like(input, low, high)`; low is 0 by default.

    >>> import rushlight as rl
    >>> rl.randint_like(rl.zeros(2), 1)
    tensor([0., 0.])
    """
    if len(bounds) == 2 and not named:
        low, high = bounds
    elif len(bounds) == 1 and not named:
        low, high = 0, bounds[0]
    else:
        low, high, _ = _range_and_size(bounds, {**named, "size": ()})
    return _like("randint_like", integers, input, (low, high), generator, dtype, device,
                 requires_grad)


def _like(name: str, op: Any, input: Any, arguments: tuple, generator: Any, dtype: Any,
          device: Any, requires_grad: bool) -> Tensor:
    array = empty_like(tensor_argument(input, name), dtype, device)
    if requires_grad:
        check_requires_grad(True, dtypes.FROM_ARRAY[array.dtype])
    op.draw(array, generator, arguments)
    result = wrap(array)
    if requires_grad:
        result.requires_grad = True
    return result


# ---- distributions with tensors as parameters --------------------------------------------------


def _dense(input: Tensor) -> Any:
    """A new array of the shape and element type of a tensor, in row-major order."""
    return empty(input._array.shape, input.dtype, input.device)


@random_op("bernoulli Tensor.bernoulli")
def bernoulli(input: Tensor, p: float | None = None, *, generator: Any = None,
              out: Tensor | None = None) -> Tensor:
    """1 with the probability that `input` has at the place, else 0: its shape and dtype.

    p: a probability that stands for all of them. Raises RuntimeError outside [0, 1].

    >>> import rushlight as rl
    >>> rl.bernoulli(rl.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    array = _dense(tensor_argument(input, "bernoulli"))
    if p is not None:
        bernoulli_number.draw(array, generator, (p,))
    else:
        bernoulli_tensor.draw(array, generator, (input._array,))
    if out is not None:
        return write_out(out, array, "bernoulli")
    result = wrap(array)
    record_without_gradient(result, "bernoulli", (input,))
    return result


@random_op("normal")
def normal(mean: Any, std: Any = None, size: Any = None, *, generator: Any = None,
           out: Tensor | None = None, dtype: Any = None, layout: Any = None, device: Any = None,
           requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """Normal numbers, mean + std * z: `normal(mean, std)` with tensors, or `normal(0, 1, size)`.

    mean, std: tensors that broadcast, or one a tensor and the other a number (std 1 by default);
    or both numbers, and `size` the shape. Raises RuntimeError for a negative std.

    >>> import rushlight as rl
    >>> rl.normal(rl.tensor([1.0, 2.0]), 0.0)
    tensor([1., 2.])
    """
    if size is not None:
        return create(normal_, size_of((size,), "normal"), (mean, 1.0 if std is None else std),
                      generator, dtype, device, requires_grad, out)
    if not isinstance(mean, Tensor) and not isinstance(std, Tensor):
        raise TypeError("normal(): argument 'mean' (position 1) must be Tensor, not "
                        f"{type_name(mean)}: pass size= with numbers")
    std = 1.0 if std is None else std
    shape, kind = _normal_result(mean, std)
    result = normal_.new(shape, generator, (), dtypes.FROM_ARRAY[kind],
                         "meta" if any(isinstance(t, Tensor) and is_meta(t._array)
                                       for t in (mean, std)) else None)
    if not is_meta(result._array):
        _scale(result._array, mean, std)
    if out is not None:
        return write_out(out, result._array, "normal")
    number = 3 if isinstance(mean, Tensor) and isinstance(std, Tensor) else 1 + isinstance(
        std, Tensor)
    record_without_gradient(result, "normal", (mean, std), number)
    return result


def _normal_result(mean: Any, std: Any) -> tuple[tuple[int, ...], np.dtype]:
    if not isinstance(std, Tensor):
        check_std(std)
        return mean._array.shape, mean._array.dtype
    if std._array.dtype.kind == "c":
        raise RuntimeError("normal expects standard deviation to be non-complex")
    if not is_meta(std._array) and (std._array < 0).any():
        raise RuntimeError("normal expects all elements of std >= 0.0")
    if not isinstance(mean, Tensor):
        return std._array.shape, std._array.dtype
    return broadcast_shapes([mean._array.shape, std._array.shape]), mean._array.dtype


def _scale(z: np.ndarray, mean: Any, std: Any) -> None:
    """z * std + mean in place, rounded after each step."""
    for value, step in ((std, np.multiply), (mean, np.add)):
        other = value._array if isinstance(value, Tensor) else z.dtype.type(value)
        step(z, other, out=z, casting="unsafe", dtype=np.result_type(z, other)
             if z.dtype.kind != "V" else None)


@random_op("multinomial Tensor.multinomial")
def multinomial(input: Tensor, num_samples: int, replacement: bool = False, *,
                generator: Any = None, out: Tensor | None = None) -> Tensor:
    """Indices drawn in proportion to the weights in `input`: int64.

    input: (categories,) or (rows, categories), floating, not negative, of positive sum.
    Returns (num_samples,) or (rows, num_samples). Without `replacement` no index comes twice
    in a row. Raises RuntimeError where that cannot be.

    >>> import rushlight as rl
    >>> rl.multinomial(rl.tensor([0.0, 3.0, 0.0]), 2, replacement=True)
    tensor([1, 1])
    """
    array = tensor_argument(input, "multinomial")._array
    if array.dtype.kind not in "fV":
        raise RuntimeError("multinomial only supports floating-point dtypes for input, got: "
                           f"{title(input.dtype)}")
    if array.ndim not in (1, 2):
        raise RuntimeError(f"prob_dist must be 1 or 2 dim, it is {describe(input)}")
    if num_samples <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and num_samples > array.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without "
                           f"replacement: {num_samples} > {array.shape[-1]}")
    if isinstance(out, Tensor) and out.dtype is not dtypes.int64:
        raise RuntimeError(f"multinomial expects Long tensor out, got: {title(out.dtype)}")
    shape = (*array.shape[:-1], num_samples)
    if is_meta(array):
        return wrap(MetaArray(shape, np.dtype(np.int64)))
    _check_weights(array)
    drawn = draws.multinomial(engine_of(generator, "multinomial"),
                              array.reshape(-1, array.shape[-1]), num_samples, replacement)
    drawn = np.ascontiguousarray(drawn.reshape(shape))
    return wrap(drawn) if out is None else write_out(out, drawn, "multinomial")


def _check_weights(array: np.ndarray) -> None:
    if not (np.isfinite(array) & (array >= 0)).all():
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if not (array.astype(np.float64).sum(-1) > 0).all():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")


@random_op("poisson")
def poisson(input: Tensor, generator: Any = None) -> Tensor:
    """Numbers of events at the rates in `input`, in its shape and floating dtype.

    Raises RuntimeError for a negative rate.

    >>> import rushlight as rl
    >>> rl.poisson(rl.zeros(2))
    tensor([0., 0.])
    """
    array = tensor_argument(input, "poisson")._array
    if array.dtype.kind not in "fV":
        raise NotImplementedError(f"\"poisson_cpu\" not implemented for '{title(input.dtype)}'")
    drawn = _dense(input)
    if not is_meta(array):
        draws.poisson(engine_of(generator, "poisson"), drawn, array)
    result = wrap(drawn)
    record_without_gradient(result, "poisson", (input,))
    return result
