"""MixUp and CutMix: batches mixed with themselves, labels with them."""

from __future__ import annotations

import math
from typing import Any

from rushlight.distributions import Beta
from rushlight.nn.functional import one_hot
from rushlight.ops import tensor
from rushlight.tensor import Tensor
from rushlight.utils.pytree import tree_flatten, tree_unflatten
from rushlight.vision.image import is_pillow
from rushlight.vision.transforms.drawing import integer
from rushlight.vision.transforms.v2.detection import labels_getter_of
from rushlight.vision.transforms.v2.kinds import has_any, is_pure_tensor, query_size
from rushlight.vision.transforms.v2.transform import Transform
from rushlight.vision.tv_tensors import BoundingBoxes, Image, KeyPoints, Mask, Video, wrap


class _Mixing(Transform):
    """Each picture mixed with the one before it in the batch, by a part drawn from Beta(a, a)."""

    def __init__(self, *, alpha: float = 1.0, num_classes: int | None = None,
                 labels_getter: Any = "default") -> None:
        super().__init__()
        self.alpha, self.num_classes = float(alpha), num_classes
        self._beta = Beta(tensor([self.alpha]), tensor([self.alpha]))
        self._labels_getter = labels_getter_of(labels_getter)

    def _labels(self, sample: Any) -> Tensor:
        """The labels. Raises ValueError for other than (batch,) or (batch, classes)."""
        labels = self._labels_getter(sample)
        if not isinstance(labels, Tensor):
            raise ValueError(f"The labels must be a tensor, but got {type(labels)} instead.")
        if labels.ndim not in (1, 2):
            raise ValueError("labels should be index based with shape (batch_size,) or probability "
                             "based with shape (batch_size, num_classes), but got a tensor of "
                             f"shape {labels.shape} instead.")
        if labels.ndim == 2 and self.num_classes not in (None, labels.shape[-1]):
            raise ValueError("When passing 2D labels, the number of elements in last dimension "
                             f"must match num_classes: {labels.shape[-1]} != {self.num_classes}. "
                             "You can Leave num_classes to None.")
        if labels.ndim == 1 and self.num_classes is None:
            raise ValueError("num_classes must be passed if the labels are index-based (1D)")
        return labels

    def forward(self, *inputs: Any) -> Any:
        """The batch, pictures and labels mixed. ValueError for other pictures than tensors."""
        sample = inputs if len(inputs) > 1 else inputs[0]
        flat, spec = tree_flatten(sample)
        if has_any(flat, is_pillow, BoundingBoxes, Mask, KeyPoints):
            raise ValueError(f"{type(self).__name__}() does not support PIL images, bounding "
                             "boxes, keypoints and masks.")
        labels = self._labels(sample)
        chosen = self._chosen(flat)
        params = self.make_params([each for each, is_in in zip(flat, chosen, strict=True)
                                   if is_in])
        out = []
        for each, is_in in zip(flat, chosen, strict=True):
            if each is labels:
                each = self._mixed_labels(each, params["part"])
            elif is_in and (isinstance(each, Image | Video) or is_pure_tensor(each)):
                each = self._checked(each, len(labels), params)
            out.append(each)
        return tree_unflatten(out, spec)

    def _checked(self, inpt: Any, count: int, params: dict[str, Any]) -> Any:
        expected = 5 if isinstance(inpt, Video) else 4
        if inpt.ndim != expected:
            raise ValueError(f"Expected a batched input with {expected} dims, but got {inpt.ndim} "
                             "dimensions instead.")
        if inpt.shape[0] != count:
            raise ValueError("The batch size of the image or video does not match the batch size "
                             f"of the labels: {inpt.shape[0]} != {count}.")
        plain = inpt.as_subclass(Tensor)
        out = self.transform(plain, params)
        return out if is_pure_tensor(inpt) else wrap(out, like=inpt)

    def _mixed_labels(self, labels: Tensor, part: float) -> Tensor:
        shares = one_hot(labels, self.num_classes) if labels.ndim == 1 else labels
        shares = shares if shares.is_floating_point() else shares.float()
        return shares.roll(1, 0) * (1.0 - part) + shares * part


class MixUp(_Mixing):
    """part * picture + (1 - part) * the one before it (Zhang et al., 2018)."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The part."""
        return {"part": self._beta.sample(()).item()}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The pictures, mixed."""
        return inpt.roll(1, 0) * (1.0 - params["part"]) + inpt * params["part"]


class CutMix(_Mixing):
    """A rectangle of each picture replaced by that of the one before it (Yun et al., 2019)."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The rectangle, and the part that stays."""
        part = self._beta.sample(()).item()
        height, width = query_size(flat_inputs)
        x, y = integer(0, width), integer(0, height)
        reach = 0.5 * math.sqrt(1.0 - part)
        across, down = int(reach * width), int(reach * height)
        left, top = max(x - across, 0), max(y - down, 0)
        right, bottom = min(x + across, width), min(y + down, height)
        covered = (right - left) * (bottom - top) / (width * height)
        return {"box": (left, top, right, bottom), "part": 1.0 - covered}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The pictures, with their rectangles."""
        left, top, right, bottom = params["box"]
        out = inpt.clone()
        out[..., top:bottom, left:right] = inpt.roll(1, 0)[..., top:bottom, left:right]
        return out
