"""What `import torch` finds where no torch is installed and rushlight stands for it."""

from rushlight.cli.finder import take_over

take_over(__name__)
