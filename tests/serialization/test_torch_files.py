"""Files that torch writes load here, and files that rushlight writes load in torch."""

from __future__ import annotations

import io
import pathlib
import pickle
import textwrap
import zipfile

import numpy as np
import pytest
import torch
from tests.parity import Comparison, parity

import rushlight

PROGRAMS = {
    "dtypes": """
        made = {
            str(d): torch.tensor([0, 1, 2]).to(d)
            for d in (
                torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64,
                torch.float16, torch.float32, torch.float64, torch.complex64, torch.complex128,
            )
        }
    """,
    "unsigned": """
        made = [torch.tensor([0, 1, 2]).to(d) for d in (torch.uint16, torch.uint32, torch.uint64)]
    """,
    "shapes": """
        made = [torch.tensor(2.5), torch.zeros(0), torch.zeros(0, 3), torch.zeros(2, 0, 3)]
    """,
    "views": """
        base = torch.arange(24.0).reshape(4, 6)
        made = {"base": base, "rows": base[1:3], "columns": base[:, ::2], "turned": base.t(),
                "one": base[2, 3], "wide": torch.ones(1, 3).expand(4, 3),
                "order": torch.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1)}
    """,
    "containers": """
        made = {
            "list": [1, [2.5, (None, True)], {}], "text": "line\\n", "bytes": b"\\x00\\xff",
            "complex": 1 + 2j, "set": {1, 2}, 3: "int key", (4, 5): "tuple key", None: "none",
            "big": 10**30, "negative": -1, "float": float("inf"),
            "ordered": OrderedDict([("b", torch.ones(2)), ("a", torch.zeros(1))]),
            "counted": Counter("aab"),
        }
    """,
    "torch's own": """
        made = {"size": torch.Size([2, 3]), "dtype": torch.float64, "device": torch.device("cpu"),
                "index": torch.device("cuda", 1)}
    """,
    "parameters": """
        tensor = torch.arange(3.0)
        tied = Parameter(torch.ones(2, 2))
        made = [Parameter(tensor), Parameter(tensor, requires_grad=False), tied, tied,
                torch.zeros(2, requires_grad=True), tensor]
    """,
    "a state_dict": """
        made = OrderedDict([("weight", torch.ones(2, 3)), ("bias", torch.zeros(2))])
        made._metadata = OrderedDict([("", {"version": 1})])
    """,
    "shared twice": """
        tensor = torch.arange(4.0)
        made = [tensor, {"again": tensor}, tensor]
    """,
}


def build(name, framework):
    from collections import Counter, OrderedDict

    names = {"torch": framework, "Counter": Counter, "OrderedDict": OrderedDict}
    names["Parameter"] = framework.nn.Parameter
    exec(textwrap.dedent(PROGRAMS[name]), names)
    return names["made"]


def alike(want, got):
    problems = list(Comparison(torch, rushlight, 0, 0).values("made", want, got))
    assert not problems, "\n".join(problems)


def through(framework, made, other, **options):
    """What the second framework loads of what the first one saves."""
    file = io.BytesIO()
    framework.save(made, file)
    file.seek(0)
    return other.load(file, **options)


@pytest.mark.parametrize("options", [{}, {"weights_only": False}], ids=["safe", "full"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_torch_saves_and_rushlight_loads(name, options):
    made = build(name, torch)
    alike(made, through(torch, made, rushlight, **options))


@pytest.mark.parametrize("options", [{"weights_only": True}, {"weights_only": False}], ids=str)
@pytest.mark.parametrize("name", PROGRAMS)
def test_rushlight_saves_and_torch_loads(name, options):
    made = build(name, rushlight)
    alike(through(rushlight, made, torch, **options), made)


@pytest.mark.parametrize("name", PROGRAMS)
def test_rushlight_saves_and_loads(name):
    alike(build(name, torch), through(rushlight, build(name, rushlight), rushlight))


@pytest.mark.parametrize("frameworks", [(torch, rushlight), (rushlight, torch)], ids=["in", "out"])
def test_strides_and_sharing_survive(frameworks):
    saver, loader = frameworks
    made = build("views", saver)
    got = through(saver, made, loader)
    for name, tensor in made.items():
        assert got[name].stride() == tensor.stride(), name
    got["base"][1, 0] = -1
    assert (
        float(got["rows"][0, 0]) == float(got["columns"][1, 0]) == float(got["turned"][0, 1]) == -1
    )
    assert float(got["order"].sum()) == 276


@pytest.mark.parametrize("frameworks", [(torch, rushlight), (rushlight, torch)], ids=["in", "out"])
def test_a_tensor_that_is_met_twice_is_one(frameworks):
    saver, loader = frameworks
    first, second, third = through(saver, build("shared twice", saver), loader)
    assert first is second["again"] is third


@pytest.mark.parametrize("frameworks", [(torch, rushlight), (rushlight, torch)], ids=["in", "out"])
def test_attributes_of_tensors_survive(frameworks):
    saver, loader = frameworks
    tensor, parameter = saver.zeros(2), saver.nn.Parameter(saver.ones(2))
    tensor.role = ["mask"]
    parameter.decays = False
    got = through(saver, [tensor, parameter], loader)
    assert got[0].role == ["mask"]
    assert got[1].decays is False
    assert isinstance(got[1], loader.nn.Parameter)


def test_loaded_tensors_can_be_changed(tmp_path):
    torch.save(torch.ones(3), tmp_path / "ones.pt")
    got = rushlight.load(tmp_path / "ones.pt")
    got.add_(1)
    assert got.tolist() == [2, 2, 2]
    assert rushlight.load(tmp_path / "ones.pt").tolist() == [1, 1, 1]


def test_mapped_tensors_do_not_write_to_the_file(tmp_path):
    path = tmp_path / "ones.pt"
    for framework in (torch, rushlight):
        framework.save({"a": framework.ones(3), "e": framework.zeros(0)}, path)
        got = rushlight.load(path, mmap=True)
        got["a"].add_(1)
        assert got["a"].tolist() == [2, 2, 2]
        assert rushlight.load(str(path), mmap=True)["a"].tolist() == [1, 1, 1]
        assert torch.load(path, mmap=True)["a"].tolist() == [1, 1, 1]


def test_mapping_needs_a_path():
    file = io.BytesIO()
    rushlight.save(1, file)
    file.seek(0)
    with pytest.raises(ValueError, match="must be a file path"):
        rushlight.load(file, mmap=True)
    with pytest.raises(RuntimeError, match="mmap can only be used"):
        rushlight.load(io.BytesIO(b"PK"), mmap=True)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol(protocol):
    made = build("containers", rushlight)
    file = io.BytesIO()
    rushlight.save(made, file, pickle_protocol=protocol)
    alike(build("containers", torch), rushlight.load(io.BytesIO(file.getvalue())))
    file.seek(0)
    alike(torch.load(file, weights_only=False), made)
    file = io.BytesIO()
    torch.save(build("containers", torch), file, pickle_protocol=protocol)
    file.seek(0)
    alike(build("containers", torch), rushlight.load(file))


@pytest.mark.parametrize(
    "name",
    [
        "bfloat16", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz",
        "float8_e8m0fnu",
    ],
)  # fmt: skip
def test_narrow_floats(name):
    made = torch.tensor([[1.5, 96.0, 0.25], [2.0, 0.5, 8.0]]).to(getattr(torch, name))
    got = through(torch, {"a": made, "b": made.t()}, rushlight)
    assert got["a"].dtype == got["b"].dtype == getattr(rushlight, name)
    assert got["a"].float().tolist() == made.float().tolist()
    assert got["a"].data_ptr() == got["b"].data_ptr()
    back = through(rushlight, got, torch)
    assert back["b"].dtype == made.dtype
    assert back["b"].float().tolist() == made.t().float().tolist()


def test_conjugates_and_other_odd_memories_are_copied():
    array = np.arange(10.0, dtype=np.float32)
    packed = np.zeros(3, dtype=[("x", "i1"), ("y", "<f4")])
    packed["y"] = [1, 2, 3]
    made = [
        rushlight._tensor.wrap(array[::-1]),
        rushlight._tensor.wrap(packed["y"]),
        rushlight._tensor.wrap(np.lib.stride_tricks.sliding_window_view(array, 3)),
        rushlight._tensor.wrap(np.frombuffer(b"\x01\x02\x03", np.uint8)),
    ]
    got = through(rushlight, made, torch)
    for tensor, other in zip(made, got, strict=True):
        assert tensor.tolist() == other.tolist()
    assert got[2].stride() == (1, 1)


def test_one_memory_as_two_types_is_refused():
    whole = rushlight.zeros(4)
    with pytest.raises(RuntimeError, match="different types"):
        rushlight.save([whole, whole.view(rushlight.int32)], io.BytesIO())


def test_the_layout_of_the_archive(tmp_path):
    made = [torch.ones(3), torch.zeros(100)]
    torch.save(made, tmp_path / "torch.pt")
    rushlight.save([rushlight.ones(3), rushlight.zeros(100)], tmp_path / "rushlight.pt")
    theirs = zipfile.ZipFile(tmp_path / "torch.pt")
    ours = zipfile.ZipFile(tmp_path / "rushlight.pt")
    assert ours.testzip() is None
    names = [name.removeprefix("torch/") for name in theirs.namelist()]
    assert [name.removeprefix("rushlight/") for name in ours.namelist()] == names
    identity = "rushlight/.data/serialization_id"
    assert len(ours.read(identity)) == 40
    assert ours.read(identity).isdigit()
    assert ours.read("rushlight/data.pkl") == theirs.read("torch/data.pkl")
    content = (tmp_path / "rushlight.pt").read_bytes()
    for key, ones in (("0", made[0]), ("1", made[1])):
        header = ours.getinfo(f"rushlight/data/{key}").header_offset
        name, extra = content[header + 26 : header + 28], content[header + 28 : header + 30]
        start = header + 30 + int.from_bytes(name, "little") + int.from_bytes(extra, "little")
        assert start % 64 == 0
        assert content[start : start + ones.nbytes] == ones.numpy().tobytes()


def test_equal_objects_give_equal_files():
    one, two = io.BytesIO(), io.BytesIO()
    for file in (one, two):
        rushlight.save(build("containers", rushlight), file)
    assert one.getvalue() == two.getvalue()


class OnlyWrites:
    def __init__(self):
        self.parts = []

    def write(self, part):
        self.parts.append(bytes(part))
        return len(part)


def test_a_stream_need_only_be_able_to_write():
    file = OnlyWrites()
    rushlight.save([rushlight.ones(2)], file)
    assert torch.load(io.BytesIO(b"".join(file.parts)))[0].tolist() == [1, 1]


def test_a_file_may_begin_in_the_middle_of_a_stream():
    file = io.BytesIO()
    file.write(b"before")
    rushlight.save([1, rushlight.ones(2)], file)
    for framework in (torch, rushlight):
        file.seek(6)
        assert framework.load(file)[1].tolist() == [1, 1]


def test_compressed_archives_are_read(tmp_path):
    rushlight.save(rushlight.ones(50), tmp_path / "a.pt")
    stored = zipfile.ZipFile(tmp_path / "a.pt")
    with zipfile.ZipFile(tmp_path / "b.pt", "w", zipfile.ZIP_DEFLATED) as packed:
        for name in stored.namelist():
            packed.writestr(name, stored.read(name))
    assert rushlight.load(tmp_path / "b.pt").sum().item() == 50
    assert rushlight.load(tmp_path / "b.pt", mmap=True).sum().item() == 50


def test_the_other_byte_order(tmp_path):
    made = {"i": torch.tensor([1, -2]), "c": torch.tensor([1 + 2j]), "b": torch.tensor([True])}
    torch.save(made, tmp_path / "a.pt")
    little = zipfile.ZipFile(tmp_path / "a.pt")
    swap = {"0": "<i8", "1": "<f4", "2": "?"}
    with zipfile.ZipFile(tmp_path / "b.pt", "w") as big:
        for name in little.namelist():
            content = little.read(name)
            if name.startswith("a/data/"):
                content = np.frombuffer(content, swap[name[-1]]).byteswap().tobytes()
            big.writestr(name, b"big" if name == "a/byteorder" else content)
    alike(torch.load(tmp_path / "b.pt"), rushlight.load(tmp_path / "b.pt"))
    alike(made, rushlight.load(tmp_path / "b.pt"))


def on_cuda():
    """A file whose storage says that it was on a GPU."""
    file = io.BytesIO()
    rushlight.save([rushlight.ones(2)], file)
    stored = zipfile.ZipFile(file)
    moved = io.BytesIO()
    with zipfile.ZipFile(moved, "w") as archive:
        for name in stored.namelist():
            content = stored.read(name)
            if name.endswith("data.pkl"):
                content = content.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
            archive.writestr(name, content)
    return moved


@pytest.mark.parametrize(
    "location",
    ["cpu", {"cuda:0": "cpu"}, lambda storage, place: storage, lambda s, p: s.cpu()],
    ids=["str", "dict", "function", "cpu()"],
)
def test_map_location(location):
    for framework in (torch, rushlight):
        file = on_cuda()
        file.seek(0)
        assert framework.load(file, map_location=location)[0].tolist() == [1, 1]
    file.seek(0)
    assert rushlight.load(file, map_location=rushlight.device("cpu"))[0].tolist() == [1, 1]


@pytest.mark.parametrize("location", [None, "cuda", {"cpu": "cuda"}, lambda s, p: None, "strange"])
def test_places_that_are_not_there(location):
    for framework in (torch, rushlight):
        file = on_cuda()
        file.seek(0)
        with pytest.raises(RuntimeError, match=r"is_available|don't know how"):
            framework.load(file, map_location=location)


def test_pickle_module():
    made = build("containers", rushlight)
    file = io.BytesIO()
    rushlight.save(made, file, pickle_module=pickle)
    file.seek(0)
    alike(build("containers", torch), rushlight.load(file, pickle_module=pickle))
    file.seek(0)
    with pytest.raises(RuntimeError, match="explicit pickle_module"):
        rushlight.load(file, pickle_module=pickle, weights_only=True)


@pytest.mark.parametrize(
    "call",
    [
        lambda torch, here: torch.save([1], 123),
        lambda torch, here: torch.save([1], here / "missing" / "a.pt"),
        lambda torch, here: torch.save([1], here),
        lambda torch, here: torch.load(123),
        lambda torch, here: torch.load(here / "missing.pt"),
        lambda torch, here: torch.load(here),
        lambda torch, here: torch.save((n for n in [1]), here / "a.pt"),
    ],
)
def test_wrong_places_and_objects(call, tmp_path):
    with pytest.raises(Exception) as theirs:  # noqa: PT011
        call(torch, tmp_path)
    (tmp_path / "a.pt").unlink(missing_ok=True)
    with pytest.raises(theirs.type):
        call(rushlight, tmp_path)
    assert not (tmp_path / "a.pt").exists()


def test_paths_may_be_text_or_path(tmp_path):
    for path in (tmp_path / "a.pt", str(tmp_path / "b")):
        rushlight.save([1], path)
        assert rushlight.load(path) == torch.load(path) == [1]
    assert sorted(p.name for p in pathlib.Path(tmp_path).iterdir()) == ["a.pt", "b"]


SPARSE = """
    at = torch.tensor([[0, 1, 1], [2, 0, 0]])
    made = [torch.eye(3).to_sparse(), torch.sparse_coo_tensor(at, torch.ones(3, 2), (2, 3, 2))]
"""


def coordinates(framework, tensors):
    """What sparse tensors consist of."""
    return [
        (
            t._indices(),
            t._values(),
            list(t.shape),
            t.is_coalesced(),
            t.layout is framework.sparse_coo,
        )
        for t in tensors
    ]


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")
@pytest.mark.parametrize("to", [torch, rushlight])
@pytest.mark.parametrize("by", [torch, rushlight])
@pytest.mark.parametrize("archive", [True, False])
def test_sparse_tensors(by, to, archive):
    names = {"torch": by}
    exec(textwrap.dedent(SPARSE), names)
    file = io.BytesIO()
    by.save(names["made"], file, _use_new_zipfile_serialization=archive)
    file.seek(0)
    names["torch"] = torch
    exec(textwrap.dedent(SPARSE), names)
    got = coordinates(to, to.load(file))
    problems = list(
        Comparison(torch, to, 0, 0).values("made", coordinates(torch, names["made"]), got)
    )
    assert not problems


@pytest.mark.filterwarnings(
    "ignore:TypedStorage is deprecated:UserWarning"
)  # torch's, once in a process
@pytest.mark.parametrize("to", [torch, rushlight])
@pytest.mark.parametrize("by", [torch, rushlight])
def test_storages(by, to):
    values = by.arange(3.0)
    for storage in (values._typed_storage(), by.arange(3).untyped_storage()):
        file = io.BytesIO()
        by.save([storage, storage], file)
        file.seek(0)
        first, second = to.load(file)
        assert type(first).__name__ == "TypedStorage"
        assert first.tolist() == storage.tolist()
        assert first.data_ptr() == second.data_ptr()
    with pytest.raises(RuntimeError, match="different types"):
        by.save([values, values.untyped_storage()], io.BytesIO())


def test_files_without_checksums():
    torch.serialization.set_crc32_options(False)
    try:
        file = io.BytesIO()
        torch.save({"a": torch.arange(3.0)}, file)
    finally:
        torch.serialization.set_crc32_options(True)
    file.seek(0)
    assert rushlight.load(file)["a"].tolist() == [0, 1, 2]


def test_several_archives_in_one_buffer():
    """torch reads the first where the last has its directory at the same place, and else none."""
    parity("""
    import io


    def read(*things, place=0):
        buffer, starts = io.BytesIO(), []
        for thing in things:
            starts.append(buffer.tell())
            torch.save(thing, buffer)
        buffer.seek(starts[place])
        try:
            return torch.load(buffer)
        except RuntimeError as error:
            return str(error)[:80]


    a, b, large = torch.ones(2), torch.zeros(3), torch.ones(300)
    first, second, third = read(a, b), read(a, b, place=1), read(a, b, a * 2, place=1)
    neither, after = read(a, large), read(large, b, place=1)
    text = attempt(lambda: torch.load(io.StringIO("text")))
    """)
