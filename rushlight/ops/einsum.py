"""Sums of products over named dimensions: einsum and tensordot, by pairs through matmul."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from itertools import combinations
from typing import Any

from rushlight.base.shapes import normalize_dim
from rushlight.families.composite import composite, function
from rushlight.ops.matmul import matmul
from rushlight.tensor import Tensor

LETTERS = string.ascii_uppercase + string.ascii_lowercase
ELLIPSIS = "..."

Label = str | int  # a letter, or a negative number for a dimension under an ellipsis
Labels = tuple[Label, ...]
Term = tuple[Any, Labels]  # a tensor and the labels of its dimensions


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


def _parsed(arguments: tuple[Any, ...]) -> tuple[list[Tensor], list[list[str]], Any]:
    """The operands, the subscripts of each, and those of the output or None."""
    if len(arguments) < 2:
        raise ValueError("einsum(): must specify the equation string and at least one operand, or "
                         "at least one operand and its subscripts list")
    if isinstance(arguments[0], Tensor):
        return _from_lists(arguments)
    equation, tensors = arguments[0], arguments[1:]
    if len(tensors) == 1 and isinstance(tensors[0], tuple | list):
        tensors = tuple(tensors[0])
    _check_letters(equation)
    inputs, arrow, output = equation.partition("->")
    texts = inputs.split(",")
    if len(texts) != len(tensors):
        word = "fewer" if len(texts) > len(tensors) else "more"
        raise RuntimeError(f"einsum(): {word} operands were provided than specified in the "
                           f"equation: {len(tensors)} for {equation!r}")
    terms = [_subscripts(text, f"operand {i}") for i, text in enumerate(texts)]
    return list(tensors), terms, _subscripts(output, "output") if arrow else None


def _labelled(number: int, tensor: Any, subscripts: list[str]) -> Term:
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
            tensor = tensor.diagonal(0, first, second)
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

    def arranged(tensor: Any, labels: Labels, *groups: list[Label]) -> Any:
        order = [labels.index(x) for group in groups for x in group]
        shape = [math.prod(sizes[x] for x in group) for group in groups]
        return tensor.permute(order).reshape(shape)

    left = arranged(left, left_labels, batch, rows, inner)
    if inner:
        product = matmul(left, arranged(right, right_labels, batch, inner, columns))
    else:
        product = left * arranged(right, right_labels, batch, inner, columns)
    labels = (*batch, *rows, *columns)
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


@function("einsum")
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
    tensors, subscripts, output = _parsed(args)
    terms = [_labelled(i, t, s) for i, (t, s) in enumerate(zip(tensors, subscripts))]
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
    order = [labels.index(label) for label in result]
    return tensor if order == list(range(len(order))) else tensor.permute(order)


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


@function("tensordot", out=True)
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
