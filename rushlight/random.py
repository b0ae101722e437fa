"""Seeds and states of the random numbers, named as in torch."""

from __future__ import annotations

from collections.abc import Generator as Iterating
from collections.abc import Iterable
from contextlib import contextmanager
from typing import Any

from rushlight.families.generator import Generator, default_generator
from rushlight.tensor import Tensor

__all__ = ["Generator", "default_generator", "fork_rng", "get_rng_state", "initial_seed",
           "manual_seed", "seed", "set_rng_state"]


def manual_seed(seed: int) -> Generator:
    """Start the default stream of `seed`; equal seeds give equal numbers, those of torch's CPU.

    seed: in [-2**63, 2**64); negative ones wrap. Returns the default generator. Raises
    ValueError outside that range.

    >>> import rushlight as rl
    >>> rl.manual_seed(0).initial_seed(), rl.rand(2)
    (0, tensor([0.4963, 0.7682]))
    """
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Start the default stream of a seed from the system's entropy; returns that seed.

    >>> import rushlight as rl
    >>> rl.seed() == rl.initial_seed()
    True
    """
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default stream started from.

    >>> import rushlight as rl
    >>> _ = rl.manual_seed(-1); rl.initial_seed() == 2**64 - 1
    True
    """
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the default generator: uint8, 5056 bytes, interchangeable with torch's; a copy.

    >>> import rushlight as rl
    >>> state = rl.get_rng_state(); a = rl.rand(3); rl.set_rng_state(state)
    >>> bool((rl.rand(3) == a).all())
    True
    """
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Continue the default stream from a saved state, of torch's too.

    Raises TypeError for other than a uint8 tensor, RuntimeError for other contents.

    >>> import rushlight as rl
    >>> rl.set_rng_state(rl.get_rng_state())
    """
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(devices: Iterable[Any] | None = None, enabled: bool = True,
             _caller: str = "fork_rng", _devices_kw: str = "devices",
             device_type: str = "cpu") -> Iterating[None, None, None]:
    """Draw freely in the block; afterwards the default stream goes on from where it was.

    enabled: False does nothing. devices, device_type: for programs that name other devices.

    >>> import rushlight as rl
    >>> _ = rl.manual_seed(0)
    >>> with rl.random.fork_rng():
    ...     _ = rl.rand(100)
    >>> rl.rand(2)
    tensor([0.4963, 0.7682])
    """
    if not enabled:
        yield
        return
    state = default_generator.get_state()
    try:
        yield
    finally:
        default_generator.set_state(state)
