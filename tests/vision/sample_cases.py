"""Transforms of the second interface on whole samples, with any library of torchvision's names."""

from __future__ import annotations

from typing import Any

import numpy as np

SHEAR = {"angle": 12.0, "translate": [2, -1], "scale": 1.2, "shear": [5.0, 3.0]}


def sample(tv: Any, torch: Any, picture: np.ndarray, format: str = "XYXY", floats: bool = True
           ) -> dict[str, Any]:
    """A picture of 18 rows and 25 columns with three boxes, masks, points and labels."""
    image = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))
    numbers = {"XYXY": [[2, 3, 10, 12], [5, 1, 21, 9], [11, 6, 18, 17]],
               "XYWH": [[2, 3, 8, 9], [5, 1, 16, 8], [11, 6, 7, 11]],
               "CXCYWH": [[6, 8, 8, 9], [13, 5, 16, 8], [14, 11, 7, 11]]}[format]
    boxes = torch.tensor(numbers, dtype=torch.float32 if floats else torch.int64)
    masks = torch.zeros(3, 18, 25, dtype=torch.uint8)
    masks[0, 3:12, 2:10] = 1
    masks[1, 1:9, 5:21] = 2
    masks[2, 6:17, 11:18] = 3
    points = torch.tensor([[3.0, 4.0], [20.0, 7.0]])
    return {"image": tv.Image(image),
            "boxes": tv.BoundingBoxes(boxes, format=format, canvas_size=(18, 25)),
            "masks": tv.Mask(masks), "points": tv.KeyPoints(points, canvas_size=(18, 25)),
            "labels": torch.tensor([1, 2, 3]), "name": "x"}


def transforms(V: Any, torch: Any) -> list[Any]:
    """The transforms that take whole samples."""
    return [
        V.RandomHorizontalFlip(0.7), V.RandomVerticalFlip(0.7), V.Resize(9), V.Resize([30, 20]),
        V.Resize(None, max_size=40), V.CenterCrop([10, 12]), V.CenterCrop([30, 12]),
        V.Pad([1, 2, 3, 4], fill=3), V.RandomZoomOut(5), V.RandomCrop(11),
        V.RandomCrop([20, 10], 2, True), V.RandomResizedCrop(12), V.RandomRotation(40),
        V.RandomRotation(30, "bilinear", True), V.RandomAffine(20, (0.1, 0.2), (0.8, 1.3), 8),
        V.RandomPerspective(0.4, 1.0), V.ElasticTransform(30.0, 3.0), V.RandomIoUCrop(),
        V.ScaleJitter((20, 30)), V.RandomShortestSize([9, 14, 20], 25), V.RandomResize(8, 20),
        V.ColorJitter(0.3, 0.2, 0.4, 0.1), V.RandomPhotometricDistort(),
        V.RandomChannelPermutation(), V.Grayscale(3), V.RandomGrayscale(0.5), V.GaussianBlur(3),
        V.RandomInvert(), V.RandomEqualize(), V.RandomPosterize(2), V.RandomSolarize(90.0),
        V.RandomAutocontrast(), V.RandomAdjustSharpness(1.7), V.Identity(),
        V.ToDtype(torch.float32, scale=True),
        V.ConvertBoundingBoxFormat("CXCYWH"), V.ClampBoundingBoxes(),
        V.Compose([V.RandomIoUCrop(), V.SanitizeBoundingBoxes()]),
        V.RandomApply([V.Resize(9)], 0.5), V.RandomOrder([V.Resize(20), V.CenterCrop(12)]),
        V.RandomChoice([V.Resize(20), V.CenterCrop(12), V.Identity()], [1.0, 2.0, 0.5]),
    ]


def pictures(V: Any) -> list[Any]:
    """The transforms that take a picture alone."""
    return [V.AutoAugment(), V.AutoAugment(V.AutoAugmentPolicy.SVHN), V.RandAugment(3),
            V.TrivialAugmentWide(), V.AugMix(), V.RandomErasing(1.0),
            V.RandomErasing(0.8, value="random")]


def batches(V: Any) -> list[Any]:
    """The transforms that take a batch with labels."""
    return [V.MixUp(num_classes=4), V.CutMix(num_classes=4), V.MixUp(alpha=0.4, num_classes=4)]


def results(V: Any, tv: Any, torch: Any, picture: np.ndarray) -> Any:
    """(name, arrays, the generator's next number) of every transform, for some seeds."""
    for seed in (0, 1, 2):
        for number, transform in enumerate(transforms(V, torch)):
            format = ("XYXY", "XYWH", "CXCYWH")[(seed + number) % 3]
            torch.manual_seed(seed)
            out = transform(sample(tv, torch, picture, format, number % 4 != 3))
            parts = [np.asarray(part.numpy()) for part in out.values() if part != "x"]
            yield f"{number} {type(transform).__name__} {seed}", parts, torch.rand(1).item()
        for number, transform in enumerate(pictures(V)):
            torch.manual_seed(seed)
            out, label = transform(sample(tv, torch, picture)["image"], 7)
            assert label == 7
            yield f"picture {number} {seed}", [np.asarray(out.numpy())], torch.rand(1).item()
        for number, transform in enumerate(batches(V)):
            torch.manual_seed(seed)
            batch = torch.linspace(0, 1, 4 * 3 * 8 * 9).reshape(4, 3, 8, 9)
            parts = [each.numpy() for each in transform(batch, torch.tensor([3, 0, 1, 2]))]
            yield f"batch {number} {seed}", parts, torch.rand(1).item()
