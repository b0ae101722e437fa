"""Function transforms: forward mode, batching, and gradients of what they compute."""
