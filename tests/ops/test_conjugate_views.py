"""`conj()`, `mH` and the imaginary part of a conjugate are views, turned when they are read."""

import io

import numpy as np
import pytest
import torch

import rushlight
from tests.parity import parity

BEGIN = """
x = torch.tensor([[1 + 2j, 3 - 4j], [5j, 6]])
def facts(t):
    return (t.is_conj(), t.is_neg(), t.stride(), t._version, t.is_contiguous(),
            t.untyped_storage().data_ptr() == x.untyped_storage().data_ptr(), t.tolist())
"""

VIEWS = """
conj() mH H adjoint() conj().conj() conj().mH conj().t() conj()[0] conj()[:,1] conj().view(4)
conj().reshape(4) conj().t().reshape(4) conj().flatten() conj().detach() conj().data conj().imag
conj().real conj().imag[0] conj().imag.view(4) conj().imag.conj() conj().imag.neg()
conj().real.conj() conj().diagonal() conj().unbind(0)[1] conj().split(1)[0] conj().expand(3,2,2)
conj().as_strided((2,),(1,)) conj().positive() conj().contiguous() conj().clone()
conj().resolve_conj() conj().imag.resolve_neg() resolve_conj() conj_physical()
conj().conj_physical() conj().to(torch.complex64) conj().to(torch.complex128) conj().float()
conj()+0 -conj() conj()[[0,1]] conj().sum() conj().abs() conj().flip(0) conj().repeat(1,2)
conj().new_zeros(2)
"""


@pytest.mark.parametrize("view", VIEWS.split())
@pytest.mark.parametrize("grad", [False, True])
def test_what_is_a_view_and_turned(view, grad):
    sign, call = ("-", view[1:]) if view.startswith("-") else ("", view)
    parity(f"{BEGIN}\nx.requires_grad_({grad})\ny = {sign}x.{call}\nsaid = facts(y)", grad_fn=True)


WRITES = """
v = x.conj(); x.mul_(2)
v = x.conj(); v.mul_(2j)
v = x.conj(); v += 1
v = x.conj(); v[0] = 9j
v = x.conj(); v[[1, 0]] = x.clone()
v = x.conj(); v[torch.tensor([True, False])] = 2j
v = x.mH; v[0, 1] = 9j
v = x.conj(); v[0].fill_(1j)
v = x.conj().imag; v.add_(1)
v = x.conj().imag; v[0] = 7
v = x.conj(); v.real = torch.tensor(5.0)
v = x.conj(); v.imag = torch.tensor(5.0)
v = x.conj(); v.copy_(v.t().clone())
v = x.conj(); v.zero_()
v = x.conj(); torch.add(x.clone(), 1, out=v)
v = x.conj(); v.index_fill_(0, torch.tensor([0]), 3j)
v = x.conj(); v.masked_fill_(torch.tensor([[True, False], [False, True]]), 3j)
v = x.conj(); v.index_put_((torch.tensor([0]),), torch.tensor(3j))
v = x.conj(); v.index_add_(0, torch.tensor([0]), torch.ones(1, 2, dtype=torch.complex64))
v = x.conj(); v.t_(); v[0, 1] = 3
v = x.conj(); v.conj_physical_()
v = x.conj(); v.sqrt_()
v = x.conj(); v.data = torch.ones(2, dtype=torch.complex64)
v = x.conj(); v.set_(torch.ones(2, dtype=torch.complex64))
v = x.conj(); v.resize_(1)
v = x.conj().detach(); v.mul_(2)
v = torch.nn.Parameter(x.conj())
v = x.conj().contiguous(); v.neg_()
"""


@pytest.mark.parametrize("write", WRITES.strip().split("\n"))
def test_a_write_through_the_view_changes_the_memory(write):
    parity(f"{BEGIN}\n{write}\nsaid = facts(v), facts(x)")


@pytest.mark.parametrize(
    "step",
    ["u = v.conj(); u.mul_(2j)", "u = v.conj(); v.mul_(2j)", "u = v.mH; u[0] = 2j",
     "u = v.conj().imag; u.mul_(2)", "u = v.conj().imag; v.mul_(2j)", "u = v.conj()[0]; u[1] = 3",
     "u = v.conj().conj(); u.mul_(2j)"],
)  # fmt: skip
def test_gradients_through_changed_views(step):
    parity(f"""
        x = torch.tensor([[1 + 2j, 3 - 4j], [5j, 6]], requires_grad=True)
        v = x * 1
        {step}
        ((u * (1 + 3j)).abs().sum() + (v * v).abs().sum()).backward()
        grad = x.grad.resolve_conj()
    """)


def test_gradients_of_pairs_that_were_read_turned():
    parity("""
        w, z = torch.arange(8.0).view(2, 2, 2).requires_grad_(), torch.tensor([[1 + 2j, 3 - 4j], [5j, 6]])
        def grads(f):
            return torch.autograd.grad(f(torch.view_as_complex(w)), w)[0]
        a = grads(lambda c: (c.conj() * (1 + 2j)).real.sum()), grads(lambda c: (z * c.conj()).imag.sum())
        b = grads(lambda c: torch.real(torch.einsum("...d,...d,...d->...", c, z, c.conj())).sum())
        c = grads(lambda c: (c.mH @ z).abs().sum()), grads(lambda c: (c.conj() + 1j).abs().sum())
    """)


def test_what_only_a_resolved_tensor_can_do():
    parity("""
        x = torch.tensor([1 + 2j])
        real = attempt(lambda: torch.view_as_real(x.conj()))
        other = attempt(lambda: x.conj().view(torch.float32))
        negative = attempt(lambda: x.conj().imag.view(torch.int32))
        array = attempt(lambda: x.conj().numpy()), attempt(lambda: x.conj().imag.numpy())
        forced = x.conj().numpy(force=True)
    """)


def test_gradients_through_pairs_and_writes_to_what_is_expanded():
    parity("""
        p = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        z = torch.view_as_complex(p)
        grads = [torch.autograd.grad(f.sum(), p, retain_graph=True)[0] for f in (
            (z.conj() * (1 + 2j)).real, (z.conj() * (1 + 2j)).imag, z.conj().imag, (z.conj() * z.flip(0)).real)]
        length, angle = p[0].detach().requires_grad_(), p[1].detach().requires_grad_()
        v = torch.ones(2, requires_grad=True)
        first, = torch.autograd.grad(torch.polar(length, angle).real, length, v, create_graph=True)
        second = torch.autograd.grad(first.sum(), (v, angle))
        wide = torch.ones(1, 2, dtype=torch.complex64).expand(2, 2)
        errors = []
        for write in ("mul_(2)", "zero_()", "add_(1)", "conj_physical_()"):
            errors += [attempt(lambda: eval(f"wide.conj().{write}"))]
        errors += [attempt(lambda: wide.conj_physical_())]
        real = torch.ones(1, 2).expand(2, 2).conj_physical_()
    """)


@pytest.mark.parametrize(("saver", "loader"), [(torch, rushlight), (rushlight, torch)])
def test_files_keep_the_bits(saver, loader):
    x = saver.tensor([1 + 2j, 3j])
    file = io.BytesIO()
    saver.save({"conj": x.conj(), "neg": saver.tensor([2 + 1j]).conj().imag}, file)
    file.seek(0)
    loaded = loader.load(file)
    assert loaded["conj"].is_conj()
    assert loaded["neg"].is_neg()
    assert loaded["conj"].tolist() == [1 - 2j, -3j]
    assert loaded["neg"].tolist() == [-1.0]
    assert loaded["conj"].conj().tolist() == [1 + 2j, 3j]


def test_the_elements_of_a_view_cannot_be_written_past_it():
    view = rushlight.tensor([1 + 2j]).conj()
    with pytest.raises(ValueError, match="read-only"):
        view._data_[...] = 0
    assert np.array_equal(view._data_, [1 - 2j])
