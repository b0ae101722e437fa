"""What a convolutional net makes looks contiguous from outside, however it lies in memory."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest

import rushlight as rl

F = rl.nn.functional
MAKERS: dict[str, Callable[[rl.Tensor, rl.Tensor], rl.Tensor]] = {
    "conv2d": lambda x, w: F.conv2d(x, w, padding=1),
    "relu": lambda x, w: F.conv2d(x, w, padding=1).relu(),
    "batch_norm": lambda x, w: F.batch_norm(F.conv2d(x, w, padding=1), None, None, training=True),
    "residual": lambda x, w: F.conv2d(x, w, padding=1) + x,
    "max_pool2d": lambda x, w: F.max_pool2d(F.conv2d(x, w, padding=1), 2),
    "avg_pool2d": lambda x, w: F.avg_pool2d(F.conv2d(x, w, padding=1), 2),
    "adaptive_avg_pool2d": lambda x, w: F.adaptive_avg_pool2d(F.conv2d(x, w, padding=1), 3),
    "conv_transpose2d": lambda x, w: F.conv_transpose2d(x, w, padding=1),
    "cat": lambda x, w: rl.cat([F.conv2d(x, w, padding=1), x], 1),
}


@pytest.fixture(params=MAKERS)
def made(request: pytest.FixtureRequest) -> rl.Tensor:
    rl.manual_seed(0)
    with rl.no_grad():
        return MAKERS[request.param](rl.randn(2, 32, 8, 8), rl.randn(32, 32, 3, 3))


def test_geometry_is_dense(made: rl.Tensor) -> None:
    _, c, h, w = made.shape
    assert made.stride() == (c * h * w, h * w, w, 1)
    assert made.is_contiguous() and made.storage_offset() == 0
    assert not made.is_contiguous(memory_format=rl.channels_last)
    assert made.contiguous() is made
    assert made.numpy().flags.c_contiguous
    assert made.untyped_storage().nbytes() == made.nbytes


def test_views_share_memory(made: rl.Tensor) -> None:
    expected = made.numpy().copy()
    flat, rows, turned = made.view(-1), made.flatten(1), made.permute(0, 2, 3, 1)
    first, strided = made[0, 1], made.as_strided((4,), (1,), 2)
    assert flat.data_ptr() == rows.data_ptr() == turned.data_ptr() == made.data_ptr()
    np.testing.assert_array_equal(flat.numpy(), expected.reshape(-1))
    np.testing.assert_array_equal(turned.numpy(), expected.transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(strided.numpy(), expected.reshape(-1)[2:6])
    flat[3] = 7.0
    assert made[0].view(-1)[3] == rows[0, 3] == 7 and strided[1] == 7
    turned.zero_()
    first.add_(2)
    assert flat.sum() == 2 * first.numel() and made[0, 1].min() == 2


def test_writes_in_place_and_aliases_agree(made: rl.Tensor) -> None:
    shared, alias, data = made.numpy(), made.detach(), made.data
    made.mul_(2).add_(1)
    np.testing.assert_array_equal(shared, alias.numpy())
    shared[0, 0, 0, 0] = 99
    assert made[0, 0, 0, 0] == alias[0, 0, 0, 0] == data[0, 0, 0, 0] == 99
    alias.view(-1)[1] = 98
    assert shared[0, 0, 0, 1] == 98 and made.view(-1)[1] == 98
    assert made._version == alias._version


def test_copies_saves_and_exports_are_dense(made: rl.Tensor) -> None:
    file = io.BytesIO()
    rl.save(made, file)
    file.seek(0)
    for other in (rl.load(file), made.clone(), rl.empty_like(made).copy_(made), made * 1,
                  rl.from_numpy(np.from_dlpack(made).copy())):
        assert other.stride() == made.stride() and rl.equal(other, made)


def test_gradients_are_dense_and_views_of_results_have_them() -> None:
    x, w = rl.randn(2, 32, 8, 8, requires_grad=True), rl.randn(32, 32, 3, 3, requires_grad=True)
    y = F.max_pool2d(F.conv2d(x, w, padding=1).relu(), 2)
    y.retain_grad()
    (y.view(2, -1) * rl.arange(y.numel()).view(2, -1)).sum().backward()
    for t in (x, w, y):
        assert t.grad.is_contiguous() and t.grad.view(-1).shape == (t.numel(),)
    assert rl.equal(y.grad.view(-1), rl.arange(y.numel()).to(rl.float32))


def test_a_layout_that_was_asked_for_is_seen() -> None:
    x = rl.randn(2, 32, 8, 8).to(memory_format=rl.channels_last)
    assert x.stride() == (2048, 1, 256, 32) and x.relu().stride() == x.stride()
    assert x.is_contiguous(memory_format=rl.channels_last) and not x.is_contiguous()
    with pytest.raises(RuntimeError, match="view size is not compatible"):
        x.view(-1)
