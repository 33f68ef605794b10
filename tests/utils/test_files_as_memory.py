"""Files as the memory of tensors, and sparse tensors in pickles and copies: each runs under both."""

from tests.parity import parity


def test_from_file(tmp_path):
    parity(
        """
        np.arange(6, dtype=np.float32).tofile(path)
        whole = torch.from_file(path, size=6)
        shared = torch.from_file(path, shared=True, size=4, dtype=torch.float32)
        shared[0] = 9.0
        kept = np.fromfile(path, np.float32)
        storage = torch.UntypedStorage.from_file(path, shared=False, nbytes=8)
        held = storage.nbytes(), storage.tolist()
        """,
        given={"path": str(tmp_path / "values.bin")},
    )


def test_sparse_tensors_are_pickled_and_copied():
    parity("""
        import copy, io, pickle
        _sparse = torch.sparse_coo_tensor([[0, 1], [1, 2]], [3.0, 4.0], (2, 3))
        pickled = pickle.loads(pickle.dumps(_sparse)).to_dense()
        copies = copy.deepcopy(_sparse).to_dense(), copy.copy(_sparse).to_dense()
        _file = io.BytesIO()
        torch.save(_sparse, _file)
        _file.seek(0)
        loaded = torch.load(_file).to_dense()
    """)
