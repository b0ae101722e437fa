"""The rows of a profile: named as torch names them, one for each call that the program makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import rushlight as rl
from rushlight.nn import functional as F
from rushlight.profiler import profile, record_function

X, IMAGES = rl.ones(4, 4), rl.ones(2, 3, 8, 8)
CALLS: list[tuple[str, Callable[[], Any]]] = [
    ("zeros", lambda: rl.zeros(2)), ("ones", lambda: rl.ones(2)), ("randn", lambda: rl.randn(2)),
    ("add", lambda: X + X), ("mul", lambda: X * 2), ("div", lambda: X / 2),
    ("add_", lambda: rl.zeros(2).add_(1)), ("cat", lambda: rl.cat([X, X])),
    ("stack", lambda: rl.stack([X, X])), ("select", lambda: X[0]), ("slice", lambda: X[1:]),
    ("index", lambda: X[rl.tensor([0])]), ("to", lambda: X.to(rl.float64)),
    ("detach", lambda: X.detach()), ("item", lambda: X[0, 0].item()), ("max", lambda: X.max()),
    ("matmul", lambda: X @ X), ("bmm", lambda: rl.bmm(IMAGES[0], IMAGES[0])),
    ("linear", lambda: F.linear(X, X)), ("conv2d", lambda: F.conv2d(IMAGES, rl.ones(1, 3, 3, 3))),
    ("softmax", lambda: X.softmax(-1)), ("dropout", lambda: F.dropout(X)),
    ("batch_norm", lambda: F.batch_norm(IMAGES, None, None, training=True)),
    ("layer_norm", lambda: F.layer_norm(X, (4,))), ("max_pool2d", lambda: F.max_pool2d(IMAGES, 2)),
    ("embedding", lambda: F.embedding(rl.tensor([1]), X)), ("mse_loss", lambda: F.mse_loss(X, X)),
    ("cross_entropy_loss", lambda: F.cross_entropy(X, rl.tensor([0, 1, 2, 3])))]


def counts(call: Callable[[], Any], **options: Any) -> dict[str, int]:
    call()  # what is written or loaded on first use is done with
    with profile(**options) as measured:
        call()
    return {row.key: row.count for row in measured.key_averages()}


@pytest.mark.parametrize(("name", "call"), CALLS, ids=lambda v: v if isinstance(v, str) else "")
def test_each_call_has_one_row(name: str, call: Callable[[], Any]) -> None:
    found = counts(call)
    assert found.get(f"aten::{name}") == 1, found
    assert not any(key.startswith("aten::_") and key not in ("aten::_softmax", "aten::_log_softmax")
                   for key in found), found


def test_nodes_have_rows_of_their_own() -> None:
    leaf = rl.ones(3, requires_grad=True)
    found = counts(lambda: (leaf * 2).sum().backward())
    assert found["MulBackward0"] == found["SumBackward0"] == 1
    assert "aten::backward" not in found


def test_blocks_do_not_hide_the_calls_in_them() -> None:
    def run() -> None:
        with record_function("block"):
            rl.cat([X, X])
            X[0]

    found = counts(run)
    assert found["block"] == found["aten::cat"] == found["aten::select"] == 1


@pytest.mark.parametrize(("name", "call"), CALLS, ids=lambda v: v if isinstance(v, str) else "")
def test_names_hold_while_operations_ask_other_types(name: str, call: Callable[[], Any]) -> None:
    class Units(rl.Tensor):  # from here on they do
        pass

    assert type(rl.cat([rl.ones(2).as_subclass(Units)])) is Units
    assert counts(call).get(f"aten::{name}") == 1


def test_events_tell_their_times_as_text() -> None:
    with rl.autograd.profiler.profile() as measured:
        X + X
    row = measured.key_averages()[0]
    assert row.cpu_time_total_str.endswith("s") and row.self_cpu_time_total_str.endswith("s")
    assert measured.function_events[0].cpu_time >= 0


def test_names_stay_once_a_transform_was_used() -> None:
    rl.vmap(lambda x: x * 2)(rl.ones(2))
    for name, call in CALLS:
        assert counts(call).get(f"aten::{name}") == 1, name
