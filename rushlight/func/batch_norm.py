"""Batch norm without running statistics, which lanes of a batch would all write to."""

from __future__ import annotations

from rushlight.nn import Module
from rushlight.nn.modules.batchnorm import _BatchNorm

__all__ = ["replace_all_batch_norm_modules_"]


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """Let every batch norm in `root` use the statistics of its batch; returns `root`, changed.

    Inside `vmap` each example would update the running statistics that all share, which is an
    error; per-example gradients of a net with batch norm need this first.

    >>> import rushlight as rl
    >>> net = rl.nn.Sequential(rl.nn.Conv2d(3, 4, 1), rl.nn.BatchNorm2d(4))
    >>> rl.func.replace_all_batch_norm_modules_(net)[1].running_mean is None
    True
    """
    for module in root.modules():
        if isinstance(module, _BatchNorm) and module.track_running_stats:
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root
