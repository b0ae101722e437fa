"""Calls of the functional transforms, which run with any library of torchvision's names."""

from __future__ import annotations

from typing import Any

import numpy as np


def picture(channels: int = 3, height: int = 18, width: int = 25) -> np.ndarray:
    """Bytes of (height, width, channels): smooth waves, with some noise and a flat corner."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [120 + 90 * np.sin(0.4 * x + 0.3 * y + number) + 30 * np.cos(0.9 * y - number * x / 5)
             for number in range(channels)]
    image = np.clip(np.stack(waves, -1) + (7 * x[..., None] * y[..., None]) % 13, 0, 255)
    image[:4, :5] = 30
    return image.astype(np.uint8)


def cases(F: Any, torch: Any) -> dict[str, Any]:
    """Name of a case -> function of a picture."""
    mode = F.InterpolationMode
    corners = [[0, 0], [24, 0], [24, 17], [0, 17]], [[2, 1], [21, 3], [24, 15], [1, 16]]
    found = {
        "resize shorter": lambda img: F.resize(img, 9),
        "resize larger": lambda img: F.resize(img, [31, 40]),
        "resize bicubic": lambda img: F.resize(img, [11, 30], mode.BICUBIC),
        "resize nearest": lambda img: F.resize(img, [11, 30], mode.NEAREST),
        "resize max": lambda img: F.resize(img, 12, max_size=14),
        "center crop": lambda img: F.center_crop(img, [11, 8]),
        "center crop beyond": lambda img: F.center_crop(img, [25, 10]),
        "crop beyond": lambda img: F.crop(img, -2, 17, 9, 12),
        "resized crop": lambda img: F.resized_crop(img, 2, 3, 10, 11, [7, 9]),
        "pad": lambda img: F.pad(img, [1, 2, 3, 4], 77),
        "pad edge": lambda img: F.pad(img, 3, padding_mode="edge"),
        "pad reflect": lambda img: F.pad(img, [2, 5], padding_mode="reflect"),
        "pad symmetric": lambda img: F.pad(img, [2, 5, 1, 3], padding_mode="symmetric"),
        "hflip": F.hflip,
        "vflip": F.vflip,
        "five crop": lambda img: F.five_crop(img, 7)[2],
        "ten crop": lambda img: F.ten_crop(img, [6, 8], True)[7],
        "rotate": lambda img: F.rotate(img, 27.0),
        "rotate expand": lambda img: F.rotate(img, 30, mode.BILINEAR, True),
        "rotate center": lambda img: F.rotate(img, -70.0, mode.BILINEAR, False, [3, 5], [9.0]),
        "affine": lambda img: F.affine(img, 20.0, [3, -2], 1.3, [5.0, -8.0]),
        "affine bilinear": lambda img: F.affine(img, -35.0, [1, 2], 0.7, [10.0], mode.BILINEAR,
                                                fill=[0.6], center=[4, 9]),
        "perspective": lambda img: F.perspective(img, *corners),
        "perspective nearest": lambda img: F.perspective(img, *corners, mode.NEAREST, [3.0]),
        "elastic": lambda img: F.elastic_transform(
            img, torch.linspace(-0.3, 0.3, 18 * 25 * 2).reshape(1, 18, 25, 2).sin(), fill=0),
        "gaussian blur": lambda img: F.gaussian_blur(img, [5, 3], [1.1, 0.6]),
        "gaussian blur sigma": lambda img: F.gaussian_blur(img, 5),
        "invert": F.invert,
        "autocontrast": F.autocontrast,
        "sharpness": lambda img: F.adjust_sharpness(img, 1.8),
        "brightness": lambda img: F.adjust_brightness(img, 1.4),
        "contrast": lambda img: F.adjust_contrast(img, 1.7),
        "saturation": lambda img: F.adjust_saturation(img, 0.4),
        "hue": lambda img: F.adjust_hue(img, -0.2),
        "gamma": lambda img: F.adjust_gamma(img, 1.7, 0.9),
        "grayscale": F.rgb_to_grayscale,
        "grayscale 3": lambda img: F.rgb_to_grayscale(
            img, 3 if planes(img).shape[-3] == 3 else 1),
    }
    return found


def byte_cases(F: Any) -> dict[str, Any]:
    """Further cases for bytes, and for floats where the threshold allows it."""
    return {
        "posterize": lambda img: F.posterize(img, 3),
        "equalize": F.equalize,
        "solarize": lambda img: F.solarize(img, 100),
    }


def pictures(F: Any, torch: Any) -> dict[str, Any]:
    """Kind of picture -> the picture."""
    array = picture()
    planes = torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))
    second = torch.from_numpy(np.ascontiguousarray(array[::-1].transpose(2, 0, 1)))
    found = {"bytes": planes, "floats": planes.float() / 255,
             "batch": torch.stack([planes, second]),
             "grey": torch.from_numpy(np.ascontiguousarray(picture(1).transpose(2, 0, 1)))}
    try:
        import PIL.Image
    except ImportError:
        return found
    return {**found, "pillow": PIL.Image.fromarray(array),
            "pillow grey": PIL.Image.fromarray(picture(1)[:, :, 0])}


def planes(out: Any) -> np.ndarray:
    """A picture as an array of (..., channels, height, width)."""
    if hasattr(out, "numpy"):
        return np.asarray(out.numpy())
    array = np.asarray(out)
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


def run(F: Any, torch: Any) -> dict[str, np.ndarray]:
    """Every case on every picture: "case, kind" -> the result."""
    found = {}
    for kind, img in pictures(F, torch).items():
        calls = cases(F, torch)
        if kind != "floats":
            calls.update(byte_cases(F))
        for name, call in calls.items():
            found[f"{name}, {kind}"] = planes(call(img))
    return found


def figures(parts: list[np.ndarray]) -> dict[str, Any]:
    """What is recorded of results: shapes, dtypes, 12 values spread over them, the mean."""
    flat = np.concatenate([part.reshape(-1).astype(np.float64) for part in parts])
    places = np.linspace(0, flat.size - 1, 12).astype(int)
    return {"shapes": [list(part.shape) for part in parts],
            "dtype": parts[0].dtype.name,
            "values": [round(float(value), 7) for value in flat[places]],
            "mean": round(float(flat.mean()), 7)}


def check(name: str, parts: list[np.ndarray], want: dict[str, Any]) -> None:
    """Within 1 for bytes, and 1e-5 of the largest value for floats."""
    got = figures(parts)
    assert got["shapes"] == want["shapes"], name
    assert got["dtype"] == want["dtype"], name
    step = 1.0 if want["dtype"] == "uint8" else 2e-5 * max(1.0, *map(abs, want["values"]))
    np.testing.assert_allclose(got["values"], want["values"], rtol=0, atol=step, err_msg=name)
    # Nearest neighbours at a tie may fall to either side: a few pixels of hundreds.
    close = 0.3 if want["dtype"] == "uint8" else 1e-4
    np.testing.assert_allclose(got["mean"], want["mean"], rtol=0, atol=close, err_msg=name)
