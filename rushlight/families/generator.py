"""Generator: the source of random numbers that random ops draw from."""

from __future__ import annotations

import os
import threading
from typing import Any

import numpy as np

from rushlight.backends.host.mersenne import DEFAULT_SEED, Mersenne
from rushlight.base.device import CPU, as_device, device
from rushlight.tensor import Tensor, wrap

_making = threading.Lock()
if hasattr(os, "register_at_fork"):  # or a child could find the lock held by nobody
    os.register_at_fork(before=_making.acquire, after_in_parent=_making.release,
                        after_in_child=_making.release)


class Generator:
    """A stream of random numbers: MT19937, which gives torch's CPU numbers for equal seeds.

    >>> import rushlight as rl
    >>> g = rl.Generator().manual_seed(0)
    >>> rl.rand(2, generator=g)
    tensor([0.4963, 0.7682])
    """

    __slots__ = ("__weakref__", "_engine", "_first_seed")

    def __init__(self, device: Any = "cpu") -> None:
        if as_device(device).type != "cpu":
            raise RuntimeError(f"Generator(device='{device}'): random numbers are drawn on 'cpu'")
        self._engine: Mersenne | None = None
        self._first_seed = DEFAULT_SEED

    @property
    def engine(self) -> Mersenne:
        """The twister itself, made when first needed."""
        if self._engine is None:
            with _making:
                if self._engine is None:
                    self._engine = Mersenne(self._first_seed)
        return self._engine

    @property
    def device(self) -> device:
        """Where the numbers are drawn: the CPU."""
        return CPU

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream of `seed`, in [-2**63, 2**64), negative ones wrapping; returns self.

        Raises ValueError for a seed outside that range.
        """
        self.engine.seed(int(seed))
        return self

    def seed(self) -> int:
        """Start the stream of a seed from the system's entropy; returns that seed."""
        return self.engine.seed_from_entropy()

    def initial_seed(self) -> int:
        """The seed that the stream started from."""
        return self.engine.initial_seed()

    def get_state(self) -> Tensor:
        """The state as a uint8 tensor of 5056 bytes, in torch's own layout: a copy."""
        return wrap(self.engine.get_state())

    def set_state(self, new_state: Tensor) -> Generator:
        """Continue from a saved state, of torch's too; returns self.

        Raises TypeError for other than a uint8 tensor, RuntimeError for other contents.
        """
        if not isinstance(new_state, Tensor) or new_state._array.dtype != np.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor, as get_state() returns it")
        self.engine.set_state(np.ascontiguousarray(new_state._array))
        return self

    def clone_state(self) -> Generator:
        """An independent generator at the same place of the same stream."""
        twin = Generator()
        twin._engine = self.engine.clone()
        return twin

    graphsafe_get_state = clone_state

    def graphsafe_set_state(self, state: Generator) -> Generator:
        """Continue from where another generator is; returns self."""
        return self.set_state(state.get_state())

    def get_offset(self) -> int:
        """Counter-based generators have an offset; this one raises RuntimeError."""
        raise RuntimeError("CPU Generator does not use offset; use get_state()")

    def set_offset(self, offset: int) -> Generator:
        """Counter-based generators have an offset; this one raises RuntimeError."""
        raise RuntimeError("CPU Generator does not use offset; use set_state()")

    def __copy__(self) -> Generator:
        return self.clone_state()

    def __deepcopy__(self, memo: dict[int, Any]) -> Generator:
        return self.clone_state()

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.engine,)

    def __repr__(self) -> str:
        return f"<Generator on {self.device}, seed {self.initial_seed()}>"


def _rebuild(engine: Mersenne) -> Generator:
    """Rebuild a pickled generator."""
    made = Generator()
    made._engine = engine
    return made


# What ops draw from when no generator is given. It starts from the system's entropy.
default_generator = Generator()
default_generator._first_seed = int.from_bytes(os.urandom(8), "little")


def engine_of(generator: Any, name: str) -> Mersenne:
    """The engine of `generator`, or of the default one for None.

    Raises TypeError for what is no generator.
    """
    if generator is None:
        return default_generator._engine or default_generator.engine
    if not isinstance(generator, Generator):
        raise TypeError(f"{name}(): argument 'generator' must be Generator, not "
                        f"{type(generator).__name__}")
    return generator.engine
