"""Transforms of the first interface, built with any library of torchvision's names."""

from __future__ import annotations

from typing import Any


def transforms(T: Any, torch: Any) -> dict[str, Any]:
    """Text of a transform -> the transform."""
    mode = T.InterpolationMode
    matrix = torch.linspace(-1, 1, 48 * 48).reshape(48, 48)
    made = [
        T.Resize(10), T.Resize([8, 9], mode.BICUBIC), T.CenterCrop(9), T.Pad([1, 2], 3, "constant"),
        T.RandomApply([T.RandomCrop(9)], 0.6), T.RandomCrop(12),
        T.RandomCrop([14, 30], padding=2, pad_if_needed=True, padding_mode="reflect"),
        T.RandomHorizontalFlip(), T.RandomVerticalFlip(0.3),
        T.RandomPerspective(0.4, 0.9, fill=7), T.RandomResizedCrop(11),
        T.RandomResizedCrop([7, 9], (0.001, 0.01), (0.1, 9.0)),
        T.ColorJitter(0.4, 0.3, (0.5, 1.6), 0.1), T.ColorJitter(hue=0.5),
        T.RandomRotation(40), T.RandomRotation((-5, 90), mode.BILINEAR, center=(3, 4), fill=9),
        T.RandomAffine(30, (0.2, 0.3), (0.7, 1.4), 10), T.RandomAffine((5, 9), shear=(1, 2, 3, 4)),
        T.RandomGrayscale(0.5), T.GaussianBlur(5), T.GaussianBlur((3, 5), 0.9),
        T.RandomInvert(), T.RandomPosterize(3), T.RandomSolarize(100.0),
        T.RandomAdjustSharpness(2), T.RandomAutocontrast(), T.RandomEqualize(0.7),
        T.ElasticTransform(60.0, 2.0), T.AutoAugment(),
        T.AutoAugment(T.AutoAugmentPolicy.CIFAR10, fill=5), T.AutoAugment(T.AutoAugmentPolicy.SVHN),
        T.RandAugment(), T.RandAugment(3, 20, fill=7.0), T.TrivialAugmentWide(), T.AugMix(),
        T.AugMix(5, 2, 2, all_ops=False), T.FiveCrop(7), T.TenCrop((5, 6), True),
        T.Grayscale(3),
        T.Compose([T.RandomCrop(16), T.RandomHorizontalFlip(), T.ColorJitter(0.2)]),
    ]
    tensors = [T.RandomErasing(0.8), T.RandomErasing(1.0, value="random"),
               T.RandomErasing(0.9, (0.1, 0.2), value=(3, 4, 5)),
               T.ConvertImageDtype(torch.float32)]
    floats = [T.Normalize((0.4, 0.5, 0.6), (0.2, 0.3, 0.4)), T.RandomErasing(0.9, value="random"),
              T.Compose([T.Resize([4, 4]), T.LinearTransformation(matrix, matrix[3])])]
    return {"any": made, "tensors": made + tensors, "floats": floats}


def draws(T: Any, torch: Any, images: dict[str, Any], planes: Any) -> Any:
    """(name, result, the generator's next numbers) of every transform, for some seeds."""
    sets = transforms(T, torch)
    kinds = {"bytes": "tensors", "pillow": "any", "floats": "floats"}
    for kind, which in kinds.items():
        if kind not in images:
            continue
        for number, transform in enumerate(sets[which]):
            for seed in (0, 1, 2):
                torch.manual_seed(seed)
                out = transform(images[kind])
                out = [planes(part) for part in (out if isinstance(out, tuple) else (out,))]
                name = f"{kind} {number} {type(transform).__name__} {seed}"
                yield name, out, torch.rand(1).item()
