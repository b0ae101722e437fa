"""The error that a command shows as one line."""

from __future__ import annotations


class CommandError(Exception):
    """Bad input to a command: shown as one line on stderr, exit code 2, no traceback."""
