"""What the main program draws is not touched by the samples' own random numbers."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight.utils.data import randomness
from rushlight.utils.data.randomness import EpochSeeds, StreamStates, batch_streams, mix

SEEDS = EpochSeeds(1, 2, 3)


def drawn() -> list[Any]:
    return [rl.rand(2).tolist(), rl.randn(1).item(), np.random.rand(), np.random.standard_normal(),
            random.random(), random.gauss(0, 1), random.getrandbits(70)]


def fetched(step: int) -> list[Any]:
    with batch_streams(SEEDS, step):
        return drawn()


def test_the_main_streams_go_on_where_they_were() -> None:
    def program(between: Any) -> list[Any]:
        rl.manual_seed(0)
        np.random.seed(0)
        random.seed(0)
        found = []
        for step in range(5):  # odd numbers of normal samples, of which NumPy keeps half a pair
            found += drawn()[: 3 + step % 5]
            between(step)
        return found

    assert program(fetched) == program(lambda step: None)


def test_a_batch_has_its_own_numbers() -> None:
    assert fetched(4) == fetched(4) and fetched(4) != fetched(5)
    with batch_streams(SEEDS, 4):
        first = drawn()
    SEEDS.start(4)  # as a worker does
    assert drawn() == first


def test_batches_inside_batches() -> None:
    with batch_streams(SEEDS, 1):
        plain = [drawn(), drawn()]
    with batch_streams(SEEDS, 1):
        first = drawn()
        fetched(2)
        assert [first, drawn()] == plain


def test_errors_put_the_streams_back() -> None:
    before = random.getstate(), np.random.get_state(legacy=False), rl.get_rng_state()
    with pytest.raises(ValueError), batch_streams(SEEDS, 1):
        drawn()
        raise ValueError
    state: Any = np.random.get_state(legacy=False)
    assert random.getstate() == before[0] and rl.get_rng_state().equal(before[2])
    assert (state["state"]["key"] == before[1]["state"]["key"]).all()


def test_where_the_state_cannot_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other Pythons keep `random` elsewhere; the numbers are the same."""
    expected = fetched(3)
    words = randomness._python.words()
    monkeypatch.setattr(randomness._python, "_address", 0)
    before = random.getstate()
    assert randomness._python.words() == words
    assert fetched(3) == expected and random.getstate() == before


def test_another_bit_generator_of_numpy() -> None:
    theirs = np.random.get_bit_generator()
    try:
        np.random.set_bit_generator(np.random.PCG64(1))
        expected = [np.random.rand(), np.random.rand()]
        np.random.set_bit_generator(np.random.PCG64(1))
        found = [np.random.rand()]
        assert fetched(3) == fetched(3)
        assert [*found, np.random.rand()] == expected
        EpochSeeds.of(3)
    finally:
        np.random.set_bit_generator(theirs)


def test_states_return() -> None:
    states = StreamStates.now()
    first = drawn()
    states.restore()
    assert drawn() == first


def test_seeds_are_spread() -> None:
    """The first outputs of SplitMix64 from 1234567, as its authors' program prints them."""
    assert [mix(1234567, step) for step in (-1, 0, 1)] == [
        6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert len({mix(0, (step << 16) + worker) for step in range(50) for worker in range(9)}) == 450
