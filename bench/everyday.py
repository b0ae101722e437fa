"""Everyday calls on a thousand and on a million numbers: python bench/everyday.py [NAME ...]"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from limits import Case
from sidebyside import compare

SIDES = {"1,000": (25, 40), "1,000,000": (1000, 1000)}
POWERS = (2, 3, 0.5, -0.5, -1, -2, 2.5)
CONVERSIONS = ("float32 float64", "float64 float32", "float32 int64", "int64 float32",
               "float32 bfloat16", "bfloat16 float32", "float32 float16", "float16 float32",
               "float32 bool", "bool float32", "int64 int32")

# Expressions of x, y, z (floats), w (positive), i, j (int64), m, n (truth values), d (float64),
# c, e (complex), row (the last dimension's), column, places (of elements), rows, flat.
EXPRESSIONS = {
    **{f"x ** {power}": f"w ** {power}" for power in POWERS},
    "2 ** x": "2 ** x", "w ** y": "w ** y", "d ** 2.5": "d.abs() ** 2.5",
    "x + y": "x + y", "x + row": "x + row", "row + x": "row + x", "x * column": "x * column",
    "column * x": "column * x", "x + 1": "x + 1", "x / y": "x / y",
    "x * y + z": "torch.addcmul(z, x, y)",
    "x.t() + y.t()": "x.t() + y.t()", "x.lerp(y, 0.3)": "x.lerp(y, 0.3)", "clamp": "x.clamp(-1, 1)",
    "abs": "x.abs()", "sqrt": "w.sqrt()", "log": "w.log()", "exp": "x.exp()", "sin": "x.sin()",
    "maximum": "torch.maximum(x, y)", "round": "x.round()", "floor": "x.floor()",
    "x // y": "x // w", "x % y": "x % w", "sign": "x.sign()", "reciprocal": "w.reciprocal()",
    "i + j": "i + j", "i * j": "i * j", "i // 7": "i // 7", "c * e": "c * e", "c + e": "c + e",
    "c.abs()": "c.abs()", "x > y": "x > y", "x == y": "x == y", "x > 0": "x > 0",
    "m & n": "m & n", "~m": "~m", "m.logical_or(n)": "m.logical_or(n)", "isnan": "x.isnan()",
    "i == j": "i == j", "isclose": "torch.isclose(x, y)", "where": "torch.where(m, x, y)",
    "where(m, x, 0)": "torch.where(m, x, 0.0)", "masked_fill": "x.masked_fill(m, 0.0)",
    "clone": "x.clone()", "x.t().contiguous()": "x.t().contiguous()",
    "expand, contiguous": "row.expand(x.shape).contiguous()", "zeros_like": "torch.zeros_like(x)",
    "full_like": "torch.full_like(x, 2.0)", "x.fill_": "z.fill_(1.0)", "x.copy_(y)": "z.copy_(y)",
    "x.add_(y)": "z.add_(y)", "x.mul_(1.0)": "z.mul_(1.0)", "x.flip(0)": "x.flip(0)",
    "x.flip(1)": "x.flip(1)",
    "roll": "x.roll(3, 0)", "roll(1)": "x.roll(3, 1)", "repeat": "row.repeat(x.shape[0], 1)",
    "repeat_interleave": "row.repeat_interleave(4)", "tril": "x.tril()", "triu": "x.triu()",
    "cat": "torch.cat([x, y])", "cat, dim 1": "torch.cat([x, y], 1)",
    "stack": "torch.stack([x, y], -1)",
    "pad": "torch.nn.functional.pad(x, (1, 1, 1, 1))",
    "sum": "x.sum()", "sum(0)": "x.sum(0)", "sum(1)": "x.sum(1)", "mean": "x.mean()",
    "var": "x.var()", "std(0)": "x.std(0)", "prod(1)": "x.prod(1)", "max": "x.max()",
    "max(0)": "x.max(0)", "max(1)": "x.max(1)", "amax(0)": "x.amax(0)", "argmax(0)": "x.argmax(0)",
    "argmax": "x.argmax()", "norm": "x.norm()", "norm(1)": "x.norm(dim=1)", "any": "m.any()",
    "all": "n.all()", "m.sum()": "m.sum()", "any(1)": "m.any(1)", "all(0)": "n.all(0)",
    "count_nonzero": "x.count_nonzero()",
    "i.sum()": "i.sum()", "i.sum(0)": "i.sum(0)", "i.max()": "i.max()", "i.max(1)": "i.max(1)",
    "b.sum(1)": "b.sum(1)",
    "b + b": "b + b", "h * h": "h * h",
    "cumsum(0)": "x.cumsum(0)", "cumsum(1)": "x.cumsum(1)", "i.cumsum(1)": "i.cumsum(1)",
    "cumprod(1)": "x.cumprod(1)", "logcumsumexp(1)": "x.logcumsumexp(1)",
    "logsumexp(1)": "x.logsumexp(1)",
    "softmax(1)": "x.softmax(1)", "softmax(0)": "x.softmax(0)", "median": "x.median()",
    "median(1)": "x.median(1)", "mode(1)": "k.mode(1)", "kthvalue": "x.kthvalue(5, 1)",
    "sort": "x.sort(1)", "topk": "x.topk(5, 1)", "unique": "k.unique()",
    "bincount": "k.flatten().bincount()",
    "histc": "x.histc(50)", "searchsorted": "torch.searchsorted(line, x)",
    "nonzero": "m.nonzero()", "x[m]": "x[m]", "x[rows]": "x[rows]", "x[:, rows]": "x[:, columns]",
    "x[rows, columns]": "x[rows, shorter]", "flat[places]": "flat[places]",
    "index_select": "x.index_select(0, rows)",
    "index_select(1)": "x.index_select(1, columns)", "index_add": "x.index_add(0, rows, y)",
    "gather(1)": "x.gather(1, across)", "gather(0)": "x.gather(0, down)",
    "scatter(1)": "x.scatter(1, across, y)",
    "scatter_add(1)": "x.scatter_add(1, across, y)", "take": "x.take(places)",
    "index_put": "x.index_put((rows,), y)", "x[m] = 0": "z.__setitem__(m, 0.0)",
    "x[:, ::2]": "x[:, ::2].contiguous()",
    "dropout": "torch.nn.functional.dropout(x, 0.5)", "rand": "torch.rand(x.shape)",
    "randn": "torch.randn(x.shape)", "randint": "torch.randint(0, 9, x.shape)",
    "bernoulli": "torch.bernoulli(p)", "randperm": "torch.randperm(x.numel())",
    "linspace": "torch.linspace(0, 1, x.numel())", "arange": "torch.arange(x.numel())",
    "outer": "torch.outer(row, row)", "one_hot": "torch.nn.functional.one_hot(rows)",
    "diff": "x.diff()", "cdist": "torch.cdist(x[:20], y[:20])", "dot": "flat.dot(flat)",
    "mse_loss": "torch.nn.functional.mse_loss(x, y)",
    "huber_loss": "torch.nn.functional.huber_loss(x, y)",
    "bce_with_logits": "torch.nn.functional.binary_cross_entropy_with_logits(x, p)",
    "cross_entropy": "torch.nn.functional.cross_entropy(x, classes)",
    "gelu": "torch.nn.functional.gelu(x)", "silu": "torch.nn.functional.silu(x)",
    "leaky_relu": "torch.nn.functional.leaky_relu(x)", "elu": "torch.nn.functional.elu(x)",
    "hardswish": "torch.nn.functional.hardswish(x)", "softplus": "torch.nn.functional.softplus(x)",
    "logsigmoid": "torch.nn.functional.logsigmoid(x)", "glu": "torch.nn.functional.glu(x)",
    "layer_norm": "torch.nn.functional.layer_norm(x, x.shape[1:])",
    "batch_norm": "torch.nn.functional.batch_norm(x, None, None, training=True)",
    "normalize": "torch.nn.functional.normalize(x)",
    "add, out": "torch.add(x, y, out=z)", "exp, out": "torch.exp(x, out=z)",
    "clamp, out": "torch.clamp(x, -1, 1, out=z)", "gt, out": "torch.gt(x, y, out=m)",
    "mean(0), out": "torch.mean(x, 0, out=row)", "cat, out": "torch.cat([x, y], out=xy)",
    "x + d": "x + d", "x * m": "x * m", "i + 1.5": "i + 1.5", "i / j": "i / j", "h * 2": "h * 2",
    "x[place]": "x[places[0] % len(x)]", "x[list]": "x[[0, 1, 2]]",
    "arange of floats": "torch.arange(0, x.numel(), 1.0)",
    "bmm of one": "torch.bmm(x[None], y.t()[None])",
}
BACKWARD = {
    **{f"{name}, in place": text for name, text in (
        ("relu", "(x * 2).relu_()"), ("add", "(x * 2).add_(y)"), ("mul", "(x * 2).mul_(y)"),
        ("clamp", "(x * 2).clamp_(-1, 1)"),
        ("hardswish", "torch.nn.functional.hardswish(x * 2, inplace=True)"))},
    "x * m": "x * m",
    "x ** 2": "x ** 2", "x ** 0.5": "(x * x + 1) ** 0.5", "x * row": "x * row",
    "clamp": "x.clamp(-1, 1)",
    "dropout": "torch.nn.functional.dropout(x, 0.5)", "x[rows]": "x[rows]", "x[m]": "x[m]",
    "gather": "x.gather(1, across)", "where": "torch.where(m, x, y)", "cat": "torch.cat([x, x])",
    "max(1)": "x.max(1)[0]", "softmax": "x.softmax(1)", "batch_norm":
    "torch.nn.functional.batch_norm(x, None, None, training=True)", "cumsum": "x.cumsum(1)",
    "std(0)": "x.std(0)", "x / row": "x / (row + 9)", "expand": "row * x",
}


def names(torch: Any, shape: tuple[int, int]) -> dict[str, Any]:
    """What the expressions are about."""
    rows, columns = shape
    count = rows * columns
    torch.manual_seed(0)
    x, y, z = (torch.randn(shape) for _ in range(3))
    i, j = (torch.randint(1, 100, shape) for _ in range(2))
    return {
        "torch": torch, "x": x, "y": y, "z": z, "w": torch.rand(shape) + 0.1, "i": i, "j": j,
        "m": x > 0, "n": y < 9, "d": x.double(), "c": torch.complex(x, y),
        "e": torch.complex(y, z), "xy": torch.cat([x, y]),
        "row": torch.randn(columns), "column": torch.randn(rows, 1),
        "flat": x.flatten(), "places": torch.randint(0, count, (count,)),
        "rows": torch.randint(0, rows, (rows,)), "columns": torch.randint(0, columns, (columns,)),
        "shorter": torch.randint(0, columns, (rows,)), "k": torch.randint(0, 200, shape),
        "across": torch.randint(0, columns, shape), "down": torch.randint(0, rows, shape),
        "b": x.bfloat16(), "h": x.half(), "p": torch.rand(shape),
        "line": torch.linspace(-3, 3, 1000), "classes": torch.randint(0, columns, (rows,)),
    }


def forward(text: str, shape: tuple[int, int]) -> Case:
    """One expression."""
    return lambda torch: eval(f"lambda: {text}", names(torch, shape))


def backward(text: str, shape: tuple[int, int]) -> Case:
    """One expression and its gradient."""

    def case(torch: Any) -> Callable[[], Any]:
        given = names(torch, shape)
        x = given["x"] = given["x"].requires_grad_()
        run = eval(f"lambda: {text}", given)
        ones = torch.ones_like(run())

        def step() -> None:
            x.grad = None
            run().backward(ones)

        return step

    return case


def conversion(kinds: str, shape: tuple[int, int]) -> Case:
    """One dtype to another."""

    def case(torch: Any) -> Callable[[], Any]:
        source, target = (getattr(torch, kind) for kind in kinds.split())
        x = (torch.randn(shape) * 9).to(source)
        return lambda: x.to(target)

    return case


CASES: dict[str, Case] = {}
for size, shape in SIDES.items():
    CASES |= {f"{name}, {size}": forward(text, shape) for name, text in EXPRESSIONS.items()}
    CASES |= {f"{name}, f+b, {size}": backward(text, shape) for name, text in BACKWARD.items()}
    CASES |= {f"{kinds.replace(' ', ' to ')}, {size}": conversion(kinds, shape)
              for kinds in CONVERSIONS}

if __name__ == "__main__":
    compare(CASES, "Everyday calls")
