"""Functions of tensors without elements, as torch has them: each program runs under both."""

import pytest

from tests.described import described, raised, said
from tests.parity import parity

GIVEN = {"d": described, "e": raised, "m": said}

PROGRAMS = [
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
]


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_program(program):
    parity(program, given=GIVEN)
