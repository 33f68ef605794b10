"""Workloads in tinygrad, as far as it has their optimizers and layers: the same batches, first weights and losses.

On a CPU it needs clang.
"""
