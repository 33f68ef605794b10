"""Names under which libraries ask sparse tensors and private places."""

from __future__ import annotations

import rushlight as torch


def test_a_sparse_tensor_is_asked_as_a_dense_one_is() -> None:
    matrix = torch.tensor([[0.0, 2.0, 0.0], [1.0, 0.0, 3.0]])
    sparse = matrix.to_sparse()
    assert sparse.ndimension() == 2
    assert torch.equal(torch.dsmm(sparse, torch.ones(3, 1)), matrix @ torch.ones(3, 1))
    assert torch.equal(sparse.mT.to_dense(), matrix.mT)


def test_private_places_have_what_libraries_import() -> None:
    from rushlight._C import Value  # noqa: F401
    from rushlight._jit_internal import _copy_to_script_wrapper
    from rushlight.distributions.transforms import _clipped_sigmoid

    def f() -> None: ...

    assert _copy_to_script_wrapper(f) is f
    assert 0 < _clipped_sigmoid(torch.tensor(-200.0)).item() < 1e-30
    assert torch.cuda.random.get_rng_state_all() == []
    assert torch.cuda.memory.memory_allocated() == 0


def test_a_leaf_whose_memory_was_exchanged_is_saved_as_any() -> None:
    import io

    leaf = torch.nn.Parameter(torch.ones(2))
    for _ in range(5):
        leaf.data = torch.zeros(2)
    assert len(leaf.__dict__["_earlier_"]) == 1
    file = io.BytesIO()
    torch.save(leaf, file)
    file.seek(0)
    assert torch.load(file).tolist() == [0.0, 0.0]
