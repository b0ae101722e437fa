"""Detection operations against direct loops over their definitions, and their errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight import nn
from rushlight.vision import ops


def boxes(count: int, size: float = 10.0, seed: int = 0) -> Any:
    corners = np.random.default_rng(seed).uniform(0, size, (count, 2, 2))
    return rl.from_numpy(np.sort(corners, 1).reshape(count, 4))


def iou(a: Any, b: Any) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    return width * height / (sum(areas) - width * height)


# ---- boxes -------------------------------------------------------------------------------------


def test_iou_of_all_pairs() -> None:
    a, b = boxes(5), boxes(3, seed=1)
    expected = [[iou(x, y) for y in b.tolist()] for x in a.tolist()]
    assert np.allclose(ops.box_iou(a, b).numpy(), expected, atol=1e-14)
    as_centres = (ops.box_convert(x, "xyxy", "cxcywh") for x in (a, b))
    assert rl.allclose(ops.box_iou(*as_centres, fmt="cxcywh"), ops.box_iou(a, b))


@pytest.mark.parametrize("name", ["generalized", "distance", "complete"])
def test_losses_are_one_less_the_diagonal_of_all_pairs(name: str) -> None:
    a, b = boxes(4), boxes(4, seed=1)
    pairs = getattr(ops, f"{name}_box_iou")(a, b).diagonal()
    loss = getattr(ops, f"{name}_box_iou_loss")
    assert rl.allclose(loss(a, b), 1 - pairs, atol=1e-6)
    assert rl.allclose(loss(a, b, "mean"), (1 - pairs).mean(), atol=1e-6)
    assert rl.allclose(loss(a, b, "sum"), (1 - pairs).sum(), atol=1e-6)
    assert rl.autograd.gradcheck(lambda a: loss(a, b).detach() * 0 + a.sum() if name == "complete"
                                 else loss(a, b), a.requires_grad_())


def test_complete_loss_holds_its_weight_constant() -> None:
    a, b = boxes(3).requires_grad_(), boxes(3, seed=1)
    ops.complete_box_iou_loss(a, b).sum().backward()
    assert a.grad is not None and bool(a.grad.isfinite().all())


def test_known_generalized_iou() -> None:
    a, b = rl.tensor([[0.0, 0.0, 1.0, 1.0]]), rl.tensor([[2.0, 0.0, 3.0, 1.0]])
    assert ops.generalized_box_iou(a, b).item() == pytest.approx(-1 / 3)


@pytest.mark.parametrize("fmt", ["xywh", "cxcywh"])
def test_conversions_there_and_back(fmt: str) -> None:
    given = boxes(6)
    other = ops.box_convert(given, "xyxy", fmt)
    assert rl.allclose(ops.box_convert(other, fmt, "xyxy"), given)
    assert rl.allclose(ops.box_area(other, fmt), ops.box_area(given))


def test_integer_areas_do_not_overflow() -> None:
    assert ops.box_area(rl.tensor([[0, 0, 200, 200]], dtype=rl.uint8)).tolist() == [40000]


def test_clipping_and_small_boxes() -> None:
    given = rl.tensor([[-3.0, -2.0, 20.0, 4.0], [1.0, 1.0, 1.5, 9.0]])
    clipped = ops.clip_boxes_to_image(given, (5, 10))
    assert clipped.tolist() == [[0.0, 0.0, 10.0, 4.0], [1.0, 1.0, 1.5, 5.0]]
    assert ops.remove_small_boxes(clipped, 1.0).tolist() == [0]


def test_boxes_of_masks() -> None:
    masks = rl.zeros(3, 6, 7)
    masks[0, 2:4, 1:6] = 1
    masks[1, 5, 6] = -2
    assert ops.masks_to_boxes(masks).tolist() == [[1, 2, 5, 3], [6, 5, 6, 5], [0, 0, 0, 0]]
    assert ops.masks_to_boxes(rl.zeros(0, 4, 4)).shape == (0, 4)


def test_focal_loss_without_focus_is_half_the_cross_entropy() -> None:
    logits, target = rl.randn(6), (rl.rand(6) > 0.5).float()
    plain = nn.functional.binary_cross_entropy_with_logits(logits, target)
    assert rl.allclose(ops.sigmoid_focal_loss(logits, target, 0.5, 0, "mean"), plain / 2)
    assert rl.allclose(ops.sigmoid_focal_loss(logits, target, -1, 0, "mean"), plain)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.7, 1.0])
def test_suppression(threshold: float) -> None:
    given, scores = boxes(40), rl.rand(40)
    left, expected = scores.argsort(descending=True).tolist(), []
    while left:
        first = left.pop(0)
        expected.append(first)
        left = [i for i in left if iou(given[first], given[i]) <= threshold]
    assert ops.nms(given, scores, threshold).tolist() == expected


def test_suppression_within_categories() -> None:
    given, scores, category = boxes(30), rl.rand(30), rl.randint(0, 3, (30,))
    kept = [i for c in range(3) for i in (category == c).nonzero().squeeze(1)[ops.nms(
        given[category == c], scores[category == c], 0.2)].tolist()]
    expected = sorted(kept, key=lambda i: -scores[i].item())
    assert ops.batched_nms(given, scores, category, 0.2).tolist() == expected
    assert ops.batched_nms(given[:0], scores[:0], category[:0], 0.2).tolist() == []


# ---- regions -----------------------------------------------------------------------------------


def bilinear(image: np.ndarray, y: float, x: float) -> np.ndarray:
    height, width = image.shape[1:]
    if not (-1 <= y <= height and -1 <= x <= width):
        return np.zeros(len(image))
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    fy, fx = y - top, x - left
    return ((1 - fy) * ((1 - fx) * image[:, top, left] + fx * image[:, top, right])
            + fy * ((1 - fx) * image[:, bottom, left] + fx * image[:, bottom, right]))


def aligned_by_loops(images: np.ndarray, regions: np.ndarray, size: tuple[int, int], scale: float,
                     ratio: int, aligned: bool) -> np.ndarray:
    found = np.zeros((len(regions), images.shape[1], *size))
    for k, (number, *corners) in enumerate(regions):
        x1, y1, x2, y2 = (c * scale - 0.5 * aligned for c in corners)
        width, height = x2 - x1, y2 - y1
        if not aligned:
            width, height = max(width, 1), max(height, 1)
        rows = ratio if ratio > 0 else math.ceil(height / size[0])
        columns = ratio if ratio > 0 else math.ceil(width / size[1])
        for p in range(size[0]):
            for q in range(size[1]):
                samples = [bilinear(images[int(number)],
                                    y1 + height / size[0] * (p + (i + 0.5) / rows),
                                    x1 + width / size[1] * (q + (j + 0.5) / columns))
                           for i in range(rows) for j in range(columns)]
                found[k, :, p, q] = sum(samples) / max(rows * columns, 1)
    return found


REGIONS = [[1, 0.5, 1.0, 7.0, 6.5], [0, -4.0, -2.0, 14.0, 12.0], [1, 3.0, 3.0, 3.2, 3.1],
           [0, 20.0, 20.0, 30.0, 30.0]]


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("ratio", [-1, 2])
def test_align(aligned: bool, ratio: int) -> None:
    images, regions = rl.randn(2, 3, 9, 11, dtype=rl.float64), rl.tensor(REGIONS).double()
    found = ops.roi_align(images, regions, (3, 2), 0.8, ratio, aligned)
    expected = aligned_by_loops(images.numpy(), regions.numpy(), (3, 2), 0.8, ratio, aligned)
    assert np.allclose(found.numpy(), expected, atol=1e-12)
    module = ops.RoIAlign((3, 2), 0.8, ratio, aligned)
    by_image = [regions[regions[:, 0] == n][:, 1:] for n in range(2)]
    order = [1, 3, 0, 2]
    assert rl.allclose(module(images, by_image), found[order])


def test_align_is_differentiable() -> None:
    images = rl.randn(2, 2, 5, 6, dtype=rl.float64, requires_grad=True)
    regions = rl.tensor(REGIONS).double()
    for function in (ops.roi_align, ops.roi_pool):
        assert rl.autograd.gradcheck(lambda x: function(x, regions, 2), images)  # noqa: B023


def test_pool() -> None:
    image = rl.arange(36.0).reshape(1, 1, 6, 6)
    found = ops.roi_pool(image, [rl.tensor([[0.0, 0.0, 3.0, 3.0], [9.0, 9.0, 12.0, 12.0]])], 2)
    assert found[0, 0].tolist() == [[7.0, 9.0], [19.0, 21.0]]
    assert found[1, 0].tolist() == [[0.0, 0.0], [0.0, 0.0]]  # nothing there
    assert ops.RoIPool(2, 1.0)(image, [rl.zeros(0, 4)]).shape == (0, 1, 2, 2)


def test_bins_with_channels_of_their_own() -> None:
    images = rl.randn(1, 8, 6, 6)
    region = [rl.tensor([[0.0, 0.0, 4.0, 4.0]])]
    found = ops.ps_roi_align(images, region, 2, 1.0, 2)
    for c in range(2):
        for p in range(2):
            for q in range(2):
                channel = images[:, (c * 2 + p) * 2 + q][:, None]
                alone = ops.roi_align(channel, region, 2, 1.0, 2, aligned=True)
                assert found[0, c, p, q].item() == pytest.approx(alone[0, 0, p, q].item(), abs=1e-6)
    pooled = ops.PSRoIPool(2, 1.0)(images, region)
    assert pooled[0, 0, 1, 0].item() == pytest.approx(images[0, 2, 2:4, 0:2].mean().item())


def test_a_region_is_taken_from_the_level_of_its_size() -> None:
    levels = {str(n): rl.full((1, 1, 64 >> n, 64 >> n), float(n)) for n in range(4)}
    pooler = ops.MultiScaleRoIAlign(list(levels), 1, 2)
    sides = [20, 111, 113, 223, 225, 447, 449, 500]
    given = rl.tensor([[0.0, 0.0, s, s] for s in sides])
    chosen = pooler(levels, [given], [(512, 512)]).flatten().tolist()
    assert chosen == [0, 0, 0, 0, 1, 1, 2, 2]  # level 4, the second here, is that of 224


# ---- blocks ------------------------------------------------------------------------------------


def test_frozen_batch_norm_is_batch_norm_in_eval() -> None:
    norm = nn.BatchNorm2d(3).eval()
    for tensor in (norm.weight.data, norm.bias.data, norm.running_mean, norm.running_var):
        tensor.uniform_(0.5, 2)
    frozen = ops.FrozenBatchNorm2d(3)
    frozen.load_state_dict(norm.state_dict())
    x = rl.randn(2, 3, 4, 4)
    assert rl.allclose(frozen(x), norm(x), atol=1e-6)
    assert not list(frozen.parameters())


def test_block_of_convolution_norm_and_activation() -> None:
    block = ops.Conv2dNormActivation(3, 8, 5, dilation=2)
    assert [type(layer).__name__ for layer in block] == ["Conv2d", "BatchNorm2d", "ReLU"]
    assert block[0].bias is None and block(rl.randn(1, 3, 12, 13)).shape == (1, 8, 12, 13)
    bare = ops.Conv2dNormActivation(3, 8, (1, 3), norm_layer=None, activation_layer=None)
    assert len(bare) == 1 and bare[0].bias is not None
    assert bare(rl.randn(1, 3, 6, 7)).shape == (1, 8, 6, 7)
    assert ops.Conv3dNormActivation(2, 4)(rl.randn(2, 2, 4, 4, 4)).shape == (2, 4, 4, 4, 4)


def test_squeeze_and_excitation() -> None:
    block, x = ops.SqueezeExcitation(4, 2), rl.randn(2, 4, 5, 5)
    squeezed = x.mean((2, 3))
    scale = rl.sigmoid(rl.relu(squeezed @ block.fc1.weight.flatten(1).T + block.fc1.bias)
                       @ block.fc2.weight.flatten(1).T + block.fc2.bias)
    assert rl.allclose(block(x), x * scale[:, :, None, None], atol=1e-6)


def test_mlp_and_permute() -> None:
    names = [type(layer).__name__ for layer in ops.MLP(4, [8, 2], nn.LayerNorm)]
    assert names == ["Linear", "LayerNorm", "ReLU", "Dropout", "Linear", "Dropout"]
    assert ops.Permute([0, 2, 1])(rl.zeros(1, 2, 3)).shape == (1, 3, 2)


@pytest.mark.parametrize("mode", ["row", "batch"])
def test_stochastic_depth(mode: str) -> None:
    rl.manual_seed(0)
    layer = ops.StochasticDepth(0.25, mode)
    rows = layer(rl.ones(4000, 2)) if mode == "row" else rl.cat([layer(rl.ones(2, 1))
                                                                 for _ in range(2000)])
    assert set(rows.flatten().tolist()) == {0.0, rl.tensor(4 / 3).item()}
    assert abs(rows.mean().item() - 1) < 0.05
    assert layer.eval()(rl.ones(2)).tolist() == [1.0, 1.0]
    assert ops.stochastic_depth(rl.ones(3, 1), 1.0, mode).sum() == 0


def test_drop_block_drops_blocks_and_keeps_the_mean() -> None:
    rl.manual_seed(0)
    y = ops.DropBlock2d(0.2, 3)(rl.ones(4, 8, 20, 20))
    assert y.mean().item() == pytest.approx(1, abs=1e-4)
    assert 0.1 < (y == 0).float().mean().item() < 0.3
    assert ops.DropBlock3d(0.2, 3)(rl.ones(1, 2, 6, 6, 6)).shape == (1, 2, 6, 6, 6)
    assert ops.drop_block2d(rl.ones(1, 1, 4, 4), 0.5, 2).shape == (1, 1, 4, 4)


def test_feature_pyramid() -> None:
    pyramid = ops.FeaturePyramidNetwork([4, 8], 6, ops.LastLevelMaxPool())
    features = {"fine": rl.randn(1, 4, 8, 8), "coarse": rl.randn(1, 8, 4, 4)}
    levels = pyramid(features)
    assert {name: tuple(level.shape) for name, level in levels.items()} == {
        "fine": (1, 6, 8, 8), "coarse": (1, 6, 4, 4), "pool": (1, 6, 2, 2)}
    inner = pyramid.inner_blocks[1](features["coarse"])
    lateral = pyramid.inner_blocks[0](features["fine"])
    spread = inner.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert rl.allclose(levels["fine"], pyramid.layer_blocks[0](lateral + spread), atol=1e-6)
    assert "inner_blocks.0.0.weight" in pyramid.state_dict()
    more = ops.FeaturePyramidNetwork([4], 6, ops.LastLevelP6P7(4, 6))
    assert list(more({"a": rl.randn(1, 4, 8, 8)})) == ["a", "p6", "p7"]


# ---- deformable convolution --------------------------------------------------------------------


def test_deformable_convolution_without_moves_is_convolution() -> None:
    layer = ops.DeformConv2d(4, 6, (3, 2), stride=(1, 2), padding=1, dilation=(2, 1), groups=2)
    x = rl.randn(2, 4, 9, 8)
    plain = nn.functional.conv2d(x, layer.weight, layer.bias, (1, 2), 1, (2, 1), 2)
    still = rl.zeros(2, 2 * 2 * 6, *plain.shape[2:])
    assert rl.allclose(layer(x, still), plain, atol=1e-5)
    half = rl.full((2, 2 * 6, *plain.shape[2:]), 0.5)
    bias = layer.bias[:, None, None]
    assert rl.allclose(layer(x, still, half) - bias, (plain - bias) / 2, atol=1e-5)


def test_deformable_convolution_by_loops() -> None:
    rl.manual_seed(0)
    x, weight = rl.randn(1, 2, 5, 6, dtype=rl.float64), rl.randn(3, 2, 2, 2, dtype=rl.float64)
    offset = rl.randn(1, 8, 4, 5, dtype=rl.float64) * 2
    mask = rl.rand(1, 4, 4, 5, dtype=rl.float64)

    def sample(channel: int, y: float, x_: float) -> float:
        total, top, left = 0.0, math.floor(y), math.floor(x_)
        for row in (top, top + 1):
            for column in (left, left + 1):
                if 0 <= row < 5 and 0 <= column < 6:
                    total += (x[0, channel, row, column].item() * (1 - abs(y - row))
                              * (1 - abs(x_ - column)))
        return total

    expected = np.zeros((3, 4, 5))
    for i in range(4):
        for j in range(5):
            for tap in range(4):
                dy, dx = offset[0, 2 * tap, i, j].item(), offset[0, 2 * tap + 1, i, j].item()
                for c in range(2):
                    value = sample(c, i + tap // 2 + dy, j + tap % 2 + dx)
                    expected[:, i, j] += (weight[:, c, tap // 2, tap % 2].numpy() * value
                                          * mask[0, tap, i, j].item())
    found = ops.deform_conv2d(x, offset, weight, mask=mask)
    assert np.allclose(found[0].numpy(), expected, atol=1e-12)
    assert rl.autograd.gradcheck(
        lambda x, offset, weight, mask: ops.deform_conv2d(x, offset, weight, mask=mask),
        [t.requires_grad_() for t in (x, offset, weight, mask)])


# ---- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda: ops.box_convert(boxes(1), "xyxy", "abcd"), ValueError, "Unsupported Bounding Box"),
    (lambda: ops.box_area(boxes(1), "abcd"), ValueError, "Unsupported Bounding Box area"),
    (lambda: ops.nms(rl.zeros(3), rl.zeros(3), 0.5), RuntimeError, r"boxes should be a 2d tensor"),
    (lambda: ops.nms(boxes(3), rl.zeros(2), 0.5), RuntimeError, r"scores float32\[2\]"),
    (lambda: ops.roi_align(rl.zeros(1, 1, 4, 4), rl.zeros(2, 4), 2), RuntimeError,
     r"should be \(k, 5\).*boxes float32\[2, 4\]"),
    (lambda: ops.roi_align(rl.zeros(1, 1, 4, 4), [rl.zeros(2, 5)], 2), RuntimeError,
     r"boxes\[0\] float32\[2, 5\]"),
    (lambda: ops.ps_roi_align(rl.zeros(1, 3, 4, 4), [rl.zeros(1, 4)], 2), RuntimeError,
     "must be a multiple of pooling"),
    (lambda: ops.stochastic_depth(rl.zeros(1), 1.5, "row"), ValueError, "between 0 and 1"),
    (lambda: ops.stochastic_depth(rl.zeros(1), 0.5, "column"), ValueError, "'batch' or 'row'"),
    (lambda: ops.drop_block2d(rl.zeros(1, 1, 4), 0.5, 2), ValueError, "should be 4 dimensional"),
    (lambda: ops.sigmoid_focal_loss(rl.zeros(1), rl.zeros(1), 2.0), ValueError, "alpha must be"),
    (lambda: ops.generalized_box_iou_loss(boxes(1), boxes(1), "max"), ValueError, "Supported"),
    (lambda: ops.FeaturePyramidNetwork([0], 4), ValueError, "in_channels=0"),
    (lambda: ops.FeaturePyramidNetwork([4], 4, nn.ReLU()), TypeError, "ExtraFPNBlock"),
    (lambda: ops.DeformConv2d(3, 4, 3, groups=2), ValueError, "divisible by groups"),
    (lambda: ops.deform_conv2d(rl.zeros(1, 2, 5, 5), rl.zeros(1, 4, 3, 3), rl.zeros(2, 2, 3, 3)),
     RuntimeError, r"offset float32\[1, 4, 3, 3\]"),
])
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
