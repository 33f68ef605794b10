"""The mean of the models of several processes."""

from rushlight.distributed.algorithms.model_averaging import (
    averagers,
    hierarchical_model_averager,
    utils,
)

__all__ = ["averagers", "hierarchical_model_averager", "utils"]
