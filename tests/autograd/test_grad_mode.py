"""Modes as context managers, decorators, around generators, and in threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

import rushlight as rl
from rushlight.autograd import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)


def test_blocks_nest_and_end() -> None:
    assert is_grad_enabled()
    with no_grad():
        assert not is_grad_enabled()
        with enable_grad():
            assert is_grad_enabled()
            with set_grad_enabled(False):
                assert not is_grad_enabled()
            assert is_grad_enabled()
        assert not is_grad_enabled()
    assert is_grad_enabled()


def test_a_block_ends_with_an_exception_too() -> None:
    with pytest.raises(KeyError), no_grad():
        raise KeyError
    assert is_grad_enabled()


def test_results_require_grad_only_where_recorded() -> None:
    x = rl.ones(2, requires_grad=True)
    with no_grad():
        assert not (x * 2).requires_grad
        with enable_grad():
            assert (x * 2).requires_grad
    assert (x * 2).requires_grad


@pytest.mark.parametrize("decorator", [
    lambda: no_grad, no_grad, lambda: set_grad_enabled(False), lambda: inference_mode,
    inference_mode])
def test_decorators(decorator: Any) -> None:
    with enable_grad():
        @decorator()
        def inside(value: int) -> tuple[bool, int]:
            """Its docstring."""
            return is_grad_enabled(), value

        assert inside(3) == (False, 3) and inside.__doc__ == "Its docstring."
        assert inside(4) == (False, 4) and is_grad_enabled()


def test_set_grad_enabled_acts_at_once() -> None:
    before = set_grad_enabled(False)
    try:
        assert not is_grad_enabled() and repr(before) == "set_grad_enabled(mode=False)"
    finally:
        set_grad_enabled(True)
    assert is_grad_enabled()


def test_generators_leave_the_mode_of_their_user_alone() -> None:
    seen: list[Any] = []

    @no_grad()
    def numbers() -> Iterator[int]:
        try:
            for i in range(3):
                seen.append(is_grad_enabled())
                got = yield i
                seen.append((is_grad_enabled(), got))
        except KeyError:
            seen.append(("caught", is_grad_enabled()))
            yield 9
        finally:
            seen.append(("closed", is_grad_enabled()))

    generator = numbers()
    assert next(generator) == 0 and is_grad_enabled()
    assert generator.send("a") == 1 and is_grad_enabled()
    assert generator.throw(KeyError) == 9 and is_grad_enabled()
    generator.close()
    assert seen == [False, (False, "a"), False, ("caught", False), ("closed", False)]
    assert list(numbers()) == [0, 1, 2]


def test_generators_return_values() -> None:
    @enable_grad()
    def inner() -> Iterator[int]:
        yield 1
        return 7

    def outer() -> Iterator[Any]:
        yield (yield from inner())

    assert list(outer()) == [1, 7]


def test_each_thread_has_its_own_mode() -> None:
    seen: list[bool] = []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append(is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_inference_mode() -> None:
    with inference_mode():
        assert is_inference_mode_enabled() and not is_grad_enabled()
        with inference_mode(False):
            assert not is_inference_mode_enabled() and is_grad_enabled()
    assert not is_inference_mode_enabled() and is_grad_enabled()
