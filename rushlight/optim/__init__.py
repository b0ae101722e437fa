"""Optimizers and learning rate schedules; each is imported when first asked for."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from rushlight.base.first_use import names_on_first_use as _names_on_first_use

if _TYPE_CHECKING:
    from rushlight.optim import lr_scheduler, swa_utils
    from rushlight.optim.adadelta import Adadelta
    from rushlight.optim.adafactor import Adafactor
    from rushlight.optim.adagrad import Adagrad
    from rushlight.optim.adam import Adam
    from rushlight.optim.adamax import Adamax
    from rushlight.optim.adamw import AdamW
    from rushlight.optim.asgd import ASGD
    from rushlight.optim.lbfgs import LBFGS
    from rushlight.optim.muon import Muon
    from rushlight.optim.nadam import NAdam
    from rushlight.optim.optimizer import Optimizer
    from rushlight.optim.radam import RAdam
    from rushlight.optim.rmsprop import RMSprop
    from rushlight.optim.rprop import Rprop
    from rushlight.optim.sgd import SGD
    from rushlight.optim.sparse_adam import SparseAdam

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SparseAdam",
    "lr_scheduler",
    "swa_utils",
]

_MODULES = ("lr_scheduler", "swa_utils")

__getattr__, __dir__ = _names_on_first_use(globals(), {
    name: name if name in _MODULES else {"SparseAdam": "sparse_adam"}.get(name, name.lower())
    for name in __all__})
