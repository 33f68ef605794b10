"""Seven training steps, each written once as torch code.

A module here says `import torch`, describes itself in its docstring's first line, and has one
function: `build()` makes a model, an optimizer and some batches, and returns the step, a function
that trains once and gives the loss. Batches come from NumPy, so that all engines see the same.
"""

NAMES = ("moons", "mlp", "mlp_big", "lenet", "resnet20", "gpt", "lstm")

# Single operations on two 8x8 matrices, and how they are run.
OPERATIONS = ("a + b", "a * b", "a * 2", "a @ b", "a.exp()", "a.sum()", "a.relu()", "a[2:4]")
MODES = ("plain", "recorded", "with backward")
