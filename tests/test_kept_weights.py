"""Weights kept in a library's layout between calls without gradient: never a stale one."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import rushlight as rl
from rushlight.backends import kept_weights
from rushlight.backends.cpu.onednn.library import available

SHAPES = [  # in channels, out channels, window, extent, batch, groups
    (64, 64, 3, 16, 1, 1), (64, 64, 3, 16, 16, 1), (256, 512, 3, 4, 16, 1), (128, 128, 1, 9, 2, 1),
    (64, 512, 1, 8, 2, 1), (512, 64, 3, 8, 4, 8), (3, 256, 7, 64, 1, 1)]


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    gc.collect()
    kept_weights.kept.clear()
    yield
    kept_weights.kept.clear()


Layer = rl.nn.Module
KINDS: dict[str, Callable[[], tuple[Layer, rl.Tensor]]] = {
    "convolution": lambda: (rl.nn.Conv2d(64, 64, 3, padding=1), rl.randn(2, 64, 8, 8)),
    "linear": lambda: (rl.nn.Linear(192, 256), rl.randn(4, 8, 192)),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def layer(kind: str = "convolution") -> tuple[Layer, rl.Tensor]:
    rl.manual_seed(0)
    return KINDS[kind]()


def anew(m: Layer, x: rl.Tensor) -> rl.Tensor:
    """What `m` makes of `x`, with a weight of which nothing is kept."""
    if isinstance(m, rl.nn.Linear):
        return rl.nn.functional.linear(x, m.weight.clone(), m.bias)
    return rl.conv2d(x, m.weight.clone(), m.bias, padding=1)


def copies() -> int:
    return sum(len(entry.copies) for entry in kept_weights.kept.values())


@pytest.mark.parametrize("shape", SHAPES)
def test_results_are_those_of_the_weight_as_it_is(shape: tuple[int, ...]) -> None:
    inputs, outputs, window, extent, batch, groups = shape
    m = rl.nn.Conv2d(inputs, outputs, window, padding=window // 2, groups=groups)
    x = rl.randn(batch, inputs, extent, extent)
    expected = m(x).detach()
    with rl.no_grad():
        for _ in range(3):
            assert (m(x) - expected).abs().max() < 1e-5
        assert copies() == (1 if available() else 0)


WRITES: dict[str, Callable[[Layer], object]] = {
    "in place": lambda m: m.weight.mul_(2),
    "through a view": lambda m: m.weight.view(-1).mul_(2),
    "through a slice": lambda m: m.weight[:].mul_(2),
    "detached": lambda m: m.weight.detach().mul_(2),
    "data": lambda m: m.weight.data.mul_(2),
    "data of a view": lambda m: m.weight.view(-1).data.mul_(2),
    "new data": lambda m: setattr(m.weight, "data", m.weight.detach() * 2),
    "numpy": lambda m: np.add(1, m.weight.detach(), out=m.weight.detach().numpy()),
    "numpy of a view": lambda m: m.weight[0].detach().numpy().fill(2),
    "copy": lambda m: m.weight.copy_(m.weight * 2),
    "state": lambda m: m.load_state_dict({k: v * 2 for k, v in m.state_dict().items()}),
    "set": lambda m: m.weight.set_(m.weight.detach() * 2),
    "storage": lambda m: m.weight.storage().__setitem__(0, 9.0),
    "new parameter": lambda m: setattr(m, "weight", rl.nn.Parameter(m.weight * 2)),
    "initialised": lambda m: rl.nn.init.ones_(m.weight),
}


@kinds
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_write_is_seen(write: Callable[[Layer], object], kind: str) -> None:
    m, x = layer(kind)
    with rl.no_grad():
        before = m(x)
        write(m)
        after, expected = m(x), anew(m, x)
    assert not rl.allclose(before, after)
    assert rl.allclose(after, expected, atol=1e-5)


@kinds
def test_writes_through_what_was_held_before_are_seen(kind: str) -> None:
    m, x = layer(kind)
    for held in (m.weight.data, m.weight.detach().numpy(), m.weight.data.view(-1)):
        with rl.no_grad():
            m(x)
            assert not copies()
            held *= 1.5
            expected = anew(m, x)
            assert rl.allclose(m(x), expected, atol=1e-5)
        del held
        gc.collect()


@kinds
def test_parameters_that_share_memory_see_each_other(kind: str) -> None:
    (m, x), (other, _) = layer(kind), layer(kind)
    with rl.no_grad():
        m(x)
        other.weight.data = m.weight
        other.weight.mul_(2)
        assert rl.allclose(m(x), other(x), atol=1e-5)
        m.weight.mul_(2)
        assert rl.allclose(m(x), other(x), atol=1e-5)
        assert rl.allclose(m(x), anew(m, x), atol=1e-5)


@kinds
def test_training_between_looks(kind: str) -> None:
    m, x = layer(kind)
    optimizer = rl.optim.SGD(m.parameters(), lr=0.1, momentum=0.9)
    for _ in range(3):
        with rl.no_grad():
            found = m(x)
            assert rl.allclose(found, anew(m, x), atol=1e-5)
        loss = m(x).square().mean()
        assert not kept_weights.kept  # no memory is held for it while it is trained
        optimizer.zero_grad()
        loss.backward()
        del loss
        optimizer.step()


def test_what_is_kept_is_bounded_and_dies_with_the_weight() -> None:
    m, _ = layer()
    with rl.no_grad():
        for extent in (4, 5, 6, 7, 8):
            m(rl.randn(1, 64, extent, extent))
        assert copies() <= kept_weights.SHAPES
    del m
    gc.collect()
    assert not kept_weights.kept


LINEAR_SHAPES = [  # inner, columns, rows
    (192, 768, 16), (192, 768, 100), (512, 512, 17), (1024, 1000, 64), (129, 257, 33)]


@pytest.mark.parametrize("shape", LINEAR_SHAPES)
@pytest.mark.parametrize("bias", [True, False])
def test_products_are_those_of_the_matrix_as_it_is(shape: tuple[int, ...], bias: bool) -> None:
    inner, columns, rows = shape
    m, x = rl.nn.Linear(inner, columns, bias=bias), rl.randn(rows, inner)
    whole = rl.randn(2, rows, 2 * inner)
    expected = x.double() @ m.weight.double().T + (m.bias.double() if bias else 0.0)
    with rl.no_grad():
        for _ in range(3):
            assert (m(x) - expected).abs().max() < 1e-4
            assert copies() == (1 if available() else 0)
        found, same = m(whole[..., ::2]), m(whole[..., ::2].contiguous())
        assert rl.allclose(found, same, atol=1e-5)  # strides that the library cannot be told of
        assert m(x[:0]).shape == (0, columns)


@pytest.mark.skipif(not available(), reason="needs oneDNN")
def test_other_numbers_of_rows_share_a_copy() -> None:
    m, x = layer("linear")
    with rl.no_grad():
        for rows in (16, 17, 40, 64, 65):
            m(rl.randn(rows, 192))
    (entry,) = kept_weights.kept.values()
    assert len({id(copy) for copy in entry.copies.values()}) == 1
    assert len(entry.copies) <= kept_weights.SHAPES
    with rl.no_grad():
        assert rl.allclose(m(x), anew(m, x), atol=1e-5)


@pytest.mark.skipif(not available(), reason="needs oneDNN")
def test_no_more_is_kept_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_weights, "LIMIT", 4 * 192 * 256 + 1)
    layers = [layer("linear") for _ in range(4)]
    with rl.no_grad():
        for m, x in layers:
            assert rl.allclose(m(x), anew(m, x), atol=1e-5)
        assert copies() == 2  # the second found less than the limit, and passed it
        m, x = layers.pop(0)
        del m
        gc.collect()
        assert copies() == 1


def test_one_row_and_small_products_keep_nothing() -> None:
    m = rl.nn.Linear(512, 512)
    with rl.no_grad():
        m(rl.randn(1, 512)), m(rl.randn(15, 512)), rl.nn.Linear(64, 64)(rl.randn(32, 64))
    assert not kept_weights.kept
