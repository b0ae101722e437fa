"""Chi2: the sum of squares of standard normal numbers."""

from __future__ import annotations

from typing import Any

from rushlight.distributions import constraints
from rushlight.distributions.broadcasting import Parameter
from rushlight.distributions.gamma import Gamma
from rushlight.tensor import Tensor

__all__ = ["Chi2"]


class Chi2(Gamma):
    """Gamma of concentration df / 2 and rate 1 / 2.

    df: degrees of freedom, how many squares are summed.

    >>> import rushlight as rl
    >>> rl.distributions.Chi2(3.0).variance
    tensor(6.)
    """

    arg_constraints: Any = {"df": constraints.positive}
    _parameters = Gamma._parameters

    def __init__(self, df: Parameter, validate_args: bool | None = None) -> None:
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    @property
    def df(self) -> Tensor:
        """Degrees of freedom."""
        return self.concentration * 2
