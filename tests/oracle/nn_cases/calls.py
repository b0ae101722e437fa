"""Every way to call a layer of sequences, a resampling, a padding: arguments in combination."""

from __future__ import annotations

from itertools import product

PREPARE = """
from_packed = torch.nn.utils.rnn.pad_packed_sequence
pack = torch.nn.utils.rnn.pack_padded_sequence
def tensors(v):
    if isinstance(v, torch.Tensor):
        return [v]
    return [t for each in v for t in tensors(each)] if isinstance(v, (tuple, list)) else []
def go(make, *args, evaluate=False, **kwargs):
    torch.manual_seed(5)
    m = make().train(not evaluate)
    got = m(*args, **kwargs)
    parts = [t for t in tensors(got) if t.requires_grad]
    sum((t * data(*t.shape, seed=7)).sum() for t in parts).backward()
    given = [t.grad for t in tensors([list(args), list(kwargs.values())]) if t.is_leaf]
    return got, given, {n: p.grad for n, p in m.named_parameters()}
def call(f, x, *args, **kwargs):
    y = f(x, *args, **kwargs)
    (y * data(*y.shape, seed=3)).sum().backward()
    return y, x.grad
x = data(5, 3, 4, grad=True)
"""

# ---- recurrent layers: states given, packed sequences, wrong states
KINDS = ("RNN", "LSTM", "GRU")
LAYERS = ("", ", num_layers=2, dropout=0.4", ", bidirectional=True", ", batch_first=True",
          ", bias=False, num_layers=2, bidirectional=True", ", proj_size=2",
          ", proj_size=2, bidirectional=True, num_layers=2")


def recurrent(kind: str) -> str:
    lines = []
    for layer in LAYERS:
        if "proj_size" in layer and kind != "LSTM":
            continue
        depth = 2 if "num_layers" in layer else 1
        depth *= 2 if "bidirectional" in layer else 1
        out = 2 if "proj_size" in layer else 6
        rows = 5 if "batch_first" in layer else 3
        made = f"lambda: nn.{kind}(4, 6{layer})"

        def state(*shape: int, kind: str = kind, out: int = out) -> str:
            first = f"data({', '.join(map(str, (*shape, out)))}, seed=1, grad=True)"
            second = f"data({', '.join(map(str, (*shape, 6)))}, seed=2, grad=True)"
            return f"({first}, {second})" if kind == "LSTM" else first

        for call in ("data(5, 3, 4, grad=True)", "data(5, 4, grad=True)",
                     f"data(5, 3, 4, grad=True), {state(depth, rows)}",
                     f"data(5, 4, grad=True), {state(depth)}",
                     f"data(5, 3, 4), {state(depth)}", f"data(5, 4), {state(depth, rows)}",
                     f"data(5, 3, 4), {state(depth + 1, rows)}",
                     f"data(5, 3, 4), {state(depth, rows + 1)}"):
            lines += [f"go({made}, {call})", f"go({made}, {call}, evaluate=True)"]
        order = ", batch_first=True" if "batch_first" in layer else ""
        lengths = "[2, 3, 1, 3, 2]" if order else "[2, 5, 4]"
        for sort in ("", ", enforce_sorted=False"):
            packed = f"pack(data(5, 3, 4, grad=True), {lengths}{order}{sort})"
            lines += [f"go({made}, {packed})", f"go({made}, {packed}, {state(depth, rows)})"]
    return PREPARE + "\n".join(lines)


# ---- attention: masks of every kind, weights wanted or not
MASKS = ("", "key_padding_mask=torch.tensor([[False, False, True]] * 2)",
         "key_padding_mask=data(2, 3, seed=4)",
         "attn_mask=torch.tensor([[False, True, True], [False, False, True]] * 2)",
         "attn_mask=data(4, 3, seed=5)", "attn_mask=data(4, 4, 3, seed=6)",
         "attn_mask=data(4, 3), is_causal=True", "is_causal=True", "attn_mask=data(3, 3)",
         "attn_mask=data(4, 3, seed=5), key_padding_mask=data(2, 3, seed=4)",
         "key_padding_mask=torch.ones(2, 2, dtype=torch.bool)", "attn_mask=torch.ones(4, 3).long()")
WANTED = ("", "need_weights=False", "average_attn_weights=False")
MADE = ("", ", add_bias_kv=True", ", add_zero_attn=True", ", dropout=0.3", ", bias=False")


def attention() -> str:
    lines = []
    for made, mask, wanted, still in product(MADE, MASKS, WANTED, ("", "evaluate=True")):
        options = ", ".join(filter(None, (
            "data(4, 2, 4, grad=True)", "data(3, 2, 4, seed=1, grad=True)",
            "data(3, 2, 4, seed=2, grad=True)", mask, wanted, still)))
        lines.append(f"go(lambda: nn.MultiheadAttention(4, 2{made}), {options})")
    return PREPARE + "\n".join(lines)


def encoder() -> str:
    lines = []
    masks = ("", "mask=torch.full((5, 5), float('-inf')).triu(1)", "is_causal=True",
             "src_key_padding_mask=torch.tensor([[False] * 4 + [True]] * 3)",
             "mask=data(5, 5, seed=1), src_key_padding_mask=data(3, 5, seed=2)",
             "mask=torch.ones(5, 5).triu(1).bool(), is_causal=True", "mask=data(4, 5)")
    for first, norm, mask, still in product(
            ("", ", norm_first=True", ", activation='gelu'", ", bias=False"),
            ("", ", norm=nn.LayerNorm(4)", ", enable_nested_tensor=False"), masks,
            ("", ", evaluate=True")):
        layer = f"nn.TransformerEncoderLayer(4, 2, 6, 0.1, batch_first=True{first})"
        given = f", {mask}" if mask else ""
        lines.append(f"go(lambda: nn.TransformerEncoder({layer}, 2{norm}), "
                     f"data(3, 5, 4, grad=True){given}{still})")
    return PREPARE + "\n".join(lines)


def resampling() -> str:
    lines = []
    modes = ("nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "area")
    places = ("size=7", "size=3", "scale_factor=2", "scale_factor=1.7", "scale_factor=0.6",
              "size=5, scale_factor=2", "")
    for shape, mode, place in product(("2, 3, 5", "2, 3, 5, 4", "1, 2, 5, 4, 3"), modes, places):
        for more in ("", ", align_corners=True", ", align_corners=False", ", antialias=True",
                     ", recompute_scale_factor=True",
                     ", recompute_scale_factor=True, align_corners=False"):
            options = ", ".join(filter(None, (place, f"mode={mode!r}"))) + more
            lines.append(f"call(F.interpolate, data({shape}, grad=True), {options})")
    return PREPARE + "\n".join(lines)


def padding() -> str:
    lines = []
    for shape, mode, pad in product(
            ("5", "3, 5", "2, 3, 5", "2, 3, 5, 4", "1, 2, 3, 5, 4"),
            ("constant", "reflect", "replicate", "circular", "zip"),
            ("(1, 2)", "(1, 0, 2, 1)", "(1, 1, 0, 2, 1, 1)", "(-1, 2)", "(-1, -1, 1, 0)", "(1,)",
             "(6, 6)", "()")):
        for value in ("", ", value=2.5"):
            lines.append(f"call(F.pad, data({shape}, grad=True), {pad}, mode={mode!r}{value})")
    return PREPARE + "\n".join(lines)


CASES = {**{kind: recurrent(kind) for kind in KINDS}, "MultiheadAttention": attention(),
         "TransformerEncoder": encoder(), "interpolate": resampling(), "pad": padding()}
