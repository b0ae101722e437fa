"""NumPy's names of parameters, `axis` and `keepdims`, where torch takes them too."""

from __future__ import annotations

import pytest

import rushlight as rl

FOLDS = """sum mean nansum nanmean prod amax amin argmax argmin all any max min median nanmedian
    mode var std logsumexp aminmax""".split()
ALONG = "softmax log_softmax cumsum cumprod sort argsort diff unbind count_nonzero".split()


def first(result):
    return result if isinstance(result, rl.Tensor) else result[0]


@pytest.mark.parametrize("name", FOLDS)
def test_folds(name):
    x = rl.tensor([[1.0, 5.0, 2.0], [4.0, 0.5, 3.0]])
    function, method = getattr(rl, name), getattr(x, name)
    for dim in (0, -1):
        expected = first(function(x, dim=dim, keepdim=True))
        assert first(function(x, axis=dim, keepdims=True)).equal(expected)
        assert first(method(axis=dim, keepdims=True)).equal(expected)
        assert first(method(axis=dim)).shape == first(method(dim=dim)).shape


@pytest.mark.parametrize("name", ALONG)
def test_along(name):
    x = rl.tensor([[1.0, 5.0, 2.0], [4.0, 0.5, 3.0]])
    for dim in (0, -1):
        assert first(getattr(x, name)(axis=dim)).equal(first(getattr(x, name)(dim=dim)))


def test_joining_and_the_rest():
    x, y = rl.ones(2, 3), rl.zeros(2, 3)
    assert rl.cat([x, y], axis=1).shape == (2, 6) and rl.stack([x, y], axis=2).shape == (2, 3, 2)
    assert x.topk(1, axis=0).values.shape == (1, 3)
    assert x.sum(axis=(0, 1)).item() == 6
    with pytest.raises(TypeError, match="missing 1 required"):
        x.cumsum()
    x.requires_grad_().mean(axis=1, keepdims=True).sum().backward()
    assert x.grad.eq(1 / 3).all()
