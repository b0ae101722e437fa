"""Operations by ATen's names and overloads, as `__torch_dispatch__` is given them."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from rushlight.base.flags import flags
from rushlight.families.override import default, disabled
from rushlight.tensor import Tensor

# What ATen calls the operations behind Python's operators, and those that torch calls by others.
NAMES = {"softmax": "_softmax", "log_softmax": "_log_softmax",
         "truediv": "div", "rtruediv": "div", "rmul": "mul", "radd": "add", "rpow": "pow",
         "floordiv": "floor_divide", "rfloordiv": "floor_divide", "mod": "remainder",
         "rmod": "remainder", "invert": "bitwise_not"}
# The overloads that a call leads to by what comes second.
OF_TENSORS = frozenset("""add sub mul div add_ sub_ mul_ div_ bitwise_and bitwise_or
                       bitwise_xor""".split())
OF_EITHER = frozenset("eq ne lt le gt ge remainder fmod floor_divide lerp".split())
BY_DIMENSION = {"max": "dim", "min": "dim", "sum": "dim_IntList", "mean": "dim", "select": "int",
                "transpose": "int", "slice": "Tensor", "prod": "dim_int", "any": "dim",
                "all": "dim", "median": "dim", "split": "Tensor", "std": "dim", "var": "dim"}


class OpOverload:
    """An operation as `__torch_dispatch__` is given it: prints as aten.add.Tensor; is called."""

    def __init__(self, function: Callable[..., Any], name: str, overload: str) -> None:
        self._function = function
        self._opname, self._overloadname = name, overload
        self.__name__ = f"{name}.{overload}"
        self.namespace = "aten"
        self._schema = SimpleNamespace(
            name=f"aten::{name}", overload_name="" if overload == "default" else overload)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)

    @property
    def _overloadpacket(self) -> Overloads:
        return packet(f"aten.{self._opname}", self._function)

    @property
    def overloadpacket(self) -> Overloads:
        """The operation that this is one overload of, as found in `torch.ops.aten`."""
        return self._overloadpacket

    def name(self) -> str:
        """Its name with two colons: aten::add.Tensor."""
        return f"aten::{self._opname}" + (
            "" if self._overloadname == "default" else f".{self._overloadname}")

    def __str__(self) -> str:
        return f"aten.{self._opname}.{self._overloadname}"

    def __repr__(self) -> str:
        return f"<OpOverload(op='aten.{self._opname}', overload='{self._overloadname}')>"


class Overloads:
    """An operation: called, or by overload as in `torch.ops.aten.add.Tensor`.

    Those of ATen are the objects that `__torch_dispatch__` is given.
    """

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.__name__ = name
        self._function = function

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self._function(*arguments, **options)

    def __str__(self) -> str:
        return self.__name__

    def __repr__(self) -> str:
        return f"<OpOverloadPacket(op='{self.__name__}')>"

    @property
    def default(self) -> Any:
        """The operation itself."""
        return self._of("default")

    def _of(self, kind: str) -> Any:
        space, _, name = self.__name__.partition(".")
        return overload(self._function, name, kind) if space == "aten" else self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._of(name)


_known: dict[tuple[str, str], OpOverload] = {}
_packets: dict[str, Overloads] = {}


def packet(name: str, function: Callable[..., Any]) -> Overloads:
    """The one object for all overloads of `name`, as in aten.add: programs make tables of them."""
    return _packets.setdefault(name, Overloads(name, function))


def overload(function: Callable[..., Any], name: str, kind: str) -> OpOverload:
    """The one object for `name.kind`, so that programs may compare with `is`."""
    return _known.setdefault((name, kind), OpOverload(function, name, kind))


def called(function: Callable[..., Any], args: tuple[Any, ...]
           ) -> tuple[OpOverload, tuple[Any, ...]]:
    """The overload that a call of one of our functions is, in torch, a call of; its arguments."""
    methods: Any = Tensor
    name = getattr(function, "__name__", "").removeprefix("__").removesuffix("__")
    second = args[1] if len(args) > 1 else None
    if name == "getitem":
        if type(second) is not int:  # of its own: torch.ops.aten.index takes a list
            return OpOverload(function, "index", "Tensor"), args
        name, function, args = "select", methods.select, (args[0], 0, second)
    elif name == "matmul":
        name = {(2, 2): "mm", (2, 1): "mv"}.get(
            (getattr(args[0], "ndim", 0), getattr(second, "ndim", 0)), name)
        function = getattr(methods, name)
    name = NAMES.get(name, name)
    kind = "default"
    if name in OF_TENSORS:
        kind = "Tensor"
    elif name in OF_EITHER and len(args) > 1:
        kind = "Tensor" if isinstance(second, Tensor) else "Scalar"
    elif name in ("pow", "pow_") and len(args) > 1:
        kind = "Tensor_Tensor" if isinstance(second, Tensor) else "Tensor_Scalar"
    elif name in BY_DIMENSION and len(args) > 1:
        kind = BY_DIMENSION[name]
    return overload(function, name, kind), args


def dispatched(cls: Any, function: Any, types: tuple[type, ...], args: tuple[Any, ...] = (),
               kwargs: dict[str, Any] | None = None) -> Any:
    """The `__torch_function__` of classes with a `__torch_dispatch__`: it is asked instead.

    Raises NotImplementedError where a gradient would have to pass.
    """
    name = getattr(function, "__name__", "")
    if name == "__get__":  # a property: T and its kin are operations
        own = function.__self__
        name = next((n for n in ("T", "mT", "H", "mH", "data") if getattr(Tensor, n) is own), "")
        if not name:
            return disabled(function, types, args, kwargs)
        function, args = _of_property(name, args[0])
    recorded = flags.grad_enabled and name != "detach" and any(
        isinstance(one, cls) and one.requires_grad for one in (*args, *(kwargs or {}).values()))
    if recorded:
        raise NotImplementedError(
            f"{name}(): gradients do not pass through {cls.__name__}.__torch_dispatch__ here: "
            "work under torch.no_grad(), or give the class a __torch_function__, below which "
            "gradients are recorded")
    operation, args = called(function, args)
    return cls.__torch_dispatch__(operation, types, args, kwargs or {})


def _of_property(name: str, self: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """The call that reading `self.T`, say, stands for."""
    methods: Any = Tensor
    if name == "data":
        return methods.detach, (self,)
    if name == "T":
        return methods.permute, (self, tuple(reversed(range(self.ndim))))
    return methods.transpose, (self, -2, -1)


def asks(cls: Any) -> bool:
    """Whether a subclass of Tensor has a `__torch_dispatch__`, and no function of its own."""
    handler = cls.__torch_function__
    own = getattr(handler, "__func__", handler)
    return hasattr(cls, "__torch_dispatch__") and own in (default, disabled, dispatched)
