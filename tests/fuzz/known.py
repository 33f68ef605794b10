"""Differences that are meant to be there, each with its reason. Few, and none of them a fault."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from tests.fuzz.lockstep import Difference
from tests.fuzz.rounding import close, magnitude


@dataclass(frozen=True)
class Known:
    """A difference in `aspect` after a line that `line` finds, and why it may be there.

    `want` and `got` find torch's answer and rushlight's, `dtype` torch's tensor's, `path` the tensor,
    where it is told by these. `unseen`: there is a tensor of inference mode that requires grad. `near`: the
    numbers differ by no more than so many times what single precision rounds; `single`: the line takes such numbers.
    """

    aspect: str
    reason: str
    line: str = ""
    before: str = ""
    want: str = ""
    dtype: str = ""
    got: str = ""
    path: str = ""
    unseen: bool = False
    near: float = 0
    single: bool = False

    def covers(self, difference: Difference) -> bool:
        """Whether a difference is of this kind."""
        return (
            difference.aspect == self.aspect
            and (difference.unseen or not self.unseen)
            and (difference.single or not self.single)
            and bool(re.search(self.line, difference.line))
            and bool(re.search(self.before, difference.before))
            and bool(re.search(self.want, str(difference.want)))
            and bool(re.search(self.dtype, difference.dtype))
            and bool(re.search(self.got, str(difference.got)))
            and bool(re.search(self.path, difference.path))
            and (not self.near or self._is_near(difference))
        )

    def _is_near(self, difference: Difference) -> bool:
        want, got = difference.want, difference.got
        if not isinstance(want, np.ndarray) or not isinstance(got, np.ndarray):
            return False
        return close(want, got, "float32", magnitude(want), self.near)


OF_PRODUCTS = (
    "The sign of a zero that is a sum of products: it depends on the order of the sum, which is "
    "the BLAS's, the FFT's or the convolution's own."
)
# The operations that multiply and sum, and modules that do.
PRODUCTS = (
    r"conv|fft|@|\b(?:add)?(?:b|ba)?(?:mm|mv|dot|vdot)\(|multi_dot|matmul|linear|einsum|tensordot|det\(|inner\(|solve\(|inv\(|lstsq\(|householder|interpolate\(|"
    r"nn\.(?:Linear|Bilinear|Conv|RNN|LSTM|GRU|Multihead|Transformer)|attention|m\d+\("
)

INFERENCE = (
    "A tensor that was made in inference mode and requires grad, and is used outside of the mode: torch records "
    "an operation, or refuses it, by how its kernel is composed; rushlight records what takes another "
    "tensor as well, and nothing else."
)

KNOWN: tuple[Known, ...] = (
    Known(
        "requires_grad",
        "`fill_` with a 0-d tensor that requires grad makes torch's whole numbers claim to require "
        "grad; nothing can be computed with them afterwards.",
        line=r"\] = \w|fill_\(",
        want="True",
        dtype="int|bool",
    ),
    Known(
        "dtype",
        "NumPy has no complex numbers of half precision: float16 with a complex number is complex64.",
        want="complex32",
    ),
    Known(
        "values",
        "A function or a sum of float32 that is taken over into float64 shows its last bit, which is the "
        "library's own.",
        line=r"out=|backward\(|grad\(",
        dtype="float64|complex128",
        near=1,
        single=True,
    ),
    Known(
        "values",
        "`gelu` of infinity is infinity; the kernel of torch's library makes nan of it.",
        line=r"gelu\(",
        want="nan",
        got="inf",
        dtype="float32",
    ),
    Known(
        "values",
        "A matrix product into one of its own factors: torch reads what it has already overwritten.",
        line=r"m(?:at)?m(?:ul)?\((?=.*, out=(t\d[^ ]*)\))(?:\1, |.*, \1, )",
    ),
    Known(
        "sharing",
        "`.grad` shares memory with nothing; torch takes over gradients that are views of others.",
        line=r"backward\(",
        want="^that of ",
        got="^alone$",
        path=r"\.grad$",
    ),
    Known(
        "sharing",
        "`.grad` shares memory with nothing; torch takes over gradients that are views of others.",
        line=r"backward\(",
        want=r"^that of .*\.grad$",
        got="^alone$",
    ),
    Known(
        "sharing",
        "A gradient that torch keeps as a zero without memory (ZeroTensor) cannot be changed in a "
        "hook; rushlight's is an ordinary tensor.",
        want="^alone$",
        got=r"^that of .*\.grad$",
        before=r"sgn|sign",
    ),
    Known(
        "values",
        "A loss of torch's lies in the memory of what it was summed from: an `out=` that grows finds room there, "
        "and stays what its views show.",
        line=r"out=",
        before=r"_loss\(",
    ),
    *(
        Known(
            aspect,
            "A change in place of what shows its elements more than once: torch changes them as often, or "
            "not, as its vectors fall.",
            line=r"= -?\w|_\(|out=|inplace=",
            before=r"unfold\(|as_strided\(",
        )
        for aspect in ("values", "sign of zero")
    ),
    Known(
        "error",
        "A loss of torch's lies in the memory of what it was summed from: a view of it may reach further.",
        line=r"as_strided\(",
        before=r"_loss\(",
        want="no error",
        got="setStorage",
    ),
    Known(
        "offset",
        "A gradient that torch takes over in another's memory may begin anywhere in it.",
        line=r"backward\(",
        path=r"\.grad$",
    ),
    Known(
        "sign of zero",
        "The sign of a part of a complex number that is zero: torch negates by 0 - x in whole vectors, "
        "and adds and subtracts by way of a product with 1+0j.",
        line=r"= -\w| [-+] |[-+]= |neg|sub|add|sum|mean|backward\(|grad\(",
        dtype="complex",
    ),
    Known(
        "sign of zero",
        "The sign of a part of a complex number that is zero: torch negates by 0 - x in whole vectors, "
        "and adds and subtracts by way of a product with 1+0j.",
        line=r"[-+]= |neg|sub|add|out=|backward\(|grad\(",
        before=r"view_as_complex|view_as_real|\.real|\.imag|polar\(",
    ),
    Known(
        "sign of zero",
        "Which of two equal zeros is the larger: torch takes the first, but in whole vectors the second.",
        line=r"(max|min)imum\(|f(max|min)\(|a?(max|min)\(|aminmax|clamp|median\(",
    ),
    Known(
        "error",
        "What fails in torch's own internal checks, by its message a fault to be reported; rushlight carries it out.",
        want=r"INTERNAL ASSERT FAILED|'NoneType' object has no attribute 'next_functions'",
    ),
    Known(
        "error",
        "What torch, by its message, does not support yet: saved tensor hooks around `torch.func`, and `detach` in "
        "hooks where gradients are batched (`is_grads_batched`).",
        want=r"don't yet support saved tensor hooks|Batching rule not implemented for aten::(?:detach|item)",
    ),
    Known(
        "error",
        "A batch of numbers (`vmap` whose function sees 0-d tensors): torch counts dimensions with the batch among "
        "them, and finds no dimension 0 in some functions; rushlight's are those of 0-d tensors.",
        line=r"vmap\(",
        want="Dimension out of range|Dimension specified as",
        got="no error",
    ),
    Known(
        "error",
        "A batch of nothing: functions that are batched by torch look at its first example.",
        line=r"vmap|vectorize|hessian|jac|is_grads_batched",
        want=r"out of (?:range|bounds) for .*size \[?0",
        got="no error",
    ),
    Known(
        "requires_grad",
        "A tangent requires grad only if it depends on something that does; torch adds a zero that does.",
        line=r"jvp\(|jacfwd|hessian|forward\(",
        want="True",
        got="False",
    ),
    Known(
        "sign of zero",
        "The sign of a tangent that is zero: torch has formulas of its own for some; rushlight has the rules of "
        "gradients.",
        line=r"jvp\(|jacfwd|hessian|forward\(",
    ),
    *(
        Known(
            aspect,
            "What `func.linearize` gives has gradients by the point at which it was made, too; torch takes the point "
            "for a constant.",
            line=r"backward\(|grad\(",
            before="linearize",
        )
        for aspect in ("values", "kind")
    ),
    Known(
        "sign of zero",
        "What softshrink takes to zero keeps its sign in torch only where the vectors of the processor "
        "leave a rest; rushlight's is 0 throughout.",
        line=r"softshrink\(",
    ),
    Known("sign of zero", OF_PRODUCTS, line=PRODUCTS),
    Known("sign of zero", OF_PRODUCTS, line=r"backward\(|grad\(", before=PRODUCTS),
    Known(
        "values",
        "A scatter into memory from which it reads by way of an array of NumPy's, where torch does not see "
        "that: it reads what it has already written.",
        line=r"\.scatter_(add|reduce)_\(",
        before=r"from_numpy",
    ),
    Known(
        "kind",
        "`linear` with a bias is one operation; the result of torch's is a view of a matrix that nobody has, "
        "unless the input is a matrix.",
        line=r"\._base is None|_is_view\(\)",
        before=r"linear\(|nn\.",
    ),
    Known(
        "error",
        "`linear` with a bias is one operation; the result of torch's is a view of a matrix that nobody has, "
        "unless the input is a matrix.",
        line=r"detach_\(",
        before=r"linear\(|nn\.",
        want="Can't detach views in-place",
        got="no error",
    ),
    Known(
        "values",
        "`median(dim)` of an expanded tensor: torch reads memory that it has not written.",
        line=r"(nan)?median\(",
        before=r"expand|broadcast|as_strided|meshgrid|grad",
    ),
    Known(
        "kind",
        "A loss of torch's lies in the memory of what it was summed from, and its storage is as large.",
        line=r"\.untyped_storage\(\)\.nbytes\(\)",
        before=r"_loss\(",
    ),
    Known(
        "values",
        "A parameter that is twice in a group of an optimizer with `foreach=True`: torch does each operation of "
        "the step for all of a group before the next, and warns that it will refuse this.",
        line=r"\.step\(",
        before=r"\[(.*, )?(\S+), (.*, )?\2(, .*)?\], .*foreach=True",
    ),
    Known(
        "error",
        "The Fourier transform of an empty batch fails in MKL; rushlight's is empty.",
        line=r"fft\.",
        want="MKL FFT error",
    ),
    Known(
        "error",
        "A gradient that torch keeps as a zero without memory (ZeroTensor) cannot be changed in a "
        "hook; rushlight's is an ordinary tensor.",
        want="ZeroTensors are immutable",
    ),
    Known(
        "error",
        "A gradient that torch keeps as a zero without memory (ZeroTensor) cannot be changed in a "
        "hook; rushlight's is an ordinary tensor.",
        line=r"func\.|forward\(",
        before=r"sgn|sign",
        want="more than one element of the written-to tensor",
        got="no error",
    ),
    Known(
        "sign of zero",
        "The sign of a zero in the gradient of what was changed in place by way of a view, or in a group that is "
        "normalized: torch writes where rushlight adds to zeros, and multiplies and adds where it subtracts first.",
        line=r"backward\(|grad\(",
        before=r"\][-+*/ ]*= |\)\.\w+_\(|\]\.\w+_\(",
    ),
    Known(
        "sign of zero",
        "The sign of a zero in the gradient of what was changed in place by way of a view, or in a group that is "
        "normalized: torch writes where rushlight adds to zeros, and multiplies and adds where it subtracts first.",
        line=r"group_norm\(",
    ),
    Known(
        "values",
        "Where the result is the small difference of large numbers, as the inverse of a matrix that is nearly singular "
        "and the gradient of a normalization over few elements, all but the first digits are rounding.",
        line=r"linalg\.|pinv\(|inv\(|solve\(",
        near=300,
    ),
    Known(
        "values",
        "Where the result is the small difference of large numbers, as the inverse of a matrix that is nearly singular "
        "and the gradient of a normalization over few elements, all but the first digits are rounding.",
        line=r"backward\(|grad\(",
        before=r"_norm\(|nn\.\w*Norm",
        near=100,
    ),
    Known(
        "values",
        "A list that holds a tensor twice (`_foreach_mul_([x, x], 2)`): torch changes it twice, and its gradient "
        "knows of one change; rushlight's knows of both.",
        line=r"backward\(|grad\(",
        before=r"_foreach_\w+_\(\[(\S+), \1\]",
    ),
    Known(
        "error",
        "`clip_grad_value_` of parameters none of which has a gradient fails in torch's internal "
        "check; rushlight has nothing to do.",
        line=r"clip_grad_value_\(",
        want=r"nested_tensorlist\[0\]\.empty\(\)",
    ),
    Known(
        "error",
        "Complex numbers of half precision, which NumPy lacks: rushlight refuses to make them, and "
        "computes in complex64 where torch has no kernel for them.",
        got="complex numbers of half precision|floating point tensors, but got a tensor of scalar type: Half",
    ),
    Known(
        "error",
        "Complex numbers of half precision, which NumPy lacks: rushlight refuses to make them, and "
        "computes in complex64 where torch has no kernel for them.",
        want="not implemented for 'ComplexHalf'",
    ),
    *(
        Known(aspect, INFERENCE, want=want, got=got, unseen=True)
        for aspect, want, got in (
            (
                "error",
                "functions with out=|cannot be saved|do not track|modified by an in|does not require grad",
                "no error",
            ),
            ("error", "no error", "Autograd not support dtype"),
            ("kind", "none", "a tensor"),
            ("values", "", ""),
            ("error", "no error", "cannot be saved"),
            ("error", "cannot be saved", "Error"),
            ("requires_grad", "", ""),
        )
    ),
    Known(
        "error",
        "A call that is wrong in two ways: of a view that was made in another mode, or in a custom Function, and has "
        "changed since torch tells first, rushlight of the argument.",
        want=r"created in (?:no_grad|inference) mode and its base or|is a view and its base or another view",
        got="Error",
    ),
    Known(
        "error",
        "What `linear` gives is a view of a matrix that nobody has, and so is its gradient: torch refuses to change "
        "it in place once it was made without recording; rushlight's are ordinary tensors.",
        line=r"_\(|[-+*/]=|\] = ",
        before=r"linear\(|nn\.",
        want="created in no_grad mode and is being modified",
        got="no error",
    ),
    Known(
        "error",
        "A result put into memory that shows its elements more than once (`out=`): torch's reductions add up there "
        "what belongs to several; rushlight refuses it.",
        line=r"out=",
        want="no error",
        got="more than one element of the written-to tensor",
    ),
    Known(
        "sign of zero",
        "A gradient that torch keeps as a zero without memory (ZeroTensor) stays +0, whatever it is multiplied by.",
        line=r"backward\(|grad\(",
        before=r"sgn\(",
    ),
    Known(
        "error",
        "A leaf that is given another shape while a graph of it is alive: torch holds new gradients against the "
        "earlier shape; rushlight against the one it has.",
        want=r"invalid gradient at index \d+ - got .* but expected shape compatible|"
        r"doesn't match the broadcast|Mismatch in shape",
        line=r"backward\(|grad\(",
        before=r"\.data = |out=",
        got="no error",
    ),
    *(
        Known(
            aspect,
            "A leaf that is given another shape while a graph of it is alive: torch holds new gradients against the "
            "earlier shape; rushlight against the one it has.",
            line=r"backward\(|grad\(",
            before=r"\.data = |out=|no_grad\(\): \S+\.\w+_\(",
            want=want,
            got=got,
        )
        for aspect, want, got in (
            ("error", "no error", r"\.grad is from before the tensor's"),
            ("shape", "", ""),
        )
    ),
    Known(
        "values",
        "torch's Bessel functions of double precision are right to nine digits; rushlight's to sixteen.",
        line=r"bessel_[jy]|airy_ai",
        near=1,
    ),
    *(
        Known(
            aspect,
            "What `unique_consecutive` gives is the first part of memory for all elements, in torch: a view of it may "
            "reach further, and its storage is larger.",
            line=line,
            before=r"unique_consecutive\(",
            got=got,
        )
        for aspect, line, got in (
            ("error", r"as_strided\(", "setStorage"),
            ("kind", r"\.untyped_storage\(\)\.nbytes\(\)", ""),
        )
    ),
    *(
        Known(
            aspect,
            "A reduction into its own input (`out=`): torch gives that the result's shape, and overwrites it, while "
            "it is still to be read.",
            line=r"(?:sum|mean|prod|max|min|amax|amin|any|all|cumsum|cumprod|logsumexp)\((t\d+[^ ,]*), .*"
            r"out=\(?\1[,)]",
            got=got,
        )
        for aspect, got in (("values", ""), ("shape", ""), ("error", "no error"))
    ),
    Known(
        "values",
        "What LAPACK makes of numbers that are not finite.",
        line=r"linalg\.|qr\(|svd\(|inv\(|inverse\(|det\(|solve\(|cholesky\(",
        want="nan|inf",
    ),
    Known(
        "error",
        "What LAPACK makes of numbers that are not finite.",
        line=r"linalg\.",
        want="no error",
        got="LinAlgError",
    ),
    Known(
        "values",
        "Vectors of a decomposition, of which LAPACK chooses the sign, and the basis where values are equal.",
        line=r"linalg\.(?:eigh?|svd|qr)\(",
    ),
    Known(
        "values",
        "`tril` and `triu` of several matrices into memory in channels last: torch writes past the strides.",
        line=r"tri[lu]\(.*out=",
        before=r"channels_last",
    ),
    Known(
        "requires_grad",
        "The gradient of `cummax` and `cummin` of nothing is, in torch, the input itself.",
        line=r"backward\(|grad\(",
        before=r"cum(max|min)\(",
        want="True",
    ),
    Known(
        "error",
        "torch's engine refuses torch's own gradient of a sum of real numbers in a complex type, and of "
        "a real value written into complex numbers; rushlight's is the real part.",
        want=r"Expected isFloatingType\(grad\.scalar_type\(\)\)",
    ),
)


def known(difference: Difference) -> Known | None:
    """The entry that explains a difference."""
    return next((entry for entry in KNOWN if entry.covers(difference)), None)
