"""Layers: initial values for a seed, results by hand, errors."""

from __future__ import annotations

import math
import pickle

import pytest

import rushlight as rl
from rushlight import nn

# What torch 2.13 draws after manual_seed(0).
INITIAL = [
    (
        nn.Linear,
        (3, 2),
        [
            [-0.0043225, 0.3097158, -0.4751853, -0.4248946, -0.222369, 0.1548207],
            [-0.0114391, 0.4577749],
        ],
    ),
    (nn.Conv2d, (1, 1, 2), [[-0.0037434, 0.2682218, -0.4115226, -0.3679695], [-0.1925772]]),
    (
        nn.Embedding,
        (2, 3),
        [[1.5409961, -0.2934289, -2.1787894, 0.5684313, -1.0845224, -1.3985955]],
    ),
    (nn.Bilinear, (1, 2, 1), [[-0.0074868, 0.5364436], [-0.8230451]]),
]


@pytest.mark.parametrize("layer, arguments, expected", INITIAL, ids=lambda v: str(v)[:20])
def test_initial_values_of_a_seed(layer, arguments, expected) -> None:
    rl.manual_seed(0)
    module = layer(*arguments)
    found = [[round(v, 7) for v in p.flatten().tolist()] for p in module.parameters()]
    assert found == [pytest.approx(values, abs=1.5e-7) for values in expected]


def test_linear_by_hand() -> None:
    layer = nn.Linear(2, 1)
    layer.load_state_dict({"weight": rl.tensor([[2.0, -1.0]]), "bias": rl.tensor([0.5])})
    x = rl.tensor([[1.0, 3.0]], requires_grad=True)
    y = layer(x)
    y.backward(rl.ones(1, 1))
    assert y.item() == -0.5 and x.grad.tolist() == [[2.0, -1.0]]
    assert layer.weight.grad.tolist() == [[1.0, 3.0]] and layer.bias.grad.tolist() == [1.0]


def test_batch_norm_follows_the_batches() -> None:
    norm = nn.BatchNorm1d(1, momentum=0.5)
    norm(rl.tensor([[0.0], [2.0], [4.0]]))
    assert norm.running_mean.item() == pytest.approx(1.0)  # halfway from 0 to 2
    assert norm.running_var.item() == pytest.approx(2.5)  # halfway from 1 to the unbiased 4
    assert norm.num_batches_tracked.item() == 1
    norm.eval()
    x = rl.tensor([[1.0], [3.0]])
    expected = [0.0, 2 / math.sqrt(2.5 + 1e-5)]
    assert norm(x).flatten().tolist() == pytest.approx(expected)
    assert norm.num_batches_tracked.item() == 1


def test_batch_norm_without_momentum_takes_the_plain_average() -> None:
    norm = nn.BatchNorm1d(1, momentum=None)
    for value in (1.0, 2.0, 6.0):
        norm(rl.tensor([[value], [value + 1]]))
    assert norm.running_mean.item() == pytest.approx((1.5 + 2.5 + 6.5) / 3)


def test_dropout_scales_and_rests_in_evaluation() -> None:
    rl.manual_seed(0)
    drop, x = nn.Dropout(0.25), rl.ones(10_000)
    y = drop(x)
    kept = (y != 0).sum().item()
    assert 7_300 < kept < 7_700 and y.max().item() == pytest.approx(4 / 3)
    assert drop.eval()(x) is x or (drop(x) == x).all()


def test_embedding_padding_row() -> None:
    table = nn.Embedding(4, 2, padding_idx=-1)
    assert table.padding_idx == 3 and table.weight[3].tolist() == [0.0, 0.0]
    table(rl.tensor([3, 1])).sum().backward()
    assert table.weight.grad.tolist() == [[0, 0], [1, 1], [0, 0], [0, 0]]
    fixed = nn.Embedding.from_pretrained(rl.ones(3, 2))
    assert not fixed.weight.requires_grad and fixed.num_embeddings == 3


def test_conv_keeps_size_with_same_padding() -> None:
    for mode in ("zeros", "reflect", "replicate", "circular"):
        layer = nn.Conv2d(1, 1, 3, padding="same", padding_mode=mode)
        assert layer(rl.ones(1, 1, 5, 4)).shape == (1, 1, 5, 4)


def test_cross_entropy_of_a_uniform_guess() -> None:
    loss = nn.CrossEntropyLoss()
    assert loss(rl.zeros(3, 10), rl.tensor([1, 2, 3])).item() == pytest.approx(math.log(10))


def test_older_spelling_of_reduction() -> None:
    with pytest.warns(UserWarning, match="please use reduction='sum' instead"):
        assert nn.MSELoss(size_average=False).reduction == "sum"
    with pytest.warns(UserWarning, match="please use reduction='none' instead"):
        assert nn.L1Loss(reduce=False).reduction == "none"


ERRORS = [
    (lambda: nn.Conv2d(3, 4, 3, groups=2), ValueError, "in_channels must be divisible by groups"),
    (lambda: nn.Conv2d(2, 3, 3, groups=2), ValueError, "out_channels must be divisible by groups"),
    (lambda: nn.Conv2d(2, 2, 3, groups=0), ValueError, "groups must be a positive integer"),
    (lambda: nn.Conv2d(1, 1, 3, padding="x"), ValueError, "Invalid padding string 'x'"),
    (lambda: nn.Conv2d(1, 1, 3, 2, "same"), ValueError, "not supported for strided"),
    (lambda: nn.Conv2d(1, 1, 3, padding_mode="x"), ValueError, "padding_mode must be one of"),
    (lambda: nn.Dropout(1.5), ValueError, "dropout probability has to be between 0 and 1"),
    (lambda: nn.Bilinear(0, 1, 1), ValueError, "in1_features must be > 0"),
    (lambda: nn.Embedding(3, 2, padding_idx=3), AssertionError, "Padding_idx must be within"),
    (lambda: nn.GroupNorm(3, 4), ValueError, "must be divisible by num_groups"),
    (lambda: nn.Unflatten(1, 3), TypeError, "unflattened_size must be a tuple of ints"),
    (lambda: nn.Unflatten(1, (2, "a")), TypeError, "found element of type str at pos 1"),
    (lambda: nn.Hardtanh(1.0, -1.0), AssertionError, "must be greater than min_val"),
    (lambda: nn.HuberLoss(delta="a"), TypeError, "delta must be a float or int"),
    (lambda: nn.BatchNorm1d(2)(rl.ones(2)), ValueError, "expected 2D or 3D input"),
    (lambda: nn.BatchNorm2d(2)(rl.ones(2, 2)), ValueError, r"expected 4D input \(got 2D input\)"),
]


@pytest.mark.parametrize(
    "make, kind, message",
    ERRORS,
    ids=lambda v: v[:40] if isinstance(v, str) else getattr(v, "__name__", ""),
)
def test_errors(make, kind, message) -> None:
    with pytest.raises(kind, match=message):
        make()


def every_layer() -> list[nn.Module]:
    return [
        nn.Linear(2, 2),
        nn.Conv2d(1, 1, 2, padding_mode="reflect"),
        nn.BatchNorm2d(2),
        nn.LayerNorm(2),
        nn.Embedding(3, 2),
        nn.Dropout(0.1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Sequential(nn.Linear(1, 1), nn.ModuleList([nn.Tanh()])),
        nn.CrossEntropyLoss(rl.ones(3)),
    ]


@pytest.mark.parametrize("module", every_layer(), ids=lambda m: type(m).__name__)
def test_pickling_keeps_everything(module) -> None:
    twin = pickle.loads(pickle.dumps(module))
    assert repr(twin) == repr(module) and list(twin.state_dict()) == list(module.state_dict())
    for ours, theirs in zip(twin.state_dict().values(), module.state_dict().values(), strict=True):
        assert (ours == theirs).all()


def test_convolutions_take_padding_of_one_number_and_say_which_windows_do_not_fit() -> None:
    x = rl.ones(1, 3, 8, 8)
    assert rl.nn.Conv2d(3, 4, 3, padding=(1,))(x).shape == (1, 4, 8, 8)
    wide = rl.nn.Conv2d(3, 4, (3, 3, 3))
    assert wide.weight.shape == (4, 3, 3, 3, 3)
    with pytest.raises(RuntimeError, match="expected stride to be a single integer value or a lis"):
        wide(x)
    for padding, sides in ((1, [1, 1, 1, 1]), ((1, 2), [2, 2, 1, 1]), ("valid", [0] * 4),
                           ("same", [0, 1, 1, 1])):
        layer = rl.nn.Conv2d(3, 4, (3, 2), padding=padding)
        assert layer._reversed_padding_repeated_twice == sides
