"""grad and backward of several tensors, checks of gradients, derivatives of functions."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as rl
from rushlight.autograd import (
    Function,
    GradcheckError,
    Variable,
    backward,
    detect_anomaly,
    functional,
    grad,
    gradcheck,
    gradgradcheck,
    set_detect_anomaly,
)
from rushlight.autograd.anomaly_mode import is_anomaly_enabled


def leaf(*values: float) -> rl.Tensor:
    return rl.tensor(values, dtype=rl.float64, requires_grad=True)


class Wrong(Function):
    """Its gradient is off by a tenth."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return 2.2 * x * g


def test_grad_leaves_grad_alone() -> None:
    x, y = leaf(2.0), leaf(3.0)
    gx, gy = grad(x * y, [x, y])
    assert (gx.item(), gy.item()) == (3.0, 2.0) and x.grad is None


def test_grad_of_inner_tensors_and_of_several_outputs() -> None:
    x = leaf(2.0)
    y = x * x
    z = y * 3
    assert [g.item() for g in grad([z, y], [x, y], [leaf(1.0).detach(), None])] == [16.0, 4.0]


def test_unused_inputs() -> None:
    x, other = leaf(2.0), leaf(1.0)
    with pytest.raises(RuntimeError, match="appears to not have been used in the graph"):
        grad(x * 2, other)
    assert grad(x * 2, [x, other], allow_unused=True)[1] is None
    assert grad(x * 2, other, materialize_grads=True)[0].tolist() == [0.0]
    with pytest.raises(ValueError, match="Expected allow_unused to be True"):
        grad(x * 2, other, allow_unused=False, materialize_grads=True)
    with pytest.raises(RuntimeError, match="does not require grad"):
        grad(x * 2, rl.ones(1))


def test_higher_orders() -> None:
    x = leaf(2.0)
    value = x * x * x * x
    for expected in (32.0, 48.0, 48.0, 24.0):
        (value,) = grad(value, x, create_graph=True)
        assert value.item() == expected


def test_batched_gradients() -> None:
    x = leaf(1.0, 2.0)
    (jacobian,) = grad(x * x, x, rl.eye(2, dtype=rl.float64), is_grads_batched=True)
    assert jacobian.tolist() == [[2.0, 0.0], [0.0, 4.0]]


def test_backward_of_several() -> None:
    x, y = leaf(1.0, 2.0), leaf(3.0)
    backward([(x * 2).sum(), y * 3], [None, rl.tensor([2.0], dtype=rl.float64)])
    assert x.grad.tolist() == [2.0, 2.0] and y.grad.tolist() == [6.0]
    backward((x * y).sum(), inputs=[y])
    assert x.grad.tolist() == [2.0, 2.0] and y.grad.tolist() == [9.0]
    with pytest.raises(RuntimeError, match="cannot be empty"):
        backward((x * y).sum(), inputs=[])
    with pytest.raises(RuntimeError, match="got 1 tensors and 2 gradients"):
        backward(x * 1, [x, x])


def test_gradcheck_finds_a_wrong_gradient() -> None:
    x = leaf(1.0, 2.0)
    assert gradcheck(lambda x: (x * x, x.sum()), (x,))
    for fast in (False, True):
        assert gradcheck(lambda x: x * x, (x,), fast_mode=fast)
        with pytest.raises(GradcheckError, match="Jacobian mismatch for output 0 with respect to"):
            gradcheck(Wrong.apply, (x,), fast_mode=fast)
        assert not gradcheck(Wrong.apply, (x,), fast_mode=fast, raise_exception=False)
    with pytest.raises(GradcheckError, match="expected to be zero"):
        gradcheck(lambda x: x.detach() * 2, (x,))


def test_gradcheck_of_complex_functions() -> None:
    z = rl.tensor([1 + 2j, -0.5 + 0.25j], requires_grad=True, dtype=rl.complex128)
    assert gradcheck(lambda z: z * z, (z,))
    assert gradcheck(lambda z: z.abs(), (z,))
    assert gradcheck(lambda z: z * z, (z,), fast_mode=True)


def test_gradcheck_says_what_it_cannot_check() -> None:
    with pytest.raises(ValueError, match="at least one input tensor to require gradient"):
        gradcheck(lambda x: x, (rl.ones(1),))
    with pytest.warns(UserWarning, match="is not a double precision floating point"):
        gradcheck(lambda x: x * 2, (rl.ones(1, requires_grad=True),), eps=1e-2, atol=1e-2)
    with pytest.raises(RuntimeError, match="stride 0"):
        gradcheck(lambda x: x * 2, (leaf(1.0).expand(3),))


def test_gradcheck_compares_tangents_too() -> None:
    class Wrong(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * x

        @staticmethod
        def jvp(ctx: Any, tangent: Any) -> Any:
            return tangent * 3

        backward = vjp = jvp

    x = leaf(1.0, 2.0)
    z = rl.tensor([1 + 2j, 3 - 1j], dtype=rl.complex128, requires_grad=True)
    assert gradcheck(lambda x: (x * x).cumsum(0), (x,), check_forward_ad=True)
    assert gradcheck(lambda z: z * z, (z,), check_forward_ad=True)
    assert gradgradcheck(lambda x: x ** 3, (x,), check_fwd_over_rev=True)
    with pytest.raises(GradcheckError, match="forward mode mismatch for output 0 with respect"):
        gradcheck(Wrong.apply, (x,), check_forward_ad=True, check_backward_ad=False)
    assert not gradcheck(Wrong.apply, (x,), check_forward_ad=True, raise_exception=False)


def test_gradcheck_notices_what_ignores_the_incoming_gradient() -> None:
    class Ignores(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x.sum()

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return rl.ones(2, dtype=rl.float64)

    with pytest.raises(GradcheckError, match="backward not multiplied by grad_output"):
        gradcheck(Ignores.apply, (leaf(1.0, 2.0),))


def test_gradgradcheck() -> None:
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    assert gradgradcheck(lambda x, y: x * x * y, (x, y))
    assert gradgradcheck(lambda x: x * x * x, (x,), gen_non_contig_grad_outputs=True)

    class WrongTwice(Wrong):
        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return Wrong.apply(x) / x.detach() * 2 * g

    with pytest.raises(GradcheckError):
        gradgradcheck(WrongTwice.apply, (x,))


def test_jacobian_and_hessian() -> None:
    def function(x: rl.Tensor, y: rl.Tensor) -> rl.Tensor:
        return x * y.sum()

    jx, jy = functional.jacobian(function, (rl.tensor([1.0, 2.0]), rl.tensor([3.0, 4.0, 5.0])))
    assert jx.tolist() == [[12.0, 0.0], [0.0, 12.0]]
    assert jy.tolist() == [[1.0] * 3, [2.0] * 3] and not jx.requires_grad
    both = functional.jacobian(lambda x: (x * 2, x.sum()), rl.ones(2))
    assert both[0].tolist() == [[2.0, 0.0], [0.0, 2.0]] and both[1].tolist() == [1.0, 1.0]
    hessian = functional.hessian(lambda x, y: (x * x * y).sum(), (rl.ones(1) * 3, rl.ones(1) * 5))
    assert [[block.item() for block in row] for row in hessian] == [[10.0, 6.0], [6.0, 0.0]]
    with pytest.raises(RuntimeError, match="should contain a single element"):
        functional.hessian(lambda x: x * x, rl.ones(2))
    with pytest.raises(RuntimeError, match="independent of input 1"):
        functional.jacobian(lambda x, y: x * 2, (rl.ones(1), rl.ones(1)), strict=True)


def test_products() -> None:
    x, v = rl.tensor([1.0, 2.0]), rl.tensor([1.0, 10.0])

    def cube(x: rl.Tensor) -> rl.Tensor:
        return x * x * x

    assert functional.vjp(cube, x, v)[1].tolist() == [3.0, 120.0]
    assert functional.jvp(cube, x, v)[1].tolist() == [3.0, 120.0]
    for product in (functional.vhp, functional.hvp):
        value, found = product(lambda x: cube(x).sum(), x, v)
        assert value.item() == 9.0 and found.tolist() == [6.0, 120.0]
    with pytest.raises(RuntimeError, match="v can only be None"):
        functional.vjp(cube, x)
    with pytest.raises(RuntimeError, match="invalid size"):
        functional.vjp(cube, x, rl.ones(3))
    with pytest.raises(TypeError, match="must be either a Tensor or a tuple of Tensors"):
        functional.vjp(cube, 3.0)
    (again,) = grad(functional.vjp(cube, leaf(2.0), leaf(1.0).detach(), create_graph=True)[1].sum(),
                    [start := leaf(1.0)], allow_unused=True)
    assert again is None and start.grad is None


def test_anomalies_name_the_line() -> None:
    x = rl.tensor([0.0], requires_grad=True)
    with pytest.warns(UserWarning, match="Anomaly Detection has been enabled"), detect_anomaly():
        y = x.sqrt() * 0.0  # the forward line
        with pytest.raises(RuntimeError, match="returned nan values in its 0th output") as caught:
            y.backward()
    assert "test_gradient.py" in str(caught.value) and "the forward line" in str(caught.value)
    with set_detect_anomaly(True, check_nan=False):
        (x.sqrt() * 0.0).backward()
    assert not is_anomaly_enabled()


def test_anomalies_in_functions_name_the_line() -> None:
    with set_detect_anomaly(True):
        y = Wrong.apply(leaf(float("nan")))  # made here
        with pytest.raises(RuntimeError, match="WrongBackward") as caught:
            y.backward()
    assert "made here" in str(caught.value)


def test_variables() -> None:
    x = Variable(rl.ones(2, 2), requires_grad=True)
    y = x + 2
    (y * y * 3).mean().backward()
    assert x.grad.tolist() == [[4.5, 4.5], [4.5, 4.5]]
    assert isinstance(x, Variable) and isinstance(rl.ones(1), Variable)
    data = rl.ones(2)
    assert Variable(data).data_ptr() == data.data_ptr()
    with pytest.warns(UserWarning, match="volatile was removed"):
        Variable(data, volatile=True)
    with pytest.raises(TypeError, match="Variable data has to be a tensor, but got int"):
        Variable(3)


def test_gradients_given_in_another_dtype_are_those_of_the_output() -> None:
    x = rl.ones(3, requires_grad=True)
    (found,) = rl.autograd.grad(x * 2, x, rl.ones(3, dtype=rl.float64))
    assert found.dtype is rl.float32
    (x * 2).backward(rl.ones(3, dtype=rl.int64))
    assert x.grad is not None and x.grad.dtype is rl.float32
    with pytest.raises(RuntimeError, match="For complex Tensors, both grad_output and output are"):
        x.to(rl.complex64).backward(rl.ones(3))
    with pytest.raises(RuntimeError, match="For complex Tensors, both grad_output and output are"):
        x.sum().backward(rl.tensor(1j))
    with pytest.raises(RuntimeError, match=r"grad can be implicitly created only for real scalar "
                       r"outputs but got torch\.complex64"):
        x.to(rl.complex64).sum().backward()


def test_what_grad_and_backward_refuse() -> None:
    x = rl.ones(3, requires_grad=True)
    y = (x * 2).sum()
    with pytest.raises(RuntimeError, match=r"`inputs` argument to `grad\(\)` cannot be empty"):
        rl.autograd.grad(y, [])
    with pytest.raises(RuntimeError, match="The differentiated Tensor at index 1 appears to not"):
        rl.autograd.grad(y, [x, rl.ones(2, requires_grad=True)], retain_graph=True)
    with pytest.raises(RuntimeError, match="can't retain_grad on Tensor that has"):
        rl.autograd.backward(y, inputs=[rl.ones(2)])
    with pytest.raises(RuntimeError, match=r"`grad_tensors` and `grad_variables` \(deprecated\)"), (
            pytest.warns(FutureWarning)):
        rl.autograd.backward(y, rl.tensor(1.0), grad_variables=rl.tensor(1.0))
    with pytest.raises(RuntimeError, match=r"attempting to assign a gradient of size '\[2\]'"):
        x.grad = rl.ones(2)
    with pytest.raises(RuntimeError, match="attempting to assign a gradient with dtype"):
        x.grad = rl.ones(3, dtype=rl.float64)


def test_strict_derivatives_of_functions() -> None:
    from rushlight.autograd.functional import hessian, hvp, jacobian, jvp, vjp

    x = rl.tensor([1.0, 2.0])
    for call in (lambda f: jacobian(f, x, strict=True), lambda f: vjp(f, x, x, strict=True),
                 lambda f: jvp(f, x, x, strict=True)):
        with pytest.raises(RuntimeError, match="Output 0 of the user-provided function does not"):
            call(lambda x: rl.ones(2))
    with pytest.raises(RuntimeError, match="The jacobian of the user-provided function is indep"):
        jacobian(lambda x: x * 2, x, create_graph=True, strict=True)
    for call in (lambda f: hessian(f, x, strict=True), lambda f: hvp(f, x, x, strict=True)):
        with pytest.raises(RuntimeError, match="While computing the hessian, found that the jac"):
            call(lambda x: x.sum())
        call(lambda x: (x ** 3).sum())
    with pytest.raises(RuntimeError, match=r"^v has invalid size: should be torch.Size\(\[2\]\)"):
        vjp(lambda x: x, x, rl.ones(3))
    with pytest.raises(TypeError, match="The inputs given to jacobian must be either a Tensor or "
                       "a tuple of Tensors but the given inputs has type <class 'int'>"):
        jacobian(lambda x: x, 3)
