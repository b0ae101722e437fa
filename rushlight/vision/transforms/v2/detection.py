"""Transforms for detection: crops about boxes, scales, clean boxes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rushlight.ops import rand, randint, tensor
from rushlight.tensor import Tensor
from rushlight.utils.pytree import tree_flatten, tree_unflatten
from rushlight.vision.image import is_pillow
from rushlight.vision.ops import box_iou
from rushlight.vision.transforms import drawing
from rushlight.vision.transforms.v2 import boxes as kernels
from rushlight.vision.transforms.v2 import functional as F
from rushlight.vision.transforms.v2.kinds import (
    get_bounding_boxes,
    has_any,
    is_pure_tensor,
    query_size,
)
from rushlight.vision.transforms.v2.transform import (
    RandomApplyTransform,
    Transform,
    checked_fill,
    fill_of,
)
from rushlight.vision.tv_tensors import BoundingBoxes, Image, KeyPoints, Mask, wrap


class RandomZoomOut(RandomApplyTransform):
    """The sample on a larger ground, of `side_range` times its sides, with probability p."""

    def __init__(self, fill: Any = 0, side_range: Any = (1.0, 4.0), p: float = 0.5) -> None:
        super().__init__(p)
        self.fill = checked_fill(fill)
        drawing.check_sequence(side_range, "side_range", (2,))
        if side_range[0] < 1.0 or side_range[0] > side_range[1]:
            raise ValueError(f"Invalid side range provided {side_range}.")
        self.side_range = side_range

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The border."""
        height, width = query_size(flat_inputs)
        low, high = self.side_range
        by = (low + rand(1) * (high - low)).item()
        wide, high = int(width * by), int(height * by)
        place = rand(2)
        left, top = int((wide - width) * place[0].item()), int((high - height) * place[1].item())
        return {"padding": [left, top, wide - left - width, high - top - height]}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input with its border."""
        return self.call(F.pad, inpt, **params, fill=fill_of(self.fill, inpt))


class RandomIoUCrop(Transform):
    """A crop that overlaps a box by a random amount at least (Liu et al., SSD, 2016).

    Boxes whose centre is outside become empty; `SanitizeBoundingBoxes` removes them.
    """

    def __init__(self, min_scale: float = 0.3, max_scale: float = 1.0,
                 min_aspect_ratio: float = 0.5, max_aspect_ratio: float = 2.0,
                 sampler_options: list[float] | None = None, trials: int = 40) -> None:
        super().__init__()
        self.min_scale, self.max_scale = min_scale, max_scale
        self.min_aspect_ratio, self.max_aspect_ratio = min_aspect_ratio, max_aspect_ratio
        self.options = sampler_options or [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0]
        self.trials = trials

    def check_inputs(self, flat_inputs: list[Any]) -> None:
        """Raises TypeError without a picture or boxes."""
        if not (has_any(flat_inputs, BoundingBoxes)
                and has_any(flat_inputs, is_pillow, Image, is_pure_tensor)):
            raise TypeError(f"{type(self).__name__}() requires input sample to contain tensor or "
                            "PIL images and bounding boxes. Sample can also contain masks.")

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The place of the crop, and the boxes in it; nothing where all stays."""
        height, width = query_size(flat_inputs)
        found = get_bounding_boxes(flat_inputs)
        corners = kernels.convert(found.as_subclass(Tensor), kernels.as_format(found.format),
                                  kernels.XYXY)
        while True:
            least = self.options[drawing.integer(0, len(self.options))]
            if least >= 1.0:
                return {}
            for _ in range(self.trials):
                params = self._place(height, width, corners, least)
                if params:
                    return params

    def _place(self, height: int, width: int, corners: Tensor, least: float) -> dict[str, Any]:
        """A crop and the boxes in it; nothing where it does not do."""
        part = self.min_scale + (self.max_scale - self.min_scale) * rand(2)
        columns, rows = int(width * part[0].item()), int(height * part[1].item())
        if not self.min_aspect_ratio <= columns / rows <= self.max_aspect_ratio:
            return {}
        place = rand(2)
        left = int((width - columns) * place[0].item())
        top = int((height - rows) * place[1].item())
        if not columns or not rows:
            return {}
        x = 0.5 * (corners[..., 0] + corners[..., 2])
        y = 0.5 * (corners[..., 1] + corners[..., 3])
        inside = (left < x) & (x < left + columns) & (top < y) & (y < top + rows)
        if not inside.any():
            return {}
        crop = tensor([[left, top, left + columns, top + rows]], dtype=corners.dtype)
        if box_iou(corners[inside], crop).max().item() < least:
            return {}
        return {"top": top, "left": left, "height": rows, "width": columns, "inside": inside}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input, cropped."""
        if not params:
            return inpt
        place = {name: value for name, value in params.items() if name != "inside"}
        out = self.call(F.crop, inpt, **place)
        if isinstance(out, BoundingBoxes):
            return wrap(out.as_subclass(Tensor) * params["inside"][:, None], like=out)
        return out


class _Resizing(Transform):
    """A resize to a drawn size."""

    interpolation: Any
    antialias: bool | None

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input, resized."""
        return self.call(F.resize, inpt, params["size"], interpolation=self.interpolation,
                         antialias=self.antialias)


class ScaleJitter(_Resizing):
    """Scaled to fit `target_size`, times a random factor of `scale_range` (Ghiasi et al., 2021)."""

    def __init__(self, target_size: tuple[int, int], scale_range: tuple[float, float] = (0.1, 2.0),
                 interpolation: Any = "bilinear", antialias: bool | None = True) -> None:
        super().__init__()
        self.target_size, self.scale_range = target_size, scale_range
        self.interpolation, self.antialias = interpolation, antialias

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The size."""
        height, width = query_size(flat_inputs)
        low, high = self.scale_range
        scale = low + rand(1) * (high - low)
        by = (min(self.target_size[1] / height, self.target_size[0] / width) * scale).item()
        return {"size": (int(height * by), int(width * by))}


class RandomShortestSize(_Resizing):
    """The shorter side one of `min_size`, the longer no longer than `max_size`."""

    def __init__(self, min_size: Any, max_size: int | None = None, interpolation: Any = "bilinear",
                 antialias: bool | None = True) -> None:
        super().__init__()
        self.min_size = [min_size] if isinstance(min_size, int) else list(min_size)
        self.max_size = max_size
        self.interpolation, self.antialias = interpolation, antialias

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The size."""
        height, width = query_size(flat_inputs)
        shorter = self.min_size[int(randint(len(self.min_size), ()).item())]
        by = shorter / min(height, width)
        if self.max_size is not None:
            by = min(by, self.max_size / max(height, width))
        return {"size": (int(height * by), int(width * by))}


class RandomResize(_Resizing):
    """The shorter side of a random length of [min_size, max_size)."""

    def __init__(self, min_size: int, max_size: int, interpolation: Any = "bilinear",
                 antialias: bool | None = True) -> None:
        super().__init__()
        self.min_size, self.max_size = min_size, max_size
        self.interpolation, self.antialias = interpolation, antialias

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The size."""
        return {"size": [int(randint(self.min_size, self.max_size, ()).item())]}


class ConvertBoundingBoxFormat(Transform):
    """Boxes in another format."""

    _transformed_types = (BoundingBoxes,)

    def __init__(self, format: Any) -> None:
        super().__init__()
        self.format = format

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The boxes, converted."""
        return F.convert_bounding_box_format(inpt, new_format=self.format)


class ClampBoundingBoxes(Transform):
    """The parts of the boxes that lie on the picture."""

    _transformed_types = (BoundingBoxes,)

    def __init__(self, clamping_mode: str | None = "auto") -> None:
        super().__init__()
        self.clamping_mode = clamping_mode

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The boxes, clamped."""
        return F.clamp_bounding_boxes(inpt, clamping_mode=self.clamping_mode)


class ClampKeyPoints(Transform):
    """Points moved onto the picture."""

    _transformed_types = (KeyPoints,)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The points, moved."""
        return F.clamp_keypoints(inpt)


class SetClampingMode(Transform):
    """What later transforms do with boxes that reach beyond the picture: "soft", "hard", None."""

    _transformed_types = (BoundingBoxes,)

    def __init__(self, clamping_mode: str | None) -> None:
        super().__init__()
        if clamping_mode not in (None, "soft", "hard"):
            raise ValueError(f"clamping_mode must be soft, hard or None, got {clamping_mode}")
        self.clamping_mode = clamping_mode

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The boxes, with that mode."""
        return wrap(inpt.as_subclass(Tensor), like=inpt, clamping_mode=self.clamping_mode)


def labels_of(inputs: Any) -> Any:
    """The labels of a sample: its second part, or what is called so in a dictionary. ValueError."""
    found = inputs[1] if isinstance(inputs, tuple | list) else inputs
    if is_pure_tensor(found):
        return found
    if not isinstance(found, Mapping):
        raise ValueError("When using the default labels_getter, the input passed to forward must "
                         "be a dictionary or a two-tuple whose second item is a dictionary or a "
                         f"tensor, but got {inputs} instead.")
    exact = [key for key in found if key.lower() == "labels"]
    similar = [key for key in found if "label" in key.lower()]
    if not exact and not similar:
        raise ValueError("Could not infer where the labels are in the sample. Try passing a "
                         "callable as the labels_getter parameter? If there are no labels in the "
                         "sample by design, pass labels_getter=None.")
    return found[(exact or similar)[0]]


def labels_getter_of(getter: Any) -> Callable[[Any], Any]:
    """A function of the sample: that given, or the default. Raises ValueError."""
    if getter == "default":
        return labels_of
    if getter is None:
        return lambda sample: None
    if not callable(getter):
        raise ValueError("labels_getter should either be 'default', a callable, or None, but got "
                         f"{getter}.")
    return getter


class SanitizeBoundingBoxes(Transform):
    """Without the boxes that are too small or reach beyond the picture; nor their labels, masks.

    labels_getter: "default" (see `labels_of`), a function of the sample, or None.
    """

    def __init__(self, min_size: float = 1.0, min_area: float = 1.0,
                 labels_getter: Any = "default") -> None:
        super().__init__()
        if min_size < 1:
            raise ValueError(f"min_size must be >= 1, got {min_size}.")
        if min_area < 1:
            raise ValueError(f"min_area must be >= 1, got {min_area}.")
        self.min_size, self.min_area, self.labels_getter = min_size, min_area, labels_getter
        self._labels_getter = labels_getter_of(labels_getter)

    def forward(self, *inputs: Any) -> Any:
        """The sample without those boxes."""
        sample = inputs if len(inputs) > 1 else inputs[0]
        found = self._labels_getter(sample)
        labels = [] if found is None else list(found) if isinstance(found, tuple | list) else [
            found]
        flat, spec = tree_flatten(sample)
        boxes = get_bounding_boxes(flat)
        for label in labels:
            if not isinstance(label, Tensor):
                raise ValueError("The labels in the input to forward() must be a tensor or None, "
                                 f"got {type(label)} instead.")
            if len(label) != len(boxes):
                raise ValueError(f"Number of boxes (shape={boxes.shape}) and must match the number "
                                 f"of labels. Found labels with shape={label.shape}).")
        _, kept = F.sanitize_bounding_boxes(boxes, min_size=self.min_size, min_area=self.min_area)
        return tree_unflatten([self._kept(each, kept, labels) for each in flat], spec)

    @staticmethod
    def _kept(inpt: Any, kept: Tensor, labels: list[Tensor]) -> Any:
        if any(inpt is label for label in labels):
            return inpt[kept]
        if isinstance(inpt, BoundingBoxes) or (isinstance(inpt, Mask) and (
                inpt.shape[:1] == kept.shape)):
            return wrap(inpt.as_subclass(Tensor)[kept], like=inpt)
        return inpt
