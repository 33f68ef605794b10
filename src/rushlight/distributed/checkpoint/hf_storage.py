"""Checkpoints in Hugging Face's format: refused."""

from rushlight.distributed.checkpoint import HuggingFaceStorageReader, HuggingFaceStorageWriter

__all__ = ["HuggingFaceStorageReader", "HuggingFaceStorageWriter"]
