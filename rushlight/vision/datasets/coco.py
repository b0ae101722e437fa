"""MS COCO: pictures with boxes and masks, or with captions (Lin et al., 2014)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rushlight.vision.datasets.folder import pil_loader
from rushlight.vision.datasets.vision import Transform, VisionDataset


class Annotations:
    """An annotation file of COCO, by number: `imgs`, `anns`, `cats`, `imgToAnns`.

    Raises ValueError where the file is no object with images, in JSON.
    """

    def __init__(self, path: str | Path) -> None:
        try:
            self.dataset = json.loads(Path(path).read_bytes())
        except ValueError as error:
            raise ValueError(f"{path} is not JSON: {error}") from error
        if not isinstance(self.dataset, dict) or "images" not in self.dataset:
            raise ValueError(f"{path} has no images: annotation files are objects with 'images' "
                             "and 'annotations'")
        self.imgs = {image["id"]: image for image in self.dataset["images"]}
        self.anns = {each["id"]: each for each in self.dataset.get("annotations", [])}
        self.cats = {each["id"]: each for each in self.dataset.get("categories", [])}
        self.imgToAnns: dict[int, list[Any]] = defaultdict(list)
        for each in self.dataset.get("annotations", []):
            self.imgToAnns[each["image_id"]].append(each)

    def getImgIds(self) -> list[int]:
        """The numbers of all pictures."""
        return list(self.imgs)

    def getCatIds(self) -> list[int]:
        """The numbers of all categories."""
        return list(self.cats)

    def getAnnIds(self, imgIds: Any = ()) -> list[int]:
        """The numbers of the annotations of these pictures; of all by default."""
        wanted = [imgIds] if isinstance(imgIds, int) else list(imgIds)
        return [each["id"] for number in wanted for each in self.imgToAnns.get(number, [])
                ] if wanted else list(self.anns)

    def loadImgs(self, ids: Any = ()) -> list[Any]:
        """The pictures' entries."""
        return [self.imgs[number] for number in ([ids] if isinstance(ids, int) else ids)]

    def loadAnns(self, ids: Any = ()) -> list[Any]:
        """The annotations' entries."""
        return [self.anns[number] for number in ([ids] if isinstance(ids, int) else ids)]

    def loadCats(self, ids: Any = ()) -> list[Any]:
        """The categories' entries."""
        return [self.cats[number] for number in ([ids] if isinstance(ids, int) else ids)]


class CocoDetection(VisionDataset):
    """Pictures with lists of annotations, as they stand in the file (bbox: x, y, width, height).

    Args:
        root: the folder of the pictures.
        annFile: the file of annotations, JSON.
        transform, target_transform: of the picture, of the list. transforms: of both.

    Attributes:
        ids: the numbers of the pictures, sorted. coco: the file's content, by number, with the
            look-ups of pycocotools (which is not needed).
    """

    def __init__(self, root: str | Path, annFile: str | Path, transform: Transform = None,
                 target_transform: Transform = None,
                 transforms: Callable[[Any, Any], Any] | None = None) -> None:
        super().__init__(root, transforms, transform, target_transform)
        self.coco = Annotations(annFile)
        self.ids = sorted(self.coco.imgs)

    def _load_image(self, id: int) -> Any:
        name = self.coco.imgs[id]["file_name"]
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder.resolve()):
            raise ValueError(f"the file of annotations names a picture outside its folder: {name}")
        return pil_loader(path)

    def _load_target(self, id: int) -> list[Any]:
        return list(self.coco.imgToAnns.get(id, []))

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if not isinstance(index, int):
            raise ValueError(f"Index must be of type integer, got {type(index)} instead.")
        number = self.ids[index]
        return self.apply_transforms(self._load_image(number), self._load_target(number))


class CocoCaptions(CocoDetection):
    """Pictures with lists of captions; arguments as of `CocoDetection`."""

    def _load_target(self, id: int) -> list[str]:
        return [each["caption"] for each in super()._load_target(id)]
