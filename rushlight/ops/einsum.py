"""Sums of products over named dimensions: einsum and tensordot, by pairs through matmul."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from typing import Any

from rushlight.base.shapes import normalize_dim
from rushlight.families.composite import composite, function
from rushlight.ops.arithmetic import mul as multiply
from rushlight.ops.matmul import matmul
from rushlight.ops.reduction import sum as total
from rushlight.ops.transposition import permute
from rushlight.ops.viewing import diagonal, reshape, squeeze
from rushlight.tensor import Tensor

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ELLIPSIS = "..."

Label = str | int  # a letter, or a negative number for a dimension under an ellipsis
Labels = tuple[Label, ...]
Term = tuple["Operand", Labels]  # with the labels of its dimensions


class Operand:
    """The shape of a tensor in a plan; what is done to it is written down as a step."""

    __slots__ = ("place", "shape", "steps")

    def __init__(self, shape: Sequence[int], place: int, steps: list[Any]) -> None:
        self.shape, self.place, self.steps = tuple(shape), place, steps

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    def then(self, function: Any, shape: Sequence[int], argument: Any, other: Any = None) -> Any:
        """The result of `function` with an argument, or with another operand."""
        self.steps.append((function, self.place, argument if other is None else other.place,
                           other is not None))
        return Operand(shape, self.steps[0] + len(self.steps) - 2, self.steps)

    def without(self, axes: Sequence[int]) -> list[int]:
        """The sizes of the other dimensions."""
        return [n for axis, n in enumerate(self.shape) if axis not in axes]

    def diagonal(self, first: int, second: int) -> Operand:
        """Two dimensions of one size as one, the last."""
        return self.then(_diagonal, [*self.without((first, second)), self.shape[first]],
                         (first, second))

    def squeeze(self, axis: int) -> Operand:
        """Without a dimension of size 1."""
        return self.then(squeeze, self.without((axis,)), axis)

    def sum(self, axes: Sequence[int]) -> Operand:
        """Summed over some dimensions."""
        return self.then(total, self.without(axes), tuple(axes))

    def permute(self, order: Sequence[int]) -> Operand:
        """The dimensions in another order."""
        if list(order) == list(range(self.ndim)):
            return self
        return self.then(permute, [self.shape[i] for i in order], tuple(order))

    def reshape(self, shape: Sequence[int]) -> Operand:
        """The same elements under another shape."""
        return self if tuple(shape) == self.shape else self.then(reshape, shape, tuple(shape))


def _diagonal(tensor: Tensor, axes: tuple[int, int]) -> Any:
    return diagonal(tensor, 0, *axes)


def _dots(a: Any, b: Any) -> Any:
    """Sums of products over the last dimension of two matrices."""
    if a._array.dtype.kind in "fc" and a._array.itemsize > 2 and a.dtype is b.dtype:
        return (a * b).sum(1)
    return (a.unsqueeze(1) @ b.unsqueeze(2)).reshape(a.shape[:1])


def _subscripts(text: str, where: str) -> list[str]:
    """The letters of a term, and at most one ellipsis."""
    parts: list[str] = []
    text = text.replace(" ", "")
    while text:
        if text.startswith(ELLIPSIS):
            if ELLIPSIS in parts:
                raise RuntimeError(f"einsum(): found '.' for {where} for which an ellipsis was "
                                   "already found")
            parts.append(ELLIPSIS)
            text = text[3:]
        elif text[0] == ".":
            raise RuntimeError(f"einsum(): found '.' for {where} that is not part of any ellipsis")
        else:
            parts.append(text[0])
            text = text[1:]
    return parts


def _check_letters(equation: str) -> None:
    inputs, arrow, _ = equation.partition("->")
    for at, letter in enumerate(equation):
        known = letter in LETTERS or letter in " ." or (letter == "," and at < len(inputs))
        if not known and not (arrow and at in (len(inputs), len(inputs) + 1)):
            raise RuntimeError(f"einsum(): invalid subscript given at index {at} in the equation "
                               "string, subscripts must be in [a-zA-Z]")


def _from_lists(arguments: Sequence[Any]) -> tuple[list[Tensor], list[list[str]], Any]:
    """The form einsum(tensor, [0, 1], tensor, [1, 2], [0, 2])."""
    def letters(items: Any) -> list[str]:
        result = []
        for item in items:
            if item is not Ellipsis and not 0 <= item < len(LETTERS):
                raise ValueError("einsum(): subscript in subscript list is not within the valid "
                                 f"range [0, {len(LETTERS)})")
            result.append(ELLIPSIS if item is Ellipsis else LETTERS[item])
        return result

    paired = len(arguments) // 2 * 2
    tensors = list(arguments[:paired:2])
    terms = [letters(items) for items in arguments[1:paired:2]]
    output = letters(arguments[-1]) if len(arguments) % 2 else None
    return tensors, terms, output


def _given(arguments: tuple[Any, ...]) -> tuple[str, Sequence[Tensor]]:
    """The equation and the operands."""
    if len(arguments) < 2:
        raise ValueError("einsum(): must specify the equation string and at least one operand, or "
                         "at least one operand and its subscripts list")
    if isinstance(arguments[0], Tensor):
        tensors, terms, output = _from_lists(arguments)
        arrow = "" if output is None else "->" + "".join(output)
        return ",".join("".join(term) for term in terms) + arrow, tensors
    equation, *operands = arguments
    if len(operands) == 1 and isinstance(operands[0], tuple | list):
        return equation, operands[0]
    return equation, operands


def _parsed(equation: str, count: int) -> tuple[list[list[str]], Any]:
    """The subscripts of each of `count` operands, and those of the output or None."""
    _check_letters(equation)
    inputs, arrow, output = equation.partition("->")
    texts = inputs.split(",")
    if len(texts) != count:
        word = "fewer" if len(texts) > count else "more"
        raise RuntimeError(f"einsum(): {word} operands were provided than specified in the "
                           f"equation: {count} for {equation!r}")
    terms = [_subscripts(text, f"operand {i}") for i, text in enumerate(texts)]
    return terms, _subscripts(output, "output") if arrow else None


def _labelled(number: int, tensor: Operand, subscripts: list[str]) -> Term:
    """A tensor with labels, each once: repeated ones are taken along the diagonal."""
    hidden = tensor.ndim - len(subscripts) + 1
    labels: list[Label] = []
    for letter in subscripts:
        labels += range(-hidden, 0) if letter == ELLIPSIS else [letter]
    if (ELLIPSIS in subscripts and hidden < 0) or len(labels) != tensor.ndim:
        none = "" if ELLIPSIS in subscripts else " and no ellipsis was given"
        raise RuntimeError(f"einsum(): the number of subscripts in the equation "
                           f"({len(subscripts) - (ELLIPSIS in subscripts)}) does not match the "
                           f"number of dimensions ({tensor.ndim}) for operand {number}{none}")
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            sizes = tensor.shape[second], tensor.shape[first]
            if sizes[0] != sizes[1]:
                raise RuntimeError(
                    f"einsum(): subscript {label} is repeated for operand {number} but the sizes "
                    f"don't match, {sizes[0]} != {sizes[1]}")
            tensor = tensor.diagonal(first, second)
            del labels[second], labels[first]
            labels.append(label)
    return tensor, tuple(labels)


def _output_labels(output: Any, terms: list[list[str]], labels: list[Labels]) -> Labels:
    hidden = min((label for term in labels for label in term if isinstance(label, int)), default=0)
    dots: list[Label] = list(range(hidden, 0))
    if output is None:  # what appears once, in alphabetical order
        letters = [letter for term in terms for letter in term if letter != ELLIPSIS]
        return (*dots, *sorted(x for x in letters if letters.count(x) == 1))
    result: list[Label] = []
    for letter in output:
        if letter == ELLIPSIS:
            result += dots
            continue
        if letter in result:
            raise RuntimeError(f"einsum(): output subscript {letter} appears more than once in the "
                               "output")
        if not any(letter in term for term in labels):
            raise RuntimeError(f"einsum(): output subscript {letter} does not appear in the "
                               "equation for any input operand")
        result.append(letter)
    return tuple(result)


def _sizes(operands: list[Term]) -> dict[Label, int]:
    """The size of each label; 1 counts as any size."""
    sizes: dict[Label, int] = {}
    for number, (tensor, labels) in enumerate(operands):
        for label, size in zip(labels, tensor.shape):
            known = sizes.setdefault(label, size)
            if known == 1:
                sizes[label] = size
            elif size not in (1, known):
                raise RuntimeError(
                    f"einsum(): subscript {label} has size {size} for operand {number} which does "
                    f"not broadcast with previously seen size {known}")
    return sizes


def _reduced(term: Term, keep: set[Label], sizes: dict[Label, int]) -> Term:
    """Summed over labels that nobody else needs; without dimensions that others broadcast."""
    tensor, labels = term
    for axis in range(len(labels) - 1, -1, -1):
        if tensor.shape[axis] == 1 and (labels[axis] not in keep or sizes[labels[axis]] != 1):
            tensor, labels = tensor.squeeze(axis), labels[:axis] + labels[axis + 1:]
    gone = [axis for axis, label in enumerate(labels) if label not in keep]
    if gone:
        tensor = tensor.sum(gone)
    return tensor, tuple(label for label in labels if label in keep)


def _product(a: Term, b: Term, keep: set[Label], sizes: dict[Label, int]) -> Term:
    """Two terms as one: a batched matrix product over the labels that end here."""
    (left, left_labels), (right, right_labels) = a, b
    batch = [x for x in left_labels if x in right_labels and x in keep]
    inner = [x for x in left_labels if x in right_labels and x not in keep]
    rows = [x for x in left_labels if x not in right_labels]
    columns = [x for x in right_labels if x not in left_labels]

    def arranged(tensor: Operand, labels: Labels, *groups: list[Label]) -> Operand:
        order = [labels.index(x) for group in groups for x in group]
        # Matrices and vectors do without the groups that they lack; a batch needs all.
        kept = groups if batch and (rows or columns) else [g for g in groups if g]
        shape = [math.prod(sizes[x] for x in group) for group in kept]
        return tensor.permute(order).reshape(shape)

    labels = (*batch, *rows, *columns)
    if inner:
        left = arranged(left, left_labels, batch, rows, inner)
        right = arranged(right, right_labels, batch, inner, columns)
        function = matmul if rows or columns or not batch else _dots
        shape = left.shape[:-1] if function is matmul else left.shape[:1]
        if function is matmul and (batch or columns):
            shape = (*shape, right.shape[-1])
        product = left.then(function, shape, None, right)
    else:
        left = left.permute([left_labels.index(x) for x in (*batch, *rows)])
        right = right.permute([right_labels.index(x) for x in (*batch, *columns)])
        left = left.reshape([sizes[x] for x in (*batch, *rows)] + [1] * len(columns))
        right = right.reshape([sizes[x] for x in batch] + [1] * len(rows)
                              + [sizes[x] for x in columns])
        product = left.then(multiply, [sizes[x] for x in labels], None, right)
    return product.reshape([sizes[x] for x in labels]), labels


def _cheapest(terms: list[Term], sizes: dict[Label, int], output: Labels) -> tuple[int, int]:
    """The pair whose product grows the least, the earliest of equal ones."""
    def growth(pair: tuple[int, int]) -> float:
        i, j = pair
        needed = _needed([t for k, t in enumerate(terms) if k not in pair], output)
        together = set(terms[i][1]) | set(terms[j][1])
        size = math.prod(sizes[x] for x in together if x in needed)
        return size - sum(math.prod(sizes[x] for x in terms[k][1]) for k in pair)

    return min(combinations(range(len(terms)), 2), key=growth)


def _needed(terms: Sequence[Term], output: Labels) -> set[Label]:
    return {label for _, labels in terms for label in labels} | set(output)


@function("einsum", samples=lambda x: [
    ("ij,jk->ik", x(2, 3), x(3, 2)), ("bii->bi", x(2, 3, 3)), ("...i,i", x(2, 3), x(3)),
    ("a,b,ab->", x(2), x(3), x(2, 3))])
def einsum(*args: Any) -> Tensor:
    """The sum of products of the operands' elements over named dimensions.

    einsum(equation, *operands): the equation names every dimension of every operand by a letter,
    "ij,jk->ik"; letters that are not after the arrow are summed over, "..." stands for any
    dimensions, which broadcast. Without an arrow the result has the letters that occur once. Also
    einsum(operand, [0, 1], operand, [1, 2], [0, 2]). Pairs that grow the least are multiplied
    first, by matmul. Raises RuntimeError for an equation that does not fit.

    >>> import rushlight as rl
    >>> a, b = rl.tensor([[1., 2.], [3., 4.]]), rl.tensor([1., 10.])
    >>> rl.einsum("ij,j->i", a, b)
    tensor([21., 43.])
    """
    equation, tensors = _given(args)
    values = list(tensors)
    for step, first, second, two in _plan(equation, tuple([x._array.shape for x in values])):
        values.append(step(values[first], values[second] if two else second))
    return values[-1]


@lru_cache(maxsize=1024)
def _plan(equation: str, shapes: tuple[tuple[int, ...], ...]) -> list[Any]:
    """The steps of an einsum of operands of these shapes: (function, operand, argument or other
    operand, whether it is one), each of which makes one operand more."""
    subscripts, output = _parsed(equation, len(shapes))
    steps: list[Any] = [len(shapes)]
    terms = [_labelled(i, Operand(shape, i, steps), s)
             for i, (shape, s) in enumerate(zip(shapes, subscripts))]
    result = _output_labels(output, subscripts, [labels for _, labels in terms])
    sizes = _sizes(terms)
    while len(terms) > 1:
        i, j = _cheapest(terms, sizes, result) if len(terms) > 2 else (0, 1)
        pair = terms[i], terms[j]
        terms = [t for k, t in enumerate(terms) if k not in (i, j)]
        keep = _needed(terms, result)
        first = _reduced(pair[0], keep | set(pair[1][1]), sizes)
        second = _reduced(pair[1], keep | set(first[1]), sizes)
        first = _reduced(first, keep | set(second[1]), sizes)
        terms.insert(0, _product(first, second, keep, sizes))
    tensor, labels = _reduced(terms[0], set(result), sizes)
    tensor.permute([labels.index(label) for label in result])
    return steps[1:]


def _contracted(a: Tensor, b: Tensor, dims: Any) -> tuple[list[int], list[int]]:
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.ndim, b.ndim):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        return list(range(a.ndim - dims, a.ndim)), list(range(dims))
    first, second = ([x] if isinstance(x, int) else list(x) for x in dims)
    if len(first) != len(second):
        raise RuntimeError("both dimension lists should have same length, but they are "
                           f"{first} and {second}")
    return ([normalize_dim(d, a.ndim) for d in first], [normalize_dim(d, b.ndim) for d in second])


@function("tensordot", out=True, samples=lambda x: [
    (x(2, 3, 2), x(3, 2, 2)), (x(2, 3), x(3, 2), ([0], [1])), (x(2), x(3), 0)])
def tensordot(a: Any, b: Any, dims: Any = 2) -> Tensor:
    """Sums of products over pairs of dimensions.

    dims: how many of the last of `a` with the first of `b`, or two lists of dimensions. Returns
    the other dimensions of `a`, then those of `b`.

    >>> import rushlight as rl
    >>> rl.tensordot(rl.ones(2, 3), rl.ones(3, 4), 1).shape
    torch.Size([2, 4])
    """
    first, second = _contracted(a, b, dims)
    for i, j in zip(first, second):
        if a.shape[i] != b.shape[j]:
            if a.shape[i] == 1:
                b = b.sum(j, keepdim=True)
            elif b.shape[j] == 1:
                a = a.sum(i, keepdim=True)
            else:
                raise RuntimeError("contracted dimensions need to match, but first has size "
                                   f"{a.shape[i]} in dim {i} and second has size {b.shape[j]} in "
                                   f"dim {j}")
    rest_a = [d for d in range(a.ndim) if d not in first]
    rest_b = [d for d in range(b.ndim) if d not in second]
    shape = [a.shape[d] for d in rest_a] + [b.shape[d] for d in rest_b]
    inner = math.prod(a.shape[d] for d in first)
    rows = a.permute([*rest_a, *first]).reshape(math.prod(a.shape[d] for d in rest_a), inner)
    columns = b.permute([*second, *rest_b]).reshape(inner, math.prod(b.shape[d] for d in rest_b))
    if not shape:  # one number, which autocast leaves to the operands' precision
        return rows.reshape(-1).dot(columns.reshape(-1))
    return matmul(rows, columns).reshape(shape)


@composite("kron", out=True)
def kron(input: Any, other: Any) -> Tensor:
    """The Kronecker product: each element of `input` times the whole of `other`, in blocks.

    >>> import rushlight as rl
    >>> rl.kron(rl.tensor([1, 10]), rl.tensor([1, 2]))
    tensor([ 1,  2, 10, 20])
    """
    ndim = max(input.ndim, other.ndim)
    a = (1,) * (ndim - input.ndim) + tuple(input.shape)
    b = (1,) * (ndim - other.ndim) + tuple(other.shape)
    outer = input.reshape([n for size in a for n in (size, 1)]) * other.reshape(
        [n for size in b for n in (1, size)])
    return outer.reshape([m * n for m, n in zip(a, b)])
