"""The plan of the house: which room stands on which floor, and what came after the house was measured."""

from pathlib import Path

import rushlight

# From the ground up. A room may import from its own line and from those below it. What stands below
# reaches up in two ways. Rules of derivatives, and what else of `autograd` and `primitives` is written
# in tensors, call the methods and operators of the tensors that they are given; and these functions
# import what they need when they are called:
UPWARD = {
    ("utils", "library"): "the policy of a checkpoint is asked about operators",
    ("utils", "visual"): "a graph for TensorBoard is a capture of a call of the model",
    ("autograd", "ops"): "a custom Function moves the inputs it changed; jacobians are stacked",
    ("device", "cuda"): "whether there is a GPU is asked when a program first wants one",
    ("_tensor", "visual"): "how a notebook shows a tensor",
    ("nn", "visual"): "how a notebook shows a module",
    ("autograd", "func"): "gradients that are batched, and jacobians of all directions, are vmap's",
    ("explain", "__init__"): "examples are typed with torch's names",
    ("nn", "func"): "gradients of each sample are vmap's",
    ("nn", "utils"): "the same: arguments are trees",
    ("distributed", "fx"): "a module is traced when it is cut into stages",
    ("nn", "distributed"): "DistributedDataParallel asks for its process group",
    ("utils", "__init__"): "a statement that is timed knows torch",
    ("ops", "sparse"): "Tensor.to_sparse makes a tensor of a subclass",
    ("overriding", "compiler"): "which operators of ATen a row is, for who answers below autograd",
    ("settings", "compiler"): "torch.compile, which loads the compiler when it is called",
    ("heavy", "compiler"): "what takes long and comes often is compiled",
    ("primitives", "compiler"): "a rule that takes long is compiled, too",
    ("ops", "compiler"): "a composite that takes long is compiled, too",
    ("backends", "compiler"): "tells whether there is a compiler",
    ("library", "__init__"): "the functions that stand for ATen's are those of torch",
    ("compiler", "_dynamo"): "the settings and errors of torch's compiler, which has them there",
    ("compiler", "_inductor"): "the same: the types of its settings",
    ("fx", "compiler"): "make_fx writes down what passes the doors",
    ("overrides", "__init__"): "tells in which namespaces the functions stand that ask",
}

FLOORS = [
    {
        "_classes",
        "absent",
        "allocation",
        "arrays",
        "version",
        "caller",
        "errors",
        "device",
        "floaterrors",
        "handles",
        "later",
        "layout",
        "memory",
        "nearest",
        "size",
        "torch_version",
        "monitor",
        "refusals",
    },
    {"threads"},
    {"__config__", "__future__", "_guards", "futures", "return_types", "settings"},
    {"heavy"},
    {
        "_subclasses",
        "accelerator",
        "backends",
        "mps",
        "mtia",
        "numa",
        "nested",
        "package",
        "xpu",
    },
    {"dtypes"},
    {"kernels"},
    {"elsewhere", "narrow", "outline"},
    {"printing"},
    {"core"},
    {"overriding"},
    {"random", "profiler"},
    # The tape and the table: a node knows its row, the engine knows neither.
    {"autograd", "primitives"},
    {"ops"},
    {"methods"},
    {"_tensor"},
    {"public"},
    {"amp"},
    {
        "special",
        "linalg",
        "fft",
        "signal",
        "masked",
        "sparse",
        "cpu",
        "cuda",
        "quasirandom",
        "_tensor_str",
        "types",
    },
    {"distributions"},
    {"nn"},
    {"optim", "_utils"},
    {"serialization", "_prims_common"},
    {"storage"},
    {"ao", "quantization", "utils", "multiprocessing", "distributed", "hub"},
    {"fx", "jit", "_jit_internal"},
    {"export"},
    {"vision", "func"},
    {"overrides"},
    {"library", "_ops"},
    {"_C", "compiler"},
    {"onnx"},
    {
        "_decomp",
        "_dynamo",
        "_functorch",
        "_higher_order_ops",
        "_inductor",
        "_library",
        "_vmap_internals",
    },
    {"doctor", "visual"},
    {"explain"},
    {"training", "testing"},
    {"cli", "as_torch", "verify"},
    {"__init__", "__main__", "_VF", "functional"},
]

# What does not count among the lines of the house (LINES in test_architecture.py): rooms and files that
# were not there on a12568d, where the house was measured, each with what it is for; and the blocks that
# tools/write_names.py writes. What was there then, or was cut out of what was, counts wherever it is now.
# docs/design.md ("How large it is") sets all rooms beside what they were.
NEW_ROOMS = {
    "compiler": "record, replay and C",
    "func": "vmap, jvp and torch.func",
    "overriding": "__torch_function__",
    "fx": "torch.fx",
    "jit": "torch.jit",
    "export": "torch.export",
    "library": "torch.library",
    "_C": "private names that libraries mention; on a12568d a file of 11 lines that said no",
    "_dynamo": "the same",
    "_functorch": "the same",
    "_decomp": "the same",
    "_vmap_internals": "the same",
    "_higher_order_ops": "the same",
    "_inductor": "the same",
    "_library": "the same",
    "doctor": "what is wrong with a training run",
    "explain": "what a name means",
    "profiler": "torch.profiler",
    "verify": "two runs side by side",
    "visual": "drawings, formulas, stepping; on a12568d a graph of 357 lines",
    "distributed": "many processes; on a12568d a world of one in 61 lines",
    "onnx": "ONNX files; on a12568d a file of 13 lines that said no",
    "public": "written by tools/write_names.py",
}

# A folder is all its files.
_NEW = {
    "other arrays, and arrays without elements": "arrays.py elsewhere.py outline.py",
    "forward mode": """
        autograd/directions.py autograd/forward.py autograd/forward_ad.py autograd/mutation.py
    """,
    "C in eager programs": """
        heavy.py primitives/warm.py primitives/formulas.py backends/c.py
    """,
    "what NumPy does slowly, in other steps": "primitives/rests.py",
    "trees of containers": """
        utils/trees.py utils/treekeys.py utils/treetext.py
    """,
    "segments, control flow, lists of tensors, few bits": """
        ops/control.py ops/foreach.py ops/grouped.py ops/iterative.py ops/quantizing.py ops/segments.py quasirandom.py
        ao/ quantization/ nn/intrinsic.py nn/qat.py nn/quantizable.py nn/quantized.py
    """,
    "masks of attention": "nn/attention/bias.py nn/attention/flex_attention.py",
    "sparse in compressed layouts": """
        sparse/_triton_ops_meta.py sparse/compressed.py sparse/invariants.py sparse/placeless.py sparse/resizing.py
    """,
    "files of other makers, and in parts": """
        serialization/annotations.py serialization/gguf.py serialization/places.py
        serialization/shards.py utils/serialization/
    """,
    "torchvision's networks and their trained weights": """
        vision/models/_api.py vision/models/_utils.py vision/models/convnext.py vision/models/densenet.py
        vision/models/detection.py vision/models/efficientnet.py
        vision/models/feature_extraction.py vision/models/googlenet.py vision/models/inception.py
        vision/models/mnasnet.py vision/models/mobilenet.py vision/models/mobilenetv2.py
        vision/models/mobilenetv3.py vision/models/regnet.py vision/models/segmentation/
        vision/models/shufflenetv2.py vision/models/squeezenet.py
        vision/models/swin_transformer.py vision/models/trained.py
        vision/models/vision_transformer.py vision/models/weights.py
    """,
    "torchvision's operators, boxes and second transforms": """
        vision/ops/ vision/transforms/v2/ vision/transforms/autoaugment.py
        vision/transforms/presets.py vision/transforms/tones.py
        vision/transforms/functional/tones.py vision/transforms/functional/warping.py
        vision/datasets/stl10.py vision/announced.py vision/drawing.py vision/io.py
        vision/tv_tensors.py
    """,
    "data pipes": """
        utils/data/datapipes/ utils/data/graph.py utils/data/graph_settings.py
    """,
    "what tests of libraries take from torch's own": """
        testing/_internal/ testing/filecheck.py
    """,
    "names inside of torch that libraries take": """
        _VF.py __config__.py __future__.py _classes.py _guards.py _jit_internal.py _ops.py _prims_common.py
        _tensor_str.py _utils.py as_torch.py
        autograd/nodes.py autograd/saved.py cuda/comm.py futures.py hub.py methods/seldom.py
        monitor.py nested.py nn/functional/lent.py nn/functional/public.py
        nn/parallel/_functions.py nn/parallel/comm.py nn/parallel/parallel_apply.py
        nn/parallel/replicate.py nn/parallel/scatter_gather.py
        nn/utils/_named_member_accessor.py ops/internal.py ops/seldom.py optim/_functional.py
        optim/lent.py optim/lists.py optim/swapping.py overrides.py package.py
        torch_version.py types.py utils/_contextlib.py utils/_dtype_abbrs.py
        utils/_foreach_utils.py utils/_python_dispatch.py utils/_triton.py utils/backcompat.py
        utils/collect_env.py utils/cpp_extension.py utils/data/_utils/pin_memory.py
        utils/data/_utils/signal_handling.py utils/hooks.py utils/model_zoo.py
        utils/module_tracker.py utils/options.py utils/selective.py utils/weak.py
    """,
    "questions for devices and libraries that are not here": """
        absent.py refusals.py mtia.py amp/other_devices.py backends/nnpack.py
        backends/opt_einsum.py backends/switches.py cpu/__init__.py cpu/streams.py
        cuda/arrays.py cuda/devices.py cuda/graphs.py cuda/jiterator.py cuda/nccl.py
        cuda/nvtx.py cuda/profiler.py cuda/sparse.py cuda/streams.py cuda/tunable.py numa/
    """,
    "to be seen and measured": """
        autograd/profiler.py autograd/profiler_legacy.py autograd/profiler_util.py
        training/checkup.py utils/benchmark/ utils/flop_counter.py utils/tensorboard/kinds.py
        utils/tensorboard/summary.py
    """,
    "commands": """
        cli/children/functorch/ cli/completion.py cli/doctoring.py cli/environment.py
        cli/explain.py cli/export.py cli/finder.py cli/paging.py cli/profiling.py
        cli/tracebacks.py cli/verify.py cli/watcher.py cli/welcome.py
    """,
}


def _files(entry: str) -> list[str]:
    if not entry.endswith("/"):
        return [entry]
    return [str(path.relative_to(ROOT)) for path in (ROOT / entry).rglob("*.py")]


ROOT = Path(rushlight.__file__).parent
NEW_FILES = {
    file: what
    for what, entries in _NEW.items()
    for entry in entries.split()
    for file in _files(entry)
}
