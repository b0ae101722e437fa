"""Every constructor option of every layer: each value alone and each pair of options together.

A layer's row: what it is given first, the other values of its options, its inputs. Each combination
is one statement: initial state, outputs, gradients, buffers, the output in evaluation, the repr.
"""

# ruff: noqa: E501 - the programs are text

from __future__ import annotations

from itertools import combinations, product

PREPARE = """
wide = functools.partial(data, dtype="float64")
def tensors(v):
    if isinstance(v, torch.Tensor):
        return [v]
    if isinstance(v, dict):
        v = list(v.values())
    return [t for each in v for t in tensors(each)] if isinstance(v, (tuple, list)) else []
def go(make, *args, **kwargs):
    torch.manual_seed(3)
    m = make()
    lazy = "Lazy" in type(m).__name__
    start = list(m.state_dict()) if lazy else copy.deepcopy(m.state_dict())
    got = m(*args, **kwargs)
    floats = [t for t in tensors(got) if t.is_floating_point() and t.requires_grad]
    if floats:
        loss = sum((t * data(*t.shape, seed=7, dtype=str(t.dtype).split(".")[-1])).sum() for t in floats)
        loss.backward()
    grads = [t.grad for t in tensors([list(args), kwargs])], {n: p.grad for n, p in m.named_parameters()}
    for t in tensors([list(args), kwargs]):
        t.grad = None
    after = copy.deepcopy(m.state_dict())
    m.eval()
    with torch.no_grad():
        calm = m(*args, **kwargs)
    calm = [t.detach() for t in tensors(calm)]
    return repr(m), m.extra_repr(), start, got, grads, after, calm
"""

CONV = {"stride": ["2"], "padding": ["1", "'same'", "'valid'"], "dilation": ["2"], "groups": ["2"],
        "bias": ["False"], "padding_mode": ["'zeros'", "'reflect'", "'replicate'", "'circular'"],
        "dtype": ["torch.float64"]}
TRANSPOSED = {"stride": ["2"], "padding": ["1"], "output_padding": ["1"], "groups": ["2"],
              "bias": ["False"], "dilation": ["2"], "padding_mode": ["'reflect'"]}
RECURRENT = {"num_layers": ["2"], "bias": ["False"], "batch_first": ["True"], "dropout": ["0.5"],
             "bidirectional": ["True"], "dtype": ["torch.float64"]}
NORM = {"eps": ["0.1"], "momentum": ["None", "0.5", "0.0"], "affine": ["False", "True"],
        "track_running_stats": ["False", "True"], "dtype": ["torch.float64"]}
REDUCED = {"reduction": ["'sum'", "'none'", "'mean'", "'zip'"], "size_average": ["False"],
           "reduce": ["False"]}
MAX_POOL = {"stride": ["1", "3"], "padding": ["1"], "dilation": ["2"], "return_indices": ["True"],
            "ceil_mode": ["True"]}
AVERAGE_POOL = {"stride": ["1", "3"], "padding": ["1"], "ceil_mode": ["True"],
                "count_include_pad": ["False"]}

# layer: (arguments, options, inputs)
LAYERS: dict[str, tuple[str, dict[str, list[str]], list[str]]] = {
    "Linear": ("3, 4", {"bias": ["False"], "dtype": ["torch.float64"], "device": ["'cpu'"]},
               ["data(2, 3, grad=True)", "data(3, grad=True)", "data(2, 4)", "torch.ones(2, 3, dtype=torch.long)"]),
    "Bilinear": ("3, 4, 2", {"bias": ["False"], "dtype": ["torch.float64"]}, ["data(5, 3, grad=True), data(5, 4, grad=True)", "data(5, 3), data(4, 4)", "data(3, grad=True), data(4)"]),
    "Conv1d": ("4, 6, 3", CONV, ["data(2, 4, 9, grad=True)", "data(4, 9, grad=True)", "data(2, 3, 9)"]),
    "Conv2d": ("4, 6, 3", CONV, ["data(2, 4, 7, 8, grad=True)", "data(4, 7, 8)", "data(2, 4, 8)"]),
    "Conv3d": ("2, 4, (1, 3, 2)", CONV, ["data(1, 2, 3, 5, 4, grad=True)", "data(2, 3, 5, 4)"]),
    "ConvTranspose1d": ("4, 6, 3", TRANSPOSED, ["data(2, 4, 5, grad=True)", "data(4, 5)"]),
    "ConvTranspose2d": ("4, 6, 3", TRANSPOSED, ["data(2, 4, 5, 3, grad=True)", "data(4, 5, 3)", "data(2, 4, 5, 3, grad=True), [9, 9]", "data(2, 4, 5, 3), [12, 7]"]),
    "ConvTranspose3d": ("2, 4, (1, 3, 2)", TRANSPOSED, ["data(1, 2, 3, 4, 3, grad=True)"]),
    "LazyConv1d": ("6, 3", CONV, ["data(2, 4, 9, grad=True)"]),
    "LazyConv2d": ("6, 3", CONV, ["data(2, 4, 7, 8, grad=True)"]),
    "LazyConvTranspose2d": ("6, 3", TRANSPOSED, ["data(2, 4, 5, 3, grad=True)"]),
    "LazyLinear": ("4", {"bias": ["False"], "dtype": ["torch.float64"]}, ["data(2, 3, grad=True)"]),
    "LazyBatchNorm2d": ("", NORM, ["data(3, 4, 2, 2, grad=True)"]),
    "LazyInstanceNorm2d": ("", NORM, ["data(3, 4, 2, 2, grad=True)"]),
    "BatchNorm1d": ("4", NORM, ["data(5, 4, grad=True)", "data(5, 4, 3, grad=True)", "data(1, 4)", "data(5, 3)", "data(4)"]),
    "BatchNorm2d": ("4", NORM, ["data(3, 4, 2, 3, grad=True)", "data(3, 4)", "data(3, 3, 2, 2)"]),
    "BatchNorm3d": ("4", NORM, ["data(3, 4, 2, 3, 2, grad=True)", "data(3, 4)"]),
    "InstanceNorm1d": ("4", NORM, ["data(5, 4, 3, grad=True)", "data(4, 3, grad=True)", "data(5, 4, 1)", "data(5, 3, 3)"]),
    "InstanceNorm2d": ("4", NORM, ["data(3, 4, 2, 3, grad=True)", "data(4, 2, 3)", "data(4, 2)"]),
    "InstanceNorm3d": ("4", NORM, ["data(3, 4, 2, 3, 2, grad=True)"]),
    "GroupNorm": ("2, 4", {"eps": ["0.1"], "affine": ["False"], "dtype": ["torch.float64"]}, ["data(3, 4, 5, grad=True)", "data(3, 4, grad=True)", "data(3, 6, 2)", "data(4)"]),
    "LayerNorm": ("(3, 4)", {"eps": ["0.1"], "elementwise_affine": ["False"], "bias": ["False"], "dtype": ["torch.float64"]},
                  ["data(2, 3, 4, grad=True)", "data(3, 4)", "data(4, 3)", "data(2, 3, 4, dtype='float64')"]),
    "RMSNorm": ("4", {"eps": ["0.1", "None"], "elementwise_affine": ["False"], "dtype": ["torch.float64"]}, ["data(2, 3, 4, grad=True)", "data(4, 3)"]),
    "LocalResponseNorm": ("3", {"alpha": ["0.1"], "beta": ["0.5"], "k": ["2.0"]}, ["data(2, 5, 4, grad=True)", "data(2, 5, 4, 3, grad=True)"]),
    "CrossMapLRN2d": ("3", {"alpha": ["0.1"], "beta": ["0.5"], "k": ["2"]}, ["data(2, 5, 4, 3)", "data(2, 5)"]),  # torch's gradient is not that of its values
    "RNN": ("3, 4", {**RECURRENT, "nonlinearity": ["'relu'", "'zip'"]}, ["data(5, 2, 3, grad=True)", "data(5, 3, grad=True)", "data(5, 2, 4)", "data(5)"]),
    "LSTM": ("3, 4", {**RECURRENT, "proj_size": ["2", "4"]}, ["data(5, 2, 3, grad=True)", "data(5, 3, grad=True)", "data(5, 2, 4)"]),
    "GRU": ("3, 4", RECURRENT, ["data(5, 2, 3, grad=True)", "data(5, 3, grad=True)", "data(2, 5, 3, 1)"]),
    "RNNCell": ("3, 4", {"bias": ["False"], "nonlinearity": ["'relu'", "'zip'"], "dtype": ["torch.float64"]}, ["data(2, 3, grad=True)", "data(3, grad=True)", "data(2, 3), data(2, 4, seed=1)", "data(2, 3), data(3, 4)", "data(2, 2)", "data(2, 2, 3)"]),
    "LSTMCell": ("3, 4", {"bias": ["False"], "dtype": ["torch.float64"]}, ["data(2, 3, grad=True)", "data(3)", "data(2, 3), (data(2, 4), data(2, 4, seed=1))", "data(2, 3), (data(2, 4), data(2, 3))", "data(1, 2, 3)"]),
    "GRUCell": ("3, 4", {"bias": ["False"], "dtype": ["torch.float64"]}, ["data(2, 3, grad=True)", "data(3)", "data(2, 3), data(2, 4)", "data(2, 3), data(2, 5)"]),
    "Embedding": ("5, 3", {"padding_idx": ["1", "-1", "7"], "max_norm": ["1.0"], "norm_type": ["1.0"], "scale_grad_by_freq": ["True"], "dtype": ["torch.float64"]},
                  ["torch.tensor([[1, 2], [2, 4]])", "torch.tensor(3)", "torch.tensor([5])", "torch.tensor([1.0])", "torch.tensor([1, 0], dtype=torch.int32)"]),
    "EmbeddingBag": ("5, 3", {"padding_idx": ["1"], "max_norm": ["1.0"], "norm_type": ["1.0"], "mode": ["'sum'", "'max'", "'zip'"], "include_last_offset": ["True"]},
                     ["torch.tensor([[1, 2], [2, 4]])", "torch.tensor([1, 2, 2, 4]), torch.tensor([0, 2, 4])", "torch.tensor([1, 2])", "torch.tensor([[1, 2]]), None, data(1, 2, grad=True)"]),
    "MaxPool1d": ("2", MAX_POOL, ["data(2, 3, 9, grad=True)", "data(3, 9)"]),
    "MaxPool2d": ("(2, 3)", MAX_POOL, ["data(2, 3, 7, 8, grad=True)", "data(3, 7, 8)"]),
    "MaxPool3d": ("(1, 2, 2)", MAX_POOL, ["data(1, 2, 4, 6, 5, grad=True)"]),
    "AvgPool1d": ("3", AVERAGE_POOL, ["data(2, 3, 9, grad=True)", "data(3, 9)"]),
    "AvgPool2d": ("(2, 3)", {**AVERAGE_POOL, "divisor_override": ["2", "0", "-3"]}, ["data(2, 3, 7, 8, grad=True)", "data(3, 7, 8)"]),
    "AvgPool3d": ("2", {**AVERAGE_POOL, "divisor_override": ["2", "0"]}, ["data(1, 2, 4, 6, 5, grad=True)"]),
    "LPPool1d": ("2, 3", {"stride": ["1"], "ceil_mode": ["True"]}, ["data(2, 3, 9, grad=True)", "data(3, 9)"]),
    "LPPool2d": ("1.5, 2", {"stride": ["1"], "ceil_mode": ["True"]}, ["data(2, 3, 7, 8).abs().requires_grad_()"]),
    "LPPool3d": ("2, 2", {"stride": ["1"], "ceil_mode": ["True"]}, ["data(1, 2, 4, 6, 5, grad=True)"]),
    "FractionalMaxPool2d": ("2", {"output_size": ["(3, 4)", "3"], "output_ratio": ["0.5", "(0.5, 0.7)", "1.5"], "return_indices": ["True"]}, ["data(2, 3, 7, 8, grad=True)", "data(3, 7, 8)"]),
    "FractionalMaxPool3d": ("2", {"output_size": ["2"], "output_ratio": ["0.5"], "return_indices": ["True"]}, ["data(1, 2, 5, 6, 5, grad=True)"]),
    "AdaptiveMaxPool1d": ("3", {"return_indices": ["True"]}, ["data(2, 3, 8, grad=True)", "data(3, 8)", "data(8)"]),
    "AdaptiveMaxPool2d": ("(3, None)", {"return_indices": ["True"]}, ["data(2, 3, 7, 4, grad=True)", "data(3, 7, 4)"]),
    "AdaptiveMaxPool3d": ("(3, None, 2)", {"return_indices": ["True"]}, ["data(1, 3, 7, 4, 5, grad=True)"]),
    "AdaptiveAvgPool1d": ("3", {}, ["data(2, 3, 8, grad=True)", "data(3, 8)", "data(8)"]),
    "AdaptiveAvgPool2d": ("(3, None)", {}, ["data(2, 3, 7, 4, grad=True)", "data(3, 7, 4)", "data(7, 4)"]),
    "AdaptiveAvgPool3d": ("(3, None, 2)", {}, ["data(1, 3, 7, 4, 5, grad=True)"]),
    "Upsample": ("", {"size": ["(5, 6)", "7"], "scale_factor": ["2", "(1.5, 2.3)"], "mode": ["'bilinear'", "'bicubic'", "'nearest-exact'", "'linear'", "'zip'"], "align_corners": ["True", "False"], "recompute_scale_factor": ["True"]}, ["data(2, 3, 4, 5, grad=True)"]),
    "UpsamplingNearest2d": ("", {"size": ["(5, 6)"], "scale_factor": ["2", "1.5"]}, ["data(2, 3, 4, 5, grad=True)"]),
    "UpsamplingBilinear2d": ("", {"size": ["(5, 6)"], "scale_factor": ["2", "1.5"]}, ["data(2, 3, 4, 5, grad=True)"]),
    "Fold": ("(4, 5), (2, 2)", {"dilation": ["2"], "padding": ["1"], "stride": ["2"]}, ["data(2, 12, 12, grad=True)", "data(12, 12)", "data(2, 12, 6, grad=True)", "data(2, 12, 30)", "data(2, 12, 4)", "data(2, 11, 12)", "data(2, 12, 6)", "data(2, 12, 9)"]),
    "Unfold": ("(2, 2)", {"dilation": ["2"], "padding": ["1"], "stride": ["2"]}, ["data(2, 3, 4, 5, grad=True)", "data(3, 4, 5)", "data(4, 5)"]),
    "PixelShuffle": ("2", {}, ["data(2, 8, 3, 2, grad=True)", "data(8, 3, 2)", "data(7, 3, 2)"]),
    "PixelUnshuffle": ("2", {}, ["data(2, 2, 4, 6, grad=True)", "data(2, 4, 5)"]),
    "ChannelShuffle": ("2", {}, ["data(2, 4, 3, 2, grad=True)", "data(4, 3)"]),
    "Flatten": ("", {"start_dim": ["0", "2", "5"], "end_dim": ["1", "-2"]}, ["data(2, 3, 4, grad=True)"]),
    "Unflatten": ("1", {"unflattened_size": ["(2, 2)", "[2, -1]", "(3, 2)"]}, ["data(2, 4, 3, grad=True)"]),
    "CosineSimilarity": ("", {"dim": ["0", "-1"], "eps": ["0.1"]}, ["data(3, 4, grad=True), data(3, 4, seed=1, grad=True)", "data(3, 4), data(3, 5)"]),
    "PairwiseDistance": ("", {"p": ["1.0", "3.0", "float('inf')"], "eps": ["0.1"], "keepdim": ["True"]}, ["data(3, 4, grad=True), data(3, 4, seed=1, grad=True)", "data(3, 4), data(3, 5)"]),
    "Dropout": ("", {"p": ["0.0", "1.0", "0.3", "1.5"], "inplace": ["True"]}, ["data(4, 5)", "data(4, 5, grad=True) * 1"]),
    "Dropout1d": ("", {"p": ["0.0", "1.0", "0.3"], "inplace": ["True"]}, ["data(2, 4, 5)", "data(4, 5)", "data(2)"]),
    "Dropout2d": ("", {"p": ["0.3"], "inplace": ["True"]}, ["data(2, 4, 5, 2)", "data(4, 5, 2)"]),
    "Dropout3d": ("", {"p": ["0.3"], "inplace": ["True"]}, ["data(2, 4, 3, 5, 2)"]),
    "AlphaDropout": ("", {"p": ["0.0", "1.0", "0.3"], "inplace": ["True"]}, ["data(4, 5)"]),
    "FeatureAlphaDropout": ("", {"p": ["0.3"], "inplace": ["True"]}, ["data(2, 4, 5)"]),
    "MultiheadAttention": ("4, 2", {"dropout": ["0.3"], "bias": ["False"], "add_bias_kv": ["True"], "add_zero_attn": ["True"], "kdim": ["3"], "vdim": ["5"], "batch_first": ["True"], "dtype": ["torch.float64"]},
                           ["data(3, 2, 4, grad=True), data(5, 2, 4, seed=1), data(5, 2, 4, seed=2)", "data(3, 2, 4), data(3, 5, 4), data(3, 5, 4)", "data(3, 2, 4), data(5, 2, 3), data(5, 2, 5)", "data(3, 4), data(5, 4), data(5, 4)"]),
    "TransformerEncoderLayer": ("4, 2, 6", {"dropout": ["0.0", "0.3"], "activation": ["'gelu'", "F.silu", "nn.GELU()", "'zip'"], "layer_norm_eps": ["0.1"], "batch_first": ["True"], "norm_first": ["True"], "bias": ["False"], "dtype": ["torch.float64"]}, ["data(3, 2, 4, grad=True)", "data(3, 4)"]),
    "TransformerDecoderLayer": ("4, 2, 6", {"dropout": ["0.0", "0.3"], "activation": ["'gelu'", "F.silu", "nn.GELU()"], "layer_norm_eps": ["0.1"], "batch_first": ["True"], "norm_first": ["True"], "bias": ["False"], "dtype": ["torch.float64"]}, ["data(3, 2, 4, grad=True), data(3, 2, 4, seed=1)", "data(3, 4), data(5, 4)"]),
    "Transformer": ("4, 2, 1, 1, 6", {"dropout": ["0.0"], "activation": ["'gelu'"], "layer_norm_eps": ["0.1"], "batch_first": ["True"], "norm_first": ["True"], "bias": ["False"]}, ["data(3, 2, 4, grad=True), data(5, 2, 4, seed=1)", "data(3, 2, 4), data(3, 5, 4)"]),
    "AdaptiveLogSoftmaxWithLoss": ("4, 9, [3, 6]", {"div_value": ["2.0"], "head_bias": ["True"], "dtype": ["torch.float64"]}, ["data(4, 4, grad=True), torch.tensor([0, 4, 8, 2])", "data(4, grad=True), torch.tensor(7)", "data(4, 4), torch.tensor([0, 9, 8, 2])", "data(4, 3), torch.tensor([0, 1, 8, 2])"]),
}

ACTIVATIONS: dict[str, tuple[str, dict[str, list[str]]]] = {
    "ELU": ("", {"alpha": ["2.0"], "inplace": ["True"]}), "CELU": ("", {"alpha": ["2.0", "0.0"], "inplace": ["True"]}),
    "SELU": ("", {"inplace": ["True"]}), "GELU": ("", {"approximate": ["'tanh'", "'zip'"]}), "GLU": ("", {"dim": ["0", "1", "5"]}),
    "Hardshrink": ("", {"lambd": ["0.2", "-1.0"]}), "Hardsigmoid": ("", {"inplace": ["True"]}), "Hardswish": ("", {"inplace": ["True"]}),
    "Hardtanh": ("", {"min_val": ["-0.3", "2.0"], "max_val": ["0.4"], "inplace": ["True"]}), "LeakyReLU": ("", {"negative_slope": ["0.3"], "inplace": ["True"]}),
    "LogSigmoid": ("", {}), "LogSoftmax": ("", {"dim": ["0", "-1", "None"]}), "Mish": ("", {"inplace": ["True"]}),
    "PReLU": ("", {"num_parameters": ["4", "3"], "init": ["0.7"], "dtype": ["torch.float64"]}), "ReLU": ("", {"inplace": ["True"]}), "ReLU6": ("", {"inplace": ["True"]}),
    "RReLU": ("", {"lower": ["0.05"], "upper": ["0.5", "0.1"], "inplace": ["True"]}), "SiLU": ("", {"inplace": ["True"]}), "Sigmoid": ("", {}),
    "Softmax": ("", {"dim": ["0", "-1", "None"]}), "Softmax2d": ("", {}), "Softmin": ("", {"dim": ["0", "-1"]}),
    "Softplus": ("", {"beta": ["2.0", "-1"], "threshold": ["0.5"]}), "Softshrink": ("", {"lambd": ["0.2"]}), "Tanh": ("", {}),
    "Threshold": ("0.1, 3.0", {"inplace": ["True"]}), "Identity": ("", {"zip": ["3"]}),
}
SHAPES = ["data(2, 4, 6, grad=True) * 1", "data(4, 2, dtype='float64', grad=True) * 1", "data(3, 4, 2, 2)", "torch.tensor([1, 2])", "torch.tensor([True])"]
for _name, (_given, _options) in ACTIVATIONS.items():
    LAYERS[_name] = (_given, _options, SHAPES)
LAYERS["Softsign"] = LAYERS["Tanhshrink"] = ("", {}, SHAPES[:-1])  # ours take bool, too
for _rank in (1, 2, 3):
    _shape = ", ".join(["2", "3", "5", "4", "6"][: _rank + 2])
    for _kind in ("Zero", "Constant", "Reflection", "Replication", "Circular"):
        for _pad in ("1", str(tuple(range(2 * _rank))), str((-1,) * 2 * _rank), str((4,) * 2 * _rank)):
            _values = {"value": ["2.5", "0"]} if _kind == "Constant" else {}
            LAYERS[f"{_kind}Pad{_rank}d {_pad}"] = (
                _pad, _values, [f"data({_shape}, grad=True)", f"data({_shape[3:]})", "data(2)"])

_CLASSES = "data(4, 3, grad=True), torch.tensor([0, 2, 1, 2])"
_IMAGES = "data(2, 3, 2, grad=True), torch.tensor([[0, 2], [1, 1]])"
_PAIR = "data(3, 4, grad=True), data(3, 4, seed=1, grad=True)"
_ODD = "data(3, 4), data(3, 5)"
_SIGNS = "torch.tensor([1., -1., 1.])"
LOSSES: dict[str, tuple[str, dict[str, list[str]], list[str]]] = {
    "L1Loss": ("", {}, [_PAIR, _ODD, "torch.tensor([1]), torch.tensor([3])"]),
    "MSELoss": ("", {}, [_PAIR, _ODD, "torch.tensor([1]), torch.tensor([3])"]),
    "SmoothL1Loss": ("", {"beta": ["0.5", "0.0", "-1.0"]}, [_PAIR, _ODD]),
    "HuberLoss": ("", {"delta": ["0.5", "0.0"]}, [_PAIR, _ODD]),
    "CrossEntropyLoss": ("", {"weight": ["torch.tensor([1., 2., 0.5])", "torch.ones(2)"], "ignore_index": ["2"], "label_smoothing": ["0.2", "1.5"]},
                         [_CLASSES, _IMAGES, "data(4, 3, grad=True), data(4, 3, seed=1).softmax(1)", "data(3, grad=True), torch.tensor(1)", "data(2, 3, 2, grad=True), data(2, 3, 2, seed=1).softmax(1)", "data(4, 3), torch.tensor([0, 3, 1, 2])", "data(4, 3), torch.tensor([0, 1])"]),
    "NLLLoss": ("", {"weight": ["torch.tensor([1., 2., 0.5])", "torch.ones(2)"], "ignore_index": ["2"]}, [_CLASSES, _IMAGES, "data(2, 3, 2, 2, grad=True), torch.ones(2, 2, 2, dtype=torch.long)", "data(3), torch.tensor(1)", "data(4, 3), torch.tensor([0, 3, 1, 2])", "data(4, 3), torch.tensor([0., 3., 1., 2.])"]),
    "BCELoss": ("", {"weight": ["torch.tensor([1., 2., 0.5, 3.])", "torch.ones(2)"]}, ["data(3, 4).sigmoid().requires_grad_(), data(3, 4, seed=1).sigmoid()", "data(3, 4), data(3, 4)", "torch.ones(3, 4), torch.ones(3)"]),
    "BCEWithLogitsLoss": ("", {"weight": ["torch.tensor([1., 2., 0.5, 3.])"], "pos_weight": ["torch.tensor([2., 2., 0.5, 3.])", "torch.ones(3)"]}, ["data(3, 4, grad=True), data(3, 4, seed=1).sigmoid()", _ODD]),
    "KLDivLoss": ("", {"log_target": ["True"], "reduction": ["'batchmean'", "'sum'", "'none'", "'mean'"]}, [_PAIR, "data(3, 4, grad=True), data(3, 4, seed=1).sigmoid()"]),
    "PoissonNLLLoss": ("", {"log_input": ["False"], "full": ["True"], "eps": ["0.1"]}, ["data(3, 4).abs().requires_grad_(), data(3, 4, seed=1).abs() * 3"]),
    "GaussianNLLLoss": ("", {"full": ["True"], "eps": ["0.1"], "reduction": ["'sum'", "'none'", "'mean'", "'zip'"]}, [_PAIR + ", data(3, 4, seed=2).abs()", _PAIR + ", torch.ones(3, 1)", _PAIR + ", torch.ones(3)", _PAIR + ", -torch.ones(3, 4)", _PAIR + ", torch.ones(2)"]),
    "HingeEmbeddingLoss": ("", {"margin": ["0.5"]}, ["data(3, grad=True), " + _SIGNS]),
    "MarginRankingLoss": ("", {"margin": ["0.5"]}, ["data(3, grad=True), data(3, seed=1, grad=True), " + _SIGNS, _PAIR + ", torch.ones(3)"]),
    "CosineEmbeddingLoss": ("", {"margin": ["0.5"]}, [_PAIR + ", " + _SIGNS, "data(4, grad=True), data(4, seed=1), torch.tensor(-1.)", _PAIR + ", torch.ones(3, 4)"]),
    "SoftMarginLoss": ("", {}, [_PAIR, _ODD]),
    "MultiLabelSoftMarginLoss": ("", {"weight": ["torch.tensor([1., 2., 0.5, 3.])"]}, ["data(3, 4, grad=True), data(3, 4, seed=1).sigmoid().round()"]),
    "MultiLabelMarginLoss": ("", {}, ["data(3, 4, grad=True), torch.tensor([[0, 2, -1, 1], [1, -1, 0, 0], [3, 2, 1, 0]])", "data(4, grad=True), torch.tensor([0, 2, -1, 1])"]),
    "MultiMarginLoss": ("", {"p": ["2", "3"], "margin": ["0.5"], "weight": ["torch.tensor([1., 2., 0.5])"]}, [_CLASSES, "data(3, grad=True), torch.tensor([1])"]),
    "TripletMarginLoss": ("", {"margin": ["0.5", "-1.0"], "p": ["1.0"], "eps": ["0.1"], "swap": ["True"]}, [_PAIR + ", data(3, 4, seed=2, grad=True)", "data(4, grad=True), data(4, seed=1), data(4, seed=2)", _ODD + ", data(3, 4)"]),
    "TripletMarginWithDistanceLoss": ("", {"margin": ["0.5"], "swap": ["True"], "distance_function": ["nn.CosineSimilarity()", "(lambda a, b: (a - b).abs().sum(-1))"], "reduction": ["'sum'", "'none'", "'zip'"]}, [_PAIR + ", data(3, 4, seed=2, grad=True)"]),
    "CTCLoss": ("", {"blank": ["2"], "reduction": ["'sum'", "'none'", "'zip'"], "zero_infinity": ["True"]}, ["data(6, 2, 4, grad=True).log_softmax(-1), torch.tensor([[1, 3, 3], [3, 1, 0]]), [6, 2], [3, 2]"]),
}
WITHOUT_OLD = ("HuberLoss", "GaussianNLLLoss", "TripletMarginWithDistanceLoss", "CTCLoss")
for _name, (_given, _options, _inputs) in LOSSES.items():
    _reduced = REDUCED if _name not in WITHOUT_OLD else {"reduction": REDUCED["reduction"]}
    LAYERS[_name] = (_given, {**_reduced, **_options}, _inputs)


def unlike(layer: str, given: str, inputs: str) -> bool:
    """Where torch looks at what is wrong in another order, or a lazy layer keeps size 0."""
    return (layer.startswith("Lazy") and "affine=False" in given) or (
        layer == "Embedding" and "max_norm" in given and inputs.endswith(("([5])", "([1.0])")))


def program(name: str) -> str:
    """A statement for every input and every choice of up to two options."""
    given, options, inputs = LAYERS[name]
    chosen = [""]
    for count in (1, 2):
        for names in combinations(options, count):
            for values in product(*(options[each] for each in names)):
                chosen.append(", ".join(f"{n}={v}" for n, v in zip(names, values, strict=True)))
    layer = name.split(" ")[0]
    made = [", ".join(filter(None, (given, each))) for each in chosen]
    return PREPARE + "\n".join(
        f"go(lambda: nn.{layer}({each}), {x.replace('data(', 'wide(') if '64' in each else x})"
        for each in made for x in inputs if not unlike(layer, each, x))


CASES = {name: program(name) for name in LAYERS}
