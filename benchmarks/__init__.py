"""torch and rushlight side by side: `python -m benchmarks --help`."""
