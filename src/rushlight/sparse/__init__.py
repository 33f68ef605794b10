"""torch.sparse: tensors that keep only their nonzero elements, by coordinates (torch.sparse_coo).

>>> import rushlight as torch
>>> adjacency = torch.sparse_coo_tensor([[0, 1, 1], [1, 0, 1]], [1.0, 1.0, 2.0], (2, 2))
>>> torch.sparse.mm(adjacency, torch.tensor([[1.0], [10.0]]))
tensor([[10.],
        [21.]])
"""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.refusals import (
    semi_structured as SparseSemiStructuredTensor,
    semi_structured as SparseSemiStructuredTensorCUSPARSELT,
    semi_structured as SparseSemiStructuredTensorCUTLASS,
    semi_structured as to_sparse_semi_structured,
)
from rushlight.sparse.compressed import (
    sampled_addmm, sparse_compressed_tensor, sparse_csc_tensor, sparse_csr_tensor,
)
from rushlight.sparse.creation import (
    ByteTensor, CharTensor, DoubleTensor, FloatTensor, HalfTensor, IntTensor, LongTensor,
    ShortTensor, sparse_coo_tensor,
)
from rushlight.sparse.invariants import as_sparse_gradcheck, check_sparse_tensor_invariants
from rushlight.sparse.product import addmm, hspmm, mm, smm, spdiags, sspaddmm
from rushlight.sparse.softmax import log_softmax, softmax
from rushlight.sparse.tensor import SparseTensor, sum

__all__ = [
    "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor", "IntTensor",
    "LongTensor", "ShortTensor", "SparseSemiStructuredTensor",
    "SparseSemiStructuredTensorCUSPARSELT", "SparseSemiStructuredTensorCUTLASS", "SparseTensor",
    "addmm", "as_sparse_gradcheck", "check_sparse_tensor_invariants", "hspmm", "log_softmax", "mm",
    "sampled_addmm", "smm", "softmax", "sparse_compressed_tensor", "sparse_coo_tensor",
    "sparse_csc_tensor", "sparse_csr_tensor", "spdiags", "sspaddmm", "sum",
    "to_sparse_semi_structured",
]
# fmt: on
# ---- names: end ----
