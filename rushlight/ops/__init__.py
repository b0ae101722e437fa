"""Declarations: every op once, one file a topic.

Every declared function is a name of this package, under its own name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rushlight.families import node_names, saved_values, subclass
from rushlight.families.declaration import DECLARATIONS, FUNCTIONS, PATHS

# ---- operations: written by tools/write_index.py
from rushlight.ops import (
    activation, adaptive_pooling, arithmetic, arithmetic_forms, array_namespace, attention,
    average_pooling, bilinear_form, bitwise, comparison, complex_numbers, control_flow, convolution,
    copying, counting, creation, cross_entropy, ctc, decomposition, determinant, dropout,
    eigenvalues, einsum, embedding, embedding_bag, fake_quantize, fft, flipping, folding,
    frequencies, geometry, gradient, grid_sampling, hashing, histogramdd, householder, index_select,
    indexing, inplace_views, interpolation, joining, ldl, left_out, linear_cross_entropy,
    linear_system, linear_triangular, loss, low_rank, lu, margin_loss, masked_loss,
    masked_reductions, masking, matmul, matrix_function, matrix_norm, max_pooling, memory_layout,
    multi_head_attention, native_forms, native_normalization, norm, normalization,
    orthogonal_polynomials, padding, pooling, pooling_windows, positions, products, properties,
    python_calls, quantile, random, random_activation, random_distributions, random_inplace, ranges,
    recurrent, recurrent_layer, reduction, rounding, scan, scatter, searching, segments, selection,
    sequence_attention, sequence_rows, short_time_fourier, shuffling, softmax, sorting, sparse,
    sparse_changes, sparse_compressed, sparse_layout, special_functions, splitting, statistics,
    symbolic_numbers, take, transcendental, transposition, triangle, unique, upsampling,
    view_copies, viewing, windows,
)
# ---- by hand


def _last(path: str) -> str:
    return path.rpartition(".")[2]


globals().update({path: function for path, function in FUNCTIONS.items() if "." not in path})
globals().update({_last(path): function for path, function in FUNCTIONS.items()
                  if path.startswith("nn.functional.") and _last(path) not in FUNCTIONS})
subclass.install()
node_names.install()
saved_values.install()

if TYPE_CHECKING:  # what a declaration becomes, no type checker can follow

    def __getattr__(name: str) -> Any: ...


__all__ = ["DECLARATIONS", "FUNCTIONS", "PATHS"]
