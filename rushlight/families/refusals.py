"""What is said of dtypes that a pointwise operation has no kernel for, in torch's words."""

from __future__ import annotations

# Operations whose kernel torch calls by another name than theirs with "_cpu".
KERNELS = {
    "_squared_error": "mse_cpu", "_smooth_l1": "smooth_l1_cpu", "_huber": "huber_cpu",
    "_cross_entropy_of": "binary_cross_entropy", "_logit_cross_entropy": "log_sigmoid_cpu",
    "_softplus_of_negative": "log_sigmoid_cpu", "logsigmoid": "log_sigmoid_cpu",
    "gelu": "GeluKernelImpl", "selu": "elu_cpu", "celu": "elu_cpu",
}
# Those that torch refuses before it looks for a kernel.
REFUSED: dict[tuple[str, str], tuple[type[Exception], str]] = {
    ("relu", "Bool"): (RuntimeError, "Boolean inputs not supported for relu"),
    ("relu6", "Bool"): (RuntimeError, "Bool inputs not supported for hardtanh"),
    ("relu", "ComplexFloat"): (NotImplementedError, "clamp is not supported for complex types"),
    ("relu", "ComplexDouble"): (NotImplementedError, "clamp is not supported for complex types"),
}


def no_kernel(op: str, kind: str, details: str = "") -> Exception:
    """The error for operation `op` on a dtype that torch calls `kind`, as in "Long"."""
    error, words = REFUSED.get((op, kind), (
        NotImplementedError, f"\"{KERNELS.get(op, op + '_cpu')}\" not implemented for '{kind}'"))
    return error(words + details)
