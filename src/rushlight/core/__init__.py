"""The core, to be read in this order.

1. `tensor`: an array, a place on the tape, a count of changes; `turned`: conjugated views.
2. `row`, and the `table` of them: one operation, its forward, its derivative, its rule.
3. `doors`: `apply` runs a row, `into` writes, `read` looks, `draw` draws; an `Interpreter` sees all.
4. `node` and `tape`: what an operation leaves behind while gradients are recorded.
5. `views`: tensors that lie in the memory of others.
6. `rushlight.autograd.engine`: the way back.
"""
