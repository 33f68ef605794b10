"""`python -m torch.distributed.launch`, the older name of torchrun."""

from rushlight.distributed.run import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
