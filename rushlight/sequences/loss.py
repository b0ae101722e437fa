"""Losses of ragged predictions: over the steps there are."""

from __future__ import annotations

from typing import Any

from rushlight.base.errors import describe
from rushlight.families.override import title
from rushlight.sequences.ragged import Ragged
from rushlight.sequences.rules import common, rewrapped, rule, signature
from rushlight.tensor import Tensor

WEIGHTS = {"weight", "pos_weight", "var", "p", "margin"}  # dense arguments that say no step


@rule(" ".join(f"nn.functional.{name}" for name in """
    mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy
    binary_cross_entropy_with_logits kl_div poisson_nll_loss gaussian_nll_loss hinge_embedding_loss
    margin_ranking_loss soft_margin_loss cosine_embedding_loss triplet_margin_loss
    multilabel_soft_margin_loss multi_margin_loss multilabel_margin_loss nll_loss cross_entropy
    """.split()) + " kl_div poisson_nll_loss hinge_embedding_loss margin_ranking_loss "
      "cosine_embedding_loss triplet_margin_loss binary_cross_entropy_with_logits")
def loss(function: Any, *args: Any, **options: Any) -> Any:
    """The loss of all steps, whose mean is over them; reduction="none" gives a ragged loss."""
    bound = signature(function).bind(*args, **options)
    given = bound.arguments
    layout = common(function, given.values())
    if given.get("lengths") is not None:
        raise TypeError(f"{title(function)}(): lengths= is for padded tensors; these sequences "
                        "have lengths of their own")
    for name, value in given.items():
        if isinstance(value, Ragged):
            given[name] = value.values
        elif isinstance(value, Tensor) and value.ndim and name not in WEIGHTS:
            raise RuntimeError(f"{title(function)}(): argument '{name}' is {describe(value)} "
                               f"beside ragged sequences of {layout}; make it ragged with "
                               "rl.ragged(), or pool over time before the loss")
    result = function(*bound.args, **bound.kwargs)
    each = given.get("reduction", "mean") == "none" and isinstance(result, Tensor)
    return rewrapped(result, layout) if each else result
