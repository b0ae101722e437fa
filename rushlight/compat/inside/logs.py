"""`torch._logging`: what torch's compiler would say; there is nothing to say here."""

from __future__ import annotations

from logging import getLogger
from typing import Any


def set_logs(*, modules: Any = None, **settings: Any) -> None:
    """Nothing: programs run as they are written, and no compiler reports on them."""


def getArtifactLogger(module_qname: str, artifact_name: str) -> Any:
    """A logger of Python's, named after the module."""
    return getLogger(module_qname)


def warning_once(logger_obj: Any, *arguments: Any, **options: Any) -> None:
    """A warning of the logger, the first time that it is given."""
    if arguments not in _given:
        _given.add(arguments)
        logger_obj.warning(*arguments, **options)


_given: set[Any] = set()
