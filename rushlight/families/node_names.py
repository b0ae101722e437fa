"""The names of nodes as torch prints them, where its operations are cut differently from ours.

`grad_fn=<MseLossBackward0>` is printed with every loss, so programs and readers know these names.
A node is called after its class; `RENAMED` and the rules here say where that is not torch's name.
A loss that is a mean (or sum) of one of our element-wise operations counts as one node.
An operation that torch has whole and we compose of others says so itself: `called`, `named`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from rushlight.engine.node import Node


def _pairs(text: str) -> dict[str, str]:
    words = [word.split(":") for word in text.split()]
    return {f"{own}Backward0": name if name[-1].isdigit() and "Backward" in name
            else f"{name}Backward0" for own, name in words}


RENAMED = _pairs("""
    Variance:Var Euclidean:LinalgVectorNorm MaxAlong:Max MinAlong:Min Cumulate:Cumsum
    CumulateProduct:Cumprod Log1p:Log1P Im2col:Im2Col Col2im:Col2Im Logsigmoid:LogSigmoid
    ConstantPad:ConstantPadNd TableLookup:Embedding Clamp:ClampBackward1 Prelu:PreluKernel
    Square:Pow Relu6:Hardtanh Selu:Elu Softsign:Div Tanhshrink:Sub RmsNorm:Mul Movedim:Permute
    Det:LinalgDet Inv:LinalgInvEx Solve:LinalgSolveEx Qr:LinalgQr Svd:LinalgSvd Eigh:LinalgEigh
    Cholesky:LinalgCholeskyEx MatrixExp:LinalgMatrixExp Pinv:LinalgPinv Slogdet:LinalgSlogdet
    Eig:LinalgEig SolveTriangular:LinalgSolveTriangular Svdvals:LinalgSvd Unpooled:MaxUnpool2D
    Xlog1py:SpecialXlog1Py MiddleOfAll:Median Deg2rad:Deg2Rad Rad2deg:Rad2Deg NllLoss2d:NllLoss2D
    Real:Select RealTransform:FftR2C ToRealTransform:FftC2R
    ComplexTransform:FftC2C RecurrentLayer:Stack LstmLayer:MkldnnRnnLayer LstmCell:Mul GruCell:Add
    PlainCell:Tanh SquaredError:MseLoss SmoothL1:SmoothL1Loss Huber:HuberLoss
    CrossEntropyOf:BinaryCrossEntropy LogitCrossEntropy:BinaryCrossEntropyWithLogits
    SoftplusOfNegative:SoftMarginLoss Rsub:RsubBackward1 Ctc:CtcLoss AvgPool1D:SqueezeBackward1
    MaxPool1DWithIndices:SqueezeBackward1
""")
FUSED = frozenset(f"{name}Backward0" for name in """
    SquaredError SmoothL1 Huber CrossEntropyOf LogitCrossEntropy SoftplusOfNegative Variance
""".split())


def fused(node: Node) -> Node | None:
    """The element-wise part of a loss that torch has as one node, if `node` ends such a one."""
    own = type(node).__name__
    if own not in ("MeanBackward0", "SumBackward0", "RootBackward0"):
        return None
    inner = node.edges[0]
    if not isinstance(inner, Node) or type(inner).__name__ not in FUSED:
        return None
    return inner if (own == "RootBackward0") == (type(inner).__name__ == "VarianceBackward0") else (
        None)


def _option(node: Node, name: str) -> Any:
    """What a node of a library op keeps under `name`, which is no tensor; None once freed."""
    op: Any = getattr(node, "op", None)
    saved = node.kept()
    at = 0
    for other in getattr(op, "reads", ()):
        if other == name:
            return None if saved is None else saved[at]
        at += 0 if other == "needs" else 3 if other in op.operands or op.is_output(other) else 1
    return None


def _along(node: Node) -> str:
    """SumBackward0 of everything, SumBackward1 along dimensions."""
    dim = _option(node, "dim")
    return "1" if dim is not None else "0"


def _rank(node: Node, name: str) -> int:
    array = _option(node, name)
    return 2 if array is None else array.ndim


def _extremum(node: Node) -> str:
    own = type(node).__name__
    return own if _option(node, "dim") not in (None, ()) else f"{own[1:4].capitalize()}Backward1"


def _product(node: Node) -> str:
    shape, dims = _option(node, "shape"), _option(node, "dims")
    whole = shape is None or dims is None or len(dims) == len(shape)
    return f"ProdBackward{0 if whole else 1}"


def _matmul(node: Node) -> str:
    ranks = _rank(node, "input"), _rank(node, "other")
    known = {(1, 1): "Dot", (2, 1): "Mv", (1, 2): "Squeeze", (2, 2): "Mm"}
    return known.get(ranks, "UnsafeView") + "Backward0"


def _is_linear(node: Any) -> bool:
    return type(node).__name__ == "AddmmBackward0" and "weight" in node.op.operands


def _linear(node: Any) -> str:
    if not _is_linear(node):
        return "AddmmBackward0"
    if _rank(node, "input") > 2:
        return "UnsafeViewBackward0" if node.edges[2] is None else "ViewBackward0"
    return "MmBackward0" if node.edges[2] is None else "AddmmBackward0"


def _power(node: Any) -> str:
    """PowBackward0 for a number as exponent, 1 for two tensors, 2 for a number as base."""
    saved = node.kept()
    if saved is None:
        return "PowBackward0"
    numbers = {name for i, name in enumerate(node.variant.saves)
               if saved[1 + 3 * i] is not None and saved[2 + 3 * i] is None}
    return f"PowBackward{2 if 'input' in numbers else 0 if 'exponent' in numbers else 1}"


def _squeeze(node: Node) -> str:
    saved = node.kept()
    return f"SqueezeBackward{int(bool(saved) and len(saved) > 1)}"


RULES: dict[str, Callable[[Any], str]] = {
    "SumBackward0": lambda node: f"SumBackward{_along(node)}",
    "MeanBackward0": lambda node: f"MeanBackward{_along(node)}",
    "RootBackward0": lambda node: "SqrtBackward0",
    "ProdBackward0": _product,
    "AmaxBackward0": _extremum,
    "AminBackward0": _extremum,
    "MatmulBackward0": _matmul,
    "AddmmBackward0": _linear,
    "PowBackward0": _power,
    "SqueezeBackward0": _squeeze,
}


def named(result: Any, name: str) -> Any:
    """`result` (or a tuple that begins with it), its node under the name that torch has for the
    operation as a whole."""
    node = getattr(result[0] if isinstance(result, tuple) else result, "_node", None)
    if isinstance(node, Node):
        node.__dict__["called"] = f"{name}Backward0" if "Backward" not in name else name
    return result


def called(name: str | Callable[..., str]) -> Callable[[Callable[..., Any]], Any]:
    """Decorator of a composite that is one operation in torch: its result's node is `named` so.

    name: as of `named`, or a function of the operation's arguments that gives it. The body's
    result has to come from a node of its own, not be an operand.
    """

    def decorate(body: Callable[..., Any]) -> Any:
        @functools.wraps(body)
        def function(*args: Any, **options: Any) -> Any:
            return named(body(*args, **options),
                         name if isinstance(name, str) else name(*args, **options))

        return function

    return decorate


def torch_name(node: Node) -> str:
    """The node's name as torch prints it, such as AddBackward0."""
    given = node.__dict__.get("called")
    if given is not None:
        return given
    own = type(node).__name__
    inner = fused(node)
    if inner is not None:
        return "StdBackward0" if own == "RootBackward0" else torch_name(inner)
    rule = RULES.get(own)
    return RENAMED.get(own, own) if rule is None else rule(node)


class TBackward0(Node):
    """The transposition of the weight that torch does before a linear layer's product."""

    __slots__ = ()

    def __init__(self, edge: Any) -> None:
        self._sequence, self.edges, self.saved = -1, (edge,), None


def shown_edges(node: Node) -> tuple[Any, ...]:
    """The edges that `next_functions` tells of."""
    inner = fused(node)
    if inner is not None:
        return inner.edges
    if _is_linear(node):
        input, weight, bias = node.edges
        turned = None if weight is None else TBackward0(weight)
        return (input, turned) if bias is None else (bias, input, turned)
    return node.edges


def install() -> None:
    """Give nodes torch's names; once, when operations are declared."""
    Node.name, Node.shown_edges = torch_name, shown_edges  # type: ignore
