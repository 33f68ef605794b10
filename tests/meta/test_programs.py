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
