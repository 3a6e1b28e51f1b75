from __future__ import annotations

import stat
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.indexing import person_names, title_names
from graph.names import name_key, name_keys, normalise, normalised
from graph.store import StoreDamaged
from graph.tables import GraphTables, finish_tables, rows_to_table, write_table
from graph.text import TitleIndex

ANY_TEXT = st.text() | st.text(st.characters(exclude_categories=()))
NAMES = [
    # id, text, votes, adult
    ("tt1", "The Matrix", 2_000_000, False),
    ("tt2", "Amélie", 800_000, False),
    ("tt3", "千と千尋の神隠し", 900_000, False),
    ("tt4", "Солярис", 90_000, False),
    ("tt5", "WALL·E", 1_200_000, False),
    ("tt6", "$", 100, False),
    ("tt7", "M*A*S*H", 80_000, False),
    ("tt8", "Spider-Man", 900_000, False),
    ("tt9", "Rocky II", 240_000, False),
    ("tt10", "Dune", 900_000, False),
    ("tt11", "Dune", 190_000, False),
    ("tt12", "Dune", 20, False),
    ("tt13", "The Shawshank Redemption", 3_000_000, False),
    ("tt14", "Night Matrix", 5_000_000, True),
    ("tt15", "The Matrix", 6_000_000, True),
    ("tt16", "Interstellar", 2_400_000, False),
    ("tt17", "The Lord of the Rings: The Fellowship of the Ring", 2_200_000, False),
    ("tt18", "Ocean's Eleven", 670_000, False),
    ("tt19", "!!!", 10, False),
    ("tt20", "ต้มยำกุ้ง", 40_000, False),
    ("tt21", "หนังสือ", 10, False),
]


def frame(rows: list[tuple[str, str, int, bool]]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": [row[0] for row in rows],
            "text": [row[1] for row in rows],
            "type": ["primary"] * len(rows),
            "region": [None] * len(rows),
            "language": [None] * len(rows),
            "votes": [row[2] for row in rows],
            "year": [1999] * len(rows),
            "kind": ["movie"] * len(rows),
            "adult": [row[3] for row in rows],
        },
        schema_overrides={"region": pl.String, "language": pl.String},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("names")
    TitleIndex.build(folder, iter([frame(NAMES[:10]), frame(NAMES[10:])]))
    return folder


@pytest.fixture(scope="module")
def index(folder: Path) -> TitleIndex:
    return TitleIndex.open(folder)


def ids(index: TitleIndex, query: str, *, limit: int = 10, prefix: bool = False, adult: bool = False) -> list[str]:
    return [hit.id for hit in index.search(query, limit, prefix=prefix, adult=adult)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Amélie", "amelie"),
        ("  The   Matrix ", "the matrix"),
        ("Ocean's Eleven", "oceans eleven"),
        ("Ocean’s Eleven", "oceans eleven"),
        ("L'avventura", "l avventura"),
        ("WALL·E", "walle"),
        ("M*A*S*H", "mash"),
        ("E.T.", "et"),
        ("Spider-Man", "spider man"),
        ("Se7en", "se7en"),
        ("Fast & Furious", "fast and furious"),
        ("Ｆｕｌｌ　Ｗｉｄｔｈ", "full width"),
        ("Große Straße", "grosse strasse"),
        ("ﬁlm Œuvre", "film oeuvre"),
        ("Łódź, Ørsted", "lodz orsted"),
        ("Ёлки и Йога", "елки и йога"),
        ("и\u0306ога", "йога"),
        ("ガンダム", "ガンダム"),
        ("カ\u3099ンダム", "ガンダム"),
        ("ｶﾞﾝﾀﾞﾑ", "ガンダム"),
        ("हिन्दी", "हिन्दी"),
        ("ต้มยำกุ้ง", normalise("ต้มยำกุ้ง")),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευσ"),
        ("8½", "8 1 2"),
        ("Alien³", "alien3"),
        ("$", "$"),
        ("...", "..."),
        ("！！！", "!!!"),
        ("", ""),
        (" \t\n", ""),
        ("\ud800", ""),
    ],
)
def test_names_are_normalised(text: str, name: str) -> None:
    assert normalise(text) == name


def test_marks_of_other_scripts_stay() -> None:
    assert normalise("กี่") != normalise("ก")
    assert normalise("かき") != normalise("がき")


@given(st.lists(st.none() | st.text()))
@settings(max_examples=300, deadline=None)
def test_a_column_is_normalised_like_each_text(texts: list[str | None]) -> None:
    column = pl.DataFrame({"text": texts}, schema={"text": pl.String}).select(name=normalised(pl.col("text")))
    expected = [None if text is None else normalise(text) for text in texts]
    assert column["name"].to_list() == expected
    keys = column.select(key=name_keys(pl.col("name")))["key"].to_list()
    assert keys == [None if name is None else name_key(name) for name in expected]


@given(st.lists(st.text("aAzé019 .'*&-_`!stTHeII:\n") | st.text("a's_ .é")))
@settings(max_examples=300, deadline=None)
def test_a_column_of_near_ascii_is_normalised_like_each_text(texts: list[str]) -> None:
    column = pl.DataFrame({"text": texts}, schema={"text": pl.String}).select(name=normalised(pl.col("text")))
    assert column["name"].to_list() == [normalise(text) for text in texts]


@given(
    st.lists(
        st.sampled_from(
            ["the", "a", "le", "rocky", "ii", "two", "2", "x", "i", "v", "part", "one", "la", "of", "twenty", "das"]
        ),
        min_size=1,
    ).map(" ".join)
)
@settings(max_examples=300, deadline=None)
def test_a_column_has_the_key_of_each_name(name: str) -> None:
    assert pl.select(key=name_keys(pl.lit(pl.Series([name]))))["key"].to_list() == [name_key(name)]


@given(ANY_TEXT)
@settings(deadline=None)
def test_normalising_never_raises_and_twice_is_once(text: str) -> None:
    name = normalise(text)
    assert name == " ".join(name.split())
    assert normalise(name) == name


@pytest.mark.parametrize(
    "same",
    [
        ("Rocky II", "Rocky 2", "rocky two"),
        ("Ocean's Eleven", "oceans 11", "Oceans Eleven"),
        ("The Matrix", "Matrix", "Matrix, The"),
        ("Spider-Man", "spiderman", "Spider Man"),
        ("Malcolm X", "malcolm 10"),
        ("WALL·E", "wall-e", "wall e"),
    ],
)
def test_spellings_that_mean_the_same_name_have_one_key(same: tuple[str, ...]) -> None:
    assert len({name_key(normalise(text)) for text in same}) == 1


@pytest.mark.parametrize(
    ("one", "other"), [("Rocky II", "Rocky III"), ("I, Robot", "1 Robot"), ("V for Vendetta", "5 for Vendetta")]
)
def test_other_names_have_other_keys(one: str, other: str) -> None:
    assert name_key(normalise(one)) != name_key(normalise(other))


@pytest.mark.parametrize(
    ("query", "id_"),
    [
        ("matrix", "tt1"),
        ("the matirx", "tt1"),
        ("teh matrix", "tt1"),
        ("amelie", "tt2"),
        ("千と千尋の神隠し", "tt3"),
        ("千と千尋", "tt3"),
        ("神隠し", "tt3"),
        ("солярис", "tt4"),
        ("солярес", "tt4"),
        ("wall-e", "tt5"),
        ("$", "tt6"),
        ("mash", "tt7"),
        ("spiderman", "tt8"),
        ("rocky 2", "tt9"),
        ("redemption shawshank", "tt13"),
        ("shawshenk redemtion", "tt13"),
        ("intersteler", "tt16"),
        ("intrstelr", "tt16"),
        ("fellowship of the ring", "tt17"),
        ("ocean's 11", "tt18"),
        ("!!!", "tt19"),
        ("กุ้ง", "tt20"),
    ],
)
def test_a_name_is_among_the_candidates(index: TitleIndex, query: str, id_: str) -> None:
    assert ids(index, query)[:1] == [id_]


@pytest.mark.parametrize(
    ("query", "id_"),
    [("m", "tt1"), ("ma", "tt1"), ("the mat", "tt1"), ("lord of the r", "tt17"), ("shawsh", "tt13"), ("千と", "tt3")],
)
def test_a_beginning_finds_the_best_known_name(index: TitleIndex, query: str, id_: str) -> None:
    assert ids(index, query, prefix=True)[:1] == [id_]


def test_titles_of_exactly_that_name_come_first_and_by_votes(index: TitleIndex) -> None:
    assert ids(index, "dune")[:3] == ["tt10", "tt11", "tt12"]
    assert ids(index, "dune", limit=1) == ["tt10"]
    assert ids(index, "dune", limit=0) == []


def test_adult_names_are_found_only_when_asked_for(index: TitleIndex) -> None:
    for prefix in (False, True):
        assert not {"tt14", "tt15"} & set(ids(index, "matrix", prefix=prefix))
        assert "tt15" in ids(index, "matrix", prefix=prefix, adult=True)
    assert ids(index, "night matrix")[:1] != ["tt14"]
    assert ids(index, "night matrix", adult=True)[0] == "tt14"


@pytest.mark.parametrize("query", ["", " ", "\ud800", "\x00", "qqqqqqqq zzzzzzzz"])
def test_nothing_is_found_for_nothing(index: TitleIndex, query: str) -> None:
    assert ids(index, query) == []


@pytest.mark.parametrize(
    "query", [*'+-&|!(){}[]^"~*?:\\/', "AND", 'key:"x"', "a* OR b~2", "x" * 100_000, "é " * 50_000]
)
def test_query_syntax_is_only_text(index: TitleIndex, query: str) -> None:
    for prefix in (False, True):
        index.search(query, 10, prefix=prefix)
    assert "tt1" in ids(index, f"matrix{query[:1]}")


@given(ANY_TEXT, st.booleans())
@settings(max_examples=300, deadline=None)
def test_no_text_breaks_a_search(index: TitleIndex, query: str, prefix: bool) -> None:
    assert len(index.search(query, 5, prefix=prefix)) <= 5


def test_a_hit_says_what_was_found(index: TitleIndex) -> None:
    hit = index.search("the matrix", 1)[0]
    assert (hit.label, hit.id, hit.text, hit.type, hit.votes, hit.year, hit.kind, hit.region, hit.language) == (
        "Title", "tt1", "The Matrix", "primary", 2_000_000, 1999, "movie", None, None,
    )  # fmt: skip


def test_opening_and_searching_write_nothing(folder: Path) -> None:
    def state() -> list[tuple[str, int, int]]:
        return sorted((file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in folder.rglob("*"))

    before = state()
    for _ in range(2):
        opened = TitleIndex.open(folder)
        opened.search("matrix", 3)
        opened.close()
    assert state() == before


def test_a_folder_that_cannot_be_written_is_opened(tmp_path: Path) -> None:
    TitleIndex.build(tmp_path, iter([frame(NAMES)]))
    for lock in (tmp_path / "index").glob(".*.lock"):
        lock.unlink()
    before = sorted(tmp_path.rglob("*"))
    opened = TitleIndex.open(tmp_path)
    assert ids(opened, "matrix")[0] == "tt1"
    assert sorted(tmp_path.rglob("*")) == before


def test_everyone_who_may_read_the_names_may_read_the_index(folder: Path) -> None:
    modes = {stat.S_IMODE(file.stat().st_mode) for file in folder.rglob("*") if file.is_file()}
    assert len(modes) == 1


def test_an_index_without_names_finds_nothing(tmp_path: Path) -> None:
    TitleIndex.build(tmp_path / "none", iter([]))
    assert TitleIndex.open(tmp_path / "none").search("matrix", 3) == []


@pytest.mark.parametrize("missing", ["names.arrow", "index/meta.json"])
def test_a_missing_file_is_named_damage(tmp_path: Path, missing: str) -> None:
    TitleIndex.build(tmp_path, iter([frame(NAMES)]))
    (tmp_path / missing).unlink()
    with pytest.raises(StoreDamaged, match="title index"):
        TitleIndex.open(tmp_path)


def test_building_tells_how_far_it_is(tmp_path: Path) -> None:
    told: list[float] = []
    TitleIndex.build(tmp_path, iter([frame(NAMES)]), lambda _what, share: told.append(share))
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_names_come_from_the_tables(tmp_path: Path) -> None:
    titles = [
        {"id": "tt1", "title": "Amélie", "original_title": "Le fabuleux destin", "num_votes": 5, "start_year": 2001},
        {"id": "tt2", "title": "Dune", "original_title": "DUNE!", "is_adult": True},
        {"id": "tt3"},
    ]
    others = [
        {"id": "tt1:1", "title": "amelie", "region": "US"},
        {"id": "tt1:2", "title": "Amelia", "region": "PL", "language": "pl"},
        {"id": "tt1:3", "title": "AMELIA", "region": "HU"},
        {"id": "tt2:1", "title": "Дюна", "region": "RU"},
        {"id": "tt2:2"},
    ]
    write_table(tmp_path, "Title", [rows_to_table("Title", titles)])
    write_table(tmp_path, "AlternateTitle", [rows_to_table("AlternateTitle", others)])
    links = [{"head": other["id"].split(":")[0], "tail": other["id"]} for other in others]
    write_table(tmp_path, "ALSO_KNOWN_AS", [rows_to_table("ALSO_KNOWN_AS", links)])
    names = pl.concat(title_names(finish_tables(tmp_path, [])))
    assert names.columns == [
        "id", "text", "type", "region", "language", "votes", "year", "kind", "adult", "name",
    ]  # fmt: skip
    assert sorted(names.select("id", "text", "type", "region", "votes", "adult").rows()) == [
        ("tt1", "Amelia", "alternate", "PL", 5, False),
        ("tt1", "Amélie", "primary", None, 5, False),
        ("tt1", "Le fabuleux destin", "original", None, 5, False),
        ("tt2", "Dune", "primary", None, 0, True),
        ("tt2", "Дюна", "alternate", "RU", 0, True),
    ]


def test_tables_without_titles_have_no_names(tmp_path: Path) -> None:
    finish_tables(tmp_path, [])
    assert list(title_names(GraphTables.open(tmp_path))) == []


def test_people_are_as_well_known_as_what_they_made(tmp_path: Path) -> None:
    titles = [{"id": f"tt{n}", "title": f"T{n}", "num_votes": 1_000 * n, "is_adult": n == 3} for n in (1, 2, 3)]
    write_table(tmp_path, "Title", [rows_to_table("Title", titles)])
    people = [{"id": f"nm{n}", "name": f"Person {n}"} for n in (1, 2, 3)]
    write_table(tmp_path, "Person", [rows_to_table("Person", people)])
    made = [("nm1", "tt1"), ("nm1", "tt2"), ("nm2", "tt3")]
    write_table(tmp_path, "DIRECTED", [rows_to_table("DIRECTED", [{"head": p, "tail": t} for p, t in made])])
    (names,) = person_names(finish_tables(tmp_path, []))
    assert sorted(names.select("id", "label", "kind", "votes", "adult").rows()) == [
        ("nm1", "Person", "person", 300, False),
        ("nm2", "Person", "person", 300, True),
        ("nm3", "Person", "person", 0, False),
    ]


def test_people_stand_behind_titles_and_take_the_place_of_few(tmp_path: Path) -> None:
    rows = [(f"tt{n}", f"Nora Vance {n}", 10, False) for n in range(40)]
    people = frame([(f"nm{n}", "Nora Vance", 9_000, n == 0) for n in range(20)]).with_columns(label=pl.lit("Person"))
    TitleIndex.build(tmp_path, iter([frame(rows), people]))
    found = TitleIndex.open(tmp_path).search("nora vance", 16)
    assert [each.label for each in found] == ["Title"] * 14 + ["Person"] * 2
    assert "nm0" not in {each.id for each in TitleIndex.open(tmp_path).search("nora vance", 200)}


def test_an_index_made_before_people_were_in_it_still_opens(tmp_path: Path) -> None:
    TitleIndex.build(tmp_path, iter([frame(NAMES)]))
    with pa.ipc.open_file(tmp_path / "names.arrow") as file:
        names = file.read_all().drop_columns(["label"]).replace_schema_metadata({b"format": b"1"})
    with pa.ipc.new_file(tmp_path / "names.arrow", names.schema) as writer:
        writer.write_table(names)
    found = TitleIndex.open(tmp_path).search("the matrix", 5)
    assert (found[0].label, found[0].text) == ("Title", "The Matrix")
