"""The region proposal network: where there may be an object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rushlight import nn
from rushlight.base.dtypes import float32
from rushlight.ops import arange, cat, full, where, zeros
from rushlight.tensor import Tensor
from rushlight.vision.models.detection.anchor_utils import AnchorGenerator
from rushlight.vision.models.detection.box_matching import (
    BalancedPositiveNegativeSampler,
    BoxCoder,
    Matcher,
)
from rushlight.vision.models.detection.image_list import ImageList
from rushlight.vision.ops import (
    Conv2dNormActivation,
    batched_nms,
    box_iou,
    clip_boxes_to_image,
    remove_small_boxes,
)

F = nn.functional
Target = Mapping[str, Tensor]
SMALLEST = 1e-3  # pixels; a smaller proposal is dropped


class RPNHead(nn.Module):
    """For each anchor, how likely there is an object, and the offset of its box.

    in_channels: of the features. num_anchors: at each place. conv_depth: convolutions before.
    """

    _version = 2

    def __init__(self, in_channels: int, num_anchors: int, conv_depth: int = 1) -> None:
        super().__init__()
        self.conv = nn.Sequential(*(Conv2dNormActivation(in_channels, in_channels, 3,
                                                         norm_layer=None)
                                    for _ in range(conv_depth)))
        self.cls_logits = nn.Conv2d(in_channels, num_anchors, 1)
        self.bbox_pred = nn.Conv2d(in_channels, num_anchors * 4, 1)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, std=0.01)
                nn.init.constant_(layer.bias, 0)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str,
                              local_metadata: dict[str, Any], *rest: Any) -> None:
        version = local_metadata.get("version")
        if version is None or version < 2:  # the one convolution was no list
            for kind in ("weight", "bias"):
                if f"{prefix}conv.{kind}" in state_dict:
                    state_dict[f"{prefix}conv.0.0.{kind}"] = state_dict.pop(f"{prefix}conv.{kind}")
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)

    def forward(self, x: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """(batch, anchors, h, w) and (batch, 4 anchors, h, w) for each feature map."""
        inner = [self.conv(feature) for feature in x]
        return [self.cls_logits(each) for each in inner], [self.bbox_pred(each) for each in inner]


def permute_and_flatten(layer: Tensor, N: int, A: int, C: int, H: int, W: int) -> Tensor:
    """(N, A * C, H, W) gives (N, H * W * A, C)."""
    return layer.reshape(N, -1, C, H, W).permute(0, 3, 4, 1, 2).reshape(N, -1, C)


def concat_box_prediction_layers(box_cls: Sequence[Tensor],
                                 box_regression: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Scores (batch * anchors, classes) and offsets (batch * anchors, 4) of all feature maps."""
    scores, offsets = [], []
    for own_scores, own_offsets in zip(box_cls, box_regression, strict=True):
        batch, channels, height, width = own_scores.shape
        anchors = own_offsets.shape[1] // 4
        scores.append(permute_and_flatten(own_scores, batch, anchors, channels // anchors, height,
                                          width))
        offsets.append(permute_and_flatten(own_offsets, batch, anchors, 4, height, width))
    return cat(scores, 1).flatten(0, -2), cat(offsets, 1).reshape(-1, 4)


class RegionProposalNetwork(nn.Module):
    """Proposals, and while training the losses of how they are made (Ren et al., 2015).

    Args:
        anchor_generator, head: what proposals are made from.
        fg_iou_thresh, bg_iou_thresh: overlap from which on an anchor is an object, and below which
            it is none; between the two it is not counted.
        batch_size_per_image, positive_fraction: of the anchors that the losses are of.
        pre_nms_top_n, post_nms_top_n: {"training", "testing"}: proposals kept of each level before
            non-maximum suppression, and of a picture after it.
        nms_thresh: of the suppression. score_thresh: less likely proposals are dropped.
    """

    def __init__(self, anchor_generator: AnchorGenerator, head: nn.Module, fg_iou_thresh: float,
                 bg_iou_thresh: float, batch_size_per_image: int, positive_fraction: float,
                 pre_nms_top_n: Mapping[str, int], post_nms_top_n: Mapping[str, int],
                 nms_thresh: float, score_thresh: float = 0.0) -> None:
        super().__init__()
        self.anchor_generator, self.head = anchor_generator, head
        self.box_coder = BoxCoder(weights=(1.0, 1.0, 1.0, 1.0))
        self.box_similarity = box_iou
        self.proposal_matcher = Matcher(fg_iou_thresh, bg_iou_thresh,
                                        allow_low_quality_matches=True)
        self.fg_bg_sampler = BalancedPositiveNegativeSampler(batch_size_per_image,
                                                             positive_fraction)
        self._pre_nms_top_n, self._post_nms_top_n = pre_nms_top_n, post_nms_top_n
        self.nms_thresh, self.score_thresh, self.min_size = nms_thresh, score_thresh, SMALLEST

    def pre_nms_top_n(self) -> int:
        """Proposals kept of each level before suppression."""
        return self._pre_nms_top_n["training" if self.training else "testing"]

    def post_nms_top_n(self) -> int:
        """Proposals kept of a picture after suppression."""
        return self._post_nms_top_n["training" if self.training else "testing"]

    def assign_targets_to_anchors(self, anchors: Sequence[Tensor], targets: Sequence[Target]
                                  ) -> tuple[list[Tensor], list[Tensor]]:
        """(anchors,) 1 for objects, 0 for none, -1 for neither, and (anchors, 4) their boxes."""
        labels, boxes = [], []
        for own, target in zip(anchors, targets, strict=True):
            true = target["boxes"]
            if not true.numel():
                boxes.append(zeros(own.shape, dtype=float32))
                labels.append(zeros(len(own), dtype=float32))
                continue
            matched = self.proposal_matcher(self.box_similarity(true, own))
            boxes.append(true[matched.clamp(min=0)])
            between = matched == self.proposal_matcher.BETWEEN_THRESHOLDS
            labels.append((matched >= 0).to(float32).masked_fill(between, -1.0))
        return labels, boxes

    def _best(self, objectness: Tensor, counts: Sequence[int]) -> Tensor:
        """(batch, kept): the places of the highest scores of each level."""
        found, offset = [], 0
        for level in objectness.split(list(counts), 1):
            places = level.topk(min(self.pre_nms_top_n(), level.shape[1]), 1)[1]
            found.append(places + offset)
            offset += level.shape[1]
        return cat(found, 1)

    def filter_proposals(self, proposals: Tensor, objectness: Tensor,
                         image_shapes: Sequence[tuple[int, int]],
                         num_anchors_per_level: Sequence[int]
                         ) -> tuple[list[Tensor], list[Tensor]]:
        """Boxes and scores of each picture, the best first.

        proposals: (batch, anchors, 4). objectness: logits, as many.
        """
        batch = len(proposals)
        objectness = objectness.detach().reshape(batch, -1)
        levels = cat([full((count,), i) for i, count in enumerate(num_anchors_per_level)])
        best = self._best(objectness, num_anchors_per_level)
        row = arange(batch)[:, None]
        likely = objectness[row, best].sigmoid()
        all_boxes, all_scores = [], []
        for boxes, scores, level, shape in zip(proposals[row, best], likely, levels[best],
                                               image_shapes, strict=True):
            boxes = clip_boxes_to_image(boxes, shape)
            kept = remove_small_boxes(boxes, self.min_size)
            kept = kept[scores[kept] >= self.score_thresh]
            boxes, scores, level = boxes[kept], scores[kept], level[kept]
            kept = batched_nms(boxes, scores, level, self.nms_thresh)[: self.post_nms_top_n()]
            all_boxes.append(boxes[kept])
            all_scores.append(scores[kept])
        return all_boxes, all_scores

    def compute_loss(self, objectness: Tensor, pred_bbox_deltas: Tensor, labels: Sequence[Tensor],
                     regression_targets: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Losses of the likelihoods and of the offsets, over sampled anchors."""
        positive, negative = (where(cat(masks))[0] for masks in self.fg_bg_sampler(labels))
        sampled = cat([positive, negative])
        wanted = cat(list(regression_targets))
        box_loss = F.smooth_l1_loss(pred_bbox_deltas[positive], wanted[positive], beta=1 / 9,
                                    reduction="sum") / len(sampled)
        return F.binary_cross_entropy_with_logits(
            objectness.flatten()[sampled], cat(list(labels))[sampled]), box_loss

    def forward(self, images: ImageList, features: Mapping[str, Tensor],
                targets: Sequence[Target] | None = None
                ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Boxes (n_i, 4) of each picture; "loss_objectness", "loss_rpn_box_reg" while training."""
        maps = list(features.values())
        objectness, deltas = self.head(maps)
        anchors = self.anchor_generator(images, maps)
        counts = [each[0].numel() for each in objectness]
        scores, offsets = concat_box_prediction_layers(objectness, deltas)
        proposals = self.box_coder.decode(offsets.detach(), anchors)
        boxes, _ = self.filter_proposals(proposals.view(len(anchors), -1, 4), scores,
                                         images.image_sizes, counts)
        if not self.training:
            return boxes, {}
        if targets is None:
            raise ValueError("targets should not be None")
        labels, matched = self.assign_targets_to_anchors(anchors, targets)
        loss, box_loss = self.compute_loss(scores, offsets, labels,
                                           self.box_coder.encode(matched, anchors))
        return boxes, {"loss_objectness": loss, "loss_rpn_box_reg": box_loss}
