"""The command line as people and scripts meet it: answers, exit codes, one line for what is wrong, and nothing else."""

from __future__ import annotations

import gzip
import http.server
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import networkx as nx
import pytest

import reelgraph
from graph.store import Scope, open_store
from graph.tables import GraphTables
from loaders.download import IMDB_FILES, IMDB_HEADERS
from loaders.synthetic import write_synthetic

ROOT = Path(__file__).parents[1]
PROGRESS = re.compile(r"(Loading|Exporting): .+, \d+%\n")  # on a busy machine anything may take two seconds
COMMAND = [sys.executable, "-m", "reelgraph"]
FILES = {
    "title.basics": [
        "tconst titleType primaryTitle originalTitle isAdult startYear endYear runtimeMinutes genres",
        "tt0000001|movie|Paper Lanterns|Paper Lanterns|0|2001|\\N|125|Animation,Drama",
        "tt0000002|movie|Night Ferry|Nachtfähre|0|2010|\\N|90|Drama",
        "tt0000003|movie|The Glass Harbour|The Glass Harbour|0|1995|\\N|101|Crime,Drama",
        "tt0000004|movie|Velvet Rooms|Velvet Rooms|1|1985|\\N|80|Drama",
        "tt0000005|tvEpisode|Slack Tide|Slack Tide|0|2012|\\N|44|Drama",
    ],
    "title.ratings": ["tconst averageRating numVotes", "tt0000001|8.6|90000", "tt0000002|6.1|300"],
    "title.principals": [
        "tconst ordering nconst category job characters",
        'tt0000001|1|nm0000001|actor|\\N|["Captain"]',
        "tt0000001|2|nm0000002|director|\\N|\\N",
        "tt0000002|1|nm0000002|director|\\N|\\N",
        "tt0000003|1|nm0000002|writer|\\N|\\N",
    ],
    "name.basics": [
        "nconst primaryName birthYear deathYear primaryProfession knownForTitles",
        "nm0000001|Bo Lund|1961|\\N|actor|tt0000001",
        "nm0000002|Chie Mori|\\N|\\N|director,writer|tt0000001,tt0000002",
    ],
}
CATALOG = """item_id,tconst,title,regions,available_from,available_until
n2,tt0000002,Night Ferry,US|GB,,
n3,tt0000003,The Glass Harbour,,2026-01-01,2026-12-31
n4,tt0000004,Velvet Rooms,,,
"""


@dataclass(frozen=True)
class Done:
    """What a command gave back."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """What it printed, which is JSON and nothing else."""
        assert (self.code, self.err) == (0, "")
        return json.loads(self.out)


@pytest.fixture
def cli(monkeypatch):
    """Run a command through `reelgraph.main`, in this process."""

    def run(*arguments):
        out, err = io.StringIO(), io.StringIO()
        monkeypatch.setattr(sys, "argv", ["reelgraph", *map(str, arguments)])
        before = signal.getsignal(signal.SIGTERM)
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as left:
            reelgraph.main()
        signal.signal(signal.SIGTERM, before)
        return Done(left.value.code or 0, out.getvalue(), PROGRESS.sub("", err.getvalue()))

    return run


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with IMDb's files and a catalog."""
    folder = tmp_path_factory.mktemp("files")
    for name, (header, *rows) in FILES.items():
        lines = [header.replace(" ", "\t"), *(row.replace("|", "\t") for row in rows)]
        (folder / f"{name}.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "films.csv").write_text(CATALOG, "utf-8")
    return folder


@pytest.fixture(scope="module")
def url(files, tmp_path_factory):
    """A store that a command loaded."""
    url = f"embedded:{tmp_path_factory.mktemp('cli') / 'store'}"
    load = [*COMMAND, "load", "--imdb", files, "--catalog", f"{files / 'films.csv'}:north", "--store", url]
    done = subprocess.run(load, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, PROGRESS.sub("", done.stderr)) == (0, "")
    assert "Catalog north: 3 items, 3 matched (3 by tconst)" in done.stdout
    assert re.search(r"Version 000001: 4 Title, 2 Person, 3 OFFERS", done.stdout)
    assert re.search(r"title\.basics\.tsv +5 +4 +1 kind of title not chosen", done.stdout)
    return url


@pytest.fixture(autouse=True)
def environment(monkeypatch, url):
    monkeypatch.setenv("REELGRAPH_STORE", url)


# Answers


def test_load_says_what_it_did_as_json(cli, files, tmp_path):
    done = cli(
        "load", "--imdb", files, "--catalog", files / "films.csv", "--store", f"embedded:{tmp_path}", "--json"
    ).json
    assert (done["version"], done["counts"]["Title"], done["counts"]["OFFERS"]) == ("000001", 4, 3)
    assert done["imdb"]["files"][0]["file"] == "title.basics.tsv"
    assert set(done["imdb"]["missing"]) == {"title.crew", "title.akas", "title.episode"}
    (catalog,) = done["catalogs"]
    assert (catalog["slug"], catalog["items"], catalog["matched"]) == ("films", 3, {"tconst": 3})


def test_options_of_load(cli, files, tmp_path):
    choices = [
        "--kinds",
        "movie,tvEpisode",
        "--min-votes",
        "0",
        "--no-adult",
        "--credits",
        "DIRECTED",
        "--no-alternates",
    ]
    done = cli("load", "--imdb", files, *choices, "--store", f"embedded:{tmp_path}", "--json").json
    counts = done["counts"]
    assert (counts["Title"], counts["DIRECTED"], "ACTED_IN" in counts) == (4, 2, False)
    few = cli("load", "--imdb", files, "--min-votes", 1000, "--store", f"embedded:{tmp_path}", "--json").json
    assert few["counts"]["Title"] == 1


def test_info(cli, url):
    held = cli("info", "--json").json
    assert (held["url"], held["version"], held["catalogs"]) == (url, "000001", {"north": 3})
    assert held["counts"]["Title"] == 4
    assert held["top_genres"] == {"Drama": 4, "Animation": 1, "Crime": 1}
    told = cli("info")
    assert (told.code, told.err) == (0, "")
    assert re.search(rf"{url}: version 000001.*Title +4", told.out, re.DOTALL)


def test_doctor(cli, url, tmp_path):
    checked = cli("doctor", "--json").json
    assert checked["ok"] is True
    assert {"check": "store", "state": "ok", "detail": f"{url}, version 000001"} in checked["checks"]
    assert cli("doctor").code == 0
    nothing = cli("doctor", "--store", f"embedded:{tmp_path / 'none'}", "--json").json
    assert [one["state"] for one in nothing["checks"] if one["check"] == "store"] == ["absent"]
    (tmp_path / "manifest.json").write_text("{")
    (tmp_path / "live.sqlite").write_bytes(b"")
    damaged = cli("doctor", "--store", f"embedded:{tmp_path}", "--json")
    assert (damaged.code, damaged.err) == (1, "")
    found = json.loads(damaged.out)
    assert found["ok"] is False
    assert ["wrong" for one in found["checks"] if "cannot be read" in one["detail"]] == ["wrong"]
    assert "wrong" in cli("doctor", "--store", f"embedded:{tmp_path}").out


def test_search_as_json_has_the_agreed_shape(cli):
    answer = cli(
        "search", "paper", "lanterns", "--catalog", "north", "--region", "US", "--on", "2026-11-21", "--json"
    ).json
    hits = answer.pop("hits")
    assert re.fullmatch("content-[0-9a-f]{16}", answer["versions"].pop("substitutes"))
    assert answer == {
        "query": "paper lanterns", "status": "out_of_catalog", "catalog": "north", "region": "US", "on": "2026-11-21",
        "versions": {"graph": "000001"}, "strategy": "fold-in-series",
    }  # fmt: skip
    (hit,) = hits
    substitutes, match = hit.pop("substitutes"), hit.pop("match")
    assert {name: hit[name] for name in ("id", "kind", "title", "start_year", "in_catalog", "available")} == {
        "id": "tt0000001", "kind": "movie", "title": "Paper Lanterns", "start_year": 2001, "in_catalog": False,
        "available": False,
    }  # fmt: skip
    assert 0 < match.pop("confidence") <= 1
    assert match == {"text": "Paper Lanterns", "type": "primary", "region": None, "language": None}
    assert {(one["id"], one["item_id"]) for one in substitutes} == {("tt0000002", "n2"), ("tt0000003", "n3")}
    for one in substitutes:
        assert set(one) >= {"id", "item_id", "title", "start_year", "score", "evidence"}
        for reason in one["evidence"]:
            assert (reason["path"][0], reason["path"][-1]) == ("tt0000001", one["id"])
            assert set(reason) >= {"kind", "weight", "text", "path"}
    assert any("Chie Mori" in reason["text"] for one in substitutes for reason in one["evidence"])


@pytest.mark.parametrize(
    ("arguments", "status", "offered"),
    [
        (["night ferry", "--region", "US"], "in_catalog", {"tt0000003"}),
        (["night ferry", "--region", "BR"], "out_of_catalog", {"tt0000003"}),
        (["tt0000002", "--on", "2027-01-01"], "in_catalog", set()),
        (["paper lanterns", "--on", "2027-01-01"], "out_of_catalog", {"tt0000002"}),
        (["paper lanterns", "--substitutes", "1", "--on", "2026-06-01"], "out_of_catalog", 1),
        (["velvet rooms"], "unknown", set()),
        (["velvet rooms", "--adult", "--substitutes", "0"], "in_catalog", set()),
        (["zzzzqqqq xxxxyyyy"], "unknown", set()),
    ],
)
def test_search_keeps_to_what_may_be_shown(cli, arguments, status, offered):
    answer = cli("search", *arguments, "--json").json
    assert answer["status"] == status
    found = {one["id"] for hit in answer["hits"] for one in hit["substitutes"]}
    assert (len(found) if isinstance(offered, int) else found) == offered
    told = cli("search", *arguments)
    assert (told.code, told.err) == (0, "")
    words = {
        "in_catalog": "In this catalog",
        "out_of_catalog": "Not in this catalog",
        "unknown": "No title, person, genre or keyword of that name",
    }
    assert words[status] in told.out or "not there on that day" in told.out


def test_similar_and_explain(cli):
    found = cli("similar", "tt0000001", "--catalog", "north", "--on", "2026-06-01", "--json").json
    assert found["id"] == "tt0000001"
    assert {one["id"] for one in found["similar"]} == {"tt0000002", "tt0000003"}
    everything = cli("similar", "tt0000002", "--everything", "--limit", 1, "--json").json
    assert len(everything["similar"]) == 1
    assert "Night Ferry" in cli("similar", "tt0000001", "--region", "US").out
    paths = cli("explain", "tt0000001", "nm0000002", "--json").json
    assert (paths["from"], paths["to"]) == ("tt0000001", "nm0000002")
    assert ["tt0000001", "DIRECTED", "nm0000002"] in [one["path"] for one in paths["evidence"]]
    assert "DIRECTED" in cli("explain", "tt0000001", "nm0000002").out


def test_export_parquet_loads_back_equal(cli, url, tmp_path):
    done = cli("export", "parquet", tmp_path / "out", "--json").json
    assert done["path"] == str(tmp_path / "out")
    tables = GraphTables.open(tmp_path / "out")
    tables.verify()
    assert tables.manifest.counts == done["counts"]
    copy, original = open_store(f"embedded:{tmp_path / 'copy'}", create=True), open_store(url)
    copy.load_tables(tables)

    def contents(store):
        counts = {name: count for name, count in store.info().counts.items() if count}
        return {
            name: sorted(
                (row for batch in scan(name) for row in batch.to_pylist()),
                key=lambda row: [row.get(key, "") for key in ("id", "head", "tail", "key")],
            )
            for name in counts
            for scan in (store.scan_nodes if name[1].islower() else store.scan_relationships,)
        }

    assert contents(copy) == contents(original)
    assert contents(copy)["OFFERS"][0]["item_id"] == "n2"
    copy.close()
    original.close()


def test_export_graphml_opens_in_networkx(cli, tmp_path):
    done = cli("export", "graphml", tmp_path / "graph.graphml", "--titles", 2, "--json").json
    drawn = nx.read_graphml(tmp_path / "graph.graphml", force_multigraph=True)
    assert (drawn.number_of_nodes(), drawn.number_of_edges()) == tuple(done["counts"].values())
    assert drawn.nodes["tt0000001"]["title"] == "Paper Lanterns"
    assert drawn.nodes["nm0000002"]["label"] == "Person"
    assert "DIRECTED" in {edge["type"] for edge in drawn.get_edge_data("nm0000002", "tt0000001").values()}
    assert "tt0000004" not in drawn  # adult


def test_rollback(cli, files, tmp_path):
    url = f"embedded:{tmp_path}"
    for kinds in ("movie", "tvEpisode"):
        cli("load", "--imdb", files, "--kinds", kinds, "--store", url, "--json")
    assert cli("info", "--store", url, "--json").json["counts"]["Title"] == 1
    assert cli("rollback", "--store", url, "--json").json == {"version": "000001"}
    assert cli("info", "--store", url, "--json").json["counts"]["Title"] == 4
    assert "version 000002 again" in cli("rollback", "--to", "000002", "--store", url).out


def test_demo(cli, tmp_path):
    done = cli("demo", "--no-serve", "--store", f"embedded:{tmp_path}")
    assert (done.code, done.err) == (0, "")
    assert "$ reelgraph search toy story" in done.out
    assert f"export REELGRAPH_STORE=embedded:{tmp_path}" in done.out


def test_download(cli, tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    for name in IMDB_FILES:
        (site / name).write_bytes(gzip.compress((IMDB_HEADERS[name].replace(" ", "\t") + "\n").encode()))

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(site))

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        first = cli("download", tmp_path / "imdb", "--url", address, "--json")
        again = cli("download", tmp_path / "imdb", "--url", address)
        (site / IMDB_FILES[2]).unlink()
        missing = cli("download", tmp_path / "other", "--url", address)
        server.shutdown()
        thread.join()
    assert "non-commercial use only" in first.err
    assert [one["kept"] for one in json.loads(first.out)] == [False] * len(IMDB_FILES)
    assert again.out.count("unchanged") == len(IMDB_FILES)
    assert f"Next: reelgraph load --imdb {tmp_path / 'imdb'}" in again.out
    assert sorted(path.name for path in (tmp_path / "imdb").glob("*.gz")) == sorted(IMDB_FILES)
    assert missing.code == 1
    assert missing.err.splitlines()[-1].startswith(f"reelgraph: {IMDB_FILES[2]}: ")


# What is wrong


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("search toy --catalog nope", r"no catalog 'nope'; there are: north"),
        ("search toy --region 1X", r"'1X' is not a country code; write it as US .*search --help"),
        ("search toy --on 2026-13-01", r"'2026-13-01' is not a day; write it as 2026-11-21"),
        ("search toy --hits 0", r"--hits.*greater than or equal to 1"),
        ("search toy --substitutes 1000", r"--substitutes"),
        ("search", r"Missing argument .*search --help"),
        ("similar tt9999999", r"no title 'tt9999999' .*search for its name"),
        ("similar nm0000001", r"no title 'nm0000001'"),
        ("similar tt0000001 --catalog nope", r"no catalog 'nope'"),
        ("explain tt9999999 tt0000001", r"no title or person 'tt9999999'"),
        ("load", r"--imdb DIR.*--catalog FILE"),
        ("load --imdb NONE", r"is not a folder; give the one that holds title\.basics"),
        ("load --imdb EMPTY", r"holds no title\.basics"),
        ("load --imdb FILES --kinds film", r"no kind of title 'film'; there are movie, short"),
        ("load --imdb FILES --kinds ,", r"no kind of title is chosen"),
        ("load --imdb FILES --credits KISSED", r"no credit 'KISSED'; there are DIRECTED"),
        ("load --imdb FILES --min-votes -1", r"--min-votes"),
        ("load --imdb FILES --engine spork", r"no engine 'spork'"),
        ("load --catalog NONE/films.csv", r"films\.csv cannot be read"),
        ("load --catalog FILES/title.basics.tsv", r"is no catalog: its name must end with \.csv"),
        ("load --catalog FILES/films.csv:No!", r"'No!' is no slug"),
        ("load --catalog FILES/films.csv --catalog FILES/films.csv", r"2 catalogs have the slug 'films'"),
        ("load --feedback NONE", r"is no table that can be read"),
        ("load --feedback FILES", r"holds no ratings\.csv"),
        ("load --texts FILES/films.csv", r"has the columns .*; it needs tconst, and text or keywords"),
        ("rollback --to 000099", r"no version '000099'; it keeps 000001"),
        ("export parquet FILES", r"is not empty; export into a new folder"),
        ("export parquet FILES/films.csv", r"films\.csv' is a file"),
        ("export graphml EMPTY", r"empty' is a directory"),
        ("export neo4j-admin FILES", r"holds something else than an export for neo4j-admin"),
        ("info --store embedded:NONE", r"there is no store at .*; make one with: reelgraph load"),
        ("play", r"No such command 'play'.*see: reelgraph --help"),
        ("info --loud", r"No such option: --loud"),
    ],
)
def test_what_was_given_wrongly_is_one_line_and_exit_code_2(cli, files, tmp_path, command, says):
    (tmp_path / "empty").mkdir()
    places = {"FILES": files, "NONE": tmp_path / "none", "EMPTY": tmp_path / "empty", "OUT": tmp_path / "out"}
    arguments = [re.sub("FILES|NONE|EMPTY|OUT", lambda m: str(places[m[0]]), word) for word in command.split()]
    done = cli(*arguments)
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(rf"reelgraph: .*{says}.*\n", done.err), done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty"]


def test_an_unknown_engine_was_given_wrongly(cli):
    assert cli("info", "--store", "paper:here").code == 2


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("rollback", r"keeps no version before 000001"),
        ("download TMP --url http://127.0.0.1:1/ --json", r"name\.basics\.tsv\.gz: .*refused"),
        ("load --imdb FILES --store embedded:FILES/films.csv", r"films\.csv is no folder; name one"),
        ("info --store embedded:DAMAGED", r"manifest\.json cannot be read"),
    ],
)
def test_what_went_wrong_is_one_line_and_exit_code_1(cli, files, tmp_path, monkeypatch, command, says):
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)  # a download tries again, later each time
    (tmp_path / "live.sqlite").write_bytes(b"")
    (tmp_path / "manifest.json").write_text("no JSON")
    places = {"FILES": files, "TMP": tmp_path / "imdb", "DAMAGED": tmp_path}
    arguments = [re.sub("FILES|TMP|DAMAGED", lambda m: str(places[m[0]]), word) for word in command.split()]
    done = cli(*arguments)
    assert (done.code, done.out) == (1, "")
    assert re.fullmatch(rf"reelgraph: .*{says}.*", done.err.splitlines()[-1]), done.err
    assert "Traceback" not in done.err


# Help


def test_help_is_the_table_of_contents(cli):
    for arguments in ([], ["--help"]):
        done = cli(*arguments)
        assert (done.code, done.err) == (0, "")
        for command in (
            "demo",
            "download",
            "load",
            "info",
            "doctor",
            "search",
            "similar",
            "explain",
            "rollback",
            "export",
        ):
            assert re.search(rf"^  {command}  +[A-Z]", done.out, re.MULTILINE), command


@pytest.mark.parametrize(
    ("command", "mentions"),
    [
        ("demo", ["--store", "--no-serve"]),
        ("download", ["FOLDER", "--url", "IMDb's terms", "--json"]),
        ("load", ["--imdb", "--catalog", "FILE[:SLUG]", "--kinds", "--min-votes", "--engine", "--store", "--json"]),
        ("load", ["--feedback", "DIR|FILE", "--texts"]),
        ("info", ["--store", "--json"]),
        ("doctor", ["--store", "--json", "exit code 1"]),
        (
            "search",
            ["--hits", "--substitutes", "--catalog", "--region", "--on", "--adult", "REELGRAPH_STORE", "toy story"],
        ),
        ("similar", ["ID", "--limit", "--everything", "--catalog"]),
        ("explain", ["FROM", "TO", "--limit"]),
        ("rollback", ["--to", "VERSION"]),
        ("export", ["parquet", "graphml", "neo4j-admin"]),
    ],
)
def test_help_of_every_command(cli, command, mentions):
    done = cli(command, "--help")
    assert (done.code, done.err) == (0, "")
    text = " ".join(done.out.split()).lower()
    assert [word for word in mentions if word.lower() not in text] == []


# Interruptions


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Files that take a second or two to load."""
    folder = tmp_path_factory.mktemp("many")
    write_synthetic(folder, titles=20_000, gzip=False)
    return folder


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("stage", ["while files are read", "while the version is built"])
def test_an_interrupted_load_leaves_the_last_good_version_and_nothing_else(files, many, tmp_path, sent, stage):
    store, temporary = tmp_path / "store", tmp_path / "temporary"
    temporary.mkdir()
    url, catalog = f"embedded:{store}", files / "films.csv"
    environment = os.environ | {"TMPDIR": str(temporary), "REELGRAPH_STORE": url}
    options = {"cwd": ROOT, "env": environment, "text": True}
    load = [*COMMAND, "load", "--catalog", str(catalog), "--imdb"]
    assert subprocess.run([*load, str(files)], **options, capture_output=True, check=False).returncode == 0
    before = sorted(path for path in store.rglob("*") if not path.name.startswith("live"))

    begun = (temporary, "reelgraph-load-*/*/title.basics") if "read" in stage else (store, "versions/*.partial/nodes/*")
    with subprocess.Popen([*load, str(many)], **options, stdout=-1, stderr=-1) as process:
        while process.poll() is None and not next(begun[0].glob(begun[1]), None):
            time.sleep(0.002)
        process.send_signal(sent)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, ""), err
    assert PROGRESS.sub("", err) == "reelgraph: interrupted; what was there before is unchanged\n"
    assert list(temporary.iterdir()) == []
    assert sorted(path for path in store.rglob("*") if not path.name.startswith("live")) == before
    held = open_store(url)
    assert (held.info().version, held.offered(Scope("films")).num_rows) == ("000001", 2)
    held.close()


def test_only_json_on_standard_output_while_progress_is_shown(many, tmp_path):
    load = [*COMMAND, "load", "--imdb", str(many), "--store", f"embedded:{tmp_path}", "--json"]
    done = subprocess.run(load, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, PROGRESS.sub("", done.stderr)) == (0, "")
    assert json.loads(done.stdout)["version"] == "000001"
