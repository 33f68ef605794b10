"""Names of torch's `_library` that libraries import: what they are stands in torch.library."""
