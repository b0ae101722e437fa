"""Devices: where a tensor's data lies."""

from __future__ import annotations

from typing import Any

KINDS = ("cpu", "meta")
KNOWN = ("cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga",
         "maia", "xla", "lazy", "vulkan", "mps", "meta", "hpu", "mtia", "privateuseone")


class device:  # noqa: N801 - torch's name
    """A device such as `device("cpu")`; `type` is its kind, `index` its number or None.

    >>> import rushlight as rl
    >>> rl.device("cpu")
    device(type='cpu')
    """

    __slots__ = ("index", "type")

    def __init__(self, type: Any, index: int | None = None) -> None:
        if isinstance(type, device):
            self.type: str = type.type
            self.index: int | None = type.index
            return
        if not isinstance(type, str):
            raise TypeError(f"device() argument 'type' must be str, not {type.__class__.__name__}")
        kind, _, number = type.partition(":")
        if kind not in KNOWN:
            raise RuntimeError(
                f"Expected one of {', '.join(KNOWN)} device type at start of device string: {kind}"
            )
        if number:
            if index is not None or not number.isdigit():
                raise RuntimeError(f"Invalid device string: '{type}'")
            index = int(number)
        self.type, self.index = kind, index

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return (isinstance(other, device) and other.type == self.type
                and (other.index or 0) == (self.index or 0))

    def __hash__(self) -> int:
        return hash((self.type, self.index or 0))

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, (self.type, self.index)


def _made(kind: str, index: int | None) -> device:
    """What a pickled device becomes: the class is torch.device where torch is Rushlight."""
    return device(kind, index)


CPU = device("cpu")
META = device("meta")


def as_device(value: Any) -> device:
    """`value` (None, a string or a device) as a device that this build can use.

    Raises AssertionError for a CUDA or XPU device, as torch does where it was built without, and
    RuntimeError for others that it cannot use, with the remedy.
    """
    if value is None:
        return CPU
    found = value if isinstance(value, device) else device(value)
    if found.type not in KINDS:
        said = f"Device '{found}' is not available: this build computes on 'cpu'. Use " \
               f"device='cpu', or leave device out"
        if found.type in ("cuda", "xpu"):
            raise AssertionError(f"Torch not compiled with {found.type.upper()} enabled. {said}")
        if found.type == "mps":
            said = f"PyTorch is not linked with support for mps devices. {said}"
        raise RuntimeError(said)
    return found
