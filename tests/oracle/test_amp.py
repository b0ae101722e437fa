"""Autocast and loss scaling against torch: dtypes, values, states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rushlight as rl

torch = pytest.importorskip("torch")

CASES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "mm": lambda lib, f, t: lib.mm(t, t),
    "mixed": lambda lib, f, t: t @ lib.ones(3, 3),
    "bmm": lambda lib, f, t: lib.bmm(t[None], t[None]),
    "baddbmm": lambda lib, f, t: lib.baddbmm(t[None], t[None], t[None]),
    "mv": lambda lib, f, t: lib.mv(t, t[0]),
    "dot": lambda lib, f, t: lib.dot(t[0], t[0]),
    "inner": lambda lib, f, t: lib.inner(t, t),
    "tensordot": lambda lib, f, t: lib.tensordot(t, t, 1),
    "multi_dot": lambda lib, f, t: lib.linalg.multi_dot([t, t]),
    "bilinear": lambda lib, f, t: f.bilinear(t, t, t[None]),
    "linear": lambda lib, f, t: f.linear(t, t, t[0]),
    "conv1d": lambda lib, f, t: f.conv1d(t[None], t[None]),
    "conv_transpose2d": lambda lib, f, t: f.conv_transpose2d(t[None, None], t[None, None]),
    "attention": lambda lib, f, t: f.scaled_dot_product_attention(t[None], t[None], t[None]),
    "prelu": lambda lib, f, t: f.prelu(t, t[0, :1]),
    "lstm": lambda lib, f, t: lib.nn.LSTM(3, 2).to(t.dtype)(t[None])[0],
    "gru": lambda lib, f, t: lib.nn.GRU(3, 2).to(t.dtype)(t[None])[0],
    "rnn_cell": lambda lib, f, t: lib.nn.RNNCell(3, 2).to(t.dtype)(t),
    "attention_layer": lambda lib, f, t: lib.nn.MultiheadAttention(3, 1).to(t.dtype)(t, t, t)[0],
    "cat": lambda lib, f, t: lib.cat([t, lib.ones(1, 3)]),
    "stack": lambda lib, f, t: lib.stack([t, t]),
    "softmax": lambda lib, f, t: f.softmax(t, 1),
    "layer_norm": lambda lib, f, t: f.layer_norm(t, (3,)),
    "batch_norm": lambda lib, f, t: f.batch_norm(t, None, None, training=True),
    "cumsum": lambda lib, f, t: t.cumsum(0),
    "prod": lambda lib, f, t: t.prod(),
    "trace": lambda lib, f, t: t.trace(),
    "cdist": lambda lib, f, t: lib.cdist(t, t),
    "quantile": lambda lib, f, t: lib.quantile(t, 0.5),
    "mse": lambda lib, f, t: f.mse_loss(t, t + 1),
    "cross_entropy": lambda lib, f, t: f.cross_entropy(t, lib.tensor([0, 1, 2])),
    "bce_logits": lambda lib, f, t: f.binary_cross_entropy_with_logits(t, t),
    "gaussian": lambda lib, f, t: f.gaussian_nll_loss(t, t, t),
    "inverse": lambda lib, f, t: lib.inverse(lib.eye(3).to(t.dtype)),
    "grid_sample": lambda lib, f, t: f.grid_sample(
        t[None, None], t[None, :, :2, None].expand(1, 3, 2, 2), align_corners=False),
    "max_pool2d": lambda lib, f, t: f.max_pool2d(t[None], 2),
    "interpolate": lambda lib, f, t: f.interpolate(t[None], scale_factor=2),
    "double": lambda lib, f, t: t.double() @ t.double(),
}


@pytest.mark.parametrize("given", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.filterwarnings("ignore")
def test_dtypes_and_values(given: str, dtype: str) -> None:
    data = np.random.default_rng(0).random((3, 3)).astype(np.float32) + 0.1
    wrong = []
    for name, use in CASES.items():
        if name in ("lstm", "gru") and given not in ("float32", dtype):
            continue  # torch goes by the kernels that it has for two lower dtypes at once
        found: list[Any] = []
        for library in (rl, torch):
            t = library.tensor(data).to(getattr(library, given))
            library.manual_seed(0)
            try:
                with library.autocast("cpu", dtype=getattr(library, dtype)):
                    out = use(library, library.nn.functional, t)
                found.append((str(out.dtype), out.detach().float().numpy()))
            except RuntimeError as error:
                found.append((f"error: {error}", data))
        if found[1][0].startswith("error"):
            continue  # a mixture that torch's kernels lack
        if found[0][0] != found[1][0] or not np.allclose(
                found[0][1], found[1][1], rtol=0.03, atol=0.03):
            wrong.append((name, found))
    assert not wrong, wrong


def test_a_training_run() -> None:
    states: list[Any] = []
    for library in (rl, torch):
        library.manual_seed(0)
        model = library.nn.Linear(3, 2)
        optimizer = library.optim.SGD(model.parameters(), lr=0.1)
        scaler = library.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=2)
        x = library.tensor(np.random.default_rng(0).random((4, 3)).astype(np.float32))
        for step in range(6):
            optimizer.zero_grad()
            with library.autocast("cpu"):
                loss = (model(x) ** 2).mean()
            scaler.scale(loss * (float("inf") if step == 3 else 1.0)).backward()
            scaler.step(optimizer)
            scaler.update()
        states.append((model.weight.detach().numpy(), scaler.state_dict()))
    np.testing.assert_allclose(states[0][0], states[1][0], atol=5e-3)
    assert states[0][1] == states[1][1]
