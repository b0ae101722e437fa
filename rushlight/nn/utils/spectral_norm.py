"""Spectral norm as a hook on the module, as programs before parametrizations have it."""

from __future__ import annotations

from typing import Any

from rushlight.autograd import no_grad
from rushlight.nn import functional as F
from rushlight.nn.modules.conv import _ConvTransposeNd
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter
from rushlight.nn.utils.norms import weight_as_matrix
from rushlight.ops import dot, mv
from rushlight.tensor import Tensor


class SpectralNorm:
    """The forward pre-hook that computes `name` from `name_orig` and the buffer `name_u`."""

    _version = 1

    def __init__(self, name: str, n_power_iterations: int, dim: int, eps: float) -> None:
        if n_power_iterations <= 0:
            raise ValueError(
                "Expected n_power_iterations to be positive, but got "
                f"n_power_iterations={n_power_iterations}"
            )
        self.name = name
        self.n_power_iterations = n_power_iterations
        self.dim = dim
        self.eps = eps

    def compute_weight(self, module: Any, do_power_iteration: bool) -> Tensor:
        """The weight over its largest singular value."""
        weight = getattr(module, f"{self.name}_orig")
        u, v = getattr(module, f"{self.name}_u"), getattr(module, f"{self.name}_v")
        matrix = weight_as_matrix(weight, self.dim)
        if do_power_iteration:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    v.copy_(F.normalize(mv(matrix.t(), u), dim=0, eps=self.eps))
                    u.copy_(F.normalize(mv(matrix, v), dim=0, eps=self.eps))
            u, v = u.clone(), v.clone()  # backward needs them as they are now
        return weight / dot(u, mv(matrix, v))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, module.training))


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """The old form of `nn.utils.parametrizations.spectral_norm`; returns the module.

    `name_orig` takes the place of the parameter; `name_u` and `name_v` are buffers.

    Raises RuntimeError where the parameter has one already.

    >>> import rushlight as rl
    >>> list(rl.nn.utils.spectral_norm(rl.nn.Linear(2, 3)).state_dict())
    ['bias', 'weight_orig', 'weight_u', 'weight_v']
    """
    if _find(module._forward_pre_hooks, SpectralNorm, name) is not None:
        raise RuntimeError(f"Cannot register two spectral_norm hooks on the same parameter {name}")
    if dim is None:
        dim = 1 if isinstance(module, _ConvTransposeNd) else 0
    hook = SpectralNorm(name, n_power_iterations, dim, eps)
    weight = module._parameters[name]
    if weight is None:
        raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
    with no_grad():
        matrix = weight_as_matrix(weight, dim)
        height, width = matrix.size()
        u = F.normalize(weight.new_empty(height).normal_(0, 1), dim=0, eps=eps)
        v = F.normalize(weight.new_empty(width).normal_(0, 1), dim=0, eps=eps)
    delattr(module, name)
    module.register_parameter(f"{name}_orig", weight)
    setattr(module, name, weight.data)
    module.register_buffer(f"{name}_u", u)
    module.register_buffer(f"{name}_v", v)
    module.register_forward_pre_hook(hook)
    module._register_state_dict_hook(_Version(hook))
    return module


class _Version:
    """The state dict hook that notes which version of the buffers it holds."""

    def __init__(self, hook: SpectralNorm) -> None:
        self.hook, self.name = hook, hook.name

    def __call__(self, module: Any, state_dict: Any, prefix: str, local_metadata: dict) -> None:
        notes = local_metadata.setdefault("spectral_norm", {})
        notes[f"{self.name}.version"] = self.hook._version


def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """Make the parameter a plain one again, normed as it is now; returns the module.

    Raises ValueError where it has no spectral norm.
    """
    key = _find(module._forward_pre_hooks, SpectralNorm, name)
    if key is None:
        raise ValueError(f"spectral_norm of '{name}' not found in {module}")
    with no_grad():
        weight = module._forward_pre_hooks[key].compute_weight(module, False)
    delattr(module, name)
    for suffix in ("_u", "_v", "_orig"):
        delattr(module, name + suffix)
    module.register_parameter(name, Parameter(weight.detach()))
    del module._forward_pre_hooks[key]
    module._call_hooks.pop(key, None)
    noted = _find(module._state_dict_hooks, _Version, name)
    if noted is not None:
        del module._state_dict_hooks[noted]
    return module


def _find(hooks: Any, kind: type, name: str) -> int | None:
    for key, hook in hooks.items():
        if isinstance(hook, kind) and hook.name == name:  # type: ignore[attr-defined]
            return key
    return None
