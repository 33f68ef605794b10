"""What torchrun is made of: errors, and no launcher."""
