"""Which operations autocast casts, and to what: torch's lists for the CPU, in one table.

An operation learns to cast when autocast is first entered: its code is then replaced, in place,
by one that looks at the thread's switch. Programs without autocast pay nothing.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from types import FunctionType
from typing import Any

from rushlight.base import dtypes
from rushlight.base.errors import GENERATED
from rushlight.base.flags import flags
from rushlight.families.declaration import PATHS
from rushlight.families.override import claimed_by_type
from rushlight.families.source import materialise
from rushlight.tensor import Tensor

NAMES = {
    # to autocast's dtype: matrix products, which the lower precision makes fast
    "lower": """
        mm matmul bmm addmm baddbmm addbmm nn.functional.linear linalg.vecdot linalg.multi_dot
        conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d conv_tbc
        nn.functional.scaled_dot_product_attention prelu lstm rnn_tanh rnn_relu rnn_tanh_cell
        rnn_relu_cell
    """,
    # to float32: what loses too much
    "float32": """
        prod trace cdist quantile nanquantile nn.functional.avg_pool3d nn.functional.max_unpool2d
        nn.functional.max_unpool3d
        nn.functional.max_pool3d nn.functional.adaptive_avg_pool3d
        nn.functional.adaptive_max_pool3d nn.functional.fractional_max_pool2d
        nn.functional.fractional_max_pool3d nn.functional.grid_sample
        nn.functional.mse_loss nn.functional.l1_loss nn.functional.smooth_l1_loss
        nn.functional.huber_loss nn.functional.nll_loss nn.functional.cross_entropy
        nn.functional.binary_cross_entropy nn.functional.binary_cross_entropy_with_logits
        kl_div poisson_nll_loss cosine_embedding_loss hinge_embedding_loss margin_ranking_loss
        triplet_margin_loss nn.functional.soft_margin_loss nn.functional.multi_margin_loss
        nn.functional.multilabel_margin_loss ctc_loss
        polar view_as_complex stft cholesky cholesky_solve cholesky_inverse triangular_solve
        inverse pinverse geqrf orgqr ormqr lu_solve qr svd linalg.cholesky linalg.cholesky_ex
        linalg.inv linalg.inv_ex linalg.pinv linalg.svd linalg.svdvals linalg.qr linalg.eigh
        linalg.eigvalsh linalg.eig linalg.eigvals linalg.solve linalg.lstsq linalg.cond
        linalg.matrix_rank linalg.tensorinv linalg.tensorsolve linalg.householder_product
        fft.fft fft.ifft fft.fft2 fft.ifft2 fft.fftn fft.ifftn fft.rfft fft.irfft fft.rfft2
        fft.irfft2 fft.rfftn fft.irfftn fft.hfft fft.ihfft
    """,
    # to the widest floating point dtype among the arguments
    "widest": "cat stack index_copy",
    # to float32 where it repeats elements, as they are where it puts a constant around them
    "padding": "nn.functional.pad",
    # as they are, and what they are made of too
    "none": """
        mv dot vdot addmv addr outer bilinear matrix_exp gru lstm_cell gru_cell dist renorm
        cosine_similarity layer_norm group_norm nn.functional.batch_norm rms_norm
    """,
}
LOW = (dtypes.float16, dtypes.bfloat16)
_lock = threading.Lock()
_installed = False


def install() -> None:
    """Teach the operations of the table to cast; once."""
    global _installed
    with _lock:
        if not _installed:
            for kind, names in NAMES.items():
                for name in names.split():
                    if name in PATHS:
                        _teach(PATHS[name].function, CASTS[kind], name)
            _installed = True


def _teach(declared: Any, cast: Any, name: str) -> None:
    """Put a question for autocast before the code of an operation's function."""
    function = inspect.unwrap(materialise(declared))
    code = function.__code__
    signature = inspect.signature(function)
    original = FunctionType(code, function.__globals__, code.co_name, function.__defaults__,
                            function.__closure__)
    original.__kwdefaults__ = function.__kwdefaults__

    def ask(args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        dtype = flags.autocast
        if dtype is None or options.get("out") is not None:  # torch leaves such calls alone
            return original(*args, **options)
        if claimed_by_type((*args, *options.values())):  # its own rule comes back here
            return original(*args, **options)
        args, options = cast((args, options), dtype)
        flags.autocast = None
        try:
            return original(*args, **options)
        finally:
            flags.autocast = dtype

    place = "_autocast_" + name.replace(".", "_")
    function.__globals__[place] = ask
    # The code of a closure has to name as many outer variables as the one it replaces.
    free = ", ".join(code.co_freevars)
    made: dict[str, Any] = {}
    source = (f"def outer({free}):\n    def f(*args, **options):\n        if 0: ({free})\n"
              f"        return {place}(args, options)\n    return f\n")
    # A file name of the package's, so that what is recorded names the user's line, not this one.
    exec(compile(source, f"{GENERATED}rushlight.amp.{place}>", "exec"), made)
    asking = made["outer"](*code.co_freevars)
    # In this order a call on another thread finds one of the two complete.
    function.__code__ = asking.__code__
    function.__defaults__ = function.__kwdefaults__ = None
    function.__signature__ = signature


def _mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """`change` of every tensor in arguments, lists of tensors included."""
    if isinstance(value, Tensor):
        return change(value)
    if type(value) in (tuple, list):
        return type(value)([_mapped(x, change) for x in value])
    if type(value) is dict:
        return {name: _mapped(x, change) for name, x in value.items()}
    return value


def _lower(values: Any, dtype: Any) -> Any:
    def change(x: Tensor) -> Tensor:
        own = x.dtype
        if own is dtype or not own.is_floating_point or own is dtypes.float64:
            return x
        return x.to(dtype)

    return _mapped(values, change)


def _raise(values: Any, _: Any = None) -> Any:
    return _mapped(values, lambda x: x.to(dtypes.float32) if x.dtype in LOW else x)


def _widest(values: Any, _: Any) -> Any:
    found: list[Any] = []
    _mapped(values, lambda x: found.append(x.dtype) or x)  # type: ignore[func-returns-value]
    return _raise(values) if dtypes.float32 in found else values


def _pad(values: Any, _: Any) -> Any:
    args, options = values
    mode = options.get("mode", args[2] if len(args) > 2 else "constant")
    return _raise(values) if mode in ("reflect", "replicate") else values


CASTS = {"lower": _lower, "float32": _raise, "widest": _widest, "padding": _pad,
         "none": lambda values, dtype: values}

