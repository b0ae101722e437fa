"""Tensors of torch among ours: refused by either library, and converted when asked."""

from __future__ import annotations

import pytest

import rushlight as rl

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("call", [
    lambda ours, theirs: ours + theirs,
    lambda ours, theirs: theirs + ours,
    lambda ours, theirs: ours == theirs,
    lambda ours, theirs: rl.add(ours, theirs),
    lambda ours, theirs: torch.add(theirs, ours),
    lambda ours, theirs: rl.cat([ours, theirs]),
    lambda ours, theirs: torch.cat([theirs, ours]),
    lambda ours, theirs: torch.nn.functional.relu(ours),
    lambda ours, theirs: rl.nn.Linear(2, 2)(theirs),
])
def test_operations_of_both_are_refused(call: object) -> None:
    with pytest.raises(TypeError):
        call(rl.ones(2), torch.ones(2))  # type: ignore[operator]


def test_the_message_tells_the_libraries_apart() -> None:
    with pytest.raises(TypeError, match=r"argument 'input' \(position 1\) must be Tensor, not "
                                        r"torch\.Tensor"):
        rl.nn.functional.linear(torch.ones(1, 2), rl.ones(2, 2))


def test_either_library_takes_the_others_tensors_when_asked() -> None:
    assert rl.as_tensor(torch.arange(3)).tolist() == [0, 1, 2]
    assert rl.from_dlpack(torch.arange(3)).tolist() == [0, 1, 2]
    assert torch.as_tensor(rl.arange(3)).tolist() == [0, 1, 2]
    assert torch.from_dlpack(rl.arange(3)).tolist() == [0, 1, 2]
