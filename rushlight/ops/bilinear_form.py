"""A product of two vectors through a matrix for each output."""

from __future__ import annotations

from rushlight.base.flags import flags
from rushlight.families.composite import function
from rushlight.families.inplace import title
from rushlight.ops.matmul import matmul
from rushlight.tensor import Tensor


@function("bilinear nn.functional.bilinear", samples=lambda x: [
    (x(2, 3), x(2, 2), x(4, 3, 2), x(4)), (x(3), x(2), x(1, 3, 2))])
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y_k = x1^T A_k x2 + b_k.

    Args:
        input1: (*, in1). input2: (*, in2), with the same leading sizes.
        weight: (out, in1, in2). bias: (out,).

    Returns a new tensor (*, out). Raises RuntimeError for sizes that do not fit.

    >>> import rushlight as rl
    >>> rl.nn.functional.bilinear(rl.ones(1, 2), rl.ones(1, 3), rl.ones(1, 2, 3))
    tensor([[6.]])
    """
    out, in1, in2 = weight.shape
    given = {"input1": input1, "input2": input2, "weight": weight, "bias": bias}
    kinds = {name: x.dtype for name, x in given.items() if x is not None}
    if len(set(kinds.values())) > 1 and not flags.autocast:
        words = ", ".join(f"{name}: {title(kind).lower()}" for name, kind in kinds.items())
        raise RuntimeError(f"All tensors must have the same dtype, got {words}")
    for dim, (size, other) in enumerate(zip(input1.shape[:-1], input2.shape[:-1], strict=False)):
        if size != other:
            raise RuntimeError(
                f"bilinear(): input batch dimensions do not match at dim {dim}: "
                f"got {size} and {other}"
            )
    if input1.dim() != input2.dim():
        raise RuntimeError(
            f"bilinear(): input dimensions do not match: got {input1.dim()} and {input2.dim()}"
        )
    for name, input, size in (("input1", input1, in1), ("input2", input2, in2)):
        if input.size(-1) != size:
            raise RuntimeError(
                f"bilinear(): {name} size does not match weight size: got {input.size(-1)} but "
                f"expected {size}"
            )
    if bias is not None and bias.size(0) != out:
        raise RuntimeError(
            f"bilinear(): bias size does not match weight size: got {bias.size(0)} but "
            f"expected {out}"
        )
    left = matmul(input1, weight.transpose(0, 1).reshape(in1, out * in2))  # (*, out * in2)
    result = matmul(left.unflatten(-1, (out, in2)), input2.unsqueeze(-1)).squeeze(-1)
    return result if bias is None else result + bias
