"""Graphs for backends: what a function does with tensors, as `torch.compile` hands it to a callable."""
