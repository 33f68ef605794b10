"""Which operations are also methods of Tensor, one class a room of `rushlight.ops`."""
