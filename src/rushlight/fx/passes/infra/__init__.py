"""What passes are run with."""
