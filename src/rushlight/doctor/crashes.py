"""Errors that end a run, and what is behind them as a rule."""

from __future__ import annotations

import re
import traceback
from typing import TYPE_CHECKING

from rushlight.doctor.findings import ERROR, Finding
from rushlight.doctor.places import USER, Place, kind_of

if TYPE_CHECKING:
    from rushlight.doctor.watching import Doctor

# What the message matches; kind; what it is; what to try.
_KNOWN = [
    (
        r"does not require grad and does not have a grad_fn", "cut",
        "the loss has no graph: backward finds nothing to go through",
        "Somewhere between the parameters and the loss the graph was cut: by detach(), .data, .item(), "
        ".numpy(), torch.tensor(...), argmax, a comparison, rounding or no_grad(); or every parameter has "
        "requires_grad=False.",
    ),
    (
        r"backward through the graph a second time", "second-backward",
        "backward goes through a graph that has been used already",
        "Compute the loss anew for each backward, inside of the loop. A hidden state, a target or a sum that "
        "is carried from one step to the next has to be cut off with .detach().",
    ),
    (
        r"modified by an inplace operation", "in-place",
        "a value that backward needs was changed in place",
        "Write the change out of place (x = x + 1 instead of x += 1), or clone() before it; call step only "
        "after all backwards that use the same parameters.",
    ),
    (
        r"Class values must be smaller than num_classes|index -?\d+ is out of bounds for dimension|"
        r"index out of range in self|Target -?\d+ is out of bounds", "labels-out-of-range",
        "a label, or an index, has no place",
        "Labels of n classes are 0 to n - 1: look at labels.min() and labels.max(). Those that count from 1 are "
        "shifted by labels - 1; else the last layer (or num_classes, num_embeddings) is too small.",
    ),
    (
        r"Expected more than 1 value per channel", "batch-of-one",
        "batch normalisation in training mode is given a single sample",
        "Leave out the last, incomplete batch (DataLoader(drop_last=True)), call model.eval() to use the model "
        "on one sample, or take LayerNorm or GroupNorm.",
    ),
    (
        r"expected (scalar type|target dtype).*Long|Expected floating point type for target|"
        r"size mismatch \(got input|Expected input batch_size|target.*multi-target|Expected target size|"
        r"only batches of spatial targets",
        "labels-form", "the labels do not have the form that the loss takes",
        "CrossEntropyLoss and NLLLoss take scores [N, C] and class numbers [N] of type int64: "
        "labels.long(), labels.squeeze(-1), and for one-hot labels labels.argmax(1) (or floats, which are "
        "probabilities). Of sequences and images, scores are [N, C, ...] and labels [N, ...]: classes come "
        "second, scores.transpose(1, 2).",
    ),
    (
        r"Using a target size .* different to the input size", "labels-form",
        "predictions and targets have different shapes",
        "Bring both to one shape: target.unsqueeze(1), prediction.squeeze(-1) or target.view_as(prediction).",
    ),
    (
        r"Found dtype (Long|Int|Double|Float) but expected|expected m1 and m2 to have the same dtype|"
        r"must have the same dtype|mat1 and mat2 must have the same dtype", "types-differ",
        "tensors of different types meet", "Data from NumPy is float64 as a rule: x.float(); targets of "
        "BCELoss and MSELoss are floats as well: y.float().",
    ),
    (
        r"one of the following scalar types: Long, Int", "types-differ", "indices are not whole numbers",
        "An embedding takes class numbers: indices.long(). Are features and labels in the right order?",
    ),
    (
        r"result type \w+ can't be cast to", "types-differ", "a tensor of whole numbers is to hold fractions",
        "Make it of floats first: x.float(), or torch.zeros(n) instead of torch.tensor([0, 0]).",
    ),
    (
        r"to have \d+ channels, but got|dimensional input|\(unbatched\) or \d", "channels",
        "the input has not the dimensions that the layer takes",
        "Convolutions take [N, channels, height, width]: images that end in their channels are turned with "
        "x.permute(0, 3, 1, 2), grey ones get theirs with x.unsqueeze(1), a single sample its batch with "
        "x.unsqueeze(0).",
    ),
    (
        r"must match the (size|existing size) of|[Ss]izes of tensors must match", "shapes-differ",
        "tensors of different sizes meet",
        "Print both shapes before the line. Sizes have to be equal or 1, counted from the last dimension.",
    ),
    (
        r"stack expects each tensor to be equal size", "sizes-in-batch",
        "the samples of a batch have different sizes",
        "Pad sequences (nn.utils.rnn.pad_sequence in a collate_fn of the DataLoader), or crop and resize "
        "images to one size.",
    ),
    (
        r"cannot assign (module|parameters) before Module.__init__|has no attribute '_(modules|parameters|"
        r"buffers)'", "no-init", "a module was not initialised",
        "The first line of __init__ has to be super().__init__().",
    ),
    (
        r"Boolean value of Tensor with more than one value", "truth-of-many",
        "a tensor of several numbers is asked whether it is true",
        "A loss class is made first, and what it makes is called: nn.CrossEntropyLoss()(scores, labels). "
        "Conditions on tensors take .any(), .all(), or torch.where.",
    ),
    (
        r"'(method|function|builtin_function_or_method)' object is not (iterable|subscriptable)", "not-called",
        "a method is given where its result belongs", "Write parentheses behind it: model.parameters().",
    ),
    (
        r"Can't call numpy\(\) on Tensor that requires grad", "numpy-of-graph",
        "NumPy is asked for values that are in the graph",
        "Cut them off first: loss.item() for a number, x.detach().numpy() for an array; evaluate under "
        "torch.no_grad().",
    ),
    (
        r"in loading state_dict", "state-names", "the weights in the file are called otherwise than the model's",
        "Names that begin with `module.` come from DataParallel: take that off, {k.removeprefix('module.'): v "
        "for k, v in state.items()}; `_orig_mod.` comes from torch.compile. Other differences are another "
        "model: was it built with the same options?",
    ),
    (
        r"'tuple' object has no attribute '(size|shape|view|reshape|squeeze|dim|detach|relu|backward)'|"
        r"must be Tensor, not tuple", "pair-of-results", "a pair of results is used as a tensor",
        "nn.LSTM, nn.GRU and nn.MultiheadAttention give two things: output, state = lstm(x).",
    ),
    (
        r"not compiled with CUDA|No CUDA GPUs|Found no NVIDIA", "no-gpu", "there is no GPU here",
        'Choose once: device = "cuda" if torch.cuda.is_available() else "cpu", and write .to(device).',
    ),
    (
        r"shapes cannot be multiplied", "shapes-differ", "an input does not fit the layer",
        "Look at the shape before the first linear layer (print(x.shape)): it has to be [N, in_features]; "
        "images are flattened with x.flatten(1).",
    ),
    (
        r"grad can be implicitly created only for scalar outputs", "loss-not-scalar",
        "the loss is not one number", "Reduce it before backward: loss.mean() or loss.sum(); was "
        'reduction="none" meant?',
    ),
    (
        r"optimizer got an empty parameter list", "no-parameters",
        "the model has no parameters", "Layers have to be attributes of the module, or in nn.ModuleList, "
        "nn.ModuleDict or nn.Sequential: those in a Python list or dict are not seen.",
    ),
    (
        r"leaf Variable that requires grad|leaf variable.*in-place", "update-recorded",
        "a parameter is changed while gradients are recorded",
        "Change parameters under torch.no_grad(): with torch.no_grad(): w -= lr * w.grad",
    ),
    (
        r"unsupported operand type\(s\) for .*'NoneType'|'NoneType' object has no attribute '(data|zero_|norm|"
        r"detach)'", "gradient-missing", "a gradient is None where it is used",
        "Nothing led from the loss to this tensor, backward has not run yet, or it is no leaf: `w = w - lr * "
        "w.grad` makes a new tensor without a gradient; write w -= lr * w.grad under no_grad().",
    ),
]  # fmt: skip


def explain(doctor: Doctor, error: BaseException) -> None:
    """Say what is behind the error that ended the program, if it is one of those known."""
    text = " ".join(str(error).split())
    for pattern, kind, what, advice in _KNOWN:
        if not re.search(pattern, text):
            continue
        looked = doctor.looked
        also = ((f"last {looked[0]}", looked[1]),) if kind == "cut" and looked else ()
        why = f"{type(error).__name__}: {text[:300]}"
        if kind == "cut" and (frozen := _all_frozen(doctor)):
            why = f"{why} {frozen}"
        doctor.find(Finding(kind, ERROR, what, _last_line(error), why, advice, also))
        return


def _all_frozen(doctor: Doctor) -> str:
    params = [p for o in doctor.steps.optimizers for k in o.params if (p := k.ref()) is not None]
    if params and not any(p._requires_grad_ for p in params):
        return f"All {len(params)} parameters of the optimizer have requires_grad=False."
    return ""


def _last_line(error: BaseException) -> Place | None:
    found = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        if kind_of(frame.f_code.co_filename) == USER:
            found = Place(frame.f_code.co_filename, line)
    return found
