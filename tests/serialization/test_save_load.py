"""save and load: what returns, what is shared, where tensors go, and files that are not whole."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from argparse import Namespace
from collections import Counter, OrderedDict, defaultdict, deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rushlight as rl

OLD = {"_use_new_zipfile_serialization": False}
DTYPES = [rl.bool, rl.uint8, rl.int8, rl.int16, rl.int32, rl.int64, rl.float16, rl.bfloat16,
          rl.float32, rl.float64, rl.complex64, rl.complex128, rl.uint16, rl.uint32, rl.uint64,
          rl.float8_e4m3fn, rl.float8_e5m2]


def returned(value: Any, save: dict[str, Any] | None = None, **load: Any) -> Any:
    file = io.BytesIO()
    rl.save(value, file, **(save or {}))
    file.seek(0)
    return rl.load(file, **load)


class Scaled(rl.Tensor):
    """A subclass of Tensor."""


class Net(rl.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = rl.nn.Linear(2, 3)

    def forward(self, x: rl.Tensor) -> rl.Tensor:
        return self.layer(x).relu()


@pytest.mark.parametrize("save", [{}, OLD, {"pickle_protocol": 4}, {"pickle_protocol": 5}])
def test_plain_containers_return(save: dict[str, Any]) -> None:
    value = [None, True, False, 0, 255, 65535, -1, 2**31, -2**70, 1.5, float("inf"), "", "x" * 300,
             "ü€😀", b"", b"\0\xff", (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], [[]], {},
             {"a": {"b": 1}, 3: (4,), (5, None): 6}, set(), {1, 2}, frozenset((1,)), 1j,
             OrderedDict(b=1, a=2), Counter("aab"), bytearray(b"x"), range(3), slice(1, None),
             defaultdict(list, {1: [2]}), defaultdict(int), deque([1, 2], 3), deque(),
             rl.Size([1, 2]), rl.float32, rl.uint16, rl.device("cpu"), rl.strided]
    found = returned(value, save)
    assert found == value and list(map(type, found)) == list(map(type, value))
    made = [v for v in found if isinstance(v, defaultdict | deque)]
    assert [made[0].default_factory, made[1].default_factory, made[2].maxlen] == [list, int, 3]


@pytest.mark.parametrize("save", [{}, OLD])
def test_every_dtype_returns(save: dict[str, Any]) -> None:
    value = [rl.tensor([[0, 1, 2]]).to(d) for d in DTYPES]
    for before, after in zip(value, returned(value, save), strict=True):
        assert before.equal(after) and before.dtype is after.dtype
        after.fill_(1)  # memory of its own


@pytest.mark.parametrize("save", [{}, OLD])
def test_memory_is_shared_as_before(save: dict[str, Any]) -> None:
    x = rl.arange(12.0).reshape(3, 4)
    value = {"x": x, "row": x[1], "columns": x.t(), "step": x[:, ::2], "same": x,
             "bits": x.view(rl.int32), "parameter": rl.nn.Parameter(x), "other": x.clone()}
    found = returned(value, save)
    assert found["same"] is found["x"]
    for name, tensor in value.items():
        assert found[name].equal(tensor) and found[name].stride() == tensor.stride()
    found["x"].zero_()
    assert not found["row"].any() and not found["columns"].any() and not found["step"].any()
    assert not found["bits"].any() and not found["parameter"].any() and found["other"].any()


def test_memory_is_written_once() -> None:
    x = rl.rand(1000)
    file = io.BytesIO()
    rl.save([x, x[1:], x.view(10, 100), [x]], file)
    assert file.tell() < x.nbytes + 2500


@pytest.mark.parametrize("array", [
    np.arange(6.0)[::-1], np.arange(12.0)[::-2], np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.zeros((3, 2), [("a", "f4"), ("b", "f8")])["b"],  # strides of no whole elements
    np.broadcast_to(np.float32(2), (2, 3)), np.lib.stride_tricks.as_strided(np.ones(4), (3, 2),
                                                                            (8, 8)),
])
def test_unusual_memory(array: np.ndarray) -> None:
    tensor = rl.tensor(0)
    tensor._array = array
    found = returned([tensor, tensor])
    assert found[0] is found[1] and (found[0].numpy() == array).all()


def test_kinds_of_tensors() -> None:
    grouped = rl.nn.Parameter(rl.ones(2), requires_grad=False)
    grouped.group = {"rate": 3}
    computed = rl.ones(2, requires_grad=True) * 2
    value = [grouped, rl.nn.Buffer(rl.ones(1), persistent=False), computed, rl.tensor(3.5),
             rl.zeros(0, 3), rl.ones(1).expand(4), rl.empty(2, 3, device="meta")]
    a, b, c, d, e, f, g = returned(value)
    assert type(a) is rl.nn.Parameter and not a.requires_grad and a.group == {"rate": 3}
    assert type(b) is rl.nn.Buffer and b.persistent is False
    assert c.requires_grad and c.is_leaf and c.tolist() == [2, 2]
    assert d.shape == () and e.shape == (0, 3) and f.stride() == (0,)
    assert g.is_meta and g.shape == (2, 3)


def test_gradients_and_hooks_stay_behind() -> None:
    x = rl.nn.Parameter(rl.ones(2))
    x.register_hook(lambda grad: grad)
    (x * 2).sum().backward()
    assert returned(x).grad is None


def test_numbers_and_arrays_of_numpy() -> None:
    value = [np.float64(0.5), np.int32(-3), np.bool_(True), np.arange(6).reshape(2, 3).T,
             np.zeros((0, 2), "u1"), np.ones(2, "c16")]
    for before, after in zip(value, returned(value), strict=True):
        assert type(before) is type(after) and before.dtype == after.dtype
        assert np.array_equal(before, after)
    state = returned(np.random.RandomState(0).get_state())
    np.random.RandomState().set_state(state)


def test_lists_that_contain_themselves() -> None:
    loop: list[Any] = []
    loop.append(loop)
    found = returned(loop)
    assert found[0] is found


def test_storages() -> None:
    x = rl.arange(4.0)
    storage, same = returned([x.untyped_storage(), x[1:]])
    assert storage.nbytes() == 16 and same.untyped_storage() == storage
    assert same.tolist() == [1, 2, 3]


def test_states_continue_training() -> None:
    net = Net()
    optimizer = rl.optim.AdamW(net.parameters(), lr=0.1)

    def step(net: Net, optimizer: Any) -> list[float]:
        optimizer.zero_grad()
        net(rl.ones(4, 2)).square().sum().backward()
        optimizer.step()
        return [p.sum().item() for p in net.parameters()]

    step(net, optimizer)
    found = returned({"net": net.state_dict(), "optimizer": optimizer.state_dict()})
    again = Net()
    twin = rl.optim.AdamW(again.parameters())
    again.load_state_dict(found["net"])
    twin.load_state_dict(found["optimizer"])
    assert step(net, optimizer) == step(again, twin)


def test_whole_modules_need_the_other_door() -> None:
    net = Net()
    with pytest.raises(pickle.UnpicklingError, match=r"Weights only load failed.*test_save_load"):
        returned(net)
    found = returned(net, weights_only=False)
    assert type(found) is Net and found(rl.ones(1, 2)).equal(net(rl.ones(1, 2)))
    assert returned(net, OLD, weights_only=False).layer.weight.equal(net.layer.weight)


@pytest.mark.parametrize("save", [{}, OLD, {"pickle_protocol": 4}])
def test_whole_modules_have_torchs_names(save: dict[str, Any]) -> None:
    nn = rl.nn
    net = nn.Sequential(nn.LazyLinear(2), nn.Softmax(1), nn.GRUCell(2, 2), nn.ChannelShuffle(2))
    net[0](rl.ones(1, 3))
    net.function = rl.nn.functional.gelu
    net.sampler, net.schedule = rl.utils.data.SequentialSampler([1]), rl.optim.lr_scheduler.StepLR
    file = io.BytesIO()
    rl.save(net, file, **save)
    assert b"rushlight" not in file.getvalue()
    found = returned(net, save, weights_only=False)
    assert list(map(type, found)) == list(map(type, net)) and found.function is net.function
    assert type(found.sampler) is type(net.sampler) and found.schedule is net.schedule


def test_subclasses_of_tensor() -> None:
    made = rl.ones(2)
    made.__class__ = Scaled
    made.scale = 3
    with pytest.raises(pickle.UnpicklingError, match="Scaled"):
        returned(made)
    with rl.serialization.safe_globals([Scaled]):
        found = returned(made)
    assert type(found) is Scaled and found.scale == 3
    assert type(returned(made, weights_only=False)) is Scaled


class Configuration:
    def __init__(self) -> None:
        self.rate = 0.5
        self.sizes = [1, 2]


def test_registered_classes() -> None:
    with pytest.raises(pickle.UnpicklingError, match=r"add_safe_globals\(\[Configuration\]\)"):
        returned(Configuration())
    with rl.serialization.safe_globals([Configuration]):
        found = returned({"a": Configuration()})["a"]
        assert rl.serialization.get_safe_globals() == [Configuration]
    assert type(found) is Configuration and found.__dict__ == Configuration().__dict__
    assert rl.serialization.get_safe_globals() == []
    rl.serialization.add_safe_globals([(dict, "elsewhere.Mapping")])
    rl.serialization.clear_safe_globals()
    assert rl.serialization.get_safe_globals() == []
    with pytest.raises(TypeError, match="add_safe_globals takes classes"):
        rl.serialization.add_safe_globals([3])


class Settings(dict):  # type: ignore[type-arg]
    """A dictionary whose keys are attributes."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Words(list):  # type: ignore[type-arg]
    """A list with a name."""

    name = "words"


@pytest.mark.parametrize("save", [{}, OLD, {"pickle_protocol": 4}])
def test_checkpoints_of_other_libraries(save: dict[str, Any]) -> None:
    """Lightning's hyperparameters are namespaces and dictionaries of their own classes."""
    value = {"state_dict": {"weight": rl.ones(2)}, "hyper_parameters": Namespace(rate=0.1),
             "settings": Settings(depth=3, words=Words("ab")), "path": Path("a/b")}
    with pytest.raises(pickle.UnpicklingError) as caught:
        returned(value, save)
    assert "'argparse.Namespace'" in str(caught.value)
    assert "add_safe_globals([Namespace])" in str(caught.value)
    with rl.serialization.safe_globals([Namespace, Settings, Words, type(Path())]):
        found = returned(value, save)
    assert found["hyper_parameters"] == Namespace(rate=0.1) and found["path"] == Path("a/b")
    assert found["settings"].depth == 3 and type(found["settings"].words) is Words
    assert found["settings"] == value["settings"]


def test_what_only_torch_has_is_named() -> None:
    archive = b"\x80\x02ctorch._utils\n_rebuild_qtensor\n)R."
    made = io.BytesIO()
    writer = rl.serialization.zip_file.ZipWriter(made)
    writer.write("archive/data.pkl", archive)
    writer.close()
    file = io.BytesIO(made.getvalue())
    with pytest.raises(pickle.UnpicklingError, match=r"_rebuild_qtensor'.*does not have: co"):
        rl.load(file)


def test_names_that_would_be_refused() -> None:
    for protocol in (2, 4):
        file = io.BytesIO()
        rl.save([Configuration(), rl.ones(2), np.float64(1)], file, pickle_protocol=protocol)
        file.seek(0)
        names = rl.serialization.get_unsafe_globals_in_checkpoint(file)
        assert [name.rpartition(".")[2] for name in names] == ["Configuration"]


def test_where_tensors_go(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    rl.save({"x": rl.ones(2)}, path)
    seen = []

    def keep(storage: Any, location: str) -> Any:
        seen.append((storage.nbytes(), location))
        return storage

    for location in (None, "cpu", rl.device("cpu"), {"cuda:0": "cpu"}, keep, lambda *_: None):
        assert rl.load(path, map_location=location)["x"].tolist() == [1, 1]
    assert seen == [(8, "cpu")]
    for location in ("meta", {"cpu": "meta"}):
        assert rl.load(path, map_location=location)["x"].is_meta
    for location in ("cuda", "cuda:1", {"cpu": "cuda"}):
        with pytest.raises(RuntimeError, match="Attempting to deserialize object on a CUDA device"):
            rl.load(path, map_location=location)
    with pytest.raises(RuntimeError, match="don't know how to restore data location"):
        rl.load(path, map_location="moon")
    with pytest.raises(TypeError, match="must return a storage or None, but returned int"):
        rl.load(path, map_location=lambda *_: 3)
    with pytest.raises(TypeError, match="but got int"):
        rl.load(path, map_location=3)


def test_mapped_files(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    value = {str(d): rl.ones(5).to(d) for d in DTYPES} | {"empty": rl.ones(0)}
    rl.save(value, path)
    before = path.read_bytes()
    found = rl.load(path, mmap=True)
    os.unlink(path)
    for name, tensor in value.items():
        assert found[name].equal(tensor)
        found[name].fill_(0)
    path.write_bytes(before)
    assert rl.load(path)["torch.float32"].tolist() == [1] * 5
    with pytest.raises(ValueError, match="f must be a file path"):
        rl.load(io.BytesIO(before), mmap=True)


def test_the_archive_is_what_zip_programs_read(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    rl.save([rl.ones(3), rl.ones(5, dtype=rl.uint8)], path)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"archive/{name}" for name in (
            "data.pkl", ".format_version", ".storage_alignment", "byteorder", "data/0", "data/1",
            "version")]
        assert archive.read("archive/data/1") == b"\1" * 5


def test_file_objects_of_all_sorts(tmp_path: Path) -> None:
    class Plain:
        """Only what is needed, and never many bytes at a time."""

        def __init__(self) -> None:
            self.file = io.BytesIO()

        def write(self, data: Any) -> int:
            return self.file.write(data[:7])

        def read(self, count: int) -> bytes:
            return self.file.read(min(count, 7))

        def seek(self, place: int, whence: int = 0) -> int:
            return self.file.seek(place, whence)

        def tell(self) -> int:
            return self.file.tell()

    plain = Plain()
    rl.save({"x": rl.arange(100)}, plain)
    plain.seek(0)
    assert rl.load(plain)["x"].tolist() == list(range(100))
    path = tmp_path / "after a header"
    with open(path, "wb", buffering=0) as raw:
        raw.write(b"header")
        rl.save({"x": rl.ones(2)}, raw)
    with open(path, "rb") as file:
        assert file.read(6) == b"header" and rl.load(file)["x"].tolist() == [1, 1]


def test_errors_of_files(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        rl.load(tmp_path / "nothing")
    with pytest.raises(RuntimeError, match=r"Parent directory .* does not exist"):
        rl.save({}, tmp_path / "no folder" / "x")
    with pytest.raises(AttributeError, match="expected 'f' to be string, path, or a file-like"):
        rl.save({}, 3)
    with pytest.raises(AttributeError, match="has no attribute 'read'"):
        rl.load(3)
    with pytest.raises(EOFError, match="Ran out of input"):
        rl.load(io.BytesIO())
    with pytest.raises(RuntimeError, match="Invalid magic number"):
        rl.load(io.BytesIO(pickle.dumps({})))
    with pytest.raises(pickle.UnpicklingError, match=r"Weights only load failed.*no checkpoint"):
        rl.load(io.BytesIO(b"\xff\xd8 a picture"))
    with pytest.raises(TypeError, match=r"unexpected keyword arguments \['errors'\]"):
        rl.load(io.BytesIO(b"x"), errors="strict")
    with pytest.raises(RuntimeError, match="Can not safely load weights when explicit"):
        rl.load(io.BytesIO(b"x"), pickle_module=pickle)
    rl.save_file({"x": rl.ones(2)}, tmp_path / "x.safetensors")
    with pytest.raises(RuntimeError, match="use load_file"):
        rl.load(tmp_path / "x.safetensors")


def test_a_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    rl.save([1], path)
    with pytest.raises((pickle.PicklingError, AttributeError)):
        rl.save([rl.ones(2), lambda: 0], path)
    assert rl.load(path) == [1] and os.listdir(tmp_path) == ["model.pt"]


@pytest.mark.skipif(os.name != "posix", reason="devices and modes are of POSIX")
def test_devices_and_modes_stay(tmp_path: Path) -> None:
    rl.save([1], "/dev/null")
    assert not os.path.isfile("/dev/null")
    path = tmp_path / "model.pt"
    path.touch(0o600)
    rl.save([1], path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_other_picklers_are_refused() -> None:
    with pytest.raises(ValueError, match="pickle_module must be Python's pickle"):
        rl.save([], io.BytesIO(), pickle_module=io)
