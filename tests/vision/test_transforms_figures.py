"""The transforms give what torchvision 0.29 gave: values, random draws, printed forms.

The figures in transforms.json were recorded with it on the pictures of functional_cases.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import rushlight as rl
from rushlight.vision import transforms
from rushlight.vision.image import has_pillow
from rushlight.vision.transforms import functional

from . import class_cases
from . import functional_cases as given

RECORDED = json.loads((Path(__file__).parent / "transforms.json").read_text())


@pytest.mark.parametrize("kind", ["bytes", "floats", "batch", "grey", "pillow", "pillow grey"])
def test_functions(kind: str) -> None:
    if "pillow" in kind and not has_pillow():
        pytest.skip("needs Pillow")
    picture = given.pictures(functional, rl)[kind]
    calls = given.cases(functional, rl)
    if kind != "floats":
        calls.update(given.byte_cases(functional))
    for name, call in calls.items():
        got = given.planes(call(picture))
        given.check(f"{name}, {kind}", [got], RECORDED["functional"][f"{name}, {kind}"])


def test_classes_draw_what_torchvision_draws() -> None:
    images = given.pictures(functional, rl)
    seen = 0
    for name, parts, following in class_cases.draws(transforms, rl, images, given.planes):
        want = RECORDED["classes"][name]
        assert following == want["next"], f"{name} drew other numbers"
        given.check(name, parts, want)
        seen += 1
    assert seen >= 3 * 40


def test_printed_forms() -> None:
    made = [repr(each) for group in class_cases.transforms(transforms, rl).values()
            for each in group]
    assert [text for text in made if "LinearTransformation" not in text] == RECORDED["reprs"]


def test_grey_of_three_channels() -> None:
    grey = rl.full((1, 3, 4), 9, dtype=rl.uint8)
    assert functional.rgb_to_grayscale(grey, 3).shape == (3, 3, 4)


def test_gradients_flow_through_tensors() -> None:
    picture = rl.rand(3, 8, 9, requires_grad=True)
    turned = functional.rotate(functional.resize(picture, [6, 7]), 30.0,
                               functional.InterpolationMode.BILINEAR)
    functional.adjust_contrast(turned, 0.5).sum().backward()
    assert picture.grad is not None and picture.grad.abs().sum() > 0
