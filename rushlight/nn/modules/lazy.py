"""What lazy modules share: they learn the sizes of their parameters from the first input."""

from __future__ import annotations

from typing import Any, ClassVar

from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import is_lazy
from rushlight.tensor import Tensor


class LazyModuleMixin:
    """Base, before the ordinary layer, of a layer with uninitialized parameters.

    `initialize_parameters(*inputs)`, written by the subclass, materializes them before the first
    forward; the module then becomes one of the class `cls_to_become`.
    """

    cls_to_become: ClassVar[type[Module] | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._initialize_hook = self.register_forward_pre_hook(  # type: ignore[attr-defined]
            _initialize, with_kwargs=True)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Materialize the parameters for these inputs of forward."""
        raise NotImplementedError(
            f"initialize_parameters is not implemented for {type(self).__name__}"
        )

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer of this module is still without shape."""
        members: Any = self
        return any(map(is_lazy, (*members._parameters.values(), *members._buffers.values())))

    def _infer_parameters(self, module: Any, args: tuple, kwargs: Any = None) -> None:
        module.initialize_parameters(*args, **(kwargs or {}))
        if module.has_uninitialized_params():
            raise RuntimeError(
                f"module {module._get_name()} has not been fully initialized: its "
                "initialize_parameters() has to materialize every parameter and buffer"
            )
        module._initialize_hook.remove()
        del module._initialize_hook
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become

    def _load_member(
        self, name: str, key: str, tensor: Tensor, loaded: Any, assign: bool
    ) -> str | None:
        if is_lazy(tensor):
            if is_lazy(loaded):
                return None
            if isinstance(loaded, Tensor):
                tensor.materialize(loaded.shape)  # type: ignore[attr-defined]
        return super()._load_member(name, key, tensor, loaded, assign)  # type: ignore[misc]


def _initialize(module: Any, args: tuple, kwargs: dict[str, Any]) -> None:
    module._infer_parameters(module, args, kwargs)
