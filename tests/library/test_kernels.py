"""Kernels, keys and results of a program's own operators."""

from tests.parity import parity


def test_what_an_operator_takes_and_gives() -> None:
    parity("""
        from torch import Tensor
        import copy

        def tried(f, words=0):
            try:
                return f()
            except Exception as error:
                return type(error).__name__, str(error)[:words]

        lab = torch.library.Library("kernels_lab", "FRAGMENT")
        a = lab.define("scale(Tensor x, int n=2) -> Tensor"), lab.define("scale.over(Tensor x, Tensor y) -> Tensor")
        lab.impl("early", lambda x: x + 7, "CPU")
        lab.define("early(Tensor x) -> Tensor")
        b = torch.ops.kernels_lab.early(torch.ones(1))
        c = tried(lambda: lab.impl("scale", lambda x: x, "Nowhere"), 40)
        d = tried(lambda: torch.library.register_fake("kernels_lab::none", lambda x: x), 40)
        e = tried(lambda: torch.library.impl("kernels_lab::scale", "nowhere", lambda x: x), 20)
        f = tried(lambda: lab.define("bad(Tensor x) -> "))

        def op(f, **options):
            op.count = getattr(op, "count", 0) + 1
            return torch.library.custom_op(f"kernels_lab::f{op.count}", f, **({"mutates_args": ()} | options))

        def same(x: Tensor) -> Tensor: return x.clone()
        def nothing(x: Tensor) -> Tensor: return None
        def one(x: Tensor) -> tuple[Tensor, Tensor]: return x.clone()
        def more(x: Tensor) -> None: return x.clone()
        x = torch.ones(2)
        g = [tried(lambda: op(f)(x)) for f in (same, nothing, one)], tried(lambda: op(more, mutates_args={"x"})(x))
        h = tried(lambda: op(same)(torch.ones(2, device="meta")), 40)
        i = tried(lambda: op(same, device_types="nowhere"), 20)
        j = tried(lambda: torch.library.custom_op("kernels_lab::1x", same, mutates_args=()), 20)
        k = tried(lambda: torch.library.opcheck(3, (x,)), 30)
        m = tried(lambda: torch.library.opcheck(op(same), (x,), test_utils="none"), 30), torch.library.get_ctx()
        add = torch.ops.aten.add.Tensor
        n = copy.deepcopy(add) is add, torch.overrides.resolve_name(add)
        p = copy.deepcopy({add.overloadpacket: 1})[torch.ops.aten.add]
        lab = tried = op = same = nothing = one = more = add = None
    """)
