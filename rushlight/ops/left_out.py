"""What tensors here do not have: sparse and quantised layouts. Their functions say so.

A sparse tensor's own questions fail on dense ones in torch as well, with the same phrase.
"""

from __future__ import annotations

from typing import Any

from rushlight.families.composite import composite, function
from rushlight.tensor import Tensor

SPARSE = "sparse tensors are not supported: all tensors are dense (strided)"
QUANTISED = ("quantised tensors are not supported: see fake_quantize_per_tensor_affine for "
             "quantisation-aware training")
MAKING_SPARSE = ("to_sparse to_sparse_coo to_sparse_csr to_sparse_csc to_sparse_bsr to_sparse_bsc "
                 "sparse_mask sparse_resize_ sparse_resize_and_clear_ resize_as_sparse_ smm "
                 "sspaddmm to_mkldnn to_padded_tensor")
OF_SPARSE = ("coalesce is_coalesced indices values crow_indices col_indices ccol_indices "
             "row_indices")
OF_QUANTISED = ("int_repr qscheme q_scale q_zero_point q_per_channel_axis q_per_channel_scales "
                "q_per_channel_zero_points")
SPARSE_FUNCTIONS = ("sparse_coo_tensor sparse_csr_tensor sparse_csc_tensor sparse_bsr_tensor "
                    "sparse_bsc_tensor sparse_compressed_tensor resize_as_sparse_ smm sspaddmm "
                    "spmm dsmm hsmm hspmm saddmm")
QUANTISED_FUNCTIONS = ("quantize_per_tensor quantize_per_channel quantize_per_tensor_dynamic")


def _refuse(name: str, message: str, declare: Any, path: str) -> None:
    def refuse(*args: Any, **options: Any) -> Any:
        raise NotImplementedError(message)

    refuse.__name__ = refuse.__qualname__ = name
    refuse.__doc__ = f"Refused: {message}.\n\n    Raises NotImplementedError.\n    "
    globals()[name if declare is function else f"_{name}"] = declare(path)(refuse)


for _name in MAKING_SPARSE.split():
    _refuse(_name, f"{_name}(): {SPARSE}", composite, f"Tensor.{_name}")
for _name in OF_SPARSE.split():
    _kind = "sparse coordinate" if "coalesce" in _name else "sparse"
    _refuse(_name, f"{_name} expected {_kind} tensor layout but got Strided: {SPARSE}", composite,
            f"Tensor.{_name}")
for _name in OF_QUANTISED.split():
    _refuse(_name, f"{_name}(): {QUANTISED}", composite, f"Tensor.{_name}")
for _name in SPARSE_FUNCTIONS.split():
    _refuse(_name, f"{_name}(): {SPARSE}", function, _name)
for _name in QUANTISED_FUNCTIONS.split():
    _refuse(_name, f"{_name}(): {QUANTISED}", function, _name)


@composite("Tensor.dense_dim")
def dense_dim(input: Tensor) -> int:
    """The number of dense dimensions: all of them."""
    return input.ndim


@composite("Tensor.sparse_dim")
def sparse_dim(input: Tensor) -> int:
    """The number of sparse dimensions: none."""
    return 0


@composite("dequantize")
def dequantize(input: Tensor) -> Tensor:
    """The tensor as float32: it is not quantised."""
    return input.float()
