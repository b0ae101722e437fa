"""What a profile calls the calls that it sees: operations by ATen's names, nodes by their own."""

from __future__ import annotations

from functools import cache
from types import CodeType, EllipsisType, FrameType, FunctionType
from typing import Any

from rushlight.base.errors import GENERATED
from rushlight.families import override
from rushlight.families.declaration import FUNCTIONS
from rushlight.tensor import Tensor

ASKING = f"{GENERATED}{override.__name__}>"
RULES = f"{GENERATED}rushlight.transforms."  # so begin file names of what `transforms.teach` writes
# What torch calls the operations behind Python's operators.
OPERATORS = {"truediv": "div", "itruediv": "div_", "rtruediv": "div", "radd": "add", "rmul": "mul",
             "invert": "bitwise_not", "iadd": "add_", "isub": "sub_", "imul": "mul_",
             "ipow": "pow_", "rpow": "pow", "floordiv": "floor_divide", "mod": "remainder"}
INNER = {"_native_batch_norm": "native_batch_norm", "_native_layer_norm": "native_layer_norm",
         "_softmax": "_softmax", "_log_softmax": "_log_softmax",
         **{f"_WithPlaces{n}d": f"max_pool{n}d_with_indices" for n in (1, 2, 3)},
         **{f"_Average{n}d": f"avg_pool{n}d" for n in (1, 2, 3)}}
OTHERWISE = {"cross_entropy": "cross_entropy_loss", "nll_loss": "nll_loss_nd"}
# Questions about a tensor, which torch counts as no operations.
HIDDEN = frozenset("""size dim ndimension numel nelement stride storage_offset is_floating_point
    is_complex is_tensor is_storage is_signed requires_grad_ element_size as_subclass get_device
    is_contiguous is_same_size is_nonzero __len__""".split())


@cache
def _public() -> frozenset[str]:
    """The last parts of the names of operations."""
    return frozenset(path.rpartition(".")[2] for path in FUNCTIONS)


def of_python() -> dict[CodeType, str]:
    """The operations that are plain Python, by their code; "" where several share it."""
    found: dict[CodeType, str] = {}
    for path, function in FUNCTIONS.items():
        name = path.rpartition(".")[2]
        if not isinstance(function, FunctionType) or name in HIDDEN:
            continue
        known = found.get(function.__code__)
        own = known is None or known == name or getattr(function, "__name__", name) == known
        found[function.__code__] = (known or name) if own else ""
    for name in ("detach", "item"):
        found[getattr(Tensor, name).__code__] = name
    return found


def name_of(frame: FrameType, python: dict[CodeType, str], inside: bool) -> str | None:
    """What a call is shown as; None for one that is none of an operation or of a node.

    inside: another operation has called it; then parts that only we have are left out.
    """
    code = frame.f_code
    # A function of Python may ask other types, or once a transform was used its rules, first.
    asking = code.co_filename == ASKING
    if asking or not code.co_filename.startswith(GENERATED) or (
            code.co_filename.startswith(RULES)):
        if inside or not (asking or code in python):
            return None
        name = code.co_name if asking else python[code] or _made_for(frame)
        if name in ("__getitem__", "getitem"):
            given = (frame.f_locals["args"][1] if "args" in frame.f_locals
                     else frame.f_locals.get("index"))
            return f"aten::{_step(given)}"
        return None if not name or name in HIDDEN else f"aten::{OTHERWISE.get(name, name)}"
    name = code.co_name
    if name == "backward":
        return type(frame.f_locals.get("self")).__name__
    if name[:2] == "__":
        name = name.strip("_")
        return f"aten::{OPERATORS.get(name, name)}"
    if name in INNER:
        return f"aten::{INNER[name]}"
    if name in _public() and name[0] != "_":
        return f"aten::{name}"
    return None if inside or name[0] == "<" or name == "take_view" else f"aten::{name.strip('_')}"


def _made_for(frame: FrameType) -> str:
    """Which operation a function that wraps others is run for: the one that it closes over."""
    for variable in frame.f_code.co_freevars:
        value = frame.f_locals.get(variable)
        name = value if isinstance(value, str) else getattr(value, "__name__", "")
        if name in _public() and name[0] != "_":
            return name
    return ""


def _step(index: Any) -> str:
    """The operation that taking `x[index]` is, by the last step of the index."""
    last = index[-1] if isinstance(index, tuple) and index else index
    return {int: "select", slice: "slice", type(None): "unsqueeze",
            EllipsisType: "alias"}.get(type(last), "index")
