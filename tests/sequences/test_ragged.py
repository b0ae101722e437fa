"""Making ragged batches, their other forms, indexing, and what they refuse."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rushlight as rl
from rushlight.nn import functional as F
from rushlight.nn.utils.rnn import pack_sequence, pad_packed_sequence, unpack_sequence

SHORT = r"ragged \(3, time, 4\) of lengths 3, 0, 2"


@pytest.fixture
def r() -> Any:
    rl.manual_seed(0)
    return rl.ragged([rl.randn(3, 4), rl.randn(0, 4), rl.randn(2, 4)])


def same(a: Any, b: Any) -> bool:
    return len(a) == len(b) and all(rl.equal(x, y) for x, y in zip(a, b, strict=True))


def test_what_it_is(r: Any) -> None:
    assert r.shape == (3, None, 4) and r.size(0) == 3 and r.size(-1) == 4 and r.ndim == r.dim() == 3
    assert r.lengths.tolist() == [3, 0, 2] and r.offsets.tolist() == [0, 3, 3, 5]
    assert r.values.shape == (5, 4) and len(r) == 3 and r.numel() == 20
    assert r.dtype is rl.float32 and r.is_floating_point() and not r.is_complex()
    assert isinstance(r, rl.Ragged) and rl.ragged(r) is r
    assert [len(x) for x in r] == [3, 0, 2] and same(r.unbind(), list(r))
    assert repr(rl.ragged([rl.tensor([1, 2])])) == "ragged([\n  tensor([1, 2])])"


@given(st.lists(st.integers(0, 5), min_size=1, max_size=5))
def test_padded_and_back(lengths: list[int]) -> None:
    given_ = [rl.randn(n, 2) for n in lengths]
    r = rl.ragged(given_)
    for batch_first in (True, False):
        padded = r.to_padded(-1.0, batch_first=batch_first, length=6)
        assert padded.shape == ((len(lengths), 6, 2) if batch_first else (6, len(lengths), 2))
        back = rl.from_padded(padded, lengths=lengths, batch_first=batch_first)
        assert same(back, given_)
        mask = rl.ragged([rl.ones(n).bool() for n in lengths]).to_padded(
            False, batch_first=batch_first, length=6)
        assert same(rl.ragged(padded, mask=mask, batch_first=batch_first), given_)
        outside = padded[~mask]
        assert bool((outside == -1).all())


def test_a_mask_may_have_holes() -> None:
    padded = rl.tensor([[1, 2, 3], [4, 5, 6]])
    mask = rl.tensor([[True, False, True], [False, True, False]])
    assert rl.ragged(padded, mask=mask).tolist() == [[1, 3], [5]]


def test_gradients_pass_through_the_conversions() -> None:
    padded = rl.ones(2, 3, requires_grad=True)
    (rl.ragged(padded, lengths=[1, 3]).to_padded() * 2).sum().backward()
    assert padded.grad.tolist() == [[2, 0, 0], [2, 2, 2]]


@pytest.mark.parametrize("sort", [True, False])
def test_packed_and_back(sort: bool) -> None:
    given_ = [rl.randn(n, 2) for n in ((4, 2, 1) if sort else (2, 4, 1, 3))]
    packed = pack_sequence(given_, enforce_sorted=sort)
    r = rl.ragged(packed)
    assert same(r, given_)
    again = r.to_packed()
    assert same(unpack_sequence(again), given_)
    assert rl.equal(again.data, packed.data) and rl.equal(again.batch_sizes, packed.batch_sizes)
    padded, lengths = pad_packed_sequence(again, batch_first=True)
    assert rl.equal(padded, r.to_padded()) and lengths.tolist() == r.lengths.tolist()


def test_indexing(r: Any) -> None:
    first, none, last = r.unbind()
    assert rl.equal(r[0], first) and rl.equal(r[-1], last) and rl.equal(r[2, 1], last[1])
    assert same(r[1:], [none, last]) and same(r[[2, 0]], [last, first])
    assert same(r[::-1], [last, none, first]) and same(r[rl.tensor([True, False, True])],
                                                       [first, last])
    assert rl.equal(r[[0, 2]][:, -1], rl.stack([first[-1], last[-1]]))
    assert rl.equal(r[[0, 2]][:, 1, 2], rl.stack([first[1, 2], last[1, 2]]))
    assert same(r[:, 1:], [first[1:], none, last[1:]]) and same(r[:, :-1], [
        first[:-1], none, last[:-1]])
    assert same(r[:, ::2], [first[::2], none, last[::2]])
    assert same(r[..., 0], [x[:, 0] for x in r]) and same(r[:, :, 1:3], [x[:, 1:3] for x in r])
    assert same(r[..., None], [x[..., None] for x in r])
    assert same(r[..., None, 1], [x[..., None, 1] for x in r])
    assert same(r[:], r)


def test_dimensions_under_both_names(r: Any) -> None:
    for call in (lambda x, **d: x.topk(2, **d)[0], lambda x, **d: rl.chunk(x, 2, **d)[1],
                 lambda x, **d: x.narrow(start=1, length=2, **d)):
        expected = [call(each, dim=1) for each in r]
        assert same(call(r, dim=2), expected) and same(call(r, dim=-1), expected)


def test_copies_conversions_and_files(r: Any, tmp_path: Path) -> None:
    for other in (pickle.loads(pickle.dumps(r)), copy.deepcopy(r), copy.copy(r)):
        assert same(other, r)
    rl.save({"batch": r}, tmp_path / "batch.pt")
    assert same(rl.load(tmp_path / "batch.pt")["batch"], r)
    assert r.double().dtype is rl.float64 and r.to(rl.float16).dtype is rl.float16
    assert r.to("cpu").shape == r.shape and not r.detach().requires_grad
    x = r.clone().requires_grad_()
    (x * x).sum().backward()
    assert same(x.grad, [2 * y for y in r])


def test_map_and_joining(r: Any) -> None:
    assert r.map(lambda x: x.repeat(2, 1)).lengths.tolist() == [6, 0, 4]
    assert rl.cat([r, r]).lengths.tolist() == [3, 0, 2, 3, 0, 2]
    assert same(rl.cat([r, r + 1], 1), [rl.cat([x, x + 1]) for x in r])
    assert rl.equal(r, r.clone()) and rl.allclose(r, r + 1e-9) and not rl.equal(r, r + 1)
    assert same(r.add_(1), r) and r.values is r.mul_(2).values


def test_totals(r: Any) -> None:
    assert rl.equal(r.mean(), r.values.mean()) and rl.equal(r.sum((0, 1)), r.values.sum(0))
    assert rl.equal(r.max(), r.values.max()) and r.mean(1, keepdim=True).shape == (3, 1, 4)
    assert bool(r.mean(1)[1].isnan().all()) and r.sum(1)[1].tolist() == [0, 0, 0, 0]


def test_autocast_casts_inside(r: Any) -> None:
    layer = rl.nn.Linear(4, 2)
    with rl.autocast("cpu", dtype=rl.bfloat16):
        assert layer(r).dtype is rl.bfloat16


def test_a_gap_trains() -> None:
    """A sequence without steps takes part in a whole training step."""
    rl.manual_seed(0)
    model = rl.nn.LSTM(4, 8)
    head = rl.nn.Linear(8, 3)
    optimizer = rl.optim.Adam([*model.parameters(), *head.parameters()], 0.05)
    batch = rl.ragged([rl.randn(n, 4) for n in (5, 0, 2)])
    wanted = rl.ragged([rl.randint(3, (n,)) for n in (5, 0, 2)])
    losses = []
    for _ in range(30):
        loss = F.cross_entropy(head(model(batch)[0]), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    assert losses[-1] < 0.5 * losses[0]


# ---- errors ------------------------------------------------------------------------------------

NO_MEANING = [
    ("view", lambda r: r.view(3, -1)), ("conv1d", lambda r: rl.nn.Conv1d(4, 4, 3)(r)),
    ("sum", lambda r: r.sum(0)), ("softmax", lambda r: r.softmax(0)), ("t", lambda r: r.t()),
    ("transpose", lambda r: r.transpose(0, 1)), ("max", lambda r: r.max(0)),
    ("matmul", lambda r: r @ r), ("stack", lambda r: rl.stack([r, r])),
    ("flatten", lambda r: r.flatten()), ("einsum", lambda r: rl.einsum("btf->bf", r)),
    ("squeeze", lambda r: r.squeeze()), ("unbind", lambda r: rl.unbind(r, 1)),
    ("batch_norm", lambda r: F.batch_norm(r.sum(-1), None, None, training=True)),
    ("cumsum", lambda r: r.cumsum(0)), ("std", lambda r: r.std((1, 2))),
    ("ctc_loss", lambda r: F.ctc_loss(r, r, [1], [1])),
    ("scaled_dot_product_attention", lambda r: F.scaled_dot_product_attention(
        r, r, r, enable_gqa=True)),
    ("equal", lambda r: rl.equal(r, rl.ones(1))),
]


@pytest.mark.parametrize("name,call", NO_MEANING, ids=[name for name, _ in NO_MEANING])
def test_what_has_no_meaning_says_so(r: Any, name: str, call: Any) -> None:
    with pytest.raises(TypeError, match=rf"torch\..*{name}\(\): no meaning for sequences of "
                       r"different lengths.*but got ragged \(3, time.*map\(\).*to_padded\(\)"):
        call(r)


ERRORS = [
    (RuntimeError, r"does not broadcast with ragged \(batch=3, time, 1 more", lambda r: r + rl.ones(
        3, 5, 4)),
    (RuntimeError, "the lengths must match: ragged", lambda r: r + r[:, 1:]),
    (RuntimeError, "must have the same number of dimensions", lambda r: r + r.sum(-1)),
    (RuntimeError, "argument 'target' is float32", lambda r: F.mse_loss(r, rl.ones(3, 4))),
    (TypeError, "lengths= is for padded tensors", lambda r: F.mse_loss(r, r, lengths=[1, 2, 3])),
    (TypeError, "out= is not for ragged", lambda r: rl.add(r, r, out=rl.ones(1))),
    (TypeError, "time dimension of " + SHORT + " has no one size", lambda r: r.size(1)),
    (IndexError, "Dimension out of range", lambda r: r.size(3)),
    (IndexError, "Dimension out of range", lambda r: r.sum(5)),
    (IndexError, "index 3 is out of bounds for dimension 0 with size 3", lambda r: r[3]),
    (IndexError, "index -1 is out of bounds for dimension 1: sequence 1", lambda r: r[:, -1]),
    (IndexError, "index 7 is out of bounds for dimension 0", lambda r: r[[0, 7]]),
    (IndexError, "shape of the mask", lambda r: r[rl.tensor([True])]),
    (IndexError, "too many indices", lambda r: r[0, 0, 0, 0] if False else r[:, :, :, :]),
    (TypeError, "None is no index", lambda r: r[None]),
    (TypeError, "indexed by numbers, slices", lambda r: r[[0.5]]),
    (TypeError, "indexed by a number or a slice", lambda r: r[:, [0]]),
    (IndexError, "Expected reduction dim 1 to have non-zero size, but sequence 1", lambda r:
     r.amax(1)),
    (IndexError, "Expected reduction dim 1", lambda r: r.max(1)),
    (RuntimeError, "Boolean value of ragged", lambda r: bool(r)),
    (RuntimeError, "Length of all samples has to be greater than 0", lambda r: r.to_packed()),
    (ValueError, "the longest sequence has 3 steps", lambda r: r.to_padded(length=2)),
    (ValueError, r"need values of shape \(5, ...\)", lambda r: r.with_values(rl.ones(4))),
    (TypeError, "taken apart along dimension 0", lambda r: r.unbind(1)),
    (TypeError, "along batch and time all must be ragged", lambda r: rl.cat([r, rl.ones(1, 2, 4)])),
    (RuntimeError, "must have as many sequences", lambda r: rl.cat([r, r[:2]], 1)),
    (RuntimeError, r"has to be \(batch=3, 1, \*features\)", lambda r: rl.cat([r, rl.ones(4)], -1)),
    (TypeError, "argument 'key' must be ragged", lambda r: F.scaled_dot_product_attention(
        r, rl.ones(3, 2, 4), r)),
    (RuntimeError, "query and key need as many sequences", lambda r:
     F.scaled_dot_product_attention(r, r[:2], r[:2])),
    (RuntimeError, "attn_mask must be a dense tensor", lambda r: F.scaled_dot_product_attention(
        r, r, r, rl.ones(2, 2))),
    (TypeError, "key_padding_mask is for padded", lambda r: rl.nn.MultiheadAttention(4, 2)(
        r, r, r, key_padding_mask=rl.ones(3, 3).bool())),
    (TypeError, "bias_k is not for ragged", lambda r: rl.nn.MultiheadAttention(
        4, 2, add_bias_kv=True)(r, r, r)),
    (AssertionError, "was expecting embedding dimension of 6", lambda r: rl.nn.MultiheadAttention(
        6, 2)(r, r, r)),
    (RuntimeError, "input.size\\(-1\\) must be equal to input_size", lambda r: rl.nn.LSTM(3, 2)(r)),
    (ValueError, "does not match weight dtype", lambda r: rl.nn.LSTM(4, 2)(r.double())),
    (RuntimeError, "Expected hidden size", lambda r: rl.nn.GRU(4, 2)(r, rl.ones(1, 2, 2))),
    (TypeError, "sequence 1 must be Tensor, not int", lambda r: rl.ragged([rl.ones(1), 2])),
    (TypeError, "must be a list of Tensors", lambda r: rl.ragged(3)),
    (TypeError, "belong to a padded tensor", lambda r: rl.ragged([rl.ones(1)], lengths=[1])),
    (ValueError, "a batch needs at least one sequence", lambda r: rl.ragged([])),
    (RuntimeError, "equal sizes except in dimension 0", lambda r: rl.ragged([rl.ones(1, 2),
                                                                             rl.ones(1, 3)])),
    (RuntimeError, "must have one dtype", lambda r: rl.ragged([rl.ones(1), rl.ones(1).int()])),
    (TypeError, "needs either lengths= or mask=", lambda r: rl.ragged(rl.ones(2, 3))),
    (TypeError, "must be Tensor, not list", lambda r: rl.from_padded([1])),
    (RuntimeError, r"expected \(batch, time, \*features\)", lambda r: rl.ragged(
        rl.ones(2), lengths=[1, 1])),
    (RuntimeError, "lengths must be between 0 and 3", lambda r: rl.ragged(
        rl.ones(2, 3), lengths=[4, 1])),
    (RuntimeError, "equal to batch_size", lambda r: rl.ragged(rl.ones(2, 3), lengths=[1])),
    (TypeError, "lengths must be whole numbers", lambda r: rl.ragged(
        rl.ones(2, 3), lengths=[1.0, 2.0])),
    (TypeError, "'mask' must be a bool Tensor", lambda r: rl.ragged(
        rl.ones(2, 3), mask=rl.ones(2, 3))),
    (RuntimeError, "the first two dimensions of padded", lambda r: rl.ragged(
        rl.ones(2, 3), mask=rl.ones(3, 2).bool())),
]


@pytest.mark.parametrize("kind,match,call", ERRORS, ids=[match[:40] for _, match, _ in ERRORS])
def test_errors(r: Any, kind: Any, match: str, call: Any) -> None:
    with pytest.raises(kind, match=match):
        call(r)


def test_a_broken_file_is_refused(r: Any, tmp_path: Path) -> None:
    r.layout.offsets[1] = 99
    rl.save(r, tmp_path / "broken.pt")
    with pytest.raises(Exception, match="never fall"):
        rl.load(tmp_path / "broken.pt")
