"""What decides how files are read and written: places, switches of the environment, settings, trust; and its words."""

from __future__ import annotations

import fractions
import io
import pickle
import zipfile

import pytest
import torch

import rushlight

BOTH = pytest.mark.parametrize("framework", [torch, rushlight], ids=["torch", "rushlight"])


def saved(framework, made, **options):
    file = io.BytesIO()
    framework.save(made, file, **options)
    file.seek(0)
    return file


def archive(pickled):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as records:
        records.writestr("x/data.pkl", pickled)
        records.writestr("x/version", "3\n")
        records.writestr("x/byteorder", "little")
    file.seek(0)
    return file


REFUSALS = {
    b"\x80\x02ctorch.nn.modules.linear\nLinear\n.": (
        "Unsupported global: GLOBAL torch.nn.modules.linear.Linear was not an allowed global by default. "
        "Please use `torch.serialization.add_safe_globals([torch.nn.modules.linear.Linear])` or the "
        "`torch.serialization.safe_globals([torch.nn.modules.linear.Linear])` context manager to "
        "allowlist this global if you trust this class/function."
    ),
    b"\x80\x02c__builtin__\ngetattr\n.": "Unsupported global: GLOBAL getattr was not an allowed",
    b"\x80\x02cos\nsystem\n.": "Trying to load unsupported GLOBAL os.system whose module os is blocked",
    b"\x80\x02ctorch\nSize\n)R}K\x01a.": "Can only append to lists, but got <class 'dict'>",
    b"\x80\x02ctorch\nfloat32\n}b.": "Can only build Tensor, Parameter, OrderedDict or types allowlisted via",
    b"\x80\x02]K\x01K\x02s.": "Can only SETITEM for dict, collections.OrderedDict, collections.Counter, but",
    b"\x80\x02\x82\x01.": "Unsupported operand 130",
    b"\x80\x02X\x03\x00\x00\x00oddQ.": "persistent_load id must be tuple or int, but got <class 'str'>",
}


@BOTH
@pytest.mark.parametrize("pickled", REFUSALS)
def test_the_words_of_refusals_are_torchs(framework, pickled):
    with pytest.raises(pickle.UnpicklingError) as caught:
        framework.load(archive(pickled))
    message = str(caught.value)
    assert message.startswith("Weights only load failed.")
    assert REFUSALS[pickled] in message


@BOTH
def test_a_list_of_a_class_is_no_list_even_if_it_is_trusted(framework):
    class L(list):
        pass

    pickled = b"\x80\x02celsewhere\nL\n)\x81K\x01a."
    trusted = framework.serialization.safe_globals([(L, "elsewhere.L")])
    with trusted, pytest.raises(pickle.UnpicklingError, match="Can only append to lists"):
        framework.load(archive(pickled))


@BOTH
def test_what_is_trusted(framework):
    s = framework.serialization
    s.clear_safe_globals()
    s.add_safe_globals([print, dict, (print, "x.y")])
    assert set(map(str, s.get_safe_globals())) == set(map(str, [print, dict, (print, "x.y")]))
    with s.safe_globals([list, dict]):
        assert len(s.get_safe_globals()) == 4
        s.add_safe_globals([set])
    # What the block was given is gone, even if it was trusted before; what was added in it stays.
    assert set(map(str, s.get_safe_globals())) == set(map(str, [print, set, (print, "x.y")]))
    s.clear_safe_globals()
    assert s.get_safe_globals() == []


@BOTH
@pytest.mark.parametrize(
    ("forced", "forbidden", "options", "loads"),
    [
        ("0", "1", {}, True),
        ("0", "1", {"weights_only": True}, False),
        ("1", "0", {"weights_only": False}, False),
        ("true", "0", {"weights_only": False}, False),
        ("0", "0", {}, False),
        ("1", "1", {}, RuntimeError),
        ("1", "0", {"pickle_module": pickle}, RuntimeError),
    ],
)
def test_switches_of_the_environment(framework, monkeypatch, forced, forbidden, options, loads):
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", forced)
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", forbidden)
    file = saved(framework, [fractions.Fraction(1, 2)])
    if loads is True:
        with pytest.warns(UserWarning, match="forcing weights_only=False"):
            assert framework.load(file, **options) == [fractions.Fraction(1, 2)]
    else:
        with pytest.raises(loads or pickle.UnpicklingError):
            framework.load(file, **options)


def _fails(storage, place):
    raise ZeroDivisionError


@BOTH
@pytest.mark.parametrize("weights_only", [True, False])
@pytest.mark.parametrize(
    ("place", "error"),
    [
        (5, TypeError), (["cpu"], TypeError), ({"cpu": 5}, TypeError), ("mps", RuntimeError),
        ({"cpu": torch.device("cpu")}, TypeError), (lambda s, p: 5, TypeError),
        (_fails, ZeroDivisionError), ("cpu:0", RuntimeError), ("xpu", RuntimeError),
        ("cuda:7", RuntimeError), ("strange", RuntimeError),
    ],
)  # fmt: skip
def test_places_that_are_none(framework, place, error, weights_only):
    with pytest.raises(error) as caught:
        framework.load(saved(framework, framework.ones(2)), place, weights_only=weights_only)
    assert caught.type is error


@BOTH
@pytest.mark.parametrize("place", ["meta", torch.device("meta"), {"cpu": "meta"}])
def test_a_file_on_the_meta_device(framework, place):
    place = framework.device("meta") if isinstance(place, torch.device) else place
    for options in ({}, {"_use_new_zipfile_serialization": False}):
        got = framework.load(saved(framework, [framework.ones(2, 3).t()], **options), place)
        assert got[0].device.type == "meta"
        assert got[0].stride() == (1, 3)


@BOTH
def test_files_without_values(framework, tmp_path):
    path = tmp_path / "a.pt"
    tensor = framework.arange(6.0)
    s = framework.serialization
    with s.skip_data():
        framework.save({"a": tensor, "b": tensor[1:]}, path)
        with pytest.raises(RuntimeError, match="Cannot use skip_data=True"):
            framework.save(tensor, path, _use_new_zipfile_serialization=False)
    got = framework.load(path)
    assert got["b"].shape == (5,)
    assert got["b"].storage_offset() == 1
    about = zipfile.ZipFile(path).getinfo("a/data/0")
    assert (about.file_size, about.CRC) == (24, 0)
    content = bytearray(path.read_bytes())
    start = next(i for i in range(0, len(content), 64) if content[i : i + 24] == bytes(24))
    content[start : start + 24] = tensor.numpy().tobytes()
    path.write_bytes(content)
    assert framework.load(path)["b"].tolist() == [1, 2, 3, 4, 5]
    framework.save(tensor, path)
    with s.skip_data():
        assert framework.load(path).shape == (6,)
    assert framework.load(path).tolist() == tensor.tolist()


@BOTH
def test_settings(framework, tmp_path):
    config = framework.utils.serialization.config
    path = tmp_path / "a.pt"
    framework.save([framework.ones(3)], path)
    assert (config.load.mmap, config.save.storage_alignment) == (False, 64)
    with config.patch("load.mmap", True), pytest.raises(ValueError, match="must be a file path"):
        framework.load(io.BytesIO(path.read_bytes()))
    with config.patch({"save.storage_alignment": 4096, "load.mmap": True}):
        framework.save([framework.ones(3)], path)
        assert framework.load(path)[0].tolist() == [1, 1, 1]
    content = path.read_bytes()
    start = content.index(framework.ones(3).numpy().tobytes())
    assert start % 4096 == 0
    with pytest.raises(AttributeError, match=r"load\.foo"):
        config.patch("load.foo", 1).__enter__()
    framework.serialization.set_crc32_options(False)
    assert config.save.compute_crc32 is False
    framework.serialization.set_crc32_options(True)


def test_the_byte_order_is_written_in_any_case():
    for framework in (torch, rushlight):
        file = saved(framework, [framework.ones(1)], _disable_byteorder_record=True)
        assert zipfile.ZipFile(file).read("archive/byteorder") == b"little"


def test_names_that_files_have_for_functions_and_methods_of_torch():
    made = [torch.relu, torch.Tensor.add, torch.nn.functional.relu, torch.nn.init.zeros_]
    got = rushlight.load(saved(torch, made), weights_only=False)
    assert got[0](rushlight.tensor([-1.0])).item() == 0
    assert got[1] is rushlight.Tensor.add
    assert got[2](rushlight.tensor([-1.0])).item() == 0
