"""The mean of the models of several processes."""

from rushlight.distributed.algorithms.model_averaging import averagers

__all__ = ["averagers"]
