"""Detection in two steps: proposals, and what they show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rushlight import nn
from rushlight.ops import where
from rushlight.tensor import Tensor

Target = Mapping[str, Tensor]


def check_targets(targets: Sequence[Target] | None) -> None:
    """Raises AssertionError for targets that are missing or whose boxes are not (n, 4)."""
    if targets is None:
        raise AssertionError("targets should not be none when in training mode")
    for target in targets:
        boxes = target["boxes"]
        if not isinstance(boxes, Tensor):
            raise AssertionError(f"Expected target boxes to be of type Tensor, got {type(boxes)}.")
        if boxes.dim() != 2 or boxes.shape[-1] != 4:
            raise AssertionError("Expected target boxes to be a tensor of shape [N, 4], got "
                                 f"{boxes.shape}.")


def check_extents(targets: Sequence[Target] | None) -> None:
    """Raises AssertionError for boxes without width or height."""
    for number, target in enumerate(targets or ()):
        boxes = target["boxes"]
        empty = (boxes[:, 2:] <= boxes[:, :2]).any(1)
        if empty.any():
            raise AssertionError("All bounding boxes should have positive height and width. Found "
                                 f"invalid box {boxes[where(empty)[0][0]].tolist()} for target "
                                 f"at index {number}.")


class GeneralizedRCNN(nn.Module):
    """Pictures to features, to proposals, to results.

    backbone, rpn, roi_heads, transform: the steps.
    """

    def __init__(self, backbone: nn.Module, rpn: nn.Module, roi_heads: nn.Module,
                 transform: nn.Module) -> None:
        super().__init__()
        self.transform, self.backbone = transform, backbone
        self.rpn, self.roi_heads = rpn, roi_heads

    def forward(self, images: Sequence[Tensor], targets: Sequence[Target] | None = None) -> Any:
        """Results of each picture, or while training a dict of losses.

        images: (3, height, width) each, in [0, 1], of any sizes. targets: a dict for each with
        "boxes" (n, 4) in pixels and "labels" (n,) int64. Results: "boxes", "labels" and "scores",
        the best first. Raises AssertionError for targets that are missing or wrong.
        """
        if self.training:
            check_targets(targets)
        sizes = [(image.shape[-2], image.shape[-1]) for image in images]
        batch, changed = self.transform(images, targets)
        check_extents(changed)
        features = self.backbone(batch.tensors)
        if isinstance(features, Tensor):
            features = {"0": features}
        proposals, proposal_losses = self.rpn(batch, features, changed)
        result, losses = self.roi_heads(features, proposals, batch.image_sizes, changed)
        if self.training:
            return {**losses, **proposal_losses}
        return self.transform.postprocess(result, batch.image_sizes, sizes)
