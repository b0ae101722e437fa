"""Switches of the running thread: whether operations are recorded, and how."""

from __future__ import annotations

import threading


class Flags(threading.local):
    """Each thread has its own; the class holds what a new thread starts with."""

    grad_enabled = True
    inference = False
    anomaly = False
    anomaly_check_nan = True


flags = Flags()


class Deterministic:
    """Process-wide: every kernel is deterministic anyway, the switch is kept for programs."""

    enabled = False
    warn_only = False
