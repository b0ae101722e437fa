"""What each opcode of a pickle does, in a reader that runs nothing."""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.serialization import numpy_names, tensors
from rushlight.serialization.errors import Outside, Stop, refused, shown
from rushlight.serialization.keys import check_key
from rushlight.serialization.names import Builder

if TYPE_CHECKING:
    from rushlight.serialization.unpickler import Unpickler

DICTS = (dict, OrderedDict, Counter, defaultdict)
LISTS = (list, deque)
MADE_AS_OBJECTS = ("OrderedDict", "Counter", "Size", "deque")
HIGHEST_PROTOCOL = 5
OPCODES: dict[int, Callable[[Unpickler], None]] = {}


def opcode(code: bytes) -> Callable[[Any], Any]:
    """Declare how an opcode is run."""
    def declare(function: Any) -> Any:
        OPCODES[code[0]] = function
        return function
    return declare


# ---- numbers and texts --------------------------------------------------------------------------

def _constant(code: bytes, make: Callable[[], Any]) -> None:
    OPCODES[code[0]] = lambda self: self.stack.append(make())


def _number(code: bytes, layout: str) -> None:
    form = struct.Struct(layout)
    OPCODES[code[0]] = lambda self: self.stack.append(self.number(form))


def _counted(code: bytes, layout: str, convert: Callable[[Any, Any], Any]) -> None:
    """Bytes after their count."""
    form = struct.Struct(layout)

    def run(self: Unpickler) -> None:
        count = self.number(form)
        if count < 0:
            raise IndexError
        self.stack.append(convert(self, self.take(count)))
    OPCODES[code[0]] = run


def _old_text(self: Unpickler, data: bytes) -> Any:
    return data if self.encoding == "bytes" else data.decode(self.encoding)


_CONSTANTS: tuple[tuple[bytes, Callable[[], Any]], ...] = (
    (b"N", lambda: None), (b"\x88", lambda: True), (b"\x89", lambda: False), (b"}", dict),
    (b"]", list), (b")", tuple), (b"\x8f", set))
for _code, _make in _CONSTANTS:
    _constant(_code, _make)
for _code, _layout in ((b"J", "<i"), (b"K", "<B"), (b"M", "<H"), (b"G", ">d")):
    _number(_code, _layout)
for _code, _layout in ((b"\x8c", "<B"), (b"X", "<I"), (b"\x8d", "<Q")):
    _counted(_code, _layout, lambda self, data: data.decode("utf-8", "surrogatepass"))
for _code, _layout in ((b"U", "<B"), (b"T", "<i")):
    _counted(_code, _layout, _old_text)
for _code, _layout in ((b"C", "<B"), (b"B", "<I"), (b"\x8e", "<Q")):
    _counted(_code, _layout, lambda self, data: bytes(data))
for _code, _layout in ((b"\x8a", "<B"), (b"\x8b", "<i")):
    _counted(_code, _layout, lambda self, data: int.from_bytes(data, "little", signed=True))
_counted(b"\x96", "<Q", lambda self, data: bytearray(data))


@opcode(b"I")
def _decimal(self: Unpickler) -> None:
    text = self.line()
    self.stack.append({"00": False, "01": True}.get(text) if text in ("00", "01") else int(text))


@opcode(b"L")
def _long_decimal(self: Unpickler) -> None:
    self.stack.append(int(self.line().removesuffix("L")))


@opcode(b"F")
def _decimal_float(self: Unpickler) -> None:
    self.stack.append(float(self.line()))


@opcode(b"V")
def _escaped_text(self: Unpickler) -> None:
    self.stack.append(self.line().encode("latin-1").decode("raw-unicode-escape"))


# ---- the stack and the memo ---------------------------------------------------------------------

@opcode(b"\x80")
def _protocol(self: Unpickler) -> None:
    protocol = self.take(1)[0]
    if protocol > HIGHEST_PROTOCOL:
        raise refused(f"unsupported pickle protocol: {protocol}")


@opcode(b"\x95")
def _frame(self: Unpickler) -> None:
    self.take(8)  # a hint for readers that read from disk


@opcode(b".")
def _stop(self: Unpickler) -> None:
    if self.marks or len(self.stack) != 1:
        raise refused("The pickle ends with other than one object")
    raise Stop


@opcode(b"(")
def _mark(self: Unpickler) -> None:
    self.marks.append(self.stack)
    self.stack = []


@opcode(b"0")
def _pop(self: Unpickler) -> None:
    if self.stack:
        self.pop()
    else:
        self.pop_mark()


@opcode(b"1")
def _pop_to_mark(self: Unpickler) -> None:
    self.pop_mark()


@opcode(b"2")
def _duplicate(self: Unpickler) -> None:
    self.stack.append(self.stack[-1])


def _memo(put: bytes, get: bytes, layout: str) -> None:
    form = struct.Struct(layout)

    def run_put(self: Unpickler) -> None:
        self.memo[self.number(form)] = self.stack[-1]

    def run_get(self: Unpickler) -> None:
        self.stack.append(_remembered(self, self.number(form)))
    OPCODES[put[0]], OPCODES[get[0]] = run_put, run_get


def _remembered(self: Unpickler, index: int) -> Any:
    if index not in self.memo:
        raise refused(f"Memo value not found at index {index}")
    return self.memo[index]


_memo(b"q", b"h", "<B")
_memo(b"r", b"j", "<I")


@opcode(b"p")
def _put_decimal(self: Unpickler) -> None:
    self.memo[int(self.line())] = self.stack[-1]


@opcode(b"g")
def _get_decimal(self: Unpickler) -> None:
    self.stack.append(_remembered(self, int(self.line())))


@opcode(b"\x94")
def _memoize(self: Unpickler) -> None:
    self.memo[len(self.memo)] = self.stack[-1]


# ---- containers ---------------------------------------------------------------------------------

@opcode(b"t")
def _tuple(self: Unpickler) -> None:
    members = tuple(self.pop_mark())
    self.stack.append(members)


def _short_tuple(code: bytes, length: int) -> None:
    def run(self: Unpickler) -> None:
        if len(self.stack) < length:
            raise IndexError
        self.stack[-length:] = [tuple(self.stack[-length:])]
    OPCODES[code[0]] = run


for _code, _length in ((b"\x85", 1), (b"\x86", 2), (b"\x87", 3)):
    _short_tuple(_code, _length)


@opcode(b"l")
def _list(self: Unpickler) -> None:
    members = self.pop_mark()
    self.stack.append(members)


@opcode(b"a")
def _append(self: Unpickler) -> None:
    value = self.pop()
    self.top(*LISTS).append(value)


@opcode(b"e")
def _appends(self: Unpickler) -> None:
    values = self.pop_mark()
    self.top(*LISTS).extend(values)


def _fill(target: Any, items: list[Any]) -> None:
    if len(items) % 2:
        raise IndexError
    for key in items[::2]:
        check_key(key)
    for key, value in zip(items[::2], items[1::2]):
        target[key] = value


@opcode(b"d")
def _dict(self: Unpickler) -> None:
    items = self.pop_mark()
    made: dict[Any, Any] = {}
    _fill(made, items)
    self.stack.append(made)


@opcode(b"s")
def _set_item(self: Unpickler) -> None:
    value, key = self.pop(), self.pop()
    _fill(self.top(*DICTS), [key, value])


@opcode(b"u")
def _set_items(self: Unpickler) -> None:
    items = self.pop_mark()
    _fill(self.top(*DICTS), items)


@opcode(b"\x90")
def _add_items(self: Unpickler) -> None:
    members = self.pop_mark()
    for member in members:
        check_key(member)
    self.top(set).update(members)


@opcode(b"\x91")
def _frozen_set(self: Unpickler) -> None:
    members = self.pop_mark()
    for member in members:
        check_key(member)
    self.stack.append(frozenset(members))


# ---- names and objects --------------------------------------------------------------------------

@opcode(b"c")
def _global(self: Unpickler) -> None:
    module, name = self.line(), self.line()
    self.stack.append(self.find(module, name))


@opcode(b"\x93")
def _stack_global(self: Unpickler) -> None:
    name, module = self.pop(), self.pop()
    if type(name) is not str or type(module) is not str:
        raise refused("The name of a global is no text")
    self.stack.append(self.find(module, name))


@opcode(b"Q")
def _persistent(self: Unpickler) -> None:
    if self.persistent_load is None:
        raise refused("It refers to storages, where none can be")
    place = self.pop()
    try:
        self.stack.append(self.persistent_load(place))
    except Exception as error:
        raise Outside(error) from error


@opcode(b"R")
def _reduce(self: Unpickler) -> None:
    arguments, function = self.pop(), self.pop()
    if type(arguments) is not tuple:
        raise refused(f"It calls something with {shown(arguments)} for arguments")
    self.charge(arguments)
    if type(function) is Builder:
        self.stack.append(function.make(*arguments))
    elif id(function) in self.trusted:
        self.adopt(function(*arguments))
    else:
        raise refused(f"It calls {shown(function)}")


@opcode(b"\x81")
def _new_object(self: Unpickler) -> None:
    arguments, kind = self.pop(), self.pop()
    _new(self, kind, arguments, {})


@opcode(b"\x92")
def _new_object_with_options(self: Unpickler) -> None:
    options, arguments, kind = self.pop(), self.pop(), self.pop()
    _new(self, kind, arguments, options)


def _new(self: Unpickler, kind: Any, arguments: Any, options: Any) -> None:
    if type(arguments) is not tuple or type(options) is not dict:
        raise refused(f"It makes an object with {shown(arguments)} for arguments")
    self.charge(arguments)
    if type(kind) is Builder and kind.name in MADE_AS_OBJECTS:
        self.stack.append(kind.make(*arguments, **options))
    elif id(kind) in self.trusted and isinstance(kind, type):
        self.adopt(kind.__new__(kind, *arguments, **options))
    else:
        raise refused(f"It makes an object of {shown(kind)}")


@opcode(b"b")
def _build(self: Unpickler) -> None:
    state = self.pop()
    made = self.stack[-1]
    self.charge((state, *state) if isinstance(state, tuple) else (state,))
    if id(made) in self.instances:
        _restore(made, state)
    elif isinstance(made, np.dtype):
        numpy_names.check_dtype_state(state)
    elif type(made) is np.ndarray:
        numpy_names.set_state(made, state)
    elif type(made) in (OrderedDict, Counter):
        tensors.with_attributes(made, state)
    else:
        raise refused(f"It sets the state of {shown(made)}")


def _restore(made: Any, state: Any) -> None:
    """The state of an object of a registered class, as pickle sets it."""
    if hasattr(made, "__setstate__"):
        made.__setstate__(state)
        return
    attributes, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
    made.__dict__.update(attributes or {})
    for name, value in (slots or {}).items():
        setattr(made, name, value)
