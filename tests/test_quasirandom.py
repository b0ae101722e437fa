"""Sobol' points: known ones, their balance, scrambling, skipping, and what is refused."""

from __future__ import annotations

import copy
import pickle
import sys

import numpy as np
import pytest

import rushlight as rl
from rushlight.quasirandom import SobolEngine, direction_numbers


def test_first_points_are_sobols() -> None:
    found = SobolEngine(3).draw(5)
    assert found.dtype is rl.float32
    assert found.tolist() == [[0, 0, 0], [0.5, 0.5, 0.5], [0.75, 0.25, 0.25], [0.25, 0.75, 0.75],
                              [0.375, 0.375, 0.625]]


def test_the_last_of_the_kept_dimensions() -> None:  # figures of torch 2.13
    engine = SobolEngine(1024).fast_forward(5)
    assert engine.draw(3)[:, -3:].tolist() == [
        [0.875, 0.375, 0.375], [0.625, 0.625, 0.125], [0.125, 0.125, 0.625]]


@pytest.mark.parametrize("scramble", [False, True])
def test_each_interval_has_equally_many_points(scramble: bool) -> None:
    rl.manual_seed(0)
    points = SobolEngine(40, scramble).draw_base2(8, dtype=rl.float64).numpy()
    assert points.min() >= 0 and points.max() < 1
    for coordinate in points.T:
        assert np.bincount((coordinate * 256).astype(int), minlength=256).tolist() == [1] * 256


def test_scrambled_points_are_torchs() -> None:  # figures of torch 2.13
    found = SobolEngine(5, scramble=True, seed=3).draw(3)
    expected = [[0.0685, 0.2245, 0.6992, 0.0626, 0.3754], [0.8964, 0.7278, 0.2717, 0.5922, 0.5054],
                [0.6767, 0.2636, 0.7703, 0.3778, 0.9777]]
    assert np.abs(found.numpy() - expected).max() < 1e-4


def test_the_default_generator_scrambles_without_a_seed() -> None:
    rl.manual_seed(9)
    one = SobolEngine(2, scramble=True).draw(2)
    assert np.abs(one.numpy() - [[0.5331, 0.2320], [0.0572, 0.7256]]).max() < 1e-4
    assert not rl.equal(one, SobolEngine(2, scramble=True).draw(2))


@pytest.mark.parametrize("parts", [(5, 0, 3), (1, 7), (8,)])
def test_points_come_in_turn_however_many_are_drawn(parts: tuple[int, ...]) -> None:
    engine = SobolEngine(4, scramble=True, seed=1)
    whole = engine.draw(8)
    engine.reset()
    assert rl.equal(rl.cat([engine.draw(n) for n in parts]), whole)
    for skipped in range(8):
        ahead = engine.reset().fast_forward(skipped)
        assert rl.equal(ahead.draw(8 - skipped), whole[skipped:])
    assert engine.reset().fast_forward(2).fast_forward(3).draw().equal(whole[5:6])


def test_copies_go_on_by_themselves() -> None:
    engine = SobolEngine(2, scramble=True, seed=4)
    engine.draw(3)
    copies = [copy.deepcopy(engine), pickle.loads(pickle.dumps(engine))]
    following = engine.draw(2)
    assert all(rl.equal(each.draw(2), following) for each in copies)
    assert repr(copies[0]) == "SobolEngine(dimension=2, scramble=True, seed=4)"


def test_out_is_filled() -> None:
    out = rl.empty(0, dtype=rl.float64)
    assert SobolEngine(2).draw(2, out=out, dtype=rl.float64) is out
    assert out.tolist() == [[0, 0], [0.5, 0.5]]


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="Supported range of dimensionality"):
        SobolEngine(0)
    engine = SobolEngine(2)
    with pytest.raises(RuntimeError, match="negative dimension"):
        engine.draw(-1)
    with pytest.raises(NotImplementedError, match="not implemented for"):
        engine.draw(1, dtype=rl.float16)
    engine.draw(3)
    with pytest.raises(ValueError, match="n=3\\+2\\*\\*2=7"):
        engine.draw_base2(2)
    engine.fast_forward(2 ** 30 - 4)
    engine.draw()
    with pytest.raises(ValueError, match="have been drawn"):
        engine.draw()


def test_dimensions_beyond_the_kept_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("scipy")
    many = direction_numbers.direction_numbers(1100)
    assert (many[:1024] == direction_numbers.direction_numbers(1024)).all()
    direction_numbers._scipy.cache_clear()
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ValueError, match="pip install scipy"):
        SobolEngine(1025)
