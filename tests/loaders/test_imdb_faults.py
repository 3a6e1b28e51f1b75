"""IMDb's files with something wrong in them: nothing is swallowed, and an error names the file and the way out."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from graph.tables import finish_tables, table_path
from loaders import imdb_run
from loaders.imdb import FILES, Choices, FileReport, LoadError, imdb_tables

TITLE = "tt1\tmovie\tOne\tOne\t0\t1999\t\\N\t90\tDrama"
OTHER = "tt2\tmovie\tTwo\tTwo\t0\t2000\t\\N\t90\tDrama"
PERSON = "nm1\tAnn\t1950\t\\N\tactress\ttt1"
CREDIT = "tt1\t1\tnm1\tactress\t\\N\t\\N"


def put(folder: Path, name: str, *lines: str, ending: str = "\n") -> Path:
    """One file of IMDb's, its header written for it."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.tsv"
    text = ending.join(["\t".join(FILES[name]), *lines]) + ending
    path.write_text(text, "utf-8", newline="")
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "imdb"
    put(folder, "title.basics", TITLE, OTHER)
    put(folder, "name.basics", PERSON)
    put(folder, "title.principals", CREDIT)
    return folder


def load(source: Path, name: str = "title.basics", choices: Choices = Choices()) -> FileReport:  # noqa: B008 - frozen
    """Load into `out` beside the source; the file's report, which must account for every row."""
    report = imdb_tables(source, source.parent / "out", choices)
    finish_tables(source.parent / "out", report.sources)
    file = report.file(name)
    assert file.rows == file.kept + sum(file.dropped.values())
    return file


def rows(source: Path, name: str) -> list[dict[str, Any]]:
    return pq.read_table(table_path(source.parent / "out", name), partitioning=None).to_pylist()


def column(source: Path, name: str, of: str) -> list[Any]:
    return [row[of] for row in rows(source, name)]


def test_columns_come_in_any_order(source: Path) -> None:
    (source / "name.basics.tsv").write_text(
        "knownForTitles\textra\tnconst\tdeathYear\tprimaryName\tprimaryProfession\tbirthYear\n"
        "tt1\tx\tnm1\t\\N\tAnn\tactress\t1950\n",
        "utf-8",
    )
    load(source)
    assert rows(source, "Person") == [
        {"id": "nm1", "name": "Ann", "birth_year": 1950, "death_year": None, "professions": ["actress"]}
    ]


def test_a_missing_column_is_named_with_those_that_are_there(source: Path) -> None:
    (source / "title.principals.tsv").write_text("tconst\tnconst\tjob\n", "utf-8")
    with pytest.raises(
        LoadError, match=r"title\.principals\.tsv lacks ordering, category, characters; .*tconst, nconst, job.*Use"
    ):
        load(source)


@pytest.mark.parametrize(("delimiter", "word"), [(",", "commas"), (";", "semicolons")])
def test_another_delimiter_is_said_so(source: Path, delimiter: str, word: str) -> None:
    path = source / "title.basics.tsv"
    path.write_text(path.read_text("utf-8").replace("\t", delimiter), "utf-8")
    with pytest.raises(LoadError, match=rf"title\.basics\.tsv is separated by {word}.*tabs"):
        load(source)


def test_no_folder_and_no_basics(tmp_path: Path, source: Path) -> None:
    with pytest.raises(LoadError, match="is not a folder"):
        imdb_tables(tmp_path / "nowhere", tmp_path / "out")
    (source / "title.basics.tsv").unlink()
    with pytest.raises(LoadError, match=r"holds no title\.basics\.tsv"):
        load(source)


def test_votes_need_ratings(source: Path) -> None:
    with pytest.raises(LoadError, match=r"min_votes needs title\.ratings"):
        load(source, choices=Choices(min_votes=5))


def test_an_unknown_engine_names_those_there_are(source: Path) -> None:
    with pytest.raises(LoadError, match=r"no engine 'duck'; use polars or spark"):
        imdb_tables(source, source.parent / "out", engine="duck")


def test_polars_says_who_reads_urls(source: Path) -> None:
    with pytest.raises(LoadError, match=r"not s3://films/imdb; add --engine spark"):
        imdb_tables("s3://films/imdb", source.parent / "out")


def test_digits_of_other_scripts_and_line_separators_make_no_number(source: Path) -> None:
    put(source, "title.basics", TITLE.replace("1999", "19٩٩"), OTHER.replace("2000", "2000\u2028"))
    assert load(source).repaired == {"startYear malformed, made null": 2}
    assert column(source, "Title", "start_year") == [None, None]


def test_an_empty_file_is_an_error(source: Path) -> None:
    (source / "name.basics.tsv").write_bytes(b"")
    with pytest.raises(LoadError, match=r"name\.basics\.tsv is empty; download it again"):
        load(source)


def test_a_header_alone_is_fine(source: Path) -> None:
    for name in FILES:
        put(source, name)
    file = load(source)
    assert (file.rows, file.kept) == (0, 0)
    assert rows(source, "Title") == rows(source, "ACTED_IN") == rows(source, "EPISODE_OF") == []


def test_gzip_is_told_from_the_bytes_and_the_newer_of_two_files_is_read(source: Path) -> None:
    plain = source / "title.basics.tsv"
    (source / "title.basics.tsv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    assert load(source).file == "title.basics.tsv.gz"
    put(source, "title.basics", TITLE)
    newer = (source / "title.basics.tsv.gz").stat().st_mtime + 10
    os.utime(plain, (newer, newer))
    assert load(source).rows == 1
    (source / "title.basics.tsv.gz").write_bytes(plain.read_bytes())
    plain.unlink()
    assert load(source).rows == 1, "unpacked, under a name that says otherwise"


def test_a_download_cut_short(source: Path) -> None:
    lines = [f"tt{number}\tmovie\t{number * 7919}\t{number}\t0\t1999\t\\N\t90\tDrama" for number in range(20_000)]
    path = put(source, "title.basics", *lines)
    packed = gzip.compress(path.read_bytes())
    path.unlink()
    (source / "title.basics.tsv.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(LoadError, match=r"title\.basics\.tsv\.gz is cut short; download it again"):
        load(source)
    broken = bytearray(packed)
    broken[len(packed) // 2 : len(packed) // 2 + 50] = bytes(50)
    (source / "title.basics.tsv.gz").write_bytes(broken)
    with pytest.raises(LoadError, match=r"title\.basics\.tsv\.gz is damaged.*download it again"):
        load(source)


def test_nothing_is_left_behind_by_an_error_and_old_tables_stay(source: Path) -> None:
    load(source)
    (source / "title.principals.tsv.gz").write_bytes(gzip.compress(b"x" * 50_000)[:40])
    (source / "title.principals.tsv").unlink()
    with pytest.raises(LoadError):
        load(source)
    put(source, "title.principals", CREDIT)

    def interrupt(what: str, _part: float) -> None:
        if what == "people":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        imdb_tables(source, source.parent / "out", progress=interrupt)
    assert sorted(path.name for path in source.parent.iterdir()) == ["imdb", "out"]
    assert column(source, "Title", "id") == ["tt1", "tt2"]
    assert (source.parent / "out" / "manifest.json").exists()


def test_ragged_rows_are_left_out_and_counted(source: Path) -> None:
    put(source, "title.basics", TITLE, "tt7\tmovie\tShort", OTHER + "\ttoo\tmany", "", OTHER)
    file = load(source)
    assert (file.rows, file.kept) == (5, 2)
    assert file.dropped == {"other number of cells than the header": 3}
    assert column(source, "Title", "id") == ["tt1", "tt2"]


def test_a_ragged_row_is_seen_when_another_makes_up_for_it(source: Path) -> None:
    put(source, "title.basics", TITLE + "\tmore", TITLE.rpartition("\t")[0], OTHER)
    assert load(source).dropped == {"other number of cells than the header": 2}


def test_unbalanced_quotes_do_not_swallow_rows(source: Path) -> None:
    put(source, "title.basics", TITLE.replace("One", '"One', 1), OTHER.replace("Two", 'Tw"o', 1))
    assert load(source).kept == 2
    assert column(source, "Title", "title") == ['"One', 'Tw"o']


def test_windows_line_ends_and_a_byte_order_mark(source: Path) -> None:
    path = put(source, "title.basics", TITLE, OTHER, ending="\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert load(source).kept == 2
    assert column(source, "Genre", "id") == ["Drama"]


def test_a_last_line_without_its_newline_counts(source: Path) -> None:
    path = source / "title.basics.tsv"
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    assert load(source).kept == 2


def test_invalid_utf8_is_replaced_and_counted(source: Path) -> None:
    path = source / "title.basics.tsv"
    path.write_bytes(path.read_bytes().replace(b"One\t", b"On\xe9\t", 1))
    assert load(source).repaired == {"invalid UTF-8, replaced": 1}
    assert column(source, "Title", "title") == ["On\ufffd", "Two"]


def test_the_first_of_repeated_ids_is_kept(source: Path) -> None:
    put(source, "title.basics", TITLE, OTHER, TITLE.replace("One", "Again"), TITLE)
    put(source, "name.basics", PERSON, PERSON.replace("Ann", "Bea"))
    put(source, "title.ratings", "tt1\t5.0\t10", "tt1\t6.0\t20")
    put(source, "title.akas", "tt1\t1\tUn\tFR\tfr\t\\N", "tt1\t1\tUne\tFR\tfr\t\\N")
    put(source, "title.crew", "tt1\tnm1\t\\N", "tt1\tnm1\t\\N")
    put(source, "title.episode", "tt1\ttt2\t1\t1", "tt1\ttt2\t1\t2")
    repeated = {"repeats an earlier row": 1}
    assert load(source).dropped == {"repeats an earlier row": 2}
    for name in ("name.basics", "title.ratings", "title.akas", "title.crew", "title.episode"):
        assert load(source, name).dropped == repeated
    assert column(source, "Title", "title") == ["One", "Two"]
    assert column(source, "Title", "num_votes") == [10, None]
    assert column(source, "Person", "name") == ["Ann"]
    assert column(source, "AlternateTitle", "title") == ["Un"]
    assert column(source, "DIRECTED", "head") == ["nm1"]
    assert column(source, "EPISODE_OF", "episode") == [1]


def test_repeated_credits_go_and_two_people_at_one_place_stay(source: Path) -> None:
    put(source, "name.basics", PERSON, PERSON.replace("nm1", "nm2"))
    put(source, "title.principals", CREDIT, CREDIT.replace("nm1", "nm2"), CREDIT.replace("actress", "self"), CREDIT)
    assert load(source, "title.principals").dropped == {"repeats an earlier row": 2}
    assert [(row["head"], row["category"]) for row in rows(source, "ACTED_IN")] == [
        ("nm1", "actress"),
        ("nm2", "actress"),
    ]


def test_repeats_are_found_part_by_part(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imdb_run, "_ROWS_AT_ONCE", 10)
    lines = [f"tt{number}\tmovie\t{number}\t{number}\t0\t1999\t\\N\t90\tDrama" for number in (*range(100), 7, 45, 7)]
    put(source, "title.basics", *lines)
    put(source, "title.crew", *[f"tt{number}\tnm1\tnm1" for number in range(100)])
    file = load(source)
    assert (file.kept, file.dropped) == (100, {"repeats an earlier row": 3})
    assert sorted(column(source, "DIRECTED", "tail")) == sorted(f"tt{number}" for number in range(100))


def test_ids_that_differ_in_leading_zeros_are_two(source: Path) -> None:
    put(source, "title.basics", TITLE, TITLE.replace("tt1", "tt01"))
    put(source, "title.crew", "tt01\tnm1\t\\N")
    assert load(source).kept == 2
    assert column(source, "DIRECTED", "tail") == ["tt01"]


def test_a_genre_named_twice_is_one(source: Path) -> None:
    put(source, "title.basics", TITLE.replace("Drama", "Drama,Comedy,Drama,"))
    load(source)
    assert sorted(column(source, "IN_GENRE", "tail")) == ["Comedy", "Drama"]


def test_dangling_references_are_left_out_and_counted(source: Path) -> None:
    put(source, "title.principals", CREDIT, CREDIT.replace("tt1", "tt9"), CREDIT.replace("nm1", "nm9"))
    put(source, "title.akas", "tt9\t1\tNeuf\tFR\tfr\t\\N")
    put(source, "title.episode", "tt1\ttt9\t1\t1")
    assert load(source, "title.principals").dropped == {"unknown person": 1, "unknown title": 1}
    assert load(source, "title.akas").dropped == {"unknown title": 1}
    assert load(source, "title.episode").dropped == {"unknown title": 1}
    assert len(rows(source, "ACTED_IN")) == 1


def test_unknown_categories_missing_ids_and_orderings(source: Path) -> None:
    put(
        source,
        "title.principals",
        CREDIT,
        CREDIT.replace("actress", "juggler"),
        CREDIT.replace("actress", "\\N"),
        CREDIT.replace("nm1", "\\N"),
        CREDIT.replace("tt1", ""),
        CREDIT.replace("tt1", "nm1"),
        CREDIT.replace("\t1\t", "\tfirst\t"),
    )
    file = load(source, "title.principals")
    assert file.dropped == {"no id as IMDb writes them": 3, "no ordering": 1, "unknown category": 2}
    put(source, "title.basics", TITLE, "\\N" + OTHER[3:])
    assert load(source).dropped == {"no id as IMDb writes them": 1}


def test_malformed_values_become_null_and_are_counted(source: Path) -> None:
    put(source, "title.basics", "tt1\tmovie\tOne\tOne\t2014\t99999\t1799\tlong\tDrama", OTHER)
    put(source, "title.ratings", "tt1\t77\t-3", "tt2\t10.0\t\\N")
    put(source, "name.basics", PERSON.replace("1950", "?"))
    expected = ("isAdult", "startYear", "endYear", "runtimeMinutes", "averageRating", "numVotes")
    assert load(source).repaired == {f"{name} malformed, made null": 1 for name in expected}
    assert load(source, "name.basics").repaired == {"birthYear malformed, made null": 1}
    title = rows(source, "Title")[0]
    assert all(title[name] is None for name in ("is_adult", "start_year", "end_year", "runtime_minutes", "num_votes"))
    assert column(source, "Title", "average_rating") == [None, 10.0]


def test_years_at_the_bounds_are_kept(source: Path) -> None:
    put(source, "title.basics", TITLE.replace("1999", "1800"), OTHER.replace("2000", "2200"))
    assert load(source).repaired == {}
    assert column(source, "Title", "start_year") == [1800, 2200]


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        (r'["A","B"]', ["A", "B"]),
        (r'["A", "B"]', ["A", "B"]),
        (r'"[""A"",""B""]"', ["A", "B"]),
        (r'["The \"Boss\""]', ['The "Boss"']),
        (r'"[""The \""Boss\""""]"', ['The "Boss"']),
        (r'["A \",","B"]', ['A ",', "B"]),
        (r'["Back\\slash","C\\"]', ["Back\\slash", "C\\"]),
        (r'["[Voice]","(x], y)"]', ["[Voice]", "(x], y)"]),
        (r'["Den (\Den\)"]', [r"Den (\Den\)"]),
        (r'["A,B","Ünï"]', ["A,B", "Ünï"]),
        ("[]", None),
        ("\\N", None),
    ],
)
def test_characters(source: Path, cell: str, names: list[str] | None) -> None:
    put(source, "title.principals", CREDIT.rpartition("\t")[0] + "\t" + cell)
    assert load(source, "title.principals").repaired == {}
    assert column(source, "ACTED_IN", "characters") == [names]


@pytest.mark.parametrize("cell", ["Boss", '["Boss', '{"a":"b"}'])
def test_characters_that_are_no_list(source: Path, cell: str) -> None:
    put(source, "title.principals", CREDIT.rpartition("\t")[0] + "\t" + cell)
    assert load(source, "title.principals").repaired == {"characters malformed, made null": 1}
    assert column(source, "ACTED_IN", "characters") == [None]


def test_a_file_of_several_batches(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loaders.tsv._BATCH_BYTES", 100)
    lines = [f"tt{number}\tmovie\tNümber {number}\tN\t0\t1999\t\\N\t90\tDrama" for number in range(50)]
    put(source, "title.basics", *lines, lines[3].replace("Nümber", "Again"))
    assert load(source).dropped == {"repeats an earlier row": 1}
    assert column(source, "Title", "title") == [f"Nümber {number}" for number in range(50)]
