"""Hostile pickles inside checkpoints: nothing runs, nothing grows, and the error says what."""

from __future__ import annotations

import builtins
import io
import os
import pickle
import resource
import struct
import subprocess
import sys
import zipfile
from typing import Any

import pytest

import rushlight as rl


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def name(module: str, attribute: str) -> bytes:
    return b"c" + f"{module}\n{attribute}\n".encode()


def checkpoint(pickled: bytes, storages: dict[str, bytes] | None = None) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        for key, data in (storages or {}).items():
            archive.writestr(f"archive/data/{key}", data)
    file.seek(0)
    return file


def refused(pickled: bytes, message: str, storages: dict[str, bytes] | None = None) -> None:
    with pytest.raises(pickle.UnpicklingError, match=f"Weights only load failed.*{message}"):
        rl.load(checkpoint(pickled, storages))


class Runs:
    """An object whose pickle calls a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize(("function", "arguments", "named"), [
    (os.system, ("touch ran",), "system"), (builtins.eval, ("1",), "eval"),
    (builtins.exec, ("1",), "exec"), (builtins.getattr, (1, "real"), "getattr"),
    (builtins.__import__, ("os",), "__import__"), (open, ("ran", "w"), "open"),
    (subprocess.Popen, (["touch", "ran"],), "Popen"),
    (pickle.loads, (b"N.",), "loads"), (io.BytesIO, (b"",), "BytesIO"),
    (rl.load, ("x",), r"rushlight\.serialization\.loading\.load"),
])
def test_functions_are_not_called(
    function: Any, arguments: Any, named: str, protocol: int, tmp_path: Any, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    pickled = pickle.dumps({"a": [Runs(function, *arguments)]}, protocol)
    refused(pickled, f"Unsupported global.*{named}")
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("names", [
    ("builtins", "object.__subclasses__"), ("os", "path.join"), ("torch", "load"),
    ("torch.hub", "load"), ("torch._utils", "_rebuild_tensor_v2.__globals__"),
    ("rushlight", "Tensor"), ("torch.storage", "_load_from_bytes"), ("", ""), ("numpy", "load"),
    ("collections", "ChainMap"), ("copyreg", "_reconstructor"), ("functools", "partial"),
    ("operator", "attrgetter"), ("torch.jit", "_pickle"), ("__main__", "x" * 100_000),
])
def test_names_are_not_looked_up(names: tuple[str, str]) -> None:
    refused(name(*names) + b".", "Unsupported global")
    refused(text(names[0]) + text(names[1]) + b"\x93.", "Unsupported global")


def test_modules_are_not_imported(tmp_path: Any, monkeypatch: Any) -> None:
    (tmp_path / "trap.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    refused(name("trap", "x") + b".", "trap.x")
    assert "trap" not in sys.modules


@pytest.mark.parametrize(("pickled", "message"), [
    (b".", "other than one object"), (b"NN.", "other than one object"), (b"(N.", "other than one"),
    (b"0.", "truncated or damaged"), (b"N", "truncated or damaged"),
    (b"h\x05.", "Memo value not found at index 5"), (b"j\xff\xff\xff\xff.", "Memo value not found"),
    (b"t.", "truncated or damaged"), (b"K\x01\x86.", "truncated or damaged"),
    (b"NNa.", "fills a value of type NoneType"), (b"}Na.", "as if that were a list"),
    (b"](Ne" + b"N" + b"NNs.", "as if that were a dict"), (b"}]Ns.", "key of a dictionary is a"),
    (b"}(Nu.", "truncated or damaged"), (b"NNR.", "calls something with a value of type NoneType"),
    (b"N)R.", "calls a value of type NoneType"), (b"N)\x81.", "makes an object of"),
    (b"NNb.", "sets the state of"), (b"NQ.", "refers to something that is no storage"),
    (b"\x80\x09.", "unsupported pickle protocol: 9"), (b"\xff.", "Unsupported operand 255"),
    (b"P1\n.", "Unsupported operand 80"), (b"ios\nsystem\n.", "Unsupported operand 105"),
    (b"(cos\nsystem\no.", "GLOBAL 'os.system'"), (b"\x82\x01.", "Unsupported operand 130"),
    (b"\x97.", "Unsupported operand 151"), (b"I1x\n.", "ValueError"),
    (b"X\x01\0\0\0\xff.", "Unicode"),
    (b"T\xff\xff\xff\xff.", "truncated"), (b"I" + b"9" * 10_000 + b"\n.", "ValueError"),
    (b"c\xff\n\n.", "Unicode"), (b"]\x93.", "truncated"), (b"]]\x93.", "is no text"),
])
def test_damaged_streams(pickled: bytes, message: str) -> None:
    refused(pickled, message)


@pytest.mark.parametrize("code", [b"X", b"\x8d", b"B", b"\x8e", b"\x96", b"\x8b", b"T"])
def test_lengths_beyond_the_file(code: bytes) -> None:
    wide = code in (b"\x8d", b"\x8e", b"\x96")
    refused(code + (b"\xff" * 7 + b"\x7f" if wide else b"\xff\xff\xff\x7f") + b"x.", "truncated")


def storage(kind: str = "FloatStorage", key: str = "0", count: bytes = b"K\x04",
            location: bytes = b"X\x03\0\0\0cpu") -> bytes:
    return b"(" + text("storage") + name("torch", kind) + text(key) + location + count + b"tQ"


def rebuild(inside: bytes, function: str = "_rebuild_tensor_v2") -> bytes:
    return name("torch._utils", function) + b"(" + inside + b"tR."


HUGE = b"\x8a\x09" + b"\xff" * 8 + b"\0"  # 2**64 - 1
MINUS = b"J\xff\xff\xff\xff"
END = b"\x89}"  # no gradient, no hooks


@pytest.mark.parametrize(("inside", "message"), [
    (storage() + b"K\x00K\x05\x85K\x01\x85" + END, "reaches to element 5 of a storage that has 4"),
    (storage() + b"K\x04K\x01\x85K\x01\x85" + END, "reaches to element 5"),
    (storage() + b"K\x00K\x02\x85K\x04\x85" + END, "reaches to element 5"),
    (storage() + b"K\x00K\x02K\x02\x86K\x03K\x01\x86" + END, "reaches to element 5"),
    (storage() + MINUS + b"K\x01\x85K\x01\x85" + END, "has -1 for its offset"),
    (storage() + b"K\x03K\x02\x85" + MINUS + b"\x85" + END, "has -1 in its strides"),
    (storage() + b"K\x00" + MINUS + b"\x85K\x01\x85" + END, "has -1 in its sizes"),
    (storage() + HUGE + b"K\x01\x85K\x01\x85" + END, "reaches to element"),
    (storage() + b"K\x00" + HUGE + b"\x85K\x00\x85" + END, "more elements"),
    (storage() + b"K\x00" + HUGE + HUGE + b"\x86K\x00K\x00\x86" + END, "more elements"),
    (storage() + b"K\x00" + HUGE + b"K\x00\x86K\x00K\x00\x86" + END, "more elements"),
    (storage() + b"K\x00K\x01\x85" + HUGE + b"\x85" + END, "longer strides"),
    (storage() + b"K\x00(" + b"K\x01" * 65 + b"t(" + b"K\x01" * 65 + b"t" + END, "for its sizes"),
    (storage() + b"K\x00K\x01\x85)" + END, "1 sizes and 0 strides"),
    (storage() + b"K\x00NN" + END, "for its sizes"), (b"NK\x00))" + END, "lies in"),
    (storage() + b"K\x00\x88\x85K\x01\x85" + END, "True in its sizes"),
    (storage() + b"G\0\0\0\0\0\0\0\0))" + END, "for its offset"),
    (storage(count=b"K\x05") + b"K\x00))" + END, "should have 20 bytes, but has 16"),
    (storage(count=HUGE) + b"K\x00))" + END, "elements"),
    (storage(count=MINUS) + b"K\x00))" + END, "-1 elements"),
    (storage(location=b"N") + b"K\x00))" + END, "location of a storage"),
    (storage("DoubleStorage") + b"K\x00))" + END, "should have 32 bytes, but has 16"),
    (storage() + storage("DoubleStorage") + b"K\x00))" + END, "16 bytes and 32 bytes"),
    (b"N", "TypeError"), (storage() + b"K\x00K\x04\x85K\x01\x85" + b"\x88}N" * 3, "TypeError"),
    (storage("UntypedStorage", count=b"K\x10") + b"K\x00K\x04\x85K\x01\x85" + END, "no dtype"),
])
def test_tensors_outside_their_storage(inside: bytes, message: str) -> None:
    refused(rebuild(inside), message, {"0": bytes(16)})


def test_storages_that_are_not_there() -> None:
    with pytest.raises(RuntimeError, match=r"failed reading zip archive.*'data/\.\./x'"):
        rl.load(checkpoint(rebuild(storage(key="../x") + b"K\x00))" + END), {"0": bytes(16)}))


def test_a_good_tensor_is_read() -> None:
    inside = storage() + b"K\x01K\x03\x85K\x01\x85" + END
    assert rl.load(checkpoint(rebuild(inside), {"0": struct.pack("<4f", 1, 2, 3, 4)})
                   ).tolist() == [2, 3, 4]


@pytest.mark.parametrize("attribute", [
    "backward", "_array", "_node", "__class__", "shape", "_hooks", "_grad", "not a name",
    "__dict__"])
def test_attributes_that_tensors_have_are_not_replaced(attribute: str) -> None:
    made = rebuild(storage() + b"K\x00K\x04\x85K\x01\x85" + END)[:-1]
    refused(name("torch._utils", "_rebuild_parameter_with_state") + b"(" + made + b"\x88}}"
            + text(attribute) + b"NstR.", "sets the attribute", {"0": bytes(16)})
    refused(name("collections", "OrderedDict") + b")R}" + text("items") + b"Nsb.",
            "sets the attribute 'items' of a OrderedDict")


def test_deep_nesting() -> None:
    depth = 200_000
    for pickled in (b"(" * depth + b"t" * depth, b"]" * depth + b"a" * (depth - 1),
                    b"N" + b"\x85" * depth):
        rl.load(checkpoint(pickled + b"."))  # and its memory is freed again
    refused(b"}N" + b"\x85" * depth + b"Ns.", "more parts than a key can have")
    refused(b"(N" + b"\x85" * depth + b"\x91.", "more parts than a key can have")


def test_keys_that_take_for_ever_to_hash() -> None:
    doubled = b"N\x85" + b"2\x86" * 60  # 2**60 paths to one None
    refused(b"}" + doubled + b"Ns.", "more parts than a key can have")
    refused(name("builtins", "set") + b"]" + doubled + b"a\x85R.", "more parts than a key")


@pytest.mark.parametrize("pickled", [
    # The memo lets two or three bytes ask for another copy of a large object.
    b"(" + text("x" * 1_000_000) + b"q\x001"
    + (name("_codecs", "encode") + b"h\x00\x85R") * 10_000 + b".",
    b"C\xff" + b"x" * 255 + b"0(" + b"N" * 1_000_000 + b"lq\x010("
    + (name("builtins", "list") + b"h\x01\x85R") * 10_000 + b"l.",
    b"(" + b"N" * 1_000_000 + b"tq\x010("
    + (name("builtins", "set") + b"h\x01\x85R") * 10_000 + b"l.",
])
def test_copies_are_counted(pickled: bytes) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(pickled, "copies its parts more often")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000  # kilobytes


def test_conjugates_are_counted() -> None:
    one = (storage("ComplexFloatStorage", count=b"M\x00\x40") + b"K\x00M\x00\x40\x85K\x01\x85"
           + END + b"}" + text("conj") + b"\x88s")
    many = b"".join(rebuild(one)[:-1] for _ in range(1000))
    refused(b"(" + many + b"l.", "more elements than their storage", {"0": bytes(131072)})


@pytest.mark.parametrize(("pickled", "message"), [
    (name("numpy", "dtype") + text("O8") + b"\x85R.", "NumPy's dtype 'O8'"),
    (name("numpy", "dtype") + text("V8") + b"\x85R.", "NumPy's dtype 'V8'"),
    (name("numpy", "dtype") + text("f8,O") + b"\x85R.", "NumPy's dtype 'f8,O'"),
    (name("numpy", "dtype") + text("f4") + b"\x85R(K\x03" + text(">") + b"NNNtb.", "byte order"),
    (name("numpy", "dtype") + text("f4") + b"\x85R(K\x03" + text("<") + b"N](e}tb.", "fields"),
    (name("numpy.core.multiarray", "scalar") + name("numpy", "dtype") + text("f8")
     + b"\x85RC\x01x\x86R.", "other bytes than its dtype"),
    (name("numpy._core.multiarray", "_reconstruct") + b"NNN\x87R(K\x01" + HUGE + b"\x85"
     + name("numpy", "dtype") + text("f8") + b"\x85R\x89C\x01xtb.", "other bytes"),
    (name("numpy._core.multiarray", "_reconstruct") + b"NNN\x87R(K\x01K\x02\x85"
     + name("numpy", "dtype") + text("b1") + b"\x85R\x89C\x02\x00\x07tb.", "neither true nor"),
    (name("numpy", "ndarray") + b")R.", "other than as arrays are pickled"),
])
def test_arrays_of_numpy(pickled: bytes, message: str) -> None:
    refused(pickled, message)


@pytest.mark.parametrize("pickled", [
    name("builtins", "set") + b"K\x01\x85R.", name("builtins", "dict") + b"N\x85R.",
    name("builtins", "dict") + b"]Naq\x00h\x00\x85R.",
    name("collections", "Counter") + b"K\x01\x85R.",
    name("collections", "defaultdict") + name("builtins", "bytearray") + b"\x85R.",
    name("collections", "defaultdict") + name("torch", "Tensor") + b"\x85R.",
    name("collections", "defaultdict") + b"K\x01\x85R.",
    name("collections", "deque") + b"K\x01\x85R.", name("collections", "deque") + b"]N]\x87R.",
    name("collections", "deque") + b"]J\xff\xff\xff\xff\x86R.",
    name("builtins", "int") + text("9" * 4000) + b"\x85R.", name("builtins", "str") + b")R.",
    name("collections", "OrderedDict") + b"](Ne\x85R.", name("builtins", "complex") + b"NN\x86R.",
    name("builtins", "slice") + b"](\x85R.", name("builtins", "range") + b"NN\x86R.",
    name("builtins", "bytes") + b"\x8a\x05\xff\xff\xff\xff\x00\x85R.",
    name("builtins", "bytearray") + b"\x8a\x05\xff\xff\xff\xff\x00\x85R.",
    name("_codecs", "encode") + text("x") + text("zip") + b"\x86R.",
    name("torch", "device") + b"K\x01\x85R.", name("torch", "Size") + b"K\x01\x85R.",
    name("torch.serialization", "_get_layout") + text("torch.root_of") + b"\x85R.",
    name("torch._tensor", "_rebuild_from_type_v2") + b"(N" + name("torch", "Tensor") + b")}tR.",
    name("torch._tensor", "_rebuild_from_type_v2") + b"(" + name("builtins", "list")
    + name("torch", "Tensor") + b")}tR.", name("torch._utils", "_rebuild_parameter") + b"NNN\x87R.",
])
def test_builders_check_their_arguments(pickled: bytes) -> None:
    refused(pickled, "")
