"""KL divergence: which function is for which two kinds of distribution."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from rushlight.distributions.distribution import Distribution
from rushlight.tensor import Tensor

__all__ = ["kl_divergence", "register_kl"]

_KL_REGISTRY: dict[tuple[type, type], Callable[..., Any]] = {}
_found: dict[tuple[type, type], Callable[..., Any] | None] = {}  # looked up before


def register_kl(type_p: type, type_q: type) -> Callable[[Callable[..., Any]], Any]:
    """A decorator: the function is KL(p || q) for p and q of these classes, subclasses included.

    Raises TypeError for what is no class; libraries register bases of their own. Where classes
    are more than one parent's, register the pair itself, or `kl_divergence` warns that it is
    ambiguous.

    >>> import rushlight as rl
    >>> class Bell(rl.distributions.Normal): pass
    >>> @rl.distributions.register_kl(Bell, Bell)
    ... def bell(p, q): return p.loc * 0
    """
    for name, kind in (("type_p", type_p), ("type_q", type_q)):
        if not isinstance(kind, type):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {kind}")

    def decorator(function: Callable[..., Any]) -> Callable[..., Any]:
        _KL_REGISTRY[type_p, type_q] = function
        _found.clear()
        return function

    return decorator


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """KL(p || q) = E_p[log p(x) - log q(x)] in nats, one number an element of the batch.

    Raises NotImplementedError where no formula is registered for the two classes.

    >>> import rushlight as rl
    >>> rl.distributions.kl_divergence(*(rl.distributions.Normal(float(m), 1.0) for m in (0, 1)))
    tensor(0.5000)
    """
    kinds = type(p), type(q)
    if kinds not in _found:
        _found[kinds] = _nearest(*kinds)
    function = _found[kinds]
    if function is None:
        raise NotImplementedError(f"No KL(p || q) is implemented for p type {type(p).__name__} "
                                  f"and q type {type(q).__name__}")
    return function(p, q)


def _nearest(type_p: type, type_q: type) -> Callable[..., Any] | None:
    """The registered function nearest to the classes, by p first; a warning if by q another."""
    matches = [(a, b) for a, b in _KL_REGISTRY if issubclass(type_p, a) and issubclass(type_q, b)]
    if not matches:
        return None

    def distance(pair: tuple[type, type]) -> tuple[int, int]:
        return type_p.__mro__.index(pair[0]), type_q.__mro__.index(pair[1])

    by_p = min(matches, key=distance)
    by_q = min(matches, key=lambda pair: distance(pair)[::-1])
    if _KL_REGISTRY[by_p] is not _KL_REGISTRY[by_q]:
        warnings.warn(f"Ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}). Please "
                      f"register_kl({by_p[0].__name__}, {by_q[1].__name__})", RuntimeWarning,
                      stacklevel=3)
    return _KL_REGISTRY[by_p]
