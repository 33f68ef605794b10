"""Why a derivative is what it is, in a sentence or two, for the rows that people ask about."""

from __future__ import annotations

from rushlight.core.row import Primitive

# By row; by family for those that have no sentence of their own.
_ROWS = {
    "softmax": "All outputs share one sum, so each input moves all of them: that is the Σ that is taken off. What "
               "comes out of the rule sums to 0, as shifting all inputs alike changes nothing.",
    "log_softmax": "The input moves its own output by 1, and the shared sum by its softmax, which is exp(y).",
    "cross_entropy": "The logarithm undoes the exponential: what is left is softmax minus 1 at the right class, "
                     "the probability given minus the one asked for.",
    "nll": "Only the chosen element of each row counts, with the sign turned.",
    "logsumexp": "A smooth maximum: its derivative is the softmax, the share each input has in the sum.",
    "exp": "The exponential is its own derivative: the output is kept, the input can go.",
    "log": "Near a large x the logarithm hardly moves, near 0 it runs away: 1/x.",
    "sqrt": "From y² = x: 2y dy = dx. At 0 the slope is infinite.",
    "sigmoid": "y(1 − y) is largest at 1/4 and goes to 0 at both ends: a saturated unit learns nothing.",
    "tanh": "1 − y² is 1 at 0 and goes to 0 at both ends.",
    "relu": "What was above 0 passes unchanged, the rest is stopped. At 0 itself torch says 0.",
    "leaky_relu": "As relu, but below 0 a little passes, so that no unit dies.",
    "gelu": "x times the chance that a normal number lies below x: the product rule gives Φ and x times its density.",
    "silu": "x times its own sigmoid: the product rule.",
    "abs": "The slope is the sign. At 0, where there are two, torch takes 0.",
    "matmul": "An element of the product is a row times a column; what a row gave is multiplied with the columns "
              "again: the same product, with the other factor turned over.",
    "linear": "As a product, for the input; the weight gets the sum over the batch of input times gradient, the "
              "bias the sum of the gradients.",
    "dot": "Each factor is the slope of the other.",
    "mul": "The slope towards one factor is the other one (so it must be kept).",
    "add": "Both move the sum as much as they move themselves. What was broadcast gets the sum over its copies.",
    "sub": "As add; the second with its sign turned.",
    "div": "Towards the numerator 1/y; towards the denominator −x/y², written with the quotient.",
    "pow": "n xⁿ⁻¹ towards the base; towards the exponent xⁿ ln x.",
    "sum": "Each element counts once: the gradient goes to all of them alike.",
    "mean": "As sum, divided by how many there are.",
    "prod": "Towards one factor, the product of all others.",
    "amax": "Only the largest moves the maximum. Equal ones share the gradient.",
    "amin": "Only the smallest moves the minimum. Equal ones share the gradient.",
    "var": "Far from the mean counts more: 2(x − x̄), over n less the correction. The mean itself drops out.",
    "std": "The root of the variance: its slope is that of the variance over 2y.",
    "normalize": "Mean and variance depend on every element: both are taken off the gradient, so that what comes out "
                 "has neither a mean nor a part along x̂. Normalising forgets shift and size.",
    "convolution": "The same small product at each place: the input gets the filters put back, turned over; the "
                   "filters get the sum over all places.",
    "max_pool_from": "Only the largest in each window passes on what comes back.",
    "clamp": "Inside the bounds everything passes, outside nothing.",
    "where": "Each side gets the gradient where it was taken, and 0 elsewhere.",
    "squared_distance": "2(x − y): the error itself, twice.",
    "cumsum": "An input is in all later sums: the gradient is summed from the end.",
    "index": "What was looked up gets the gradient; what was looked up twice, twice.",
    "gather": "As index: the gradient is scattered to where the values came from.",
    "embedding": "A row that was looked up gets the gradient; a row that was not, none.",
    "permute": "Only the order changed: the gradient is put back in the old one.",
    "reshape": "Only the shape changed: the gradient is put back into the old one.",
    "expand": "Copies in memory that is read several times: their gradients are summed.",
    "cat": "Each part gets its part back.",
    "stack": "Each part gets its part back.",
    "maximum": "The larger one gets the gradient; equal ones get half each.",
    "minimum": "The smaller one gets the gradient; equal ones get half each.",
    "sin": "A quarter of a turn ahead.",
    "cos": "A quarter of a turn ahead, with the sign turned.",
    "erf": "The bell curve, of which erf is the area.",
    "reciprocal": "−1/x², written with the output: −y².",
    "vector_norm": "Along x, with length 1: only the direction is left.",
    "linalg_inv_ex": "From A A⁻¹ = 1: both sides move, and the inverse stands on both sides of the gradient.",
    "linalg_cholesky_ex": "From L Lᵀ = A: the half of the gradient below the diagonal, with L's inverse on both sides.",
    "linalg_det": "Jacobi's formula: the determinant times the inverse turned over.",
}  # fmt: skip
_FAMILIES = {
    "view": "No element changed, only where it lies: the gradient takes the same way back.",
    "move": "No element changed, only where it lies: the gradient takes the same way back.",
    "structural": "No element changed, only where it lies: the gradient takes the same way back.",
    "reduce": "Each element gets what it added to the result.",
    "unary": "Each element for itself: the incoming gradient times the slope there.",
    "binary": "Each element for itself, towards both inputs; what was broadcast gets the sum over its copies.",
    "index": "Each element gets the gradient of the places that it went to.",
    "pooling": "Each window hands its gradient back to what it was made of.",
    "scan": "An element is in all results after it: the gradients are gathered from the end.",
    "factor": "The equations of the factors are differentiated, and solved for their change.",
    "loss": "The slope of the loss at each element, over how many were averaged.",
    "contract": "Each factor's slope is the product of the others.",
    "fourier": "A linear map: its gradient is the transform turned over.",
}


def why(row: Primitive) -> str:
    """Why the derivative of a row is what it is; empty if there is nothing to say."""
    if row.vjp is None:
        return (
            "It has no derivative: it is constant between jumps, or its result is no real number."
        )
    return _ROWS.get(row.name) or _FAMILIES.get(row.family, "")
