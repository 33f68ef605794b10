"""Copies and pickles of what shares memory, as torch makes them."""

from __future__ import annotations

from tests.parity import parity


def test_deepcopy_keeps_shared_storage_shared():
    parity("""
        import copy
        flat = torch.arange(6.0)
        one, two, three = copy.deepcopy([flat, flat[2:4], flat.view(2, 3).t()])
        one.fill_(7)
        offsets = two.storage_offset(), three.stride(), two.untyped_storage().nbytes()
        module = nn.Module()
        module.register_buffer("flat", torch.zeros(4))
        module.register_buffer("head", module.flat[:2])
        twin = copy.deepcopy(module)
        twin.flat.fill_(5)
        bits = torch.zeros(2)
        number, integer = copy.deepcopy([bits, bits.view(torch.int32)])
        number.fill_(1)
        leaf, plain, data = copy.deepcopy([x := torch.ones(2, requires_grad=True), x.detach(), x.data])
        plain.fill_(3)
        grads = torch.ones(4)
        x.grad = grads[2:]
        x2, grads2 = copy.deepcopy([x, grads])
        grads2.fill_(9)
        raw, of_raw = copy.deepcopy([torch.ones(2), None])
        bytes_, tensor = copy.deepcopy([raw.untyped_storage(), raw])
        tensor.fill_(0)
        listed = bytes_.tolist()
        version = tensor._version, copy.deepcopy(torch.ones(2))._version
    """)


def test_expanded_tensors_stay_small():
    parity("""
        import copy, io, pickle
        wide = torch.ones(1).expand(1000, 1000)
        file = io.BytesIO()
        torch.save(wide, file)
        small = len(file.getvalue()) < 4000, len(pickle.dumps(wide)) < 4000
        sizes = [
            t.untyped_storage().nbytes()
            for t in (copy.deepcopy(wide), pickle.loads(pickle.dumps(wide)), copy.copy(wide))
        ]
        strides = copy.deepcopy(wide).stride(), pickle.loads(pickle.dumps(wide)).stride()
    """)


def test_copy_and_pickle():
    parity("""
        import copy, pickle
        x = torch.arange(12.0).reshape(3, 4)
        part = x[1:, ::2]
        same = copy.copy(part)
        x.fill_(1)
        again = pickle.loads(pickle.dumps([part, x.t()], 2))
        where = [(t.storage_offset(), t.stride(), t.untyped_storage().nbytes()) for t in again]
        noted = torch.ones(2)
        noted.note, noted._hidden = [1], 2
        notes = [
            (c.note, c._hidden)
            for c in (copy.copy(noted), copy.deepcopy(noted), pickle.loads(pickle.dumps(noted)))
        ]
        weight = nn.Parameter(torch.arange(6.0).reshape(2, 3).t())
        weight.note = 3
        kept = hasattr(copy.deepcopy(weight), "note"), copy.copy(weight).note
        strides = copy.deepcopy(weight).stride(), copy.copy(weight).data_ptr() == weight.data_ptr()
        made = [t.__reduce_ex__(2)[0].__name__ for t in (x, noted, weight, nn.Parameter(x))]
        shape = x.__reduce_ex__(2)[1][1:5]
        sparse = copy.deepcopy(torch.eye(2).to_sparse()).to_dense()
        sparse2 = pickle.loads(pickle.dumps(torch.eye(2).to_sparse())).to_dense()
    """)


def test_what_is_refused_and_warned_of():
    parity("""
        import copy, pickle, warnings
        class Plain(torch.Tensor):
            pass
        class Own(torch.Tensor):
            def new_empty(self, *sizes):
                return torch.Tensor.new_empty(self, *sizes).as_subclass(Own)
        x = torch.ones(2, requires_grad=True)
        inner = attempt(lambda: copy.deepcopy(x * 2))
        plain = attempt(lambda: copy.deepcopy(torch.ones(2).as_subclass(Plain)))
        own = type(copy.deepcopy(torch.ones(2).as_subclass(Own))).__name__
        x.register_hook(lambda g: g)
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            pickle.dumps(x, 2)
        told = ["will not be serialized" in str(w.message) for w in seen]
    """)


def test_storages():
    parity("""
        x = torch.arange(4.0)
        raw = x.untyped_storage()
        equal = raw == x[1:].untyped_storage(), raw == x.clone().untyped_storage()
        part = raw[4:8]
        bytes_ = part.tolist(), part.nbytes(), part.data_ptr() - raw.data_ptr(), raw[-1], bytes(part)
        part.fill_(300)
        raw[0] = 1
        raw[1:3] = 2
        torch.UntypedStorage(16).copy_(raw)
        made = torch.UntypedStorage([1, 2, 300]).tolist(), torch.UntypedStorage(2).nbytes()
        typed = torch.FloatStorage([1, 2]), torch.LongStorage(2).size(), torch.FloatStorage().nbytes()
        texts = repr(typed[0]), typed[0].type(), typed[0].double().tolist(), typed[0].long().type()
        kinds = isinstance(typed[0], torch.FloatStorage), isinstance(typed[0], torch.LongStorage)
        typed[0][1] = 5
        y = torch.empty(0).set_(typed[0])
        z = torch.ones(2).set_(raw, 1, (2,), (2,))
        w = torch.zeros(2).set_(torch.arange(5.0), 1, (2, 2), (1, 1))
        seen = torch.asarray(part, dtype=torch.uint8)
        errors = [
            attempt(lambda: raw[99]), attempt(lambda: raw[0:8:2]), attempt(lambda: raw["a"]),
            attempt(lambda: raw.fill_("a")), attempt(lambda: raw.__setitem__(0, 1.5)),
            attempt(lambda: raw.copy_(torch.UntypedStorage(3))), attempt(lambda: typed[0][5]),
            attempt(lambda: typed[0][0:1]), attempt(lambda: torch.UntypedStorage("a")),
            attempt(lambda: torch.ones(2).set_(raw, 3, (2,), (1,))),
            attempt(lambda: torch.ones(2).set_(torch.ones(2, dtype=torch.int64))),
        ]
        del typed, raw, part
    """)
