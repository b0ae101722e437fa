"""Weights from the network, under a former name of `hub`."""

from rushlight.hub import load_state_dict_from_url

load_url = load_state_dict_from_url

__all__ = ["load_state_dict_from_url", "load_url"]
