"""Training from a script and from the command line: the run folder that it leaves, kills, and what is given wrongly."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gnn.config import ConfigError, parse_config
from gnn.publish import publish
from gnn.runs import RunError, as_toml, open_run
from gnn.scorer import TrainingError
from gnn.train import load_scorer, train
from graph.store import open_store
from loaders.load import load_sample

ROOT = Path(__file__).parents[2]
NATIONS = Path(os.environ.get("REELGRAPH_DATA", ROOT / "../shared/data")) / "link-prediction" / "nations"
COMMAND = [sys.executable, "-m", "reelgraph"]
SMALL = {"model": {"name": "DistMult", "dimension": 16}, "training": {"epochs": 4, "every": 2, "batch": 64}}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Tests run beside each other: more threads than cores wait for each other, spinning."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def url(tmp_path_factory) -> str:
    url = f"embedded:{tmp_path_factory.mktemp('train') / 'store'}"
    store = open_store(url, create=True)
    load_sample(store)
    store.close()
    return url


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Triples with a rule in them: everyone likes what the next one likes."""
    folder = tmp_path_factory.mktemp("triples")
    rows = [f"p{one}\t{relation}\tp{(one + step) % 40}" for one in range(40)
            for relation, step in (("next", 1), ("after", 2), ("before", 39))]  # fmt: skip
    for part, every in (("test", rows[::10]), ("valid", rows[5::10])):
        (folder / f"{part}.txt").write_text("\n".join(every) + "\n")
    rest = [row for number, row in enumerate(rows) if number % 5]
    (folder / "train.txt").write_text("\n".join(rest) + "\n")
    return folder


@pytest.fixture(scope="module")
def trained(url, tmp_path_factory):
    """A run on the sample graph, by the function that scripts call."""
    told: list[tuple[str, float]] = []
    run = train(parse_config({"name": "small", **SMALL}), url, runs=tmp_path_factory.mktemp("runs"),
                progress=lambda what, share: told.append((what, share)))  # fmt: skip
    return run, told


def command(*arguments, **options):
    return subprocess.run([*COMMAND, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, **options)


# A run


def test_run_folder_has_all_its_parts(trained, url):
    run, _ = trained
    names = {path.relative_to(run.folder).as_posix() for path in run.folder.rglob("*") if path.is_file()}
    assert names >= {
        "config.toml", "run.json", "trace.jsonl", "metrics.json", "model.safetensors", "vectors.npy", "entities.arrow",
        "MODEL_CARD.md", "plots/loss.png", "plots/validation_mrr.png", "plots/mrr_by_relation.png", "plots/map.png",
    }  # fmt: skip
    assert "checkpoint.safetensors" not in names
    record = run.record
    assert (record["state"], record["epochs"]) == ("finished", 4)
    assert set(record["versions"]) >= {"python", "torch", "pykeen", "numpy"}
    assert record["seeds"] == {"run": 0, "split": 0}
    assert re.fullmatch(r"[0-9a-f]{16}", record["graph_hash"])
    assert str(Path.cwd()) not in (run.folder / "run.json").read_text()
    assert [line["number"] for line in run.trace()] == [1, 2, 3, 4]
    assert [line["mrr"] is None for line in run.trace()] == [True, False, True, False]
    assert run.vectors().shape == (record["entities"], 16)
    assert len(run.vocabulary().entities) == record["entities"]
    store = open_store(url)
    assert record["graph_hash"] == store.info().details["graph_hash"]
    store.close()


def test_metrics_stand_beside_the_baseline(trained):
    run, _ = trained
    metrics = run.metrics()
    for whose in ("model", "popularity"):
        assert metrics["test"][whose]["queries"] == 2 * run.record["triples"]["test"]
        assert 0 <= metrics["test"][whose]["mrr"] <= 1
    for part in ("by_relation", "by_degree"):
        asked = [one["model"]["queries"] for one in metrics[part].values()]
        assert sum(asked) == metrics["test"]["model"]["queries"]
    card = (run.folder / "MODEL_CARD.md").read_text("utf-8")
    for heading in ("# small", "## Use", "## Data", "### Leaks", "## Quality", "## By relation", "## Limits"):
        assert f"\n{heading}\n" in f"\n{card}"
    assert f"| model | {metrics['test']['model']['mrr']:.3f} |" in card
    assert f"| popularity | {metrics['test']['popularity']['mrr']:.3f} |" in card


def test_progress_says_how_fast_and_how_long(trained):
    _, told = trained
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    (last,) = [what for what, _ in told if what.startswith("epoch 4/4")]
    assert re.fullmatch(r"epoch 4/4, loss [\d.]+, MRR [\d.]+, [\d,]+ triples/s, 0:00 left", last)


def test_the_scorer_is_read_back(trained):
    run, _ = trained
    np.testing.assert_array_equal(load_scorer(run).entity_vectors(), run.vectors())


def test_what_was_trained_can_be_published(trained, url):
    run, _ = trained
    store = open_store(url)
    publish(run, store)
    ids = [name.removeprefix("Title:") for name in run.vocabulary().entities if name.startswith("Title:")]
    assert store.get_embeddings("embedding", ids)[0] == ids
    assert store.search_vector("embedding", store.get_embeddings("embedding", ids[:1])[1][0], 5)
    store.close()


def test_the_same_seed_gives_the_same_figures(folder, tmp_path):
    config = parse_config({"name": "same", "graph": {"folder": str(folder)}, **SMALL})
    one, other = (train(config, runs=tmp_path) for _ in range(2))
    assert (one.name, other.name) == ("same", "same-2")
    assert one.metrics() == other.metrics()
    assert one.record["data_hash"] == other.record["data_hash"]


# Kills


def test_a_killed_run_goes_on_to_the_same_figures(folder, tmp_path):
    config = {"graph": {"folder": str(folder)}, "model": {"name": "ComplEx", "dimension": 32},
              "training": {"epochs": 60, "every": 5, "batch": 8, "patience": 0}}  # fmt: skip
    path = tmp_path / "killed.toml"
    path.write_text(as_toml(parse_config({"name": "killed", **config})))
    runs = tmp_path / "runs"
    arguments = [*COMMAND, "train", str(path), "--runs", str(runs)]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not (runs / "killed" / "checkpoint.safetensors").exists() and process.poll() is None:
            time.sleep(0.01)
        assert open_run(runs / "killed").state == "training"
        process.send_signal(signal.SIGKILL)
    broken = open_run(runs / "killed")
    assert broken.state == "unfinished"
    assert 0 < len(broken.trace()) < 60
    listed = command("runs", "--runs", runs)
    assert "killed was broken off; go on: reelgraph train" in listed.stdout
    resumed = train(path, runs=runs, resume=True)
    whole = train(parse_config({"name": "whole", **config}), runs=runs)
    assert resumed.folder == broken.folder
    assert [line["number"] for line in resumed.trace()] == list(range(1, 61))
    assert resumed.metrics() == whole.metrics()
    np.testing.assert_array_equal(resumed.vectors(), whole.vectors())
    with pytest.raises(RunError, match="nothing to resume"):
        train(path, runs=runs, resume=True)


def test_a_run_does_not_go_on_with_other_data(folder, tmp_path):
    other = tmp_path / "triples"
    other.mkdir()
    for path in folder.iterdir():
        (other / path.name).write_text(path.read_text())
    diverging = {"learning_rate": 1e30, "epochs": 50, "every": 1, "batch": 8, "patience": 0, "loss": "bce"}
    config = parse_config({"name": "other", "graph": {"folder": str(other)}, "training": diverging})
    with pytest.raises(TrainingError):
        train(config, runs=tmp_path)
    run = open_run(tmp_path / "other")
    run.checkpoint.save(1, {"x": np.zeros(1)}, {})
    (other / "train.txt").write_text((other / "train.txt").read_text() + "p1\tnext\tp5\n")
    with pytest.raises(RunError, match="begun on another graph or other data"):
        train(config, runs=tmp_path, resume=True)


# What is given wrongly, and what goes wrong


def test_unknown_names_are_answered_by_the_nearest(tmp_path, folder):
    with pytest.raises(ConfigError, match="did you mean epochs"):
        parse_config({"training": {"epoch": 3}})
    config = parse_config({"graph": {"folder": str(folder)}, "model": {"name": "ComplX"}})
    with pytest.raises(ConfigError, match="no model 'ComplX'; did you mean ComplEx"):
        train(config, runs=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_loss_that_is_no_number_is_said_and_noted(folder, tmp_path):
    wild = {"learning_rate": 1e30, "epochs": 50, "every": 1, "batch": 8, "patience": 0, "loss": "bce"}
    config = parse_config({"name": "wild", "graph": {"folder": str(folder)}, "training": wild})
    with pytest.raises(TrainingError, match=r"epoch \d+, batch \d+.*training.learning_rate"):
        train(config, runs=tmp_path)
    run = open_run(tmp_path / "wild")
    assert run.state == "failed"
    assert "learning_rate" in run.record["problem"]


_HUGE = """
import resource, sys
from pathlib import Path
from gnn.config import parse_config
from gnn.train import train
resource.setrlimit(resource.RLIMIT_AS, (2**36, 2**36))
train(parse_config({"graph": {"folder": sys.argv[1]}, "model": {"dimension": 2_000_000_000}}), runs=Path(sys.argv[2]))
"""


def test_too_little_memory_names_the_settings_to_lower(folder, tmp_path):
    done = subprocess.run([sys.executable, "-c", _HUGE, folder, tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert re.search(r"TrainingError: .*memory.*model\.dimension", done.stderr), done.stderr[-2000:]


def test_commands_end_as_they_should(folder, url, tmp_path):
    missing = command("train", tmp_path / "none.toml")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert re.fullmatch(r"reelgraph: there is no configuration .*none.toml.*\n", missing.stderr)
    nothing = command("publish", "none", "--runs", tmp_path, "--store", url)
    assert (nothing.returncode, nothing.stderr.count("\n")) == (2, 1)
    assert "none is no run" in nothing.stderr
    (tmp_path / "few.toml").write_text(as_toml(parse_config({"name": "few", **SMALL})))
    done = command("train", tmp_path / "few.toml", "--runs", tmp_path / "runs", "--store", url, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["run"] == str(tmp_path / "runs" / "few")
    published = command("publish", "few", "--runs", tmp_path / "runs", "--store", url, "--json")
    assert published.returncode == 0, published.stderr
    assert json.loads(published.stdout)["provenance"]["run"] == "few"
    listed = json.loads(command("runs", "few", "--runs", tmp_path / "runs", "--json").stdout)
    assert [row["name"] for row in listed["runs"]] == ["few"]


def test_nothing_heavy_is_imported_before_it_is_needed():
    heavy = {"torch", "pykeen", "dgl", "sklearn", "matplotlib", "gnn.runs"}
    code = f"import sys, reelgraph; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_without_the_libraries_training_says_what_to_install(folder, tmp_path):
    code = f"""
import sys
sys.path[:] = [{str(ROOT)!r}, *[p for p in sys.path if 'site-packages' not in p], {str(tmp_path / "site")!r}]
from gnn.config import parse_config
from gnn.train import train
train(parse_config({{"graph": {{"folder": {str(folder)!r}}}}}))
"""
    (tmp_path / "site").mkdir()
    packages = Path(np.__file__).parents[1]
    for path in packages.iterdir():  # all that is installed, but for what the extra brings
        if not re.match(r"(torch|pykeen|dgl|safetensors|matplotlib|sklearn)", path.name):
            (tmp_path / "site" / path.name).symlink_to(path)
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert "NotInstalled: torch and pykeen must be installed for this: pip install 'reelgraph[train]'" in done.stderr


@pytest.mark.realdata
def test_nations_has_its_floor(tmp_path):
    if not NATIONS.is_dir():
        pytest.skip(f"{NATIONS} is absent; REELGRAPH_DATA names the data folder")
    config = parse_config({"name": "nations", "graph": {"folder": str(NATIONS)},
                           "training": {"epochs": 40, "batch": 256}})  # fmt: skip
    found = train(config, runs=tmp_path).metrics()
    assert found["test"]["model"]["mrr"] >= 0.60
    assert found["test"]["model"]["mrr"] > found["test"]["popularity"]["mrr"]
