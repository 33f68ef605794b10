"""The table of public names, and the lists that are written from it."""

import importlib

from tools.write_names import read, texts


def test_writing_changes_nothing():
    changed = [str(path) for path, text in texts().items() if path.read_text() != text]
    assert not changed, "run tools/write_names.py"


def test_every_name_stands_where_the_table_says():
    for entry in read():
        module = {"torch": "", "Tensor": ""}.get(entry.place, f".{entry.place}")
        place = importlib.import_module(f"rushlight{module}")
        place = place.Tensor if entry.place == "Tensor" else place
        room = importlib.import_module(f"rushlight.{entry.room}")
        assert getattr(place, entry.shown) is getattr(room, entry.name), entry


def test_nothing_is_said_twice():
    places = [(entry.place, entry.shown) for entry in read()]
    assert len(places) == len(set(places))
