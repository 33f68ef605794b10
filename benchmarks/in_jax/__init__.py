"""The workloads in jax: the same batches, first weights, losses and optimizers, a jitted function for the step."""
