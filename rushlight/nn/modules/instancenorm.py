"""Instance normalization layers: each sample by itself."""

from __future__ import annotations

import warnings
from typing import Any

from rushlight.nn import functional as F
from rushlight.nn.modules.batchnorm import _NormBase
from rushlight.tensor import Tensor


class _InstanceNorm(_NormBase):
    dimensions = 0  # of space

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias
        )

    def forward(self, input: Tensor) -> Tensor:
        without_batch = self.dimensions + 1
        if input.dim() not in (without_batch, without_batch + 1):
            raise ValueError(
                f"expected {without_batch}D or {without_batch + 1}D input "
                f"(got {input.dim()}D input)"
            )
        self._check_features(input, input.dim() - without_batch)
        if input.dim() == without_batch:
            return self._normalize(input.unsqueeze(0)).squeeze(0)
        return self._normalize(input)

    def _normalize(self, input: Tensor) -> Tensor:
        return F.instance_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            self.momentum if self.momentum is not None else 0.0,
            self.eps,
        )

    def _check_features(self, input: Tensor, dim: int) -> None:
        if input.size(dim) == self.num_features:
            return
        if self.affine:
            raise ValueError(
                f"expected input's size at dim={dim} to match num_features "
                f"({self.num_features}), but got: {input.size(dim)}."
            )
        warnings.warn(
            f"input's size at dim={dim} does not match num_features. "
            "You can silence this warning by not passing in num_features, "
            "which is not used because affine=False",
            stacklevel=3,
        )

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: dict,
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        if local_metadata.get("version") is None and not self.track_running_stats:
            keys = [prefix + name for name in ("running_mean", "running_var")]
            found = [key for key in keys if key in state_dict]
            for key in found:
                state_dict.pop(key)
            if found:
                names = " and ".join(f'"{key}"' for key in found)
                error_msgs.append(
                    f"Unexpected running stats buffer(s) {names} for {type(self).__name__} with "
                    "track_running_stats=False. Remove these keys from state_dict, or set "
                    "track_running_stats=True if the statistics are needed."
                )
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )


class InstanceNorm1d(_InstanceNorm):
    """(x - mean) / sqrt(var + eps) over L for each sample and channel of (N, C, L) or (C, L).

    Ulyanov et al., 2016.

    >>> import rushlight as rl
    >>> rl.nn.InstanceNorm1d(10)(rl.randn(2, 10, 8)).shape
    torch.Size([2, 10, 8])
    """

    dimensions = 1


class InstanceNorm2d(_InstanceNorm):
    """Instance normalization of (N, C, H, W) or (C, H, W); see :class:`InstanceNorm1d`.

    >>> import rushlight as rl
    >>> rl.nn.InstanceNorm2d(3, affine=True)(rl.randn(2, 3, 4, 4)).shape
    torch.Size([2, 3, 4, 4])
    """

    dimensions = 2


class InstanceNorm3d(_InstanceNorm):
    """Instance normalization of (N, C, D, H, W) or (C, D, H, W); see :class:`InstanceNorm1d`.

    >>> import rushlight as rl
    >>> rl.nn.InstanceNorm3d(3)(rl.randn(2, 3, 4, 4, 4)).shape
    torch.Size([2, 3, 4, 4, 4])
    """

    dimensions = 3
