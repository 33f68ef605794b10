"""What is measured, each written once as torch code; `in_jax` and `in_tinygrad` say the same once more.

A module here says `import torch`, describes itself in its docstring's first line, and has two
functions: `network()` makes the model, and `build()` makes it, an optimizer and some batches, and returns
the step, a function that trains once and gives the loss (or infers, and gives what comes out). Batches
come from NumPy, so that all engines see the same.
"""

NAMES = ("moons", "mlp", "mlp_big", "lenet", "resnet20", "gpt", "lstm")
# A scalar expression with its derivatives, and inference.
MORE = ("scalar", "resnet18", "gpt2")
# Those that draw random numbers, which are torch's under some engines only: their first losses are
# compared without.
NOISY = ("lenet",)
WITHOUT_NOISE = "without noise"

# Single operations on two 8x8 matrices, and how they are run.
OPERATIONS = ("a + b", "a * b", "a * 2", "a @ b", "a.exp()", "a.sum()", "a.relu()", "a[2:4]")
MODES = ("plain", "recorded", "with backward")
