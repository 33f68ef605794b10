"""The functions and classes that programs may use, in torch code."""

PRELUDE = """
def double(g):
    return g * 2

def silent(g):
    return None

def keep(g):
    log.append(g)

def in_place(g):
    g.mul_(3)

def squared(g):
    return g.detach() ** 2

def halve(module, args, output):
    return output / 2

def keep_output(module, args, output):
    log.append(output)

def negate(module, grads, outputs):
    return tuple(-g for g in grads)

class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return 2 * x * g

class Exp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        y, = ctx.saved_tensors
        return y * g

class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x

    @staticmethod
    def backward(ctx, g):
        return 2 * g

class Same(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x

    @staticmethod
    def backward(ctx, g):
        return g

class Flat(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.shape = x.shape
        return x.view(-1)

    @staticmethod
    def backward(ctx, g):
        return g.reshape(ctx.shape)

class Both(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        return x + y, x - y

    @staticmethod
    def backward(ctx, g, h):
        return g + h, g - h

class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(x, factor):
        return x * factor

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, factor = inputs
        ctx.factor = factor

    @staticmethod
    def backward(ctx, g):
        return g * ctx.factor, None

class Sorted(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        values, order = x.flatten().sort(stable=True)
        ctx.mark_non_differentiable(order)
        ctx.save_for_backward(order)
        ctx.shape = x.shape
        return values, order

    @staticmethod
    def backward(ctx, g, unused):
        order, = ctx.saved_tensors
        return torch.zeros_like(g).index_put((order,), g).reshape(ctx.shape)

class Lazy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.set_materialize_grads(False)
        return x * 2, y * 3

    @staticmethod
    def backward(ctx, g, h):
        log.append(g is None)
        log.append(h is None)
        return None if g is None else g * 2, None if h is None else h * 3
"""
