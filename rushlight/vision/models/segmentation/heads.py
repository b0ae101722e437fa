"""What FCN and DeepLab share: a backbone, a head, and perhaps an auxiliary head."""

from __future__ import annotations

from collections import OrderedDict

from rushlight import nn
from rushlight.tensor import Tensor

CLASSES = 21  # of Pascal VOC, the background included


def enlarged(x: Tensor, like: Tensor) -> Tensor:
    """Bilinear, to the height and width of `like`."""
    return nn.functional.interpolate(x, size=like.shape[-2:], mode="bilinear",
                                     align_corners=False)


class SegmentationModel(nn.Module):
    """Scores at every pixel.

    Args:
        backbone: gives features by name: "out", and "aux" for the auxiliary head.
        classifier, aux_classifier: from features to scores.
    """

    def __init__(self, backbone: nn.Module, classifier: nn.Module,
                 aux_classifier: nn.Module | None = None) -> None:
        super().__init__()
        self.backbone, self.classifier = backbone, classifier
        self.aux_classifier = aux_classifier

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        """(batch, 3, height, width) gives "out", (batch, num_classes, height, width), and "aux"."""
        features = self.backbone(x)
        result = OrderedDict(out=enlarged(self.classifier(features["out"]), x))
        if self.aux_classifier is not None:
            result["aux"] = enlarged(self.aux_classifier(features["aux"]), x)
        return result
