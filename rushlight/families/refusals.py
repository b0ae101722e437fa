"""What is said of dtypes that a pointwise operation has no kernel for, in torch's words."""

from __future__ import annotations

from typing import Any

from rushlight.base.errors import type_name

# Operations whose kernel torch calls by another name than theirs with "_cpu".
KERNELS = {
    "_squared_error": "mse_cpu", "_smooth_l1": "smooth_l1_cpu", "_huber": "huber_cpu",
    "_cross_entropy_of": "binary_cross_entropy", "_logit_cross_entropy": "log_sigmoid_cpu",
    "_softplus_of_negative": "log_sigmoid_cpu", "logsigmoid": "log_sigmoid_cpu",
    "softshrink": "softshrink_check", "gelu": "GeluKernelImpl", "selu": "elu_cpu",
    "celu": "elu_cpu",
}
# Those that torch refuses before it looks for a kernel.
REFUSED: dict[tuple[str, str], tuple[type[Exception], str]] = {
    ("relu", "Bool"): (RuntimeError, "Boolean inputs not supported for relu"),
    ("relu6", "Bool"): (RuntimeError, "Bool inputs not supported for hardtanh"),
    ("hardtanh", "Bool"): (RuntimeError, "Bool inputs not supported for hardtanh"),
    ("relu", "ComplexFloat"): (NotImplementedError, "clamp is not supported for complex types"),
    ("relu", "ComplexDouble"): (NotImplementedError, "clamp is not supported for complex types"),
}


def no_kernel(op: str, kind: str, details: str = "") -> Exception:
    """The error for operation `op` on a dtype that torch calls `kind`, as in "Long"."""
    error, words = REFUSED.get((op, kind), (
        NotImplementedError, f"\"{KERNELS.get(op, op + '_cpu')}\" not implemented for '{kind}'"))
    return error(words + details)


def invalid_combination(op: str, *values: Any) -> TypeError:
    """The error for arguments of which a tensor is something else, as torch words it."""
    while values and values[-1] is None and len(values) > 2:
        values = values[:-1]
    kinds = ", ".join("NoneType" if x is None else type_name(x) for x in values)
    return TypeError(f"{op}() received an invalid combination of arguments - got ({kinds}), but "
                     "expected (Tensor input, Tensor weight, Tensor bias = None, ...)")


def tensor_arrays(op: str, **values: Any) -> list[Any]:
    """The arrays of tensors, None for the last where it is None; TypeError names another value."""
    found = []
    last = next(reversed(values))
    for place, (name, value) in enumerate(values.items(), 1):
        array = getattr(value, "_array", None)
        if array is None and (value is not None or name != last):
            raise TypeError(f"{op}(): argument '{name}' (position {place}) must be Tensor, not "
                            f"{type_name(value)}")
        found.append(array)
    return found
