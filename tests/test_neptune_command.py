"""`reelgraph export neptune` and `reelgraph load --bulk` as people and scripts meet them."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from graph.store import open_store
from loaders.load import load_sample
from tests.servers.neptune_cluster import ROLE

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "loaders" / "sample"


def reelgraph(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reelgraph", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, **options)  # type: ignore[call-overload]


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    place = f"embedded:{tmp_path_factory.mktemp('sample') / 'store'}"
    store = open_store(place, create=True)
    load_sample(store)
    store.close()
    return place


def test_an_export_says_how_it_is_loaded(url, tmp_path):
    folder = tmp_path / "it's here"
    done = reelgraph("export", "neptune", str(folder), "--store", url, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["path"], told["format"], told["counts"]["Title"]) == (str(folder), "gremlin", 263)
    assert all((folder / name).is_file() for name in told["files"])
    assert told["bytes"] == sum((folder / name).stat().st_size for name in told["files"])

    # The printed commands, run by a shell in which `aws` only says how it was called.
    printed = reelgraph("export", "neptune", str(folder), "--store", url, "--format", "opencypher").stdout
    script = printed.partition("To load them into a Neptune that is empty:\n")[2]
    called = subprocess.run(
        ["bash", "-c", f'aws() {{ printf "%q " "$@"; echo; }}\n{script}'], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    copy, *starts = map(shlex.split, called)
    assert copy[:5] == ["s3", "cp", str(folder), "s3://BUCKET/PREFIX", "--recursive"]
    assert "export.json" not in copy
    assert [words[words.index("--source") + 1] for words in starts] == [
        f"s3://BUCKET/PREFIX/{part}/" for part in ("nodes", "relationships", "release")
    ]
    for words in starts:
        assert {"--user-provided-edge-ids", "--queue-request", "--iam-role-arn"} <= set(words)
        assert words[words.index("--format") + 1] == "opencypher"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["export", "neptune", "x", "--format", "rdf"], "'rdf' is none; take gremlin or opencypher"),
        (["load", "--imdb", "x", "--bulk", "s3://b", "--iam-role", ROLE], "has no bulk loader, Neptune alone has"),
    ],
)
def test_what_is_wrong_is_said(url, options, says):
    done = reelgraph(*options, "--store", url)
    assert done.returncode == 2
    assert says in done.stderr


def test_a_load_through_the_bucket_is_told_and_done(cluster):
    words = ["load", "--imdb", str(SAMPLE), "--catalog", f"{SAMPLE}/catalog-north.csv:north", "--store", cluster.url]
    done = reelgraph(*words, "--bulk", "s3://films/graph")
    assert done.returncode == 2
    assert "--bulk needs --iam-role ARN" in done.stderr

    bulk = ["--bulk", "s3://films/graph", "--iam-role", ROLE]
    done = reelgraph(*words, *bulk)
    assert done.returncode == 0, done.stderr
    (id_,) = cluster.jobs
    assert f"Neptune's loader job {id_}: " in done.stdout
    assert "Version 000001" in done.stdout
    done = reelgraph(*words, "--bulk", "s3://films/graph", "--json", env={**os.environ, "REELGRAPH_IAM_ROLE": ROLE})
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["bulk"]["job"] == [*cluster.jobs][1]
    assert told["bulk"]["records"] == cluster.jobs[told["bulk"]["job"]].records
    assert (told["version"], cluster.s3.objects) == ("000002", {})
    found = reelgraph("search", "toy story", "--store", cluster.url, "--json")
    assert json.loads(found.stdout)["hits"], found.stderr


def test_ctrl_c_says_what_became_of_the_job(cluster):
    cluster.hold = True
    command = [sys.executable, "-m", "reelgraph", "load", "--imdb", str(SAMPLE), "--store", cluster.url]
    command += ["--bulk", "s3://films/graph", "--iam-role", ROLE]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        end = time.monotonic() + 90
        while not any(job.looks > 2 for job in [*cluster.jobs.values()]):
            assert time.monotonic() < end
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    (id_,) = cluster.jobs
    assert f"reelgraph: interrupted; Neptune's loader job {id_} was cancelled; rows that it has loaded stay" in said
    assert "what was there before is unchanged" not in said
    assert cluster.jobs[id_].status == "LOAD_CANCELLED_BY_USER"
    assert cluster.s3.objects == {}
