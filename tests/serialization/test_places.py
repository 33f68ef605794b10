"""Where the storages of a file lie, and what is set for all files."""

import io

import pytest
import torch
from tests.parity import parity

import rushlight


def test_places_and_settings():
    parity("""
        from torch import serialization as s
        storage = torch.ones(2, 3).untyped_storage()
        tag = s.location_tag(storage)
        same = s.default_restore_location(storage, "cpu") is storage
        settings = (s.get_default_load_endianness(), s.get_crc32_options(), int(s.get_default_mmap_options()))
        orders = [(order.name, order.value) for order in s.LoadEndianness]
        with s.set_default_mmap_options(1):
            within = int(s.get_default_mmap_options())
        after = int(s.get_default_mmap_options())
        class module:
            __name__, __version__ = "module", "1.10.2"
        versions = [s.check_module_version_greater_or_equal(module, v) for v in [(1, 2), (1, 10), (1, 11), (2,)]]
    """)


@pytest.mark.parametrize(
    "line",
    [
        "serialization.default_restore_location(torch.ones(1).untyped_storage(), 'cuda:0')",
        "serialization.default_restore_location(torch.ones(1).untyped_storage(), 'elsewhere')",
        "serialization.validate_cuda_device('cuda')",
        "serialization.validate_hpu_device('hpu')",
        "serialization.set_default_load_endianness('little')",
        "serialization.set_default_mmap_options(7)",
    ],
)
def test_errors(line):
    kinds = []
    for framework in (torch, rushlight):
        with pytest.raises((RuntimeError, TypeError, ValueError)) as caught:
            eval(line, {"torch": framework, "serialization": framework.serialization})
        kinds.append(caught.type)
    assert kinds[0] is kinds[1]


def test_a_registered_place_is_asked(monkeypatch):
    places = rushlight.serialization.places
    monkeypatch.setattr(places, "_packages", list(places._packages))
    rushlight.serialization.register_package(
        1, lambda storage: None, lambda storage, where: storage if where == "attic" else None
    )
    file = io.BytesIO()
    rushlight.save(rushlight.ones(2), file)
    file.seek(0)
    assert rushlight.load(file, map_location={"cpu": "attic"}).tolist() == [1.0, 1.0]


def test_a_shared_map_changes_the_file(tmp_path):
    path = tmp_path / "x.pt"
    rushlight.save(rushlight.zeros(4), path)
    with rushlight.serialization.set_default_mmap_options(1):
        rushlight.load(path, mmap=True).fill_(3.0)
    assert rushlight.load(path, mmap=True).tolist() == torch.load(path).tolist() == [3.0] * 4


def test_a_slice_of_a_storage_is_a_storage():
    parity("""
        storage = torch.arange(4.0).untyped_storage()
        part = storage[4:12]
        t = torch.empty(0).set_(part)
        t[0] = 7.0
        where = t.storage_offset(), len(part), part.data_ptr() - storage.data_ptr(), storage.tolist()[:8]
        missing = attempt(lambda: torch.from_file("/there/is/none", size=2))
    """)
