"""Checkpoints on file systems that are not the machine's: refused."""

from rushlight.absent import refused

_WHY = "save to a folder with FileSystemWriter, and copy it"
FsspecReader = refused("FsspecReader", _WHY, __name__)
FsspecWriter = refused("FsspecWriter", _WHY, __name__)
