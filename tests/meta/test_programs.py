"""Tensors without elements, as torch has them: each program runs under both."""

import pytest

from tests.described import described, raised, said
from tests.parity import parity

GIVEN = {"d": described, "e": raised, "m": said}

PROGRAMS = [
    """
    mt = torch.ones(2, device="meta")
    a = (
        e(lambda: mt[0].item()),
        e(lambda: mt.tolist()),
        e(lambda: bool(mt.sum())),
        e(lambda: mt.numpy()),
        e(lambda: mt.to("cpu")),
        repr(mt),
        e(lambda: torch.equal(mt, mt)),
        e(lambda: mt.nonzero()),
        e(lambda: mt + torch.ones(2)),
        str((mt + torch.tensor(1.0)).device),
        e(lambda: mt[mt > 0]),
        e(lambda: torch.ones(2).copy_(mt)),
        repr(mt.copy_(torch.ones(2))),
        e(lambda: torch.allclose(mt, mt)),
        mt.data_ptr(),
    )
    import copy

    b = copy.deepcopy(mt).device.type
    """,
    """
    mt = torch.ones(2, device="meta")
    a = (
        m(lambda: mt[0].item()),
        m(lambda: mt.tolist()),
        m(lambda: bool(mt.sum())),
        m(lambda: mt.numpy()),
        m(lambda: mt.to("cpu")),
        m(lambda: mt.cpu()),
        m(lambda: float(mt[0])),
        m(lambda: int(mt[0])),
    )
    """,
    """
    mt = torch.ones(2, device="meta")
    a = m(lambda: mt + torch.ones(2))
    """,
    """
    lin = nn.Linear(2, 2, device="meta")
    sd = nn.Linear(2, 2).double().state_dict()
    sd = {k: torch.zeros_like(v) for k, v in sd.items()}
    import warnings

    with warnings.catch_warnings(record=True) as w:
        warnings.simplefilter("always")
        lin.load_state_dict(sd)
    k = [str(q.message) for q in w]
    a = d(lin.weight)
    lin.load_state_dict(sd, assign=True)
    b = d(lin.weight), lin.weight.data_ptr() == sd["weight"].data_ptr()
    """,
    """
    lin = nn.Linear(2, 2, device="meta")
    er = e(lambda: lin.to("cpu")), m(lambda: lin.to("cpu"))
    p = lin.weight
    lin.to_empty(device="cpu")
    a = lin.weight is p, d(lin.weight), lin.weight.is_leaf
    nn.init.zeros_(lin.weight), nn.init.zeros_(lin.bias)
    """,
    """
    a = [
        d(t)
        for t in (
            torch.zeros(2, 3, device="meta"),
            torch.ones(2, device="meta", dtype=torch.int32),
            torch.empty(0, 3, device="meta"),
            torch.full((2,), 3, device="meta"),
            torch.full((2,), 3.0, device="meta", requires_grad=True),
            torch.arange(5, device="meta"),
            torch.arange(0, 1, 0.25, device="meta"),
            torch.linspace(0, 1, 5, device="meta"),
            torch.logspace(0, 1, 5, device="meta"),
            torch.eye(3, device="meta"),
            torch.eye(3, 4, device="meta"),
            torch.tensor([1, 2], device="meta"),
            torch.tensor(1.5, device="meta"),
            torch.rand(2, 3, device="meta"),
            torch.randn(2, device="meta", dtype=torch.float64),
            torch.randint(0, 5, (2, 2), device="meta"),
            torch.randperm(4, device="meta"),
            torch.empty_strided((2, 3), (1, 2), device="meta"),
            torch.scalar_tensor(2, device="meta"),
            torch.tril_indices(3, 3, device="meta"),
            torch.triu_indices(3, 3, device="meta"),
            torch.hann_window(4, device="meta"),
            torch.complex(torch.ones(2, device="meta"), torch.ones(2, device="meta")),
            torch.as_tensor([1.0, 2.0], device="meta"),
            torch.as_tensor(torch.ones(2), device="meta"),
            torch.asarray([1, 2], device="meta"),
            torch.empty_permuted((2, 3, 4), (0, 2, 1), device="meta"),
        )
    ]
    """,
    """
    x = torch.ones(2, 3)
    a = [
        d(t)
        for t in (
            torch.zeros_like(x, device="meta"),
            torch.empty_like(x, device="meta"),
            torch.ones_like(x, device="meta"),
            torch.full_like(x, 3, device="meta"),
            torch.rand_like(x, device="meta"),
            torch.randn_like(x, device="meta"),
            torch.randint_like(x, 5, device="meta"),
            x.new_zeros(2, device="meta"),
            x.new_tensor([1], device="meta"),
            x.new_empty((3,), device="meta"),
            x.new_full((3,), 2, device="meta"),
            x.new_ones(3, device="meta"),
            x.to("meta"),
            x.to(torch.device("meta")),
            x.to(device="meta", dtype=torch.float64),
            x.t().to("meta"),
            x.to("meta", torch.int32),
        )
    ]
    """,
    """
    x = torch.ones(2, 3, device="meta")
    a = [
        d(t)
        for t in (
            torch.zeros_like(x),
            torch.empty_like(x),
            torch.ones_like(x),
            torch.full_like(x, 3),
            torch.rand_like(x),
            torch.randn_like(x),
            x.new_zeros(2),
            x.new_tensor([1]),
            x.new_empty((3,)),
            x.new_full((3,), 2),
            x.new_ones(3),
            x.to("meta"),
            x.to(torch.float64),
            x.double(),
            x.int(),
            x.t().contiguous(),
            x.clone(),
            x.detach(),
            torch.zeros_like(x, device="cpu"),
            x.new_zeros(2, device="cpu"),
            torch.empty_like(x.t()),
            x.data,
        )
    ]
    b = x.to("meta") is x, x.contiguous() is x
    """,
    """
    x = torch.ones(2, 3, device="meta")
    a = (
        x.device,
        x.is_meta,
        x.is_cpu,
        x.is_cuda,
        str(x.device),
        x.device.index,
        torch.ones(2).is_meta,
    )
    b = (
        x.nelement(),
        x.element_size(),
        x.nbytes,
        x.dim(),
        len(x),
        x.size(),
        x.numel(),
        x.storage_offset(),
        x.is_contiguous(),
        x.layout == torch.strided,
        x.itemsize,
        x.get_device(),
    )
    """,
    """
    r = [
        repr(t)
        for t in (
            torch.ones(2, 3, device="meta"),
            torch.ones(2, device="meta", requires_grad=True),
            torch.ones(2, dtype=torch.int64, device="meta"),
            torch.tensor(1.0, device="meta"),
            torch.ones(0, 3, device="meta"),
            torch.ones(2, device="meta", requires_grad=True) * 2,
            torch.ones(2, device="meta", dtype=torch.float64),
            torch.ones(2, device="meta", dtype=torch.bool),
            nn.Parameter(torch.ones(2, device="meta")),
        )
    ]
    f = nn.Linear(2, 2, device="meta")
    g = repr(f), repr(f.weight)
    """,
    """
    x = torch.ones(4, 6, device="meta")
    a = [
        d(t)
        for t in (
            x[0],
            x[:, 1],
            x[1:3],
            x[::2],
            x[None],
            x[..., 0],
            x.t(),
            x.view(24),
            x.view(2, 12),
            x.reshape(6, 4),
            x.t().reshape(24),
            x.permute(1, 0),
            x.transpose(0, 1),
            x.unsqueeze(1),
            x.squeeze(),
            x.expand(2, 4, 6),
            x.flatten(),
            x.narrow(0, 1, 2),
            x.select(0, 1),
            x.diagonal(),
            x.unfold(0, 2, 1),
            x.as_strided((2, 2), (1, 2)),
            x.movedim(0, 1),
            x.swapaxes(0, 1),
            x.view(torch.int32),
            x.view(torch.uint8),
            x.unflatten(1, (2, 3)),
            x.mT,
            x.T,
            x.repeat(2, 1),
            x.repeat_interleave(2, 0),
            x.roll(1, 0),
            x.flip(0),
            x.rot90(),
            x.tril(),
            x.triu(),
            x.broadcast_to((2, 4, 6)),
            x.contiguous(),
            x.t().contiguous(),
        )
    ]
    b = (
        [d(t) for t in x.split(2)],
        [d(t) for t in x.chunk(3, 1)],
        [d(t) for t in x.unbind(0)],
        [d(t) for t in x.tensor_split(3)],
    )
    """,
    """
    x = torch.ones(4, 6, device="meta")
    y = torch.ones(6, device="meta")
    a = [
        d(t)
        for t in (
            x + y,
            x * 2,
            x / 3,
            x - y,
            x**2,
            2**x,
            -x,
            x.abs(),
            x > y,
            x == 1,
            x.logical_and(y),
            x.exp(),
            x.sin(),
            x.sqrt(),
            x.relu(),
            x.sigmoid(),
            x.int() + 1,
            x.int() / 2,
            x.bool() & y.bool(),
            x.clamp(0, 1),
            x.where(x > 0, y),
            torch.where(x > 0, 1.0, 0.0),
            torch.maximum(x, y),
            x.fmod(2),
            x.remainder(2),
            x // 2,
            x.lerp(y, 0.5),
            torch.addcmul(x, y, y),
            x.t() + 1,
            x.t() * x.t(),
            torch.atan2(x, y),
            x.half() + y,
            x.bfloat16() * 2,
            x.isnan(),
            x.round(),
            x.floor(),
            x.to(torch.complex64) * y,
        )
    ]
    """,
    """
    x = torch.ones(4, 6, device="meta")
    a = [
        d(t)
        for t in (
            x.sum(),
            x.sum(0),
            x.sum((0, 1), keepdim=True),
            x.mean(1),
            x.max(),
            x.max(1).values,
            x.max(1).indices,
            x.min(0).values,
            x.argmax(),
            x.argmin(1),
            x.prod(),
            x.std(),
            x.var(0),
            x.norm(),
            x.norm(dim=1),
            x.cumsum(0),
            x.cumprod(1),
            x.any(),
            x.all(1),
            x.logsumexp(1),
            x.median(),
            x.median(1).values,
            x.mode(1).values,
            x.sort(1).values,
            x.argsort(1),
            x.topk(2).values,
            x.topk(2, 0).indices,
            x.kthvalue(2).values,
            x.amax(1),
            x.amin(),
            x.aminmax().min,
            x.count_nonzero(),
            x.nansum(),
            x.quantile(0.5) if False else x.sum(),
            x.int().sum(),
            x.bool().sum(),
            x.softmax(1),
            x.log_softmax(0),
            torch.var_mean(x)[0],
            x.cummax(0).values,
        )
    ]
    """,
    """
    x = torch.ones(4, 6, device="meta")
    i = torch.tensor([0, 1], device="meta")
    ic = torch.tensor([0, 1])
    a = [
        d(t)
        for t in (
            x[i],
            x[ic],
            x[:, i],
            x[i, i],
            x[[0, 1]],
            x.index_select(0, i),
            x.gather(1, torch.zeros(4, 2, dtype=torch.long, device="meta")),
            x.scatter(1, torch.zeros(4, 2, dtype=torch.long, device="meta"), 1.0),
            x.scatter_add(
                1,
                torch.zeros(4, 2, dtype=torch.long, device="meta"),
                torch.ones(4, 2, device="meta"),
            ),
            x.index_add(0, i, torch.ones(2, 6, device="meta")),
            x.masked_fill(x > 0, 0.0),
            x.take(i),
            torch.take_along_dim(x, torch.zeros(4, 1, dtype=torch.long, device="meta"), 1),
            x.index_fill(0, i, 1.0),
            x.index_copy(0, i, torch.ones(2, 6, device="meta")),
            torch.cat([x, x]),
            torch.stack([x, x], 1),
            torch.hstack([x, x]),
            torch.vstack([x, x]),
            torch.block_diag(x, x),
            torch.meshgrid(i, i, indexing="ij")[0],
            torch.bucketize(x, torch.ones(3, device="meta")),
            torch.searchsorted(torch.ones(3, device="meta"), x),
            F.one_hot(i, 3),
            torch.diag(torch.ones(3, device="meta")),
            torch.diag_embed(x),
            F.pad(x, (1, 1)),
            torch.nn.functional.embedding(i, x),
        )
    ]
    er = (
        e(lambda: x.masked_select(x > 0)),
        e(lambda: torch.unique(x)),
        e(lambda: torch.bincount(i)),
        e(lambda: F.one_hot(i)),
        e(lambda: x[x > 0]),
        e(lambda: torch.nonzero(x)),
        e(lambda: torch.where(x > 0)),
        e(lambda: torch.multinomial(x, 2)),
    )
    """,
    """
    with torch.device("meta"):
        a = [
            d(t)
            for t in (
                torch.ones(2),
                torch.rand(2),
                torch.tensor([1, 2]),
                torch.arange(3),
                torch.eye(2),
                torch.full((2,), 1),
                torch.zeros(2, device="cpu"),
                torch.empty(3),
                torch.randint(3, (2,)),
                torch.linspace(0, 1, 3),
                torch.as_tensor([1.0]),
                torch.from_numpy(np.ones(2)),
                torch.scalar_tensor(1.0),
                torch.randperm(3),
                torch.hann_window(3),
            )
        ]
        lin = nn.Linear(2, 3)
        b = d(lin.weight), d(lin.bias)
        bn = nn.BatchNorm1d(3)
        c = d(bn.running_mean), d(bn.num_batches_tracked), d(bn.weight)
        g = torch.get_default_device()
    z = torch.ones(2).device.type
    """,
    """
    with torch.device("meta"):
        with torch.device("cpu"):
            a = torch.ones(2).device.type
        b = torch.ones(2).device.type
    x = torch.ones(2, device="meta")
    c = (x * torch.ones(())).device.type
    """,
    """
    net = nn.Sequential(
        nn.Linear(4, 8), nn.ReLU(), nn.LayerNorm(8), nn.Dropout(0.5), nn.Linear(8, 2)
    ).to("meta")
    x = torch.ones(3, 4, device="meta")
    y = net(x)
    a = d(y), y.grad_fn.name()
    y.sum().backward()
    b = [d(p.grad) for p in net.parameters()]
    """,
    """
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, device="meta"),
        nn.BatchNorm2d(8, device="meta"),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 2, device="meta"),
    )
    y = net(torch.ones(2, 3, 10, 10, device="meta"))
    a = d(y)
    loss = F.cross_entropy(y, torch.zeros(2, dtype=torch.long, device="meta"))
    b = d(loss)
    loss.backward()
    c = [d(p.grad) for p in net.parameters()]
    opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    opt.step()
    f = [d(p) for p in net.parameters()]
    """,
    """
    net = nn.TransformerEncoderLayer(8, 2, 16, device="meta", batch_first=True)
    y = net(torch.ones(2, 5, 8, device="meta"))
    a = d(y)
    y.sum().backward()
    b = [d(p.grad) for p in net.parameters()]
    """,
    """
    net = nn.LSTM(4, 5, num_layers=2, device="meta", batch_first=True)
    y, (h, c) = net(torch.ones(2, 3, 4, device="meta"))
    a = d(y), d(h), d(c)
    gru = nn.GRU(4, 5, device="meta", bidirectional=True)
    y, h = gru(torch.ones(3, 2, 4, device="meta"))
    b = d(y), d(h)
    """,
    """
    import torch.optim as O

    net = nn.Linear(3, 2, device="meta")
    for cls in (O.Adam, O.AdamW, O.RMSprop, O.Adagrad, O.Adadelta, O.NAdam, O.RAdam, O.SGD):
        net.zero_grad()
        opt = cls(net.parameters(), lr=0.1)
        net(torch.ones(1, 3, device="meta")).sum().backward()
        opt.step()
    a = d(net.weight), d(net.weight.grad)
    """,
    """
    a = [
        type(l(*args, device="meta")).__name__
        + str([d(p)[0] for p in l(*args, device="meta").parameters()])
        for l, args in (
            (nn.Linear, (2, 3)),
            (nn.Bilinear, (2, 3, 4)),
            (nn.Conv1d, (2, 3, 3)),
            (nn.Conv3d, (2, 3, 3)),
            (nn.ConvTranspose2d, (2, 3, 3)),
            (nn.Embedding, (4, 3)),
            (nn.EmbeddingBag, (4, 3)),
            (nn.LayerNorm, (3,)),
            (nn.GroupNorm, (1, 3)),
            (nn.RMSNorm, (3,)),
            (nn.InstanceNorm1d, (3,)),
            (nn.PReLU, ()),
            (nn.MultiheadAttention, (4, 2)),
            (nn.RNN, (2, 3)),
            (nn.RNNCell, (2, 3)),
            (nn.LSTMCell, (2, 3)),
            (nn.Transformer, (4, 2, 1, 1, 8)),
            (nn.LazyLinear, (3,)) if False else (nn.Linear, (1, 1)),
        )
    ]
    """,
    """
    m2 = torch.nn.utils.skip_init(nn.Linear, 3, 4)
    a = d(m2.weight), m2.weight.is_leaf, isinstance(m2.weight, nn.Parameter)
    er = e(lambda: torch.nn.utils.skip_init(nn.ReLU)), e(lambda: torch.nn.utils.skip_init(3))
    b = d(torch.nn.utils.skip_init(nn.Linear, 3, 4, dtype=torch.float64).weight)
    nn.init.zeros_(m2.weight), nn.init.zeros_(m2.bias)
    """,
    """
    from contextlib import contextmanager


    @contextmanager
    def init_empty_weights():
        old = nn.Module.register_parameter

        def reg(module, name, param):
            old(module, name, param)
            if param is not None:
                cls = type(module._parameters[name])
                kw = module._parameters[name].__dict__
                kw["requires_grad"] = param.requires_grad
                module._parameters[name] = cls(
                    module._parameters[name].to(torch.device("meta")), **kw
                )

        try:
            nn.Module.register_parameter = reg
            yield
        finally:
            nn.Module.register_parameter = old


    with init_empty_weights():
        net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    a = [d(p) for p in net.parameters()]
    sd = {k: torch.ones(p.shape) for k, p in net.state_dict().items()}
    net.load_state_dict(sd, assign=True)
    b = [d(p) for p in net.parameters()]
    y = net(torch.ones(1, 3))
    """,
    """
    with torch.device("meta"):
        net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    net.to_empty(device="cpu")
    for q in net.modules():
        if hasattr(q, "reset_parameters"):
            q.reset_parameters()
    torch.manual_seed(0)
    for p in net.parameters():
        p.data.fill_(0.5)
    y = net.eval()(torch.ones(1, 3))
    """,
    """
    import pickle, io

    x = torch.ones(2, 3, device="meta", requires_grad=True)
    a = d(pickle.loads(pickle.dumps(x)))
    f = io.BytesIO()
    torch.save({"x": x, "y": x.t()}, f)
    f.seek(0)
    r = torch.load(f)
    b = d(r["x"]), d(r["y"])
    lin = nn.Linear(2, 2, device="meta")
    f = io.BytesIO()
    torch.save(lin.state_dict(), f)
    f.seek(0)
    c = {k: d(v) for k, v in torch.load(f).items()}
    """,
    """
    import io

    f = io.BytesIO()
    torch.save({"x": torch.ones(2, 3), "n": 3}, f)
    f.seek(0)
    r = torch.load(f, map_location="meta")
    a = d(r["x"]), r["n"]
    f.seek(0)
    r = torch.load(f, map_location=torch.device("meta"), weights_only=True)
    b = d(r["x"])
    """,
    """
    import copy

    lin = nn.Linear(2, 3, device="meta")
    l2 = copy.deepcopy(lin)
    a = d(l2.weight), l2.weight is lin.weight
    x = torch.ones(4, device="meta")
    y = x[1:3]
    z = copy.deepcopy([x, y])
    b = d(z[0]), d(z[1]), z[1].storage_offset()
    """,
    """
    x = torch.ones(3, device="meta")
    v = x._version
    x.add_(1)
    x.mul_(2)
    x[0] = 5
    x.zero_()
    x.fill_(3)
    x.copy_(torch.ones(3))
    x.exp_()
    x.clamp_(0, 1)
    w = x._version
    b = (
        d(x),
        d(x.add_(x)),
        d(x.div_(2)),
        d(x.masked_fill_(x > 0, 1)),
        d(x.index_fill_(0, torch.tensor([0], device="meta"), 2)),
        d(x.scatter_(0, torch.tensor([0], device="meta"), 2.0)),
        d(x.uniform_()),
        d(x.normal_()),
        d(x.sub_(1, alpha=2)),
        d(x.addcmul_(x, x)),
        d(x.lerp_(x, 0.5)),
    )
    er = e(lambda: x.add_(torch.ones(4, device="meta"))), e(lambda: x.int().add_(1.5))
    """,
    """
    x = torch.ones(3, device="meta", requires_grad=True)
    y = (x * 2).exp().sum()
    y.backward()
    a = d(x.grad), y.grad_fn.name()
    g = torch.autograd.grad((x**3).sum(), x, create_graph=True)
    h = torch.autograd.grad(g[0].sum(), x)
    b = d(g[0]), d(h[0])
    er = e(lambda: x.add_(1))
    """,
    """
    x = torch.empty(100000, 100000, 1000, device="meta")
    y = x + 1
    z = y @ torch.empty(1000, 7, device="meta")
    a = (
        d(x),
        d(y),
        d(z),
        d(torch.ones(10**6, 10**6, device="meta")),
        d(torch.rand(10**6, 10**6, device="meta")),
        d(torch.full((10**6, 10**6), 2.0, device="meta")),
        d(x.t() if False else x.transpose(0, 1).contiguous()),
        d(x.reshape(-1)),
        d(x.sum(0)),
        d(torch.zeros(10**6, 10**6, device="meta").normal_()),
    )
    lin = nn.Linear(10**6, 10**6, device="meta")
    b = d(lin(torch.empty(2, 10**6, device="meta")))
    """,
    """
    x = torch.ones(2, 3, device="meta")
    s = x.untyped_storage()
    a = s.nbytes(), s.device.type, s.data_ptr(), len(s)
    b = x.storage_offset(), x[1].storage_offset(), x[1].untyped_storage().nbytes()
    c = x._is_view(), x[1]._base is x
    """,
    """
    x = torch.ones(2, 3, device="meta")
    er = [
        e(f)
        for f in (
            lambda: x.cpu(),
            lambda: np.asarray(x),
            lambda: np.array(x),
            lambda: list(x.tolist()),
            lambda: float(x.sum()),
            lambda: int(x.sum()),
            lambda: x.sum().item(),
            lambda: x.detach().numpy(),
            lambda: x.__array__(),
            lambda: complex(x.sum()),
            lambda: x.numpy(force=True),
            lambda: x.any().item(),
            lambda: 3 in x,
            lambda: x.sum().__index__(),
        )
    ]
    n = [type(t).__name__ for t in x]
    f = f"{x.sum()}"
    """,
    """
    x = torch.ones(2, 3, device="meta")
    c = torch.ones(2, 3)
    k = [
        m(f)
        for f in (
            lambda: torch.mm(c, x.t()),
            lambda: torch.cat([x, c]),
            lambda: F.linear(x, c),
            lambda: c.copy_(x),
            lambda: torch.where(x > 0, x, c),
        )
    ]
    """,
    """
    lin = nn.Linear(2, 2)
    p = lin.weight
    lin.to("meta")
    a = lin.weight is p, d(lin.weight)
    lin2 = nn.Linear(2, 2)
    q = lin2.weight
    lin2.to_empty(device="cpu")
    b = lin2.weight is q
    nn.init.zeros_(lin2.weight), nn.init.zeros_(lin2.bias)
    """,
    """
    lin = nn.Linear(2, 2)
    lin.weight.grad = torch.ones(2, 2)
    lin.to("meta")
    a = d(lin.weight), d(lin.weight.grad)
    """,
    """
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    with torch.device("meta"):
        shell = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    shell.load_state_dict(net.state_dict(), assign=True)
    x = torch.randn(2, 3)
    a = torch.equal(shell(x), net(x)), shell[0].weight.requires_grad
    """,
    """
    with torch.device("meta"):
        net = nn.Linear(3, 3)
    y = torch.func.functional_call(
        net, {"weight": torch.eye(3), "bias": torch.zeros(3)}, (torch.ones(1, 3),)
    )
    """,
    """
    x = torch.ones(2, 3, device="meta")
    a = (
        d(F.gelu(x)),
        d(F.silu(x)),
        d(F.softplus(x)),
        d(F.elu(x)),
        d(F.leaky_relu(x)),
        d(F.hardtanh(x)),
        d(F.normalize(x)),
        d(F.layer_norm(x, (3,))),
        d(F.mse_loss(x, x)),
        d(F.l1_loss(x, x, reduction="none")),
        d(F.binary_cross_entropy_with_logits(x, x)),
        d(F.kl_div(x, x)),
        d(F.nll_loss(x, torch.zeros(2, dtype=torch.long, device="meta"))),
        d(F.cosine_similarity(x, x)),
        d(F.smooth_l1_loss(x, x)),
        d(F.glu(torch.ones(2, 4, device="meta"))),
        d(F.rms_norm(x, (3,))),
        d(F.huber_loss(x, x)),
        d(F.binary_cross_entropy(x, x)),
        d(F.cross_entropy(x, x)),
        d(F.logsigmoid(x)),
        d(F.softmin(x)),
        d(F.pairwise_distance(x, x)),
        d(F.triplet_margin_loss(x, x, x)),
        d(F.hinge_embedding_loss(x, x)),
        d(F.group_norm(torch.ones(2, 4, 3, device="meta"), 2)),
    )
    """,
    """
    x = torch.ones(2, 3, device="meta")
    a = (
        d(torch.fft.fft(x)),
        d(torch.fft.rfft(x)),
        d(torch.view_as_real(torch.fft.fft(x))),
        d(torch.special.erf(x)),
        d(torch.special.expit(x)),
        d(torch.fft.ifft(x)),
        d(torch.fft.fftshift(x)),
        d(x.conj()),
        d(torch.stft(torch.ones(20, device="meta"), 4, window=torch.ones(4, device="meta"), return_complex=True)),
    )
    """,
    """
    x = torch.ones(2, device="meta")
    a = (
        torch.empty(2, 3, dtype=torch.float16, device="meta").is_floating_point(),
        x.is_complex(),
        torch.is_tensor(x),
        torch.promote_types(torch.int32, x.dtype),
        torch.result_type(x, 1),
        x.type(),
    )
    b = hash(x) == hash(x), x is x
    """,
    """
    d1 = torch.device("meta")
    a = (
        str(d1),
        repr(d1),
        d1.type,
        d1.index,
        d1 == torch.device("meta"),
        d1 == "meta",
        hash(d1) == hash(torch.device("meta")),
    )
    b = torch.ones(1, device=d1).device == d1
    """,
    """
    x = torch.ones(2, 3, device="meta")
    a = (
        x.is_contiguous(),
        x.t().is_contiguous(),
        x.stride(),
        torch.empty(2, 3, 4, 5, device="meta").to(memory_format=torch.channels_last).stride(),
        torch.empty(2, 3, 4, 5, device="meta", memory_format=torch.channels_last).stride(),
        x.to(torch.float16).stride(),
    )
    x.resize_(4)
    b = d(x)
    y = torch.ones(2, device="meta")
    y.set_(torch.ones(3, device="meta"))
    c = d(y)
    """,
    """
    buf = nn.Module()
    buf.register_buffer("b", torch.ones(2, device="meta"))
    a = d(buf.b), d(buf.state_dict()["b"])
    buf.to_empty(device="cpu")
    b = d(buf.b)
    buf.b.zero_()
    n = sum(p.numel() for p in nn.Linear(1000, 1000, device="meta").parameters())
    """,
    """
    e1 = nn.Embedding(10, 3, padding_idx=0, device="meta")
    a = d(e1(torch.tensor([1, 2], device="meta")))
    eb = nn.EmbeddingBag(10, 3, device="meta")
    mha = nn.MultiheadAttention(4, 2, device="meta", batch_first=True)
    x = torch.ones(2, 3, 4, device="meta")
    b = [d(q) for q in mha(x, x, x)]
    """,
    """
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    with torch.device("meta"):
        net2 = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    net2 = net2.to_empty(device="cpu")
    net2.load_state_dict(net.state_dict())
    x = torch.randn(1, 3)
    a = torch.equal(net(x), net2(x))
    """,
    """
    with torch.device("meta"):
        dist = torch.distributions.Normal(torch.zeros(2), torch.ones(2), validate_args=False)
        a = d(dist.sample((3,))), d(dist.log_prob(torch.zeros(2)))
    """,
    """
    x = torch.ones(2, 3, device="meta", dtype=torch.float64)
    a = (
        d(x.float()),
        d(x.to(x)),
        d(torch.ones(2, 2).to(x)),
        d(x.type_as(torch.ones(1, device="meta"))),
        d(x.half()),
        d(x.bool()),
        d(x.type(torch.int32)),
    )
    er = e(lambda: x.type_as(torch.ones(1))), e(lambda: x.to(torch.ones(1)))
    """,
    """
    with torch.no_grad():
        lin = nn.Linear(2, 2, device="meta")
        lin.weight.copy_(torch.ones(2, 2))
        lin.weight.fill_(1.0)
    a = d(lin.weight), lin.weight.is_meta
    ms = (
        any(p.is_meta for p in lin.parameters()),
        all(p.device == torch.device("meta") for p in lin.parameters()),
    )
    """,
    """
    x = torch.ones(2, device="meta")
    with torch.inference_mode():
        y = x * 2
    a = y.is_inference(), d(y)
    z = (
        torch.utils.checkpoint.checkpoint(
            lambda t: t.exp().sin(),
            torch.ones(2, device="meta", requires_grad=True),
            use_reentrant=False,
        )
        if hasattr(torch.utils, "checkpoint")
        else None
    )
    z.sum().backward()
    b = d(z)
    """,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_program(program):
    parity(program, given=GIVEN)
