"""Batch normalization layers."""

from __future__ import annotations

from typing import Any

from rushlight.base import dtypes
from rushlight.nn import functional as F
from rushlight.nn import init
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter
from rushlight.ops import empty, ones, tensor, zeros
from rushlight.tensor import Tensor


class _NormBase(Module):
    """Weight, bias and running statistics of the norms over a batch or an instance."""

    _version = 2  # 2 added num_batches_tracked

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        for name, wanted in (("weight", affine), ("bias", affine and bias)):
            values = empty(num_features, device=device, dtype=dtype) if wanted else None
            self.register_parameter(name, None if values is None else Parameter(values))
        statistics: tuple = (None, None, None)
        if track_running_stats:
            statistics = (
                zeros(num_features, device=device, dtype=dtype),
                ones(num_features, device=device, dtype=dtype),
                tensor(0, device=device, dtype=dtypes.int64),
            )
        names = ("running_mean", "running_var", "num_batches_tracked")
        for name, values in zip(names, statistics, strict=True):
            self.register_buffer(name, values)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Running mean 0, running variance 1, no batches seen."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Weight 1, bias 0, and statistics as new."""
        self.reset_running_stats()
        if self.affine:
            init.ones_(self.weight)
            if self.bias is not None:
                init.zeros_(self.bias)

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.affine}, bias={self.bias is not None}, "
            f"track_running_stats={self.track_running_stats}"
        )

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: dict, *rest: Any
    ) -> None:
        key = prefix + "num_batches_tracked"
        old = (local_metadata.get("version") or 0) < 2
        if old and self.track_running_stats and key not in state_dict:
            own = self.num_batches_tracked
            unknown = own is None or own.device.type == "meta"
            state_dict[key] = tensor(0, dtype=dtypes.int64) if unknown else own
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


class _BatchNorm(_NormBase):
    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        training = self.training
        momentum = 0.0 if self.momentum is None else self.momentum
        if training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:  # the plain average over all batches
                momentum = 1.0 / float(self.num_batches_tracked)
        mean, variance = self.running_mean, self.running_var
        use_batch = training or (mean is None and variance is None)
        if training and not self.track_running_stats:
            mean = variance = None
        return F.batch_norm(
            input, mean, variance, self.weight, self.bias, use_batch, momentum, self.eps
        )

    def _check_input_dim(self, input: Tensor) -> None:
        raise NotImplementedError


class BatchNorm1d(_BatchNorm):
    """(x - mean) / sqrt(var + eps) * weight + bias over a batch (N, C) or (N, C, L), per channel.

    In evaluation the running statistics stand for those of the batch; they follow it in training
    by ``momentum`` (None: the plain average). Ioffe & Szegedy, 2015.

    >>> import rushlight as rl
    >>> rl.nn.BatchNorm1d(10)(rl.randn(20, 10)).shape
    torch.Size([20, 10])
    """

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() != 2 and input.dim() != 3:
            raise ValueError(f"expected 2D or 3D input (got {input.dim()}D input)")


class BatchNorm2d(_BatchNorm):
    """Batch normalization of (N, C, H, W) per channel; see :class:`BatchNorm1d`.

    >>> import rushlight as rl
    >>> norm = rl.nn.BatchNorm2d(3)
    >>> norm(rl.randn(2, 3, 4, 4)).shape, norm.num_batches_tracked.item()
    (torch.Size([2, 3, 4, 4]), 1)
    """

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() != 4:
            raise ValueError(f"expected 4D input (got {input.dim()}D input)")


class BatchNorm3d(_BatchNorm):
    """Batch normalization of (N, C, D, H, W) per channel; see :class:`BatchNorm1d`.

    >>> import rushlight as rl
    >>> rl.nn.BatchNorm3d(3)(rl.randn(2, 3, 4, 4, 4)).shape
    torch.Size([2, 3, 4, 4, 4])
    """

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() != 5:
            raise ValueError(f"expected 5D input (got {input.dim()}D input)")
