"""Random programs, run line by line under torch and rushlight: `python -m tests.fuzz --help`."""
