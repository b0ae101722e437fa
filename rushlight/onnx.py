"""Exchange with other libraries through ONNX files: not there yet, which is said when asked."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["export", "is_in_onnx_export", "register_custom_op_symbolic"]


def export(model: Any = None, *arguments: Any, **options: Any) -> NoReturn:
    """Raises NotImplementedError: save the state_dict instead."""
    raise NotImplementedError("onnx.export: ONNX files are not there yet; save the state_dict "
                              "(rushlight.save or save_file), which torch opens and exports")


dynamo_export = export


def is_in_onnx_export() -> bool:
    """Whether a model is being exported: False."""
    return False


def register_custom_op_symbolic(*arguments: Any, **options: Any) -> None:
    """Nothing is exported, so nothing is kept."""
