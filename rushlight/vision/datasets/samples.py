"""Samples whose boxes and masks say what they are, for `transforms.v2`."""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import Any

from rushlight.base import dtypes
from rushlight.ops import tensor
from rushlight.utils.data import Dataset
from rushlight.vision.datasets.coco import CocoCaptions, CocoDetection
from rushlight.vision.datasets.vision import VisionDataset
from rushlight.vision.datasets.voc import VOCDetection, VOCSegmentation
from rushlight.vision.transforms.functional import get_dimensions, pil_to_tensor
from rushlight.vision.transforms.v2.functional import convert_bounding_box_format
from rushlight.vision.tv_tensors import BoundingBoxes, Mask

VOC_CLASSES = ("__background__ aeroplane bicycle bird boat bottle bus car cat chair cow "
               "diningtable dog horse motorbike person pottedplant sheep sofa train "
               "tvmonitor").split()


class KindedDataset(Dataset):
    """The samples of a data set, their boxes and masks as `tv_tensors`, before its transforms."""

    def __init__(self, dataset: VisionDataset, target_keys: Collection[str] | None) -> None:
        self.dataset, self.target_keys = copy.copy(dataset), target_keys
        self.transforms = dataset.transforms
        for name in ("transforms", "transform", "target_transform"):
            setattr(self.dataset, name, None)

    def __getattr__(self, name: str) -> Any:
        if name == "dataset":  # while being copied or unpickled
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def __len__(self) -> int:
        return len(self.dataset)  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image, target = self.dataset[index]
        target = self._target(index, image, target)
        return (image, target) if self.transforms is None else self.transforms(image, target)

    def _target(self, index: int, image: Any, target: Any) -> Any:
        if isinstance(self.dataset, VOCSegmentation):
            return Mask(pil_to_tensor(target))
        if isinstance(self.dataset, VOCDetection):
            return self._chosen(_voc(target, image), {"boxes", "labels"})
        if isinstance(self.dataset, CocoDetection) and not isinstance(self.dataset, CocoCaptions):
            found = _coco(target, image, self.dataset.ids[index])
            return self._chosen(found, {"image_id", "boxes", "labels"})
        return target

    def _chosen(self, target: dict[str, Any], default: set[str]) -> dict[str, Any]:
        wanted = default if self.target_keys is None else self.target_keys
        return target if wanted == "all" else {name: value for name, value in target.items()
                                               if name in wanted}


def _boxes(numbers: list[Any], format: str, image: Any) -> BoundingBoxes:
    _, height, width = get_dimensions(image)
    values = tensor(numbers, dtype=dtypes.float32).reshape(-1, 4)
    return BoundingBoxes(values, format=format, canvas_size=(height, width))


def _coco(target: list[dict[str, Any]], image: Any, number: int) -> dict[str, Any]:
    """The list of annotations as a dictionary of lists, with boxes and labels."""
    found: dict[str, Any] = {name: [each.get(name) for each in target]
                             for name in {name for each in target for name in each}}
    boxes = _boxes([each["bbox"] for each in target], "XYWH", image)
    return {**found, "image_id": number,
            "boxes": convert_bounding_box_format(boxes, new_format="XYXY"),
            "labels": tensor([each["category_id"] for each in target], dtype=dtypes.int64)}


def _voc(target: dict[str, Any], image: Any) -> dict[str, Any]:
    """The annotations, with boxes and labels."""
    objects = target["annotation"]["object"]
    corners = [[float(each["bndbox"][name]) for name in ("xmin", "ymin", "xmax", "ymax")]
               for each in objects]
    labels = [VOC_CLASSES.index(each["name"]) for each in objects]
    return {**target, "boxes": _boxes(corners, "XYXY", image),
            "labels": tensor(labels, dtype=dtypes.int64)}


def wrap_dataset_for_transforms_v2(dataset: VisionDataset,
                                   target_keys: Collection[str] | None = None) -> KindedDataset:
    """The data set with boxes and masks that `transforms.v2` transforms with the picture.

    Of VOC and COCO: dictionaries with "boxes" (XYXY) and "labels" (COCO: "image_id" too), masks of
    segmentation; other data sets' samples stay as they are. target_keys: the parts of dictionaries
    to keep, "all" for all. COCO's outlines are not made masks. Raises TypeError for other than a
    VisionDataset.
    """
    if not isinstance(dataset, VisionDataset):
        raise TypeError("This function is meant for subclasses of the class "
                        f"rushlight.vision.datasets.VisionDataset, but got {type(dataset)}.")
    return KindedDataset(dataset, target_keys)
