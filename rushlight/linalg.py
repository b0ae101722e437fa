"""Linear algebra, named as in torch."""

from __future__ import annotations

# ---- operations: written by tools/write_index.py
from rushlight.ops.decomposition import cholesky, cholesky_ex, qr, svd, svdvals
from rushlight.ops.determinant import det, linalg_slogdet as slogdet
from rushlight.ops.eigenvalues import eig, eigh, eigvals, eigvalsh
from rushlight.ops.householder import householder_product
from rushlight.ops.ldl import ldl_factor, ldl_factor_ex, ldl_solve
from rushlight.ops.linear_system import (
    inv, inv_ex, lstsq, pinv, solve, solve_ex, tensorinv, tensorsolve,
)
from rushlight.ops.linear_triangular import solve_triangular
from rushlight.ops.lu import lu, lu_factor, lu_factor_ex, linalg_lu_solve as lu_solve
from rushlight.ops.matmul import matmul
from rushlight.ops.matrix_function import matrix_exp, matrix_power
from rushlight.ops.matrix_norm import cond, matrix_norm, matrix_rank, norm
from rushlight.ops.norm import vector_norm
from rushlight.ops.products import linalg_cross as cross, multi_dot, linalg_vander as vander, vecdot
from rushlight.ops.triangle import diagonal
# ---- by hand
from rushlight.ops.linear_triangular import LinAlgError
# ---- all names: written by tools/write_index.py
__all__ = [
    "LinAlgError", "cholesky", "cholesky_ex", "cond", "cross", "det", "diagonal", "eig", "eigh",
    "eigvals", "eigvalsh", "householder_product", "inv", "inv_ex", "ldl_factor", "ldl_factor_ex",
    "ldl_solve", "lstsq", "lu", "lu_factor", "lu_factor_ex", "lu_solve", "matmul", "matrix_exp",
    "matrix_norm", "matrix_power", "matrix_rank", "multi_dot", "norm", "pinv", "qr", "slogdet",
    "solve", "solve_ex", "solve_triangular", "svd", "svdvals", "tensorinv", "tensorsolve", "vander",
    "vecdot", "vector_norm",
]
