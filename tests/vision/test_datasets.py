"""Data sets read small files made here, in torchvision's layout; downloads come from a server."""

from __future__ import annotations

import bz2
import functools
import hashlib
import http.server
import io
import json
import lzma
import pickle
import struct
import tarfile
import threading
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight.utils.data import DataLoader
from rushlight.vision import datasets, transforms, tv_tensors
from rushlight.vision.datasets import utils
from rushlight.vision.transforms import v2

RANDOM = np.random.RandomState(0)


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def python2_text(text: bytes) -> bytes:
    return b"T" + struct.pack("<i", len(text)) + text


def python2_batch(images: np.ndarray, labels: list[int], key: bytes) -> bytes:
    """{"data": images (count, 3072), key: labels}, pickled as Python 2 and NumPy 1.x did."""
    array = b"".join([
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01b\x87R(K\x01K",
        bytes([len(images)]), b"M", struct.pack("<H", images.shape[1]), b"\x86",
        b"cnumpy\ndtype\nU\x02u1K\0K\x01\x87R(K\x03U\x01|NNNJ", b"\xff" * 4, b"J", b"\xff" * 4,
        b"K\0tb\x89", python2_text(images.tobytes()), b"tb"])
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    return b"".join([b"\x80\x02}(", python2_text(b"data"), array, python2_text(key), numbers,
                     b"u."])


@pytest.fixture
def cifar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An archive of a small CIFAR10 on a server, whose checksums the class knows."""
    images = RANDOM.randint(0, 256, (6, 2, 3072)).astype(np.uint8)
    names = [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]
    contents = {name: python2_batch(images[number], [number, 9 - number], b"labels")
                for number, name in enumerate(names)}
    words = [f"name{number}" for number in range(10)]
    contents["batches.meta"] = pickle.dumps({"label_names": words}, 2)
    served = tmp_path / "served"
    served.mkdir()
    with tarfile.open(served / "cifar.tar.gz", "w:gz") as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(served))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    known = datasets.CIFAR10
    monkeypatch.setattr(known, "url", f"http://127.0.0.1:{server.server_address[1]}/cifar.tar.gz")
    monkeypatch.setattr(known, "tgz_md5", md5((served / "cifar.tar.gz").read_bytes()))
    monkeypatch.setattr(known, "train_list", [[name, md5(contents[name])] for name in names[:5]])
    monkeypatch.setattr(known, "test_list", [["test_batch", md5(contents["test_batch"])]])
    monkeypatch.setattr(known, "meta", {**known.meta, "md5": md5(contents["batches.meta"])})
    yield images
    server.shutdown()
    server.server_close()


def test_cifar_downloaded(cifar: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Dataset not found or corrupted"):
        datasets.CIFAR10(tmp_path / "data")
    training = datasets.CIFAR10(str(tmp_path / "data"), download=True)
    assert training.data.shape == (10, 32, 32, 3)
    assert training.targets == [0, 9, 1, 8, 2, 7, 3, 6, 4, 5]
    assert training.class_to_idx["name3"] == 3
    want = cifar[1, 1].reshape(3, 32, 32).transpose(1, 2, 0)
    np.testing.assert_array_equal(training.data[3], want)
    test = datasets.CIFAR10(tmp_path / "data", train=False, transform=transforms.ToTensor())
    assert len(test) == 2
    assert repr(test) == (f"Dataset CIFAR10\n    Number of datapoints: 2\n    Root location: "
                          f"{tmp_path / 'data'}\n    Split: Test\n    StandardTransform\n"
                          "Transform: ToTensor()")
    pytest.importorskip("PIL")
    image, label = training[3]
    assert (image.size, label) == ((32, 32), 8)
    assert test[0][0].shape == (3, 32, 32)


def test_cifar_damaged(cifar: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets.CIFAR10(tmp_path, download=True)
    bad = tmp_path / "cifar-10-batches-py" / "test_batch"
    good = bad.read_bytes()
    bad.write_bytes(good[:-1] + b"x")
    with pytest.raises(RuntimeError, match="Dataset not found or corrupted"):
        datasets.CIFAR10(tmp_path)
    evil = b"cos\nsystem\n(U\x04trueo."
    bad.write_bytes(evil)
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [["test_batch", md5(evil)]])
    with pytest.raises(RuntimeError, match="is damaged"):
        datasets.CIFAR10(tmp_path, train=False)


def test_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.CIFAR100, "url", "http://127.0.0.1:9/cifar-100-python.tar.gz")
    with pytest.raises(urllib.error.URLError, match=r"put the file at .*cifar-100-python\.tar\.gz"):
        datasets.CIFAR100(tmp_path, download=True)


def write_idx(path: Path, array: np.ndarray, code: int = 8) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    content += array.tobytes()
    path.write_bytes(lzma.compress(content) if path.suffix == ".xz" else content)


def test_mnist_family(tmp_path: Path) -> None:
    images = RANDOM.randint(0, 256, (12, 28, 28)).astype(np.uint8)
    labels = np.arange(12, dtype=np.uint8) % 10
    for kind, shift in ((datasets.MNIST, 0), (datasets.FashionMNIST, 1), (datasets.KMNIST, 2)):
        raw = tmp_path / kind.__name__ / "raw"
        write_idx(raw / "train-images-idx3-ubyte", images + np.uint8(shift))
        write_idx(raw / "train-labels-idx1-ubyte", labels)
    for kind, shift in ((datasets.MNIST, 0), (datasets.FashionMNIST, 1), (datasets.KMNIST, 2)):
        found = kind(tmp_path, transform=transforms.ToTensor(), download=True)
        np.testing.assert_array_equal(found.data.numpy(), images + np.uint8(shift))
        assert found[11][1] == 1
        assert len(found.classes) == 10
    with pytest.raises(RuntimeError, match=r"Put the idx files of FashionMNIST there"):
        datasets.FashionMNIST(tmp_path, train=False)
    raw = tmp_path / "EMNIST" / "raw"
    write_idx(raw / "emnist-letters-test-images-idx3-ubyte", images)
    write_idx(raw / "emnist-letters-test-labels-idx1-ubyte", labels + np.uint8(15))
    letters = datasets.EMNIST(tmp_path, "letters", train=False)
    assert letters.targets.tolist()[:2] == [15, 16]
    assert (len(letters.classes), len(datasets.EMNIST.classes_split_dict["bymerge"])) == (27, 47)
    with pytest.raises(ValueError, match="Unknown value 'words' for argument split"):
        datasets.EMNIST(tmp_path, "words")
    raw = tmp_path / "QMNIST" / "raw"
    write_idx(raw / "qmnist-test-images-idx3-ubyte", images)
    write_idx(raw / "qmnist-test-labels-idx2-int", np.arange(96, dtype=">i4").reshape(12, 8), 12)
    write_idx(raw / "xnist-images-idx3-ubyte.xz", images)
    write_idx(raw / "xnist-labels-idx2-int.xz", np.arange(96, dtype=">i4").reshape(12, 8), 12)
    digits = datasets.QMNIST(tmp_path, "test10k", transform=transforms.ToTensor())
    assert (len(digits), digits[2][1]) == (12, 16)
    assert len(datasets.QMNIST(tmp_path, "test50k")) == 0
    full = datasets.QMNIST(tmp_path, "nist", compat=False, transform=transforms.ToTensor())
    assert full[1][1].tolist() == list(range(8, 16))


def test_svhn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    io_of_matlab = pytest.importorskip("scipy.io")
    images = RANDOM.randint(0, 256, (32, 32, 3, 4)).astype(np.uint8)
    io_of_matlab.savemat(tmp_path / "test_32x32.mat",
                         {"X": images, "y": np.array([[10], [1], [2], [9]], np.uint8)})
    known = dict(datasets.SVHN.split_list)
    known["test"] = [known["test"][0], "test_32x32.mat",
                     md5((tmp_path / "test_32x32.mat").read_bytes())]
    monkeypatch.setattr(datasets.SVHN, "split_list", known)
    found = datasets.SVHN(tmp_path, "test", download=True)
    assert found.labels.tolist() == [0, 1, 2, 9]
    np.testing.assert_array_equal(found.data[3], images[..., 3].transpose(2, 0, 1))
    with pytest.raises(RuntimeError, match="train_32x32"):
        datasets.SVHN(tmp_path, "train")


def test_stl10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "stl10_binary"
    folder.mkdir()
    for part, count in (("train", 4), ("test", 2), ("unlabeled", 3)):
        pixels = RANDOM.randint(0, 256, (count, 3, 96, 96)).astype(np.uint8)
        pixels.tofile(folder / f"{part}_X.bin")
        np.arange(1, count + 1, dtype=np.uint8).tofile(folder / f"{part}_y.bin")
    (folder / "class_names.txt").write_text("airplane\nbird\n")
    (folder / "fold_indices.txt").write_text("0 2\n1 3\n")
    known = datasets.STL10
    for name in ("train_list", "test_list"):
        files = [[file, md5((folder / file).read_bytes())] for file, _ in getattr(known, name)]
        monkeypatch.setattr(known, name, files)
    assert known(tmp_path, folds=1).labels.tolist() == [1, 3]
    both = known(tmp_path, "train+unlabeled")
    assert both.labels.tolist() == [0, 1, 2, 3, -1, -1, -1]
    assert both.classes == ["airplane", "bird"]
    first = np.fromfile(folder / "test_X.bin", np.uint8).reshape(2, 3, 96, 96)[0]
    np.testing.assert_array_equal(known(tmp_path, "test").data[0], first.transpose(0, 2, 1))
    with pytest.raises(ValueError, match="folds should be in the range"):
        known(tmp_path, folds=10)


def test_usps(tmp_path: Path) -> None:
    line = "3 " + " ".join(f"{place}:{-1 if place % 2 else 1}" for place in range(1, 257)) + "\n"
    (tmp_path / "usps.bz2").write_bytes(bz2.compress(line.encode()))
    found = datasets.USPS(tmp_path)
    assert found.targets == [2]
    assert found.data[0, 0, :4].tolist() == [0, 255, 0, 255]
    with pytest.raises(RuntimeError, match=r"usps\.t\.bz2"):
        datasets.USPS(tmp_path, train=False)


def test_folders(tmp_path: Path) -> None:
    for name in ("cat/a.txt", "cat/deep/b.txt", "dog/c.TXT", "dog/skipped.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    found = datasets.DatasetFolder(tmp_path, lambda path: Path(path).read_text(), (".txt",))
    assert found.class_to_idx == {"cat": 0, "dog": 1}
    assert [sample for sample, _ in (found[0], found[1], found[2])] == [
        "cat/a.txt", "cat/deep/b.txt", "dog/c.TXT"]
    assert found.targets == [0, 0, 1]
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no valid file for the classes empty"):
        datasets.DatasetFolder(tmp_path, str, (".txt",))
    assert len(datasets.DatasetFolder(tmp_path, str, (".txt",), allow_empty=True)) == 3
    with pytest.raises(ValueError, match="Both extensions and is_valid_file"):
        datasets.DatasetFolder(tmp_path, str)
    with pytest.raises(FileNotFoundError, match="Couldn't find any class folder"):
        datasets.ImageFolder(tmp_path / "cat" / "deep")


def test_image_folder(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    (tmp_path / "one").mkdir()
    image.fromarray(np.full((4, 6), 7, np.uint8)).save(tmp_path / "one" / "grey.png")
    found = datasets.ImageFolder(tmp_path, transforms.ToTensor())
    assert found.imgs == [(str(tmp_path / "one" / "grey.png"), 0)]
    assert found[0][0].shape == (3, 4, 6)


def test_fake_data_and_workers() -> None:
    pytest.importorskip("PIL")
    state = rl.get_rng_state()
    fake = datasets.FakeData(8, (3, 12, 14), 5, random_offset=3)
    assert [fake[index][1] for index in (0, 1)] == [fake[index][1] for index in (0, 1)]
    assert (rl.get_rng_state() == state).all()
    with pytest.raises(IndexError):
        fake[8]
    fake.transform = transforms.Compose([
        transforms.RandomResizedCrop(8), transforms.RandomHorizontalFlip(),
        transforms.ColorJitter(0.3, 0.3), transforms.ToTensor(), transforms.RandomErasing()])
    batches = []
    for workers in (0, 1, 2):
        rl.manual_seed(5)
        loader = DataLoader(fake, batch_size=3, shuffle=True, num_workers=workers)
        batches.append([(images.tolist(), labels.tolist()) for images, labels in loader])
    assert batches[0] == batches[1] == batches[2]


def test_voc(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    top = tmp_path / "VOCdevkit" / "VOC2007"
    for name in ("ImageSets/Main", "ImageSets/Segmentation", "JPEGImages", "Annotations",
                 "SegmentationClass"):
        (top / name).mkdir(parents=True)
    for kind in ("Main", "Segmentation"):
        (top / "ImageSets" / kind / "val.txt").write_text("000001\n")
    image.fromarray(np.full((4, 6, 3), 9, np.uint8)).save(top / "JPEGImages/000001.jpg")
    image.fromarray(np.full((4, 6), 3, np.uint8)).save(top / "SegmentationClass/000001.png")
    xml = ("<annotation><size><width>6</width></size><object><name>dog</name><bndbox><xmin>1"
           "</xmin></bndbox></object></annotation>")
    (top / "Annotations/000001.xml").write_text(xml)
    boxes = datasets.VOCDetection(tmp_path, "2007", "val")
    assert boxes[0][1] == {"annotation": {
        "size": {"width": "6"}, "object": [{"name": "dog", "bndbox": {"xmin": "1"}}]}}
    mask = datasets.VOCSegmentation(tmp_path, "2007", "val")[0][1]
    assert np.asarray(mask).tolist() == [[3] * 6] * 4
    kinds = datasets.wrap_dataset_for_transforms_v2(
        datasets.VOCSegmentation(tmp_path, "2007", "val", transforms=v2.Resize(8)))
    assert kinds[0][1].shape == (1, 8, 12)
    assert type(kinds[0][1]) is tv_tensors.Mask
    (top / "Annotations/000001.xml").write_text("<!DOCTYPE a [<!ENTITY b 'c'>]>" + xml)
    with pytest.raises(ValueError, match="declares entities"):
        boxes[0]
    with pytest.raises(ValueError, match="Unknown value 'test' for argument image_set"):
        datasets.VOCDetection(tmp_path, "2012", "test")
    with pytest.raises(RuntimeError, match="Dataset not found"):
        datasets.VOCDetection(tmp_path, "2012")


def test_coco(tmp_path: Path) -> None:
    content = {"images": [{"id": 7, "file_name": "b.png"}, {"id": 3, "file_name": "../out.png"}],
               "annotations": [{"id": 1, "image_id": 7, "bbox": [1, 2, 3, 4], "caption": "two"},
                               {"id": 2, "image_id": 7, "bbox": [0, 0, 1, 1], "caption": "one"}]}
    file = tmp_path / "ann.json"
    file.write_text(json.dumps(content))
    boxes = datasets.CocoDetection(tmp_path, file)
    assert boxes.ids == [3, 7]
    assert boxes.coco.loadAnns(boxes.coco.getAnnIds(7))[1]["bbox"] == [0, 0, 1, 1]
    with pytest.raises(ValueError, match="outside its folder"):
        boxes[0]
    (tmp_path / "bad.json").write_text("[1")
    with pytest.raises(ValueError, match="is not JSON"):
        datasets.CocoDetection(tmp_path, tmp_path / "bad.json")
    image = pytest.importorskip("PIL.Image")
    image.fromarray(np.zeros((4, 5, 3), np.uint8)).save(tmp_path / "b.png")
    captions = datasets.CocoCaptions(tmp_path, file, transform=transforms.ToTensor())
    picture, lines = captions[1]
    assert picture.shape == (3, 4, 5)
    assert lines == ["two", "one"]
    for each in content["annotations"]:
        each["category_id"] = each["id"] + 10
    file.write_text(json.dumps(content))
    kinds = datasets.wrap_dataset_for_transforms_v2(
        datasets.CocoDetection(tmp_path, file, transforms=v2.RandomHorizontalFlip(1.0)))
    target = kinds[1][1]
    assert sorted(target) == ["boxes", "image_id", "labels"]
    assert target["boxes"].tolist() == [[1, 2, 4, 6], [4, 0, 5, 1]]
    assert target["labels"].tolist() == [11, 12]
    assert len(kinds) == 2
    assert kinds.ids == [3, 7]
    with pytest.raises(TypeError, match="meant for subclasses"):
        datasets.wrap_dataset_for_transforms_v2([1])  # type: ignore[arg-type]


def test_joint_transforms(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.txt").write_text("x")
    found = datasets.VisionDataset(tmp_path, transforms=lambda image, target: (target, image))
    assert found.apply_transforms(1, 2) == (2, 1)
    with pytest.raises(ValueError, match="Only transforms or transform/target_transform"):
        datasets.VisionDataset(tmp_path, transforms=max, transform=abs)


def test_names_for_data_sets_on_top(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("inside/empty"), io.BytesIO())
    known = utils.calculate_md5(tmp_path / "a.tar.gz")
    assert utils.check_integrity(tmp_path / "a.tar.gz", known)
    utils.download_and_extract_archive("http://127.0.0.1:9/a.tar.gz", tmp_path, md5=known,
                                       remove_finished=True)  # it is there: nothing is fetched
    assert (tmp_path / "inside" / "empty").is_file()
    assert not (tmp_path / "a.tar.gz").exists()
    with pytest.raises(ValueError, match="Unknown value 'c' for argument split"):
        utils.verify_str_arg("c", "split", ["a", "b"])
