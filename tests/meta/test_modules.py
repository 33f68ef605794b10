"""Modules and optimizers without elements, as torch has them: each program runs under both."""

import pytest

from tests.described import described, raised, said
from tests.parity import parity

GIVEN = {"d": described, "e": raised, "m": said}

PROGRAMS = [
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
]


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_program(program):
    parity(program, given=GIVEN)
