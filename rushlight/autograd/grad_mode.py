"""Switching the recording of gradients on and off, for a block, a function or a thread."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from rushlight.base.flags import flags

F = TypeVar("F", bound=Callable[..., Any])


def is_grad_enabled() -> bool:
    """Whether this thread records operations for gradients."""
    return flags.grad_enabled


def is_inference_mode_enabled() -> bool:
    """Whether this thread is in inference mode."""
    return flags.inference


class _ContextDecorator:
    """A context manager that also decorates functions, generator functions and classes' calls."""

    def __enter__(self) -> Any:
        raise NotImplementedError

    def __exit__(self, *exception: object) -> None:
        raise NotImplementedError

    def clone(self) -> _ContextDecorator:
        """A fresh context for one call."""
        return type(self)()

    def __call__(self, function: F) -> F:
        if inspect.isgeneratorfunction(function):
            return self._around_generator(function)  # type: ignore[return-value]

        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return function(*args, **kwargs)

        return inside  # type: ignore[return-value]

    def _around_generator(
        self, function: Callable[..., Generator[Any, Any, Any]],
    ) -> Callable[..., Generator[Any, Any, Any]]:
        """The mode holds while the generator runs, and not in the code that iterates over it."""

        @functools.wraps(function)
        def generate(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            with self.clone():
                generator = function(*args, **kwargs)
                resume: Callable[[], Any] = generator.__next__
            while True:
                try:
                    with self.clone():
                        value = resume()
                except StopIteration as finished:
                    return finished.value
                try:
                    sent = yield value
                except GeneratorExit:
                    with self.clone():
                        generator.close()
                    raise
                except BaseException as error:
                    resume = functools.partial(generator.throw, error)
                else:
                    resume = functools.partial(generator.send, sent)

        return generate


class _GradMode(_ContextDecorator):
    """Sets the mode to `mode` inside, and back to what it was after."""

    mode: bool
    __slots__ = ("_before",)

    def __enter__(self) -> None:
        self._before = flags.grad_enabled
        flags.grad_enabled = self.mode

    def __exit__(self, *exception: object) -> None:
        flags.grad_enabled = self._before


class no_grad(_GradMode):  # noqa: N801 - torch's name
    """Record nothing in this block: results do not require grad. Also a decorator.

    >>> import rushlight as rl
    >>> x = rl.ones(1, requires_grad=True)
    >>> with rl.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    __slots__ = ()
    mode = False

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        """`@no_grad` without parentheses decorates at once."""
        made = super().__new__(cls)
        return made if function is None else made(function)


class enable_grad(_GradMode):  # noqa: N801 - torch's name
    """Record in this block, inside `no_grad` too. Also a decorator.

    >>> import rushlight as rl
    >>> x = rl.ones(1, requires_grad=True)
    >>> with rl.no_grad(), rl.enable_grad():
    ...     y = x * 2
    >>> y.requires_grad
    True
    """

    __slots__ = ()
    mode = True

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        """`@enable_grad` without parentheses decorates at once."""
        made = super().__new__(cls)
        return made if function is None else made(function)


class set_grad_enabled(_ContextDecorator):  # noqa: N801 - torch's name
    """Record or not, as `mode` says; at once, until the end of the block if there is one.

    Args:
        mode: whether to record.

    >>> import rushlight as rl
    >>> x = rl.ones(1, requires_grad=True)
    >>> with rl.set_grad_enabled(False):
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    __slots__ = ("_before", "mode")

    def __init__(self, mode: bool) -> None:
        self._before = flags.grad_enabled
        self.mode = mode
        flags.grad_enabled = mode

    def __call__(self, function: F) -> F:
        flags.grad_enabled = self._before  # a decorator acts in the calls only
        return super().__call__(function)

    def __enter__(self) -> None:
        flags.grad_enabled = self.mode

    def __exit__(self, *exception: object) -> None:
        flags.grad_enabled = self._before

    def clone(self) -> set_grad_enabled:
        """A fresh context for one call."""
        return type(self)(self.mode)

    def __repr__(self) -> str:
        return f"set_grad_enabled(mode={self.mode})"


class inference_mode(_ContextDecorator):  # noqa: N801 - torch's name
    """Record nothing, and let what is made here never take part in recording. Also a decorator.

    Args:
        mode: False to leave inference mode for a block.

    >>> import rushlight as rl
    >>> x = rl.ones(1, requires_grad=True)
    >>> with rl.inference_mode():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    __slots__ = ("_before", "mode")

    def __new__(cls, mode: Any = True) -> Any:
        """`@inference_mode` without parentheses decorates at once."""
        made = super().__new__(cls)
        if callable(mode):
            made.mode = True
            return made(mode)
        return made

    def __init__(self, mode: bool = True) -> None:
        self.mode = mode

    def __enter__(self) -> None:
        self._before = (flags.grad_enabled, flags.inference)
        flags.inference = self.mode
        flags.grad_enabled = not self.mode

    def __exit__(self, *exception: object) -> None:
        flags.grad_enabled, flags.inference = self._before

    def clone(self) -> inference_mode:
        """A fresh context for one call."""
        return type(self)(self.mode)
