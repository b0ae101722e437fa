"""Every layer against torch's: initial values for a seed, repr, state, outputs, gradients."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import rushlight as rl

torch = pytest.importorskip("torch")


class Case:
    """A layer, its constructor arguments, and what it is called with."""

    def __init__(self, layer: str, *args: Any, inputs: list, **kwargs: Any) -> None:
        self.layer, self.args, self.kwargs, self.inputs = layer, args, kwargs, inputs

    def __str__(self) -> str:
        options = [str(a) for a in self.args] + [f"{k}={v}" for k, v in self.kwargs.items()]
        return f"{self.layer}({','.join(options)})-{len(self.inputs)}x{self.inputs[0]}"


class Values:
    """An input that is no plain normal tensor: made by ``make(generator)``."""

    def __init__(self, make: Any, grad: bool = False) -> None:
        self.make, self.grad = make, grad

    def __repr__(self) -> str:
        return "values"


def ints(shape: tuple, high: int) -> Values:
    return Values(lambda g: g.integers(0, high, shape))


def signs(shape: tuple) -> Values:
    return Values(lambda g: g.choice([-1.0, 1.0], shape).astype(np.float32))


def probabilities(shape: tuple, grad: bool = True) -> Values:
    return Values(lambda g: g.uniform(0.05, 0.95, shape).astype(np.float32), grad)


def fixed(*values: Any, dtype: Any = np.float32) -> Values:
    return Values(lambda g: np.array(values[0] if len(values) == 1 else values, dtype))


def log_probabilities(shape: tuple, dim: int = 1) -> Values:
    def make(g: Any) -> np.ndarray:
        x = g.standard_normal(shape)
        return (x - np.log(np.exp(x).sum(dim, keepdims=True))).astype(np.float32)

    return Values(make, grad=True)


X2, X3, X4, X5 = (4, 6), (2, 4, 8), (2, 4, 6, 6), (2, 4, 4, 4, 4)

CASES = [
    Case("Identity", 3, unused=1, inputs=[X2]),
    Case("Linear", 6, 3, inputs=[X2]),
    Case("Linear", 6, 3, inputs=[(6,)]),
    Case("Linear", 6, 3, bias=False, inputs=[(2, 3, 6)]),
    Case("Bilinear", 3, 4, 5, inputs=[(2, 3), (2, 4)]),
    Case("Bilinear", 3, 4, 5, bias=False, inputs=[(2, 3), (2, 4)]),
    Case("Flatten", inputs=[X4]),
    Case("Flatten", 0, 2, inputs=[X4]),
    Case("Unflatten", 1, (2, 3), inputs=[X2]),
    Case("Unflatten", -1, [-1, 2], inputs=[X2]),
    Case("Conv1d", 4, 6, 3, inputs=[X3]),
    Case("Conv1d", 4, 6, 3, padding="same", dilation=2, inputs=[X3]),
    Case("Conv1d", 4, 6, 3, padding=1, padding_mode="reflect", inputs=[X3]),
    Case("Conv1d", 4, 6, 3, padding="same", padding_mode="replicate", inputs=[X3]),
    Case("Conv2d", 4, 6, 3, inputs=[X4]),
    Case("Conv2d", 4, 6, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), inputs=[X4]),
    Case("Conv2d", 4, 6, 3, groups=2, bias=False, inputs=[X4]),
    Case("Conv2d", 4, 8, 3, groups=4, padding=1, padding_mode="circular", inputs=[X4]),
    Case("Conv2d", 4, 6, 3, padding="valid", inputs=[(4, 6, 6)]),
    Case("Conv2d", 4, 6, 3, padding=(2, 1), padding_mode="reflect", inputs=[X4]),
    Case("Conv3d", 4, 2, 3, inputs=[X5]),
    Case("Conv3d", 4, 2, 3, padding=1, padding_mode="replicate", inputs=[X5]),
    Case("ConvTranspose1d", 4, 6, 3, stride=2, output_padding=1, inputs=[X3]),
    Case("ConvTranspose2d", 4, 6, 3, stride=2, padding=1, inputs=[X4]),
    Case("ConvTranspose2d", 4, 6, 3, groups=2, bias=False, dilation=2, inputs=[X4]),
    Case("ConvTranspose3d", 4, 2, 2, inputs=[X5]),
    *(Case(f"BatchNorm{n}d", 4, inputs=[x]) for n, x in ((1, X3), (2, X4), (3, X5))),
    Case("BatchNorm1d", 6, inputs=[X2]),
    Case("BatchNorm1d", 6, eps=1e-3, momentum=None, inputs=[X2]),
    Case("BatchNorm2d", 4, affine=False, inputs=[X4]),
    Case("BatchNorm2d", 4, track_running_stats=False, inputs=[X4]),
    Case("BatchNorm2d", 4, bias=False, momentum=0.3, inputs=[X4]),
    *(Case(f"InstanceNorm{n}d", 4, inputs=[x]) for n, x in ((1, X3), (2, X4), (3, X5))),
    Case("InstanceNorm2d", 4, affine=True, track_running_stats=True, inputs=[X4]),
    Case("InstanceNorm1d", 4, affine=True, inputs=[(4, 8)]),
    Case("LayerNorm", 6, inputs=[X2]),
    Case("LayerNorm", (6, 6), eps=1e-3, inputs=[X4]),
    Case("LayerNorm", 6, elementwise_affine=False, inputs=[X2]),
    Case("LayerNorm", [6], bias=False, inputs=[X2]),
    Case("RMSNorm", 6, inputs=[X2]),
    Case("RMSNorm", (4, 8), eps=1e-3, elementwise_affine=False, inputs=[X3]),
    Case("GroupNorm", 2, 4, inputs=[X4]),
    Case("GroupNorm", 4, 4, affine=False, inputs=[X3]),
    Case("GroupNorm", 2, 4, bias=False, inputs=[X4]),
    Case("LocalResponseNorm", 2, inputs=[X4]),
    Case("LocalResponseNorm", 3, alpha=0.1, beta=0.5, k=2.0, inputs=[X3]),
    *(Case(f"MaxPool{n}d", 2, inputs=[x]) for n, x in ((1, X3), (2, X4), (3, X5))),
    Case("MaxPool2d", 3, stride=2, padding=1, ceil_mode=True, inputs=[X4]),
    Case("MaxPool2d", (2, 3), dilation=2, inputs=[X4]),
    Case("MaxPool2d", 2, return_indices=True, inputs=[X4]),
    Case("MaxPool1d", 3, stride=2, padding=1, inputs=[X3]),
    *(Case(f"AvgPool{n}d", 2, inputs=[x]) for n, x in ((1, X3), (2, X4), (3, X5))),
    Case("AvgPool2d", 3, stride=2, padding=1, ceil_mode=True, inputs=[X4]),
    Case("AvgPool2d", 3, padding=1, count_include_pad=False, inputs=[X4]),
    Case("AvgPool2d", 2, divisor_override=3, inputs=[X4]),
    Case("LPPool1d", 2, 3, inputs=[X3]),
    Case("LPPool2d", 3.0, 2, stride=1, ceil_mode=True, inputs=[probabilities(X4)]),
    Case("LPPool3d", 2, 2, inputs=[X5]),
    *(Case(f"AdaptiveAvgPool{n}d", 3, inputs=[x]) for n, x in ((1, X3), (2, X4), (3, X5))),
    Case("AdaptiveAvgPool2d", (None, 4), inputs=[X4]),
    *(Case(f"AdaptiveMaxPool{n}d", 3, inputs=[x]) for n, x in ((1, X3), (2, X4), (3, X5))),
    Case("AdaptiveMaxPool2d", (2, 4), return_indices=True, inputs=[X4]),
    *(Case("Dropout", p, inputs=[X2]) for p in (0.0, 0.3, 1.0)),
    Case("Dropout", 0.5, inplace=True, inputs=[Values(lambda g: g.random(X2, np.float32))]),
    *(Case(f"Dropout{n}d", 0.4, inputs=[x]) for n, x in ((1, X3), (2, X4), (3, X5))),
    Case("AlphaDropout", 0.3, inputs=[X2]),
    Case("FeatureAlphaDropout", 0.3, inputs=[X4]),
    Case("Embedding", 10, 3, inputs=[ints((2, 4), 10)]),
    Case("Embedding", 10, 3, padding_idx=-2, inputs=[ints((2, 4), 10)]),
    Case("Embedding", 10, 3, max_norm=1.0, norm_type=1.5, inputs=[ints((4,), 10)]),
    Case("Embedding", 10, 3, scale_grad_by_freq=True, inputs=[ints((20,), 5)]),
    *(Case("EmbeddingBag", 10, 3, mode=m, inputs=[ints((2, 4), 10)]) for m in ("sum", "mean")),
    Case("EmbeddingBag", 10, 3, mode="max", padding_idx=1, inputs=[ints((2, 4), 10)]),
    *(
        Case(name, inputs=[X2])
        for name in (
            "CELU ELU GELU GLU Hardsigmoid Hardshrink Hardswish Hardtanh LeakyReLU LogSigmoid "
            "Mish PReLU RReLU ReLU ReLU6 SELU SiLU Sigmoid Softplus Softshrink Softsign Tanh "
            "Tanhshrink"
        ).split()
    ),
    *(Case(name, dim=1, inputs=[X3]) for name in ("Softmax", "LogSoftmax", "Softmin", "GLU")),
    Case("Softmax2d", inputs=[X4]),
    Case("CELU", 0.5, inputs=[X2]),
    Case("ELU", alpha=2.0, inputs=[X2]),
    Case("GELU", approximate="tanh", inputs=[X2]),
    Case("Hardshrink", 0.2, inputs=[X2]),
    Case("Softshrink", 0.2, inputs=[X2]),
    Case("Hardtanh", -0.5, 0.7, inputs=[X2]),
    Case("LeakyReLU", 0.3, inputs=[X2]),
    Case("PReLU", 4, init=0.1, inputs=[X4]),
    Case("Softplus", 2.0, threshold=1.0, inputs=[X2]),
    Case("Threshold", 0.1, 20, inputs=[X2]),
    *(
        Case(name, inplace=True, inputs=[Values(lambda g: g.standard_normal(X2, np.float32))])
        for name in "ReLU ReLU6 SELU ELU CELU SiLU Mish Hardtanh Hardswish LeakyReLU".split()
    ),
    Case("L1Loss", inputs=[X2, X2]),
    Case("MSELoss", reduction="sum", inputs=[X2, X2]),
    Case("MSELoss", reduction="none", inputs=[X2, X2]),
    Case("SmoothL1Loss", beta=0.5, inputs=[X2, X2]),
    Case("HuberLoss", delta=0.5, inputs=[X2, X2]),
    Case("NLLLoss", inputs=[log_probabilities(X2), ints((4,), 6)]),
    Case("NLLLoss", ignore_index=2, inputs=[log_probabilities(X4), ints((2, 6, 6), 4)]),
    Case("NLLLoss", fixed(1, 2, 0.5, 1, 1, 3), inputs=[log_probabilities(X2), ints((4,), 6)]),
    *(
        Case("CrossEntropyLoss", reduction=r, inputs=[X2, ints((4,), 6)])
        for r in ("mean", "sum", "none")
    ),
    Case("CrossEntropyLoss", label_smoothing=0.1, inputs=[X4, ints((2, 6, 6), 4)]),
    Case("CrossEntropyLoss", ignore_index=1, inputs=[X2, ints((4,), 6)]),
    Case("CrossEntropyLoss", inputs=[X2, probabilities(X2)]),
    Case("CrossEntropyLoss", fixed(1, 2, 0.5, 1, 1, 3), inputs=[X2, ints((4,), 6)]),
    Case("BCELoss", inputs=[probabilities(X2), probabilities(X2, grad=False)]),
    Case("BCEWithLogitsLoss", inputs=[X2, probabilities(X2, grad=False)]),
    Case(
        "BCEWithLogitsLoss",
        pos_weight=fixed(1, 2, 0.5, 1, 1, 3),
        inputs=[X2, probabilities(X2, grad=False)],
    ),
    Case("KLDivLoss", reduction="batchmean", inputs=[X2, probabilities(X2)]),
    Case("KLDivLoss", log_target=True, inputs=[X2, X2]),
    Case("PoissonNLLLoss", inputs=[X2, probabilities(X2, grad=False)]),
    Case("PoissonNLLLoss", log_input=False, full=True, inputs=[probabilities(X2)] * 2),
    Case("GaussianNLLLoss", full=True, inputs=[X2, X2, probabilities(X2)]),
    Case(
        "CTCLoss",
        inputs=[
            log_probabilities((6, 2, 4), 2),
            fixed([[1, 2], [3, 3]], dtype=int),
            fixed(6, 5, dtype=int),
            fixed(2, 2, dtype=int),
        ],
    ),
    Case("MarginRankingLoss", margin=0.5, inputs=[X2, X2, signs(X2)]),
    Case("HingeEmbeddingLoss", inputs=[X2, signs(X2)]),
    Case("CosineEmbeddingLoss", margin=0.1, inputs=[X2, X2, signs((4,))]),
    Case("SoftMarginLoss", inputs=[X2, signs(X2)]),
    Case("MultiLabelSoftMarginLoss", inputs=[X2, probabilities(X2, grad=False)]),
    Case("MultiLabelMarginLoss", inputs=[(1, 4), fixed([[3, 0, -1, 1]], dtype=int)]),
    Case("MultiMarginLoss", p=2, margin=0.5, inputs=[X2, ints((4,), 6)]),
    Case("TripletMarginLoss", swap=True, inputs=[X2, X2, X2]),
    Case("TripletMarginWithDistanceLoss", margin=2.0, inputs=[X2, X2, X2]),
    Case("CosineSimilarity", inputs=[X2, X2]),
    Case("PairwiseDistance", p=1.5, keepdim=True, inputs=[X2, X2]),
    *(Case(f"ZeroPad{n}d", 1, inputs=[x]) for n, x in ((1, X3), (2, X4), (3, X5))),
    *(Case(f"ConstantPad{n}d", 2, 3.5, inputs=[x]) for n, x in ((1, X3), (2, X4), (3, X5))),
    *(Case(f"ReflectionPad{n}d", 2, inputs=[x]) for n, x in ((1, X3), (2, X4), (3, X5))),
    *(Case(f"ReplicationPad{n}d", 1, inputs=[x]) for n, x in ((1, X3), (2, X4), (3, X5))),
    *(Case(f"CircularPad{n}d", 1, inputs=[x]) for n, x in ((1, X3), (2, X4), (3, X5))),
    Case("ReflectionPad2d", (1, 0, 2, 1), inputs=[X4]),
    Case("PixelShuffle", 2, inputs=[X4]),
    Case("PixelUnshuffle", 2, inputs=[X4]),
    Case("ChannelShuffle", 2, inputs=[X4]),
    Case("Upsample", scale_factor=2, inputs=[X4]),
    Case("Upsample", size=(9, 5), mode="bilinear", align_corners=True, inputs=[X4]),
    Case("Upsample", scale_factor=1.5, mode="linear", inputs=[X3]),
    Case("UpsamplingNearest2d", scale_factor=2, inputs=[X4]),
    Case("UpsamplingBilinear2d", size=8, inputs=[X4]),
    Case("Fold", (4, 5), (2, 2), inputs=[(1, 12, 12)]),
    Case("Unfold", (2, 3), padding=1, stride=2, inputs=[X4]),
    *(
        Case(cell, 6, 5, bias=bias, inputs=[X2])
        for cell in ("RNNCell", "LSTMCell", "GRUCell")
        for bias in (True, False)
    ),
    Case("RNNCell", 6, 5, nonlinearity="relu", inputs=[X2, (4, 5)]),
    Case("GRUCell", 6, 5, inputs=[(6,), (5,)]),
    *(
        Case(layer, 8, 5, 2, inputs=[X3], **options)
        for layer in ("RNN", "LSTM", "GRU")
        for options in ({}, {"bidirectional": True}, {"batch_first": True, "bias": False})
    ),
    Case("RNN", 8, 5, 1, "relu", inputs=[X3]),
    Case("LSTM", 8, 5, proj_size=3, num_layers=2, bidirectional=True, inputs=[X3]),
    Case("GRU", 8, 5, inputs=[(4, 8)]),
]


def resolve(value: Any, library: Any, generator: Any) -> Any:
    """A constructor argument: values become the library's tensor."""
    if isinstance(value, Values):
        return library.from_numpy(value.make(generator))
    return value


def build(case: Case, library: Any) -> Any:
    generator = np.random.default_rng(1)
    args = [resolve(a, library, generator) for a in case.args]
    kwargs = {k: resolve(v, library, generator) for k, v in case.kwargs.items()}
    library.manual_seed(7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(library.nn, case.layer)(*args, **kwargs)


def tensors(case: Case, library: Any) -> list:
    generator = np.random.default_rng(2)
    made = []
    for spec in case.inputs:
        if isinstance(spec, Values):
            values, grad = spec.make(generator), spec.grad
        else:
            values, grad = generator.standard_normal(spec).astype(np.float32), True
        made.append(library.from_numpy(values.copy()).requires_grad_(grad))
    return made


def flat(outputs: Any) -> list:
    if isinstance(outputs, tuple | list):
        return [each for output in outputs for each in flat(output)]
    return [outputs]


def state(module: Any) -> dict[str, np.ndarray]:
    return {k: v.detach().numpy().copy() for k, v in module.state_dict().items()}


def run(case: Case, library: Any, module: Any, training: bool) -> dict[str, np.ndarray]:
    """Outputs, gradients and state of one forward and backward."""
    module.train(training)
    for parameter in module.parameters():
        parameter.grad = None
    inputs = tensors(case, library)
    library.manual_seed(3)
    outputs = flat(module(*inputs))
    found = {f"output {i}": o.detach().numpy() for i, o in enumerate(outputs)}
    generator = np.random.default_rng(4)
    total = 0
    for output in outputs:
        if output.requires_grad:
            weights = generator.standard_normal(tuple(output.shape)).astype(np.float32)
            total = total + (output * library.from_numpy(np.asarray(weights))).sum()
    if not isinstance(total, int):
        total.backward()
    grads = {f"input {i}": x.grad for i, x in enumerate(inputs)}
    grads |= {name: p.grad for name, p in module.named_parameters()}
    found |= {f"grad of {k}": g.detach().numpy() for k, g in grads.items() if g is not None}
    return found | state(module)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_layer(case: Case) -> None:
    ours, theirs = build(case, rl), build(case, torch)
    assert repr(ours) == repr(theirs)
    initial, expected = state(ours), state(theirs)
    assert list(initial) == list(expected)
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    assert [n for n, _ in ours.named_buffers()] == [n for n, _ in theirs.named_buffers()]
    for name, values in expected.items():
        assert initial[name].dtype == values.dtype
        np.testing.assert_array_equal(initial[name], values, err_msg=name)

    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.3)
    loaded = {k: rl.from_numpy(v.detach().numpy()) for k, v in theirs.state_dict().items()}
    assert str(ours.load_state_dict(loaded)) == "<All keys matched successfully>"
    for training in (True, False):
        expected = run(case, torch, theirs, training)
        found = run(case, rl, ours, training)
        assert list(found) == list(expected)
        for name, values in expected.items():
            assert found[name].dtype == values.dtype, name
            np.testing.assert_allclose(
                found[name], values, rtol=2e-4, atol=2e-5, err_msg=f"{name}, training={training}"
            )
