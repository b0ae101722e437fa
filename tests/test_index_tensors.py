"""x[index] on tensors: shared memory, versions, writes, autograd, meta tensors."""

from __future__ import annotations

import pytest

import rushlight as rl


def leaf(*shape):
    count = 1
    for n in shape:
        count *= n
    return rl.arange(1.0, count + 1.0).reshape(shape).clone().requires_grad_()


def test_basic_indices_share_memory_and_versions():
    x = rl.zeros(3, 4)
    row = x[1]
    part = x[::-1, 1:3]
    assert row.data_ptr() == x.data_ptr() + 16
    row.fill_(5.0)
    part[0, 0] = 7.0
    assert x.tolist() == [[0, 0, 0, 0], [5, 5, 5, 5], [0, 7, 0, 0]]
    assert x._writes is row._writes is part._writes
    assert x._writes[0] == 2
    assert row._base is x
    assert part.stride() == (-4, 1)


def test_advanced_indices_copy():
    x = rl.zeros(3)
    picked = x[[0, 2]]
    picked.fill_(1.0)
    assert x.tolist() == [0, 0, 0]
    assert picked._base is None


def test_0d_tensors_are_integers_and_results_keep_being_tensors():
    x = rl.arange(6).reshape(2, 3)
    assert x[rl.tensor(1)].tolist() == [3, 4, 5]
    assert x[rl.tensor(1), rl.tensor(-1)].item() == 5
    assert x[1, 2].shape == ()
    assert x[0 : rl.tensor(1)].shape == (1, 3)


@pytest.mark.parametrize(
    ("index", "name"),
    [
        (0, "SelectBackward0"),
        ((slice(None), 0), "SelectBackward0"),
        (slice(0, 1), "SliceBackward0"),
        ((0, slice(0, 2)), "SliceBackward0"),
        (None, "UnsqueezeBackward0"),
        (..., "AliasBackward0"),
        ([0, 1], "IndexBackward0"),
    ],
)
def test_node_names(index, name):
    assert leaf(2, 3)[index].grad_fn.name() == name


def test_gradients_of_reads():
    x = leaf(2, 3)
    (x[0, ::-2].sum() + 2 * x[[1, 1], 0].sum() + x[x > 4].sum()).backward()
    assert x.grad.tolist() == [[1, 0, 1], [4, 1, 1]]


def test_gradients_of_writes():
    x, value = leaf(2, 3), leaf(3)
    y = x * 1
    y[0] = value
    y[[1, 1], [0, 2]] = 0.0
    assert y.tolist() == [[1, 2, 3], [0, 5, 0]]
    y.sum().backward()
    assert x.grad.tolist() == [[0, 0, 0], [0, 1, 0]]
    assert value.grad.tolist() == [1, 1, 1]


def test_writes_through_views_reach_the_base():
    x, value = leaf(2, 3), leaf(2)
    y = x * 1
    y[1][1:] = value
    (y * y).sum().backward()
    assert x.grad.tolist() == [[2, 4, 6], [8, 0, 0]]
    assert value.grad.tolist() == [2, 4]


def test_a_value_that_was_broadcast_or_cast_gets_its_own_gradient():
    x, value = rl.zeros(2, 3), rl.ones(1, 1, dtype=rl.float64, requires_grad=True)
    x[:, 1:] = value
    x.sum().backward()
    assert value.grad.tolist() == [[4.0]]
    assert value.grad.dtype == rl.float64


def test_an_index_tensor_may_change_before_backward():
    x, index = leaf(3), rl.tensor([0, 0])
    y = x[index]
    index += 1
    y.sum().backward()
    assert x.grad.tolist() == [2, 0, 0]


def test_leaves_that_require_grad_are_not_written_to():
    x = leaf(2, 3)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        x[0] = 1.0
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad"):
        x[0][0] = 1.0
    with rl.no_grad():
        x[0] = 0.0
    assert x.tolist() == [[0, 0, 0], [4, 5, 6]]


def test_a_write_is_seen_by_backward():
    x = leaf(2, 3)
    y = x * 1
    z = (y * y).sum()
    y[0, 0] = 3.0
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.backward()


def test_writes_refuse_what_is_no_number():
    x = rl.zeros(3)
    for value in ([1.0, 2.0, 3.0], "x", None):
        with pytest.raises(TypeError, match="can't assign a"):
            x[0:2] = value
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        rl.zeros(1).expand(3)[0:2] = 1.0


def test_overlapping_source():
    x = rl.arange(5)
    x[1:] = x[:-1]
    assert x.tolist() == [0, 0, 1, 2, 3]
    x[::-1][:2] = x[:2]
    assert x.tolist() == [0, 0, 1, 0, 0]


def test_meta():
    x = rl.zeros(4, 5, device="meta")
    assert x[1].shape == (5,)
    assert x[:, ::-2].shape == (4, 3)
    assert x[[0, 1, 2]].shape == (3, 5)
    assert x.gather(1, rl.zeros(4, 2, dtype=rl.int64, device="meta")).is_meta
    x[0] = 1.0
    with pytest.raises(IndexError, match="index 9 is out of bounds for dimension 0 with size 4"):
        x[9]
    with pytest.raises(NotImplementedError, match="depends on the data"):
        x.nonzero()


def test_in_place_forms():
    x = rl.zeros(3)
    index = rl.tensor([2, 0])
    assert x.index_add_(0, index, rl.tensor([1.0, 2.0])) is x
    x.scatter_(0, rl.tensor([1]), 9.0).masked_fill_(x == 1, 4.0)
    assert x.tolist() == [2, 9, 4]
    assert x._writes[0] == 3
    x.put_(rl.tensor([-1]), rl.tensor([0.5]), accumulate=True)
    x.index_put_((rl.tensor([0, 0]),), rl.ones(2), accumulate=True)
    assert x.tolist() == [4, 9, 4.5]


def test_in_place_forms_have_gradients():
    x, source = leaf(3), leaf(2)
    y = x * 1
    y.index_add_(0, rl.tensor([0, 0]), source)
    y[1:].scatter_(0, rl.tensor([1]), source[:1])
    (y * y).sum().backward()
    assert y.tolist() == [4, 2, 1]
    assert x.grad.tolist() == [8, 4, 0]
    assert source.grad.tolist() == [10, 8]


def test_out_forms():
    x, index, out = rl.arange(6.0).reshape(2, 3), rl.tensor([1]), rl.empty(0)
    assert rl.index_select(x, 0, index, out=out) is out
    assert out.tolist() == [[3, 4, 5]]
    with pytest.raises(RuntimeError, match="some elements of the input tensor and the written-to"):
        rl.take(x, index, out=x)
    with pytest.raises(RuntimeError, match="Expected out tensor to have dtype"):
        rl.take(x, index, out=rl.empty(1, dtype=rl.float64))
    with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
        rl.take(leaf(2), index, out=rl.empty(1))


def test_embedding_options():
    weight = rl.tensor([[3.0, 4.0], [0.3, 0.4], [1.0, 1.0]], requires_grad=True)
    found = rl.nn.functional.embedding(rl.tensor([0, 1, 0]), weight, padding_idx=1)
    found.sum().backward()
    assert weight.grad.tolist() == [[2, 2], [0, 0], [0, 0]]
    weight.grad = None
    indices = rl.tensor([0, 2, 0, 0])
    rl.nn.functional.embedding(indices, weight, scale_grad_by_freq=True).sum().backward()
    assert weight.grad.tolist() == [[1, 1], [0, 0], [1, 1]]
    with rl.no_grad():
        rl.nn.functional.embedding(rl.tensor([0, 1]), weight, max_norm=1.0)
    assert weight[0].tolist() == pytest.approx([0.6, 0.8])
    assert weight[1].tolist() == pytest.approx([0.3, 0.4])


def test_repr():
    x = leaf(2)
    assert repr(x) == "tensor([1., 2.], requires_grad=True)"
    assert repr(x[1]) == "tensor(2., grad_fn=<SelectBackward0>)"
    assert repr(rl.zeros(2, 3, device="meta")) == "tensor(..., device='meta', size=(2, 3))"
    assert f"{rl.tensor(2.5):.2f}" == "2.50"
    assert f"{rl.ones(1)}" == "tensor([1.])"
