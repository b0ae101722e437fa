"""What `nan_guard` does not read because it must be finite, and what it reads nevertheless."""

from __future__ import annotations

import gc
from typing import Any

import pytest

import rushlight as rl
from rushlight.autograd import nan_guard as guards
from rushlight.autograd.nan_guard import KEEPING, MOVING, NonFiniteError

nn, F = rl.nn, rl.nn.functional
FLOATS = (rl.float16, rl.bfloat16, rl.float32, rl.float64)


def raised(model: Any, x: Any, **options: Any) -> NonFiniteError:
    with rl.nan_guard(model, **options), pytest.raises(NonFiniteError) as caught:
        out = model(x)
        out.sum().backward()
    return caught.value


def reads(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The shapes of the arrays that guards look through from now on."""
    seen: list[Any] = []
    whole = guards.all_finite
    monkeypatch.setattr(guards, "all_finite", lambda a: seen.append(a.shape) or whole(a))
    return seen


@pytest.mark.parametrize("name", sorted(KEEPING))
def test_modules_that_are_not_read_keep_every_number_finite(name: str) -> None:
    arguments = {"Unflatten": (1, (1, 8)), "MaxPool1d": (2,), "MaxPool2d": (2,), "MaxPool3d": (2,)}
    variants = [getattr(nn, name)(*arguments.get(name, ()))]
    if name == "GELU":
        variants.append(nn.GELU("tanh"))
    for dtype in FLOATS:
        info = rl.finfo(dtype)
        sizes = [info.max, info.max / 2, info.max ** 0.5, 1e3, 30.0, 1.0, info.tiny, 0.0]
        row = rl.tensor([*sizes, *(-size for size in sizes)], dtype=dtype)
        shape = {"MaxPool3d": (2, 2, 2, 2), "MaxPool2d": (1, 4, 4)}.get(name, (2, 8))
        for module in variants:
            assert guards._keeps_finite(type(module))
            assert module(row.reshape(shape)).isfinite().all(), (name, dtype)


OPS: dict[str, Any] = {
    "View": lambda x: x.view(2, 8), "T": lambda x: x.t(), "Transpose": lambda x: x.transpose(0, 1),
    "Permute": lambda x: x.permute(1, 0), "Movedim": lambda x: x.movedim(0, 1),
    "Squeeze": lambda x: x[None].detach().requires_grad_().squeeze(0),
    "Unsqueeze": lambda x: x.unsqueeze(0), "Select": lambda x: x.select(0, 1),
    "Slice": lambda x: x[1:], "Split": lambda x: x.split(2)[1], "Unbind": lambda x: x.unbind(0)[2],
    "Cat": lambda x: rl.cat([x, x.detach()]), "Stack": lambda x: rl.stack([x.detach(), x]),
    "Clone": lambda x: x.clone(), "Flip": lambda x: x.flip(0),
    "ConstantPad": lambda x: F.pad(x, (1, 2)), "Relu": lambda x: x.relu(),
}


@pytest.mark.parametrize("name", sorted(MOVING))
def test_nodes_that_are_not_read_keep_every_gradient_finite(name: str) -> None:
    for dtype in FLOATS:
        info = rl.finfo(dtype)
        x = rl.linspace(info.min / 2, info.max / 2, 16, dtype=rl.float64).to(dtype).view(4, 4)
        result = OPS[name.removesuffix("Backward0")](x.requires_grad_())
        node = result.grad_fn
        assert type(node).__name__ == name
        gradient = rl.full_like(result, info.max)
        given = [None] * (node.outputs - 1) + [gradient] if node.outputs > 1 else gradient
        for made in node.backward(given, False):
            assert made is None or made.isfinite().all()


def test_finite_inputs_of_such_modules_spare_a_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = reads(monkeypatch)
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Identity(), nn.Flatten(), nn.Linear(3, 2))
    with rl.nan_guard(model):
        model(rl.ones(5, 2))
    assert seen == [(5, 3), (5, 2)]
    inplace = nn.Sequential(nn.Linear(2, 3), nn.ReLU(inplace=True))
    seen.clear()
    with rl.nan_guard(inplace):
        inplace(rl.ones(5, 2)).view(3, 5).t().sum().backward()
    # The output of the layer; the gradients of sum, of the weight and of the bias.
    assert sorted(seen) == [(3,), (3, 2), (5, 3), (5, 3)]


def test_an_infinity_that_relu_hides_is_found_where_it_was_made() -> None:
    class Shrink(nn.Module):
        def forward(self, x: Any) -> Any:
            return (x * 0).log()  # -inf, which relu makes 0

    for after in (nn.ReLU(), nn.ReLU(inplace=True), nn.MaxPool1d(2), nn.Softmax(-1), nn.Sigmoid()):
        error = raised(nn.Sequential(nn.Linear(4, 4), Shrink(), after), rl.ones(2, 4))
        assert (error.module, error.op, error.kind) == ("1", "log", "inf")
        assert "(x * 0).log()  # -inf" in error.line


def test_infinities_that_are_allowed_do_not_count_as_finite() -> None:
    class Scores(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.masked_fill(x > 0, rl.inf)

    class Minus(nn.Module):
        def forward(self, x: Any) -> Any:
            return x - x  # inf - inf

    model = nn.Sequential(Scores(), nn.ReLU(), Minus(), nn.ReLU())
    error = raised(model, rl.ones(3), inf=False)
    assert (error.module, error.kind) == ("2", "nan") and "x - x" in error.line


def test_what_other_hooks_put_in_is_read() -> None:
    spoilt = lambda x: x * rl.nan  # noqa: E731
    for register in (lambda m: m.register_forward_pre_hook(lambda _, args: (spoilt(args[0]),)),
                     lambda m: m.register_forward_hook(lambda _, args, out: spoilt(out))):
        model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        register(model[1])
        assert "output of module '1' (ReLU)" in str(raised(model, rl.ones(2, 2)))


def test_what_was_written_in_place_since_is_read() -> None:
    class Spoil(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.relu = nn.Linear(2, 2), nn.ReLU()

        def forward(self, x: Any) -> Any:
            x = self.linear(x)
            x[0] = rl.nan  # here
            return self.relu(x)

    error = raised(Spoil(), rl.ones(2, 2))
    assert error.kind == "nan" and "module 'relu' (ReLU)" in str(error)


def test_classes_of_users_are_read_whatever_their_names() -> None:
    class ReLU(nn.ReLU):
        def forward(self, input: Any) -> Any:
            return input / 0

    error = raised(nn.Sequential(nn.Linear(2, 2), ReLU()), rl.ones(2, 2))
    assert error.module == "1" and "input / 0" in error.line


def test_a_sum_of_gradients_that_overflows_is_found_behind_views() -> None:
    class Twice(nn.Module):
        def forward(self, x: Any) -> Any:
            x = x.view(4).view(2, 2)
            return x * 3e38 + x * 3e38  # each gradient is finite, their sum is not

    model = nn.Sequential(nn.Linear(2, 2, bias=False), Twice())
    error = raised(model, rl.zeros(2, 2))
    assert error.kind == "inf" and error.op == "ViewBackward0"


def test_gradients_that_hooks_replace_are_read() -> None:
    class Hooked(nn.Module):
        def forward(self, x: Any) -> Any:
            y = x.view(4)
            y.register_hook(lambda g: g * rl.nan)
            return y.sin()

    error = raised(nn.Sequential(nn.Linear(2, 2), Hooked()), rl.ones(2, 2))
    assert error.kind == "nan" and error.op in ("SinBackward0", "ViewBackward0")


def test_dead_tensors_are_not_taken_for_others_in_their_place() -> None:
    known, first = guards._Finite(), rl.ones(2)
    known.add(first)
    assert first in known and rl.ones(2) not in known
    first += 1
    assert first not in known
    known.add(first)
    place = id(first)
    del first
    gc.collect()
    for _ in range(100):
        other = rl.ones(2)
        assert other not in known
        if id(other) == place:
            break
    for _ in range(3000):
        known.add(rl.ones(1))
    assert len(known._known) < 1100
    assert None not in known
