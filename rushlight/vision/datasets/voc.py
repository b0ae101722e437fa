"""PASCAL VOC: pictures with boxes, and with masks (Everingham et al., 2010)."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rushlight.vision.datasets.folder import pil_loader
from rushlight.vision.datasets.vision import NOT_FOUND, Transform, VisionDataset, choice, fetch
from rushlight.vision.image import pillow

_HOST = "https://thor.robots.ox.ac.uk/pascal/VOC/"
YEARS = {  # year -> address, name of the archive, MD5, folder in it
    "2012": ("voc2012/VOCtrainval_11-May-2012.tar", "VOCtrainval_11-May-2012.tar",
             "6cd6e144f989b92b3379bac3b3de84fd", "VOCdevkit/VOC2012"),
    "2011": ("voc2011/VOCtrainval_25-May-2011.tar", "VOCtrainval_25-May-2011.tar",
             "6c3384ef61512963050cb5d687e5bf1e", "TrainVal/VOCdevkit/VOC2011"),
    "2010": ("voc2010/VOCtrainval_03-May-2010.tar", "VOCtrainval_03-May-2010.tar",
             "da459979d0c395079b5c75ee67908abb", "VOCdevkit/VOC2010"),
    "2009": ("voc2009/VOCtrainval_11-May-2009.tar", "VOCtrainval_11-May-2009.tar",
             "a3e00b113cfcfebf17e343f59da3caa1", "VOCdevkit/VOC2009"),
    "2008": ("voc2008/VOCtrainval_14-Jul-2008.tar", "VOCtrainval_14-Jul-2008.tar",
             "2629fa636546599198acfcfbfcf1904a", "VOCdevkit/VOC2008"),
    "2007": ("voc2007/VOCtrainval_06-Nov-2007.tar", "VOCtrainval_06-Nov-2007.tar",
             "c52e279531787c972589f7e41ab4ae64", "VOCdevkit/VOC2007"),
    "2007-test": ("voc2007/VOCtest_06-Nov-2007.tar", "VOCtest_06-Nov-2007.tar",
                  "b6e924de25625d8de591ea690078ad9f", "VOCdevkit/VOC2007"),
}


class _VOC(VisionDataset):
    """Pictures of a list, each with a file that tells what is in it."""

    lists: str
    answers: str
    suffix: str

    def __init__(self, root: str | Path, year: str = "2012", image_set: str = "train",
                 download: bool = False, transform: Transform = None,
                 target_transform: Transform = None,
                 transforms: Callable[[Any, Any], Any] | None = None) -> None:
        super().__init__(root, transforms, transform, target_transform)
        self.year = choice(year, "year", [str(number) for number in range(2007, 2013)])
        sets = ["train", "trainval", "val", *(["test"] if year == "2007" else [])]
        self.image_set = choice(image_set, "image_set", sets)
        key = "2007-test" if image_set == "test" else year
        path, self.filename, self.md5, inside = YEARS[key]
        self.url = _HOST + path
        top = self.folder / inside
        if download:
            fetch(self.url, self.folder, self.filename, self.md5, unpack=True)
        if not top.is_dir():
            raise RuntimeError(f"{NOT_FOUND}. It is looked for in {top}.")
        names = (top / "ImageSets" / self.lists / f"{image_set}.txt").read_text().split("\n")
        names = [name.strip() for name in names if name.strip()]
        self.images = [str(top / "JPEGImages" / f"{name}.jpg") for name in names]
        self.targets = [str(top / self.answers / f"{name}{self.suffix}") for name in names]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self.apply_transforms(pil_loader(self.images[index]),
                                     self.answer(self.targets[index]))

    def answer(self, path: str) -> Any:
        """What the file at `path` tells."""
        raise NotImplementedError


class VOCSegmentation(_VOC):
    """Pictures with masks: PIL images whose values are classes, 255 for borders.

    Args:
        root: the folder that holds, or gets, `VOCdevkit`.
        year: "2007" to "2012". image_set: "train", "trainval", "val"; of 2007 also "test".
        download: fetch and unpack the archive.
        transform, target_transform: of the picture, of the mask. transforms: of both.

    Raises:
        RuntimeError: the files are not there.
    """

    lists, answers, suffix = "Segmentation", "SegmentationClass", ".png"

    @property
    def masks(self) -> list[str]:
        """The paths of the masks."""
        return self.targets

    def answer(self, path: str) -> Any:
        """The mask, a PIL image of colour numbers."""
        mask = pillow().open(path)
        mask.load()
        return mask


class VOCDetection(_VOC):
    """Pictures with boxes: the tree of the annotation file, as dictionaries and lists of texts.

    Arguments and errors as of `VOCSegmentation`.
    """

    lists, answers, suffix = "Main", "Annotations", ".xml"

    @property
    def annotations(self) -> list[str]:
        """The paths of the annotation files."""
        return self.targets

    def answer(self, path: str) -> dict[str, Any]:
        """The annotations. Raises ValueError for a file with entities, which could be a bomb."""
        text = Path(path).read_bytes()
        if b"<!ENTITY" in text:
            raise ValueError(f"{path} declares entities, which annotations have no use for")
        return self.parse_voc_xml(ElementTree.fromstring(text))

    @staticmethod
    def parse_voc_xml(node: ElementTree.Element) -> dict[str, Any]:
        """{tag: text}, or {tag: its children, a list where a tag repeats}; `object` is a list."""
        children = list(node)
        if not children:
            return {node.tag: (node.text or "").strip()} if node.text else {}
        found: dict[str, list[Any]] = defaultdict(list)
        for child in children:
            for tag, value in VOCDetection.parse_voc_xml(child).items():
                found[tag].append(value)
        merged = {tag: values[0] if len(values) == 1 else values for tag, values in found.items()}
        if node.tag == "annotation":
            merged["object"] = found["object"]
        return {node.tag: merged}
