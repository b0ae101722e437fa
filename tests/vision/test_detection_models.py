"""Detection models: their parts, their errors, and losses and results recorded from torchvision."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

import rushlight as rl
from rushlight import nn
from rushlight.vision import models
from rushlight.vision.models.detection import FasterRCNN, KeypointRCNN, MaskRCNN
from rushlight.vision.models.detection.anchor_utils import AnchorGenerator, DefaultBoxGenerator
from rushlight.vision.models.detection.backbone_utils import (
    mobilenet_backbone,
    resnet_fpn_backbone,
)
from rushlight.vision.models.detection.box_matching import (
    BalancedPositiveNegativeSampler,
    BoxCoder,
    BoxLinearCoder,
    Matcher,
    SSDMatcher,
)
from rushlight.vision.models.detection.faster_rcnn import FastRCNNPredictor
from rushlight.vision.models.detection.image_list import ImageList
from rushlight.vision.models.detection.keypoints import heatmaps_to_keypoints, keypoints_to_heatmap
from rushlight.vision.models.detection.masks import paste_masks_in_image
from rushlight.vision.models.detection.transform import GeneralizedRCNNTransform
from rushlight.vision.models.feature_extraction import (
    create_feature_extractor,
    get_graph_node_names,
)

FIGURES = json.loads((Path(__file__).parent / "detection.json").read_text())
SIZES = ((80, 120), (100, 90))
STRONGER = ("cls_score.weight", "cls_logits.weight", "bbox_pred.weight")
TIES = ("retinanet_resnet50_fpn_v2",)  # all its scores are 1: which boxes come first is chance


def pictures() -> list[Any]:
    return [(rl.linspace(0, 1, 3 * h * w).reshape(3, h, w) * 37).sin().abs() for h, w in SIZES]


def targets() -> list[dict[str, Any]]:
    made = [{"boxes": rl.tensor([[10.0, 12, 60, 70], [30, 5, 110, 50]]),
             "labels": rl.tensor([1, 1])},
            {"boxes": rl.tensor([[20.0, 30, 80, 95]]), "labels": rl.tensor([1])}]
    for target, size in zip(made, SIZES, strict=True):
        masks, points = [], []
        for x1, y1, x2, y2 in target["boxes"].int().tolist():
            mask = rl.zeros(size, dtype=rl.uint8)
            mask[y1 + 3 : y2 - 2, x1 + 4 : x2 - 4] = 1
            masks.append(mask)
            point = rl.ones(17, 3)
            point[:, 0], point[:, 1] = rl.linspace(x1, x2, 17), rl.linspace(y2, y1, 17)
            point[3, 2] = 0
            points.append(point)
        target["masks"], target["keypoints"] = rl.stack(masks), rl.stack(points)
    return made


# ---- against torchvision -----------------------------------------------------------------------


def check(name: str) -> None:
    """Weights from seed 0, some made larger so that results differ; samples from seed 1."""
    figure = FIGURES[name]
    rl.manual_seed(0)
    net = models.get_model(name, weights_backbone=None, **figure["options"])
    with rl.no_grad():
        for key, parameter in net.named_parameters():
            if key.endswith(STRONGER):
                parameter.mul_(30)
    rl.manual_seed(1)
    losses = net.train()(pictures(), targets())
    assert list(losses) == list(figure["losses"])
    # Batch norms over a few pixels, and weights that are 30 times too large, amplify rounding.
    for key, loss in losses.items():
        assert loss.item() == pytest.approx(figure["losses"][key], rel=5e-3)
    sum(losses.values()).backward()
    assert all(p.grad.isfinite().all() for p in net.parameters() if p.grad is not None)
    with rl.no_grad():
        results = net.eval()(pictures())
    for found, expected, (height, width) in zip(results, figure["results"], SIZES, strict=True):
        scores = rl.tensor(expected["scores"], dtype=rl.float32)
        assert rl.allclose(found["scores"], scores, rtol=1e-3, atol=1e-4)
        if name not in TIES:
            assert found["labels"].tolist() == expected["labels"]
        assert (found["boxes"] >= 0).all()
        assert (found["boxes"] <= rl.tensor([width, height, width, height]) + 1e-3).all()


@pytest.mark.parametrize("name", ["fasterrcnn_mobilenet_v3_large_320_fpn",
                                  "ssdlite320_mobilenet_v3_large"])
def test_losses_and_results(name: str) -> None:
    check(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_losses_and_results_of_all(name: str) -> None:
    check(name)


# ---- boxes and anchors -------------------------------------------------------------------------


def test_coders_are_inverses() -> None:
    anchors = rl.tensor([[0.0, 0, 10, 20], [5, 5, 9, 7]])
    boxes = rl.tensor([[1.0, 2, 8, 30], [4, 4, 10, 9]])
    coder = BoxCoder((10.0, 10.0, 5.0, 5.0))
    assert rl.allclose(coder.decode_single(coder.encode_single(boxes, anchors), anchors), boxes)
    shift = coder.encode_single(anchors + rl.tensor([1.0, 0, 1, 0]), anchors)
    assert rl.allclose(shift, rl.tensor([[1.0, 0, 0, 0], [2.5, 0, 0, 0]]), atol=1e-6)
    huge = coder.decode_single(rl.tensor([[0.0, 0, 1e3, 0]]), anchors[:1])
    assert (huge[0, 2] - huge[0, 0]).item() == pytest.approx(10 * 1000 / 16)
    linear = BoxLinearCoder()
    assert rl.allclose(linear.decode(linear.encode(anchors, boxes), anchors), boxes)


def test_matches() -> None:
    quality = rl.tensor([[0.9, 0.5, 0.1, 0.3], [0.2, 0.4, 0.0, 0.2]])
    assert Matcher(0.7, 0.4)(quality).tolist() == [0, -2, -1, -1]
    assert Matcher(0.7, 0.4, True)(quality).tolist() == [0, 0, -1, -1]
    assert SSDMatcher(0.7)(quality).tolist() == [0, 1, -1, -1]
    with pytest.raises(ValueError, match="No ground-truth boxes available"):
        Matcher(0.7, 0.4)(rl.zeros(0, 4))
    with pytest.raises(ValueError, match="No proposal boxes available"):
        Matcher(0.7, 0.4)(rl.zeros(4, 0))


def test_samples() -> None:
    labels = rl.tensor([1] * 10 + [0] * 50 + [-1] * 5)
    (positive,), (negative,) = BalancedPositiveNegativeSampler(16, 0.25)([labels])
    assert positive.sum().item() == 4 and negative.sum().item() == 12
    assert not (positive.bool() & (labels != 1)).any()
    assert not (negative.bool() & (labels != 0)).any()


def test_anchors() -> None:
    generator = AnchorGenerator(((32,), (64,)), ((0.5, 1.0, 2.0),) * 2)
    assert generator.num_anchors_per_location() == [3, 3]
    assert generator.cell_anchors[0].tolist() == [[-23, -11, 23, 11], [-16, -16, 16, 16],
                                                  [-11, -23, 11, 23]]
    batch = ImageList(rl.zeros(2, 3, 64, 96), [(64, 96), (50, 90)])
    found = generator(batch, [rl.zeros(2, 8, 4, 6), rl.zeros(2, 8, 2, 3)])
    assert len(found) == 2 and found[0].shape == (4 * 6 * 3 + 2 * 3 * 3, 4)
    assert found[0][3 + 1].tolist() == [0, -16, 32, 16]  # one place to the right: 16 pixels
    with pytest.raises(AssertionError, match="There needs to be a match"):
        generator(batch, [rl.zeros(2, 8, 4, 6)])
    defaults = DefaultBoxGenerator([[2], [2, 3]])
    boxes = defaults(batch, [rl.zeros(2, 8, 4, 6), rl.zeros(2, 8, 2, 3)])
    assert boxes[0].shape == (4 * 6 * 4 + 2 * 3 * 6, 4)
    centre, side = (boxes[0][0, :2] + boxes[0][0, 2:]) / 2, boxes[0][0, 2:] - boxes[0][0, :2]
    assert rl.allclose(centre, rl.tensor([8.0, 8.0]))
    assert rl.allclose(side, rl.tensor([0.15 * 96, 0.15 * 64]))


def test_transform() -> None:
    transform = GeneralizedRCNNTransform(40, 80, [0.5] * 3, [0.5] * 3).eval()
    batch, changed = transform(pictures(), targets())
    assert batch.image_sizes == [(40, 60), (44, 40)] and batch.tensors.shape == (2, 3, 64, 64)
    assert rl.allclose(changed[0]["boxes"][0], rl.tensor([5.0, 6, 30, 35]))
    assert changed[0]["masks"].shape == (2, 40, 60)
    assert targets()[0]["boxes"][0, 0] == 10
    back = transform.postprocess([{"boxes": changed[0]["boxes"]}], [(40, 60)], [(80, 120)])
    assert rl.allclose(back[0]["boxes"], targets()[0]["boxes"])
    with pytest.raises(TypeError, match="Expected input images to be of floating type"):
        transform([rl.zeros(3, 8, 8, dtype=rl.uint8)])
    with pytest.raises(ValueError, match="list of 3d tensors"):
        transform([rl.zeros(8, 8)])


def test_masks_and_keypoints() -> None:
    pasted = paste_masks_in_image(rl.ones(1, 1, 28, 28), rl.tensor([[2.0, 3, 8, 9]]), (12, 10))
    assert pasted.shape == (1, 1, 12, 10)
    assert pasted[0, 0, 4:8, 3:7].eq(1).all() and pasted[0, 0, 11].eq(0).all()
    rois = rl.tensor([[10.0, 20, 66, 76]])
    points = rl.tensor([[[10.5, 20.5, 1], [66, 76, 1], [30, 30, 0], [0, 0, 1]]])
    places, valid = keypoints_to_heatmap(points, rois, 56)
    assert places.tolist() == [[0, 56 * 56 - 1, 0, 0]] and valid.tolist() == [[1, 1, 0, 0]]
    maps = rl.zeros(1, 2, 56, 56)
    maps[0, 0, 7, 9] = maps[0, 1, 50, 3] = 1
    found, scores = heatmaps_to_keypoints(maps, rois)
    assert found[0, :, :2].tolist() == [[19.5, 27.5], [13.5, 70.5]]
    assert scores.tolist() == [[1.0, 1.0]]


# ---- models ------------------------------------------------------------------------------------


def tiny(kind: Any = FasterRCNN, **options: Any) -> nn.Module:
    body: Any = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1),
                              nn.ReLU(), nn.Conv2d(32, 32, 3, 2, 1), nn.ReLU())
    body.out_channels = 32
    anchors = AnchorGenerator(((24, 48),), ((1.0,),))
    return kind(body, num_classes=2, min_size=64, max_size=96, rpn_anchor_generator=anchors,
                rpn_pre_nms_top_n_train=100, rpn_post_nms_top_n_train=40, box_roi_pool=pool(5),
                box_batch_size_per_image=32, **options)


def pool(size: int) -> Any:
    return rl.vision.ops.MultiScaleRoIAlign(["0"], size, 2)


def square(place: int) -> tuple[Any, dict[str, Any]]:
    picture = rl.zeros(3, 64, 64)
    picture[:, 10 : 40, place : place + 30] = 1
    return picture, {"boxes": rl.tensor([[float(place), 10, place + 30, 40]]),
                     "labels": rl.tensor([1])}


def test_a_small_detector_learns_to_find_squares() -> None:
    rl.manual_seed(0)
    net = tiny().train()
    optimizer = rl.optim.Adam(net.parameters(), 2e-3)
    images, boxes = zip(*(square(place) for place in (2, 10, 20, 30)), strict=True)
    first = last = math.nan
    for step in range(40):
        losses = net(list(images), list(boxes))
        loss = sum(losses.values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        first, last = (loss.item() if step == 0 else first), loss.item()
    assert last < first / 3
    with rl.no_grad():
        (found,) = net.eval()([images[1]])
    assert found["labels"][0] == 1 and found["scores"][0] > 0.5
    assert rl.vision.ops.box_iou(found["boxes"][:1], boxes[1]["boxes"]).item() > 0.5


def test_masks_and_keypoints_train_and_evaluate() -> None:
    image, target = square(10)
    target |= {"masks": rl.zeros(1, 64, 64, dtype=rl.uint8),
               "keypoints": rl.tensor([[[20.0, 20, 1], [30, 30, 1]]])}
    for kind, key, options in (
            (MaskRCNN, "mask", {"mask_roi_pool": pool(6)}),
            (KeypointRCNN, "keypoint", {"keypoint_roi_pool": pool(6), "num_keypoints": 2})):
        net = tiny(kind, box_score_thresh=0.0, box_detections_per_img=3, **options)
        losses = net.train()([image], [target])
        assert f"loss_{key}" in losses
        sum(losses.values()).backward()
        with rl.no_grad():
            (found,) = net.eval()([image])
        count = len(found["boxes"])
        assert count
        if kind is MaskRCNN:
            assert found["masks"].shape == (count, 1, 64, 64)
        else:
            assert found["keypoints"].shape == (count, 2, 3)


def test_a_picture_without_objects() -> None:
    image, _ = square(10)
    nothing = {"boxes": rl.zeros(0, 4), "labels": rl.zeros(0, dtype=rl.int64)}
    losses = tiny().train()([image], [nothing])
    assert all(loss.isfinite() for loss in losses.values())
    assert losses["loss_box_reg"] == 0


def test_errors() -> None:
    image, target = square(10)
    net = tiny().train()
    with pytest.raises(AssertionError, match="targets should not be none when in training mode"):
        net([image])
    with pytest.raises(AssertionError, match=r"tensor of shape \[N, 4\]"):
        net([image], [{**target, "boxes": rl.zeros(4)}])
    with pytest.raises(AssertionError, match="should have positive height and width"):
        net([image], [{**target, "boxes": rl.tensor([[5.0, 5, 5, 9]])}])
    with pytest.raises(TypeError, match="target labels must of int64 type"):
        net([image], [{**target, "labels": rl.ones(1)}])
    with pytest.raises(ValueError, match="should contain an attribute out_channels"):
        FasterRCNN(nn.Sequential(nn.Conv2d(3, 3, 1)), 2)
    with pytest.raises(ValueError, match="num_classes should not be None when box_predictor"):
        FasterRCNN(nn.Conv2d(3, 8, 1))
    with pytest.raises(ValueError, match="num_classes should be None when box_predictor"):
        tiny(box_predictor=FastRCNNPredictor(1024, 2))
    with pytest.raises(TypeError, match="rpn_anchor_generator should be of type"):
        FasterRCNN(nn.Conv2d(3, 8, 1), 2, rpn_anchor_generator=3)


def test_backbones() -> None:
    body = resnet_fpn_backbone(backbone_name="resnet18", weights=None, trainable_layers=2)
    levels = body(rl.zeros(1, 3, 64, 64))
    assert [(name, each.shape[-1]) for name, each in levels.items()] == [
        ("0", 16), ("1", 8), ("2", 4), ("3", 2), ("pool", 1)]
    trained = {name.split(".")[1] for name, p in body.named_parameters() if p.requires_grad}
    assert {"layer3", "layer4"} <= trained and not {"conv1", "layer1", "layer2"} & trained
    plain = mobilenet_backbone(backbone_name="mobilenet_v2", weights=None, fpn=False)
    assert plain(rl.zeros(1, 3, 64, 64)).shape == (1, 256, 2, 2)
    with pytest.raises(ValueError, match=r"Trainable layers should be in the range \[0,5\]"):
        resnet_fpn_backbone(backbone_name="resnet18", weights=None, trainable_layers=6)
    with pytest.warns(UserWarning, match="Changing trainable_backbone_layers has no effect"):
        models.detection.fasterrcnn_mobilenet_v3_large_320_fpn(
            weights_backbone=None, num_classes=2, trainable_backbone_layers=2)


# ---- features from inside a model --------------------------------------------------------------


def test_feature_extractor() -> None:
    net = models.resnet18(num_classes=3).eval()
    body = create_feature_extractor(net, {"layer2": "middle", "layer1.0.relu_1": "second",
                                          "avgpool": "mean"})
    image = rl.rand(1, 3, 32, 32)
    found = body(image)
    assert list(found) == ["middle", "second", "mean"]
    x = net.layer1[0](net.maxpool(net.relu(net.bn1(net.conv1(image)))))
    assert rl.equal(found["second"], x)
    assert rl.equal(net.fc(found["mean"].flatten(1)), net(image))
    assert list(body.state_dict()) == list(net.state_dict())
    found["middle"].sum().backward()
    assert net.layer1[0].conv1.weight.grad is not None and net.layer3[0].conv1.weight.grad is None
    assert body.train().training and net.layer1.training
    assert "layer4.1.relu" in get_graph_node_names(net)[1]


def test_errors_of_the_feature_extractor() -> None:
    net = models.resnet18().eval()
    with pytest.raises(ValueError, match="node: 'layer9' is not present in model"):
        create_feature_extractor(net, ["layer9"])
    with pytest.raises(ValueError, match="Either `return_nodes` or"):
        create_feature_extractor(net)
    with pytest.raises(ValueError, match="then both should be specified"):
        create_feature_extractor(net, train_return_nodes=["layer1"])
    with pytest.raises(ValueError, match="did not call layer1 so often"):
        create_feature_extractor(net, ["layer1_3"])(rl.zeros(1, 3, 32, 32))


@pytest.mark.parametrize("name", ["ssd300_vgg16", "ssdlite320_mobilenet_v3_large"])
def test_nets_that_look_at_their_maps_are_built_without_memory(name: str) -> None:
    with rl.device("meta"):
        net = getattr(models.detection, name)(weights=None, weights_backbone=None)
    assert all(each.device.type == "meta" for each in net.parameters())
