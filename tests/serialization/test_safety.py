"""weights_only=True makes data and nothing else, whatever the file says."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch

import rushlight
from rushlight.serialization import (
    add_safe_globals,
    clear_safe_globals,
    get_safe_globals,
    safe_globals,
)


class Config:
    def __init__(self, width):
        self.width = width


class Slotted:
    __slots__ = ("depth",)


@pytest.fixture(autouse=True)
def _nothing_trusted():
    clear_safe_globals()
    torch.serialization.clear_safe_globals()
    yield
    clear_safe_globals()
    torch.serialization.clear_safe_globals()


def archive(pickled: bytes) -> io.BytesIO:
    """A .pt file around a pickle made by hand."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as records:
        records.writestr("x/data.pkl", pickled)
        records.writestr("x/version", "3\n")
    file.seek(0)
    return file


def saved(thing) -> io.BytesIO:
    file = io.BytesIO()
    rushlight.save(thing, file)
    file.seek(0)
    return file


class Runs:
    def __reduce__(self):
        return os.system, ("echo run > /tmp/it-ran",)


ATTACKS = {
    "a call of os.system": pickle.dumps(Runs(), 2),
    "the same in protocol 4": pickle.dumps(Runs(), 4),
    "builtins.eval": b"\x80\x02c__builtin__\neval\nX\x03\x00\x00\x001+1\x85R.",
    "getattr": b"\x80\x02c__builtin__\ngetattr\nctorch\nTensor\nX\x04\x00\x00\x00data\x86R.",
    "a name inside an allowed one": b"\x80\x04\x8c\x05torch\x8c\x0fTensor.backward\x93.",
    "a module's import": b"\x80\x02crushlight.cli.run\nos\n.",
    "INST": b"(S'echo'\nios\nsystem\n.",
    "OBJ": b"\x80\x02(cos\nsystem\nX\x04\x00\x00\x00echoo.",
    "NEWOBJ_EX": b"\x80\x04ccollections\nOrderedDict\n)}\x92.",
    "an extension code": b"\x80\x02\x82\x01.",
    "a call of a tensor": b"\x80\x02ctorch\nTensor\n)\x81)R.",
    "a call of a dtype": b"\x80\x02ctorch\nfloat32\n)R.",
    "attributes of a function": (
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}X\x01\x00\x00\x00aK\x01sb."
    ),
    "attributes of a class": b"\x80\x02ctorch\nTensor\nN}X\x03\x00\x00\x00addK\x01s\x86b.",
    "attributes of a tensor": b"\x80\x02ctorch\nTensor\n)\x81}X\x05\x00\x00\x00_dataK\x01sb.",
    "a class as a list": b"\x80\x02ccollections\nOrderedDict\n(K\x01K\x02u.",
    "an unknown persistent id": b"\x80\x02X\x03\x00\x00\x00oddQ.",
    "a persistent id of no storage": b"\x80\x02(X\x07\x00\x00\x00storageK\x01K\x02K\x03K\x04tQ.",
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks(name):
    with pytest.raises((pickle.UnpicklingError, RuntimeError)) as caught:
        rushlight.load(archive(ATTACKS[name]))
    assert not os.path.exists("/tmp/it-ran")
    assert str(caught.value)


def tensor_at(offset: int, size: int, stride: int) -> bytes:
    """A pickle of a tensor on a storage of four floats."""

    class At:
        def __reduce__(self):
            return rushlight._utils._rebuild_tensor_v2, (
                rushlight.zeros(4)._typed_storage(),
                offset,
                (size,),
                (stride,),
                False,
                OrderedDict(),
            )

    file = io.BytesIO()
    rushlight.serialization.pickling.make_pickler(pickle, file, 2).dump(At())
    return file.getvalue()


@pytest.mark.parametrize(
    ("offset", "size", "stride", "fits"),
    [
        (0, 4, 1, True), (1, 3, 1, True), (3, 9, 0, True), (4, 0, 1, True), (0, 5, 1, False),
        (1, 4, 1, False), (-1, 1, 1, False), (0, 2, 4, False), (3, 4, -1, False),
        (0, -1, 1, False), (2**62, 1, 1, False), (0, 2, 2**62, False), (0, 2**62, 0, True),
    ],
)  # fmt: skip
def test_no_tensor_reaches_beyond_its_storage(offset, size, stride, fits):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as records:
        records.writestr("x/data.pkl", tensor_at(offset, size, stride))
        records.writestr("x/data/0", np.arange(4, dtype=np.float32).tobytes())
    file.seek(0)
    if fits and size < 100:
        expected = [float(offset + i * stride) for i in range(size)]
        assert rushlight.load(file).tolist() == expected
    elif not fits:
        with pytest.raises((RuntimeError, pickle.UnpicklingError)):
            rushlight.load(file)


def test_a_class_is_refused_and_the_error_says_how_to_trust_it():
    with pytest.raises(pickle.UnpicklingError) as caught:
        rushlight.load(saved([Config(3)]))
    message = str(caught.value)
    assert "Weights only load failed" in message
    assert f"add_safe_globals([{Config.__module__}.Config])" in message
    assert "weights_only=False" in message


def test_a_trusted_class_loads():
    with safe_globals([Config, Slotted]):
        slotted = Slotted()
        slotted.depth = 2
        config, other = rushlight.load(saved([Config(3), slotted]))
        assert (config.width, other.depth) == (3, 2)
        assert get_safe_globals() == [Config, Slotted]
    with pytest.raises(pickle.UnpicklingError):
        rushlight.load(saved([Config(3)]))
    add_safe_globals([(Config, "elsewhere.Config")])
    got = rushlight.load(
        archive(b"\x80\x02celsewhere\nConfig\n)\x81}X\x05\x00\x00\x00widthK\x07sb.")
    )
    assert got.width == 7


def test_arrays_need_trust_as_in_torch():
    file = saved({"array": np.arange(3)})
    for framework in (torch, rushlight):
        file.seek(0)
        with pytest.raises(pickle.UnpicklingError):
            framework.load(file)
        file.seek(0)
        assert framework.load(file, weights_only=False)["array"].tolist() == [0, 1, 2]
        trusted = [np._core.multiarray._reconstruct, np.ndarray, np.dtype, type(np.dtype("int64"))]
        file.seek(0)
        with framework.serialization.safe_globals(trusted):
            assert framework.load(file)["array"].tolist() == [0, 1, 2]


def test_what_torch_has_and_rushlight_lacks():
    pickled = b"\x80\x02ctorch.nn.quantized\nThing\n."
    with pytest.raises(pickle.UnpicklingError, match="rushlight does not have"):
        rushlight.load(archive(pickled))
    with pytest.raises(AttributeError, match="rushlight does not have"):
        rushlight.load(archive(pickled), weights_only=False)


def test_a_file_cannot_change_how_a_tensor_works():
    file = io.BytesIO()
    tensor = torch.ones(2)
    tensor.__dict__.update(_data_="gone", _version=None, note="kept")
    torch.save(tensor, file)
    file.seek(0)
    got = rushlight.load(file)
    assert got.note == "kept"
    assert (got + 1).tolist() == [2, 2]
