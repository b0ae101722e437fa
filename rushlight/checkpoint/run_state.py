"""Saving the state of a training run, and going on from it."""

from __future__ import annotations

import os
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rushlight.checkpoint.folder import Entry, best, entries, file_name, prune
from rushlight.checkpoint.random_states import random_states, restore_random_states
from rushlight.serialization import load as load_file
from rushlight.serialization import save as save_file

FORMAT = 1  # of the dictionary in a file
PLAIN = (str, bytes, int, float, complex, type(None))


@dataclass(frozen=True)
class Checkpoint:
    """What `load` found: its step and metric, and the values that it did not put into objects."""

    step: int
    metric: float | None
    path: Path
    values: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


def save(
    folder: str | os.PathLike[str],
    step: int,
    *,
    metric: float | None = None,
    mode: str = "min",
    keep: int | None = 3,
    keep_best: bool = True,
    **parts: Any,
) -> Path:
    """Write the state of a run at `step` to a file in `folder`, whole or not at all.

    The states of the random generators of Rushlight, NumPy and Python are written, too. The file
    appears under its name when it is complete and synced to disk; only then are older ones
    deleted. A process killed at any moment, or a full disk, leaves the checkpoint before this one.

    Args:
        folder: made if it is missing; one for each run.
        step: counts upwards; a step that is there is replaced. Warns where the folder holds later
            ones.
        metric: decides which checkpoint is the best; NaN never is.
        mode: "min" if less of the metric is better, "max" if more.
        keep: how many of the last steps stay; None for all.
        keep_best: the one with the best metric stays, too.
        parts: what makes up the run, by name: objects with `state_dict` (model, optimizer,
            scheduler, scaler, loader, ...), or plain values (numbers, texts, tensors,
            containers of them) such as the configuration.

    Returns:
        The path of the file.

    Raises:
        ValueError: a negative step, another mode, keep below 1.
        TypeError: a part is neither plain nor has a `state_dict`.
        OSError: the file cannot be written; those before it are untouched.

    >>> import rushlight as rl, tempfile
    >>> model = rl.nn.Linear(2, 1)
    >>> optimizer = rl.optim.Adam(model.parameters())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = rl.checkpoint.save(folder, 7, model=model, optimizer=optimizer, config={"lr": 0.1})
    ...     found = rl.checkpoint.load(folder, model=model, optimizer=optimizer)
    >>> found.step, found["config"]
    (7, {'lr': 0.1})
    """
    _check(step, metric, mode, keep)
    states = {name: _state(name, part) for name, part in parts.items()}
    content = {"format": FORMAT, "step": int(step), "metric": metric, "states": states,
               "stateful": [name for name, part in parts.items() if _is_stateful(part)],
               "random": random_states()}
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    metric = None if metric is None else float(metric)
    path = place / file_name(int(step), metric, mode)
    save_file(content, path)
    prune(place, path, keep, keep_best)
    return path


def load(
    folder: str | os.PathLike[str],
    which: str | int = "last",
    *,
    map_location: Any = None,
    random: bool = True,
    **parts: Any,
) -> Checkpoint:
    """Put the state of a run back into its objects, and return what is not an object's.

    A file that is damaged is passed over with a warning that names it, where an earlier
    checkpoint is sound. Nothing in a file is executed.

    Args:
        folder: that `save` was given.
        which: "last", "best" (by the metrics), or a step.
        map_location: as in `rushlight.load`.
        random: put the random generators back, so that the run goes on as if never interrupted.
        parts: the objects by the names that `save` was given, loaded in this order.

    Returns:
        `Checkpoint(step, metric, path, values)`; `values` holds plain values, and the states of
        objects that were not passed. `checkpoint["config"]` is short for `.values["config"]`.

    Raises:
        FileNotFoundError: there is no such checkpoint.
        KeyError: a part is not in the file.
        RuntimeError: a state does not fit its object, or every file is damaged.
    """
    chosen, content = _read(_candidates(folder, which), map_location)
    states: dict[str, Any] = content["states"]
    for name, part in parts.items():
        if name not in states:
            raise KeyError(f"{chosen.path} has no part {name!r}; it has {', '.join(states)}")
        if not _is_stateful(part, "load_state_dict"):
            raise TypeError(f"{name}: {type(part).__name__} has no load_state_dict(); leave it "
                            f"out, and take it from the result: found[{name!r}]")
    for name, part in parts.items():
        part.load_state_dict(states.pop(name))
    if random:
        restore_random_states(content["random"])
    return Checkpoint(content["step"], content["metric"], chosen.path, states)


def _check(step: int, metric: float | None, mode: str, keep: int | None) -> None:
    if isinstance(step, bool) or int(step) != step or step < 0:
        raise ValueError(f"step must be a whole number of at least 0, but got {step!r}")
    if mode not in ("min", "max"):
        raise ValueError(f"mode must be 'min' or 'max', but got {mode!r}")
    if keep is not None and keep < 1:
        raise ValueError(f"keep must be at least 1, or None to keep all, but got {keep}")


def _is_stateful(part: Any, method: str = "state_dict") -> bool:
    return callable(getattr(part, method, None))


def _state(name: str, part: Any) -> Any:
    """What is written of a part: plain values only, or `load` would refuse the file."""
    state = part.state_dict() if _is_stateful(part) else part
    odd = _first_odd(state)
    if odd is not None:
        raise TypeError(
            f"{name}: a {type(odd).__module__}.{type(odd).__qualname__} is neither a tensor nor a "
            "plain value, and has no state_dict(); save what it is made from")
    return state


def _first_odd(value: Any) -> Any:
    """The first value inside that is not plain; None if all are."""
    if isinstance(value, Mapping):
        return next((odd for pair in value.items() for item in pair
                     if (odd := _first_odd(item)) is not None), None)
    if isinstance(value, list | tuple | set | frozenset):
        return next((odd for item in value if (odd := _first_odd(item)) is not None), None)
    is_plain = isinstance(value, PLAIN) or hasattr(value, "dtype")
    return None if is_plain else value


def _candidates(folder: str | os.PathLike[str], which: str | int) -> list[Entry]:
    """The entries to try, the wanted one first."""
    found = entries(folder)
    if which == "last":
        wanted = found[::-1]
    elif which == "best":
        chosen = best(found)
        wanted = [chosen] if chosen is not None else []
    elif isinstance(which, int):
        wanted = [entry for entry in reversed(found) if entry.step == which]
    else:
        raise ValueError(f"which must be 'last', 'best' or a step, but got {which!r}")
    if not wanted:
        there = ", ".join(str(entry.step) for entry in found)
        raise FileNotFoundError(
            f"no checkpoint {which!r} in {os.fspath(folder)!r}: "
            + (f"there are steps {there}" if found else "there is none")
            + (", without a metric" if found and which == "best" else ""))
    return wanted


def _read(candidates: list[Entry], map_location: Any) -> tuple[Entry, dict[str, Any]]:
    """The first that can be read, with its content."""
    errors = []
    for entry in candidates:
        try:
            content = load_file(entry.path, map_location=map_location)
        except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
            errors.append(f"{entry.path}: {error}")
            continue
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            errors.append(f"{entry.path}: not a checkpoint of this format")
            continue
        for damaged in errors:
            warnings.warn(f"passed over a damaged checkpoint: {damaged}", stacklevel=3)
        return entry, content
    raise RuntimeError("no checkpoint can be read: " + "; ".join(errors))
