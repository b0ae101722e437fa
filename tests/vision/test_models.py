"""Models against figures recorded from torchvision 0.28: keys, counts, initial weights, outputs.

models.json has, for the weights drawn from seed 0: the number of parameters, a digest of the keys,
shapes and dtypes of the state, and five outputs for one picture.
"""

from __future__ import annotations

import hashlib
import http.server
import inspect
import json
import threading
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest

import rushlight as rl
from rushlight import nn
from rushlight.serialization import save_file
from rushlight.vision import models
from rushlight.vision.models.maxvit import MaxVit
from rushlight.vision.models.swin_transformer import (
    PatchMergingV2,
    SwinTransformer,
    SwinTransformerBlockV2,
)
from rushlight.vision.models.vision_transformer import (
    ConvStemConfig,
    VisionTransformer,
    interpolate_embeddings,
)
from rushlight.vision.models.weights import weights_enum

HERE = Path(__file__).parent
FIGURES = json.loads((HERE / "models.json").read_text())
SMALL = json.loads((HERE / "small_models.json").read_text())
FAMILIES = ("squeezenet1_1", "resnet18", "densenet121", "mobilenet_v2", "mobilenet_v3_small",
            "shufflenet_v2_x0_5", "mnasnet0_5", "googlenet", "efficientnet_b0", "regnet_y_400mf",
            "convnext_tiny", "swin_t", "lraspp_mobilenet_v3_large")
WITH_OUTPUT = [name for name in FIGURES if "output" in FIGURES[name]]
NO_META = ("ssd300_vgg16", "ssdlite320_mobilenet_v3_large")  # run their backbone when made


def build(name: str, **options: Any) -> nn.Module:
    builder = models.get_model_builder(name)
    if "weights_backbone" in inspect.signature(builder).parameters:
        options["weights_backbone"] = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of GoogLeNet's and Inception's init
        return builder(**options)


def counted(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def picture(side: int, count: int = 1) -> Any:
    return rl.linspace(-1, 1, count * 3 * side * side).reshape(count, 3, side, side)


def without_zeros(net: nn.Module) -> nn.Module:
    """Weights that are zero at first, as a ViT's last layer, hide all before them."""
    with rl.no_grad():
        for parameter in net.parameters():
            if parameter.dim() > 1 and not parameter.any():
                parameter.copy_(rl.linspace(-1, 1, parameter.numel()).reshape(parameter.shape))
    return net.eval()


# ---- every model -------------------------------------------------------------------------------


def check_keys(name: str) -> None:
    with rl.device("cpu" if name in NO_META else "meta"):
        net = build(name)
    keys = "".join(f"{key}{tuple(value.shape)}{str(value.dtype).split('.')[-1]};"
                   for key, value in net.state_dict().items())
    assert counted(net) == FIGURES[name]["params"]
    assert hashlib.sha256(keys.encode()).hexdigest()[:16] == FIGURES[name]["keys"]


def check_output(name: str) -> None:
    figure = FIGURES[name]
    rl.manual_seed(0)
    net = without_zeros(build(name))
    with rl.no_grad():
        y = net(picture(figure["size"]))
    y = y["out"].flatten(1) if isinstance(y, dict) else y
    worst = max(abs(a - b) for a, b in zip(y[0, :5].tolist(), figure["output"], strict=True))
    assert worst <= 1e-5 * figure["scale"]


def test_every_model_is_there() -> None:
    assert models.list_models() == sorted(FIGURES)


@pytest.mark.parametrize("name", [*FAMILIES, "inception_v3", "vit_b_16", "maxvit_t", "vgg11",
                                  "alexnet", "efficientnet_v2_s", "swin_v2_t", "fcn_resnet50",
                                  "deeplabv3_mobilenet_v3_large", "fasterrcnn_resnet50_fpn_v2",
                                  "maskrcnn_resnet50_fpn", "keypointrcnn_resnet50_fpn",
                                  "retinanet_resnet50_fpn_v2", "fcos_resnet50_fpn"])
def test_keys(name: str) -> None:
    check_keys(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(FIGURES))
def test_keys_of_all(name: str) -> None:
    check_keys(name)


@pytest.mark.parametrize("name", FAMILIES)
def test_output(name: str) -> None:
    check_output(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", WITH_OUTPUT)
def test_output_of_all(name: str) -> None:
    check_output(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in sorted(FIGURES) if name not in NO_META])
def test_published_weights_have_as_many_parameters_as_the_model(name: str) -> None:
    plain: Any = inspect.unwrap(models.get_model_builder(name))
    accepted = inspect.signature(plain).parameters
    for weights in models.get_model_weights(name):
        options: dict[str, Any] = {}
        if "weights_backbone" in accepted:
            options["weights_backbone"] = None
        if "is_trained" in accepted:
            options["is_trained"] = True
        if name.startswith(("fcn", "deeplab")):
            options["aux_loss"] = True
        if name.startswith("vit"):
            options["image_size"] = weights.meta["min_size"][0]
        if name == "googlenet":
            options |= {"aux_logits": False, "init_weights": False}
        if name == "inception_v3":
            options["init_weights"] = False
        with rl.device("meta"):
            assert counted(plain(**options)) == weights.meta["num_params"]


# ---- small ones of the same classes ------------------------------------------------------------

VIT: dict[str, Any] = {"image_size": 32, "patch_size": 8, "num_layers": 2, "num_heads": 2,
                       "hidden_dim": 32, "mlp_dim": 48, "num_classes": 5}
SWIN: dict[str, Any] = {"patch_size": [4, 4], "embed_dim": 16, "depths": [2, 2],
                        "num_heads": [2, 4], "window_size": [4, 4], "num_classes": 5}
STEM = [ConvStemConfig(8, 3, 2), ConvStemConfig(16, 3, 2), ConvStemConfig(16, 3, 2)]
MAKERS: dict[str, tuple[int, Any]] = {
    "vit": (32, lambda: VisionTransformer(**VIT)),
    "vit_stem": (32, lambda: VisionTransformer(**VIT, representation_size=16,
                                               conv_stem_configs=STEM)),
    "swin": (40, lambda: SwinTransformer(**SWIN)),
    "swin_v2": (40, lambda: SwinTransformer(**SWIN, block=SwinTransformerBlockV2,
                                            downsample_layer=PatchMergingV2)),
    "maxvit": (32, lambda: MaxVit((32, 32), 8, 4, [8, 16], [1, 2], 4, 0.1, num_classes=5)),
}


@pytest.mark.parametrize("name", MAKERS)
def test_small_model(name: str) -> None:
    side, make = MAKERS[name]
    rl.manual_seed(0)
    with rl.no_grad():
        y = without_zeros(make())(picture(side))
    assert rl.allclose(y[0], rl.tensor(SMALL[name]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MAKERS)
def test_small_model_trains(name: str) -> None:
    side, make = MAKERS[name]
    net = without_zeros(make()).train()
    loss = nn.functional.cross_entropy(net(picture(side, 2)), rl.tensor([1, 3]))
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


def test_positions_for_larger_pictures() -> None:
    rl.manual_seed(0)
    state = without_zeros(VisionTransformer(**VIT)).state_dict()
    larger = VisionTransformer(**{**VIT, "image_size": 48})
    larger.load_state_dict(interpolate_embeddings(48, 8, state))
    with rl.no_grad():
        y = larger.eval()(picture(48))
    assert rl.allclose(y[0], rl.tensor(SMALL["vit_larger"]), rtol=1e-4, atol=1e-5)
    with pytest.raises(AssertionError, match="Wrong image height! Expected 48 but got 32!"):
        larger(picture(32))


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "shufflenet_v2_x0_5",
                                  "lraspp_mobilenet_v3_large"])
def test_model_trains(name: str) -> None:
    net = build(name, num_classes=4).train()
    y = net(picture(64, 2))
    y = y["out"] if isinstance(y, dict) else y
    nn.functional.cross_entropy(y, rl.zeros(2, *y.shape[2:], dtype=rl.int64)).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


def test_auxiliary_heads() -> None:
    net = build("googlenet", num_classes=4)
    y = net.train()(picture(64, 2))
    assert y._fields == ("logits", "aux_logits2", "aux_logits1")
    assert [tuple(each.shape) for each in y] == [(2, 4)] * 3
    assert net.eval()(picture(64)).shape == (1, 4)
    with pytest.warns(FutureWarning, match="init_weights"):
        models.googlenet(num_classes=4)
    with pytest.raises(ValueError, match="blocks length should be 3"):
        models.GoogLeNet(blocks=[], init_weights=False)


# ---- weights -----------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["pth", "pt", "safetensors"])
def test_weights_from_a_local_file(suffix: str, tmp_path: Path) -> None:
    net = build("squeezenet1_1", num_classes=3)
    file = tmp_path / f"mine.{suffix}"
    if suffix == "safetensors":
        save_file(dict(net.state_dict()), file)
    else:
        rl.save(net.state_dict(), file)
    again = models.squeezenet1_1(weights=str(file), num_classes=3)
    assert all(rl.equal(value, again.state_dict()[key]) for key, value in net.state_dict().items())


def test_a_local_file_of_a_published_name_is_taken_to_be_it(tmp_path: Path) -> None:
    net = build("googlenet", init_weights=False)
    file = tmp_path / "googlenet-1378be20.pth"
    rl.save(net.state_dict(), file)
    again = models.googlenet(weights=file)
    assert again.transform_input and again.aux1 is None
    with pytest.raises(ValueError, match="The parameter 'num_classes' expected value 1000"):
        models.googlenet(weights=file, num_classes=10)


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that a local server offers as the mirror; downloads go to another folder."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    folder = tmp_path / "mirror"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RUSHLIGHT_WEIGHTS_MIRROR", f"http://127.0.0.1:{server.server_port}/")
    yield folder
    server.shutdown()
    server.server_close()


def test_weights_from_a_mirror(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = build("squeezenet1_1")
    rl.save(net.state_dict(), mirror / "new.pth")
    digest = hashlib.sha256((mirror / "new.pth").read_bytes()).hexdigest()[:8]
    name = f"squeezenet1_1-{digest}.pth"
    (mirror / "new.pth").rename(mirror / name)
    known = models.SqueezeNet1_1_Weights.IMAGENET1K_V1
    monkeypatch.setattr(known, "_value_", models.Weights(
        f"https://nowhere.invalid/{name}", known.transforms, known.meta))
    again = models.squeezenet1_1(weights="DEFAULT", progress=False)
    assert rl.equal(again.features[0].weight, net.features[0].weight)
    (mirror / name).unlink()  # the second time it is there already
    assert models.squeezenet1_1(weights="IMAGENET1K_V1").num_classes == 1000


def test_weights_of_another_hash_are_refused(mirror: Path) -> None:
    rl.save(build("squeezenet1_1").state_dict(), mirror / "squeezenet1_1-b8a52dc0.pth")
    with pytest.raises(RuntimeError, match="invalid hash value"):
        models.squeezenet1_1(weights="DEFAULT")


def test_weights_that_cannot_be_reached(mirror: Path) -> None:
    with pytest.raises(URLError):
        models.squeezenet1_1(weights="DEFAULT")


def test_what_weights_tell() -> None:
    weights = models.get_weight("ViT_B_16_Weights.IMAGENET1K_SWAG_E2E_V1")
    assert weights.meta["min_size"] == (384, 384) and len(weights.meta["categories"]) == 1000
    assert weights.transforms().crop_size == [384]
    with pytest.raises(ValueError, match="'image_size' expected value 384 but got 224"):
        models.vit_b_16(weights=weights, image_size=224)
    points = models.detection.KeypointRCNN_ResNet50_FPN_Weights.COCO_V1.meta["keypoint_names"]
    assert len(points) == 17
    assert models.segmentation.FCN_ResNet50_Weights is weights_enum("FCN_ResNet50_Weights")
    assert models.resnet.ResNet50_Weights is models.ResNet50_Weights


# ---- names -------------------------------------------------------------------------------------


def test_lists() -> None:
    assert "fcn_resnet50" in models.list_models(module=models.segmentation)
    assert "resnet18" not in models.list_models(module=models.segmentation)
    assert models.list_models(include="vit*", exclude="*l*") == ["vit_b_16", "vit_b_32",
                                                                 "vit_h_14"]


def test_errors_of_names() -> None:
    with pytest.raises(ValueError, match="Unknown model resnet19; did you mean resnet18"):
        models.get_model("resnet19")
    with pytest.raises(ValueError, match="Invalid weight name provided: 'ResNet18_Weights'"):
        models.get_weight("ResNet18_Weights")
    with pytest.raises(ValueError, match="couldn't be retrieved"):
        models.get_weight("ResNet19_Weights.DEFAULT")
    with pytest.raises(ValueError, match="ResNet18_Weights has no weights 'V3'"):
        models.resnet18(weights="V3")
    with pytest.raises(TypeError, match="expected ResNet18_Weights but received ResNet50_Weights"):
        models.resnet18(weights=models.ResNet50_Weights.DEFAULT)
    with pytest.raises(AttributeError, match="quantised tensors are not there yet"):
        models.quantization
    with pytest.raises(AttributeError, match="no attribute 'resnet19'"):
        models.resnet19


@pytest.mark.parametrize(("make", "kind", "message"), [
    (lambda: models.EfficientNet([], 0.2), ValueError, "should not be empty"),
    (lambda: models.EfficientNet([1], 0.2), TypeError, "List\\[MBConvConfig\\]"),
    (lambda: models.ConvNeXt([1]), TypeError, "List\\[CNBlockConfig\\]"),
    (lambda: models.regnet_y_400mf(num_classes=2, stem_width=32, depth=3), TypeError, "depth"),
    (lambda: VisionTransformer(**{**VIT, "image_size": 30}), AssertionError, "indivisible"),
    (lambda: MaxVit((26, 26), 8, 4, [8], [1], 4, 0.1), ValueError, "not divisible by partition"),
    (lambda: models.segmentation.lraspp_mobilenet_v3_large(weights_backbone=None, aux_loss=True),
     NotImplementedError, "does not use auxiliary loss"),
])
def test_errors_of_arguments(make: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        make()
