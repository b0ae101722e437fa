"""Operations with a backward of one's own."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

import rushlight as rl
from rushlight.autograd import Function, forward_ad, grad, gradcheck, gradgradcheck
from rushlight.autograd.function import once_differentiable


class Square(Function):
    @staticmethod
    def forward(ctx: Any, x: rl.Tensor) -> rl.Tensor:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, gradient: rl.Tensor) -> rl.Tensor:
        (x,) = ctx.saved_tensors
        return 2 * x * gradient


def leaf(*values: float) -> rl.Tensor:
    return rl.tensor(values, dtype=rl.float64, requires_grad=True)


def test_value_gradient_and_name() -> None:
    x = leaf(1.0, 3.0)
    y = Square.apply(x)
    assert y.tolist() == [1.0, 9.0] and y.grad_fn.name() == "SquareBackward"
    assert type(y.grad_fn.next_functions[0][0]).__name__ == "AccumulateGrad"
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 6.0]
    assert gradcheck(Square.apply, (x,)) and gradgradcheck(Square.apply, (x,))


def test_nothing_is_recorded_where_nothing_is_asked() -> None:
    assert Square.apply(rl.ones(2)).grad_fn is None
    with rl.no_grad():
        assert Square.apply(leaf(1.0)).grad_fn is None


def test_forward_runs_without_recording() -> None:
    class Probe(Function):
        @staticmethod
        def forward(ctx: Any, x: rl.Tensor) -> rl.Tensor:
            assert not rl.is_grad_enabled() and ctx.needs_input_grad == (True,)
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: rl.Tensor) -> rl.Tensor:
            assert not rl.is_grad_enabled()
            return g * 2

    Probe.apply(leaf(1.0)).backward()


def test_other_arguments_and_several_outputs() -> None:
    class Mix(Function):
        @staticmethod
        def forward(ctx: Any, x: Any, factor: float, y: Any, name: str) -> Any:
            ctx.factor = factor
            assert ctx.needs_input_grad == (True, False, False, False)
            return x * factor, "text", y + x

        @staticmethod
        def backward(ctx: Any, first: Any, text: Any, second: Any) -> Any:
            assert text is None
            return first * ctx.factor + second, None, None, None

    x, y = leaf(1.0, 2.0), rl.ones(2, dtype=rl.float64)
    a, text, b = Mix.apply(x, 3.0, y, "name")
    assert text == "text" and a.grad_fn is b.grad_fn and b.output_nr == 2
    (a + 10 * b).sum().backward()
    assert x.grad.tolist() == [13.0, 13.0]


def test_missing_gradients_are_zeros_or_none() -> None:
    seen: list[Any] = []

    class Two(Function):
        @staticmethod
        def forward(ctx: Any, x: Any, materialize: bool) -> Any:
            ctx.set_materialize_grads(materialize)
            return x * 1, x * 2

        @staticmethod
        def backward(ctx: Any, a: Any, b: Any) -> Any:
            seen.append(b)
            return a, None

    for materialize in (True, False):
        Two.apply(leaf(1.0), materialize)[0].sum().backward()
    assert seen[0].tolist() == [0.0] and seen[1] is None


def test_setup_context() -> None:
    class Cube(Function):
        @staticmethod
        def forward(x: Any, power: int) -> Any:
            return x ** power

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            x, ctx.power = inputs
            ctx.save_for_backward(x, output)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            x, y = ctx.saved_tensors
            return g * ctx.power * y / x, None

    assert gradcheck(lambda x: Cube.apply(x, 3), (leaf(1.0, 2.0),))
    assert gradgradcheck(lambda x: Cube.apply(x, 3), (leaf(1.0, 2.0),))


def test_saved_outputs_make_no_cycle() -> None:
    class Exp(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (y,) = ctx.saved_tensors
            return g * y

    assert gradgradcheck(Exp.apply, (leaf(0.5, 1.0),))
    gc.disable()
    try:
        y = Exp.apply(leaf(1.0))
        node = weakref.ref(y.grad_fn)
        del y
        assert node() is None
    finally:
        gc.enable()


def test_saved_tensors_are_checked_and_freed() -> None:
    x = leaf(1.0) * 1
    y = Square.apply(x)
    x.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation: SquareBackward"):
        y.backward()
    y = Square.apply(leaf(1.0))
    y.backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.backward()
    with pytest.raises(RuntimeError, match="a second time"):
        _ = y.grad_fn.saved_tensors


def test_dirty_inputs() -> None:
    class Double(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return 2 * g

    start = leaf(1.0)
    x = start * 1
    y = Double.apply(x)
    assert y is x and x.grad_fn.name() == "DoubleBackward"
    x.backward()
    assert start.grad.tolist() == [2.0]
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        Double.apply(leaf(1.0))


def test_dirty_tensors_are_returned() -> None:
    class Forgets(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.mark_dirty(x)
            return x * 1

    with pytest.raises(RuntimeError, match="must all be outputs of the Function"):
        Forgets.apply(leaf(1.0) * 1)


def test_an_input_that_is_returned_keeps_its_own_history() -> None:
    class Pass(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return 5 * g

    x = leaf(1.0)
    y = Pass.apply(x)
    assert x.is_leaf and y is not x and y.data_ptr() == x.data_ptr()
    y.backward()
    assert x.grad.tolist() == [5.0]


def test_outputs_without_gradient() -> None:
    class Sort(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            flags = x * 0
            ctx.mark_non_differentiable(flags)
            return x * 1, flags, x.long()

        @staticmethod
        def backward(ctx: Any, g: Any, *rest: Any) -> Any:
            return g

    x, flags, whole = Sort.apply(leaf(1.0))
    assert x.requires_grad and not flags.requires_grad and not whole.requires_grad


@pytest.mark.parametrize(("result", "error", "message"), [
    ((rl.ones(2), None), None, ""),
    ((rl.ones(2), rl.ones(2)), RuntimeError, r"incorrect number of gradients \(expected 1, got 2"),
    (3, TypeError, r"expected Variable or None \(got int\)"),
    (rl.ones(3), RuntimeError, r"invalid gradient at index 0 - got \[3\] but expected shape"),
    (rl.ones(4, 2), None, ""),
    (None, None, ""),
])
def test_what_backward_may_return(result: Any, error: Any, message: str) -> None:
    class Given(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return result

    x = rl.ones(2, requires_grad=True)
    if error is None:
        Given.apply(x).sum().backward()
        return
    with pytest.raises(error, match=message):
        Given.apply(x).sum().backward()


def test_gradients_for_what_is_no_tensor() -> None:
    class Wrong(Function):
        @staticmethod
        def forward(ctx: Any, x: Any, n: int) -> Any:
            return x * n

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g, g

    with pytest.raises(RuntimeError, match="different from None at position 2"):
        Wrong.apply(leaf(1.0), 2).backward()


def test_once_differentiable() -> None:
    class Once(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return 2 * x * g

    x = leaf(3.0)
    assert grad(Once.apply(x), x)[0].item() == 6.0
    (first,) = grad(Once.apply(x), x, leaf(1.0), create_graph=True)
    with pytest.raises(RuntimeError, match="marked with @once_differentiable"):
        first.backward()


def test_old_style_and_unwritten_functions() -> None:
    class Old(Function):
        def forward(self, x: Any) -> Any:
            return x

    class Unwritten(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1

    with pytest.raises(RuntimeError, match="Legacy autograd function with non-static forward"):
        Old()
    with pytest.raises(RuntimeError, match="Legacy autograd function with non-static forward"):
        Old.apply(leaf(1.0))
    with pytest.raises(NotImplementedError, match="You must implement either the backward"):
        Unwritten.apply(leaf(1.0)).backward()
    with pytest.raises(NotImplementedError, match="You must implement the forward function"):
        type("Empty", (Function,), {}).apply(leaf(1.0))


def test_only_tensors_are_saved() -> None:
    class Saves(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x, None, 3)
            return x * 1

    with pytest.raises(TypeError, match="can only save variables, but argument 2 is of type int"):
        Saves.apply(leaf(1.0))


class Product(Function):
    """x * y * scale, with all it can have."""

    @staticmethod
    def forward(x: Any, y: Any, scale: Any) -> Any:
        return x * y * scale, x + 0

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        x, y, ctx.scale = inputs
        ctx.save_for_backward(x, y)
        ctx.save_for_forward(y, x)

    @staticmethod
    def backward(ctx: Any, g: Any, h: Any) -> Any:
        x, y = ctx.saved_tensors
        return g * y * ctx.scale + h, g * x * ctx.scale, None

    @staticmethod
    def jvp(ctx: Any, along_x: Any, along_y: Any, along_scale: Any) -> Any:
        y, x = ctx.saved_tensors
        assert along_scale is None
        return ((0 if along_x is None else along_x * y) * ctx.scale
                + (0 if along_y is None else along_y * x) * ctx.scale), along_x


def test_forward_mode_runs_the_jvp_of_a_function() -> None:
    x, y = leaf(1.0, 2.0), leaf(3.0, 5.0)
    with forward_ad.dual_level():
        made, same = Product.apply(forward_ad.make_dual(x, rl.ones_like(x)), y, 2.0)
        tangent = forward_ad.unpack_dual(made).tangent
        assert tangent.tolist() == [6.0, 10.0]
        assert forward_ad.unpack_dual(same).tangent.tolist() == [1.0, 1.0]
        assert grad(tangent.sum(), y, retain_graph=True)[0].tolist() == [2.0, 2.0]
        assert grad(forward_ad.unpack_dual(made).primal.sum(), x)[0].tolist() == [6.0, 10.0]
        made, same = Product.apply(x, forward_ad.make_dual(y, rl.ones_like(y)), 2.0)
        assert forward_ad.unpack_dual(made).tangent.tolist() == [2.0, 4.0]
        assert forward_ad.unpack_dual(same).tangent is None
    assert gradcheck(lambda x, y: Product.apply(x, y, 2.0), (x, y), check_forward_ad=True)
    _, (along, _) = rl.func.jvp(lambda x: Product.apply(x, x, 1.0), (x,), (rl.ones_like(x),))
    assert along.tolist() == [2.0, 4.0]


def test_a_jvp_of_other_shapes_or_counts_is_refused() -> None:
    class Fewer(Product):
        @staticmethod
        def jvp(ctx: Any, *along: Any) -> Any:
            return along[0]

    class Larger(Product):
        @staticmethod
        def jvp(ctx: Any, *along: Any) -> Any:
            return along[0], along[0].sum()

    x = leaf(1.0, 2.0)
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x, rl.ones_like(x))
        with pytest.raises(RuntimeError, match=r"Fewer\.jvp returned 1 tangents for 2 outputs"):
            Fewer.apply(dual, x, 1.0)
        with pytest.raises(RuntimeError, match=r"a tangent of shape \[\] for output 1 of shape"):
            Larger.apply(dual, x, 1.0)


def test_a_leaf_marked_as_dirty_is_refused_by_name() -> None:
    class Doubled(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.mark_dirty(x)
            return x.mul_(2)

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            return gradient * 2

    with pytest.raises(RuntimeError, match=r"^a leaf Variable that requires grad has been used in "
                                           r"an in-place operation.*Doubled"):
        Doubled.apply(rl.ones(2, requires_grad=True))


def test_lanes_from_a_vmap_of_its_own_keep_the_functions_node() -> None:
    class Cube(Function):
        @staticmethod
        def forward(x: Any) -> Any:
            return x**3

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            return gradient * 3 * ctx.saved_tensors[0] ** 2

        @staticmethod
        def vmap(info: Any, in_dims: Any, x: Any) -> Any:
            return Cube.apply(x.movedim(in_dims[0], 1)), 1

    x = rl.rand(2, 3, requires_grad=True)
    made = rl.func.vmap(Cube.apply)(x)
    assert made.tolist() == (x**3).tolist()
    Cube.vmap = staticmethod(lambda info, in_dims, x: (Cube.apply(x), in_dims[0]))  # type: ignore
    assert rl.func.vmap(Cube.apply)(x).grad_fn.name() == "CubeBackward"


def test_gradgradcheck_draws_from_the_programs_stream() -> None:
    x = rl.arange(1.0, 4.0, dtype=rl.float64).requires_grad_()
    for loose in (False, True):
        rl.manual_seed(0)
        assert gradgradcheck(lambda x: x**3, x, gen_non_contig_grad_outputs=loose)
        found = rl.rand(2)
        rl.manual_seed(0)
        rl.empty(6 if loose else 3, dtype=rl.float64).uniform_(-1, 1)
        assert found.tolist() == rl.rand(2).tolist()


def test_arguments_left_out_are_those_that_setup_context_sees() -> None:
    class Scaled(rl.autograd.Function):
        @staticmethod
        def forward(x: rl.Tensor, factor: float = 2.0) -> rl.Tensor:
            return x * factor

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Any, ...], output: rl.Tensor) -> None:
            _, ctx.factor = inputs

        @staticmethod
        def backward(ctx: Any, gradient: rl.Tensor) -> Any:
            return gradient * ctx.factor, None

    for call, factor in ((lambda x: Scaled.apply(x), 2.0), (lambda x: Scaled.apply(x=x), 2.0),
                         (lambda x: Scaled.apply(x, factor=3.0), 3.0),
                         (lambda x: Scaled.apply(factor=4.0, x=x), 4.0),
                         (lambda x: Scaled.apply(x, 5.0), 5.0)):
        x = rl.ones(2, requires_grad=True)
        call(x).sum().backward()
        assert x.grad is not None and x.grad.tolist() == [factor] * 2
    with pytest.raises(TypeError):
        Scaled.apply(rl.ones(2), other=1)
