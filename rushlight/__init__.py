"""Rushlight: torch's programming model, written in Python."""

from rushlight.base.collector import no_collections as _no_collections

with _no_collections():  # every module that is always needed
    from rushlight import autograd, backends, cuda, fft, linalg, nn, ops, random, special, utils

# ---- operations: written by tools/write_index.py
from rushlight.ops.activation import (
    celu, celu_, hardshrink, prelu, relu, relu_, selu, selu_, sigmoid, sigmoid_, threshold,
    threshold_,
)
from rushlight.ops.adaptive_pooling import (
    adaptive_avg_pool1d, _adaptive_max_pool1d as adaptive_max_pool1d,
)
from rushlight.ops.arithmetic import (
    abs, abs_, absolute, add, addcdiv, addcmul, clamp, clamp_, clip, clip_, copysign, div, divide,
    floor_divide, fmax, fmin, fmod, hypot, lerp, maximum, minimum, mul, multiply, neg, neg_,
    negative, negative_, nextafter, pow, reciprocal, reciprocal_, remainder, rsub, sgn, sign,
    square, square_, sub, subtract, true_divide,
)
from rushlight.ops.arithmetic_forms import (
    clamp_max, clamp_max_, clamp_min, clamp_min_, float_power, frexp, gcd, gcd_, heaviside, lcm,
    lcm_, ldexp, ldexp_, mvlgamma, nan_to_num, nan_to_num_, polygamma, positive,
)
from rushlight.ops.average_pooling import avg_pool1d
from rushlight.ops.bilinear_form import bilinear
from rushlight.ops.bitwise import (
    bitwise_and, bitwise_left_shift, bitwise_not, bitwise_or, bitwise_right_shift, bitwise_xor,
)
from rushlight.ops.comparison import (
    eq, ge, greater, greater_equal, gt, isclose, isfinite, isinf, isnan, isneginf, isposinf, le,
    less, less_equal, logical_and, logical_not, logical_or, logical_xor, lt, ne, not_equal, signbit,
)
from rushlight.ops.complex_numbers import complex, isreal, polar
from rushlight.ops.control_flow import cond, while_loop
from rushlight.ops.convolution import (
    conv1d, conv2d, conv3d, conv_tbc, conv_transpose1d, conv_transpose2d, conv_transpose3d,
    _convolution as convolution,
)
from rushlight.ops.copying import clone, fill, fill_, zero_
from rushlight.ops.counting import bincount, histc, histogram
from rushlight.ops.creation import (
    as_tensor, asarray, empty, empty_like, empty_strided, eye, from_dlpack, from_numpy, frombuffer,
    full, full_like, is_tensor, ones, ones_like, tensor, zeros, zeros_like,
)
from rushlight.ops.ctc import ctc_loss
from rushlight.ops.decomposition import old_cholesky as cholesky, old_qr as qr, old_svd as svd
from rushlight.ops.determinant import det, logdet, slogdet
from rushlight.ops.dropout import (
    alpha_dropout, alpha_dropout_, dropout, dropout_, feature_alpha_dropout, feature_alpha_dropout_,
    feature_dropout, feature_dropout_, native_dropout,
)
from rushlight.ops.einsum import einsum, kron, tensordot
from rushlight.ops.embedding import table_lookup as embedding
from rushlight.ops.fake_quantize import (
    fake_quantize_per_channel_affine, fake_quantize_per_tensor_affine,
)
from rushlight.ops.flipping import flip, fliplr, flipud, roll, rot90, tile
from rushlight.ops.geometry import cdist, cosine_similarity, dist, pairwise_distance, pdist
from rushlight.ops.gradient import gradient
from rushlight.ops.hashing import hash_tensor
from rushlight.ops.histogramdd import histogramdd
from rushlight.ops.householder import geqrf, orgqr, ormqr
from rushlight.ops.index_select import index_add, index_copy, index_fill, index_reduce, index_select
from rushlight.ops.indexing import index_put, index_put_, narrow, narrow_copy, select
from rushlight.ops.inplace_views import as_strided_
from rushlight.ops.joining import (
    atleast_1d, atleast_2d, atleast_3d, broadcast_tensors, cat, column_stack, concat, concatenate,
    dstack, hstack, meshgrid, row_stack, stack, vstack,
)
from rushlight.ops.left_out import (
    dequantize, hspmm, quantize_per_channel, quantize_per_tensor, quantize_per_tensor_dynamic,
    resize_as_sparse_, saddmm, smm, sparse_bsc_tensor, sparse_bsr_tensor, sspaddmm,
)
from rushlight.ops.linear_system import inverse, pinverse
from rushlight.ops.linear_triangular import cholesky_inverse, cholesky_solve, triangular_solve
from rushlight.ops.loss import (
    cosine_embedding_loss, hinge_embedding_loss, kl_div, margin_ranking_loss, poisson_nll_loss,
    triplet_margin_loss,
)
from rushlight.ops.low_rank import lobpcg, pca_lowrank, svd_lowrank
from rushlight.ops.lu import old_lu as lu, lu_solve, lu_unpack
from rushlight.ops.masking import masked_fill, masked_scatter, masked_select
from rushlight.ops.matmul import (
    addbmm, addmm, addmv, addmv_, addr, baddbmm, bmm, dot, ger, inner, matmul, mm, mv, outer, vdot,
)
from rushlight.ops.matrix_function import matrix_exp, matrix_power
from rushlight.ops.matrix_norm import frobenius_norm, nuclear_norm
from rushlight.ops.max_pooling import max_pool1d, max_pool1d_with_indices, max_pool2d, max_pool3d
from rushlight.ops.memory_layout import empty_permuted, from_file, resize_as_, scalar_tensor
from rushlight.ops.native_forms import (
    affine_grid_generator, binary_cross_entropy_with_logits, embedding_bag, embedding_renorm_,
    grid_sampler, grid_sampler_2d, grid_sampler_3d,
)
from rushlight.ops.native_normalization import (
    batch_norm, native_batch_norm, native_group_norm, native_layer_norm, norm_except_dim,
)
from rushlight.ops.norm import norm, renorm
from rushlight.ops.normalization import group_norm, instance_norm, layer_norm, rms_norm
from rushlight.ops.padding import constant_pad_nd
from rushlight.ops.positions import (
    argwhere, nonzero, nonzero_static, tril_indices, triu_indices, unravel_index,
)
from rushlight.ops.products import (
    block_diag, cartesian_prod, chain_matmul, combinations, cross, repeat_interleave, vander,
)
from rushlight.ops.properties import (
    broadcast_shapes, detach, detach_, get_device, is_complex, is_conj, is_distributed,
    is_floating_point, is_inference, is_neg, is_same_size, is_signed, is_storage, numel,
    result_type,
)
from rushlight.ops.quantile import nanquantile, quantile
from rushlight.ops.random import (
    bernoulli, multinomial, normal, poisson, rand, rand_like, randint, randint_like, randn,
    randn_like, randperm,
)
from rushlight.ops.random_activation import rrelu, rrelu_
from rushlight.ops.random_distributions import binomial
from rushlight.ops.ranges import arange, linspace, logspace, range
from rushlight.ops.recurrent import (
    gru, gru_cell, lstm, lstm_cell, rnn_relu, rnn_relu_cell, rnn_tanh, rnn_tanh_cell,
)
from rushlight.ops.reduction import (
    all, amax, amin, aminmax, any, argmax, argmin, count_nonzero, max, mean, min, nanmean, nansum,
    prod, std, std_mean, sum, var, var_mean,
)
from rushlight.ops.rounding import (
    ceil, ceil_, fix, fix_, floor, floor_, frac, frac_, round, round_, trunc, trunc_,
)
from rushlight.ops.scan import (
    cummax, cummin, cumprod, cumsum, cumulative_trapezoid, diff, logcumsumexp, trapezoid, trapz,
)
from rushlight.ops.scatter import (
    as_strided_scatter, diagonal_scatter, gather, scatter, scatter_add, scatter_reduce,
    select_scatter, slice_scatter,
)
from rushlight.ops.searching import bucketize, searchsorted
from rushlight.ops.segments import segment_reduce
from rushlight.ops.selection import (
    adjoint, allclose, angle, conj, conj_physical, conj_physical_, equal, imag, is_nonzero, real,
    resolve_conj, resolve_neg, where,
)
from rushlight.ops.short_time_fourier import istft, stft
from rushlight.ops.shuffling import (
    channel_shuffle, native_channel_shuffle, pixel_shuffle, pixel_unshuffle,
)
from rushlight.ops.softmax import log_softmax, logsumexp, softmax
from rushlight.ops.sorting import argsort, kthvalue, median, mode, msort, nanmedian, sort, topk
from rushlight.ops.sparse import (
    dsmm, hsmm, sparse_compressed_tensor, sparse_coo_tensor, sparse_csc_tensor, sparse_csr_tensor,
    spmm,
)
from rushlight.ops.special_functions import igamma, igammac
from rushlight.ops.splitting import (
    chunk, dsplit, hsplit, split, split_with_sizes, tensor_split, unbind, unsafe_chunk,
    unsafe_split, unsafe_split_with_sizes, vsplit,
)
from rushlight.ops.statistics import corrcoef, cov
from rushlight.ops.symbolic_numbers import (
    sym_float, sym_int, sym_ite, sym_max, sym_min, sym_not, sym_sum,
)
from rushlight.ops.take import put, take, take_along_dim
from rushlight.ops.transcendental import (
    acos, acos_, acosh, acosh_, arccos, arccos_, arccosh, arccosh_, arcsin, arcsin_, arcsinh,
    arcsinh_, arctan, arctan2, arctan_, arctanh, arctanh_, asin, asin_, asinh, asinh_, atan, atan2,
    atan_, atanh, atanh_, cos, cos_, cosh, cosh_, deg2rad, deg2rad_, digamma, erf, erf_, erfc,
    erfc_, erfinv, exp, exp2, exp2_, exp_, expm1, expm1_, i0, i0_, lgamma, log, log10, log10_,
    log1p, log1p_, log2, log2_, log_, logaddexp, logaddexp2, logit, logit_, rad2deg, rad2deg_,
    rsqrt, rsqrt_, sin, sin_, sinc, sinc_, sinh, sinh_, sqrt, sqrt_, tan, tan_, tanh, tanh_, xlogy,
    xlogy_,
)
from rushlight.ops.transposition import moveaxis, movedim, permute, swapaxes, swapdims, t, transpose
from rushlight.ops.triangle import diag, diag_embed, diagflat, trace, tril, triu
from rushlight.ops.unique import isin, unique, unique_consecutive
from rushlight.ops.view_copies import (
    alias_copy, as_strided_copy, detach_copy, diagonal_copy, expand_copy, permute_copy, select_copy,
    slice_copy, split_copy, split_with_sizes_copy, squeeze_copy, t_copy, transpose_copy,
    unbind_copy, unfold_copy, unsqueeze_copy, view_as_complex_copy, view_as_real_copy, view_copy,
)
from rushlight.ops.viewing import (
    as_strided, broadcast_to, diagonal, flatten, ravel, reshape, squeeze, unflatten, unsqueeze,
    view_as_complex, view_as_real,
)
from rushlight.ops.windows import (
    bartlett_window, blackman_window, hamming_window, hann_window, kaiser_window,
)
# ---- by hand
from importlib import import_module as _import_module
from math import e, inf, nan, pi
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from rushlight.autograd import (
    enable_grad,
    inference_mode,
    is_anomaly_check_nan_enabled,
    is_anomaly_enabled,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from rushlight.backends.cpu.allocator import empty_cache, memory_stats
from rushlight.backends.cpu.features import get_num_threads, set_num_threads
from rushlight.base.device import device
from rushlight.base.dtypes import (
    bfloat16,
    complex64,
    complex128,
    dtype,
    finfo,
    float8_e4m3fn,
    float8_e4m3fnuz,
    float8_e5m2,
    float8_e5m2fnuz,
    float8_e8m0fnu,
    float16,
    float32,
    float64,
    iinfo,
    int8,
    int16,
    int32,
    int64,
    set_default_dtype,
    uint8,
    uint16,
    uint32,
    uint64,
)
from rushlight.base.dtypes import bool_ as bool
from rushlight.base.dtypes import complex64 as cfloat
from rushlight.base.dtypes import complex128 as cdouble
from rushlight.base.dtypes import default_dtype as get_default_dtype
from rushlight.base.dtypes import float16 as half
from rushlight.base.dtypes import float32 as float
from rushlight.base.dtypes import float64 as double
from rushlight.base.dtypes import int16 as short
from rushlight.base.dtypes import int32 as int
from rushlight.base.dtypes import int64 as long
from rushlight.base.promotion import can_cast, promote_types
from rushlight.base.shapes import Size
from rushlight.default_device import get_default_device, set_default_device
from rushlight.legacy import (
    BFloat16Tensor,
    BoolTensor,
    ByteTensor,
    CharTensor,
    DoubleTensor,
    FloatTensor,
    HalfTensor,
    IntTensor,
    LongTensor,
    ShortTensor,
    set_default_tensor_type,
    typename,
)
from rushlight.ops.left_out import LEFT_OUT as _LEFT_OUT
from rushlight.ops.matmul import addmm_activation as _addmm_activation  # noqa: F401
from rushlight.ops.symbolic_numbers import SymBool, SymFloat, SymInt
from rushlight.random import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from rushlight.switches import (
    are_deterministic_algorithms_enabled,
    get_deterministic_debug_mode,
    get_float32_matmul_precision,
    get_num_interop_threads,
    is_deterministic_algorithms_warn_only_enabled,
    is_warn_always_enabled,
    set_deterministic_debug_mode,
    set_float32_matmul_precision,
    set_flush_denormal,
    set_num_interop_threads,
    set_warn_always,
    use_deterministic_algorithms,
)
from rushlight.tensor import Tensor
from rushlight.tensor.printing import get_printoptions, printoptions, set_printoptions
from rushlight.tensor.storage import (
    UntypedStorage,
    channels_last,
    channels_last_3d,
    contiguous_format,
    jagged,
    layout,
    memory_format,
    preserve_format,
    sparse_bsc,
    sparse_bsr,
    sparse_coo,
    sparse_csc,
    sparse_csr,
    strided,
)
from rushlight.utils.dlpack import to_dlpack

newaxis = None

# Imported when first asked for, so that importing the package stays quick: packages, and names in
# modules.
_LAZY = {
    **dict.fromkeys(("_C", "accelerator", "amp", "array_api", "checkpoint", "cpu", "distributed",
                     "distributions", "func", "functional", "fx", "masked", "mps", "mtia", "nested",
                     "optim", "overrides", "quasirandom", "serialization", "signal", "sparse",
                     "testing", "xpu")),
    **dict.fromkeys(("compat", "compiler", "hub", "jit", "multiprocessing", "onnx", "profiler")),
    "compile": "compiler",
    **dict.fromkeys(("AcceleratorError", "OutOfMemoryError", "get_device_module"), "devices"),
    **dict.fromkeys(("GradScaler", "autocast", "autocast_decrement_nesting",
                     "autocast_increment_nesting", "clear_autocast_cache",
                     "get_autocast_cpu_dtype", "get_autocast_dtype", "get_autocast_gpu_dtype",
                     "is_autocast_available", "is_autocast_cache_enabled",
                     "is_autocast_cpu_enabled", "is_autocast_enabled",
                     "set_autocast_cache_enabled", "set_autocast_cpu_dtype",
                     "set_autocast_cpu_enabled", "set_autocast_dtype", "set_autocast_enabled",
                     "set_autocast_gpu_dtype"), "amp"),
    **dict.fromkeys(("return_types", "storage", "types", "version"), "compat.inside"),
    **dict.fromkeys(("BFloat16Storage", "BoolStorage", "ByteStorage", "CharStorage",
                     "DoubleStorage", "FloatStorage", "HalfStorage", "IntStorage", "LongStorage",
                     "ShortStorage", "TypedStorage"), "tensor.typed_storage"),
    **dict.fromkeys(("load", "load_file", "save", "save_file"), "serialization"),
    "vmap": "func",
    **dict.fromkeys(("memory_report", "track_memory"), "autograd.memory_report"),
    "nan_guard": "autograd.nan_guard",
    "saved_bytes": "autograd.saved_bytes",
    **dict.fromkeys(("Ragged", "from_padded"), "sequences"),
    "ragged": "sequences.making",
    "summary": "nn.summary",
    "taps": "nn.taps",
}

if _TYPE_CHECKING:
    from rushlight import (
        accelerator, amp, array_api, checkpoint, cpu, distributed, distributions, func, functional,
        masked, mps, mtia, nested, optim, overrides, quasirandom, serialization, signal, testing,
        xpu,
    )
    from rushlight.amp import (
        GradScaler, autocast, autocast_decrement_nesting, autocast_increment_nesting,
        clear_autocast_cache, get_autocast_cpu_dtype, get_autocast_dtype, get_autocast_gpu_dtype,
        is_autocast_available, is_autocast_cache_enabled, is_autocast_cpu_enabled,
        is_autocast_enabled, set_autocast_cache_enabled, set_autocast_cpu_dtype,
        set_autocast_cpu_enabled, set_autocast_dtype, set_autocast_enabled, set_autocast_gpu_dtype,
    )
    from rushlight.autograd.memory_report import memory_report, track_memory
    from rushlight.autograd.nan_guard import nan_guard
    from rushlight.autograd.saved_bytes import saved_bytes
    from rushlight.devices import AcceleratorError, OutOfMemoryError, get_device_module
    from rushlight.compiler import compile
    from rushlight.func import vmap
    from rushlight.nn.summary import summary
    from rushlight.nn.taps import taps
    from rushlight.sequences import Ragged, from_padded
    from rushlight.sequences.making import ragged
    from rushlight.serialization import load, load_file, save, save_file


def __getattr__(name: str) -> _Any:
    if name not in _LAZY:
        reason = f": {_LEFT_OUT[name]}" if name in _LEFT_OUT else ""
        raise AttributeError(f"module 'rushlight' has no attribute '{name}'{reason}")
    module = _LAZY[name]
    found = _import_module(f"rushlight.{module or name}")
    globals()[name] = found = getattr(found, name) if module else found
    return found


__version__ = "0.1.0"

# ---- all names: written by tools/write_index.py
__all__ = [
    "AcceleratorError", "BFloat16Tensor", "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor",
    "FloatTensor", "Generator", "GradScaler", "HalfTensor", "IntTensor", "LongTensor",
    "OutOfMemoryError", "Ragged", "ShortTensor", "Size", "SymBool", "SymFloat", "SymInt", "Tensor",
    "UntypedStorage", "abs", "abs_", "absolute", "accelerator", "acos", "acos_", "acosh", "acosh_",
    "adaptive_avg_pool1d", "adaptive_max_pool1d", "add", "addbmm", "addcdiv", "addcmul", "addmm",
    "addmv", "addmv_", "addr", "adjoint", "affine_grid_generator", "alias_copy", "all", "allclose",
    "alpha_dropout", "alpha_dropout_", "amax", "amin", "aminmax", "amp", "angle", "any", "arange",
    "arccos", "arccos_", "arccosh", "arccosh_", "arcsin", "arcsin_", "arcsinh", "arcsinh_",
    "arctan", "arctan2", "arctan_", "arctanh", "arctanh_", "are_deterministic_algorithms_enabled",
    "argmax", "argmin", "argsort", "argwhere", "array_api", "as_strided", "as_strided_",
    "as_strided_copy", "as_strided_scatter", "as_tensor", "asarray", "asin", "asin_", "asinh",
    "asinh_", "atan", "atan2", "atan_", "atanh", "atanh_", "atleast_1d", "atleast_2d", "atleast_3d",
    "autocast", "autocast_decrement_nesting", "autocast_increment_nesting", "autograd",
    "avg_pool1d", "backends", "baddbmm", "bartlett_window", "batch_norm", "bernoulli", "bfloat16",
    "bilinear", "binary_cross_entropy_with_logits", "bincount", "binomial", "bitwise_and",
    "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor",
    "blackman_window", "block_diag", "bmm", "bool", "broadcast_shapes", "broadcast_tensors",
    "broadcast_to", "bucketize", "can_cast", "cartesian_prod", "cat", "cdist", "cdouble", "ceil",
    "ceil_", "celu", "celu_", "cfloat", "chain_matmul", "channel_shuffle", "channels_last",
    "channels_last_3d", "checkpoint", "cholesky", "cholesky_inverse", "cholesky_solve", "chunk",
    "clamp", "clamp_", "clamp_max", "clamp_max_", "clamp_min", "clamp_min_", "clear_autocast_cache",
    "clip", "clip_", "clone", "column_stack", "combinations", "compile", "complex", "complex128",
    "complex64", "concat", "concatenate", "cond", "conj", "conj_physical", "conj_physical_",
    "constant_pad_nd", "contiguous_format", "conv1d", "conv2d", "conv3d", "conv_tbc",
    "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "convolution", "copysign",
    "corrcoef", "cos", "cos_", "cosh", "cosh_", "cosine_embedding_loss", "cosine_similarity",
    "count_nonzero", "cov", "cpu", "cross", "ctc_loss", "cuda", "cummax", "cummin", "cumprod",
    "cumsum", "cumulative_trapezoid", "default_generator", "deg2rad", "deg2rad_", "dequantize",
    "det", "detach", "detach_", "detach_copy", "device", "diag", "diag_embed", "diagflat",
    "diagonal", "diagonal_copy", "diagonal_scatter", "diff", "digamma", "dist", "distributed",
    "distributions", "div", "divide", "dot", "double", "dropout", "dropout_", "dsmm", "dsplit",
    "dstack", "dtype", "e", "einsum", "embedding", "embedding_bag", "embedding_renorm_", "empty",
    "empty_cache", "empty_like", "empty_permuted", "empty_strided", "enable_grad", "eq", "equal",
    "erf", "erf_", "erfc", "erfc_", "erfinv", "exp", "exp2", "exp2_", "exp_", "expand_copy",
    "expm1", "expm1_", "eye", "fake_quantize_per_channel_affine", "fake_quantize_per_tensor_affine",
    "feature_alpha_dropout", "feature_alpha_dropout_", "feature_dropout", "feature_dropout_", "fft",
    "fill", "fill_", "finfo", "fix", "fix_", "flatten", "flip", "fliplr", "flipud", "float",
    "float16", "float32", "float64", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2",
    "float8_e5m2fnuz", "float8_e8m0fnu", "float_power", "floor", "floor_", "floor_divide", "fmax",
    "fmin", "fmod", "frac", "frac_", "frexp", "frobenius_norm", "from_dlpack", "from_file",
    "from_numpy", "from_padded", "frombuffer", "full", "full_like", "func", "functional", "gather",
    "gcd", "gcd_", "ge", "geqrf", "ger", "get_autocast_cpu_dtype", "get_autocast_dtype",
    "get_autocast_gpu_dtype", "get_default_device", "get_default_dtype",
    "get_deterministic_debug_mode", "get_device", "get_device_module",
    "get_float32_matmul_precision", "get_num_interop_threads", "get_num_threads",
    "get_printoptions", "get_rng_state", "gradient", "greater", "greater_equal", "grid_sampler",
    "grid_sampler_2d", "grid_sampler_3d", "group_norm", "gru", "gru_cell", "gt", "half",
    "hamming_window", "hann_window", "hardshrink", "hash_tensor", "heaviside",
    "hinge_embedding_loss", "histc", "histogram", "histogramdd", "hsmm", "hsplit", "hspmm",
    "hstack", "hypot", "i0", "i0_", "igamma", "igammac", "iinfo", "imag", "index_add", "index_copy",
    "index_fill", "index_put", "index_put_", "index_reduce", "index_select", "inf",
    "inference_mode", "initial_seed", "inner", "instance_norm", "int", "int16", "int32", "int64",
    "int8", "inverse", "is_anomaly_check_nan_enabled", "is_anomaly_enabled",
    "is_autocast_available", "is_autocast_cache_enabled", "is_autocast_cpu_enabled",
    "is_autocast_enabled", "is_complex", "is_conj", "is_deterministic_algorithms_warn_only_enabled",
    "is_distributed", "is_floating_point", "is_grad_enabled", "is_inference",
    "is_inference_mode_enabled", "is_neg", "is_nonzero", "is_same_size", "is_signed", "is_storage",
    "is_tensor", "is_warn_always_enabled", "isclose", "isfinite", "isin", "isinf", "isnan",
    "isneginf", "isposinf", "isreal", "istft", "jagged", "kaiser_window", "kl_div", "kron",
    "kthvalue", "layer_norm", "layout", "lcm", "lcm_", "ldexp", "ldexp_", "le", "lerp", "less",
    "less_equal", "lgamma", "linalg", "linspace", "load", "load_file", "lobpcg", "log", "log10",
    "log10_", "log1p", "log1p_", "log2", "log2_", "log_", "log_softmax", "logaddexp", "logaddexp2",
    "logcumsumexp", "logdet", "logical_and", "logical_not", "logical_or", "logical_xor", "logit",
    "logit_", "logspace", "logsumexp", "long", "lstm", "lstm_cell", "lt", "lu", "lu_solve",
    "lu_unpack", "manual_seed", "margin_ranking_loss", "masked", "masked_fill", "masked_scatter",
    "masked_select", "matmul", "matrix_exp", "matrix_power", "max", "max_pool1d",
    "max_pool1d_with_indices", "max_pool2d", "max_pool3d", "maximum", "mean", "median",
    "memory_format", "memory_report", "memory_stats", "meshgrid", "min", "minimum", "mm", "mode",
    "moveaxis", "movedim", "mps", "msort", "mtia", "mul", "multinomial", "multiply", "mv",
    "mvlgamma", "nan", "nan_guard", "nan_to_num", "nan_to_num_", "nanmean", "nanmedian",
    "nanquantile", "nansum", "narrow", "narrow_copy", "native_batch_norm", "native_channel_shuffle",
    "native_dropout", "native_group_norm", "native_layer_norm", "ne", "neg", "neg_", "negative",
    "negative_", "nested", "newaxis", "nextafter", "nn", "no_grad", "nonzero", "nonzero_static",
    "norm", "norm_except_dim", "normal", "not_equal", "nuclear_norm", "numel", "ones", "ones_like",
    "ops", "optim", "orgqr", "ormqr", "outer", "overrides", "pairwise_distance", "pca_lowrank",
    "pdist", "permute", "permute_copy", "pi", "pinverse", "pixel_shuffle", "pixel_unshuffle",
    "poisson", "poisson_nll_loss", "polar", "polygamma", "positive", "pow", "prelu",
    "preserve_format", "printoptions", "prod", "promote_types", "put", "qr", "quantile",
    "quantize_per_channel", "quantize_per_tensor", "quantize_per_tensor_dynamic", "quasirandom",
    "rad2deg", "rad2deg_", "ragged", "rand", "rand_like", "randint", "randint_like", "randn",
    "randn_like", "random", "randperm", "range", "ravel", "real", "reciprocal", "reciprocal_",
    "relu", "relu_", "remainder", "renorm", "repeat_interleave", "reshape", "resize_as_",
    "resize_as_sparse_", "resolve_conj", "resolve_neg", "result_type", "rms_norm", "rnn_relu",
    "rnn_relu_cell", "rnn_tanh", "rnn_tanh_cell", "roll", "rot90", "round", "round_", "row_stack",
    "rrelu", "rrelu_", "rsqrt", "rsqrt_", "rsub", "saddmm", "save", "save_file", "saved_bytes",
    "scalar_tensor", "scatter", "scatter_add", "scatter_reduce", "searchsorted", "seed",
    "segment_reduce", "select", "select_copy", "select_scatter", "selu", "selu_", "serialization",
    "set_autocast_cache_enabled", "set_autocast_cpu_dtype", "set_autocast_cpu_enabled",
    "set_autocast_dtype", "set_autocast_enabled", "set_autocast_gpu_dtype", "set_default_device",
    "set_default_dtype", "set_default_tensor_type", "set_deterministic_debug_mode",
    "set_float32_matmul_precision", "set_flush_denormal", "set_grad_enabled",
    "set_num_interop_threads", "set_num_threads", "set_printoptions", "set_rng_state",
    "set_warn_always", "sgn", "short", "sigmoid", "sigmoid_", "sign", "signal", "signbit", "sin",
    "sin_", "sinc", "sinc_", "sinh", "sinh_", "slice_copy", "slice_scatter", "slogdet", "smm",
    "softmax", "sort", "sparse_bsc", "sparse_bsc_tensor", "sparse_bsr", "sparse_bsr_tensor",
    "sparse_compressed_tensor", "sparse_coo", "sparse_coo_tensor", "sparse_csc",
    "sparse_csc_tensor", "sparse_csr", "sparse_csr_tensor", "special", "split", "split_copy",
    "split_with_sizes", "split_with_sizes_copy", "spmm", "sqrt", "sqrt_", "square", "square_",
    "squeeze", "squeeze_copy", "sspaddmm", "stack", "std", "std_mean", "stft", "strided", "sub",
    "subtract", "sum", "summary", "svd", "svd_lowrank", "swapaxes", "swapdims", "sym_float",
    "sym_int", "sym_ite", "sym_max", "sym_min", "sym_not", "sym_sum", "t", "t_copy", "take",
    "take_along_dim", "tan", "tan_", "tanh", "tanh_", "taps", "tensor", "tensor_split", "tensordot",
    "testing", "threshold", "threshold_", "tile", "to_dlpack", "topk", "trace", "track_memory",
    "transpose", "transpose_copy", "trapezoid", "trapz", "triangular_solve", "tril", "tril_indices",
    "triplet_margin_loss", "triu", "triu_indices", "true_divide", "trunc", "trunc_", "typename",
    "uint16", "uint32", "uint64", "uint8", "unbind", "unbind_copy", "unflatten", "unfold_copy",
    "unique", "unique_consecutive", "unravel_index", "unsafe_chunk", "unsafe_split",
    "unsafe_split_with_sizes", "unsqueeze", "unsqueeze_copy", "use_deterministic_algorithms",
    "utils", "vander", "var", "var_mean", "vdot", "view_as_complex", "view_as_complex_copy",
    "view_as_real", "view_as_real_copy", "view_copy", "vmap", "vsplit", "vstack", "where",
    "while_loop", "xlogy", "xlogy_", "xpu", "zero_", "zeros", "zeros_like",
]
