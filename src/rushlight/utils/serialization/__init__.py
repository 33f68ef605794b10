"""The settings of files, under the place where torch has them: `config.load` and `config.save`."""

from rushlight.utils.serialization import config

__all__ = ["config"]
