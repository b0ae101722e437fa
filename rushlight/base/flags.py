"""Switches of the running thread: whether operations are recorded, and how."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class Flags(threading.local):
    """Each thread has its own; the class holds what a new thread starts with."""

    grad_enabled = True
    inference = False
    anomaly_check_nan = True
    # Called with each node that backward ran, what it received and what it made, while anomalies
    # are traced.
    gradient_check: Callable[[Any, Any, Any], None] | None = None
    autocast: Any = None  # the dtype that matrix products are cast to, None while off
    autocast_dtype: Any = None  # the one that is set for when it is on, None for the default
    autocast_cache = True  # accepted
    autocast_depth = 0  # blocks that programs counted
    _anomaly = False

    @property
    def anomaly(self) -> bool:
        """Whether the thread traces where its ops are recorded."""
        return self._anomaly

    @anomaly.setter
    def anomaly(self, on: bool) -> None:
        if on != self._anomaly:
            tracing.append(True) if on else tracing.pop()
        self._anomaly = on


tracing: list[bool] = []  # one entry for each thread with anomaly on: quicker to ask than flags
flags = Flags()


class Deterministic:
    """Process-wide: every kernel is deterministic anyway, the switch is kept for programs."""

    enabled = False
    warn_only = False
