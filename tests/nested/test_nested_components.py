"""Nested tensors against the loop over their components: values, and gradients of all inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import rushlight as rl
from rushlight.nn import functional as F

LENGTHS = (2, 5, 1, 3)
Each = Callable[[Any], Any]


def components(seed: int = 0, width: int = 4) -> list[rl.Tensor]:
    rl.manual_seed(seed)
    return [rl.randn(n, width, dtype=rl.float64).requires_grad_() for n in LENGTHS]


def images() -> list[rl.Tensor]:
    """Components that differ in two dimensions."""
    rl.manual_seed(1)
    sizes = [(2, 3, 4), (5, 3, 1), (1, 3, 1)]
    return [rl.randn(size, dtype=rl.float64).requires_grad_() for size in sizes]


def agree(whole: Each, each: Each, parts: Callable[[], list[rl.Tensor]], layout: Any,
          weights: tuple[Any, ...] = ()) -> None:
    """whole(nested) is each(component), one by one, and so are the gradients."""
    one, other = parts(), parts()
    found = whole(rl.nested.as_nested_tensor(one, layout=layout))
    expected = [each(x) for x in other]
    assert len(found) == len(expected)
    totals = []
    for results in (list(found), expected):
        totals.append(sum((y * rl.linspace(-1, 2, y.numel(), dtype=y.dtype).view(y.shape)).sum()
                          for y in results))
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        assert rl.allclose(a, b, 1e-6, 1e-9)
    mine = rl.autograd.grad(totals[0], (*one, *weights))
    theirs = rl.autograd.grad(totals[1], (*other, *weights))
    for a, b in zip(mine, theirs, strict=True):
        assert rl.allclose(a, b, 1e-6, 1e-9)


ROWS = rl.linspace(-1, 1, 20, dtype=rl.float64).view(4, 5)
ANY = {
    "pointwise": (lambda x: (2 * x + 1).sin() * x, lambda x: (2 * x + 1).sin() * x),
    "activation": (lambda x: F.gelu(x), F.gelu),
    "softmax": (lambda x: x.softmax(-1), lambda x: x.softmax(-1)),
    "sum of the last": (lambda x: x.sum(-1, keepdim=True), lambda x: x.sum(-1, keepdim=True)),
    "transpose": (lambda x: x.transpose(1, 2) * 2, lambda x: x.transpose(0, 1) * 2),
    "unsqueeze": (lambda x: x.unsqueeze(2), lambda x: x.unsqueeze(1)),
    "cat": (lambda x: rl.cat([x, x.exp()], 2), lambda x: rl.cat([x, x.exp()], 1)),
}
ONE_RAGGED = {
    "linear": (lambda x: F.linear(x, ROWS[:, :4]), lambda x: F.linear(x, ROWS[:, :4])),
    "matmul": (lambda x: x @ ROWS, lambda x: x @ ROWS),
    "a matrix each": (lambda x: x @ rl.stack([ROWS, ROWS + 1, ROWS * 2, ROWS]),
                      lambda x: x @ {5: ROWS + 1, 1: ROWS * 2}.get(len(x), ROWS)),
    "layer norm": (lambda x: F.layer_norm(x, (4,)), lambda x: F.layer_norm(x, (4,))),
    "heads": (lambda x: x.view(4, -1, 2, 2).transpose(1, 2).contiguous(),
              lambda x: x.view(-1, 2, 2).transpose(0, 1)),
    "there and back": (lambda x: x.reshape(4, -1, 2, 2).transpose(1, 2).transpose(1, 2).flatten(-2),
                       lambda x: x),
    "softmax over the ragged": (lambda x: x.softmax(1), lambda x: x.softmax(0)),
    "centred": (lambda x: x - x.mean(1, keepdim=True), lambda x: x - x.mean(0, keepdim=True)),
    "sum over the ragged": (lambda x: x.sum(1), lambda x: x.sum(0)),
    "chunk": (lambda x: x.chunk(2, -1)[1] * x.select(2, 0).unsqueeze(2),
              lambda x: x.chunk(2, -1)[1] * x[:, :1]),
    "narrow": (lambda x: x.narrow(-1, 1, 2), lambda x: x[:, 1:3]),
    "stack": (lambda x: rl.stack([x, x * 2], 2), lambda x: rl.stack([x, x * 2], 1)),
    "dense rows": (lambda x: x * ROWS[:, None, :4], lambda x: x * ROWS[LENGTHS.index(len(x)), :4]),
    "with itself": (lambda x: x.transpose(1, 2) @ x, lambda x: x.t() @ x),
    "attention": (lambda x: F.scaled_dot_product_attention(*[x.unflatten(-1, (2, 2)).transpose(
        1, 2)] * 3), lambda x: F.scaled_dot_product_attention(*[x.unflatten(-1, (2, 2)).transpose(
            0, 1)] * 3)),
    "causal": (lambda x: F.scaled_dot_product_attention(*[x.unflatten(-1, (2, 2)).transpose(
        1, 2)] * 3, is_causal=True), lambda x: F.scaled_dot_product_attention(
            *[x.unflatten(-1, (2, 2)).transpose(0, 1)] * 3, is_causal=True)),
    "transposed sums": (lambda x: x.transpose(1, 2).mean(2), lambda x: x.mean(0)),
    "transposed by row": (lambda x: x.transpose(1, 2).sum(1), lambda x: x.sum(1)),
    "expand": (lambda x: x.unsqueeze(2).expand(4, -1, 3, 4), lambda x: x[:, None].expand(-1, 3, 4)),
}


@pytest.mark.parametrize("layout", [rl.strided, rl.jagged])
@pytest.mark.parametrize("name", [*ANY, *ONE_RAGGED])
def test_one_ragged_dimension(name: str, layout: Any) -> None:
    agree(*{**ANY, **ONE_RAGGED}[name], components, layout)


@pytest.mark.parametrize("name", ANY)
def test_several_ragged_dimensions(name: str) -> None:
    agree(*ANY[name], images, rl.strided)


def test_component_with_component() -> None:
    agree(lambda x: x @ x.transpose(1, 2), lambda x: x @ x.t(), components, rl.strided)
    agree(lambda x: (x @ x.transpose(2, 3)).softmax(-1), lambda x: (x @ x.transpose(1, 2)).softmax(
        -1), images, rl.strided)
    agree(lambda x: F.scaled_dot_product_attention(x, x, x * 2),
          lambda x: F.scaled_dot_product_attention(x, x, x * 2), images, rl.strided)


def test_weights_of_modules() -> None:
    rl.manual_seed(2)
    model = rl.nn.Sequential(rl.nn.Linear(4, 8), rl.nn.LayerNorm(8), rl.nn.GELU(),
                             rl.nn.Linear(8, 2)).double()
    for layout in (rl.strided, rl.jagged):
        agree(model, model, components, layout, tuple(model.parameters()))


@pytest.mark.parametrize("layout", [rl.strided, rl.jagged])
@pytest.mark.parametrize("train", [True, False])
def test_transformer_layers(layout: Any, train: bool) -> None:
    rl.manual_seed(3)
    layer = rl.nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True).double()
    encoder = rl.nn.TransformerEncoder(layer, 2).train(train)
    agree(encoder, lambda x: encoder(x[None])[0], components, layout, tuple(encoder.parameters()))
    attention = rl.nn.MultiheadAttention(4, 2, batch_first=True).double().train(train)
    agree(lambda x: attention(x, x, x, need_weights=False)[0],
          lambda x: attention(x[None], x[None], x[None])[0][0], components, layout)


def test_no_gradient_is_the_fast_path_with_the_same_result() -> None:
    rl.manual_seed(3)
    layer = rl.nn.TransformerEncoderLayer(4, 2, 8, batch_first=True).double().eval()
    x = rl.nested.nested_tensor(components(), layout=rl.jagged)
    with rl.no_grad():
        fast = layer(x)
    assert rl.allclose(fast.values(), layer(x).values(), 1e-9, 1e-12)


def test_leaf_gathers_its_gradient() -> None:
    parts = [part.detach() for part in components()]
    for layout in (rl.strided, rl.jagged):
        x = rl.nested.nested_tensor(parts, layout=layout, requires_grad=True)
        (x * x).to_padded_tensor(0.0).sum().backward()
        (3 * x)[1].sum().backward()
        assert x.is_leaf and x.grad.layout is layout
        for at, (g, part) in enumerate(zip(x.grad, parts, strict=True)):
            assert rl.allclose(g, 2 * part + 3 * (at == 1))
        (g,) = rl.autograd.grad((x * 2).values().sum(), x)
        assert g.is_nested and g.is_same_size(x) and bool((g.values() == 2).all())


def test_hooks_and_backward_see_nested_gradients() -> None:
    x = rl.nested.as_nested_tensor(components(), layout=rl.jagged)
    seen: list[Any] = []
    y = x * 3
    y.register_hook(lambda g: seen.append(g) or g * 2)
    y.backward(rl.ones_like(y))
    assert seen[0].is_nested and seen[0].is_same_size(y)
    parts = components()
    z = rl.nested.as_nested_tensor(parts)
    (z * 3).backward(rl.ones_like(z))
    assert all(bool((part.grad == 3).all()) for part in parts)


def test_holes_are_left_out() -> None:
    rl.manual_seed(0)
    values = rl.randn(9, 2, dtype=rl.float64).requires_grad_()
    x = rl.nested.nested_tensor_from_jagged(values, rl.tensor([0, 4, 6, 9]),
                                            lengths=rl.tensor([2, 0, 3]))
    assert [tuple(part.shape) for part in x] == [(2, 2), (0, 2), (3, 2)]
    assert rl.equal(x.sum(1)[0], values[:2].sum(0)) and not x.is_contiguous()
    (x * x).values().sum().backward()
    assert values.grad[2:6].eq(0).all() and rl.allclose(values.grad[6:], 2 * values[6:])
    padded = rl.arange(12.0).view(2, 6).requires_grad_()
    y = rl.nested.narrow(padded, 1, rl.tensor([1, 3]), rl.tensor([2, 3]), layout=rl.jagged)
    assert y.tolist() == [[1.0, 2.0], [9.0, 10.0, 11.0]]
    y.to_padded_tensor(0.0).sum().backward()
    assert padded.grad.tolist() == [[0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]]
