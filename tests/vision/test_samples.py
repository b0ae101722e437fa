"""Transforms of whole samples give what torchvision 0.29 gave (samples.json); tensors of a kind."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

import rushlight as rl
from rushlight.vision import tv_tensors
from rushlight.vision.transforms import v2
from rushlight.vision.transforms.v2 import functional as F

from . import functional_cases as given
from . import sample_cases

RECORDED = json.loads((Path(__file__).parent / "samples.json").read_text())


def test_samples_and_draws() -> None:
    seen = 0
    for name, parts, following in sample_cases.results(v2, tv_tensors, rl, given.picture()):
        want = RECORDED["results"][name]
        assert following == want["next"], f"{name} drew other numbers"
        for part, figures in zip(parts, want["parts"], strict=True):
            if part.size:
                given.check(name, [part], figures)
            else:
                assert list(part.shape) == figures["shapes"][0], name
        seen += 1
    assert seen == len(RECORDED["results"])


def test_printed_forms() -> None:
    assert [repr(each) for each in sample_cases.transforms(v2, rl)] == RECORDED["reprs"]


def boxes(**options: object) -> tv_tensors.BoundingBoxes:
    facts = {"format": "XYXY", "canvas_size": (18, 25), **options}
    return tv_tensors.BoundingBoxes([[2, 3, 10, 12], [5, 1, 21, 9]], **facts)


def test_kinds_of_tensors() -> None:
    image = tv_tensors.Image(rl.rand(4, 5), requires_grad=True)
    assert image.shape == (1, 4, 5)
    assert image.requires_grad
    assert type(image + 1) is rl.Tensor
    assert type(image.clone()) is tv_tensors.Image
    assert type(image.to(rl.float64)) is tv_tensors.Image
    found = boxes()
    assert found.to(rl.float32).canvas_size == (18, 25)
    assert copy.deepcopy(found).format is tv_tensors.BoundingBoxFormat.XYXY
    assert tv_tensors.wrap(found * 2, like=found, canvas_size=(36, 50)).canvas_size == (36, 50)
    with tv_tensors.set_return_type("TVTensor"):
        assert type(found + 1) is tv_tensors.BoundingBoxes
    assert type(found + 1) is rl.Tensor
    found += 1
    assert "canvas_size=(18, 25)" in repr(boxes())
    with pytest.raises(ValueError, match="Expected a 1D or 2D tensor"):
        tv_tensors.BoundingBoxes(rl.zeros(1, 2, 4), format="XYXY", canvas_size=(1, 1))
    with pytest.raises(ValueError, match="at least 4 dimensions"):
        tv_tensors.Video(rl.zeros(3, 4, 5))


def test_nested_samples_and_which_tensors_are_pictures() -> None:
    image = tv_tensors.Image(rl.zeros(3, 18, 25))
    plain = rl.zeros(3, 18, 25)
    out = v2.Resize(9)(([image, {"more": (plain, "text")}], boxes()))
    assert out[0][0].shape == (3, 9, 12)
    assert out[0][1]["more"][0] is plain  # there is an Image: plain tensors are something else
    assert out[1].canvas_size == (9, 12)
    first, second = v2.Resize(9)(plain, rl.zeros(3, 18, 25))
    assert (first.shape, second.shape) == ((3, 9, 12), (3, 18, 25))
    film = v2.Resize(9)(tv_tensors.Video(rl.zeros(2, 6, 3, 18, 25)))
    assert (type(film), film.shape) == (tv_tensors.Video, (2, 6, 3, 9, 12))


def test_sanitize() -> None:
    sample = {"boxes": tv_tensors.BoundingBoxes(
        [[0, 0, 5, 5], [3, 3, 3, 9], [20, 1, 30, 9]], format="XYXY", canvas_size=(18, 25)),
        "labels": rl.tensor([4, 5, 6]), "masks": tv_tensors.Mask(rl.zeros(3, 18, 25))}
    out = v2.SanitizeBoundingBoxes()(sample)
    assert out["boxes"].tolist() == [[0, 0, 5, 5]]
    assert out["labels"].tolist() == [4]
    assert out["masks"].shape == (1, 18, 25)
    with pytest.raises(ValueError, match="Could not infer where the labels are"):
        v2.SanitizeBoundingBoxes()({"boxes": sample["boxes"]})
    assert len(v2.SanitizeBoundingBoxes(labels_getter=None)({"b": sample["boxes"]})["b"]) == 1


def test_functions_by_kind() -> None:
    assert F.horizontal_flip(boxes()).tolist() == [[15, 3, 23, 12], [4, 1, 20, 9]]
    with pytest.raises(TypeError, match=r"Functional F\.adjust_hue supports inputs of type"):
        F.adjust_hue(boxes(), 0.1)
    with pytest.raises(TypeError, match="supports inputs of type"):
        F.resize("picture", 3)
    with pytest.raises(ValueError, match="`old_format` has to be passed"):
        F.convert_bounding_box_format(rl.zeros(1, 4), new_format="XYWH")
    turned = tv_tensors.BoundingBoxes(rl.ones(1, 5), format="CXCYWHR", canvas_size=(9, 9))
    with pytest.raises(NotImplementedError, match="CXCYWHR may be turned"):
        F.horizontal_flip(turned)
    array = given.picture()
    assert F.to_image(array).shape == (3, 18, 25)
    assert F.get_size(boxes()) == [18, 25]


def test_kernels_of_your_own() -> None:
    class Depth(tv_tensors.TVTensor):
        """Distances."""

    depth = rl.ones(4, 5).as_subclass(Depth)
    assert v2.RandomHorizontalFlip(1.0)(depth) is depth

    @F.register_kernel(F.horizontal_flip, Depth)
    def flip(inpt: Depth) -> object:
        return "flipped"

    assert v2.RandomHorizontalFlip(1.0)(depth) == "flipped"
    with pytest.raises(ValueError, match="only be registered once"):
        F.register_kernel(F.horizontal_flip, Depth)


def test_fill_by_kind() -> None:
    sample = (tv_tensors.Image(rl.zeros(3, 2, 2)), tv_tensors.Mask(rl.zeros(2, 2)))
    image, mask = v2.Pad(1, fill={tv_tensors.Mask: 9, "others": 5})(sample)
    assert (image[0, 0, 0].item(), mask[0, 0].item()) == (5, 9)


def test_errors() -> None:
    with pytest.raises(TypeError, match="not supported by FiveCrop"):
        v2.FiveCrop(3)(rl.zeros(3, 5, 5), boxes())
    with pytest.raises(ValueError, match="num_classes must be passed"):
        v2.MixUp()(rl.zeros(2, 3, 4, 4), rl.tensor([0, 1]))
    with pytest.raises(TypeError, match="Found no image in the sample"):
        v2.RandAugment()({"label": 3})
    with pytest.raises(TypeError, match="requires input sample to contain"):
        v2.RandomIoUCrop()(rl.zeros(3, 5, 5))
    with pytest.raises(ValueError, match="Pass at least one transform"):
        v2.Compose([])


def test_pillow_pictures() -> None:
    image = pytest.importorskip("PIL.Image")
    picture = image.fromarray(given.picture())
    out = v2.Compose([v2.ToImage(), v2.RandomResizedCrop(8), v2.ToDtype(rl.float32, scale=True),
                      v2.Normalize([0.5] * 3, [0.5] * 3)])(picture)
    assert (type(out), out.shape) == (tv_tensors.Image, (3, 8, 8))
    flipped, found = v2.RandomHorizontalFlip(1.0)(picture, boxes())
    np.testing.assert_array_equal(np.asarray(flipped), given.picture()[:, ::-1])
    assert found[0].tolist() == [15, 3, 23, 12]
    assert v2.ToPILImage()(rl.zeros(3, 4, 6)).size == (6, 4)
    assert v2.JPEG(80)(picture).size == (25, 18)


def test_pickled() -> None:
    transform = pickle.loads(pickle.dumps(v2.Compose([v2.Resize(9), v2.ToPureTensor()])))
    assert type(transform(tv_tensors.Image(rl.zeros(3, 18, 25)))) is rl.Tensor
