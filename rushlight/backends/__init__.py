"""Where arrays are computed: host (NumPy, the reference), cpu (native code) and meta (shapes).

`cuda`, `cudnn`, `mkl`, `mkldnn`, `mps`, `openmp`, `opt_einsum` and `quantized` hold the settings
and answers that programs written for torch look for; `winograd` is a setting of our own.
"""

from rushlight.backends import (
    cuda,
    cudnn,
    mkl,
    mkldnn,
    mps,
    openmp,
    opt_einsum,
    quantized,
    winograd,
)

__all__ = ["cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp", "opt_einsum", "quantized",
           "winograd"]
