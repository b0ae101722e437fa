"""`torch._higher_order_ops`: a package, whose modules hold loops over tensors."""
