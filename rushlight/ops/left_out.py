"""What there is not: sparse and quantised layouts, whose functions say so, and other names.

A sparse tensor's own questions fail on dense ones in torch as well, with the same phrase.
"""

from __future__ import annotations

from typing import Any

from rushlight.families.composite import composite, function
from rushlight.tensor import Tensor

SPARSE = ("of sparse layouts there are coordinates, and compressed rows or columns of matrices: "
          "see sparse_coo_tensor, sparse_csr_tensor")
QUANTISED = ("quantised tensors are not supported: see fake_quantize_per_tensor_affine for "
             "quantisation-aware training")
MAKING_SPARSE = ("to_sparse_bsr to_sparse_bsc "
                 "sparse_resize_ sparse_resize_and_clear_ resize_as_sparse_ smm "
                 "sspaddmm to_mkldnn to_padded_tensor")
OF_SPARSE = ("coalesce is_coalesced indices values crow_indices col_indices ccol_indices "
             "row_indices")
OF_QUANTISED = ("int_repr qscheme q_scale q_zero_point q_per_channel_axis q_per_channel_scales "
                "q_per_channel_zero_points")
SPARSE_FUNCTIONS = ("sparse_bsr_tensor sparse_bsc_tensor resize_as_sparse_ smm sspaddmm "
                    "hspmm saddmm")
QUANTISED_FUNCTIONS = ("quantize_per_tensor quantize_per_channel quantize_per_tensor_dynamic")

# torch's public names that are not here, by reason. `hasattr` answers False for them; the reason
# is told where one is asked for.
_BY_REASON = {
    SPARSE: "slice_inverse",
    QUANTISED: """ao bit bits16 bits1x8 bits2x4 bits4x2 bits8 per_channel_affine
        per_channel_affine_float_qparams per_channel_symmetric per_tensor_affine
        per_tensor_symmetric qint32 qint8 qscheme quint2x4 quint4x2 quint8""",
    "integers below eight bits have no arithmetic in torch either: use int8 or uint8":
        "int1 int2 int3 int4 int5 int6 int7 uint1 uint2 uint3 uint4 uint5 uint6 uint7",
    "NumPy has no complex numbers of 16 bits: use complex64": "chalf complex32",
    "kernels for eight and four bits exist on accelerators only": """float4_e2m1fn_x2
        nn.functional.ScalingType nn.functional.SwizzleType nn.functional.scaled_grouped_mm
        nn.functional.scaled_mm""",
    "programs are recorded by the compiler, not as graphs of their own; save the state_dict": """
        classes export package""",
    "devices with queues of their own are not supported: operations are finished when they return":
        "Event Stream Tensor.mtia Tensor.record_stream Tensor.xpu",
    "there are no remote calls: use concurrent.futures": "futures",
    "counters for services are not there: write figures with utils.tensorboard": "monitor",
    "an internal form of `norm`": "native_norm",
    "dimensions have no objects of their own: index by position": "Tensor.index",
}
LEFT_OUT = {name: reason for reason, names in _BY_REASON.items() for name in names.split()}


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
