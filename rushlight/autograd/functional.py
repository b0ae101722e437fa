"""Derivatives of functions: Jacobians, Hessians and their products with vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight import ops
from rushlight.autograd.grad_mode import enable_grad
from rushlight.autograd.gradient import grad
from rushlight.tensor import Tensor
from rushlight.transforms.jacobians import columns
from rushlight.transforms.jacobians import rows as all_rows

Tensors = tuple[Tensor, ...]


def _as_tuple(value: Any, what: str, name: str) -> tuple[bool, Tensors]:
    many = isinstance(value, (tuple, list))
    tensors = tuple(value) if many else (value,)
    for i, x in enumerate(tensors):
        if not isinstance(x, Tensor):
            raise TypeError(
                f"The {what} given to {name} must be either a Tensor or a tuple of Tensors but the "
                + (f"value at index {i}" if many else f"given {what}") + f" has type {type(x)}."
            )
    return many, tensors


def _fresh(tensors: Tensors, create_graph: bool) -> Tensors:
    """Copies to differentiate with respect to; with history where it is to be kept."""
    if create_graph:
        return tuple(x.view_as(x) if x.requires_grad else x.detach().requires_grad_()
                     for x in tensors)
    return tuple(x.detach().requires_grad_() for x in tensors)


def _finished(value: Any, create_graph: bool) -> Any:
    if isinstance(value, tuple):
        return tuple(_finished(x, create_graph) for x in value)
    return value if create_graph or not isinstance(value, Tensor) else value.detach()


def _call(func: Callable[..., Any], inputs: Tensors, name: str, strict: bool = False
          ) -> tuple[bool, Tensors]:
    """What `func` returns; RuntimeError where it does not depend on anything, if `strict`."""
    many, outputs = _as_tuple(func(*inputs), "outputs of the user-provided function", name)
    for i, y in enumerate(outputs):
        if strict and not y.requires_grad:
            raise RuntimeError(
                f"Output {i} of the user-provided function does not require gradients. The outputs "
                "must be computed in a differentiable manner from the input when running in strict "
                "mode.")
    return many, outputs


def _gradients(
    outputs: Tensors, inputs: Tensors, seeds: Any, create_graph: bool, strict: bool
) -> Tensors:
    """Gradients with zeros, or errors where `strict`, for inputs without influence."""
    live = [i for i, y in enumerate(outputs) if y.requires_grad]
    found: list[Tensor | None] = [None] * len(inputs)
    if live:
        found = list(grad([outputs[i] for i in live], inputs, [seeds[i] for i in live],
                          create_graph=create_graph, retain_graph=True, allow_unused=True))
    for i, g in enumerate(found):
        if g is not None:
            continue
        if strict:
            raise RuntimeError(
                f"The output of the user-provided function is independent of input {i}. This is "
                "not allowed in strict mode."
            )
        found[i] = ops.zeros_like(inputs[i], requires_grad=False)
    return tuple(found)  # type: ignore[arg-type]


def _like(vectors: Any, tensors: Tensors, many: bool, what: str, name: str) -> Tensors:
    if vectors is None:
        if len(tensors) != 1 or tensors[0].numel() != 1:
            raise RuntimeError(
                f"The vector v can only be None if {what} a single Tensor with a single element")
        return (ops.ones_like(tensors[0], requires_grad=False),)
    _, given = _as_tuple(vectors, "v", name)
    if len(given) != len(tensors):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(tensors)} but got "
                           f"{len(given)}.")
    for i, (v, x) in enumerate(zip(given, tensors, strict=True)):
        if v.shape != x.shape:
            raise RuntimeError(f"{f'Entry {i} in ' if many else ''}v has invalid size: should be "
                               f"{x.shape} but got {v.shape}.")
    return given


def vjp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """`func(*inputs)` and the product of `v` with its Jacobian.

    Args:
        func: takes and returns a tensor or a tuple of tensors.
        inputs: a tensor or a tuple.
        v: shaped as the output; left out for a single number.
        create_graph: let the result be differentiated again.
        strict: raise where an input has no influence, in place of giving zeros.

    >>> import rushlight as rl
    >>> rl.autograd.functional.vjp(lambda x: x * x, rl.tensor([1.0, 2.0]), rl.ones(2))
    (tensor([1., 4.]), tensor([2., 4.]))
    """
    many_in, given = _as_tuple(inputs, "inputs", "vjp")
    with enable_grad():
        own = _fresh(given, create_graph)
        many_out, outputs = _call(func, own, "vjp", strict)
        seeds = _like(v, outputs, many_out, "the user-provided function returns", "vjp")
        found = _gradients(outputs, own, seeds, create_graph, strict)
    return (_finished(outputs if many_out else outputs[0], create_graph),
            _finished(found if many_in else found[0], create_graph))


def jvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """`func(*inputs)` and the product of its Jacobian with `v`, by two runs backwards.

    Args:
        func, inputs, create_graph, strict: as of `vjp`.
        v: shaped as the inputs; left out for a single number.

    >>> import rushlight as rl
    >>> rl.autograd.functional.jvp(lambda x: x * x, rl.tensor([1.0, 2.0]), rl.ones(2))
    (tensor([1., 4.]), tensor([2., 4.]))
    """
    many_in, given = _as_tuple(inputs, "inputs", "jvp")
    with enable_grad():
        own = _fresh(given, create_graph)
        seeds = _like(v, own, many_in, "the input is", "jvp")
        many_out, outputs = _call(func, own, "jvp", strict)
        probes = tuple(ops.zeros_like(y).requires_grad_() for y in outputs)
        back = _gradients(outputs, own, probes, True, strict)
        found = _gradients(back, probes, seeds, create_graph, strict)
    return (_finished(outputs if many_out else outputs[0], create_graph),
            _finished(found if many_out else found[0], create_graph))


def jacobian(
    func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False,
    vectorize: bool = False, strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian of `func`: shape (output's shape, input's shape); tuples as func has them.

    Args:
        func, inputs, create_graph, strict: as of `vjp`.
        vectorize: all rows in one run backwards, in place of one run each.
        strategy: "reverse-mode", or with `vectorize` "forward-mode": all columns in one run.

    Raises AssertionError for another strategy; RuntimeError and NotImplementedError where the
    options do not go together.

    >>> import rushlight as rl
    >>> rl.autograd.functional.jacobian(lambda x: x * x, rl.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    if strategy not in ("reverse-mode", "forward-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Got: '
            f"{strategy!r}")
    many_in, given = _as_tuple(inputs, "inputs", "jacobian")
    if strategy == "forward-mode":
        return _by_columns(func, many_in, given, create_graph, strict, vectorize)
    with enable_grad():
        own = _fresh(given, create_graph)
        many_out, outputs = _call(func, own, "jacobian", strict)
        if vectorize:
            if strict:
                raise RuntimeError(
                    "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are "
                    "not supported together. Please either set `strict=False` or "
                    "`vectorize=False`.")
            return _shaped(all_rows(outputs, own, create_graph), many_in, many_out, create_graph)
        rows: list[Any] = []
        for y in outputs:
            flat = y.reshape(-1)
            columns = [
                _gradients((flat[i],), own, (ops.ones_like(flat[i], requires_grad=False),),
                           create_graph, strict)
                for i in range(y.numel())
            ]
            for k in range(len(own) if strict and create_graph else 0):
                if not any(c[k].requires_grad for c in columns):
                    raise RuntimeError(
                        "The jacobian of the user-provided function is independent of input "
                        f"{k}. This is not allowed in strict mode when create_graph=True.")
            blocks = tuple(
                ops.stack([c[k] for c in columns]).reshape(tuple(y.shape) + tuple(x.shape))
                if columns else ops.zeros(tuple(y.shape) + tuple(x.shape), dtype=x.dtype)
                for k, x in enumerate(own)
            )
            rows.append(blocks if many_in else blocks[0])
    return _finished(tuple(rows) if many_out else rows[0], create_graph)


def _by_columns(func: Callable[..., Any], many_in: bool, inputs: Tensors, create_graph: bool,
                strict: bool, vectorize: bool) -> Any:
    """The Jacobian by forward mode."""
    if strict:
        raise RuntimeError(
            "torch.autograd.functional.jacobian: `strict=True` and `strategy=\"forward-mode\"` are "
            "not supported together (yet). Please either set `strict=False` or "
            "`strategy=\"reverse-mode\"`.")
    if not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian is only "
            "implemented for `vectorize=True`.")
    many_out = False

    def flat(*given: Tensor) -> Tensors:
        nonlocal many_out
        many_out, outputs = _call(func, given, "jacobian")
        return outputs

    blocks = columns(flat, _fresh(inputs, create_graph))[1]
    return _shaped(blocks, many_in, many_out, create_graph)


def _shaped(blocks: list[list[Tensor]], many_in: bool, many_out: bool, create_graph: bool) -> Any:
    """Blocks by output and input in the structure that func has."""
    rows = tuple(tuple(row) if many_in else row[0] for row in blocks)
    return _finished(rows if many_out else rows[0], create_graph)


def _scalar(func: Callable[..., Any]) -> Callable[..., Tensor]:
    """`func`, checked to give one number."""

    def checked(*inputs: Tensor) -> Tensor:
        value = func(*inputs)
        many, outputs = _as_tuple(value, "outputs of the user-provided function", "hessian")
        if many or len(outputs) != 1:
            raise RuntimeError("The function given to hessian should return a single Tensor")
        if outputs[0].numel() != 1:
            raise RuntimeError(
                "The Tensor returned by the function given to hessian should contain a single "
                f"element, but it has {outputs[0].numel()}")
        return outputs[0].squeeze()

    return checked


def _sloped(gradients: Tensors, strict: bool) -> Tensors:
    """The first derivatives; RuntimeError where one does not depend on the inputs, if `strict`."""
    for i, g in enumerate(gradients):
        if strict and not g.requires_grad:
            raise RuntimeError(
                "While computing the hessian, found that the jacobian of the user-provided "
                f"function with respect to input {i} is independent of the input. This is not "
                "allowed in strict mode.")
    return gradients


def _gradient_of(func: Callable[..., Any], strict: bool) -> Callable[..., Tensors]:
    scalar = _scalar(func)

    def gradient(*inputs: Tensor) -> Tensors:
        value = scalar(*inputs)
        found = _gradients((value,), inputs, (ops.ones_like(value, requires_grad=False),), True,
                           strict)
        return _sloped(found, strict)

    return gradient


def hessian(
    func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False,
    vectorize: bool = False, outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The Hessian of `func`, which returns one number: shape (input's shape, input's shape).

    Args:
        func, inputs, create_graph, strict: as of `vjp`.
        vectorize, outer_jacobian_strategy: as `vectorize` and `strategy` of `jacobian`, for the
            Jacobian of the gradient.

    >>> import rushlight as rl
    >>> rl.autograd.functional.hessian(lambda x: (x ** 3).sum(), rl.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    if outer_jacobian_strategy not in ("reverse-mode", "forward-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Got: '
            f"{outer_jacobian_strategy!r}")
    many, given = _as_tuple(inputs, "inputs", "hessian")
    result = jacobian(_gradient_of(func, strict), given, create_graph, strict, vectorize,
                      outer_jacobian_strategy)
    return result if many else result[0][0]


def vhp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """`func(*inputs)`, one number, and the product of `v` with its Hessian.

    Args:
        func, inputs, create_graph, strict: as of `vjp`.
        v: shaped as the inputs.

    >>> import rushlight as rl
    >>> rl.autograd.functional.vhp(lambda x: (x ** 3).sum(), rl.tensor([1.0, 2.0]), rl.ones(2))
    (tensor(9.), tensor([ 6., 12.]))
    """
    many, given = _as_tuple(inputs, "inputs", "vhp")
    with enable_grad():
        own = _fresh(given, create_graph)
        seeds = _like(v, own, many, "the input is", "vhp")
        value = _scalar(func)(*own)
        first = _sloped(_gradients(
            (value,), own, (ops.ones_like(value, requires_grad=False),), True, strict), strict)
        second = _gradients(first, own, seeds, create_graph, strict)
    return (_finished(value, create_graph),
            _finished(second if many else second[0], create_graph))


def hvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """`func(*inputs)`, one number, and the product of its Hessian, which is symmetric, with `v`.

    Args:
        func, inputs, v, create_graph, strict: as of `vhp`.

    >>> import rushlight as rl
    >>> rl.autograd.functional.hvp(lambda x: (x ** 3).sum(), rl.tensor([1.0, 2.0]), rl.ones(2))
    (tensor(9.), tensor([ 6., 12.]))
    """
    return vhp(func, inputs, v, create_graph, strict)
