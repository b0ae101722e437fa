"""Signatures of made functions, which are made only when somebody reads them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


class LateSignature:
    """What `inspect.signature` unwraps a function to: here it finds the one that `make` gives.

    (To make one takes longer than all else in a declaration, and few are ever read.)
    """

    __slots__ = ("__wrapped__", "_make")

    def __init__(self, wrapped: Callable[..., Any], make: Callable[[], inspect.Signature]) -> None:
        self.__wrapped__, self._make = wrapped, make

    @property
    def __signature__(self) -> inspect.Signature:
        return self._make()


def with_keywords(body: Callable[..., Any], *names: str, annotation: Any = inspect.Parameter.empty
                  ) -> inspect.Signature:
    """The signature of `body` with further keywords, None unless given."""
    signature = inspect.signature(body)
    parameters = list(signature.parameters.values())
    keyword = inspect.Parameter.KEYWORD_ONLY
    at = len(parameters) - (bool(parameters) and parameters[-1].kind is parameters[-1].VAR_KEYWORD)
    parameters[at:at] = [inspect.Parameter(name, keyword, default=None, annotation=annotation)
                         for name in names]
    return signature.replace(parameters=parameters)
