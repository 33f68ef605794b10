"""torch.export: modules as programs that are held to their sizes; held against torch."""

import pytest

import rushlight
from tests.parity import parity


def test_sizes_are_guarded_as_by_torch():
    parity("""
        from torch.export import Dim, export
        def made(f):
            class Module(nn.Module):
                def forward(self, x):
                    return f(x)
            return Module()
        def kind(f):
            try:
                f()
            except Exception as error:
                return type(error).__name__
            return "ok"
        twice, plus = made(lambda x: x * 2), made(lambda x: x + torch.ones(8))
        one, eight = (torch.ones(1),), (torch.ones(8),)
        free = lambda dim: {"x": {0: dim}}
        kinds = [
            kind(lambda: export(twice, eight, dynamic_shapes=free(Dim("b", min=2, max=4)))),
            kind(lambda: export(plus, eight, dynamic_shapes=free(Dim("b")))),
            kind(lambda: export(plus, eight, dynamic_shapes=free(Dim.DYNAMIC))),
            kind(lambda: export(twice, one, dynamic_shapes=free(Dim("b")))),
            kind(lambda: export(made(lambda x: x * 2 if x.sum() > 0 else x), eight)),
        ]
        auto = export(plus, eight, dynamic_shapes=free(Dim.AUTO)).module()(*eight)
        fixed = export(twice, eight)
        up_to_ten = export(twice, eight, dynamic_shapes=free(Dim("b", max=10)))
        kinds += [kind(lambda: fixed.module()(torch.ones(5))), kind(lambda: up_to_ten.module()(torch.ones(12)))]
        kinds += [kind(lambda: fixed.module()(x=torch.ones(8))), kind(lambda: fixed(torch.ones(8)))]
        small = up_to_ten.module()(torch.ones(1)), fixed.module()(*eight)
        class Two(nn.Module):
            def forward(self, x, y):
                return x.sum() + y.sum()
        both = Dim("b")
        shared = export(Two(), (torch.ones(4), torch.ones(4)), dynamic_shapes={"x": {0: both}, "y": {0: both}})
        kinds += [kind(lambda: shared.module()(torch.ones(4), torch.ones(5)))]
        five = shared.module()(torch.ones(5), torch.ones(5))
        del twice, plus, fixed, up_to_ten, shared, both
    """)


def test_programs_are_read_again(tmp_path):
    torch = rushlight
    program = torch.export.export(torch.nn.Linear(2, 1), (torch.ones(3, 2),))
    torch.export.save(program, tmp_path / "program.pt2")
    again = torch.export.load(tmp_path / "program.pt2")
    assert torch.equal(again.module()(torch.ones(3, 2)), program.module()(torch.ones(3, 2)))
    assert list(again.state_dict) == ["weight", "bias"]
    with pytest.raises(NotImplementedError, match="ATen"):
        program.run_decompositions()
