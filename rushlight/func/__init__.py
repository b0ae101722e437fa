"""Functions of functions: gradients, Jacobians and batches, composable to any depth."""

from rushlight.func.batch_norm import replace_all_batch_norm_modules_
from rushlight.func.forward import jvp, linearize
from rushlight.func.functionalize import functionalize
from rushlight.func.gradient import grad, grad_and_value, vjp
from rushlight.func.jacobian import hessian, jacfwd, jacrev
from rushlight.func.stacking import functional_call, stack_module_state
from rushlight.func.vmap import vmap

__all__ = [
    "functional_call",
    "functionalize",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "replace_all_batch_norm_modules_",
    "stack_module_state",
    "vjp",
    "vmap",
]
