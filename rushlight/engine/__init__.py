"""The autograd engine: nodes of the recorded graph, and the run through them backwards."""
