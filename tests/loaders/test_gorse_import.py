"""`reelgraph import gorse`: a dump, exports as JSON lines, and the API of a running service."""

from __future__ import annotations

import contextlib
import json
import struct

import pytest

from graph.items import CatalogItems
from graph.store import open_store
from graph.tables import finish_tables, rows_to_table, write_table
from graph.users import User, feedback_of, user
from loaders.gorse_dump import read_gorse
from loaders.gorse_import import import_gorse
from loaders.tsv import LoadError

USERS = [{"UserId": "u1", "Labels": {"a": ["x"]}, "Comment": "c"}, {"UserId": "", "Labels": None, "Comment": ""}]
ITEMS = [
    {"ItemId": "i1", "IsHidden": True, "Categories": ["x", "y"], "Timestamp": "2021-03-04T05:06:07.5Z",
     "Labels": {"imdb": "tt0000001"}, "Comment": "d"},
    {"ItemId": "i2", "IsHidden": False, "Categories": None, "Timestamp": "0001-01-01T00:00:00Z", "Labels": None,
     "Comment": ""},
]  # fmt: skip
FEEDBACK = [
    {"FeedbackType": "star", "UserId": "u1", "ItemId": "i1", "Timestamp": "2021-03-04T05:06:07Z", "Comment": "e",
     "Value": 2.5},
    {"FeedbackType": "read", "UserId": "u3", "ItemId": "i3", "Timestamp": "0001-01-01T00:00:00Z", "Comment": ""},
]  # fmt: skip


@pytest.fixture
def store(tmp_path):
    write_table(tmp_path / "t", "Title", [rows_to_table("Title", [{"id": "tt0000001", "title": "Fog"}])])
    with contextlib.closing(open_store(f"embedded:{tmp_path / 'store'}", create=True)) as made:
        made.load_tables(finish_tables(tmp_path / "t", []))
        yield made


def field(number, value):
    if isinstance(value, bool):
        return varint(number << 3) + varint(int(value))
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value % 2**64)
    content = value if isinstance(value, bytes) else value.encode()
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value):
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def message(*fields):
    content = b"".join(field(number, value) for number, value in fields if value)
    return struct.pack("<q", len(content)) + content


@pytest.fixture
def dump(tmp_path):
    """The same rows as Gorse dumps them."""
    when = field(1, 1614834367)
    unset = field(1, -62135596800)
    content = struct.pack("<q", -1)
    content += message((1, "u1"), (2, json.dumps(USERS[0]["Labels"])), (3, "c")) + message((2, "null"))
    content += struct.pack("<q", -2)
    content += message((2, "i1"), (3, True), (4, "x"), (4, "y"), (5, when + field(2, 500_000_000)),
                       (6, '{"imdb": "tt0000001"}'), (7, "d"))  # fmt: skip
    content += message((2, "i2"), (5, unset), (6, "null"))
    content += struct.pack("<q", -3)
    content += message((2, "star"), (3, "u1"), (4, "i1"), (5, when), (6, "e"), (7, 2.5))
    content += message((2, "read"), (3, "u3"), (4, "i3"), (5, unset)) + struct.pack("<q", 0)
    path = tmp_path / "gorse.dump"
    path.write_bytes(content)
    return path


@pytest.fixture
def exports(tmp_path):
    folder = tmp_path / "exports"
    folder.mkdir()
    for name, rows in (("users", USERS), ("items", ITEMS), ("feedback", FEEDBACK)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return folder


@pytest.mark.parametrize("source", ["dump", "exports"])
def test_everything_comes_over_and_a_second_time_changes_nothing(request, store, source):
    path = request.getfixturevalue(source)
    for _ in range(2):
        done = import_gorse(store, read_gorse(str(path)), "shop")
        assert (done.users, done.items, done.matched, done.feedback, dict(done.left_out)) == (2, 2, 1, 2, {})
    assert user(store, "u1") == User("u1", {"a": ["x"]}, "c")
    items = CatalogItems(store, "shop").now().by_id
    one = items["i1"]
    assert (one.title, one.hidden, one.categories, one.comment) == ("tt0000001", True, ("x", "y"), "d")
    assert (one.timestamp, one.nanos) == (1614834367, 500_000_000)
    assert (items["i2"].title, items["i2"].timestamp, sorted(items)) == ("item:i2", None, ["i1", "i2", "i3"])
    (said,) = feedback_of(store, ["u1"])
    assert (said.title, said.type, said.value, said.timestamp, said.comment) == (
        "tt0000001", "star", 2.5, 1614834367, "e"
    )  # fmt: skip
    assert [(said.title, said.timestamp) for said in feedback_of(store, ["u3"])] == [("item:i3", None)]


def test_a_dump_that_is_none_or_broken_off(dump, store, tmp_path):
    whole = dump.read_bytes()
    for content, says in ((whole[:-8], "has no end"), (whole[:60], "ends in the middle|has no end"),
                          (b"not a dump at all, but longer", "is no dump of Gorse")):  # fmt: skip
        dump.write_bytes(content)
        with pytest.raises(LoadError, match=says):
            list(read_gorse(str(dump)))
    for source, says in ((str(tmp_path / "nowhere"), "is no file, folder or address"), (str(tmp_path), "holds none of"),
                         ("http://127.0.0.1:9", "does not answer")):  # fmt: skip
        with pytest.raises(LoadError, match=says):
            list(read_gorse(source))


def test_rows_that_are_wrong_are_left_out_and_named(exports, store):
    (exports / "users.jsonl").write_text('{"UserId": 5}\n{"UserId": "u1", "Labels": [true]}\n', "utf-8")
    done = import_gorse(store, read_gorse(str(exports)), "shop")
    assert done.users == 0
    assert sum(done.left_out.values()) == 2
    (exports / "feedback.jsonl").write_text('{"Value": true}\n{"Value": "5"}\n{"Value": 1%s}\n' % (400 * "0"), "utf-8")
    done = import_gorse(store, read_gorse(str(exports)), "shop")
    assert (done.feedback, done.left_out["feedback: Value must be a number"]) == (0, 3)
    (exports / "items.jsonl").write_text("{\n", "utf-8")
    with pytest.raises(LoadError, match=r"items.jsonl, row 1"):
        list(read_gorse(str(exports)))
