"""How results lie in memory: programs that look at strides, and go on with `.view()`."""

import pytest

from tests.parity import parity

PROGRAMS = [
    # Gradients of products: only that of a weight in row order is in row order, too.
    """
    F, wide, strides = torch.nn.functional, torch.ones(2, 6), []
    made = wide[:, ::2], wide[:, :3].clone(), torch.ones(3, 2).t(), wide[:1, ::2], torch.ones(2, 0), torch.ones(0, 3)
    for w in (*made, torch.ones(1, 3).expand(2, 3)):
        w = w.detach().requires_grad_()
        for lead in ((4,), (2, 4), (1, 1), (0,), ()):
            x = torch.ones(*lead, w.shape[1], requires_grad=True)
            strides.append([g.stride() for g in torch.autograd.grad(F.linear(x, w).sum(), (x, w))])
    b = torch.ones(2, requires_grad=True)
    bias = torch.autograd.grad(F.linear(torch.ones(3), torch.ones(2, 3), b).sum(), b)[0].stride()
    """,
    # Gradients that torch's kernels write anew lie as these lay them.
    """
    F = torch.nn.functional
    def _of(f, *given):
        given = [x.detach().requires_grad_() for x in given]
        out = f(*given)
        return [g.stride() for g in torch.autograd.grad(out.sum(), given)]
    x, y, heads = torch.ones(2, 4, 2, 2), torch.ones(3, 2).t() / 3, torch.ones(2, 3, 4, 5)
    shuffles = [_of(f, x.transpose(*d)) for f in (lambda x: F.channel_shuffle(x, 2), lambda x: F.pixel_unshuffle(x, 2),
                lambda x: F.pixel_shuffle(x, 1)) for d in ((2, 3), (0, 0))]
    attended = [_of(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=c), *[h] * 3)
                for h in (heads, heads.transpose(1, 2), heads[:, :1], heads.bfloat16()) for c in (True, False)]
    nothing = [_of(f, torch.ones(0, 2, 5), torch.ones(2, 2, 3), torch.ones(2)) for f in (F.conv1d, F.conv_transpose1d)]
    slopes = [_of(f, y) for f in (torch.acos, torch.erfinv, torch.special.erfcx, lambda y: torch.logit(y, 0.1))]
    pairs = [_of(f, y, torch.ones(2, 3)) for f in (torch.maximum, torch.minimum, F.binary_cross_entropy)]
    third = _of(torch.addcdiv, torch.ones(2, 3), y, y + 1)
    turned = _of(lambda x: x.rot90(0), y), torch.ones(0, 2, 6)[..., ::2].roll(1, 0).stride()
    evaluated = _of(lambda x: F.batch_norm(x, torch.zeros(3), torch.ones(3)), y)
    """,
    # Folds and scans of a permuted tensor are in row order, also with the folded dimension kept.
    """
    x = torch.arange(96.0).reshape(2, 4, 4, 3).transpose(1, 0)
    folds = [getattr(x, f)(3, keepdim=True).stride() for f in "sum mean amax var argmax".split()]
    flat = x.sum(3, keepdim=True).view(16, 2).shape, x.max(3).values.view(-1).shape
    scans = x.cumsum(1).stride(), x.cumprod(0).stride(), x.cummax(2).indices.stride()
    """,
    # Elementwise results lie as the first operand that tells two dimensions apart.
    """
    x, y = torch.ones(3, 4).t(), torch.ones(4, 3)
    pairs = [(a + b).stride() for a in (x, y) for b in (x, y)]
    spread = (torch.ones(4, 1, 2).transpose(0, 2) * torch.ones(5, 1)).stride()
    chosen = torch.where(y > 0, x, x).stride(), (x > y[:, :1]).stride(), (1 - x).stride()
    gaps = (torch.ones(4, 6)[:, ::2].t() * 2).stride(), torch.ones(3).expand(4, 3).exp().stride()
    rank = torch.ones(2, 3, 4, 5).permute(3, 1, 0, 2).sqrt().stride()
    """,
    # Lists of positions: what is not indexed keeps its order in memory.
    """
    x = torch.arange(120.0).reshape(2, 3, 4, 5).permute(2, 0, 3, 1)
    rows, mask = torch.tensor([1, 0]), torch.tensor([True, False, True, True])
    parts = x[rows], x[:, rows], x[rows, :, rows], x[..., rows, :], x[mask], x[:, None, rows]
    strides = [part.stride() for part in parts]
    masked = x[x > 3].stride(), x[rows, rows, rows].stride(), x.index_select(2, rows).stride()
    """,
    # Images in channels last stay so.
    """
    x = torch.ones(2, 4, 6, 6).to(memory_format=torch.channels_last)
    F, w = torch.nn.functional, torch.ones(3, 4, 2, 2)
    images = [
        F.conv2d(x, w), F.max_pool2d(x, 2), F.avg_pool2d(x, 2), F.interpolate(x, scale_factor=2),
        F.pad(x, (1, 1)), F.batch_norm(x, None, None, training=True), torch.cat([x, x], 1),
        F.group_norm(x, 2), F.layer_norm(x, (6,)), F.pixel_shuffle(x, 2), x.mean((2, 3), True),
        F.conv2d(x.contiguous(), w.to(memory_format=torch.channels_last)), torch.stack([x, x]),
    ]
    strides = [image.stride() for image in images]
    """,
    # Factors come column by column, transforms with their dimensions innermost.
    """
    x = torch.eye(3) * 2 + torch.ones(3, 3)
    factors = [*torch.linalg.qr(x), torch.linalg.inv(x), torch.linalg.cholesky(x),
               torch.linalg.solve(x, torch.ones(3, 2)), *torch.linalg.svd(x), *torch.linalg.lu(x)]
    strides = [f.stride() for f in factors]
    y = torch.ones(2, 3, 4)
    transforms = [torch.fft.fft(y, dim=1).stride(), torch.fft.rfftn(y, dim=(0, 1)).stride(),
                  torch.fft.fftn(y.permute(2, 0, 1) + 0j, dim=(0, 2)).stride()]
    """,
    # Modules go to channels last; the gradients of a convolution lie as its input or weight suggests.
    """
    last = torch.channels_last
    model = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ConvTranspose2d(4, 2, 3))
    model.to(torch.float64, memory_format=last)
    pairs = [(nn.Linear(2, 2), last), (nn.Conv3d(2, 2, 2), torch.channels_last_3d)]
    placed = [[p.stride() for p in m.to(memory_format=order).parameters()] for m, order in pairs]
    wrong = attempt(lambda: nn.Conv3d(1, 1, 1).to(memory_format=last))
    odd = [attempt(lambda: f(memory_format="last")) for f in (model.to, torch.ones(2).to)]
    model(torch.ones(2, 3, 6, 6, dtype=torch.float64)).sum().backward()
    strides = [(p.stride(), p.grad.stride()) for p in model.parameters()]
    gradients = []
    for f in F.conv2d, F.conv_transpose2d:
        for x_order in torch.contiguous_format, last:
            for w_order in torch.contiguous_format, last:
                x = torch.rand(2, 4, 5, 6).to(memory_format=x_order).requires_grad_()
                w = torch.rand(4, 4, 3, 2).to(memory_format=w_order).requires_grad_()
                for g in f(x, w).sum(), f(x, w).square().sum():
                    gradients += [g.stride() for g in torch.autograd.grad(g, (x, w))]
    """,
    # Numbers to the powers of tensors, transforms of what is spread, volumes in all types and numbers.
    """
    x, whole = torch.ones(10, 5, 1).transpose(1, 2), torch.ones(5, 10, dtype=torch.int64).t()
    powers = [p.stride() for p in (2**whole, 2.5**whole, 2j**whole, x[0, 0] ** whole, True**whole)]
    powers += [torch.ldexp(x.to(t), k).stride() for t in (torch.half, torch.float, torch.double, torch.int)
               for k in (whole, whole.float())]
    spread = torch.ones(1, 1, 7).expand(5, 6, 7).permute(2, 0, 1) + 0j, torch.ones(5, 6, 1).expand(5, 6, 7)
    transforms = [torch.fft.fft(s, dim=d).stride() for s in spread for d in range(3)]
    last, F = torch.channels_last_3d, torch.nn.functional
    volumes = [f(torch.ones(n, 4, 6, 6, 6, dtype=t).to(memory_format=last), torch.ones(4, 4 // g, k, k, k, dtype=t),
                 stride=s, groups=g).stride()
               for f in (F.conv3d, F.conv_transpose3d) for n in (1, 2) for g in (1, 2) for k in (1, 3)
               for s in (1, 2) for t in (torch.float, torch.double)]
    alone = torch.ones(3, 6, 6, 5).permute(3, 0, 1, 2)
    pooled = [p.stride() for y in (alone, alone[:1]) for p in (F.max_pool3d(y, 2), F.avg_pool3d(y, 2))]
    """,
    # New tensors like others; strides along dimensions of size 1.
    """
    x = torch.ones(2, 1, 4).permute(2, 1, 0)
    likes = [torch.zeros_like(x), x.clone(), x.double(), torch.rand_like(x), x.flip(0)]
    strides = [like.stride() for like in likes]
    ones = x[:, None].stride(), x[..., None].stride(), x.unsqueeze(0).stride()
    spread = torch.ones(1, 5).expand(1, 1, 5).stride(), torch.ones(1, 3).t().clone().stride()
    itself = x.to(memory_format=torch.contiguous_format) is x
    """,
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_strides(program):
    parity(program)
