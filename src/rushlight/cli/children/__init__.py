"""A folder for `sys.path`: in processes that a program starts anew, `import torch` begins here.

Python hands `sys.path` on to them, and neither `sys.modules` nor finders.
"""

from pathlib import Path

FOLDER = str(Path(__file__).parent)
