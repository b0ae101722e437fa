"""torch.sparse: products and sums of sparse tensors, and their constructors of old."""

from __future__ import annotations

from typing import Any

from rushlight.base import dtypes
from rushlight.ops.matmul import addmm as _addmm
from rushlight.ops.sparse import sparse_coo_tensor
from rushlight.tensor import Tensor

__all__ = ["addmm", "mm", "sum"]


def mm(mat1: Tensor, mat2: Tensor) -> Tensor:
    """mat1 @ mat2, of which one at least is sparse; the result is dense where one is.

    >>> import rushlight as rl
    >>> rl.sparse.mm(rl.eye(2).to_sparse(), rl.ones(2, 2))
    tensor([[1., 1.],
            [1., 1.]])
    """
    return mat1 @ mat2


def addmm(mat: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1.0,
          alpha: float = 1.0) -> Tensor:
    """beta * mat + alpha * mat1 @ mat2, where mat1 is sparse."""
    return _addmm(mat, mat1, mat2, beta=beta, alpha=alpha)


def sum(input: Tensor, dim: Any = None, dtype: Any = None) -> Tensor:
    """The sum of all entries, or over sparse dimensions, which is sparse if some are left.

    >>> import rushlight as rl
    >>> rl.sparse.sum(rl.eye(3).to_sparse(), dim=0).to_dense()
    tensor([1., 1., 1.])
    """
    return input.sum(dtype=dtype) if dim is None else input.sum(dim, dtype=dtype)


def _constructor(name: str, kind: Any) -> Any:
    def make(indices: Any, values: Any, size: Any = None) -> Tensor:
        return sparse_coo_tensor(indices, values, size, dtype=kind)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"sparse_coo_tensor(indices, values, size) of {kind}."
    return make


for _name, _kind in (("Float", dtypes.float32), ("Double", dtypes.float64),
                     ("Half", dtypes.float16), ("BFloat16", dtypes.bfloat16),
                     ("Long", dtypes.int64), ("Int", dtypes.int32), ("Short", dtypes.int16),
                     ("Char", dtypes.int8), ("Byte", dtypes.uint8)):
    globals()[f"{_name}Tensor"] = _constructor(f"{_name}Tensor", _kind)
