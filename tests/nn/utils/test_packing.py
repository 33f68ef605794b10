"""Packed and padded sequences."""

from tests.parity import parity


def test_packing_and_padding() -> None:
    parity(
        """
        from torch.nn.utils.rnn import *
        x = torch.randn(5, 3, 2, requires_grad=True)
        packed = pack_padded_sequence(x, [5, 3, 2])
        parts = list(packed)
        mixed = pack_padded_sequence(x, torch.tensor([2, 5, 4]), enforce_sorted=False)
        mixed_parts = list(mixed)
        first = pack_padded_sequence(x.transpose(0, 1), [5, 3, 3], batch_first=True).data
        back, lengths = pad_packed_sequence(mixed, padding_value=-1.0)
        longer, _ = pad_packed_sequence(mixed, batch_first=True, total_length=7)
        (back * torch.arange(30.0).reshape(5, 3, 2)).sum().backward()
        text = repr(pack_padded_sequence(torch.arange(4.0).reshape(2, 2), [2, 1]))
        kinds = isinstance(packed, tuple), packed.is_cuda, packed.double().data.dtype
        same = packed.to("cpu") is packed, packed.to(torch.float32) is packed
        inverse = invert_permutation(torch.tensor([2, 0, 1]))
        """
    )


def test_lists_of_sequences() -> None:
    parity(
        """
        from torch.nn.utils.rnn import *
        a, b, c = torch.randn(2, 3, requires_grad=True), torch.ones(4, 3), torch.zeros(1, 3)
        padded = pad_sequence([a, b, c]), pad_sequence((a, b, c), batch_first=True, padding_value=7)
        left = pad_sequence([a, b, c], padding_side="left")
        (padded[0] * 2).sum().backward()
        flat = pad_sequence([torch.ones(2), torch.zeros(3)])
        whole = pad_sequence([torch.tensor([1, 2]), torch.tensor([3])], batch_first=True)
        packed = pack_sequence([b, a, c])
        parts = list(packed)
        loose = list(pack_sequence([a, b, c], enforce_sorted=False))
        unpacked = unpack_sequence(pack_sequence([a, b, c], enforce_sorted=False))
        unpadded = unpad_sequence(padded[1], torch.tensor([2, 4, 1]), batch_first=True)
        """
    )


def test_errors() -> None:
    parity(
        """
        from torch.nn.utils.rnn import *
        x = torch.randn(5, 2, 3)
        errors = [
            attempt(lambda: pack_padded_sequence(x, [3, 5])),
            attempt(lambda: pack_padded_sequence(x, [0, 5], enforce_sorted=False)),
            attempt(lambda: pack_padded_sequence(x, [3])),
            attempt(lambda: pack_padded_sequence(x, torch.tensor([[5, 3]]))),
            attempt(lambda: pack_padded_sequence(torch.ones(0, 2), [])),
            attempt(lambda: pack_sequence([torch.ones(2), torch.ones(3)])),
            attempt(lambda: pack_sequence([])),
            attempt(lambda: pad_sequence(3)),
            attempt(lambda: pad_sequence([])),
            attempt(lambda: pad_sequence([torch.ones(1)], padding_side="middle")),
            attempt(lambda: pad_sequence([torch.ones(2, 1), torch.ones(3)])),
            attempt(lambda: pad_packed_sequence(pack_padded_sequence(x, [5, 3]), total_length=3)),
        ]
        """
    )
