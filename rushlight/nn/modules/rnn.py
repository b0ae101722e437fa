"""Recurrent layers over whole sequences: RNN, LSTM, GRU."""

from __future__ import annotations

import math
import numbers
import warnings
from typing import Any

from rushlight.base.errors import operands
from rushlight.nn import init
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter
from rushlight.nn.utils.rnn import PackedSequence
from rushlight.ops import empty, zeros
from rushlight.ops.recurrent import gru, lstm, rnn_relu, rnn_tanh
from rushlight.tensor import Tensor

GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}
_DERIVED = ("_flat_weights", "_flat_weights_names")


class RNNBase(Module):
    """Weights, options and checks of the recurrent layers.

    Layer k has weight_ih_lk (gates * hidden, input), weight_hh_lk (gates * hidden, hidden),
    bias_ih_lk, bias_hh_lk, with the suffix _reverse for the second direction; LSTM with
    projections also weight_hr_lk (proj, hidden). All start uniform in +-1 / sqrt(hidden_size).
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _check_dropout(dropout, num_layers)
        _check_types(bias, batch_first, input_size, hidden_size)
        _check_sizes(input_size, hidden_size, num_layers, proj_size)
        if mode not in GATES:
            raise ValueError("Unrecognized RNN mode: " + mode)
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            for suffix in ("", "_reverse") if bidirectional else ("",):
                self._add_layer(layer, suffix, device, dtype)
        self.reset_parameters()

    def _add_layer(self, layer: int, suffix: str, device: Any, dtype: Any) -> None:
        gates = GATES[self.mode] * self.hidden_size
        output = self._output_size
        input = self.input_size if layer == 0 else output * self._directions
        shapes: dict[str, tuple[int, ...]] = {"weight_ih": (gates, input)}
        shapes["weight_hh"] = (gates, output)
        if self.bias:
            shapes.update(bias_ih=(gates,), bias_hh=(gates,))
        if self.proj_size > 0:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        names = []
        for name, shape in shapes.items():
            names.append(f"{name}_l{layer}{suffix}")
            setattr(self, names[-1], Parameter(empty(shape, device=device, dtype=dtype)))
        self._all_weights.append(names)

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def _output_size(self) -> int:
        return self.proj_size if self.proj_size > 0 else self.hidden_size

    @property
    def _flat_weights_names(self) -> list[str]:
        return [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self) -> list[Tensor]:
        return [getattr(self, name) for name in self._flat_weights_names]

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters, a list for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()  # with what torch keeps beside, to open modules saved whole
        return state | {name: getattr(self, name) for name in _DERIVED}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({k: v for k, v in state.items() if k not in _DERIVED})

    def flatten_parameters(self) -> None:
        """Does nothing: there is no packed copy of the weights here. Accepted as in torch."""

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def check_input(self, input: Tensor, batch_sizes: Tensor | None = None) -> None:
        """Raise unless the input has the weights' dtype, its dimensions, and input_size."""
        dtype = self.weight_ih_l0.dtype
        if input.dtype != dtype:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({dtype}). "
                f"Convert input: input.to({dtype}), or convert model: model.to({input.dtype})"
            )
        wanted = 3 if batch_sizes is None else 2
        if input.dim() != wanted:
            raise RuntimeError(f"input must have {wanted} dimensions, got {input.dim()}")
        if input.size(-1) != self.input_size:
            raise RuntimeError(
                "input.size(-1) must be equal to input_size. "
                f"Expected {self.input_size}, got {input.size(-1)}: "
                f"{type(self).__name__}({operands(input=input)}); "
                f"the input is {'(batch, time, ' if self.batch_first else '(time, batch, '}"
                f"{self.input_size})"
            )

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        if not isinstance(input, Tensor):
            return self._forward_offered(input, hx)
        if input.dim() not in (2, 3):
            shown = f"{input.dim()}D tensor" if self.mode.startswith("RNN") else f"{input.dim()}D"
            name = self.mode.partition("_")[0]
            raise ValueError(f"{name}: Expected input to be 2D or 3D, got {shown} instead")
        batched, time = input.dim() == 3, 1 if self.batch_first else 0
        states = None if hx is None else self._states(hx)
        if states is not None:
            self._check_state_dims(states, batched)
        if not batched:
            input = input.unsqueeze(1 - time)
            states = None if states is None else [state.unsqueeze(1) for state in states]
        self.check_input(input)
        states = self._checked_states(states, input, input.size(1 - time))
        options = (self.training, self.bidirectional, self.batch_first)
        output, *states = self._function()(input, self._hx(states), *self._weights(), *options)
        if not batched:
            output = output.squeeze(1 - time)
            states = [state.squeeze(1) for state in states]
        return output, self._hx(states)

    def _forward_packed(self, packed: PackedSequence, hx: Any) -> tuple[PackedSequence, Any]:
        data, batch_sizes, order, back = packed
        states = None if hx is None else self._states(hx)
        if states is not None and order is not None:
            states = [state.index_select(1, order) for state in states]
        self.check_input(data, batch_sizes)
        states = self._checked_states(states, data, int(batch_sizes[0]))
        options = (self.training, self.bidirectional)
        weights = self._weights()
        output, *states = self._function()(data, batch_sizes, self._hx(states), *weights, *options)
        if back is not None:
            states = [state.index_select(1, back) for state in states]
        return PackedSequence(output, batch_sizes, order, back), self._hx(states)

    def _forward_offered(self, input: Any, hx: Any) -> tuple[Any, Any]:
        """A batch (batch, time, features) of another type, by that type's rule."""
        self.check_input(input)
        states = None if hx is None else self._states(hx)
        states = self._checked_states(states, input, len(input))
        options = (self.training, self.bidirectional, True)
        weights = self._weights()
        output, *states = self._function()(input, self._hx(states), *weights, *options)
        return output, self._hx(states)

    def _weights(self) -> tuple:
        return (self._flat_weights, self.bias, self.num_layers, self.dropout)

    def _checked_states(self, states: Any, input: Tensor, batch: int) -> list[Tensor]:
        """The given first states, or zeros."""
        layers = self.num_layers * self._directions
        shapes = [(layers, batch, size) for size in self._state_sizes()]
        if states is None:
            return [zeros(shape, dtype=input.dtype, device=input.device) for shape in shapes]
        for place, (state, shape) in enumerate(zip(states, shapes, strict=True)):
            if tuple(state.shape) != shape:
                what = "hidden" if len(shapes) == 1 else f"hidden[{place}]"
                raise RuntimeError(f"Expected {what} size {shape}, got {list(state.shape)}")
        return states

    # What differs between one state h and the pair (h, c); LSTM overrides the four

    def _states(self, hx: Any) -> list[Tensor]:
        return [hx]

    def _hx(self, states: list[Tensor]) -> Any:
        return states[0]

    def _state_sizes(self) -> tuple[int, ...]:
        return (self.hidden_size,)

    def _check_state_dims(self, states: list[Tensor], batched: bool) -> None:
        wanted = 3 if batched else 2
        if states[0].dim() != wanted:
            kind = "batched" if batched else "unbatched"
            raise RuntimeError(
                f"For {kind} {wanted}-D input, hx should also be {wanted}-D "
                f"but got {states[0].dim()}-D tensor"
            )

    def _function(self) -> Any:
        """The op over the whole sequence: (output, *final states)."""
        raise NotImplementedError(f"{type(self).__name__} defines no recurrence")

    def extra_repr(self) -> str:
        parts = [f"{self.input_size}, {self.hidden_size}"]
        defaults = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0,
            "bidirectional": False,
        }
        for name, default in defaults.items():
            if getattr(self, name) != default:
                parts.append(f"{name}={getattr(self, name)}")
        return ", ".join(parts)


class RNN(RNNBase):
    """h_t = tanh(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh), or relu for ``nonlinearity="relu"``.

    Input (time, batch, input_size), (batch, time, ...) with ``batch_first=True``, without the
    batch dimension, or a PackedSequence; state (layers * directions, batch, hidden_size), zero if
    not given. Returns (output of the last layer at every time, final state).

    >>> import rushlight as rl
    >>> output, h = rl.nn.RNN(10, 20, num_layers=2)(rl.ones(5, 3, 10))
    >>> output.shape, h.shape
    (torch.Size([5, 3, 20]), torch.Size([2, 3, 20]))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _reject_projections(kwargs)
        if len(args) > 3:
            nonlinearity = args[3]
            args = args[:3] + args[4:]
        else:
            nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        super().__init__(f"RNN_{nonlinearity.upper()}", *args, **kwargs)
        self.nonlinearity = nonlinearity

    def _function(self) -> Any:
        return rnn_tanh if self.mode == "RNN_TANH" else rnn_relu


class GRU(RNNBase):
    """Gated recurrent units (Cho et al., 2014); gates in the order reset, update, new.

    n = tanh(W_in x + b_in + r (W_hn h + b_hn)), h' = (1 - z) n + z h. Shapes as :class:`RNN`.

    >>> import rushlight as rl
    >>> output, h = rl.nn.GRU(10, 20, batch_first=True)(rl.ones(3, 5, 10))
    >>> output.shape, h.shape
    (torch.Size([3, 5, 20]), torch.Size([1, 3, 20]))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _reject_projections(kwargs)
        super().__init__("GRU", *args, **kwargs)

    def _function(self) -> Any:
        return gru


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter & Schmidhuber, 1997); gates input, forget, cell, output.

    c' = f c + i g, h' = o tanh(c'). ``proj_size`` > 0: h' is multiplied by weight_hr. Shapes as
    :class:`RNN`, the state being the pair (h, c).

    >>> import rushlight as rl
    >>> output, (h, c) = rl.nn.LSTM(10, 20, 2, bidirectional=True)(rl.ones(5, 3, 10))
    >>> output.shape, h.shape
    (torch.Size([5, 3, 40]), torch.Size([4, 3, 20]))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def _function(self) -> Any:
        return lstm

    def _states(self, hx: Any) -> list[Tensor]:
        if len(hx) < 2:
            raise IndexError("tuple index out of range: the states of an LSTM are a pair (h, c)")
        if len(hx) > 2 and not isinstance(hx, Tensor):
            raise RuntimeError(f"lstm expects two hidden states, (h, c): got {len(hx)}")
        return [hx[0], hx[1]]

    def _hx(self, states: list[Tensor]) -> Any:
        return tuple(states)

    def _state_sizes(self) -> tuple[int, ...]:
        return (self._output_size, self.hidden_size)

    def _check_state_dims(self, states: list[Tensor], batched: bool) -> None:
        wanted = 3 if batched else 2
        h, c = states
        if h.dim() != wanted or c.dim() != wanted:
            kind = "batched" if batched else "unbatched"
            raise RuntimeError(
                f"For {kind} {wanted}-D input, hx and cx should also be {wanted}-D "
                f"but got ({h.dim()}-D, {c.dim()}-D) tensors"
            )


def _reject_projections(kwargs: dict) -> None:
    if "proj_size" in kwargs:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")


def _check_dropout(dropout: Any, num_layers: int) -> None:
    number = isinstance(dropout, numbers.Number) and not isinstance(dropout, bool)
    if not number or not 0 <= dropout <= 1:
        raise ValueError(
            "dropout should be a number in range [0, 1] representing the probability of an "
            "element being zeroed"
        )
    if dropout > 0 and num_layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero "
            f"dropout expects num_layers greater than 1, but got dropout={dropout} and "
            f"num_layers={num_layers}",
            stacklevel=4,
        )


def _check_types(bias: Any, batch_first: Any, input_size: Any, hidden_size: Any) -> None:
    checks = (
        ("bias", bias, bool),
        ("batch_first", batch_first, bool),
        ("input_size", input_size, int),
        ("hidden_size", hidden_size, int),
    )
    for name, value, kind in checks:
        if not isinstance(value, kind):
            raise TypeError(
                f"{name} should be of type {kind.__name__}, got: {type(value).__name__}"
            )


def _check_sizes(input_size: int, hidden_size: int, num_layers: int, proj_size: int) -> None:
    sizes = {"input_size": input_size, "hidden_size": hidden_size, "num_layers": num_layers}
    for name, size in sizes.items():
        if size <= 0:
            raise ValueError(f"{name} must be greater than zero")
    if proj_size < 0:
        raise ValueError("proj_size should be a positive integer or zero to disable projections")
    if proj_size >= hidden_size:
        raise ValueError("proj_size has to be smaller than hidden_size")
