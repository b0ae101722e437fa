"""`torch.storage`: the memory below tensors."""

from rushlight.tensor.storage import UntypedStorage

TypedStorage = StorageBase = UntypedStorage

__all__ = ["StorageBase", "TypedStorage", "UntypedStorage"]
