"""A table of a model's layers: output shapes, parameters, FLOPs and memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any

from rushlight.autograd import no_grad
from rushlight.autograd.nested import tensors_in
from rushlight.ops.creation import zeros
from rushlight.tensor import Tensor

HEADINGS = ("layer", "output shape", "parameters", "FLOPs", "memory")


@dataclass
class Row:
    """One module as it ran."""

    path: str
    kind: str  # the name of its class
    depth: int
    shapes: list[tuple[int, ...]] = field(default_factory=list)  # of the outputs of its last call
    parameters: int = 0  # its own, without those of submodules; shared ones count once
    parameter_bytes: int = 0
    flops: int = 0  # its own, of all its calls
    output_bytes: int = 0  # of all its calls, where it has no submodules
    calls: int = 0
    holds: bool = False  # a list of modules, which nothing calls


@dataclass
class Summary:
    """The rows and totals of a model; `str` is the table."""

    rows: list[Row]
    trainable: int  # parameters that require a gradient

    @property
    def parameters(self) -> int:
        """How many numbers the parameters hold."""
        return sum(row.parameters for row in self.rows)

    @property
    def parameter_bytes(self) -> int:
        """What the parameters take."""
        return sum(row.parameter_bytes for row in self.rows)

    @property
    def flops(self) -> int:
        """Of one call of the model."""
        return sum(row.flops for row in self.rows)

    @property
    def output_bytes(self) -> int:
        """What the outputs of all innermost layers take together."""
        return sum(row.output_bytes for row in self.rows)

    def __str__(self) -> str:
        lines = [HEADINGS, *(_cells(row) for row in self.rows)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(HEADINGS))]
        text = [_line(line, widths) for line in lines]
        rule = "-" * max(map(len, text))
        text.insert(1, rule)
        return "\n".join([*text, rule, *self._totals()])

    __repr__ = __str__

    def _totals(self) -> list[str]:
        frozen = self.parameters - self.trainable
        return [
            f"parameters: {self.parameters:,} ({self.trainable:,} trainable, {frozen:,} frozen), "
            f"{_bytes(self.parameter_bytes)}",
            f"outputs of all layers: {_bytes(self.output_bytes)}",
            f"FLOPs: {self.flops:,} (layers with weights; a multiplication and an addition are 2)",
        ]


def summary(model: Any, *inputs: Any, **kwargs: Any) -> Summary:
    """Run `model` once on `inputs` and tell what each of its modules did.

    Args:
        model: a Module. It runs in evaluation mode and without recording, then gets its mode back:
            no parameter, buffer or random stream changes.
        inputs: its arguments; a tuple of whole numbers stands for a tensor of zeros of that shape.
        kwargs: its keyword arguments, as they are.

    FLOPs are counted for linear, bilinear, convolution, recurrent and attention layers; what a
    forward computes outside of layers is not. Memory is that of parameters and outputs.

    Raises TypeError for something that is no Module.

    >>> import rushlight as rl
    >>> print(rl.summary(rl.nn.Sequential(rl.nn.Linear(4, 3), rl.nn.ReLU()), (5, 4)))
    layer       output shape  parameters  FLOPs  memory
    ---------------------------------------------------
    Sequential  (5, 3)
      0 Linear  (5, 3)                15    120   120 B
      1 ReLU    (5, 3)                             60 B
    ---------------------------------------------------
    parameters: 15 (15 trainable, 0 frozen), 60 B
    outputs of all layers: 120 B
    FLOPs: 120 (layers with weights; a multiplication and an addition are 2)
    """
    if not hasattr(model, "named_modules"):
        raise TypeError(f"summary() needs a Module, got {type(model).__name__}")
    arguments = [zeros(*x) if _is_shape(x) else x for x in inputs]
    rows, handles, modes = {}, [], []
    seen: set[int] = set()
    try:
        for path, module in model.named_modules():
            rows[path] = row = _row(path, module, seen)
            modes.append((module, module.training))
            module.training = False
            handles.append(module.register_forward_hook(_hook(row), with_kwargs=True))
        with no_grad():
            model(*arguments, **kwargs)
    finally:
        for handle in handles:
            handle.remove()
        for module, training in modes:
            module.training = training
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return Summary(list(rows.values()), trainable)


def _is_shape(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and all(type(n) is int for n in value)


def _row(path: str, module: Any, seen: set[int]) -> Row:
    row = Row(path, type(module).__name__, path.count(".") + 1 if path else 0)
    for parameter in module.parameters(recurse=False):
        if id(parameter) not in seen:
            seen.add(id(parameter))
            row.parameters += parameter.numel()
            row.parameter_bytes += parameter.numel() * parameter.element_size()
    return row


def _hook(row: Row) -> Any:
    def hook(module: Any, args: Any, kwargs: Any, output: Any) -> None:
        results = list(tensors_in(output))
        row.calls += 1
        row.shapes = [tuple(t.shape) for t in results]
        given = [*tensors_in(args), *tensors_in(kwargs)]
        row.flops += _flops(module, given, results)
        if not module._modules:
            row.output_bytes += sum(t.numel() * t.element_size() for t in results)

    return hook


def _flops(module: Any, given: list[Tensor], results: list[Tensor]) -> int:
    """The FLOPs of one call, submodules left out; 0 where the class is not known."""
    if not given or not results:
        return 0
    for kind in type(module).__mro__:
        count = FLOPS.get(kind.__name__)
        if count is not None and kind.__module__.startswith(("rushlight.", "torch.")):
            return int(count(module, given, results))
    return 0


def _linear(module: Any, given: list[Tensor], results: list[Tensor]) -> int:
    return 2 * results[0].numel() * module.in_features


def _bilinear(module: Any, given: list[Tensor], results: list[Tensor]) -> int:
    return 2 * results[0].numel() * module.in1_features * (module.in2_features + 1)


def _convolution(module: Any, given: list[Tensor], results: list[Tensor]) -> int:
    places = given[0] if module.transposed else results[0]  # each meets the whole kernel once
    return 2 * places.numel() * prod(module.weight.shape[1:])


def _recurrent(module: Any, given: list[Tensor], results: list[Tensor]) -> int:
    """Each step multiplies with every weight matrix."""
    steps = given[0].numel() // given[0].shape[-1]
    return 2 * steps * sum(p.numel() for p in module.parameters(recurse=False) if p.ndim == 2)


def _attention(module: Any, given: list[Tensor], results: list[Tensor]) -> int:
    """Projections of query, key, value and output, scores, and sums of values."""
    query, key = given[0], given[1] if len(given) > 1 else given[0]
    width = module.embed_dim
    rows, others = query.numel() // width, key.numel() // key.shape[-1]
    time = key.shape[0] if key.ndim == 2 or not module.batch_first else key.shape[1]
    projections = 2 * width * (rows * width + others * (module.kdim + module.vdim))
    # The output's own layer is a submodule, but attention reads its weight without calling it.
    return projections + 2 * rows * width * width + 4 * rows * time * width


FLOPS: dict[str, Any] = {
    "Linear": _linear, "Bilinear": _bilinear, "_ConvNd": _convolution, "RNNBase": _recurrent,
    "RNNCellBase": _recurrent, "MultiheadAttention": _attention,
}


def _cells(row: Row) -> tuple[str, ...]:
    name = row.path.rpartition(".")[2]
    layer = "  " * row.depth + (f"{name} {row.kind}" if name else row.kind)
    shapes = ", ".join(map(str, row.shapes))
    if not row.calls and not row.holds:
        shapes = "(not called)"
    times = f" x{row.calls}" if row.calls > 1 else ""
    memory = row.parameter_bytes + row.output_bytes
    return (layer, shapes + times, f"{row.parameters:,}" if row.parameters else "",
            f"{row.flops:,}" if row.flops else "", _bytes(memory) if memory else "")


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    left = [c.ljust(w) for c, w in zip(cells[:2], widths[:2], strict=True)]
    right = [c.rjust(w) for c, w in zip(cells[2:], widths[2:], strict=True)]
    return "  ".join([*left, *right]).rstrip()


def _bytes(count: int) -> str:
    """A number of bytes in the unit that suits it."""
    size, units = float(count), ["B", "KiB", "MiB", "GiB"]
    while size >= 1024 and len(units) > 1:
        size, _ = size / 1024, units.pop(0)
    return f"{count} B" if units[0] == "B" else f"{size:.1f} {units[0]}"
