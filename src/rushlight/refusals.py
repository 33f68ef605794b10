"""What torch has and rushlight has not, by kind, and what to do instead.

Each kind is a class, so that programs can import its names and ask isinstance; every use of it is an error in
these words. Which name is of which kind stands in `tools/names.txt`.
"""

from __future__ import annotations

from rushlight.absent import refused

_QUANTIZED = "numbers of few bits with scales are not stored here; compute in float32, and quantize where it is served"
quantized = refused("quantized tensors", _QUANTIZED, __name__)
scaled = refused(
    "products of scaled 8-bit numbers", "bring them to float32, and use matmul", __name__
)
torchscript = refused(
    "TorchScript",
    "there is no second language to compile to; the module itself runs, and torch.save keeps it",
    __name__,
)
files_in_pieces = refused(
    "reading and writing of single records of a file", "use torch.load and torch.save", __name__
)
compressed = refused(
    "sparse tensors in blocks, or copies of their parts",
    "use torch.sparse_csr_tensor or torch.sparse_coo_tensor, and clone() of a part",
    __name__,
)
cudnn = refused("functions of cuDNN", "use the function of torch.nn.functional", __name__)
miopen = refused("functions of MIOpen", "use the function of torch.nn.functional", __name__)
mkldnn = refused("functions of oneDNN", "use the function of torch.nn.functional", __name__)
statistics_of_gpus = refused(
    "parts of a batch norm over several GPUs", "use torch.nn.functional.batch_norm", __name__
)
nested = refused("nested tensors", "pad them: torch.nn.utils.rnn.pad_sequence", __name__)
masked = refused(
    "masked tensors", "keep a mask beside the tensor; torch.masked has its sums", __name__
)
semi_structured = refused(
    "tensors of two in four elements", "they are for GPUs; use the dense tensor", __name__
)
other_devices = refused(
    "extensions for other devices",
    "rushlight computes on arrays that NumPy's protocols know",
    __name__,
)
benchmarks_in_cpp = refused("ThroughputBenchmark", "use torch.utils.benchmark.Timer", __name__)
streams = refused("queues of work for a device", "an operation that returns is done", __name__)
graphs = refused("recorded work of a GPU", "use rushlight.compiler.record", __name__)
packages = refused(
    "torch.package", "keep the code as a Python package, and the weights with torch.save", __name__
)
dispatch = refused(
    "keys of dispatch",
    "operations are not dispatched in C++ here; watch them with torch.overrides",
    __name__,
)
triton = refused("kernels of Triton", "they are for GPUs; use the function of torch", __name__)
segments = refused("the inverse of a slice", "use torch.slice_scatter", __name__)
callgrind = refused("counts of instructions", "use Timer.timeit, or valgrind itself", __name__)
first_class_dims = refused(
    "first-class dimensions", "name them in torch.func.rearrange or torch.einsum", __name__
)
cpp = refused(
    "files for CMake", "there is no library of C++ to link; rushlight.compiler makes C", __name__
)
fuzzers = refused(
    "random inputs for benchmarks", "use torch.testing.make_tensor in a loop", __name__
)
