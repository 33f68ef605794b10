"""Views, joins, splits and turns against torch."""

import copy

import numpy as np
import pytest

import rushlight as torch
from tests.ops.expressions import check
from tests.parity import parity

VIEWS = """
    x.view(6, 4)
    x.view(-1)
    x.view((2, -1, 2))
    x.view(2, 3, 4)
    x.view_as(x)
    x.reshape(4, 6)
    x.reshape(4, -1)
    x.reshape([24])
    x.transpose(0, 2).reshape(24)
    x.reshape_as(x.transpose(0, 1))
    x.flatten()
    x.flatten(1)
    x.flatten(0, 1)
    x.transpose(0, 1).flatten()
    s.flatten()
    x.unflatten(2, (2, 2))
    x.unflatten(-1, (-1, 2))
    x.ravel()
    x.mT.ravel()
    x.permute(2, 0, 1)
    x.permute((1, 0, -1))
    torch.permute(x, dims=(0, 2, 1))
    x.transpose(0, -1)
    x.swapaxes(0, 1)
    x.swapdims(1, 2)
    m.t()
    v.t()
    m.T
    x.mT
    m.H
    x.mH
    x.adjoint()
    x.movedim(0, 2)
    x.movedim((0, 1), (-1, 0))
    x.moveaxis(-1, 0)
    x.squeeze()
    x[:, :1].squeeze()
    x[:, :1].squeeze(1)
    x[:1, :1].squeeze((0, 1))
    x.squeeze(dim=0)
    x.unsqueeze(0)
    x.unsqueeze(-1)
    torch.atleast_2d(v)
    torch.atleast_3d(v, m, s)
    torch.atleast_1d(s)
    m.expand(5, 2, 3)
    m.expand(5, -1, -1)
    m[:, :1].expand(-1, 4)
    m.expand_as(torch.zeros(4, 2, 3))
    m.broadcast_to(4, 2, 3)
    torch.broadcast_tensors(m[:, :1], v)
    x.narrow(1, 1, 2)
    x.narrow(-1, -3, 2)
    x.narrow(1, torch.tensor(1), 2)
    x.select(1, 2)
    x.select(-1, -1)
    x.diagonal()
    x.diagonal(1, 1, 2)
    x.diagonal(-1, dim1=0, dim2=2)
    x.unfold(2, 2, 1)
    x.unfold(1, 2, 2)
    x.as_strided((2, 3), (1, 4))
    x.as_strided((2, 2), (1, 1), 3)
    x[1].as_strided((2,), (3,))
    torch.transpose_copy(x, 0, 1)
    torch.expand_copy(m, (4, 2, 3))
    torch.squeeze_copy(x)
"""

JOINS = """
    torch.cat([x, x * 2])
    torch.cat([x, x], 2)
    torch.cat((x.mT, x.mT), dim=-1)
    torch.cat([m, torch.zeros(0, dtype=torch.float64), m])
    torch.concat([x])
    torch.stack([m, m + 1])
    torch.stack((m, m), -1)
    torch.stack([m.t(), m.t()], 1)
    torch.hstack([m, m])
    torch.hstack([v, v])
    torch.vstack([v, v])
    torch.row_stack([m, m])
    torch.dstack([v, v])
    torch.column_stack([v, v])
    torch.column_stack([m, m])
    torch.block_diag(m, v, s)
    x.split(2, 1)
    x.split([1, 2], 1)
    torch.split(x, 3, dim=-1)
    x.split_with_sizes((1, 3), 2)
    x.chunk(2, 2)
    x.chunk(5, 1)
    x.tensor_split(2, 1)
    x.tensor_split((1, 2), 2)
    x.tensor_split(torch.tensor([1]), 1)
    x.hsplit(3)
    x.vsplit(2)
    x.dsplit([1, 3])
    x.unbind()
    x.unbind(-1)
    x.unsafe_chunk(2)
    x.unsafe_split(1)
    x.repeat(2, 1, 2)
    v.repeat(2, 3)
    s.repeat(3)
    x.tile(2)
    v.tile((2, 1, 2))
    m.repeat_interleave(2)
    x.repeat_interleave(3, 1)
    m.repeat_interleave(torch.tensor([2, 0, 1]), dim=1)
    torch.meshgrid(v, v[:2], indexing="ij")
    torch.meshgrid(v, v[:2], indexing="xy")
    torch.meshgrid([v, v, s], indexing="xy")
    torch.cartesian_prod(v, v[:2])
    torch.combinations(v)
    torch.combinations(v, 3, with_replacement=True)
"""

TURNS = """
    x.flip(0)
    x.flip(-1, 0)
    torch.flip(x, dims=(1,))
    m.fliplr()
    m.flipud()
    x.roll(2)
    x.roll(1, 0)
    x.roll((1, -5), (0, 2))
    m.rot90()
    m.rot90(2)
    x.rot90(-1, (1, 2))
    x.rot90(4)
    x.tril()
    x.triu(1)
    x.tril(-1)
    v.diag()
    v.diag(-1)
    m.diag()
    m.diag(1)
    m.diag_embed()
    m.diag_embed(1, 0, 2)
    m.diagflat(-1)
    m.trace()
    m.diagonal_scatter(v[:2])
    x.select_scatter(m, 2, 1)
    x.slice_scatter(m.unsqueeze(-1), 2, 1, 2)
    x.slice_scatter(x[:, :, ::2], dim=2, step=2)
    torch.complex(m, m * 2).real
"""


def lines(table):
    return [line.strip() for line in table.strip().splitlines()]


@pytest.mark.parametrize("expression", lines(VIEWS))
def test_views(expression):
    check(expression)


@pytest.mark.parametrize("expression", lines(JOINS))
def test_joins(expression):
    check(expression)


@pytest.mark.parametrize("expression", lines(TURNS))
def test_turns(expression):
    check(expression)


MISTAKES = """
    x.view(5, 5)
    x.mT.view(-1)
    x.view(-1, -1)
    x.reshape(7, -1)
    torch.zeros(0, 3).reshape(-1, 0)
    x[..., :3].view(torch.complex128)
    s.view(torch.float64)
    x.flatten(2, 1)
    x.flatten(5)
    x.unflatten(2, (3, 2))
    x.permute(0, 1)
    x.permute(0, 0, 1)
    x.permute(0, 1, 3)
    x.transpose(0, 3)
    x.t()
    v.mT
    x.H
    v.adjoint()
    x.movedim(0, (0, 1))
    x.movedim((0, 0), (0, 1))
    x.squeeze(3)
    x.squeeze((0, 0))
    x.unsqueeze(4)
    m.expand(3)
    m.expand(2, 4)
    m.expand(-1, 2, 3)
    torch.broadcast_tensors(m, v)
    torch.broadcast_shapes((2, 3), (4,))
    torch.broadcast_shapes((-1,))
    x.narrow(1, 2, 2)
    x.narrow(1, -4, 2)
    x.narrow(1, 0, -1)
    s.narrow(0, 0, 1)
    x.select(1, 3)
    s.select(0, 0)
    x.diagonal(0, 1, 1)
    x.unfold(1, 4, 1)
    x.unfold(1, 1, 0)
    x.as_strided((2, 3), (1,))
    x.as_strided((30,), (1,))
    x.as_strided((2,), (-1,))
    torch.cat([])
    torch.cat([s, s])
    torch.cat([x, m])
    torch.cat([x, x[:1]], 1)
    torch.cat(x)
    torch.cat([x, 3])
    torch.stack([])
    torch.stack([m, v])
    torch.block_diag(x)
    x.split([1, 1], 1)
    x.split(0)
    x.split(-1)
    s.split(1)
    x.chunk(0)
    x.tensor_split(0)
    s.tensor_split(2)
    x.tensor_split(torch.tensor([1.0]))
    x.hsplit(2)
    v.vsplit(2)
    m.dsplit(2)
    s.unbind()
    x.repeat(2)
    x.repeat(1, 1, -1)
    m.repeat_interleave(torch.tensor([1, 2]), dim=1)
    m.repeat_interleave(-1)
    torch.meshgrid(m, indexing="ij")
    torch.meshgrid(v, v, indexing="ab")
    torch.cartesian_prod(m)
    torch.combinations(m)
    v.fliplr()
    x.flip(0, 0)
    x.roll((1, 2), 0)
    x.roll((1, 2))
    x.rot90(1, (0,))
    x.rot90(1, (0, 0))
    v.rot90()
    v.tril()
    x.diag()
    s.diag_embed()
    m.diag_embed(0, 1, 1)
    x.trace()
    x.select_scatter(m, 0, 0)
    x.select_scatter(m, 2, 4)
    x.slice_scatter(m, 0)
    m.diagonal_scatter(v)
    torch.vander(m)
    torch.complex(m, i)
    torch.complex(m, m.float())
    x.size(3)
    s.size(0)
    x.stride(3)
    x.resize_(3)
    torch.empty_permuted((2, 3), (0, 0))
"""


@pytest.mark.parametrize("expression", lines(MISTAKES))
def test_mistakes(expression):
    parity(
        f"""
        x = torch.zeros(2, 3, 4, dtype=torch.float64).requires_grad_()
        m = torch.zeros(2, 3, dtype=torch.float64)
        v, s, i = torch.zeros(4, dtype=torch.float64), torch.tensor(1.0), torch.ones(2, 3).long()
        error = attempt(lambda: {expression})
        """
    )


def test_views_share_memory_and_copies_do_not():
    parity(
        """
        shared = []
        for view in (
            lambda x: x.view(6), lambda x: x.reshape(3, 2), lambda x: x.t(), lambda x: x[1:],
            lambda x: x.expand(4, 2, 3)[0], lambda x: x.unsqueeze(0), lambda x: x.squeeze(),
            lambda x: x.diagonal(), lambda x: x.unfold(1, 2, 1), lambda x: x.narrow(1, 0, 2),
            lambda x: x.split(1)[1], lambda x: x.unbind()[0], lambda x: x.chunk(2, 1)[0],
            lambda x: x.as_strided((2,), (2,)), lambda x: x.flatten(), lambda x: x.contiguous(),
            lambda x: x.t().reshape(6), lambda x: x.t().contiguous(), lambda x: x.clone(),
            lambda x: x.flip(0), lambda x: x.repeat(1, 1), lambda x: torch.cat([x]),
            lambda x: x.tril(),
            lambda x: x.roll(0), lambda x: x.rot90(0), lambda x: x.tile(1), lambda x: x.detach(),
        ):
            _x = torch.zeros(2, 3)
            view(_x).fill_(1)
            shared.append(_x.tolist())
        """
    )


def test_what_a_tensor_says_about_its_memory():
    parity(
        """
        x = torch.arange(24.0).reshape(2, 3, 4)
        strides = [
            t.stride() for t in (
                x, x.mT, x[:, 1], x[:, ::2], x[..., None], x.expand(5, 2, 3, 4),
                x.transpose(0, 2).clone(), x.mT.contiguous(), x.mT.reshape(24), x[:, :1].squeeze(1),
                torch.zeros(2, 0, 3), x.flip(0), torch.stack([x.mT, x.mT]), torch.cat([x.mT, x.mT]),
                x[:, [0, 2]], x[[1, 0]], torch.zeros_like(x.mT), x.mT.double(),
                torch.empty_strided((2, 3), (1, 2)), torch.empty_permuted((2, 3, 4), (2, 0, 1)),
                torch.zeros(2, 3, 4, 5).to(memory_format=torch.channels_last),
                torch.zeros(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
                torch.empty(2, 3, 4, 5, memory_format=torch.channels_last), torch.rand_like(x.mT),
                torch.ones(3).expand(4, 3).clone(), torch.ones(3).expand(4, 3).double(),
            )
        ]
        contiguous = [t.is_contiguous() for t in (x, x.mT, x[1], x[:, 1], x[:, :1], x[:, :, 0])]
        last = torch.zeros(2, 3, 4, 5).to(memory_format=torch.channels_last)
        order = last.is_contiguous(), last.is_contiguous(memory_format=torch.channels_last)
        offsets = [t.storage_offset() for t in (x, x[1], x[1, 2:], x.mT[0, 1], x.unbind(1)[2])]
        distance = x[1].data_ptr() - x.data_ptr()
        same = x.view(-1).is_set_to(x.reshape(24)), x.is_set_to(x.mT)
        sizes = x.size(), x.size(-1), x.stride(1), x.dim(), x.ndim, x.nelement(), x.numel()
        words = x.element_size(), x.itemsize, x.nbytes, x.is_cuda, x.is_sparse, str(x.layout)
        kinds = x.is_same_size(x), torch.is_same_size(x, x.mT), x.mT.shape, len(x)
        """
    )


def test_views_share_a_storage():
    parity(
        """
        x = torch.arange(6.0).reshape(2, 3)
        y = x[1]
        same = [
            y.untyped_storage().data_ptr() == x.untyped_storage().data_ptr(),
            y.storage().data_ptr() == x.data_ptr(), y.data_ptr() == x.data_ptr(),
            x.clone().untyped_storage().data_ptr() == x.untyped_storage().data_ptr(),
        ]
        sizes = y.untyped_storage().nbytes(), y.untyped_storage().size(), len(y.storage())
        values = y.storage().tolist(), y.storage()[4], list(x.storage())[:2]
        kinds = torch.is_storage(x.storage()), torch.is_storage(x), str(x.storage().dtype)
        text = repr(torch.zeros(2).storage())
        """
    )


def test_bits_read_as_another_type():
    parity(
        """
        x = torch.tensor([1.0, -2.0, 0.5, 3.0])
        bits = x.view(torch.int32)
        bytes_ = x.view(torch.uint8)
        wide = x.view(torch.float64)
        back = bits.view(torch.float32)
        bits[0] = 0
        zero = x.clone()
        """
    )


def test_the_tensor_itself_takes_another_shape():
    parity(
        """
        x = torch.arange(6.0).reshape(1, 2, 3)
        results = [
            x.clone().squeeze_(), x.clone().unsqueeze_(0), x.clone().transpose_(1, 2),
            x.clone().squeeze_(0).t_(), x.clone().swapaxes_(0, 2), x.clone().swapdims_(0, 1),
            x.clone().as_strided_((2, 2), (1, 1)), x.clone().resize_(2, 2),
            x.clone().resize_as_(torch.ones(3)),
        ]
        y = x.clone()
        z = y.squeeze_()
        is_itself = z is y
        _grown = x.clone().resize_(3, 3)
        kept = _grown.flatten()[:6].clone(), _grown.shape
        a = torch.ones(2, 3, requires_grad=True)
        _b = (a * 2).t_()
        (_b * torch.arange(6.0).reshape(3, 2)).sum().backward()
        name = _b.grad_fn.name()
        wrong = attempt(lambda: a.t_())
        d = torch.zeros(2)
        d.set_(x)
        shape = d.shape
        """,
        grad_fn=True,
    )


def test_gradients_meet_in_views_of_a_tensor_that_changed():
    parity(
        """
        x = torch.ones(4, 3, requires_grad=True)
        y = x * 2
        row, column = y[1], y[:, 2]
        y.mul_(3)
        row.add_(1)
        total = (row * 2).sum() + (column ** 2).sum() + y.exp().sum()
        total.backward()
        """
    )


def test_powers():
    parity(
        """
        v = torch.tensor([2.0, 3.0, -1.0])
        powers = torch.vander(v), torch.vander(v, 2), torch.vander(v, 4, increasing=True)
        whole = torch.vander(torch.tensor([2, 3])), torch.vander(v, 0).shape
        """
    )


def test_meshgrid_warns_without_indexing():
    with pytest.warns(UserWarning, match="indexing"):
        torch.meshgrid(torch.arange(2), torch.arange(2))


def test_numpy_names_of_arguments():
    parity(
        """
        x = torch.arange(6.0).reshape(2, 3)
        results = [
            torch.cat([x, x], axis=1), torch.stack([x, x], axis=0), x.squeeze(axis=0),
            x.unsqueeze(axis=0),
            x.split(1, dim=0)[0], torch.narrow(x, dim=1, start=0, length=2), x.sort(axis=0)[0],
            torch.chunk(input=x, chunks=2, dim=0)[1],
        ]
        """
    )


def test_out():
    parity(
        """
        x = torch.arange(6.0).reshape(2, 3)
        a, b, c = torch.zeros(4, 3), torch.zeros(2, 3), torch.zeros(2, 3)
        same = torch.cat([x, x], out=a) is a, torch.tril(x, out=b) is b
        torch.column_stack([x, x], out=c)
        wrong = attempt(lambda: torch.cat([x.requires_grad_(), x], out=a))
        overlapping = attempt(lambda: torch.cat([x.detach()] * 2, out=torch.zeros(1).expand(4, 3)))
        """
    )


def test_a_view_does_not_keep_its_strides_secret_from_numpy():
    x = torch.arange(6.0).reshape(2, 3)
    assert x.t().numpy().strides == (4, 12)
    assert np.shares_memory(x.t().numpy(), x.numpy())


def test_expanded_memory_is_not_written_to():
    parity("wrong = attempt(lambda: torch.zeros(3).expand(2, 3).add_(1))")


def test_sizes_are_tuples_of_their_own():
    size = torch.zeros(2, 3).size()
    assert size == (2, 3)
    assert copy.deepcopy(size) == size
    assert isinstance(size[1:], torch.Size)


def test_results_that_would_overwrite_their_inputs_are_refused():
    parity("""
        x = torch.zeros(2, 2)
        wrong = [attempt(lambda: torch.cat([x[:1], x[1:]], out=x)),
                 attempt(lambda: torch.stack([x[0], x[1]], out=x)),
                 attempt(lambda: torch.index_select(x, 0, torch.tensor([0, 1]), out=x))]
    """)


def test_split_has_other_names_as_a_method():
    parity("""
x = torch.arange(5.0)
parts = x.split(split_size=2), x.split(split_size=[2, 3], dim=0)
same = torch.split(x, split_size_or_sections=2)
swapped = attempt(lambda: x.split(split_size_or_sections=2))
""")


def test_places_to_split_one_by_one():
    parity("""
        x = torch.arange(24.0).reshape(2, 3, 4)
        parts = [x.hsplit(1, 2), x.vsplit(0, 1), x.dsplit(1, 3), x.hsplit((1, 2)), x.dsplit(2)]
        errors = [attempt(lambda: x.hsplit(2)), attempt(lambda: x[0, 0].vsplit(1, 2))]
    """)
