"""Public functions, each of its own: what `torch.f`, `torch.Tensor.f` and `nn.functional.f` are told apart by."""
