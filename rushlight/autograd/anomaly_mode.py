"""Finding the forward line whose backward failed or made a NaN."""

from __future__ import annotations

import warnings

from rushlight.base.flags import flags


def is_anomaly_enabled() -> bool:
    """Whether forward lines are remembered and gradients checked."""
    return flags.anomaly


def is_anomaly_check_nan_enabled() -> bool:
    """Whether gradients are checked for NaN."""
    return flags.anomaly and flags.anomaly_check_nan


class set_detect_anomaly:  # noqa: N801 - torch's name
    """Switch anomaly detection on or off; until the end of the block if there is one.

    Args:
        mode: remember the line of every recorded op, to name it when its backward fails.
        check_nan: raise RuntimeError when a backward makes a NaN.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = (flags.anomaly, flags.anomaly_check_nan)
        flags.anomaly, flags.anomaly_check_nan = mode, check_nan

    def __enter__(self) -> None:
        """Nothing more: the constructor has set the mode."""

    def __exit__(self, *exception: object) -> None:
        flags.anomaly, flags.anomaly_check_nan = self._before


class detect_anomaly:  # noqa: N801 - torch's name
    """In this block an error in backward names the forward line, and a NaN is an error.

    Args:
        check_nan: whether NaN counts.

    >>> import rushlight as rl
    >>> with rl.autograd.detect_anomaly():
    ...     x = rl.tensor(0.0, requires_grad=True)
    ...     y = (x * 0).sqrt() * 0
    ...     try:
    ...         y.backward()
    ...     except RuntimeError as error:
    ...         print("nan" in str(error))
    True
    """

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should "
            "only be enabled for debugging.",
            stacklevel=2,
        )

    def __enter__(self) -> None:
        self._before = (flags.anomaly, flags.anomaly_check_nan)
        flags.anomaly, flags.anomaly_check_nan = True, self.check_nan

    def __exit__(self, *exception: object) -> None:
        flags.anomaly, flags.anomaly_check_nan = self._before
