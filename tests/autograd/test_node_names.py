"""Nodes are called as torch calls them, wherever our operations are cut differently."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import rushlight as rl

F: Any = rl.nn.functional
NAMES: dict[str, Callable[[Any, Any], Any]] = {
    "SumBackward0": lambda x, v: x.sum(),
    "SumBackward1": lambda x, v: x.sum(0),
    "MeanBackward0": lambda x, v: x.mean(),
    "MeanBackward1": lambda x, v: x.mean(-1),
    "ProdBackward0": lambda x, v: x.prod(),
    "ProdBackward1": lambda x, v: x.prod(1),
    "VarBackward0": lambda x, v: x.var(),
    "StdBackward0": lambda x, v: x.std(0),
    "MaxBackward0": lambda x, v: x.max(0)[0],
    "MaxBackward1": lambda x, v: x.max(),
    "AmaxBackward0": lambda x, v: x.amax(0),
    "LinalgVectorNormBackward0": lambda x, v: x.norm(),
    "CumsumBackward0": lambda x, v: x.cumsum(0),
    "PowBackward0": lambda x, v: x**3,
    "PowBackward1": lambda x, v: x**x,
    "PowBackward2": lambda x, v: 2**x,
    "MmBackward0": lambda x, v: x @ x,
    "MvBackward0": lambda x, v: x @ v,
    "DotBackward0": lambda x, v: v @ v,
    "AddmmBackward0": lambda x, v: F.linear(x, x, v),
    "ViewBackward0": lambda x, v: F.linear(x[None], x, v),
    "UnsafeViewBackward0": lambda x, v: F.linear(x[None], x),
    "SqueezeBackward1": lambda x, v: x[None].squeeze(0),
    "SqueezeBackward0": lambda x, v: x[None].squeeze(),
    "EmbeddingBackward0": lambda x, v: F.embedding(rl.tensor([1]), x),
    "ConstantPadNdBackward0": lambda x, v: F.pad(x, (1, 1)),
    "MseLossBackward0": lambda x, v: F.mse_loss(x, x.detach() + 1),
    "SmoothL1LossBackward0": lambda x, v: F.smooth_l1_loss(x, x.detach(), reduction="sum"),
    "HuberLossBackward0": lambda x, v: F.huber_loss(x, x.detach(), reduction="none"),
    "BinaryCrossEntropyBackward0": lambda x, v: F.binary_cross_entropy(x, x.detach()),
    "BinaryCrossEntropyWithLogitsBackward0":
        lambda x, v: F.binary_cross_entropy_with_logits(x, x.detach()),
    "NllLossBackward0": lambda x, v: F.cross_entropy(x, rl.tensor([0, 1, 2])),
    "NllLoss2DBackward0": lambda x, v: F.cross_entropy(x[None], rl.tensor([[0, 1, 2]])),
    "SoftMarginLossBackward0": lambda x, v: F.soft_margin_loss(x, rl.ones(3, 3)),
    "MultiMarginLossBackward0": lambda x, v: F.multi_margin_loss(x, rl.tensor([0, 1, 2])),
    "MultilabelMarginLossBackward0":
        lambda x, v: F.multilabel_margin_loss(x, rl.zeros(3, 3, dtype=rl.int64)),
    "CtcLossBackward0": lambda x, v: F.ctc_loss(
        x.log().unsqueeze(1).repeat(2, 1, 1), rl.tensor([[1, 2]]), (6,), (2,), reduction="none"),
    "RepeatBackward0": lambda x, v: x.repeat(2, 1),
    "RollBackward0": lambda x, v: x.roll(1, 0),
    "Rot90Backward0": lambda x, v: rl.rot90(x),
    "PixelShuffleBackward0": lambda x, v: F.pixel_shuffle(x.expand(1, 4, 3, 3), 2),
    "UpsampleBilinear2DBackward0":
        lambda x, v: F.interpolate(x[None, None], scale_factor=2, mode="bilinear"),
    "UpsampleNearestExact1DBackward0":
        lambda x, v: F.interpolate(x[None], size=5, mode="nearest-exact"),
    "UpsampleBicubic2DAaBackward0":
        lambda x, v: F.interpolate(x[None, None], size=2, mode="bicubic", antialias=True),
    "ReflectionPad1DBackward0": lambda x, v: F.pad(x, (1, 1), mode="reflect"),
    "ReplicationPad2DBackward0": lambda x, v: F.pad(x[None], (1, 1, 1, 1), mode="replicate"),
    "GridSampler2DBackward0":
        lambda x, v: F.grid_sample(x[None, None], rl.zeros(1, 2, 2, 2), align_corners=False),
    "AffineGridGeneratorBackward0":
        lambda x, v: F.affine_grid(x[None, :2], (1, 1, 2, 2), align_corners=False),
    "EmbeddingBagBackward0": lambda x, v: F.embedding_bag(rl.tensor([[0, 1]]), x),
    "GluBackward0": lambda x, v: F.glu(x[:, :2]),
    "CdistBackward0": lambda x, v: rl.cdist(x, x.detach()),
    "TraceBackward0": lambda x, v: x.trace(),
    "BmmBackward0": lambda x, v: rl.bmm(x[None], x[None]),
    "BaddbmmBackward0": lambda x, v: rl.baddbmm(x[None], x[None], x[None]),
    "KthvalueBackward0": lambda x, v: x.kthvalue(2)[0],
    "MedianBackward0": lambda x, v: x.median(),
    "MedianBackward1": lambda x, v: x.median(1)[0],
    "ModeBackward0": lambda x, v: x.mode(1)[0],
    "ClampMinBackward0": lambda x, v: x.clamp_min(0.1),
    "BlockDiagBackward0": lambda x, v: rl.block_diag(x, v),
    "LinalgDetBackward0": lambda x, v: rl.det(x),
    "ClampBackward1": lambda x, v: x.clamp(0, 1),
}


@pytest.mark.parametrize("name", NAMES)
def test_name(name: str) -> None:
    x = (rl.rand(3, 3) / 2 + 0.25).requires_grad_()
    made = NAMES[name](x, rl.rand(3, requires_grad=True))
    assert made.grad_fn.name() == name and f"grad_fn=<{name}>" in repr(made)
    made.sum().backward()
    assert made.grad_fn.name()  # though what it kept may be gone by now


def test_next_functions_of_a_loss_lead_through_the_layer_to_its_bias() -> None:
    layer = rl.nn.Linear(3, 2)
    loss = rl.nn.MSELoss()(layer(rl.rand(4, 3, requires_grad=True)).relu(), rl.rand(4, 2))
    relu, _ = loss.grad_fn.next_functions[0][0], loss.grad_fn.next_functions[1]
    assert loss.grad_fn.next_functions[1] == (None, 0) and relu.name() == "ReluBackward0"
    bias, data, weight = (node for node, _ in relu.next_functions[0][0].next_functions)
    assert bias.variable is layer.bias and type(data).__name__ == "AccumulateGrad"
    assert weight.name() == "TBackward0"
    assert weight.next_functions[0][0].variable is layer.weight


def test_numbers_come_second_in_sums_and_products() -> None:
    x = rl.rand(2, requires_grad=True)
    for made in (2 * x, 1 + x, x * 2, x + 1):
        (node, _), number = made.grad_fn.next_functions
        assert node.variable is x and number == (None, 0)


def test_a_mean_of_something_else_is_a_mean() -> None:
    x = rl.rand(2, 2, requires_grad=True)
    assert x.square().mean().grad_fn.name() == "MeanBackward0"
    assert x.var(0).mean().grad_fn.name() == "MeanBackward0"


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weight", [None, rl.ones(3)])
def test_losses_of_classes_are_one_node_to_read(reduction: str, weight: Any) -> None:
    x, y = rl.rand(3, 3, requires_grad=True), rl.tensor([0, -100, 2])
    options: Any = {"weight": weight, "reduction": reduction}
    for loss in (F.cross_entropy(x, y, **options), F.nll_loss(x, y, **options)):
        assert loss.grad_fn.name() == "NllLossBackward0"
        loss.sum().backward()


def test_products_of_batches_end_in_a_view_as_in_torch() -> None:
    x = rl.rand(2, 3, 3, requires_grad=True)
    assert (x @ x).grad_fn.name() == "UnsafeViewBackward0"
    assert rl.nn.functional.linear(x[0], x[0]).grad_fn.name() == "MmBackward0"
