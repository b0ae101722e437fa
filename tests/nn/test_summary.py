"""The table of a model's layers."""

from __future__ import annotations

import pytest

import rushlight as rl

nn = rl.nn


def test_rows_and_totals_of_a_convolution_net() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, groups=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(),
        nn.Linear(8 * 16, 10))
    model[4].bias.requires_grad_(False)
    before = model[1].running_mean.clone()
    state = rl.get_rng_state()
    table = model.summary((2, 3, 4, 4))
    conv, norm, relu, _, linear = table.rows[1:]
    assert conv.shapes == [(2, 8, 4, 4)] and conv.parameters == 8 * 3 * 9 + 8
    assert conv.flops == 2 * (2 * 8 * 16) * 27
    assert linear.flops == 2 * 2 * 128 * 10
    assert (norm.flops, relu.parameters, relu.output_bytes) == (0, 0, 2 * 8 * 16 * 4)
    assert table.parameters == 224 + 16 + 1290
    assert table.trainable == table.parameters - 10
    assert table.flops == conv.flops + linear.flops
    assert table.parameter_bytes == 4 * table.parameters
    # Nothing changed, and no hook is left.
    assert model.training and model[1].training and rl.equal(before, model[1].running_mean)
    assert rl.equal(state, rl.get_rng_state())
    assert not any(module._forward_hooks for module in model.modules())


def test_text() -> None:
    lines = str(rl.summary(nn.Sequential(nn.Linear(4, 3), nn.Tanh()), rl.ones(5, 4))).splitlines()
    assert lines[0].split() == ["layer", "output", "shape", "parameters", "FLOPs", "memory"]
    assert lines[3].split() == ["0", "Linear", "(5,", "3)", "15", "120", "120", "B"]
    assert "15 (15 trainable, 0 frozen), 60 B" in lines[-3]
    assert len({len(line) for line in lines[1:-3:4]}) == 1


@pytest.mark.parametrize("layer, shape, flops", [
    (nn.Conv1d(4, 6, 3, groups=2), (1, 4, 10), 2 * 6 * 8 * 2 * 3),
    (nn.ConvTranspose2d(4, 6, 2, stride=2), (1, 4, 5, 5), 2 * 4 * 25 * 6 * 4),
    (nn.LSTM(3, 4, 2), (5, 2, 3), 2 * 10 * (16 * 3 + 16 * 4 + 16 * 4 + 16 * 4)),
    (nn.GRUCell(3, 4), (2, 3), 2 * 2 * 12 * 7),
    (nn.Bilinear(2, 3, 4), None, 2 * 5 * 4 * 2 * 4),
])
def test_flops(layer: nn.Module, shape: tuple[int, ...] | None, flops: int) -> None:
    inputs = (rl.ones(5, 2), rl.ones(5, 3)) if shape is None else (shape,)
    assert rl.summary(layer, *inputs).flops == flops


def test_attention_and_what_is_not_called() -> None:
    table = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).summary((2, 5, 8))
    attention = table.rows[1]
    rows, width, time = 10, 8, 5
    assert attention.flops == 4 * 2 * rows * width * width + 4 * rows * time * width
    assert "(not called)" in str(table)  # attention reads the weights of its out_proj itself


def test_shared_parameters_count_once_and_calls_add_up() -> None:
    shared = nn.Linear(4, 4)
    table = nn.Sequential(shared, nn.ReLU(), shared).summary((1, 4))
    assert table.parameters == 20
    assert table.rows[1].calls == 2 and table.flops == 2 * 2 * 16
    assert "(1, 4) x2" in str(table)


def test_members_named_summary_come_first() -> None:
    class Head(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.summary = nn.Linear(2, 3)

        def forward(self, x: rl.Tensor) -> rl.Tensor:
            return self.summary(x)

    head = Head()
    assert head(rl.ones(1, 2)).shape == (1, 3)
    assert list(head.state_dict()) == ["summary.weight", "summary.bias"]
    assert rl.summary(head, (1, 2)).parameters == 9
    other = nn.Identity()
    other.register_buffer("summary", rl.ones(2))
    other.add_module("more", nn.Identity())
    assert rl.equal(other.summary, rl.ones(2))


def test_errors_leave_the_model_as_it_was() -> None:
    model = nn.Sequential(nn.Linear(4, 3))
    with pytest.raises(RuntimeError):
        model.summary((5, 7))
    assert model.training and model[0].training and not model[0]._forward_hooks
    with pytest.raises(TypeError, match="needs a Module, got int"):
        rl.summary(3, (1, 2))
