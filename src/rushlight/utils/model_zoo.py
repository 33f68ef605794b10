"""The older name of `torch.hub`'s loading."""

from rushlight.hub import load_state_dict_from_url
from rushlight.hub import tqdm as tqdm

__all__ = ["load_url"]

load_url = load_state_dict_from_url
