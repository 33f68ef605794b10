"""torch.nested: tensors of several lengths in one, which are refused."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.refusals import (
    nested as as_nested_tensor, nested as masked_select, nested as narrow, nested as nested_tensor,
    nested as nested_tensor_from_jagged, nested as to_padded_tensor,
)
# fmt: on
# ---- names: end ----
