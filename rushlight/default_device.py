"""The device that tensors are made on where none is named: `with device("meta"):`.

A mode as those of `overrides`: while one is active, functions that make tensors are given its
device. Without one nothing is paid.
"""

from __future__ import annotations

from typing import Any

from rushlight.base.device import CPU, as_device, device
from rushlight.families.declaration import FUNCTIONS
from rushlight.families.override import all_ask, state

MAKING = """
    tensor as_tensor asarray zeros ones empty empty_strided empty_permuted full arange range
    linspace logspace eye rand randn randint randperm scalar_tensor tril_indices triu_indices
    bartlett_window blackman_window hamming_window hann_window kaiser_window fft.fftfreq
    fft.rfftfreq
""".split()


class DefaultDevice:
    """The mode that names a device for functions which make tensors."""

    making = frozenset(FUNCTIONS[name] for name in MAKING)

    def __init__(self, place: device) -> None:
        self.place = place

    def __torch_function__(self, func: Any, types: tuple[type, ...], args: tuple[Any, ...] = (),
                           kwargs: dict[str, Any] | None = None) -> Any:
        kwargs = kwargs or {}
        if func in self.making and kwargs.get("device") is None and kwargs.get("out") is None:
            kwargs = {**kwargs, "device": self.place}
        return func(*args, **kwargs)


def _enter(self: device) -> device:
    as_device(self)  # refuses one that there is not
    all_ask(1)
    state.modes = (*state.modes, DefaultDevice(self))
    return self


def _leave(self: device, *error: object) -> None:
    state.modes = state.modes[:-1]
    all_ask(-1)


# A device is known to the lowest layer, and modes to a higher one: it learns here to be a context.
device.__enter__ = _enter  # type: ignore[attr-defined]
device.__exit__ = _leave  # type: ignore[attr-defined]


def get_default_device() -> device:
    """The device that tensors are made on where none is named.

    >>> import rushlight as rl
    >>> with rl.device("meta"):
    ...     rl.get_default_device()
    device(type='meta')
    """
    return next((mode.place for mode in reversed(state.modes) if isinstance(mode, DefaultDevice)),
                CPU)


def set_default_device(device: Any) -> None:
    """Make tensors on `device` where none is named, in this thread; None stands for the CPU.

    Raises RuntimeError for a device that this build lacks.

    >>> import rushlight as rl
    >>> rl.set_default_device("meta"); rl.zeros(2).device
    device(type='meta')
    >>> rl.set_default_device(None)
    """
    place = as_device(device)
    first = state.modes[:1]
    if first and isinstance(first[0], DefaultDevice) and first[0] is _Set.mode:
        state.modes = state.modes[1:]
        all_ask(-1)
    if place != CPU:
        _Set.mode = DefaultDevice(place)
        all_ask(1)
        state.modes = (_Set.mode, *state.modes)


class _Set:
    """What `set_default_device` was last given, as a mode around all others."""

    mode: DefaultDevice | None = None
