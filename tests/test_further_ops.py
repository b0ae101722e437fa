"""Ops at torch's edges: kernels' own forms, hashes, segments, unsigned types, refusals."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as rl
from rushlight.autograd import gradcheck

F = rl.nn.functional
RNG = np.random.default_rng(0)


def test_complex_numbers_of_parts() -> None:
    size, angle = rl.tensor([1.0, 2.0]), rl.tensor([0.0, np.pi / 2])
    assert rl.allclose(rl.polar(size, angle), rl.tensor([1 + 0j, 2j]), atol=1e-6)
    out = rl.empty(2, dtype=rl.complex64)
    assert rl.complex(size, angle, out=out) is out and out.imag.tolist() == angle.tolist()
    assert rl.isreal(rl.tensor([1 + 0j, 1j])).tolist() == [True, False]
    assert rl.isreal(rl.ones(2, dtype=rl.int64)).all()
    with pytest.raises(RuntimeError, match="Expected both inputs to be Half, Float or Double"):
        rl.polar(rl.ones(2, dtype=rl.int64), angle)
    with pytest.raises(RuntimeError, match=r"scalar type ComplexDouble but got .* ComplexFloat"):
        rl.complex(size.double(), angle.double(), out=out)
    with pytest.raises(NotImplementedError, match="complex32"):
        size.chalf()


def test_norms_with_their_statistics() -> None:
    x, w, b = rl.randn(4, 6, 3), rl.randn(6), rl.randn(6)
    result, mean, rstd = rl.native_layer_norm(x, (6, 3), None, None, 1e-5)
    assert rl.allclose((x - mean) * rstd, result, atol=1e-5) and mean.shape == (4, 1, 1)
    result, mean, rstd = rl.native_group_norm(x, w, b, 4, 6, 3, 2, 1e-5)
    assert rl.allclose(result, F.group_norm(x, 2, w, b)) and rstd.shape == (4, 2)
    running = rl.zeros(6), rl.ones(6)
    result, mean, rstd = rl.native_batch_norm(x, w, b, *running, True, 0.1, 1e-5)
    assert rl.allclose(mean, x.mean((0, 2)), atol=1e-6) and running[0].any()
    assert rl.native_batch_norm(x, w, b, *running, False, 0.1, 1e-5)[1].numel() == 0
    assert rl.equal(rl.batch_norm(x, w, b, *running, False, 0.1, 1e-5, True),
                    F.batch_norm(x, *running, w, b))
    assert rl.norm_except_dim(x, 2, 1).shape == (1, 6, 1)


def test_numbered_modes() -> None:
    x, grid = rl.randn(1, 2, 4, 4), rl.rand(1, 3, 3, 2) * 2 - 1
    found = rl.grid_sampler_2d(x, grid, 2, 1, True)
    assert rl.equal(found, F.grid_sample(x, grid, "bicubic", "border", True))
    with pytest.raises(RuntimeError, match="interpolation_mode must be one of 0"):
        rl.grid_sampler(x, grid, 3, 0, True)
    with pytest.raises(RuntimeError, match=r"grid_sampler_3d.*expected 5D input"):
        rl.grid_sampler_3d(x, grid, 0, 0, True)
    logits, target = rl.randn(3), rl.rand(3)
    assert rl.equal(rl.binary_cross_entropy_with_logits(logits, target, None, None, 2),
                    F.binary_cross_entropy_with_logits(logits, target, reduction="sum"))
    table, indices, offsets = rl.arange(12.0).reshape(6, 2), rl.tensor([0, 1, 2, 4]), rl.tensor(
        [0, 2])
    result, bag, sizes, rows = rl.embedding_bag(table, indices, offsets, False, 2)
    assert result.tolist() == [[2, 3], [8, 9]] and rows.tolist() == [[1, 1], [4, 4]]
    assert bag.tolist() == [0, 0, 1, 1] and sizes.tolist() == [2, 2]
    assert F.upsample_nearest(x, scale_factor=2).shape == (1, 2, 8, 8)
    assert rl.equal(F.upsample_bilinear(x, 7), F.interpolate(x, 7, mode="bilinear",
                                                             align_corners=True))


def test_linear_cross_entropy_is_both_in_one() -> None:
    x, w, b = rl.randn(4, 3), rl.randn(5, 3), rl.randn(5)
    target = rl.tensor([0, 4, 2, -100])
    scores = F.linear(x, w, b)
    for options in ({}, {"reduction": "sum"}, {"label_smoothing": 0.1}):
        assert rl.allclose(F.linear_cross_entropy(x, w, target, linear_bias=b, **options),
                           F.cross_entropy(scores, target, **options))
    soft = scores.softmax(1)
    assert rl.allclose(F.linear_cross_entropy(x, w, soft, linear_bias=b),
                       F.cross_entropy(scores, soft))
    with pytest.raises(RuntimeError, match="ignore_index cannot be specified"):
        F.linear_cross_entropy(x, w, soft, ignore_index=1)
    loss = rl.nn.LinearCrossEntropyLoss(3, 5, out_features=(2,), bias=True,
                                        options=rl.nn.LinearCrossEntropyOptions())
    assert loss(x, rl.zeros(4, 2, dtype=rl.int64)).ndim == 0
    assert list(loss.state_dict()) == ["linear.weight", "linear.bias"]


def test_hashes_tell_bits_apart() -> None:
    assert rl.hash_tensor(rl.tensor([1.0, 2, 3])).item() == 4609434218613702656  # as torch's
    x = rl.tensor([[1, 2], [3, 4]])
    assert rl.hash_tensor(x).item() == 4 and rl.hash_tensor(x, 0).tolist() == [2, 6]
    assert rl.hash_tensor(x, (0, 1), keepdim=True).shape == (1, 1)
    with pytest.raises(RuntimeError, match="Unknown hash_tensor mode: 1"):
        x.hash_tensor(mode=1)
    with pytest.raises(IndexError, match="Expected reduction dim 1 to have non-zero size"):
        rl.hash_tensor(rl.empty(2, 0), 1)


@pytest.mark.parametrize("kind", ["sum", "mean", "max", "min", "prod"])
def test_segments(kind: str) -> None:
    x = rl.tensor(RNG.uniform(0.5, 2, (6, 2)), requires_grad=True)
    lengths = rl.tensor([2, 0, 3, 1])
    found = rl.segment_reduce(x, kind, lengths=lengths, initial=1.5)
    parts = x.detach().split(lengths.tolist())
    one = rl.full((1, 2), 1.5, dtype=rl.float64)
    for row, part in zip(found, parts, strict=True):
        whole = rl.cat([part, one])
        expected = {"sum": whole.sum(0), "max": whole.amax(0), "min": whole.amin(0),
                    "prod": whole.prod(0), "mean": whole.sum(0) / max(len(part), 1)}[kind]
        assert rl.allclose(row, expected)
    offsets = rl.tensor([0, 2, 2, 5, 6])
    assert rl.equal(rl.segment_reduce(x, kind, offsets=offsets, initial=1.5), found)
    assert gradcheck(lambda x: rl.segment_reduce(x, kind, lengths=lengths, initial=1.5), x)
    with pytest.raises(RuntimeError, match="Expected all rows of lengths along axis to sum to"):
        rl.segment_reduce(x, kind, lengths=rl.tensor([1, 1]))


def test_histograms_of_points_are_numpys() -> None:
    points, weight = RNG.standard_normal((50, 3)), RNG.random(50)
    for options in ({}, {"density": True}, {"weight": rl.tensor(weight)}):
        given = {k: np.asarray(v) if k == "weight" else v for k, v in options.items()}
        if "weight" in given:
            given["weights"] = given.pop("weight")
        found = rl.histogramdd(rl.tensor(points), [2, 3, 4], **options)
        counts, edges = np.histogramdd(points, [2, 3, 4], **given)
        np.testing.assert_allclose(found.hist, counts)
        for a, b in zip(found.bin_edges, edges, strict=True):
            np.testing.assert_allclose(a, b)
    own = [rl.tensor([-1.0, 0, 1], dtype=rl.float64)] * 3
    assert rl.histogramdd(rl.tensor(points), own).hist.shape == (2, 2, 2)
    with pytest.raises(RuntimeError, match="The size of bins must be equal to the innermost"):
        rl.histogramdd(rl.tensor(points), [2, 2])


def test_fake_quantisation_rounds_forward_and_passes_backward() -> None:
    x = rl.tensor([0.12, -0.26, 5.0], requires_grad=True)
    y = rl.fake_quantize_per_tensor_affine(x, 0.1, 0, -10, 10)
    assert rl.allclose(y, rl.tensor([0.1, -0.3, 1.0]))
    y.sum().backward()
    assert x.grad.tolist() == [1, 1, 0]
    rows = rl.tensor([[0.1, 5], [-3.0, 0.26]])
    scale, zero = rl.tensor([0.1, 0.2]), rl.tensor([0, 1], dtype=rl.int32)
    found = rl.fake_quantize_per_channel_affine(rows, scale, zero, 0, -10, 10)
    assert rl.allclose(found, rl.tensor([[0.1, 1.0], [-2.2, 0.2]]))


def test_python_functions_on_every_element() -> None:
    x = rl.tensor([[1.0, 2], [3, 4]])
    assert x.t().apply_(lambda v: v * 10).tolist() == [[10, 30], [20, 40]] and x[0, 1] == 20
    assert x.map_(rl.ones(2), lambda a, b: a + b).tolist() == [[11, 21], [31, 41]]
    with pytest.raises(RuntimeError, match=r"Can't call apply_\(\) on Variable that requires"):
        rl.ones(2, requires_grad=True).apply_(abs)


def test_wide_unsigned_integers_hold_data() -> None:
    tokens = np.array([1, 2, 65535], np.uint16)
    x = rl.from_numpy(tokens)
    assert x.dtype is rl.uint16 and x.long().tolist() == [1, 2, 65535]
    assert x[1:].tolist() == [2, 65535] and rl.cat([x, x]).dtype is rl.uint16
    assert (x == x).all() and (x * 2).dtype is rl.uint16 and (x + 0.5).dtype is rl.float32
    assert rl.zeros(2, dtype=rl.uint64).dtype is rl.uint64 and rl.iinfo(rl.uint32).max == 2**32 - 1
    assert x.view(rl.int16).tolist() == [1, 2, -1]
    with pytest.raises(RuntimeError, match="Promotion for uint16, uint32, uint64 types is not"):
        x + rl.ones(3, dtype=rl.int64)


@pytest.mark.parametrize(("call", "message"), [
    (lambda x: x.to_sparse_bsr(), "of sparse layouts there are coordinates"),
    (lambda x: x.values(), "values expected sparse tensor layout but got Strided"),
    (lambda x: x.coalesce(), "coalesce expected sparse coordinate tensor layout but got Strided"),
    (lambda x: rl.sparse_bsr_tensor(x, x, x), "of sparse layouts there are coordinates"),
    (lambda x: x.q_scale(), "quantised tensors are not supported"),
    (lambda x: rl.quantize_per_tensor(x, 0.1, 0, rl.int8), "quantised tensors are not supported"),
])
def test_what_is_left_out_says_so(call: object, message: str) -> None:
    with pytest.raises(NotImplementedError, match=message):
        call(rl.ones(2, 2))  # type: ignore[operator]


def test_arguments_out_of_range() -> None:
    with pytest.raises(ValueError, match="min_val cannot be greater than max_val"):
        F.hardtanh(rl.ones(2), 0.5, -0.5)
    with pytest.raises(RuntimeError, match="lambda must be in range"):
        F.softshrink(rl.ones(2), -0.5)
    with pytest.raises(RuntimeError, match="ZeroDivisionError: alpha cannot be 0 for CELU"):
        F.celu(rl.ones(2), 0.0)
    with pytest.raises(ValueError, match="step must be nonzero"):
        rl.arange(0, 3, 0.5, dtype=rl.int64)
    with pytest.raises(ValueError, match="abc is not a valid value for reduction"):
        F.multi_margin_loss(rl.ones(2, 3), rl.tensor([0, 1]), reduction="abc")
    assert F.hardtanh(rl.tensor([-3, 0, 3]), -2.5, 2.5).tolist() == [-2, 0, 2]
    assert rl.linspace(4.3, -5, 10, dtype=rl.int64).tolist() == [4, 3, 2, 1, 0, -1, -2, -3, -4, -5]


def test_complex_sums_of_exponentials() -> None:
    x = rl.tensor([1 + 2j, 3 + 1j, -200 + 1j], dtype=rl.complex128, requires_grad=True)
    expected = np.log(np.exp(x.detach().numpy()).sum())
    np.testing.assert_allclose(rl.logsumexp(x, 0).detach(), expected)
    np.testing.assert_allclose(rl.logaddexp(x[0], x[1]).detach(), expected)
    for op in (lambda x: rl.logsumexp(x, 0), lambda x: rl.logcumsumexp(x[:2], 0), F.softsign,
               lambda x: rl.logaddexp(x[0], x[1])):
        assert gradcheck(op, x)


def test_numpy_scalars_are_weak_numbers_on_either_side() -> None:
    x = rl.tensor([1.0, 2.0])
    for found in (np.float32(3) * x, x * np.float32(3), np.float64(3) * x, x * np.int64(3)):
        assert type(found) is rl.Tensor and found.dtype is rl.float32 and found.tolist() == [3, 6]
    assert (np.int64(2) + rl.tensor([1])).tolist() == [3]
    assert (rl.tensor([True]) & np.bool_(True)).tolist() == [True]


def test_functions_of_numpy_return_tensors() -> None:
    x = rl.tensor([1.0, 4.0])
    for found, expected in ((np.sqrt(x), [1, 2]), (np.add(x, 1), [2, 5]), (np.cumsum(x), [1, 5])):
        assert type(found) is rl.Tensor and found.tolist() == expected


def test_sizes_join_on_either_side() -> None:
    joined = (1,) + rl.Size([2])  # noqa: RUF005
    assert type(joined) is rl.Size and joined == (1, 2)
