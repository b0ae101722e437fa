"""Nested tensors: making them, their sizes, how they print, and what they refuse."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import pytest

import rushlight as rl
from rushlight.nested.tensor import rebuild
from rushlight.nn import functional as F

A, B = rl.arange(6.0).view(2, 3), rl.arange(12.0).view(4, 3)


def jagged() -> Any:
    return rl.nested.nested_tensor([A, B], layout=rl.jagged)


def strided() -> Any:
    return rl.nested.nested_tensor([A, B])


def test_what_it_is() -> None:
    for x in (jagged(), strided()):
        assert isinstance(x, rl.Tensor) and x.is_nested and not A.is_nested
        assert (x.dim(), x.ndim, x.numel(), len(x), x.size(0), x.size(-1)) == (3, 3, 18, 2, 2, 3)
        assert (x.dtype, x.device) == (rl.float32, A.device)
        assert x.is_leaf and not x.requires_grad
        assert rl.equal(x[0], A) and rl.equal(x[-1], B)
        assert [tuple(part.shape) for part in x] == [(2, 3), (4, 3)]
    assert jagged().layout is rl.jagged and strided().layout is rl.strided


def test_size_of_the_ragged_dimension() -> None:
    x = jagged()
    batch, j, width = x.shape
    assert (batch, width) == (2, 3) and isinstance(j, rl.SymInt) and isinstance(x.shape, rl.Size)
    assert j == (x + 1).size(1) and hash(j) == hash(x.exp().size(1)) and j not in (2, 4)
    assert x.shape == jagged().shape
    assert j != rl.nested.nested_tensor([A, A], layout=rl.jagged).size(1)
    assert j >= 2 and j > 1 and not j < 2 and not j <= 1 and 2 * j == j * 2 != j
    with pytest.raises(ValueError, match="relation is indeterminate"):
        assert j > 3
    assert x.view(batch, j, width, 1).shape[3] == 1
    assert repr(j * 3) == f"3*{j}" and x.transpose(1, 2).shape == (2, 3, j)


def test_sizes_of_strided_components() -> None:
    x = strided()
    assert x._nested_tensor_size().tolist() == [[2, 3], [4, 3]]
    with pytest.raises(RuntimeError, match="Given dimension 1 is irregular and does not have a"):
        x.size(1)
    for ask in (lambda: x.shape, x.size):
        with pytest.raises(RuntimeError, match="Internal error: NestedTensorImpl doesn't support"):
            ask()
    with pytest.raises(AttributeError, match="has no attribute 'offsets'"):
        x.offsets()
    with pytest.raises(IndexError, match="Dimension out of range"):
        x.size(3)
    assert rl.nested.nested_tensor([A, A]).size(1) == 2


def test_printing() -> None:
    x = jagged()
    name = repr(x.size(1))
    assert repr(x) == (f"NestedTensor(size=(2, {name}, 3), offsets=tensor([0, 2, 6]), "
                       "contiguous=True)")
    assert "contiguous=False" in repr(x.transpose(1, 2))
    assert "requires_grad=True, contiguous" in repr(x.requires_grad_())
    assert "grad_fn=<MulBackward0" in repr(x * 2)
    assert repr(rl.nested.nested_tensor([[1, 2], [3]])) == (
        "nested_tensor([\n  tensor([1, 2]),\n  tensor([3])\n])")
    y = rl.nested.nested_tensor([A[:, :1]], requires_grad=True)
    assert repr(y) == ("nested_tensor([\n  tensor([[0.],\n          [3.]], requires_grad=True)\n], "
                       "requires_grad=True)")
    assert repr(y.relu()).endswith("], grad_fn=<ReluBackward0>)")


def test_a_nested_tensor_is_a_copy_and_a_leaf() -> None:
    a = A.clone().requires_grad_()
    for layout in (rl.strided, rl.jagged):
        for parts in ([a], [a, B]):
            x = rl.nested.nested_tensor(parts, layout=layout)
            x[0].zero_()
            assert a[1, 2] == 5 and x.is_leaf and not x.requires_grad
    assert rl.nested.as_nested_tensor([a, B]).requires_grad
    x = jagged()
    assert rl.nested.as_nested_tensor(x) is x
    assert rl.nested.as_nested_tensor(x, dtype=rl.float64).dtype is rl.float64
    r = rl.ragged([A, B])
    assert rl.equal(rl.nested.as_nested_tensor(r, layout=rl.jagged).values(), r.values)


@pytest.mark.parametrize(("parts", "layout", "kind", "words"), [
    ([], "jagged", RuntimeError, "Cannot construct a nested tensor from an empty tensor list"),
    ([A, B.double()], "jagged", RuntimeError, "When constructing a nested tensor, all tensors in "
                                              "list must have the same dtype"),
    ([A, B[0]], "jagged", RuntimeError, "When constructing a nested tensor, all tensors in list "
                                        "must have the same dim"),
    ([A[0, 0]], "jagged", RuntimeError, "Cannot construct a nested tensor from a list of zero-dim"),
    ([A, B[:, :1]], "jagged", RuntimeError, "Cannot represent given tensor list as a nested"),
    ([A, B[0]], "strided", RuntimeError, "All Tensors given to nested_tensor must have the same "
                                         "dimension. Found dimension 1 for Tensor at index 1"),
    (A, "strided", TypeError, "Only lists"),
    ([A], "sparse_coo", RuntimeError, "Specified layout is unsupported for nested tensors: "),
])
def test_refused_components(parts: Any, layout: str, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words.replace("[", r"\[")):
        rl.nested.nested_tensor(parts, layout=getattr(rl, layout))


@pytest.mark.parametrize(("call", "kind", "words"), [
    (lambda x: x + rl.nested.nested_tensor([B, A], layout=rl.jagged), RuntimeError,
     "cannot call binary pointwise function add.Tensor with inputs of shapes"),
    (lambda x: x + rl.ones(1, 2, 4, 3), NotImplementedError, "NYI: broadcasting NT with T"),
    (lambda x: x.transpose(0, 1), ValueError, "Transpose is not supported on the batch dimension"),
    (lambda x: x.chunk(2, 1), RuntimeError, r"chunk\(\): not supported for NestedTensor on ragged"),
    (lambda x: x.flatten(1), RuntimeError, r"flatten\(\): not supported for NestedTensor on rag"),
    (lambda x: x.unsqueeze(0), RuntimeError, r"unsqueeze\(\): not supported for NestedTensor on"),
    (lambda x: x.sum(0), RuntimeError, r"sum\(\): reducing along the batch dimension but not the"),
    (lambda x: x.softmax(0), RuntimeError, r"softmax\(\): not supported when reducing across the"),
    (lambda x: x.view(3, -1, 3), RuntimeError, r"view\(\): cannot view shape \(2, j\d+, 3\) as "),
    (lambda x: x.view(2, -1, 5), RuntimeError, "shape '.6, 5.' is invalid for input of size 18"),
    (lambda x: x @ x.transpose(1, 2), RuntimeError, r"matmul\(\): not supported between inputs of"),
    (lambda x: rl.bmm(x, rl.ones(3, 3, 3)), RuntimeError, "The size of tensor a .2. must match"),
    (lambda x: rl.conv1d(x, rl.ones(1, 4, 1)), NotImplementedError, r"aten\.conv1d\.default: .*"
                                                                    "to_padded_tensor"),
    (lambda x: rl.add(x, 1, out=A), RuntimeError, "out= is not supported for nested tensors"),
    (lambda x: x.numpy(), RuntimeError, r".numpy\(\) is not supported for tensor subclasses"),
    (lambda x: bool(x), RuntimeError, "Boolean value of Tensor with more than one value is ambig"),
    (lambda x: x.item(), RuntimeError, "a Tensor with 18 elements cannot be converted to Scalar"),
    (lambda x: x[2], IndexError, "index 2 is out of bounds for dimension 0 with size 2"),
    (lambda x: x[0, 0, 0, 0], IndexError, "too many indices"),
    (lambda x: rl.cat([x, x], 1), RuntimeError, r"cat\(\): not supported for NestedTensor on rag"),
    (lambda x: rl.stack([x, A]), RuntimeError, r"stack\(\): expected all nested tensors inputs"),
    (lambda x: F.scaled_dot_product_attention(x, x, rl.ones(2, 4, 3)), ValueError,
     "Expected query, key, and value to be nested tensors, but got query.is_nested: True"),
    (lambda x: x.to_padded_tensor(0.0, (2, 3, 3)), RuntimeError,
     "Value in output_size is less than NestedTensor padded size. Truncation is not supported"),
    (lambda x: x.permute(1, 0, 2), ValueError, "Permute is not supported on the batch dimension"),
    (lambda x: x.expand(2, 4, 3), RuntimeError, r"expand\(\): cannot expand shape"),
    (lambda x: copy.deepcopy(x.requires_grad_() * 2), RuntimeError, "Only Tensors created explic"),
])
def test_refusals_of_jagged_ones(call: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        call(jagged())


@pytest.mark.parametrize(("call", "kind", "words"), [
    (lambda x: x + rl.nested.nested_tensor([B, A]), RuntimeError,
     "add does not support broadcasting when given a NestedTensor"),
    (lambda x: x.transpose(0, 1), RuntimeError, "Nested tensor dimension 0 cannot be transposed"),
    (lambda x: x.unbind(1), RuntimeError, "NestedTensor can only be unbound along dimension 0 got"),
    (lambda x: x.softmax(0), RuntimeError, "Cannot apply softmax across nested dimension 0"),
    (lambda x: x.sum(0), RuntimeError, "NestedTensor can only be reduced across the last dim"),
    (lambda x: rl.bmm(x, rl.ones(3, 3, 3)), RuntimeError, "Expected size for the 1st dimension of"),
    (lambda x: rl.nested.as_nested_tensor(x, layout=rl.jagged), RuntimeError,
     r"as_nested_tensor\(\): Converting between nested tensor layouts is not supported"),
    (lambda x: rl.conv1d(x, rl.ones(1, 4, 1)), NotImplementedError,
     "Could not run 'aten::conv1d' with arguments from the 'NestedTensorCPU' backend"),
])
def test_refusals_of_strided_ones(call: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        call(strided())


@pytest.mark.parametrize(("offsets", "lengths", "options", "kind", "words"), [
    (None, None, {}, RuntimeError, "At least one of offsets or lengths is required"),
    ([0, 2, 6], None, {"jagged_dim": 0}, ValueError, "Expected jagged_dim >=1, but got 0"),
    ([0, 2, 6], None, {"jagged_dim": 3}, ValueError, "there are 1 to 2"),
    ([0, 2, 7], None, {}, RuntimeError, "offsets must lead from 0 to the 6 steps"),
    ([0, 4, 2, 6], None, {}, RuntimeError, "never fall"),
    ([0.0, 6.0], None, {}, RuntimeError, "must be a tensor of whole numbers"),
    (None, [2, 3], {}, RuntimeError, "lengths must lead from 0 to the 6 steps"),
    ([0, 2, 6], [3, 1], {}, RuntimeError, "lengths must say for each component"),
])
def test_refused_offsets(offsets: Any, lengths: Any, options: Any, kind: type[Exception],
                         words: str) -> None:
    with pytest.raises(kind, match=words):
        rl.nested.nested_tensor_from_jagged(
            rl.ones(6, 2), *(None if x is None else rl.tensor(x) for x in (offsets, lengths)),
            **options)


@pytest.mark.parametrize(("arguments", "words"), [
    ((1, rl.tensor([0, 0]), rl.tensor([1, 1])), "must be integers for the strided layout"),
    ((1, 0, 1), "only dim=0 supported for nested tensors, but got: 1"),
    ((0, 0, 1, rl.jagged), "jagged layout only supports dim=1"),
    ((1, 3, 2, rl.jagged), "leave the 4 steps"),
    ((1, "0", 2, rl.jagged), "start must be an integer or a tensor"),
    ((1, 0, 2, rl.sparse_coo), "Specified layout is unsupported for nested narrow"),
])
def test_refused_spans(arguments: Any, words: str) -> None:
    with pytest.raises(RuntimeError, match=words):
        rl.nested.narrow(rl.ones(2, 4), *arguments)


def test_in_place_writes_reach_it() -> None:
    x = jagged()
    y = x
    y += 1
    assert y is x and x[0, 0, 0] == 1
    x[1] = 0.0
    x[:, :, 2] = 7.0
    assert x.tolist() == [[[1, 2, 7], [4, 5, 7]], [[0, 0, 7]] * 4]
    x.values()[0, 0] = 9.0
    assert x[0][0, 0] == 9 and x.offsets().tolist() == [0, 2, 6] and x.lengths() is None


def test_index_of_features() -> None:
    x = jagged()
    assert x[..., None].shape == (2, x.size(1), 3, 1)
    assert x[..., 0].tolist() == [[0, 3], [0, 3, 6, 9]]
    assert x[:, :, 1:].size(2) == 2 and x[1, 2, 0] == 6
    h = x.transpose(1, 2)
    assert h[:, 1].tolist() == x[..., 1].tolist() and h[..., None].shape[3] == 1


def test_copies() -> None:
    for x in (jagged(), strided(), rl.nested.nested_tensor([A, B[:, :1]]),
              jagged().transpose(1, 2), jagged().requires_grad_()):
        for y in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
            assert y.is_same_size(x) and y.layout is x.layout and y.tolist() == x.tolist()
            assert y.requires_grad == x.requires_grad
    for parts in ((A, 1, True, None), (rl.ragged([A, B]), 3, True, None),
                  (rl.ragged([A, B]), None, False, [(1, 1), (2, 2)])):
        with pytest.raises(ValueError, match="a nested tensor is saved as"):
            rebuild(*parts)


def test_saved_and_loaded() -> None:
    for x in (jagged(), strided(), rl.nested.nested_tensor([A, B[:, :1]]),
              jagged().transpose(1, 2).contiguous()):
        file = io.BytesIO()
        rl.save({"x": x}, file)
        file.seek(0)
        y = rl.load(file)["x"]
        assert y.is_same_size(x) and y.layout is x.layout and y.tolist() == x.tolist()


def test_order_of_dimensions() -> None:
    h = jagged().unsqueeze(-1)
    assert h.movedim(3, 1).tolist() == h.permute(0, 3, 1, 2).tolist()
    assert h.movedim((1, 2), (3, 1))[1].shape == (3, 1, 4) and jagged().mT[0].shape == (3, 2)
    with pytest.raises(RuntimeError, match="Nested tensor dimension 0 cannot be transposed"):
        jagged().T
    with pytest.raises(ValueError, match="Permute is not supported on the batch dimension"):
        h.movedim(0, 1)


def test_weights_of_attention_are_padded() -> None:
    rl.manual_seed(0)
    x = rl.nested.nested_tensor([rl.randn(2, 4), rl.randn(3, 4)])
    attention = rl.nn.MultiheadAttention(4, 2, batch_first=True)
    weights = attention(x, x, x)[1]
    assert weights.shape == (2, 3, 3) and bool((weights[0, 2:] == 0).all())
    assert rl.allclose(weights[0, :2].sum(-1), rl.ones(2))
    assert attention(x, x, x, average_attn_weights=False)[1].shape == (2, 2, 3, 3)


def test_dropout_draws_whatever_its_probability() -> None:
    """So a seed gives the numbers behind it that it gives in torch."""
    following = []
    for p in (0.0, 0.25, 1.0):
        rl.manual_seed(1)
        x = jagged()
        kept = F.dropout(x, p).values()
        following.append(rl.rand(1).item())
        assert p != 0 or rl.equal(kept, x.values())
    rl.manual_seed(1)
    F.dropout(jagged(), 0.0, training=False)
    assert following[0] == following[1] == following[2] != rl.rand(1).item()


def test_a_hook_of_a_leaf_sees_it() -> None:
    x, seen = jagged().requires_grad_(), []
    x.register_post_accumulate_grad_hook(lambda leaf: seen.append(leaf))
    x.sin().values().sum().backward()
    assert seen[0] is x and x.grad.is_same_size(x)


def test_beside_a_ragged_batch() -> None:
    r, x = rl.ragged([A, B]), jagged()
    for total in (r + x, x + r):
        assert total.is_nested and total.tolist() == (x * 2).tolist()
    assert rl.ragged(x).tolist() == r.tolist() == rl.ragged(strided()).tolist()


def test_equal_lengths_made_apart_go_together() -> None:
    """Torch wants the very same offsets; equal ones are enough here."""
    assert (jagged() + jagged()).tolist() == (jagged() * 2).tolist()


def test_padding() -> None:
    x = rl.nested.nested_tensor([A, B[:, :1]])
    padded = x.to_padded_tensor(-1.0, (2, 5, 4))
    assert padded.shape == (2, 5, 4) and rl.equal(padded[0, :2, :3], A)
    assert rl.equal(padded[1, :4, :1], B[:, :1]) and (padded == -1).sum() == 40 - 10
    with pytest.raises(NotImplementedError, match="Could not run 'aten::to_padded_tensor'"):
        rl.nested.to_padded_tensor(A, 0.0)


def test_no_components_and_no_elements() -> None:
    x = rl.nested.nested_tensor([])
    assert len(x) == 0 and x.unbind() == () and repr(x) == "nested_tensor([\n\n])"
    y = rl.nested.nested_tensor([A[:0], A], layout=rl.jagged)
    assert (y * 2).sum(1).tolist() == [[0, 0, 0], [6, 10, 14]]
    z = rl.nested.nested_tensor([A[0, 0], A[1, 0]])
    assert z.dim() == 1 and (z + 1).tolist() == [1, 4]
