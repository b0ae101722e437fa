"""Which kinds of input a sample holds, and the size that they share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.tensor import Tensor
from rushlight.vision.image import is_pillow
from rushlight.vision.transforms.functional_dimensions import get_dimensions as _dimensions
from rushlight.vision.tv_tensors import BoundingBoxes, Image, KeyPoints, Mask, TVTensor, Video

Check = type | Callable[[Any], bool]


def is_pure_tensor(inpt: Any) -> bool:
    """Whether it is a tensor that does not say what it shows."""
    return isinstance(inpt, Tensor) and not isinstance(inpt, TVTensor)


PICTURES: tuple[Check, ...] = (is_pure_tensor, Image, Video, is_pillow)


def check_type(obj: Any, types_or_checks: tuple[Check, ...]) -> bool:
    """Whether `obj` is of one of the types, or passes one of the checks."""
    return any(isinstance(obj, each) if isinstance(each, type) else each(obj)
               for each in types_or_checks)


def has_any(flat_inputs: list[Any], *types_or_checks: Check) -> bool:
    """Whether one of the inputs is of one of the types."""
    return any(check_type(inpt, types_or_checks) for inpt in flat_inputs)


def has_all(flat_inputs: list[Any], *types_or_checks: Check) -> bool:
    """Whether there is an input of each of the types."""
    return all(has_any(flat_inputs, each) for each in types_or_checks)


def get_bounding_boxes(flat_inputs: list[Any]) -> BoundingBoxes:
    """The first boxes. Raises ValueError where there are none."""
    found = next((inpt for inpt in flat_inputs if isinstance(inpt, BoundingBoxes)), None)
    if found is None:
        raise ValueError("No bounding boxes were found in the sample")
    return found


def get_keypoints(flat_inputs: list[Any]) -> KeyPoints:
    """The first points. Raises ValueError where there are none."""
    found = next((inpt for inpt in flat_inputs if isinstance(inpt, KeyPoints)), None)
    if found is None:
        raise ValueError("No keypoints were found in the sample")
    return found


def get_dimensions(inpt: Any) -> list[int]:
    """[channels, height, width] of a picture or film."""
    return _dimensions(inpt.as_subclass(Tensor) if isinstance(inpt, TVTensor) else inpt)


def get_size(inpt: Any) -> list[int]:
    """[height, width] of a picture, or of that which boxes and points lie on."""
    if isinstance(inpt, BoundingBoxes | KeyPoints):
        return list(inpt.canvas_size)
    return get_dimensions(inpt)[1:]


def query_chw(flat_inputs: list[Any]) -> tuple[int, int, int]:
    """(channels, height, width) of all pictures. TypeError for none, ValueError for several."""
    found = {tuple(get_dimensions(inpt)) for inpt in flat_inputs if check_type(inpt, PICTURES)}
    if not found:
        raise TypeError("No image or video was found in the sample")
    if len(found) > 1:
        raise ValueError(f"Found multiple CxHxW dimensions in the sample: {sorted(found)}")
    channels, height, width = found.pop()
    return channels, height, width


def query_size(flat_inputs: list[Any]) -> tuple[int, int]:
    """(height, width) of all inputs. TypeError for none, ValueError where they differ."""
    kinds = (*PICTURES, Mask, BoundingBoxes, KeyPoints)
    found = {tuple(get_size(inpt)) for inpt in flat_inputs if check_type(inpt, kinds)}
    if not found:
        raise TypeError("No image, video, mask, bounding box of keypoint was found in the sample")
    if len(found) > 1:
        raise ValueError(f"Found multiple HxW dimensions in the sample: {sorted(found)}")
    height, width = found.pop()
    return height, width
