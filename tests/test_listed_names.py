"""The page of torch's public names, and the rooms that torch has not."""

import importlib.util
from pathlib import Path

import pytest
from tools import list_names

import rushlight
from rushlight.cli.finder import OWN

REFUSED = [
    "quantize_per_tensor",
    "cudnn_convolution",
    "PyTorchFileReader",
]


def test_the_page_says_what_is():
    assert list_names.PAGE.read_text() == list_names.page(), "run tools/list_names.py"


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_says_what_to_do_instead(name):
    refused = getattr(rushlight, name)
    with pytest.raises(NotImplementedError, match=r"rushlight has no .*: .*"):
        refused(1)
    assert not isinstance(1, refused)


def test_rooms_that_torch_has_not_are_told_apart():
    rooms = {path.stem for path in Path(rushlight.__file__).parent.iterdir() if path.name[0] != "."}
    # `torch.ops` is an object.
    rooms -= {"__init__", "__main__", "__pycache__", "py", "vision", "ops"}
    (folder,) = importlib.util.find_spec("torch").submodule_search_locations
    theirs = {path.name.partition(".")[0] for path in Path(folder).iterdir()}
    ours = rooms - theirs
    assert ours | {"ops"} == OWN
