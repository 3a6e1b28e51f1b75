"""The load from end to end: what a second one changes, and what it leaves to catalogs, own titles and feedback."""

from __future__ import annotations

import csv

import pytest

from graph.store import Scope, StoreError, open_store
from loaders.catalog import CatalogError, CatalogFile
from loaders.imdb import Choices, LoadError
from loaders.load import load, load_sample

IMDB = {
    "title.basics": [
        "tconst titleType primaryTitle originalTitle isAdult startYear endYear runtimeMinutes genres",
        "tt0000001|movie|Paper Lanterns|Paper Lanterns|0|2001|\\N|125|Animation,Drama",
        "tt0000002|movie|Night Ferry|Nachtfähre|0|2010|\\N|90|Drama",
        "tt0000003|movie|The Glass Harbour|The Glass Harbour|0|1995|\\N|101|Crime",
        "tt0000004|tvSeries|Tide Tables|Tide Tables|0|2012|2014|45|Drama",
    ],
    "title.ratings": [
        "tconst averageRating numVotes",
        "tt0000001|8.6|90000",
        "tt0000002|6.1|300",
        "tt0000003|7.5|1200",
    ],
    "title.crew": ["tconst directors writers", "tt0000001|nm01|nm01", "tt0000002|nm02|\\N"],
    "name.basics": [
        "nconst primaryName birthYear deathYear primaryProfession knownForTitles",
        "nm01|Chie Mori|1960|\\N|director|tt0000001",
        "nm02|Ada Brook|\\N|\\N|director|tt0000002",
    ],
}
HEADER = "item_id,tconst,title,year,kind,genres,people,regions,poster_url"
NORTH = ["n1,tt0000001,Paper Lanterns,2001,movie,,,US,https://pictures.example/1.jpg", "n2,,Night Ferry,2010,movie,,,,"]
OWN = "n3,,Cooking at Home,2024,tvSeries,Cooking|Drama,director:Chie Mori|Zoe Own,,https://pictures.example/3.jpg"
UNSURE = "n4,,The Glas Harbor,1996,movie,,,,"


def write_imdb(folder, *more):
    folder.mkdir(exist_ok=True)
    for name, (header, *rows) in IMDB.items():
        lines = [header.replace(" ", "\t"), *(row.replace("|", "\t") for row in rows)]
        lines += [row.replace("|", "\t") for file, row in more if file == name]
        (folder / f"{name}.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


@pytest.fixture
def imdb(tmp_path):
    return write_imdb(tmp_path / "imdb")


@pytest.fixture
def catalog(tmp_path):
    """Write a catalog's rows; its file."""

    def write(slug, *rows):
        path = tmp_path / f"{slug}.csv"
        path.write_text("\n".join([HEADER, *rows]) + "\n", "utf-8")
        return CatalogFile(path, slug, slug.capitalize())

    return write


@pytest.fixture
def store(tmp_path):
    opened = open_store(f"embedded:{tmp_path / 'store'}", create=True)
    yield opened
    opened.close()


@pytest.fixture
def loaded(store, imdb, catalog):
    """IMDb's four titles, and a catalog of two of them and one own production."""
    load(store, imdb=imdb, catalogs=[catalog("north", *NORTH, OWN)])
    return store


def offered(store, slug=None):
    return dict(zip(*store.offered(Scope(slug)).to_pydict().values(), strict=True))


def titles(store):
    return {row["id"]: row["title"] for batch in store.scan_nodes("Title") for row in batch.to_pylist()}


def ends(store, type_):
    return {(row["head"], row["tail"]) for batch in store.scan_relationships(type_) for row in batch.to_pylist()}


def poster(store, id_):
    return store.get_nodes("Title", [id_], ["poster_url"]).column("poster_url").to_pylist()


def test_a_first_load(store, imdb, catalog):
    told = []
    done = load(
        store,
        imdb=imdb,
        catalogs=[catalog("north", *NORTH, OWN)],
        progress=lambda what, share: told.append((what, share)),
    )
    assert titles(store) == {
        "tt0000001": "Paper Lanterns",
        "tt0000002": "Night Ferry",
        "tt0000003": "The Glass Harbour",
        "tt0000004": "Tide Tables",
        "item:n3": "Cooking at Home",
    }
    assert offered(store, "north") == {"tt0000001": "n1", "tt0000002": "n2", "item:n3": "n3"}
    assert done.version == store.info().version
    assert done.counts == {name: count for name, count in store.info().counts.items() if name in done.counts}
    assert done.imdb.file("title.basics").kept == 4
    assert done.as_dict()["catalogs"][0]["own"] == 1
    assert [source["file"] for source in store.info().details["sources"]] == [
        *(f"{name}.tsv" for name in ("title.basics", "title.ratings", "name.basics", "title.crew")), "north.csv"
    ]  # fmt: skip
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_the_sample(store):
    done = load_sample(store)
    assert done.counts["Title"] > 250
    assert {report.slug for report in done.catalogs} == {"north", "south"}
    assert offered(store, "north")
    assert offered(store, "south")


def test_a_catalog_reloaded_without_imdb_leaves_the_graph_as_it_is(loaded, catalog):
    before, version = titles(loaded), loaded.info().version
    done = load(loaded, catalogs=[catalog("north", NORTH[0].replace(",US,", ",GB,"), OWN)])
    assert done.version == loaded.info().version == version
    assert loaded.info().versions == [version]
    assert titles(loaded) == before
    assert offered(loaded, "north") == {"tt0000001": "n1", "item:n3": "n3"}
    assert loaded.offered(Scope("north", region="US")).column("id").to_pylist() == ["item:n3"]


def test_reloading_the_same_catalog_changes_nothing(loaded, catalog):
    before, version = offered(loaded), loaded.info().version
    for _ in range(2):
        assert load(loaded, catalogs=[catalog("north", *NORTH, OWN)]).version == version
    assert offered(loaded) == before


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ("Cooking at Home", "Cooking Abroad", lambda store: titles(store)["item:n3"] == "Cooking Abroad"),
        ("n3,", "n9,", lambda store: "item:n9" in titles(store) and "item:n3" not in titles(store)),
        ("Cooking|Drama", "Cooking|Crime", lambda store: ("item:n3", "Crime") in ends(store, "IN_GENRE")),
        ("Zoe Own", "Yan Own", lambda store: ("person:yan own", "item:n3") in ends(store, "ACTED_IN")),
        ("3.jpg", "4.jpg", lambda store: poster(store, "item:n3") == ["https://pictures.example/4.jpg"]),
        (",2024,", ",2025,", lambda store: store.get_nodes("Title", ["item:n3"]).to_pylist()[0]["start_year"] == 2025),
    ],
)
def test_a_changed_own_production_changes_the_graph(loaded, catalog, old, new, change):
    version = loaded.info().version
    load(loaded, catalogs=[catalog("north", *NORTH, OWN.replace(old, new))])
    assert change(loaded)
    assert loaded.info().version > version


def test_own_productions_are_kept_when_imdb_is_loaded_anew(loaded, tmp_path):
    directed = {("nm01", "item:n3"), ("nm01", "tt0000001"), ("nm02", "tt0000002")}
    assert ends(loaded, "DIRECTED") == directed
    genres = ends(loaded, "IN_GENRE")
    newer = write_imdb(
        tmp_path / "newer", ("title.basics", "tt0000005|movie|Ferry Again|Ferry Again|0|2026|\\N|90|Drama")
    )
    load(loaded, imdb=newer)
    assert set(titles(loaded)) == {"tt0000001", "tt0000002", "tt0000003", "tt0000004", "tt0000005", "item:n3"}
    assert offered(loaded, "north") == {"tt0000001": "n1", "tt0000002": "n2", "item:n3": "n3"}
    assert ends(loaded, "DIRECTED") == directed
    assert ends(loaded, "ACTED_IN") == {("person:zoe own", "item:n3")}
    assert ends(loaded, "IN_GENRE") == genres | {("tt0000005", "Drama")}
    assert loaded.get_nodes("Person", ["person:zoe own"], ["name"]).column("name").to_pylist() == ["Zoe Own"]


def test_posters_are_kept_when_imdb_is_loaded_anew(loaded, imdb):
    for _ in range(2):
        load(loaded, imdb=imdb)
        assert poster(loaded, "tt0000001") == ["https://pictures.example/1.jpg"]
        assert poster(loaded, "item:n3") == ["https://pictures.example/3.jpg"]
        assert poster(loaded, "tt0000002") == [None]


@pytest.mark.parametrize("with_imdb", [False, True])
def test_an_own_production_goes_with_the_last_catalog_that_offers_it(loaded, imdb, catalog, with_imdb):
    again = {"imdb": imdb} if with_imdb else {}
    load(loaded, catalogs=[catalog("south", OWN)], **again)
    load(loaded, catalogs=[catalog("north", *NORTH)], **again)
    assert "item:n3" in titles(loaded)  # south still has it
    assert offered(loaded, "south") == {"item:n3": "n3"}
    load(loaded, catalogs=[catalog("south", NORTH[0])], **again)
    assert set(titles(loaded)) == {"tt0000001", "tt0000002", "tt0000003", "tt0000004"}
    assert loaded.get_nodes("Person", ["person:zoe own"]).num_rows == 0
    assert ends(loaded, "DIRECTED") == {("nm01", "tt0000001"), ("nm02", "tt0000002")}
    assert [hit.id for hit in loaded.search_text("Cooking at Home", 5)] == []


@pytest.mark.parametrize("with_imdb", [False, True])
def test_a_reviewed_decision_replaces_the_own_title(loaded, imdb, catalog, with_imdb):
    file = catalog("north", *NORTH, UNSURE)
    (report,) = load(loaded, catalogs=[file]).catalogs
    assert (report.unsure, report.review) == (1, file.review_path)
    assert "item:n4" in titles(loaded)
    with file.review_path.open(encoding="utf-8-sig") as opened:
        rows = list(csv.DictReader(opened))
    decided = [row | {"decision": "tt0000003"} if row["item_id"] == "n4" else row for row in rows]
    with file.review_path.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(decided)
    (report,) = load(loaded, catalogs=[file], **({"imdb": imdb} if with_imdb else {})).catalogs
    assert (report.unsure, report.matched["review"]) == (0, 1)
    assert "item:n4" not in titles(loaded)
    assert offered(loaded, "north") == {"tt0000001": "n1", "tt0000002": "n2", "tt0000003": "n4"}


def test_two_catalogs_stand_side_by_side(loaded, imdb, catalog):
    load(loaded, catalogs=[catalog("south", "s1,tt0000001,,,,,,BR,", "s4,tt0000004,,,,,,BR,")])
    assert offered(loaded, "north") == {"tt0000001": "n1", "tt0000002": "n2", "item:n3": "n3"}
    assert offered(loaded, "south") == {"tt0000001": "s1", "tt0000004": "s4"}
    assert set(offered(loaded)) == {"tt0000001", "tt0000002", "tt0000004", "item:n3"}
    load(loaded, imdb=imdb)
    assert set(offered(loaded)) == {"tt0000001", "tt0000002", "tt0000004", "item:n3"}
    assert loaded.offered(Scope(region="BR")).column("id").to_pylist() == [
        "item:n3",
        "tt0000001",
        "tt0000002",
        "tt0000004",
    ]


def test_one_item_id_for_two_works_in_two_catalogs(loaded, catalog, imdb):
    """Two services number their own productions alike: both must stay, whichever is loaded when."""
    load(loaded, catalogs=[catalog("south", OWN.replace("Cooking at Home", "Gardens"))])
    for again in ({}, {"imdb": imdb}):
        assert sorted(titles(loaded)[id_] for id_ in offered(loaded, "south")) == ["Gardens"]
        assert titles(loaded)["item:n3"] == "Cooking at Home"
        load(loaded, catalogs=[catalog("north", *NORTH, OWN)], **again)


def test_feedback_stays(loaded, imdb, catalog):
    loaded.upsert_nodes("User", [{"id": "u1"}])
    likes = [{"head": "u1", "tail": id_, "key": "like", "type": "like"} for id_ in ("tt0000002", "item:n3")]
    loaded.upsert_relationships("RATED", likes)
    for again in ({"imdb": imdb}, {"catalogs": [catalog("north", *NORTH, OWN)]}, {"imdb": imdb}):
        load(loaded, **again)
        assert ends(loaded, "RATED") == {("u1", "tt0000002"), ("u1", "item:n3")}
    load(loaded, catalogs=[catalog("north", *NORTH)])
    assert loaded.neighbours(["u1"], ["RATED"], "out", within=Scope("north")).num_rows == 1


def test_the_last_load_can_be_undone(loaded, tmp_path):
    before = titles(loaded)
    load(loaded, imdb=write_imdb(tmp_path / "n", ("title.basics", "tt0000005|movie|New|New|0|2026|\\N|90|Drama")))
    assert "tt0000005" in titles(loaded)
    loaded.rollback()
    assert titles(loaded) == before


def test_choices_hold_for_the_load(loaded, imdb):
    load(loaded, imdb=imdb, choices=Choices(kinds=frozenset({"movie"}), min_votes=1000))
    assert set(titles(loaded)) == {"tt0000001", "tt0000003", "item:n3"}
    assert offered(loaded, "north") == {"tt0000001": "n1", "item:n3": "n3"}  # tt0000002's offer waits for its title
    load(loaded, imdb=imdb)
    assert offered(loaded, "north") == {"tt0000001": "n1", "tt0000002": "n2", "item:n3": "n3"}


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        (lambda folder: {"imdb": folder / "nothing"}, LoadError, "is not a folder"),
        (lambda folder: {"imdb": folder}, LoadError, r"holds no title\.basics"),
        (lambda folder: {"imdb": folder / "imdb", "engine": "spork"}, LoadError, "there is no engine 'spork'"),
        (lambda folder: {"catalogs": [CatalogFile(folder / "no.csv", "no", "No")]}, CatalogError, "cannot be read"),
        (
            lambda folder: {"imdb": folder / "imdb", "catalogs": [CatalogFile(folder / "bad.csv", "bad", "Bad")]},
            CatalogError,
            "row 2: ",
        ),
    ],
)
def test_what_cannot_be_loaded_changes_nothing(loaded, tmp_path, wrong, error, says):
    (tmp_path / "bad.csv").write_text(HEADER + "\nn1,tt0000001,,,,,,Mars,\n")
    before = titles(loaded), offered(loaded), loaded.info().version
    with pytest.raises(error, match=says):
        load(loaded, **wrong(tmp_path))
    assert (titles(loaded), offered(loaded), loaded.info().version) == before


def test_a_catalog_needs_titles_to_be_matched_to(store, catalog):
    with pytest.raises(LoadError, match=r"holds no titles.*name IMDb's files"):
        load(store, catalogs=[catalog("north", *NORTH)])
    with pytest.raises(StoreError):
        store.rollback()
