"""Calls of `vision.utils`, which run with any library of torchvision's names."""

from __future__ import annotations

from typing import Any

import numpy as np


def without_pillow(U: Any, torch: Any, img: Any) -> dict[str, Any]:
    """Name of a case -> the picture: masks, motion, grids."""
    masks = torch.zeros(2, 18, 25) > 0
    masks[0, 2:9, 3:9] = True
    masks[1, 5:12, 6:20] = True
    flow = torch.linspace(-3, 4, 2 * 18 * 25).reshape(2, 18, 25)
    batch = torch.linspace(-1, 2, 5 * 3 * 4 * 6).reshape(5, 3, 4, 6)
    return {
        "masks": U.draw_segmentation_masks(img, masks, 0.6, [(255, 0, 0), (0, 128, 0)]),
        "masks of floats": U.draw_segmentation_masks(img.float() / 255, masks, 0.6),
        "flow": U.flow_to_image(flow.sin() * flow),
        "flows": U.flow_to_image(torch.stack([flow, flow.cos()])),
        "grid": U.make_grid(batch, 3),
        "grid normalized": U.make_grid(batch, 2, 1, True, scale_each=True, pad_value=0.5),
        "grid in range": U.make_grid(batch, 8, 0, True, (0.0, 1.0)),
        "grid of list": U.make_grid([batch[0, :1], batch[1, :1]]),
        "grid of one": U.make_grid(batch[0, 0]),
    }


def with_pillow(U: Any, torch: Any, img: Any) -> dict[str, Any]:
    """Name of a case -> the picture: boxes and points."""
    boxes = torch.tensor([[2, 3, 10, 12], [5, 1, 20, 9]])
    points = torch.tensor([[[3, 4], [15, 9], [8, 14]]])
    seen = torch.tensor([[True, True, False]])
    lines = [(0, 1), (1, 2)]
    return {
        "boxes": U.draw_bounding_boxes(img, boxes, colors=["red", (0, 255, 0)], width=2),
        "boxes filled": U.draw_bounding_boxes(img, boxes.float(), fill=True),
        "boxes on floats": U.draw_bounding_boxes(img.float() / 255, boxes, colors="blue"),
        "boxes on grey": U.draw_bounding_boxes(img[:1], boxes, colors="blue", labels=["a", "b"],
                                               fill_labels=True),
        "points": U.draw_keypoints(img, points, lines, colors="yellow", radius=2, width=2),
        "points seen": U.draw_keypoints(img, points, lines, colors="yellow", visibility=seen),
    }


def run(U: Any, torch: Any, picture: np.ndarray, pillow: bool) -> dict[str, np.ndarray]:
    """Name of a case -> the values."""
    img = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))
    found = without_pillow(U, torch, img) | (with_pillow(U, torch, img) if pillow else {})
    return {name: out.numpy() for name, out in found.items()}
