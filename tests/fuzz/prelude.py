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

def cube(x):
    return x ** 3

def total(x):
    return (x * x.sigmoid()).sum()

def paired(x, y):
    return x * y.sin() + y

def paired_with_itself(x):
    return paired(x, x)

def rows(x):
    return x.cumsum(-1).mean(-1)

def written(x):
    y = x.clone()
    y.mul_(x)
    y[..., :1] = 0
    return y

def stepwise(x):
    y = torch.zeros_like(x)
    y.add_(x).mul_(x)
    y += x.detach()
    y[..., :1] *= 2
    return y.sin_().sum()

def twice_differentiated(y, x):
    g, = torch.autograd.grad((y ** 2).sum(), x, create_graph=True)
    return torch.autograd.grad(g.sum(), x, allow_unused=True)

def attended(x):
    weights = torch.ones(9, 3), torch.zeros(9), None, None, False, 0.0, torch.eye(3), torch.zeros(3)
    return F.multi_head_attention_forward(x, x, x, 3, 1, *weights)

def shifted(x):
    y = x.clone()
    y[..., 1:] += x[..., :-1]
    y.unsqueeze(0).mul_(2)
    y.view(-1)[:1] = 1
    return y

def sorted_values(x):
    return x.flatten().sort().values.flip(0)

def divergence(x):
    normal = torch.distributions.Normal
    return torch.distributions.kl_divergence(normal(x, 1.0), normal(0.0, 2.0))

def several(x):
    return torch.stack([torch.ones_like(x)] * 2)

def forward(f, x, t):
    with torch.autograd.forward_ad.dual_level():
        out = f(torch.autograd.forward_ad.make_dual(x, t))
        return tuple(torch.autograd.forward_ad.unpack_dual(out))

def reloaded(value):
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return torch.load(file)

def prepare(module, args):
    return tuple(a * 2 for a in args)

def prepend(module, grads):
    return tuple(None if g is None else g * 2 for g in grads)

def packed(t):
    return t.detach().clone()

def unpacked(t):
    return t

class Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return x.cos() * g

class Many(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2, None, 'text', x.shape

    @staticmethod
    def backward(ctx, g, *rest):
        log.append(len(rest))
        return g * 2

class Jvp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        ctx.save_for_forward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        return g * 2 * ctx.saved_tensors[0]

    @staticmethod
    def jvp(ctx, t):
        return t * 2 * ctx.saved_tensors[0]

class Plain(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.detach().sum()

    @staticmethod
    def backward(ctx, g):
        return g

class Viewed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x[:1], x.clone()[..., None]

    @staticmethod
    def backward(ctx, g, h):
        return h[..., 0]

class Dirty(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        x.add_(y)
        ctx.mark_dirty(x)
        ctx.save_for_backward(x, y)
        return x, y * x

    @staticmethod
    def backward(ctx, g, h):
        x, y = ctx.saved_tensors
        return g + h * y, g + h * (x + y)

class Needs(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        log.append(ctx.needs_input_grad)
        return x * y

    @staticmethod
    def backward(ctx, g):
        log.append(ctx.needs_input_grad)
        return (g if ctx.needs_input_grad[0] else None), (g * 2 if ctx.needs_input_grad[1] else None)
"""
