"""`__torch_function__`: classes, objects that are no tensors, and modes, that answer in place of operations."""
