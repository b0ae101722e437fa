"""Checkpoints of a whole training run in a folder: saved at once or not at all, and resumed from.

    for step in range(start, steps):
        ...
        rl.checkpoint.save("runs/a", step, model=model, optimizer=optimizer, loader=loader,
                           metric=validation_loss)

    found = rl.checkpoint.load("runs/a", model=model, optimizer=optimizer, loader=loader)
"""

from rushlight.checkpoint.folder import Entry, entries
from rushlight.checkpoint.run_state import Checkpoint, load, save

__all__ = ["Checkpoint", "Entry", "entries", "load", "save"]
