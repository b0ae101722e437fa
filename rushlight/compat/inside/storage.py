"""`torch.storage`: the memory below tensors."""

from rushlight.tensor.storage import UntypedStorage

TypedStorage = UntypedStorage

__all__ = ["TypedStorage", "UntypedStorage"]
