"""The whole message of the mistakes that are made most often.

Torch's leading phrase, which ported programs match on; then the operands with names, shapes and
dtypes, and what to do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

import rushlight as rl
from rushlight import nn

F = nn.functional


class Mistake(NamedTuple):
    """A wrong call and what is said about it."""

    name: str
    call: Callable[[], Any]
    error: type[Exception]
    message: str


class NoForward(nn.Module):
    """A module that forgets what it is for."""


def backward_twice() -> None:
    loss = rl.ones(3, requires_grad=True).exp().sum()
    loss.backward()
    loss.backward()


MISTAKES = [
    Mistake("matmul of mismatched shapes", lambda: rl.ones(2, 3) @ rl.ones(4, 5),
        RuntimeError,
        ("mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5): matmul(input float32[2, 3],"
         " other float32[4, 5]); the last size of input must equal the last but one of other")),
    Mistake("matmul of a scalar", lambda: rl.matmul(rl.tensor(1.), rl.ones(3)),
        RuntimeError,
        ("both arguments to matmul need to be at least 1D, but they are 0D and 1D: "
         "matmul(input float32[], other float32[3]); a number multiplies with *")),
    Mistake("batched matmul", lambda: rl.bmm(rl.ones(2, 3, 4), rl.ones(3, 4, 5)),
        RuntimeError,
        ("Expected size for first two dimensions of batch2 tensor to be: [2, 4] but got: [3, "
         "4]: bmm(input float32[2, 3, 4], mat2 float32[3, 4, 5])")),
    Mistake("bmm rank", lambda: rl.bmm(rl.ones(3, 4), rl.ones(4, 5)),
        RuntimeError,
        ("batch1 must be a 3D tensor: bmm(input float32[3, 4])")),
    Mistake("mm dtype", lambda: rl.ones(2, 2) @ rl.ones(2, 2, dtype=rl.int64),
        RuntimeError,
        ("expected m1 and m2 to have the same dtype, but got: float32 != int64: matmul(input "
         "float32[2, 2], other int64[2, 2])")),
    Mistake("mv", lambda: rl.mv(rl.ones(2, 3), rl.ones(4)),
        RuntimeError,
        ("size mismatch, got input (2), mat (2x3), vec (4): (input float32[2, 3], other "
         "float32[4]); the vector takes as many elements as the matrix has columns")),
    Mistake("dot size", lambda: rl.dot(rl.ones(3), rl.ones(4)),
        RuntimeError,
        ("inconsistent tensor size, expected tensor [3] and src [4] to have the same number of"
         " elements, but got 3 and 4 elements respectively: (input float32[3], other "
         "float32[4])")),
    Mistake("linear", lambda: nn.Linear(10, 5)(rl.ones(3, 8)),
        RuntimeError,
        ("mat1 and mat2 shapes cannot be multiplied (3x8 and 10x5): linear(input float32[3, "
         "8], weight float32[5, 10], bias float32[5]); the last size of input must equal the "
         "layer's in_features")),
    Mistake("broadcast", lambda: rl.ones(2, 3)+rl.ones(4),
        RuntimeError,
        ("The size of tensor a (3) must match the size of tensor b (4) at non-singleton "
         "dimension 1: add(input float32[2, 3], other float32[4]). Sizes are compared from the"
         " last dimension; each pair must be equal or contain a 1")),
    Mistake("in-place broadcast", lambda: rl.ones(3).add_(rl.ones(2, 3)),
        RuntimeError,
        ("output with shape [3] doesn't match the broadcast shape [2, 3]: add_(input "
         "float32[3], other float32[2, 3])")),
    Mistake("cat sizes", lambda: rl.cat([rl.ones(2, 3), rl.ones(2, 4)], 0),
        RuntimeError,
        ("Sizes of tensors must match except in dimension 0. Expected size 3 but got size 4 "
         "for tensor number 1 in the list: tensor 0 is float32[2, 3], tensor 1 is float32[2, "
         "4], and dimension 1 differs")),
    Mistake("cat ranks", lambda: rl.cat([rl.ones(2, 3), rl.ones(2)], 0),
        RuntimeError,
        ("Tensors must have same number of dimensions: got 2 and 1: tensor 0 is float32[2, 3],"
         " tensor 1 is float32[2]")),
    Mistake("stack", lambda: rl.stack([rl.ones(2), rl.ones(3)]),
        RuntimeError,
        ("stack expects each tensor to be equal size, but got [2] at entry 0 and [3] at entry "
         "1: stack makes a new dimension of equal tensors; cat joins along one they have")),
    Mistake("view size", lambda: rl.ones(2, 3).view(4, 2),
        RuntimeError,
        ("shape '[4, 2]' is invalid for input of size 6: it would hold 8 elements")),
    Mistake("view -1", lambda: rl.ones(2, 3).view(-1, 4),
        RuntimeError,
        ("shape '[-1, 4]' is invalid for input of size 6: 6 elements cannot be cut into rows "
         "of 4")),
    Mistake("view two -1", lambda: rl.ones(2, 3).view(-1, -1),
        RuntimeError,
        ("only one dimension can be inferred: [-1, -1] has 2 sizes of -1 for 6 elements")),
    Mistake("view strides", lambda: rl.ones(2, 3).t().view(6),
        RuntimeError,
        ("view size is not compatible with input tensor's size and stride (at least one "
         "dimension spans across two contiguous subspaces): size [3, 2], stride [1, 3], asked "
         "for [6]. Use .reshape(...) instead.")),
    Mistake("reshape", lambda: rl.ones(2, 3).reshape(7),
        RuntimeError,
        ("shape '[7]' is invalid for input of size 6: it would hold 7 elements")),
    Mistake("expand", lambda: rl.ones(2, 3).expand(2, 4),
        RuntimeError,
        ("The expanded size of the tensor (4) must match the existing size (3) at non-"
         "singleton dimension 1.  Target sizes: [2, 4].  Tensor sizes: [2, 3]; only a "
         "dimension of size 1 can be expanded (repeat() copies)")),
    Mistake("permute", lambda: rl.ones(2, 3).permute(0, 1, 2),
        RuntimeError,
        ("permute(sparse_coo): number of dimensions in the tensor input does not match the "
         "length of the desired ordering of dimensions i.e. input.dim() = 2 is not equal to "
         "len(dims) = 3: permute(input float32[2, 3], dims=(0, 1, 2)); dims names every "
         "dimension once")),
    Mistake("transpose dim", lambda: rl.ones(2, 3).transpose(0, 2),
        IndexError,
        ("Dimension out of range (expected to be in range of [-2, 1], but got 2): there are 2 "
         "dimensions, numbered from 0 (from the end, from -1)")),
    Mistake("squeeze dim", lambda: rl.ones(2, 3).squeeze(3),
        IndexError,
        ("Dimension out of range (expected to be in range of [-2, 1], but got 3): there are 2 "
         "dimensions, numbered from 0 (from the end, from -1)")),
    Mistake("sum dim", lambda: rl.ones(2, 3).sum(2),
        IndexError,
        ("Dimension out of range (expected to be in range of [-2, 1], but got 2): there are 2 "
         "dimensions, numbered from 0 (from the end, from -1)")),
    Mistake("softmax dim", lambda: rl.softmax(rl.ones(2, 3), 5),
        IndexError,
        ("Dimension out of range (expected to be in range of [-2, 1], but got 5): there are 2 "
         "dimensions, numbered from 0 (from the end, from -1)")),
    Mistake("index out of range", lambda: rl.ones(3)[3],
        IndexError,
        ("index 3 is out of bounds for dimension 0 with size 3: indices go from -3 to 2 of a "
         "tensor of shape [3]")),
    Mistake("row out of range", lambda: rl.ones(3, 4)[1, 7],
        IndexError,
        ("index 7 is out of bounds for dimension 1 with size 4: indices go from -4 to 3 of a "
         "tensor of shape [3, 4]")),
    Mistake("too many indices", lambda: rl.ones(3)[0, 0],
        IndexError,
        ("too many indices for tensor of dimension 1: 2 for a tensor of shape [3]")),
    Mistake("index tensor range", lambda: rl.ones(3)[rl.tensor([0, 5])],
        IndexError,
        ("index 5 is out of bounds for dimension 0 with size 3: indices go from -3 to 2")),
    Mistake("float index", lambda: rl.ones(3)[rl.tensor([0., 1.])],
        IndexError,
        ("tensors used as indices must be long, int, byte or bool tensors (got float32)")),
    Mistake("mask shape", lambda: rl.ones(3)[rl.tensor([True, False])],
        IndexError,
        ("The shape of the mask [2] at index 0 does not match the shape of the indexed tensor "
         "[3] at index 0: a mask has the sizes of the dimensions that it selects from")),
    Mistake("assign shape", lambda: rl.ones(3).__setitem__(slice(0, 2), rl.ones(3)),
        RuntimeError,
        ("The expanded size of the tensor (2) must match the existing size (3) at non-"
         "singleton dimension 0.  Target sizes: [2].  Tensor sizes: [3]; what is assigned must"
         " broadcast to the place it is assigned to")),
    Mistake("gather index dtype", lambda: rl.ones(2, 2).gather(1, rl.zeros(2, 2)),
        RuntimeError,
        ("gather(): Expected dtype int32/int64 for index (got float32)")),
    Mistake("gather range", lambda: rl.ones(2, 2).gather(1, rl.full((2, 2), 5)),
        RuntimeError,
        ("index 5 is out of bounds for dimension 1 with size 2: gather(input float32[2, 2], "
         "index int64[2, 2])")),
    Mistake("embedding range", lambda: nn.Embedding(10, 3)(rl.tensor([10])),
        IndexError,
        ("index out of range in self: embedding got 10 for a table of 10 rows")),
    Mistake("embedding dtype", lambda: nn.Embedding(10, 3)(rl.tensor([1.])),
        RuntimeError,
        ("Expected tensor for argument #1 'indices' to have one of the following scalar types:"
         " Long, Int; but got Float instead (while checking arguments for embedding)")),
    Mistake("cross entropy batch", lambda: F.cross_entropy(rl.ones(3, 5), rl.tensor([0, 1])),
        ValueError,
        ("Expected input batch_size (3) to match target batch_size (2). cross_entropy(input "
         "float32[3, 5], target int64[2])")),
    Mistake("cross entropy target range", lambda: F.cross_entropy(rl.ones(2, 5), rl.tensor([0, 5])),
        IndexError,
        ("Target 5 is out of bounds: there are 5 classes, so targets go from 0 to 4")),
    Mistake("cross entropy dtype", lambda: F.cross_entropy(rl.ones(2, 5), rl.tensor([0., 1.])),
        RuntimeError,
        ("expected target dtype to be Long or Byte, but got Float: the target of nll_loss holds "
         "class indices (float32[2]); convert it with .long()")),
    Mistake("bce range", lambda: F.binary_cross_entropy(rl.tensor([1.5]), rl.tensor([1.])),
        RuntimeError,
        ("all elements of input should be between 0 and 1: apply sigmoid() first, or use "
         "binary_cross_entropy_with_logits")),
    Mistake("conv channels", lambda: nn.Conv2d(3, 8, 3)(rl.ones(1, 1, 8, 8)),
        RuntimeError,
        ("Given groups=1, weight of size [8, 3, 3, 3], expected input[1, 1, 8, 8] to have 3 "
         "channels, but got 1 channels instead: channels are dimension 1 of the input")),
    Mistake("conv rank", lambda: nn.Conv2d(3, 8, 3)(rl.ones(8, 8)),
        RuntimeError,
        ("Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: [8, "
         "8]: the input is (batch, channels, height, width), the batch optional; unsqueeze(0) "
         "adds a dimension")),
    Mistake("conv kernel too large", lambda: nn.Conv2d(1, 1, 5)(rl.ones(1, 1, 3, 3)),
        RuntimeError,
        ("Calculated padded input size per channel: (3 x 3). Kernel size: (5 x 5). Kernel size"
         " can't be greater than actual input size: enlarge the input, or pad it with padding=")),
    Mistake("conv dtype", lambda: nn.Conv2d(1, 1, 3)(rl.ones(1, 1, 5, 5, dtype=rl.float64)),
        RuntimeError,
        ("Input type (double) and bias type (float) should be the same; convert one with "
         ".to(dtype)")),
    Mistake("pool too small", lambda: F.max_pool2d(rl.ones(1, 1, 1, 1), 2),
        RuntimeError,
        ("Given input size: (1x1x1). Calculated output size: (1x0x0). Output size is too "
         "small: max_pool2d with kernel_size [2, 2], stride [2, 2], padding [0, 0]")),
    Mistake("batch norm one value", lambda: nn.BatchNorm1d(3)(rl.ones(1, 3)),
        ValueError,
        ("Expected more than 1 value per channel when training, got input size torch.Size([1, "
         "3]): with one value the variance is not defined; use a larger batch, or eval() for "
         "inference")),
    Mistake("batch norm channels", lambda: nn.BatchNorm2d(3)(rl.ones(2, 4, 5, 5)),
        RuntimeError,
        ("running_mean should contain 4 elements not 3: batch_norm(input float32[2, 4, 5, 5], "
         "running_mean float32[3]); the channels are dimension 1 of the input")),
    Mistake("layer norm shape", lambda: nn.LayerNorm(4)(rl.ones(2, 3)),
        RuntimeError,
        ("Given normalized_shape=[4], expected input with shape [*, 4], but got input of "
         "size[2, 3]: layer_norm(input float32[2, 3])")),
    Mistake("lstm input size", lambda: nn.LSTM(4, 5)(rl.ones(2, 3, 6)),
        RuntimeError,
        ("input.size(-1) must be equal to input_size. Expected 4, got 6: LSTM(input float32[2,"
         " 3, 6]); the input is (time, batch, 4)")),
    Mistake("backward nonscalar", lambda: rl.ones(3, requires_grad=True).mul(2).backward(),
        RuntimeError,
        ("grad can be implicitly created only for scalar outputs, this is float32[3]; pass "
         "gradient=, or reduce it with .sum()")),
    Mistake("backward no grad", lambda: rl.ones(3).sum().backward(),
        RuntimeError,
        ("element 0 of tensors does not require grad and does not have a grad_fn: nothing that"
         " it was computed from requires a gradient (it is float32[]). Make a leaf require one"
         " with requires_grad_(), and look for detach() or no_grad() on the way")),
    Mistake("backward twice", lambda: backward_twice(),
        RuntimeError,
        ("Trying to backward through the graph a second time (or directly access saved tensors"
         " after they have already been freed): ExpBackward0 gave up what it had saved when "
         "backward() or autograd.grad() first ran. Specify retain_graph=True there if you need"
         " to run backward twice")),
    Mistake("in-place leaf", lambda: rl.ones(3, requires_grad=True).add_(1),
        RuntimeError,
        ("a leaf Variable that requires grad is being used in an in-place operation. "
         "(float32[3]) Use the out-of-place form, or wrap it in no_grad()")),
    Mistake("numpy of grad", lambda: rl.ones(3, requires_grad=True).numpy(),
        RuntimeError,
        ("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() "
         "instead. (float32[3])")),
    Mistake("item of many", lambda: rl.ones(3).item(),
        RuntimeError,
        ("a Tensor with 3 elements cannot be converted to Scalar: this is float32[3]; use "
         "tolist() or index it")),
    Mistake("float of many", lambda: float(rl.ones(3)),
        ValueError,
        ("only one element tensors can be converted to Python scalars: this is float32[3]; use "
         "tolist() or index it")),
    Mistake("tensor of text", lambda: rl.tensor(["a"]),
        ValueError, "too many dimensions 'str': a tensor holds numbers, but got ['a']"),
    Mistake("tensor of a dict", lambda: rl.tensor({"a": 1}),
        RuntimeError, "Could not infer dtype of dict"),
    Mistake("size of text", lambda: rl.zeros("3"),
        TypeError,
        ("zeros(): argument 'size' (position 1) must be tuple of ints, not str: sizes are whole "
         "numbers, but got '3'")),
    Mistake("size of a layer", lambda: nn.Linear(2.5, 3),
        TypeError,
        ("empty(): argument 'size' (position 1) must be tuple of ints, not float: sizes are whole "
         "numbers, but got 2.5")),
    Mistake("full of text", lambda: rl.full((2,), "a"),
        TypeError, "full(): argument 'fill_value' (position 2) must be Number, not str"),
    Mistake("cat of a tensor", lambda: rl.cat(rl.ones(2)),
        TypeError,
        ("cat(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor: this is "
         "float32[2]; give a list of them")),
    Mistake("stack of numbers", lambda: rl.stack([1, 2]),
        TypeError, "expected Tensor as element 0 in argument 0, but got int"),
    Mistake("targets in a list", lambda: nn.CrossEntropyLoss()(rl.ones(2, 3), [0, 1]),
        TypeError,
        "cross_entropy_loss(): argument 'target' (position 2) must be Tensor, not list"),
    Mistake("no targets", lambda: F.mse_loss(rl.ones(2), None),
        TypeError, "mse_loss(): argument 'target' (position 2) must be Tensor, not NoneType"),
    Mistake("loss made of tensors", lambda: nn.MSELoss(rl.ones(2), rl.ones(2)),
        RuntimeError,
        ("Boolean value of Tensor with more than one value is ambiguous: MSELoss is made first and "
         "called then, as MSELoss()(input, target)")),
    Mistake("bool of many", lambda: bool(rl.ones(3)),
        RuntimeError,
        ("Boolean value of Tensor with more than one value is ambiguous: this one has shape "
         "[3]; use .any() or .all()")),
    Mistake("requires_grad of ints", lambda: rl.ones(3, dtype=rl.int64, requires_grad=True),
        RuntimeError,
        ("Only Tensors of floating point and complex dtype can require gradients: this is "
         "int64[3]; convert it with .float() first")),
    Mistake("dot dtype", lambda: rl.ones(2, dtype=rl.float64) @ rl.ones(2),
        RuntimeError,
        ("dot : expected both vectors to have same dtype, but found Double and Float: matmul("
         "input float64[2], other float32[2])")),
    Mistake("mv dtype", lambda: rl.mv(rl.ones(2, 2), rl.ones(2, dtype=rl.float64)),
        RuntimeError,
        ("addmv input tensors must have the same dtype, but got Double, Float, and Double: "
         "matmul(input float32[2, 2], other float64[2])")),
    Mistake("bmm dtype", lambda: rl.bmm(rl.ones(1, 2, 2), rl.ones(1, 2, 2, dtype=rl.float64)),
        RuntimeError,
        ("expected scalar type Float but found Double: matmul(input float32[1, 2, 2], other "
         "float64[1, 2, 2])")),
    Mistake("softmax of ints", lambda: rl.arange(3).softmax(0),
        NotImplementedError,
        ("\"softmax_lastdim_kernel_impl\" not implemented for 'Long'; convert it with .float(), "
         "or pass dtype=")),
    Mistake("ragged list", lambda: rl.tensor([[1, 2], [3]]),
        ValueError,
        ("expected sequence of length 2 at dim 1 (got 1): rows of a tensor are of one length; "
         "rushlight.ragged takes sequences of any")),
    Mistake("cuda", lambda: rl.ones(3).cuda(),
        AssertionError,
        ("Torch not compiled with CUDA enabled. Device 'cuda' is not available: this build "
         "computes on 'cpu'. Use device='cpu', or leave device out")),
    Mistake("in-place cast", lambda: rl.ones(3, dtype=rl.int64).add_(0.5),
        RuntimeError,
        ("result type Float can't be cast to the desired output type Long: add_(input "
         "int64[3], other float 0.5)")),
    Mistake("optimizer empty", lambda: rl.optim.SGD([], lr=.1),
        ValueError,
        ("optimizer got an empty parameter list: give it what model.parameters() yields (an "
         "iterator is empty once it was used)")),
    Mistake("mean of ints", lambda: rl.ones(3, dtype=rl.int64).mean(),
        RuntimeError,
        ("mean(): could not infer output dtype. Input dtype must be either a floating point or"
         " complex dtype. Got: int64; convert it with .float(), or pass dtype=")),
    Mistake("module without forward", lambda: NoForward()(rl.ones(2)),
        NotImplementedError,
        ("Module [NoForward] is missing the required \"forward\" function")),
    Mistake("double into float layer", lambda: nn.Linear(2, 2)(rl.ones(1, 2, dtype=rl.float64)),
        RuntimeError,
        ("mat1 and mat2 must have the same dtype, but got Double and Float: linear(input "
         "float64[1, 2], weight float32[2, 2], bias float32[2]); convert one with .to(dtype)")),
    Mistake("lstm hidden", lambda: nn.LSTM(4, 5)(
        rl.ones(2, 3, 4), (rl.zeros(1, 2, 5), rl.zeros(1, 2, 5))),
        RuntimeError,
        ("Expected hidden[0] size (1, 3, 5), got [1, 2, 5]")),
    Mistake("optimizer non leaf", lambda: rl.optim.SGD([rl.ones(2, requires_grad=True)*2], lr=.1),
        ValueError,
        ("can't optimize a non-leaf Tensor; detach() it, or pass the tensors that it was "
         "computed from")),
    Mistake("optimizer tensor", lambda: rl.optim.SGD(rl.ones(2, requires_grad=True), lr=.1),
        TypeError,
        ("params argument given to the optimizer should be an iterable of Tensors or dicts, "
         "but got torch.FloatTensor; wrap it in a list: [tensor]")),
    Mistake("mha embed", lambda: nn.MultiheadAttention(10, 3),
        AssertionError,
        ("embed_dim must be divisible by num_heads: got embed_dim 10 and num_heads 3")),
    Mistake("groups", lambda: nn.Conv2d(3, 8, 3, groups=2),
        ValueError,
        ("in_channels must be divisible by groups: got 3 channels in 2 groups")),
    Mistake("where", lambda: rl.where(rl.ones(2), rl.ones(2), rl.zeros(2)),
        RuntimeError,
        ("where expected condition to be a boolean tensor, but got a tensor with dtype "
         "float32; compare it with something first")),
    Mistake("masked_fill", lambda: rl.ones(2).masked_fill(rl.ones(2), 0),
        RuntimeError,
        ("masked_fill_ only supports boolean masks, but got mask with dtype Float; compare, or"
         " convert it with mask.bool()")),
    Mistake("clamp", lambda: rl.ones(2).clamp(),
        RuntimeError,
        ("torch.clamp: At least one of 'min' or 'max' must not be None")),
    Mistake("interpolate", lambda: F.interpolate(rl.ones(1, 1, 4, 4)),
        ValueError,
        ("either size or scale_factor should be defined")),
    Mistake("grad shape", lambda: (rl.ones(2, requires_grad=True)*1).backward(rl.ones(3)),
        RuntimeError,
        ("Mismatch in shape: grad_output[0] has a shape of torch.Size([3]) and output[0] has a"
         " shape of torch.Size([2]).")),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=[mistake.name for mistake in MISTAKES])
def test_message(mistake: Mistake) -> None:
    with pytest.raises(mistake.error) as caught:
        mistake.call()
    assert type(caught.value) is mistake.error
    assert str(caught.value) == mistake.message


def test_overwritten_value_names_the_line() -> None:
    x = rl.ones(3, requires_grad=True)
    y = x.exp()
    y.add_(1)  # this line
    with pytest.raises(RuntimeError) as caught:
        y.sum().backward()
    message = str(caught.value)
    assert message.startswith("one of the variables needed for gradient computation has been "
                              "modified by an inplace operation: ExpBackward0")
    assert f"{__file__}:" in message and "(y.add_(1)  # this line)" in message
    assert message.endswith("Use the out-of-place form there, or clone() the tensor before "
                            "writing to it")


def test_sizes_are_compared_from_the_last_dimension() -> None:
    for shapes, words in (((2, 3), (3, 2)), r"a \(3\) .* b \(2\) at non-singleton dimension 1"), (
            ((4, 3, 2), (2, 3)), r"a \(2\) .* b \(3\) at non-singleton dimension 2"):
        with pytest.raises(RuntimeError, match=words):
            rl.ones(shapes[0]) + rl.ones(shapes[1])
