"""The table of public names, and the lists that are written from it."""

import importlib

from tools.write_names import read, texts

from rushlight.overriding import functions


def test_writing_changes_nothing():
    changed = [str(path) for path, text in texts().items() if path.read_text() != text]
    assert not changed, "run tools/write_names.py"


def test_every_name_stands_where_the_table_says():
    for entry in read():
        module = {"torch": "", "Tensor": ""}.get(entry.place, f".{entry.place}")
        place = importlib.import_module(f"rushlight{module}")
        place = place.Tensor if entry.place == "Tensor" else place
        room = importlib.import_module(f"rushlight.{entry.room}")
        own = getattr(place, entry.shown)
        if entry.asks or (entry.place == "Tensor" and entry.mark != "!"):
            # A function of its own on the code of the room's.
            own = next(f for twin, f, *_ in functions._declared if twin is own)
        theirs = getattr(room, entry.name)
        if entry.place == "Tensor" and own is not theirs:
            # But for `out`, which methods have not.
            same = (own.__code__.co_filename, own.__code__.co_firstlineno)
            assert same == (theirs.__code__.co_filename, theirs.__code__.co_firstlineno), entry
            continue
        assert own is theirs, entry


def test_nothing_is_said_twice():
    places = [(entry.place, entry.shown) for entry in read()]
    assert len(places) == len(set(places))
