"""What `import torchvision` finds in a process that was started under `rushlight run`: rushlight."""

from rushlight.cli.finder import take_over

take_over(__name__)
