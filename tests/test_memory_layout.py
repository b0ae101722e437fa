"""Shapes, strides and memory: changed in place, resized, copied instead of viewed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight.autograd import gradcheck
from rushlight.families.declaration import FUNCTIONS, PATHS


def test_geometry_in_place_is_that_of_the_view() -> None:
    for name, arguments in [("t_", ()), ("transpose_", (0, 1)), ("unsqueeze_", (1,)),
                            ("squeeze_", (0,)), ("swapaxes_", (-1, 0)), ("swapdims_", (0, 1)),
                            ("as_strided_", ((2, 2), (1, 2), 1))]:
        x = rl.arange(6.0).reshape(2, 3)
        expected = getattr(x, name[:-1])(*arguments)
        version = x.detach()._version
        assert getattr(x, name)(*arguments) is x
        assert rl.equal(x, expected) and x.stride() == expected.stride()
        assert x.data_ptr() == expected.data_ptr() and x._version == version + 1
    assert rl.ones(1, 2, 1).squeeze_().shape == (2,)
    assert rl.ones(2, 1).expand(2, 3).t_().shape == (3, 2)  # nothing is written


def test_geometry_in_place_has_gradients() -> None:
    def op(x: Any) -> Any:
        y = x * 2
        return y.t_() * rl.arange(6.0, dtype=rl.float64).reshape(3, 2)

    assert gradcheck(op, rl.randn(2, 3, dtype=rl.float64, requires_grad=True))
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        rl.ones(2, 3, requires_grad=True).t_()


def test_views_follow_writes_after_their_base_has_turned() -> None:
    leaf = rl.ones(2, 3, requires_grad=True)
    base = leaf * 2
    row = base[0]
    base.t_()
    row.mul_(3)  # a write to the first column of what base is now
    assert base.tolist() == [[6, 2], [6, 2], [6, 2]]
    (base * rl.tensor([[1.0, 10], [2, 20], [3, 30]])).sum().backward()
    assert leaf.grad.tolist() == [[6, 12, 18], [20, 40, 60]]
    view = (leaf * 1).view(3, 2)
    whole = view._base
    view.unsqueeze_(0)
    view.mul_(2)
    assert view._base is whole and whole[0, 0] == 2


def test_resize_keeps_what_there_is_room_for() -> None:
    x = rl.arange(6)
    address = x.data_ptr()
    assert x.resize_(2, 2).tolist() == [[0, 1], [2, 3]] and x.data_ptr() == address
    assert x.resize_(6).tolist() == [0, 1, 2, 3, 4, 5]
    assert x.resize_(2, 4)[0].tolist() == [0, 1, 2, 3]
    assert rl.arange(6)[2:].resize_(2, 2).tolist() == [[2, 3], [4, 5]]
    assert rl.arange(3).resize_(0).resize_(3).tolist() == [0, 1, 2]
    assert rl.ones(2, 3).resize_as_(rl.ones(4, 1)).shape == (4, 1)
    strides = rl.empty(0).resize_(1, 2, 3, 4, memory_format=rl.channels_last).stride()
    assert strides == (24, 1, 8, 2)
    with pytest.raises(RuntimeError, match="cannot resize variables that require grad"):
        rl.ones(2, requires_grad=True).resize_(3)
    with pytest.raises(RuntimeError, match="negative dimension"):
        rl.ones(2).resize_(-3)


def test_memory_of_given_geometry() -> None:
    x = rl.ones(2, dtype=rl.int32).new_empty_strided((2, 3), (1, 2))
    assert x.stride() == (1, 2) and x.dtype is rl.int32
    y = rl.empty_permuted((2, 3, 5), (0, 2, 1), dtype=rl.float64)
    assert y.shape == (2, 3, 5) and y.stride() == (15, 1, 3) and y.dim_order() == (0, 2, 1)
    with pytest.raises(RuntimeError, match="Number of dimensions in size does not match"):
        rl.empty_permuted((2, 3), (0,))
    with pytest.raises(RuntimeError, match="Duplicate dim not allowed"):
        rl.empty_permuted((2, 3), (0, 0))
    assert y.is_set_to(y.view(2, 3, 5)) and not y.is_set_to(y[:1])
    assert rl.scalar_tensor(2).dtype is rl.float32


@pytest.mark.parametrize("name", [p for p in FUNCTIONS if PATHS[p].body.__module__.endswith(
    "view_copies") and p not in ("slice_copy", "alias_copy")])
def test_copies_of_views_are_equal_and_apart(name: str) -> None:
    declaration = PATHS[name]
    view = FUNCTIONS.get(name[:-5]) or FUNCTIONS[f"Tensor.{name[:-5]}"]
    calls = [] if declaration.samples is None else declaration.samples(lambda *s: rl.rand(s) + 1)
    for call in calls or [(rl.ones(2, 3),)]:
        found, expected = FUNCTIONS[name](*call), view(*call)
        pairs = [(found, expected)] if isinstance(found, rl.Tensor) else zip(found, expected)
        for copy, part in pairs:
            assert rl.equal(copy, part)
            assert copy._base is None
            copy.zero_()
            assert not part.numel() or part.any()


def test_unsafe_pieces_may_be_written_to() -> None:
    x = rl.ones(4, requires_grad=True) * 2
    first, second = x.unsafe_chunk(2)
    first.mul_(3)
    assert x.tolist() == [6, 6, 2, 2] and second.tolist() == [2, 2]
    with pytest.raises(RuntimeError, match="a function that returns multiple views"):
        x.chunk(2)[0].mul_(3)
    assert [len(p) for p in rl.unsafe_split_with_sizes(rl.ones(5), [2, 3])] == [2, 3]


def test_one_number_may_be_written_where_elements_share_memory() -> None:
    assert rl.ones(1).expand(3).fill_(2).tolist() == [2, 2, 2]
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        rl.ones(1).expand(3).copy_(rl.ones(3))


def test_subclasses_share_memory_and_history() -> None:
    class Own(rl.Tensor):
        pass

    x = rl.ones(2, requires_grad=True)
    y = x.as_subclass(Own)
    assert type(y) is Own and y.data_ptr() == x.data_ptr()
    (y * 3).sum().backward()
    assert x.grad.tolist() == [3, 3]
    with pytest.raises(TypeError, match="cls must be a type that inherits from Tensor"):
        x.as_subclass(int)


def test_files_as_tensors(tmp_path: Path) -> None:
    file = tmp_path / "numbers"
    rl.arange(4.0).numpy().tofile(file)
    shared = rl.from_file(file, shared=True, size=4)
    shared[0] = 9
    own = rl.from_file(str(file), size=2)
    own[1] = 5
    assert own.tolist() == [9, 5] and rl.from_file(file, size=4).tolist() == [9, 1, 2, 3]
    with pytest.raises(RuntimeError, match="size <16> is smaller than the required mapping size"):
        rl.from_file(file, size=9)
    with pytest.raises(RuntimeError, match="unable to open file"):
        rl.from_file(tmp_path / "none", size=2)


def test_memory_formats() -> None:
    x = rl.randn(2, 3, 4, 5, requires_grad=True)
    last = x.to(memory_format=rl.channels_last)
    assert last.stride() == (60, 1, 15, 3) and rl.equal(last, x)
    assert last.is_contiguous(memory_format=rl.channels_last) and last.dim_order() == (0, 2, 3, 1)
    weight = rl.randn(2, 3, 3, 3)
    assert rl.allclose(rl.nn.functional.conv2d(last, weight), rl.nn.functional.conv2d(x, weight),
                       atol=1e-5)
    (last * last).sum().backward()
    assert rl.allclose(x.grad, 2 * x.detach())
    volume = rl.zeros(1, 2, 3, 4, 5).contiguous(memory_format=rl.channels_last_3d)
    assert volume.stride() == (120, 1, 40, 10, 2)
    with pytest.raises(RuntimeError, match="required rank 4 tensor to use channels_last format"):
        rl.zeros(2).contiguous(memory_format=rl.channels_last)


def test_memory_formats_of_new_tensors() -> None:
    last = rl.empty(2, 3, 4, 5, memory_format=rl.channels_last)
    assert last.stride() == (60, 1, 15, 3) == rl.empty_like(last).stride()
    for like in (rl.empty_like, rl.zeros_like, rl.ones_like):
        assert like(last, memory_format=rl.contiguous_format).stride() == (60, 20, 5, 1)
        assert like(rl.empty(2, 3, 4, 5), memory_format=rl.channels_last).stride() == last.stride()
        assert like(last, memory_format=rl.preserve_format).stride() == last.stride()
    assert rl.full_like(last, 2.0, memory_format=rl.contiguous_format).is_contiguous()
    with pytest.raises(RuntimeError, match="required rank 4 tensor to use channels_last format"):
        rl.empty(2, memory_format=rl.channels_last)


def test_new_takes_arrays_as_old_programs_give_them() -> None:
    made = rl.ones(1).new(np.arange(6.0).reshape(2, 3))
    assert made.dtype == rl.float32 and made.tolist() == [[0, 1, 2], [3, 4, 5]]
