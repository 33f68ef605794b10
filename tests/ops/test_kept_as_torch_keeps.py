"""Identity, memory and types that programs can ask for: what torch hands back as it is, and what it refuses."""

import textwrap

import pytest

from tests import parity as harness

TRY = """
def _try(call):
    try:
        return call()
    except Exception as error:
        return type(error).__name__
"""


def parity(program: str) -> None:
    """The program under both, with `_try`: what a call gives, or the type of its error."""
    harness.parity(TRY + textwrap.dedent(program))


def test_what_is_handed_back():
    """The same tensor, a view, or a copy; and what a shape is made of."""
    parity("""
        x = torch.arange(6.0).reshape(2, 3)
        g = torch.ones(2, requires_grad=True)
        same = [torch.asarray(x) is x, torch.asarray(g, requires_grad=False) is g, torch.asarray(x, copy=True) is x]
        equation = torch.einsum("ij->ij", x)
        viewed = equation is x, equation._is_view(), x.dequantize() is x
        steps = x.t().share_memory_().stride()
        limits = [_try(lambda: __import__("copy").copy(kind)) for kind in (torch.finfo(torch.half),)]
        pinned = _try(lambda: x.pin_memory()), _try(lambda: torch.zeros(2, pin_memory=True))
        lr = _try(lambda: torch.optim.SGD([g], lr=torch.tensor([0.1, 0.2])))
        _lazy = nn.LazyLinear(2)
        refused = [_try(lambda: _lazy.requires_grad_(False)), _try(lambda: _lazy.type(torch.double))]
        moved = nn.Identity().to("cuda")
    """)


def test_storages_are_found_again_in_files():
    """A storage that was saved twice is one storage again."""
    parity("""
        import io
        storage = torch.ones(3).untyped_storage()
        file = io.BytesIO()
        torch.save([storage, storage], file)
        file.seek(0)
        first, second = torch.load(file, weights_only=False)
        one = first is second
        del first, second, storage
    """)


def test_two_devices():
    """Layers on one device and tensors on the other, forwards and backwards."""
    parity("""
        def backward(layer, x):
            out = layer(x)
            (out if isinstance(out, torch.Tensor) else out[0]).sum().backward()
        layers = [nn.Linear(4, 2), nn.Linear(4, 2, bias=False), nn.Sequential(nn.Linear(4, 3), nn.ReLU()),
                  nn.LSTM(4, 3), nn.PReLU(), nn.LayerNorm(4), nn.RMSNorm(4)]
        found = [_try(lambda: backward(layer, torch.ones(3, 4, device="meta"))) for layer in layers]
        images = _try(lambda: backward(nn.Conv1d(4, 2, 1), torch.ones(2, 4, 3, device="meta")))
    """)


@pytest.mark.filterwarnings("ignore")
def test_unsigned_numbers_are_kept_and_little_more():
    """uint16, uint32 and uint64: what torch has no kernel for is refused, in place too."""
    parity("""
        x = torch.tensor([[3, 1, 2], [6, 5, 4]], dtype=torch.uint16)
        mask, index = x == 3, torch.tensor([1, 0])
        kept = [x.sum(), x[0], x * 2, x == x, x.to(torch.int), torch.cat([x, x]), x.sort()[0], x[mask], x & 1]
        names = "abs neg sign amax argmax tril median relu nonzero".split()
        refused = {n: _try(getattr(x, n)) for n in names}
        pairs = {n: _try(lambda: getattr(torch, n)(x, x)) for n in "add sub pow lt maximum gcd fmod".split()}
        writes = [_try(lambda: x.clone().add_(1)), _try(lambda: x.clone().masked_fill_(mask, 1)),
                  _try(lambda: x.clone().index_fill_(0, index, 1)), _try(lambda: x.clone().fill_(9)),
                  _try(lambda: x.clone().__setitem__(index, 1)), _try(lambda: x.gather(0, index[None]))]
        bound = _try(lambda: torch.tensor([1]).clamp_(max=1j)), _try(lambda: torch.maximum(mask * 1j, mask * 1))
    """)


def test_autocast_joins_two_types():
    """float32 and its own lower one, and no other of two bytes."""
    parity("""
        kinds = torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int32
        joined = {}
        with torch.autocast("cpu", dtype=torch.bfloat16):
            for a in kinds:
                for b in kinds:
                    made = _try(lambda: torch.cat([torch.ones(1, dtype=a), torch.ones(1, dtype=b)]))
                    joined[a, b] = made.dtype if isinstance(made, torch.Tensor) else made
    """)


def test_fused_steps_of_narrow_floats():
    """They are computed in float32: an eps of 1e-8 is not lost."""
    parity("""
        found = []
        for kind in (torch.float16, torch.bfloat16):
            for make in (torch.optim.Adam, torch.optim.SGD, torch.optim.Adagrad):
                p = nn.Parameter(torch.tensor([1.5, -2.0], dtype=kind))
                optimizer = make([p], lr=0.1, fused=True)
                for number in (0.0, 1.0, 0.5):
                    p.grad = torch.full_like(p, number)
                    optimizer.step()
                found.append(p.detach().clone())
    """)
