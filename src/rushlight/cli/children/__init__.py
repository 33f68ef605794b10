"""A folder for `sys.path`: where it stands, `import torch` begins here, and finds rushlight.

Python hands `sys.path` on to processes that a program starts anew, and neither `sys.modules` nor finders.
The metadata beside the two packages answer `importlib.metadata.version("torch")`, pip and their kind.
"""

from pathlib import Path

FOLDER = str(Path(__file__).parent)
