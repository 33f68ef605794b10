"""Functions of `torch` under the name by which torch's own layers call them, recurrent ones among them."""

from rushlight import (
    atleast_1d,
    atleast_2d,
    atleast_3d,
    block_diag,
    broadcast_tensors,
    cartesian_prod,
    cdist,
    chain_matmul,
    dropout,
    einsum,
    frobenius_norm,
    gru,
    gru_cell,
    istft,
    lstm,
    lstm_cell,
    meshgrid,
    norm,
    nuclear_norm,
    rnn_relu,
    rnn_relu_cell,
    rnn_tanh,
    rnn_tanh_cell,
    split,
    stft,
    tensordot,
    unique_consecutive,
)  # fmt: skip

__all__ = [
    "atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "broadcast_tensors", "cartesian_prod", "cdist",
    "chain_matmul", "dropout", "einsum", "frobenius_norm", "gru", "gru_cell", "istft", "lstm", "lstm_cell",
    "meshgrid", "norm", "nuclear_norm", "rnn_relu", "rnn_relu_cell", "rnn_tanh", "rnn_tanh_cell", "split",
    "stft", "tensordot", "unique_consecutive",
]  # fmt: skip
